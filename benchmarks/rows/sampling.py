"""Sampled neighbourhoods, as message passing trains on them: edges a second."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np
from harness.contender import Contender, Job, Measurement, Result, Row, Settings
from harness.inputs import csr, rmat, save_arrays
from harness.measure import compare

FANOUT = (25, 10)
BATCH_SIZE = 1024
RMAT_SCALE = 20
# torch_geometric draws neighbours in pyg-lib, which is not on the package index.
HAS_PYG_LIB = find_spec("pyg_lib") is not None


def graphembed_sampler(
    arrays: Mapping[str, Any], *, threads: int, weighted: bool = False, n_batches: int
) -> Job:
    """Ours: positions among the sources of each block included, a thread in the background."""
    import graphembed as ge

    matrix = csr(arrays)
    if weighted:
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        matrix.data = (1 + (rows + matrix.indices) % 5).astype(np.float32)
    graph = ge.Graph.from_scipy(matrix, directed=False)
    del matrix
    sampler = ge.NeighborSampler(graph, FANOUT, weighted=weighted, n_jobs=threads, random_state=0)
    seeds = arrays["seeds"][: n_batches * BATCH_SIZE]
    return counted(
        lambda: (
            sample.n_messages
            for sample in sampler.batches(seeds, batch_size=BATCH_SIZE, shuffle=False)
        )
    )


def numpy_loop(
    arrays: Mapping[str, Any],
    *,
    threads: int,  # noqa: ARG001
    n_batches: int,
) -> Job:
    """One draw for each node in plain numpy, and positions by sorting."""
    indptr, indices, seeds = arrays["indptr"], arrays["indices"], arrays["seeds"]
    rng = np.random.default_rng(0)

    def neighbors(node: int, fanout: int) -> Any:
        row = indices[indptr[node] : indptr[node + 1]]
        if len(row) <= fanout:
            return row
        return row[rng.choice(len(row), fanout, replace=False, shuffle=False)]

    def batches() -> Iterator[int]:
        for start in range(0, n_batches * BATCH_SIZE, BATCH_SIZE):
            targets = seeds[start : start + BATCH_SIZE]
            n_messages = 0
            for fanout in FANOUT:
                heard = np.concatenate([neighbors(node, fanout) for node in targets])
                n_messages += len(heard)
                # Positions, as a block needs them; targets do not come first here.
                targets, _ = np.unique(np.concatenate([targets, heard]), return_inverse=True)
            yield n_messages

    return counted(batches)


def torch_geometric_loader(arrays: Mapping[str, Any], *, threads: int, n_batches: int) -> Job:
    """Its NeighborLoader: one subgraph for all layers, where only new nodes draw at a hop."""
    import torch
    from torch_geometric.data import Data
    from torch_geometric.loader import NeighborLoader

    torch.set_num_threads(threads)
    matrix = csr(arrays).tocoo()
    ends = torch.from_numpy(np.stack([matrix.row, matrix.col]).astype(np.int64))
    loader = NeighborLoader(
        Data(edge_index=ends, num_nodes=matrix.shape[0]),
        list(FANOUT),
        torch.from_numpy(arrays["seeds"][: n_batches * BATCH_SIZE].astype(np.int64)),
        batch_size=BATCH_SIZE,
        num_workers=threads if threads > 1 else 0,
    )
    return counted(lambda: (batch.num_edges for batch in loader))


def counted(batches: Any) -> Job:
    """Return the job of going through batches, which says how many edges they have."""
    import psutil

    notes: dict[str, Result] = {}

    def run() -> int:
        n_edges, sizes = 0, []
        for n_messages in batches():
            n_edges += n_messages
            sizes.append(psutil.Process().memory_info().rss)
        notes["edges"] = n_edges
        # By then everything has been used once.
        notes["RSS growth MB"] = (sizes[-1] - sizes[len(sizes) // 4]) // 10**6
        return n_edges

    return Job(run, lambda n_edges: np.array(n_edges), notes)


OURS = ("graphembed-engine", "numpy", "numba")
MODULES = ("scipy.sparse", "psutil", "graphembed.message_passing.sampler")
CONTENDERS = (
    Contender("graphembed", graphembed_sampler, MODULES, OURS, {"n_batches": 200}, reference=True),
    Contender(
        "graphembed, by weights",
        graphembed_sampler,
        MODULES,
        OURS,
        {"n_batches": 200, "weighted": True},
    ),
)
NUMPY = Contender("numpy loop", numpy_loop, ("psutil",), ("numpy",), {"n_batches": 5})
PEERS = (
    Contender(
        "torch_geometric NeighborLoader",
        torch_geometric_loader,
        ("scipy.sparse", "psutil", "torch_geometric.loader"),
        ("torch-geometric", "pyg-lib", "torch"),
        {"n_batches": 50},
    ),
)


def contenders(threads: int, *, pyg_lib: bool = HAS_PYG_LIB) -> tuple[Contender, ...]:
    """Return who takes part with so many threads; the numpy loop has one."""
    return (*CONTENDERS, *((NUMPY,) if threads == 1 else ()), *(PEERS if pyg_lib else ()))


def run(settings: Settings) -> list[Measurement]:
    """Sample with one thread and with all."""
    inputs = rmat(settings.cache, RMAT_SCALE)
    degrees = np.diff(np.load(inputs["indptr"], allow_pickle=False))
    seeds = np.random.default_rng(0).permutation(np.flatnonzero(degrees)).astype(np.int32)
    inputs = {**inputs, **save_arrays(settings.workspace / "sampling", {"seeds": seeds})}
    found = []
    for threads in sorted({1, settings.threads}):
        chosen = replace(settings, threads=threads)
        part = compare(contenders(threads), inputs, chosen, calls=3, rounds=1, cold=False)
        annotate(part)
        for measured in part:
            measured.contender += f", {threads} thread{'s' if threads > 1 else ''}"
            # Batches differ in number: rates are compared, not times.
            measured.reference = measured.same_work = False
        found += part
    return found


def annotate(found: list[Measurement]) -> None:
    """Add the rate of each measurement, and how many times that of each other ours is."""
    rates = {
        m.contender: int(str(m.results.pop("edges"))) / median(m.warm_seconds)
        for m in found
        if m.warm_seconds
    }
    ours = rates.get("graphembed")
    for measured in found:
        if measured.contender not in rates:
            continue
        rate = rates[measured.contender]
        measured.results["M edges/s"] = round(rate / 1e6, 3)
        if ours is not None and measured.contender != "graphembed":
            measured.results["ours is times as fast"] = round(ours / rate, 2)


def rows() -> list[Row]:
    """Return the rows of this file."""
    title = (
        f"R-MAT, 2^20 nodes, 16 M edges, neighbours of {BATCH_SIZE} nodes that have some, fan-out "
        f"{' and '.join(map(str, FANOUT))}, numbered: sampled edges a second; torch_geometric's "
        "NeighborLoader takes part where pyg-lib is installed, which is not on the package index"
    )
    return [Row("neighbor-sampling", title, run)]
