"""Training on the triples of a graph bucket by bucket, with a few partitions in memory."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.callbacks import Progress
from graphembed.graph.graph import Graph
from graphembed.graph.partitions import EdgeBlock, all_edges
from graphembed.knowledge.formula import Formula, Rows
from graphembed.knowledge.tables import PiecedTable, RowTable
from graphembed.knowledge.trainer import TripleSettings, TripleTrainer
from graphembed.store.tables import Shapes, Tables
from graphembed.training.buckets import Step

Ids = npt.NDArray[np.int64]

ROWS = 1 << 14  # entities that are initialised at a time


class TripleBuckets:
    """A :class:`graphembed.training.buckets.Trainer` of triples.

    Entities have numbers among those of the partitions in memory, and negatives are drawn from
    all of these. Relations and their optimiser are in memory, and in every checkpoint.

    Parameters
    ----------
    formula : Formula
    settings : TripleSettings
    graph : Graph
        Directed, with relations.
    n_partitions : int
        In which it is trained.
    seed : int
        64-bit key of all randomness.
    n_jobs : int or None
        The result does not depend on it.

    Raises
    ------
    ValueError
        If known triples are to be left out of the negatives: that takes all triples at once.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.knowledge.bucket_trainer import TripleBuckets
    >>> from graphembed.knowledge.trainer import TripleSettings
    >>> from graphembed.knowledge.transe import TransEFormula
    >>> from graphembed.training.buckets import train_buckets
    >>> graph = Graph.from_edges(
    ...     ["rome", "oslo"], ["italy", "norway"], relations=["in", "in"], directed=True
    ... )
    >>> settings = TripleSettings(n_epochs=20)
    >>> trainer = TripleBuckets(TransEFormula(8), settings, graph, n_partitions=1, seed=0)
    >>> trained = train_buckets(trainer, graph, n_epochs=20)
    >>> trained.to_array().shape, trainer.relations.shape
    ((4, 8), (2, 8))
    """

    settings: Mapping[str, Any]
    shared: Mapping[str, npt.NDArray[Any]]

    def __init__(
        self,
        formula: Formula,
        settings: TripleSettings,
        graph: Graph,
        *,
        n_partitions: int,
        seed: int,
        n_jobs: int | None = -1,
    ) -> None:
        if settings.filter_negatives:
            raise ValueError(
                "filter_negatives takes all triples at once, and they are trained bucket by "
                "bucket here. Leave filter_negatives=False, or train in memory."
            )
        self.seed, self.n_columns = seed, formula.entity_width
        self._graph, self._n_epochs = graph, settings.n_epochs
        # Its table of entities is that of the partitions in memory, step by step.
        self._trainer = TripleTrainer(
            formula, settings, 0, len(graph.relations or ()), key=seed, n_jobs=n_jobs
        )
        relations = self._trainer.relation_table
        self.shared = {"relations": relations.values, "relations_state": relations.state}
        self.settings = {
            **formula.settings(), "interaction": formula.interaction.name, **settings.as_json()
        }  # fmt: skip
        self._whole = all_edges(graph) if n_partitions == 1 else None

    @property
    def relations(self) -> Rows:
        """The table of relations; with reciprocal relations, their inverses are behind them."""
        return self._trainer.relations

    # The protocol of a trainer.

    def shapes(self, n_rows: int) -> Shapes:
        """Return the shapes of a partition's parameters and of their optimiser's state."""
        width = self.n_columns
        return (n_rows, width), (n_rows, self._trainer.optimizer.state_width(width))

    def initialise(self, partition: int, rows: Ids, tables: Tables) -> None:  # noqa: ARG002
        """Fill the tables of a partition, by the number of each row in the graph."""
        values, state = tables
        for start in range(0, len(rows), ROWS):
            part = rows[start : start + ROWS]
            values[start : start + ROWS] = self._trainer.initial_entities(part)
            state[start : start + ROWS] = self._trainer.optimizer.initial_state(
                len(part), self.n_columns
            )

    def work(self, i: int, j: int) -> int:
        """Return the triples of a pair of partitions."""
        return sum(len(edges.sources) for _, _, edges in self._buckets(i, j))

    def train(self, step: Step, tables: Mapping[int, Tables], done: Progress) -> tuple[float, int]:
        """Train on the triples between two partitions; return the loss and the queries."""
        resident = sorted(step.resident)
        table = PiecedTable([RowTable(*tables[partition]) for partition in resident])
        starts = dict(zip(resident, table.starts.tolist(), strict=False))
        parts = []
        for a, b, edges in self._buckets(step.i, step.j):
            kinds: Any = edges.relations
            ends = _shifted(edges.sources, starts[a]), _shifted(edges.targets, starts[b])
            parts.append(np.column_stack([ends[0], kinds, ends[1]]))
        triples = np.concatenate(parts)
        epochs = self._n_epochs / max(1, step.total)  # that a triple takes
        span = step.done * epochs, (step.done + len(triples)) * epochs
        without_rows = self._trainer.entity_table
        self._trainer.entity_table = table
        try:
            return self._trainer.train_pass(triples, (step.epoch, step.i, step.j), span, done)
        finally:
            self._trainer.entity_table = without_rows  # so that the memory of the others is freed

    def result(self, tables: Tables, places: Ids | slice) -> Rows:
        """Return the parameters of some entities."""
        values: Rows = tables[0][places]
        return values

    def _buckets(self, i: int, j: int) -> Iterator[tuple[int, int, EdgeBlock]]:
        """Yield both buckets of a pair of partitions, or the one of a partition with itself."""
        for a, b in [(i, j), (j, i)][: 1 + (i != j)]:
            yield a, b, self._graph.bucket(a, b) if self._whole is None else self._whole


def _shifted(numbers: npt.NDArray[np.uint32], start: int) -> Ids:
    shifted: Ids = numbers.astype(np.int64) + start
    return shifted
