import pytest

from graphembed import exceptions


def test_each_error_is_a_builtin_too() -> None:
    pairs = [
        (exceptions.GraphError, ValueError),
        (exceptions.FileFormatError, ValueError),
        (exceptions.UnknownNodeError, KeyError),
        (exceptions.PersistenceError, ValueError),
        (exceptions.DatasetNotAvailableError, FileNotFoundError),
    ]
    for error, builtin in pairs:
        assert issubclass(error, exceptions.GraphEmbedError)
        assert issubclass(error, builtin)


def test_unknown_nodes_are_named_without_quotes_around_the_message() -> None:
    error = exceptions.UnknownNodeError.from_nodes(list("abcdefg"), 10)
    assert str(error).startswith("7 of the given nodes are not among the 10 known ones: 'a', 'b'")
    assert "and 2 more" in str(error)
    with pytest.raises(KeyError):
        raise error
