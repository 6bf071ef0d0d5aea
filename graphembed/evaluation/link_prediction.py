"""How well an embedding predicts edges it has not seen."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from graphembed.evaluation.node_classification import decision_scores
from graphembed.graph.graph import Graph
from graphembed.graph.splits import EdgeSplit, sample_non_edges, split_edges
from graphembed.random_state import RandomStateLike, check_random_state

# Features of a pair from the rows of its two nodes.
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "hadamard": lambda u, v: u * v,
    "average": lambda u, v: (u + v) / 2,
    "l1": lambda u, v: np.abs(u - v),
    "l2": lambda u, v: (u - v) ** 2,
    "concat": lambda u, v: np.concatenate([u, v], axis=1),
}
SCORE = "score"

_BLOCK = 1 << 16


@dataclass(frozen=True)
class LinkScores:
    """How well scores tell edges from non-edges.

    Attributes
    ----------
    auc : float
        Area under the ROC curve: the share of (edge, non-edge) couples in the right order.
    average_precision : float
        Mean precision over the recalled edges.
    """

    auc: float
    average_precision: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain numbers and strings."""
        return asdict(self)


@dataclass(frozen=True)
class LinkPredictionReport(LinkScores):
    """Link prediction scores, and how they came about.

    Attributes
    ----------
    auc, average_precision : float
        Of the test pairs.
    n_train_pairs, n_test_pairs : int
        Pairs the classifier was trained on (0 for ``"score"``) and tested on, half of them edges.
    operator : str
        How two rows became the features or the score of a pair.
    seconds : float
        Wall time of fitting the embedder.
    """

    n_train_pairs: int
    n_test_pairs: int
    operator: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain numbers and strings."""
        return {"task": "link_prediction", **asdict(self)}

    def __str__(self) -> str:
        return (
            f"AUC {self.auc:.4f}   average precision {self.average_precision:.4f}   "
            f"({self.n_test_pairs} test pairs, {self.operator}, fitted in {self.seconds:.2f} s)"
        )


def evaluate_link_scores(labels: npt.ArrayLike, scores: npt.ArrayLike) -> LinkScores:
    """Compare scores of pairs with the truth.

    Parameters
    ----------
    labels : array-like of shape (n_pairs,)
        1 for an edge, 0 for a non-edge; both must occur.
    scores : array-like of shape (n_pairs,)
        Larger for likelier edges; only their order counts.

    Returns
    -------
    LinkScores

    Raises
    ------
    ValueError
        If lengths differ, a label is something else, only one label occurs, or a score is NaN.

    Examples
    --------
    >>> from graphembed.evaluation import evaluate_link_scores
    >>> evaluate_link_scores([1, 1, 0, 0], [0.9, 0.4, 0.5, 0.1]).auc
    0.75
    """
    truth, given = np.asarray(labels), np.asarray(scores)
    if truth.ndim != 1 or truth.shape != given.shape:
        raise ValueError(
            f"labels and scores must be 1-d and of one length; got {truth.shape} and {given.shape}."
        )
    if not np.array_equal(np.unique(truth), [0, 1]):
        raise ValueError("labels must be 0 and 1, and both must occur.")
    if np.isnan(given).any():
        raise ValueError(
            f"{np.isnan(given).sum()} of {len(given)} scores are NaN; a pair without a score "
            "cannot be ranked."
        )
    return LinkScores(
        float(roc_auc_score(truth, given)), float(average_precision_score(truth, given))
    )


def link_prediction(
    embedder: Any,
    split_or_graph: EdgeSplit | Graph,
    *,
    operator: str = "hadamard",
    classifier: Any = None,
    max_train_edges: int | None = 100_000,
    random_state: RandomStateLike = 0,
) -> LinkPredictionReport:
    """Fit an embedder on the training edges alone and predict the held-out ones.

    A classifier learns to tell the edges of the training graph from as many of its non-edges, by
    features made of the two nodes' vectors; it then scores the test pairs. Neither the embedder
    nor the classifier sees a held-out pair, of either label.

    Parameters
    ----------
    embedder : embedder
        Cloned, then fitted on ``split.train``.
    split_or_graph : EdgeSplit or Graph
        A graph is split with ``split_edges(graph, random_state=random_state)``.
    operator : {"hadamard", "average", "l1", "l2", "concat", "score"}, default="hadamard"
        Features of a pair: product, mean, absolute or squared difference of the two vectors,
        entry by entry, or both side by side. With ``"score"`` no classifier is trained: pairs are
        ranked by the embedding's own geometry, ``vectors_.score_edges``.
    classifier : scikit-learn classifier, default=None
        ``None`` is logistic regression on standardised features.
    max_train_edges : int or None, default=100_000
        The classifier is trained on a random sample when there are more training edges;
        ``None`` takes all.
    random_state : None, int, SeedSequence, Generator or RandomState, default=0
        Decides the split of a graph, and the sample and the non-edges the classifier sees; the
        embedder has its own.

    Returns
    -------
    LinkPredictionReport

    Raises
    ------
    ValueError
        If the operator is unknown, a classifier is given with ``"score"``, there are no training
        edges or no test pairs, or ``max_train_edges`` is less than 1.
    TypeError
        If it is given neither a split nor a graph.
    GraphError
        If the graph is so dense that fewer non-edges are left than training edges; pass a smaller
        ``max_train_edges``.

    References
    ----------
    Grover and Leskovec (2016), node2vec: Scalable Feature Learning for Networks, KDD.

    Examples
    --------
    >>> import graphembed as ge
    >>> from graphembed.evaluation import link_prediction
    >>> graph = ge.datasets.load("karate").graph
    >>> report = link_prediction(ge.FastRP(n_components=16, random_state=0), graph)
    >>> report.n_test_pairs, report.operator
    (16, 'hadamard')
    """
    if operator != SCORE and operator not in OPERATORS:
        raise ValueError(
            f"Unknown operator {operator!r} (known: {', '.join([*OPERATORS, SCORE])})."
        )
    if operator == SCORE and classifier is not None:
        raise ValueError("operator='score' trains no classifier; leave classifier=None.")
    if max_train_edges is not None and max_train_edges < 1:
        raise ValueError(f"max_train_edges must be None or at least 1; got {max_train_edges!r}.")
    rng = check_random_state(random_state)
    split = split_or_graph
    if not isinstance(split, EdgeSplit | Graph):
        raise TypeError(f"Expected an EdgeSplit or a Graph; got a {type(split).__name__}.")
    if isinstance(split, Graph):
        split = split_edges(split, random_state=rng)

    start = perf_counter()
    fitted = clone(embedder).fit(split.train)
    seconds = perf_counter() - start

    if operator == SCORE:
        n_train, scores = 0, fitted.vectors_.score_edges(split.test_pairs)
    else:
        pairs, labels = _training_pairs(split, max_train_edges, rng)
        n_train, Z = len(pairs), fitted.embedding_
        if classifier is None:
            model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        else:
            model = clone(classifier)
        model.fit(_features(Z, pairs, operator), labels)
        test = _rows(split.train, split.test_pairs)
        blocks = np.array_split(test, len(test) // _BLOCK + 1)
        scores = np.concatenate(
            [decision_scores(model, _features(Z, block, operator)) for block in blocks]
        )
    found = evaluate_link_scores(split.test_labels, scores)
    return LinkPredictionReport(
        found.auc, found.average_precision, n_train, len(split.test_labels), operator, seconds
    )


def _features(Z: npt.NDArray[Any], pairs: npt.NDArray[np.int64], operator: str) -> npt.NDArray[Any]:
    features: npt.NDArray[Any] = OPERATORS[operator](Z[pairs[:, 0]], Z[pairs[:, 1]])
    return features


def _rows(graph: Graph, pairs: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return graph.node_index.rows(pairs.ravel()).reshape(-1, 2)


def _training_pairs(
    split: EdgeSplit, max_edges: int | None, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    """Return training edges and as many non-edges, none of them held out, and their labels."""
    train = split.train
    edges = train.without_relations().edges().astype(np.int64)
    edges = edges[edges[:, 0] != edges[:, 1]]
    if len(edges) == 0:
        raise ValueError(f"The training graph {train!r} has no edges to learn from.")
    if max_edges is not None and len(edges) > max_edges:
        edges = edges[rng.choice(len(edges), max_edges, replace=False)]
    held = [_rows(train, pairs) for pairs in (split.val_pairs, split.test_pairs)]
    non_edges = sample_non_edges(train, len(edges), exclude=np.concatenate(held), random_state=rng)
    labels = np.repeat(np.array([1, 0], dtype=np.int8), len(edges))
    return np.concatenate([edges, non_edges]), labels
