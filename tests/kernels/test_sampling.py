from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphembed.graph.graph import Graph
from graphembed.kernels.alias import build_alias
from graphembed.kernels.sampling import (
    count_neighbors,
    draw_neighbors,
    number_rows,
    relabel,
)
from graphembed.testing import reference

SEED, EPOCH, LAYER = np.uint64(5), np.uint64(3), 1
LAYER_KEY = reference.fold(reference.fold(int(SEED), int(EPOCH)), LAYER)
ALL = 2**62
# The last node but one has a long row, the last one none.
N = 90


def make_graph(weighted: bool, spread: float = 1.0) -> Graph:
    rng = np.random.default_rng(0)
    matrix = np.where(rng.random((N, N)) < 0.2, 10 ** rng.uniform(-spread, spread, (N, N)), 0)
    matrix[-2] = 10 ** rng.uniform(-spread, spread, N)
    matrix[-1] = 0
    if not weighted:
        matrix = matrix > 0
    return Graph.from_scipy(matrix.astype(np.float32), directed=True)


def alias_table(graph: Graph):
    if graph.weights is None:
        return None
    table = np.empty(len(graph.indices), dtype=np.uint64)
    build_alias(graph.indptr, graph.weights, table, 0, graph.n_nodes)
    return table


def codes(pairs) -> np.ndarray:
    both = [*pairs, *((v, u) for u, v in pairs)]
    return np.unique(np.array([int(u) << 32 | int(v) for u, v in both], dtype=np.int64))


def choose(graph: Graph, pairs, fanout: int, targets: np.ndarray, cuts=()):
    """Return the entries and neighbours of targets from the kernels, called for some ranges."""
    excluded, spans = codes(pairs), list(pairwise([0, *cuts, len(targets)]))
    starts = np.zeros(len(targets) + 1, dtype=np.int64)
    for span in spans:
        count_neighbors(graph.indptr, graph.indices, excluded, fanout, targets, starts[1:], *span)
    starts = np.cumsum(starts)
    entries = np.empty(starts[-1], dtype=np.int64)
    neighbors = np.empty(starts[-1], dtype=np.int32)
    table = alias_table(graph)
    weights = None if table is None else graph.weights
    for span in spans:
        draw_neighbors(
            graph.indptr, graph.indices, weights, table, excluded, SEED, EPOCH, LAYER,
            targets, starts, entries, neighbors, *span,
        )  # fmt: skip
    return [entries[a:b] for a, b in pairwise(starts)], neighbors


@pytest.mark.parametrize("fanout", [1, 2, 7, 32, 33, 70, ALL])
@pytest.mark.parametrize("hiding", [False, True])
@pytest.mark.parametrize("kind", ["plain", "weighted", "skewed"])
def test_twins_agree(kind: str, hiding: bool, fanout: int) -> None:
    graph = make_graph(kind != "plain", spread=1.0 if kind == "weighted" else 8.0)
    edges = graph.edges()
    pairs = [(5, 7), *map(tuple, edges[::5]), *map(tuple, edges[1::11, ::-1])] if hiding else []
    targets = np.random.default_rng(1).permutation(N).astype(np.int32)
    table = alias_table(graph)
    chosen, neighbors = choose(graph, pairs, fanout, targets)
    for node, found in zip(targets, chosen, strict=True):
        expected = reference.sample_neighbors(graph, table, pairs, LAYER_KEY, fanout, int(node))
        assert found.tolist() == expected
    np.testing.assert_array_equal(neighbors, graph.indices[np.concatenate(chosen)])


@given(
    st.booleans(),
    st.sampled_from([1, 3, 10, 40]),
    st.lists(st.integers(1, N - 1), max_size=5, unique=True),
    st.permutations(range(N)),
)
def test_choices_do_not_depend_on_the_cut_or_the_others(weighted, fanout, cuts, order) -> None:
    graph = make_graph(weighted)
    together, _ = choose(graph, [(0, 1)], fanout, np.arange(N, dtype=np.int32))
    targets = np.array(order, dtype=np.int32)
    apart, _ = choose(graph, [(0, 1)], fanout, targets, sorted(cuts))
    for node, found in zip(order, apart, strict=True):
        np.testing.assert_array_equal(found, together[node])


@given(st.lists(st.integers(0, 9), max_size=12), st.lists(st.integers(0, 9), max_size=30))
def test_numbering_ignores_what_was_there(rows: list[int], neighbors: list[int]) -> None:
    """Any leftovers of samples before give the same numbers."""
    first = np.array(list(dict.fromkeys(rows)), dtype=np.int32)
    expected = list(dict.fromkeys([*first.tolist(), *neighbors]))
    for leftover in (0, 3, 1000):
        places = np.full(10, leftover, dtype=np.int32)
        assert number_rows(first, places) == -1
        positions = np.array(neighbors, dtype=np.int32)
        sources = np.full(len(first) + len(neighbors), 99, dtype=np.int32)
        sources[: len(first)] = first
        n_sources = relabel(positions, places, sources, len(first))
        assert sources[:n_sources].tolist() == expected
        assert sources[positions].tolist() == neighbors


def test_a_row_that_is_there_twice_is_found() -> None:
    for places in (np.zeros(9, dtype=np.int32), np.full(9, 2, dtype=np.int32)):
        assert number_rows(np.array([4, 2, 8, 2, 4], dtype=np.int32), places) == 3
