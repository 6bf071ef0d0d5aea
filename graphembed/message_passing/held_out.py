"""What is held out of training, to tell when to stop."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph
from graphembed.graph.splits import split_edges
from graphembed.message_passing.positives import keyed

Pairs = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]

# Fewer say too little: the standard error of an AUC is about 0.06 with 25 pairs of each kind.
FEWEST_EDGES = 25
FEWEST_NODES = 25
MOST_EDGES = 10_000  # more say no more, and take longer
_EDGES, _NODES = 4, 5  # what a key is for


class HeldOutEdges(NamedTuple):
    """Edges that are not trained on, and non-edges.

    Attributes
    ----------
    train : Graph
        Without these edges.
    pairs : ndarray of shape (n_pairs, 2), int64
        Rows.
    labels : ndarray of shape (n_pairs,), int8
        1 for an edge.
    """

    train: Graph
    pairs: Pairs
    labels: npt.NDArray[np.int8]


def hold_out_edges(graph: Graph, share: float, seed: int) -> HeldOutEdges | None:
    """Hold out a share of the edges; None if these would be too few to tell anything.

    Parameters
    ----------
    graph : Graph
    share : float
    seed : int
    """
    n_held = min(int(share * graph.n_edges), MOST_EDGES)
    if n_held < FEWEST_EDGES:
        return None
    try:
        split = split_edges(graph, test_size=n_held, random_state=keyed(seed, _EDGES))
    except GraphError:  # a forest, which would fall apart, or a graph of edges alone
        return None
    pairs = graph.node_index.rows(split.test_pairs.ravel()).reshape(-1, 2)
    return HeldOutEdges(split.train, pairs, split.test_labels)


def hold_out_nodes(codes: Rows, share: float, seed: int) -> tuple[Rows, Rows]:
    """Part labelled nodes into those to train on and those to validate with.

    Parameters
    ----------
    codes : ndarray of shape (n_nodes,), int64
        Class of each node, -1 if it has no label.
    share : float
    seed : int

    Returns
    -------
    train, held_out : ndarray of int64
        Rows, ascending. Every class gives its share but keeps one node to train on; nobody is held
        out if these were too few.
    """
    labelled = np.flatnonzero(codes >= 0)
    order = labelled[keyed(seed, _NODES).permutation(len(labelled))]
    order = order[np.argsort(codes[order], kind="stable")]
    # Of nodes sorted by class, every so many-th: each class in proportion.
    steps = np.floor((np.arange(len(order)) + 0.5) * share)
    chosen = np.diff(steps, prepend=0.0) > 0
    first = np.diff(codes[order], prepend=-1) > 0
    kept = np.flatnonzero(chosen & first)
    instead = kept + 1  # the next of the class, if there is one
    instead = instead[instead < len(order)]
    instead = instead[~first[instead] & ~chosen[instead]]
    chosen[kept], chosen[instead] = False, True
    if share * len(labelled) - (len(kept) - len(instead)) < FEWEST_NODES:
        return labelled, labelled[:0]
    return np.sort(order[~chosen]), np.sort(order[chosen])
