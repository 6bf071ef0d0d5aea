"""An index of triples that are known to be true: the answers of queries."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from graphembed.exceptions import GraphError

Numbers = npt.NDArray[np.int64]
Side = Literal["tail", "head"]


class KnownTriples:
    """Known answers of queries (head, relation, ?) and (?, relation, tail).

    Used to leave known triples out of negatives and out of ranks. Relation
    ``n_relations + r`` is the inverse of r: the query (t, n_relations + r, ?) asks for the heads
    of (?, r, t).

    Parameters
    ----------
    *triples : arrays of shape (n, 3)
        Row numbers of heads, relations and tails. Repeated triples count once.
    n_entities, n_relations : int

    Attributes
    ----------
    n_triples : int
        Different triples.
    answers : ndarray of shape (2 * n_triples,), int32
        Those of all queries, one after the other, ascending for each; see :meth:`find`.
    first_key, key_relations, key_starts : ndarray
        The queries that have answers, by entity and relation: those of entity e are
        ``first_key[e]`` to ``first_key[e + 1]``; query k asks for relation ``key_relations[k]``
        and its answers are ``answers[key_starts[k]:key_starts[k + 1]]``.

    Raises
    ------
    GraphError
        If an array is not of shape (n, 3) of ints, or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.knowledge.known_triples import KnownTriples
    >>> triples = np.array([[0, 0, 1], [0, 0, 2], [3, 0, 2]])
    >>> known = KnownTriples(triples, n_entities=4, n_relations=1)
    >>> known.tails(0, 0), known.heads(0, 2)
    (array([1, 2], dtype=int32), array([0, 3], dtype=int32))
    """

    def __init__(self, *triples: npt.ArrayLike, n_entities: int, n_relations: int) -> None:
        self.n_entities, self.n_relations = n_entities, n_relations
        parts = [_check(part, n_entities, n_relations) for part in triples]
        together = np.concatenate([*parts, np.empty((0, 3), dtype=np.int64)])
        heads, relations, tails = together.T
        entities, relations, answers = _sort_distinct(
            np.concatenate([heads, tails]),
            np.concatenate([relations, relations + n_relations]),
            np.concatenate([tails, heads]),
            (n_entities, 2 * n_relations, n_entities),
        )
        self.n_triples = len(answers) // 2
        self.answers = answers.astype(np.int32)
        new = np.ones(len(answers), dtype=bool)
        new[1:] = (entities[1:] != entities[:-1]) | (relations[1:] != relations[:-1])
        self.key_starts = np.append(np.flatnonzero(new), len(answers)).astype(np.int64)
        self.key_relations = relations[new].astype(np.int32)
        counts = np.bincount(entities[new], minlength=n_entities)
        self.first_key = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def tails(self, head: int, relation: int) -> npt.NDArray[np.int32]:
        """Return the known tails of (head, relation, ?), ascending."""
        return self._answers(head, relation, "tail")

    def heads(self, relation: int, tail: int) -> npt.NDArray[np.int32]:
        """Return the known heads of (?, relation, tail), ascending."""
        return self._answers(tail, relation, "head")

    def _answers(self, entity: int, relation: int, side: Side) -> npt.NDArray[np.int32]:
        starts, stops = self.find(np.array([entity]), np.array([relation]), side)
        return self.answers[starts[0] : stops[0]]

    def find(
        self, entities: npt.ArrayLike, relations: npt.ArrayLike, side: Side = "tail"
    ) -> tuple[Numbers, Numbers]:
        """Return where the answers of many queries are.

        Parameters
        ----------
        entities, relations : array-like of shape (n,)
        side : {"tail", "head"}, default="tail"
            What is asked for.

        Returns
        -------
        starts, stops : ndarray of shape (n,), int64
            The answers of query i are ``self.answers[starts[i]:stops[i]]``, ascending.
        """
        from graphembed.kernels.triple_negatives import find_answers

        entities = np.ascontiguousarray(entities, dtype=np.int64)
        relations = np.ascontiguousarray(relations, dtype=np.int64)
        if side == "head":
            relations = relations + self.n_relations
        starts, stops = np.empty_like(entities), np.empty_like(entities)
        find_answers(
            self.first_key, self.key_relations, self.key_starts, entities, relations, starts, stops
        )
        return starts, stops

    def contains(
        self, heads: npt.ArrayLike, relations: npt.ArrayLike, tails: npt.ArrayLike
    ) -> npt.NDArray[np.bool_]:
        """Return whether triples are known; the arrays are broadcast against each other."""
        from graphembed.kernels.triple_negatives import contains_answers

        columns = np.broadcast_arrays(heads, relations, tails)
        shape = columns[0].shape
        h, r, t = (np.ascontiguousarray(column, dtype=np.int64).ravel() for column in columns)
        out = np.empty(len(h), dtype=bool)
        contains_answers(*self.find(h, r), self.answers, t, out)
        return out.reshape(shape)

    def mask(
        self,
        entities: npt.ArrayLike,
        relations: npt.ArrayLike,
        negatives: Numbers,
        scores: npt.NDArray[np.float32],
        *,
        side: Side = "tail",
        own: npt.ArrayLike | None = None,
    ) -> None:
        """Write -inf at the scores of shared negatives that are known answers of a query.

        Parameters
        ----------
        entities, relations : array-like of shape (n_queries,)
        negatives : ndarray of shape (n_negatives,), int64
            Entities that all queries share; may repeat.
        scores : ndarray of shape (n_queries, n_negatives), float32
            Written.
        side : {"tail", "head"}, default="tail"
            What is asked for.
        own : array-like of shape (n_queries,), optional
            One more answer of each query, known or not.
        """
        from graphembed.kernels.triple_negatives import mask_answers

        starts, stops = self.find(entities, relations, side)
        answers = np.full(len(starts), -1) if own is None else own
        answers = np.ascontiguousarray(answers, dtype=np.int64)
        mask_answers(starts, stops, self.answers, answers, negatives, scores)


def _check(triples: npt.ArrayLike, n_entities: int, n_relations: int) -> Numbers:
    """Return triples as int64, or say what is wrong with them."""
    triples = np.asarray(triples)
    if triples.size == 0:
        return np.empty((0, 3), dtype=np.int64)
    if triples.ndim != 2 or triples.shape[1] != 3 or triples.dtype.kind not in "iu":
        raise GraphError(
            "Known triples must be int arrays of shape (n, 3), row numbers of head, relation and "
            f"tail; got {triples.dtype} of shape {triples.shape}."
        )
    limits = np.array([n_entities, n_relations, n_entities])
    if np.any(triples.min(axis=0) < 0) or np.any(triples.max(axis=0) >= limits):
        raise GraphError(
            f"Known triples must be of {n_entities} entities and {n_relations} relations; "
            f"got numbers from {triples.min(axis=0).tolist()} to {triples.max(axis=0).tolist()}."
        )
    return triples.astype(np.int64)


def _sort_distinct(
    first: Numbers, second: Numbers, third: Numbers, sizes: tuple[int, int, int]
) -> tuple[Numbers, Numbers, Numbers]:
    """Return the distinct rows of three columns, ascending."""
    if sizes[0] * sizes[1] * sizes[2] < 2**63:
        # One number a row, as sorting those is ten times as fast.
        codes = np.sort((first * sizes[1] + second) * sizes[2] + third)
        new = np.ones(len(codes), dtype=bool)
        new[1:] = codes[1:] != codes[:-1]
        rest, third = np.divmod(codes[new], sizes[2])
        first, second = np.divmod(rest, sizes[1])
        return first, second, third
    order = np.lexsort((third, second, first))
    first, second, third = first[order], second[order], third[order]
    new = np.ones(len(first), dtype=bool)
    new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1]) | (third[1:] != third[:-1])
    return first[new], second[new], third[new]
