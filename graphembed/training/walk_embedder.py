"""What DeepWalk and Node2Vec share as estimators: parameters to tables, new nodes, more epochs."""

from abc import abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.utils._param_validation import Interval, StrOptions

from graphembed.base import Embedding, canonical
from graphembed.engine.device import check_device
from graphembed.graph.graph import Graph
from graphembed.random_state import check_random_state, draw_key
from graphembed.training.folding import Folder, graph_keys
from graphembed.training.pair_embedder import PairEmbedder
from graphembed.training.skipgram import SkipGram
from graphembed.training.tiles import Counts, derive_key
from graphembed.training.walks import WalkSampler

MAPPED_BYTES = 256_000_000  # of a store's files that walks may keep in memory


class WalkEmbedder(PairEmbedder):
    """Skip-gram on random walks; a concrete class says which walks.

    Attributes
    ----------
    embedding_, context_embedding_ : ndarray of shape (n_nodes, n_components), float32
    loss_curve_ : list of float
    visits_ : ndarray of shape (n_nodes,), float32
    row_keys_ : ndarray of shape (n_nodes,), uint64
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "n_walks": [Interval(Integral, 1, None, closed="left")],
        "walk_length": [Interval(Integral, 1, None, closed="left")],
        "window": [Interval(Integral, 1, None, closed="left")],
        "n_negatives": [Interval(Integral, 1, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "subsample": [Interval(Real, 0, 1, closed="left")],
        "shrink_windows": ["boolean"],
        "walks_per_node": [
            StrOptions({"core"}), Interval(Integral, 1, None, closed="left"), "array-like", None,
        ],
        "init": [StrOptions({"uniform", "partition"}), "array-like"],
        "device": [str],
        "n_jobs": [Integral, None],
    }  # fmt: skip

    @abstractmethod
    def _sampler(self, graph: Graph) -> WalkSampler:
        """Return the walks to train on."""

    def _embed(self, graph: Graph, rng: np.random.Generator) -> Embedding:
        model = self._model(graph, rng)
        model.initialise(self._initial(graph))
        self._train(model, graph, [])
        return self.embedding_

    def _go_on(self, graph: Graph, n_fitted: int) -> None:
        model = self._model(graph, check_random_state(self.random_state), len(self.loss_curve_))
        start = np.zeros((graph.n_nodes, self.embedding_.shape[1]), dtype=np.float32)
        start[:n_fitted] = self.embedding_
        block = graph.adjacency[n_fitted:, :n_fitted]
        start[n_fitted:] = self._embed_new(canonical(block))
        model.initialise(start)
        model.outputs[:n_fitted] = self.context_embedding_
        self._train(model, graph, list(self.loss_curve_))

    def _train(self, model: SkipGram, graph: Graph, losses: list[float]) -> None:
        """Train; an interrupt leaves usable vectors, an error what was there before."""
        walks_per_node = self._walks_per_node(graph)
        try:
            model.train(walks_per_node, self.n_epochs, losses)
        except KeyboardInterrupt:
            self._learn(model, graph, losses)
            raise
        self._learn(model, graph, losses)

    def _learn(self, model: SkipGram, graph: Graph, losses: list[float]) -> None:
        """Set the learned attributes, all that belong together at once."""
        self.embedding_ = np.ascontiguousarray(model.inputs)
        self.context_embedding_ = np.ascontiguousarray(model.outputs)
        self.loss_curve_ = losses
        self.visits_ = model.visits
        self.row_keys_ = graph_keys(graph)
        self.node_index_ = graph.node_index
        self.n_features_in_ = graph.n_nodes
        self._vectors = None

    def _model(self, graph: Graph, rng: np.random.Generator, n_before: int = 0) -> SkipGram:
        """Return untrained tables; training goes on with other walks than ``n_before`` turns."""
        check_device(self.device)
        seed = draw_key(rng)
        if n_before:
            seed = int(derive_key(seed, n_before))
        return SkipGram(
            sampler=self._sampler(graph), n_nodes=graph.n_nodes, n_components=self.n_components,
            seed=seed, window=self.window, n_negatives=self.n_negatives,
            walk_length=self.walk_length, learning_rate=self.learning_rate,
            shrink_windows=self.shrink_windows, reproducible=self.random_state is not None,
            n_jobs=self.n_jobs, subsample=self.subsample, device=self.device,
            after_chunk=lambda: graph.release(MAPPED_BYTES),
        )  # fmt: skip

    def _walks_per_node(self, graph: Graph) -> Counts:
        wanted = self.walks_per_node
        if wanted is None:
            return np.full(graph.n_nodes, self.n_walks, dtype=np.int64)
        if isinstance(wanted, str):
            from graphembed.graph.transforms import core_numbers

            cores = core_numbers(graph)
            share = cores / max(1, int(cores.max(initial=0)))
            counts: Counts = np.maximum(1, np.round(self.n_walks * share).astype(np.int64))
            return counts
        given = np.asarray(wanted)
        if given.ndim == 0:
            return np.full(graph.n_nodes, int(given), dtype=np.int64)
        if given.shape != (graph.n_nodes,) or given.dtype.kind not in "iu" or given.min() < 0:
            raise ValueError(
                f"The 'walks_per_node' parameter of {type(self).__name__} must be an int, 'core' "
                f"or non-negative ints, one for each of the {graph.n_nodes} nodes; got an array "
                f"of shape {given.shape} and dtype {given.dtype}."
            )
        return given.astype(np.int64)

    def _embed_new(self, block: sp.csr_array) -> Embedding:
        folder = Folder(
            self.embedding_, self.context_embedding_, self.visits_, self.row_keys_,
            n_negatives=self.n_negatives, learning_rate=self.learning_rate, n_jobs=self.n_jobs,
        )  # fmt: skip
        return folder.place(block)
