"""TransR: translations in a space of each relation, which a matrix maps entities to."""

from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.utils._param_validation import Interval, Options

from graphembed.kernels.ranking import add_products
from graphembed.knowledge.base import KnowledgeEmbedder
from graphembed.knowledge.formula import RowGradients, Rows
from graphembed.knowledge.initial import uniform_rows
from graphembed.knowledge.interactions import Candidates
from graphembed.knowledge.presets import LARGE, Presets
from graphembed.knowledge.rows import norm_distance
from graphembed.knowledge.translations import NEAR, PRESETS, ProjectedTranslation, starting_bound

_NOISE = 0.01  # of first matrices, beside the identity


class TransRFormula(ProjectedTranslation):
    r""":math:`-\|M h + r - M t\|`.

    A relation is its translation r, then its matrix M, row by row.

    Parameters
    ----------
    n_components : int
        Of entities.
    n_relation_components : int, optional
        Of translations, and rows of matrices; by default as many as entities have.
    norm : {1, 2}
    initial_bound : float, optional
        First values are uniform up to it; by default :math:`1.2 / \sqrt{n_{components}}`.
    """

    def __init__(
        self,
        n_components: int,
        n_relation_components: int | None = None,
        norm: int = 2,
        initial_bound: float | None = None,
    ) -> None:
        self.n_components, self.norm = n_components, norm
        self.initial_bound = starting_bound(n_components, initial_bound, NEAR)
        self.n_relation_components = n_relation_components or n_components
        self.entity_width = n_components
        self.relation_width = self.n_relation_components * (1 + n_components)
        self.interaction = norm_distance(norm)

    def initial_entities(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return uniform vectors, as of TransE."""
        return uniform_rows(key, rows, self.n_components, self.initial_bound)

    def initial_relations(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return translations as TransE's, and matrices near the identity."""
        size = self.n_relation_components
        out = uniform_rows(key, rows, self.relation_width, self.initial_bound)
        out[:, size:] *= _NOISE
        out[:, size:] += np.eye(size, self.n_components, dtype=np.float32).ravel()
        return out

    def project(self, entities: Rows, projections: Rows) -> Rows:
        """Return M x."""
        matrices = self._matrices(projections)
        if len(matrices) == 1:
            matrix: Rows = matrices[0]
            return entities @ matrix.T
        mapped: Rows = np.einsum("nkd,nd->nk", matrices, entities)
        return mapped

    def ranked_candidates(self, entities: Rows, relations: Rows) -> Candidates:
        """Return M x, each row by itself."""
        matrix: Rows = self._matrices(self._parts(relations)[1])[0]
        out = np.zeros((len(entities), len(matrix)), dtype=np.float32)
        add_products(entities, np.ascontiguousarray(matrix.T), out)
        return Candidates(out)

    def project_backward(self, entities: Rows, projections: Rows, grads: Rows) -> RowGradients:
        """Return the gradients by x and M."""
        matrices = self._matrices(projections)
        if len(matrices) == 1:
            return RowGradients(grads @ matrices[0], (grads.T @ entities).reshape(1, -1))
        by_matrices = grads[:, :, np.newaxis] * entities[:, np.newaxis, :]
        return RowGradients(
            np.einsum("nkd,nk->nd", matrices, grads), by_matrices.reshape(len(grads), -1)
        )

    def _matrices(self, projections: Rows) -> Rows:
        return projections.reshape(-1, self.n_relation_components, self.n_components)


@dataclass(repr=False, eq=False)
class TransR(KnowledgeEmbedder):
    r"""Translations in a space of each relation, which a matrix maps entities to.

    .. math:: f(h, r, t) = -\|M h + r - M t\|

    Matrices start near the identity, so that a model starts near TransE. They are most of what
    there is to learn, and to compute.

    Parameters
    ----------
    {common}
    n_relation_components : int or None, default=None
        Dimension of the space of a relation. None: that of the entities.
    norm : {1, 2}, default=2
        Of the distance.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_entities, n_components), float32
        Vectors of the entities.
    relation_embedding_ : ndarray of shape (n_relations, relation_width), float32
        Translations, then matrices row by row: ``n_relation_components * (1 + n_components)``
        columns.

    References
    ----------
    Lin, Liu, Sun, Liu and Zhu (2015), Learning Entity and Relation Embeddings for Knowledge Graph
    Completion, AAAI.

    Examples
    --------
    >>> from graphembed.knowledge.transr import TransR
    >>> triples = [("rome", "in", "italy"), ("pisa", "in", "italy"), ("oslo", "in", "norway")]
    >>> model = TransR(n_components=8, n_relation_components=4, random_state=0).fit(triples)
    >>> model.predict_tails("pisa", "in", k=1, exclude_known=False).ids
    array([['italy']], dtype=object)
    """

    geometry: ClassVar[str] = "euclidean"
    _presets: ClassVar[Presets] = {**PRESETS, LARGE: {**PRESETS[LARGE], "n_epochs": 40}}
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **KnowledgeEmbedder._parameter_constraints,
        "n_relation_components": [Interval(Integral, 1, None, closed="left"), None],
        "norm": [Options(Integral, {1, 2})],
    }

    n_components: int = 128
    _: KW_ONLY
    n_relation_components: int | None = None
    norm: int = 2

    def _formula(self) -> TransRFormula:
        return TransRFormula(self.n_components, self.n_relation_components, self.norm)
