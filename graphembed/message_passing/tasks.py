"""Batches, losses and scores of each objective: pairs, mutual information, labels."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from graphembed.message_passing.held_out import HeldOutEdges
from graphembed.message_passing.label_score import label_score
from graphembed.message_passing.messages import SparseMatrix
from graphembed.message_passing.neighborhoods import Neighborhood, SampledGraph, WholeGraph
from graphembed.message_passing.positives import Negatives, Positives, keyed

Rows = npt.NDArray[np.int64]
Surroundings = WholeGraph | SampledGraph

_SHUFFLE, _BATCHES = 6, 7  # what a key is for
SCORE_ROWS = 4096  # whose vectors are sampled at a time, to be scored


class Task(Protocol):
    """What is trained for. Batches are made ahead, in another thread."""

    def batches(self, epoch: int) -> Iterator[Any]:
        """Yield the batches of an epoch; each has a ``size``, by which its loss counts."""

    def loss(self, network: Any, batch: Any, generator: Any) -> Any:
        """Return the mean loss of a batch, a tensor."""

    def score(self, network: Any) -> float | None:
        """Return how good the network is on what was held out; None if nothing was."""


@dataclass(frozen=True, eq=False)
class PairBatch:
    """Pairs and the surroundings that their vectors come from.

    Parameters
    ----------
    size : int
        Pairs.
    around : Neighborhood
    pairs : ndarray of shape (size, 2), int64
        Numbers of vectors.
    negatives : ndarray of shape (n_negatives,), int64
        Numbers of vectors, for all of the pairs.
    """

    size: int
    around: Neighborhood
    pairs: Rows
    negatives: Rows


class PairTask:
    """Tell pairs that belong together from pairs that do not.

    Parameters
    ----------
    surroundings : WholeGraph or SampledGraph
    positives : Positives
    negatives : Negatives
    exclude : bool
        Whether nobody hears along an edge that is asked for.
    share : float
        Of a whole graph: share of the edges, or walks, that are asked for in an epoch.
    held_out : HeldOutEdges or None
    batch_size : int
        Pairs of a sample.
    """

    def __init__(
        self, surroundings: Surroundings, positives: Positives, negatives: Negatives,
        exclude: bool, share: float, held_out: HeldOutEdges | None, batch_size: int,
    ) -> None:  # fmt: skip
        self._surroundings, self._positives, self._negatives = surroundings, positives, negatives
        self._exclude, self._share, self._held_out = exclude, share, held_out
        self._batch_size = batch_size

    def batches(self, epoch: int) -> Iterator[PairBatch]:
        """Yield one batch of all pairs, or ``batch_size`` pairs at a time."""
        if isinstance(self._surroundings, WholeGraph):
            pairs = self._positives.draw(epoch, self._share)
            if len(pairs):
                around = self._surroundings.around(pairs if self._exclude else None)
                yield PairBatch(len(pairs), around, pairs, self._negatives.draw(epoch, 1)[0])
            return
        pairs = self._positives.draw(epoch)
        negatives = self._negatives.draw(epoch, -(-len(pairs) // self._batch_size))
        for number, drawn in enumerate(negatives):
            chosen = pairs[number * self._batch_size : (number + 1) * self._batch_size]
            rows, places = np.unique(np.concatenate([chosen.ravel(), drawn]), return_inverse=True)
            exclude = chosen if self._exclude else None
            around = self._surroundings.around(rows, epoch, exclude=exclude)
            local, negative = np.split(places.astype(np.int64), [chosen.size])
            yield PairBatch(len(chosen), around, local.reshape(-1, 2), negative)

    def loss(self, network: Any, batch: PairBatch, generator: Any) -> Any:
        """Return the mean loss of the pairs."""
        Z = _vectors(network, batch.around, generator)
        pairs, negatives = (_tensor(rows, Z) for rows in (batch.pairs, batch.negatives))
        return network["head"](Z, pairs, negatives)

    def score(self, network: Any) -> float | None:
        """Return the ROC AUC of held-out edges among as many non-edges."""
        if self._held_out is None:
            return None
        from sklearn.metrics import roc_auc_score

        rows, places = np.unique(self._held_out.pairs, return_inverse=True)
        Z = _outputs(_vectors, network, self._surroundings, rows)
        pairs = _tensor(places.reshape(-1, 2).astype(np.int64), Z)
        scores = network["head"].scores(Z, pairs).cpu().numpy()
        return float(roc_auc_score(self._held_out.labels, scores))


@dataclass(frozen=True, eq=False)
class NodeBatch:
    """Nodes and the surroundings that their vectors come from.

    Parameters
    ----------
    size : int
    around : Neighborhood
    chosen : ndarray of shape (size,), int64, or None
        Numbers of the vectors that are read; None: all.
    extra : ndarray
        Of the objective: an order of the features' rows, or targets.
    """

    size: int
    around: Neighborhood
    chosen: Rows | None
    extra: npt.NDArray[Any]


class InfomaxTask:
    """Tell vectors from those of the same graph with shuffled features.

    Parameters
    ----------
    surroundings : WholeGraph or SampledGraph
    n_nodes : int
    batch_size : int
    seed : int
    """

    def __init__(
        self, surroundings: Surroundings, n_nodes: int, batch_size: int, seed: int
    ) -> None:
        self._surroundings, self._n_nodes = surroundings, n_nodes
        self._batch_size, self._seed = batch_size, seed

    def batches(self, epoch: int) -> Iterator[NodeBatch]:
        """Yield the whole graph, or ``batch_size`` nodes at a time."""
        rng = keyed(self._seed, _SHUFFLE, epoch)
        for rows, around in _node_batches(
            self._surroundings, np.arange(self._n_nodes), self._batch_size, epoch, self._seed
        ):
            order = rng.permutation(around.features.shape[0])
            yield NodeBatch(len(rows), around, None, order)

    def loss(self, network: Any, batch: NodeBatch, generator: Any) -> Any:
        """Return the mean cross entropy over real and shuffled nodes."""
        X, blocks = batch.around.features, batch.around.blocks
        real = network["encoder"](X, blocks, generator)
        shuffled = network["encoder"](_taken(X, batch.extra), blocks, generator)
        return network["head"](real, shuffled)

    def score(self, network: Any) -> float | None:  # noqa: ARG002
        """Nothing is held out."""
        return None


class LabelTask:
    """Tell the classes of labelled nodes.

    Parameters
    ----------
    surroundings : WholeGraph or SampledGraph
    targets : ndarray of shape (n_nodes,), int64, or (n_nodes, n_classes), float32
    train, held_out : ndarray of int64
        Rows of labelled nodes.
    batch_size : int
    seed : int
    """

    def __init__(
        self, surroundings: Surroundings, targets: npt.NDArray[Any], train: Rows, held_out: Rows,
        batch_size: int, seed: int,
    ) -> None:  # fmt: skip
        self._surroundings, self._train, self._held_out = surroundings, train, held_out
        self._targets, self._batch_size, self._seed = targets, batch_size, seed

    def batches(self, epoch: int) -> Iterator[NodeBatch]:
        """Yield all labelled nodes, or ``batch_size`` at a time."""
        whole = isinstance(self._surroundings, WholeGraph)
        for rows, around in _node_batches(
            self._surroundings, self._train, self._batch_size, epoch, self._seed
        ):
            yield NodeBatch(len(rows), around, rows if whole else None, self._targets[rows])

    def loss(self, network: Any, batch: NodeBatch, generator: Any) -> Any:
        """Return the mean cross entropy over labelled nodes."""
        scores = _class_scores(network, batch.around, generator)
        if batch.chosen is not None:
            scores = scores.index_select(0, _tensor(batch.chosen, scores))
        return network["head"].loss(scores, _tensor(batch.extra, scores))

    def score(self, network: Any) -> float | None:
        """Return accuracy, or micro-averaged F1, over held-out nodes."""
        if not len(self._held_out):
            return None
        scores = _outputs(_class_scores, network, self._surroundings, self._held_out)
        return label_score(scores.cpu().numpy(), self._targets[self._held_out])


def _node_batches(
    surroundings: Surroundings, rows: Rows, batch_size: int, epoch: int, seed: int
) -> Iterator[tuple[Rows, Neighborhood]]:
    if isinstance(surroundings, WholeGraph):
        if len(rows):
            yield rows, surroundings.around()
        return
    order = rows[keyed(seed, _BATCHES, epoch).permutation(len(rows))]
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        yield chosen, surroundings.around(chosen, epoch)


def _vectors(network: Any, around: Neighborhood, generator: Any = None) -> Any:
    return network["encoder"](around.features, around.blocks, generator)


def _class_scores(network: Any, around: Neighborhood, generator: Any = None) -> Any:
    Z = network["encoder"](around.features, around.blocks[:-1], generator)
    return network["head"](Z, around.blocks[-1:], generator)


def _outputs(
    function: Callable[..., Any], network: Any, surroundings: Surroundings, rows: Rows
) -> Any:
    """Return vectors or scores of some rows; of a sampled graph, from the same sample each time."""
    import torch

    if isinstance(surroundings, WholeGraph):
        found = function(network, surroundings.around())
        return found.index_select(0, _tensor(rows, found))
    parts = (rows[start : start + SCORE_ROWS] for start in range(0, len(rows), SCORE_ROWS))
    return torch.cat([function(network, surroundings.around(part, 0)) for part in parts])


def _taken(X: Any, order: Rows) -> Any:
    """Return the rows of features in another order."""
    if isinstance(X, SparseMatrix):
        matrix = sp.csr_array((X.values, X.indices, X.indptr), shape=X.shape)
        return SparseMatrix.from_scipy(matrix[order])
    return X.index_select(0, _tensor(order, X))


def _tensor(array: npt.NDArray[Any], like: Any) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(array)).to(like.device)
