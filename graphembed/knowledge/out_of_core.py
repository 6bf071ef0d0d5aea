"""Models whose tables do not fit in memory: trained in files, a few partitions at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.atomic import replaced_file
from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex
from graphembed.graph.partitions import row_block
from graphembed.knowledge.bucket_trainer import TripleBuckets
from graphembed.knowledge.formula import Formula, Rows
from graphembed.knowledge.optimizers import make_optimizer
from graphembed.knowledge.trainer import CHUNK, TripleSettings
from graphembed.knowledge.triples import Triples
from graphembed.random_state import check_random_state, draw_key
from graphembed.store.journal import read_settings
from graphembed.store.memory import parse_memory
from graphembed.store.run_folder import JOURNAL
from graphembed.store.tables import buffer_capacity
from graphembed.training.buckets import train_buckets
from graphembed.training.workdir import mapped, work_folder

SHARED = "shared"
TRIPLE_BYTES = 120  # of each triple that is trained on at a time, with its order and its batch
ROW_BYTES = 32  # of each entity, beside its parameters: its number, and what computes it
ENTRIES = 1 << 20  # triples that are written at a time


@dataclass
class FilesRun:
    """What training in files left; as :class:`graphembed.knowledge.training_run.TrainingRun`.

    Attributes
    ----------
    triples : Triples
        Of the graph; their rows are memory-mapped, int32.
    entities, relations : ndarray, float32
        The tables; that of entities is memory-mapped.
    losses : list of float
        Mean loss of each epoch.
    """

    triples: Triples
    entities: Rows
    relations: Rows
    losses: list[float]
    scores: list[tuple[int, float]] = field(default_factory=list)  # there are no validations

    @property
    def best_epoch(self) -> int:
        """The number of epochs."""
        return len(self.losses)

    def tables(self) -> tuple[Rows, Rows]:
        """Return the tables of entities and relations."""
        return self.entities, self.relations


def fit_in_files(model: Any, X: Any, validation: Any = None) -> FilesRun | None:
    """Train in files, if there is too little memory.

    Parameters
    ----------
    model : KnowledgeEmbedder
    X : Graph
        Opened from a store of several partitions.
    validation : optional
        What was given to rank; there must be nothing if files are needed.

    Returns
    -------
    FilesRun or None
        None if there is no ``memory_limit``, or all fits in it.

    Raises
    ------
    ValueError
        If the limit is too low, ``X`` is no graph, or something asks for all entities at once.
    StoreError, KeyboardInterrupt
        As of :func:`train_in_files`.
    """
    if model.memory_limit is None:
        return None
    limit = parse_memory(model.memory_limit)
    if not isinstance(X, Graph):
        raise ValueError(
            f"memory_limit={model.memory_limit!r} needs a graph, opened from a store of several "
            f"partitions (graphembed.build_store); got a {type(X).__name__}, which is in memory."
        )
    if X.relations is None or not X.directed or not X.n_edges:
        return None  # not to be trained at all, which is said where triples are read
    formula, settings = model._checked_formula(), model._settings(X.n_edges)
    try:
        capacity = resident_partitions(X, formula, settings, limit)
    except ValueError as error:
        raise ValueError(
            f"memory_limit={model.memory_limit!r} is too low for {type(model).__name__} on {X!r} "
            f"in {X.n_partitions} partitions: {error}"
        ) from None
    if capacity is None:
        return None
    if validation is not None:
        raise ValueError(
            "validation takes all entities at once, and they are trained in files. Leave it out, "
            "or raise memory_limit."
        )
    return train_in_files(model, X, formula, settings, capacity)


def resident_partitions(
    graph: Graph, formula: Formula, settings: TripleSettings, limit: int
) -> int | None:
    """Return how many partitions of a graph may be in memory; None if all is to be there.

    Parameters
    ----------
    graph : Graph
        Directed, with relations.
    formula : Formula
    settings : TripleSettings
    limit : int
        Bytes.

    Raises
    ------
    ValueError
        If the limit is too low.
    """
    width = formula.entity_width
    row = 4 * (width + make_optimizer(settings.optimizer).state_width(width)) + ROW_BYTES
    rest = _batch_bytes(formula, settings, graph.n_nodes)
    rest += _relation_bytes(formula, settings, len(graph.relations or ()))
    if graph.n_nodes * row + graph.n_edges * TRIPLE_BYTES + rest <= limit:
        return None
    left = limit - rest - _largest_step(graph) * TRIPLE_BYTES
    largest = -(-graph.n_nodes // graph.n_partitions) * row
    return buffer_capacity(max(0, left), largest, graph.n_partitions)


def train_in_files(
    model: Any,
    graph: Graph,
    formula: Formula,
    settings: TripleSettings,
    capacity: int,
) -> FilesRun:
    """Train on a graph of several partitions, with ``capacity`` of them in memory at a time.

    Parameters
    ----------
    model : KnowledgeEmbedder
        Its parameters ``workdir``, ``resume``, ``random_state`` and ``n_jobs`` say how. The files
        of a temporary folder go when it goes.
    graph : Graph
        Directed, with relations.
    formula : Formula
    settings : TripleSettings
    capacity : int

    Raises
    ------
    ValueError
        If something asks for what takes all entities at once.
    StoreError
        If a file cannot be written, or the folder holds a run that this cannot go on with.
    KeyboardInterrupt
        On Ctrl-C; the message says how to go on.
    """
    if model.negatives != SHARED:
        raise ValueError(
            f"negatives={model.negatives!r} takes all entities at once; a graph that is trained "
            f"in files has negatives={SHARED!r}. Or raise memory_limit."
        )
    folder = work_folder(model, model.workdir)
    run = folder / "run"
    seed = draw_key(check_random_state(model.random_state))
    if model.resume and model.random_state is None:
        begun = read_settings(run / JOURNAL)
        seed = seed if begun is None else int(begun["seed"])
    trainer = TripleBuckets(
        formula, settings, graph, n_partitions=graph.n_partitions, seed=seed, n_jobs=model.n_jobs
    )
    trained = train_buckets(
        trainer, graph, run, n_epochs=settings.n_epochs, buffer_partitions=capacity,
        resume=model.resume, desc=type(model).__name__, unit="triple",
    )  # fmt: skip
    trained.write(folder / "entities.npy")
    write_triples(graph, folder / "triples.npy")
    trained.discard()
    rows: Any = mapped(folder / "triples.npy")
    relations = NodeIndex.from_ids(list(graph.relations or ()))
    triples = Triples(rows, graph.node_index, relations)
    entities = mapped(folder / "entities.npy")
    return FilesRun(triples, entities, trainer.relations, trained.losses)


def write_triples(graph: Graph, path: Path) -> None:
    """Write the triples of a graph to a npy file, ascending by head, relation and tail.

    Some at a time: their number may be larger than memory.
    """
    header = {"descr": "<i4", "fortran_order": False, "shape": (graph.n_edges, 3)}
    with replaced_file(path) as temporary, temporary.open("xb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in _triple_blocks(graph):
            file.write(block.data)


def _triple_blocks(graph: Graph) -> Iterator[npt.NDArray[np.int32]]:
    start = 0
    while start < graph.n_nodes:
        last = np.searchsorted(graph.indptr, graph.indptr[start] + ENTRIES, side="right") - 1
        stop = int(max(start + 1, min(last, graph.n_nodes)))
        block = row_block(graph, start, stop)
        heads = np.repeat(np.arange(start, stop), np.diff(block.indptr))
        columns: list[Any] = [heads, block.edge_types, block.indices]
        order = np.lexsort(columns[::-1])
        yield np.column_stack([column[order] for column in columns]).astype("<i4")
        graph.release()
        start = stop


def _largest_step(graph: Graph) -> int:
    """Return the most triples between two partitions."""
    n = graph.n_partitions
    sizes = np.array([[len(graph.bucket(i, j).sources) for j in range(n)] for i in range(n)])
    return max(
        int(sizes[i, j] + (sizes[j, i] if i != j else 0))
        for i, j in combinations_with_replacement(range(n), 2)
    )


def _batch_bytes(formula: Formula, settings: TripleSettings, n_entities: int) -> int:
    """Return what a batch takes: scores of chunks, and gradients of rows, thrice.

    As if all chunks were done at once: the result must not depend on the number of threads.
    """
    n_queries = 2 * settings.batch_size
    n_negatives = min(settings.n_negatives or n_entities, n_entities)
    n_chunks = -(-n_queries // CHUNK)
    scores = 3 * n_chunks * CHUNK * n_negatives
    entities = 3 * (2 * n_queries + n_negatives) + n_chunks * n_negatives
    relations = 2 * (n_chunks if formula.by_relation else n_queries)
    return 4 * (scores + entities * formula.entity_width + relations * formula.relation_width)


def _relation_bytes(formula: Formula, settings: TripleSettings, n_relations: int) -> int:
    """Return what relations take, and what is made of them for a checkpoint."""
    width = formula.relation_width
    state = make_optimizer(settings.optimizer).state_width(width)
    return 3 * 4 * n_relations * (2 if settings.reciprocal else 1) * (width + state)
