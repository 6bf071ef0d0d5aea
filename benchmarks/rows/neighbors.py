"""Exact nearest neighbours by cosine."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from harness.contender import Contender, Job, Measurement, Result, Row, Settings
from harness.inputs import save_arrays
from harness.measure import compare

N_ROWS, N_COMPONENTS, N_QUERIES, K = 100_000, 128, 1_000, 10


def graphembed_neighbors(arrays: Mapping[str, Any], *, threads: int) -> Job:
    """Ours; a query is not its own neighbour."""
    import graphembed as ge

    queries = arrays["queries"]
    nodes = ge.NodeIndex.range(len(arrays["matrix"]))
    vectors = ge.Vectors(nodes, arrays["matrix"])
    return Job(
        lambda: vectors.neighbors(queries, k=K, n_jobs=threads),
        lambda found: np.asarray(found.ids),
    )


def sklearn_neighbors(arrays: Mapping[str, Any], *, threads: int) -> Job:
    """Search with scikit-learn, which finds the query itself first: that one is dropped."""
    from sklearn.neighbors import NearestNeighbors

    queries = arrays["matrix"][arrays["queries"]]
    search = NearestNeighbors(algorithm="brute", metric="cosine", n_jobs=threads)
    search.fit(arrays["matrix"])
    return Job(
        lambda: search.kneighbors(queries, n_neighbors=K + 1, return_distance=True),
        lambda found: found[1][:, 1:],
    )


CONTENDERS = (
    Contender(
        "graphembed",
        graphembed_neighbors,
        ("graphembed.vectors", "graphembed.neighbors"),
        ("graphembed-engine", "numpy", "numba"),
        reference=True,
    ),
    Contender(
        "scikit-learn brute",
        sklearn_neighbors,
        ("sklearn.neighbors",),
        ("scikit-learn", "numpy"),
    ),
)


def run(settings: Settings) -> list[Measurement]:
    """Search, and count how many neighbours both agree on."""
    rng = np.random.default_rng(0)
    arrays = {
        "matrix": rng.standard_normal((N_ROWS, N_COMPONENTS), dtype=np.float32),
        "queries": rng.choice(N_ROWS, N_QUERIES, replace=False),
    }
    inputs = save_arrays(settings.workspace / "neighbors", arrays)
    answers: dict[str, Any] = {}

    def score(contender: Contender, ids: Any) -> dict[str, Result]:
        answers[contender.name] = ids
        return {"queries/s": 0}

    found = compare(CONTENDERS, inputs, settings, calls=4, rounds=3, score=score)
    truth = answers.get("scikit-learn brute")
    for measured in found:
        if measured.error is not None:
            continue
        rate = N_QUERIES / float(np.median(measured.warm_seconds))
        measured.results = {"queries/s": round(rate)}
        if truth is not None and measured.contender in answers:
            shared = agreement(answers[measured.contender], truth)
            measured.results["share found by scikit-learn too"] = round(shared, 5)
    return found


def agreement(ids: Any, truth: Any) -> float:
    """Return the mean share of each row of ``truth`` that is in the same row of ``ids``."""
    hits = [np.isin(mine, right).mean() for mine, right in zip(ids, truth, strict=True)]
    return float(np.mean(hits))


def rows() -> list[Row]:
    """Return the rows of this file."""
    title = f"{N_ROWS:,} x {N_COMPONENTS} random vectors, {N_QUERIES:,} queries, {K} neighbours"
    return [Row("neighbors", title, run)]
