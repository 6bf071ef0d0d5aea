import pickle  # noqa: TID251  what loaders do between processes; the library itself never does

import numpy as np
import pytest

import graphembed as ge
from graphembed.exceptions import GraphError
from graphembed.message_passing.drawing import NeighborDraws, check_exclude, check_rows

NOTHING = np.empty(0, dtype=np.int64)


def draws(graph: ge.Graph, *, weighted: bool = False, n_jobs: int = 1) -> NeighborDraws:
    return NeighborDraws(graph, weighted=weighted, seed=7, n_jobs=n_jobs)


def test_one_hop_is_drawn_and_numbered() -> None:
    graph = ge.datasets.load("karate").graph
    one = draws(graph)
    known = np.array([33, 0, 5], dtype=np.int32)
    with one.numbering(known) as places:
        messages = one.draw(known, 4, epoch=0, hop=0, excluded=NOTHING)
        rows = messages.neighbors.copy()
        np.testing.assert_array_equal(rows, graph.indices[messages.entries])
        sources = one.number(messages, places, known)
    np.testing.assert_array_equal(messages.indptr, [0, 4, 8, 12])
    np.testing.assert_array_equal(sources[messages.neighbors], rows)
    assert sources.tolist() == list(dict.fromkeys([*known.tolist(), *rows.tolist()]))


def test_arrays_are_lent_again_but_never_twice_at_once() -> None:
    one = draws(ge.datasets.load("karate").graph)
    rows = np.array([3], dtype=np.int32)
    with one.numbering(rows) as first, one.numbering(rows) as second:
        assert first is not second
    with one.numbering(rows) as third:
        assert third is first or third is second


def test_an_error_gives_the_array_back() -> None:
    one = draws(ge.datasets.load("karate").graph)
    with (
        pytest.raises(ValueError, match="Row 3 is there twice"),
        one.numbering(np.array([3, 4, 3], dtype=np.int32)),
    ):
        pass
    assert len(one._idle) == 1
    assert pickle.loads(pickle.dumps(one))._idle == []  # noqa: S301


def test_edges_of_weight_zero_are_never_drawn() -> None:
    graph = ge.Graph(
        np.array([0, 3, 3, 3, 3]), np.array([1, 2, 3], dtype=np.int32),
        np.array([0, 1, 0], dtype=np.float32), nodes=ge.NodeIndex.range(4), directed=True,
    )  # fmt: skip
    for fanout in (1, 2, -1):
        messages = draws(graph, weighted=True).draw(
            np.array([0], dtype=np.int32), fanout, epoch=0, hop=0, excluded=NOTHING
        )
        assert messages.neighbors.tolist() == [2]


def test_negative_weights_are_refused() -> None:
    graph = ge.Graph.from_edges([0, 1], [1, 2], [1.0, -0.5])
    with pytest.raises(GraphError, match=r"non-negative edge weights; the smallest is -0\.5"):
        draws(graph, weighted=True)
    assert draws(graph).graph is graph


def test_rows_are_checked() -> None:
    assert check_rows([2, 0], 3).dtype == np.int32
    assert check_rows([], 3).dtype == np.int32
    with pytest.raises(ValueError, match="0 to 2; got values from 1 to 3"):
        check_rows([1, 3], 3)
    with pytest.raises(ValueError, match="0 to 2; got values from -1 to 1"):
        check_rows([1, -1], 3)
    with pytest.raises(ValueError, match="array of ints; got float64"):
        check_rows([1.0], 3)
    with pytest.raises(ValueError, match=r"of shape \(1, 1\)"):
        check_rows([[1]], 3)


def test_excluded_pairs_count_in_both_directions() -> None:
    found = check_exclude([(2, 1), (1, 2), (0, 0)], 3)
    assert found.tolist() == [0, 1 << 32 | 2, 2 << 32 | 1]
    assert check_exclude(None, 3).tolist() == []
    assert check_exclude(np.empty((0, 2)), 3).tolist() == []
    with pytest.raises(ValueError, match=r"of shape \(n, 2\); got int64 of shape \(3,\)"):
        check_exclude([0, 1, 2], 3)
    with pytest.raises(ValueError, match="exclude must be row numbers of the graph, 0 to 2"):
        check_exclude([(0, 3)], 3)
