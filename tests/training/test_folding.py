import numpy as np
import scipy.sparse as sp

import graphembed as ge
from graphembed.base import canonical
from graphembed.testing import graphs
from graphembed.training.folding import graph_keys, known_rows, row_keys


def test_equal_rows_have_equal_keys_and_others_do_not() -> None:
    rng = np.random.default_rng(0)
    matrix = sp.random_array((200, 40), density=0.2, rng=rng, format="csr", dtype=np.float32)
    keys = row_keys(matrix)
    order = rng.permutation(200)
    np.testing.assert_array_equal(row_keys(matrix[order]), keys[order])
    distinct = {row.tobytes() for row in matrix.toarray()}
    assert len(np.unique(keys)) == len(distinct)
    changed = matrix.copy()
    changed.data[0] += 1
    row = int(np.flatnonzero(np.diff(matrix.indptr))[0])
    assert row_keys(changed)[row] != keys[row]


def test_hidden_nodes_come_back_near_their_group() -> None:
    """Placed nodes are classified about as well as fitted ones."""
    from graphembed.datasets.synthetic import stochastic_block_model

    p = np.full((4, 4), 0.002) + np.eye(4) * 0.03
    data = stochastic_block_model([300] * 4, p, random_state=1)
    matrix = data.graph.to_scipy()
    hidden = np.arange(0, 1200, 10)
    kept = np.setdiff1d(np.arange(1200), hidden)
    model = ge.DeepWalk(n_components=32, n_walks=5, random_state=0)
    model.fit(matrix[kept][:, kept])
    placed = model.transform(matrix[hidden][:, kept])
    tied = np.diff(matrix[hidden][:, kept].indptr) > 0
    groups = data.labels[kept]
    means = np.stack([model.embedding_[groups == group].mean(axis=0) for group in range(4)])
    near = np.argmax(placed @ means.T, axis=1)
    assert np.mean(near[tied] == data.labels[hidden][tied]) > 0.9


def test_new_rows_for_every_thread_count() -> None:
    matrix = ge.datasets.load("les_miserables").graph.to_scipy()
    rng = np.random.default_rng(0)
    block = (rng.random((50, 77)) * (rng.random((50, 77)) < 0.1)).astype(np.float32)
    model = ge.DeepWalk(n_components=24, n_walks=3, random_state=0).fit(matrix)
    rows = [model.set_params(n_jobs=n_jobs).transform(block) for n_jobs in (1, 2, 3)]
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[0], rows[2])


def test_known_rows() -> None:
    graph = graphs.weighted_digraph()
    matrix = graph.to_scipy()
    block = matrix[[7, 3, 7]].toarray()
    block[1, 0] += 1  # no longer node 3
    rows, fitted = known_rows(canonical(block), graph_keys(graph))
    assert rows.tolist() == [0, 2]
    assert fitted.tolist() == [7, 7]
    rows, fitted = known_rows(canonical(block), np.empty(0, dtype=np.uint64))
    assert len(rows) == len(fitted) == 0


def test_rows_without_entries_are_nobodys() -> None:
    graph = graphs.with_isolated_node()
    rows, _ = known_rows(canonical(graph.to_scipy()[[3, 0]]), graph_keys(graph))
    assert rows.tolist() == [1]


def test_of_equal_rows_each_is_its_own() -> None:
    """Leaves of one hub, whose rows are equal; and rows of a digraph whose in-edges differ."""
    leaves = ge.Graph.from_edges([0, 0, 0, 1], [1, 2, 3, 4])
    matrix = leaves.to_scipy()
    rows, fitted = known_rows(canonical(matrix), graph_keys(leaves))
    np.testing.assert_array_equal(fitted, rows)
    rows, fitted = known_rows(canonical(matrix[::-1]), graph_keys(leaves))
    assert (matrix[::-1][rows] != matrix[fitted]).nnz == 0
    directed = ge.Graph.from_edges([0, 1, 3, 4, 2, 5], [2, 2, 0, 0, 5, 1], directed=True)
    for graph in (leaves, directed):
        for model in (ge.Spectral(4), ge.NetMF(4), ge.LINE(4), ge.DeepWalk(4, n_walks=2)):
            model.set_params(random_state=0).fit(graph)
            np.testing.assert_array_equal(model.transform(graph.to_scipy()), model.embedding_)
