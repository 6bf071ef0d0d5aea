"""TransE with the margin loss and negatives of each triple's own, by kernels made for it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from graphembed.engine import run_blocks
from graphembed.knowledge.formula import Formula, Rows
from graphembed.knowledge.individual_triples import Epoch, Ids, cut
from graphembed.knowledge.tables import RowTable
from graphembed.knowledge.trainer import TripleSettings

CHUNK = 512  # triples of a task that takes gradients
ROWS_BLOCK = 4096  # entries and rows of a task that updates
N_TASKS, MIN_TASK = 64, 1024  # of a lock-free epoch; triples of a task
# As graphembed.kernels.triple_steps numbers them.
DISTANCES = {"manhattan": 1, "euclidean": 2, "squared_euclidean": 3}
METHODS = {"sgd": 0, "adagrad": 1, "row_adagrad": 2, "adam": 3}


class TransESteps:
    """Epochs of TransE on tables, lock-free or in batches.

    A batch is two products of sparse matrices: its gradients are an incidence matrix, of as many
    rows as it touches, times a few vectors of each triple (Anik and Azad 2025).
    """

    def __init__(
        self, formula: Formula, settings: TripleSettings, entities: RowTable, relations: RowTable,
        *, lock_free: bool, unit_entities: bool, n_jobs: int | None,
    ) -> None:  # fmt: skip
        self.entities, self.relations = entities, relations
        self.lock_free, self.unit_entities, self.n_jobs = lock_free, unit_entities, n_jobs
        self.n_negatives, self.batch_size = settings.n_negatives or 1, settings.batch_size
        self.distance = DISTANCES[formula.interaction.name]
        self.margin = np.float32(settings.margin)
        self.method = METHODS[settings.optimizer]
        self._batch: _Batch | None = None

    def train(self, epoch: Epoch) -> float:
        """Train on all triples of an epoch; return the summed loss."""
        n = len(epoch.order)
        if self.lock_free:
            ranges = cut(0, n, max(MIN_TASK, -(-n // N_TASKS)))
            tasks = [(epoch, *ends) for ends in ranges]
            losses = run_blocks(self._train_range, tasks, n_jobs=self.n_jobs)
        else:
            if self._batch is None:
                self._batch = _Batch(self)
            losses = [
                self._train_batch(epoch, self._batch, *ends) for ends in cut(0, n, self.batch_size)
            ]
        return float(sum(losses)) / self.n_negatives

    def _train_range(self, epoch: Epoch, start: int, stop: int) -> float:
        from graphembed.kernels.triple_steps import train_triples

        weight = np.float32(1 / self.n_negatives)
        return float(
            train_triples(
                self.entities.values, self.relations.values, self.entities.state,
                self.relations.state, epoch.triples.rows, epoch.order, start, stop,
                epoch.triples.units, self.n_negatives, self.distance, self.margin, weight,
                self.method, epoch.rate(start), self.unit_entities, epoch.key,
            )
        )  # fmt: skip

    def _train_batch(self, epoch: Epoch, batch: "_Batch", first: int, last: int) -> float:
        from graphembed.kernels.triple_steps import list_gradients

        def gradients(start: int, stop: int) -> tuple[float, int, int]:
            return list_gradients(  # type: ignore[no-any-return]
                self.entities.values, self.relations.values, epoch.triples.rows, epoch.order,
                first, start, stop, epoch.triples.units, self.n_negatives, self.distance,
                self.margin, epoch.key, batch.vectors, *batch.entities.entries(),
                *batch.relations.entries(),
            )  # fmt: skip

        chunks = cut(first, last, CHUNK)
        results = run_blocks(gradients, chunks, n_jobs=self.n_jobs)
        losses, ends, relation_ends = zip(*results, strict=True)
        begins = np.array([start - first for start, _ in chunks])
        weight = np.float32(1 / (self.n_negatives * (last - first)))
        options = batch.vectors, self.distance, weight, self.method, epoch.rate(first)
        tasks = [
            *batch.relations.steps(self.relations, begins, relation_ends, *options, False),
            *batch.entities.steps(self.entities, begins, ends, *options, self.unit_entities),
        ]
        run_blocks(lambda task: task(), [(task,) for task in tasks], n_jobs=self.n_jobs)
        return float(sum(losses))


class DeviceSteps:
    """The same batches as products of sparse matrices in torch, on a device such as a GPU.

    The negatives are the same and the sums are in another order.
    """

    def __init__(
        self, formula: Formula, settings: TripleSettings, entities: RowTable, relations: RowTable,
        *, unit_entities: bool, device: str,
    ) -> None:  # fmt: skip
        self.entities, self.relations, self.batch_size = entities, relations, settings.batch_size
        self.options: dict[str, Any] = {
            "n_negatives": settings.n_negatives,
            "distance": DISTANCES[formula.interaction.name],
            "method": METHODS[settings.optimizer],
            "margin": settings.margin,
            "unit": unit_entities,
            "device": device,
        }

    def train(self, epoch: Epoch) -> float:
        """Train on all triples of an epoch; return the summed loss."""
        from graphembed.kernels.torch.triples import TorchTransE

        tables = self.entities, self.relations
        model = TorchTransE(
            (*(table.values for table in tables), *(table.state for table in tables)),
            epoch.triples.rows, epoch.triples.units, **self.options,
        )  # fmt: skip
        losses = [
            model.train_batch(
                epoch.order[first:last], key=int(epoch.key), rate=float(epoch.rate(first))
            )
            for first, last in cut(0, len(epoch.order), self.batch_size)
        ]
        model.copy_back()
        return sum(losses)


class _Batch:
    """Space for the gradients of one batch, kept for the next."""

    def __init__(self, steps: TransESteps) -> None:
        from graphembed.kernels.triple_steps import SLOTS

        size, width = steps.batch_size, steps.entities.values.shape[1]
        self.vectors = np.empty((SLOTS * size, width), dtype=np.float32)
        self.entities = _Incidence(size, 4 + steps.n_negatives, len(steps.entities))
        self.relations = _Incidence(size, 2, len(steps.relations))


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
        weight: np.float32, method: int, rate: np.float32, unit: bool,
    ) -> Iterator[Callable[[], None]]:  # fmt: skip
        """Sort the entries; yield tasks that multiply and update some rows each."""
        from graphembed.kernels.triple_steps import group_entries, step_rows

        in_order = self.unique, self.starts, self.to_slots, self.to_weights
        ranges = begins * self.n_each, np.array(ends)
        cuts = group_entries(*self.entries(), *ranges, self.counts, ROWS_BLOCK, *in_order)
        for first, last in pairwise(cuts.tolist()):

            def task(first: int = first, last: int = last) -> None:
                step_rows(
                    table.values, table.state, *in_order, vectors, distance, weight, method, rate,
                    unit, first, last,
                )  # fmt: skip

            yield task
