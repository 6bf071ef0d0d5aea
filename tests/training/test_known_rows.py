import numpy as np

from graphembed.base import canonical
from graphembed.testing import graphs
from graphembed.training.folding import graph_keys
from graphembed.training.known_rows import known_rows


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
