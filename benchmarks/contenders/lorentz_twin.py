"""The trainer of Lorentz embeddings, with its Euclidean twin: the same steps in the other space."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.contender import Contender, Job

from contenders.poincare import DISTRIBUTIONS, hierarchy, seeded, small_tree


def euclidean_twin(
    arrays: Mapping[str, Any],
    *,
    threads: int,
    reproducible: bool,
    n_components: int,
    **params: Any,
) -> Job:
    """Train as ours does in all else: settings, negatives, probe of the learning rate."""
    from graphembed.hyperbolic.start import initial_coordinates, probe_learning_rate
    from graphembed.hyperbolic.trainer import HyperbolicSettings, HyperbolicTrainer

    settings = HyperbolicSettings(manifold="euclidean", **params)

    def train(graph: Any, settings: Any, seed: int | None) -> Any:
        start = initial_coordinates(graph, n_components, "uniform", seed or 0)
        options = {"seed": seed, "n_jobs": threads}
        if "learning_rate" not in params:
            rate = probe_learning_rate(settings, graph, start, **options)
            settings = replace(settings, learning_rate=rate)
        trainer = HyperbolicTrainer(settings, graph, start, **options)
        trainer.train()
        return trainer.coordinates, settings.learning_rate

    graph = hierarchy(arrays)
    train(small_tree(), replace(settings, n_epochs=2), 0)
    return seeded(lambda seed: train(graph, settings, seed), reproducible=reproducible)


def twin(name: str, *, once: bool = False, **params: Any) -> Contender:
    """Return the Euclidean twin; ``params`` are the trainer's settings where not its defaults."""
    return Contender(
        name,
        euclidean_twin,
        ("scipy.sparse", "numba", "graphembed.hyperbolic.start"),
        DISTRIBUTIONS,
        {"reproducible": True, **params},
        once=once,
    )
