"""Spectral embedding: time at equal accuracy, quality on labelled graphs, memory on a large one."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from contenders.classified import classified
from harness.contender import Contender, Job, Measurement, Result, Row, Settings
from harness.inputs import csr, n_bytes, rmat, save_graph
from harness.measure import compare

N_COMPONENTS = 128
RMAT_SCALE = 20
IMPORTS = ("scipy.sparse", "graphembed.embedders.spectral", "graphembed.graph.builders")
OURS = ("graphembed-engine", "numpy", "scipy", "numba")
SCIPY = ("scipy", "numpy")


def graphembed_spectral(
    arrays: Mapping[str, Any], *, threads: int, given: str = "graph", **params: Any
) -> Job:
    """Ours, given a scipy matrix as the peers are, or a Graph that was made before."""
    import graphembed as ge
    from graphembed.embedders.spectral import Spectral

    adjacency = csr(arrays)
    X = ge.Graph.from_scipy(adjacency) if given == "graph" else adjacency
    del adjacency
    return with_cpu_seconds(
        lambda: Spectral(n_jobs=threads, random_state=0, **params).fit_transform(X)
    )


def with_cpu_seconds(run: Callable[[], Any]) -> Job:
    """Return a job that says what its last call took of all cores, which load hardly changes."""

    def timed() -> Any:
        start = time.process_time()
        result = run()
        job.notes["CPU seconds"] = round(time.process_time() - start, 1)
        return result

    job = Job(timed)
    return job


def sknetwork_spectral(arrays: Mapping[str, Any], *, threads: int, **params: Any) -> Job:  # noqa: ARG001
    """Embed with scikit-network: ARPACK on the normalised adjacency, the first one skipped."""
    from sknetwork.embedding import Spectral

    adjacency = csr(arrays, matrix=True)
    return Job(lambda: Spectral(**params).fit_transform(adjacency))


def graphembed_eigenvectors(arrays: Mapping[str, Any], *, threads: int, tol: float) -> Job:
    """Our solver alone, on the normalised adjacency without regularisation."""
    from graphembed.factorization.leading_eigenvectors import leading_eigenvectors
    from graphembed.factorization.operators import SparseOperator

    adjacency = csr(arrays)
    scale = _scale(adjacency).astype(np.float32)
    operator = SparseOperator.from_scipy(adjacency, symmetric=True, left=scale, right=scale)
    return Job(
        lambda: leading_eigenvectors(operator, N_COMPONENTS, tol=tol, n_jobs=threads).vectors
    )


def scipy_eigsh(arrays: Mapping[str, Any], *, threads: int, tol: float, dtype: str) -> Job:  # noqa: ARG001
    """ARPACK on the same matrix."""
    import scipy.sparse as sp
    from scipy.sparse.linalg import eigsh

    adjacency = csr(arrays)
    scale = sp.diags_array(_scale(adjacency))
    matrix = sp.csr_array(scale @ adjacency @ scale, dtype=dtype)
    return Job(lambda: eigsh(matrix, N_COMPONENTS, which="LA", tol=tol)[1][:, ::-1])


def _scale(adjacency: Any) -> Any:
    degrees = np.asarray(adjacency.sum(axis=1, dtype=np.float64)).ravel()
    return np.where(degrees > 0, degrees, np.inf) ** -0.5


def angle_to_exact(exact: Any, found: Any) -> float:
    """Return the largest principal angle between two spaces, in degrees.

    Parameters
    ----------
    exact, found : ndarray of shape (n, k)
        Orthonormal columns.
    """
    exact, found = (np.asarray(each, dtype=np.float64) for each in (exact, found))
    # By the sine: the cosine of a small angle is lost in rounding.
    outside = found - exact @ (exact.T @ found)
    return float(np.degrees(np.arcsin(min(1.0, np.linalg.norm(outside, 2)))))


def ours(name: str, *, reference: bool = False, **params: Any) -> Contender:
    """Return our contender."""
    return Contender(name, graphembed_spectral, IMPORTS, OURS, params, reference=reference)


def sknetwork(name: str, **params: Any) -> Contender:
    """Return the contender of scikit-network."""
    imports = ("scipy.sparse", "sknetwork.embedding")
    distributions = ("scikit-network", "numpy", "scipy")
    return Contender(name, sknetwork_spectral, imports, distributions, params, peer=True)


def run_eigenvectors(settings: Settings) -> list[Measurement]:
    """Time solvers and report how far each is from the exact space."""
    import graphembed as ge

    inputs = save_graph(settings.workspace / "eigenvectors", ge.datasets.load("blogcatalog").graph)
    arrays = {name: np.load(path, allow_pickle=False) for name, path in inputs.items()}
    exact = scipy_eigsh(arrays, threads=1, tol=0.0, dtype="float64").run()

    def score(contender: Contender, found: Any) -> dict[str, Result]:  # noqa: ARG001
        return {"largest principal angle, degrees": round(angle_to_exact(exact, found), 4)}

    solver = ("graphembed.factorization.leading_eigenvectors",)
    eigsh = ("scipy.sparse.linalg",)
    contenders = [
        Contender(f"graphembed, tol={tol:g}", graphembed_eigenvectors, solver, OURS,
                  {"tol": tol}, reference=tol == 1e-3)
        for tol in (1e-2, 1e-3, 1e-4)
    ] + [
        Contender(f"scipy eigsh, {dtype}, tol={tol:g}", scipy_eigsh, eigsh, SCIPY,
                  {"tol": tol, "dtype": dtype})
        for dtype, tol in (("float64", 0.0), ("float64", 1e-3), ("float32", 1e-3))
    ]  # fmt: skip
    return compare(contenders, inputs, settings, calls=3, rounds=2, cold=False, score=score)


def run_rmat(settings: Settings) -> list[Measurement]:
    """Embed the large graph; judge memory against ``graph + 5 x output``."""
    inputs = rmat(settings.cache, RMAT_SCALE)
    contenders = (ours("graphembed, given a Graph", reference=True, n_components=N_COMPONENTS),)
    measurements = compare(contenders, inputs, settings, calls=2, rounds=1, cold=False)
    judge_memory(measurements, inputs)
    return measurements


def judge_memory(measurements: list[Measurement], inputs: Mapping[str, Any]) -> None:
    """Add what graph and output take, and whether the peak was within ``graph + 5 x output``."""
    n_nodes = np.load(inputs["indptr"], mmap_mode="r", allow_pickle=False).shape[0] - 1
    graph, output = n_bytes(inputs), n_nodes * N_COMPONENTS * 4
    for measured in measurements:
        if measured.peak_rss_bytes is not None:
            bound = graph + 5 * output
            measured.results |= {
                "graph MB": round(graph / 1e6),
                "output MB": round(output / 1e6),
                "bound MB (graph + 5 x output)": round(bound / 1e6),
                "within bound": measured.peak_rss_bytes <= bound,
            }


def rows() -> list[Row]:
    """Return the rows of this file."""
    contenders = (
        ours("graphembed", reference=True, n_components=N_COMPONENTS),
        ours("graphembed, given csr", given="csr", n_components=N_COMPONENTS),
        ours("graphembed, not regularised", n_components=N_COMPONENTS, regularization=0.0),
        sknetwork("scikit-network", n_components=N_COMPONENTS),
    )
    sets = {
        "blogcatalog": "BlogCatalog, 10,312 nodes",
        "ppi_homo_sapiens": "PPI (homo sapiens), 3,890 nodes",
        "dblp_prone": "DBLP, 51,264 nodes",
    }
    short = {"ppi_homo_sapiens": "ppi", "dblp_prone": "dblp"}
    return [
        *(
            Row(
                f"spectral-{short.get(name, name)}",
                f"{title}, 128 components: spectral embedding, and node classification",
                classified(name, contenders),
                ("",),
            )
            for name, title in sets.items()
        ),
        Row(
            "eigenvectors",
            "BlogCatalog, 128 leading eigenvectors of the normalised adjacency",
            run_eigenvectors,
        ),
        Row(
            "spectral-rmat",
            "R-MAT, 2^20 nodes, 16 M edges, 128 components: fit, and memory",
            run_rmat,
        ),
    ]
