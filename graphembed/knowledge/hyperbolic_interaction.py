"""How queries meet candidates in hyperbolic space."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from graphembed.kernels import hyperbolic_triples as kernels
from graphembed.knowledge.interactions import Candidates, Matrix, Queries

_SCORES_AT_ONCE = 1 << 16  # they stay in the second cache between products and what follows


class Hyperbolic:
    r"""The negative squared distance :math:`-d_c(q, \exp_0(v))^2 + s_q + s_c` in Poincaré balls.

    A query is a point of the ball of its own curvature :math:`-c`, of radius :math:`1 / \sqrt c`;
    a candidate is a tangent vector v at 0, mapped into the ball of each query that it meets:

    .. math:: \exp_0(v) = \tanh(\sqrt c \|v\|) \frac{v}{\sqrt c \|v\|}, \quad
        d_c(x, y) = \frac{1}{\sqrt c} \operatorname{arcosh}\left(
        1 + \frac{2 c \|x - y\|^2}{(1 - c \|x\|^2) (1 - c \|y\|^2)}\right)

    Lengths of mapped candidates are kept below :math:`(1 - 10^{-5}) / \sqrt c`.

    References
    ----------
    Chami et al. (2020), Low-Dimensional Hyperbolic Knowledge Graph Embeddings, ACL.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.knowledge.interactions import Candidates, Queries
    >>> origin = np.zeros((1, 2), dtype=np.float32)
    >>> tangent = np.array([[0.3, 0.4]], dtype=np.float32)
    >>> curvatures = np.array([1.0], dtype=np.float32)
    >>> Hyperbolic().pairs(Queries(origin, None, curvatures), Candidates(tangent))
    array([-1.], dtype=float32)
    """

    name = "hyperbolic"

    def block(self, queries: Queries, candidates: Candidates, out: Matrix) -> None:
        """Write the scores of all queries against all candidates, (n_queries, n_candidates)."""
        points, vectors = queries.vectors, candidates.vectors
        factors, lengths = self._factors(queries), self._lengths(candidates)
        query_shifts = _shifts(queries.shifts, len(points))
        candidate_shifts = _shifts(candidates.shifts, len(vectors))
        for part in _parts(len(points), len(vectors)):
            np.matmul(points[part], vectors.T, out=out[part])
            kernels.block_scores(
                out[part], factors[part], query_shifts[part], lengths, candidate_shifts
            )

    def block_backward(
        self,
        queries: Queries,
        candidates: Candidates,
        scores: Matrix,  # noqa: ARG002
        grads: Matrix,
    ) -> tuple[Queries, Candidates]:
        """Return the gradients by queries and candidates from those by :meth:`block`'s scores."""
        points, vectors, curvatures = queries.vectors, candidates.vectors, _curvatures(queries)
        factors, lengths = self._factors(queries), self._lengths(candidates)
        query_sums = np.empty((len(points), 4), dtype=np.float32)
        by_points, by_vectors = np.empty_like(points), np.zeros_like(vectors)
        by_lengths = np.zeros(len(vectors), dtype=np.float32)
        by_curvatures = np.empty_like(curvatures)
        for part in _parts(len(points), len(vectors)):
            weights = points[part] @ vectors.T
            kernels.block_gradients(
                weights, grads[part], factors[part], lengths, query_sums[part], by_lengths
            )
            np.matmul(weights, vectors, out=by_points[part])
            by_vectors += weights.T @ points[part]
        kernels.query_gradients(points, curvatures, query_sums, by_points, by_curvatures)
        by_vectors += (by_lengths * lengths[1])[:, np.newaxis] * vectors
        return (
            Queries(by_points, _if_given(queries.shifts, grads, 1), by_curvatures),
            Candidates(by_vectors, _if_given(candidates.shifts, grads, 0)),
        )

    def pairs(self, queries: Queries, candidates: Candidates) -> Matrix:
        """Return the scores of query i against candidate i, (n,)."""
        out = np.empty(len(queries.vectors), dtype=np.float32)
        kernels.pair_scores(queries.vectors, _curvatures(queries), candidates.vectors, out)
        for shifts in (queries.shifts, candidates.shifts):
            if shifts is not None:
                out += shifts
        return out

    def pairs_backward(
        self, queries: Queries, candidates: Candidates, grads: Matrix
    ) -> tuple[Queries, Candidates]:
        """Return the gradients by queries and candidates from those by :meth:`pairs`."""
        points, vectors, curvatures = queries.vectors, candidates.vectors, _curvatures(queries)
        by_points, by_vectors = np.empty_like(points), np.empty_like(vectors)
        by_curvatures = np.empty_like(curvatures)
        kernels.pair_gradients(
            points, curvatures, vectors, grads, by_points, by_curvatures, by_vectors
        )
        return (
            Queries(by_points, None if queries.shifts is None else grads.copy(), by_curvatures),
            Candidates(by_vectors, None if candidates.shifts is None else grads.copy()),
        )

    def _factors(self, queries: Queries) -> Matrix:
        factors = np.empty((len(queries.vectors), 4), dtype=np.float32)
        kernels.query_factors(queries.vectors, _curvatures(queries), factors)
        return factors

    def _lengths(self, candidates: Candidates) -> Matrix:
        lengths = np.empty((2, len(candidates.vectors)), dtype=np.float32)
        kernels.lengths(candidates.vectors, lengths)
        return lengths


def _curvatures(queries: Queries) -> Matrix:
    if queries.curvatures is None:
        raise ValueError("Queries in hyperbolic space need curvatures, one for each; found none.")
    return queries.curvatures


def _shifts(shifts: Matrix | None, n: int) -> Matrix:
    return np.zeros(n, dtype=np.float32) if shifts is None else shifts


def _if_given(shifts: Matrix | None, grads: Matrix, axis: int) -> Matrix | None:
    total: npt.NDArray[np.float32] = grads.sum(axis=axis)
    return None if shifts is None else total


def _parts(n_queries: int, n_candidates: int) -> Iterator[slice]:
    size = max(16, _SCORES_AT_ONCE // max(1, n_candidates))
    for start in range(0, n_queries, size):
        yield slice(start, start + size)
