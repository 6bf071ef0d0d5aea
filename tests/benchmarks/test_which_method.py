import json

import numpy as np
import pytest
import which_method
from contenders.methods import HYPERBOLIC, embedders, heuristics, ours
from harness.inputs import csr
from which_method import FIRST_USE, LABELLED, LINKS, MICRO, Case, complete, figure, mean_gap, tables

import graphembed as ge


def test_all_methods_are_told_apart_and_the_peers_are_there():
    names = [each.name for each in (*embedders(), *heuristics())]
    assert len(set(names)) == len(names)
    assert {"Spectral", "ProNE", "NetMF", "DeepWalk", "LINE", *HYPERBOLIC} <= set(names)
    assert {each.peer_group for each in embedders() if each.peer} == {"", "walks"}


def test_all_graphs_are_known():
    known = set(ge.datasets.names())
    assert {*LABELLED, *LINKS} <= known


def test_contenders_get_a_plain_graph_and_do_not_see_what_is_held_out(tmp_path):
    case = Case("les_miserables", "links", 1)
    arrays = {name: np.load(path) for name, path in case.inputs(tmp_path).items()}
    adjacency = csr(arrays)
    assert set(adjacency.data) == {1.0}
    u, v = arrays["pairs"].T
    assert adjacency[u, v].sum() == 0
    assert case.about()["n_test_pairs"] == len(u) == 2 * (case.graph.n_edges - adjacency.nnz // 2)


def test_links_are_judged_with_every_head_that_a_method_has():
    case = Case("les_miserables", "links", 1)
    edge, non_edge = np.zeros((2, case.graph.n_nodes, 8), dtype=np.float32)
    edge[:], non_edge[:] = np.random.default_rng(0).standard_normal(edge.shape), 1
    assert case.quality("AdamicAdar", case.split.test_labels.astype(float)) == {"own": 1.0}
    assert set(case.quality("FastRP", edge)) == {"own", "hadamard"}
    found = case.quality("DeepWalk", np.stack([edge, edge]))
    assert set(found) == {"own", "context", "hadamard"}
    assert set(case.quality("PoincareEmbedding", edge / 100)) == {"own"}
    assert case.quality("FastRP", non_edge)["own"] == 0.5


def test_hyperbolic_points_are_not_judged_by_labels():
    case = Case("karate", "labels", 2)
    assert not {each.name for each in case.contenders()} & set(HYPERBOLIC)
    known = np.eye(2)[case.dataset.labels]
    assert case.quality("DeepWalk", np.stack([known, 0 * known]))[MICRO][1:] == [100.0, 100.0]


def test_the_gap_to_the_best_is_a_mean_over_the_graphs_where_a_method_ran():
    results = {
        "a": {"x": {"quality": {"own": 0.9}}, "y": {"quality": {"own": 0.7}}},
        "b": {"x": {"quality": {"own": 0.5}}, "y": {"error": "too slow"}},
    }
    key = ("quality", "own")
    assert figure(results["b"], "y", key) is None
    assert mean_gap(results, ("a", "b", "c"), "x", key, [key]) == (0.0, 2)
    assert mean_gap(results, ("a", "b"), "y", key, [key]) == (pytest.approx(0.2), 1)
    assert mean_gap(results, ("a", "b"), "z", key, [key]) is None
    results["b"]["y"] = {"quality": {"context": 0.6}}
    either = [key, ("quality", "context")]
    assert mean_gap(results, ("b",), "x", key, either) == (pytest.approx(0.1), 1)


def test_means_are_taken_over_graphs_where_all_of_ours_ran():
    judged, timed = {"quality": {}}, {"cost": {}}
    results = {
        "a": {"FastRP": judged, "LINE": judged},
        "b": {"FastRP": judged, "LINE": timed, "fastrp": judged},
    }
    assert complete(results, ("a", "b", "c")) == ["a"]


def test_a_run_can_be_stopped_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(which_method, "embedders", lambda: (ours("FastRP", n_components=8),))
    monkeypatch.setattr(which_method, "heuristics", tuple)
    output = tmp_path / "results" / "found.json"
    command = ["--labelled", "--links", "les_miserables", "--no-peers", "-o", str(output)]
    command += ["--workspace", str(tmp_path / "workspace")]
    assert which_method.main([*command, "--seconds", "0"]) == 3
    assert which_method.main(command) == 0
    done = json.loads(output.read_text())["results"]
    row = done["les_miserables"]["FastRP"]
    assert row["quality"]["hadamard"] > 0.6
    assert row["cost"]["seconds"] >= 0
    assert row["cost"]["cpu_seconds"] >= 0
    assert done[FIRST_USE]["FastRP"]["cost"]["empty_cache"] > 0
    assert which_method.main([*command, "--seconds", "0"]) == 0
    assert json.loads(output.read_text())["results"] == done
    assert which_method.main([*command, "--seconds", "0", "--retime"]) == 3
    kept = json.loads(output.read_text())["results"]["les_miserables"]["FastRP"]
    assert kept == {"quality": row["quality"]}


def test_tables_show_what_is_there_and_leave_blanks(capsys, tmp_path):
    row = {
        "cost": {"seconds": 0.5, "cpu_seconds": 0.9, "megabytes": 12.0},
        "quality": {MICRO: [30.0, 40.0, 42.5]},
    }
    path = tmp_path / "found.json"
    found = {"graphs": {}, "results": {"blogcatalog": {"Spectral": row, "NetMF": {"error": "-"}}}}
    path.write_text(json.dumps(found))
    assert which_method.main(["--tables", "-o", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "30.0 / 40.0 / 42.5" in shown
    assert "0.500 (0.900), 12 MB" in shown
    assert "NetMF" not in shown
    assert list(tables({}))
