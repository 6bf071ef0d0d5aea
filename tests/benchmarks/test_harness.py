import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from harness.contender import Contender, Job, Measurement, Row, Settings
from harness.inputs import csr, n_bytes, save_arrays, save_graph
from harness.machine import describe
from harness.measure import THREAD_VARIABLES, MeasurementError, compare, environment, run_once
from harness.peers import GROUPS, named
from harness.report import (
    COLUMNS,
    cells,
    check_report,
    make_report,
    megabytes,
    print_table,
    results,
    seconds,
    write_report,
)

from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex

TOY = """
import os
import numpy as np
from harness.contender import Job

def double(arrays, *, threads, factor=2):
    x = arrays["x"]
    return Job(lambda: x * factor)

def variables(arrays, *, threads):
    names = sorted(name for name in os.environ if name.endswith("_NUM_THREADS"))
    return Job(lambda: np.array([int(os.environ[name]) for name in names] + [threads]))

def allocate(arrays, *, threads, megabytes):
    return Job(lambda: np.ones(megabytes * 125_000), lambda made: made[:1])

def note(arrays, *, threads, log, name):
    def run():
        with open(log, "a") as file:
            file.write(name + " ")
        return np.zeros(1)
    return Job(run)

def remark(arrays, *, threads):
    notes = {"call": 0}
    def run():
        notes["call"] += 1
        return np.zeros(1)
    return Job(run, notes=notes)

def fail(arrays, *, threads):
    raise ValueError("the peer broke")
"""


@pytest.fixture
def toy(tmp_path):
    path = tmp_path / "toy.py"
    path.write_text(TOY, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("toy", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["toy"] = module  # inspect looks there for the file of a function
    spec.loader.exec_module(module)
    yield module
    del sys.modules["toy"]


@pytest.fixture
def settings(tmp_path):
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return Settings(
        threads=3,
        rounds=None,
        n_shuffles=2,
        workspace=workspace,
        cache=tmp_path / "cache",
        peer_pythons={"": Path(sys.executable)},
        timeout=60.0,
    )


def contender(function, name="toy", **changes):
    return replace(Contender(name, function, ("numpy",), ("numpy",)), **changes)


def test_run_once_hands_arrays_over_and_back(toy, settings, tmp_path):
    inputs = save_arrays(tmp_path, {"x": np.arange(3.0)})
    output = tmp_path / "output.npy"
    run = run_once(
        contender(toy.double, params={"factor": 5}),
        inputs, settings, calls=3, numba_cache=tmp_path, output=output,
    )  # fmt: skip
    np.testing.assert_array_equal(np.load(output), [0.0, 5.0, 10.0])
    assert len(run["seconds"]) == 3
    assert run["versions"] == {"numpy": np.__version__}
    assert 0 < run["rss_before_bytes"] <= run["peak_rss_bytes"]


def test_every_library_is_told_the_same_number_of_threads(toy, settings, tmp_path):
    output = tmp_path / "output.npy"
    run_once(
        contender(toy.variables, peer=True),
        {}, settings, calls=1, numba_cache=tmp_path, output=output,
    )  # fmt: skip
    found = np.load(output)
    assert len(found) > len(THREAD_VARIABLES)
    assert set(found.tolist()) == {3}


def test_the_module_path_of_the_caller_does_not_reach_a_measured_process(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    assert "PYTHONPATH" not in environment(1)


def test_peak_memory_is_that_of_the_job_and_not_of_this_process(toy, settings, tmp_path):
    held_here = np.ones(50_000_000)  # 400 MB
    small = run_once(
        contender(toy.allocate, params={"megabytes": 1}),
        {}, settings, calls=1, numba_cache=tmp_path,
    )  # fmt: skip
    large = run_once(
        contender(toy.allocate, params={"megabytes": 100}),
        {}, settings, calls=2, numba_cache=tmp_path,
    )  # fmt: skip
    assert small["peak_rss_bytes"] < held_here.nbytes
    more = large["peak_rss_bytes"] - small["peak_rss_bytes"]
    assert 80e6 < more < 150e6  # two calls, but never two results at once


def test_contenders_take_turns_and_the_first_call_is_not_counted(toy, settings, tmp_path):
    log = tmp_path / "log"
    contenders = [
        contender(toy.note, name, params={"log": str(log), "name": name}) for name in "ab"
    ]
    found = compare(contenders, {}, settings, calls=2, rounds=2)
    cold, warm = "a b ", "a a b b "
    assert log.read_text() == cold + warm + warm
    assert [len(measured.warm_seconds) for measured in found] == [2, 2]
    assert all(measured.cold_seconds > 0 for measured in found)


def test_a_contender_that_fails_says_why_and_leaves_the_others_alone(toy, settings):
    contenders = [contender(toy.fail, "broken"), contender(toy.variables, "works")]
    broken, works = compare(contenders, {}, settings, calls=1, rounds=1, cold=False)
    assert broken.error == "ValueError: the peer broke"
    assert works.error is None
    assert len(works.warm_seconds) == 1


def test_one_judge_scores_what_each_handed_back(toy, settings, tmp_path):
    inputs = save_arrays(tmp_path, {"x": np.arange(3.0)})
    contenders = [
        contender(toy.double, str(factor), params={"factor": factor}) for factor in (2, 3)
    ]
    found = compare(
        contenders, inputs, settings, calls=1, rounds=1, cold=False,
        score=lambda entry, array: {"name": entry.name, "sum": float(array.sum())},
    )  # fmt: skip
    assert [m.results for m in found] == [{"name": "2", "sum": 6.0}, {"name": "3", "sum": 9.0}]


def test_without_peers_only_ours_is_measured(toy, settings, tmp_path):
    alone = replace(settings, peer_pythons={})
    peer = contender(toy.variables, "peer", peer=True)
    found = compare([peer, contender(toy.variables)], {}, alone, calls=1, rounds=1, cold=False)
    assert [measured.contender for measured in found] == ["toy"]
    with pytest.raises(MeasurementError, match="--make-peers"):
        run_once(peer, {}, alone, calls=1, numba_cache=tmp_path)


def test_a_graph_survives_the_way_through_files(tmp_path):
    indptr, indices = np.array([0, 1, 3, 4]), np.array([1, 0, 2, 1], dtype=np.int32)
    graph = Graph(indptr, indices, nodes=NodeIndex.range(3), directed=False)
    paths = save_graph(tmp_path, graph)
    arrays = {name: np.load(path) for name, path in paths.items()}
    np.testing.assert_array_equal(csr(arrays).toarray(), graph.adjacency.toarray())
    assert csr(arrays, matrix=True).format == "csr"
    assert n_bytes(paths) == 4 * 8 + 4 * 4 + 4 * 4


@pytest.fixture
def report():
    measurements = [
        Measurement(
            "ours", reference=True, build_seconds=0.5, cold_seconds=2.0, warm_seconds=[1.0, 3.0],
            rss_before_bytes=10**8, peak_rss_bytes=2 * 10**9, results={"F1": [31.25, 37.5]},
        ),
        Measurement("peer", warm_seconds=[5.0]),
        Measurement("broken", error="ValueError: no"),
        Measurement("limit", same_work=False, warm_seconds=[1.0]),
    ]  # fmt: skip
    row = Row("toy", "A toy.", lambda _: measurements)
    return make_report(row, measurements, describe(Path(__file__).parent, threads=2))


def test_a_report_is_json_that_says_where_and_when(report, tmp_path):
    path = write_report(report, tmp_path / "results")
    again = json.loads(path.read_text(encoding="utf-8"))
    check_report(again)
    assert again["row"] == path.stem == "toy"
    assert again["machine"]["cpu"]
    assert again["git"].keys() == {"commit", "modified"}
    assert again["versions"]["numpy"] == np.__version__
    assert [m["times_ours"] for m in again["measurements"]] == [1.0, 2.5, None, None]
    assert [entry.name for entry in path.parent.iterdir()] == ["toy.json"]


def test_a_report_of_another_shape_is_refused(report):
    with pytest.raises(ValueError, match="'threads' of type int"):
        check_report({**report, "threads": "2"})
    with pytest.raises(ValueError, match="other keys"):
        check_report({**report, "measurements": [{"contender": "x"}]})


def test_the_table_has_a_line_for_each_contender(report):
    first, second, third, limit = cells(report)
    assert len(first) == len(second) == len(third) == len(COLUMNS)
    assert first == (
        "toy", "ours", "2.00", "2.00", "1.00", "0.500", "100 MB", "2,000 MB", "F1 31.25 / 37.5",
    )  # fmt: skip
    assert second[:5] == ("", "peer", "", "5.00", "2.50")
    assert limit[:5] == ("", "limit", "", "1.00", "")
    assert third[-1] == "failed: ValueError: no"


def test_the_printed_table_is_whole(report, capsys):
    print_table([report])
    printed = capsys.readouterr().out
    for word in (*COLUMNS, "ours", "peer", "broken", "31.25 / 37.5", "failed: ValueError: no"):
        assert word in printed


def test_figures_are_short():
    assert [seconds(value) for value in (None, 0.01234, 1.0, 43.26, 1234.5)] == [
        "", "0.0123", "1.00", "43.3", "1234",
    ]  # fmt: skip
    assert megabytes(None) == ""
    assert results({"a": 0.123456, "b": True, "c": 3, "d": "x"}) == "a 0.1235; b yes; c 3; d x"


def test_a_job_hands_its_result_back_unchanged_by_default():
    assert Job(lambda: 7).finish(7) == 7


def test_what_takes_minutes_is_called_once_and_alone(toy, settings, tmp_path):
    log = tmp_path / "log"
    contenders = [
        contender(toy.note, name, params={"log": str(log), "name": name}, once=name == "b")
        for name in "ab"
    ]
    _, slow = compare(contenders, {}, settings, calls=2, rounds=2)
    assert log.read_text() == "a " + "a a b " + "a a "
    assert len(slow.warm_seconds) == 1
    assert slow.cold_seconds is None


def test_notes_of_the_last_call_are_results(toy, settings):
    (found,) = compare(
        [contender(toy.remark)], {}, settings, calls=3, rounds=1, cold=False,
        score=lambda _, array: {"sum": float(array.sum())},
    )  # fmt: skip
    assert found.results == {"call": 3, "sum": 0.0}


def test_each_group_of_peers_has_an_environment_and_pins(toy, settings, tmp_path):
    folder = Path(tmp_path / ".venv-peers")
    assert named(folder, "") == folder
    assert named(folder, "walks").name == ".venv-peers-walks"
    benchmarks = Path(__file__).resolve().parents[2] / "benchmarks"
    for group in GROUPS:
        lines = named(benchmarks / "requirements-peers.txt", group).read_text().splitlines()
        assert all("==" in line for line in lines if not line.startswith("#"))
    elsewhere = contender(toy.variables, peer=True, peer_group="walks")
    assert compare([elsewhere], {}, settings) == []
    with pytest.raises(MeasurementError, match="--make-peers"):
        run_once(elsewhere, {}, settings, calls=1, numba_cache=tmp_path)
