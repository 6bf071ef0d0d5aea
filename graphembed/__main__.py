"""``python -m graphembed`` is the command ``graphembed``."""

from graphembed.cli import main

if __name__ == "__main__":
    main()
