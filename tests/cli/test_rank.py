import json

import pytest

import graphembed as ge
from graphembed.evaluation.ranking import evaluate_ranking

TEST = [("france", "capital", "paris"), ("naples", "in", "italy")]


def test_it_prints_what_the_library_finds(run, model):
    lines = run("rank", model, "test.tsv").stdout.splitlines()
    report = evaluate_ranking(ge.load("model"), TEST)
    assert lines[0] == "model: TransE of 10 entities, 9 triples, 2 relations"
    assert lines[1] == (
        "test.tsv: 2 triples, 1 with what no training triple has (ranked by random vectors)"
    )
    assert lines[2].split() == [
        "ranks", "of", "mrr", "mr", "amri", "hits_at_1", "hits_at_3", "hits_at_10", "n_ranks"
    ]  # fmt: skip
    rows = {line.split()[0]: line.split()[1:] for line in lines[3:]}
    for side, found in report.sides.items():
        assert rows[side] == [
            f"{value:.4f}" for value in (found.mrr, found.mr, found.amri, *found.hits.values())
        ] + [str(found.n_ranks)]
    assert rows["both"][0] == f"{report.mrr:.4f}"
    assert lines[-1].startswith("read ")


def test_json_has_all_of_it_and_filters_are_known_to_be_true(run, model):
    args = ("rank", model, "test.tsv", "--filter", "valid.tsv", "--filter", "train.tsv", "--json")
    found = json.loads(run(*args, "--n-jobs", 1).stdout)
    report = evaluate_ranking(ge.load("model"), TEST, filters=[[("nice", "in", "france")]])
    assert found["mrr"] == report.mrr
    assert found["hits_at_10"] == report.hits[10]
    assert (found["n_triples"], found["n_unseen"]) == (2, 1)
    assert found["n_entities"] == 12  # naples and nice are candidates, too
    assert found["method"] == "TransE"
    assert found["filters"] == ["valid.tsv", "train.tsv"]
    assert {group["by"] for group in found["groups"]} == {"all", "category", "relation"}


def test_unseen_entities_may_be_dropped(run, model):
    assert "(left out)" in run("rank", model, "test.tsv", "--unseen", "drop").stdout
    found = json.loads(run("rank", model, "test.tsv", "--unseen", "drop", "--json").stdout)
    assert (found["n_triples"], found["n_unseen"], found["n_entities"]) == (1, 1, 10)


def test_columns_are_named_as_for_fit(run, model, triples):
    (triples / "turned.csv").write_text("kind,to,from\ncapital,paris,france\n")
    columns = ("--head", "from", "--relation", "kind", "--tail", "to")
    assert "turned.csv: 1 triple\n" in run("rank", model, "turned.csv", *columns).stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["model/", "typo.csv"], "typo.csv, line 2: expected 3 fields"),
        (["model/", "test.tsv", "--filter", "vaild.tsv"], "There is no file"),
        (["model/", "test.tsv", "--unseen", "hide"], "known: keep, drop"),
        (["modle/", "test.tsv"], "There is no folder modle"),
        (["vectors/", "test.tsv"], "holds a Vectors, which knows no triples"),
        (["train.tsv", "test.tsv"], "expected the folder of a model"),
    ],
)
def test_what_cannot_work_is_said(run, model, triples, args, said):
    (triples / "typo.csv").write_text("france,capital,paris\noslo;in,norway\n")
    ge.save(ge.load("model").vectors_, "vectors")
    assert said in run("rank", *args, code=2).stderr
