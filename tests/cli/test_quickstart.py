import json

import graphembed as ge


def test_the_whole_tour(run):
    result = run("quickstart", "-o", "tour.parquet")
    shown = result.stdout
    assert result.stderr == ""  # no bars where nobody looks
    assert "63,436 nodes" in shown
    assert "AUC 0.9" in shown
    assert "python3-scipy" in shown
    assert "graphembed neighbors tour.parquet" in shown
    assert "\x1b" not in shown


def test_json_alone_on_stdout(run):
    result = run("quickstart", "--json")
    facts = json.loads(result.stdout)
    assert result.stderr == ""
    assert facts["link_prediction"]["auc"] > 0.9
    assert facts["neighbors"][0]["node"] == "python3-numpy"
    assert len(ge.Vectors.from_parquet(facts["output"])) == facts["n_nodes"] == 63436


def test_only_parquet_and_only_where_it_can_be_written(run):
    assert ".parquet" in run("quickstart", "-o", "v.npy", code=2).stderr
    assert "There is no folder" in run("quickstart", "-o", "no/v.parquet", code=2).stderr
