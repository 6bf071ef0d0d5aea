import pytest

from graphembed.cli.methods import find_method, is_knowledge_model
from graphembed.embedders import all_embedders
from graphembed.knowledge import all_models

METHODS = all_embedders() | all_models()


@pytest.mark.parametrize("name", list(METHODS))
def test_every_method_can_be_named(name):
    assert find_method(name.lower()) is find_method(name.upper()) is METHODS[name]


def test_models_of_triples_are_told_from_embedders():
    assert all(is_knowledge_model(cls) == (name in all_models()) for name, cls in METHODS.items())


def test_a_misspelt_name_gets_a_near_one():
    with pytest.raises(ValueError, match="Did you mean 'rotate'"):
        find_method("rotat")
