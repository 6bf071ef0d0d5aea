"""Tiny graphs with known answers."""

from collections.abc import Iterable
from itertools import combinations

import numpy as np
import numpy.typing as npt

from graphembed.graph.graph import Graph

CLIQUE = 12


def two_cliques(*, features: bool = False) -> Graph:
    """Return two cliques, a0 .. a11 and b0 .. b11, joined by the edge a0 - b0.

    With features each node has random ones, those of :func:`node_features`.
    """
    pairs = [
        (f"{side}{i}", f"{side}{j}") for side in "ab" for i, j in combinations(range(CLIQUE), 2)
    ]
    sources, targets = zip(*pairs, ("a0", "b0"), strict=True)
    graph = Graph.from_edges(list(sources), list(targets))
    return graph.with_features(node_features(graph.nodes)) if features else graph


def node_features(nodes: Iterable[str]) -> npt.NDArray[np.float32]:
    """Return random features of each node, which depend on its name alone."""
    rows = [np.random.default_rng(list(str(node).encode())).standard_normal(32) for node in nodes]
    return np.asarray(rows, dtype=np.float32)


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


def tree_closure(n_nodes: int, n_children: int = 3) -> Graph:
    """Return the transitive closure of a complete tree: each node to all its ancestors."""
    parents = (np.arange(n_nodes) - 1) // n_children
    sources, targets, reached = [], [], parents
    while (reached >= 0).any():
        inside = np.flatnonzero(reached >= 0)
        sources.append(inside)
        targets.append(reached[inside])
        reached = np.where(reached >= 0, parents[reached], -1)
    return Graph.from_edges(
        np.concatenate(sources), np.concatenate(targets), nodes=range(n_nodes), directed=True
    )
