"""Knowledge graphs trained in memory and in partitions, ranked by the same evaluator."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from harness.contender import Contender, Job, Measurement, Result, Row, Settings
from harness.inputs import save_arrays
from harness.measure import compare

DATASET = "fb15k237"
MODELS: dict[str, dict[str, Any]] = {"TransE": {"n_components": 128}, "ComplEx": {}}
N_EPOCHS: int | None = None  # None: those of each model
N_PARTITIONS = (1, 4, 8)
BUFFER_PARTITIONS = 4  # in memory to train on, at a time
N_BLOCKS = (1, 4, 16)  # that the same entities are ranked in


def graphembed_partitions(
    arrays: Mapping[str, Any],
    *,
    threads: int,
    model: str,
    parameters: dict[str, Any],
    store: str,
    workdir: str,
) -> Job:
    """Ours, given an opened store; hands back the ranks of the test triples.

    A store of one partition is trained in memory, by the plain fit.
    """
    import graphembed as ge
    from graphembed.knowledge import all_models
    from graphembed.knowledge.out_of_core import train_in_files

    graph = ge.open_store(store)
    embedder = all_models()[model](**parameters, workdir=workdir, n_jobs=threads, random_state=0)
    formula = embedder._formula()
    test = np.array(arrays["test"])
    known = np.concatenate([arrays["train"], arrays["valid"], arrays["test"]])
    notes: dict[str, Any] = {}

    def run() -> Any:
        if graph.n_partitions == 1:
            fitted = embedder.fit(graph)
            notes["loss"] = round(fitted.loss_curve_[-1], 4)
            return fitted.entity_table_, fitted.relation_table_
        settings = embedder._settings(graph.n_edges)
        files = train_in_files(embedder, graph, formula, settings, BUFFER_PARTITIONS)
        notes["loss"] = round(files.losses[-1], 4)
        return files.tables()

    def finish(tables: Any) -> Any:
        ranks = [
            _ranks(formula, *tables, test, known, embedder.reciprocal, n_blocks, threads)
            for n_blocks in N_BLOCKS
        ]
        same = all(np.array_equal(ranks[0], others) for others in ranks)
        notes[f"same ranks in {', '.join(map(str, N_BLOCKS))} blocks"] = same
        return ranks[0].mean(axis=0)

    return Job(run, finish, notes)


def _ranks(
    formula: Any,
    entities: Any,
    relations: Any,
    test: Any,
    known: Any,
    reciprocal: bool,
    n_blocks: int,
    threads: int,
) -> Any:
    """Return the best and the worst ranks, with entities in blocks as a store deals them."""
    from graphembed.knowledge.ranks import filtered_ranks
    from graphembed.store.dealing import Dealing

    dealing = Dealing(len(entities), n_blocks)
    numbers = [dealing.rows(block) for block in range(n_blocks)]
    blocks = [(rows, np.asarray(entities[rows])) for rows in numbers]
    found = filtered_ranks(
        formula, blocks, relations, test, known, reciprocal=reciprocal, n_jobs=threads
    )
    return np.stack([found.optimistic, found.pessimistic])


def contender(
    model: str, parameters: dict[str, Any], n_partitions: int, store: Path, workdir: Path
) -> Contender:
    """Return one of ours."""
    where = "in memory" if n_partitions == 1 else f"{n_partitions} partitions"
    return Contender(
        f"{model}, {where}",
        graphembed_partitions,
        ("graphembed.knowledge", "graphembed.store"),
        ("graphembed-engine", "numpy", "numba"),
        {
            "model": model, "parameters": parameters, "store": str(store),
            "workdir": str(workdir),
        },
        reference=model == next(iter(MODELS)) and n_partitions == 1,
        same_work=False,
        once=True,
    )  # fmt: skip


def run(settings: Settings) -> list[Measurement]:
    """Train each model in memory and in partitions, and rank the test triples."""
    import graphembed as ge
    from graphembed.store import write_graph

    dataset = ge.datasets.load(DATASET)
    settings.cache.mkdir(parents=True, exist_ok=True)
    folder = Path(
        tempfile.mkdtemp(dir=settings.cache)
    )  # not in memory, as temporary folders may be
    triples = {name: getattr(dataset, name) for name in ("train", "valid", "test")}
    in_memory: dict[str, float] = {}

    def score(measured: Contender, ranks: Any) -> dict[str, Result]:
        mrr = float((1 / ranks).mean())
        change = mrr - in_memory.setdefault(measured.params["model"], mrr)
        return {
            "MRR": round(mrr, 4), "change": round(change, 4),
            "Hits@10": round(float((ranks <= 10).mean()), 4),
        }  # fmt: skip

    try:
        inputs = save_arrays(folder / "triples", triples)
        for n in N_PARTITIONS:
            write_graph(dataset.graph, folder / f"{n}.store", n_partitions=n)
        epochs = {} if N_EPOCHS is None else {"n_epochs": N_EPOCHS}
        contenders = [
            contender(
                name, {**parameters, **epochs}, n, folder / f"{n}.store", folder / f"{name}-{n}"
            )
            for name, parameters in MODELS.items()
            for n in N_PARTITIONS
        ]
        return compare(contenders, inputs, settings, calls=1, rounds=1, cold=False, score=score)
    finally:
        shutil.rmtree(folder)


def rows() -> list[Row]:
    """Return the rows of this file."""
    names = " and ".join(MODELS)
    title = (
        f"{names} of {DATASET}, in memory and in 4 and 8 partitions, 4 of them in memory at a "
        "time: filtered MRR of the test triples, and whether ranks depend on blocks of entities"
    )
    return [Row("kg-partitions", title, run)]
