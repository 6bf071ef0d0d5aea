"""Nearest neighbours of vectors."""

from graphembed.neighbors.exact import exact_neighbors, row_norms

__all__ = ["exact_neighbors", "row_norms"]
