"""The encoder: layers of message passing, one after the other."""

import copy
from collections.abc import Sequence
from typing import Any

import scipy.sparse as sp
import torch
from torch import Tensor, nn

from graphembed.message_passing.autograd import (
    Messages,
    SparseMatrix,
    dropout,
    sparse_dropout,
)
from graphembed.message_passing.block import Block
from graphembed.message_passing.layers import (
    GCNLayer,
    SAGELayer,
    gat_layer,
    gin_layer,
    reset_parameters,
)

CONVS = ("sage", "gcn", "gat", "gin")
ACTIVATIONS = ("relu", "prelu", "elu")


class Encoder(nn.Module):
    """Rows of features to rows of an embedding, each from its node's neighbourhood.

    Parameters
    ----------
    n_features, n_hidden, n_components : int
        Columns of the features, between layers, and of the embedding.
    n_layers : int, default=2
    conv : {"sage", "gcn", "gat", "gin"}, default="sage"
    aggregator : {"mean", "max", "sum", "gcn"}, default="mean"
        Of ``conv="sage"``.
    dropout : float, default=0.0
        Share of each layer's input that is set to 0 in training.
    activation : {"relu", "prelu", "elu"}, default="relu"
        Between layers.
    activate_output : bool, default=False
        Whether after the last layer, too.
    n_jobs : int or None, default=-1
        Threads; the result does not depend on them.

    Attributes
    ----------
    layers, activations : ModuleList
        Of ``n_layers`` modules; after a layer without activation comes the identity.
    widths : list of int
        Columns of the features, and of what each layer makes of them.

    Examples
    --------
    >>> import torch
    >>> import graphembed as ge
    >>> from graphembed.message_passing.block import Block
    >>> from graphembed.message_passing.encoder import Encoder
    >>> block = Block.full(ge.Graph.from_edges([0, 1], [1, 2]))
    >>> encoder = Encoder(8, 16, 4)
    >>> encoder(torch.ones(3, 8), [block, block]).shape
    torch.Size([3, 4])
    """

    def __init__(
        self,
        n_features: int,
        n_hidden: int,
        n_components: int,
        n_layers: int = 2,
        *,
        conv: str = "sage",
        aggregator: str = "mean",
        dropout: float = 0.0,
        activation: str = "relu",
        activate_output: bool = False,
        n_jobs: int | None = -1,
    ) -> None:
        super().__init__()
        self.conv, self.dropout, self.n_jobs = conv, dropout, n_jobs
        self.widths = widths = [n_features, *[n_hidden] * (n_layers - 1), n_components]
        layers, activations = [], []
        for number in range(n_layers):
            last = number == n_layers - 1
            n_in, n_out = widths[number : number + 2]
            active = not last or activate_output
            layers.append(_layer(conv, n_in, n_out, aggregator, last=not active))
            activations.append(_activation(activation, n_out) if active else nn.Identity())
        self.layers, self.activations = nn.ModuleList(layers), nn.ModuleList(activations)
        self.reset_parameters(torch.Generator().manual_seed(0))

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw all weights anew."""
        reset_parameters(self, generator)

    def forward(
        self,
        X: Any,
        blocks: Sequence[Messages | Block],
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return rows of the last block's targets, of shape (n_targets, n_components).

        Parameters
        ----------
        X : Tensor, SparseMatrix or CSR array of shape (n_sources, n_features)
            Rows of the first block's sources. What is called again and again with the same sparse
            features is faster with a SparseMatrix, which keeps its transposed matrix.
        blocks : sequence of Messages or Block
            One for each layer. ``conv="gcn"`` needs Messages that know their degrees, unless every
            block is of the whole graph. Messages keep what they computed: make them once.
        generator : torch.Generator, optional
            Of dropout.
        """
        H: Any = SparseMatrix.from_scipy(X) if sp.issparse(X) else X
        p = self.dropout if self.training else 0.0
        for layer, activation, block in zip(self.layers, self.activations, blocks, strict=True):
            messages = block if isinstance(block, Messages) else Messages.from_block(block)
            drop: Any = sparse_dropout if isinstance(H, SparseMatrix) else dropout
            H = drop(H, p, generator, n_jobs=self.n_jobs)
            H = activation(layer(H, messages, self.n_jobs))
        out: Tensor = H
        return out

    def then(self, other: "Encoder") -> "Encoder":
        """Return an encoder of these layers, and then of another's; weights are shared."""
        both = copy.copy(self)
        # A shallow copy has this module's own dict of parts, in which they would be replaced.
        both.__dict__["_modules"] = dict(self._modules)
        both.widths = self.widths + other.widths[1:]
        both.layers = nn.ModuleList([*self.layers, *other.layers])
        both.activations = nn.ModuleList([*self.activations, *other.activations])
        return both

    def to_torch(self) -> nn.Module:
        """Return a module of ``torch_geometric`` layers: ``module(x, edge_index)``.

        Its outputs are those of this encoder on graphs without weights.
        """
        return TorchEncoder(self)


class TorchEncoder(nn.Module):
    """The layers of an encoder as ``torch_geometric`` has them.

    Parameters
    ----------
    encoder : Encoder
        Its weights are copied.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.dropout = nn.Dropout(encoder.dropout)
        self.convs = nn.ModuleList([layer.to_torch() for layer in encoder.layers])  # type: ignore[operator]
        self.activations = copy.deepcopy(encoder.activations)
        self.train(encoder.training)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Return the embedding of all nodes.

        Parameters
        ----------
        x : Tensor of shape (n_nodes, n_features)
        edge_index : Tensor of shape (2, n_edges), int64
            Senders above, hearers below.
        """
        for conv, activation in zip(self.convs, self.activations, strict=True):
            x = activation(conv(self.dropout(x), edge_index))
        return x


def _layer(conv: str, n_in: int, n_out: int, aggregator: str, *, last: bool) -> nn.Module:
    if conv == "sage":
        return SAGELayer(n_in, n_out, aggregator)
    if conv == "gcn":
        return GCNLayer(n_in, n_out)
    if conv == "gat":
        return gat_layer(n_in, n_out, last=last)
    if conv == "gin":
        return gin_layer(n_in, n_out)
    raise ValueError(f"Unknown conv {conv!r} (known: {', '.join(CONVS)}).")


def _activation(name: str, width: int) -> nn.Module:
    if name == "relu":
        return nn.ReLU()
    if name == "elu":
        return nn.ELU()
    if name == "prelu":
        return nn.PReLU(width)
    raise ValueError(f"Unknown activation {name!r} (known: {', '.join(ACTIVATIONS)}).")
