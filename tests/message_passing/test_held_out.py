import numpy as np

import graphembed as ge
from graphembed.message_passing.held_out import FEWEST_NODES, hold_out_edges, hold_out_nodes


def ring_of_chords(n_nodes: int) -> ge.Graph:
    nodes = np.arange(n_nodes)
    targets = np.concatenate([(nodes + 1) % n_nodes, (nodes + 7) % n_nodes])
    return ge.Graph.from_edges(np.tile(nodes, 2), targets)


def test_held_out_edges_are_not_trained_on() -> None:
    graph = ring_of_chords(400)
    held = hold_out_edges(graph, 0.1, seed=3)
    assert held is not None
    positives = held.pairs[held.labels == 1]
    assert len(positives) == 80 == len(held.pairs) / 2
    assert held.train.n_edges == graph.n_edges - 80
    assert np.all(held.train.adjacency[positives[:, 0], positives[:, 1]] == 0)
    again = hold_out_edges(graph, 0.1, seed=3)
    assert again is not None
    np.testing.assert_array_equal(held.pairs, again.pairs)


def test_string_ids_are_rows() -> None:
    graph = ring_of_chords(400)
    names = [f"node {i}" for i in range(400)]
    ends = np.array(names)[graph.edges()]
    named = ge.Graph.from_edges(ends[:, 0], ends[:, 1], nodes=names)
    first, second = (hold_out_edges(each, 0.1, seed=3) for each in (graph, named))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.pairs, second.pairs)


def test_nothing_is_held_out_of_what_is_too_small_or_would_fall_apart() -> None:
    assert hold_out_edges(ge.datasets.load("karate").graph, 0.05, seed=0) is None
    path = ge.Graph.from_edges(range(999), range(1, 1000))
    assert hold_out_edges(path, 0.1, seed=0) is None


def test_classes_give_nodes_in_proportion() -> None:
    rng = np.random.default_rng(0)
    codes = rng.choice([-1, 0, 1, 2], p=[0.2, 0.5, 0.2, 0.1], size=2000)
    train, held = hold_out_nodes(codes, 0.25, seed=0)
    np.testing.assert_array_equal(np.sort([*train, *held]), np.flatnonzero(codes >= 0))
    for code in range(3):
        n_held = np.count_nonzero(codes[held] == code)
        assert abs(n_held - 0.25 * np.count_nonzero(codes == code)) <= 1


def test_few_labels_are_all_trained_on() -> None:
    codes = np.zeros(4 * FEWEST_NODES - 1, dtype=np.int64)
    train, held = hold_out_nodes(codes, 0.25, seed=0)
    assert len(train) == len(codes)
    assert not len(held)


def test_every_class_keeps_a_node_to_train_on() -> None:
    codes = np.concatenate([np.zeros(300), np.arange(1, 13), np.full(300, 13)]).astype(np.int64)
    for seed in range(5):
        for share in (0.1, 0.5, 0.9):
            train, held = hold_out_nodes(codes, share, seed)
            assert set(codes[train].tolist()) == set(range(14))
            assert abs(len(held) - share * 600) <= 12
    pairs = np.repeat(np.arange(100), 2)
    train, held = hold_out_nodes(pairs, 0.5, 0)
    np.testing.assert_array_equal(pairs[train], [0, *range(100)])
    np.testing.assert_array_equal(pairs[held], np.arange(1, 100))


def test_nothing_is_held_out_of_classes_of_one_node() -> None:
    train, held = hold_out_nodes(np.arange(1000), 0.5, 0)
    assert len(train) == 1000
    assert not len(held)
