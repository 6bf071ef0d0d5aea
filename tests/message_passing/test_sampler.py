import threading
import tracemalloc
from collections import Counter
from contextlib import suppress
from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

import graphembed as ge
from graphembed.message_passing.block import Block, Sample, listening
from graphembed.store import open_store, write_graph

N_LISTENERS = 20_000
BACKGROUND = "graphembed-read"


def random_graph(seed: int, *, directed: bool = True, weighted: bool = False, n: int = 20):
    rng = np.random.default_rng(seed)
    matrix = np.where(rng.random((n, n)) < rng.uniform(0, 0.6), rng.uniform(1, 9, (n, n)), 0)
    if not directed:
        matrix = matrix + matrix.T
    if not weighted:
        matrix = matrix > 0
    return ge.Graph.from_scipy(matrix.astype(np.float32), directed=directed)


def audience(weights: np.ndarray | None, n: int) -> ge.Graph:
    """Return a graph in which 20,000 nodes hear the same n others, along edges of these weights."""
    targets = np.repeat(np.arange(n, n + N_LISTENERS), n)
    sources = np.tile(np.arange(n), N_LISTENERS)
    weights = None if weights is None else np.tile(weights, N_LISTENERS)
    return ge.Graph.from_edges(sources, targets, weights, directed=True)


def chosen_sets(graph: ge.Graph, n: int, fanout: int, **options) -> Counter:
    sampler = ge.NeighborSampler(graph, (fanout,), random_state=0, **options)
    (block,) = sampler.sample(np.arange(n, n + N_LISTENERS)).blocks
    rows = block.sources[block.indices].reshape(N_LISTENERS, fanout)
    return Counter(map(tuple, rows.tolist()))


def fits(counts: Counter, probabilities: dict) -> bool:
    """Test counts against probabilities by chi-square; rare ones together."""
    assert set(counts) <= set(probabilities)
    total = sum(counts.values())
    expected = np.array([total * p for p in probabilities.values()])
    found = np.array([counts[each] for each in probabilities])
    rare = expected < 5
    if rare.any():
        expected = np.append(expected[~rare], expected[rare].sum())
        found = np.append(found[~rare], found[rare].sum())
    statistic = ((found - expected) ** 2 / np.where(expected > 0, expected, 1)).sum()
    return bool(chi2.sf(statistic, len(expected) - 1) > 1e-3)


def one_after_the_other(weights: np.ndarray, k: int) -> dict:
    """Return the probability of each set when each draw is in proportion to what is left."""
    result: dict = Counter()
    for order in permutations(range(len(weights)), k):
        left, probability = float(weights.sum()), 1.0
        for i in order:
            probability *= weights[i] / left
            left -= weights[i]
        result[tuple(sorted(order))] += probability
    return result


def neighbourhoods(sample: Sample) -> list[dict[int, list[int]]]:
    """Return whom each target hears, by rows of the graph, block by block."""
    return [
        {
            int(target): block.sources[block.indices[a:b]].tolist()
            for target, (a, b) in zip(block.targets, pairwise(block.indptr), strict=True)
        }
        for block in sample.blocks
    ]


@pytest.mark.parametrize(("n", "fanout"), [(5, 1), (6, 3), (9, 4), (40, 39)])
def test_all_sets_are_equally_likely(n: int, fanout: int) -> None:
    sets = list(combinations(range(n), fanout))
    assert fits(chosen_sets(audience(None, n), n, fanout), dict.fromkeys(sets, 1 / len(sets)))


@pytest.mark.parametrize(("n", "fanout"), [(5, 1), (5, 3), (18, 1), (18, 2), (30, 2)])
def test_weighted_sets_are_as_likely_as_their_draws(n: int, fanout: int) -> None:
    """Rows that are weighed as a whole, and rows long enough for alias tables."""
    weights = np.random.default_rng(n).uniform(0.2, 3, n)
    counts = chosen_sets(audience(weights, n), n, fanout, weighted=True)
    assert fits(counts, one_after_the_other(weights, fanout))


def test_the_last_choices_beside_a_heavy_edge() -> None:
    """Tables find one and the same entry nearly always; then all that is left is weighed."""
    weights = np.append(np.linspace(1, 3, 19), 5000.0)
    counts = chosen_sets(audience(weights, 20), 20, 2, weighted=True)
    assert fits(counts, one_after_the_other(weights, 2))


def test_without_weights_there_is_nothing_to_weigh() -> None:
    graph = audience(None, 6)
    assert chosen_sets(graph, 6, 3, weighted=True) == chosen_sets(graph, 6, 3)


def test_epochs_and_hops_are_independent() -> None:
    graph = audience(None, 5)
    rows = np.arange(5, 5 + N_LISTENERS)
    sampler = ge.NeighborSampler(graph, (1, 1), random_state=0)
    first, second = (sampler.sample(rows, epoch=epoch) for epoch in (0, 1))
    drawn = [
        block.sources[block.indices[:N_LISTENERS]] for block in (*first.blocks, *second.blocks)
    ]
    for one, other in combinations(drawn, 2):
        joint = Counter(zip(one.tolist(), other.tolist(), strict=True))
        assert fits(joint, {(a, b): 1 / 25 for a in range(5) for b in range(5)})


@given(
    st.integers(0, 10**6),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["in", "out", "both"]),
    st.lists(st.sampled_from([1, 2, 3, 8, -1, None]), min_size=1, max_size=3),
    st.lists(st.integers(0, 19), unique=True),
)
def test_what_a_sample_is(seed, directed, weighted, direction, fanout, rows) -> None:
    """Blocks fit together; choices are neighbours, different ones, as many as there should be."""
    graph = random_graph(seed, directed=directed, weighted=weighted)
    sampler = ge.NeighborSampler(
        graph, fanout, weighted=weighted, direction=direction, random_state=seed
    )
    sample = sampler.sample(np.array(rows, dtype=np.int64))
    heard = listening(graph, direction).to_scipy().toarray()
    np.testing.assert_array_equal(sample.seeds, rows)
    np.testing.assert_array_equal(sample.blocks[-1].targets, rows)
    for block, following in pairwise(sample.blocks):
        np.testing.assert_array_equal(block.targets, following.sources)
    for block, most in zip(sample.blocks, reversed(fanout), strict=True):
        assert len(np.unique(block.sources)) == block.n_sources
        assert set(block.indices) >= set(range(block.n_targets, block.n_sources))
        for i, (start, stop) in enumerate(pairwise(block.indptr)):
            row = heard[block.targets[i]]
            chosen = block.sources[block.indices[start:stop]]
            assert (np.diff(chosen) > 0).all()
            assert (row[chosen] > 0).all()
            degree = np.count_nonzero(row)
            assert stop - start == (degree if most in (-1, None) else min(degree, most))
            if weighted and graph.weighted:
                np.testing.assert_array_equal(block.weights[start:stop], row[chosen])
    assert (sample.blocks[0].weights is None) == (not heard.max(initial=0) > 1)


@pytest.mark.parametrize("weighted", [False, True])
def test_threads_change_nothing(weighted: bool) -> None:
    graph = random_graph(0, weighted=weighted, n=300)
    samples = [
        ge.NeighborSampler(graph, (6, 4), weighted=weighted, n_jobs=n_jobs, random_state=3).sample(
            np.arange(250), epoch=5, exclude=graph.edges()[::3]
        )
        for n_jobs in (1, 2, 3)
    ]
    for other in samples[1:]:
        for one, two in zip(samples[0].blocks, other.blocks, strict=True):
            for name in ("sources", "indptr", "indices", "weights"):
                np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


@given(st.integers(0, 10**6), st.booleans(), st.permutations(range(20)), st.integers(1, 20))
def test_a_node_hears_the_same_in_every_batch(seed, weighted, order, batch_size) -> None:
    graph = random_graph(seed, weighted=weighted)
    sampler = ge.NeighborSampler(graph, (3, 2), weighted=weighted, random_state=0)
    whole = neighbourhoods(sampler.sample(np.arange(20)))
    parts = sampler.batches(order, batch_size=batch_size, shuffle=False, prefetch=0)
    for part in parts:
        for found, expected in zip(neighbourhoods(part), whole, strict=True):
            assert all(expected[row] == heard for row, heard in found.items())


@given(st.integers(0, 10**6), st.booleans(), st.booleans(), st.sampled_from([1, 4, -1]))
def test_no_message_goes_along_an_excluded_edge(seed, directed, weighted, fanout) -> None:
    graph = random_graph(seed, directed=directed, weighted=weighted)
    rng = np.random.default_rng(seed)
    edges = graph.edges()
    chosen = edges[rng.random(len(edges)) < 0.5]
    exclude = np.concatenate([chosen, rng.integers(0, 20, (9, 2))])
    exclude = np.where(rng.random((len(exclude), 1)) < 0.5, exclude, exclude[:, ::-1])
    barred = {frozenset(pair) for pair in exclude.tolist()}
    sampler = ge.NeighborSampler(graph, (fanout, fanout), weighted=weighted, random_state=0)
    sample = sampler.sample(np.arange(20), exclude=exclude)
    heard = listening(graph, "in").to_scipy().toarray() > 0
    for block in neighbourhoods(sample):
        for row, found in block.items():
            assert not any(frozenset((row, other)) in barred for other in found)
            allowed = [v for v in np.flatnonzero(heard[row]) if frozenset((row, v)) not in barred]
            assert len(found) == (len(allowed) if fanout < 0 else min(fanout, len(allowed)))


def test_full_fanout_is_the_whole_graph() -> None:
    """Message by message in the same order: sums over them are the same bits."""
    graph = random_graph(4, weighted=True)
    full = Block.full(graph)
    rows = np.random.default_rng(0).permutation(20)
    for block in ge.NeighborSampler(graph, (-1, 1000)).sample(rows).blocks:
        for i, row in enumerate(block.targets):
            ours = slice(block.indptr[i], block.indptr[i + 1])
            theirs = slice(full.indptr[row], full.indptr[row + 1])
            np.testing.assert_array_equal(block.sources[block.indices[ours]], full.indices[theirs])
            np.testing.assert_array_equal(block.weights[ours], full.weights[theirs])


def test_batches_cover_every_row_once() -> None:
    graph = ge.datasets.load("karate").graph
    sampler = ge.NeighborSampler(graph, (5, 3), random_state=0)
    orders = []
    for epoch in (0, 0, 1):
        batches = list(sampler.batches(batch_size=10, epoch=epoch))
        assert [len(batch.seeds) for batch in batches] == [10, 10, 10, 4]
        orders.append(np.concatenate([batch.seeds for batch in batches]).tolist())
        assert sorted(orders[-1]) == list(range(34))
    assert orders[0] == orders[1] != orders[2] != list(range(34))
    (batch,) = sampler.batches([8, 2], shuffle=False)
    assert batch.seeds.tolist() == [8, 2]
    assert list(sampler.batches([])) == []


def test_what_a_thread_prepares_is_the_same() -> None:
    sampler = ge.NeighborSampler(random_graph(1), (3, 2), random_state=0)
    options = {"batch_size": 3, "epoch": 2, "exclude": [(0, 1), (4, 5)]}
    ahead = list(sampler.batches(prefetch=3, **options))
    asked = list(sampler.batches(prefetch=0, **options))
    for one, other in zip(ahead, asked, strict=True):
        assert neighbourhoods(one) == neighbourhoods(other)


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_the_thread_ends_with_the_iteration(error) -> None:
    sampler = ge.NeighborSampler(random_graph(1), random_state=0)

    def work() -> None:
        for _ in sampler.batches(batch_size=1):
            if error is not None:
                raise error
            break

    with suppress(ValueError, KeyboardInterrupt):
        work()
    assert not [thread for thread in threading.enumerate() if thread.name == BACKGROUND]
    assert sum(len(batch.seeds) for batch in sampler.batches(batch_size=7)) == 20


def test_memory_is_flat() -> None:
    graph = ge.datasets.synthetic.rmat(12, 8, random_state=0)
    sampler = ge.NeighborSampler(graph, (10, 5), random_state=0)
    used = []
    tracemalloc.start()
    try:
        for epoch in range(6):
            for _ in sampler.batches(batch_size=256, epoch=epoch):
                pass
            used.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert used[-1] - used[1] < 4 * graph.n_nodes  # not even one more array of a sample


def test_a_store_gives_the_same_samples(tmp_path) -> None:
    graph = random_graph(2, directed=False, weighted=True)
    write_graph(graph, tmp_path / "store")
    opened = open_store(tmp_path / "store")
    for weighted in (False, True):
        one, other = (
            ge.NeighborSampler(each, (3, 2), weighted=weighted, random_state=0)
            for each in (graph, opened)
        )
        rows = opened.node_index.rows(graph.nodes)
        np.testing.assert_array_equal(rows, np.arange(20))
        found = neighbourhoods(one.sample(rows)), neighbourhoods(other.sample(rows))
        assert found[0] == found[1]


@pytest.mark.parametrize("fanout", [(), 5, "55", (0,), (5, -2), (2.0,), (True,)])
def test_odd_fanouts_are_refused(fanout) -> None:
    with pytest.raises(ValueError, match="fanout must be"):
        ge.NeighborSampler(random_graph(0), fanout)


def test_odd_arguments_are_refused() -> None:
    graph = random_graph(0)
    with pytest.raises(TypeError, match="needs a Graph; got ndarray"):
        ge.NeighborSampler(np.eye(3))
    with pytest.raises(ValueError, match="Unknown direction 'up'"):
        ge.NeighborSampler(graph, direction="up")
    sampler = ge.NeighborSampler(graph)
    with pytest.raises(ValueError, match="Row 7 is there twice"):
        sampler.sample([7, 1, 7])
    # At the call, before anything is asked for.
    with pytest.raises(ValueError, match="Row 7 is there twice"):
        sampler.batches([7, 1, 7], batch_size=1)
    with pytest.raises(ValueError, match="rows must be row numbers"):
        sampler.batches([20])
    with pytest.raises(ValueError, match="batch_size must be an int of at least 1; got 0"):
        sampler.batches(batch_size=0)
    with pytest.raises(ValueError, match="prefetch must be an int of at least 0; got -1"):
        sampler.batches(prefetch=-1)
    with pytest.raises(ValueError, match="epoch must be an int of at least 0; got -1"):
        sampler.sample([0], epoch=-1)


def test_repr() -> None:
    sampler = ge.NeighborSampler(ge.datasets.load("karate").graph, (5, None))
    assert repr(sampler) == (
        "NeighborSampler(Graph(n_nodes=34, n_edges=78, undirected, unweighted), fanout=(5, -1))"
    )


def test_numbers_that_fit_no_key_are_refused() -> None:
    sampler = ge.NeighborSampler(random_graph(0), (2,), random_state=0)
    with pytest.raises(ValueError, match=r"epoch must be an int below 2\*\*64"):
        sampler.sample([0], epoch=2**64 + 1)
    with pytest.raises(ValueError, match=r"epoch must be an int below 2\*\*64"):
        sampler.batches(epoch=2**64)
    assert len(sampler.sample([0], epoch=2**64 - 1).seeds) == 1
