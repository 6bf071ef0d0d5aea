"""Training on triples with shared negatives: batches of queries against the same candidates.

A triple asks two questions, (head, relation, ?) and (?, relation, tail). The queries of a batch are
cut into chunks of a fixed size, which are the tasks of the threads; each meets the same negatives
in products of matrices. The gradients of a batch are then summed row by row, in an order that does
not depend on who computed them, and each row is updated once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from graphembed.engine import run_blocks
from graphembed.knowledge.formula import Formula, Rows
from graphembed.knowledge.interactions import Candidates, Queries
from graphembed.knowledge.known_triples import KnownTriples
from graphembed.knowledge.losses import Loss, make_loss
from graphembed.knowledge.negatives import mask_own, shared_negatives
from graphembed.knowledge.optimizers import make_optimizer
from graphembed.knowledge.regularizers import REGULARIZERS
from graphembed.knowledge.tables import Constraint, ParameterTable, RowTable
from graphembed.training.tiles import derive_key

CHUNK = 256  # queries of a task
# Those of one relation: fewer, so that a relation is updated more often in an epoch.
RELATION_CHUNK = 64
HEADS, TAILS = "head", "tail"  # which side of a triple is asked for

Ids = npt.NDArray[np.int64]
# Numbers that keys are derived with.
_ENTITIES, _RELATIONS, _NEGATIVES, _ORDER = 1, 2, 3, 4


@dataclass(frozen=True)
class TripleSettings:
    """How triples are trained; the parameters of a model, but for those of its formula.

    Parameters
    ----------
    loss : str
        A key of :data:`graphembed.knowledge.losses.LOSSES`.
    margin, temperature, negative_weight : float
        Of the losses that have one.
    n_negatives : int or None
        Shared by the queries of a batch; None: all entities.
    filter_negatives : bool
        Whether true answers among the negatives are left out.
    reciprocal : bool
        Whether the relations are trained a second time, as inverses.
    regularizer : str or None
        A key of :data:`graphembed.knowledge.regularizers.REGULARIZERS`.
    regularization : float
        Its weight.
    optimizer : str
        A key of :data:`graphembed.knowledge.optimizers.OPTIMIZERS`.
    learning_rate : float
    warm_up : float
        Epochs in which the learning rate rises to its full value.
    decay : bool
        Whether the learning rate falls linearly to nothing over the epochs.
    batch_size : int
        Triples.
    n_epochs : int
        What the decay goes by.
    """

    loss: str = "softmax"
    margin: float = 1.0
    temperature: float = 1.0
    negative_weight: float = 1.0
    n_negatives: int | None = 512
    filter_negatives: bool = False
    reciprocal: bool = True
    regularizer: str | None = None
    regularization: float = 0.0
    optimizer: str = "adagrad"
    learning_rate: float = 0.1
    warm_up: float = 0.0
    decay: bool = False
    batch_size: int = 1024
    n_epochs: int = 100

    def make_loss(self) -> Loss:
        """Return the loss with its settings."""
        return make_loss(
            self.loss, margin=self.margin, temperature=self.temperature,
            negative_weight=self.negative_weight,
        )  # fmt: skip

    def rate(self, epochs: float) -> float:
        """Return the learning rate after so many epochs."""
        rate = self.learning_rate
        if epochs < self.warm_up:
            rate *= (epochs + 1e-3) / self.warm_up
        if self.decay:
            rate *= max(1e-3, 1 - epochs / self.n_epochs)
        return rate

    def as_json(self) -> dict[str, Any]:
        """Return all fields."""
        return asdict(self)


class Chunk(NamedTuple):
    """Queries of one side, and their answers: rows of the tables."""

    side: str
    entities: Ids
    relations: Ids
    answers: Ids


class _Gradients(NamedTuple):
    """What a chunk gives back."""

    loss: float
    entities: Rows
    relations: Rows
    answers: Rows
    negatives: Any  # Candidates, or rows of entities if candidates depend on the relation


class TripleTrainer:
    """The two tables of a model, and the epochs that train them.

    Parameters
    ----------
    formula : Formula
    settings : TripleSettings
    n_entities, n_relations : int
    key : int
        All randomness comes from it.
    known : KnownTriples, optional
        True triples, for ``filter_negatives``.
    n_jobs : int or None
        The result does not depend on it.

    Attributes
    ----------
    entities, relations : ndarray, float32
        The tables. With reciprocal relations, row ``n_relations + r`` is the inverse of r.
    """

    def __init__(
        self,
        formula: Formula,
        settings: TripleSettings,
        n_entities: int,
        n_relations: int,
        *,
        key: int,
        known: KnownTriples | None = None,
        n_jobs: int | None = -1,
    ) -> None:
        self.formula, self.settings, self.key, self.n_jobs = formula, settings, key, n_jobs
        self.n_relations = n_relations
        self.known = known if settings.filter_negatives else None
        self.loss = settings.make_loss()
        self.optimizer = make_optimizer(settings.optimizer)
        self._constraints = constraints(formula)
        start = self.initial_entities(np.arange(n_entities))
        self.entity_table: ParameterTable = self._table(start)
        rows = np.arange(n_relations * (2 if settings.reciprocal else 1))
        start = formula.initial_relations(rows, int(derive_key(key, _RELATIONS)))
        self.relation_table = self._table(start)

    def _table(self, values: Rows) -> RowTable:
        return RowTable(values, self.optimizer.initial_state(*values.shape))

    def initial_entities(self, rows: Ids) -> Rows:
        """Return what training starts from: each row depends on its number and the key only."""
        return self.formula.initial_entities(rows, int(derive_key(self.key, _ENTITIES)))

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
        triples : ndarray of shape (n, 3), int64
            Rows of heads, relations and tails.
        epoch : int
            From 0.

        Returns
        -------
        float
            Mean loss of a query.
        """
        loss, n_queries = self.train_pass(triples, (epoch,), (epoch, epoch + 1))
        return loss / max(1, n_queries)

    def train_pass(
        self,
        triples: Ids,
        words: tuple[int, ...],
        epochs: tuple[float, float],
        done: Callable[[int], None] | None = None,
    ) -> tuple[float, int]:
        """Train on some triples once.

        Parameters
        ----------
        triples : ndarray of shape (n, 3), int64
            Rows of heads, relations and tails.
        words : tuple of int
            Name the pass: its order and its negatives are drawn by the key and these.
        epochs : (float, float)
            Epochs behind when it begins and when it ends: the learning rate goes by them.
        done : callable, optional
            Called with the number of triples of each batch that is done; they add up to all.

        Returns
        -------
        loss : float
            The sum over queries.
        n_queries : int
        """
        total, n_queries, reached = 0.0, 0, 0
        begin, end = epochs
        # Each task multiplies alone: results would depend on the threads of BLAS otherwise.
        with threadpool_limits(1, "blas"):
            for number, (share, chunks) in enumerate(self._batches(triples, words)):
                key = int(derive_key(self.key, _NEGATIVES, *words, number))
                rate = self.settings.rate(begin + share * (end - begin))
                total += self._train_batch(chunks, key, rate)
                n_queries += sum(len(chunk.answers) for chunk in chunks)
                if done is not None:
                    done(n_queries // 2 - reached)
                reached = n_queries // 2
        return total, n_queries

    def _batches(self, triples: Ids, words: tuple[int, ...]) -> Iterator[tuple[float, list[Chunk]]]:
        """Yield each batch with the share of the pass before it."""
        rng = np.random.default_rng(int(derive_key(self.key, _ORDER, *words)))
        triples = triples[rng.permutation(len(triples))]
        if self.formula.by_relation:
            yield from self._batches_by_relation(triples, rng)
            return
        # As even as can be: a last batch of a few triples would step as far as a whole one.
        n_batches = max(1, -(-len(triples) // self.settings.batch_size))
        size = max(1, -(-len(triples) // n_batches))
        for start in range(0, len(triples), size):
            batch = triples[start : start + size]
            yield (
                start / len(triples),
                [
                    Chunk(side, *parts)
                    for side, *columns in self._questions(batch)
                    for parts in zip(*(_cut(column, CHUNK) for column in columns), strict=True)
                ],
            )

    def _batches_by_relation(
        self, triples: Ids, rng: np.random.Generator
    ) -> Iterator[tuple[float, list[Chunk]]]:
        chunks = []
        for side, entities, relations, answers in self._questions(triples):
            order = np.argsort(relations, kind="stable")
            bounds = np.flatnonzero(np.diff(relations[order], prepend=-1))
            for group in np.split(order, bounds[1:]):
                chunks += [
                    Chunk(side, entities[part], relations[part], answers[part])
                    for part in _cut(group, RELATION_CHUNK)
                ]
        batch: list[Chunk] = []
        done = size = 0
        for i in rng.permutation(len(chunks)):
            batch.append(chunks[i])
            size += len(chunks[i].answers)
            if size >= 2 * self.settings.batch_size:
                yield done / (2 * len(triples)), batch
                done, size, batch = done + size, 0, []
        if batch:
            yield done / (2 * len(triples)), batch

    def _questions(self, triples: Ids) -> list[tuple[str, Ids, Ids, Ids]]:
        heads, relations, tails = np.ascontiguousarray(triples.T)
        if self.settings.reciprocal:
            backward = (TAILS, tails, relations + self.n_relations, heads)
        else:
            backward = (HEADS, tails, relations, heads)
        return [(TAILS, heads, relations, tails), backward]

    def _train_batch(self, chunks: Sequence[Chunk], key: int, learning_rate: float) -> float:
        formula = self.formula
        drawn = self._negatives(key)
        rows = self.entity_table.gather(drawn)
        negatives: Any = rows
        if not formula.by_relation:
            negatives = formula.candidates(rows, self.relation_table.values[:0])
        scale = 1.0 / sum(len(chunk.answers) for chunk in chunks)
        tasks = [(chunk, negatives, drawn, scale) for chunk in chunks]
        results = run_blocks(self._train_chunk, tasks, n_jobs=self.n_jobs)
        pulled = _sum([result.negatives for result in results])
        if not formula.by_relation:
            pulled = formula.candidates_backward(rows, self.relation_table.values[:0], pulled)[0]
        self.entity_table.update(
            self.optimizer,
            [*(c.entities for c in chunks), *(c.answers for c in chunks), drawn],
            [*(r.entities for r in results), *(r.answers for r in results), pulled],
            learning_rate, self._constraints[0], self.n_jobs,
        )  # fmt: skip
        relations = [c.relations[:1] if formula.by_relation else c.relations for c in chunks]
        self.relation_table.update(
            self.optimizer, relations, [result.relations for result in results],
            learning_rate, self._constraints[1], self.n_jobs,
        )  # fmt: skip
        return float(sum(result.loss for result in results))

    def _negatives(self, key: int) -> Ids:
        wanted = self.settings.n_negatives
        n_rows = len(self.entity_table)
        if wanted is None or wanted >= n_rows:
            return np.arange(n_rows)
        return shared_negatives(key, n_rows, wanted)

    def _train_chunk(self, chunk: Chunk, negatives: Any, drawn: Ids, scale: float) -> _Gradients:
        formula, interaction = self.formula, self.formula.interaction
        entities = self.entity_table.gather(chunk.entities)
        answers = self.entity_table.gather(chunk.answers)
        wanted = chunk.relations[:1] if formula.by_relation else chunk.relations
        relations = self.relation_table.gather(wanted)
        head = chunk.side == HEADS
        make = formula.head_queries if head else formula.tail_queries
        queries = make(entities, relations)
        rows = negatives
        if formula.by_relation:
            negatives = formula.candidates(rows, relations)
        true = formula.candidates(answers, relations)

        positive = interaction.pairs(queries, true)
        scores = np.empty((len(positive), len(drawn)), dtype=np.float32)
        interaction.block(queries, negatives, scores)
        grads = scores.copy()
        self._mask(grads, chunk, drawn)
        positive_grads = np.empty_like(positive)
        loss = self.loss.apply(positive, grads, positive_grads, grads)
        grads *= np.float32(scale)
        positive_grads *= np.float32(scale)

        query_grads, candidate_grads = interaction.block_backward(queries, negatives, scores, grads)
        more, true_grads = interaction.pairs_backward(queries, true, positive_grads)
        query_grads = _add(query_grads, more)
        back = formula.head_queries_backward if head else formula.tail_queries_backward
        by_entities, by_relations = back(entities, relations, query_grads)
        by_answers, further = formula.candidates_backward(answers, relations, true_grads)
        pulled: Any = candidate_grads
        if formula.by_relation:
            pulled, last = formula.candidates_backward(rows, relations, candidate_grads)
            by_relations = by_relations + further + last
        name = self.settings.regularizer
        if name is not None:
            by_entities, by_relations, by_answers = (
                REGULARIZERS[name](values, grad, self.settings.regularization * scale, formula)
                for values, grad in [
                    (entities, by_entities), (relations, by_relations), (answers, by_answers)
                ]
            )  # fmt: skip
        return _Gradients(loss, by_entities, by_relations, by_answers, pulled)

    def _mask(self, scores: Rows, chunk: Chunk, drawn: Ids) -> None:
        """Give the answer itself, and other true answers if asked, no part in the loss."""
        if self.known is None:
            mask_own(chunk.answers, drawn, scores)
        else:
            self.known.mask(
                chunk.entities, chunk.relations, drawn, scores,
                side="head" if chunk.side == HEADS else "tail", own=chunk.answers,
            )  # fmt: skip


def constraints(formula: Formula) -> tuple[Constraint | None, Constraint | None]:
    """Return what brings rows of entities and of relations back, None if nothing does."""
    kind = type(formula)
    of_entities = kind.constrain_entities is not Formula.constrain_entities
    of_relations = kind.constrain_relations is not Formula.constrain_relations
    return (
        formula.constrain_entities if of_entities else None,
        formula.constrain_relations if of_relations else None,
    )


def _cut(rows: Ids, size: int) -> list[Ids]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _add(one: Queries, other: Queries) -> Queries:
    sums: list[Any] = [
        None if a is None or b is None else a + b for a, b in zip(one, other, strict=True)
    ]
    return Queries(*sums)


def _sum(parts: Sequence[Any]) -> Any:
    """Add gradients by candidates, or by rows, in the order given."""
    total, *others = parts
    if isinstance(total, Candidates):
        sums: list[Any] = [
            None if column[0] is None else _sum(column) for column in zip(*parts, strict=True)
        ]
        return Candidates(*sums)
    for part in others:
        total += part
    return total
