import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from graphembed.evaluation.known_world import known_world
from graphembed.exceptions import UnknownNodeError
from graphembed.knowledge.answers import Model
from graphembed.knowledge.transe import TransE, TransEFormula

TRIPLES = [("a", "r", "b"), ("b", "r", "c"), ("c", "s", "a")]


@pytest.fixture(scope="module")
def model():
    return TransE(n_components=4, n_epochs=2, random_state=0).fit(TRIPLES)


def test_rows_of_all_sets_in_their_order(model):
    world = known_world(
        model, [("d", "r", "a"), ("a", "r", "b"), ("d", "r", "a")], [("a", "q", "b")]
    )
    assert world.entities.to_numpy().tolist() == ["a", "b", "c", "d"]
    assert world.relations.to_numpy().tolist() == ["r", "s", "q"]
    assert_array_equal(world.sets[0], [[3, 0, 0], [0, 0, 1], [3, 0, 0]])
    assert_array_equal(world.unseen(world.sets[0]), [True, False, True])
    assert_array_equal(world.unseen(world.sets[1]), [True])
    assert world.ids(world.sets[1]).tolist() == [["a", "q", "b"]]
    assert world.index().n_triples == 5
    assert len(world.all_triples()) == 7


def test_fitted_rows_stay_and_fresh_ones_are_the_same_each_time(model):
    worlds = [known_world(model, [("d", "q", "a")]) for _ in range(2)]
    one, other = (world.model for world in worlds)
    assert_array_equal(one.entities, other.entities)
    assert_array_equal(one.entities[:3], model.entity_table_)
    assert one.entities[3].any()
    # Inverse relations follow the relations.
    assert one.relations.shape == (6, 4)
    assert_array_equal(one.relations[[0, 1, 3, 4]], model.relation_table_)


def test_plain_tables_have_row_numbers_for_ids():
    formula = TransEFormula(2)
    model = Model(formula, np.ones((3, 2), np.float32), np.ones((1, 2), np.float32), False)
    world = known_world(model, np.array([[0, 0, 2]]))
    assert_array_equal(world.sets[0], [[0, 0, 2]])
    assert not world.unseen(world.sets[0]).any()
    with pytest.raises(UnknownNodeError, match="3"):
        known_world(model, np.array([[0, 0, 3]]))


def test_what_is_no_fitted_model_is_refused():
    with pytest.raises(TypeError, match=r"fitted model of a knowledge graph, .* got str"):
        known_world("TransE", TRIPLES)
    with pytest.raises(NotFittedError):
        known_world(TransE(), TRIPLES)
