"""TransH: translations on a hyperplane of each relation."""

from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.utils._param_validation import Options

from graphembed.knowledge.base import KnowledgeEmbedder
from graphembed.knowledge.formula import RowGradients, Rows
from graphembed.knowledge.initial import uniform_rows
from graphembed.knowledge.presets import Presets
from graphembed.knowledge.rows import norm_distance, row_products, unit_rows, weighted_rows
from graphembed.knowledge.translations import NEAR, PRESETS, ProjectedTranslation, starting_bound


class TransHFormula(ProjectedTranslation):
    r""":math:`-\|h_\perp + r - t_\perp\|` with :math:`x_\perp = x - (w \cdot x) w`.

    A relation is its translation r, then the normal w of its hyperplane, a unit vector. A part of
    the translation along the normal would add the same to all answers, so it is left free.

    Parameters
    ----------
    n_components : int
    norm : {1, 2}
    initial_bound : float, optional
        First values are uniform up to it; by default :math:`1.2 / \sqrt{n_{components}}`.
    """

    def __init__(
        self, n_components: int, norm: int = 2, initial_bound: float | None = None
    ) -> None:
        self.n_components, self.norm = n_components, norm
        self.initial_bound = starting_bound(n_components, initial_bound, NEAR)
        self.n_relation_components = n_components
        self.entity_width, self.relation_width = n_components, 2 * n_components
        self.interaction = norm_distance(norm)

    def initial_entities(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return uniform vectors, as of TransE."""
        return uniform_rows(key, rows, self.n_components, self.initial_bound)

    def initial_relations(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return translations as of TransE, and normals in all directions."""
        out = uniform_rows(key, rows, self.relation_width, self.initial_bound)
        self.constrain_relations(out)
        return out

    def project(self, entities: Rows, projections: Rows) -> Rows:
        """Return x - (w x) w."""
        return entities - row_products(entities, projections) * projections

    def project_backward(self, entities: Rows, projections: Rows, grads: Rows) -> RowGradients:
        """Return the gradients by x and w."""
        along, pull = row_products(entities, projections), row_products(grads, projections)
        by_normals = weighted_rows(projections, along, grads)
        by_normals += weighted_rows(projections, pull, entities)
        return RowGradients(grads - pull * projections, -by_normals)

    def constrain_relations(self, rows: Rows) -> None:
        """Make the normals unit vectors."""
        normals = rows[:, self.n_components :]
        normals[:] = unit_rows(normals)


@dataclass(repr=False, eq=False)
class TransH(KnowledgeEmbedder):
    r"""Translations on a hyperplane of each relation.

    .. math:: f(h, r, t) = -\|h_\perp + r - t_\perp\|, \quad x_\perp = x - (w^\top x) w

    What entities differ in along the normal w does not matter to a relation, so that many tails may
    answer the same head.

    Parameters
    ----------
    {common}
    norm : {1, 2}, default=2
        Of the distance.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_entities, n_components), float32
        Vectors of the entities.
    relation_embedding_ : ndarray of shape (n_relations, 2 * n_components), float32
        Translations, then normals of length 1.

    References
    ----------
    Wang, Zhang, Feng and Chen (2014), Knowledge Graph Embedding by Translating on Hyperplanes,
    AAAI.

    Examples
    --------
    >>> from graphembed.knowledge.transh import TransH
    >>> triples = [("rome", "in", "italy"), ("pisa", "in", "italy"), ("oslo", "in", "norway")]
    >>> model = TransH(n_components=8, random_state=0).fit(triples)
    >>> model.predict_tails("pisa", "in", k=1, exclude_known=False).ids
    array([['italy']], dtype=object)
    """

    geometry: ClassVar[str] = "euclidean"
    _presets: ClassVar[Presets] = PRESETS
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **KnowledgeEmbedder._parameter_constraints,
        "norm": [Options(Integral, {1, 2})],
    }

    n_components: int = 128
    _: KW_ONLY
    norm: int = 2

    def _formula(self) -> TransHFormula:
        return TransHFormula(self.n_components, self.norm)
