import numpy as np
import pytest
import scipy.sparse as sp

import graphembed as ge
from graphembed.graph.graph import Graph
from graphembed.message_passing import messages, new_nodes, structure
from graphembed.message_passing.features import FeatureEncoder
from graphembed.message_passing.new_nodes import (
    FittedGraph,
    mean_features,
    stacked_rows,
    without_edges,
)
from graphembed.training.folding import graph_keys

GRAPH = ge.Graph.from_edges([0, 1], [1, 2])
BLOCK = sp.csr_array(np.array([[0, 1, 1], [0, 0, 0]], dtype=np.float32))


def hearing(graph: Graph, block: sp.csr_array, rows: list[int]) -> tuple[list[list[float]], bool]:
    """Return what some rows hear, and whether it has weights."""
    fitted = FittedGraph(graph, "both", FeatureEncoder().fit(graph), graph_keys(graph))
    indptr, indices, weights = fitted.hear(block)(np.array(rows, dtype=np.int32))
    values = np.ones(len(indices), dtype=np.float32) if weights is None else weights
    dense = sp.csr_array((values, indices, indptr), shape=(len(rows), graph.n_nodes)).toarray()
    return dense.tolist(), weights is not None


def test_new_nodes_hear_and_are_not_heard() -> None:
    everyone = np.vstack([GRAPH.to_scipy().toarray(), BLOCK.toarray()])
    for rows in ([0, 1, 2, 3, 4], [3, 1], [2], [4], [4, 0, 3]):
        assert hearing(GRAPH, BLOCK, rows) == (everyone[rows].tolist(), False)


def test_weights_of_either_make_both_weighted() -> None:
    weighted = ge.Graph.from_edges([0, 1], [1, 2], [2.0, 3.0])
    assert hearing(weighted, BLOCK, [3, 1]) == ([[0, 1, 1], [2, 0, 3]], True)
    assert hearing(GRAPH, 2 * BLOCK, [1, 3]) == ([[1, 0, 1], [0, 2, 2]], True)


def test_features_are_means_by_weight() -> None:
    features = np.array([[1.0, 0.0], [2.0, 4.0], [6.0, 8.0]], dtype=np.float32)
    block = sp.csr_array(np.array([[0, 1, 3], [0, 0, 0]], dtype=np.float32))
    expected = [[5.0, 7.0], [0.0, 0.0]]
    dense = mean_features(block, GRAPH.with_features(features))
    np.testing.assert_allclose(dense, expected)
    assert dense.dtype == np.float32
    sparse = mean_features(block, GRAPH.with_features(sp.csr_array(features)))
    assert sp.issparse(sparse)
    np.testing.assert_allclose(sparse.toarray(), expected)
    assert mean_features(block, GRAPH) is None


def test_stacked_rows() -> None:
    both = np.vstack([BLOCK.toarray(), 5 * BLOCK.toarray()])
    for rows in ([3, 0, 2], [1], [2], [0, 1, 2, 3]):
        chosen = np.array(rows)
        dense = stacked_rows(BLOCK.toarray(), 5 * BLOCK.toarray(), chosen)
        np.testing.assert_array_equal(dense, both[chosen])
        sparse = stacked_rows(BLOCK, 5 * BLOCK, chosen)
        np.testing.assert_array_equal(sparse.toarray(), both[chosen])
        assert dense.dtype == sparse.dtype == np.float32


@pytest.mark.parametrize("features", ["graph", "both"])
@pytest.mark.parametrize("conv", ["sage", "gcn"])
def test_new_nodes_cost_what_is_around_them(
    conv: str, features: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first of them, no more is read of the graph."""
    rng = np.random.default_rng(0)
    ring = np.arange(3000)
    graph = ge.Graph.from_edges(
        [*ring, *ring], [*(ring + 1) % 3000, *(ring + 2) % 3000], directed=True,
        features=sp.csr_array(rng.standard_normal((3000, 4)).astype(np.float32)),
    )  # fmt: skip
    model = ge.GraphSAGE(
        4, hidden=4, conv=conv, features=features, n_epochs=1, random_state=0, n_jobs=1
    ).fit(graph)
    block = np.zeros((1, 3000), dtype=np.float32)
    block[0, [5, 700]] = 1
    expected = model.transform(block)

    read: list[int] = []

    def take_rows(indptr: np.ndarray, *rest: np.ndarray) -> tuple[np.ndarray, ...]:
        taken = messages.take_rows(indptr, *rest)
        read.append(len(taken[1]))
        return taken

    def refuse(*_: object) -> None:
        raise AssertionError("the whole graph is read again")

    monkeypatch.setattr(new_nodes, "take_rows", take_rows)
    monkeypatch.setattr(new_nodes, "listening", refuse)
    monkeypatch.setattr(structure.Edges, "of", refuse)
    monkeypatch.setattr(Graph, "to_undirected", refuse)
    np.testing.assert_array_equal(model.transform(block), expected)
    assert 0 < sum(read) < 400


def test_without_edges() -> None:
    graph = without_edges(3)
    assert (graph.n_nodes, graph.n_edges) == (3, 0)
    assert graph.nodes.tolist() == [0, 1, 2]
