"""Tables with more rows: what is new starts as it would in a model that was never trained."""

import numpy as np

from graphembed.knowledge.formula import Formula, Rows
from graphembed.training.tiles import derive_key

_ENTITIES, _RELATIONS = 1, 2  # numbers that keys are derived with


def grow_tables(
    formula: Formula,
    entities: Rows,
    relations: Rows,
    n_entities: int,
    n_relations: int,
    *,
    reciprocal: bool,
    key: int,
) -> tuple[Rows, Rows]:
    """Return copies of both tables with fresh rows behind the given ones.

    Parameters
    ----------
    formula : Formula
    entities, relations : ndarray, float32
        The tables.
    n_entities, n_relations : int
        How many the result is for; inverse relations are not counted.
    reciprocal : bool
        Whether the second half of the table of relations are inverses. They stay so.
    key : int
        Where the fresh rows come from.

    Returns
    -------
    entities, relations : ndarray, float32
    """
    more = np.arange(len(entities), n_entities)
    entities = np.concatenate(
        [entities, formula.initial_entities(more, int(derive_key(key, _ENTITIES)))]
    )
    halves = np.split(relations, 2) if reciprocal else [relations]
    n_known = len(halves[0])
    key = int(derive_key(key, _RELATIONS))
    parts = []
    for number, half in enumerate(halves):
        rows = np.arange(n_known, n_relations) + number * n_relations
        parts += [half, formula.initial_relations(rows, key)]
    return entities, np.concatenate(parts)
