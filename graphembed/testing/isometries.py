"""Slow twins of moves of Poincaré balls on torch tensors, and a check of formulas against them.

Written as the formulas stand in the literature; autograd gives the gradients.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from graphembed.knowledge.interactions import Queries
from graphembed.knowledge.isometry import IsometryFormula
from graphembed.testing.formulas import check_first_values

_REACH = 1 - 1e-5  # of points, as a share of the radius


def project(x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Shorten points too close to the border of their ball; ``c`` is a column here and below."""
    longest = _REACH / c.sqrt()
    length = x.norm(dim=1, keepdim=True).clamp_min(1e-15)
    return torch.where(length > longest, x / length * longest, x)


def exp_0(v: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Twin of :func:`graphembed.knowledge.ball.exp_0`."""
    length = c.sqrt() * v.norm(dim=1, keepdim=True).clamp_min(1e-15)
    return project(length.tanh() / length * v, c)


def mobius_add(x: torch.Tensor, y: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Twin of :func:`graphembed.knowledge.ball.mobius_add`."""
    xx, yy, xy = ((a * b).sum(dim=1, keepdim=True) for a, b in ((x, x), (y, y), (x, y)))
    numerator = (1 + 2 * c * xy + c * yy) * x + (1 - c * xx) * y
    return project(numerator / (1 + 2 * c * xy + c**2 * xx * yy), c)


def translate(x: torch.Tensor, tangents: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Add the points of tangent vectors at 0."""
    return mobius_add(x, exp_0(tangents, c), c)


def rotate(x: torch.Tensor, planes: torch.Tensor) -> torch.Tensor:
    """Twin of :func:`graphembed.knowledge.ball.rotate`."""
    return _turn(x, planes, 1)


def reflect(x: torch.Tensor, planes: torch.Tensor) -> torch.Tensor:
    """Twin of :func:`graphembed.knowledge.ball.reflect`."""
    return _turn(x, planes, -1)


def _turn(x: torch.Tensor, planes: torch.Tensor, sign: int) -> torch.Tensor:
    p, q = planes.chunk(2, dim=1)
    length = (p * p + q * q).sqrt()
    cos, sin = p / length, q / length
    half = x.shape[1] // 2
    u, w, rest = x[:, :half], x[:, half : 2 * half], x[:, 2 * half :]
    return torch.cat([cos * u - sign * sin * w, sin * u + sign * cos * w, rest], dim=1)


def distance(x: torch.Tensor, y: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Return the distances of points in the ball, (n,)."""
    square = (x - y).square().sum(dim=1, keepdim=True)
    u = 2 * c * square
    for point in (x, y):
        u = u / (1 - c * point.square().sum(dim=1, keepdim=True))
    return (torch.acosh(1 + u) / c.sqrt())[:, 0]


class Parts(NamedTuple):
    """Columns of relations; the curvature is a column, 0 where space is flat."""

    vectors: list[torch.Tensor]
    planes: list[torch.Tensor]
    curvatures: torch.Tensor


Move = Callable[[torch.Tensor, Parts], torch.Tensor]


def check_isometry(formula: IsometryFormula, move: Move, *, spread: float) -> None:
    """Queries, scores and all gradients of a formula are those of autograd in float64.

    Parameters
    ----------
    formula : IsometryFormula
    move : callable
        Twin of ``formula.move``.
    spread : float
        Standard deviation of the rows. Above 1, most points are on the border of their ball, where
        the distance takes rounding to float32 badly.
    """
    check_first_values(formula)
    rng = np.random.default_rng(0)
    n, d = 40, formula.n_components
    rows = [spread * rng.standard_normal((n, formula.entity_width)) for _ in range(2)]
    rows.append(spread * rng.standard_normal((n, formula.relation_width)))
    heads, tails, relations = (block.astype(np.float32) for block in rows)
    if formula.curved:
        relations[:, -1] = rng.standard_normal(n)

    leaves = [torch.tensor(r, dtype=torch.float64, requires_grad=True) for r in (heads, relations)]
    parts = _split(formula, leaves[1])
    expected = [move(leaves[0][:, :d], parts), leaves[0][:, d]]
    if formula.curved:
        expected.append(parts.curvatures[:, 0])
    found = [part for part in formula.tail_queries(heads, relations) if part is not None]
    _assert_close(found, [part.detach().numpy() for part in expected], 1e-6)

    grads = [rng.standard_normal(part.shape).astype(np.float32) for part in found]
    torch.autograd.backward(expected, [torch.tensor(grad, dtype=torch.float64) for grad in grads])
    back = formula.tail_queries_backward(heads, relations, Queries(*grads))
    _assert_close(back, [leaf.grad.numpy() for leaf in leaves if leaf.grad is not None], 2e-6)
    assert all(part.dtype == np.float32 for part in (*found, *back))

    _check_scores(formula, move, (heads, relations, tails), 1e-3 if spread < 1 else 2e-2)
    _check_single_relation(formula, heads, relations, grads)


def _check_scores(
    formula: IsometryFormula, move: Move, rows: tuple[Any, Any, Any], tolerance: float
) -> None:
    """Scores of triples, through the interaction, and their gradients by all three rows."""
    heads, relations, tails = rows
    d = formula.n_components
    leaves = [torch.tensor(block, dtype=torch.float64, requires_grad=True) for block in rows]
    head, relation, tail = leaves
    parts = _split(formula, relation)
    moved, target = move(head[:, :d], parts), tail[:, :d]
    if formula.curved:
        square = distance(moved, exp_0(target, parts.curvatures), parts.curvatures).square()
    else:
        square = (moved - target).square().sum(dim=1)
    expected = head[:, d] + tail[:, d + 1] - square
    torch.autograd.backward([expected.sum()])

    queries, candidates = (
        formula.tail_queries(heads, relations),
        formula.candidates(tails, relations),
    )
    scores = formula.interaction.pairs(queries, candidates)
    _assert_close([scores], [expected.detach().numpy()], tolerance)
    by_queries, by_candidates = formula.interaction.pairs_backward(
        queries, candidates, np.ones_like(scores)
    )
    back = formula.tail_queries_backward(heads, relations, by_queries)
    by_tails, _ = formula.candidates_backward(tails, relations, by_candidates)
    _assert_close(
        [*back, by_tails],
        [leaf.grad.numpy() for leaf in leaves if leaf.grad is not None],
        tolerance,
    )


def _check_single_relation(
    formula: IsometryFormula, heads: Any, relations: Any, grads: list[Any]
) -> None:
    """A single row of relations stands for all, and its gradient is the sum of theirs."""
    one = relations[:1]
    repeated = np.repeat(one, len(heads), axis=0)
    for part, other in zip(
        formula.tail_queries(heads, one), formula.tail_queries(heads, repeated), strict=True
    ):
        np.testing.assert_array_equal(part, other)
    found = formula.tail_queries_backward(heads, one, Queries(*grads))
    expected = formula.tail_queries_backward(heads, repeated, Queries(*grads))
    np.testing.assert_array_equal(found.entities, expected.entities)
    np.testing.assert_allclose(found.relations[0], expected.relations.sum(0), rtol=1e-4, atol=1e-4)


def _split(formula: IsometryFormula, relations: torch.Tensor) -> Parts:
    d, n_vectors = formula.n_components, formula.n_vectors
    sizes = [d] * n_vectors + [d // 2 * 2] * formula.n_planes + [int(formula.curved)]
    *columns, raw = torch.split(relations, sizes, dim=1)
    return Parts(columns[:n_vectors], columns[n_vectors:], torch.nn.functional.softplus(raw))


def _assert_close(found: Any, expected: Any, tolerance: float) -> None:
    """Each row agrees up to a share of its largest entry."""
    for part, other in zip(found, expected, strict=True):
        size = np.abs(other) if other.ndim == 1 else np.abs(other).max(axis=1, keepdims=True)
        error = np.abs(part - other) / np.maximum(size, 1e-2)
        assert error.max() <= tolerance
