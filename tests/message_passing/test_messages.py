from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse as sp

from graphembed import Graph
from graphembed.message_passing.block import Block, listening
from graphembed.message_passing.messages import (
    Messages,
    SparseMatrix,
    entries,
    row_degrees,
    symmetric_degrees,
    take_rows,
)

FORMULAS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sum": lambda A: A,
    "mean": lambda A: A / np.maximum(A.sum(1, keepdims=True), 1e-30),
    "gcn": lambda A: (A + np.eye(len(A))) / (1 + A.sum(1, keepdims=True)),
    "symmetric": lambda A: symmetric(A + np.diag(np.diag(A) == 0)),
}


def symmetric(A: np.ndarray) -> np.ndarray:
    roots = np.sqrt(A.sum(1))
    return A / roots[:, None] / roots


def a_graph(*, weighted: bool, directed: bool = True) -> Graph:
    """With a loop at node 3, and nodes that nobody and that everybody hears."""
    rng = np.random.default_rng(0)
    edges = rng.integers(0, 25, size=(80, 2))
    edges = np.vstack([edges[edges[:, 0] != edges[:, 1]], [[3, 3]]])
    weights = rng.uniform(0.5, 2, size=len(edges)) if weighted else None
    return Graph.from_edges(*edges.T, weights, nodes=range(30), directed=directed)


@pytest.mark.parametrize("kind", FORMULAS)
@pytest.mark.parametrize("weighted", [False, True])
def test_matrices_are_their_formulas(kind: str, weighted: bool) -> None:
    graph = a_graph(weighted=weighted)
    heard = graph.to_scipy().toarray().T.astype(float)  # row i: whom node i hears
    messages = Messages.from_block(Block.full(graph))
    expected = FORMULAS[kind](heard)
    np.testing.assert_allclose(messages.matrix(kind).toarray(), expected, rtol=1e-5)
    assert messages.matrix(kind) is messages.matrix(kind)


@pytest.mark.parametrize("kind", FORMULAS)
@pytest.mark.parametrize("weighted", [False, True])
def test_rows_of_a_part_are_rows_of_the_whole(kind: str, weighted: bool) -> None:
    graph = listening(a_graph(weighted=weighted), "in")
    degrees = symmetric_degrees(graph)
    whole = Messages(graph.indptr, graph.indices, 30, graph.weights, degrees).matrix(kind)
    start, stop = graph.indptr[[10, 20]]
    weights = None if graph.weights is None else graph.weights[start:stop]
    indptr, indices = graph.indptr[10:21] - start, graph.indices[start:stop]
    part = SparseMatrix(*entries(kind, indptr, indices, weights, first=10, degrees=degrees), 30)
    np.testing.assert_array_equal(part.toarray(), whole.toarray()[10:20])


def test_some_speak_for_all_in_symmetric_sums() -> None:
    degrees = np.array([5, 1, 1], dtype=np.float32)  # node 0 has 4 neighbours; 2 are here
    matrix = Messages(np.array([0, 2]), np.array([1, 2]), 3, degrees=degrees).matrix("symmetric")
    np.testing.assert_allclose(matrix.toarray(), [[1 / 5, 2 / np.sqrt(5), 2 / np.sqrt(5)]])


def test_symmetric_sums_need_degrees_of_the_whole_graph() -> None:
    with pytest.raises(ValueError, match="degrees=symmetric_degrees"):
        Messages(np.array([0, 1]), np.array([1]), 2).matrix("symmetric")


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="Unknown kind of aggregation 'median'"):
        Messages(np.array([0, 1]), np.array([0]), 1).matrix("median")


@pytest.mark.parametrize("weighted", [False, True])
def test_degrees_of_some_nodes(weighted: bool) -> None:
    graph = a_graph(weighted=weighted, directed=False)
    dense = graph.to_scipy().toarray()
    expected = (dense + np.diag(np.diag(dense) == 0)).sum(axis=1)
    np.testing.assert_allclose(symmetric_degrees(graph), expected, rtol=1e-6)
    rows = np.array([3, 29, 0])
    heard = take_rows(graph.indptr, graph.indices, graph.weights, rows)
    np.testing.assert_array_equal(row_degrees(rows, *heard), symmetric_degrees(graph)[rows])


def test_taken_rows() -> None:
    graph = a_graph(weighted=True)
    rows = np.array([7, 29, 3], dtype=np.int32)
    indptr, indices, weights = take_rows(graph.indptr, graph.indices, graph.weights, rows)
    taken = sp.csr_array((weights, indices, indptr), shape=(3, 30))
    np.testing.assert_array_equal(taken.toarray(), graph.to_scipy().toarray()[rows])


def test_edges_of_messages() -> None:
    messages = Messages(np.array([0, 2, 2, 3]), np.array([1, 3, 0]), 4)
    assert messages.edge_index.tolist() == [[1, 3, 0], [0, 0, 2]]


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_products(n_jobs: int) -> None:
    rng = np.random.default_rng(0)
    matrix = sp.random_array((400, 300), density=0.5, rng=rng, format="csr", dtype=np.float32)
    ours = SparseMatrix.from_scipy(matrix)
    X, Y = (rng.normal(size=(n, 40)).astype(np.float32) for n in (300, 400))
    np.testing.assert_allclose(ours.times(X, n_jobs=n_jobs), matrix @ X, rtol=1e-4, atol=1e-4)
    product = ours.transposed.times(Y, n_jobs=n_jobs)
    np.testing.assert_allclose(product, matrix.T @ Y, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(product, ours.transposed.times(Y, n_jobs=1))
    assert len(ours.blocks(40)) > 1


def test_rows_and_values_of_a_sparse_matrix() -> None:
    matrix = sp.random_array((20, 30), density=0.2, rng=np.random.default_rng(0), format="csr")
    ours, dense = SparseMatrix.from_scipy(matrix), matrix.toarray().astype(np.float32)
    np.testing.assert_array_equal(ours.toarray(), dense)
    np.testing.assert_array_equal(ours.head(5).toarray(), dense[:5])
    np.testing.assert_array_equal(ours.take(np.array([7, 2, 7])).toarray(), dense[[7, 2, 7]])
    assert ours.head(20) is ours
    doubled = ours.with_values(2 * ours.values)
    np.testing.assert_array_equal(doubled.toarray(), 2 * dense)
    np.testing.assert_array_equal(doubled.transposed.toarray(), 2 * dense.T)


def test_degrees_beyond_float32() -> None:
    weights = np.full(4, 3e38, dtype=np.float32)
    star = Graph.from_edges([0, 0, 0, 0], [1, 2, 3, 4], weights)
    np.testing.assert_allclose(symmetric_degrees(star), [1.2e39, 3e38, 3e38, 3e38, 3e38], rtol=1e-6)
    matrix = Messages.from_block(Block.full(star)).matrix("symmetric").toarray()
    np.testing.assert_allclose(matrix[0, 1:], 0.5, rtol=1e-5)
    np.testing.assert_allclose(matrix[1:, 0], 0.5, rtol=1e-5)
