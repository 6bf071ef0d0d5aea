import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphembed import Graph
from graphembed.kernels.matching import choose_neighbors, count_links, hash_nodes, sum_links
from graphembed.testing import reference

SEED = np.uint64(5)


def random_case(seed: int, n_nodes: int, n_edges: int):
    """Return a symmetric matrix with loops and many ties, scales and hashes of the nodes."""
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, n_nodes, (2, n_edges))
    graph = Graph.from_edges(*ends, rng.integers(1, 3, n_edges), nodes=range(n_nodes))
    scales = 1 / rng.integers(1, 3, n_nodes)
    hashes = np.empty(n_nodes, dtype=np.uint64)
    hash_nodes(SEED, graph.node_index.keys(), hashes)
    return graph.indptr, graph.indices, graph.weights.astype(np.float64), scales, hashes


def choose(case, asks, offers, blocks):
    chosen, ratings = np.full(len(asks), -9, dtype=np.int32), np.full(len(asks), -9.0)
    for first, last in blocks:
        choose_neighbors(*case, asks, offers, chosen, ratings, first, last)
    return chosen, ratings


cases = st.tuples(st.integers(0, 2**32), st.integers(1, 20), st.integers(0, 60))


@given(cases)
def test_choice_twins_agree(size) -> None:
    case = random_case(*size)
    n = size[1]
    asks, offers = np.random.default_rng(size[0]).random((2, n)) < 0.7
    chosen, ratings = choose(case, asks, offers, [(0, n)])
    integers = [array.tolist() for array in case]
    for node in range(n):
        expected = reference.choose_neighbor(*integers, offers, node) if asks[node] else (-9, -9.0)
        assert (chosen[node], ratings[node]) == expected
    cut = choose(case, asks, offers, [(n // 2, n), (0, n // 2)])
    np.testing.assert_array_equal(chosen, cut[0])


@given(cases)
def test_some_pair_always_choose_each_other(size) -> None:
    everyone = np.ones(size[1], dtype=bool)
    chosen, ratings = choose(random_case(*size), everyone, everyone, [(0, size[1])])
    linked = np.flatnonzero(chosen >= 0)
    mutual = linked[chosen[chosen[linked]] == linked]
    assert (len(mutual) > 0) == (len(linked) > 0)
    np.testing.assert_array_equal(ratings[mutual], ratings[chosen[mutual]])


@given(cases, st.integers(1, 6))
def test_contraction_twins_agree(size, n_groups: int) -> None:
    indptr, indices, weights, _, _ = random_case(*size)
    groups = np.random.default_rng(size[0]).integers(0, n_groups, size[1]).astype(np.int32)
    members = np.argsort(groups, kind="stable").astype(np.int32)
    member_ptr = np.concatenate([[0], np.cumsum(np.bincount(groups, minlength=n_groups))])
    grouping = (groups, member_ptr, members)
    counts = np.full(n_groups, -1)
    blocks = [(n_groups // 2, n_groups), (0, n_groups // 2)]
    for block in blocks:
        count_links(indptr, indices, *grouping, counts, *block)
    out_ptr = np.concatenate([[0], np.cumsum(counts)])
    out = np.full(out_ptr[-1], -1, dtype=np.int32), np.full(out_ptr[-1], -1.0)
    for block in blocks:
        sum_links(indptr, indices, weights, *grouping, out_ptr, *out, *block)
    rows = np.repeat(np.arange(n_groups), counts).tolist()
    found = dict(zip(zip(rows, out[0].tolist(), strict=True), out[1].tolist(), strict=True))
    assert len(found) == out_ptr[-1]
    assert found == reference.group_links(indptr, indices, weights, groups)


def test_hashes_depend_on_seed_and_key() -> None:
    keys = np.arange(1000, dtype=np.uint64)
    first, other = np.empty((2, 1000), dtype=np.uint64)
    hash_nodes(SEED, keys, first)
    hash_nodes(np.uint64(6), keys, other)
    assert len(np.unique(np.concatenate([first, other]))) == 2000
    assert first[3] == reference.fold(5, 3)
