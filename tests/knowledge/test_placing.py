import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graphembed.knowledge import all_models, placing
from graphembed.knowledge.answers import HEAD, TAIL, Model, score_triples
from graphembed.knowledge.known_triples import KnownTriples
from graphembed.knowledge.losses import make_loss
from graphembed.knowledge.placing import Placer

N, M = 30, 3


def placer(name, triples, n_new, reciprocal=True, loss="softmax"):
    formula = all_models()[name](n_components=8)._formula()
    entities = formula.initial_entities(np.arange(N), 1)
    relations = formula.initial_relations(np.arange(2 * M if reciprocal else M), 2)
    model = Model(formula, entities * 3, relations * 3, reciprocal)
    known = KnownTriples(triples, n_entities=N + n_new, n_relations=M)
    return Placer(model, make_loss(loss), np.arange(0, N, 2), known)


@pytest.mark.parametrize("loss", ["softmax", "logistic", "margin", "self_adversarial"])
@pytest.mark.parametrize("name", all_models())
def test_gradients_are_those_of_the_loss(name, loss):
    """Numerically, by every number of the new rows, summed over questions on both sides."""
    triples = np.array([[N, 0, 3], [5, 0, N], [N, 2, N + 1], [7, 2, 8], [N + 1, 1, N + 1]])
    asks = placer(name, triples, 2, loss=loss)
    rng = np.random.default_rng(4)
    new = asks.model.formula.initial_entities(np.arange(N, N + 2), 9) * 2
    new += rng.normal(0, 0.05, new.shape).astype(np.float32)
    table = np.concatenate([asks.model.entities, new])
    heads, relations, tails = triples[[0, 1, 2, 4]].T
    questions = [
        placing._Questions(side, given, asks.model.relation_rows(relations, side), answers)
        for side, given, answers in [(TAIL, heads, tails), (HEAD, tails, heads)]
    ]
    tasks = [q.take(g) for q in questions for g in asks.model.groups(q.relations, 2)]

    def loss_of(table):
        total = 0.0
        for task in tasks:
            formula, rows = asks.model.formula, asks.model.wanted(task.relations)
            queries = asks.model.queries(table[task.given], rows, task.side)
            positive = formula.interaction.pairs(
                queries, formula.candidates(table[task.answers], rows)
            )
            scores = np.empty((len(positive), len(asks.negatives)), dtype=np.float32)
            formula.interaction.block(
                queries, formula.candidates(table[asks.negatives], rows), scores
            )
            asks.known.mask(task.given, task.relations, asks.negatives, scores)
            total += asks.loss.apply(positive, scores, np.empty_like(positive), scores)
        return total

    grads = np.zeros_like(new)
    for task in tasks:
        asks._add_gradients(task, table, N, grads)
    direction = rng.standard_normal(new.shape).astype(np.float32)
    direction /= np.linalg.norm(direction)
    step = 3e-4  # short: absolute values and hinges have corners
    ahead, behind = table.copy(), table.copy()
    ahead[N:] += step * direction
    behind[N:] -= step * direction
    numeric = (loss_of(ahead) - loss_of(behind)) / (2 * step)
    if loss != "self_adversarial":  # which takes its weights as given
        assert_allclose((grads * direction).sum(), numeric, rtol=0.05, atol=5e-3)
    assert np.isfinite(grads).all()


@pytest.mark.parametrize("reciprocal", [True, False])
@pytest.mark.parametrize("name", ["TransE", "DistMult", "ComplEx", "TransH"])
def test_steps_raise_the_scores_of_the_triples(name, reciprocal, monkeypatch):
    triples = np.array([[N, 0, 3], [N, 1, 5], [9, 0, N], [4, 2, N]])
    asks = placer(name, triples, 1, reciprocal)

    def score(new):
        model = asks.model
        grown = Model(
            model.formula, np.concatenate([model.entities, new]), model.relations, reciprocal
        )
        return score_triples(grown, triples, n_jobs=1).mean()

    placed = asks.place(triples, 1)
    monkeypatch.setattr(placing, "N_STEPS", 0)
    start = asks.place(triples, 1)
    assert score(placed) > score(start)


def test_the_start_is_the_entity_that_answers_best(monkeypatch):
    monkeypatch.setattr(placing, "N_STEPS", 0)
    asks = placer("TransE", np.empty((0, 3), dtype=np.int64), 2)
    entities, relations = asks.model.entities, asks.model.relations
    entities[11] = entities[4] + relations[1]
    rows = asks.place(np.array([[4, 1, N]]), 2)
    assert_array_equal(rows[0], entities[11])
    assert_allclose(rows[1], entities.mean(axis=0), rtol=1e-5)


def test_blocks_of_new_entities_do_not_matter(monkeypatch):
    rng = np.random.default_rng(0)
    triples = np.column_stack(
        [rng.integers(0, N, 60), rng.integers(0, M, 60), rng.integers(N, N + 9, 60)]
    )
    asks = placer("TransE", triples, 9)
    expected = asks.place(triples, 9)
    monkeypatch.setattr(placing, "_SUMS", 2 * N)
    assert_allclose(asks.place(triples, 9), expected, rtol=1e-3, atol=1e-4)


def test_entities_are_placed_each_by_its_own_triples():
    first = np.array([[N, 0, 3], [9, 0, N], [4, 2, N]])
    second = np.array([[N + 1, 1, 7], [8, 1, N + 1]])
    together = np.concatenate([first, second])
    asks = placer("TransE", together, 2)
    both = asks.place(together, 2)
    assert_allclose(both[:1], asks.place(first, 2)[:1], rtol=1e-3, atol=1e-4)
    assert_allclose(both[1:], asks.place(second, 2)[1:], rtol=1e-3, atol=1e-4)
