import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from graphembed.exceptions import NonFiniteScoresError
from graphembed.knowledge import answers
from graphembed.knowledge.answers import HEAD, TAIL, Model, best_answers, score_triples
from graphembed.knowledge.distmult import DistMultFormula
from graphembed.knowledge.known_triples import KnownTriples
from graphembed.knowledge.transe import TransEFormula
from graphembed.knowledge.transh import TransHFormula

N, M, D = 23, 4, 6


def model(formula, reciprocal):
    rng = np.random.default_rng(0)
    entities = rng.standard_normal((N, formula.entity_width)).astype(np.float32)
    n_relations = 2 * M if reciprocal else M
    relations = rng.standard_normal((n_relations, formula.relation_width)).astype(np.float32)
    return Model(formula, entities, relations, reciprocal)


def slow_score(model, given, relation, answer, side):
    formula = model.formula
    if side == HEAD and model.reciprocal:
        relation += M
    row = model.relations[relation : relation + 1]
    ask = formula.head_queries if side == HEAD and not model.reciprocal else formula.tail_queries
    queries = ask(model.entities[given : given + 1], row)
    candidates = formula.candidates(model.entities[answer : answer + 1], row)
    return formula.interaction.pairs(queries, candidates)[0]


@pytest.mark.parametrize("reciprocal", [True, False])
@pytest.mark.parametrize("formula", [TransEFormula(D), DistMultFormula(D), TransHFormula(D)])
def test_scores_and_best_answers_are_those_of_the_formula(formula, reciprocal, monkeypatch):
    monkeypatch.setattr(answers, "_PAIRS", 7)
    monkeypatch.setattr(answers, "_QUERIES", 3)
    m = model(formula, reciprocal)
    rng = np.random.default_rng(1)
    triples = np.column_stack([rng.integers(0, size, 20) for size in (N, M, N)])
    expected = [slow_score(m, h, r, t, TAIL) for h, r, t in triples]
    assert_allclose(score_triples(m, triples, n_jobs=2), expected, rtol=1e-5)
    for side in (TAIL, HEAD):
        given, relations = triples[:, 0], triples[:, 1]
        scores = [
            [slow_score(m, g, r, e, side) for e in range(N)]
            for g, r in zip(given, relations, strict=True)
        ]
        rows, found = best_answers(m, given, relations, 5, side=side, n_jobs=2)
        assert_allclose(found, -np.sort(-np.array(scores))[:, :5], rtol=1e-4, atol=1e-5)
        assert_allclose(found, np.take_along_axis(np.array(scores), rows, 1), rtol=1e-4, atol=1e-5)


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=20), st.integers(1, 20))
def test_equal_scores_come_in_row_order(scores, k):
    line = np.array(scores, dtype=np.float32)
    line[line == -2] = -np.inf
    k = min(k, len(line))
    expected = sorted(np.flatnonzero(np.isfinite(line)), key=lambda i: (-line[i], i))[:k]
    assert answers._largest(line, k).tolist() == expected


def test_known_answers_are_left_out_and_made_up_for():
    m = model(TransEFormula(D), True)
    triples = np.array([[0, 1, t] for t in range(N - 2)])
    known = KnownTriples(triples, n_entities=N, n_relations=M)
    given, relations = np.array([0, 1]), np.array([1, 1])
    rows, scores = best_answers(m, given, relations, 4, side=TAIL, known=known)
    assert set(rows[0, :2]) == {N - 2, N - 1}
    assert_array_equal(rows[0, 2:], [0, 0])
    assert_array_equal(np.isneginf(scores), [[False, False, True, True], [False] * 4])
    rows, _ = best_answers(m, np.array([3]), np.array([1]), N, side=HEAD, known=known)
    assert rows.shape == (1, N)
    assert 0 not in rows[0, : N - 1]


def test_nan_is_an_error():
    m = model(TransEFormula(D), True)
    m.entities[3] = np.nan
    with pytest.raises(NonFiniteScoresError, match="diverged"):
        best_answers(m, np.array([0]), np.array([0]), 2, side=TAIL)


def test_no_questions():
    m = model(TransHFormula(D), False)
    nothing = np.empty(0, dtype=np.int64)
    assert best_answers(m, nothing, nothing, 3, side=TAIL)[0].shape == (0, 3)
    assert score_triples(m, np.empty((0, 3), dtype=np.int64), n_jobs=1).shape == (0,)
