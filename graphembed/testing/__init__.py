"""Checks and tiny graphs for those who write embedders, and slow twins of all kernels."""

from graphembed.testing.checks import CHECKS, check_embedder

__all__ = ["CHECKS", "check_embedder"]
