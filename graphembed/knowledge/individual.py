"""Training on triples with a few negatives of each triple's own, as the first papers did.

Two ways lead through an epoch:

- *lock-free*: threads train one triple after the other on shared tables. Fastest; not reproducible.
- *in batches*: the gradients of a batch are taken at the values it began with and summed row by
  row in a fixed order, and each row is updated once. The same bits at any number of threads.

TransE with the margin loss has kernels of its own for both. Every other formula and loss is trained
in batches, by its interaction on pairs of a query and a candidate.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from graphembed.engine import run_blocks, split_by_weight
from graphembed.knowledge.formula import Formula, Rows
from graphembed.knowledge.interactions import Queries
from graphembed.knowledge.known_triples import KnownTriples
from graphembed.knowledge.losses import make_loss
from graphembed.knowledge.negatives import (
    bernoulli_chances,
    corrupt,
    head_chances,
    uniform_chances,
)
from graphembed.knowledge.optimizers import OPTIMIZERS, make_optimizer
from graphembed.knowledge.regularizers import REGULARIZERS
from graphembed.knowledge.tables import RowTable
from graphembed.knowledge.transe import TransEFormula
from graphembed.training.tiles import derive_key

if TYPE_CHECKING:
    from graphembed.knowledge.trainer import TripleSettings

CHUNK, FUSED_CHUNK = 256, 512  # triples of a task
N_TASKS, MIN_TASK = 64, 1024  # of a lock-free epoch; triples of a task
ROWS_BLOCK = 4096  # entries and rows of a task that updates
DISTANCES = {"manhattan": 1, "euclidean": 2, "squared_euclidean": 3}  # as the kernels number them
METHODS = {"sgd": 0, "adagrad": 1, "row_adagrad": 2, "adam": 3}

Ids = npt.NDArray[Any]
# Numbers that keys are derived with; the first two are those of the other trainer.
_ENTITIES, _RELATIONS, _NEGATIVES, _ORDER = 1, 2, 5, 6


class IndividualTrainer:
    r"""The two tables of a model, and epochs with negatives drawn for each triple alone.

    A triple's loss is that of its score against the scores of its negatives, which replace the
    head or the tail. With the margin loss and K negatives it is

    .. math:: \frac{1}{K} \sum_k \max(0, \gamma - s(h, r, t) + s(h'_k, r, t'_k))

    Parameters
    ----------
    formula : Formula
    settings : TripleSettings
        As of :class:`graphembed.knowledge.trainer.TripleTrainer`, but for ``n_negatives``, which
        counts those of one triple.  ``optimizer`` may also be "sgd" where a kernel is at hand.
    n_entities, n_relations : int
    key : int
        All randomness comes from it.
    negatives : {"uniform", "bernoulli"}, default="bernoulli"
        How it is decided which side of a triple is replaced.
    known : KnownTriples, optional
        True triples, for ``filter_negatives``.
    reproducible : bool, default=True
        Whether to train in batches. Without it TransE is trained lock-free, unless by Adam.
    unit_entities : bool, default=False
        Whether each entity is divided by its length whenever it was updated.
    n_jobs : int or None, default=-1
        In batches the result does not depend on it.

    Attributes
    ----------
    entities, relations : ndarray, float32
        The tables. With reciprocal relations, row ``n_relations + r`` is the inverse of r.
    fused : bool
        Whether the kernels of TransE are used.

    Raises
    ------
    ValueError
        If a setting is unknown or does not go with the formula.

    References
    ----------
    Bordes et al. (2013), Translating Embeddings for Modeling Multi-relational Data, NIPS; Anik &
    Azad (2025), SparseTransX, MLSys.
    """

    def __init__(
        self,
        formula: Formula,
        settings: "TripleSettings",
        n_entities: int,
        n_relations: int,
        *,
        key: int,
        negatives: str = "bernoulli",
        known: KnownTriples | None = None,
        reproducible: bool = True,
        unit_entities: bool = False,
        n_jobs: int | None = -1,
    ) -> None:
        if negatives not in ("uniform", "bernoulli"):
            raise ValueError(f"Unknown negatives {negatives!r} (known: bernoulli, uniform).")
        if not settings.n_negatives:
            raise ValueError("Negatives of each triple's own need n_negatives, an int from 1 on.")
        if n_entities < 2:
            raise ValueError(f"Replacing an entity takes at least 2 of them; got {n_entities}.")
        self.formula, self.settings, self.key, self.n_jobs = formula, settings, key, n_jobs
        self.n_entities, self.n_relations = n_entities, n_relations
        self.n_negatives: int = settings.n_negatives
        self.negatives, self.unit_entities = negatives, unit_entities
        self.known = known if settings.filter_negatives else None
        self.loss = make_loss(
            settings.loss, margin=settings.margin, temperature=settings.temperature
        )
        self.fused = (
            isinstance(formula, TransEFormula)
            and settings.loss == "margin"
            and settings.regularizer is None
            and self.known is None
        )
        self.lock_free = self.fused and not reproducible and settings.optimizer != "adam"
        if settings.optimizer not in (METHODS if self.fused else OPTIMIZERS):
            known_names = ", ".join(METHODS if self.fused else OPTIMIZERS)
            raise ValueError(f"Unknown optimizer {settings.optimizer!r} (known: {known_names}).")
        self.optimizer = None
        if settings.optimizer in OPTIMIZERS:
            self.optimizer = make_optimizer(settings.optimizer)
        rows = np.arange(n_entities)
        self.entity_table = self._table(formula.initial_entities(rows, derive_key(key, _ENTITIES)))
        rows = np.arange(n_relations * (2 if settings.reciprocal else 1))
        start = formula.initial_relations(rows, derive_key(key, _RELATIONS))
        self.relation_table = self._table(start)
        self._triples: _Triples | None = None
        self._batch: _Batch | None = None

    def _table(self, values: Rows) -> RowTable:
        if self.optimizer is None:
            return RowTable(values, np.empty((len(values), 0), dtype=np.float32))
        return RowTable(values, self.optimizer.initial_state(*values.shape))

    @property
    def entities(self) -> Rows:
        """The table of entities."""
        return self.entity_table.values

    @property
    def relations(self) -> Rows:
        """The table of relations."""
        return self.relation_table.values

    def train_epoch(self, triples: Ids, epoch: int) -> float:
        """Train on every triple once, in an order of the epoch's own.

        Parameters
        ----------
        triples : ndarray of shape (n, 3), int
            Rows of heads, relations and tails.
        epoch : int
            From 0.

        Returns
        -------
        float
            Mean loss of a triple; with reciprocal relations, of a triple and its inverse.

        Raises
        ------
        FloatingPointError
            If training diverged.
        """
        from graphembed.kernels.triple_steps import shuffle

        prepared = self._prepare(triples)
        n = len(prepared.triples)
        if not n:
            return 0.0
        order = np.empty(n, dtype=np.int32 if n < 2**31 else np.int64)
        shuffle(np.uint64(derive_key(self.key, _ORDER, epoch)), order)
        run = _Epoch(prepared, order, epoch, np.uint64(derive_key(self.key, _NEGATIVES, epoch)))
        if self.lock_free:
            loss = self._lock_free_epoch(run)
        else:
            train = self._train_fused_batch if self.fused else self._train_batch
            loss = sum(train(run, *ends) for ends in _cut(0, n, self.settings.batch_size))
        if not np.isfinite(loss):
            raise FloatingPointError(
                f"Training diverged: the loss of epoch {epoch} is not finite. Lower the learning "
                f"rate (it is {self.settings.learning_rate:.3g})."
            )
        return float(loss) / n

    def _prepare(self, triples: Ids) -> "_Triples":
        """Return what epochs need of the triples; the same array is looked at once."""
        if self._triples is None or self._triples.source is not triples:
            reciprocal, m = self.settings.reciprocal, self.n_relations
            rows = np.ascontiguousarray(triples, dtype=np.int32)
            if reciprocal:
                rows = np.concatenate([rows, (rows + np.array([0, m, 0], np.int32))[:, ::-1]])
                rows = np.ascontiguousarray(rows)
                chances = np.zeros(2 * m)
            elif self.negatives == "uniform":
                chances = uniform_chances(m)
            else:
                known = KnownTriples(triples, n_entities=self.n_entities, n_relations=m)
                chances = bernoulli_chances(known)
            self._triples = _Triples(triples, rows, chances, head_chances(chances))
        return self._triples

    def _learning_rate(self, epochs: float) -> float:
        settings = self.settings
        rate = settings.learning_rate
        if epochs < settings.warm_up:
            rate *= (epochs + 1e-3) / settings.warm_up
        if settings.decay:
            rate *= max(1e-3, 1 - epochs / settings.n_epochs)
        return rate

    # TransE: kernels that take gradients and update rows themselves.

    def _lock_free_epoch(self, run: "_Epoch") -> float:
        from graphembed.kernels.triple_steps import train_triples

        n = len(run.order)
        tables = (
            self.entities, self.relations, self.entity_table.state, self.relation_table.state,
        )  # fmt: skip
        distance, margin, weight, method = self._kernel_settings(1)

        def work(start: int, stop: int) -> float:
            rate = np.float32(self._learning_rate(run.epoch + start / n))
            return float(
                train_triples(
                    *tables, run.data.triples, run.order, start, stop, run.data.units,
                    self.n_negatives, distance, margin, weight, method, rate, self.unit_entities,
                    run.key,
                )
            )  # fmt: skip

        size = max(MIN_TASK, -(-n // N_TASKS))
        return sum(run_blocks(work, _cut(0, n, size), n_jobs=self.n_jobs))

    def _kernel_settings(self, n_triples: int) -> tuple[int, np.float32, np.float32, int]:
        return (
            DISTANCES[self.formula.interaction.name],
            np.float32(self.settings.margin),
            np.float32(1 / (self.n_negatives * n_triples)),
            METHODS[self.settings.optimizer],
        )

    def _train_fused_batch(self, run: "_Epoch", first: int, last: int) -> float:
        """Gradients as vectors and an incidence matrix, then their product row by row."""
        from graphembed.kernels.triple_steps import list_gradients

        if self._batch is None:
            self._batch = _Batch(self)
        batch = self._batch
        distance, margin, weight, method = self._kernel_settings(last - first)
        entries = *batch.entities.entries(), *batch.relations.entries()

        def gradients(start: int, stop: int) -> tuple[float, int, int]:
            return list_gradients(  # type: ignore[no-any-return]
                self.entities, self.relations, run.data.triples, run.order, first, start, stop,
                run.data.units, self.n_negatives, distance, margin, weight, run.key,
                batch.vectors, *entries,
            )  # fmt: skip

        chunks = _cut(first, last, FUSED_CHUNK)
        results = run_blocks(gradients, chunks, n_jobs=self.n_jobs)
        losses, ends, relation_ends = zip(*results, strict=True)
        begins = np.array([start - first for start, _ in chunks])
        rate = np.float32(self._learning_rate(run.epoch + first / len(run.order)))
        options = batch.vectors, distance, method, rate
        tasks = [
            *batch.relations.steps(self.relation_table, begins, relation_ends, *options, False),
            *batch.entities.steps(self.entity_table, begins, ends, *options, self.unit_entities),
        ]
        run_blocks(lambda task: task(), [(task,) for task in tasks], n_jobs=self.n_jobs)
        return sum(losses) * (last - first)

    # Any formula: scores and gradients of pairs.

    def _train_batch(self, run: "_Epoch", first: int, last: int) -> float:
        numbers = run.order[first:last].astype(np.int64)
        triples = run.data.triples[numbers].astype(np.int64)
        drawn, replaces_head = corrupt(
            int(run.key), numbers, triples, self.n_negatives,
            n_entities=self.n_entities, chances=run.data.chances,
        )  # fmt: skip
        scale = 1.0 / (last - first)
        tasks = [
            (triples[i:j], drawn[i:j], replaces_head[i:j], scale)
            for i, j in _cut(0, last - first, CHUNK)
        ]
        results = run_blocks(self._train_chunk, tasks, n_jobs=self.n_jobs)
        rate = self._learning_rate(run.epoch + first / len(run.order))
        for table, rows, grads, constrain in (
            (self.entity_table, [r.entities for r in results],
             [r.entity_grads for r in results], self._constrain_entities),
            (self.relation_table, [r.relations for r in results],
             [r.relation_grads for r in results], self.formula.constrain_relations),
        ):  # fmt: skip
            table.update(self.optimizer, rows, grads, rate, constrain, self.n_jobs)
        return sum(result.loss for result in results)

    def _constrain_entities(self, rows: Rows) -> None:
        if self.unit_entities:
            size = self.formula.entity_width
            rows /= np.maximum(np.linalg.norm(rows[:, :size], axis=1, keepdims=True), 1e-9)
        self.formula.constrain_entities(rows)

    def _train_chunk(
        self, triples: Ids, drawn: Ids, replaces_head: npt.NDArray[np.bool_], scale: float
    ) -> "_Gradients":
        heads, relations, tails = np.ascontiguousarray(triples.T)
        sides = [_Side(self, heads, relations, tails, drawn, ~replaces_head, False)]
        if replaces_head.any():
            sides.append(_Side(self, tails, relations, heads, drawn, replaces_head, True))
        asked = sides[0]
        positive = self.formula.interaction.pairs(asked.queries, asked.true)
        negative = np.empty(drawn.shape, dtype=np.float32)
        for side in sides:
            negative[side.mask] = side.scores()
        self._mask_known(negative, triples, drawn, replaces_head)
        by_positive, by_negative = np.empty_like(positive), np.empty_like(negative)
        loss = self.loss.apply(positive, negative, by_positive, by_negative)
        by_positive *= np.float32(scale)
        by_negative *= np.float32(scale)
        parts = [asked.positive_gradients(by_positive)]
        parts += [side.gradients(by_negative[side.mask]) for side in sides]
        entities, entity_grads, of_relations, relation_grads = (
            [item for part in parts for item in part[column]] for column in range(4)
        )
        name = self.settings.regularizer
        if name is not None:
            weight = self.settings.regularization * scale
            for table, rows, grads in (
                (self.entity_table, np.concatenate([heads, tails]), entity_grads),
                (self.relation_table, relations, relation_grads),
            ):
                values = table.gather(rows)
                grads.append(
                    REGULARIZERS[name](values, np.zeros_like(values), weight, self.formula)
                )
            entities.append(np.concatenate([heads, tails]))
            of_relations.append(relations)
        return _Gradients(
            loss,
            *(np.concatenate(p) for p in (entities, entity_grads, of_relations, relation_grads)),
        )

    def _mask_known(
        self, scores: Rows, triples: Ids, drawn: Ids, replaces_head: npt.NDArray[np.bool_]
    ) -> None:
        """Give negatives that are true no part in the loss."""
        if self.known is None:
            return
        heads, relations, tails = (column[:, None] for column in triples.T)
        inverse = relations >= self.n_relations  # (t, r + m, h) is (h, r, t)
        heads, tails = np.where(replaces_head, drawn, heads), np.where(replaces_head, tails, drawn)
        true = self.known.contains(
            np.where(inverse, tails, heads),
            np.where(inverse, relations - self.n_relations, relations),
            np.where(inverse, heads, tails),
        )
        scores[true] = -np.inf


class _Triples(NamedTuple):
    """Triples, and how often negatives of their relations replace the head."""

    source: Ids
    triples: npt.NDArray[np.int32]
    chances: npt.NDArray[np.float64]
    units: npt.NDArray[np.uint64]


class _Epoch(NamedTuple):
    data: _Triples
    order: Ids
    epoch: int
    key: np.uint64


class _Gradients(NamedTuple):
    """What a chunk gives back."""

    loss: float
    entities: Ids
    entity_grads: Rows
    relations: Ids
    relation_grads: Rows


_Parts = tuple[list[Ids], list[Rows], list[Ids], list[Rows]]


class _Side:
    """Queries of a chunk for one side, and the negatives that are put there."""

    def __init__(
        self, trainer: IndividualTrainer, asked: Ids, relations: Ids, answers: Ids, drawn: Ids,
        mask: npt.NDArray[np.bool_], heads: bool,
    ) -> None:  # fmt: skip
        formula = trainer.formula
        self.formula, self.mask, self.drawn = formula, mask, drawn[mask]
        self.ids = asked, relations, answers
        self.of = np.nonzero(mask)[0]  # the query of each negative, ascending
        self.entities = trainer.entity_table.gather(asked)
        self.relations = trainer.relation_table.gather(relations)
        self.answers = trainer.entity_table.gather(answers)
        self.rows = trainer.entity_table.gather(self.drawn)
        self.back = formula.head_queries_backward if heads else formula.tail_queries_backward
        make = formula.head_queries if heads else formula.tail_queries
        self.queries = make(self.entities, self.relations)
        self.true = formula.candidates(self.answers, self.relations)
        self.candidates = formula.candidates(self.rows, self.relations[self.of])

    def scores(self) -> Rows:
        """Return the scores of all negatives, in the order of the mask."""
        return self.formula.interaction.pairs(_take(self.queries, self.of), self.candidates)

    def positive_gradients(self, grads: Rows) -> _Parts:
        """Return rows and gradients of the triples themselves."""
        asked, relations, answers = self.ids
        by_queries, by_true = self.formula.interaction.pairs_backward(
            self.queries, self.true, grads
        )
        by_asked, by_relations = self.back(self.entities, self.relations, by_queries)
        by_answers, more = self.formula.candidates_backward(self.answers, self.relations, by_true)
        if self.formula.by_relation:
            by_relations = by_relations + more
        return [asked, answers], [by_asked, by_answers], [relations], [by_relations]

    def gradients(self, grads: Rows) -> _Parts:
        """Return rows and gradients that come from the negatives."""
        asked, relations, _ = self.ids
        if not len(self.of):
            return [], [], [], []
        by_each, by_candidates = self.formula.interaction.pairs_backward(
            _take(self.queries, self.of), self.candidates, grads
        )
        starts = np.flatnonzero(np.diff(self.of, prepend=-1))
        present = self.of[starts]
        by_queries = Queries(
            *(None if part is None else np.add.reduceat(part, starts, axis=0) for part in by_each)
        )
        by_asked, by_relations = self.back(
            self.entities[present], self.relations[present], by_queries
        )
        by_drawn, more = self.formula.candidates_backward(
            self.rows, self.relations[self.of], by_candidates
        )
        if self.formula.by_relation:
            by_relations = by_relations + np.add.reduceat(more, starts, axis=0)
        return (
            [asked[present], self.drawn], [by_asked, by_drawn], [relations[present]], [by_relations]
        )  # fmt: skip


def _take(queries: Queries, rows: Ids) -> Queries:
    return Queries(*(None if part is None else part[rows] for part in queries))


class _Batch:
    """Space for the gradients of one batch of TransE, kept for the next."""

    def __init__(self, trainer: IndividualTrainer) -> None:
        from graphembed.kernels.triple_steps import SLOTS

        size = trainer.settings.batch_size
        self.vectors = np.empty((SLOTS * size, trainer.formula.entity_width), dtype=np.float32)
        self.entities = _Incidence(size, 4 + trainer.n_negatives, len(trainer.entities))
        self.relations = _Incidence(size, 2, len(trainer.relations))


class _Incidence:
    """A sparse matrix with a row for each row of a table: its entries, and as CSR."""

    def __init__(self, batch_size: int, n_each: int, n_rows: int) -> None:
        n, self.n_each = batch_size * n_each, n_each
        self.rows, self.slots, self.to_slots, self.unique = np.empty((4, n), dtype=np.int32)
        self.weights, self.to_weights = np.empty((2, n), dtype=np.float32)
        self.starts = np.empty(n + 1, dtype=np.int64)
        self.counts = np.zeros(n_rows, dtype=np.int32)

    def entries(self) -> tuple[Ids, Ids, Rows]:
        """Return where entries are written."""
        return self.rows, self.slots, self.weights

    def steps(
        self, table: RowTable, begins: Ids, ends: Sequence[int], vectors: Rows, distance: int,
        method: int, rate: np.float32, unit: bool,
    ) -> Iterator[Callable[[], None]]:  # fmt: skip
        """Sort the entries; yield tasks that multiply and update some rows each."""
        from graphembed.kernels.triple_steps import group_entries, step_rows

        in_order = self.unique, self.starts, self.to_slots, self.to_weights
        ranges = begins * self.n_each, np.array(ends)
        n_unique = group_entries(*self.entries(), *ranges, self.counts, *in_order)
        starts = self.starts[: n_unique + 1]
        n_tasks = -(-(int(starts[-1]) + n_unique) // ROWS_BLOCK)
        for first, last in split_by_weight(starts, n_tasks) if n_unique else []:

            def task(first: int = first, last: int = last) -> None:
                step_rows(
                    table.values, table.state, *in_order, vectors, distance, method, rate, unit,
                    first, last,
                )  # fmt: skip

            yield task


def _cut(start: int, stop: int, size: int) -> list[tuple[int, int]]:
    return [(first, min(first + size, stop)) for first in range(start, stop, size)]
