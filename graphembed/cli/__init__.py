"""The command line: ``graphembed fit | neighbors | info | datasets | quickstart``."""

from graphembed.cli.entry import app, main

__all__ = ["app", "main"]
