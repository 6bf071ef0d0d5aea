"""ComplEx: DistMult with complex numbers, so that a triple and its reverse may differ."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from graphembed.knowledge.base import KnowledgeEmbedder
from graphembed.knowledge.formula import Formula, RowGradients, Rows
from graphembed.knowledge.initial import normal_rows
from graphembed.knowledge.interactions import Product, Queries
from graphembed.knowledge.presets import N3, Presets
from graphembed.knowledge.rows import check_complex, complex_product, relation_gradient


class ComplExFormula(Formula):
    r""":math:`\mathrm{Re} \sum_j h_j r_j \bar t_j`.

    Parameters
    ----------
    n_components : int
        Real columns, even: real parts in the first half, imaginary parts in the second.
    initial_scale : float
        Standard deviation of first values (see :class:`DistMultFormula`).
    """

    complex_columns = True

    def __init__(self, n_components: int, initial_scale: float = 1e-3) -> None:
        check_complex(n_components)
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
        return Queries(complex_product(heads, relations))

    def tail_queries_backward(self, heads: Rows, relations: Rows, grads: Queries) -> RowGradients:
        """Return the gradients by h and r."""
        return RowGradients(
            complex_product(grads.vectors, relations, conjugate=True),
            relation_gradient(relations, complex_product(grads.vectors, heads, conjugate=True)),
        )

    def head_queries(self, tails: Rows, relations: Rows) -> Queries:
        """Return the products of t and the conjugate of r."""
        return Queries(complex_product(tails, relations, conjugate=True))

    def head_queries_backward(self, tails: Rows, relations: Rows, grads: Queries) -> RowGradients:
        """Return the gradients by t and r."""
        return RowGradients(
            complex_product(grads.vectors, relations),
            relation_gradient(relations, complex_product(tails, grads.vectors, conjugate=True)),
        )


@dataclass(repr=False, eq=False)
class ComplEx(KnowledgeEmbedder):
    r"""DistMult with complex numbers, so that a triple and its reverse may differ.

    .. math:: f(h, r, t) = \mathrm{Re} \sum_j h_j r_j \bar t_j

    ``n_components`` counts real columns, two for each complex number, so it must be even.

    Parameters
    ----------
    {common}

    Attributes
    ----------
    embedding_ : ndarray of shape (n_entities, n_components), float32
        The real parts in the first half of the columns, the imaginary parts in the second.
    relation_embedding_ : ndarray of shape (n_relations, n_components), float32
        Likewise.

    References
    ----------
    Trouillon, Welbl, Riedel, Gaussier and Bouchard (2016), Complex Embeddings for Simple Link
    Prediction, ICML.

    Lacroix, Usunier and Obozinski (2018), Canonical Tensor Decomposition for Knowledge Base
    Completion, ICML (reciprocal relations, the N3 penalty).

    Examples
    --------
    >>> from graphembed.knowledge.complex import ComplEx
    >>> triples = [("oak", "is a", "tree"), ("elm", "is a", "tree"), ("tree", "is a", "plant")]
    >>> model = ComplEx(n_components=8, random_state=0).fit(triples)
    >>> true, reverse = model.score_triples([("oak", "is a", "tree"), ("tree", "is a", "oak")])
    >>> bool(true > reverse)
    True
    """

    geometry: ClassVar[str] = "cosine"
    _presets: ClassVar[Presets] = N3

    def _formula(self) -> ComplExFormula:
        return ComplExFormula(self.n_components)
