"""Exact nearest neighbours: blocks of queries against blocks of rows, in bounded memory."""

from collections.abc import Callable, Iterator
from functools import cache
from numbers import Integral
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.engine import run_blocks
from graphembed.kernels import hyperbolic_topk, topk
from graphembed.neighbors import hyperbolic

QUERY_BLOCK = 128
BASE_BLOCK = 2048
NORM_BLOCK = 16384
GEOMETRIES = tuple(sorted({**topk.GEOMETRIES, **hyperbolic_topk.GEOMETRIES}))

Matrix = npt.NDArray[np.float32] | npt.NDArray[np.float64]


def row_norms(matrix: Matrix, *, n_jobs: int | None = -1) -> npt.NDArray[np.float64]:
    """Return the Euclidean length of each row.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_components), float32 or float64
    n_jobs : int or None, default=-1
        Number of threads.

    Returns
    -------
    ndarray of shape (n_rows,), float64

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.neighbors import row_norms
    >>> row_norms(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([5., 0.])
    """
    norms = np.empty(len(matrix))
    blocks = [(matrix, norms, *block) for block in _ranges(len(matrix), NORM_BLOCK)]
    run_blocks(topk.row_norms, blocks, n_jobs=n_jobs)
    return norms


def exact_neighbors(
    base: Matrix,
    queries: Matrix,
    k: int,
    *,
    geometry: str = "cosine",
    exclude: npt.NDArray[np.int64] | None = None,
    base_norms: npt.NDArray[np.float64] | None = None,
    n_jobs: int | None = -1,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    r"""Find the ``k`` rows of ``base`` that are nearest to each query, exactly.

    .. math::

        s_{dot} = q \cdot b, \qquad
        s_{cosine} = \frac{q \cdot b}{\|q\| \|b\|}, \qquad
        s_{euclidean} = -\|q - b\|

    and minus the hyperbolic distance, of points of the ball ("poincare") or of spatial Lorentz
    coordinates ("lorentz"). Larger is nearer; the cosine with a zero vector is 0.

    Parameters
    ----------
    base : ndarray of shape (n_rows, n_components), float32 or float64
        Finite numbers; shorter than 1 for "poincare", than 1e75 for "lorentz".
    queries : ndarray of shape (n_queries, n_components), float32 or float64
        Finite numbers.
    k : int
        Number of rows wanted. More than there are gives all there are: ``n_rows`` columns, one
        less with ``exclude``.
    geometry : {"cosine", "dot", "euclidean", "poincare", "lorentz"}, default="cosine"
    exclude : ndarray of shape (n_queries,), int64, optional
        For each query the row that is not its neighbour, usually itself.
    base_norms : ndarray of shape (n_rows,), float64, optional
        :func:`row_norms` of ``base``, if it is known already.
    n_jobs : int or None, default=-1
        Number of threads. The result is bitwise the same for each.

    Returns
    -------
    rows : ndarray of shape (n_queries, k), int64
        Nearest first; rows of equal score by row number.
    scores : ndarray of shape (n_queries, k), float32
        Computed in float64, then rounded.

    Raises
    ------
    ValueError
        If ``k`` is not a positive int, ``geometry`` is unknown, or the widths differ.

    Notes
    -----
    Memory beyond the inputs and the result: one block of 128 x 2048 products for each thread.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.neighbors import exact_neighbors
    >>> base = np.array([[0.0], [1.0], [3.0]])
    >>> exact_neighbors(base, np.array([[0.9]]), 2, geometry="euclidean")[0]
    array([[1, 0]])
    """
    _check(base, queries, k, geometry)
    n_queries, n_kept = len(queries), min(int(k), len(base) - (exclude is not None))
    if n_queries == 0 or n_kept <= 0:
        shape = (n_queries, max(n_kept, 0))
        return np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.float32)
    if base_norms is None:
        base_norms = row_norms(base, n_jobs=n_jobs)
    if exclude is None:
        exclude = np.full(n_queries, -1, dtype=np.int64)
    search_block: Callable[..., None] = hyperbolic.search_block
    terms: tuple[Any, ...] = (geometry,)
    if geometry in topk.GEOMETRIES:
        code = topk.GEOMETRIES[geometry]
        search_block = _search_block
        terms = (code, topk.filter_terms(base_norms, base.shape[1], code))
    query_norms = row_norms(queries, n_jobs=n_jobs)
    rows = np.empty((n_queries, n_kept), dtype=np.int64)
    scores = np.empty((n_queries, n_kept), dtype=np.float32)

    def search(start: int, stop: int) -> None:
        block = slice(start, stop)
        search_block(
            base, base_norms, queries[block], query_norms[block], exclude[block],
            scores[block], rows[block], *terms,
        )  # fmt: skip

    with _one_blas_thread:
        run_blocks(search, list(_ranges(n_queries, QUERY_BLOCK)), n_jobs=n_jobs)
    return rows, scores


def _search_block(
    base: Matrix,
    base_norms: npt.NDArray[np.float64],
    queries: Matrix,
    query_norms: npt.NDArray[np.float64],
    exclude: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    geometry: int,
    terms: tuple[npt.NDArray[np.float32], ...],
) -> None:
    """Fill ``scores`` and ``rows`` for one block of queries."""
    sizes = np.zeros(len(queries), dtype=np.int64)
    products = np.empty((len(queries), BASE_BLOCK), dtype=np.float32)
    # Overflow is foreseen: rows that can overflow are scored exactly, whatever the products are.
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        left = _as_float32(queries)
        for start, stop in _ranges(len(base), BASE_BLOCK):
            right = _as_float32(base[start:stop])
            np.matmul(left, right.T, out=products[:, : stop - start])
            scale, shift, width = (term[start:stop] for term in terms)
            topk.update_topk(
                products, start, scale, shift, width,
                queries, query_norms, base, base_norms, exclude, geometry, scores, rows, sizes,
            )  # fmt: skip
    topk.sort_topk(scores, rows, sizes)


def _check(base: Matrix, queries: Matrix, k: int, geometry: str) -> None:
    if geometry not in GEOMETRIES:
        raise ValueError(f"Unknown geometry {geometry!r} (known: {', '.join(GEOMETRIES)}).")
    if not isinstance(k, Integral) or isinstance(k, bool) or k < 1:
        raise ValueError(f"k must be an int of at least 1; got {k!r}.")
    if base.ndim != 2 or queries.ndim != 2 or base.shape[1] != queries.shape[1]:
        raise ValueError(
            f"Queries must be of shape (n_queries, {base.shape[-1]}), as wide as the vectors; "
            f"got {queries.shape}."
        )


def _ranges(n_rows: int, size: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + size, n_rows)) for start in range(0, n_rows, size))


def _as_float32(block: Matrix) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(block, dtype=np.float32)


class _OneBlasThread:
    """Let BLAS use one thread for each of ours; the last search to leave restores its setting."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._n_users = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._n_users == 0:
                self._limit = _blas_controller().limit(limits=1)
            self._n_users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._n_users -= 1
            if self._n_users == 0:
                self._limit.restore_original_limits()


@cache
def _blas_controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


_one_blas_thread = _OneBlasThread()
