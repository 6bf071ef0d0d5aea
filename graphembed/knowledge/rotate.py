"""RotatE: a relation rotates each complex component of the head."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from graphembed.knowledge.base import KnowledgeEmbedder
from graphembed.knowledge.formula import Formula, RowGradients, Rows
from graphembed.knowledge.initial import uniform_rows
from graphembed.knowledge.interactions import Modulus, Queries
from graphembed.knowledge.presets import Presets
from graphembed.knowledge.rows import (
    check_complex,
    complex_halves,
    complex_product,
    relation_gradient,
)


class RotatEFormula(Formula):
    r""":math:`-\sum_j |h_j e^{i \theta_j} - t_j|`.

    A relation is its angles :math:`\theta`, half as many columns as an entity has.

    Parameters
    ----------
    n_components : int
        Real columns of an entity, even: real parts in the first half, imaginary in the second.
    initial_bound : float, optional
        First values of entities are uniform up to it; by default :math:`4 / n_{components}`, that
        of the authors without a margin.
    """

    def __init__(self, n_components: int, initial_bound: float | None = None) -> None:
        check_complex(n_components)
        self.n_components = n_components
        self.initial_bound = 4 / n_components if initial_bound is None else initial_bound
        self.entity_width, self.relation_width = n_components, n_components // 2
        self.interaction = Modulus()

    def initial_entities(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return uniform complex numbers."""
        return uniform_rows(key, rows, self.n_components, self.initial_bound)

    def initial_relations(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return uniform angles."""
        return uniform_rows(key, rows, self.relation_width, math.pi)

    def tail_queries(self, heads: Rows, relations: Rows) -> Queries:
        """Return h, turned."""
        return Queries(complex_product(heads, _rotations(relations)))

    def tail_queries_backward(self, heads: Rows, relations: Rows, grads: Queries) -> RowGradients:
        """Return the gradients by h and the angles."""
        rotations = _rotations(relations)
        turned = complex_product(heads, rotations)
        return RowGradients(
            complex_product(grads.vectors, rotations, conjugate=True),
            relation_gradient(relations, _torque(turned, grads.vectors)),
        )

    def head_queries(self, tails: Rows, relations: Rows) -> Queries:
        """Return t, turned back."""
        return self.tail_queries(tails, -relations)

    def head_queries_backward(self, tails: Rows, relations: Rows, grads: Queries) -> RowGradients:
        """Return the gradients by t and the angles."""
        by_tails, by_inverses = self.tail_queries_backward(tails, -relations, grads)
        return RowGradients(by_tails, -by_inverses)


def _rotations(angles: Rows) -> Rows:
    return np.hstack([np.cos(angles), np.sin(angles)])


def _torque(turned: Rows, grads: Rows) -> Rows:
    """Return the gradient by the angles: that by the turned rows, along the turn."""
    (real, imag), (by_real, by_imag) = complex_halves(turned), complex_halves(grads)
    return by_imag * real - by_real * imag


@dataclass(repr=False, eq=False)
class RotatE(KnowledgeEmbedder):
    r"""A relation rotates each complex component of the head.

    .. math:: f(h, r, t) = -\sum_j |h_j e^{i \theta_j} - t_j|

    Rotations can be symmetric (by half a turn), undo each other, and be composed. ``n_components``
    counts real columns, two for each complex number, so it must be even.

    Parameters
    ----------
    {common}

    Attributes
    ----------
    embedding_ : ndarray of shape (n_entities, n_components), float32
        The real parts in the first half of the columns, the imaginary parts in the second.
    relation_embedding_ : ndarray of shape (n_relations, n_components / 2), float32
        The angles :math:`\theta`, in radians.

    References
    ----------
    Sun, Deng, Nie and Tang (2019), RotatE: Knowledge Graph Embedding by Relational Rotation in
    Complex Space, ICLR.

    Examples
    --------
    >>> from graphembed.knowledge.rotate import RotatE
    >>> triples = [("rome", "in", "italy"), ("pisa", "in", "italy"), ("oslo", "in", "norway")]
    >>> model = RotatE(n_components=8, random_state=0).fit(triples)
    >>> model.predict_tails("pisa", "in", k=1, exclude_known=False).ids
    array([['italy']], dtype=object)
    >>> model.embedding_.shape, model.relation_embedding_.shape
    ((5, 8), (1, 4))
    """

    geometry: ClassVar[str] = "euclidean"
    _presets: ClassVar[Presets] = {
        "medium": {
            "loss": "self_adversarial",
            "margin": 6.0,
            "n_negatives": 250,
            "optimizer": "dense_adam",
            "learning_rate": 0.003,
            "n_epochs": 100,
        },
        "large": {
            "loss": "self_adversarial",
            "margin": 6.0,
            "n_negatives": 256,
            "optimizer": "dense_adam",
            "learning_rate": 0.004,
            "batch_size": 1024,
            "n_epochs": 40,
        },
    }

    def _formula(self) -> RotatEFormula:
        return RotatEFormula(self.n_components)
