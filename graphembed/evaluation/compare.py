"""Compare methods on a graph: how good they are, how long they take, and how much memory."""

import math
from collections.abc import Iterable, Iterator
from functools import partial
from numbers import Integral, Real
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator

from graphembed.callbacks import progress
from graphembed.evaluation.comparison import Comparison, MethodResult
from graphembed.evaluation.labels import node_labels
from graphembed.evaluation.methods import named_baselines, named_methods
from graphembed.evaluation.node_classification import classify_nodes
from graphembed.evaluation.trial import Trial
from graphembed.graph.graph import Graph
from graphembed.graph.splits import EdgeSplit, split_edges
from graphembed.heuristics import BaseHeuristic
from graphembed.link_predictor import LinkPredictor, check_operator
from graphembed.random_state import RandomStateLike, check_random_state, draw_key

__all__ = ["QUICK_BASELINES", "Comparison", "MethodResult", "compare"]

METRICS = {"links": ("auc", "average_precision"), "labels": ("micro_f1", "macro_f1")}
# These cost next to nothing; Katz and PageRank walk from every node that is asked about.
QUICK_BASELINES = (
    "common_neighbors",
    "jaccard",
    "adamic_adar",
    "resource_allocation",
    "preferential_attachment",
)


def compare(
    graph: Any,
    embedders: Any,
    *,
    task: str = "links",
    labels: Any = None,
    baselines: Iterable[Any] | bool | None = QUICK_BASELINES,
    operator: str = "hadamard",
    classifier: Any = None,
    max_train_edges: int | None = 100_000,
    test_size: float = 0.2,
    n_splits: int = 3,
    keep_connected: bool | None = None,
    negatives: str = "uniform",
    random_state: RandomStateLike = 0,
    n_jobs: int | None = -1,
) -> Comparison:
    """Compare embedders on a graph: quality, seconds and memory, in one table.

    With ``task="links"``, edges are held out, several times anew; each method sees the others
    alone and must tell the held-out edges from as many pairs that are no edges. With
    ``task="labels"``, each method embeds the whole graph once, and a classifier learns the labels
    of some nodes and is asked for the others, in several random divisions. All methods get the same
    splits, and an error in one of them is a row of the table rather than the end of all.

    Parameters
    ----------
    graph : Graph, EdgeSplit or list of EdgeSplit
        Splits of your own, such as by time, take the place of ``test_size`` and the options after
        it; they serve for links only.
    embedders : dict of str to embedder, or list of embedders or names
        What to compare: ``{"small": FastRP(32), "large": FastRP(512)}``, or
        ``["spectral", "fastrp"]`` with default parameters. For links, heuristics may stand there
        too, and a :class:`~graphembed.LinkPredictor`, for an operator or classifier of its own.
        Clones are fitted. One whose ``random_state`` is None gets another number for each split,
        so that the spread shows the luck of training, too.
    task : {"links", "labels"}, default="links"
    labels : array-like of shape (n_nodes,) or (n_nodes, n_classes), or dict of id to label
        For ``task="labels"``: one int or str per node in the order of ``graph.nodes``, where -1,
        None and NaN are unlabelled; an indicator matrix; or the labels of some nodes by id. A
        pandas Series with an index of ids is taken by id.
    baselines : bool or iterable of str or heuristics, default=QUICK_BASELINES
        Heuristics to show beside the embeddings: what can be had without any. For links, the
        default are the five that look at neighbourhoods alone; True adds Katz and personalised
        PageRank, which are slow on large graphs. For labels, it is the guess that every node has
        the most frequent ones, ``most_frequent``. None or False shows none.
    operator : str, default="hadamard"
        How two vectors become features of a pair; "score" takes the embedding's own geometry
        instead of a classifier. See :class:`~graphembed.LinkPredictor`.
    classifier : scikit-learn classifier, default=None
        ``None`` is logistic regression.
    max_train_edges : int or None, default=100_000
        For links: the classifier is trained on a random sample of edges where there are more.
    test_size : float or int, default=0.2
        Share or number of the edges, or share of the labelled nodes, to be predicted.
    n_splits : int, default=3
        Number of random splits.
    keep_connected : bool, optional
        For links: see :func:`~graphembed.split_edges`.
    negatives : {"uniform", "degree", "hard"}, default="uniform"
        For links: how the pairs that are no edges are drawn; see
        :func:`~graphembed.split_edges`.
    random_state : None, int, SeedSequence, Generator or RandomState, default=0
        Decides the splits, what the classifiers see, and embedders that leave it open.
    n_jobs : int or None, default=-1
        Number of threads, for all but embedders that are given as objects.

    Returns
    -------
    Comparison
        ``print`` it, or see ``to_frame()``, ``to_json()`` and ``plot()``.

    Raises
    ------
    ValueError
        If an option, a name or the labels are unusable, or an embedder is frozen, as it may have
        seen the edges that are held out.
    TypeError
        If the graph or a method is no such thing.
    GraphError
        If not enough edges can be held out.
    UnknownNodeError
        If labels are given for a node that the graph does not have.

    Warns
    -----
    FitFailedWarning
        If a method fails; its row holds the error.

    Notes
    -----
    **Seconds** are wall time in this process, one method after the other. Every method is fitted on
    a ring of 32 nodes first, so that imports and compilation are not counted. **Memory** is the
    most that the process held while fitting, less what it held before. It is measured in this
    process, so that it also works in notebooks and with classes that are defined there, and its
    exactness is that of the allocator: take a difference of less than a half for none. The
    classifier, which is the same for all, is not part of it. On other systems than Linux, it needs
    ``psutil``.

    **The spread** is the standard deviation over the splits. Test sets of random splits overlap,
    and with labels the embedding is the same in all, so it is no confidence interval; methods
    whose scores differ by less than about twice the spread should not be ranked.
    :func:`graphembed.evaluation.bootstrap` gives an interval for a single split.

    Where embedders are fitted by threads that race each other (DeepWalk with ``n_jobs != 1``),
    scores vary a little from call to call.

    Examples
    --------
    >>> import graphembed as ge
    >>> graph = ge.datasets.load("les_miserables").graph
    >>> comparison = ge.compare(graph, {"small": ge.FastRP(8), "large": ge.FastRP(64)})
    >>> len(comparison), comparison["large"].mean("auc") > 0.7
    (7, True)
    """
    if task not in METRICS:
        raise ValueError(f"Unknown task {task!r} (known: {', '.join(METRICS)}).")
    if not isinstance(n_splits, Integral) or n_splits < 1:
        raise ValueError(f"n_splits must be an int of at least 1; got {n_splits!r}.")
    methods = named_methods(embedders, n_jobs=n_jobs)
    rng = check_random_state(random_state)
    if task == "labels":
        return _compare_labels(
            _as_graph(graph), methods, labels, baselines=bool(baselines), classifier=classifier,
            test_size=test_size, n_splits=int(n_splits), seed=draw_key(rng) % 2**31, n_jobs=n_jobs,
        )  # fmt: skip
    if labels is not None:
        raise ValueError("labels= are for task='labels'; pass that too, or leave them out.")
    check_operator(operator, classifier)
    frozen = [name for name, method in methods.items() if _is_frozen(method)]
    if frozen:
        raise ValueError(
            f"{frozen[0]!r} is frozen: it may have seen the edges that are held out. Pass the "
            "embedder itself; a clone of it is fitted for each split."
        )
    predictor = LinkPredictor(
        None, operator=operator, classifier=classifier, max_train_edges=max_train_edges,
        n_jobs=n_jobs,
    )  # fmt: skip
    methods = named_baselines(baselines, n_jobs=n_jobs) | methods
    given = _given_splits(graph)
    if given:
        return _compare_links(iter(given), len(given), methods, predictor, rng)
    whole = _as_graph(graph)
    seeds = rng.integers(0, 2**31, size=int(n_splits)).tolist()
    splits = (
        split_edges(
            whole, test_size=test_size, keep_connected=keep_connected, negatives=negatives,
            random_state=seed,
        )
        for seed in seeds
    )  # fmt: skip
    return _compare_links(splits, len(seeds), methods, predictor, rng, test_size)


def _compare_links(
    splits: Iterator[EdgeSplit],
    n_splits: int,
    methods: dict[str, Any],
    predictor: LinkPredictor,
    rng: np.random.Generator,
    test_size: float | None = None,
) -> Comparison:
    trials = [Trial(name, method) for name, method in methods.items()]
    seeds = rng.integers(0, 2**31, size=n_splits).tolist()
    n_nodes = n_edges = 0
    with progress(len(trials) * n_splits, "comparing", "fit", heartbeat=True) as done:
        for number, (split, seed) in enumerate(zip(splits, seeds, strict=True), 1):
            n_held = int(split.val_labels.sum() + split.test_labels.sum())
            n_nodes, n_edges = split.train.n_nodes, split.train.n_edges + n_held
            for trial in trials:
                done.describe(f"{trial.name}, split {number} of {n_splits}")
                trial.run(trial.predict_links, split, predictor, seed)
                done()
    results = [trial.result() for trial in trials]
    return _comparison("links", results, n_splits, test_size, n_nodes, n_edges)


def _compare_labels(
    graph: Graph,
    methods: dict[str, Any],
    labels: Any,
    *,
    baselines: bool,
    test_size: float,
    seed: int,
    n_splits: int,
    **options: Any,
) -> Comparison:
    for name, method in methods.items():
        if isinstance(method, BaseHeuristic | LinkPredictor):
            raise ValueError(f"{name!r} predicts links; task='labels' needs an embedder.")
    if not isinstance(test_size, Real) or not 0 < test_size < 1:
        raise ValueError(
            f"For labels, test_size is a share of the nodes between 0 and 1; got {test_size!r}."
        )
    known = node_labels(graph, labels)
    options |= {"train_sizes": 1 - test_size, "n_shuffles": n_splits, "random_state": seed}
    # First of all: it takes no time, and whatever is wrong with the labels is told at once.
    guess = _most_frequent(graph, known, options)
    trials = [Trial(name, method) for name, method in methods.items()]
    with progress(len(trials), "comparing", "method", heartbeat=True) as done:
        for trial in trials:
            done.describe(trial.name)
            trial.run(partial(trial.predict_labels, **options), graph, known, seed)
            done()
    results = [trial.result() for trial in trials]
    if baselines and guess.method not in methods:
        results.append(guess)
    return _comparison("labels", results, n_splits, test_size, graph.n_nodes, graph.n_edges)


def _most_frequent(graph: Graph, labels: Any, options: dict[str, Any]) -> MethodResult:
    """Return what those achieve who look at the frequency of labels alone."""
    start = perf_counter()
    nothing = np.zeros((graph.n_nodes, 1), dtype=np.float32)
    report = classify_nodes(nothing, labels, **options | {"classifier": DummyClassifier()})
    seconds = (perf_counter() - start) / report.micro_f1.shape[1]
    scores = {"micro_f1": report.micro_f1[0], "macro_f1": report.macro_f1[0]}
    by_metric = {name: tuple(values.tolist()) for name, values in scores.items()}
    return MethodResult("most_frequent", "heuristic", by_metric, 0.0, seconds, 0)


def _comparison(
    task: str,
    results: list[MethodResult],
    n_splits: int,
    test_size: float | None,
    n_nodes: int,
    n_edges: int,
) -> Comparison:
    """Put the best first, and what failed last."""
    metrics = METRICS[task]
    ordered = sorted(
        results, key=lambda result: -result.mean(metrics[0]) if result.scores else math.inf
    )
    return Comparison(task, metrics, tuple(ordered), n_splits, test_size, n_nodes, n_edges)


def _is_frozen(method: Any) -> bool:
    embedder = method.embedder if isinstance(method, LinkPredictor) else method
    return isinstance(embedder, FrozenEstimator)


def _given_splits(graph: Any) -> list[EdgeSplit]:
    if isinstance(graph, EdgeSplit):
        return [graph]
    is_list = isinstance(graph, list | tuple) and len(graph) > 0
    return list(graph) if is_list and all(isinstance(one, EdgeSplit) for one in graph) else []


def _as_graph(graph: Any) -> Graph:
    if not isinstance(graph, Graph):
        raise TypeError(
            "Expected a graphembed.Graph, or for links an EdgeSplit or a list of them; got a "
            f"{type(graph).__name__}."
        )
    return graph
