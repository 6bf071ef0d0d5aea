"""FastRP: very sparse random projection of powers of the transition matrix."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils._param_validation import Interval

from graphembed.base import BaseEmbedder, Embedding
from graphembed.callbacks import progress
from graphembed.engine import run_blocks, split_by_weight
from graphembed.graph.graph import Graph
from graphembed.random_state import draw_key

BLOCKS = 64  # ranges of rows a propagation is cut into; the result does not depend on it
NEAR_ONE = 2.0**20  # rows of such norms are squared in float32 without loss
SAFE = 2.0**60  # edge weights within 1 / SAFE and SAFE neither overflow nor underflow in float32


class FastRP(BaseEmbedder):
    r"""Fast random projection of the transition matrix.

    .. math:: Z = \sum_{k=1}^{K} w_k \, \mathcal{N}(P^k L R), \qquad
        P = D^{-1} A, \quad L = \mathrm{diag}\left(\frac{d_j}{\sum_i d_i}\right)^{\beta}

    where :math:`d_j` is the (in-)degree of node j, :math:`R` a very sparse random matrix and
    :math:`\mathcal{N}` divides each row by its norm. Training is :math:`K` products of a sparse
    and a dense matrix and nothing else.

    Parameters
    ----------
    n_components : int, default=128
        Columns of the embedding.
    weights : array-like of shape (n_powers,), default=(0.0, 0.0, 1.0, 1.0)
        Weight :math:`w_k` of each power of the transition matrix, the first for :math:`P`.
    degree_exponent : float, default=0.0
        Exponent :math:`\beta` of the degrees; negative values play down nodes of high degree.
    density : float, default=1/3
        Share of entries of :math:`R` that are not zero.
    normalize : bool, default=True
        Whether each power's rows are divided by their norm before they are added.
    feature_ratio : float, default=0.0
        Share of the columns, at least one unless it is 0, that start from a random projection of
        the graph's node features (rows scaled to norm 1) instead of from the node's own random
        row; 1 makes nodes without a common neighbourhood comparable across graphs.
    n_jobs : int or None, default=-1
        Threads; -1 means all cores. The result does not depend on it.
    random_state : int, SeedSequence, Generator, RandomState or None, default=None
        An int gives the same bits every time.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components), float32
        One row per node; zero for a node without (out-)edges.
    basis_ : ndarray of shape (n_weighted_powers, n_nodes, n_components), float32
        :math:`P^{k-1} L R` for each power with a weight other than 0. With it a new node with
        transition row :math:`p` is placed exactly as if it had been fitted without changing the
        others: :math:`z = \sum_k w_k \mathcal{N}(p \, P^{k-1} L R)`. An L far from 1 is divided by
        a power of two, which makes no difference to normalised powers.
    node_index_ : NodeIndex
        Maps node ids to rows.
    n_features_in_ : int
        Number of nodes seen in fit.

    Raises
    ------
    ValueError
        If a parameter is out of range, all ``weights`` are 0, ``feature_ratio`` is positive and
        the graph has no features, ``degree_exponent`` takes a node out of the range of float32,
        or a weight of an edge is negative.

    Notes
    -----
    The random row of a node is a hash of its id, so an id keeps its row in any graph and at any
    place: relabelling permutes the embedding, and an edge more moves the vectors a little.

    A directed graph is followed along its edges: a node is described by where its edges lead.
    Use ``graph.reverse()`` for where they come from and ``graph.to_undirected()`` for both.

    Memory: the graph, ``embedding_`` and ``basis_``, no more. With the default weights that is
    three times the output.

    References
    ----------
    Chen, Sultan, Tian, Chen and Skiena (2019), Fast and Accurate Network Embeddings via Very
    Sparse Random Projection, CIKM.

    Examples
    --------
    >>> import graphembed as ge
    >>> graph = ge.datasets.load("karate").graph
    >>> model = ge.FastRP(n_components=16, random_state=0).fit(graph)
    >>> model.embedding_.shape
    (34, 16)
    >>> model.vectors_.neighbors([33], k=2).ids.shape
    (1, 2)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "weights": ["array-like"],
        "degree_exponent": [Interval(Real, None, None, closed="neither")],
        "density": [Interval(Real, 0, 1, closed="right")],
        "normalize": ["boolean"],
        "feature_ratio": [Interval(Real, 0, 1, closed="both")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_components: int = 128,
        *,
        weights: Sequence[float] = (0.0, 0.0, 1.0, 1.0),
        degree_exponent: float = 0.0,
        density: float = 1 / 3,
        normalize: bool = True,
        feature_ratio: float = 0.0,
        n_jobs: int | None = -1,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.weights = weights
        self.degree_exponent = degree_exponent
        self.density = density
        self.normalize = normalize
        self.feature_ratio = feature_ratio
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _embed(self, graph: Graph, rng: np.random.Generator) -> Embedding:
        weights = self._checked_weights()
        shape = (graph.n_nodes, self.n_components)
        n_kept = int(np.count_nonzero(weights))
        basis = np.empty((n_kept, *shape), dtype=np.float32)
        embedding = np.zeros(shape, dtype=np.float32)
        slots = iter(basis)
        blocks = split_by_weight(graph.indptr, BLOCKS)
        edge_weights = _in_range(graph.indptr, graph.weights)
        with progress(len(weights) * len(blocks), "FastRP", "block") as done:
            power = self._project(graph, rng, next(slots) if weights[0] else None)
            for k, weight in enumerate(weights):
                is_last = k + 1 == len(weights)
                following = (1, shape[1]) if is_last else shape
                keep = not is_last and weights[k + 1] != 0
                out = next(slots) if keep else np.empty(following, dtype=np.float32)
                self._propagate(
                    graph.indptr, graph.indices, edge_weights, power, out, embedding, weight,
                    blocks, done,
                )  # fmt: skip
                power = out
        self.basis_ = basis
        return embedding

    def _embed_new(self, block: sp.csr_array) -> Embedding:
        result = np.zeros((block.shape[0], self.basis_.shape[2]), dtype=np.float32)
        scratch = np.empty((1, result.shape[1]), dtype=np.float32)
        indptr, indices = block.indptr.astype(np.int64), block.indices.astype(np.int32)
        blocks = split_by_weight(indptr, BLOCKS)
        edge_weights = _in_range(indptr, block.data)
        weights = self._checked_weights()
        for power, weight in zip(self.basis_, weights[weights != 0], strict=True):
            self._propagate(indptr, indices, edge_weights, power, scratch, result, weight, blocks)
        return result

    def _project(self, graph: Graph, rng: np.random.Generator, out: Embedding | None) -> Embedding:
        """Return L R, with columns that come from node features last."""
        from graphembed.kernels.projection import sparse_projection

        if out is None:
            out = np.empty((graph.n_nodes, self.n_components), dtype=np.float32)
        n_from_features = 0
        if self.feature_ratio > 0:
            n_from_features = max(1, round(self.feature_ratio * self.n_components))
        scale = _degree_scale(graph, self.degree_exponent, shift=bool(self.normalize))
        keys = graph.node_index.keys()
        seed = np.uint64(draw_key(rng))
        own = out[:, : self.n_components - n_from_features]
        run_blocks(
            lambda first, last: sparse_projection(
                seed, keys, self.density, scale, own, first, last
            ),
            split_by_weight(np.arange(graph.n_nodes + 1), BLOCKS),
            n_jobs=self.n_jobs,
        )
        if n_from_features:
            out[:, -n_from_features:] = self._project_features(graph, rng, n_from_features)
            out[:, -n_from_features:] *= scale[:, None]
        return out

    def _project_features(
        self, graph: Graph, rng: np.random.Generator, n_columns: int
    ) -> Embedding:
        from graphembed.kernels.projection import sparse_projection

        if graph.features is None:
            raise ValueError(
                "feature_ratio > 0 needs a graph with node features; this one has none. Add them "
                "with graph.with_features(...)."
            )
        features = _unit_rows(sp.csr_array(graph.features, dtype=np.float32))
        n_features = features.shape[1]
        projection = np.empty((n_features, n_columns), dtype=np.float32)
        keys = np.arange(n_features, dtype=np.uint64)
        ones = np.ones(n_features, dtype=np.float32)
        seed = np.uint64(draw_key(rng))
        sparse_projection(seed, keys, self.density, ones, projection, 0, n_features)
        return np.asarray(features @ projection, dtype=np.float32)

    def _propagate(
        self,
        indptr: npt.NDArray[np.int64],
        indices: npt.NDArray[np.int32],
        edge_weights: npt.NDArray[np.float32] | None,
        matrix: Embedding,
        out: Embedding,
        total: Embedding,
        weight: float,
        blocks: list[tuple[int, int]],
        done: Any = None,
    ) -> None:
        from graphembed.kernels.spmm import propagate

        coefficient = np.float32(weight)
        run_blocks(
            lambda first, last: propagate(
                indptr, indices, edge_weights, matrix, out, total, coefficient, self.normalize,
                first, last,
            ),
            blocks,
            n_jobs=self.n_jobs,
            on_done=done,
        )  # fmt: skip

    def _checked_weights(self) -> npt.NDArray[np.float64]:
        weights = np.asarray(self.weights, dtype=np.float64)
        with np.errstate(over="ignore"):
            is_finite = np.isfinite(weights.astype(np.float32)).all()
        if weights.ndim != 1 or not is_finite or not weights.any():
            raise ValueError(
                "The 'weights' parameter of FastRP must hold one finite number for each power, "
                f"at least one of them not 0. Got {self.weights!r} instead."
            )
        return np.trim_zeros(weights, "b")


def _degree_scale(graph: Graph, exponent: float, *, shift: bool) -> npt.NDArray[np.float32]:
    """Return the diagonal of L; 0 for nodes that no edge reaches.

    With ``shift`` it is divided by a power of two if its largest entry is far from 1.
    """
    weights = None if graph.weights is None else graph.weights.astype(np.float64)
    degrees = np.bincount(graph.indices, weights=weights, minlength=graph.n_nodes)
    share = np.divide(degrees, degrees.sum(), out=np.zeros(graph.n_nodes), where=degrees > 0)
    scale = np.zeros(graph.n_nodes)
    with np.errstate(over="ignore", under="ignore"):
        np.power(share, exponent, out=scale, where=share > 0)
        largest = float(scale.max(initial=0))
        if shift and np.isfinite(largest) and not 1 / NEAR_ONE < largest < NEAR_ONE:
            scale = np.ldexp(scale, -np.frexp(largest)[1])
        narrow: npt.NDArray[np.float32] = scale.astype(np.float32)
    if not np.isfinite(narrow).all() or bool(share.any()) > bool(narrow.any()):
        raise ValueError(
            f"degree_exponent={exponent} takes weights of nodes out of the range of float32 on "
            "this graph. Use one nearer to 0."
        )
    return narrow


def _in_range(
    indptr: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None
) -> npt.NDArray[np.float32] | None:
    """Return edge weights with the same transition matrix, safe to sum in float32.

    Rows are divided by powers of two, which changes no bit of the result, where that is needed.
    """
    if weights is None or len(weights) == 0:
        return weights
    if weights.min() >= 1 / SAFE and weights.max() <= SAFE:
        return weights
    degrees = np.diff(indptr)
    largest = np.maximum.reduceat(weights, indptr[:-1][degrees > 0])
    scaled: npt.NDArray[np.float32] = np.ldexp(
        weights, -np.repeat(np.frexp(largest)[1], degrees[degrees > 0])
    )
    return scaled


def _unit_rows(matrix: sp.csr_array) -> sp.csr_array:
    """Return the rows divided by their norms, which are summed in float64."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    values = matrix.data.astype(np.float64)
    norms = np.sqrt(np.bincount(rows, weights=values**2, minlength=matrix.shape[0]))
    np.divide(values, norms[rows], out=values, where=values != 0)
    parts = (values.astype(np.float32), matrix.indices, matrix.indptr)
    return sp.csr_array(parts, shape=matrix.shape)
