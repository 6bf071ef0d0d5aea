"""TransE: a relation is a translation."""

from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.utils._param_validation import Options

from graphembed.knowledge.base import KnowledgeEmbedder
from graphembed.knowledge.formula import Rows
from graphembed.knowledge.initial import uniform_rows
from graphembed.knowledge.presets import Presets
from graphembed.knowledge.rows import norm_distance
from graphembed.knowledge.translations import NEAR, PRESETS, Translation, starting_bound


class TransEFormula(Translation):
    r""":math:`-\|h + r - t\|`.

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
        self.entity_width = self.relation_width = n_components
        self.interaction = norm_distance(norm)

    def initial_entities(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return vectors uniform in the cube where its authors start."""
        return uniform_rows(key, rows, self.n_components, self.initial_bound)

    def initial_relations(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return translations that start as entities do."""
        return self.initial_entities(rows, key)


@dataclass(repr=False, eq=False)
class TransE(KnowledgeEmbedder):
    r"""A relation is a translation: what it adds to the head should be near the tail.

    .. math:: f(h, r, t) = -\|h + r - t\|

    Parameters
    ----------
    {common}
    norm : {1, 2}, default=2
        Of the distance.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_entities, n_components), float32
    relation_embedding_ : ndarray of shape (n_relations, n_components), float32

    References
    ----------
    Bordes, Usunier, Garcia-Duran, Weston and Yakhnenko (2013), Translating Embeddings for Modeling
    Multi-relational Data, NIPS.

    Examples
    --------
    >>> from graphembed.knowledge.transe import TransE
    >>> triples = [("rome", "in", "italy"), ("pisa", "in", "italy"), ("oslo", "in", "norway")]
    >>> model = TransE(n_components=8, random_state=0).fit(triples)
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

    def _formula(self) -> TransEFormula:
        return TransEFormula(self.n_components, self.norm)
