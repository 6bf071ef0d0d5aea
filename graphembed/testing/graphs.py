"""Tiny graphs with known answers."""

from itertools import combinations

import numpy as np

from graphembed.graph.graph import Graph

CLIQUE = 12


def two_cliques() -> Graph:
    """Return two cliques, a0 .. a11 and b0 .. b11, joined by the edge a0 - b0."""
    pairs = [
        (f"{side}{i}", f"{side}{j}") for side in "ab" for i, j in combinations(range(CLIQUE), 2)
    ]
    sources, targets = zip(*pairs, ("a0", "b0"), strict=True)
    return Graph.from_edges(list(sources), list(targets))


def weighted_digraph() -> Graph:
    """Return a directed, weighted graph of 20 nodes where every node has an edge out."""
    rng = np.random.default_rng(0)
    matrix = rng.random((20, 20)) * (rng.random((20, 20)) < 0.3)
    matrix[np.arange(20), (np.arange(20) + 1) % 20] = 1.5
    return Graph.from_scipy(matrix.astype(np.float32), directed=True)


def with_isolated_node() -> Graph:
    """Return a triangle 0, 1, 2 and the isolated node 3."""
    return Graph.from_edges([0, 1, 2], [1, 2, 0], nodes=[0, 1, 2, 3])


def without_edges() -> Graph:
    """Return three nodes and no edge."""
    return Graph.from_edges([], [], nodes=["x", "y", "z"])


def one_node() -> Graph:
    """Return one node and no edge."""
    return Graph.from_edges([], [], nodes=[0])
