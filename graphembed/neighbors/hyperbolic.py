"""Exact nearest neighbours in hyperbolic space: blocks against blocks, in bounded memory."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from graphembed.kernels import hyperbolic_topk, topk

BASE_BLOCK = 1024
_ROUND_OFF = 2.0**-53

Matrix = npt.NDArray[np.float32] | npt.NDArray[np.float64]
Norms = npt.NDArray[np.float64]


def search_block(
    base: Matrix,
    base_norms: Norms,
    queries: Matrix,
    query_norms: Norms,
    exclude: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    geometry: str,
) -> None:
    """Fill ``scores`` and ``rows`` of shape (n_queries, k) for one block of queries.

    See :func:`graphembed.neighbors.exact_neighbors`; geometry is "poincare" or "lorentz".
    """
    code = hyperbolic_topk.GEOMETRIES[geometry]
    d = base.shape[1]
    # Four times the usual bound on the error of a product in any order (Higham 2002, 3.1).
    room = 4 * (d + 16) * _ROUND_OFF
    left = np.empty((len(queries), d + 1))
    hyperbolic_topk.lift(queries, query_norms, code, -(1.0 - room), left)
    left *= -1.0  # (1 - room) x_0 y_0 - <x, y> is a lower bound of cosh d
    right = np.empty((BASE_BLOCK, d + 1))
    products = np.empty((len(queries), BASE_BLOCK))
    sizes = np.zeros(len(queries), dtype=np.int64)
    # Bounds that overflow are no bounds: then the distance itself decides.
    with np.errstate(over="ignore", invalid="ignore"):
        for start, stop in _ranges(len(base)):
            lifted = right[: stop - start]
            hyperbolic_topk.lift(base[start:stop], base_norms[start:stop], code, 1.0, lifted)
            np.matmul(left, lifted.T, out=products[:, : stop - start])
            hyperbolic_topk.update_topk(
                products, stop - start, start, queries, query_norms, base, base_norms, exclude,
                code, scores, rows, sizes,
            )  # fmt: skip
    topk.sort_topk(scores, rows, sizes)


def _ranges(n_rows: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + BASE_BLOCK, n_rows)) for start in range(0, n_rows, BASE_BLOCK))
