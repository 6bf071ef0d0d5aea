"""One judge for all embeddings: node classification and link prediction."""

from typing import Any

import numpy as np

from harness.contender import Result

TRAIN_SIZES = (0.1, 0.5, 0.9)
MICRO = "micro-F1 at 10/50/90 %"
LENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0)


def classification(embedding: Any, labels: Any, n_shuffles: int) -> dict[str, Result]:
    """Judge an embedding by the labels that can be predicted from it.

    The judge's penalty is fixed (C=1), so longer rows are penalised less: a mere factor on an
    embedding moves its score by points. Rows as they came would reward a library for a length
    that it happens to return. So all are judged with rows of length 1, and once more at the
    length of ``LENGTHS`` that suits each best, which is the same as tuning C for each. That length
    is chosen on a shuffle other than those reported.
    """
    unit = unit_rows(embedding)
    best = best_length(unit, labels)

    def judge(length: float) -> Any:
        return _classify(unit, length, labels, TRAIN_SIZES, n_shuffles, random_state=0)

    at_one, at_best = judge(1.0), judge(best)
    return {
        MICRO: _percent(at_one.micro_f1.mean(axis=1)),
        "+-": _percent(at_one.micro_f1.std(axis=1)),
        "macro-F1": _percent(at_one.macro_f1.mean(axis=1)),
        "best row length": best,
        "micro-F1 there": _percent(at_best.micro_f1.mean(axis=1)),
        "macro-F1 there": _percent(at_best.macro_f1.mean(axis=1)),
    }


def _percent(values: Any) -> list[float]:
    return [round(100 * float(value), 2) for value in values]


def unit_rows(embedding: Any) -> Any:
    """Return the rows scaled to length 1; rows of zeros stay."""
    embedding = np.asarray(embedding, dtype=np.float32)
    norms = np.linalg.norm(embedding, axis=1, keepdims=True)
    return embedding / np.where(norms > 0, norms, 1)


def best_length(unit: Any, labels: Any) -> float:
    """Return the length of ``LENGTHS`` that suits an embedding of unit rows best."""
    micro = {
        length: _classify(unit, length, labels, (0.5,), 1, random_state=1).micro_f1.mean()
        for length in LENGTHS
    }
    return max(micro, key=micro.__getitem__)


def best_micro_f1(embedding: Any, labels: Any, n_shuffles: int) -> float:
    """Return micro-F1 in percent with half of the labels known, at the best row length."""
    unit = unit_rows(embedding)
    length = best_length(unit, labels)
    report = _classify(unit, length, labels, (0.5,), n_shuffles, random_state=0)
    return round(100 * float(report.micro_f1.mean()), 2)


def _classify(
    unit: Any, length: float, labels: Any, sizes: tuple[float, ...], n_shuffles: int, **options: Any
) -> Any:
    from graphembed.evaluation import classify_nodes

    rows = unit * np.float32(length)
    return classify_nodes(rows, labels, train_sizes=sizes, n_shuffles=n_shuffles, **options)


def mean_classification(embeddings: Any, labels: Any, n_shuffles: int) -> dict[str, Result]:
    """Return the means over several embeddings of one method, of different seeds.

    Parameters
    ----------
    embeddings : ndarray of shape (n_nodes, d) or (n_seeds, n_nodes, d)
    labels : as :func:`graphembed.evaluation.classify_nodes` takes them
    n_shuffles : int

    Returns
    -------
    dict
        The keys of :func:`classification`, and with several seeds their number and the standard
        deviation of micro-F1 between them.
    """
    if embeddings.ndim == 2:
        return classification(embeddings, labels, n_shuffles)
    found = [classification(embedding, labels, n_shuffles) for embedding in embeddings]
    means: dict[str, Result] = {
        key: np.mean([each[key] for each in found], axis=0).round(2).tolist() for key in found[0]
    }
    between = np.std([each[MICRO] for each in found], axis=0)
    return {**means, "seeds": len(found), "+- between seeds": between.round(2).tolist()}


def mean_links(embeddings: Any, split: Any) -> dict[str, Result]:
    """Judge embeddings by held-out edges: AUC of logistic regression on Hadamard products.

    Parameters
    ----------
    embeddings : ndarray of shape (n_nodes, d) or (n_seeds, n_nodes, d)
    split : EdgeSplit
    """
    from graphembed.evaluation import link_prediction

    found = [
        link_prediction(_precomputed(np.asarray(embedding, dtype=np.float32)), split)
        for embedding in (embeddings[np.newaxis] if embeddings.ndim == 2 else embeddings)
    ]
    auc = [report.auc for report in found]
    results: dict[str, Result] = {
        "AUC": round(float(np.mean(auc)), 4),
        "average precision": round(float(np.mean([each.average_precision for each in found])), 4),
    }
    if len(found) > 1:
        results |= {"seeds": len(found), "+- between seeds": round(float(np.std(auc)), 4)}
    return results


def _precomputed(embedding: Any) -> Any:
    """Return an embedder whose fit returns what was computed elsewhere."""
    from sklearn.base import BaseEstimator

    class Precomputed(BaseEstimator):  # type: ignore[misc]
        def __init__(self, embedding: Any) -> None:
            self.embedding = embedding

        def fit(self, X: Any, y: Any = None) -> Any:  # noqa: ARG002
            self.embedding_ = self.embedding
            return self

    return Precomputed(embedding)
