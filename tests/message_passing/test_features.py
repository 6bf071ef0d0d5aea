import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from graphembed import Graph, NodeIndex
from graphembed.exceptions import GraphError
from graphembed.graph.transforms import disjoint_union, subgraph
from graphembed.message_passing import features
from graphembed.message_passing.features import FeatureEncoder, moments
from graphembed.message_passing.structure import N_STRUCTURE, structural_features
from graphembed.testing.graphs import two_cliques

CLIQUES = two_cliques()
RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(1.0, (24, 6)).astype(np.float32)
SIGNED = RNG.normal(5.0, [1, 2, 3, 4], (24, 4)).astype(np.float32) - np.float32(4)


def test_counts_are_divided_by_their_sums() -> None:
    encoder = FeatureEncoder()
    dense = encoder.fit_transform(CLIQUES.with_features(COUNTS))
    assert (encoder.kind_, encoder.scaling_, encoder.n_columns_) == ("graph", "rows", 6)
    assert_allclose(dense, COUNTS / np.maximum(COUNTS.sum(axis=1, keepdims=True), 1), rtol=1e-6)
    sparse = encoder.fit_transform(CLIQUES.with_features(sp.csr_array(COUNTS)))
    assert isinstance(sparse, sp.csr_array)
    assert dense.dtype == sparse.dtype == np.float32
    assert_array_equal(sparse.toarray(), dense)


def test_signed_features_are_standardised() -> None:
    constant = np.hstack([SIGNED, np.full((24, 1), 0.1)])
    encoder = FeatureEncoder()
    found = encoder.fit_transform(CLIQUES.with_features(constant))
    assert encoder.scaling_ == "standard"
    assert_allclose(found[:, :4].mean(axis=0), 0, atol=1e-6)
    assert_allclose(found[:, :4].std(axis=0), 1, rtol=1e-6)
    assert_array_equal(found[:, 4], np.zeros(24))
    part = subgraph(CLIQUES.with_features(constant), [3, 5])
    assert_array_equal(encoder.transform(part), found[[3, 5]])


def test_sparse_features_keep_their_zeros() -> None:
    signed = np.where(COUNTS > 1, -COUNTS, COUNTS)
    graph = CLIQUES.with_features(sp.csr_array(signed))
    encoder = FeatureEncoder()
    found = encoder.fit_transform(graph)
    assert_allclose(found.toarray(), signed / signed.std(axis=0), rtol=1e-5)
    assert found.nnz == graph.features.nnz
    # One form of a graph's features or the other: the columns mean the same.
    assert_array_equal(encoder.transform(CLIQUES.with_features(signed)).toarray(), found.toarray())
    dense = FeatureEncoder().fit(CLIQUES.with_features(signed))
    assert_array_equal(dense.transform(graph), dense.transform(CLIQUES.with_features(signed)))


def test_what_is_not_scaled_is_not_copied() -> None:
    graph = CLIQUES.with_features(SIGNED)
    assert FeatureEncoder(scaling=None).fit_transform(graph) is graph.features
    by_rows = FeatureEncoder(scaling="rows").fit_transform(graph)
    assert_allclose(np.abs(by_rows).sum(axis=1), 1, rtol=1e-6)


def test_a_graph_without_features_has_structure() -> None:
    encoder = FeatureEncoder()
    found = encoder.fit_transform(CLIQUES)
    assert (encoder.kind_, encoder.scaling_, encoder.n_columns_) == ("structure", None, N_STRUCTURE)
    plain = structural_features(CLIQUES).astype(np.float64)
    varied = plain.std(axis=0) > 1e-9
    assert varied.tolist() == [True, True, True, False, True, True, True, True]
    expected = (plain - plain.mean(axis=0))[:, varied] / plain.std(axis=0)[varied]
    assert_allclose(found[:, varied], expected, rtol=1e-4, atol=1e-5)
    assert_array_equal(found[:, ~varied], np.zeros((24, 1)))
    assert_array_equal(encoder.transform(CLIQUES), found)
    star = Graph.from_edges([0] * 99, range(1, 100))
    assert np.abs(encoder.transform(star)).max() == 10


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_both_stand_side_by_side(form) -> None:
    graph = CLIQUES.with_features(form(COUNTS))
    encoder = FeatureEncoder("both")
    found = encoder.fit_transform(graph)
    sides = [FeatureEncoder(kind).fit_transform(graph) for kind in ("graph", "structure")]
    dense = [side.toarray() if sp.issparse(side) else side for side in (found, *sides)]
    assert sp.issparse(found) == sp.issparse(graph.features)
    assert found.dtype == np.float32
    assert_array_equal(dense[0], np.hstack(dense[1:]))
    assert encoder.n_columns_ == 6 + N_STRUCTURE


def test_several_graphs_are_one() -> None:
    parts = [CLIQUES.with_features(SIGNED), CLIQUES.with_features(2 * SIGNED)]
    encoder = FeatureEncoder("both").fit(parts)
    joined = FeatureEncoder("both").fit_transform(disjoint_union(parts))
    assert_allclose(
        np.vstack([encoder.transform(part) for part in parts]), joined, rtol=1e-5, atol=1e-6
    )


def test_new_nodes_have_the_features_they_would_have_in_the_graph() -> None:
    graph = CLIQUES.with_features(COUNTS)
    row = np.zeros((1, 24), dtype=np.float32)
    row[0, [0, 2, 13]] = 1
    dense = np.block([[graph.adjacency.toarray(), row.T], [row, np.zeros((1, 1))]])
    larger = Graph.from_scipy(dense, features=np.vstack([COUNTS, COUNTS[:1]]))
    encoder = FeatureEncoder("both").fit(graph)
    found = encoder.transform_block(sp.csr_array(row), graph, COUNTS[:1])
    assert_allclose(found, encoder.transform(larger)[-1:], rtol=1e-5)
    structure = FeatureEncoder("structure").fit(graph)
    assert structure.transform_block(sp.csr_array(row), graph).shape == (1, N_STRUCTURE)
    with pytest.raises(GraphError, match="New nodes need their 6 feature columns"):
        encoder.transform_block(sp.csr_array(row), graph)
    with pytest.raises(GraphError, match="Expected 6 feature columns as in fit, found 4"):
        encoder.transform_block(sp.csr_array(row), graph, SIGNED[:1])
    with pytest.raises(GraphError, match="n_nodes=1"):
        encoder.transform_block(sp.csr_array(row), graph, COUNTS)


@pytest.mark.parametrize("kind", ["graph", "structure", "both"])
def test_state_is_plain_and_complete(kind: str) -> None:
    graph = CLIQUES.with_features(SIGNED)
    encoder = FeatureEncoder(kind, n_jobs=1).fit(graph)
    state = encoder.get_state()
    assert {type(value) for value in state.values()} <= {str, int, bool, type(None), np.ndarray}
    again = FeatureEncoder.from_state(state)
    assert_array_equal(again.transform(graph), encoder.transform(graph))
    assert vars(again) == vars(encoder)


@given(st.integers(1, 40), st.integers(1, 7), st.integers(0, 2**32))
def test_moments_are_those_of_all_rows(n_rows: int, n_columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = rng.normal(3, 2, (n_rows, n_columns)) * (rng.random((n_rows, n_columns)) < 0.6)
    cut = rng.integers(0, n_rows + 1)
    for form in (np.asarray, sp.csr_array):
        mean, deviation = moments([form(whole[:cut]), form(whole[cut:])])
        assert_allclose(mean, whole.mean(axis=0), atol=1e-12)
        assert_allclose(deviation, whole.std(axis=0), atol=1e-12)


def test_chunks_change_no_bit(monkeypatch) -> None:
    graph = CLIQUES.with_features(SIGNED)
    encoder = FeatureEncoder().fit(graph)
    expected = encoder.transform(graph)
    monkeypatch.setattr(features, "CHUNK", 20)
    assert_array_equal(encoder.transform(graph), expected)
    assert_allclose(FeatureEncoder().fit_transform(graph), expected, rtol=1e-5, atol=1e-6)


def test_unusable_features_are_named() -> None:
    counted, signed = CLIQUES.with_features(COUNTS), CLIQUES.with_features(SIGNED)
    encoder = FeatureEncoder().fit(counted)
    with pytest.raises(GraphError, match="Expected 6 feature columns as in fit, found 4"):
        encoder.transform(signed)
    with pytest.raises(
        GraphError, match="Expected 6 feature columns as in fit, but this graph has"
    ):
        encoder.transform(CLIQUES)
    with pytest.raises(GraphError, match="Expected 6 feature columns as in fit, found 4"):
        FeatureEncoder().fit([counted, signed])
    for kind in ("auto", "graph", "both"):
        with pytest.raises(GraphError, match="1 of the 2 graphs have no node features"):
            FeatureEncoder(kind).fit([counted, CLIQUES])
    with pytest.raises(GraphError, match="1 of the 1 graphs have no node features"):
        FeatureEncoder("graph").fit(CLIQUES)
    with pytest.raises(GraphError, match="no columns"):
        FeatureEncoder().fit(CLIQUES.with_features(np.empty((24, 0))))
    with pytest.raises(GraphError, match="at least one graph"):
        FeatureEncoder().fit([])
    with pytest.raises(ValueError, match="Unknown kind 'degree' \\(known: 'auto', 'graph'"):
        FeatureEncoder("degree").fit(CLIQUES)
    with pytest.raises(ValueError, match="Unknown scaling 'max'"):
        FeatureEncoder(scaling="max").fit(CLIQUES)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_features_that_no_builder_has_checked_must_be_finite(form) -> None:
    values = COUNTS.copy()
    values[2, 1] = np.nan
    graph = Graph(
        CLIQUES.indptr, CLIQUES.indices, nodes=NodeIndex.range(24), directed=False,
        features=form(values),
    )  # fmt: skip
    with pytest.raises(GraphError, match="row 2, column 1 is NaN"):
        FeatureEncoder().fit(graph)
