"""AttH: a relation mixes a rotation and a reflection by attention, and translates the result."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from graphembed.knowledge.ball import (
    Points,
    exp_0,
    exp_0_backward,
    mobius_add,
    mobius_add_backward,
    reflect,
    reflect_backward,
    rotate,
    rotate_backward,
)
from graphembed.knowledge.base import KnowledgeEmbedder
from graphembed.knowledge.hyperbolic_interaction import Hyperbolic
from graphembed.knowledge.isometry import PRESETS, IsometryFormula, Motion
from graphembed.knowledge.presets import Presets


class AttHFormula(IsometryFormula):
    """What :class:`AttH` computes."""

    n_vectors = 2
    n_planes = 2

    def __init__(self, n_components: int) -> None:
        super().__init__(n_components)
        self.interaction = Hyperbolic()

    def move(self, heads: Points, motion: Motion) -> Points:
        """Mix what the rotation and the reflection give, then translate in the ball."""
        (translation, attention), c = motion.vectors, motion.curvatures
        mixed, _, _ = _mix(heads, motion, attention)
        return mobius_add(exp_0(mixed, c), exp_0(translation, c), c)

    def move_backward(self, heads: Points, motion: Motion, grads: Points) -> tuple[Points, Motion]:
        """Return the gradients by heads and motion."""
        (translation, attention), c = motion.vectors, motion.curvatures
        mixed, difference, weights = _mix(heads, motion, attention)
        by_head, by_move, by_c = mobius_add_backward(
            exp_0(mixed, c), exp_0(translation, c), c, grads
        )
        by_translation, more = exp_0_backward(translation, c, by_move)
        by_mixed, most = exp_0_backward(mixed, c, by_head)

        by_logits = weights * (1 - weights) * _dots(by_mixed, difference)
        by_logits /= math.sqrt(self.n_components)
        pull = by_logits * attention
        rotated_grads = weights * by_mixed
        reflected_grads = by_mixed - rotated_grads
        rotated_grads += pull
        reflected_grads -= pull
        by_heads, by_rotation = rotate_backward(heads, motion.planes[0], rotated_grads)
        by_heads_too, by_reflection = reflect_backward(heads, motion.planes[1], reflected_grads)
        by_heads += by_heads_too
        return by_heads, Motion(
            [by_translation, by_logits * difference],
            [by_rotation, by_reflection],
            by_c + more + most,
        )


def _mix(heads: Points, motion: Motion, attention: Points) -> tuple[Points, Points, Points]:
    """Return the mixture, rotation minus reflection, and the weight of the rotation, (n, 1)."""
    rotation, reflection = motion.planes
    reflected = reflect(heads, reflection)
    difference = rotate(heads, rotation) - reflected
    logits = _dots(attention, difference) / math.sqrt(heads.shape[1])
    weights = 0.5 + 0.5 * np.tanh(0.5 * logits)
    return reflected + weights * difference, difference, weights


def _dots(a: Points, b: Points) -> Points:
    products: Points = np.einsum("ij,ij->i", a, b)[:, None]
    return products


@dataclass(repr=False, eq=False)
class AttH(KnowledgeEmbedder):
    r"""A relation mixes a rotation and a reflection of the head, in a ball of its own curvature.

    .. math:: f(h, r, t) &= -d_{c_r}\big(\exp_0(\alpha_1 x_1 + \alpha_2 x_2) \oplus \exp_0 b_r,
                            \exp_0 t\big)^2 + \beta_h + \beta'_t \\
              x_1 &= \mathrm{Rot}(\theta_r) h, \quad x_2 = \mathrm{Ref}(\phi_r) h, \quad
              \alpha = \mathrm{softmax}(a_r \cdot x_1 / \sqrt d, \; a_r \cdot x_2 / \sqrt d)

    d is the distance in hyperbolic space of the curvature :math:`-c_r`, which is learned;
    :math:`\oplus` is its translation, and :math:`\exp_0` maps vectors, in which all parameters are
    stored, into it. The attention :math:`\alpha` lets a relation be partly symmetric.

    Parameters
    ----------
    {common}

    Attributes
    ----------
    embedding_ : ndarray of shape (n_entities, n_components), float32
        Vectors in the tangent space at 0.
    relation_embedding_ : ndarray of shape (n_relations, relation_width), float32
        Columns: the translation, the vector of attention, the directions of the rotations and of
        the reflections (see :func:`graphembed.knowledge.ball.rotate`), the number whose softplus
        is the curvature.

    References
    ----------
    Chami et al. (2020), Low-Dimensional Hyperbolic Knowledge Graph Embeddings, ACL.

    Examples
    --------
    >>> from graphembed import datasets
    >>> from graphembed.knowledge.atth import AttH
    >>> packages = datasets.load("debian").graph.to_frame()
    >>> enhances = packages[packages.relation == "Enhances"][["source", "relation", "target"]]
    >>> model = AttH(n_components=8, n_epochs=2, random_state=0).fit(enhances)
    >>> model.embedding_.shape
    (2168, 8)
    >>> model.predict_tails("timidity", "Enhances", k=3).ids.shape
    (1, 3)
    """

    geometry: ClassVar[str] = "euclidean"
    _presets: ClassVar[Presets] = PRESETS
    n_components: int = 32

    def _formula(self) -> AttHFormula:
        return AttHFormula(self.n_components)
