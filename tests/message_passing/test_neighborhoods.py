"""Who is heard: all but the pairs that are asked; a sample of all neighbours is the whole graph."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import graphembed as ge
from graphembed.message_passing.block import listening
from graphembed.message_passing.encoder import Encoder
from graphembed.message_passing.neighborhoods import SampledGraph, WholeGraph, on_device

KARATE = ge.datasets.load("karate").graph
N = KARATE.n_nodes
FEATURES = np.random.default_rng(0).standard_normal((N, 5)).astype(np.float32)
WHOLE = WholeGraph(KARATE, FEATURES, 2, "cpu")
PAIRS = st.lists(st.tuples(*[st.integers(0, N - 1)] * 2), min_size=1, max_size=40)


def edges(whole: WholeGraph, exclude: np.ndarray | None = None) -> set[tuple[int, int]]:
    blocks = whole.around(exclude).blocks
    assert all(block is blocks[0] for block in blocks), "every layer hears the same"
    return {(int(u), int(v)) for u, v in blocks[0].edge_index.T}


@settings(max_examples=30)
@given(PAIRS)
def test_excluded_pairs_are_heard_in_neither_direction(pairs: list[tuple[int, int]]) -> None:
    everything = edges(WHOLE)
    assert len(everything) == 2 * KARATE.n_edges
    gone = {*pairs, *((v, u) for u, v in pairs)}
    assert edges(WHOLE, np.array(pairs)) == everything - gone


def test_without_pairs_all_are_heard() -> None:
    nothing = WHOLE.around(np.empty((0, 2), dtype=np.int64))
    assert nothing is WHOLE.around() is WHOLE.around(None)
    last = np.array([[N - 1, N - 1]])  # beyond the last of all links
    assert edges(WHOLE, last) == edges(WHOLE)


def test_a_step_leaves_the_next_as_it_was() -> None:
    before = edges(WHOLE)
    WHOLE.around(KARATE.edges())
    assert edges(WHOLE) == before


def test_self_loops_are_never_hidden() -> None:
    graph = ge.Graph.from_edges([0, 0, 1], [0, 1, 2], [1.0, 2.0, 3.0])
    whole = WholeGraph(graph, FEATURES[:3], 1, "cpu")
    messages = whole.around(np.array([[0, 0], [1, 0], [1, 2], [2, 0]])).blocks[0]
    assert messages.edge_index.tolist() == [[0], [0]]
    assert messages.weights.tolist() == [1.0]


def test_weights_stay_with_their_edges() -> None:
    graph = ge.Graph.from_edges([0, 0, 1], [1, 2, 2], [1.0, 2.0, 3.0])
    messages = WholeGraph(graph, FEATURES[:3], 1, "cpu").around(np.array([[2, 0]])).blocks[0]
    u, v = messages.edge_index
    found = dict(zip(zip(u.tolist(), v.tolist(), strict=True), messages.weights, strict=True))
    assert found == {(0, 1): 1.0, (1, 0): 1.0, (1, 2): 3.0, (2, 1): 3.0}


@pytest.mark.parametrize("direction", ["in", "out", "both"])
def test_of_a_directed_graph_both_ways_are_hidden(direction: str) -> None:
    graph = ge.Graph.from_edges([0, 1, 1, 2, 3], [1, 0, 2, 3, 1], directed=True)
    whole = WholeGraph(listening(graph, direction), FEATURES[:4], 1, "cpu")
    left = edges(whole, np.array([[1, 0], [3, 2]]))
    linked = {(min(ends), max(ends)) for ends in left}
    assert linked == {(1, 2), (1, 3)}
    assert len(left) == (4 if direction == "both" else 2)


def test_a_graph_without_links_hides_nothing() -> None:
    graph = ge.Graph.from_edges([0], [0], nodes=[0, 1])
    whole = WholeGraph(graph, FEATURES[:2], 1, "cpu")
    assert edges(whole, np.array([[0, 1], [1, 1]])) == {(0, 0)}


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("conv", ["sage", "gcn"])
def test_all_neighbours_are_the_whole_graph(conv: str, sparse: bool) -> None:
    features = sp.csr_array(FEATURES) if sparse else FEATURES
    encoder = Encoder(5, 6, 4, conv=conv).eval()
    whole = WholeGraph(KARATE, features, 2, "cpu").around()
    rows = np.array([33, 5, 0])
    sampler = SampledGraph(KARATE, features, (-1, -1), "cpu", 0, 1, symmetric=conv == "gcn")
    sampled = sampler.around(rows, epoch=0)
    with torch.no_grad():
        expected = encoder(whole.features, whole.blocks)[rows]
        found = encoder(sampled.features, sampled.blocks)
    torch.testing.assert_close(found, expected)


def test_samples_hide_the_same_as_the_whole_graph() -> None:
    encoder, rows = Encoder(5, 6, 4).eval(), np.array([33, 5, 0, 1])
    exclude = np.array([[1, 0], [33, 32], [5, 5], [0, 33]])
    whole = WHOLE.around(exclude)
    sampled = SampledGraph(KARATE, FEATURES, (-1, -1), "cpu", 0, 1).around(rows, 0, exclude)
    with torch.no_grad():
        expected = encoder(whole.features, whole.blocks)[rows]
        found = encoder(sampled.features, sampled.blocks)
        plain = encoder(WHOLE.around().features, WHOLE.around().blocks)[rows]
    torch.testing.assert_close(found, expected)
    assert (found - plain).abs().max() > 1e-3


def test_excluded_pairs_are_not_heard_along() -> None:
    sampled = SampledGraph(KARATE, FEATURES, (-1,), "cpu", 0, 1)
    ends = np.array([0, 1])
    alone = sampled.around(ends, 0, exclude=np.array([[1, 0]])).blocks[0]
    both = sampled.around(ends, 0).blocks[0]
    assert len(both.indices) - len(alone.indices) == 2


def test_read_only_features_are_copied() -> None:
    frozen = FEATURES.copy()
    frozen.flags.writeable = False
    tensor = on_device(frozen, "cpu")
    assert tensor.data_ptr() != frozen.ctypes.data
    np.testing.assert_array_equal(tensor.numpy(), FEATURES)
