"""Pairs of nodes that belong together, fresh in each epoch, and negatives for them."""

import math
from typing import Protocol

import numpy as np
import numpy.typing as npt

from graphembed.graph.graph import Graph
from graphembed.graph.links import Links
from graphembed.training.tiles import NOISE_EXPONENT
from graphembed.training.walks import WalkSampler

Pairs = npt.NDArray[np.int64]

_ORDER, _NEGATIVES = 1, 2  # what a key is for


class Positives(Protocol):
    """Where pairs come from."""

    def draw(self, epoch: int, share: float = 1.0) -> Pairs:
        """Return the pairs of an epoch, or a share of them, in random order.

        Parameters
        ----------
        epoch : int
        share : float, default=1.0
            Of the edges, or of the walks.

        Returns
        -------
        ndarray of shape (n_pairs, 2), int64
            Rows.
        """


class EdgePairs:
    """The edges themselves, each once an epoch, turned round at random.

    Parameters
    ----------
    links : Links
        Of the training graph.
    seed : int
    """

    def __init__(self, links: Links, seed: int) -> None:
        self._pairs = np.column_stack([links.low, links.high]).astype(np.int64)
        self._seed = seed

    def draw(self, epoch: int, share: float = 1.0) -> Pairs:
        """Return the edges in the order of an epoch."""
        rng = keyed(self._seed, _ORDER, epoch)
        n_drawn = math.ceil(share * len(self._pairs))
        pairs = self._pairs[rng.permutation(len(self._pairs))[:n_drawn]]
        turned = rng.random(len(pairs)) < 0.5
        pairs[turned] = pairs[turned, ::-1]
        return pairs


class WalkPairs:
    """First nodes of short random walks, with each of the nodes that follow.

    Parameters
    ----------
    graph : Graph
        Walked along; a directed one from sources to targets.
    walk_length : int
        Nodes in a walk.
    n_walks : int
        From each node.
    seed : int
    n_jobs : int or None
    """

    def __init__(
        self, graph: Graph, walk_length: int, n_walks: int, seed: int, n_jobs: int | None = -1
    ) -> None:
        self._sampler = WalkSampler(graph, n_jobs=n_jobs)
        self._walk_length, self._n_walks, self._seed = walk_length, n_walks, seed

    def draw(self, epoch: int, share: float = 1.0) -> Pairs:
        """Return the pairs of the walks of an epoch; a walk that came home makes none there."""
        n_walks = self._sampler.n_nodes * self._n_walks
        walks: Pairs = self._sampler.generate(
            self._seed, epoch, 0, n_walks, walk_length=self._walk_length
        ).astype(np.int64)
        rng = keyed(self._seed, _ORDER, epoch)
        if share < 1:
            walks = walks[rng.permutation(n_walks)[: math.ceil(share * n_walks)]]
        first = np.repeat(walks[:, 0], self._walk_length - 1)
        later = walks[:, 1:].ravel()
        pairs = np.column_stack([first, later])[(later >= 0) & (later != first)]
        shuffled: Pairs = pairs[rng.permutation(len(pairs))]
        return shuffled


class Negatives:
    """Nodes in proportion to their degrees, to the power of 3/4.

    Parameters
    ----------
    degrees : ndarray of shape (n_nodes,)
        Weighted ones; some is positive.
    n_negatives : int
        For each batch of pairs.
    seed : int
    """

    def __init__(self, degrees: npt.NDArray[np.floating], n_negatives: int, seed: int) -> None:
        self._bounds = np.cumsum(degrees.astype(np.float64) ** NOISE_EXPONENT)
        self._n_negatives, self._seed = n_negatives, seed

    def draw(self, epoch: int, n_batches: int) -> Pairs:
        """Return the negatives of every batch of an epoch, shape (n_batches, n_negatives)."""
        points = keyed(self._seed, _NEGATIVES, epoch).random((n_batches, self._n_negatives))
        rows = np.searchsorted(self._bounds, points * self._bounds[-1], side="right")
        # Rounding could reach the end itself.
        drawn: Pairs = np.minimum(rows, len(self._bounds) - 1).astype(np.int64)
        return drawn


def keyed(*words: int) -> np.random.Generator:
    """Return the generator that belongs to a seed, a purpose and an epoch."""
    # The length first: a SeedSequence takes zeros at the end for nothing.
    return np.random.default_rng([len(words), *words])
