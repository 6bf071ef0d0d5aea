import copy
import tracemalloc
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from graphembed import Graph
from graphembed.message_passing import inference
from graphembed.message_passing.autograd import torch_threads
from graphembed.message_passing.block import Block, listening
from graphembed.message_passing.encoder import Encoder
from graphembed.message_passing.inference import embed_layerwise, embed_rows, neighbourhood
from graphembed.message_passing.messages import take_rows
from graphembed.store.writing import write_graph

CONVS = [("sage", "mean"), ("sage", "max"), ("sage", "sum"), ("sage", "gcn"),
         ("gcn", "mean"), ("gat", "mean"), ("gin", "mean")]  # fmt: skip
ALL_CONVS = pytest.mark.parametrize(("conv", "aggregator"), CONVS)
N = 300


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with torch_threads(1):
        yield


def a_graph(*, weighted: bool = True) -> Graph:
    """Directed, with loops, and with nodes without neighbours."""
    rng = np.random.default_rng(0)
    edges = rng.integers(0, N - 5, size=(1000, 2))
    weights = rng.uniform(0.5, 2, size=1000) if weighted else None
    return Graph.from_edges(*edges.T, weights, nodes=range(N), directed=True)


def features(n_columns: int = 100) -> sp.csr_array:
    rng = np.random.default_rng(1)
    return sp.random_array((N, n_columns), density=0.2, rng=rng, format="csr", dtype=np.float32)


def some_rows(
    encoder: Encoder, X: Any, graph: Graph, rows: list[int], direction: str = "in"
) -> np.ndarray:
    """Return what the encoder makes of some rows in evaluation."""
    heard = listening(graph, direction)
    hear = partial(take_rows, heard.indptr, heard.indices, heard.weights)
    return embed_rows(copy.deepcopy(encoder).eval(), X.__getitem__, hear, rows)


def forward(encoder: Encoder, X: sp.csr_array, graph: Graph, direction: str) -> np.ndarray:
    block = Block.full(graph, direction=direction)
    encoder.eval()
    with torch.no_grad():
        out = encoder(X, [block] * len(encoder.layers)).numpy()
    encoder.train()
    return out


@ALL_CONVS
@pytest.mark.parametrize(("widths", "activation"), [((16, 8), "prelu"), ((150, 170), "elu")])
def test_inference_is_forward(
    conv: str, aggregator: str, activation: str, widths: tuple[int, int]
) -> None:
    graph, X = a_graph(), features()
    options = {"conv": conv, "aggregator": aggregator, "activation": activation}
    encoder = Encoder(100, *widths, 2, dropout=0.5, **options)
    expected = forward(encoder, X, graph, "in")
    scale = np.abs(expected).max()
    for given in (X, X.toarray()):
        out = embed_layerwise(encoder, given, graph)
        np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5 * scale)
        rows = some_rows(encoder, given, graph, [7, 298, 7])
        np.testing.assert_allclose(rows, expected[[7, 298, 7]], rtol=1e-4, atol=1e-5 * scale)
    assert encoder.training


@pytest.mark.parametrize("direction", ["in", "out", "both"])
def test_directions(direction: str) -> None:
    graph, X, encoder = a_graph(), features(), Encoder(100, 16, 8, conv="gcn")
    expected = forward(encoder, X, graph, direction)
    out = embed_layerwise(encoder, X, graph, direction=direction)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-6)
    rows = some_rows(encoder, X, graph, [1, 2], direction)
    np.testing.assert_allclose(rows, expected[[1, 2]], rtol=1e-4, atol=1e-6)


@ALL_CONVS
def test_the_same_bits_at_any_number_of_threads(conv: str, aggregator: str) -> None:
    encoder = Encoder(100, 64, 32, 2, conv=conv, aggregator=aggregator)
    one = embed_layerwise(encoder, features(), a_graph(), n_jobs=1)
    for n_jobs in (2, 3):
        other = embed_layerwise(encoder, features(), a_graph(), n_jobs=n_jobs)
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("conv", ["sage", "gcn"])
def test_a_store_has_the_bits_of_memory(conv: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    edges = rng.integers(0, N, size=(1000, 2))
    graph = Graph.from_edges(*edges.T, nodes=range(N))
    store = write_graph(graph, tmp_path / "store", n_partitions=3)
    np.save(tmp_path / "features.npy", features().toarray())
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    encoder = Encoder(100, 16, 8, 2, conv=conv)
    expected = embed_layerwise(encoder, features().toarray(), graph)
    np.testing.assert_array_equal(embed_layerwise(encoder, mapped, store), expected)


def test_nodes_in_another_order_are_rows_in_another_order() -> None:
    graph, X, encoder = a_graph(), features(), Encoder(100, 64, 32, 2)
    order = np.random.default_rng(1).permutation(N)
    moved = Graph.from_scipy(graph.to_scipy()[order][:, order], directed=True)
    out = embed_layerwise(encoder, X[order], moved)
    expected = embed_layerwise(encoder, X, graph)[order]
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-6)


def test_the_result_is_written_where_asked() -> None:
    out = np.empty((N, 8), dtype=np.float32)
    encoder = Encoder(100, 16, 8, 2)
    assert embed_layerwise(encoder, features(), a_graph(), out=out) is out
    np.testing.assert_array_equal(out, embed_layerwise(encoder, features(), a_graph()))


def test_memory_is_two_layers_and_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    n = 20_000
    graph = Graph.from_edges(*rng.integers(0, n, size=(100_000, 2)).T, nodes=range(n))
    X = rng.normal(size=(n, 64)).astype(np.float32)
    encoder = Encoder(64, 64, 64, 3)
    monkeypatch.setattr(inference, "BLOCK_WORK", 1 << 12)
    embed_layerwise(encoder, X, graph, n_jobs=2)
    tracemalloc.start()
    embed_layerwise(encoder, X, graph, n_jobs=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.3 * X.nbytes


def test_a_graph_without_edges() -> None:
    graph = Graph.from_edges([], [], nodes=range(N))
    for conv in ("sage", "gcn", "gat", "gin"):
        encoder = Encoder(100, 16, 8, 2, conv=conv)
        out = embed_layerwise(encoder, features(), graph)
        np.testing.assert_allclose(some_rows(encoder, features(), graph, [5]), out[[5]], rtol=1e-4)


def test_neighbourhoods() -> None:
    graph = Graph.from_edges([0, 1, 1], [1, 2, 3])
    rows = np.array([1, 0], dtype=np.int32)
    block = neighbourhood(rows, *take_rows(graph.indptr, graph.indices, graph.weights, rows))
    assert block.sources.tolist() == [1, 0, 2, 3]
    assert block.indptr.tolist() == [0, 3, 4]
    assert block.indices.tolist() == [1, 2, 3, 0]
