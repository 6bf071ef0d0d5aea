"""How queries meet candidates: products, distances, on the plane, the torus and the ball."""

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from graphembed.kernels.simd import LANES
from graphembed.kernels.triple_tiles import (
    Absolute,
    ComplexModulus,
    Metric,
    Squared,
    TorusAbsolute,
    TorusSquared,
    block_gradients,
    block_scores,
    pair_gradients,
    pair_scores,
)
from graphembed.kernels.triples import (
    add_outer,
    distance_weights,
    products_to_distances,
    square_norms,
    subtract_scaled,
    sum_both_ways,
)

Matrix = npt.NDArray[np.float32]


class Queries(NamedTuple):
    """Queries, or gradients of a loss by them.

    Attributes
    ----------
    vectors : ndarray of shape (n, width)
    shifts : ndarray of shape (n,), optional
        Added to every score of a query.
    curvatures : ndarray of shape (n,), optional
        Of the ball that each query lives in, positive (hyperbolic models only).
    """

    vectors: Matrix
    shifts: Matrix | None = None
    curvatures: Matrix | None = None


class Candidates(NamedTuple):
    """Candidates, or gradients of a loss by them.

    Attributes
    ----------
    vectors : ndarray of shape (n, width)
    shifts : ndarray of shape (n,), optional
        Added to every score of a candidate.
    """

    vectors: Matrix
    shifts: Matrix | None = None


class Interaction(Protocol):
    """A score for each pair of a query and a candidate; larger is more likely.

    Nothing is kept between calls, so that threads may share one.
    """

    name: str

    def block(self, queries: Queries, candidates: Candidates, out: Matrix) -> None:
        """Write the scores of all queries against all candidates, (n_queries, n_candidates)."""

    def block_backward(
        self, queries: Queries, candidates: Candidates, scores: Matrix, grads: Matrix
    ) -> tuple[Queries, Candidates]:
        """Return the gradients by queries and candidates from those by :meth:`block`'s scores.

        ``scores`` are those that :meth:`block` wrote; ``grads`` may be overwritten.
        """

    def pairs(self, queries: Queries, candidates: Candidates) -> Matrix:
        """Return the scores of query i against candidate i, (n,)."""

    def pairs_backward(
        self, queries: Queries, candidates: Candidates, grads: Matrix
    ) -> tuple[Queries, Candidates]:
        """Return the gradients by queries and candidates from those by :meth:`pairs`."""


class Product:
    r"""The inner product :math:`q \cdot c + s_q + s_c`."""

    name = "product"

    def block(self, queries: Queries, candidates: Candidates, out: Matrix) -> None:
        """Write the scores of all queries against all candidates."""
        np.matmul(queries.vectors, candidates.vectors.T, out=out)
        _add_shifts(queries, candidates, out)

    def block_backward(
        self,
        queries: Queries,
        candidates: Candidates,
        scores: Matrix,  # noqa: ARG002
        grads: Matrix,
    ) -> tuple[Queries, Candidates]:
        """Return the gradients by queries and candidates from those by the scores."""
        by_query, by_candidate = _shift_gradients(queries, candidates, grads)
        return (
            Queries(grads @ candidates.vectors, by_query),
            Candidates(grads.T @ queries.vectors, by_candidate),
        )

    def pairs(self, queries: Queries, candidates: Candidates) -> Matrix:
        """Return the scores of query i against candidate i."""
        scores: Matrix = np.einsum("ij,ij->i", queries.vectors, candidates.vectors)
        return _add_pair_shifts(queries, candidates, scores)

    def pairs_backward(
        self, queries: Queries, candidates: Candidates, grads: Matrix
    ) -> tuple[Queries, Candidates]:
        """Return the gradients by queries and candidates from those by the scores of pairs."""
        column = grads[:, np.newaxis]
        return _with_pair_shifts(
            queries, candidates, grads, column * candidates.vectors, column * queries.vectors
        )


class _Difference:
    """Scores that depend on differences; pairs, and blocks unless a child does them faster."""

    name: str

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def block(self, queries: Queries, candidates: Candidates, out: Matrix) -> None:
        """Write the scores of all queries against all candidates."""
        q, c = (_whole(rows.vectors, self._metric.parts) for rows in (queries, candidates))
        scores = out if out.flags.c_contiguous else np.empty(out.shape, dtype=np.float32)
        block_scores(self._metric, q, c, scores)
        _add_shifts(queries, candidates, scores)
        if scores is not out:
            out[...] = scores

    def block_backward(
        self,
        queries: Queries,
        candidates: Candidates,
        scores: Matrix,  # noqa: ARG002
        grads: Matrix,
    ) -> tuple[Queries, Candidates]:
        """Return the gradients by queries and candidates from those by the scores."""
        parts, width = self._metric.parts, queries.vectors.shape[1]
        by_query, by_candidate = _shift_gradients(queries, candidates, grads)
        q, c = (_whole(rows.vectors, parts, aligned=True) for rows in (queries, candidates))
        to_q, to_c = _zeros(*q.shape), _zeros(*c.shape)
        weights = np.multiply(grads, np.float32(self._metric.slope_unit), order="C")
        block_gradients(self._metric, q, c, weights, to_q, to_c)
        return (
            Queries(_cut(to_q, parts, width), by_query),
            Candidates(_cut(to_c, parts, width), by_candidate),
        )

    def pairs(self, queries: Queries, candidates: Candidates) -> Matrix:
        """Return the scores of query i against candidate i."""
        return _add_pair_shifts(queries, candidates, self._pairs(queries, candidates))

    def pairs_backward(
        self, queries: Queries, candidates: Candidates, grads: Matrix
    ) -> tuple[Queries, Candidates]:
        """Return the gradients by queries and candidates from those by the scores of pairs."""
        weights = grads * np.float32(self._metric.slope_unit)
        return self._pull_pairs(queries, candidates, grads, weights)

    def _pairs(self, queries: Queries, candidates: Candidates) -> Matrix:
        q, c = (_whole(rows.vectors, self._metric.parts) for rows in (queries, candidates))
        scores = np.empty(len(q), dtype=np.float32)
        pair_scores(self._metric, q, c, scores)
        return scores

    def _pull_pairs(
        self, queries: Queries, candidates: Candidates, grads: Matrix, weights: Matrix
    ) -> tuple[Queries, Candidates]:
        parts, width = self._metric.parts, queries.vectors.shape[1]
        q, c = (_whole(rows.vectors, parts) for rows in (queries, candidates))
        to_q, to_c = np.empty_like(q), np.empty_like(c)
        pair_gradients(self._metric, q, c, np.ascontiguousarray(weights), to_q, to_c)
        to_q, to_c = _cut(to_q, parts, width), _cut(to_c, parts, width)
        return _with_pair_shifts(queries, candidates, grads, to_q, to_c)


class Euclidean(_Difference):
    r"""The negative distance :math:`-\|q - c\|`, or its square, :math:`+ s_q + s_c`.

    Blocks come from a matrix product, :math:`\|q\|^2 + \|c\|^2 - 2 q \cdot c`, which knows small
    distances to about a thousandth of the lengths of the vectors only: where a distance is below
    that, its gradient fades to zero.
    """

    def __init__(self, squared: bool = False) -> None:
        super().__init__(Squared())
        self.squared = squared
        self.name = "squared_euclidean" if squared else "euclidean"

    def block(self, queries: Queries, candidates: Candidates, out: Matrix) -> None:
        """Write the scores of all queries against all candidates."""
        np.matmul(queries.vectors, candidates.vectors.T, out=out)
        squares = _squares(queries.vectors), _squares(candidates.vectors)
        if self.squared:
            shifts = (_shifts(queries) - squares[0], _shifts(candidates) - squares[1])
            add_outer(out, np.float32(2), *shifts)
        else:
            products_to_distances(out, *squares)
            _add_shifts(queries, candidates, out)

    def block_backward(
        self, queries: Queries, candidates: Candidates, scores: Matrix, grads: Matrix
    ) -> tuple[Queries, Candidates]:
        """Return the gradients by queries and candidates from those by the scores."""
        q, c = queries.vectors, candidates.vectors
        by_row, by_column = np.empty(len(q), np.float32), np.empty(len(c), np.float32)
        if self.squared:
            sum_both_ways(grads, by_row, by_column)
            by_query = None if queries.shifts is None else by_row
            by_candidate = None if candidates.shifts is None else by_column
        else:
            by_query, by_candidate = _shift_gradients(queries, candidates, grads)
            shifts = _shifts(queries), _shifts(candidates)
            floors = np.sqrt(_squares(q)) * _NEAR + _TINY
            distance_weights(scores, *shifts, floors, grads, by_row, by_column)
        scale = np.float32(2 if self.squared else 1)
        to_q, to_c = grads @ c, grads.T @ q
        subtract_scaled(to_q, scale, by_row, q)
        subtract_scaled(to_c, scale, by_column, c)
        return Queries(to_q, by_query), Candidates(to_c, by_candidate)

    def pairs(self, queries: Queries, candidates: Candidates) -> Matrix:
        """Return the scores of query i against candidate i."""
        scores = self._pairs(queries, candidates)
        if not self.squared:
            scores = -np.sqrt(-scores)
        return _add_pair_shifts(queries, candidates, scores)

    def pairs_backward(
        self, queries: Queries, candidates: Candidates, grads: Matrix
    ) -> tuple[Queries, Candidates]:
        """Return the gradients by queries and candidates from those by the scores of pairs."""
        if self.squared:
            return super().pairs_backward(queries, candidates, grads)
        lengths: Matrix = np.maximum(np.sqrt(-self._pairs(queries, candidates)), _TINY)
        return self._pull_pairs(queries, candidates, grads, grads / lengths)


class Manhattan(_Difference):
    r"""The negative sum of absolute differences, :math:`-\|q - c\|_1 + s_q + s_c`.

    Its derivative by a difference of 0 is 0.
    """

    name = "manhattan"

    def __init__(self) -> None:
        super().__init__(Absolute())


class Torus(_Difference):
    r"""A negative distance on the torus, where numbers count without their integer part.

    With the difference to the nearest integer :math:`\delta = q - c - [q - c]`, it is
    :math:`-\sum |\delta| + s_q + s_c` (``norm=1``) or :math:`-\sum \delta^2 + s_q + s_c`
    (``norm=2``).
    """

    def __init__(self, norm: int = 1) -> None:
        if norm == 1:
            super().__init__(TorusAbsolute())
        else:
            super().__init__(TorusSquared())
        self.norm = norm
        self.name = f"torus_{norm}"


class Modulus(_Difference):
    r"""The negative sum of moduli of complex differences, :math:`-\sum |q_j - c_j| + s_q + s_c`.

    Real parts are the first half of the columns, imaginary parts the second. The derivative by a
    difference of 0 is 0.
    """

    name = "modulus"

    def __init__(self) -> None:
        super().__init__(ComplexModulus())


# Below this part of a query's length a distance out of a matrix product is rounding errors.
_NEAR = np.float32(1e-3)
_TINY = np.float32(1e-9)
_LINE = 64  # bytes of a cache line, and of a vector


def _squares(rows: Matrix) -> Matrix:
    squares = np.empty(len(rows), dtype=np.float32)
    square_norms(rows, squares)
    return squares


def _shifts(rows: Queries | Candidates) -> Matrix:
    return np.zeros(len(rows.vectors), np.float32) if rows.shifts is None else rows.shifts


def _add_shifts(queries: Queries, candidates: Candidates, scores: Matrix) -> None:
    if queries.shifts is not None or candidates.shifts is not None:
        add_outer(scores, np.float32(1), _shifts(queries), _shifts(candidates))


def _shift_gradients(
    queries: Queries, candidates: Candidates, grads: Matrix
) -> tuple[Matrix | None, Matrix | None]:
    if queries.shifts is None and candidates.shifts is None:
        return None, None
    by_row, by_column = np.empty(len(grads), np.float32), np.empty(grads.shape[1], np.float32)
    sum_both_ways(grads, by_row, by_column)
    return (
        None if queries.shifts is None else by_row,
        None if candidates.shifts is None else by_column,
    )


def _add_pair_shifts(queries: Queries, candidates: Candidates, scores: Matrix) -> Matrix:
    for rows in (queries, candidates):
        if rows.shifts is not None:
            scores += rows.shifts
    return scores


def _with_pair_shifts(
    queries: Queries, candidates: Candidates, grads: Matrix, to_q: Matrix, to_c: Matrix
) -> tuple[Queries, Candidates]:
    return (
        Queries(to_q, None if queries.shifts is None else grads.copy()),
        Candidates(to_c, None if candidates.shifts is None else grads.copy()),
    )


def _zeros(n_rows: int, width: int) -> Matrix:
    """Return zeros that begin where a cache line does, so that no vector lies across two."""
    memory = np.zeros(n_rows * width + LANES, dtype=np.float32)
    start = -memory.ctypes.data % _LINE // memory.itemsize
    return memory[start : start + n_rows * width].reshape(n_rows, width)


def _whole(rows: Matrix, parts: int, aligned: bool = False) -> Matrix:
    """Return rows whose parts are filled up with zeros to whole vectors of the processor."""
    width = rows.shape[1] // parts
    padded = -(-width // LANES) * LANES
    misaligned = aligned and rows.ctypes.data % _LINE
    if padded == width and rows.flags.c_contiguous and not misaligned:
        return rows
    whole = _zeros(len(rows), parts * padded)
    whole.reshape(len(rows), parts, padded)[:, :, :width] = rows.reshape(len(rows), parts, width)
    return whole


def _cut(rows: Matrix, parts: int, width: int) -> Matrix:
    """Return rows without what :func:`_whole` filled them up with."""
    if rows.shape[1] == width:
        return rows
    cut = rows.reshape(len(rows), parts, rows.shape[1] // parts)[:, :, : width // parts]
    return np.ascontiguousarray(cut).reshape(len(rows), width)
