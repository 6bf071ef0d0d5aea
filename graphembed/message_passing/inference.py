"""Embeddings of all nodes, layer by layer, over all their neighbours; or of a few nodes.

Each layer is computed for all nodes before the next, so that a node's row is made once, however
many hear it. Rows go block by block. In memory are what a layer reads, what it writes, and a block
for each thread; before a layer that makes rows shorter, also the shorter rows that are summed.
Blocks depend on the graph alone, and with them the bits of the result.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from graphembed.engine import run_blocks, split_by_weight
from graphembed.factorization.tall_matrices import one_blas_thread
from graphembed.graph.graph import Graph
from graphembed.kernels.message_passing import segment_max
from graphembed.kernels.spmm import spmm
from graphembed.message_passing.block import Block, listening
from graphembed.message_passing.messages import (
    Degrees,
    Matrix,
    Messages,
    SparseMatrix,
    entries,
    frozen,
    row_degrees,
    symmetric_degrees,
    take_rows,
)

if TYPE_CHECKING:
    from graphembed.message_passing.encoder import Encoder

Rows = Matrix | SparseMatrix
Activate = Callable[[Matrix], Any]  # in place
Write = Callable[[Matrix, int, int], None]
Read = Callable[[npt.NDArray[np.int32]], Any]
Hear = Callable[[npt.NDArray[np.int32]], tuple[Any, Any, Any]]

BLOCK_WORK = 1 << 16  # entries and rows of a block, about
FEWEST_BLOCKS = 16
TILE = 64  # columns of sparse features that are dense at a time
CHUNK = 1 << 24  # bytes of a store that stay in memory


def embed_layerwise(
    encoder: "Encoder",
    features: Any,
    graph: Graph,
    *,
    direction: str = "in",
    n_jobs: int | None = -1,
    out: Matrix | None = None,
) -> Matrix:
    """Return the embedding of all nodes of a graph, as of the encoder in evaluation.

    Parameters
    ----------
    encoder : Encoder
    features : ndarray or sparse array of shape (n_nodes, n_features), float32
        May be memory-mapped.
    graph : Graph
        In memory or opened from a store.
    direction : {"in", "out", "both"}, default="in"
        Whom a node of a directed graph hears.
    n_jobs : int or None, default=-1
    out : ndarray of shape (n_nodes, n_components), float32, C-contiguous, optional
        Not the memory of the features.

    Returns
    -------
    ndarray of shape (n_nodes, n_components), float32
        ``out`` if given.
    """
    whole = _WholeGraph(listening(graph, direction), n_jobs)
    H: Any = _rows(features)
    last = len(encoder.layers) - 1
    for number, (layer, activation) in enumerate(
        zip(encoder.layers, encoder.activations, strict=True)
    ):
        rows = out if number == last else None
        if rows is None:
            rows = np.empty((graph.n_nodes, encoder.widths[number + 1]), dtype=np.float32)
        whole.apply(layer, _in_place(activation), H, rows)
        H = rows
    result: Matrix = H
    return result


def embed_rows(encoder: "Encoder", read: Read, hear: Hear, rows: npt.ArrayLike) -> Matrix:
    """Return the embedding of some nodes, from all that reaches them and nothing else.

    Up to rounding these are rows of what :func:`embed_layerwise` returns.

    Parameters
    ----------
    encoder : Encoder
        In evaluation. Its ``n_jobs`` are used.
    read : callable
        Given rows of the graph as an int32 array, returns their features: ndarray or csr_array of
        shape (n_rows, n_features), float32.
    hear : callable
        Given rows, returns whom these nodes hear: indptr, indices and weights, or None for the
        last, as :func:`~graphembed.message_passing.messages.take_rows` does.
    rows : array-like of int of shape (n_rows,)
        Rows of the graph.

    Returns
    -------
    ndarray of shape (n_rows, n_components), float32
    """
    import torch

    from graphembed.message_passing.autograd import torch_threads

    wanted, places = np.unique(np.asarray(rows, dtype=np.int32), return_inverse=True)
    messages: list[Messages] = []
    for _ in encoder.layers:
        block = neighbourhood(wanted, *hear(wanted))
        wanted = block.sources
        degrees = row_degrees(wanted, *hear(wanted)) if encoder.conv == "gcn" else None
        heard = Messages(block.indptr, block.indices, block.n_sources, block.weights, degrees)
        messages.insert(0, heard)
    X = read(wanted)
    with torch.no_grad(), torch_threads(1):
        H = encoder(X if sp.issparse(X) else _tensor(X, encoder), messages)
    result: Matrix = H.cpu().numpy()[places]
    return result


def neighbourhood(rows: npt.NDArray[np.int32], indptr: Any, indices: Any, weights: Any) -> Block:
    """Return the block in which some nodes hear all their neighbours.

    Parameters
    ----------
    rows : ndarray of shape (n_rows,), int32
        Rows of the graph; none twice.
    indptr, indices, weights : ndarrays
        Whom these nodes hear, as rows of the graph.
    """
    sources = np.concatenate([rows, np.setdiff1d(indices, rows)])
    order = np.argsort(sources)
    positions = order[np.searchsorted(sources, indices, sorter=order)].astype(np.int32)
    return Block(sources, len(rows), indptr, positions, weights)


class _WholeGraph:
    """Layers over all nodes of a graph.

    Parameters
    ----------
    graph : Graph
        Whose rows list whom a node hears.
    n_jobs : int or None
    """

    def __init__(self, graph: Graph, n_jobs: int | None) -> None:
        self.graph, self.n_jobs = graph, n_jobs
        work = len(graph.indices) + graph.n_nodes
        self.blocks = split_by_weight(graph.indptr, max(FEWEST_BLOCKS, work // BLOCK_WORK))
        self._degrees: Degrees | None = None

    def apply(self, layer: Any, activate: Activate, H: Rows, out: Matrix) -> None:
        """Write what a layer and its activation make of the rows H."""
        from graphembed.message_passing.layers import GCNLayer, SAGELayer

        if isinstance(layer, SAGELayer):
            kind, weight, bias = layer.aggregator, layer.lin_l.weight, layer.lin_l.bias
            own = None if layer.lin_r is None else _array(layer.lin_r.weight).T
        elif isinstance(layer, GCNLayer):
            kind, weight, bias, own = "symmetric", layer.lin.weight, layer.bias, None
            if self._degrees is None:
                self._degrees = symmetric_degrees(self.graph)
        else:
            self._convolve(layer, activate, H, out)
            return
        write = self._hear(kind, _array(weight).T, H, out)
        shift = _array(bias)

        def block(first: int, last: int) -> None:
            rows = out[first:last]
            write(rows, first, last)
            if own is not None:
                rows += _product(H, own, first, last)
            rows += shift
            activate(rows)

        self._over_rows(block)

    def _hear(self, kind: str, weight: Matrix, H: Rows, out: Matrix) -> Write:
        """Return what writes rows of what nodes hear, times the weight (n_in, n_out)."""
        from graphembed.message_passing.layers import linear_first

        if kind == "max" and isinstance(H, SparseMatrix):
            self._add_maxima(H, weight, out)
            return _keep
        if linear_first(weight.shape[::-1], kind, sparse=isinstance(H, SparseMatrix)):
            short = np.empty(out.shape, dtype=np.float32)

            def shorten(first: int, last: int) -> None:
                short[first:last] = _product(H, weight, first, last)

            self._over_rows(shorten)
            return lambda rows, first, last: self._sum(kind, short, rows, first, last)

        def write(rows: Matrix, first: int, last: int) -> None:
            heard = np.empty((last - first, H.shape[1]), dtype=np.float32)
            self._sum(kind, H, heard, first, last)
            np.matmul(heard, weight, out=rows)

        return write

    def _add_maxima(self, H: SparseMatrix, weight: Matrix, out: Matrix) -> None:
        """Write the maxima of sparse rows times the weight, some columns at a time."""
        columns = sp.csr_array((H.values, H.indices, H.indptr), shape=H.shape).tocsc()
        out[:] = 0
        for start in range(0, H.shape[1], TILE):
            tile = np.ascontiguousarray(columns[:, start : start + TILE].toarray())
            part = weight[start : start + TILE]

            def block(first: int, last: int, tile: Matrix = tile, part: Matrix = part) -> None:
                heard = np.empty((last - first, tile.shape[1]), dtype=np.float32)
                self._sum("max", tile, heard, first, last)
                out[first:last] += heard @ part

            self._over_rows(block)

    def _sum(self, kind: str, H: Any, out: Matrix, first: int, last: int) -> None:
        """Write what nodes ``first`` to ``last - 1`` hear, or its maximum."""
        graph = self.graph
        start, stop = graph.indptr[first], graph.indptr[last]
        indptr, indices = frozen(graph.indptr[first : last + 1] - start), graph.indices[start:stop]
        if kind == "max":
            winners = np.empty(out.shape, dtype=np.int32)
            segment_max(indptr, indices, H, out, winners, 0, last - first)
        else:
            weights = None if graph.weights is None else graph.weights[start:stop]
            parts = entries(kind, indptr, indices, weights, first=first, degrees=self._degrees)
            indptr, indices, values = (frozen(part) for part in parts)
            spmm(indptr, indices, values, H, out, 0, last - first)
        graph.release(beyond=CHUNK)

    def _convolve(self, layer: Any, activate: Activate, H: Rows, out: Matrix) -> None:
        """Write what a layer of another library makes of the rows H, block by block."""
        import torch

        from graphembed.message_passing.autograd import torch_threads

        graph = self.graph
        with torch.no_grad(), torch_threads(1):
            for first, last in self.blocks:
                rows = np.arange(first, last, dtype=np.int32)
                block = neighbourhood(
                    rows, *take_rows(graph.indptr, graph.indices, graph.weights, rows)
                )
                sources = block.sources
                given = H.take(sources).toarray() if isinstance(H, SparseMatrix) else H[sources]
                X = _tensor(given, layer)
                out[first:last] = layer(X, Messages.from_block(block), self.n_jobs).cpu().numpy()
                activate(out[first:last])
                graph.release(beyond=CHUNK)

    def _over_rows(self, function: Callable[[int, int], None]) -> None:
        with one_blas_thread():
            run_blocks(function, self.blocks, n_jobs=self.n_jobs)


def _product(H: Rows, weight: Matrix, first: int, last: int) -> Matrix:
    """Return rows ``first`` to ``last - 1`` of H times a weight."""
    if not isinstance(H, SparseMatrix):
        product: Matrix = H[first:last] @ weight
        return product
    out = np.empty((last - first, weight.shape[1]), dtype=np.float32)
    weight = np.ascontiguousarray(weight)
    spmm(H.indptr[first : last + 1], H.indices, H.values, weight, out, 0, last - first)
    return out


def _rows(features: Any) -> Rows:
    if sp.issparse(features):
        return SparseMatrix.from_scipy(features)
    rows: Matrix = np.ascontiguousarray(features, dtype=np.float32)
    return rows


def _tensor(rows: Matrix, module: Any) -> Any:
    """Return dense rows as a tensor where the weights of a module are."""
    import torch

    return torch.from_numpy(rows).to(next(module.parameters()).device)


def _in_place(activation: Any) -> Activate:
    """Return a function that applies an activation to an array."""
    from torch import nn

    if isinstance(activation, nn.ReLU):
        return lambda rows: np.maximum(rows, 0, out=rows)
    if isinstance(activation, nn.PReLU):
        slopes = _array(activation.weight)
        return lambda rows: np.multiply(rows, slopes, out=rows, where=rows < 0)
    if isinstance(activation, nn.ELU):
        return lambda rows: np.expm1(rows, out=rows, where=rows < 0)
    return _keep


def _keep(rows: Matrix, *_: int) -> None:
    """Leave rows as they are."""


def _array(parameter: Any) -> Matrix:
    array: Matrix = parameter.detach().cpu().numpy()
    return array
