import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

import graphembed as ge
from graphembed.compose.spectral_propagation import SpectralPropagation
from graphembed.datasets.synthetic import stochastic_block_model
from graphembed.factorization.spectral_filter import scale_rows
from graphembed.testing import graphs, reference


def vectors(n: int, d: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, d))


@pytest.mark.parametrize("normalize", [False, True])
def test_formula(normalize: bool) -> None:
    graph = graphs.weighted_digraph()
    X = vectors(graph.n_nodes, 5)
    dense = graph.to_scipy().toarray().astype(np.float64)
    start = scale_rows(X.copy()) if normalize else X
    smooth = reference.spectral_filter(dense, start, 10, 0.2, 0.5)
    U, s, _ = np.linalg.svd(dense / dense.sum(axis=1, keepdims=True) @ smooth, full_matrices=False)
    expected = scale_rows(U * np.sqrt(s)) if normalize else U * np.sqrt(s)
    found = SpectralPropagation(graph, normalize=normalize).fit_transform(X)
    expected *= np.sign(np.sum(expected * found, axis=0))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_transform_is_fit_transform() -> None:
    graph = graphs.two_cliques()
    X = vectors(graph.n_nodes, 6).astype(np.float32)
    before = X.copy()
    step = SpectralPropagation(graph).fit(X)
    np.testing.assert_array_equal(step.transform(X), SpectralPropagation(graph).fit_transform(X))
    np.testing.assert_array_equal(X, before)
    assert step.components_.shape == (6, 6)


def test_noisy_vectors_become_better() -> None:
    """Vectors that hardly tell the blocks apart tell them apart after the filter."""
    p = np.full((3, 3), 0.01) + np.eye(3) * 0.3
    graph = stochastic_block_model([60] * 3, p, random_state=0).graph
    blocks = graph.nodes // 60
    noisy = np.eye(3)[blocks] + vectors(graph.n_nodes, 3)

    def share_of_own(rows: np.ndarray) -> float:
        near = ge.Vectors(graph.nodes, rows.astype(np.float32)).neighbors(graph.nodes, k=5).ids
        return float(np.mean(near // 60 == blocks[:, None]))

    assert share_of_own(noisy) < 0.5
    assert share_of_own(SpectralPropagation(graph).fit_transform(noisy)) > 0.9


def test_after_an_embedder_in_a_pipeline() -> None:
    graph = graphs.two_cliques()
    pipeline = make_pipeline(ge.FastRP(n_components=8, random_state=0), SpectralPropagation(graph))
    found = clone(pipeline).fit_transform(graph)
    assert found.shape == (24, 8)
    fastrp = ge.FastRP(n_components=8, random_state=0).fit_transform(graph)
    np.testing.assert_array_equal(found, SpectralPropagation(graph).fit_transform(fastrp))
    assert pipeline.fit(graph)[-1].get_feature_names_out().shape == (8,)


def test_isolated_nodes_and_dependent_columns() -> None:
    graph = graphs.with_isolated_node()
    X = np.repeat(vectors(4, 1), 3, axis=1)
    found = SpectralPropagation(graph).fit_transform(X)
    assert not found[3].any()
    assert not found[:, 1:].any()


def test_same_bits_at_any_thread_count() -> None:
    graph = ge.datasets.synthetic.rmat(10, 8, random_state=0)
    X = vectors(graph.n_nodes, 20)
    found = [SpectralPropagation(graph, n_jobs=n).fit_transform(X) for n in (1, 2, 5)]
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_errors() -> None:
    graph = graphs.two_cliques()
    with pytest.raises(ValueError, match="one row for each of the 24 nodes"):
        SpectralPropagation(graph).fit(np.ones((5, 2)))
    with pytest.raises(NotFittedError):
        SpectralPropagation(graph).transform(np.ones((24, 2)))
    with pytest.raises(ValueError, match="theta"):
        SpectralPropagation(graph, theta=-1).fit(np.ones((24, 2)))
    with pytest.raises(ValueError, match="graph"):
        SpectralPropagation(graph.to_scipy()).fit(np.ones((24, 2)))
    signed = ge.Graph.from_edges([0, 1], [1, 2], [1.0, -1.0])
    with pytest.raises(ValueError, match="non-negative"):
        SpectralPropagation(signed).fit(np.ones((3, 2)))
