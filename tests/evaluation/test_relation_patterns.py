import json

import pytest

from graphembed.evaluation.relation_patterns import EXPRESSED, PATTERNS, relation_patterns
from graphembed.exceptions import GraphError

FAMILY = [
    *[(f"p{i}", "parent", f"p{i + 1}") for i in range(8)],
    *[(f"p{i + 1}", "child", f"p{i}") for i in range(8)],
    *[(f"p{i}", "grandparent", f"p{i + 2}") for i in range(7)],
    ("p0", "married", "q"), ("q", "married", "p0"),
]  # fmt: skip


def test_report_says_what_relations_are():
    report = relation_patterns(FAMILY)
    assert report.relations == ("child", "grandparent", "married", "parent")
    assert [set(found) for found in report.found] == [
        {"antisymmetric", "inverse"}, {"antisymmetric", "composition"}, {"symmetric"},
        {"antisymmetric", "inverse", "composition"},
    ]  # fmt: skip
    assert report.shares["inverse"] == 16 / 25
    assert report.shares["symmetric"] == 2 / 25
    assert report.expressed["TransE"] == 23 / 25
    assert report.expressed["RotatE"] == 1
    assert report.expressed["DistMult"] == 2 / 25
    shown = str(report)
    assert "inverse of parent" in shown
    assert "parent, then parent" in shown


def test_exports():
    report = relation_patterns(FAMILY)
    frame = report.to_frame()
    assert frame.inverse.tolist()[0] == "parent"
    assert frame["first"].tolist() == ["", "parent", "", "child"]
    data = json.loads(report.to_json())
    assert data["task"] == "relation_patterns"
    assert len(data["relations"]) == 4
    assert data["shares"] == report.shares


def test_every_model_and_only_known_patterns():
    from graphembed.knowledge import all_models

    assert set(all_models()) <= set(EXPRESSED)
    assert all(able <= set(PATTERNS) for able in EXPRESSED.values())


def test_errors():
    with pytest.raises(ValueError, match=r"threshold must be a number in \(0, 1\]; got 0"):
        relation_patterns(FAMILY, threshold=0)
    with pytest.raises(GraphError, match="no triples"):
        relation_patterns([])
