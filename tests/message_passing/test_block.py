import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

import graphembed as ge
from graphembed.message_passing.block import Block, Sample, listening, transposed_pattern

GRAPH = ge.Graph.from_edges([0, 0, 1, 3], [1, 2, 2, 0], [1, 2, 3, 4], nodes=range(5), directed=True)


def matrix(block: Block) -> np.ndarray:
    weights = np.ones(block.n_messages) if block.weights is None else block.weights
    shape = (block.n_targets, block.n_sources)
    return sp.csr_array((weights, block.indices, block.indptr), shape=shape).toarray()


@pytest.mark.parametrize("direction", ["in", "out", "both"])
def test_the_full_block_is_the_adjacency(direction: str) -> None:
    block = Block.full(GRAPH, direction=direction)
    out = GRAPH.to_scipy().toarray()
    expected = {"in": out.T, "out": out, "both": out + out.T}[direction]
    np.testing.assert_array_equal(matrix(block), expected)
    np.testing.assert_array_equal(block.sources, np.arange(5))
    np.testing.assert_array_equal(block.targets, block.sources)
    assert (block.n_sources, block.n_targets, block.n_messages) == (5, 5, len(block.weights))


def test_relations_are_merged() -> None:
    graph = ge.Graph.from_edges([0, 0, 1], [1, 1, 2], relations=["a", "b", "a"])
    block = Block.full(graph)
    assert block.n_messages == 4
    np.testing.assert_array_equal(block.weights, [2, 2, 1, 1])


def test_an_undirected_graph_is_heard_as_it_is() -> None:
    graph = ge.datasets.load("karate").graph
    for direction in ("in", "out", "both"):
        assert listening(graph, direction) is graph
    assert Block.full(graph).weights is graph.weights


def test_unknown_directions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown direction 'up' \(known: in, out, both\)"):
        Block.full(GRAPH, direction="up")


def test_transposed_messages() -> None:
    indptr, indices = np.array([0, 3, 3, 5]), np.array([4, 0, 1, 1, 4], dtype=np.int32)
    weights = np.arange(1, 6, dtype=np.float32)
    block = Block(np.arange(9, 4, -1, dtype=np.int32), 3, indptr, indices, weights)
    back = block.transposed()
    assert back is block.transposed()
    turned = sp.csr_array((weights[back.order], back.indices, back.indptr), shape=(5, 3))
    np.testing.assert_array_equal(turned.toarray(), matrix(block).T)
    np.testing.assert_array_equal(block.targets, [9, 8, 7])


def test_nothing_at_all() -> None:
    graph = ge.Graph.from_edges([], [], nodes=range(3))
    block = Block.full(graph)
    assert block.transposed().indptr.tolist() == [0, 0, 0, 0]
    sample = Sample(block.sources, ())
    assert sample.n_messages == 0
    np.testing.assert_array_equal(sample.rows, [0, 1, 2])


@given(st.integers(0, 8), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_transpose(n_rows: int, n_columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dense = np.where(rng.random((n_rows, n_columns)) < 0.4, rng.random((n_rows, n_columns)), 0)
    matrix = sp.csr_array(dense)
    for i in range(n_rows):  # entries of a row come in any order
        part = slice(matrix.indptr[i], matrix.indptr[i + 1])
        matrix.indices[part] = matrix.indices[part][::-1].copy()
        matrix.data[part] = matrix.data[part][::-1].copy()
    indptr, indices, order = transposed_pattern(
        matrix.indptr.astype(np.int64), matrix.indices, n_columns
    )
    expected = sp.csr_array(dense.T)
    np.testing.assert_array_equal(indptr, expected.indptr)
    np.testing.assert_array_equal(indices, expected.indices)
    np.testing.assert_array_equal(matrix.data[order], expected.data)
