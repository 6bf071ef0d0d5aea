"""Vectors of all nodes of a large graph, exactly, layer by layer."""

import numpy as np
from contenders import graphsage
from harness.contender import Measurement, Row, Settings
from harness.inputs import rmat, save_arrays
from harness.measure import compare

RMAT_SCALE = 20
N_FEATURES = 64
CONTENDERS = (graphsage.ours("graphembed", graphsage.layerwise),)


def run(settings: Settings) -> list[Measurement]:
    """Embed the graph with random features."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((1 << RMAT_SCALE, N_FEATURES), dtype=np.float32)
    folder = settings.workspace / "sage-inference"
    inputs = {**rmat(settings.cache, RMAT_SCALE), **save_arrays(folder, {"features": features})}
    return compare(CONTENDERS, inputs, settings, calls=3, rounds=1, cold=False)


def rows() -> list[Row]:
    """Return the rows of this file."""
    title = (
        f"R-MAT, 2^20 nodes, 16 M edges, {N_FEATURES} features: two layers of "
        f"{graphsage.HIDDEN} columns over all neighbours"
    )
    return [Row("sage-inference", title, run)]
