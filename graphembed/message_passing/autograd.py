"""Products, maxima and dropout with gradients: compiled kernels on the CPU, torch elsewhere.

On the CPU, float32 results have the same bits at any ``n_jobs``: torch itself runs on one thread
(:func:`torch_threads`), ours share the rows. Other devices and dtypes take torch's own operations.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from graphembed.engine import run_blocks
from graphembed.factorization.tall_matrices import gram, multiply
from graphembed.kernels.message_passing import SPAN, drop, segment_max, segment_max_gradient
from graphembed.message_passing.messages import Messages, SparseMatrix

__all__ = [
    "Messages",
    "SparseMatrix",
    "aggregate",
    "dropout",
    "linear",
    "sparse_dropout",
    "sparse_linear",
    "torch_threads",
]

DROP_BLOCK = 64 * SPAN  # places


@contextmanager
def torch_threads(n_threads: int) -> Iterator[None]:
    """Let torch use so many threads while the context lasts.

    Examples
    --------
    >>> import torch
    >>> from graphembed.message_passing.autograd import torch_threads
    >>> with torch_threads(1):
    ...     torch.get_num_threads()
    1
    """
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def aggregate(
    messages: Messages, H: Tensor, kind: str = "mean", *, n_jobs: int | None = -1
) -> Tensor:
    """Return what each target hears.

    Parameters
    ----------
    messages : Messages
    H : Tensor of shape (n_sources, d)
    kind : {"sum", "mean", "gcn", "symmetric", "max"}, default="mean"
        The formulas are those of :mod:`graphembed.message_passing.messages`. "max" is the largest
        of each column, whatever the weights; its gradient goes to the first of equal ones (to all
        of them, in equal shares, on other devices than the CPU).
    n_jobs : int or None, default=-1

    Returns
    -------
    Tensor of shape (n_targets, d)
        0 for a target that hears nobody.
    """
    if kind != "max":
        return _product(messages.matrix(kind), H, n_jobs)
    matrix = messages.matrix("sum")
    if _compiled(H):
        return _Maximum.apply(H, matrix, n_jobs)  # type: ignore[no-any-return, no-untyped-call]
    indptr, indices, _ = _on_device(matrix, H)
    targets = torch.arange(matrix.shape[0], device=H.device).repeat_interleave(indptr.diff())
    places = targets[:, None].expand(-1, H.shape[1])
    out = H.new_zeros((matrix.shape[0], H.shape[1]))
    return out.scatter_reduce(0, places, H[indices], "amax", include_self=False)


def sparse_linear(
    X: SparseMatrix, weight: Tensor, bias: Tensor | None = None, *, n_jobs: int | None = -1
) -> Tensor:
    """Return ``X @ weight.T + bias``, with gradients for the weight and the bias.

    Parameters
    ----------
    X : SparseMatrix of shape (n_rows, n_in)
    weight : Tensor of shape (n_out, n_in)
    bias : Tensor of shape (n_out,), optional
    n_jobs : int or None, default=-1

    Returns
    -------
    Tensor of shape (n_rows, n_out)
    """
    out = _product(X, weight.t().contiguous(), n_jobs)
    return out if bias is None else out + bias


def linear(
    X: Tensor, weight: Tensor, bias: Tensor | None = None, *, n_jobs: int | None = -1
) -> Tensor:
    """Return ``X @ weight.T + bias``.

    Parameters
    ----------
    X : Tensor of shape (n_rows, n_in)
    weight : Tensor of shape (n_out, n_in)
    bias : Tensor of shape (n_out,), optional
    n_jobs : int or None, default=-1

    Returns
    -------
    Tensor of shape (n_rows, n_out)
    """
    if not _compiled(X) or torch.is_autocast_enabled("cpu"):
        return functional.linear(X, weight, bias)
    return _Linear.apply(X, weight, bias, n_jobs)  # type: ignore[no-any-return, no-untyped-call]


def dropout(
    X: Tensor, p: float, generator: torch.Generator | None = None, *, n_jobs: int | None = -1
) -> Tensor:
    """Return X with each number set to 0 with probability p, the others divided by 1 - p.

    Parameters
    ----------
    X : Tensor
    p : float
        In [0, 1).
    generator : torch.Generator, optional
        Of the CPU for a tensor there; torch's own by default.
    n_jobs : int or None, default=-1
    """
    if p == 0:
        return X
    if _compiled(X):
        key = _key(generator)
        return _Dropout.apply(X, p, key, n_jobs)  # type: ignore[no-any-return, no-untyped-call]
    kept = torch.rand(X.shape, generator=generator, device=X.device) >= p
    return X * kept / (1 - p)


def sparse_dropout(
    X: SparseMatrix, p: float, generator: torch.Generator | None = None, *, n_jobs: int | None = -1
) -> SparseMatrix:
    """Return X with each of its entries dropped as in :func:`dropout`; zeros need none."""
    if p == 0:
        return X
    return X.with_values(_drop(X.values, p, _key(generator), n_jobs))


def _compiled(X: Tensor) -> bool:
    """Whether our kernels take a tensor."""
    return X.device.type == "cpu" and X.dtype == torch.float32


def _array(X: Tensor) -> Any:
    return X.detach().contiguous().numpy()


def _on_device(matrix: SparseMatrix, X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return indptr, indices and values as tensors beside X, made once."""
    key = (X.device, X.dtype)
    if key not in matrix.copies:
        parts = (matrix.indptr, matrix.indices.astype(np.int64), matrix.values)
        indptr, indices, values = (torch.tensor(part, device=X.device) for part in parts)
        matrix.copies[key] = (indptr, indices, values.to(X.dtype))
    copies: tuple[Tensor, Tensor, Tensor] = matrix.copies[key]
    return copies


def _times(matrix: SparseMatrix, X: Tensor, n_jobs: int | None) -> Tensor:
    if _compiled(X):
        return torch.from_numpy(matrix.times(_array(X), n_jobs=n_jobs))
    indptr, indices, values = _on_device(matrix, X)
    # Row by row, so no order is left to chance as it is with scattered additions.
    return functional.embedding_bag(
        indices, X, indptr, mode="sum", per_sample_weights=values, include_last_offset=True
    )


def _product(matrix: SparseMatrix, X: Tensor, n_jobs: int | None) -> Tensor:
    return _Product.apply(X, matrix, n_jobs)  # type: ignore[no-any-return, no-untyped-call]


class _Product(torch.autograd.Function):
    """A sparse matrix times a dense one; the gradient is a product with the transposed matrix."""

    @staticmethod
    def forward(ctx: Any, X: Tensor, matrix: SparseMatrix, n_jobs: int | None) -> Tensor:
        ctx.matrix, ctx.n_jobs = matrix, n_jobs
        return _times(matrix, X, n_jobs)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return _times(ctx.matrix.transposed, gradients[0], ctx.n_jobs), None, None


class _Maximum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, H: Tensor, matrix: SparseMatrix, n_jobs: int | None) -> Tensor:
        X = _array(H)
        out = np.empty((matrix.shape[0], X.shape[1]), dtype=np.float32)
        winners = np.empty(out.shape, dtype=np.int32)
        run_blocks(
            lambda *rows: segment_max(matrix.indptr, matrix.indices, X, out, winners, *rows),
            matrix.blocks(X.shape[1]), n_jobs=n_jobs,
        )  # fmt: skip
        ctx.matrix, ctx.winners, ctx.n_jobs = matrix, winners, n_jobs
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        turned, G = ctx.matrix.transposed, _array(gradients[0])
        out = np.empty((turned.shape[0], G.shape[1]), dtype=np.float32)
        run_blocks(
            lambda *rows: segment_max_gradient(
                turned.indptr, turned.indices, ctx.winners, G, out, *rows
            ),
            turned.blocks(G.shape[1]), n_jobs=ctx.n_jobs,
        )  # fmt: skip
        return torch.from_numpy(out), None, None


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, X: Tensor, weight: Tensor, bias: Tensor | None, n_jobs: int | None
    ) -> Tensor:
        ctx.save_for_backward(X, weight)
        ctx.n_jobs = n_jobs
        out = torch.from_numpy(multiply(_array(X), _array(weight).T, n_jobs=n_jobs))
        return out if bias is None else out.add_(bias.detach())

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        X, weight = ctx.saved_tensors
        G = _array(gradients[0])
        by_rows = by_weight = by_bias = None
        if ctx.needs_input_grad[0]:
            by_rows = torch.from_numpy(multiply(G, _array(weight), n_jobs=ctx.n_jobs))
        if ctx.needs_input_grad[1]:
            product = gram(G, _array(X), exact=False, n_jobs=ctx.n_jobs)
            by_weight = torch.from_numpy(product.astype(np.float32))
        if ctx.needs_input_grad[2]:
            by_bias = gradients[0].sum(0)
        return by_rows, by_weight, by_bias, None


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, X: Tensor, p: float, key: int, n_jobs: int | None) -> Tensor:
        ctx.options = (p, key, n_jobs)
        return torch.from_numpy(_drop(_array(X), p, key, n_jobs))

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return torch.from_numpy(_drop(_array(gradients[0]), *ctx.options)), None, None, None


def _key(generator: torch.Generator | None) -> int:
    device = "cpu" if generator is None else generator.device
    return int(torch.randint(1 << 62, (), generator=generator, device=device))


def _drop(values: Any, p: float, key: int, n_jobs: int | None) -> Any:
    places = np.ascontiguousarray(values).reshape(-1)
    places.flags.writeable = False
    out = np.empty(values.shape, dtype=np.float32)
    threshold, scale = np.uint32(round(p * 2**32)), np.float32(1 / (1 - p))
    run_blocks(
        lambda *part: drop(np.uint64(key), places, threshold, scale, out.reshape(-1), *part),
        [(i, min(i + DROP_BLOCK, places.size)) for i in range(0, places.size, DROP_BLOCK)],
        n_jobs=n_jobs,
    )  # fmt: skip
    return out
