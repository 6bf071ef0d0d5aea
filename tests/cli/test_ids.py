import pytest

import graphembed as ge
from graphembed.cli import ids
from graphembed.cli.ids import as_id, match_ids, similar
from graphembed.exceptions import UnknownNodeError


def test_what_is_typed_becomes_ids_of_the_kind_that_is_known():
    assert match_ids(["7", "-3"], ge.NodeIndex.from_ids([-3, 7])) == [7, -3]
    assert match_ids(["7"], ge.NodeIndex.from_ids(["7", "x"])) == ["7"]
    assert as_id("9" * 30, "int") is None


def test_the_noun_is_in_the_message():
    relations = ge.NodeIndex.from_ids(["capital", "in"])
    with pytest.raises(UnknownNodeError, match=r"Unknown relation 'captal' .*Did you mean capital"):
        match_ids(["captal"], relations, "relation")
    with pytest.raises(UnknownNodeError, match=r"among 2\. Known are capital, in$"):
        match_ids(["xyz"], relations, "relation")
    with pytest.raises(UnknownNodeError, match="Unknown entity 'x' among 1, with integer ids, su"):
        match_ids(["x"], ge.NodeIndex.range(1), "entity")


def test_spellings_are_compared_only_so_often(monkeypatch):
    monkeypatch.setattr(ids, "MAX_COMPARED", 10)
    index = ge.NodeIndex.from_ids([f"node{number}" for number in range(1000)])
    assert len(similar("node", index)) == 3
    assert similar("qqq", index) == []
