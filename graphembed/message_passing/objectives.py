"""What message passing is trained for: scores of pairs, mutual information, classes."""

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from graphembed.message_passing.encoder import Encoder

SIMILARITIES = ("cosine", "dot")
NEVER = -1e4  # a score so low that its sigmoid is 0


def binary_loss(positive: Tensor, negative: Tensor, of_pair: Tensor) -> Tensor:
    r"""Return the mean binary cross entropy of pairs and of their negatives.

    .. math:: -\log \sigma(s_{uv}) - \frac{1}{K} \sum_n \log \sigma(-s_{un})

    Parameters
    ----------
    positive : Tensor of shape (n_pairs,)
        Scores of pairs that belong together.
    negative : Tensor of shape (n_firsts, n_negatives)
        Scores of each node that is first in some pair with nodes that were drawn; those with
        itself are ``NEVER``.
    of_pair : Tensor of shape (n_pairs,), int64
        The row of ``negative`` of each pair.

    Returns
    -------
    Tensor of shape (n_pairs,)
    """
    n_others = (negative > NEVER).sum(dim=1).clamp(min=1)
    told = F.softplus(negative).sum(dim=1) / n_others
    return F.softplus(-positive) + told.index_select(0, of_pair)


def contrastive_loss(positive: Tensor, negative: Tensor, of_pair: Tensor) -> Tensor:
    r"""Return the cross entropy of choosing the pair among its negatives (InfoNCE).

    .. math:: -\log \frac{e^{s_{uv}}}{e^{s_{uv}} + \sum_n e^{s_{un}}}

    Parameters
    ----------
    positive, negative, of_pair
        As in :func:`binary_loss`.

    Returns
    -------
    Tensor of shape (n_pairs,)

    References
    ----------
    van den Oord, Li and Vinyals (2018), Representation Learning with Contrastive Predictive Coding.
    """
    told = torch.logsumexp(negative, dim=1).index_select(0, of_pair)
    return torch.logaddexp(positive, told) - positive


LOSSES = {"bce": binary_loss, "infonce": contrastive_loss}


class PairHead(nn.Module):
    r"""Scores of pairs of vectors.

    .. math:: s_{uv} = \frac{\cos(z_u, z_v)}{t} + b \quad\text{or}\quad s_{uv} = z_u \cdot z_v

    The temperature t and the offset b are learned: cosines alone, which end at 1, would leave
    every sigmoid undecided.

    Parameters
    ----------
    similarity : {"cosine", "dot"}
    loss : {"bce", "infonce"}
    temperature : float
        The first t.
    """

    def __init__(self, similarity: str, loss: str, temperature: float) -> None:
        super().__init__()
        self.similarity, self.loss = similarity, loss
        if similarity == "cosine":
            self.log_temperature = nn.Parameter(torch.tensor(math.log(temperature)))
            self.offset = nn.Parameter(torch.tensor(0.0))

    def forward(self, Z: Tensor, pairs: Tensor, negatives: Tensor) -> Tensor:
        """Return the mean loss of pairs that share their negatives.

        Parameters
        ----------
        Z : Tensor of shape (n_rows, n_components)
        pairs : Tensor of shape (n_pairs, 2), int64
            Rows of Z.
        negatives : Tensor of shape (n_negatives,), int64
            Rows of Z.
        """
        Z = self._prepared(Z)
        first, of_pair = torch.unique(pairs[:, 0], return_inverse=True)
        positive = self._scaled(self._products(Z, pairs))
        negative = self._scaled(Z.index_select(0, first) @ Z.index_select(0, negatives).T)
        negative = negative.masked_fill(first[:, None] == negatives, NEVER)
        return LOSSES[self.loss](positive, negative, of_pair).mean()

    def scores(self, Z: Tensor, pairs: Tensor) -> Tensor:
        """Return the similarity of each pair of rows, shape (n_pairs,)."""
        return self._products(self._prepared(Z), pairs)

    @staticmethod
    def _products(Z: Tensor, pairs: Tensor) -> Tensor:
        # index_select rather than Z[index]: its gradient is several times as fast.
        u, v = (Z.index_select(0, rows) for rows in pairs.unbind(dim=1))
        return (u * v).sum(dim=1)

    def _prepared(self, Z: Tensor) -> Tensor:
        return F.normalize(Z.float(), dim=1) if self.similarity == "cosine" else Z.float()

    def _scaled(self, products: Tensor) -> Tensor:
        if self.similarity == "dot":
            return products
        return products * torch.exp(-self.log_temperature) + self.offset


class InfomaxHead(nn.Module):
    r"""Tells vectors of a graph from those of shuffled features, beside a summary of the graph.

    .. math:: s_i = h_i^\top W \sigma\left(\frac{1}{n} \sum_j h_j\right)

    Parameters
    ----------
    n_components : int

    References
    ----------
    Veličković, Fedus, Hamilton, Liò, Bengio and Hjelm (2019), Deep Graph Infomax, ICLR.
    """

    def __init__(self, n_components: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_components, n_components))

    def forward(self, real: Tensor, shuffled: Tensor) -> Tensor:
        """Return the mean binary cross entropy over both."""
        real, shuffled = real.float(), shuffled.float()
        summary = self.weight @ torch.sigmoid(real.mean(dim=0))
        return (F.softplus(-(real @ summary)).mean() + F.softplus(shuffled @ summary).mean()) / 2


class ClassHead(nn.Module):
    """A last layer of message passing, which tells classes.

    Parameters
    ----------
    layer : Encoder
        Of one layer, from vectors to scores of the classes.
    multilabel : bool
        Whether a node has any number of the classes; else it has exactly one.
    """

    def __init__(self, layer: Encoder, multilabel: bool) -> None:
        super().__init__()
        self.layer, self.multilabel = layer, multilabel

    def forward(self, Z: Tensor, blocks: Any, generator: torch.Generator | None = None) -> Tensor:
        """Return the scores of the classes, shape (n_targets, n_classes)."""
        scores: Tensor = self.layer(Z, blocks, generator)
        return scores.float()

    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross entropy.

        Parameters
        ----------
        scores : Tensor of shape (n_rows, n_classes)
        targets : Tensor of shape (n_rows,), int64, or (n_rows, n_classes), float32
        """
        if self.multilabel:
            return F.binary_cross_entropy_with_logits(scores, targets)
        return F.cross_entropy(scores, targets)
