"""Filtered ranks of right answers among all nodes, by distance or product, exactly."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from graphembed.engine import run_blocks
from graphembed.evaluation.inputs import embedding_matrix, unit_rows
from graphembed.geometry import from_ball
from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex
from graphembed.kernels import hyperbolic_ranking as kernel
from graphembed.vectors import Vectors

GEOMETRIES = ("poincare", "lorentz", "euclidean", "cosine", "dot")
QUERY_BLOCK = 128
CANDIDATE_BLOCK = 1024
FARTHEST = 1e150  # products of two such lengths are finite

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Answers(NamedTuple):
    """Row numbers that belong to each row: ascending, distinct, never the row itself."""

    indptr: Ints
    indices: Ints

    @classmethod
    def from_pairs(cls, sources: Any, targets: Any, n_nodes: int) -> "Answers":
        """Return the targets of each source; self-loops and repeats are dropped."""
        sources, targets = (np.asarray(part, dtype=np.int64) for part in (sources, targets))
        kept = sources != targets
        codes = np.unique(sources[kept] * n_nodes + targets[kept])
        degrees = np.bincount(codes // n_nodes, minlength=n_nodes)
        return cls(np.concatenate([[0], np.cumsum(degrees)]), codes % n_nodes)

    @classmethod
    def of(cls, graph: Graph) -> "Answers":
        """Return the ends of out-edges."""
        sources = np.repeat(np.arange(graph.n_nodes), np.diff(graph.indptr))
        return cls.from_pairs(sources, graph.indices, graph.n_nodes)


class Places(NamedTuple):
    """What is measured: the vectors, and what turns products of them into bounds.

    Attributes
    ----------
    kind : int
        As in ``kernels.hyperbolic_ranking``, and so are ``rows``, ``norms`` and ``reach``.
    left, right : ndarray of shape (n_nodes, n_lifted), float64
        ``left[u] @ right[v]`` is not above the key of u and v, however it is rounded.
    room : float
        What it may be below the key by, as a share of the numbers that were multiplied.
    """

    kind: int
    rows: Floats
    norms: Floats
    reach: Floats
    left: Floats
    right: Floats
    room: float

    @classmethod
    def of(cls, X: npt.NDArray[Any], geometry: str) -> "Places":
        """Prepare vectors of one of :data:`GEOMETRIES`."""
        if geometry not in GEOMETRIES:
            raise ValueError(f"Unknown geometry {geometry!r} (known: {', '.join(GEOMETRIES)}).")
        X = np.ascontiguousarray(X, dtype=np.float64)
        if geometry == "poincare":
            X = from_ball(X)
        # Four times the usual bound on the error of a product in any order (Higham 2002, 3.1).
        room = 4 * (X.shape[1] + 16) * 2.0**-53
        with np.errstate(over="ignore"):
            norms = np.linalg.norm(X, axis=1)
        if geometry in ("poincare", "lorentz"):
            times = np.hypot(1.0, norms)
            if not (norms < FARTHEST).all():
                raise ValueError(
                    f"Points at a radius of {np.arcsinh(norms.max()):.0f} cannot be measured in "
                    "float64, which ends at 345."
                )
            ones = np.ones(len(X))
            left = np.column_stack([-ones, (1 - room) * times, -X])
            right = np.column_stack([ones, times, X])
            directions = unit_rows(X)
            return cls(kernel.HYPERBOLIC, directions, norms, norms + times, left, right, 2 * room)
        if geometry == "euclidean":
            squares, ones = norms**2, np.ones(len(X))
            left = np.column_stack([(1 - room) * squares, ones, -2 * X])
            right = np.column_stack([ones, (1 - room) * squares, X])
            return cls(kernel.EUCLIDEAN, X, norms, norms, left, right, 2 * room)
        if geometry == "cosine":
            X = unit_rows(X)
            norms = np.linalg.norm(X, axis=1)
        left, right = np.column_stack([-room * norms, -X]), np.column_stack([norms, X])
        return cls(kernel.DOT, X, norms, norms, left, right, 2 * room)


def placed_nodes(
    embedding: Any, nodes: NodeIndex | None, geometry: str | None = None
) -> tuple[npt.NDArray[Any], str]:
    """Return a finite matrix with a row for each node, and its geometry.

    Parameters
    ----------
    embedding : fitted embedder, Vectors, or array-like of shape (n_nodes, n_components)
        An array has its rows in the order of the nodes; of a hyperbolic embedder, the Lorentz
        coordinates are taken, which lose nothing.
    nodes : NodeIndex or None
        Nodes of a graph, in row order; ``None`` are those of the embedding.
    geometry : str, optional
        Instead of the embedding's own; "cosine" is an array's.

    Raises
    ------
    UnknownNodeError
        If a node has no vector.
    ValueError
        If an array has another number of rows than the graph has nodes, or is not finite.
    """
    vectors = getattr(embedding, "vectors_", embedding)
    own = vectors.geometry if isinstance(vectors, Vectors) else "cosine"
    if geometry is None and hasattr(embedding, "lorentz_"):
        X, own = embedding_matrix(embedding.lorentz_), "lorentz"
    else:
        X = embedding_matrix(vectors)
    if isinstance(vectors, Vectors):
        if nodes is not None and vectors.node_index != nodes:
            X = X[vectors.node_index.rows(nodes.to_numpy())]
    elif nodes is not None and len(X) != len(nodes):
        raise ValueError(f"The embedding has {len(X)} rows, but the graph has {len(nodes)} nodes.")
    return X, own if geometry is None else geometry


def answer_ranks(
    places: Places,
    answers: Answers,
    nodes: Ints,
    *,
    known: Answers | None = None,
    n_jobs: int | None = -1,
) -> tuple[Floats, Floats]:
    """Rank the right answers of nodes among all other nodes, the nearest first.

    Parameters
    ----------
    places : Places
    answers : Answers
        What is asked for.
    nodes : ndarray of shape (n_queries,), int64
        Row numbers; each has answers.
    known : Answers, optional
        Neither right nor wrong: it is no candidate.
    n_jobs : int or None, default=-1
        Number of threads; results are the same bits for each.

    Returns
    -------
    ranks : ndarray of shape (n_answers,), float64
        Of the answers of all nodes, node by node: 1 plus the wrong candidates that are nearer, and
        half of those as near.
    average_precision : ndarray of shape (n_queries,), float64
        Mean over the answers of the share of answers among all that are not farther, as
        :func:`sklearn.metrics.average_precision_score` has it.
    """
    offsets = np.concatenate([[0], np.cumsum(np.diff(answers.indptr)[nodes])])
    ranks, average_precision = np.empty(offsets[-1]), np.empty(len(nodes))

    def rank(start: int, stop: int) -> None:
        own = offsets[start : stop + 1]
        _rank_block(
            places, answers, known, nodes[start:stop], own - own[0],
            ranks[own[0] : own[-1]], average_precision[start:stop],
        )  # fmt: skip

    blocks = [
        (start, min(start + QUERY_BLOCK, len(nodes))) for start in range(0, len(nodes), QUERY_BLOCK)
    ]
    # One BLAS thread for each of ours.
    with threadpool_limits(limits=1, user_api="blas"):
        run_blocks(rank, blocks, n_jobs=n_jobs)
    return ranks, average_precision


def _rank_block(
    places: Places,
    answers: Answers,
    known: Answers | None,
    nodes: Ints,
    offsets: Ints,
    ranks: Floats,
    average_precision: Floats,
) -> None:
    own = (places.rows, places.norms, places.reach, places.kind)
    keys = np.empty(offsets[-1])
    # mypy takes the unknown number of arrays for too many arguments.
    compiled: Any = kernel
    compiled.answer_keys(*own, *answers, nodes, keys)
    levels, numbers, relevant, n_levels = key_levels(keys, offsets)
    between, tied = np.zeros((2, offsets[-1]), dtype=np.int64)
    counted = (offsets, levels, n_levels, between, tied)
    bars = levels[offsets[:-1] + n_levels - 1]
    left = places.left[nodes]
    bounds = np.empty((len(nodes), CANDIDATE_BLOCK))
    # Numbers that overflow bound nothing, and are measured.
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(places.right), CANDIDATE_BLOCK):
            right = places.right[start : start + CANDIDATE_BLOCK]
            part = bounds if len(right) == CANDIDATE_BLOCK else bounds[:, : len(right)].copy()
            np.matmul(left, right.T, out=part)
            compiled.count_candidates(part, places.room, bars, start, *own, nodes, *counted)
    if known is not None:
        compiled.discount_known(*own, *answers, *known, nodes, *counted)
    compiled.rank_answers(
        offsets, numbers, relevant, n_levels, between, tied, ranks, average_precision
    )


def key_levels(keys: Floats, offsets: Ints) -> tuple[Floats, Ints, Ints, Ints]:
    """Return the distinct keys of some nodes' answers.

    Parameters
    ----------
    keys : ndarray of shape (n_answers,), float64
        Node by node.
    offsets : ndarray of shape (n_queries + 1,), int64
        Where those of each node begin.

    Returns
    -------
    levels : ndarray of shape (n_answers,), float64
        The distinct keys of node i, ascending, from ``offsets[i]`` on; what is behind them has no
        meaning.
    numbers : ndarray of shape (n_answers,), int64
        For each answer, which level of its node it is at.
    relevant : ndarray of shape (n_answers,), int64
        Number of answers at each level.
    n_levels : ndarray of shape (n_queries,), int64

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.evaluation.answer_ranks import key_levels
    >>> key_levels(np.array([3.0, 1.0, 3.0, 2.0]), np.array([0, 3, 4]))[1:]
    (array([1, 0, 1, 0]), array([1, 2, 0, 1]), array([2, 1]))
    """
    owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order = np.lexsort([keys, owners])
    ascending = keys[order]  # within each node, so that the owners stay
    new = np.ones(len(keys), dtype=bool)
    new[1:] = (np.diff(owners) > 0) | (np.diff(ascending) > 0)
    n_levels = np.bincount(owners[new], minlength=len(offsets) - 1)
    before = np.concatenate([[0], np.cumsum(n_levels)])
    ranks = np.cumsum(new) - 1 - before[owners]
    numbers = np.empty(len(keys), dtype=np.int64)
    numbers[order] = ranks
    places = offsets[owners] + ranks
    levels = np.zeros(len(keys))
    levels[places] = ascending
    return levels, numbers, np.bincount(places, minlength=len(keys)), n_levels
