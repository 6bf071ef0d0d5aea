from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import graphembed as ge
from graphembed.datasets.synthetic import stochastic_block_model
from graphembed.embedders.prone import ProNE
from graphembed.factorization.spectral_filter import scale_rows
from graphembed.store.writing import write_graph
from graphembed.testing import graphs, reference


def blocks(directed: bool = False) -> ge.Graph:
    p = np.full((3, 3), 0.01) + np.eye(3) * 0.15
    graph = stochastic_block_model([60] * 3, p, random_state=0).graph
    return ge.Graph.from_scipy(graph.to_scipy(), directed=True) if directed else graph


def slow_prone(dense: np.ndarray, d: int) -> np.ndarray:
    """Formula of the docstring, in float64, with whole decompositions."""
    degrees = dense.sum(axis=1, keepdims=True)
    transition = dense / degrees
    noise = transition.sum(axis=0) ** 0.75
    ratios = transition / (noise / noise.sum())
    proximity = np.log(ratios, out=np.zeros_like(ratios), where=dense > 0)
    U, s, _ = np.linalg.svd(proximity)
    factor = scale_rows(U[:, :d] * np.sqrt(s[:d]))
    smooth = transition @ reference.spectral_filter(dense, factor, 10, 0.2, 0.5)
    U, s, _ = np.linalg.svd(smooth, full_matrices=False)
    return scale_rows(U * np.sqrt(s))


@pytest.mark.parametrize("d", [5, 16])
def test_formula(d: int) -> None:
    graph = graphs.weighted_digraph()
    found = ProNE(d, n_iter=40, random_state=0).fit_transform(graph)
    expected = slow_prone(graph.to_scipy().toarray().astype(np.float64), d)
    expected *= np.sign(np.sum(expected * found, axis=0))
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_exactly_inductive() -> None:
    """Any row of the fitted matrix gets the bits of its node, wherever it stands."""
    matrix = graphs.weighted_digraph().to_scipy()
    model = ProNE(16, random_state=0).fit(matrix)
    np.testing.assert_array_equal(model.transform(matrix[[5, 3]]), model.embedding_[[5, 3]])
    scaled = model.transform(3 * matrix[[3]])  # only the shares of the weights count
    np.testing.assert_allclose(scaled, model.embedding_[[3]], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("directed", [False, True])
def test_blocks_are_found(directed: bool) -> None:
    graph = blocks(directed)
    near = ProNE(8, random_state=0).fit(graph).vectors_.neighbors(graph.nodes, k=5).ids
    assert np.mean(near // 60 == (graph.nodes // 60)[:, None]) > 0.95


def test_hidden_nodes_are_placed_like_fitted_ones() -> None:
    graph = blocks()
    hidden = np.arange(0, graph.n_nodes, 10)
    known = np.setdiff1d(graph.nodes, hidden)
    adjacency = graph.to_scipy()
    model = ProNE(8, random_state=0).fit(adjacency[known][:, known])
    placed = model.transform(adjacency[hidden][:, known])
    scores = placed @ model.embedding_.T
    nearest = known[np.argsort(-scores, axis=1)[:, :5]]
    assert np.mean(nearest // 60 == (hidden // 60)[:, None]) > 0.95


def test_a_factor_on_all_weights_changes_nothing() -> None:
    graph = graphs.weighted_digraph()
    matrix = graph.to_scipy()
    expected = ProNE(6, random_state=0).fit_transform(graph)
    for factor in (8.0, 1e30):
        found = ProNE(6, random_state=0).fit_transform(matrix * np.float32(factor))
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_rows_have_norm_one_or_zero() -> None:
    found = ProNE(8, random_state=0).fit_transform(graphs.with_isolated_node())
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 1, 1, 0], rtol=1e-6)


def test_many_components() -> None:
    """Sixty triangles: nodes of one are the same, and there is no row of zeros or NaN."""
    first = 3 * np.arange(60)
    ends = np.concatenate([[first, first + 1], [first + 1, first + 2], [first + 2, first]], axis=1)
    rows = ProNE(60, random_state=0).fit_transform(ge.Graph.from_edges(*ends)).reshape(60, 3, 60)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=2), 1, rtol=1e-5)
    similar = np.einsum("gik,gjk->gij", rows, rows)
    np.testing.assert_allclose(similar, 1, atol=1e-3)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1e30])
def test_a_store_gives_the_same_bits(directed: bool, scale: float, tmp_path: Path) -> None:
    matrix = graphs.weighted_digraph().to_scipy() * np.float32(scale)
    graph = ge.Graph.from_scipy(matrix if directed else matrix + matrix.T)
    assert graph.directed is directed
    stored = write_graph(graph, tmp_path / "store", n_partitions=3)
    models = [ProNE(6, random_state=0).fit(g) for g in (graph, stored)]
    for name in ("embedding_", "basis_", "singular_values_"):
        np.testing.assert_array_equal(*(getattr(model, name) for model in models))


def test_directions_are_followed() -> None:
    """Nodes are what their edges lead to: 0 and 1 alike, and zero for 4, where edges end."""
    graph = ge.Graph.from_edges([0, 0, 1, 1, 2, 3, 3], [2, 3, 2, 3, 0, 1, 4], directed=True)
    rows = ProNE(4, random_state=0).fit_transform(graph)
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 1, 1, 0], rtol=1e-5)
    assert not np.allclose(ProNE(4, random_state=0).fit_transform(graph.reverse()), rows)


def test_more_components_than_nodes_leave_columns_of_zeros() -> None:
    model = ProNE(64, random_state=0).fit(graphs.two_cliques())
    assert model.embedding_.shape == model.basis_.shape == (24, 64)
    assert not model.embedding_[:, 24:].any()
    assert (np.diff(model.singular_values_) <= 0).all()


@given(st.integers(0, 2**16), st.integers(1, 70), st.booleans(), st.booleans())
@settings(max_examples=15)
def test_same_bits_at_any_thread_count(
    seed: int, n_components: int, weighted: bool, symmetric: bool
) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 60))
    matrix = sp.random_array((n, n), density=0.2, rng=rng, format="csr", dtype=np.float32)
    if not weighted:
        matrix.data[:] = 1
    if symmetric:
        matrix = sp.csr_array(matrix + matrix.T)
    results = [
        ProNE(n_components, n_jobs=n_jobs, random_state=seed).fit_transform(matrix)
        for n_jobs in (1, 2, 5)
    ]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])
    if symmetric:  # an undirected graph of the same edges takes another way to the same bits
        graph = ge.Graph.from_scipy(matrix, directed=False)
        other = ProNE(n_components, random_state=seed).fit_transform(graph)
        np.testing.assert_array_equal(results[0], other)


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_components", 0), ("order", 0), ("mu", np.inf), ("theta", 0), ("n_iter", -1),
     ("n_jobs", 0), ("random_state", -1)],
)  # fmt: skip
def test_bad_parameters(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        ProNE(**{name: value}).fit(graphs.two_cliques())
