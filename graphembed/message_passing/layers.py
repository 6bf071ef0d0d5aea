"""Layers that turn rows of sources into rows of targets; parameters are named as PyG's are."""

import copy
import math
import warnings
from typing import Any, cast

import torch
from torch import Tensor, nn

from graphembed.message_passing.autograd import (
    Messages,
    SparseMatrix,
    aggregate,
    linear,
    sparse_linear,
)

Rows = Tensor | SparseMatrix

AGGREGATORS = ("mean", "max", "sum", "gcn")


class SAGELayer(nn.Module):
    r"""A layer of GraphSAGE.

    .. math:: h_i' = W_l \, \mathrm{aggregate}_{j \to i}(h_j) + W_r h_i + b

    With ``aggregator="gcn"`` the node itself is part of the aggregate, and :math:`W_r` is not
    there.

    Parameters
    ----------
    n_in, n_out : int
    aggregator : {"mean", "max", "sum", "gcn"}, default="mean"

    Attributes
    ----------
    lin_l, lin_r : Linear
        Of the aggregate, with bias, and of the node itself: names and shapes as in
        ``torch_geometric.nn.SAGEConv``.

    References
    ----------
    Hamilton, Ying, Leskovec (2017), Inductive Representation Learning on Large Graphs, NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from graphembed.message_passing.layers import SAGELayer
    >>> from graphembed.message_passing.messages import Messages
    >>> messages = Messages(np.array([0, 2]), np.array([1, 2]), 3)
    >>> SAGELayer(4, 2)(torch.ones(3, 4), messages).shape
    torch.Size([1, 2])
    """

    def __init__(self, n_in: int, n_out: int, aggregator: str = "mean") -> None:
        super().__init__()
        if aggregator not in AGGREGATORS:
            raise ValueError(
                f"Unknown aggregator {aggregator!r} (known: {', '.join(AGGREGATORS)})."
            )
        self.aggregator = aggregator
        self.lin_l = _weights(n_in, n_out)
        self.lin_r = None if aggregator == "gcn" else _weights(n_in, n_out, bias=False)

    def forward(self, H: Rows, messages: Messages, n_jobs: int | None = -1) -> Tensor:
        """Return rows of targets (n_targets, n_out) from rows of sources (n_sources, n_in)."""
        weight, bias = self.lin_l.weight, self.lin_l.bias
        kind = self.aggregator
        if kind == "max" and isinstance(H, SparseMatrix):
            H = dense(H, weight)
        if linear_first(weight.shape, kind, sparse=isinstance(H, SparseMatrix)):
            out = aggregate(messages, times(H, weight, None, n_jobs), kind, n_jobs=n_jobs) + bias
        else:
            heard = aggregate(messages, cast(Tensor, H), kind, n_jobs=n_jobs)
            out = linear(heard, weight, bias, n_jobs=n_jobs)
        if self.lin_r is not None:
            out = out + times(first_rows(H, messages.n_targets), self.lin_r.weight, None, n_jobs)
        return out

    def to_torch(self) -> nn.Module:
        """Return the ``torch_geometric`` layer with equal outputs on graphs without weights."""
        n_out, n_in = self.lin_l.weight.shape
        if self.lin_r is None:
            return _Averaged(self.lin_l)
        conv: nn.Module = _made(_pyg().SAGEConv, n_in, n_out, aggr=self.aggregator)
        conv.load_state_dict(self.state_dict())
        return conv


class GCNLayer(nn.Module):
    r"""A layer of a graph convolutional network.

    .. math:: H' = D^{-1/2} (A + I) D^{-1/2} H W^T + b

    with the degrees D of A + I; a node with a loop of its own gets no second one.

    Parameters
    ----------
    n_in, n_out : int

    Attributes
    ----------
    lin : Linear
    bias : Parameter
        Names and shapes as in ``torch_geometric.nn.GCNConv``.

    References
    ----------
    Kipf, Welling (2017), Semi-Supervised Classification with Graph Convolutional Networks, ICLR.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.lin = _weights(n_in, n_out, bias=False)
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, H: Rows, messages: Messages, n_jobs: int | None = -1) -> Tensor:
        """Return rows of targets (n_targets, n_out) from rows of sources (n_sources, n_in)."""
        weight = self.lin.weight
        if linear_first(weight.shape, "symmetric", sparse=isinstance(H, SparseMatrix)):
            H = times(H, weight, None, n_jobs)
            return aggregate(messages, H, "symmetric", n_jobs=n_jobs) + self.bias
        heard = aggregate(messages, cast(Tensor, H), "symmetric", n_jobs=n_jobs)
        return linear(heard, weight, self.bias, n_jobs=n_jobs)

    def to_torch(self) -> nn.Module:
        """Return the ``torch_geometric`` layer with equal outputs."""
        n_out, n_in = self.lin.weight.shape
        conv: nn.Module = _made(_pyg().GCNConv, n_in, n_out)
        conv.load_state_dict(self.state_dict())
        return conv


class PyGLayer(nn.Module):
    """A convolution of ``torch_geometric`` that takes (sources, targets) and an edge index.

    It sees no weights of edges. Sparse features are made dense.

    Parameters
    ----------
    conv : torch_geometric.nn.MessagePassing
    """

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, H: Rows, messages: Messages, n_jobs: int | None = -1) -> Tensor:  # noqa: ARG002
        """Return rows of targets (n_targets, n_out) from rows of sources (n_sources, n_in)."""
        if isinstance(H, SparseMatrix):
            H = dense(H, next(self.parameters()))
        edges = torch.from_numpy(messages.edge_index).to(H.device)
        out: Tensor = self.conv((H, H[: messages.n_targets]), edges)
        return out

    def to_torch(self) -> nn.Module:
        """Return a copy of the convolution."""
        return copy.deepcopy(self.conv)


def gat_layer(n_in: int, n_out: int, *, last: bool) -> PyGLayer:
    """Return a layer of graph attention: 8 heads side by side, or 1.

    Parameters
    ----------
    n_in, n_out : int
        8 heads have ``n_out / 8`` columns each; if that is not whole, there is 1.
    last : bool
        Whether no layer and no activation comes after it: such a layer has 1 head.

    References
    ----------
    Velickovic et al. (2018), Graph Attention Networks, ICLR.
    """
    heads = 1 if last or n_out % 8 else 8
    return PyGLayer(_made(_pyg().GATConv, n_in, n_out // heads, heads=heads))


def gin_layer(n_in: int, n_out: int) -> PyGLayer:
    """Return a layer of a graph isomorphism network, with two linear maps and a learned epsilon.

    References
    ----------
    Xu et al. (2019), How Powerful are Graph Neural Networks?, ICLR.
    """
    maps = nn.Sequential(_weights(n_in, n_out), nn.ReLU(), _weights(n_out, n_out))
    return PyGLayer(_made(_pyg().GINConv, maps, train_eps=True))


def reset_parameters(module: nn.Module, generator: torch.Generator) -> None:
    """Draw new weights by Glorot's uniform rule; biases and epsilons are 0, slopes 0.25."""
    for name, parameter in module.named_parameters():
        with torch.no_grad():
            if parameter.dim() > 1:
                limit = math.sqrt(6 / (parameter.shape[-1] + parameter.shape[-2]))
                drawn = torch.empty(parameter.shape).uniform_(-limit, limit, generator=generator)
                parameter.copy_(drawn)
            else:
                parameter.fill_(0.25 if name.startswith("activations.") else 0.0)


def linear_first(shape: tuple[int, ...], kind: str, *, sparse: bool) -> bool:
    """Whether to multiply with a weight (n_out, n_in) before aggregating: if that is cheaper."""
    return kind != "max" and (sparse or shape[0] < shape[1])


def times(H: Rows, weight: Tensor, bias: Tensor | None, n_jobs: int | None) -> Tensor:
    """Return ``H @ weight.T + bias`` of dense or sparse rows."""
    if isinstance(H, SparseMatrix):
        return sparse_linear(H, weight, bias, n_jobs=n_jobs)
    return linear(H, weight, bias, n_jobs=n_jobs)


def first_rows(H: Rows, n_rows: int) -> Rows:
    """Return the first rows of a dense or sparse matrix."""
    if isinstance(H, SparseMatrix):
        return H.head(n_rows)
    return H if n_rows == len(H) else H[:n_rows]


def dense(H: SparseMatrix, like: Tensor) -> Tensor:
    """Return sparse rows as a dense tensor on the device of another one."""
    return torch.from_numpy(H.toarray()).to(like.device, like.dtype)


class _Averaged(nn.Module):
    """What ``aggregator="gcn"`` is in torch_geometric: the mean of a node and its neighbours."""

    def __init__(self, lin: nn.Linear) -> None:
        super().__init__()
        self.conv = _pyg().SimpleConv(aggr="mean", combine_root="self_loop")
        self.lin_l = copy.deepcopy(lin)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        out: Tensor = self.lin_l(self.conv(x, edge_index))
        return out


def _weights(n_in: int, n_out: int, *, bias: bool = True) -> nn.Linear:
    """Return a linear map with any weights; torch's own generator is left alone."""
    # Not by skip_init: at its first call it imports sympy, which takes half a second.
    made: nn.Linear = _made(nn.Linear, n_in, n_out, bias=bias)
    return made


def _pyg() -> Any:
    """Return ``torch_geometric.nn``, which uses what torch deprecates, once, when imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import torch_geometric.nn
    return torch_geometric.nn


def _made(kind: Any, *args: Any, **options: Any) -> Any:
    """Make a module without touching torch's own generator."""
    with torch.random.fork_rng(devices=[]):
        return kind(*args, **options)
