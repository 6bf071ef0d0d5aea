from pathlib import Path

import numpy as np
import pytest

import graphembed as ge
from graphembed.datasets.synthetic import rmat, stochastic_block_model
from graphembed.embedders.netmf import NetMF
from graphembed.factorization.spectral_filter import scale_rows
from graphembed.factorization.window_matrix import WindowMatrix
from graphembed.store.writing import write_graph
from graphembed.testing import graphs, reference


def blocks() -> ge.Graph:
    p = np.full((3, 3), 0.01) + np.eye(3) * 0.15
    return stochastic_block_model([60] * 3, p, random_state=0).graph


def slow_netmf(dense: np.ndarray, d: int, window: int, n_negatives: float) -> np.ndarray:
    """Formula of the docstring, in float64, with whole decompositions."""
    logarithm = reference.netmf_matrix(dense, window, n_negatives)
    values, vectors = np.linalg.eigh(logarithm)
    chosen = np.argsort(-np.abs(values))[:d]
    return scale_rows(logarithm @ vectors[:, chosen] * np.abs(values[chosen]) ** -0.5)


def aligned(expected: np.ndarray, found: np.ndarray) -> np.ndarray:
    return expected * np.sign(np.sum(expected * found, axis=0))


@pytest.mark.parametrize(("window", "n_negatives"), [(1, 1), (2, 0.5), (3, 0.7)])
def test_exact_on_small_graphs(window: int, n_negatives: float) -> None:
    """As many eigenvectors as nodes: the matrix of the paper, by powers."""
    matrix = graphs.weighted_digraph().to_scipy()
    dense = ((matrix + matrix.T) / 2).toarray().astype(np.float64)
    model = NetMF(6, window=window, n_negatives=n_negatives, n_iter=60, random_state=0)
    found = model.fit_transform(matrix)
    expected = aligned(slow_netmf(dense, 6, window, n_negatives), found)
    np.testing.assert_allclose(found, expected, atol=5e-3)


@pytest.mark.parametrize("window", [1, 10])
def test_all_eigenvectors_are_exact_on_more_nodes_than_the_default_rank(window: int) -> None:
    """Of window 1 half of the sums of powers are negative, which a low rank leaves out."""
    graph = rmat(9, 6, random_state=0)  # 512 nodes, isolated ones among them
    model = NetMF(4, window=window, rank=None, random_state=0).fit(graph)
    assert model.factors_.shape == (512, 512)
    dense = graph.to_scipy().toarray().astype(np.float64)
    found = WindowMatrix(model.factors_, model.signs_).matmat(np.eye(512, dtype=np.float32))
    np.testing.assert_allclose(found, reference.netmf_matrix(dense, window, 1), atol=5e-3)


def test_low_rank_comes_near() -> None:
    graph = blocks()
    exact = NetMF(3, rank=None, random_state=0).fit_transform(graph)
    fewer = NetMF(3, rank=40, random_state=0).fit(graph)
    assert fewer.factors_.shape == (180, 40)
    assert fewer.signs_.min() >= 0
    similar = np.sum(aligned(fewer.embedding_, exact) * exact, axis=1)
    assert np.median(similar) > 0.99


def test_fitted_rows_are_recognised_and_new_ones_agree_with_them() -> None:
    graph = blocks()
    matrix = graph.to_scipy()
    model = NetMF(8, rank=60, random_state=0).fit(graph)
    np.testing.assert_array_equal(model.transform(matrix[[5, 3]]), model.embedding_[[5, 3]])
    scaled = model.transform(3 * matrix)  # not recognised; only the shares of the weights count
    np.testing.assert_allclose(scaled, model.embedding_, atol=1e-4)


def test_blocks_are_found_and_hidden_nodes_too() -> None:
    graph = blocks()
    hidden = np.arange(0, graph.n_nodes, 10)
    known = np.setdiff1d(graph.nodes, hidden)
    adjacency = graph.to_scipy()
    model = NetMF(8, rank=60, random_state=0).fit(adjacency[known][:, known])
    placed = model.transform(adjacency[hidden][:, known])
    for rows, nodes in [(model.embedding_, known), (placed, hidden)]:
        nearest = known[np.argsort(-rows @ model.embedding_.T, axis=1)[:, 1:6]]
        assert np.mean(nearest // 60 == (nodes // 60)[:, None]) > 0.95


def test_directions_are_averaged() -> None:
    graph = graphs.weighted_digraph()
    matrix = graph.to_scipy()
    both = ge.Graph.from_scipy((matrix + matrix.T) / 2)
    ours = [NetMF(6, random_state=0).fit_transform(g) for g in (graph, both)]
    np.testing.assert_array_equal(*ours)


def test_a_factor_on_all_weights_changes_nothing() -> None:
    matrix = graphs.weighted_digraph().to_scipy()
    expected = NetMF(6, random_state=0).fit_transform(matrix)
    for factor in (8.0, 1e30):
        found = NetMF(6, random_state=0).fit_transform(matrix * np.float32(factor))
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_zeros() -> None:
    """Rows of isolated nodes, and columns beyond the number of nodes."""
    found = NetMF(8, random_state=0).fit_transform(graphs.with_isolated_node())
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 1, 1, 0], rtol=1e-6)
    assert not found[:, 4:].any()
    assert not NetMF(8, random_state=0).fit_transform(graphs.without_edges()).any()


@pytest.mark.parametrize("directed", [False, True])
def test_a_store_gives_the_same_bits(directed: bool, tmp_path: Path) -> None:
    graph = graphs.weighted_digraph() if directed else rmat(9, 8, random_state=0)
    stored = write_graph(graph, tmp_path / "store", n_partitions=3)
    models = [NetMF(6, rank=30, random_state=0).fit(g) for g in (graph, stored)]
    for name in ("embedding_", "factors_", "basis_", "row_keys_"):
        np.testing.assert_array_equal(*(getattr(model, name) for model in models))


def test_many_components() -> None:
    """Sixty triangles: nodes of one are the same, nodes of two have nothing in common."""
    first = 3 * np.arange(60)
    ends = np.concatenate([[first, first + 1], [first + 1, first + 2], [first + 2, first]], axis=1)
    rows = NetMF(60, random_state=0).fit_transform(ge.Graph.from_edges(*ends))
    np.testing.assert_allclose(rows @ rows.T, np.kron(np.eye(60), np.ones((3, 3))), atol=1e-3)


def test_same_bits_at_any_thread_count() -> None:
    """1,024 nodes: several tiles."""
    graph = rmat(10, 8, random_state=0)
    matrix = graph.to_scipy()
    found = [NetMF(20, rank=40, n_jobs=n_jobs, random_state=0).fit(graph) for n_jobs in (1, 2, 5)]
    for model in found[1:]:
        np.testing.assert_array_equal(model.embedding_, found[0].embedding_)
        np.testing.assert_array_equal(model.transform(2 * matrix), found[0].transform(2 * matrix))


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_components", 0), ("window", 0), ("n_negatives", 0), ("rank", 0), ("n_iter", 0),
     ("n_jobs", 0), ("random_state", -1)],
)  # fmt: skip
def test_bad_parameters(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        NetMF(**{name: value}).fit(graphs.two_cliques())
