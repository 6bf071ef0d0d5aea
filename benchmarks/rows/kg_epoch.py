"""TransE on a knowledge graph: an epoch with few negatives or shared ones, and loss curves."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
from contenders.kg_peers import (
    LEARNING_RATE,
    MARGIN,
    TRANSE,
    biggraph,
    peer,
    pykeen,
    sptransx,
    torchkge,
)
from contenders.triples import N_COMPONENTS, pack, ranking, triple_inputs, unit_start
from harness.contender import Contender, Job, Measurement, Result, Row, Settings
from harness.measure import compare

PEERS = ("kg",)
DATASET = "fb15k237"
BATCH, LARGE = 4096, 32_768
N_SHARED, MANY, SHARED_BATCH = 100, 16, 1000  # the batch is PyTorch-BigGraph's default
CURVE_EPOCHS = 20
SHOWN = (1, 2, 5, 10, 20, 50, 100)  # epochs of a curve that the table shows
OURS = ("graphembed-engine", "numpy", "numba")

Run = Callable[[Settings], list[Measurement]]


def individual(
    arrays: Mapping[str, Any],
    *,
    threads: int,
    n_negatives: int,
    optimizer: str = "adam",
    reproducible: bool = True,
    batch_size: int = BATCH,
    learning_rate: float = LEARNING_RATE,
    n_epochs: int = 1,
) -> Job:
    """Ours, Bernoulli negatives of each triple's own; squared L2 and entities of length 1."""
    from graphembed.knowledge.individual import IndividualTrainer
    from graphembed.knowledge.interactions import Euclidean
    from graphembed.knowledge.trainer import TripleSettings
    from graphembed.knowledge.transe import TransEFormula

    formula = TransEFormula(N_COMPONENTS)
    formula.interaction = Euclidean(squared=True)
    settings = TripleSettings(
        loss="margin", margin=MARGIN, n_negatives=n_negatives, reciprocal=False,
        optimizer=optimizer, learning_rate=learning_rate, batch_size=batch_size,
    )  # fmt: skip

    def trainer_of_its_own() -> IndividualTrainer:
        return IndividualTrainer(
            formula, settings, *arrays["sizes"].tolist(), key=0, negatives="bernoulli",
            reproducible=reproducible, unit_entities=True, n_jobs=threads,
        )  # fmt: skip

    trainer_of_its_own().train_epoch(arrays["train"][:BATCH], 0)  # compiles
    trainer = trainer_of_its_own()
    if "start_entities" in arrays:
        trainer.entities[:] = arrays["start_entities"]
        trainer.relations[:] = arrays["start_relations"]
    triples, done = arrays["train"], [0]
    notes: dict[str, Any] = {}

    def run() -> Any:
        first, done[0] = done[0], done[0] + n_epochs
        notes["loss"] = [trainer.train_epoch(triples, e) for e in range(first, done[0])]
        return trainer

    return Job(run, lambda _: pack(trainer.entities, trainer.relations), notes)


def shared(arrays: Mapping[str, Any], *, threads: int, n_negatives: int, batch_size: int) -> Job:
    """Ours, negatives shared by a batch, with L2, the softmax loss and row-wise Adagrad."""
    from graphembed.knowledge.trainer import TripleSettings, TripleTrainer
    from graphembed.knowledge.transe import TransEFormula

    settings = TripleSettings(
        loss="softmax", n_negatives=n_negatives, reciprocal=False, optimizer="row_adagrad",
        learning_rate=0.1, batch_size=batch_size,
    )  # fmt: skip
    trainer = TripleTrainer(
        TransEFormula(N_COMPONENTS), settings, *arrays["sizes"].tolist(), key=0, n_jobs=threads
    )
    triples, done = arrays["train"], [0]

    def run() -> Any:
        done[0] += 1
        return trainer.train_epoch(triples, done[0])

    return Job(run, lambda _: pack(trainer.entities, trainer.relations))


def ours(name: str, function: Any, *, reference: bool = False, **params: Any) -> Contender:
    """Return a contender of ours."""
    module = "individual" if function is individual else "trainer"
    imports = ("numba", f"graphembed.knowledge.{module}")
    return Contender(name, function, imports, OURS, params, reference=reference)


ADAGRAD: dict[str, Any] = {"optimizer": "adagrad", "learning_rate": 0.02}
LOCK_FREE: dict[str, Any] = {"reproducible": False, **ADAGRAD}
ONE = (
    ours("graphembed", individual, reference=True, n_negatives=1),
    ours("graphembed, batch 32,768", individual, n_negatives=1, batch_size=LARGE),
    ours("graphembed, lock-free", individual, n_negatives=1, **LOCK_FREE),
    peer("SparseTransX", sptransx, "fastkg", batch_size=BATCH),
    peer("SparseTransX, batch 32,768", sptransx, "fastkg", batch_size=LARGE),
    peer("PyKEEN", pykeen, "pykeen", batch_size=BATCH, n_negatives=1, **TRANSE),
    peer("PyKEEN, batch 32,768", pykeen, "pykeen", batch_size=LARGE, n_negatives=1, **TRANSE),
    peer("TorchKGE", torchkge, "torchkge", batch_size=BATCH),
    peer("TorchKGE, batch 32,768", torchkge, "torchkge", batch_size=LARGE),
)
SIXTEEN = (
    ours("graphembed", individual, reference=True, n_negatives=MANY),
    ours("graphembed, lock-free", individual, n_negatives=MANY, **LOCK_FREE),
    peer("PyKEEN", pykeen, "pykeen", once=True, batch_size=BATCH, n_negatives=MANY, **TRANSE),
)
SHARED = (
    ours("graphembed", shared, reference=True, n_negatives=N_SHARED, batch_size=SHARED_BATCH),
    ours("graphembed, batch 4,096", shared, n_negatives=N_SHARED, batch_size=BATCH),
    peer(
        "PyTorch-BigGraph", biggraph, "torchbiggraph", once=True, n_negatives=N_SHARED,
        batch_size=SHARED_BATCH, n_epochs=3,
    ),
)  # fmt: skip
# Adam of SparseTransX moves every row in every step, ours the rows of the batch; Adagrad, which no
# row without a gradient notices, tells whether the rest is alike.
CURVES = tuple(
    contender
    for optimizer, params in {"Adam": {}, "Adagrad": ADAGRAD}.items()
    for contender in (
        ours(f"graphembed, {optimizer}", individual, reference=optimizer == "Adam", n_negatives=1,
             n_epochs=CURVE_EPOCHS, **params),
        peer(f"SparseTransX, {optimizer}", sptransx, "fastkg", batch_size=BATCH,
             n_epochs=CURVE_EPOCHS, **params),
    )
)  # fmt: skip


def timed(dataset: str, contenders: tuple[Contender, ...], *, sides: int = 1) -> Run:
    """Return what measures epochs on a data set.

    ``sides`` is how many sides of a triple meet all of its negatives: both, if they are shared.
    """

    def run(settings: Settings) -> list[Measurement]:
        inputs = triple_inputs(settings.workspace, dataset)
        found = compare(contenders, inputs, settings, calls=3, rounds=2, cold=False)
        annotate(found, sides * len(np.load(inputs["train"], allow_pickle=False)))
        return found

    return run


def annotate(found: list[Measurement], n_positives: int) -> None:
    """Add the rate of pairs of a positive and a negative; take the times of who timed itself."""
    for measured in found:
        measured.results.pop("loss", None)
        epochs = measured.results.pop("epoch s", None)
        if isinstance(epochs, list):
            measured.warm_seconds = epochs[1:] or epochs
        if measured.warm_seconds:
            pairs = n_positives * measured.params.get("n_negatives", 1)
            rate = pairs / median(measured.warm_seconds) / 1e6
            measured.results["M pairs/s"] = round(rate, 2)


def curves(dataset: str, contenders: tuple[Contender, ...] = CURVES) -> Run:
    """Return what trains ours and SparseTransX from the same start and judges both."""

    def run(settings: Settings) -> list[Measurement]:
        inputs = triple_inputs(settings.workspace, dataset)
        arrays = {name: np.load(path, allow_pickle=False) for name, path in inputs.items()}
        start = unit_start(arrays["sizes"])
        inputs = triple_inputs(settings.workspace, dataset, **start)
        once = [replace(each, once=True) for each in contenders]
        found = compare(once, inputs, settings, cold=False, score=judge(arrays))
        for measured in found:
            losses = measured.results.pop("loss", None)
            if isinstance(losses, list):
                shown = [epoch for epoch in SHOWN if epoch <= len(losses)]
                name = f"loss in epoch {'/'.join(map(str, shown))}"
                measured.results[name] = [round(losses[epoch - 1], 4) for epoch in shown]
        return found

    return run


def judge(arrays: Mapping[str, Any]) -> Any:
    """Return a score by the ranks of the test triples."""
    from graphembed.knowledge.transe import TransEFormula

    def score(_: Contender, packed: Any) -> dict[str, Result]:
        return ranking(TransEFormula(N_COMPONENTS), packed, arrays, reciprocal=False)

    return score


def rows() -> list[Row]:
    """Return the rows of this file."""
    about = f"{DATASET}, TransE, {N_COMPONENTS} components"
    return [
        Row(
            "kg-epoch-1",
            f"{about}: an epoch with 1 Bernoulli negative, margin loss, Adam",
            timed(DATASET, ONE),
            PEERS,
        ),
        Row(
            "kg-epoch-16",
            f"{about}: an epoch with {MANY} Bernoulli negatives, margin loss, Adam",
            timed(DATASET, SIXTEEN),
            PEERS,
        ),
        Row(
            "kg-epoch-shared",
            f"{about}: an epoch with {N_SHARED} shared negatives a side, softmax loss, Adagrad",
            timed(DATASET, SHARED, sides=2),
            PEERS,
        ),
        Row(
            "kg-loss",
            f"{about}: {CURVE_EPOCHS} epochs from the same start at SparseTransX's settings: mean "
            "loss of a triple in each epoch",
            curves(DATASET),
            PEERS,
        ),
    ]
