"""The command line: ``graphembed fit | neighbors | info | datasets | quickstart``."""

from graphembed.cli.app import app, main

__all__ = ["app", "main"]
