"""The command line: ``graphembed fit | neighbors | links | evaluate | rank | ask | info | ...``."""

from graphembed.cli.entry import app, main

__all__ = ["app", "main"]
