"""Graphs with features, handed over as arrays; work that is done again with other seeds."""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
from harness.contender import Job

PARTS = ("indptr", "indices", "data")


def graph_arrays(graphs: Sequence[Any]) -> dict[str, Any]:
    """Return what :func:`graph_of` reads; features that graphs share are there once.

    Parameters
    ----------
    graphs : sequence of Graph
        Undirected, with sparse features.
    """
    arrays: dict[str, Any] = {"n_graphs": np.array(len(graphs))}
    for number, graph in enumerate(graphs):
        matrices = {"": graph.adjacency}
        first = graphs[0].features
        if number == 0 or not np.shares_memory(graph.features.data, first.data):
            matrices["x_"] = graph.features
            arrays[f"x_shape-{number}"] = np.array(graph.features.shape)
        for prefix, matrix in matrices.items():
            for part in PARTS:
                arrays[f"{prefix}{part}-{number}"] = getattr(matrix, part)
    return arrays


def adjacency_of(arrays: Mapping[str, Any], number: int = 0) -> Any:
    """Return the adjacency matrix of one of the graphs, a csr_array."""
    import scipy.sparse as sp

    indptr, indices, data = (arrays[f"{part}-{number}"] for part in PARTS)
    n_nodes = len(indptr) - 1
    return sp.csr_array((data, indices, indptr), shape=(n_nodes, n_nodes))


def features_of(arrays: Mapping[str, Any], number: int = 0) -> Any:
    """Return the features of one of the graphs, a csr_array of shape (n_nodes, n_features)."""
    import scipy.sparse as sp

    number = number if f"x_shape-{number}" in arrays else 0
    indptr, indices, data = (arrays[f"x_{part}-{number}"] for part in PARTS)
    return sp.csr_array((data, indices, indptr), shape=tuple(arrays[f"x_shape-{number}"]))


def scaled_features(arrays: Mapping[str, Any], number: int = 0) -> Any:
    """Return features whose rows sum to 1, dense; rows of zeros stay."""
    rows = features_of(arrays, number).toarray()
    sums = rows.sum(axis=1, keepdims=True)
    return rows / np.where(sums > 0, sums, 1)


def graph_of(arrays: Mapping[str, Any], number: int = 0) -> Any:
    """Return one of the graphs, undirected."""
    import graphembed as ge

    matrix, features = adjacency_of(arrays, number), features_of(arrays, number)
    return ge.Graph.from_scipy(matrix, directed=False, features=features)


def graphs_of(arrays: Mapping[str, Any]) -> list[Any]:
    """Return all of the graphs."""
    return [graph_of(arrays, number) for number in range(int(arrays["n_graphs"]))]


def in_turn(work: Callable[[int], Any], n_runs: int) -> Job:
    """Return the job whose calls do ``work(0)``, ``work(1)``, ...; it hands back all results.

    Examples
    --------
    >>> job = in_turn(lambda number: [number, 7], n_runs=2)
    >>> [job.run() for _ in range(3)]  # the third does work(0) again
    [None, None, None]
    >>> job.finish(None).tolist()
    [[0, 7], [1, 7]]
    """
    numbers, found = count(), {}

    def run() -> None:
        number = next(numbers) % n_runs
        found[number] = work(number)

    return Job(run, lambda _: np.stack([found[number] for number in sorted(found)]))
