r"""Who hears whom, and how loudly: the sparse matrix that a layer multiplies with.

Kinds of linear aggregation differ in this matrix only. With the weights :math:`w_{ij}` of messages
from j to i (1 if the graph has none), row i of the matrix times H is

.. math::

    \text{sum:} \quad & \textstyle\sum_j w_{ij} h_j \\
    \text{mean:} \quad & \textstyle\sum_j w_{ij} h_j / \sum_j w_{ij} \\
    \text{gcn:} \quad & \textstyle(h_i + \sum_j w_{ij} h_j) / (1 + \sum_j w_{ij}) \\
    \text{symmetric:} \quad & \textstyle\sum_j \tilde w_{ij} h_j / \sqrt{d_i d_j}

where :math:`\tilde w_{ii} = 1` is added for each node without a loop of its own, and
:math:`d_i = \sum_j \tilde w_{ij}` over the whole graph: where a node hears only some of its
neighbours, theirs are made as much louder as they weigh less. What sums to 0 is 0.
"""

from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from graphembed.engine import run_blocks, split_by_weight
from graphembed.graph.graph import Graph
from graphembed.kernels.spmm import spmm
from graphembed.kernels.svd import row_sums
from graphembed.message_passing.block import Block, Pattern, transposed_pattern

Matrix = npt.NDArray[np.float32]
Degrees = npt.NDArray[np.float64]

KINDS = ("sum", "mean", "gcn", "symmetric")
BLOCKS = 64  # ranges of rows, at most; the result does not depend on it
BLOCK_WORK = 1 << 20  # numbers to add in a range, about: shorter ones are not worth a thread
ROUNDING = 1e-5  # of a sum of float32 weights, as a share
CHUNK = 1 << 22  # entries of a store that are read between two looks at the memory


class SparseMatrix:
    """A sparse float32 matrix to multiply with, forwards and for the gradient backwards.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,), int64
    indices : ndarray of shape (n_entries,), int32
    values : ndarray of shape (n_entries,), float32
    n_columns : int

    Attributes
    ----------
    shape : tuple of int
        Rows and columns.
    copies : dict
        On other devices, kept here by those who make them.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse as sp
    >>> from graphembed.message_passing.messages import SparseMatrix
    >>> matrix = SparseMatrix.from_scipy(sp.csr_array([[0.0, 2.0, 0.0], [1.0, 0.0, 3.0]]))
    >>> matrix.times(np.ones((3, 1), dtype=np.float32)).tolist()
    [[2.0], [4.0]]
    >>> matrix.transposed.times(np.ones((2, 1), dtype=np.float32)).tolist()
    [[1.0], [2.0], [3.0]]
    """

    def __init__(self, indptr: Any, indices: Any, values: Any, n_columns: int) -> None:
        self.indptr: npt.NDArray[np.int64] = frozen(indptr, np.int64)
        self.indices: npt.NDArray[np.int32] = frozen(indices, np.int32)
        self.values: Matrix = frozen(values, np.float32)
        self.shape = (len(indptr) - 1, n_columns)
        self.copies: dict[Any, Any] = {}
        self._blocks: dict[int, list[tuple[int, int]]] = {}

    @classmethod
    def from_scipy(cls, matrix: Any) -> Self:
        """Make one of any scipy sparse matrix; arrays of a CSR float32 matrix are shared."""
        matrix = sp.csr_array(matrix)
        return cls(matrix.indptr, matrix.indices, matrix.data, matrix.shape[1])

    def with_values(self, values: Matrix) -> "SparseMatrix":
        """Return the matrix with other values in the same places."""
        changed = SparseMatrix(self.indptr, self.indices, values, self.shape[1])
        changed.pattern, changed._blocks = self.pattern, self._blocks
        return changed

    def take(self, rows: npt.NDArray[Any]) -> "SparseMatrix":
        """Return some of the rows, in the order given."""
        parts = (self.values, self.indices, self.indptr)
        return SparseMatrix.from_scipy(sp.csr_array(parts, shape=self.shape)[rows])

    def head(self, n_rows: int) -> "SparseMatrix":
        """Return the first rows."""
        if n_rows == self.shape[0]:
            return self
        stop = self.indptr[n_rows]
        parts = (self.indptr[: n_rows + 1], self.indices[:stop], self.values[:stop])
        return SparseMatrix(*parts, self.shape[1])

    def toarray(self) -> Matrix:
        """Return the matrix as a dense one."""
        parts = (self.values, self.indices, self.indptr)
        array: Matrix = sp.csr_array(parts, shape=self.shape).toarray()
        return array

    @cached_property
    def pattern(self) -> Pattern:
        """Where the entries of the transposed matrix are."""
        return transposed_pattern(self.indptr, self.indices, self.shape[1])

    @cached_property
    def transposed(self) -> "SparseMatrix":
        """The transposed matrix, made once."""
        indptr, indices, order = self.pattern
        return SparseMatrix(indptr, indices, self.values[order], self.shape[0])

    def blocks(self, n_columns: int) -> list[tuple[int, int]]:
        """Cut the rows into ranges of about equal work when so many columns are summed."""
        n_blocks = max(1, min(len(self.indices) * n_columns // BLOCK_WORK, BLOCKS))
        if n_blocks not in self._blocks:
            self._blocks[n_blocks] = split_by_weight(self.indptr, n_blocks)
        return self._blocks[n_blocks]

    def times(self, X: Matrix, *, n_jobs: int | None = -1) -> Matrix:
        """Return the matrix times X, each entry summed in the order of the columns' entries.

        Parameters
        ----------
        X : ndarray of shape (n_columns, d), float32, C-contiguous
        n_jobs : int or None, default=-1
        """
        out = np.empty((self.shape[0], X.shape[1]), dtype=np.float32)

        def block(first: int, last: int) -> None:
            spmm(self.indptr, self.indices, self.values, X, out, first, last)

        run_blocks(block, self.blocks(X.shape[1]), n_jobs=n_jobs)
        return out


class Messages:
    """The messages of one layer: targets, which are the first of the sources, hear sources.

    Parameters
    ----------
    indptr : ndarray of shape (n_targets + 1,), int64
    indices : ndarray of shape (n_messages,), int32
        Sources, those that each target hears.
    n_sources : int
    weights : ndarray of shape (n_messages,), float32, optional
        None for all 1.
    degrees : ndarray of shape (n_sources,), float64, optional
        :math:`d` of the sources in the whole graph, see :func:`symmetric_degrees`. Aggregation
        of kind "symmetric" needs it unless all sources are targets.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.message_passing.messages import Messages
    >>> messages = Messages(np.array([0, 2]), np.array([1, 2]), 3)
    >>> messages.matrix("mean").values, messages.matrix("gcn").indices
    (array([0.5, 0.5], dtype=float32), array([0, 1, 2], dtype=int32))
    """

    def __init__(
        self,
        indptr: Any,
        indices: Any,
        n_sources: int,
        weights: Any = None,
        degrees: Degrees | None = None,
    ) -> None:
        self.indptr: npt.NDArray[np.int64] = frozen(indptr, np.int64)
        self.indices: npt.NDArray[np.int32] = frozen(indices, np.int32)
        self.weights: Matrix | None = None if weights is None else frozen(weights, np.float32)
        self.n_sources, self.n_targets = n_sources, len(indptr) - 1
        self.degrees = degrees
        self._matrices: dict[str, SparseMatrix] = {}

    @classmethod
    def from_block(cls, block: Block, degrees: Degrees | None = None) -> Self:
        """Make them of a block of a graph.

        Parameters
        ----------
        block : Block
        degrees : ndarray of shape (n_nodes,), float64, optional
            Of all nodes of the graph.
        """
        own = None if degrees is None else degrees[block.sources]
        return cls(block.indptr, block.indices, block.n_sources, block.weights, own)

    def matrix(self, kind: str) -> SparseMatrix:
        """Return the matrix of shape (n_targets, n_sources) of a kind, made once.

        Raises
        ------
        ValueError
            If the kind is unknown, or degrees are missing.
        """
        if kind not in self._matrices:
            degrees = self.degrees
            if kind == "symmetric" and degrees is None:
                if self.n_sources != self.n_targets:
                    raise ValueError(
                        "Symmetric aggregation over a part of a graph needs the degrees of its "
                        "nodes in the whole graph: give degrees=symmetric_degrees(graph)."
                    )
                degrees = row_degrees(
                    np.arange(self.n_targets), self.indptr, self.indices, self.weights
                )
            parts = entries(kind, self.indptr, self.indices, self.weights, degrees=degrees)
            self._matrices[kind] = SparseMatrix(*parts, self.n_sources)
        return self._matrices[kind]

    @cached_property
    def edge_index(self) -> npt.NDArray[np.int64]:
        """Ends of each message, of shape (2, n_messages): sources above, targets below."""
        targets = np.repeat(np.arange(self.n_targets), np.diff(self.indptr))
        return np.stack([self.indices.astype(np.int64), targets])


def entries(
    kind: str, indptr: Any, indices: Any, weights: Any, *, first: int = 0, degrees: Any = None
) -> tuple[Any, Any, Any]:
    """Return indptr, indices and values of the matrix of a kind.

    Parameters
    ----------
    kind : {"sum", "mean", "gcn", "symmetric"}
    indptr, indices, weights
        As of :class:`Messages`.
    first : int, default=0
        Which source the first target is; the others follow.
    degrees : ndarray of shape (n_sources,), float64, optional
        For "symmetric".
    """
    if kind not in KINDS:
        raise ValueError(f"Unknown kind of aggregation {kind!r} (known: {', '.join(KINDS)}).")
    if kind == "symmetric":
        return _symmetric(indptr, indices, weights, first, degrees)
    if kind == "gcn":
        everyone = np.ones(len(indptr) - 1, dtype=bool)
        indptr, indices, weights = _with_self(indptr, indices, weights, first, everyone)
    if weights is None and kind == "sum":
        weights = np.ones(len(indices), dtype=np.float32)
    if kind != "sum":
        shares = np.repeat(_inverse(_row_sums(indptr, weights)), np.diff(indptr))
        weights = shares if weights is None else shares * weights
    return indptr, indices, weights.astype(np.float32, copy=False)


def symmetric_degrees(graph: Graph) -> Degrees:
    """Return :math:`d` of all nodes of a graph, see :func:`row_degrees`.

    Parameters
    ----------
    graph : Graph
        Whose rows list whom a node hears, see :func:`graphembed.message_passing.block.listening`.

    Returns
    -------
    ndarray of shape (n_nodes,), float64
    """
    degrees: Degrees = np.empty(graph.n_nodes)
    for first, last in split_by_weight(graph.indptr, 1 + len(graph.indices) // CHUNK):
        start, stop = graph.indptr[first], graph.indptr[last]
        weights = None if graph.weights is None else graph.weights[start:stop]
        indptr = graph.indptr[first : last + 1] - start
        numbers = np.arange(first, last)
        degrees[first:last] = row_degrees(numbers, indptr, graph.indices[start:stop], weights)
        graph.release(beyond=CHUNK)
    return degrees


def take_rows(
    indptr: Any, indices: Any, values: Any, rows: npt.NDArray[Any]
) -> tuple[Any, Any, Any]:
    """Return indptr, indices and values (None if there are none) of some rows of a CSR matrix."""
    starts = indptr[rows]
    lengths = indptr[rows + np.int64(1)] - starts
    taken = np.concatenate([[0], np.cumsum(lengths)])
    places = np.arange(taken[-1]) + np.repeat(starts - taken[:-1], lengths)
    return taken, indices[places], None if values is None else values[places]


def row_degrees(rows: npt.NDArray[Any], indptr: Any, indices: Any, weights: Any) -> Degrees:
    """Return :math:`d` of some nodes: what they hear in all, and 1 more unless they have a loop.

    Parameters
    ----------
    rows : ndarray of int of shape (n_rows,)
        Rows of the graph.
    indptr, indices, weights : ndarrays
        Whom these nodes hear, as of :func:`take_rows`.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        A few large weights may add up to more than float32 holds.
    """
    return _row_sums(indptr, weights) + ~_has_loop(indptr, indices, rows)


def _symmetric(
    indptr: Any, indices: Any, weights: Any, first: int, degrees: Degrees
) -> tuple[Any, Any, Any]:
    n_targets = len(indptr) - 1
    lonely = ~_has_loop(indptr, indices, np.arange(first, first + n_targets))
    # Where only some of the messages are there, they speak for all.
    heard = _row_sums(indptr, weights)
    total = degrees[first : first + n_targets]
    left = np.sqrt(_inverse(total))
    louder = np.maximum(total - lonely, 0) * _inverse(heard)
    louder[np.abs(louder - 1) < ROUNDING] = 1
    rows = np.repeat(louder, np.diff(indptr))
    values = rows if weights is None else rows * weights
    indptr, indices, values = _with_self(indptr, indices, values, first, lonely)
    right = np.sqrt(_inverse(degrees[indices]))
    values = values * np.repeat(left, np.diff(indptr)) * right
    return indptr, indices, values.astype(np.float32)


def _with_self(indptr: Any, indices: Any, weights: Any, first: int, chosen: Any) -> Any:
    """Insert a message of weight 1 from each chosen target to itself, as its first."""
    shifted = indptr + np.concatenate([[0], np.cumsum(chosen)])
    places = shifted[:-1][chosen]
    others = np.ones(len(indices) + len(places), dtype=bool)
    others[places] = False
    everyone = np.empty(len(others), dtype=np.int32)
    everyone[places] = first + np.flatnonzero(chosen)
    everyone[others] = indices
    if weights is not None:
        louder = np.ones(len(others), dtype=weights.dtype)
        louder[others] = weights
        weights = louder
    return shifted, everyone, weights


def _has_loop(indptr: Any, indices: Any, rows: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    lengths = np.diff(indptr)
    is_loop = indices == np.repeat(rows, lengths)
    found = np.zeros(len(rows), dtype=bool)
    found[np.repeat(np.arange(len(rows)), lengths)[is_loop]] = True
    return found


def _row_sums(indptr: Any, weights: Any) -> npt.NDArray[np.float64]:
    sums: npt.NDArray[np.float64] = np.empty(len(indptr) - 1)
    if weights is None:
        sums[:] = np.diff(indptr)
        return sums
    row_sums(frozen(indptr, np.int64), frozen(weights, np.float32), sums, 0, len(sums))
    return sums


def _inverse(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return 1 over each, 0 for what is not positive."""
    inverse = np.zeros(len(sums))
    np.divide(1.0, sums, out=inverse, where=sums > 0)
    return inverse


def frozen(array: Any, dtype: Any = None) -> Any:
    """Return a read-only view, as all arrays of graphs are: one compiled kernel is enough."""
    view = np.ascontiguousarray(array, dtype=dtype).view()
    view.flags.writeable = False
    return view
