"""Rows for new entities, from their triples: a start, then steps that move the new rows alone."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from graphembed.knowledge.answers import HEAD, TAIL, Ids, Model, Side
from graphembed.knowledge.formula import Rows
from graphembed.knowledge.interactions import Queries
from graphembed.knowledge.known_triples import KnownTriples
from graphembed.knowledge.losses import Loss

N_STEPS = 30
N_NEGATIVES = 256
_RATE = 0.05  # of the typical size of a column, in the first steps
_QUERIES = 1024  # of a block
_SUMS = 1 << 24  # scores that are added up at a time
_DECAYS = 0.9, 0.999


class _Questions(NamedTuple):
    """Questions for one side: what is given, and the answers."""

    side: Side
    given: Ids
    relations: Ids  # rows of the table
    answers: Ids

    def take(self, places: Any) -> "_Questions":
        return _Questions(
            self.side, self.given[places], self.relations[places], self.answers[places]
        )


@dataclass(frozen=True, eq=False)
class Placer:
    """Places entities that a model does not know yet.

    An entity starts as the known one that answers best what its triples ask for: the largest sum
    of scores over the questions whose answer it is. Then its row, and no other, takes thirty
    steps of Adam, falling in size, on the loss of its triples against fixed negatives.

    Parameters
    ----------
    model : Model
        Its tables are not written to.
    loss : Loss
    negatives : ndarray of shape (n_negatives,), int64
        Rows of known entities.
    known : KnownTriples
        Triples that are no negatives, of known and of new entities.
    """

    model: Model
    loss: Loss
    negatives: Ids
    known: KnownTriples

    def place(self, triples: Ids, n_new: int) -> Rows:
        """Return rows for entities ``n, n + 1, ...``, where n is the number of known ones.

        Parameters
        ----------
        triples : ndarray of shape (n_triples, 3), int64
            Rows; those without a new entity are not read.
        n_new : int

        Returns
        -------
        ndarray of shape (n_new, entity_width), float32
            An entity without triples is where the known ones are on average.
        """
        n = len(self.model.entities)
        triples = triples[(triples[:, [0, 2]] >= n).any(axis=1)]
        heads, relations, tails = triples.T
        sides: list[tuple[Side, Ids, Ids]] = [(TAIL, heads, tails), (HEAD, tails, heads)]
        questions = [
            _Questions(side, given, self.model.relation_rows(relations, side), answers)
            for side, given, answers in sides
        ]
        # More threads only wait for each other on products this small.
        with threadpool_limits(1, "blas"):
            new = self._start(questions, n_new)
            self._improve(new, questions)
        return new

    def _start(self, questions: list[_Questions], n_new: int) -> Rows:
        entities = self.model.entities
        n = len(entities)
        rows = np.repeat(entities.mean(axis=0, keepdims=True), n_new, axis=0)
        self.model.formula.constrain_entities(rows)
        size = max(1, _SUMS // n)
        for first in range(n, n + n_new, size):
            sums = np.zeros((min(size, n + n_new - first), n), dtype=np.float32)
            asked = np.zeros(len(sums), dtype=bool)
            for each in questions:
                wanted = (each.given < n) & (each.answers >= first)
                wanted &= each.answers < first + len(sums)
                self._add_scores(each.take(wanted), first, sums)
                asked[each.answers[wanted] - first] = True
            rows[first - n :][: len(sums)][asked] = entities[sums[asked].argmax(axis=1)]
        return rows

    def _add_scores(self, questions: _Questions, first: int, sums: Rows) -> None:
        model, formula = self.model, self.model.formula
        size = max(1, min(_QUERIES, _SUMS // sums.shape[1]))
        for group in model.groups(questions.relations, size):
            part = questions.take(group)
            rows = model.wanted(part.relations)
            queries = model.queries(model.entities[part.given], rows, part.side)
            scores = np.empty((len(group), sums.shape[1]), dtype=np.float32)
            formula.interaction.block(queries, formula.candidates(model.entities, rows), scores)
            for i, line in zip((part.answers - first).tolist(), scores, strict=True):
                sums[i] += line

    def _improve(self, new: Rows, questions: list[_Questions]) -> None:
        """Step the new rows, in place."""
        n = len(self.model.entities)
        table = np.concatenate([self.model.entities, new])
        sizes = np.sqrt(np.square(self.model.entities, dtype=np.float64).mean(axis=0))
        first, second = np.zeros_like(new), np.zeros_like(new)
        tasks = [
            each.take(group) for each in questions
            for group in self.model.groups(each.relations, _QUERIES)
        ]  # fmt: skip
        for step in range(N_STEPS):
            grads = np.zeros_like(new)
            for task in tasks:
                self._add_gradients(task, table, n, grads)
            for moment, decay, value in zip(
                (first, second), _DECAYS, (grads, grads * grads), strict=True
            ):
                moment *= decay
                moment += np.float32(1 - decay) * value
            corrected = [
                moment / np.float32(1 - decay ** (step + 1))
                for moment, decay in zip((first, second), _DECAYS, strict=True)
            ]
            rate = (_RATE * (1 - step / N_STEPS) * sizes).astype(np.float32)
            table[n:] -= rate * corrected[0] / (np.sqrt(corrected[1]) + np.float32(1e-12))
            self.model.formula.constrain_entities(table[n:])
        new[:] = table[n:]

    def _add_gradients(self, task: _Questions, table: Rows, n: int, grads: Rows) -> None:
        """Add the gradients of the loss of some questions by the new rows among them."""
        model, formula = self.model, self.model.formula
        interaction = formula.interaction
        given, answers = table[task.given], table[task.answers]
        relations = model.wanted(task.relations)
        queries = model.queries(given, relations, task.side)
        true = formula.candidates(answers, relations)
        false = formula.candidates(table[self.negatives], relations)
        positive = interaction.pairs(queries, true)
        scores = np.empty((len(positive), len(self.negatives)), dtype=np.float32)
        interaction.block(queries, false, scores)
        by_scores = scores.copy()
        # To the index of triples as well, rows behind those of relations are inverses.
        side: Side = TAIL if model.reciprocal else task.side
        self.known.mask(task.given, task.relations, self.negatives, by_scores, side=side)
        by_positive = np.empty_like(positive)
        self.loss.apply(positive, by_scores, by_positive, by_scores)

        by_queries, _ = interaction.block_backward(queries, false, scores, by_scores)
        more, by_true = interaction.pairs_backward(queries, true, by_positive)
        by_queries = Queries(
            by_queries.vectors + more.vectors,
            _plus(by_queries.shifts, more.shifts),
            _plus(by_queries.curvatures, more.curvatures),
        )
        backwards = task.side == HEAD and not model.reciprocal
        back = formula.head_queries_backward if backwards else formula.tail_queries_backward
        by_given = back(given, relations, by_queries).entities
        by_answers = formula.candidates_backward(answers, relations, by_true).entities
        for rows, pulled in ((task.given, by_given), (task.answers, by_answers)):
            moved = rows >= n
            np.add.at(grads, rows[moved] - n, pulled[moved])


def _plus(one: Rows | None, other: Rows | None) -> Rows | None:
    return None if one is None or other is None else one + other
