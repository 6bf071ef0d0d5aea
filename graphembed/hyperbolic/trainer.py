"""Riemannian SGD on the edges of a graph: what Poincaré and Lorentz embeddings share.

There are two ways through the edges of an epoch:

- *lock-free*: threads train on whatever edges come, on shared rows. Not reproducible.
- *in rounds*: nodes are dealt to blocks, anew for each part of an epoch, and its edges sorted into
  tiles by the blocks of their ends. Tiles without a common block train side by side, with negatives
  from the block of their targets: the same bits at every number of threads.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import sinh
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.callbacks import progress
from graphembed.engine import run_blocks, split_by_weight
from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph
from graphembed.training.tiles import alias_table, derive_key

Coordinates = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Tasks = list[list[tuple[int, int, int]]]  # rounds of tasks; a task trains ranges of edges

MANIFOLDS = ("lorentz", "euclidean")
LOSSES = ("softmax", "fermi_dirac", "triplet", "distortion")  # in the order of the kernel

MIN_NODES = 4_000  # below, one block: tiles would be tiny, and negatives always the same
NODES_PER_BLOCK = 2_000
MIN_BLOCKS, MAX_BLOCKS = 8, 32
DEALS = 16  # in an epoch: with one, what a block sees at a time is too much alike
MAX_SOURCES = 2_000  # of distances in an epoch
N_DRAWS = 8  # of targets of each
SLICES = 16  # parts in which lock-free threads take the edges of an epoch
LOWEST_RATE = 0.05  # the learning rate falls to this share of its start
NOISE_EXPONENT = 0.75  # negatives of the burn-in are drawn by degree to this power

# What the seed is folded with, so that no two uses of it share a stream.
ORDER, DEALING, NEGATIVES = 1, 2, 3


@dataclass(frozen=True)
class HyperbolicSettings:
    """How to train.

    Parameters
    ----------
    manifold : {"lorentz", "euclidean"}, default="lorentz"
        The Euclidean twin is there for comparisons.
    loss : {"softmax", "fermi_dirac", "triplet", "distortion"}, default="softmax"
    n_negatives : int, default=50
        Of each edge; targets of each draw of the distortion loss, which has no negatives.
    learning_rate : float, default=0.25
        A gradient of length 1 moves a point by this distance.
    n_epochs : int, default=100
    burn_in : int, default=10
        First epochs, in which the rate is ``burn_in_factor`` times smaller and negatives are
        drawn by degree.
    burn_in_factor : float, default=0.1
    temperature : float, default=0.25
        Of the softmax and of Fermi-Dirac: distances are divided by it. Hierarchies and networks
        alike come out better at 1/2 or 1/4 than at the 1 of Nickel and Kiela.
    radius : float, default=2.0
        Of Fermi-Dirac: at this distance an edge is as likely as not.
    margin : float, default=1.0
        Of the triplet loss.
    max_radius : float, default=15.0
        Points are kept within this distance of the origin.
    adagrad : float, default=0.0
        Weight of the squared gradients that add up to a row's Adagrad sum, which begins at 1;
        0 is plain SGD, which did better on most data sets that were tried.
    """

    manifold: str = "lorentz"
    loss: str = "softmax"
    n_negatives: int = 50
    learning_rate: float = 0.25
    n_epochs: int = 100
    burn_in: int = 10
    burn_in_factor: float = 0.1
    temperature: float = 0.25
    radius: float = 2.0
    margin: float = 1.0
    max_radius: float = 15.0
    adagrad: float = 0.0


class HyperbolicTrainer:
    """Coordinates of nodes, and how to train them on the edges of a graph.

    Parameters
    ----------
    settings : HyperbolicSettings
    graph : Graph
        Edge ``u -> v`` makes v a positive of u; undirected edges count both ways.
    start : ndarray of shape (n_nodes, d), float64
        Spatial coordinates to start from; copied.
    seed : int or None
        64-bit key of all randomness: the same bits at every ``n_jobs``. None trains lock-free.
    n_jobs : int or None, default=-1

    Attributes
    ----------
    coordinates : ndarray of shape (n_nodes, d), float64
        Spatial Lorentz coordinates (plain ones of the Euclidean twin).
    losses : list of float
        Mean loss of an edge in each epoch.
    scale : float
        Distance per hop, learned by the distortion loss; 1 otherwise.
    """

    def __init__(
        self,
        settings: HyperbolicSettings,
        graph: Graph,
        start: Coordinates,
        *,
        seed: int | None,
        n_jobs: int | None = -1,
    ) -> None:
        self.settings, self.graph, self.n_jobs = settings, _plain(graph), n_jobs
        self.coordinates = np.array(start, dtype=np.float64, order="C")
        self.reproducible = seed is not None
        self.seed = np.random.SeedSequence().generate_state(1)[0] if seed is None else seed
        self.losses: list[float] = []
        self.scale = 1.0
        self._sums = np.ones(len(self.coordinates))

    def train(self, on_epoch: Callable[[int, float], Any] | None = None) -> list[float]:
        """Train all epochs; an interrupt leaves what has been learned.

        Parameters
        ----------
        on_epoch : callable, optional
            Called with the number and the loss of each epoch when it is done.

        Returns
        -------
        list of float
            :attr:`losses`.
        """
        run = _DistanceRun(self) if self.settings.loss == "distortion" else _EdgeRun(self)
        n_epochs = self.settings.n_epochs
        with progress(n_epochs, f"{self.settings.loss} loss", "epoch") as done:
            for epoch in range(n_epochs):
                loss = run(epoch)
                self.losses.append(loss)
                done()
                done.describe(f"{self.settings.loss} loss {loss:.3f}")
                if on_epoch is not None:
                    on_epoch(epoch, loss)
        return self.losses

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch: small in the burn-in, then falling linearly."""
        settings = self.settings
        if epoch < settings.burn_in:
            return settings.learning_rate * settings.burn_in_factor
        left = 1 - (epoch - settings.burn_in) / max(1, settings.n_epochs - settings.burn_in)
        return settings.learning_rate * max(left, LOWEST_RATE)


class _EdgeRun:
    """Epochs over the edges of a graph, with negatives."""

    def __init__(self, trainer: HyperbolicTrainer) -> None:
        from graphembed.kernels.hyperbolic import fill_filters

        graph = trainer.graph
        self.trainer = trainer
        self.sources = np.repeat(np.arange(graph.n_nodes, dtype=np.int32), graph.degrees)
        self.targets = np.asarray(graph.indices)
        self.filters = np.zeros(graph.n_nodes, dtype=np.uint64)
        run_blocks(
            lambda first, last: fill_filters(
                graph.indptr, graph.indices, self.filters, first, last
            ),
            split_by_weight(graph.indptr, SLICES),
            n_jobs=trainer.n_jobs,
        )
        in_degrees = np.bincount(self.targets, minlength=graph.n_nodes)
        self.popularity = (graph.degrees + in_degrees).astype(np.float32)
        self.by_popularity = np.argsort(-self.popularity, kind="stable").astype(np.int32)

    def __call__(self, epoch: int) -> float:
        """Train an epoch; return the mean loss."""
        order = self._order(epoch)
        deals = self.trainer.reproducible and _count_blocks(self.trainer.graph.n_nodes) > 1
        parts = np.array_split(order, DEALS if deals else 1)
        losses = [self._train_part(epoch, part, edges) for part, edges in enumerate(parts)]
        return float(sum(losses) / max(1, len(order)))

    def _train_part(self, epoch: int, part: int, order: npt.NDArray[np.int64]) -> float:
        """Train some of the edges of an epoch; return the sum of losses."""
        trainer = self.trainer
        deal = _Deal(self, epoch, part) if trainer.reproducible else _Slices(self)
        sources, targets, rounds = deal.sort(self.sources[order], self.targets[order])
        noise = None
        if epoch < trainer.settings.burn_in:
            weights = self.popularity[deal.candidates] ** np.float32(NOISE_EXPONENT)
            noise = alias_table(deal.bounds, weights)
        train = self._kernel(epoch, part, sources, targets, deal, noise)
        loss = 0.0
        for tasks in rounds:
            loss += sum(run_blocks(train, [(task,) for task in tasks], n_jobs=trainer.n_jobs))
        return loss

    def _order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Shuffle the edges; with weights, each appears about in proportion to its own."""
        rng = np.random.default_rng([self.trainer.seed, ORDER, epoch])
        n_edges, weights = len(self.targets), self.trainer.graph.weights
        if weights is None:
            return rng.permutation(n_edges)
        ends = np.cumsum(weights, dtype=np.float64)
        wanted = (np.arange(n_edges) + rng.random()) / n_edges * ends[-1]
        return rng.permutation(np.minimum(np.searchsorted(ends, wanted), n_edges - 1))

    def _kernel(
        self,
        epoch: int,
        part: int,
        sources: Ints,
        targets: Ints,
        deal: "_Deal | _Slices",
        noise: Any,
    ) -> Callable[[Any], float]:
        """Return a function that trains the ranges of a task."""
        from graphembed.kernels.hyperbolic import train_edges

        trainer, settings, graph = self.trainer, self.trainer.settings, self.trainer.graph
        key = np.uint64(derive_key(trainer.seed, NEGATIVES, epoch, part))
        table = np.empty(0, dtype=np.uint64) if noise is None else noise
        margin = settings.margin if settings.loss == "triplet" else settings.radius

        def train(task: list[tuple[int, int, int]]) -> float:
            losses = [
                train_edges(
                    trainer.coordinates, trainer._sums, sources, targets, first, last,
                    graph.indptr, graph.indices, self.filters, deal.candidates, table,
                    deal.bounds[block], deal.bounds[block + 1], settings.n_negatives,
                    MANIFOLDS.index(settings.manifold), LOSSES.index(settings.loss), margin,
                    settings.temperature, trainer.rate(epoch), settings.adagrad,
                    sinh(settings.max_radius), key,
                )
                for first, last, block in task
            ]  # fmt: skip
            return float(sum(losses))

        return train


class _DistanceRun:
    """Epochs over pairs of nodes and the numbers of hops between them."""

    def __init__(self, trainer: HyperbolicTrainer) -> None:
        self.trainer = trainer
        self.graph = trainer.graph.to_undirected()

    def __call__(self, epoch: int) -> float:
        """Train an epoch; return the mean loss. The scale is fitted to what was seen."""
        from graphembed.kernels.hyperbolic import train_distances

        trainer, settings, graph = self.trainer, self.trainer.settings, self.graph
        rng = np.random.default_rng([trainer.seed, ORDER, epoch])
        sources = rng.permutation(graph.n_nodes)[:MAX_SOURCES].astype(np.int32)
        key = np.uint64(derive_key(trainer.seed, NEGATIVES, epoch))

        def train(first: int, last: int) -> tuple[float, Any]:
            fit = np.zeros(2)
            loss = train_distances(
                trainer.coordinates, trainer._sums, sources, first, last,
                graph.indptr, graph.indices, N_DRAWS, settings.n_negatives,
                MANIFOLDS.index(settings.manifold), trainer.scale, trainer.rate(epoch),
                settings.adagrad, sinh(settings.max_radius), key, fit,
            )  # fmt: skip
            return loss, fit

        # Targets lie anywhere: there are no tiles, and so one thread where bits must be the same.
        cuts = [part * len(sources) // SLICES for part in range(SLICES + 1)]
        found = run_blocks(
            train,
            list(itertools.pairwise(cuts)),
            n_jobs=1 if trainer.reproducible else trainer.n_jobs,
        )
        ratios, squares = np.sum([fit for _, fit in found], axis=0)
        if epoch >= settings.burn_in and ratios > 0:
            trainer.scale = float(squares / ratios)
        return float(sum(loss for loss, _ in found) / max(1, len(sources) * N_DRAWS))


class _Slices:
    """All nodes in one block; slices of edges that threads take as they come."""

    def __init__(self, run: _EdgeRun) -> None:
        n_nodes = run.trainer.graph.n_nodes
        self.candidates = np.arange(n_nodes, dtype=np.int32)
        self.bounds = np.array([0, n_nodes])

    def sort(self, sources: Ints, targets: Ints) -> tuple[Ints, Ints, Iterator[Any]]:
        """Return the edges and the rounds of tasks."""
        cuts = [part * len(sources) // SLICES for part in range(SLICES + 1)]
        tasks = [[(first, last, 0)] for first, last in itertools.pairwise(cuts)]
        return sources, targets, iter([tasks])


class _Deal:
    """Nodes dealt to blocks, the popular ones evenly, and edges sorted into tiles."""

    def __init__(self, run: _EdgeRun, epoch: int, part: int) -> None:
        n_nodes = run.trainer.graph.n_nodes
        self.n_blocks = n_blocks = _count_blocks(n_nodes)
        rng = np.random.default_rng([run.trainer.seed, DEALING, epoch, part])
        hands = rng.permuted(
            np.tile(np.arange(n_blocks, dtype=np.int16), (-(-n_nodes // n_blocks), 1)), axis=1
        )
        self.block_of = np.empty(n_nodes, dtype=np.int16)
        self.block_of[run.by_popularity] = hands.ravel()[:n_nodes]
        self.candidates = np.argsort(self.block_of, kind="stable").astype(np.int32)
        sizes = np.bincount(self.block_of, minlength=n_blocks)
        self.bounds = np.concatenate([[0], np.cumsum(sizes)])

    def sort(self, sources: Ints, targets: Ints) -> tuple[Ints, Ints, Iterator[Any]]:
        """Return the edges, tile by tile, and the rounds of tasks."""
        n = self.n_blocks
        tile = self.block_of[sources] * np.int16(n) + self.block_of[targets]
        order = np.argsort(tile, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(tile, minlength=n * n))])

        def ranges(i: int, j: int) -> list[tuple[int, int, int]]:
            both = [(i, j)] if i == j else [(i, j), (j, i)]
            return [(int(starts[a * n + b]), int(starts[a * n + b + 1]), b) for a, b in both]

        rounds = ([ranges(i, j) for i, j in pairs] for pairs in _tournament(n))
        return sources[order], targets[order], rounds


def _count_blocks(n_nodes: int) -> int:
    """Return the number of blocks: even or 1, and by the graph alone."""
    if n_nodes < MIN_NODES:
        return 1
    return int(np.clip(n_nodes // NODES_PER_BLOCK // 2 * 2, MIN_BLOCKS, MAX_BLOCKS))


def _tournament(n: int) -> Iterator[list[tuple[int, int]]]:
    """Yield rounds of disjoint pairs of ``0 .. n - 1``, each pair once, then all with themselves.

    Examples
    --------
    >>> list(_tournament(4))
    [[(3, 0), (1, 2)], [(3, 1), (2, 0)], [(3, 2), (0, 1)], [(0, 0), (1, 1), (2, 2), (3, 3)]]
    """
    for turn in range(n - 1):
        circle = [((turn + k) % (n - 1), (turn - k) % (n - 1)) for k in range(1, n // 2)]
        yield [(n - 1, turn), *circle]
    yield [(i, i) for i in range(n)]


def _plain(graph: Graph) -> Graph:
    """Drop relations; refuse weights that are no strengths."""
    if graph.weights is not None and graph.weights.min(initial=0) < 0:
        raise GraphError(
            "A hyperbolic embedding needs non-negative edge weights; the smallest is "
            f"{graph.weights.min():g}. Drop such edges, or take the absolute values."
        )
    return graph.without_relations()
