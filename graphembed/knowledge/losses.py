"""Losses of a positive score against negative ones, with their gradients in closed form."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from graphembed.kernels import losses as kernels

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Loss(ABC):
    """A loss of each positive score, given the scores of its negatives; larger scores are likelier.

    Attributes
    ----------
    name : str
        The loss in :data:`LOSSES`.
    """

    name: ClassVar[str]

    def apply(
        self, positive: Floats, negative: Floats, grad_positive: Floats, grad_negative: Floats
    ) -> float:
        """Return the sum of the losses of all positives and write their gradients.

        Parameters
        ----------
        positive : ndarray of shape (n,), float32
        negative : ndarray of shape (n, n_negatives), float32
            A score of minus infinity takes no part, and its gradient is 0.
        grad_positive : ndarray of shape (n,), float32
            Written.
        grad_negative : ndarray of shape (n, n_negatives), float32
            Written; may be ``negative`` itself.

        Returns
        -------
        float
            NaN if a score is NaN.
        """
        losses = np.empty_like(positive)
        self._write(positive, negative, grad_positive, grad_negative, losses)
        return float(losses.sum(dtype=np.float64))

    @abstractmethod
    def _write(
        self,
        positive: Floats,
        negative: Floats,
        grad_positive: Floats,
        grad_negative: Floats,
        losses: Floats,
    ) -> None:
        """Write the gradients, and the loss of each positive."""


@dataclass(frozen=True)
class Margin(Loss):
    r"""The margin ranking loss, :math:`\frac1K \sum_j \max(0, \gamma - s + s_j)`.

    References
    ----------
    Bordes et al. (2013), Translating Embeddings for Modeling Multi-relational Data, NeurIPS.
    """

    name: ClassVar[str] = "margin"
    margin: float = 1.0

    def _write(
        self,
        positive: Floats,
        negative: Floats,
        grad_positive: Floats,
        grad_negative: Floats,
        losses: Floats,
    ) -> None:
        margin = np.float32(self.margin)
        kernels.margin(positive, negative, margin, grad_positive, grad_negative, losses)


@dataclass(frozen=True)
class Logistic(Loss):
    r"""The logistic loss, :math:`\log(1 + e^{-s}) + \frac wK \sum_j \log(1 + e^{s_j})`.

    The weight w of the negatives together is ``negative_weight``.

    References
    ----------
    Trouillon et al. (2016), Complex Embeddings for Simple Link Prediction, ICML.
    """

    name: ClassVar[str] = "logistic"
    negative_weight: float = 1.0

    def _write(
        self,
        positive: Floats,
        negative: Floats,
        grad_positive: Floats,
        grad_negative: Floats,
        losses: Floats,
    ) -> None:
        kernels.logistic(
            positive, negative, np.float32(self.negative_weight), grad_positive, grad_negative,
            losses,
        )  # fmt: skip


@dataclass(frozen=True)
class Softmax(Loss):
    r"""Cross entropy of the positive, :math:`-s + \log(e^s + \sum_j e^{s_j})`.

    References
    ----------
    Lacroix et al. (2018), Canonical Tensor Decomposition for Knowledge Base Completion, ICML.
    """

    name: ClassVar[str] = "softmax"

    def _write(
        self,
        positive: Floats,
        negative: Floats,
        grad_positive: Floats,
        grad_negative: Floats,
        losses: Floats,
    ) -> None:
        kernels.softmax(positive, negative, grad_positive, grad_negative, losses)


@dataclass(frozen=True)
class SelfAdversarial(Loss):
    r"""The logistic loss in which negatives weigh as likely as the model takes them to be.

    .. math:: -\log\sigma(\gamma + s) - \sum_j p_j \log\sigma(-s_j - \gamma),
        \quad p = \mathrm{softmax}(\alpha s_1, \ldots, \alpha s_K)

    There is no gradient through the weights p. The margin is :math:`\gamma`, the temperature
    (which multiplies scores, as in the paper) :math:`\alpha`.

    References
    ----------
    Sun et al. (2019), RotatE: Knowledge Graph Embedding by Relational Rotation in Complex Space,
    ICLR.
    """

    name: ClassVar[str] = "self_adversarial"
    margin: float = 1.0
    temperature: float = 1.0

    def _write(
        self,
        positive: Floats,
        negative: Floats,
        grad_positive: Floats,
        grad_negative: Floats,
        losses: Floats,
    ) -> None:
        margin, temperature = np.float32(self.margin), np.float32(self.temperature)
        kernels.self_adversarial(
            positive, negative, margin, temperature, grad_positive, grad_negative, losses
        )


LOSSES: dict[str, type[Loss]] = {
    loss.name: loss for loss in (Margin, Logistic, Softmax, SelfAdversarial)
}


def make_loss(
    name: str, *, margin: float = 1.0, temperature: float = 1.0, negative_weight: float = 1.0
) -> Loss:
    """Return a loss by its name; it takes of the settings what it has.

    Parameters
    ----------
    name : {"margin", "logistic", "softmax", "self_adversarial"}
    margin : float, default=1.0
        What the score of a positive should exceed those of negatives by (``"margin"``), or is
        added to all scores (``"self_adversarial"``).
    temperature : float, default=1.0
        Scores of negatives are multiplied by it before they weigh (``"self_adversarial"``); above
        0, larger looks at fewer of them.
    negative_weight : float, default=1.0
        Of all negatives together, where the positive has 1 (``"logistic"``).

    Raises
    ------
    ValueError
        If there is no loss of this name.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.knowledge.losses import make_loss
    >>> positive = np.array([1.0], dtype=np.float32)
    >>> negative = np.array([[0.5, -0.5]], dtype=np.float32)
    >>> grads = np.empty_like(positive), np.empty_like(negative)
    >>> make_loss("margin", margin=1.0).apply(positive, negative, *grads)
    0.25
    >>> grads
    (array([-0.5], dtype=float32), array([[0.5, 0. ]], dtype=float32))
    """
    if name not in LOSSES:
        raise ValueError(f"Unknown loss {name!r} (known: {', '.join(sorted(LOSSES))}).")
    loss = LOSSES[name]
    names = {field.name for field in fields(loss)}
    settings = {
        "margin": margin, "temperature": temperature, "negative_weight": negative_weight
    }  # fmt: skip
    return loss(**{k: v for k, v in settings.items() if k in names})
