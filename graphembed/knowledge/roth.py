"""RotH: a relation is a rotation between two translations of hyperbolic space."""

from dataclasses import dataclass
from typing import ClassVar

from graphembed.knowledge.ball import (
    Points,
    exp_0,
    exp_0_backward,
    mobius_add,
    mobius_add_backward,
    rotate,
    rotate_backward,
)
from graphembed.knowledge.base import KnowledgeEmbedder
from graphembed.knowledge.hyperbolic_interaction import Hyperbolic
from graphembed.knowledge.isometry import PRESETS, IsometryFormula, Motion
from graphembed.knowledge.presets import Presets


class RotHFormula(IsometryFormula):
    """What :class:`RotH` computes."""

    n_vectors = 2

    def __init__(self, n_components: int) -> None:
        super().__init__(n_components)
        self.interaction = Hyperbolic()

    def move(self, heads: Points, motion: Motion) -> Points:
        """Translate, rotate and translate in the ball."""
        c = motion.curvatures
        before, after = (exp_0(vector, c) for vector in motion.vectors)
        moved = mobius_add(exp_0(heads, c), before, c)
        return mobius_add(rotate(moved, motion.planes[0]), after, c)

    def move_backward(self, heads: Points, motion: Motion, grads: Points) -> tuple[Points, Motion]:
        """Return the gradients by heads and motion."""
        (planes,), c = motion.planes, motion.curvatures
        head = exp_0(heads, c)
        before, after = (exp_0(vector, c) for vector in motion.vectors)
        moved = mobius_add(head, before, c)
        by_rotated, by_after, by_c = mobius_add_backward(rotate(moved, planes), after, c, grads)
        by_moved, by_planes = rotate_backward(moved, planes, by_rotated)
        by_head, by_before, more = mobius_add_backward(head, before, c, by_moved)
        by_c += more
        by_inputs = []
        for tangents, by_points in zip(
            (heads, *motion.vectors), (by_head, by_before, by_after), strict=True
        ):
            by_tangents, more = exp_0_backward(tangents, c, by_points)
            by_inputs.append(by_tangents)
            by_c += more
        by_heads, *by_vectors = by_inputs
        return by_heads, Motion(by_vectors, [by_planes], by_c)


@dataclass(repr=False, eq=False)
class RotH(KnowledgeEmbedder):
    r"""A relation rotates the head between two translations in a ball of its own curvature.

    .. math:: f(h, r, t) = -d_{c_r}\big(\mathrm{Rot}(\theta_r)(\exp_0 h \oplus \exp_0 a_r)
                           \oplus \exp_0 b_r, \exp_0 t\big)^2 + \beta_h + \beta'_t

    d is the distance in hyperbolic space of the curvature :math:`-c_r`, which is learned;
    :math:`\oplus` is its translation, and :math:`\exp_0` maps vectors, in which all parameters are
    stored, into it. Space that grows exponentially has room for hierarchies in few dimensions.

    Parameters
    ----------
    {common}

    Attributes
    ----------
    embedding_ : ndarray of shape (n_entities, n_components), float32
        Vectors in the tangent space at 0.
    relation_embedding_ : ndarray of shape (n_relations, relation_width), float32
        Columns: both translations, the directions of the rotations (see
        :func:`graphembed.knowledge.ball.rotate`), the number whose softplus is the curvature.

    References
    ----------
    Chami et al. (2020), Low-Dimensional Hyperbolic Knowledge Graph Embeddings, ACL.

    Examples
    --------
    >>> from graphembed import datasets
    >>> from graphembed.knowledge.roth import RotH
    >>> packages = datasets.load("debian").graph.to_frame()
    >>> enhances = packages[packages.relation == "Enhances"][["source", "relation", "target"]]
    >>> model = RotH(n_components=8, n_epochs=2, random_state=0).fit(enhances)
    >>> model.embedding_.shape
    (2168, 8)
    >>> model.predict_tails("timidity", "Enhances", k=3).ids.shape
    (1, 3)
    """

    geometry: ClassVar[str] = "euclidean"
    _presets: ClassVar[Presets] = PRESETS
    n_components: int = 32

    def _formula(self) -> RotHFormula:
        return RotHFormula(self.n_components)
