"""Random and regular graphs of any size, fast and seeded.

Every edge is drawn from the seed and its own number, so an int ``random_state`` gives the same
graph for every ``n_jobs``.
"""

from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.datasets.dataset import Dataset
from graphembed.engine import run_blocks
from graphembed.graph.builders import from_rows
from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex
from graphembed.random_state import RandomStateLike, check_random_state, draw_key

EDGES_PER_BLOCK = 1 << 18
HITS_PER_CHUNK = 1 << 14
MAX_ROWS = 2**31 - 1

Rows = npt.NDArray[np.int32]


def rmat(
    scale: int,
    edge_factor: int = 16,
    *,
    a: float = 0.57,
    b: float = 0.19,
    c: float = 0.19,
    directed: bool = False,
    random_state: RandomStateLike = None,
    n_jobs: int | None = -1,
) -> Graph:
    r"""Draw an R-MAT graph: skewed degrees and communities within communities.

    The adjacency matrix is halved along both axes ``scale`` times; each time an edge falls into
    the upper left quarter with probability a, upper right b, lower left c, lower right
    :math:`d = 1 - a - b - c`. The defaults are those of the Graph500 benchmark.

    Parameters
    ----------
    scale : int
        The graph has :math:`2^{scale}` nodes; 1 to 30.
    edge_factor : int, default=16
        Edges drawn per node. Repeated edges are merged and self-loops dropped, so that the graph
        has somewhat fewer.
    a, b, c : float, default=0.57, 0.19, 0.19
        Probabilities of the quarters, to a precision of :math:`2^{-32}`.
    directed : bool, default=False
        Whether edges keep their direction.
    random_state : None, int, SeedSequence or Generator
        An int gives the same graph for every ``n_jobs``.
    n_jobs : int or None, default=-1
        Threads.

    Returns
    -------
    Graph
        Unweighted, with ids ``0 .. 2**scale - 1``, isolated nodes included. Ids are shuffled by a
        seeded one-to-one map, so that they tell nothing about degrees.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    Chakrabarti, Zhan and Faloutsos (2004), R-MAT: A Recursive Model for Graph Mining, SDM.

    Examples
    --------
    >>> from graphembed.datasets.synthetic import rmat
    >>> rmat(10, random_state=0).n_nodes
    1024
    """
    _check_int("scale", scale, 1, 30)
    _check_int("edge_factor", edge_factor, 0, MAX_ROWS)
    quarters = np.array([a, b, c, 1.0 - a - b - c])
    if not np.all(quarters >= -1e-9):
        raise ValueError(
            f"a, b and c must be probabilities with a sum of at most 1; got {a}, {b} and {c}."
        )
    thresholds = np.round(np.clip(np.cumsum(quarters[:3]), 0, 1) * 2.0**32).astype(np.uint64)
    n_edges = edge_factor << scale
    sources, targets = _rmat_edges(_key(random_state), n_edges, scale, thresholds, n_jobs)
    return _graph(sources, targets, 1 << scale, directed=directed)


def stochastic_block_model(
    sizes: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    *,
    directed: bool = False,
    random_state: RandomStateLike = None,
    n_jobs: int | None = -1,
) -> Dataset:
    r"""Draw a graph of planted groups: u and v are joined with probability :math:`P_{g(u) g(v)}`.

    Time and memory are those of the edges drawn, not of the pairs of nodes.

    Parameters
    ----------
    sizes : array-like of shape (n_groups,), int
        Nodes of each group.
    probabilities : array-like of shape (n_groups, n_groups)
        Probability of an edge from a node of the row's group to one of the column's; symmetric
        unless ``directed``.
    directed : bool, default=False
        Whether ``u -> v`` and ``v -> u`` are drawn apart.
    random_state : None, int, SeedSequence or Generator
        An int gives the same graph for every ``n_jobs``.
    n_jobs : int or None, default=-1
        Threads.

    Returns
    -------
    Dataset
        ``graph``: unweighted, no self-loops, ids 0, 1, ... group after group, isolated nodes
        included. ``labels``: the group of each node, a position in ``sizes``.

    Raises
    ------
    ValueError
        If shapes do not match, a size is negative, or a probability is not one.

    References
    ----------
    Holland, Laskey and Leinhardt (1983), Stochastic Blockmodels: First Steps, Social Networks 5.

    Examples
    --------
    >>> from graphembed.datasets.synthetic import stochastic_block_model
    >>> dataset = stochastic_block_model([3, 3], [[1, 0], [0, 1]])
    >>> dataset.graph.n_edges, dataset.labels.tolist()
    (6, [0, 0, 0, 1, 1, 1])
    """
    counts, matrix = _check_groups(sizes, probabilities, directed=directed)
    key = _key(random_state)
    n_groups, n_nodes = len(counts), int(counts.sum())
    starts = np.concatenate([[0], np.cumsum(counts)])
    pairs = np.outer(counts, counts)
    own = counts * (counts - 1)
    np.fill_diagonal(pairs, own if directed else own // 2)
    wanted = (matrix > 0) & (pairs > 0)
    if not directed:
        wanted &= np.triu(np.ones_like(wanted))
    rows, columns = np.nonzero(wanted)
    blocks, positions = _hits(key, pairs[rows, columns], matrix[rows, columns], n_jobs)
    first, second = rows[blocks], columns[blocks]
    sources, targets = _pair_at(positions, counts[second], first == second, directed=directed)
    sources += starts[first]
    targets += starts[second]
    graph = _graph(sources.astype(np.int32), targets.astype(np.int32), n_nodes, directed=directed)
    return Dataset(
        name="stochastic_block_model",
        graph=graph,
        labels=np.repeat(np.arange(n_groups), counts),
        label_names=tuple(str(group) for group in range(n_groups)),
        task="node classification",
        note="Drawn at random; the labels are the groups.",
    )


def barabasi_albert(n: int, m: int, *, random_state: RandomStateLike = None) -> Graph:
    """Draw a graph by preferential attachment: its degrees follow a power law of exponent 3.

    Starts from a star over ``m + 1`` nodes; each further node is joined to ``m`` different older
    ones, drawn in proportion to their degrees. One edge depends on those before it, so this runs
    on one thread.

    Parameters
    ----------
    n : int
        Nodes, at least ``m + 1``.
    m : int
        Edges of a new node, at least 1.
    random_state : None, int, SeedSequence or Generator
        An int gives the same graph every time.

    Returns
    -------
    Graph
        Undirected, connected, with exactly ``m * (n - m)`` edges; ids are in order of age.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    Barabasi and Albert (1999), Emergence of Scaling in Random Networks, Science 286.

    Examples
    --------
    >>> from graphembed.datasets.synthetic import barabasi_albert
    >>> barabasi_albert(100, 3, random_state=0).n_edges
    291
    """
    from graphembed.kernels.generate import attach_edges

    _check_int("n", n, 2, MAX_ROWS)
    _check_int("m", m, 1, n - 1)
    n_edges = m * (n - m)
    if n_edges > MAX_ROWS:
        raise ValueError(f"m * (n - m) must be at most {MAX_ROWS}; got {n_edges}. Lower n or m.")
    sources, targets = np.empty(n_edges, np.int32), np.empty(n_edges, np.int32)
    attach_edges(_key(random_state), n, m, sources, targets)
    return _graph(sources, targets, n, directed=False)


def balanced_tree(branching: int, height: int, *, directed: bool = False) -> Graph:
    """Return the tree whose root and inner nodes have ``branching`` children each.

    Parameters
    ----------
    branching : int
        Children of a node, at least 1.
    height : int
        Edges from the root to a leaf, at least 0.
    directed : bool, default=False
        Whether edges point from a child to its parent.

    Returns
    -------
    Graph
        Node 0 is the root; ids go on level by level, and the parent of ``v`` is
        ``(v - 1) // branching``.

    Raises
    ------
    ValueError
        If a parameter is out of its range, or the tree has too many nodes.

    Examples
    --------
    >>> from graphembed.datasets.synthetic import balanced_tree
    >>> balanced_tree(2, 3)
    Graph(n_nodes=15, n_edges=14, undirected, unweighted)
    """
    _check_int("branching", branching, 1, MAX_ROWS)
    _check_int("height", height, 0, MAX_ROWS - 1)
    n_nodes = _tree_size(branching, height)
    if n_nodes > MAX_ROWS:
        raise ValueError(
            f"A tree can have at most {MAX_ROWS} nodes; branching {branching} and height {height} "
            "give more. Lower one of them."
        )
    children = np.arange(1, n_nodes, dtype=np.int32)
    return _graph(children, (children - 1) // branching, n_nodes, directed=directed)


def _tree_size(branching: int, height: int) -> int:
    """Return the number of nodes; stop counting once there are too many."""
    if branching == 1:
        return height + 1
    n_nodes, level = 1, 1
    for _ in range(height):
        level *= branching
        n_nodes += level
        if n_nodes > MAX_ROWS:
            break
    return n_nodes


def _rmat_edges(
    key: np.uint64,
    n_edges: int,
    scale: int,
    thresholds: npt.NDArray[np.uint64],
    n_jobs: int | None,
) -> tuple[Rows, Rows]:
    """Draw the edges and leave the self-loops out."""
    from graphembed.kernels.generate import rmat_edges

    sources, targets = np.empty(n_edges, np.int32), np.empty(n_edges, np.int32)
    blocks = [
        (key, start, min(start + EDGES_PER_BLOCK, n_edges), scale, thresholds, sources, targets)
        for start in range(0, n_edges, EDGES_PER_BLOCK)
    ]
    run_blocks(rmat_edges, blocks, n_jobs=n_jobs)
    proper = sources != targets
    return sources[proper], targets[proper]


def _hits(
    key: np.uint64, n_pairs: npt.NDArray[Any], probabilities: npt.NDArray[Any], n_jobs: int | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Draw which of ``n_pairs[b]`` pairs of each block are edges; return blocks and positions."""
    from graphembed.kernels.generate import count_pairs, draw_pairs

    # Chunks depend on the parameters only, never on the threads.
    spans = np.ceil(HITS_PER_CHUNK / np.maximum(probabilities, 1e-12))
    spans = np.minimum(spans, n_pairs).astype(np.int64)
    n_chunks = -(-n_pairs // np.maximum(spans, 1))
    blocks = np.repeat(np.arange(len(n_pairs)), n_chunks)
    within = np.arange(len(blocks)) - np.repeat(np.cumsum(n_chunks) - n_chunks, n_chunks)
    shared = (blocks, within * spans[blocks], spans, n_pairs, probabilities)
    step = max(1, EDGES_PER_BLOCK // HITS_PER_CHUNK)
    ranges = [(i, min(i + step, len(blocks))) for i in range(0, len(blocks), step)]
    offsets = np.zeros(len(blocks) + 1, np.int64)
    counts = offsets[1:]
    run_blocks(count_pairs, [(key, *r, *shared, counts) for r in ranges], n_jobs=n_jobs)
    per_chunk = counts.copy()
    np.cumsum(counts, out=counts)
    positions = np.empty(offsets[-1], np.int64)
    run_blocks(draw_pairs, [(key, *r, *shared, offsets, positions) for r in ranges], n_jobs=n_jobs)
    return np.repeat(blocks, per_chunk), positions


def _pair_at(
    positions: npt.NDArray[np.int64],
    widths: npt.NDArray[np.int64],
    same: npt.NDArray[np.bool_],
    *,
    directed: bool,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Turn the number of a pair within its block into a row and a column there."""
    if directed:
        # The diagonal is left out: a row of a group with itself is one column shorter.
        sources, targets = np.divmod(positions, widths - same)
        targets += same & (targets >= sources)
        return sources, targets
    sources, targets = np.divmod(positions, widths)
    inner = positions[same]
    # Pair v (v - 1) / 2 + u, u < v: the triangular root, put right where rounding missed it.
    upper = ((1 + np.sqrt(1 + 8 * inner.astype(np.float64))) / 2).astype(np.int64)
    upper -= upper * (upper - 1) // 2 > inner
    upper += upper * (upper + 1) // 2 <= inner
    sources[same], targets[same] = inner - upper * (upper - 1) // 2, upper
    return sources, targets


def _check_groups(
    sizes: npt.ArrayLike, probabilities: npt.ArrayLike, *, directed: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    counts = np.asarray(sizes)
    matrix = np.asarray(probabilities, dtype=np.float64)
    if counts.ndim != 1 or not len(counts) or counts.dtype.kind not in "iu" or counts.min() < 0:
        raise ValueError(f"sizes must be a non-empty list of ints of at least 0; got {sizes!r}.")
    if not 0 < counts.sum() <= MAX_ROWS:
        raise ValueError(f"sizes must sum to a number from 1 to {MAX_ROWS}; got {counts.sum()}.")
    if matrix.shape != (len(counts), len(counts)):
        raise ValueError(
            f"probabilities must be a square of the {len(counts)} groups in sizes; "
            f"got shape {matrix.shape}."
        )
    if not np.all((matrix >= 0) & (matrix <= 1)):
        raise ValueError("probabilities must lie between 0 and 1.")
    if not directed and not np.array_equal(matrix, matrix.T):
        raise ValueError(
            "probabilities must be symmetric for an undirected graph. Mirror them, or pass "
            "directed=True."
        )
    return counts.astype(np.int64), matrix


def _check_int(name: str, value: Any, low: int, high: int) -> None:
    is_int = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_int or not low <= value <= high:
        raise ValueError(f"{name} must be an int from {low} to {high}; got {value!r}.")


def _key(random_state: RandomStateLike) -> np.uint64:
    return np.uint64(draw_key(check_random_state(random_state)))


def _graph(sources: Rows, targets: Rows, n_nodes: int, *, directed: bool) -> Graph:
    return from_rows(sources, targets, nodes=NodeIndex.range(n_nodes), directed=directed)
