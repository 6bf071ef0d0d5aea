"""What Poincaré and Lorentz embeddings share: two views of one trainer, and places of new nodes."""

from dataclasses import replace
from math import sinh
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions

from graphembed import geometry
from graphembed.engine import run_blocks, split_by_weight
from graphembed.graph.graph import Graph
from graphembed.hyperbolic.points import HyperbolicVectors
from graphembed.hyperbolic.start import INITS, initial_coordinates, probe_learning_rate
from graphembed.hyperbolic.trainer import LOSSES, HyperbolicSettings, HyperbolicTrainer
from graphembed.random_state import draw_key
from graphembed.training.folding import graph_keys, known_rows, row_keys

BLOCKS = 64
N_STEPS = 100  # of a new node


class HyperbolicEmbedder(HyperbolicVectors):
    """Riemannian SGD on edges; a concrete class says in which coordinates points are handed out.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components), float64
    lorentz_ : ndarray of shape (n_nodes, n_components), float64
    scale_ : float
    learning_rate_ : float
    loss_curve_ : list of float
    row_keys_ : ndarray of shape (n_nodes,), uint64
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "coordinates": [StrOptions(set(geometry.COORDINATES))],
        "loss": [StrOptions(set(LOSSES))],
        "temperature": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "n_negatives": [Interval(Integral, 1, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "burn_in": [Interval(Integral, 0, None, closed="left")],
        "init": [StrOptions(set(INITS)), "array-like"],
        "n_jobs": [Integral, None],
    }

    def _embed(self, graph: Graph, rng: np.random.Generator) -> Any:
        key = draw_key(rng)
        seed = None if self.random_state is None else key
        settings = self._settings()
        start = initial_coordinates(
            graph, self.n_components, self._init(), key, settings, n_jobs=self.n_jobs
        )
        if self.learning_rate == "auto":
            rate = probe_learning_rate(settings, graph, start, seed=seed, n_jobs=self.n_jobs)
            settings = replace(settings, learning_rate=rate)
        trainer = HyperbolicTrainer(settings, graph, start, seed=seed, n_jobs=self.n_jobs)
        try:
            trainer.train()
        except KeyboardInterrupt:
            self._learn(graph, trainer)
            raise
        self._learn(graph, trainer)
        return self.embedding_

    def _init(self) -> Any:
        if isinstance(self.init, str):
            return self.init
        return geometry.parse(self.init, self.coordinates)

    def _settings(self) -> HyperbolicSettings:
        temperature = self.temperature
        if temperature == "auto":
            temperature = 1 / min(4, max(1, self.n_components - 1))
        settings = HyperbolicSettings(
            loss=self.loss, temperature=float(temperature), n_negatives=self.n_negatives,
            n_epochs=self.n_epochs, burn_in=self.burn_in,
        )  # fmt: skip
        if self.learning_rate == "auto":
            return settings
        return replace(settings, learning_rate=float(self.learning_rate))

    def _learn(self, graph: Graph, trainer: HyperbolicTrainer) -> None:
        """Set the learned attributes; after an interrupt they are usable."""
        self.lorentz_ = trainer.coordinates
        self.embedding_ = self._export(trainer.coordinates)
        self.scale_ = float(trainer.scale)
        self.learning_rate_ = float(trainer.settings.learning_rate)
        self.loss_curve_ = trainer.losses
        self.row_keys_ = graph_keys(graph, self.n_jobs)
        self.node_index_ = graph.node_index
        self._vectors = None

    def _embed_new(self, block: sp.csr_array) -> Any:
        from graphembed.kernels.hyperbolic_placing import place_rows

        keys = row_keys(block, self.n_jobs)
        settings = self._settings()
        margin = settings.margin if self.loss == "triplet" else settings.radius
        points = np.empty((block.shape[0], self.lorentz_.shape[1]))
        indptr, indices = block.indptr.astype(np.int64), block.indices.astype(np.int32)
        run_blocks(
            lambda first, last: place_rows(
                self.lorentz_, indptr, indices, block.data, keys, N_STEPS, self.n_negatives,
                LOSSES.index(self.loss), margin, settings.temperature, self.learning_rate_,
                sinh(settings.max_radius), points, first, last,
            ),
            split_by_weight(indptr, BLOCKS),
            n_jobs=self.n_jobs,
        )  # fmt: skip
        rows = self._export(points)
        known, fitted = known_rows(block, self.row_keys_, keys=keys)
        rows[known] = self.embedding_[fitted]
        return rows

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        return tags
