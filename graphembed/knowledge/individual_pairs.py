"""Any formula and loss with negatives of each triple's own: scores of pairs, one for each."""

from collections.abc import Callable
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from graphembed.engine import run_blocks
from graphembed.knowledge.formula import Formula, Rows
from graphembed.knowledge.individual_triples import Epoch, Ids, cut
from graphembed.knowledge.known_triples import KnownTriples
from graphembed.knowledge.negatives import Corruptions, corrupt
from graphembed.knowledge.optimizers import make_optimizer
from graphembed.knowledge.regularizers import REGULARIZERS
from graphembed.knowledge.rows import unit_rows
from graphembed.knowledge.tables import RowTable
from graphembed.knowledge.trainer import TripleSettings, constraints

CHUNK = 256  # triples of a task


class PairSteps:
    """Epochs in batches of triples, each with the scores of its own negatives."""

    def __init__(
        self, formula: Formula, settings: TripleSettings, entities: RowTable, relations: RowTable,
        *, known: KnownTriples | None, unit_entities: bool, n_jobs: int | None,
    ) -> None:  # fmt: skip
        self.formula, self.settings, self.known, self.n_jobs = formula, settings, known, n_jobs
        self.entities, self.relations = entities, relations
        self.n_negatives: int = settings.n_negatives or 1
        self.optimizer = make_optimizer(settings.optimizer)
        self.loss = settings.make_loss()
        self._constrain, self._constrain_relations = constraints(formula)
        if unit_entities:
            self._constrain = self._to_unit

    def _to_unit(self, rows: Rows) -> None:
        rows[:] = unit_rows(rows)
        self.formula.constrain_entities(rows)

    def train(self, epoch: Epoch) -> float:
        """Train on all triples of an epoch; return the summed loss."""
        n = len(epoch.order)
        ranges = cut(0, n, self.settings.batch_size)
        return float(sum(self._train_batch(epoch, *ends) for ends in ranges))

    def _train_batch(self, epoch: Epoch, first: int, last: int) -> float:
        numbers = epoch.order[first:last]
        triples = epoch.triples.rows[numbers].astype(np.int64)
        drawn = corrupt(
            int(epoch.key), numbers, triples, self.n_negatives,
            n_entities=len(self.entities), chances=epoch.triples.chances,
        )  # fmt: skip
        n = last - first
        tasks = [
            (triples[i:j], Corruptions(drawn.entities[i:j], drawn.heads[i:j]), 1 / n)
            for i, j in cut(0, n, CHUNK)
        ]
        results = run_blocks(self._train_chunk, tasks, n_jobs=self.n_jobs)
        rate = float(epoch.rate(first))
        self.entities.update(
            self.optimizer, [r.entities for r in results], [r.entity_grads for r in results],
            rate, self._constrain, self.n_jobs,
        )  # fmt: skip
        self.relations.update(
            self.optimizer, [r.relations for r in results], [r.relation_grads for r in results],
            rate, self._constrain_relations, self.n_jobs,
        )  # fmt: skip
        return float(sum(result.loss for result in results))

    def _train_chunk(self, triples: Ids, drawn: Corruptions, scale: float) -> "_Gradients":
        heads, relations, tails = np.ascontiguousarray(triples.T)
        sides = [_Side(self, heads, relations, tails, drawn.entities, ~drawn.heads, False)]
        if drawn.heads.any():
            sides.append(_Side(self, tails, relations, heads, drawn.entities, drawn.heads, True))
        positive = sides[0].true_scores()
        negative = np.empty(drawn.entities.shape, dtype=np.float32)
        for side in sides:
            negative[side.mask] = side.scores()
        self._mask_known(negative, triples, drawn)
        by_positive, by_negative = np.empty_like(positive), np.empty_like(negative)
        loss = self.loss.apply(positive, negative, by_positive, by_negative)
        by_positive *= np.float32(scale)
        by_negative *= np.float32(scale)
        parts = [sides[0].true_gradients(by_positive)]
        parts += [side.gradients(by_negative[side.mask]) for side in sides]
        if self.settings.regularizer is not None:
            parts.append(self._penalty(heads, relations, tails, scale))
        columns = zip(*parts, strict=True)
        return _Gradients(loss, *(np.concatenate([*chain(*column)]) for column in columns))

    def _penalty(self, heads: Ids, relations: Ids, tails: Ids, scale: float) -> "_Parts":
        ends = np.concatenate([heads, tails])
        add = REGULARIZERS[str(self.settings.regularizer)]
        grads = []
        for table, rows in ((self.entities, ends), (self.relations, relations)):
            values = table.gather(rows)
            weight = self.settings.regularization * scale
            grads.append(add(values, np.zeros_like(values), weight, self.formula))
        return [ends], [grads[0]], [relations], [grads[1]]

    def _mask_known(self, scores: Rows, triples: Ids, drawn: Corruptions) -> None:
        """Give negatives that are true no part in the loss."""
        if self.known is None:
            return
        heads, relations, tails = (column[:, None] for column in triples.T)
        heads = np.where(drawn.heads, drawn.entities, heads)
        tails = np.where(drawn.heads, tails, drawn.entities)
        m = self.known.n_relations
        inverse = relations >= m  # (t, r + m, h) is (h, r, t)
        true = self.known.contains(
            np.where(inverse, tails, heads), relations % m, np.where(inverse, heads, tails)
        )
        scores[true] = -np.inf


class _Gradients(NamedTuple):
    """What a chunk gives back: its loss, and rows of both tables with their gradients."""

    loss: float
    entities: Ids
    entity_grads: Rows
    relations: Ids
    relation_grads: Rows


_Parts = tuple[list[Ids], list[Rows], list[Ids], list[Rows]]


class _Side:
    """Queries of a chunk for one side, and the negatives that are put there."""

    def __init__(
        self, steps: PairSteps, asked: Ids, relations: Ids, answers: Ids, drawn: Ids,
        mask: npt.NDArray[np.bool_], heads: bool,
    ) -> None:  # fmt: skip
        formula = steps.formula
        self.formula, self.mask, self.drawn = formula, mask, drawn[mask]
        self.ids = asked, relations, answers
        self.of = np.nonzero(mask)[0]  # the query of each negative, ascending
        self.entities = steps.entities.gather(asked)
        self.relations = steps.relations.gather(relations)
        self.answers = steps.entities.gather(answers)
        self.rows = steps.entities.gather(self.drawn)
        self.back = formula.head_queries_backward if heads else formula.tail_queries_backward
        make = formula.head_queries if heads else formula.tail_queries
        self.queries = make(self.entities, self.relations)
        self.true = formula.candidates(self.answers, self.relations)
        self.candidates = formula.candidates(self.rows, self.relations[self.of])

    def true_scores(self) -> Rows:
        """Return the scores of the triples."""
        return self.formula.interaction.pairs(self.queries, self.true)

    def scores(self) -> Rows:
        """Return the scores of all negatives, in the order of the mask."""
        return self.formula.interaction.pairs(_take(self.queries, self.of), self.candidates)

    def true_gradients(self, grads: Rows) -> _Parts:
        """Return rows and gradients of the triples, from those by their scores."""
        some = np.flatnonzero(grads)  # what the loss does not pull at rests
        asked, relations, answers = (column[some] for column in self.ids)
        by_queries, by_true = self.formula.interaction.pairs_backward(
            _take(self.queries, some), _take(self.true, some), grads[some]
        )
        by_asked, by_relations = self.back(self.entities[some], self.relations[some], by_queries)
        by_answers, more = self.formula.candidates_backward(
            self.answers[some], self.relations[some], by_true
        )
        if self.formula.by_relation:
            by_relations = by_relations + more
        return [asked, answers], [by_asked, by_answers], [relations], [by_relations]

    def gradients(self, grads: Rows) -> _Parts:
        """Return rows and gradients of the negatives, from those by their scores."""
        some = np.flatnonzero(grads)
        if not len(some):
            return [], [], [], []
        of = self.of[some]
        by_each, by_drawn = self.formula.interaction.pairs_backward(
            _take(self.queries, of), _take(self.candidates, some), grads[some]
        )
        starts = np.flatnonzero(np.diff(of, prepend=-1))  # of the negatives of each query
        some_asked = of[starts]
        by_queries = _map(by_each, lambda part: np.add.reduceat(part, starts, axis=0))
        by_asked, by_relations = self.back(
            self.entities[some_asked], self.relations[some_asked], by_queries
        )
        by_rows, more = self.formula.candidates_backward(
            self.rows[some], self.relations[of], by_drawn
        )
        if self.formula.by_relation:
            by_relations = by_relations + np.add.reduceat(more, starts, axis=0)
        asked, relations, _ = self.ids
        return (
            [asked[some_asked], self.drawn[some]], [by_asked, by_rows],
            [relations[some_asked]], [by_relations],
        )  # fmt: skip


def _take(parts: Any, rows: Ids) -> Any:
    """Return some of the queries or candidates."""
    return _map(parts, lambda part: part[rows])


def _map(parts: Any, function: Callable[[Rows], Rows]) -> Any:
    return type(parts)(*(None if part is None else function(part) for part in parts))
