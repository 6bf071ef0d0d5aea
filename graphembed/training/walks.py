"""Random walks over a graph: DeepWalk, node2vec and node2vec+."""

import math
from collections.abc import Callable
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.callbacks import progress
from graphembed.engine.local import run_blocks, split_by_weight
from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph
from graphembed.kernels.alias import build_alias
from graphembed.kernels.walks import (
    build_filters,
    first_order_walks,
    mean_weights,
    second_order_walks,
)
from graphembed.random_state import check_random_state, draw_key

WALKS_PER_BLOCK = 4096
ROW_BLOCKS = 32
# Beyond this no walk could show a difference, and products with weights stay finite.
LARGEST_BIAS = 1e30

Walks = npt.NDArray[np.int32]


class WalkSampler:
    r"""Random walks over one graph: prepared once, then any walk of any epoch at once.

    Walk ``w`` of an epoch depends on the graph, the seed, the epoch, ``w`` and its first node
    alone: not on the range it is asked for in, nor on threads. Nothing needs to be kept: the same
    walk can be had again at any time.

    Parameters
    ----------
    graph : Graph
        Weights must not be negative. Relations are merged. Directed graphs follow out-edges.
    p, q : float, default=1.0
        Return and in-out parameters of node2vec; see :func:`random_walks`. With 1 and 1 steps
        forget where they came from, which is faster.
    extended : bool, default=False
        node2vec+, which minds the weights; see :func:`random_walks`.
    gamma : float, default=0.0
        With ``extended``: how many standard deviations above its node's mean weight an edge must
        be in order not to be weak.
    n_jobs : int or None, default=-1
        Threads.

    Attributes
    ----------
    n_nodes : int
    second_order : bool
        Whether steps depend on the node before.

    Raises
    ------
    GraphError
        If a weight is negative.
    ValueError
        If p or q is not a positive number, or gamma is negative.

    Notes
    -----
    Memory beside the graph: 2 bytes for each entry of the adjacency if steps are of second order,
    8 more if weights differ.

    Examples
    --------
    >>> import graphembed as ge
    >>> from graphembed.training.walks import WalkSampler
    >>> sampler = WalkSampler(ge.datasets.load("karate").graph, p=0.5, q=2.0)
    >>> whole = sampler.generate(seed=7, epoch=0, first=0, last=100, walk_length=20)
    >>> part = sampler.generate(seed=7, epoch=0, first=60, last=100, walk_length=20)
    >>> bool((whole[60:] == part).all())
    True
    """

    def __init__(
        self,
        graph: Graph,
        *,
        p: float = 1.0,
        q: float = 1.0,
        extended: bool = False,
        gamma: float = 0.0,
        n_jobs: int | None = -1,
    ) -> None:
        inverse_p, inverse_q = _inverse("p", p), _inverse("q", q)
        if not (isinstance(gamma, Real) and 0 <= gamma < math.inf):
            raise ValueError(f"gamma must be a finite number of at least 0; got {gamma!r}.")
        graph = _walkable(graph)
        self.n_nodes: int = graph.n_nodes
        self.second_order: bool = not (inverse_p == inverse_q == 1)
        self._n_jobs: int | None = n_jobs
        self._blocks: list[tuple[int, int]] = split_by_weight(graph.indptr, ROW_BLOCKS)
        self._walk: Callable[..., None]

        indptr, indices, weights = graph.indptr, graph.indices, graph.weights
        if weights is not None and len(weights) and weights.min() == weights.max():
            weights = None
        table = None
        if weights is not None:
            table = np.empty(len(indices), dtype=np.uint64)
            self._prepare(build_alias, indptr, weights, table)
        if not self.second_order:
            self._walk = partial(first_order_walks, indptr, indices, table)
            return
        means = thresholds = None
        if weights is not None:
            means, thresholds = np.empty((2, graph.n_nodes))
            self._prepare(mean_weights, indptr, weights, float(gamma), means, thresholds)
        filters = np.empty(len(indices), dtype=np.uint16)
        if inverse_q != 1:
            self._prepare(build_filters, indptr, indices, filters)
        self._walk = partial(
            second_order_walks, indptr, indices, weights, table, means,
            thresholds if extended else None, filters, graph.directed, inverse_p, inverse_q,
        )  # fmt: skip

    def _prepare(self, kernel: Callable[..., None], *arrays: Any) -> None:
        run_blocks(partial(kernel, *arrays), self._blocks, n_jobs=self._n_jobs)

    def generate(
        self,
        seed: int,
        epoch: int,
        first: int,
        last: int,
        *,
        walk_length: int = 80,
        out: Walks | None = None,
        starts: npt.NDArray[np.integer[Any]] | None = None,
        on_done: Callable[[int], None] | None = None,
    ) -> Walks:
        """Return walks ``first .. last - 1`` of an epoch.

        Parameters
        ----------
        seed : int
            64 bits; see :func:`graphembed.random_state.draw_key`.
        epoch : int
        first, last : int
            Range of walk numbers. Up to 4,096 walks are made in the calling thread.
        walk_length : int, default=80
            Nodes in a walk, the first one included; not read if ``out`` is given.
        out : ndarray of shape (last - first, walk_length), int32, optional
            C-contiguous; written and returned.
        starts : ndarray of shape (n_starts,), int, optional
            Walk ``w`` starts at row ``starts[w % n_starts]``. By default every row in turn.
        on_done : callable, optional
            Called from this thread with the number of blocks of 4,096 walks that just finished.

        Returns
        -------
        ndarray of shape (last - first, walk_length), int32
            Row numbers; -1 after a node that has no neighbours.

        Raises
        ------
        ValueError
            If a start is not a row of the graph, or ``out`` is not of that shape.
        """
        walks = np.empty((last - first, walk_length), dtype=np.int32) if out is None else out
        if walks.ndim != 2 or len(walks) != last - first or walks.shape[1] < 1:
            raise ValueError(
                f"out must be of shape ({last - first}, walk_length) with a walk_length of at "
                f"least 1; got {walks.shape}."
            )
        nodes = self._first_nodes(first, last, starts)

        def block(begin: int) -> None:
            chosen = slice(begin, begin + WALKS_PER_BLOCK)
            self._walk(np.uint64(seed), epoch, nodes[chosen], first + begin, walks[chosen])

        blocks = [(begin,) for begin in range(0, len(walks), WALKS_PER_BLOCK)]
        run_blocks(block, blocks, n_jobs=self._n_jobs, on_done=on_done)
        return walks

    def _first_nodes(self, first: int, last: int, starts: Any) -> Walks:
        numbers = np.arange(first, last)
        if starts is None:
            return (numbers % max(self.n_nodes, 1)).astype(np.int32)
        nodes = np.asarray(starts)[numbers % max(len(starts), 1)]
        if len(nodes) and not 0 <= nodes.min() <= nodes.max() < self.n_nodes:
            raise ValueError(
                f"starts must be row numbers of the graph, 0 to {self.n_nodes - 1}; got values "
                f"from {nodes.min()} to {nodes.max()}."
            )
        return nodes.astype(np.int32)


def random_walks(
    graph: Graph,
    *,
    n_walks: int = 10,
    walk_length: int = 80,
    p: float = 1.0,
    q: float = 1.0,
    extended: bool = False,
    random_state: Any = None,
    n_jobs: int | None = -1,
) -> Walks:
    r"""Walk at random over a graph, from each node ``n_walks`` times.

    A step from node :math:`v`, reached from node :math:`t`, goes to :math:`x` with probability

    .. math:: P(x \mid t, v) = \frac{w_{vx} \, \alpha(t, v, x)}
       {\sum_y w_{vy} \, \alpha(t, v, y)}, \qquad
       \alpha(t, v, x) = \begin{cases}
       1/p & x = t \\ 1 & t \to x \text{ is an edge} \\ 1/q & \text{otherwise}
       \end{cases}

    where :math:`w` are the edge weights, 1 if there are none; the first step of a walk goes by the
    weights alone. Small p returns often, small q leaves the neighbourhood; p = q = 1 is DeepWalk.

    Parameters
    ----------
    graph : Graph
        Directed graphs follow out-edges. Edges of several relations are merged.
    n_walks : int, default=10
        Walks from each node.
    walk_length : int, default=80
        Nodes in a walk, the first one included.
    p : float, default=1.0
        Return parameter; positive.
    q : float, default=1.0
        In-out parameter; positive.
    extended : bool, default=False
        node2vec+: an edge :math:`t \to x` whose weight is below :math:`\mu_x`, the mean weight of
        the edges of :math:`x`, counts in part only. Then :math:`\alpha = 1` only if
        :math:`w_{tx} \ge \mu_x`; if not, it is :math:`1/q + (1 - 1/q) \, w_{tx} / \mu_x`, or
        :math:`\min(1, 1/q)` where :math:`w_{vx} < \mu_v`. Without weights it changes nothing.
    random_state : None, int, SeedSequence, Generator or RandomState, default=None
        An int gives the same walks each time, for every ``n_jobs``.
    n_jobs : int or None, default=-1
        Threads.

    Returns
    -------
    ndarray of shape (n_nodes * n_walks, walk_length), int32
        Row numbers (``graph.nodes`` has the ids); -1 after a node without neighbours. Walk ``w``
        starts at row ``w % n_nodes``.

    Raises
    ------
    GraphError
        If a weight is negative.
    ValueError
        If p or q is not a positive number, or n_walks or walk_length not a positive int.

    Notes
    -----
    Steps of second order are drawn by rejection: beside the walks the memory is in proportion to
    the edges, whatever the degrees are.

    References
    ----------
    Perozzi, Al-Rfou and Skiena (2014), DeepWalk: Online Learning of Social Representations, KDD.

    Grover and Leskovec (2016), node2vec: Scalable Feature Learning for Networks, KDD.

    Liu, Hirn and Krishnan (2023), Accurately Modeling Biased Random Walks on Weighted Networks
    Using node2vec+, Bioinformatics 39(1).

    Yang, Zhang, Chen, Ma and Chen (2019), KnightKing: A Fast Distributed Graph Random Walk
    Engine, SOSP.

    Examples
    --------
    >>> import graphembed as ge
    >>> graph = ge.Graph.from_edges(["a", "b"], ["b", "c"], directed=True)
    >>> ge.random_walks(graph, n_walks=1, walk_length=4, random_state=0)
    array([[ 0,  1,  2, -1],
           [ 1,  2, -1, -1],
           [ 2, -1, -1, -1]], dtype=int32)
    """
    n_walks = _positive_int("n_walks", n_walks)
    walk_length = _positive_int("walk_length", walk_length)
    sampler = WalkSampler(graph, p=p, q=q, extended=extended, n_jobs=n_jobs)
    seed = draw_key(check_random_state(random_state))
    total = sampler.n_nodes * n_walks
    with progress(-(-total // WALKS_PER_BLOCK), "Random walks", "block") as done:
        return sampler.generate(seed, 0, 0, total, walk_length=walk_length, on_done=done)


def _walkable(graph: Graph) -> Graph:
    if not isinstance(graph, Graph):
        raise TypeError(
            f"Random walks need a Graph; got {type(graph).__name__}. Make one with "
            "Graph.from_edges, Graph.from_scipy or Graph.from_networkx."
        )
    if graph.weights is not None and len(graph.weights) and graph.weights.min() < 0:
        raise GraphError(
            "Random walks need non-negative edge weights; the smallest is "
            f"{graph.weights.min():g}. Drop such edges, or take the absolute values."
        )
    return graph.without_relations()


def _inverse(name: str, value: float) -> float:
    if not (isinstance(value, Real) and 0 < value < math.inf):
        raise ValueError(f"{name} must be a positive, finite number; got {value!r}.")
    return min(1.0 / float(value), LARGEST_BIAS)


def _positive_int(name: str, value: Any) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be an int of at least 1; got {value!r}.")
    return int(value)
