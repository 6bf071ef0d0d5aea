"""Is a triple true? Scores against a threshold for each relation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.evaluation.known_world import KnownWorld, known_world
from graphembed.evaluation.metrics import roc_auc
from graphembed.evaluation.report import Report, text
from graphembed.exceptions import NonFiniteScoresError
from graphembed.knowledge.answers import score_triples
from graphembed.knowledge.known_triples import KnownTriples
from graphembed.random_state import RandomStateLike, check_random_state

Ids = npt.NDArray[np.int64]
Labels = npt.NDArray[np.bool_]

_ROUNDS = 50  # of drawing other entities until a triple is not known to be true


@dataclass(frozen=True, eq=False)
class TripleClassificationReport(Report):
    """How often a threshold for each relation tells true triples from false ones.

    Attributes
    ----------
    accuracy : float
        Share of the test triples that are classified correctly.
    roc_auc : float
        Of what scores exceed their thresholds by, over all relations.
    n_true, n_false : int
        Number of test triples.
    relations : tuple of ids
    thresholds, accuracies : ndarray of shape (n_relations,)
        Of each relation in the test set; a triple is called true from its threshold on.
    counts : ndarray of shape (n_relations,), int64
        Number of test triples of each.
    """

    task = "triple_classification"

    accuracy: float
    roc_auc: float
    n_true: int
    n_false: int
    relations: tuple[Any, ...] = field(repr=False)
    thresholds: npt.NDArray[np.float64] = field(repr=False)
    accuracies: npt.NDArray[np.float64] = field(repr=False)
    counts: Ids = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, strings and lists."""
        return {**super().to_dict(), "relations": self._records()}

    def _records(self) -> list[dict[str, Any]]:
        """Return one row for each relation."""
        columns = (self.thresholds.tolist(), self.accuracies.tolist(), self.counts.tolist())
        return [
            {"relation": str(name), "threshold": bar, "accuracy": share, "n_triples": n}
            for name, bar, share, n in zip(self.relations, *columns, strict=True)
        ]

    def _table(self) -> list[dict[str, str]]:
        """Return one row: all relations together."""
        values = super().to_dict()
        return [{name: text(value) for name, value in values.items() if name != "task"}]


def classify_triples(
    model: Any,
    validation: Any,
    test: Any,
    *,
    validation_labels: npt.ArrayLike | None = None,
    test_labels: npt.ArrayLike | None = None,
    filters: Sequence[Any] = (),
    random_state: RandomStateLike = 0,
    n_jobs: int | None = -1,
) -> TripleClassificationReport:
    """Classify triples as true or false by thresholds that are found on a validation set.

    The threshold of a relation is where most of its validation triples are classified correctly;
    relations without any take the threshold that is best over all.

    Parameters
    ----------
    model : fitted KnowledgeEmbedder, or graphembed.knowledge.answers.Model
        As in :func:`graphembed.evaluation.evaluate_ranking`.
    validation, test : Graph, or array-like or table of shape (n_triples, 3)
    validation_labels, test_labels : array-like of shape (n_triples,), bool or 0 and 1, optional
        Whether each triple is true. Without them all are, and a false one is made of each: its
        head or tail, by chance, is replaced by an entity that the relation has on that side in
        some known triple, so that the result is not known to be true.
    filters : sequence of the same as ``test``, default=()
        Further triples that are known to be true, which no false one may be.
    random_state : None, int, SeedSequence, Generator or RandomState, default=0
        Decides the false triples.
    n_jobs : int or None, default=-1

    Returns
    -------
    TripleClassificationReport

    Raises
    ------
    ValueError
        If there are no triples, labels do not match them, or all are of one kind.
    NonFiniteScoresError
        If the model has diverged.

    References
    ----------
    Socher, Chen, Manning and Ng (2013), Reasoning With Neural Tensor Networks for Knowledge Base
    Completion, NIPS.

    Examples
    --------
    >>> from graphembed.evaluation import classify_triples
    >>> from graphembed.knowledge.transe import TransE
    >>> cities = [("rome", "in", "italy"), ("pisa", "in", "italy"), ("oslo", "in", "norway")]
    >>> model = TransE(n_components=8, random_state=0).fit(cities)
    >>> false = [("rome", "in", "norway"), ("oslo", "in", "italy")]
    >>> classify_triples(model, cities + false, cities + false, validation_labels=[1, 1, 1, 0, 0],
    ...                  test_labels=[1, 1, 1, 0, 0]).accuracy
    1.0
    """
    world = known_world(model, validation, test, *filters)
    rng = check_random_state(random_state)
    labels = [
        _check_labels(given, len(rows), name)
        for given, rows, name in (
            (validation_labels, world.sets[0], "validation"), (test_labels, world.sets[1], "test")
        )
    ]  # fmt: skip
    index = _true_index(world, labels)
    parts = [
        (rows, truth) if truth is not None else _with_false(rows, index, world, rng)
        for rows, truth in zip(world.sets, labels, strict=False)
    ]
    scores = [score_triples(world.model, rows, n_jobs=n_jobs) for rows, _ in parts]
    if not all(np.isfinite(values).all() for values in scores):
        raise NonFiniteScoresError(
            "Some triples have no finite score. Training has diverged: lower the learning rate."
        )
    (rows, truth), (test_rows, test_truth) = parts
    bars = _thresholds(scores[0], truth, rows[:, 1], len(world.relations))
    margins = scores[1].astype(np.float64) - bars[test_rows[:, 1]]
    right = (margins >= 0) == test_truth
    kinds = np.unique(test_rows[:, 1])
    counts = np.bincount(test_rows[:, 1], minlength=len(bars))[kinds]
    hits = np.bincount(test_rows[:, 1], weights=right, minlength=len(bars))[kinds]
    return TripleClassificationReport(
        float(right.mean()),
        float(roc_auc(test_truth, margins)),
        int(test_truth.sum()),
        int((~test_truth).sum()),
        tuple(world.relations.take(kinds).tolist()),
        bars[kinds],
        hits / counts,
        counts,
    )


def _check_labels(labels: Any, n: int, name: str) -> Labels | None:
    """Return labels as bools; None means that all are true."""
    if n == 0:
        raise ValueError(f"The {name} set holds no triples.")
    if labels is None:
        return None
    labels = np.asarray(labels)
    if labels.shape != (n,) or not np.isin(labels, (0, 1)).all():
        raise ValueError(f"{name}_labels must be {n} values of 0 and 1, one for each triple.")
    truth: Labels = labels.astype(bool)
    if truth.all() or not truth.any():
        raise ValueError(f"{name}_labels are all the same; both kinds are needed.")
    return truth


def _true_index(world: KnownWorld, labels: Sequence[Labels | None]) -> KnownTriples:
    """Return an index of what is known to be true, without what is labelled as false."""
    sets = [
        rows if truth is None else rows[truth]
        for rows, truth in zip(world.sets, [*labels, *[None] * len(world.sets)], strict=False)
    ]
    return KnownTriples(
        world.fitted, *sets, n_entities=len(world.entities), n_relations=len(world.relations)
    )


def _with_false(
    rows: Ids, index: KnownTriples, world: KnownWorld, rng: np.random.Generator
) -> tuple[Ids, Labels]:
    """Return triples and as many false ones, fewer where none can be found."""
    false = rows.copy()
    columns = np.where(rng.random(len(rows)) < 0.5, 0, 2)
    known = world.all_triples()
    ends = {side: np.unique(known[:, [1, side]], axis=0) for side in (0, 2)}
    left = np.arange(len(rows))
    for number in range(_ROUNDS):
        if number < _ROUNDS // 2:
            drawn = _draw_ends(rows[left, 1], columns[left], ends, rng)
        else:  # the relation may hold of all that it is ever said of
            drawn = rng.integers(len(world.entities), size=len(left))
        false[left, columns[left]] = drawn
        left = left[index.contains(*false[left].T)]
        if not len(left):
            break
    false = np.delete(false, left, axis=0)
    if not len(false):
        raise ValueError("Every triple that could be false is known to be true.")
    truth = np.arange(len(rows) + len(false)) < len(rows)
    return np.concatenate([rows, false]), truth


def _draw_ends(relations: Ids, columns: Ids, ends: dict[int, Ids], rng: np.random.Generator) -> Ids:
    """Draw for each relation an entity that it has at this end somewhere."""
    drawn = np.empty(len(relations), dtype=np.int64)
    for side, pairs in ends.items():
        chosen = columns == side
        low = np.searchsorted(pairs[:, 0], relations[chosen], "left")
        high = np.searchsorted(pairs[:, 0], relations[chosen], "right")
        drawn[chosen] = pairs[rng.integers(low, high), 1]
    return drawn


def _thresholds(
    scores: npt.NDArray[np.float32], truth: Labels, relations: Ids, n_relations: int
) -> npt.NDArray[np.float64]:
    """Return the most accurate threshold of each relation, the overall one where none is known."""
    bars = np.full(n_relations, _best_threshold(scores, truth))
    order = np.argsort(relations, kind="stable")
    starts = np.flatnonzero(np.diff(relations[order], prepend=-1))
    for group in np.split(order, starts[1:]):
        bars[relations[group[0]]] = _best_threshold(scores[group], truth[group])
    return bars


def _best_threshold(scores: npt.NDArray[np.float32], truth: Labels) -> float:
    """Return the bar for which most of ``scores >= bar`` are right; of several, the lowest."""
    order = np.argsort(scores, kind="stable")
    ordered = scores[order].astype(np.float64)
    # With the bar before place i, the false ones below are right, and the true ones above.
    right = np.concatenate([[0], np.cumsum(~truth[order])])
    right += np.concatenate([np.cumsum(truth[order][::-1])[::-1], [0]])
    usable = np.concatenate([[True], np.diff(ordered) > 0, [True]])
    place = int(np.argmax(np.where(usable, right, -1)))
    if place == 0:
        return float(ordered[0])
    if place == len(ordered):
        return float(np.nextafter(ordered[-1], np.inf))
    return float((ordered[place - 1] + ordered[place]) / 2)
