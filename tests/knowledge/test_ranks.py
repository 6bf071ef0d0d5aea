import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphembed.exceptions import NonFiniteScoresError
from graphembed.knowledge import ranks as ranks_module
from graphembed.knowledge.distmult import DistMultFormula
from graphembed.knowledge.formula import Formula
from graphembed.knowledge.interactions import Candidates, Queries
from graphembed.knowledge.known_triples import KnownTriples
from graphembed.knowledge.ranks import KINDS, filtered_ranks
from graphembed.knowledge.rotate import RotatEFormula
from graphembed.knowledge.rote import RotEFormula
from graphembed.knowledge.roth import RotHFormula
from graphembed.knowledge.transd import TransDFormula
from graphembed.knowledge.transe import TransEFormula
from graphembed.knowledge.transh import TransHFormula
from graphembed.knowledge.transr import TransRFormula
from graphembed.testing import reference


class Named:
    def __init__(self, name):
        self.name = name


class Plain(Formula):
    """The query is head + relation, whatever the interaction; the last column may be a shift."""

    def __init__(self, name, d, *, shifted=False, curved=False, by_relation=False):
        self.interaction, self.d, self.shifted, self.curved = Named(name), d, shifted, curved
        self.by_relation = by_relation
        self.entity_width = self.relation_width = d + 1

    initial_entities = initial_relations = tail_queries_backward = None

    def _queries(self, vectors, relations):
        curvatures = np.broadcast_to(relations[:, self.d], len(vectors)) if self.curved else None
        return Queries(vectors, None, curvatures)

    def tail_queries(self, heads, relations):
        return self._queries(heads[:, : self.d] + relations[:, : self.d], relations)

    def head_queries(self, tails, relations):
        return self._queries(tails[:, : self.d] - relations[:, : self.d], relations)

    def candidates(self, entities, relations):
        factor = relations[:1, :1] if self.by_relation else np.float32(1)
        shifts = entities[:, self.d].copy() if self.shifted else None
        return Candidates(entities[:, : self.d] * factor, shifts)


def brute_force(formula, entities, relations, triples, known, reciprocal, sides):
    """Rank by the twins: one score at a time."""
    known = {tuple(map(int, triple)) for triple in [*known, *triples]}
    m = len(relations) // 2 if reciprocal else len(relations)
    out = np.empty((3, len(sides), len(triples)), dtype=np.int64)
    for place, side in enumerate(sides):
        for number, (h, r, t) in enumerate(np.asarray(triples).tolist()):
            if side == "tail":
                source, answer, row, make = h, t, r, formula.tail_queries
                others = [b for a, s, b in known if (a, s) == (h, r)]
            else:
                source, answer = t, h
                row, make = (
                    (r + m, formula.tail_queries) if reciprocal else (r, formula.head_queries)
                )
                others = [a for a, s, b in known if (s, b) == (r, t)]
            kind = relations[row][None]
            query = make(entities[[source]], kind)
            found = formula.candidates(entities, kind)
            shifts = 0 if found.shifts is None else found.shifts
            name = formula.interaction.name
            if name == "hyperbolic":
                curved = reference.hyperbolic_scores(query.vectors, query.curvatures, found.vectors)
                scores = curved + shifts
            elif name == "euclidean":
                squares = reference.rank_scores(name, query.vectors, found.vectors)
                scores = shifts - np.sqrt(-squares)
            else:
                scores = reference.rank_scores(name, query.vectors, found.vectors, shifts)
            out[:, place, number] = reference.count_better(scores[0], answer, others)
    return out + 1


def draw(seed, n, m, d, n_triples, reciprocal, spread=3):
    """Small numbers, whose scores are exact and often the same."""
    rng = np.random.default_rng(seed)
    entities = rng.integers(-spread, spread + 1, (n, d + 1)).astype(np.float32)
    relations = rng.integers(-2, 3, (2 * m if reciprocal else m, d + 1)).astype(np.float32)
    triples = rng.integers(0, [n, m, n], (n_triples, 3))
    known = rng.integers(0, [n, m, n], (4 * n, 3))
    return entities, relations, triples, known


def check(ranks, expected):
    assert_array_equal(ranks.optimistic, expected[0])
    assert_array_equal(ranks.pessimistic, expected[1])
    assert_array_equal(ranks.n_candidates, expected[2])


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(
        ["product", "squared_euclidean", "manhattan", "torus_1", "torus_2", "euclidean"]
    ),
    seed=st.integers(0, 1000), n=st.integers(1, 120), m=st.integers(1, 5), d=st.integers(1, 9),
    n_triples=st.integers(0, 40), reciprocal=st.booleans(), shifted=st.booleans(),
    by_relation=st.booleans(),
)  # fmt: skip
def test_ranks_are_those_of_brute_force(
    name, seed, n, m, d, n_triples, reciprocal, shifted, by_relation
):
    entities, relations, triples, known = draw(seed, n, m, d, n_triples, reciprocal)
    if name.startswith("torus"):
        entities, relations = entities / 8, relations / 4
    shifted &= name != "euclidean"  # a root is not exact
    formula = Plain(name, d, shifted=shifted, by_relation=by_relation)
    found = filtered_ranks(formula, entities, relations, triples, known, reciprocal=reciprocal)
    check(found, brute_force(
        formula, entities, relations, triples, known, reciprocal, ("head", "tail")
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("name", "d"), [("modulus", 8), ("hyperbolic", 5), ("euclidean", 3), ("manhattan", 40)]
)
@pytest.mark.parametrize("shifted", [False, True])
def test_scores_that_are_not_exact_rank_the_same(name, d, shifted):
    rng = np.random.default_rng(d)
    entities, relations, triples, known = draw(d, 100, 4, d, 60, True)
    curved = name == "hyperbolic"
    formula = Plain(name, d, shifted=shifted, curved=curved)
    entities, relations = (
        (table * (0.1 if curved else 1) + 0.05 * rng.normal(size=table.shape)).astype(np.float32)
        for table in (entities, relations)
    )
    relations[:, d] = rng.uniform(0.1, 0.4, len(relations))
    found = filtered_ranks(formula, entities, relations, triples, known)
    check(found, brute_force(
        formula, entities, relations, triples, known, True, ("head", "tail")
    ))  # fmt: skip


# Random numbers of every interaction, more entities than a chunk: bits decide.
def random_case(name, d=24, n=4500, n_triples=300):
    rng = np.random.default_rng(7)
    curved = name == "hyperbolic"
    entities = (rng.normal(size=(n, d + 1)) * (0.1 if curved else 1)).astype(np.float32)
    entities[n // 2 :] = entities[: n - n // 2]  # many ties, far apart
    relations = (rng.normal(size=(8, d + 1)) * 0.1).astype(np.float32)
    relations[:, d] = rng.uniform(0.1, 0.4, 8)
    triples = rng.integers(0, [n, 4, n], (n_triples, 3))
    known = rng.integers(0, [n, 4, n], (20 * n, 3))
    return Plain(name, d, curved=curved, shifted=True), entities, relations, triples, known


def same(one, other):
    check(one, (other.optimistic, other.pessimistic, other.n_candidates))


@pytest.mark.parametrize("name", sorted(KINDS))
def test_neither_blocks_nor_threads_nor_order_change_a_bit(name, monkeypatch):
    formula, entities, relations, triples, known = random_case(name)
    whole = filtered_ranks(formula, entities, relations, triples, known, n_jobs=1)
    # Each entity twice: an answer ties with its copy.
    assert (whole.pessimistic > whole.optimistic).mean() > 0.95
    same(filtered_ranks(formula, entities, relations, triples, known, n_jobs=3), whole)
    cut = np.split(entities, [1, 2, 700, 3000])
    same(filtered_ranks(formula, cut, relations, triples, known), whole)
    ids = np.random.default_rng(1).permutation(len(entities))
    parts = [(part, entities[part]) for part in np.array_split(ids, 4)]
    same(filtered_ranks(formula, parts, relations, triples, known), whole)
    monkeypatch.setattr(ranks_module, "GROUPS", 3)
    order = np.random.default_rng(2).permutation(len(triples))
    turned = filtered_ranks(formula, entities, relations, triples[order], known)
    for ours, theirs in zip(turned.optimistic, whole.optimistic, strict=True):
        assert_array_equal(ours, theirs[order])


@pytest.mark.parametrize("formula", [TransRFormula(16, 20), TransHFormula(16), TransDFormula(16)])
def test_projected_candidates_tie_bit_for_bit_wherever_they_stand(formula):
    rng = np.random.default_rng(0)
    entities = rng.normal(size=(2406, formula.entity_width)).astype(np.float32)
    entities[1203:] = entities[:1203]
    relations = rng.normal(size=(6, formula.relation_width)).astype(np.float32)
    triples = rng.integers(0, [2406, 3, 2406], (50, 3))
    whole = filtered_ranks(formula, entities, relations, triples)
    assert (whole.pessimistic > whole.optimistic).all()
    ids = rng.permutation(2406)
    parts = [(part, entities[part]) for part in np.array_split(ids, 3)]
    same(filtered_ranks(formula, parts, relations, triples), whole)


def test_an_index_is_as_good_as_its_triples():
    formula, entities, relations, triples, known = random_case("product", 3, 50)
    index = KnownTriples(known, triples, n_entities=50, n_relations=4)
    same(
        filtered_ranks(formula, entities, relations, triples, index),
        filtered_ranks(formula, entities, relations, triples, known),
    )
    alone = filtered_ranks(formula, entities, relations, triples[:0])
    assert alone.optimistic.shape == (2, 0)
    assert alone.mrr == 0.0


def test_one_side_alone():
    formula, entities, relations, triples, known = random_case("manhattan", 3, 50)
    both = filtered_ranks(formula, entities, relations, triples, known)
    tails = filtered_ranks(formula, entities, relations, triples, known, sides=("tail",))
    assert tails.sides == ("tail",)
    assert_array_equal(tails.realistic[0], both.realistic[1])
    with pytest.raises(ValueError, match="Unknown side 'left' \\(known: head, tail\\)"):
        filtered_ranks(formula, entities, relations, triples, known, sides=("left",))


@pytest.mark.parametrize("by_relation", [False, True])
def test_ranks_among_some_candidates(by_relation):
    entities, relations, triples, known = draw(3, 90, 3, 2, 70, True)
    formula = Plain("manhattan", 2, by_relation=by_relation)
    some = np.unique(np.random.default_rng(4).integers(0, 90, 30))
    found = filtered_ranks(formula, entities, relations, triples, known, candidates=some[::-1])
    # Everything else is known to be true.
    rest = np.setdiff1d(np.arange(90), some)
    expected = np.empty((3, 2, len(triples)), dtype=np.int64)
    for i, triple in enumerate(triples):
        h, r, t = triple
        more = [(h, r, e) for e in rest] + [(e, r, t) for e in rest]
        there = np.concatenate([known, triples, np.array(more)])
        expected[..., [i]] = brute_force(
            formula, entities, relations, triple[None], there, True, ("head", "tail")
        )
    check(found, expected)


@pytest.mark.parametrize("name", sorted(KINDS))
@pytest.mark.parametrize("bad", ["entity", "relation", "huge"])
def test_what_is_not_finite_is_an_error_and_never_a_good_rank(name, bad):
    formula, entities, relations, triples, known = random_case(name, 4, 60, 20)
    if bad == "entity":
        entities[triples[0, 2]] = np.nan
    elif bad == "relation":
        relations[triples[0, 1]] = np.nan
    else:
        entities[triples[0, 2]] = 3e38
    if name == "hyperbolic" and bad == "huge":
        entities[triples[0, 2]] = np.inf
    with np.errstate(all="ignore"):
        if not (bad == "huge" and name.startswith("torus")):
            with pytest.raises(NonFiniteScoresError, match="lower the learning rate"):
                filtered_ranks(formula, entities, relations, triples, known)
        found = filtered_ranks(formula, entities, relations, triples, known, check_finite=False)
    if bad != "huge":
        assert found.optimistic[1, 0] == found.n_candidates[1, 0]
        assert found.pessimistic[1, 0] == found.n_candidates[1, 0]


def test_all_scores_equal_is_the_middle():
    formula = DistMultFormula(4)
    entities, relations = np.zeros((11, 4), np.float32), np.ones((1, 4), np.float32)
    found = filtered_ranks(formula, entities, relations, [[0, 0, 3]], reciprocal=False)
    assert_array_equal(found.realistic, [[6], [6]])
    assert found.mrr == pytest.approx(1 / 6)


@pytest.mark.parametrize("formula", [RotHFormula(8), RotEFormula(8), TransEFormula(8, 2),
                                     TransHFormula(8), RotatEFormula(8)])  # fmt: skip
def test_ranks_agree_with_the_scores_that_models_give(formula):
    entities = formula.initial_entities(np.arange(80), 1)
    relations = formula.initial_relations(np.arange(6), 2)
    if formula.reciprocal_only:
        entities, relations = 300 * entities, 300 * relations
    triples = np.random.default_rng(3).integers(0, [80, 3, 80], (40, 3))
    found = filtered_ranks(formula, entities, relations, triples, sides=("tail",))
    known = KnownTriples(triples, n_entities=80, n_relations=3)
    for i, (h, r, t) in enumerate(triples):
        kind = relations[[r]]
        scores = np.empty((1, 80), dtype=np.float32)
        formula.interaction.block(
            formula.tail_queries(entities[[h]], kind), formula.candidates(entities, kind), scores
        )
        above, reached, n = reference.count_better(scores[0], t, known.tails(h, r))
        # Scores round otherwise, so that neighbours may change places.
        assert abs(found.realistic[0, i] - 1 - (above + reached) / 2) <= 1
        assert found.n_candidates[0, i] == n + 1
