import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from graphembed.knowledge.known_triples import KnownTriples
from graphembed.knowledge.negatives import (
    BLOCK,
    bernoulli_chances,
    corrupt,
    mask_own,
    shared_negatives,
    uniform_chances,
)
from graphembed.testing import reference


def test_shared_negatives_are_distinct_and_every_entity_is_as_likely():
    counts = np.zeros(300)
    for key in range(2000):
        drawn = shared_negatives(reference.mix(key), 300, 30)
        assert len(set(drawn.tolist())) == 30
        counts[drawn] += 1
    # Draws without replacement spread less, by this factor.
    spread = 1 - 29 / 299
    statistic = ((counts - counts.mean()) ** 2 / counts.mean()).sum() / (spread * 299)
    assert 0.75 < statistic < 1.28  # five standard deviations of chi^2 / 299


@pytest.mark.parametrize("wanted", [4, 5, 100])
def test_no_more_negatives_than_entities(wanted):
    drawn = shared_negatives(1, 4, wanted)
    assert sorted(drawn.tolist()) == [0, 1, 2, 3]


def test_own_answers_are_masked_alone():
    scores = np.zeros((3, 4), dtype=np.float32)
    mask_own([5, 9, 2], np.array([2, 5, 7, 5]), scores)
    np.testing.assert_array_equal(np.isinf(scores), [[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]])


def test_an_entity_is_replaced_by_every_other_as_often():
    triples = np.tile([[3, 0, 5]], (4000, 1))
    entities, heads = corrupt(
        7, np.arange(4000), triples, 5, n_entities=10, chances=uniform_chances(1)
    )
    assert binomtest(int(heads.sum()), heads.size, 0.5).pvalue > 1e-3
    for side, replaced in ((heads, 3), (~heads, 5)):
        counts = np.bincount(entities[side], minlength=10)
        assert counts[replaced] == 0
        assert chisquare(np.delete(counts, replaced)).pvalue > 1e-3


def test_entities_and_sides_are_independent():
    triples = np.tile([[3, 0, 3]], (4000, 1))
    entities, heads = corrupt(
        1, np.arange(4000), triples, 5, n_entities=9, chances=np.array([0.25])
    )
    counts = np.delete(np.bincount(2 * entities.ravel() + heads.ravel(), minlength=18), [6, 7])
    assert chisquare(counts, np.tile([0.75, 0.25], 8) * heads.size / 8).pvalue > 1e-3


def test_bernoulli_s_chances_are_tails_per_head_against_heads_per_tail():
    # Relation 0 leads four heads to one tail; relation 1 three heads to two tails each but one.
    triples = [[0, 0, 9], [1, 0, 9], [2, 0, 9], [3, 0, 9], [3, 0, 9]]
    triples += [[0, 1, 5], [0, 1, 6], [1, 1, 5], [1, 1, 6], [2, 1, 5]]
    chances = bernoulli_chances(KnownTriples(triples, n_entities=10, n_relations=3))
    tph, hpt = 5 / 3, 5 / 2
    np.testing.assert_allclose(chances, [1 / 5, tph / (tph + hpt), 0.5])


def test_sides_are_drawn_by_the_chance_of_the_relation():
    chances = np.array([0.0, 0.2, 0.7, 1.0])
    triples = np.column_stack([np.zeros(8000), np.arange(8000) % 4, np.ones(8000)]).astype(int)
    heads = corrupt(3, np.arange(8000), triples, 2, n_entities=5, chances=chances).heads
    for relation, chance in enumerate(chances):
        own = heads[relation::4]
        assert binomtest(int(own.sum()), own.size, chance).pvalue > 1e-3


def test_draws_depend_on_the_number_of_a_triple_alone():
    rng = np.random.default_rng(0)
    triples = rng.integers(0, 50, size=(2 * BLOCK + 7, 3)) % [50, 4, 50]
    numbers = rng.permutation(len(triples))
    settings = {"n_entities": 50, "chances": uniform_chances(4)}
    one = corrupt(9, numbers, triples, 2, n_jobs=1, **settings)
    two = corrupt(9, numbers, triples, 2, n_jobs=3, **settings)
    some = np.array([5, BLOCK + 3, 17])
    part = corrupt(9, numbers[some], triples[some], 2, **settings)
    for a, b, c in zip(one, two, part, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a[some], c)


def test_two_entities_are_enough_and_one_is_an_error():
    triples = np.array([[0, 0, 1]])
    entities, heads = corrupt(0, np.arange(1), triples, 8, n_entities=2, chances=uniform_chances(1))
    np.testing.assert_array_equal(entities, heads)  # 1 for the head 0, and 0 for the tail 1
    with pytest.raises(ValueError, match="at least 2 of them; got 1"):
        corrupt(0, np.arange(1), triples, 1, n_entities=1, chances=uniform_chances(1))
