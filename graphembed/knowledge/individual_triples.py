"""Triples as they are trained with negatives of their own: with inverses, and sides to replace."""

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from graphembed.knowledge.known_triples import KnownTriples
from graphembed.knowledge.negatives import bernoulli_chances, head_chances, uniform_chances

Ids = npt.NDArray[Any]


class TriplesToTrain(NamedTuple):
    """Triples, and how often their negatives replace the head.

    Attributes
    ----------
    source : ndarray of shape (n, 3), int
        What they were made of.
    rows : ndarray of shape (n, 3) or (2 n, 3), int32
        With reciprocal relations, inverses (t, n_relations + r, h) come behind the triples.
    chances : ndarray of shape (n_relations,) or (2 n_relations,), float64
        That a negative replaces the head, by relation.
    units : ndarray of uint64
        The same in units of 2**-32.
    """

    source: Ids
    rows: npt.NDArray[np.int32]
    chances: npt.NDArray[np.float64]
    units: npt.NDArray[np.uint64]

    @classmethod
    def make(
        cls, triples: Ids, n_entities: int, n_relations: int, negatives: str, *, reciprocal: bool
    ) -> Self:
        """Prepare triples; ``negatives`` is "bernoulli" or "uniform"."""
        rows = np.array(triples, dtype=np.int32, order="C")
        if reciprocal:
            inverses = rows[:, ::-1] + np.array([0, n_relations, 0], dtype=np.int32)
            rows = np.concatenate([rows, inverses])
            chances = np.zeros(2 * n_relations)
        elif negatives == "uniform":
            chances = uniform_chances(n_relations)
        else:
            known = KnownTriples(triples, n_entities=n_entities, n_relations=n_relations)
            chances = bernoulli_chances(known)
        return cls(triples, rows, chances, head_chances(chances))


class Epoch(NamedTuple):
    """What an epoch goes through.

    Attributes
    ----------
    triples : TriplesToTrain
    order : ndarray of shape (n,), int64
        Numbers of triples.
    key : uint64
        Together with the number of a triple it decides the negatives.
    number : int
    learning_rate : callable
        Of the epochs done, a float.
    """

    triples: TriplesToTrain
    order: npt.NDArray[np.int64]
    key: np.uint64
    number: int
    learning_rate: Callable[[float], float]

    def rate(self, place: int) -> np.float32:
        """Return the learning rate when so many triples are done."""
        return np.float32(self.learning_rate(self.number + place / len(self.order)))


def cut(start: int, stop: int, size: int) -> list[tuple[int, int]]:
    """Cut a range into ranges of this size and a last one that may be smaller."""
    return [(first, min(first + size, stop)) for first in range(start, stop, size)]
