from dataclasses import fields
from typing import ClassVar

from graphembed.knowledge.base import KnowledgeEmbedder
from graphembed.knowledge.parameters import COMMON, MARK, describe


def test_every_shared_parameter_is_described():
    assert set(COMMON) == {field.name for field in fields(KnowledgeEmbedder)}
    for parameter in COMMON.values():
        assert parameter.text.endswith(".")


def test_the_mark_becomes_the_parameters_with_defaults():
    class Thing(KnowledgeEmbedder):
        """A thing.

        Parameters
        ----------
        {common}
        own : int, default=1
        """

        learning_rate = 0.75

    text = Thing.__doc__
    assert text is not None
    assert '\n        loss : {"auto", "softmax"' in text
    assert 'learning_rate : float or "auto", default=0.75\n            Step size' in text
    assert text.index("random_state") < text.index("own : int")
    assert max(map(len, text.splitlines())) <= 100


def test_classes_without_the_mark_are_left_alone():
    class Plain:
        """Plain."""

        n_components: ClassVar[int] = 3

    describe(Plain)
    assert Plain.__doc__ == "Plain."
    Plain.__doc__ = None
    describe(Plain)
    assert Plain.__doc__ is None
    assert KnowledgeEmbedder.__doc__ is not None
    assert MARK not in KnowledgeEmbedder.__doc__
