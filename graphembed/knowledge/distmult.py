"""DistMult: a relation weighs the components of the product of head and tail."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from graphembed.knowledge.base import KnowledgeEmbedder
from graphembed.knowledge.formula import Formula, RowGradients, Rows
from graphembed.knowledge.initial import normal_rows
from graphembed.knowledge.interactions import Product, Queries
from graphembed.knowledge.presets import N3, Presets
from graphembed.knowledge.rows import relation_gradient


class DistMultFormula(Formula):
    r""":math:`\sum_j h_j r_j t_j`.

    Parameters
    ----------
    n_components : int
    initial_scale : float
        Standard deviation of first values. Small ones, as here, let adaptive optimisers learn
        which components a relation needs (Lacroix et al. 2018).
    """

    def __init__(self, n_components: int, initial_scale: float = 1e-3) -> None:
        self.n_components, self.initial_scale = n_components, initial_scale
        self.entity_width = self.relation_width = n_components
        self.interaction = Product()

    def initial_entities(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return small normal numbers."""
        return normal_rows(key, rows, self.n_components, self.initial_scale)

    def initial_relations(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return small normal numbers."""
        return self.initial_entities(rows, key)

    def tail_queries(self, heads: Rows, relations: Rows) -> Queries:
        """Return the products of h and r."""
        return Queries(heads * relations)

    def tail_queries_backward(self, heads: Rows, relations: Rows, grads: Queries) -> RowGradients:
        """Return the gradients by h and r."""
        return RowGradients(
            grads.vectors * relations, relation_gradient(relations, grads.vectors * heads)
        )

    def head_queries(self, tails: Rows, relations: Rows) -> Queries:
        """Return the products of t and r: the score is symmetric in head and tail."""
        return self.tail_queries(tails, relations)

    def head_queries_backward(self, tails: Rows, relations: Rows, grads: Queries) -> RowGradients:
        """Return the gradients by t and r."""
        return self.tail_queries_backward(tails, relations, grads)


@dataclass(repr=False, eq=False)
class DistMult(KnowledgeEmbedder):
    r"""A relation weighs the components of the product of head and tail.

    .. math:: f(h, r, t) = \sum_j h_j r_j t_j

    A triple and its reverse have the same score, which suits symmetric relations.

    Parameters
    ----------
    {common}

    Attributes
    ----------
    embedding_ : ndarray of shape (n_entities, n_components), float32
        Vectors of the entities.
    relation_embedding_ : ndarray of shape (n_relations, n_components), float32
        Weights.

    References
    ----------
    Yang, Yih, He, Gao and Deng (2015), Embedding Entities and Relations for Learning and Inference
    in Knowledge Bases, ICLR.

    Examples
    --------
    >>> from graphembed.knowledge.distmult import DistMult
    >>> triples = [("ada", "knows", "bob"), ("bob", "knows", "cem"), ("dan", "knows", "eve")]
    >>> model = DistMult(n_components=8, random_state=0).fit(triples)
    >>> one_way, other_way = model.score_triples([("ada", "knows", "bob"), ("bob", "knows", "ada")])
    >>> bool(abs(one_way - other_way) < 1e-5)
    True
    """

    geometry: ClassVar[str] = "cosine"
    _presets: ClassVar[Presets] = N3

    def _formula(self) -> DistMultFormula:
        return DistMultFormula(self.n_components)
