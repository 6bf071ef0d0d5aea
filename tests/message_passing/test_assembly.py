"""From parameters to a run; what the result depends on is what a run is known by."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import graphembed as ge
from graphembed.message_passing import autograd, trainer
from graphembed.message_passing.assembly import LARGEST_HELD, Plan, make_run
from graphembed.message_passing.network import Architecture
from graphembed.message_passing.targets import Targets

KARATE = ge.datasets.load("karate").graph
FEATURES = np.random.default_rng(0).standard_normal((34, 4)).astype(np.float32)
CODES = np.arange(34) % 2
TARGETS = Targets("multiclass", np.arange(2), CODES >= 0, codes=CODES)
PLAN = Plan(
    objective="walk", batching="full", fanout=(3, 2), n_epochs=3, batch_size=32,
    learning_rate=0.01, weight_decay=0.0, n_negatives=4, walk_length=3, n_walks=1,
    target_fraction=0.3, exclude_targets=True, validation_fraction=0.1, patience=5, device="cpu",
    seed=1,
)  # fmt: skip
ARCHITECTURE = Architecture(
    n_features=4, hidden=8, n_components=6, n_layers=2, direction="both", conv="sage",
    aggregator="mean", activation="relu", activate_output=False, dropout=0.2, objective="walk",
    similarity="cosine", loss="bce", temperature=0.2, n_classes=2, multilabel=False,
)  # fmt: skip


def made(plan: Plan = PLAN, graph: ge.Graph = KARATE, features: Any = FEATURES, **more: Any) -> Any:
    options: dict[str, Any] = {"workdir": None, "resume": False, "callbacks": (), "n_jobs": 1}
    changes = {name: more.pop(name) for name in set(ARCHITECTURE) & set(more)}
    changes["objective"] = plan.objective
    architecture = Architecture(**{**ARCHITECTURE, **changes})  # type: ignore[typeddict-item]
    targets = more.pop("targets", TARGETS) if plan.objective == "supervised" else None
    validation = more.pop("validation", None)
    return make_run(plan, graph, features, architecture, targets, validation, **{**options, **more})


@pytest.mark.parametrize("batching", ["full", "sampled"])
@pytest.mark.parametrize("objective", ["walk", "edge", "dgi", "supervised"])
def test_every_objective_trains_both_ways(objective: str, batching: str) -> None:
    plan = replace(PLAN, objective=objective, batching=batching)
    for features in (FEATURES, sp.csr_array(FEATURES)):
        run = made(plan, features=features)
        run.train("")
        assert len(run.losses) == 3
        assert np.isfinite(run.losses).all()


def labels_of(rows: Any, codes: np.ndarray = CODES) -> Targets:
    """Return the labels of some nodes; those of the others are not known."""
    known = np.full(34, -1)
    known[rows] = codes[rows]
    return Targets("multiclass", np.arange(2), known >= 0, codes=known)


@pytest.mark.parametrize("batching", ["full", "sampled"])
def test_labels_to_validate_with_are_scored_and_not_learned(batching: str) -> None:
    """Other labels of those nodes make other scores, and the same network."""
    plan = replace(PLAN, objective="supervised", batching=batching)
    runs = [
        made(plan, targets=labels_of(range(20)), validation=labels_of(range(20, 34), codes))
        for codes in (CODES, 1 - CODES)
    ]
    for run in runs:
        run.train("")
    assert runs[0].losses == runs[1].losses
    for (epoch, score), (same, other) in zip(runs[0].scores, runs[1].scores, strict=True):
        assert epoch == same
        assert score + other == pytest.approx(1)


@pytest.mark.parametrize("direction", ["in", "out", "both"])
def test_directions(direction: str) -> None:
    graph = ge.testing.graphs.weighted_digraph()
    run = made(graph=graph, features=FEATURES[:20], direction=direction)
    run.train("")
    assert len(run.losses) == 3


def test_small_graphs_are_trained_on_whole() -> None:
    plan = replace(PLAN, batching="auto")
    assert plan.whole(KARATE, ARCHITECTURE)
    for changed in ({"hidden": 10**8}, {"n_components": 10**8}):
        wide = Architecture(**{**ARCHITECTURE, **changed})  # type: ignore[typeddict-item]
        assert not plan.whole(KARATE, wide)
        assert replace(plan, batching="full").whole(KARATE, wide)


def test_convolutions_that_hold_every_message_are_sampled_sooner() -> None:
    plan = replace(PLAN, batching="auto")
    n_messages = len(KARATE.indices) + KARATE.n_nodes
    width = LARGEST_HELD // n_messages + 1
    for conv, expected in (("sage", True), ("gcn", True), ("gat", False), ("gin", False)):
        made = Architecture(**{**ARCHITECTURE, "conv": conv, "hidden": width})  # type: ignore[typeddict-item]
        assert plan.whole(KARATE, made) is expected
        reads = Architecture(**{**ARCHITECTURE, "conv": conv, "n_features": width})  # type: ignore[typeddict-item]
        assert plan.whole(KARATE, reads) is (conv != "gin")


@pytest.mark.parametrize(("objective", "n_epochs"), [("walk", 0), ("edge", 0), ("dgi", 3)])
def test_without_edges_there_is_nothing_to_tell(objective: str, n_epochs: int) -> None:
    graph = ge.testing.graphs.without_edges()
    run = made(replace(PLAN, objective=objective), graph, FEATURES[:3])
    run.train("")
    assert len(run.losses) == n_epochs


def test_a_run_is_known_by_its_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "CHECKPOINT_EVERY", 0.0)
    plan = replace(PLAN, objective="supervised")
    own = {"targets": labels_of(range(20)), "validation": labels_of(range(20, 34))}
    made(plan, workdir=tmp_path, **own).train("")
    assert len(made(plan, workdir=tmp_path, resume=True, **own).losses) == 3
    for name, other in (("targets", labels_of(range(19))), ("validation", labels_of([25]))):
        with pytest.raises(ge.exceptions.StoreError, match="another one: data differ"):
            made(plan, workdir=tmp_path, resume=True, **{**own, name: other})


def test_a_run_goes_on_with_the_same_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "CHECKPOINT_EVERY", 0.0)
    made(workdir=tmp_path).train("")
    with pytest.raises(ge.exceptions.StoreError, match="resume=True"):
        made(workdir=tmp_path)
    assert len(made(workdir=tmp_path, resume=True, n_jobs=2).losses) == 3
    others: list[dict[str, Any]] = [
        {"plan": replace(PLAN, learning_rate=0.5)},
        {"plan": replace(PLAN, exclude_targets=False)},
        {"features": FEATURES + 1},
        {"graph": KARATE._replace(weights=np.full(156, 2.0, dtype=np.float32))},
    ]
    for changes in others:
        with pytest.raises(ge.exceptions.StoreError, match="another one"):
            made(workdir=tmp_path, resume=True, **changes)


@pytest.mark.parametrize("batching", ["full", "sampled"])
@pytest.mark.parametrize("objective", ["walk", "edge", "dgi", "supervised"])
def test_the_operations_of_other_devices_learn_the_same(
    objective: str, batching: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(PLAN, objective=objective, batching=batching)
    for conv in ("sage", "gcn"):
        changes = {"dropout": 0.0, "conv": conv}
        for features in (FEATURES, sp.csr_array(FEATURES)):
            runs = [made(plan, features=features, **changes) for _ in range(2)]
            runs[0].train("")
            with monkeypatch.context() as patch:
                patch.setattr(autograd, "_compiled", lambda _: False)
                runs[1].train("")
            np.testing.assert_allclose(runs[0].losses, runs[1].losses, rtol=1e-3)
