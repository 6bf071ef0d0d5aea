"""A model of a knowledge graph beside the triples that it is evaluated with: all as rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from graphembed.graph.ids import NodeIndex
from graphembed.knowledge.answers import Model
from graphembed.knowledge.base import KnowledgeEmbedder
from graphembed.knowledge.entity_blocks import EntityBlocks
from graphembed.knowledge.growing import grow_tables
from graphembed.knowledge.known_triples import KnownTriples
from graphembed.knowledge.triples import extend, triple_rows

Ids = npt.NDArray[np.int64]

_FRESH_KEY = 0x51AC1  # rows of unseen entities are the same in every evaluation


@dataclass(frozen=True, eq=False)
class KnownWorld:
    """Tables with a row for every entity that is spoken of, and sets of triples as rows.

    Attributes
    ----------
    model : Model
        Entities and relations that were not fitted have the random rows that they would have
        started from.
    sets : list of ndarray of shape (n_triples, 3), int64
        The triples that were given, set by set, in their order.
    fitted : ndarray of shape (n_fitted, 3), int64
        Those that the model was fitted with.
    entities, relations : NodeIndex
    seen : ndarray of shape (n_entities,), bool
    seen_relations : ndarray of shape (n_relations,), bool
        Whether each was in a training triple.
    """

    model: Model
    sets: list[Ids]
    fitted: Ids
    entities: NodeIndex
    relations: NodeIndex
    seen: npt.NDArray[np.bool_]
    seen_relations: npt.NDArray[np.bool_]

    def unseen(self, rows: Ids) -> npt.NDArray[np.bool_]:
        """Tell of which triples a part was in no training triple."""
        heads, relations, tails = rows.T
        seen: npt.NDArray[np.bool_] = (
            self.seen[heads] & self.seen[tails] & self.seen_relations[relations]
        )
        return ~seen

    def all_triples(self) -> Ids:
        """Return everything that is known to be true."""
        return np.concatenate([self.fitted, *self.sets])

    def index(self) -> KnownTriples:
        """Return an index of everything that is known to be true."""
        sizes = {"n_entities": len(self.entities), "n_relations": len(self.relations)}
        return KnownTriples(self.fitted, *self.sets, **sizes)

    def ids(self, rows: Ids) -> npt.NDArray[Any]:
        """Return triples as the ids that users gave."""
        out = np.empty(rows.shape, dtype=object)
        for column, index in enumerate((self.entities, self.relations, self.entities)):
            out[:, column] = index.take(rows[:, column])
        return out


def known_world(model: Any, *sets: Any) -> KnownWorld:
    """Bring a model and sets of triples together.

    Parameters
    ----------
    model : fitted KnowledgeEmbedder, or graphembed.knowledge.answers.Model
        Of the latter, whose ids are row numbers, all entities count as seen.
    *sets : Graph, or array-likes or tables of shape (n_triples, 3)

    Raises
    ------
    TypeError
        If the model is something else.
    GraphError
        If a set does not hold triples.
    UnknownNodeError
        If a row number is outside the tables of a ``Model``.

    Examples
    --------
    >>> from graphembed.evaluation.known_world import known_world
    >>> from graphembed.knowledge.transe import TransE
    >>> model = TransE(n_components=4, n_epochs=1, random_state=0).fit([("a", "r", "b")])
    >>> world = known_world(model, [("b", "r", "c")])
    >>> world.sets[0], world.unseen(world.sets[0])
    (array([[1, 0, 2]]), array([ True]))
    """
    if isinstance(model, Model):
        n_entities = EntityBlocks(model.entities).n_entities
        entities, relations = NodeIndex.range(n_entities), NodeIndex.range(model.n_relations)
        return KnownWorld(
            model, [triple_rows(X, entities, relations) for X in sets],
            np.empty((0, 3), dtype=np.int64), entities, relations,
            np.ones(n_entities, dtype=bool), np.ones(model.n_relations, dtype=bool),
        )  # fmt: skip
    if not isinstance(model, KnowledgeEmbedder):
        raise TypeError(
            "Expected a fitted model of a knowledge graph, or a graphembed.knowledge.answers.Model;"
            f" got {type(model).__name__}."
        )
    check_is_fitted(model)
    tables = model._model()
    entities, relations = model.node_index_, model.relation_index_
    for X in sets:
        _, entities, relations = extend(X, entities, relations)
    fitted = model.triples_.astype(np.int64)
    seen, seen_relations = np.zeros(len(entities), bool), np.zeros(len(relations), bool)
    seen[fitted[:, [0, 2]]] = True
    seen_relations[fitted[:, 1]] = True
    grown = grow_tables(
        tables.formula, tables.entities, tables.relations, len(entities), len(relations),
        reciprocal=tables.reciprocal, key=_FRESH_KEY,
    )  # fmt: skip
    return KnownWorld(
        Model(tables.formula, *grown, tables.reciprocal),
        [triple_rows(X, entities, relations) for X in sets],
        fitted, entities, relations, seen, seen_relations,
    )  # fmt: skip
