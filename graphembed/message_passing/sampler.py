"""Sampled neighbourhoods: for each node a few of those whom it hears, and for these a few more."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphembed.graph.graph import Graph
from graphembed.message_passing.block import Block, Pointers, Rows, Sample, listening
from graphembed.message_passing.drawing import NeighborDraws, check_exclude, check_rows
from graphembed.random_state import check_random_state, draw_key
from graphembed.store.pipeline import prefetched

if TYPE_CHECKING:
    import torch_geometric.data
    import torch_geometric.sampler

MAPPED_BYTES = 1 << 28  # of files; more is given back to the system


class NeighborSampler:
    r"""Draw for each node a few neighbours, for these a few of theirs, and so on.

    Neighbours are drawn without replacement; who has no more than asked for is heard by all of
    them. Each draw depends on the graph, the seed, the epoch, the hop and the node alone: the same
    node hears the same neighbours in whatever batch it comes, at every number of threads, and
    other ones in the next epoch.

    A message goes along an edge: in a directed graph a node hears those with an edge to it, as in
    torch_geometric.

    Parameters
    ----------
    graph : Graph
        In memory or opened from a store. Edges of several relations are merged.
    fanout : sequence of int, default=(25, 10)
        The most neighbours of a node in each hop, the seeds' own neighbours first. -1 or None:
        all of them.
    weighted : bool, default=False
        Draw neighbours one after the other in proportion to the weights of their edges, rather
        than uniformly. Weights must not be negative; an edge of weight 0 is never walked along.
    direction : {"in", "out", "both"}, default="in"
        Whom a node of a directed graph hears: those with an edge to it, those it has an edge to,
        or both. Undirected graphs have no such choice.
    n_jobs : int or None, default=-1
        Threads.
    random_state : None, int, SeedSequence, Generator or RandomState, default=None
        An int gives the same samples each time, for every ``n_jobs``.

    Attributes
    ----------
    fanout : tuple of int
        -1 where all neighbours are taken.
    n_nodes : int

    Raises
    ------
    GraphError
        If neighbours are to be drawn by weights and one is negative.
    ValueError
        If the fan-out is not a sequence of positive ints, -1 or None, or the direction is unknown.

    Notes
    -----
    Memory beside the graph: 4 bytes for each node, 8 for each entry of the adjacency if weighted,
    and a turned copy of a directed graph unless ``direction="out"``. It does not grow from sample
    to sample.

    References
    ----------
    Hamilton, Ying and Leskovec (2017), Inductive Representation Learning on Large Graphs, NIPS.

    Efraimidis and Spirakis (2006), Weighted Random Sampling with a Reservoir, Information
    Processing Letters 97(5).

    Examples
    --------
    >>> import graphembed as ge
    >>> graph = ge.datasets.load("karate").graph
    >>> sampler = ge.NeighborSampler(graph, fanout=(5, 3), random_state=0)
    >>> sample = sampler.sample([0, 33])
    >>> last = sample.blocks[-1]
    >>> last.targets, last.n_messages
    (array([ 0, 33], dtype=int32), 10)
    >>> sum(len(batch.seeds) for batch in sampler.batches(batch_size=16))
    34
    """

    def __init__(
        self,
        graph: Graph,
        fanout: Sequence[int | None] = (25, 10),
        *,
        weighted: bool = False,
        direction: str = "in",
        n_jobs: int | None = -1,
        random_state: Any = None,
    ) -> None:
        if not isinstance(graph, Graph):
            raise TypeError(
                f"NeighborSampler needs a Graph; got {type(graph).__name__}. Make one with "
                "Graph.from_edges, Graph.from_scipy or Graph.from_torch_geometric."
            )
        self.fanout: tuple[int, ...] = check_fanout(fanout)
        self.n_nodes: int = graph.n_nodes
        self._draws = NeighborDraws(
            listening(graph, direction),
            weighted=weighted,
            seed=draw_key(check_random_state(random_state)),
            n_jobs=n_jobs,
        )

    def sample(self, rows: Any, *, epoch: int = 0, exclude: Any = None) -> Sample:
        """Return the neighbourhoods of some nodes.

        Parameters
        ----------
        rows : array-like of shape (n_seeds,), int
            Row numbers of the graph, none twice.
        epoch : int, default=0
            Other draws for each.
        exclude : array-like of shape (n, 2), int, optional
            Pairs of rows between which no message goes, in either direction and at any hop: edges
            that a model is to predict from the sample.

        Returns
        -------
        Sample
            One block for each hop, the one that is to be applied first in front.

        Raises
        ------
        ValueError
            If a row is not in the graph or is there twice, or ``exclude`` is no list of pairs.
        """
        _check_int("epoch", epoch, 0)
        seeds = check_rows(rows, self.n_nodes)
        return self._sample(seeds, epoch, check_exclude(exclude, self.n_nodes))

    def batches(
        self,
        rows: Any = None,
        *,
        batch_size: int = 1024,
        epoch: int = 0,
        shuffle: bool = True,
        exclude: Any = None,
        prefetch: int = 2,
    ) -> Iterator[Sample]:
        """Yield the neighbourhoods of all nodes, some of them at a time.

        Parameters
        ----------
        rows : array-like of shape (n_rows,), int, optional
            Row numbers, none twice. By default all nodes.
        batch_size : int, default=1024
            Seeds in a sample; the last one may have fewer.
        epoch : int, default=0
            Another order, and other draws, for each.
        shuffle : bool, default=True
            Take the rows in random order.
        exclude : array-like of shape (n, 2), int, optional
            As in :meth:`sample`, for each of them.
        prefetch : int, default=2
            Samples that a thread in the background keeps ready; 0 makes each when it is asked
            for. The thread ends with the iteration, also if that is given up.

        Raises
        ------
        ValueError
            As :meth:`sample`, at the call already; or if ``batch_size`` or ``prefetch`` is not
            such a number.
        """
        _check_int("batch_size", batch_size, 1)
        _check_int("prefetch", prefetch, 0)
        _check_int("epoch", epoch, 0)
        seeds = check_rows(np.arange(self.n_nodes) if rows is None else rows, self.n_nodes)
        excluded = check_exclude(exclude, self.n_nodes)
        with self._draws.numbering(seeds):  # each of them is there once, not only in its batch
            pass
        if shuffle:
            seeds = np.random.default_rng([int(self._draws.seed), epoch]).permutation(seeds)
        samples = (
            self._sample(seeds[start : start + batch_size], epoch, excluded)
            for start in range(0, len(seeds), batch_size)
        )
        return prefetched(samples, prefetch) if prefetch else samples

    def to_torch_geometric(
        self, data: "torch_geometric.data.Data | None" = None, *, exclude_pairs: bool = True
    ) -> "torch_geometric.sampler.BaseSampler":
        """Return a sampler for torch_geometric's loaders, which then need no compiled extension.

        ``NodeLoader(data, node_sampler=...)`` and ``LinkLoader(data, link_sampler=...)`` yield
        batches like those of ``NeighborLoader`` and ``LinkNeighborLoader``: one subgraph for all
        layers, where each node chose its neighbours once, at the hop at which it was found; nodes
        and edges are ordered by hop, so that ``trim_to_layer`` works. Draws come from torch's
        random numbers (``torch.manual_seed``) and ``random_state``.

        Parameters
        ----------
        data : torch_geometric.data.Data, optional
            What the loader reads: batches then name its edges in ``e_id``, and have their
            attributes. Without it they have neither.
        exclude_pairs : bool, default=True
            Leave the pairs that a ``LinkLoader`` asks for out of the neighbourhoods, in both
            directions, so that a model cannot read off what it is to predict. torch_geometric's
            own sampler leaves them in.

        Raises
        ------
        ValueError
            If ``data`` lacks an edge that may be walked along, or has other nodes.

        Examples
        --------
        >>> import graphembed as ge
        >>> graph = ge.datasets.load("karate").graph
        >>> sampler = ge.NeighborSampler(graph, fanout=(5, 3), random_state=0).to_torch_geometric()
        >>> from torch_geometric.loader import NodeLoader
        >>> data = graph.to_torch_geometric()
        >>> loader = NodeLoader(data, node_sampler=sampler, batch_size=16)
        >>> [batch.batch_size for batch in loader]
        [16, 16, 2]
        """
        from graphembed.message_passing.pyg_sampler import TorchGeometricSampler

        return TorchGeometricSampler(self._draws, self.fanout, data, exclude_pairs=exclude_pairs)

    def _sample(self, seeds: Rows, epoch: int, excluded: Pointers) -> Sample:
        blocks: list[Block] = []
        graph, targets = self._draws.graph, seeds
        with self._draws.numbering(seeds) as places:
            for hop, fanout in enumerate(self.fanout):
                messages = self._draws.draw(
                    targets, fanout, epoch=epoch, hop=hop, excluded=excluded
                )
                sources = self._draws.number(messages, places, targets)
                weights = None if graph.weights is None else graph.weights[messages.entries]
                blocks.append(
                    Block(sources, len(targets), messages.indptr, messages.neighbors, weights)
                )
                targets = sources
        graph.release(beyond=MAPPED_BYTES)
        return Sample(seeds, tuple(reversed(blocks)))

    def __repr__(self) -> str:
        return f"NeighborSampler({self._draws.graph!r}, fanout={self.fanout})"


def check_fanout(fanout: Any) -> tuple[int, ...]:
    """Return how many neighbours are drawn in each hop, -1 for all.

    Parameters
    ----------
    fanout : sequence of int or None

    Raises
    ------
    ValueError
        If it is no sequence of positive ints, -1 or None, or is empty.
    """
    if isinstance(fanout, str) or not isinstance(fanout, Sequence | np.ndarray) or not len(fanout):
        raise ValueError(
            f"fanout must be a sequence with an int for each hop, such as (25, 10); got {fanout!r}."
        )
    for number in fanout:
        whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
        if number is not None and not (whole and (number >= 1 or number == -1)):
            raise ValueError(
                "Each number of fanout must be an int of at least 1, or -1 or None for all; got "
                f"{number!r}."
            )
    return tuple(-1 if number is None else int(number) for number in fanout)


def _check_int(name: str, value: Any, least: int) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an int of at least {least}; got {value!r}.")
    if value >= 1 << 64:
        raise ValueError(f"{name} must be an int below 2**64; got {value!r}.")
