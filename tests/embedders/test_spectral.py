from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from graphembed import Graph
from graphembed.datasets.synthetic import rmat
from graphembed.embedders.spectral import Spectral
from graphembed.store.writing import write_graph
from graphembed.testing import graphs


def exact(graph: Graph, n_components: int, tau: float, exponent: float) -> np.ndarray:
    """Formula of the docstring by LAPACK; rows not normalised, signs as ours."""
    matrix = graph.to_scipy().toarray().astype(float)
    degrees = matrix.sum(axis=1)
    shifted = degrees + tau * degrees[degrees > 0].mean()
    scale = np.where(degrees > 0, shifted, np.inf) ** -0.5
    values, vectors = np.linalg.eigh(scale[:, None] * matrix * scale)
    values, vectors = values[::-1][:n_components], vectors[:, ::-1][:, :n_components]
    vectors = vectors * np.where(vectors.max(axis=0) >= -vectors.min(axis=0), 1, -1)
    return vectors * values**exponent


@pytest.mark.parametrize("exponent", [0.0, 1.0])
@pytest.mark.parametrize("tau", [0.0, 0.5])
def test_formula(exponent: float, tau: float) -> None:
    graph = rmat(8, 8, random_state=0)
    options = {"exponent": exponent, "regularization": tau, "tol": 1e-6}
    options |= {"max_restarts": 50, "random_state": 0}
    found = Spectral(5, normalize=False, **options).fit(graph)
    expected = exact(graph, 5, tau, exponent)
    if tau == 0:  # two components: eigenvalue 1 comes more than once
        kept = found.eigenvalues_ < 0.999
        found_rows, expected = found.embedding_[:, kept], expected[:, kept]
    else:
        found_rows = found.embedding_
    np.testing.assert_allclose(found_rows, expected, atol=1e-3)
    unit = Spectral(5, **options).fit_transform(graph)
    norms = np.linalg.norm(unit, axis=1)
    np.testing.assert_allclose(norms[graph.degrees > 0], 1, rtol=1e-5)
    assert not unit[graph.degrees == 0].any()


def test_random_walk_scales_rows() -> None:
    graph = graphs.two_cliques()
    options = {"normalize": False, "random_state": 0}
    plain = Spectral(2, **options).fit(graph)
    walk = Spectral(2, normalization="random_walk", **options).fit_transform(graph)
    factors = (graph.degrees + plain.shift_) ** -0.5
    np.testing.assert_allclose(walk, factors[:, None] * plain.embedding_, rtol=1e-4)


def test_new_nodes_by_one_product() -> None:
    """A fitted row gets its own bits; a multiple of it, without regularisation, the same place."""
    matrix = graphs.two_cliques().to_scipy()
    model = Spectral(3, random_state=0).fit(matrix)
    np.testing.assert_array_equal(model.transform(matrix), model.embedding_)
    np.testing.assert_array_equal(model.transform(matrix[[3]]), model.embedding_[[3]])
    dense = 3 * matrix[[5, 3]].toarray()
    np.testing.assert_allclose(model.transform(dense), model.embedding_[[5, 3]], atol=1e-5)
    assert not model.transform(sp.csr_array((1, 24))).any()


def test_components_fall_apart() -> None:
    """Of many components each gets directions of its own; the small ones do not get them all."""
    pairs = [(40 * c + i, 40 * c + j) for c in range(3) for i in range(40) for j in range(i)]
    pairs += [(1000 + 2 * i, 1001 + 2 * i) for i in range(200)]
    graph = Graph.from_edges(*zip(*pairs, strict=True))
    rows = Spectral(3, random_state=0).fit(graph).vectors_[[0, 1, 40, 41, 80, 81]]
    np.testing.assert_allclose(rows @ rows.T, np.kron(np.eye(3), np.ones((2, 2))), atol=1e-3)


def test_directions_count_half_each() -> None:
    graph = graphs.weighted_digraph()
    model = Spectral(4, random_state=0).fit(graph)
    dense = graph.to_scipy().toarray()
    both = Graph.from_scipy((dense + dense.T) / 2, directed=False)
    np.testing.assert_allclose(
        model.embedding_, Spectral(4, random_state=0).fit_transform(both), atol=1e-5
    )
    np.testing.assert_array_equal(model.transform(dense), model.embedding_)
    changed = dense[[0]] + (np.arange(20) == 7)
    placed = model.transform(changed)
    assert np.isfinite(placed).all()
    assert not np.array_equal(placed, model.embedding_[[0]])


def test_more_components_than_positive_eigenvalues() -> None:
    model = Spectral(40, exponent=0.5, random_state=0).fit(graphs.two_cliques())
    assert model.embedding_.shape == (24, 40)
    used = model.embedding_.any(axis=0)
    np.testing.assert_array_equal(used, model.eigenvalues_ > 1e-4)
    assert 2 <= used.sum() < 24


@pytest.mark.parametrize("weight", [1e-30, 3e37])
def test_weights_of_any_size(weight: float) -> None:
    """A factor on all weights changes nothing."""
    matrix = graphs.weighted_digraph().to_scipy().astype(np.float64)
    plain = Spectral(4, random_state=0).fit_transform(matrix)
    found = Spectral(4, random_state=0).fit_transform(matrix * weight)
    np.testing.assert_allclose(found, plain, atol=1e-3)


def test_same_bits_at_any_thread_count() -> None:
    graph = rmat(11, 8, random_state=0)
    models = [Spectral(20, n_jobs=n, random_state=0).fit(graph) for n in (1, 3)]
    for name in ("embedding_", "basis_"):
        np.testing.assert_array_equal(*(getattr(model, name) for model in models))
    np.testing.assert_array_equal(models[0].transform(graph.to_scipy()), models[0].embedding_)


@pytest.mark.parametrize(
    "graph", [rmat(9, 8, random_state=0), graphs.weighted_digraph(), graphs.with_isolated_node()]
)
def test_a_store_gives_the_same_bits(graph: Graph, tmp_path: Path) -> None:
    stored = write_graph(graph, tmp_path / "store", n_partitions=3)
    models = [Spectral(6, random_state=0).fit(g) for g in (graph, stored)]
    for name in ("embedding_", "basis_", "row_keys_"):
        np.testing.assert_array_equal(*(getattr(model, name) for model in models))


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_components", 0), ("normalization", "none"), ("regularization", -1.0), ("tol", 0.0),
     ("exponent", "a"), ("normalize", 2), ("n_jobs", 1.5), ("random_state", -1)],
)  # fmt: skip
def test_bad_parameters(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        Spectral(**{name: value}).fit(graphs.two_cliques())
