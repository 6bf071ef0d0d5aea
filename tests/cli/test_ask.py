import json

import pytest

import graphembed as ge


def test_it_shows_what_the_library_predicts(run, model):
    lines = run("ask", model, "france", "capital", "?", "-k", 3).stdout.splitlines()
    found = ge.load("model").predict_tails("france", "capital", k=3)
    assert lines[0].split() == ["rank", "tail", "score"]
    rows = [line.split() for line in lines[1:]]
    assert [row[1] for row in rows] == found.ids[0].tolist()
    assert [row[2] for row in rows] == [f"{score:.3f}" for score in found.scores[0].tolist()]
    assert run("ask", model, "france", "capital", "-k", 3).stdout.splitlines() == lines


def test_heads_can_be_asked_for_and_known_answers_shown(run, model):
    known = {"rome", "pisa", "milan"}
    found = json.loads(run("ask", model, "?", "in", "italy", "-k", 20, "--json").stdout)
    assert (found["head"], found["relation"], found["tail"]) == (None, "in", "italy")
    assert found["asked"] == "head"
    assert len(found["answers"]) == 10 - len(known)
    assert known.isdisjoint(answer["head"] for answer in found["answers"])
    assert [answer["rank"] for answer in found["answers"]] == [1, 2, 3, 4, 5, 6, 7]

    lines = run("ask", model, "?", "in", "italy", "-k", 20, "--include-known").stdout.splitlines()
    assert lines[0].split() == ["rank", "head", "score", "known"]
    rows = [line.split() for line in lines[1:]]
    assert len(rows) == 10
    assert {row[1] for row in rows if row[3] == "yes"} == known


def test_ids_that_are_numbers(run, folder):
    (folder / "t.txt").write_text("1000 7 2000\n2000 7 3000\n")
    run("fit", "t.txt", "-m", "distmult", "-d", 4, "-p", "n_epochs=2")
    assert "," not in run("ask", "model", 1000, 7).stdout
    found = json.loads(run("ask", "model", "?", 7, 3000, "--json").stdout)
    assert {answer["head"] for answer in found["answers"]} == {1000, 3000}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["france", "captial", "?"], "Unknown relation 'captial' among 2. Did you mean capital?"),
        (["Frnace", "capital", "?"], "Unknown entity 'Frnace' among 10."),
        (["?", "in", "itly"], "Did you mean italy?"),
        (["?", "in", "?"], "neither is given"),
        (["rome", "in", "italy"], "'rome' and 'italy' are given"),
        (["rome", "?", "italy"], "A relation cannot be asked for"),
        (["rome", "in", "-k", "0"], "-k"),
    ],
)
def test_what_cannot_work_is_said(run, model, args, said):
    assert said in run("ask", model, *args, code=2).stderr


def test_it_needs_a_model(run, fitted):
    said = run("ask", fitted, "alice", "knows", code=2).stderr
    assert "vectors.parquet is a file; expected the folder of a model" in said


def test_info_tells_of_relations(run, model):
    shown = run("info", model).stdout
    assert "capital, in" in shown
    assert json.loads(run("info", model, "--json").stdout)["triples"] == 9
