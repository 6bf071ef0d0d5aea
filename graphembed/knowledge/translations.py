"""What models of translations share: queries and candidates, and their gradients."""

import math
from abc import abstractmethod

import numpy as np

from graphembed.knowledge.formula import Formula, RowGradients, Rows
from graphembed.knowledge.interactions import Candidates, Queries
from graphembed.knowledge.presets import Presets
from graphembed.knowledge.rows import relation_gradient


def starting_bound(n_components: int, initial_bound: float | None, share: float = 1.0) -> float:
    """Return the bound of uniform first values: the one given, or a share of TransE's authors'."""
    return share * 6 / math.sqrt(n_components) if initial_bound is None else initial_bound


PRESETS: Presets = {
    "medium": {"n_negatives": 1000, "learning_rate": 0.2, "n_epochs": 60},
    "large": {"learning_rate": 0.2, "n_epochs": 25},
}
NEAR = 0.2  # share of the authors' first values that learns better where it was tried


class Translation(Formula):
    """A relation moves the head to where the tail should be: h + r meets t, and t - r meets h."""

    def tail_queries(self, heads: Rows, relations: Rows) -> Queries:
        """Return h + r."""
        return Queries(heads + relations)

    def tail_queries_backward(
        self,
        heads: Rows,  # noqa: ARG002
        relations: Rows,
        grads: Queries,
    ) -> RowGradients:
        """Return the gradients by h and r."""
        return RowGradients(grads.vectors, relation_gradient(relations, grads.vectors))

    def head_queries(self, tails: Rows, relations: Rows) -> Queries:
        """Return t - r."""
        return Queries(tails - relations)

    def head_queries_backward(
        self,
        tails: Rows,  # noqa: ARG002
        relations: Rows,
        grads: Queries,
    ) -> RowGradients:
        """Return the gradients by t and r."""
        return RowGradients(grads.vectors, relation_gradient(relations, -grads.vectors))


class ProjectedTranslation(Formula):
    """A relation projects head and tail, each alike, before it moves the one to the other.

    A row of a relation is its translation, then the parameters of its projection.

    Attributes
    ----------
    n_relation_components : int
        Columns of a translation.
    """

    by_relation = True
    n_relation_components: int

    @abstractmethod
    def project(self, entities: Rows, projections: Rows) -> Rows:
        """Return the entities as their relations see them, (n, n_relation_components).

        Parameters
        ----------
        entities : ndarray of shape (n, entity_width)
        projections : ndarray of shape (n, width) or (1, width)
            Rows of relations without the translations.
        """

    @abstractmethod
    def project_backward(self, entities: Rows, projections: Rows, grads: Rows) -> RowGradients:
        """Return the gradients by entities and projections, of the shapes of both."""

    def tail_queries(self, heads: Rows, relations: Rows) -> Queries:
        """Return the projected heads, moved."""
        translations, projections = self._parts(relations)
        return Queries(self.project(heads, projections) + translations)

    def tail_queries_backward(self, heads: Rows, relations: Rows, grads: Queries) -> RowGradients:
        """Return the gradients by heads and relations."""
        return self._backward(heads, relations, grads.vectors, grads.vectors)

    def head_queries(self, tails: Rows, relations: Rows) -> Queries:
        """Return the projected tails, moved back."""
        translations, projections = self._parts(relations)
        return Queries(self.project(tails, projections) - translations)

    def head_queries_backward(self, tails: Rows, relations: Rows, grads: Queries) -> RowGradients:
        """Return the gradients by tails and relations."""
        return self._backward(tails, relations, grads.vectors, -grads.vectors)

    def candidates(self, entities: Rows, relations: Rows) -> Candidates:
        """Return the projected entities."""
        return Candidates(self.project(entities, self._parts(relations)[1]))

    def candidates_backward(
        self, entities: Rows, relations: Rows, grads: Candidates
    ) -> RowGradients:
        """Return the gradients by entities and relations, whose translations have none."""
        return self._backward(entities, relations, grads.vectors, None)

    def _parts(self, relations: Rows) -> tuple[Rows, Rows]:
        size = self.n_relation_components
        return relations[:, :size], relations[:, size:]

    def _backward(
        self, entities: Rows, relations: Rows, grads: Rows, by_translations: Rows | None
    ) -> RowGradients:
        by_entities, by_projections = self.project_backward(
            entities, self._parts(relations)[1], grads
        )
        out = np.zeros_like(relations)
        translations, projections = self._parts(out)
        projections[:] = by_projections
        if by_translations is not None:
            translations[:] = relation_gradient(relations, by_translations)
        return RowGradients(by_entities, out)
