import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphembed.exceptions import GraphError
from graphembed.knowledge import known_triples
from graphembed.knowledge.known_triples import KnownTriples
from graphembed.testing import reference

N, M = 7, 3
triple_lists = st.lists(
    st.tuples(st.integers(0, N - 1), st.integers(0, M - 1), st.integers(0, N - 1)), max_size=40
)


@given(triple_lists, triple_lists)
def test_answers_are_the_twin_s(one, other):
    known = KnownTriples(one, np.array(other), n_entities=N, n_relations=M)
    both = {*one, *other}
    assert known.n_triples == len(both)
    for entity in range(N):
        for relation in range(M):
            tails = reference.known_answers(both, entity, relation, "tail")
            heads = reference.known_answers(both, entity, relation, "head")
            assert known.tails(entity, relation).tolist() == tails
            assert known.heads(relation, entity).tolist() == heads


@given(triple_lists)
def test_an_inverse_relation_asks_for_heads(triples):
    known = KnownTriples(triples, n_entities=N, n_relations=M)
    entities, relations = (part.ravel() for part in np.mgrid[:N, :M])
    for found, expected in zip(
        known.find(entities, relations + M), known.find(entities, relations, "head"), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@given(triple_lists)
def test_long_and_short_codes_sort_alike(triples):
    columns = np.array(triples, dtype=np.int64).reshape(-1, 3).T
    short = known_triples._sort_distinct(*columns, (N, M, N))
    long = known_triples._sort_distinct(*columns, (2**40, 2**20, 2**40))
    np.testing.assert_array_equal(short, long)
    assert list(zip(*(c.tolist() for c in short), strict=True)) == sorted(set(triples))


@given(triple_lists)
def test_contains_tells_members(triples):
    known = KnownTriples(triples, n_entities=N, n_relations=M)
    h, r, t = np.mgrid[:N, :M, :N]
    found = known.contains(np.arange(N)[:, None, None], np.arange(M)[:, None], np.arange(N))
    assert found.shape == (N, M, N)
    assert {
        (int(a), int(b), int(c)) for a, b, c in zip(h[found], r[found], t[found], strict=True)
    } == set(triples)


def test_nothing_is_known_of_what_is_not_there():
    known = KnownTriples([[0, 0, 1]], n_entities=2, n_relations=1)
    starts, stops = known.find([-1, 2, 0, 0], [0, 0, -1, 2])
    np.testing.assert_array_equal(starts, stops)
    assert not known.contains([2], [0], [1])[0]


@given(triple_lists, st.lists(st.integers(0, N - 1), max_size=9), st.booleans(), st.booleans())
def test_masks_are_the_twin_s(triples, negatives, tail, with_own):
    side = "tail" if tail else "head"
    known = KnownTriples(triples, n_entities=N, n_relations=M)
    entities, relations = (part.ravel() for part in np.mgrid[:N, :M])
    negatives = np.array(negatives, dtype=np.int64)
    scores = np.random.default_rng(0).standard_normal((N * M, len(negatives)), dtype=np.float32)
    own = (entities + relations) % N if with_own else None
    answers = [
        [*reference.known_answers(triples, e, r, side), *([] if own is None else [own[i]])]
        for i, (e, r) in enumerate(zip(entities, relations, strict=True))
    ]
    expected = reference.mask_answers(answers, negatives, scores)
    known.mask(entities, relations, negatives, scores, side=side, own=own)
    np.testing.assert_array_equal(scores, expected)


def test_no_triples_at_all():
    known = KnownTriples(n_entities=3, n_relations=2)
    assert known.n_triples == 0
    assert len(known.tails(0, 0)) == 0


@pytest.mark.parametrize(
    ("triples", "message"),
    [
        ([[0, 1]], r"shape \(n, 3\).*got int64 of shape \(1, 2\)"),
        ([["a", "b", "c"]], r"int arrays.*got <U1"),
        ([[0.0, 0.0, 0.0]], "int arrays.*got float64"),
        ([[0, 2, 1]], r"3 entities and 2 relations; got numbers from \[0, 2, 1\]"),
        ([[0, 0, -1]], "got numbers from"),
        ([[3, 0, 0]], "got numbers from"),
    ],
)
def test_other_input_is_an_error(triples, message):
    with pytest.raises(GraphError, match=message):
        KnownTriples(triples, n_entities=3, n_relations=2)
