"""One propagation, sparse times dense, and how far it is from what the memory can deliver."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from harness.contender import Contender, Job, Measurement, Result, Row, Settings
from harness.inputs import csr, rmat, save_arrays
from harness.machine import cache_bytes
from harness.measure import compare

N_COMPONENTS = 128
RMAT_SCALE = 20
SAMPLE = 997  # every 997th row is handed back and compared
CHUNKS_PER_THREAD = 16
FLOATS_PER_CACHE_LINE = 16


def graphembed_spmm(arrays: Mapping[str, Any], *, threads: int, ones: bool = False) -> Job:
    """Ours: the kernel, on ranges of rows that the engine's threads work off."""
    from graphembed.engine import run_blocks, split_by_weight
    from graphembed.kernels.spmm import spmm

    indptr, indices, dense = arrays["indptr"], arrays["indices"], arrays["dense"]
    data = None if ones else arrays["data"]
    blocks = split_by_weight(indptr, CHUNKS_PER_THREAD * threads)

    def run() -> Any:
        out = np.empty_like(dense)
        calls = [(indptr, indices, data, dense, out, first, last) for first, last in blocks]
        run_blocks(spmm, calls, n_jobs=threads)
        return out

    return Job(run, _sample)


def scipy_spmm(arrays: Mapping[str, Any], *, threads: int) -> Job:  # noqa: ARG001
    """Multiply with scipy, which has one thread."""
    matrix, dense = csr(arrays), arrays["dense"]
    return Job(lambda: matrix @ dense, _sample)


def torch_spmm(arrays: Mapping[str, Any], *, threads: int) -> Job:
    """Multiply with torch's sparse CSR, its indices in 32 bits, which it is faster with."""
    import warnings

    import torch

    torch.set_num_threads(threads)
    n_nodes = len(arrays["indptr"]) - 1
    warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
    matrix = torch.sparse_csr_tensor(
        torch.from_numpy(arrays["indptr"].astype(np.int32)),
        torch.from_numpy(arrays["indices"]),
        torch.from_numpy(arrays["data"]),
        size=(n_nodes, n_nodes),
    )
    dense = torch.from_numpy(arrays["dense"])
    return Job(lambda: matrix @ dense, lambda out: _sample(out.numpy()))


def _sample(out: Any) -> Any:
    return out[::SAMPLE]


def hardware_triad(arrays: Mapping[str, Any], *, threads: int) -> Job:
    """Stream three arrays, ``a = b + s * c``: the bandwidth of reading in order."""
    from numba import njit

    @njit(nogil=True, fastmath=True)
    def triad(a, b, c, first, last):  # type: ignore[no-untyped-def]
        for i in range(first, last):
            a[i] = b[i] + np.float32(3) * c[i]

    b = arrays["dense"].reshape(-1)
    c = b[::-1].copy()
    a = np.zeros_like(b)
    return Job(lambda: _on_threads(triad, len(b), threads, a, b, c), _nothing)


def hardware_gather(arrays: Mapping[str, Any], *, threads: int, order: str) -> Job:
    """Touch every cache line of rows of the dense matrix, by number, and keep nothing.

    One load a line and no arithmetic to speak of: what is left is how fast lines arrive.

    ``order="uniform"``: rows drawn uniformly, so that nearly none is in a cache; ``"graph"``: the
    graph's own column numbers, whose hubs stay in the caches.
    """
    from numba import njit

    @njit(nogil=True, fastmath=True)
    def gather(rows, dense, sums, first, last):  # type: ignore[no-untyped-def]
        total = np.float32(0)
        for k in range(first, last):
            row = rows[k]
            for c in range(0, dense.shape[1], FLOATS_PER_CACHE_LINE):
                total += dense[row, c]
        sums[first % len(sums)] = total  # used, so that the loop is not thrown away

    dense, rows = arrays["dense"], arrays["indices"]
    if order == "uniform":
        rows = np.random.default_rng(0).integers(0, len(dense), len(rows), dtype=np.int32)
    sums = np.zeros(4096, dtype=np.float32)
    return Job(lambda: _on_threads(gather, len(rows), threads, rows, dense, sums), _nothing)


def _on_threads(function: Any, n_items: int, threads: int, *arrays: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    cuts = np.linspace(0, n_items, threads + 1).astype(np.int64).tolist()
    with ThreadPoolExecutor(threads) as pool:
        jobs = [pool.submit(function, *arrays, *span) for span in pairwise(cuts)]
        for job in jobs:
            job.result()


def _nothing(_: Any) -> Any:
    return np.zeros(0)


TORCH = ("torch", "numpy")
OURS = ("graphembed-engine", "numpy", "numba")
CONTENDERS = (
    Contender("graphembed", graphembed_spmm, ("graphembed.kernels.spmm",), OURS, reference=True),
    Contender(
        "graphembed, weights all 1",
        graphembed_spmm,
        ("graphembed.kernels.spmm",),
        OURS,
        {"ones": True},
    ),
    Contender("scipy A @ X", scipy_spmm, ("scipy.sparse",), ("scipy", "numpy")),
    Contender("torch sparse_csr @ X", torch_spmm, ("torch",), TORCH),
)
LIMITS = (
    Contender("limit: triad", hardware_triad, ("numba",), ("numba", "numpy"), same_work=False),
    Contender(
        "limit: gather, uniform rows",
        hardware_gather,
        ("numba",),
        ("numba", "numpy"),
        {"order": "uniform"},
        same_work=False,
    ),
    Contender(
        "limit: gather, graph's rows",
        hardware_gather,
        ("numba",),
        ("numba", "numpy"),
        {"order": "graph"},
        same_work=False,
    ),
)


def run(settings: Settings) -> list[Measurement]:
    """Measure all, then put bandwidths beside the limits."""
    inputs = rmat(settings.cache, RMAT_SCALE)
    indptr = np.load(inputs["indptr"], allow_pickle=False)
    degrees = np.diff(indptr)
    n_nodes, n_entries = len(degrees), int(indptr[-1])
    rng = np.random.default_rng(0)
    # Rows sum to 1, as in a propagation; the dense matrix is random.
    inverse = 1 / np.maximum(degrees, 1).astype(np.float32)
    made = {
        "data": np.repeat(inverse, degrees),
        "dense": rng.standard_normal((n_nodes, N_COMPONENTS), dtype=np.float32),
    }
    inputs = {**inputs, **save_arrays(settings.workspace / "spmm", made)}
    del made
    samples: dict[str, Any] = {}

    def score(contender: Contender, sample: Any) -> dict[str, Result]:
        samples[contender.name] = sample
        return {}

    contenders = CONTENDERS + LIMITS
    found = compare(contenders, inputs, settings, calls=4, rounds=3, cold=False, score=score)
    moved = dict.fromkeys((c.name for c in contenders), n_entries * N_COMPONENTS * 4)
    moved["limit: triad"] = 3 * n_nodes * N_COMPONENTS * 4
    annotate(found, moved)
    truth = samples.get("scipy A @ X")
    for measured in found:
        sample = samples.get(measured.contender)
        same_product = not measured.contender.startswith(("limit", "graphembed, weights"))
        if same_product and sample is not None and truth is not None:
            measured.results["largest difference to scipy"] = float(abs(sample - truth).max())
    for measured in found:
        if measured.contender.startswith("limit"):
            measured.results["last-level cache MB"] = round((cache_bytes() or 0) / 1e6)
    return found


def annotate(found: list[Measurement], moved: Mapping[str, int]) -> None:
    """Add the bandwidth of each measurement, and its share of each limit.

    ``moved`` says how many bytes one call of each contender moves. A propagation is counted as
    one row of the dense matrix for each entry of the sparse one (the gather model).
    """
    rates = {
        m.contender: moved[m.contender] / float(np.median(m.warm_seconds)) / 1e9
        for m in found
        if m.warm_seconds
    }
    limits = {name: rate for name, rate in rates.items() if name.startswith("limit")}
    for measured in found:
        if measured.contender not in rates:
            continue
        rate = rates[measured.contender]
        measured.results["GB/s"] = round(rate, 2)
        if measured.contender not in limits:
            for name, limit in limits.items():
                measured.results[f"% of {name.removeprefix('limit: ')}"] = round(100 * rate / limit)


def rows() -> list[Row]:
    """Return the rows of this file."""
    title = "R-MAT, 2^20 nodes, 16 M edges, times float32 with 128 columns: one propagation"
    return [Row("spmm", title, run)]
