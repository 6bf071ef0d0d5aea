"""TorusE: translations on a torus, so that no vector has to be kept from growing."""

from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.utils._param_validation import Options

from graphembed.knowledge.base import KnowledgeEmbedder
from graphembed.knowledge.formula import Rows
from graphembed.knowledge.initial import uniform_rows
from graphembed.knowledge.interactions import Torus
from graphembed.knowledge.presets import Presets
from graphembed.knowledge.translations import PRESETS, Translation

START = 0.1  # bound of first values, in turns


class TorusEFormula(Translation):
    r""":math:`-d(h + r, t)`, a distance of fractional parts.

    Parameters
    ----------
    n_components : int
    norm : {1, 2}
        Whether the shortest ways around the circles are added, or their squares.
    """

    def __init__(self, n_components: int, norm: int = 1) -> None:
        self.n_components, self.norm = n_components, norm
        self.entity_width = self.relation_width = n_components
        self.interaction = Torus(norm)

    def initial_entities(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return points near each other; all over the torus, they learn worse where tried."""
        return uniform_rows(key, rows, self.n_components, START)

    def initial_relations(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return small translations."""
        return self.initial_entities(rows, key)

    def constrain_entities(self, rows: Rows) -> None:
        """Take the coordinates in [-1/2, 1/2] of the same point, where float32 is finest."""
        rows -= np.rint(rows)

    def constrain_relations(self, rows: Rows) -> None:
        """Take the shortest of equal translations."""
        rows -= np.rint(rows)


@dataclass(repr=False, eq=False)
class TorusE(KnowledgeEmbedder):
    r"""Translations on a torus, so that no vector has to be kept from growing.

    .. math:: f(h, r, t) = -\sum_j |\delta_j|^p, \quad \delta = h + r - t - [h + r - t]

    Components are angles, counted in turns: :math:`[x]` is the nearest integer, so that
    :math:`|\delta_j|` is the shorter way around a circle, and p is ``norm``.

    Parameters
    ----------
    {common}
    norm : {1, 2}, default=1
        Whether ways around the circles are added, or their squares.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_entities, n_components), float32
        Points of the torus, between -1/2 and 1/2; both ends are the same point.
    relation_embedding_ : ndarray of shape (n_relations, n_components), float32
        Translations, between -1/2 and 1/2.

    References
    ----------
    Ebisu and Ichise (2018), TorusE: Knowledge Graph Embedding on a Lie Group, AAAI.

    Examples
    --------
    >>> from graphembed.knowledge.toruse import TorusE
    >>> triples = [("rome", "in", "italy"), ("pisa", "in", "italy"), ("oslo", "in", "norway")]
    >>> model = TorusE(n_components=8, random_state=0).fit(triples)
    >>> model.predict_tails("pisa", "in", k=1, exclude_known=False).ids
    array([['italy']], dtype=object)
    >>> bool(abs(model.embedding_).max() <= 0.5)
    True
    """

    geometry: ClassVar[str] = "euclidean"
    _presets: ClassVar[Presets] = {
        **PRESETS,
        "large": {"learning_rate": 0.15, "n_epochs": 25},
    }
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **KnowledgeEmbedder._parameter_constraints,
        "norm": [Options(Integral, {1, 2})],
    }

    n_components: int = 128
    _: KW_ONLY
    norm: int = 1

    def _formula(self) -> TorusEFormula:
        return TorusEFormula(self.n_components, self.norm)
