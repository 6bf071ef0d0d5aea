"""Data sets: real graphs that the literature reports on, and seeded synthetic ones.

A few small graphs are bundled. The others are read from the folder that the environment variable
``GRAPHEMBED_DATA`` names, or downloaded once from their public source into a cache; checksums,
licences and citations are in the catalog.

>>> from graphembed import datasets
>>> datasets.load("karate").graph
Graph(n_nodes=34, n_edges=78, undirected, unweighted)
"""

if __name__ != "graphembed.datasets":
    raise ImportError(
        "The folder 'datasets' is source, not a package of its own: import graphembed.datasets."
    )

from graphembed.datasets import synthetic
from graphembed.datasets.dataset import Dataset
from graphembed.datasets.loading import describe, load, names

__all__ = ["Dataset", "describe", "load", "names", "synthetic"]
