"""TransE's kernels against gradients that are summed triple by triple."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from graphembed.kernels import triple_steps
from graphembed.knowledge.negatives import corrupt, head_chances
from graphembed.testing import reference

KEY = 2**63 + 77
METHODS = ("sgd", "adagrad", "row_adagrad", "adam")


class Case:
    """Tables, triples and what the kernels need to train them."""

    def __init__(
        self, n_entities: int, n_triples: int, n_negatives: int, d: int, method: str = "sgd",
        chance: float = 0.4,
    ) -> None:  # fmt: skip
        rng = np.random.default_rng(d + n_negatives)
        self.entities = rng.normal(size=(n_entities, d)).astype(np.float32)
        self.relations = rng.normal(size=(3, d)).astype(np.float32)
        width = {"sgd": 0, "adagrad": d, "row_adagrad": 1, "adam": 2 * d + 1}[method]
        self.states = [np.zeros((n, width), dtype=np.float32) for n in (n_entities, 3)]
        limits = [n_entities, 3, n_entities]
        self.triples = rng.integers(0, limits, (n_triples, 3)).astype(np.int32)
        self.order = rng.permutation(n_triples)
        self.n_negatives, self.method = n_negatives, METHODS.index(method)
        chances = np.full(3, chance)
        self.units = head_chances(chances)
        self.drawn, self.heads = corrupt(
            KEY, np.arange(n_triples), self.triples, n_negatives, n_entities=n_entities,
            chances=chances,
        )  # fmt: skip

    def train(self, norm: int, margin: float = 1.0, weight: float = 1.0, rate: float = 0.1,
              unit: bool = False, start: int = 0, stop: int | None = None) -> float:  # fmt: skip
        stop = len(self.order) if stop is None else stop
        return triple_steps.train_triples(
            self.entities, self.relations, *self.states, self.triples, self.order, start, stop,
            self.units, self.n_negatives, norm, np.float32(margin), np.float32(weight),
            self.method, np.float32(rate), unit, np.uint64(KEY),
        )  # fmt: skip

    def train_batch(self, norm: int, margin: float = 1.0, weight: float = 1.0, rate: float = 0.1,
                    unit: bool = False, n_chunks: int = 1, size: int = 1000) -> float:  # fmt: skip
        n, each = len(self.order), 4 + self.n_negatives
        vectors = np.empty((n * triple_steps.SLOTS, self.entities.shape[1]), dtype=np.float32)
        entries, relation_entries = (
            [np.empty(m, dtype=kind) for kind in (np.int32, np.int32, np.float32)]
            for m in (n * each, n * 2)
        )
        cuts = np.linspace(0, n, n_chunks + 1).astype(int)
        found = [
            triple_steps.list_gradients(
                self.entities, self.relations, self.triples, self.order, 0, start, stop,
                self.units, self.n_negatives, norm, np.float32(margin), np.uint64(KEY), vectors,
                *entries, *relation_entries,
            )
            for start, stop in pairwise(cuts)
        ]  # fmt: skip
        losses, ends, relation_ends = zip(*found, strict=True)
        parts = (
            (self.entities, self.states[0], entries, cuts[:-1] * each, ends, unit),
            (self.relations, self.states[1], relation_entries, cuts[:-1] * 2, relation_ends, False),
        )
        for table, state, (rows, slots, weights), begins, stops, to_unit in parts:
            in_order = (
                np.empty_like(rows), np.empty(len(rows) + 1, dtype=np.int64),
                np.empty_like(slots), np.empty_like(weights),
            )  # fmt: skip
            counts = np.zeros(len(table), dtype=np.int32)
            tasks = triple_steps.group_entries(
                rows, slots, weights, begins, np.array(stops), counts, size, *in_order
            )
            assert not counts.any()
            for first, last in pairwise(tasks):
                triple_steps.step_rows(
                    table, state, *in_order, vectors, norm, np.float32(weight), self.method,
                    np.float32(rate), to_unit, first, last,
                )  # fmt: skip
        return sum(losses)

    def gradients(self, number: int, norm: int, margin: float) -> Any:
        return reference.triple_gradients(
            self.entities, self.relations, self.triples[number], self.drawn[number],
            self.heads[number], norm, margin,
        )  # fmt: skip


def batch_step(case: Case, norm: int, method: str, margin: float, weight: float) -> Any:
    """Return the loss and both tables after a step by the sums over all triples."""
    loss = 0.0
    sums: list[dict[int, Any]] = [{}, {}]
    for number in range(len(case.triples)):
        more, *pulls = case.gradients(number, norm, margin)
        loss += more
        for total, parts in zip(sums, pulls, strict=True):
            for row, pull in parts:
                total[row] = total.get(row, 0) + weight * pull
    moved = []
    for table, state, total in zip((case.entities, case.relations), case.states, sums, strict=True):
        after = table.astype(np.float64)
        for row, gradient in total.items():
            after[row] = reference.step_row(table[row], state[row], gradient, method, 0.1)[0]
        moved.append(after)
    return loss, *moved


@pytest.mark.parametrize("norm", [1, 2, 3])
@pytest.mark.parametrize(("n_entities", "n_negatives", "d"), [(60, 1, 16), (60, 5, 100), (3, 4, 7)])
def test_a_batch_is_the_slow_twin(norm: int, n_entities: int, n_negatives: int, d: int) -> None:
    """With three entities, triples are loops, and their negatives recur."""
    case = Case(n_entities, 40, n_negatives, d)
    margin = [2.0, 0.7, 4.0][norm - 1]  # some negatives are within it, some are not
    loss, entities, relations = batch_step(case, norm, "sgd", margin, 0.25)
    assert case.train_batch(norm, margin, 0.25) == pytest.approx(loss, rel=1e-5)
    np.testing.assert_allclose(case.entities, entities, atol=1e-5)
    np.testing.assert_allclose(case.relations, relations, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_steps_of_a_batch_are_those_of_the_slow_twin(method: str) -> None:
    case = Case(60, 40, 2, 20, method)
    _, entities, relations = batch_step(case, 2, method, 1.0, 0.25)
    case.train_batch(2, 1.0, 0.25)
    np.testing.assert_allclose(case.entities, entities, atol=2e-5)
    np.testing.assert_allclose(case.relations, relations, atol=2e-5)


def test_a_batch_does_not_depend_on_its_tasks() -> None:
    tables = []
    for n_chunks, size in ((1, 10**6), (3, 50), (7, 1)):
        case = Case(20, 60, 3, 33, "adagrad")
        case.train_batch(2, n_chunks=n_chunks, size=size)
        tables.append(case.entities.tobytes() + case.relations.tobytes())
    assert tables[0] == tables[1] == tables[2]


@pytest.mark.parametrize("norm", [1, 2, 3])
@pytest.mark.parametrize("n_negatives", [1, 4])
def test_one_triple_after_the_other_is_the_slow_twin(norm: int, n_negatives: int) -> None:
    case = Case(3000, 12, n_negatives, 40)
    slow = Case(3000, 12, n_negatives, 40)
    loss = 0.0
    for number in slow.order:
        more, of_entities, of_relations = slow.gradients(number, norm, 1.0)
        loss += 0.5 * more
        # A negative that is drawn twice for a triple would move in between.
        assert len(set(slow.drawn[number])) == n_negatives
        for table, pulls in ((slow.entities, of_entities), (slow.relations, of_relations)):
            for row, pull in pulls:
                table[row] -= 0.1 * 0.5 * pull
    assert 0.5 * case.train(norm, weight=0.5) == pytest.approx(loss, rel=1e-5)
    np.testing.assert_allclose(case.entities, slow.entities, atol=1e-5)
    np.testing.assert_allclose(case.relations, slow.relations, atol=1e-5)


@pytest.mark.parametrize("method", ["adagrad", "row_adagrad"])
@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_steps_of_one_triple_are_those_of_the_slow_twin(method: str, chance: float) -> None:
    """With all negatives on one side each row has one part in it: one step is one sum."""
    case = Case(500, 1, 3, 20, method, chance)
    _, entities, relations = batch_step(case, 2, method, 1.0, 0.5)
    case.train(2, weight=0.5)
    np.testing.assert_allclose(case.entities, entities, atol=1e-5)
    np.testing.assert_allclose(case.relations, relations, atol=1e-5)


def test_ranges_follow_each_other() -> None:
    whole, parts = Case(30, 50, 2, 16, "adagrad"), Case(30, 50, 2, 16, "adagrad")
    loss = whole.train(2)
    split = sum(parts.train(2, start=a, stop=b) for a, b in ((0, 3), (3, 4), (4, 4), (4, 50)))
    assert loss == pytest.approx(split)
    np.testing.assert_array_equal(whole.entities, parts.entities)


@pytest.mark.parametrize("train", ["train", "train_batch"])
def test_beyond_the_margin_nothing_moves(train: str) -> None:
    case = Case(30, 50, 2, 16)
    before = case.entities.copy(), case.relations.copy()
    assert getattr(case, train)(2, margin=-100.0) == 0
    np.testing.assert_array_equal(case.entities, before[0])
    np.testing.assert_array_equal(case.relations, before[1])


@pytest.mark.parametrize("train", ["train", "train_batch"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_shows_in_the_loss(train: str, value: float) -> None:
    case = Case(30, 50, 2, 16)
    case.relations[1, 3] = value
    assert np.isnan(getattr(case, train)(2))


@pytest.mark.parametrize("train", ["train", "train_batch"])
def test_unit_entities(train: str) -> None:
    case = Case(30, 50, 2, 16)
    case.entities *= 3
    getattr(case, train)(3, margin=1000.0, rate=0.01, unit=True)
    np.testing.assert_allclose(np.linalg.norm(case.entities, axis=1), 1, rtol=1e-5)
    assert not np.allclose(np.linalg.norm(case.relations, axis=1), 1)


@pytest.mark.parametrize("train", ["train", "train_batch"])
@pytest.mark.parametrize("norm", [1, 2, 3])
def test_coincident_points(train: str, norm: int) -> None:
    """Where a distance is 0 there is no way to go, and nothing becomes NaN."""
    case = Case(5, 50, 2, 16)
    case.entities[:] = 1
    case.relations[:] = 0
    getattr(case, train)(norm)
    np.testing.assert_array_equal(case.entities, 1)


def test_shuffle() -> None:
    order = np.empty(1000, dtype=np.int64)
    triple_steps.shuffle(np.uint64(KEY), order)
    np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    counts = np.zeros((5, 5))
    small = np.empty(5, dtype=np.int64)
    for key in range(2000):
        triple_steps.shuffle(np.uint64(key), small)
        counts[small, np.arange(5)] += 1
    assert chisquare(counts.ravel()).pvalue > 1e-3
