"""TransD: translations after a projection that is made of the entity and the relation."""

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
from graphembed.knowledge.rows import norm_distance, row_products, weighted_rows
from graphembed.knowledge.translations import NEAR, PRESETS, ProjectedTranslation, starting_bound

# A model starts near TransE. From zeros, neither projection would ever have a gradient.
_PROJECTION_SCALE = 0.1


class TransDFormula(ProjectedTranslation):
    r""":math:`-\|h_\perp + r - t_\perp\|` with :math:`x_\perp = x + (x_p \cdot x) r_p`.

    An entity is its vector x, then its projection :math:`x_p`; a relation its translation r, then
    its projection :math:`r_p`. The matrix :math:`r_p x_p^\top + I` is never made.

    Parameters
    ----------
    n_components : int
        Of a vector; a row has twice as many columns.
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
        self.entity_width = self.relation_width = 2 * n_components
        self.interaction = norm_distance(norm)

    def initial_entities(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return vectors as of TransE, and small projections."""
        out = uniform_rows(key, rows, self.entity_width, self.initial_bound)
        out[:, self.n_components :] *= _PROJECTION_SCALE
        return out

    def initial_relations(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return translations as of TransE, and small projections."""
        return self.initial_entities(rows, key)

    def project(self, entities: Rows, projections: Rows) -> Rows:
        """Return x + (x_p x) r_p."""
        vectors, own = np.hsplit(entities, 2)
        return vectors + row_products(vectors, own) * projections

    def project_backward(self, entities: Rows, projections: Rows, grads: Rows) -> RowGradients:
        """Return the gradients by x beside x_p, and by r_p."""
        vectors, own = np.hsplit(entities, 2)
        pull = row_products(grads, projections)
        return RowGradients(
            np.hstack([grads + pull * own, pull * vectors]),
            weighted_rows(projections, row_products(vectors, own), grads),
        )


@dataclass(repr=False, eq=False)
class TransD(KnowledgeEmbedder):
    r"""Translations after a projection that is made of the entity and the relation.

    .. math:: f(h, r, t) = -\|h_\perp + r - t_\perp\|, \quad x_\perp = x + (x_p^\top x) r_p

    An entity has a vector x and a projection :math:`x_p`, a relation a translation r and a
    projection :math:`r_p`, all with as many components.

    Parameters
    ----------
    {common}
    norm : {1, 2}, default=2
        Of the distance.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_entities, n_components), float32
        Vectors of the entities; ``entity_table_`` has their projections behind them.
    relation_embedding_ : ndarray of shape (n_relations, 2 * n_components), float32
        Translations, then projections.

    References
    ----------
    Ji, He, Xu, Liu and Zhao (2015), Knowledge Graph Embedding via Dynamic Mapping Matrix, ACL.

    Examples
    --------
    >>> from graphembed.knowledge.transd import TransD
    >>> triples = [("rome", "in", "italy"), ("pisa", "in", "italy"), ("oslo", "in", "norway")]
    >>> model = TransD(n_components=8, random_state=0).fit(triples)
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

    def _formula(self) -> TransDFormula:
        return TransDFormula(self.n_components, self.norm)
