import numpy as np
import pytest
from harness.contender import Measurement
from rows.spectral import (
    angle_to_exact,
    graphembed_eigenvectors,
    judge_memory,
    rows,
    scipy_eigsh,
    with_cpu_seconds,
)

from graphembed.datasets.synthetic import rmat


@pytest.mark.parametrize("degrees", [0.0, 1e-3, 30.0, 90.0])
def test_largest_principal_angle(degrees: float) -> None:
    exact = np.eye(5)[:, :2]
    turn = np.radians(degrees)
    found = exact.copy()
    found[:, 1] = [0, np.cos(turn), np.sin(turn), 0, 0]
    assert angle_to_exact(exact, found) == pytest.approx(degrees, abs=1e-9)
    assert angle_to_exact(exact, found[:, ::-1]) == pytest.approx(degrees, abs=1e-9)


def test_solvers_answer_the_same_question() -> None:
    adjacency = rmat(9, 8, random_state=0).adjacency
    arrays = {
        "indptr": adjacency.indptr.astype(np.int64),
        "indices": adjacency.indices.astype(np.int32),
        "data": adjacency.data.astype(np.float32),
    }
    exact = scipy_eigsh(arrays, threads=1, tol=0.0, dtype="float64").run()
    found = graphembed_eigenvectors(arrays, threads=2, tol=1e-4).run()
    assert exact.shape == found.shape
    assert angle_to_exact(exact, found) < 0.5


def test_rows_have_names() -> None:
    names = [row.name for row in rows()]
    assert {"spectral-blogcatalog", "eigenvectors", "spectral-rmat"} <= set(names)


def test_cpu_seconds_are_noted() -> None:
    job = with_cpu_seconds(lambda: 7)
    assert job.run() == 7
    assert job.notes["CPU seconds"] >= 0


def test_memory_is_judged_beside_other_results(tmp_path) -> None:
    path = tmp_path / "indptr.npy"
    np.save(path, np.zeros(1001, dtype=np.int64))  # 8 kB, and an output of 512 kB
    small, large = (
        Measurement("ours", peak_rss_bytes=peak, results={"CPU seconds": 1.0})
        for peak in (2_500_000, 2_600_000)
    )
    judge_memory([small, large], {"indptr": path})
    assert small.results["within bound"] is True
    assert large.results["within bound"] is False
    assert large.results["CPU seconds"] == 1.0
