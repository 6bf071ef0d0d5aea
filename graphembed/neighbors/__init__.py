"""Nearest neighbours of vectors."""

from graphembed.neighbors.exact import GEOMETRIES, exact_neighbors, row_norms

__all__ = ["GEOMETRIES", "exact_neighbors", "row_norms"]
