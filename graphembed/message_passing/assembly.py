"""From parameters and a graph to something that can be trained."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from graphembed.graph.graph import Graph
from graphembed.graph.links import Links
from graphembed.message_passing.block import listening
from graphembed.message_passing.checkpoint import Checkpoint
from graphembed.message_passing.held_out import HeldOutEdges, hold_out_edges, hold_out_nodes
from graphembed.message_passing.neighborhoods import SampledGraph, WholeGraph
from graphembed.message_passing.network import Architecture, build_network
from graphembed.message_passing.positives import EdgePairs, Negatives, WalkPairs
from graphembed.message_passing.targets import Targets
from graphembed.message_passing.tasks import InfomaxTask, LabelTask, PairTask, Task
from graphembed.training.folding import graph_keys

# Numbers that the messages of a layer hold: beyond this a step on a sample is the cheaper one.
LARGEST_WHOLE = 100_000_000
# Some convolutions have every message in memory, several times: with more a step takes over 1 GB.
LARGEST_HELD = 25_000_000
PAIR_OBJECTIVES = ("walk", "edge")


@dataclass(frozen=True)
class Plan:
    """How a graph is trained on: plain values, all that the result depends on beside the data.

    Parameters
    ----------
    objective : {"walk", "edge", "dgi", "supervised"}
    batching : {"auto", "full", "sampled"}
    fanout : tuple of int
        At least one for each layer, if batches are sampled.
    n_epochs : int or "auto"
    batch_size : int
    learning_rate, weight_decay : float
    n_negatives, walk_length, n_walks : int
    target_fraction, validation_fraction : float
    exclude_targets : bool
    patience : int or None
    device : str
    seed : int
    """

    objective: str
    batching: str
    fanout: tuple[int, ...]
    n_epochs: int | str
    batch_size: int
    learning_rate: float
    weight_decay: float
    n_negatives: int
    walk_length: int
    n_walks: int
    target_fraction: float
    exclude_targets: bool
    validation_fraction: float
    patience: int | None
    device: str
    seed: int

    def whole(self, graph: Graph, architecture: Architecture) -> bool:
        """Return whether each step is on the whole graph."""
        if self.batching != "auto":
            return self.batching == "full"
        conv = architecture["conv"]
        width = max(architecture["hidden"], architecture["n_components"])
        if conv == "gin":  # features are sent as they are
            width = max(width, architecture["n_features"])
        limit = LARGEST_HELD if conv in ("gat", "gin") else LARGEST_WHOLE
        return (len(graph.indices) + graph.n_nodes) * width <= limit


def make_run(
    plan: Plan,
    graph: Graph,
    features: Any,
    architecture: Architecture,
    targets: Targets | None,
    validation: Targets | None,
    *,
    workdir: Path | None,
    resume: bool,
    callbacks: Sequence[Callable[..., Any]],
    n_jobs: int | None,
) -> Any:
    """Return a :class:`graphembed.message_passing.trainer.TrainingRun`, ready to train.

    Parameters
    ----------
    plan : Plan
    graph : Graph
        Without relations.
    features : ndarray or csr_array of shape (n_nodes, n_features), float32
    architecture : Architecture
    targets : Targets or None
        Of the supervised objective.
    validation : Targets or None
        By which it stops; None holds some of the targets out.
    workdir : pathlib.Path or None
        Where checkpoints are kept.
    resume : bool
    callbacks : sequence of callables
    n_jobs : int or None
    """
    from graphembed.message_passing.trainer import TrainingRun, TrainingSettings

    pairs = plan.objective in PAIR_OBJECTIVES
    whole = plan.whole(graph, architecture)
    task = _task(plan, graph, features, architecture, targets, validation, whole, n_jobs)
    n_epochs = plan.n_epochs
    if isinstance(n_epochs, str):
        n_epochs = 200 if whole else 10
    if pairs and not graph.n_edges:
        n_epochs = 0  # nothing belongs together
    settings = TrainingSettings(
        n_epochs=n_epochs, learning_rate=plan.learning_rate, weight_decay=plan.weight_decay,
        patience=plan.patience, every=5 if whole and pairs else 1,
        by_loss=plan.objective == "dgi", seed=plan.seed, device=plan.device, prefetch=not whole,
    )  # fmt: skip
    checkpoint = state = None
    if workdir is not None:
        about = {
            **asdict(plan),
            **architecture,
            "data": _fingerprint(graph, features, targets, validation, n_jobs=n_jobs),
        }
        checkpoint = Checkpoint(workdir, about)
        state = checkpoint.read(resume)
    network = build_network(architecture, plan.seed, n_jobs=n_jobs).to(plan.device)
    return TrainingRun(
        network, task, settings, callbacks=callbacks, checkpoint=checkpoint, state=state
    )


def _task(
    plan: Plan, graph: Graph, features: Any, architecture: Architecture, targets: Targets | None,
    validation: Targets | None, whole: bool, n_jobs: int | None,
) -> Task:  # fmt: skip
    held_out: HeldOutEdges | None = None
    if plan.objective in PAIR_OBJECTIVES and plan.validation_fraction:
        held_out = hold_out_edges(graph, plan.validation_fraction, plan.seed)
    train = graph if held_out is None else held_out.train
    heard = listening(train, architecture["direction"])
    n_layers = architecture["n_layers"]
    surroundings: WholeGraph | SampledGraph
    if whole:
        surroundings = WholeGraph(heard, features, n_layers, plan.device)
    else:
        surroundings = SampledGraph(
            heard, features, plan.fanout[:n_layers], plan.device, plan.seed, n_jobs,
            symmetric=architecture["conv"] == "gcn",
        )  # fmt: skip
    if plan.objective == "dgi":
        return InfomaxTask(surroundings, graph.n_nodes, plan.batch_size, plan.seed)
    if targets is not None:
        return _label_task(plan, surroundings, targets, validation)
    positives: EdgePairs | WalkPairs
    if plan.objective == "edge":
        positives = EdgePairs(Links.of(heard), plan.seed)
    else:
        walked = heard if architecture["direction"] == "both" else train
        positives = WalkPairs(walked, plan.walk_length, plan.n_walks, plan.seed, n_jobs)
    negatives = Negatives(_degrees(heard), plan.n_negatives, plan.seed)
    return PairTask(
        surroundings, positives, negatives, plan.exclude_targets, plan.target_fraction, held_out,
        plan.batch_size,
    )  # fmt: skip


def _label_task(
    plan: Plan, surroundings: WholeGraph | SampledGraph, targets: Targets,
    validation: Targets | None,
) -> LabelTask:  # fmt: skip
    if validation is None:
        rows = hold_out_nodes(_strata(targets), plan.validation_fraction, plan.seed)
    else:
        rows = np.flatnonzero(targets.mask), np.flatnonzero(validation.mask)
    found = targets.values
    if validation is not None:
        found = found.copy()
        found[rows[1]] = validation.values[rows[1]]
    return LabelTask(surroundings, found, *rows, plan.batch_size, plan.seed)


def _degrees(heard: Graph) -> Any:
    """Return how often each node is an end of an edge, by weight."""
    degrees = np.bincount(heard.indices, heard.weights, minlength=heard.n_nodes)
    if heard.directed:
        degrees = degrees + np.asarray(heard.adjacency.sum(axis=1)).ravel()
    return degrees


def _strata(targets: Targets) -> Any:
    """Return the class of each node, by which labels are held out, -1 without a label."""
    if targets.codes is not None:
        return targets.codes
    return np.where(targets.mask, 0, -1)


def _fingerprint(graph: Graph, features: Any, *labels: Targets | None, n_jobs: int | None) -> str:
    """Return a hash of all that is trained on."""
    arrays: list[Any] = [graph_keys(graph, n_jobs)]
    sparse = isinstance(features, sp.csr_array)
    arrays += [features.data, features.indices, features.indptr] if sparse else [features]
    arrays += [array for each in labels if each is not None for array in (each.values, each.mask)]
    total = hashlib.blake2b(digest_size=16)
    for array in arrays:
        total.update(f"{array.dtype.str}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()
