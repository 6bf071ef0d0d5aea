"""Vectors: node ids, their matrix and its geometry; look-up, neighbours, edge scores, export."""

import os
from functools import cached_property
from numbers import Integral
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from graphembed import vector_files, word2vec
from graphembed.engine import run_blocks
from graphembed.exceptions import GraphError
from graphembed.graph.ids import NodeIndex, pair_rows
from graphembed.kernels import hyperbolic_topk, topk
from graphembed.neighbors import GEOMETRIES, exact_neighbors, row_norms

PathLike = str | os.PathLike[str]

_BLOCK, _SMALL_BLOCK = 1 << 16, 1 << 12
_SHOWN_ROWS, _SHOWN_COLUMNS = 10, 5
_LONGEST = 1e75  # of Lorentz coordinates: products of four lengths stay finite


class Neighbors(NamedTuple):
    """The nearest nodes of some queries.

    Attributes
    ----------
    ids : ndarray of shape (n_queries, k)
        External ids, nearest first.
    scores : ndarray of shape (n_queries, k), float32
        Larger is nearer.
    """

    ids: npt.NDArray[Any]
    scores: npt.NDArray[np.float32]

    def __repr__(self) -> str:
        n_queries, k = self.ids.shape
        lines = [f"Neighbors(n_queries={n_queries}, k={k})"]
        for ids, scores in zip(self.ids[:_SHOWN_ROWS], self.scores[:_SHOWN_ROWS], strict=True):
            near = zip(ids[:_SHOWN_COLUMNS], scores[:_SHOWN_COLUMNS], strict=True)
            row = "  ".join(f"{node} {score:.4f}" for node, score in near)
            lines.append(f"  {row}{'  ...' if k > _SHOWN_COLUMNS else ''}".rstrip())
        return "\n".join([*lines, "  ..."] if n_queries > _SHOWN_ROWS else lines)


class Vectors:
    r"""One vector for each node, and what is near in their space.

    Scores are larger for nearer vectors; each is computed in float64 and rounded to float32:

    .. math::

        s_{cosine}(u, v) = \frac{z_u \cdot z_v}{\|z_u\| \|z_v\|}, \qquad
        s_{dot}(u, v) = z_u \cdot z_v, \qquad
        s_{euclidean}(u, v) = -\|z_u - z_v\|

    The cosine with a zero vector is 0. Two geometries are hyperbolic, of curvature -1; their score
    is minus the distance, that of points of the ball and of spatial Lorentz coordinates being

    .. math::

        s_{poincare}(u, v) = -\operatorname{arcosh}\left(
            1 + \frac{2 \|z_u - z_v\|^2}{(1 - \|z_u\|^2) (1 - \|z_v\|^2)} \right), \qquad
        s_{lorentz}(u, v) = -\operatorname{arcosh}\left(
            \sqrt{1 + \|z_u\|^2} \sqrt{1 + \|z_v\|^2} - z_u \cdot z_v \right)

    both computed without the cancellation that these forms suffer from far out.

    Parameters
    ----------
    nodes : NodeIndex or array-like of int or str, of shape (n_nodes,)
        External ids, row by row.
    matrix : array-like of shape (n_nodes, n_components)
        Finite numbers. Float32 and float64 are kept (not copied if C-contiguous), anything else
        becomes float32. For "poincare", rows are shorter than 1; for "lorentz", than 1e75.
    geometry : {"cosine", "dot", "euclidean", "poincare", "lorentz"}, default="cosine"
        What "near" means.

    Attributes
    ----------
    node_index : NodeIndex
        The ids and their rows.
    matrix : ndarray of shape (n_nodes, n_components), float32 or float64
        Read-only.
    geometry : str
        As given.

    Raises
    ------
    GraphError
        If the lengths differ, the matrix is not 2-d or holds NaN or infinity, a row is no point of
        the geometry, the ids are not usable, or the geometry is unknown.

    Examples
    --------
    >>> from graphembed import Vectors
    >>> vectors = Vectors(["ann", "bob", "cat"], [[1.0, 0.0], [1.0, 0.5], [-1.0, 0.0]])
    >>> vectors["bob"]
    array([1. , 0.5], dtype=float32)
    >>> vectors.neighbors("ann", k=2)
    Neighbors(n_queries=1, k=2)
      bob 0.8944  cat -1.0000
    >>> vectors.score_edges([("ann", "cat")])
    array([-1.], dtype=float32)
    """

    __iter__ = None  # ids or rows? Ask for .nodes or .matrix.

    def __init__(self, nodes: Any, matrix: Any, *, geometry: str = "cosine") -> None:
        self._set(nodes, matrix, geometry)
        if not _is_finite(self.matrix):
            raise GraphError(
                "Vectors must be finite; the matrix holds NaN, infinity, or numbers whose squares "
                "overflow. Check the training that made it."
            )
        _check_points(self._norms, geometry)

    def _set(self, nodes: Any, matrix: Any, geometry: str) -> None:
        if geometry not in GEOMETRIES:
            raise GraphError(f"Unknown geometry {geometry!r} (known: {', '.join(GEOMETRIES)}).")
        # Lists of floats are float64 to NumPy, but nobody asked for that precision.
        wide = getattr(matrix, "dtype", None) == np.float64
        matrix = np.ascontiguousarray(matrix, dtype=np.float64 if wide else np.float32)
        node_index = nodes if isinstance(nodes, NodeIndex) else NodeIndex.from_ids(nodes)
        if matrix.ndim != 2 or len(matrix) != len(node_index):
            raise GraphError(
                f"The matrix must have one row for each of the {len(node_index)} nodes; "
                f"its shape is {matrix.shape}."
            )
        self.node_index = node_index
        self.matrix: npt.NDArray[Any] = matrix.view()
        self.matrix.flags.writeable = False
        self.geometry = geometry

    @classmethod
    def _trusted(cls, nodes: NodeIndex, matrix: npt.NDArray[Any], geometry: str) -> Self:
        """Make vectors without reading the whole matrix, which may be memory-mapped."""
        vectors = cls.__new__(cls)
        vectors._set(nodes, matrix, geometry)
        return vectors

    @cached_property
    def nodes(self) -> npt.NDArray[Any]:
        """External ids in row order: int64, or object holding str. Read-only."""
        nodes = self.node_index.to_numpy().view()
        nodes.flags.writeable = False
        return nodes

    @property
    def n_components(self) -> int:
        """Width of the matrix."""
        return int(self.matrix.shape[1])

    @cached_property
    def _norms(self) -> npt.NDArray[np.float64]:
        return row_norms(self.matrix)

    def __len__(self) -> int:
        return len(self.node_index)

    def __contains__(self, node: object) -> bool:
        return _is_id(node) and bool(self.node_index.find(node)[0] >= 0)

    def __getitem__(self, ids: Any) -> npt.NDArray[Any]:
        """Return the vector of one id as a read-only view, or those of several as rows of a copy.

        Raises
        ------
        UnknownNodeError
            If an id is not known.
        """
        rows = self.node_index.rows(ids)
        vectors: npt.NDArray[Any] = self.matrix[rows[0]] if _is_id(ids) else self.matrix[rows]
        return vectors

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.matrix, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return (
            f"Vectors(n_nodes={len(self)}, n_components={self.n_components}, "
            f"geometry={self.geometry!r}, dtype={self.matrix.dtype})"
        )

    def neighbors(self, ids: Any, k: int = 10, *, n_jobs: int | None = -1) -> Neighbors:
        """Return the ``k`` nearest other nodes of each node, exactly.

        Parameters
        ----------
        ids : int, str or array-like of them, of shape (n_queries,)
            Nodes to look around.
        k : int, default=10
            Neighbours of each; more than ``n_nodes - 1`` gives ``n_nodes - 1`` of them.
        n_jobs : int or None, default=-1
            Number of threads. The result is bitwise the same for each.

        Returns
        -------
        Neighbors
            Ids and scores, both of shape ``(n_queries, k)``, nearest first; nodes of equal score
            in row order. A node is not its own neighbour.

        Raises
        ------
        UnknownNodeError
            If an id is not known.
        ValueError
            If ``k`` is not a positive int.
        """
        rows = self.node_index.rows(ids)
        return self._nearest(self.matrix[rows], k, exclude=rows, n_jobs=n_jobs)

    def nearest(self, queries: Any, k: int = 10, *, n_jobs: int | None = -1) -> Neighbors:
        """Return the ``k`` nodes nearest to each of some vectors, exactly.

        Parameters
        ----------
        queries : array-like of shape (n_queries, n_components)
            Finite numbers.
        k : int, default=10
            Neighbours of each; more than ``n_nodes`` gives ``n_nodes`` of them.
        n_jobs : int or None, default=-1
            Number of threads. The result is bitwise the same for each.

        Returns
        -------
        Neighbors
            Ids and scores, both of shape ``(n_queries, k)``, nearest first.

        Raises
        ------
        ValueError
            If the queries are not of the width of the vectors or not finite, or ``k`` is not a
            positive int.
        """
        queries = np.asarray(queries)
        if queries.dtype != np.float32:
            queries = queries.astype(np.float64)
        queries = np.ascontiguousarray(queries)
        if not _is_finite(queries):
            raise GraphError("Queries must be finite; they hold NaN or infinity.")
        if queries.ndim == 2:
            _check_points(row_norms(queries), self.geometry)
        return self._nearest(queries, k, exclude=None, n_jobs=n_jobs)

    def _nearest(self, queries: npt.NDArray[Any], k: int, **options: Any) -> Neighbors:
        rows, scores = exact_neighbors(
            self.matrix, queries, k, geometry=self.geometry, base_norms=self._norms, **options
        )
        return Neighbors(self.node_index.take(rows), scores)

    def score_edges(self, pairs: Any, *, n_jobs: int | None = -1) -> npt.NDArray[np.float32]:
        """Return the score of each pair of nodes: cosine, dot product or minus the distance.

        Parameters
        ----------
        pairs : array-like of int or str, of shape (n_pairs, 2)
            External ids.
        n_jobs : int or None, default=-1
            Number of threads. The result is bitwise the same for each.

        Returns
        -------
        ndarray of shape (n_pairs,), float32
            Larger is nearer; symmetric.

        Raises
        ------
        UnknownNodeError
            If an id is not known.
        GraphError
            If ``pairs`` does not have two columns.
        """
        left, right = pair_rows(self.node_index, pairs)
        scores = np.empty(len(left), dtype=np.float32)
        kernel = hyperbolic_topk if self.geometry in hyperbolic_topk.GEOMETRIES else topk
        code = kernel.GEOMETRIES[self.geometry]
        arguments = (self.matrix, self._norms, left, right, code, scores)
        run_blocks(
            lambda start, stop: kernel.pair_scores(*arguments, start, stop),
            [(start, min(start + _BLOCK, len(left))) for start in range(0, len(left), _BLOCK)],
            n_jobs=n_jobs,
        )
        return scores

    def to_parquet(self, path: PathLike) -> None:
        """Write a Parquet file; see :func:`graphembed.vector_files.write_parquet`."""
        vector_files.write_parquet(path, self.node_index, self.matrix, self.geometry)

    @classmethod
    def from_parquet(cls, path: PathLike, *, geometry: str | None = None) -> Self:
        """Read a Parquet file; see :func:`graphembed.vector_files.read_parquet`.

        ``geometry`` overrides the one in the file; a file without one is read as "cosine".
        """
        nodes, matrix, stored = vector_files.read_parquet(path)
        return cls(nodes, matrix, geometry=geometry or stored or "cosine")

    def to_npy(self, path: PathLike) -> None:
        """Write ``NAME.npy``, ``NAME.ids.npy``; see :func:`graphembed.vector_files.write_npy`."""
        vector_files.write_npy(path, self.node_index, self.matrix)

    @classmethod
    def from_npy(
        cls,
        path: PathLike,
        *,
        geometry: str = "cosine",
        mmap_mode: Literal["r"] | None = None,
    ) -> Self:
        """Read ``NAME.npy`` and ``NAME.ids.npy``; see :func:`graphembed.vector_files.read_npy`."""
        return cls(*vector_files.read_npy(path, mmap_mode=mmap_mode), geometry=geometry)

    def to_word2vec(self, path: PathLike) -> None:
        """Write word2vec text; see :func:`graphembed.word2vec.write_word2vec`."""
        word2vec.write_word2vec(path, self.node_index, self.matrix)

    @classmethod
    def from_word2vec(
        cls,
        path: PathLike,
        *,
        ids: Literal["auto", "int", "str"] = "auto",
        geometry: str = "cosine",
    ) -> Self:
        """Read word2vec text; see :func:`graphembed.word2vec.read_word2vec`."""
        return cls(*word2vec.read_word2vec(path, ids=ids), geometry=geometry)

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table`` with the columns of :meth:`to_parquet`; vectors not copied."""
        return vector_files.to_arrow(self.node_index, self.matrix, self.geometry)

    def to_frame(self, backend: Literal["pandas", "polars"] = "pandas") -> Any:
        """Return a data frame with columns ``v0``, ``v1``, ... of numbers.

        Parameters
        ----------
        backend : {"pandas", "polars"}, default="pandas"
            Pandas gets the ids as its index, named "node"; polars as its first column, "node".

        Returns
        -------
        pandas.DataFrame or polars.DataFrame

        Raises
        ------
        ValueError
            If the backend is another.
        ImportError
            If it is not installed.
        """
        return vector_files.to_frame(self.node_index, self.matrix, backend)


def _is_id(value: object) -> bool:
    return isinstance(value, str | Integral) and not isinstance(value, bool)


def _check_points(norms: npt.NDArray[np.float64], geometry: str) -> None:
    limits = {"poincare": 1.0, "lorentz": _LONGEST}
    limit = limits.get(geometry, np.inf)
    if norms.max(initial=0.0) >= limit:
        raise GraphError(
            f"Vectors of geometry {geometry!r} must be shorter than {limit:g}; "
            f"{np.count_nonzero(norms >= limit)} of {len(norms)} are not, the longest is "
            f"{norms.max():.9g}. Points near the edge of the ball need float64."
        )


def _is_finite(matrix: npt.NDArray[Any]) -> bool:
    # Squares as float64: lengths must be finite too.
    with np.errstate(over="ignore", invalid="ignore"):
        return all(
            np.isfinite(np.sum(np.square(matrix[start : start + _SMALL_BLOCK], dtype=np.float64)))
            for start in range(0, len(matrix), _SMALL_BLOCK)
        )
