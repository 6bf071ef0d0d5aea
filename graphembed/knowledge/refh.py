"""RefH: a relation is a reflection and a translation of hyperbolic space."""

from dataclasses import dataclass
from typing import ClassVar

from graphembed.knowledge.ball import (
    Points,
    exp_0,
    exp_0_backward,
    mobius_add,
    mobius_add_backward,
    reflect,
    reflect_backward,
)
from graphembed.knowledge.base import KnowledgeEmbedder
from graphembed.knowledge.hyperbolic_interaction import Hyperbolic
from graphembed.knowledge.isometry import PRESETS, IsometryFormula, Motion
from graphembed.knowledge.presets import Presets


class RefHFormula(IsometryFormula):
    """What :class:`RefH` computes."""

    def __init__(self, n_components: int) -> None:
        super().__init__(n_components)
        self.interaction = Hyperbolic()

    def move(self, heads: Points, motion: Motion) -> Points:
        """Reflect, then translate in the ball."""
        c = motion.curvatures
        head = exp_0(reflect(heads, motion.planes[0]), c)
        return mobius_add(head, exp_0(motion.vectors[0], c), c)

    def move_backward(self, heads: Points, motion: Motion, grads: Points) -> tuple[Points, Motion]:
        """Return the gradients by heads and motion."""
        (planes,), (translation,), c = motion.planes, motion.vectors, motion.curvatures
        mirrored = reflect(heads, planes)
        by_head, by_move, by_c = mobius_add_backward(
            exp_0(mirrored, c), exp_0(translation, c), c, grads
        )
        by_translation, more = exp_0_backward(translation, c, by_move)
        by_mirrored, most = exp_0_backward(mirrored, c, by_head)
        by_heads, by_planes = reflect_backward(heads, planes, by_mirrored)
        return by_heads, Motion([by_translation], [by_planes], by_c + more + most)


@dataclass(repr=False, eq=False)
class RefH(KnowledgeEmbedder):
    r"""A relation reflects the head and translates it in a ball of its own curvature.

    .. math:: f(h, r, t) = -d_{c_r}\big(\exp_0(\mathrm{Ref}(\phi_r) h) \oplus \exp_0 b_r,
                           \exp_0 t\big)^2 + \beta_h + \beta'_t

    d is the distance in hyperbolic space of the curvature :math:`-c_r`, which is learned;
    :math:`\oplus` is its translation, and :math:`\exp_0` maps vectors, in which all parameters are
    stored, into it. Reflections fit relations that are symmetric: they undo themselves.

    Parameters
    ----------
    {common}

    Attributes
    ----------
    embedding_ : ndarray of shape (n_entities, n_components), float32
        Vectors in the tangent space at 0.
    relation_embedding_ : ndarray of shape (n_relations, relation_width), float32
        Columns: the translation, the directions of the reflections (see
        :func:`graphembed.knowledge.ball.reflect`), the number whose softplus is the curvature.

    References
    ----------
    Chami et al. (2020), Low-Dimensional Hyperbolic Knowledge Graph Embeddings, ACL.

    Examples
    --------
    >>> from graphembed import datasets
    >>> from graphembed.knowledge.refh import RefH
    >>> packages = datasets.load("debian").graph.to_frame()
    >>> enhances = packages[packages.relation == "Enhances"][["source", "relation", "target"]]
    >>> model = RefH(n_components=8, n_epochs=2, random_state=0).fit(enhances)
    >>> model.embedding_.shape
    (2168, 8)
    >>> model.predict_tails("timidity", "Enhances", k=3).ids.shape
    (1, 3)
    """

    geometry: ClassVar[str] = "euclidean"
    _presets: ClassVar[Presets] = PRESETS
    n_components: int = 32

    def _formula(self) -> RefHFormula:
        return RefHFormula(self.n_components)
