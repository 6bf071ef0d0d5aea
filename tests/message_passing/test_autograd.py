from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch import Tensor

from graphembed import Graph
from graphembed.message_passing.autograd import (
    Messages,
    SparseMatrix,
    aggregate,
    dropout,
    linear,
    sparse_dropout,
    sparse_linear,
    torch_threads,
)
from graphembed.message_passing.block import Block

KINDS = ("sum", "mean", "gcn", "symmetric", "max")


def messages(n_nodes: int = 40, n_edges: int = 150) -> Messages:
    """Weighted, with loops and a node that hears nobody."""
    rng = np.random.default_rng(0)
    edges = rng.integers(0, n_nodes - 1, size=(n_edges, 2))
    weights = rng.uniform(0.5, 2, size=n_edges)
    graph = Graph.from_edges(*edges.T, weights, nodes=range(n_nodes))
    return Messages.from_block(Block.full(graph))


def rows(*shape: int, dtype: Any = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=generator, dtype=dtype).requires_grad_()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_aggregation(kind: str) -> None:
    heard = messages(8, 15)
    H = rows(8, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda H: aggregate(heard, H, kind), (H,))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", [3, 40])
def test_kernels_agree_with_torch(kind: str, d: int) -> None:
    heard, G = messages(), torch.linspace(-1, 1, 40 * d).reshape(40, d)
    H, doubled = rows(40, d), rows(40, d).double().detach().requires_grad_()
    ours, theirs = aggregate(heard, H, kind), aggregate(heard, doubled, kind)
    assert not heard.indptr.flags.writeable
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-5)
    ours.backward(G)
    # The twin in float64 sees other ties than ours only where numbers differ after 7 digits.
    theirs = aggregate(heard, doubled := H.detach().double().requires_grad_(), kind)
    theirs.backward(G.double())
    torch.testing.assert_close(H.grad.double(), doubled.grad, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["sum", "mean", "max"])
def test_who_hears_nobody_gets_zeros(kind: str) -> None:
    lonely = Messages(np.array([0, 0, 1]), np.array([0]), 2)
    assert aggregate(lonely, torch.ones(2, 20), kind)[0].tolist() == [0] * 20


def test_the_maximum_of_equal_rows_pulls_at_the_first() -> None:
    H = torch.zeros(3, 1, requires_grad=True)
    aggregate(Messages(np.array([0, 2]), np.array([2, 1]), 3), H, "max").sum().backward()
    assert H.grad.flatten().tolist() == [0, 0, 1]


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_the_same_bits_at_any_number_of_threads(n_jobs: int) -> None:
    heard = messages(3000, 200_000)
    X = SparseMatrix.from_scipy(
        sp.random_array((3000, 500), density=0.1, rng=np.random.default_rng(0), format="csr")
    )

    def run(n_jobs: int) -> list[Tensor]:
        W, V = rows(32, 500), rows(16, 32)
        generator = torch.Generator().manual_seed(1)
        H = sparse_linear(sparse_dropout(X, 0.5, generator, n_jobs=n_jobs), W, n_jobs=n_jobs)
        for kind in KINDS:
            H = aggregate(heard, H, kind, n_jobs=n_jobs)
        H = dropout(H, 0.5, generator, n_jobs=n_jobs)
        H = linear(H, V, torch.zeros(16), n_jobs=n_jobs)
        H.square().sum().backward()
        return [H, W.grad, V.grad]

    with torch_threads(1):
        for one, other in zip(run(1), run(n_jobs), strict=True):
            assert torch.equal(one, other)


def test_linear_is_torchs() -> None:
    X, W, b = rows(2500, 30), rows(20, 30), rows(20)
    G = torch.linspace(-1, 1, 2500 * 20).reshape(2500, 20)
    ours = torch.autograd.grad(out := linear(X, W, b), (X, W, b), G)
    expected = torch.nn.functional.linear(X, W, b)
    torch.testing.assert_close(out, expected)
    for one, other in zip(ours, torch.autograd.grad(expected, (X, W, b), G), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sparse_linear_is_linear(dtype: Any) -> None:
    X = sp.random_array((50, 30), density=0.2, rng=np.random.default_rng(0), format="csr")
    W, b = rows(20, 30, dtype=dtype), rows(20, dtype=dtype)
    G = torch.linspace(-1, 1, 50 * 20, dtype=dtype).reshape(50, 20)
    ours = sparse_linear(matrix := SparseMatrix.from_scipy(X), W, b)
    expected = torch.nn.functional.linear(torch.from_numpy(matrix.toarray()).to(dtype), W, b)
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)
    grads = torch.autograd.grad(expected, (W, b), G)
    for one, other in zip(torch.autograd.grad(ours, (W, b), G), grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dropout_and_its_gradient_drop_the_same(dtype: Any) -> None:
    X = rows(300, 100, dtype=dtype)
    out = dropout(X, 0.25, torch.Generator().manual_seed(0))
    again = dropout(X, 0.25, torch.Generator().manual_seed(0))
    assert torch.equal(out, again)
    kept = out != 0
    assert 0.24 < 1 - kept.double().mean() < 0.26
    torch.testing.assert_close(out[kept], X[kept] / 0.75)
    out.sum().backward()
    torch.testing.assert_close(X.grad, kept.to(dtype) / 0.75)
    assert dropout(X, 0) is X


def test_dropout_draws_anew_each_time() -> None:
    generator, X = torch.Generator().manual_seed(0), torch.ones(100, 10)
    assert not torch.equal(dropout(X, 0.5, generator), dropout(X, 0.5, generator))


def test_dropout_of_sparse_rows() -> None:
    matrix = sp.random_array((100, 90), density=0.5, rng=np.random.default_rng(0), format="csr")
    X = SparseMatrix.from_scipy(matrix)
    out = sparse_dropout(X, 0.5, torch.Generator().manual_seed(0))
    kept = out.values != 0
    assert 0.45 < kept.mean() < 0.55
    np.testing.assert_allclose(out.values[kept], 2 * X.values[kept])
    np.testing.assert_array_equal(out.transposed.toarray(), out.toarray().T)
    assert sparse_dropout(X, 0) is X


def test_the_number_of_threads_is_restored_after_an_error() -> None:
    before, inside = torch.get_num_threads(), []

    def fail() -> None:
        with torch_threads(before + 1):
            inside.append(torch.get_num_threads())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [torch.get_num_threads(), *inside] == [before, before + 1]
