import json

from graphembed import datasets


def test_the_table_has_a_line_for_each_set(run):
    header, *lines = run("datasets").stdout.splitlines()
    assert header.split()[:3] == ["name", "task", "nodes"]
    assert [line.split()[0] for line in lines] == datasets.names()
    assert next(line for line in lines if line.startswith("debian ")).split().count("63,436") == 1


def test_json_is_the_catalog(run):
    assert json.loads(run("datasets", "--json").stdout) == datasets.describe()


def test_one_set_with_its_citation(run):
    shown = run("datasets", "karate").stdout
    assert "Zachary (1977)" in shown
    assert 'graphembed.datasets.load("karate")' in shown
    details = json.loads(run("datasets", "cora", "--json").stdout)
    assert details["nodes"] == 2708
    assert details["citation"]
    assert details["bytes"] > 0


def test_every_set_can_be_shown(run):
    for name in datasets.names():
        assert run("datasets", name).stdout.startswith(f"{name}\n")


def test_an_unknown_set(run):
    assert "Did you mean 'karate'?" in run("datasets", "karatee", code=2).stderr
