"""Batches, and scores of networks whose answers are known."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

import graphembed as ge
from graphembed.graph.links import Links
from graphembed.message_passing.block import listening
from graphembed.message_passing.held_out import HeldOutEdges
from graphembed.message_passing.neighborhoods import SampledGraph, WholeGraph
from graphembed.message_passing.objectives import PairHead
from graphembed.message_passing.positives import EdgePairs, Negatives, WalkPairs
from graphembed.message_passing.tasks import InfomaxTask, LabelTask, PairTask

KARATE = ge.datasets.load("karate").graph
N = KARATE.n_nodes
FEATURES = np.eye(N, dtype=np.float32)  # by which a row is known, wherever it is
WHOLE = WholeGraph(KARATE, FEATURES, 2, "cpu")
SAMPLED = SampledGraph(KARATE, FEATURES, (3, 2), "cpu", 0, 1)
EDGES = EdgePairs(Links.of(KARATE), 0)
WALKS = WalkPairs(KARATE, 4, 2, 0, 1)
# Nodes 0 and 33 hear themselves, too.
LOOPED = ge.Graph.from_edges(
    [*KARATE.edges()[:, 0], 0, 33], [*KARATE.edges()[:, 1], 0, 33], nodes=range(N)
)


def surroundings(kind: str, graph: ge.Graph = LOOPED) -> Any:
    if kind == "whole":
        return WholeGraph(graph, FEATURES[: graph.n_nodes], 2, "cpu")
    return SampledGraph(graph, FEATURES[: graph.n_nodes], (-1, -1), "cpu", 0, 1)


def last_rows(X: Any, blocks: Any, generator: Any = None) -> torch.Tensor:
    """An encoder that hears nobody: features of the seeds."""
    return X[: blocks[-1].n_targets]


def pair_task(
    around: Any, batch_size: int = 16, held_out: Any = None, *, positives: Any = EDGES,
    exclude: bool = True, share: float = 0.5,
) -> PairTask:  # fmt: skip
    negatives = Negatives(KARATE.degrees, 5, 0)
    return PairTask(around, positives, negatives, exclude, share, held_out, batch_size)


def both_ways(pairs: Any) -> set[tuple[int, int]]:
    return {ends for u, v in np.asarray(pairs).tolist() for ends in ((u, v), (v, u))}


def nodes_of(batch: Any) -> np.ndarray:
    """Return which node each of the vectors of a batch is of."""
    around = batch.around
    rows: np.ndarray = around.features[: around.blocks[-1].n_targets].argmax(dim=1).numpy()
    return rows


def heard(batch: Any) -> list[set[tuple[int, int]]]:
    """Return for each layer who is heard by whom."""
    names = batch.around.features.argmax(dim=1).numpy()
    found = []
    for block in batch.around.blocks:
        u, v = names[block.edge_index].tolist()
        found.append(set(zip(u, v, strict=True)))
    return found


@pytest.mark.parametrize("positives", [EDGES, WALKS])
@pytest.mark.parametrize("kind", ["whole", "sampled"])
def test_nobody_hears_along_a_pair_that_is_asked(kind: str, positives: Any) -> None:
    around = surroundings(kind)
    for epoch in range(3):
        for batch in pair_task(around, positives=positives).batches(epoch):
            asked = both_ways(nodes_of(batch)[batch.pairs])
            assert asked & both_ways(KARATE.edges()), "some of them are edges"
            for layer in heard(batch):
                assert not layer & asked
            if kind == "whole":
                assert heard(batch)[0] == both_ways(LOOPED.edges()) - asked
            else:
                present = {(node, node) for node in {0, 33} & set(nodes_of(batch).tolist())}
                assert {ends for ends in heard(batch)[-1] if ends[0] == ends[1]} == present


@pytest.mark.parametrize("kind", ["whole", "sampled"])
def test_if_they_are_not_excluded_all_are_heard(kind: str) -> None:
    for batch in pair_task(surroundings(kind), exclude=False).batches(0):
        nodes = nodes_of(batch)
        expected = {ends for ends in both_ways(LOOPED.edges()) if ends[1] in set(nodes.tolist())}
        assert heard(batch)[-1] == expected
        assert both_ways(nodes[batch.pairs]) <= expected


@pytest.mark.parametrize("kind", ["whole", "sampled"])
@pytest.mark.parametrize("direction", ["in", "out", "both"])
def test_of_a_directed_graph_neither_way_is_heard(direction: str, kind: str) -> None:
    graph = ge.testing.graphs.weighted_digraph()
    edges = graph.to_scipy().toarray() > 0
    assert (edges & edges.T).any(), "some pairs have edges both ways"
    hearing = listening(graph, direction)
    positives = EdgePairs(Links.of(hearing), 0)
    task = PairTask(
        surroundings(kind, hearing), positives, Negatives(np.ones(20), 5, 0), True, 0.3, None, 16
    )
    for batch in task.batches(0):
        asked = both_ways(nodes_of(batch)[batch.pairs])
        assert all(layer and not layer & asked for layer in heard(batch))


@pytest.mark.parametrize("positives", [EDGES, WALKS])
def test_a_step_on_the_whole_graph_asks_for_a_share(positives: Any) -> None:
    task = pair_task(WHOLE, positives=positives, share=0.3)
    (batch,) = task.batches(4)
    np.testing.assert_array_equal(batch.pairs, positives.draw(4, 0.3))
    assert batch.pairs.shape == (batch.size, 2)
    assert batch.negatives.shape == (5,)
    (again,) = task.batches(4)
    np.testing.assert_array_equal(batch.negatives, again.negatives)
    (other,) = task.batches(5)
    assert not np.array_equal(batch.negatives, other.negatives)


def test_samples_are_around_pairs_and_negatives_together() -> None:
    batches = list(pair_task(SAMPLED, 16).batches(0))
    assert [batch.size for batch in batches] == [16, 16, 16, 16, 14]
    pairs, negatives = [], []
    for batch in batches:
        rows = nodes_of(batch)
        named = {*rows[batch.pairs].ravel().tolist(), *rows[batch.negatives].tolist()}
        assert sorted(named) == sorted(rows.tolist()), "each node once, and no others"
        pairs.append(rows[batch.pairs])
        negatives.append(rows[batch.negatives])
    np.testing.assert_array_equal(np.concatenate(pairs), EDGES.draw(0))
    np.testing.assert_array_equal(negatives, Negatives(KARATE.degrees, 5, 0).draw(0, 5))


@pytest.mark.parametrize("around", [WHOLE, SAMPLED])
def test_loss_of_pairs_is_that_of_the_nodes(around: Any) -> None:
    head, generator = PairHead("dot", "bce", 0.2), object()
    Z = torch.randn(N, 4, generator=torch.Generator().manual_seed(0))

    def encoder(X: Any, blocks: Any, given: Any) -> Any:
        assert given is generator
        return Z[last_rows(X, blocks).argmax(dim=1)]

    for batch in pair_task(around).batches(0):
        rows = nodes_of(batch)
        pairs, negatives = (torch.from_numpy(rows[x]) for x in (batch.pairs, batch.negatives))
        found = pair_task(around).loss({"encoder": encoder, "head": head}, batch, generator)
        assert found.item() == pytest.approx(head(Z, pairs, negatives).item(), rel=1e-6)


def test_without_pairs_there_is_no_batch() -> None:
    empty = ge.Graph.from_edges([], [], nodes=range(3))
    positives = EdgePairs(Links.of(empty), 0)
    for kind in ("whole", "sampled"):
        assert not list(pair_task(surroundings(kind, empty), positives=positives).batches(0))


@pytest.mark.parametrize("around", [WHOLE, SAMPLED])
def test_score_of_pairs_is_an_auc(around: Any) -> None:
    held = HeldOutEdges(KARATE, np.array([[0, 1], [2, 2], [3, 3]]), np.array([0, 1, 1]))
    network = {"encoder": last_rows, "head": PairHead("cosine", "bce", 0.2)}
    assert pair_task(around, 8, held).score(network) == 1.0
    assert pair_task(around, 8, held._replace(labels=1 - held.labels)).score(network) == 0.0
    assert pair_task(around, 8).score(network) is None


@pytest.mark.parametrize("around", [WHOLE, SAMPLED])
def test_infomax_compares_with_shuffled_features(around: Any) -> None:
    seen = []

    def head(real: torch.Tensor, shuffled: torch.Tensor) -> int:
        seen.append((real, shuffled))
        return 0

    task = InfomaxTask(around, N, 20, seed=0)
    for batch in task.batches(0):
        task.loss({"encoder": last_rows, "head": head}, batch, None)
    nodes = torch.cat([real for real, _ in seen]).argmax(dim=1)
    assert sorted(nodes.tolist()) == list(range(N)), "each node once"
    assert not any(torch.equal(real, shuffled) for real, shuffled in seen)
    assert task.score({}) is None


@dataclass
class Answers:
    """A head that says which class each node has."""

    answers: np.ndarray

    def __call__(self, Z: torch.Tensor, blocks: Any, generator: Any = None) -> torch.Tensor:  # noqa: ARG002
        (block,) = blocks
        return torch.from_numpy(self.answers)[Z[: block.n_targets].argmax(dim=1)]

    @staticmethod
    def loss(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(scores, targets)


@pytest.mark.parametrize("around", [WHOLE, SAMPLED])
def test_score_of_classes_is_accuracy(around: Any) -> None:
    codes = np.arange(N) % 2
    answers = np.eye(2)[codes]
    answers[4] = 1 - answers[4]
    task = LabelTask(around, codes, np.array([0, 1]), np.array([2, 3, 4, 9]), 8, seed=0)
    assert task.score({"encoder": last_rows, "head": Answers(answers)}) == 0.75


def test_score_of_labels_is_micro_f1() -> None:
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(0)
    matrix = rng.integers(0, 2, size=(N, 3)).astype(np.float32)
    answers = rng.standard_normal((N, 3))
    task = LabelTask(WHOLE, matrix, np.array([0]), np.arange(N), 8, seed=0)
    expected = f1_score(matrix, answers > 0, average="micro")
    found = task.score({"encoder": last_rows, "head": Answers(answers)})
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("around", [WHOLE, SAMPLED])
def test_only_labelled_nodes_are_learned_from(around: Any) -> None:
    codes = np.full(N, -1)
    labelled = np.array([3, 7, 11, 30])
    codes[labelled] = [0, 1, 1, 0]
    task = LabelTask(around, codes, labelled, labelled[:0], 3, seed=0)
    answers = np.random.default_rng(0).standard_normal((N, 2))
    learned = []
    for batch in task.batches(0):
        rows = nodes_of(batch)
        rows = rows if batch.chosen is None else rows[batch.chosen]
        assert len(rows) == batch.size
        np.testing.assert_array_equal(codes[rows], batch.extra)
        learned += rows.tolist()
        scores = answers[rows]
        chosen = scores[np.arange(len(rows)), codes[rows]]
        expected = np.mean(np.log(np.exp(scores).sum(axis=1)) - chosen)
        found = task.loss({"encoder": last_rows, "head": Answers(answers)}, batch, None)
        assert found.item() == pytest.approx(expected)
    assert sorted(learned) == labelled.tolist()
    assert task.score({}) is None
