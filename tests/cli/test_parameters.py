import pytest

from graphembed.cli.parameters import parameter_docs, parse_param


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("k=1", 1), ("k=-0.5", -0.5), ("k=true", True), ("k=None", None), ("k=null", None),
        ("k=(0, 1)", (0, 1)), ("k=[1]", [1]), ("k=cosine", "cosine"), ("k='1'", "1"),
        ("k=__import__('os').getcwd()", "__import__('os').getcwd()"), ("k=a=b", "a=b"), ("k=", ""),
    ],
)  # fmt: skip
def test_values_are_literals(text, value):
    assert parse_param(text) == ("k", value)


def test_parameter_docs_are_first_sentences():
    doc = """A.

Parameters
----------
a : str
    One :math:`k` (A et al. 2013). Two.
b : str

    Only
    this

Notes
-----
c : str
    No parameter.
"""
    assert parameter_docs(doc) == {"a": "One k (A et al. 2013)", "b": "Only this"}
    assert parameter_docs("No parameters.") == {}
