"""Scores of triples, and the best answers to (head, relation, ?) and (?, relation, tail)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from graphembed.engine import run_blocks
from graphembed.exceptions import NonFiniteScoresError
from graphembed.knowledge.formula import Formula, Rows
from graphembed.knowledge.interactions import Queries
from graphembed.knowledge.known_triples import KnownTriples

# Which end of a triple is asked for.
HEAD: Literal["head"] = "head"
TAIL: Literal["tail"] = "tail"
Side = Literal["head", "tail"]

_PAIRS, _QUERIES = 4096, 256  # of one task
_SCORES = 1 << 23  # of one task, at most

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Model:
    """What scores need: a formula and its tables.

    Parameters
    ----------
    formula : Formula
    entities, relations : ndarray, float32
        The tables. With reciprocal relations, the second half are the inverses.
    reciprocal : bool
    """

    formula: Formula
    entities: Rows
    relations: Rows
    reciprocal: bool

    @property
    def n_relations(self) -> int:
        """Number of relations, inverses not counted."""
        return len(self.relations) // 2 if self.reciprocal else len(self.relations)

    def relation_rows(self, relations: Ids, side: Side) -> Ids:
        """Return the rows of the table that a question for this side reads."""
        return relations + self.n_relations if self.reciprocal and side == HEAD else relations

    def queries(self, given: Rows, relations: Rows, side: Side) -> Queries:
        """Return the queries for this side, of rows of entities and of :meth:`relation_rows`."""
        formula = self.formula
        backwards = side == HEAD and not self.reciprocal
        return (formula.head_queries if backwards else formula.tail_queries)(given, relations)

    def groups(self, relations: Ids, size: int) -> list[Ids]:
        """Return the positions of questions in tasks, each of one relation if candidates differ."""
        if not self.formula.by_relation:
            return _cut(np.arange(len(relations)), size)
        order = np.argsort(relations, kind="stable")
        starts = np.flatnonzero(np.diff(relations[order], prepend=-1))
        groups = np.split(order, starts[1:]) if len(order) else []
        return [part for group in groups for part in _cut(group, size)]

    def wanted(self, relations: Ids) -> Rows:
        """Return the rows of relations, a single one if all are the same because they must."""
        return self.relations[relations[:1] if self.formula.by_relation else relations]


def score_triples(model: Model, triples: Ids, *, n_jobs: int | None) -> npt.NDArray[np.float32]:
    """Return the score of each triple, as an answer to (head, relation, ?)."""
    scores = np.empty(len(triples), dtype=np.float32)
    formula = model.formula

    def score(group: Ids) -> None:
        heads, relations, tails = triples[group].T
        rows = model.wanted(relations)
        queries = model.queries(model.entities[heads], rows, TAIL)
        candidates = formula.candidates(model.entities[tails], rows)
        scores[group] = formula.interaction.pairs(queries, candidates)

    groups = model.groups(triples[:, 1], _PAIRS)
    with threadpool_limits(1, "blas"):
        run_blocks(score, [(group,) for group in groups], n_jobs=n_jobs)
    return scores


def best_answers(
    model: Model,
    given: Ids,
    relations: Ids,
    k: int,
    *,
    side: Side,
    known: KnownTriples | None = None,
    n_jobs: int | None = -1,
) -> tuple[Ids, npt.NDArray[np.float32]]:
    """Return the entities with the best scores for each question.

    Parameters
    ----------
    model : Model
    given, relations : ndarray of shape (n_questions,), int64
        Rows of the entity and of the relation that each question names.
    k : int
        Answers to each, at most as many as there are entities.
    side : {"head", "tail"}
        What is asked for.
    known : KnownTriples, optional
        Triples whose answers are left out.
    n_jobs : int or None

    Returns
    -------
    answers : ndarray of shape (n_questions, k), int64
        Best first; of equal scores, in row order. Where there are fewer than k, the entity that
        was given, with the score -inf.
    scores : ndarray of shape (n_questions, k), float32

    Raises
    ------
    NonFiniteScoresError
        If a score is NaN.
    """
    formula, n = model.formula, len(model.entities)
    k = min(k, n)
    answers = np.repeat(given[:, None], k, axis=1)
    best = np.full(answers.shape, -np.inf, dtype=np.float32)
    asked = model.relation_rows(relations, side)
    if known is not None:
        starts, stops = known.find(given, relations, side)
    everything = None
    if not formula.by_relation:
        everything = formula.candidates(model.entities, model.relations[:0])

    def answer(group: Ids) -> None:
        rows = model.wanted(asked[group])
        queries = model.queries(model.entities[given[group]], rows, side)
        candidates = everything or formula.candidates(model.entities, rows)
        scores = np.empty((len(group), n), dtype=np.float32)
        formula.interaction.block(queries, candidates, scores)
        if np.isnan(scores).any():
            raise NonFiniteScoresError(
                "Some scores are NaN: training has diverged. Lower the learning rate."
            )
        for i, line in zip(group.tolist(), scores, strict=True):
            if known is not None:
                line[known.answers[starts[i] : stops[i]]] = -np.inf
            found = _largest(line, k)
            answers[i, : len(found)], best[i, : len(found)] = found, line[found]

    groups = model.groups(asked, max(1, min(_QUERIES, _SCORES // n)))
    with threadpool_limits(1, "blas"):
        run_blocks(answer, [(group,) for group in groups], n_jobs=n_jobs)
    return answers, best


def _largest(scores: npt.NDArray[np.float32], k: int) -> Ids:
    """Return where the k largest scores are, largest first, equal ones in order; none is -inf."""
    bar = np.partition(scores, len(scores) - k)[len(scores) - k]
    places = np.flatnonzero((scores >= bar) & (scores > -np.inf))
    return places[np.argsort(-scores[places], kind="stable")[:k]]


def _cut(rows: Ids, size: int) -> list[Ids]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
