"""How well an embedding tells what belongs to what in a hierarchy, and what it will belong to."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.evaluation.answer_ranks import Answers, Places, answer_ranks, placed_nodes
from graphembed.evaluation.report import Report
from graphembed.exceptions import GraphError
from graphembed.graph.builders import from_rows, reindexed
from graphembed.graph.graph import Graph
from graphembed.graph.ids import pair_rows
from graphembed.graph.stratify import held_out_count
from graphembed.random_state import RandomStateLike, check_random_state

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class HierarchyReport(Report):
    """How high the ancestors of nodes, or the neighbours, rank among all other nodes.

    Attributes
    ----------
    mean_rank : float
        Mean filtered rank of the pairs; 1 is best.
    mean_average_precision : float
        MAP: mean over the nodes; between 0 and 1.
    n_pairs : int
        Number of pairs that were ranked.
    n_nodes : int
        Number of nodes with such pairs.
    n_candidates : int
        Number of nodes that each was ranked among.
    geometry : str
        What was measured: "lorentz" stands for both models of hyperbolic space.
    nodes : ndarray of shape (n_nodes,)
        Their ids.
    ranks : ndarray of shape (n_pairs,), float64
        Of each pair, node by node.
    average_precision : ndarray of shape (n_nodes,), float64
        Of each node; ``bootstrap(numpy.mean, report.average_precision)`` is an interval for the
        MAP.
    """

    task = "hierarchy"

    mean_rank: float
    mean_average_precision: float
    n_pairs: int
    n_nodes: int
    n_candidates: int
    geometry: str
    nodes: npt.NDArray[Any] = field(repr=False)
    ranks: npt.NDArray[np.float64] = field(repr=False)
    average_precision: npt.NDArray[np.float64] = field(repr=False)

    def _records(self) -> list[dict[str, Any]]:
        """Return one row, under the names that papers use."""
        return [
            {
                "mean_rank": self.mean_rank,
                "map": self.mean_average_precision,
                "n_pairs": self.n_pairs,
                "n_nodes": self.n_nodes,
                "n_candidates": self.n_candidates,
                "geometry": self.geometry,
            }
        ]


def hierarchy_reconstruction(
    embedding: Any,
    graph: Graph,
    *,
    geometry: str | None = None,
    exclude: Any = None,
    nodes: Any = None,
    n_jobs: int | None = -1,
) -> HierarchyReport:
    r"""Rank all other nodes by distance from each node, and look where its ancestors stand.

    For a node :math:`u` let :math:`P(u)` be the ends of its out-edges (its ancestors, in the
    closure of a hierarchy). The filtered rank of :math:`v \in P(u)` and the average precision are

    .. math::

        r(u, v) = 1 + \#\{w \notin P(u) : d(u, w) < d(u, v)\}
            + \tfrac12 \#\{w \notin P(u) : d(u, w) = d(u, v)\}, \qquad
        \mathrm{AP}(u) = \operatorname{mean}_{v \in P(u)}
            \frac{|P(u) \cap B(u, v)|}{|B(u, v)|}

    with :math:`B(u, v) = \{w \ne u : d(u, w) \le d(u, v)\}`, as scikit-learn has it. The mean rank
    is taken over all pairs, the MAP over all nodes with out-edges.

    Parameters
    ----------
    embedding : fitted embedder, Vectors, or array-like of shape (n_nodes, n_components)
        Vectors of all nodes of the graph, by id; an array has them in row order.
    graph : Graph
        What is to be found. Of an undirected graph, edges count both ways. Weights, relations and
        self-loops do not count.
    geometry : {"poincare", "lorentz", "euclidean", "cosine", "dot"}, default=None
        What is near. ``None`` is the embedding's own, "cosine" for an array; "lorentz" takes
        spatial coordinates.
    exclude : Graph or array-like of shape (n_pairs, 2), default=None
        Pairs (node, candidate) of ids that are neither right nor wrong.
    nodes : array-like of ids, default=None
        Nodes whose pairs are ranked, among all nodes of the graph; those without out-edges are
        passed over. ``None`` takes all.
    n_jobs : int or None, default=-1
        Number of threads. The report does not depend on it.

    Returns
    -------
    HierarchyReport

    Raises
    ------
    UnknownNodeError
        If a node of the graph has no vector, or a given one is not in the graph.
    ValueError
        If an array has another number of rows than the graph has nodes, a value is not finite, or
        in no ball, ``geometry`` is unknown, or no node has out-edges.
    TypeError
        If ``graph`` is no Graph.

    Notes
    -----
    Nothing is sorted but the distances of a node's own pairs. Memory beyond the vectors: 128 x
    1024 products for each thread. Time grows with the number of nodes squared: all 82,115 nouns of
    WordNet, 6.7 billion distances in 10 dimensions, take less than a minute on two cores.

    This is no test of prediction; see :func:`hierarchy_link_prediction`.

    References
    ----------
    Nickel and Kiela (2017), Poincaré Embeddings for Learning Hierarchical Representations, NeurIPS.

    Examples
    --------
    >>> import graphembed as ge
    >>> from graphembed.evaluation import hierarchy_reconstruction
    >>> animals = ge.Graph.from_edges(["cat", "dog"], ["animal", "animal"], directed=True)
    >>> animals.nodes.tolist()
    ['animal', 'cat', 'dog']
    >>> disk = [[0.0, 0.0], [0.5, 0.0], [-0.5, 0.1]]
    >>> print(hierarchy_reconstruction(disk, animals, geometry="poincare"))
    mean_rank  map     n_pairs  n_nodes  n_candidates  geometry
    1.0000     1.0000  2        2        2             poincare
    """
    if not isinstance(graph, Graph):
        raise TypeError(f"Expected a Graph; got a {type(graph).__name__}.")
    asked = Answers.of(graph)
    if not len(asked.indices):
        raise ValueError(f"No node of {graph!r} has edges to others; there is nothing to rank.")
    return _ranked(embedding, graph, asked, geometry, exclude, nodes, n_jobs)


def hierarchy_link_prediction(
    embedding: Any,
    held_out: Any,
    graph: Graph,
    *,
    geometry: str | None = None,
    nodes: Any = None,
    n_jobs: int | None = -1,
) -> HierarchyReport:
    """Rank held-out pairs among all nodes that the training graph does not link already.

    Parameters
    ----------
    embedding : fitted embedder, Vectors, or array-like of shape (n_nodes, n_components)
        Fitted on the training graph alone.
    held_out : array-like of shape (n_pairs, 2)
        Ids of nodes and their ancestors that were held out, by :func:`split_hierarchy` for
        instance. They do not count against each other.
    graph : Graph
        The training graph: the ends of a node's edges in it are no candidates.
    geometry, nodes, n_jobs
        As in :func:`hierarchy_reconstruction`.

    Returns
    -------
    HierarchyReport
        Mean rank over the held-out pairs, MAP over the nodes that have some.

    Raises
    ------
    UnknownNodeError, ValueError, TypeError
        As in :func:`hierarchy_reconstruction`.

    References
    ----------
    Nickel and Kiela (2017), Poincaré Embeddings for Learning Hierarchical Representations, NeurIPS.

    Examples
    --------
    >>> import graphembed as ge
    >>> from graphembed.evaluation import hierarchy_link_prediction
    >>> line = ge.Graph.from_edges(["c", "b"], ["b", "a"], directed=True)
    >>> X = [[0.0], [0.4], [0.7]]
    >>> hierarchy_link_prediction(X, [("c", "a")], line, geometry="poincare").mean_rank
    1.0
    """
    if not isinstance(graph, Graph):
        raise TypeError(f"Expected a Graph; got a {type(graph).__name__}.")
    asked = Answers.from_pairs(*pair_rows(graph.node_index, held_out), graph.n_nodes)
    if not len(asked.indices):
        raise ValueError("There are no held-out pairs of different nodes to rank.")
    return _ranked(embedding, graph, asked, geometry, graph, nodes, n_jobs)


def _ranked(
    embedding: Any,
    graph: Graph,
    asked: Answers,
    geometry: str | None,
    exclude: Any,
    nodes: Any,
    n_jobs: int | None,
) -> HierarchyReport:
    X, geometry = placed_nodes(embedding, graph.node_index, geometry)
    rows = np.flatnonzero(np.diff(asked.indptr))
    if nodes is not None:
        rows = np.intersect1d(rows, graph.node_index.rows(np.asarray(nodes)))
        if not len(rows):
            raise ValueError("None of the given nodes has pairs to rank.")
    ranks, average_precision = answer_ranks(
        Places.of(X, geometry), asked, rows, known=_known(exclude, graph), n_jobs=n_jobs
    )
    return HierarchyReport(
        float(ranks.mean()),
        float(average_precision.mean()),
        len(ranks),
        len(rows),
        graph.n_nodes - 1,
        geometry,
        graph.node_index.take(rows),
        ranks,
        average_precision,
    )


def _known(exclude: Any, graph: Graph) -> Answers | None:
    """Return the rows of pairs, or of the edges of a graph, that are not to count."""
    if exclude is None:
        return None
    if isinstance(exclude, Graph):
        same = exclude.node_index == graph.node_index
        return Answers.of(exclude if same else reindexed(exclude, graph.node_index))
    return Answers.from_pairs(*pair_rows(graph.node_index, exclude), graph.n_nodes)


@dataclass(frozen=True, eq=False)
class HierarchySplit:
    """A training hierarchy and the pairs held out from it.

    Attributes
    ----------
    train : Graph
        Every node of the full graph, in the same order, with the edges that were not held out.
    test_pairs : ndarray of shape (n_pairs, 2)
        External ids of nodes and ancestors.
    """

    train: Graph
    test_pairs: npt.NDArray[Any]

    def __repr__(self) -> str:
        return f"HierarchySplit(train={self.train!r}, n_test={len(self.test_pairs)})"


def split_hierarchy(
    graph: Graph, *, test_size: float = 0.1, random_state: RandomStateLike = None
) -> HierarchySplit:
    """Hold out edges between inner nodes of a hierarchy, for link prediction.

    An edge can be held out if neither of its ends is a root (a node without out-edges) or a leaf
    (a node without in-edges): what is below a leaf, or above a root, can hardly be predicted. Every
    node keeps an edge in the training graph.

    Parameters
    ----------
    graph : Graph
        Directed: an edge leads from a node to its ancestor. Take the closure, all ancestors of
        each node, or there is little left that tells of what was held out.
    test_size : float or int, default=0.1
        Share of **all** edges (a float below 1), or their number (an int).
    random_state : None, int, SeedSequence, Generator or RandomState, default=None

    Returns
    -------
    HierarchySplit

    Raises
    ------
    GraphError
        If the graph is undirected, or has too few such edges.
    ValueError
        If ``test_size`` is no number in its range.

    Notes
    -----
    The rule of gensim's comparison, which follows Nickel and Kiela (2017). Of the closure of
    WordNet's nouns, 127,562 edges can be held out, and 10 % of all are 74,308.

    Examples
    --------
    >>> import graphembed as ge
    >>> mammals = ge.datasets.load("wordnet_mammals").graph
    >>> ge.evaluation.split_hierarchy(mammals, test_size=0.05, random_state=0).test_pairs.shape
    (327, 2)
    """
    if not graph.directed:
        raise GraphError(
            "A hierarchy must be a directed graph, with edges from nodes to their ancestors; this "
            "one is undirected. Hold out edges of it with split_edges."
        )
    rng = check_random_state(random_state)
    graph = graph.without_relations()
    sources, targets = graph.edges().T
    n_test = held_out_count(test_size, graph.n_edges, "test_size")
    apart = sources != targets
    n_out = np.bincount(sources[apart], minlength=graph.n_nodes)
    n_in = np.bincount(targets[apart], minlength=graph.n_nodes)
    inner = (n_out > 0) & (n_in > 0)
    free = np.flatnonzero(apart & inner[sources] & inner[targets])
    held_out = _spare_edges(sources, targets, rng.permutation(free), n_out + n_in, n_test)
    if len(held_out) < n_test:
        raise GraphError(
            f"{n_test} edges were to be held out, but only {len(held_out)} are between inner nodes "
            "that keep another edge. Ask for fewer with test_size."
        )
    kept = np.ones(graph.n_edges, dtype=bool)
    kept[held_out] = False
    train = from_rows(
        sources[kept],
        targets[kept],
        weights=None if graph.weights is None else graph.edge_weights()[kept],
        nodes=graph.node_index,
        directed=True,
        features=graph.features,
    )
    pairs = np.column_stack([sources[held_out], targets[held_out]])
    return HierarchySplit(train, graph.node_index.take(pairs.ravel()).reshape(-1, 2))


def _spare_edges(
    sources: npt.NDArray[np.int32],
    targets: npt.NDArray[np.int32],
    order: Ints,
    degrees: Ints,
    n: int,
) -> Ints:
    """Return the first ``n`` edges in an order that leave each node another edge."""
    left = degrees.tolist()
    chosen: list[int] = []
    for edge, u, v in zip(order.tolist(), sources[order], targets[order], strict=True):
        if len(chosen) == n:
            break
        if left[u] > 1 and left[v] > 1:
            left[u] -= 1
            left[v] -= 1
            chosen.append(edge)
    return np.sort(np.array(chosen, dtype=np.int64))
