import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from graphembed.knowledge.interactions import (
    Candidates,
    Euclidean,
    Manhattan,
    Modulus,
    Product,
    Queries,
    Torus,
)

INTERACTIONS = [
    Product(),
    Euclidean(),
    Euclidean(squared=True),
    Manhattan(),
    Torus(norm=1),
    Torus(norm=2),
    Modulus(),
]
every_interaction = pytest.mark.parametrize("interaction", INTERACTIONS, ids=lambda i: i.name)


def normal(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def draw(rng, n_queries, n_candidates, width, shifted):
    return (
        Queries(normal(rng, n_queries, width), normal(rng, n_queries) if shifted[0] else None),
        Candidates(
            normal(rng, n_candidates, width), normal(rng, n_candidates) if shifted[1] else None
        ),
    )


def formula(name, q, c):
    """The score as torch computes it; it knows the gradient."""
    difference = q - c
    match name:
        case "product":
            return (q * c).sum(-1)
        case "euclidean":
            return -difference.square().sum(-1).sqrt()
        case "squared_euclidean":
            return -difference.square().sum(-1)
        case "manhattan":
            return -difference.abs().sum(-1)
        case "torus_1":
            return -(difference - difference.detach().round()).abs().sum(-1)
        case "torus_2":
            return -(difference - difference.detach().round()).square().sum(-1)
        case "modulus":
            real, imaginary = difference.chunk(2, -1)
            return -torch.complex(real, imaginary).abs().sum(-1)


def by_autograd(name, queries, candidates, grads):
    """Return scores and gradients in float64: of all pairs if grads is a matrix."""
    leaves = [
        None if leaf is None else torch.tensor(leaf, dtype=torch.float64, requires_grad=True)
        for leaf in (queries.vectors, queries.shifts, candidates.vectors, candidates.shifts)
    ]
    q, query_shifts, c, candidate_shifts = leaves
    block = grads.ndim == 2
    scores = formula(name, q[:, None] if block else q, c)
    if query_shifts is not None:
        scores = scores + (query_shifts[:, None] if block else query_shifts)
    if candidate_shifts is not None:
        scores = scores + candidate_shifts
    scores.backward(torch.tensor(grads, dtype=torch.float64))
    gradients = [None if leaf is None else leaf.grad.numpy() for leaf in leaves]
    return scores.detach().numpy(), gradients


def assert_gradients(found, expected):
    queries, candidates = found
    flat = [queries.vectors, queries.shifts, candidates.vectors, candidates.shifts]
    for ours, theirs in zip(flat, expected, strict=True):
        if theirs is None:
            assert ours is None
        else:
            assert ours.dtype == np.float32
            assert ours.flags.c_contiguous
            assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@every_interaction
@given(
    n_queries=st.integers(1, 12),
    n_candidates=st.integers(1, 40),
    half_width=st.integers(1, 40),
    shifted=st.tuples(st.booleans(), st.booleans()),
    seed=st.integers(0, 2**32 - 1),
)
def test_blocks_agree_with_autograd(
    interaction, n_queries, n_candidates, half_width, shifted, seed
):
    rng = np.random.default_rng(seed)
    queries, candidates = draw(rng, n_queries, n_candidates, 2 * half_width, shifted)
    grads = normal(rng, n_queries, n_candidates)
    scores, gradients = by_autograd(interaction.name, queries, candidates, grads)
    out = np.empty(grads.shape, np.float32)
    interaction.block(queries, candidates, out)
    assert_allclose(out, scores, rtol=1e-4, atol=1e-4)
    assert_gradients(interaction.block_backward(queries, candidates, out, grads), gradients)


@every_interaction
@given(
    n=st.integers(1, 40),
    half_width=st.integers(1, 40),
    shifted=st.tuples(st.booleans(), st.booleans()),
    seed=st.integers(0, 2**32 - 1),
)
def test_pairs_agree_with_autograd(interaction, n, half_width, shifted, seed):
    rng = np.random.default_rng(seed)
    queries, candidates = draw(rng, n, n, 2 * half_width, shifted)
    grads = normal(rng, n)
    scores, gradients = by_autograd(interaction.name, queries, candidates, grads)
    before = grads.copy()
    assert_allclose(interaction.pairs(queries, candidates), scores, rtol=1e-4, atol=1e-4)
    assert_gradients(interaction.pairs_backward(queries, candidates, grads), gradients)
    assert_array_equal(grads, before)


@every_interaction
def test_points_that_coincide(interaction):
    """They score highest, pull nowhere, and are never NaN."""
    points = 3 * normal(np.random.default_rng(0), 6, 20)
    queries, candidates = Queries(points), Candidates(points.copy())
    out, grads = np.empty((6, 6), np.float32), np.eye(6, dtype=np.float32)
    interaction.block(queries, candidates, out)
    at_itself = (points**2).sum(axis=1) if interaction.name == "product" else np.zeros(6)
    assert_allclose(np.diag(out), at_itself, rtol=1e-5, atol=0.02)
    assert_allclose(interaction.pairs(queries, candidates), at_itself, rtol=1e-5, atol=1e-6)
    pull = points if interaction.name == "product" else np.zeros_like(points)
    for found in (
        interaction.block_backward(queries, candidates, out, grads),
        interaction.pairs_backward(queries, candidates, np.ones(6, np.float32)),
    ):
        assert_allclose(found[0].vectors, pull, atol=2e-3)
        assert_allclose(found[1].vectors, pull, atol=2e-3)


@every_interaction
@pytest.mark.parametrize("shifted", [False, True])
def test_masked_scores_have_no_gradient(interaction, shifted):
    rng = np.random.default_rng(0)
    queries, candidates = draw(rng, 5, 9, 16, (shifted, shifted))
    out, grads = np.empty((5, 9), np.float32), normal(rng, 5, 9)
    interaction.block(queries, candidates, out)
    grads[2, 3] = 0
    expected = interaction.block_backward(queries, candidates, out, grads.copy())
    out[2, 3] = -np.inf
    found = interaction.block_backward(queries, candidates, out, grads.copy())
    assert_allclose(found[0].vectors, expected[0].vectors, rtol=1e-6)
    assert_allclose(found[1].vectors, expected[1].vectors, rtol=1e-6)


@every_interaction
def test_rows_and_scores_may_be_parts_of_larger_arrays(interaction):
    rng = np.random.default_rng(0)
    table = normal(rng, 20, 24)
    queries, candidates = Queries(table[:8, 2:18]), Candidates(table[8:, 2:18])
    grads = normal(rng, 8, 12)
    outer = np.full((8, 14), 7, np.float32)
    interaction.block(queries, candidates, outer[:, 1:-1])
    assert_array_equal(outer[:, [0, -1]], 7)
    scores, gradients = by_autograd(interaction.name, queries, candidates, grads)
    assert_allclose(outer[:, 1:-1], scores, rtol=1e-4, atol=1e-4)
    found = interaction.block_backward(queries, candidates, outer[:, 1:-1], grads)
    assert_gradients(found, gradients)
    pairs = queries, Candidates(candidates.vectors[:8])
    grads = normal(rng, 8, 1)[:, 0]
    scores, gradients = by_autograd(interaction.name, *pairs, grads)
    assert_allclose(interaction.pairs(*pairs), scores, rtol=1e-4, atol=1e-4)
    assert_gradients(interaction.pairs_backward(*pairs, grads), gradients)


@every_interaction
def test_no_query_and_no_candidate(interaction):
    rng = np.random.default_rng(0)
    for n_queries, n_candidates in ((0, 3), (3, 0)):
        queries, candidates = draw(rng, n_queries, n_candidates, 16, (False, False))
        out = np.empty((n_queries, n_candidates), np.float32)
        interaction.block(queries, candidates, out)
        found = interaction.block_backward(queries, candidates, out, out.copy())
        assert_array_equal(found[0].vectors, np.zeros_like(queries.vectors))
        assert_array_equal(found[1].vectors, np.zeros_like(candidates.vectors))


def test_torus_forgets_whole_numbers():
    rng = np.random.default_rng(0)
    queries, candidates = draw(rng, 4, 5, 16, (False, False))
    moved = Candidates(candidates.vectors + rng.integers(-3, 4, (5, 16)).astype(np.float32))
    for norm in (1, 2):
        outs = np.empty((2, 4, 5), np.float32)
        Torus(norm).block(queries, candidates, outs[0])
        Torus(norm).block(queries, moved, outs[1])
        assert_allclose(outs[0], outs[1], atol=1e-5)
