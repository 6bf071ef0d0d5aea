import numpy as np
import pytest
from harness.contender import Measurement
from harness.judge import LENGTHS, MICRO, classification
from rows import all_rows
from rows.fastrp import THREE_POWERS, _edge_lines, from_power_zero
from rows.neighbors import agreement
from rows.spmm import CONTENDERS, LIMITS, annotate
from run import main


def test_rows_are_found_and_have_a_title():
    rows = all_rows()
    assert {"fastrp-blogcatalog", "fastrp-rmat", "first-fit", "import", "neighbors", "spmm"} <= set(
        rows
    )
    assert all(row.title and name == row.name for name, row in rows.items())


def test_the_command_lists_the_rows(capsys):
    assert main(["--list"]) == 0
    assert set(all_rows()) == {line.split()[0] for line in capsys.readouterr().out.splitlines()}


def test_an_unknown_row_is_named_with_the_known_ones(capsys):
    assert main(["deepwalk-mars"]) == 2
    assert "'deepwalk-mars' (known: deepwalk-blogcatalog" in capsys.readouterr().err


def test_missing_peers_are_said_before_anything_runs(capsys, tmp_path):
    assert main(["import", "--peers", str(tmp_path)]) == 2
    assert "--make-peers" in capsys.readouterr().err


def test_the_fastrp_package_counts_powers_from_zero():
    assert from_power_zero(THREE_POWERS) == (0.0, *THREE_POWERS)
    assert len(from_power_zero(THREE_POWERS)) - 1 == len(THREE_POWERS)  # products made


def test_edge_lines_name_each_edge_once():
    # 0-1, 1-1 (a loop), 1-3; node 2 has no edge.
    indptr, indices = np.array([0, 1, 4, 4, 5]), np.array([1, 0, 1, 3, 1])
    assert list(_edge_lines(indptr, indices)) == ["0 1", "1 1", "1 3"]


@pytest.fixture(scope="module")
def judged():
    labels = np.arange(60) % 3
    rng = np.random.default_rng(0)
    noisy = np.eye(3)[labels] + 0.7 * rng.standard_normal((60, 3))
    return noisy, labels, classification(noisy, labels, n_shuffles=2)


@pytest.mark.parametrize("factor", [0.01, 100.0])
def test_a_factor_on_an_embedding_does_not_move_its_score(judged, factor):
    embedding, labels, expected = judged
    rows = np.random.default_rng(1).uniform(0.5, 2, (len(embedding), 1))
    assert classification(embedding * rows * factor, labels, n_shuffles=2) == expected


def test_a_node_without_a_vector_is_judged_all_the_same(judged):
    embedding, labels, _ = judged
    holed = np.where(np.arange(len(labels))[:, np.newaxis] == 7, 0, embedding)
    found = classification(holed, labels, n_shuffles=2)
    assert found["best row length"] in LENGTHS
    assert len(found[MICRO]) == len(found["micro-F1 there"]) == 3


def test_agreement_counts_shared_neighbours_whatever_their_order():
    assert agreement(np.array([[1, 2], [3, 4]]), np.array([[2, 1], [4, 9]])) == 0.75


def test_bandwidth_is_put_beside_the_limits():
    found = [
        Measurement("ours", warm_seconds=[2.0]),
        Measurement("limit: triad", warm_seconds=[1.0]),
        Measurement("limit: broken", error="no"),
    ]
    annotate(found, {"ours": 10**10, "limit: triad": 2 * 10**10})
    assert found[0].results == {"GB/s": 5.0, "% of triad": 25}
    assert found[1].results == {"GB/s": 20.0}
    assert found[2].results == {}


def test_the_propagations_that_are_compared_move_the_same_data():
    names = [contender.name for contender in CONTENDERS + LIMITS]
    assert len(set(names)) == len(names)
    assert sum(contender.reference for contender in CONTENDERS) == 1
