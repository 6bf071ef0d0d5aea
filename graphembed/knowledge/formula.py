"""What a model is made of: a query for each pair of an entity and a relation, met by candidates.

The score of a triple (head, relation, tail) is the score of the query that is made of the head and
the relation, against the candidate that is made of the tail. A query is made once and meets many
candidates, so all that costs time is in the :class:`~graphembed.knowledge.interactions.Interaction`
of the two, which a few kernels serve for all models. The formula is plain NumPy on a few rows.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from graphembed.knowledge.interactions import Candidates, Interaction, Queries

Rows = npt.NDArray[np.float32]


class RowGradients(NamedTuple):
    """Gradients of a loss by rows of parameters."""

    entities: Rows
    relations: Rows


class Formula(ABC):
    """A model as pure functions of rows of two tables, and their gradients in closed form.

    All of a model's parameters of an entity are one row of the table of entities, those of a
    relation one row of the table of relations. All arrays are float32.

    With reciprocal relations a model only ever answers (head, relation, ?), and (?, relation,
    tail) is (tail, inverse relation, ?). Without them it makes queries of tails as well.

    Attributes
    ----------
    entity_width, relation_width : int
        Columns of the two tables. The first ``n_components`` columns of an entity are its
        embedding.
    interaction : Interaction
        How queries meet candidates.
    by_relation : bool
        Whether candidates depend on the relation, so that queries are grouped by it.
    reciprocal_only : bool
        Whether the model cannot make queries of tails.
    complex_columns : bool
        Whether rows are complex numbers, real parts in the first half of the columns.
    """

    by_relation: ClassVar[bool] = False
    reciprocal_only: ClassVar[bool] = False
    complex_columns: ClassVar[bool] = False
    entity_width: int
    relation_width: int
    interaction: Interaction

    @abstractmethod
    def initial_entities(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return the first values of some rows; each depends on the key and its number only."""

    @abstractmethod
    def initial_relations(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return the first values of some relations."""

    @abstractmethod
    def tail_queries(self, heads: Rows, relations: Rows) -> Queries:
        """Return the queries (head, relation, ?).

        Parameters
        ----------
        heads : ndarray of shape (n, entity_width)
        relations : ndarray of shape (n, relation_width) or (1, relation_width)
            A single row stands for all.
        """

    @abstractmethod
    def tail_queries_backward(self, heads: Rows, relations: Rows, grads: Queries) -> RowGradients:
        """Return the gradients by heads and relations from those by the queries.

        They are of the shapes of ``heads`` and ``relations``: of a single relation, the sum.
        """

    def head_queries(self, tails: Rows, relations: Rows) -> Queries:
        """Return the queries (?, relation, tail); candidates are those of tails."""
        raise NotImplementedError

    def head_queries_backward(self, tails: Rows, relations: Rows, grads: Queries) -> RowGradients:
        """Return the gradients by tails and relations from those by the queries."""
        raise NotImplementedError

    def candidates(self, entities: Rows, relations: Rows) -> Candidates:  # noqa: ARG002
        """Return entities as candidates.

        Parameters
        ----------
        entities : ndarray of shape (n, entity_width)
        relations : ndarray of shape (n, relation_width) or (1, relation_width)
            Only read if ``by_relation``.
        """
        return Candidates(entities)

    def ranked_candidates(self, entities: Rows, relations: Rows) -> Candidates:
        """Return :meth:`candidates` of the same bits for equal rows, wherever they stand.

        A product of matrices may round each row as its place in the matrix has it.
        """
        return self.candidates(entities, relations)

    def candidates_backward(
        self,
        entities: Rows,  # noqa: ARG002
        relations: Rows,
        grads: Candidates,
    ) -> RowGradients:
        """Return the gradients by entities and relations from those by the candidates.

        Of a formula that is not ``by_relation``, the gradient by relations is not read.
        """
        return RowGradients(grads.vectors, relations[:0])

    def constrain_entities(self, rows: Rows) -> None:  # noqa: B027
        """Bring rows that were updated back to where they may be, in place."""

    def constrain_relations(self, rows: Rows) -> None:  # noqa: B027
        """Bring rows of relations back to where they may be, in place."""

    def settings(self) -> dict[str, Any]:
        """Return what defines the formula, as JSON."""
        return {
            "formula": type(self).__name__,
            **{k: v for k, v in vars(self).items() if isinstance(v, str | int | float | bool)},
        }
