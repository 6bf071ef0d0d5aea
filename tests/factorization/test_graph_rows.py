import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphembed as ge
from graphembed.factorization.graph_rows import (
    BLOCK_ENTRIES,
    BLOCKS,
    degree_sums,
    frozen_block,
    over_rows,
    row_blocks,
)
from graphembed.graph.ids import NodeIndex
from graphembed.store.writing import write_graph
from graphembed.testing import graphs


def ring(n_nodes: int, n_neighbors: int) -> ge.Graph:
    """Return a weighted graph in which each node has the nearest ones on a ring as neighbours."""
    steps = np.arange(1, n_neighbors // 2 + 1)
    targets = (np.arange(n_nodes)[:, None] + np.concatenate([-steps, steps])) % n_nodes
    targets.sort(axis=1)
    ends = np.arange(n_nodes)[:, None] % 7 + targets % 7
    return ge.Graph(
        np.arange(n_nodes + 1, dtype=np.int64) * n_neighbors,
        targets.ravel().astype(np.int32), (ends.ravel() + 1).astype(np.float32),
        nodes=NodeIndex.range(n_nodes), directed=False,
    )  # fmt: skip


def test_rows_are_covered_once_in_ranges_that_fit_in_memory() -> None:
    indptr = np.arange(1001, dtype=np.int64) * BLOCK_ENTRIES
    blocks = row_blocks(indptr)
    assert [first for first, _ in blocks] == [0, *(last for _, last in blocks[:-1])]
    assert blocks[-1][1] == 1000
    assert max(last - first for first, last in blocks) <= 2
    assert len(row_blocks(np.arange(1001, dtype=np.int64))) == BLOCKS


@pytest.mark.parametrize("graph", [graphs.weighted_digraph(), graphs.two_cliques()])
def test_degrees_and_blocks(graph: ge.Graph, tmp_path: Path) -> None:
    expected = graph.to_scipy().toarray().sum(axis=1, dtype=np.float64)
    stored = write_graph(graph, tmp_path / "store", n_partitions=2)
    for each in (graph, stored):
        np.testing.assert_allclose(degree_sums(each), expected, rtol=1e-6)
    rows = np.zeros(graph.n_nodes, dtype=int)

    def count(first: int, last: int) -> None:
        block = frozen_block(stored, first, last)
        assert not block.indptr.flags.writeable
        rows[first:last] += np.diff(block.indptr)

    over_rows(stored, count)
    np.testing.assert_array_equal(rows, np.diff(graph.indptr))


@pytest.mark.parametrize(
    "model",
    ["Spectral(4, max_restarts=1, n_jobs=2, random_state=0)",
     "ProNE(4, order=3, n_iter=1, n_jobs=2, random_state=0)",
     "NetMF(4, rank=8, n_iter=1, n_jobs=2, random_state=0)"],
)  # fmt: skip
def test_edges_of_a_store_are_not_all_in_memory(model: str, tmp_path: Path) -> None:
    """Indices and weights take 72 MB; vectors less than 10 MB."""
    write_graph(ring(6000, 1500), tmp_path / "store", n_partitions=4)
    code = f"""
import sys
import graphembed as ge
from graphembed.testing import graphs

def status(key):
    return int(open("/proc/self/status").read().split(key)[1].split()[0]) / 1000

small = graphs.two_cliques()
ge.{model}.fit(small._replace(weights=small.adjacency.data))  # compile first
graph = ge.open_store(sys.argv[1])
try:  # start the high-water mark anew where the system lets us
    open("/proc/self/clear_refs", "w").write("5")
except OSError:
    pass
before = status("VmRSS:")
ge.{model}.fit(graph)
print(status("VmHWM:") - before)
"""
    arguments = [sys.executable, "-c", code, str(tmp_path / "store")]
    run = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert float(run.stdout) < 45
