"""RotE: a relation is a rotation and a translation of Euclidean space."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from graphembed.knowledge.ball import Points, rotate, rotate_backward
from graphembed.knowledge.base import KnowledgeEmbedder
from graphembed.knowledge.interactions import Euclidean
from graphembed.knowledge.isometry import PRESETS, IsometryFormula, Motion
from graphembed.knowledge.presets import Presets


class RotEFormula(IsometryFormula):
    """What :class:`RotE` computes."""

    curved = False

    def __init__(self, n_components: int) -> None:
        super().__init__(n_components)
        self.interaction = Euclidean(squared=True)

    def move(self, heads: Points, motion: Motion) -> Points:
        """Rotate, then translate."""
        return rotate(heads, motion.planes[0]) + motion.vectors[0]

    def move_backward(self, heads: Points, motion: Motion, grads: Points) -> tuple[Points, Motion]:
        """Return the gradients by heads and motion."""
        by_heads, by_planes = rotate_backward(heads, motion.planes[0], grads)
        return by_heads, Motion([grads], [by_planes], np.empty(0))


@dataclass(repr=False, eq=False)
class RotE(KnowledgeEmbedder):
    r"""A relation rotates the head and translates it: RotatE with translations and biases.

    .. math:: f(h, r, t) = -\| \mathrm{Rot}(\theta_r) h + b_r - t \|^2 + \beta_h + \beta'_t

    The rotation turns each of ``n_components // 2`` planes by an angle of its own. Every entity
    has two biases, one as head of a question and one as candidate for an answer.

    Parameters
    ----------
    {common}

    Attributes
    ----------
    embedding_ : ndarray of shape (n_entities, n_components), float32
        Vectors.
    relation_embedding_ : ndarray of shape (n_relations, relation_width), float32
        Columns: the translation, then the directions of the rotations in the plane (see
        :func:`graphembed.knowledge.ball.rotate`).

    References
    ----------
    Chami et al. (2020), Low-Dimensional Hyperbolic Knowledge Graph Embeddings, ACL.

    Examples
    --------
    >>> from graphembed import datasets
    >>> from graphembed.knowledge.rote import RotE
    >>> packages = datasets.load("debian").graph.to_frame()
    >>> enhances = packages[packages.relation == "Enhances"][["source", "relation", "target"]]
    >>> model = RotE(n_components=8, n_epochs=2, random_state=0).fit(enhances)
    >>> model.embedding_.shape
    (2168, 8)
    >>> model.predict_tails("timidity", "Enhances", k=3).ids.shape
    (1, 3)
    """

    geometry: ClassVar[str] = "euclidean"
    _presets: ClassVar[Presets] = PRESETS
    n_components: int = 32

    def _formula(self) -> RotEFormula:
        return RotEFormula(self.n_components)
