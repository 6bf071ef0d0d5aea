"""Leak-free splits of the edges of a graph, with non-edges as negatives."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.csgraph import minimum_spanning_tree

from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph
from graphembed.random_state import RandomStateLike, check_random_state

Pairs = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int64]

_TRAIN, _VAL, _TEST = 0, 1, 2


@dataclass(frozen=True, eq=False)
class EdgeSplit:
    """A training graph and the labelled pairs held out from it.

    Attributes
    ----------
    train : Graph
        Every node of the full graph, in the same order, with the edges that were not held out.
    val_pairs, test_pairs : ndarray of shape (n_pairs, 2)
        External ids, int64 or object holding str: first the held-out edges, then as many
        non-edges of the full graph.
    val_labels, test_labels : ndarray of shape (n_pairs,), int8
        1 for an edge, 0 for a non-edge.
    """

    train: Graph
    val_pairs: npt.NDArray[Any]
    val_labels: npt.NDArray[np.int8]
    test_pairs: npt.NDArray[Any]
    test_labels: npt.NDArray[np.int8]

    def __repr__(self) -> str:
        sizes = f"n_val={len(self.val_labels)}, n_test={len(self.test_labels)}"
        return f"EdgeSplit(train={self.train!r}, {sizes})"


def split_edges(
    graph: Graph,
    *,
    test_size: float = 0.1,
    val_size: float = 0.0,
    keep_connected: bool = True,
    random_state: RandomStateLike = None,
) -> EdgeSplit:
    """Hold out edges of a graph, and as many non-edges, for link prediction.

    What is held out is a *linked pair* of nodes: all edges between the two, in both directions and
    of all relations. So neither a held-out edge nor its reverse is in the training graph.
    Self-loops always stay in it.

    Parameters
    ----------
    graph : Graph
        Weights, relations and features of what stays are kept.
    test_size, val_size : float or int, default=0.1 and 0.0
        Share of the linked pairs (a float below 1), or their number (an int).
    keep_connected : bool, default=True
        Keep a random spanning forest in the training graph, so that no component falls apart
        (weakly connected components, if directed) and no node loses its last edge.
    random_state : None, int, SeedSequence, Generator or RandomState, default=None
        An int gives the same split each time.

    Returns
    -------
    EdgeSplit
        In a directed graph a held-out pair that is linked both ways gives two positives.

    Raises
    ------
    GraphError
        If fewer pairs can be held out than asked for, or the graph has too few non-edges.
    ValueError
        If a size is negative, not a number, or a float of 1 or more.

    Notes
    -----
    Negatives are drawn uniformly from all non-edges of the full graph, without self-loops and
    without repetition over both parts; in a directed graph they are ordered pairs, so the reverse
    of an edge may be among them. Pairs of an undirected graph are ordered by row, positives and
    negatives alike.

    Examples
    --------
    >>> from graphembed import Graph, split_edges
    >>> ring = Graph.from_edges(range(10), [1, 2, 3, 4, 5, 6, 7, 8, 9, 0])
    >>> split_edges(ring, test_size=1, random_state=0)
    EdgeSplit(train=Graph(n_nodes=10, n_edges=9, undirected, unweighted), n_val=0, n_test=2)
    """
    rng = check_random_state(random_state)
    links = _Links.of(graph)
    n_test = _count(test_size, links.n_links, "test_size")
    n_val = _count(val_size, links.n_links, "val_size")

    free = np.arange(links.n_links)
    if keep_connected:
        free = np.delete(free, _spanning_forest(links, graph.n_nodes, rng))
    if n_test + n_val > len(free):
        why = " without splitting a component" if keep_connected else ""
        hint = ", or pass keep_connected=False" if keep_connected else ""
        raise GraphError(
            f"test_size={test_size} and val_size={val_size} ask for {n_test + n_val} of the "
            f"{links.n_links} linked pairs, but only {len(free)} can be held out{why}. "
            f"Ask for less{hint}."
        )
    held = rng.choice(free, n_test + n_val, replace=False)
    # One entry more, for self-loops: their link is number -1.
    part = np.full(links.n_links + 1, _TRAIN, dtype=np.int8)
    part[held[:n_test]], part[held[n_test:]] = _TEST, _VAL
    part_of_entry = part[links.of_entry]

    positives = [_edges_of(graph, part_of_entry == name) for name in (_VAL, _TEST)]
    n_positives = sum(map(len, positives))
    negatives = np.split(
        sample_non_edges(graph, n_positives, random_state=rng), [len(positives[0])]
    )
    val_pairs, test_pairs = map(np.concatenate, zip(positives, negatives, strict=True))
    return EdgeSplit(
        _subgraph(graph, part_of_entry == _TRAIN),
        graph.node_index.take(val_pairs),
        _labels(positives[0]),
        graph.node_index.take(test_pairs),
        _labels(positives[1]),
    )


def sample_non_edges(
    graph: Graph,
    n_pairs: int,
    *,
    exclude: npt.ArrayLike | None = None,
    random_state: RandomStateLike = None,
) -> Pairs:
    """Draw pairs of different nodes that no edge links, uniformly and without repetition.

    Parameters
    ----------
    graph : Graph
        Its non-edges are drawn from: unordered pairs, or ordered ones if it is directed.
    n_pairs : int
        Number of pairs to draw.
    exclude : array-like of shape (n_excluded, 2), optional
        Row numbers of pairs that must not be drawn either.
    random_state : None, int, SeedSequence, Generator or RandomState, default=None
        An int gives the same pairs each time.

    Returns
    -------
    ndarray of shape (n_pairs, 2), int64
        Row numbers, in random order; the smaller row first if the graph is undirected.

    Raises
    ------
    GraphError
        If there are fewer such pairs than ``n_pairs``.

    Notes
    -----
    All pairs are numbered; the r-th number that no edge has is found by a binary search, so that
    no draw is ever rejected, however dense the graph.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.graph.splits import sample_non_edges
    >>> path = Graph.from_edges([0, 1], [1, 2])
    >>> sample_non_edges(path, 1, random_state=0)
    array([[0, 2]])
    """
    n = graph.n_nodes
    taken = graph.edges().astype(np.int64)
    if exclude is not None:
        taken = np.concatenate([taken, np.asarray(exclude, dtype=np.int64).reshape(-1, 2)])
    taken = taken[taken[:, 0] != taken[:, 1]]
    edges = _distinct(np.sort(_pair_numbers(taken, n, directed=graph.directed)))

    n_free = n * (n - 1) // (1 if graph.directed else 2) - len(edges)
    if n_pairs > n_free:
        raise GraphError(
            f"{n_pairs} non-edges are needed as negatives, but {graph!r} has only {n_free} left. "
            "Ask for fewer pairs."
        )
    ranks = check_random_state(random_state).choice(n_free, n_pairs, replace=False)
    # The search is several times faster in ascending order.
    order = np.argsort(ranks)
    numbers = np.empty_like(ranks)
    numbers[order] = np.searchsorted(edges - np.arange(len(edges)), ranks[order], side="right")
    return _numbered_pairs(ranks + numbers, n, directed=graph.directed)


def _pair_numbers(pairs: Pairs, n: int, *, directed: bool) -> Codes:
    """Return the numbers 0, 1, ... of pairs among all pairs: by step, then by starting row.

    Rows lie on a circle; a step leads from one to the other, an unordered pair the shorter way.
    """
    start, end = pairs[:, 0], pairs[:, 1]
    step = (end - start) % n
    if not directed:
        # Half way round both walks are as short: the one from the smaller row is taken.
        back = (2 * step > n) | ((2 * step == n) & (start > end))
        start, step = np.where(back, end, start), np.where(back, n - step, step)
    numbers: Codes = (step - 1) * n + start
    return numbers


def _numbered_pairs(numbers: Codes, n: int, *, directed: bool) -> Pairs:
    step, start = np.divmod(numbers, n) if n else (numbers, numbers)
    pairs = np.column_stack([start, (start + step + 1) % max(n, 1)])
    return pairs if directed else np.sort(pairs, axis=1)


class _Links(NamedTuple):
    """The pairs of different nodes that some edge links, ascending, and the pair of each entry."""

    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]
    of_entry: npt.NDArray[np.int64]  # -1 for self-loops

    @property
    def n_links(self) -> int:
        return len(self.low)

    @classmethod
    def of(cls, graph: Graph) -> "_Links":
        source, target = graph._sources(), graph.indices
        of_entry = np.full(len(target), -1, dtype=np.int64)
        if graph.directed:
            chosen = np.flatnonzero(source != target)
            low = np.minimum(source, target)[chosen].astype(np.int64)
            codes = low * graph.n_nodes + np.maximum(source, target)[chosen]
            order = np.argsort(codes, kind="stable")
            chosen, codes = chosen[order], codes[order]
        else:
            # Entries are sorted, and so are these.
            chosen = np.flatnonzero(source < target)
            codes = source[chosen].astype(np.int64) * graph.n_nodes + target[chosen]
        of_entry[chosen] = np.cumsum(np.diff(codes, prepend=-1) > 0) - 1
        if not graph.directed:
            # Turned round, the entries of a symmetric matrix stand where they stood.
            shape = (graph.n_nodes, graph.n_nodes)
            turned = sp.csr_array((of_entry, graph.indices, graph.indptr), shape=shape).tocsc().data
            of_entry = np.maximum(of_entry, turned)
        return cls(*np.divmod(_distinct(codes), max(graph.n_nodes, 1)), of_entry)


def _spanning_forest(links: _Links, n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return the links of a random spanning forest: the least one for weights in random order."""
    indptr = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(links.low, minlength=n), out=indptr[1:])
    shuffled = rng.permutation(links.n_links)
    # Weights start at 1: scipy takes 0 for no edge.
    weights: Any = np.empty(links.n_links)
    weights[shuffled] = np.arange(1, links.n_links + 1)
    forest = minimum_spanning_tree(sp.csr_array((weights, links.high, indptr), shape=(n, n)))
    return shuffled[forest.data.astype(np.int64) - 1]


def _edges_of(graph: Graph, chosen: npt.NDArray[np.bool_]) -> Pairs:
    """Return the edges of some entries, as rows, each once whatever its relations."""
    source, target = graph._sources()[chosen].astype(np.int64), graph.indices[chosen]
    ahead = np.ones(len(source), dtype=bool) if graph.directed else source < target
    codes = _distinct(source[ahead] * graph.n_nodes + target[ahead])
    return np.column_stack(np.divmod(codes, max(graph.n_nodes, 1)))


def _subgraph(graph: Graph, keep: npt.NDArray[np.bool_]) -> Graph:
    """Return the graph of all nodes and some entries."""
    kept_before = np.concatenate([[0], np.cumsum(keep, dtype=np.int64)])
    return graph._replace(
        indptr=kept_before[graph.indptr],
        indices=graph.indices[keep],
        weights=None if graph.weights is None else graph.weights[keep],
        edge_types=None if graph.edge_types is None else graph.edge_types[keep],
    )


def _distinct(ascending: Codes) -> Codes:
    # Not numpy.unique, which hashes, and takes ten times as long for what is sorted.
    return ascending[np.diff(ascending, prepend=-1) > 0]


def _count(size: Any, n_pairs: int, name: str) -> int:
    if isinstance(size, int | np.integer) and not isinstance(size, bool) and size >= 0:
        return int(size)
    if isinstance(size, float | np.floating) and 0 <= size < 1:
        wanted = max(1, round(float(size) * n_pairs)) if size else 0
        return min(wanted, n_pairs)
    raise ValueError(
        f"{name} must be a share of the linked pairs (a float in [0, 1)) or their number "
        f"(a non-negative int); got {size!r}."
    )


def _labels(positives: Pairs) -> npt.NDArray[np.int8]:
    return np.repeat(np.array([1, 0], dtype=np.int8), len(positives))
