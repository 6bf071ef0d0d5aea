import json

import numpy as np
import pytest

from graphembed.evaluation.triple_classification import _best_threshold, classify_triples
from graphembed.exceptions import NonFiniteScoresError
from graphembed.knowledge.answers import Model
from graphembed.knowledge.distmult import DistMultFormula
from graphembed.knowledge.transe import TransE

# Entity i has the value i; DistMult scores a triple by the product of its ends.
TABLES = Model(
    DistMultFormula(1),
    np.arange(10, dtype=np.float32)[:, None],
    np.float32([[1], [-1], [1]]),
    reciprocal=False,
)
HIGH, LOW = [(2, 0, 3), (2, 0, 4)], [(1, 0, 2), (1, 0, 3)]
FLIPPED_HIGH, FLIPPED_LOW = [(2, 1, 3), (2, 1, 4)], [(1, 1, 2), (1, 1, 1)]


def test_each_relation_has_its_own_threshold():
    triples = HIGH + LOW + FLIPPED_HIGH + FLIPPED_LOW
    labels = [1, 1, 0, 0, 0, 0, 1, 1]
    report = classify_triples(
        TABLES, triples, triples, validation_labels=labels, test_labels=labels
    )
    assert report.accuracy == 1
    assert report.relations == (0, 1)
    assert report.thresholds.tolist() == [4.5, -4]
    assert (report.n_true, report.n_false) == (4, 4)
    assert report.counts.tolist() == [4, 4]


def test_a_relation_without_validation_takes_the_common_threshold():
    report = classify_triples(
        TABLES, HIGH + LOW, [(3, 2, 3), (1, 2, 1), (2, 0, 2)],
        validation_labels=[1, 1, 0, 0], test_labels=[1, 0, 1],
    )  # fmt: skip
    assert report.thresholds.tolist() == [4.5, 4.5]
    assert report.accuracies.tolist() == [0, 1]


def test_false_triples_are_drawn_and_never_known():
    rng = np.random.default_rng(0)
    train, valid, test = (rng.integers(0, [20, 2, 20], (n, 3)) for n in (150, 50, 50))
    model = TransE(n_components=4, n_epochs=2, random_state=0).fit(train)
    one, same, other = (
        classify_triples(model, valid, test, random_state=seed) for seed in (0, 0, 1)
    )
    assert one.n_true == one.n_false == 50
    assert one.to_dict() == same.to_dict()
    assert one.to_dict() != other.to_dict()
    assert 0.3 < one.accuracy < 0.8


def test_where_nothing_can_be_false():
    everything = [(h, 0, t) for h in range(2) for t in range(2)]
    model = TransE(n_components=2, n_epochs=1, random_state=0).fit(everything)
    with pytest.raises(ValueError, match="could be false is known to be true"):
        classify_triples(model, everything, everything)


@pytest.mark.parametrize(
    ("scores", "truth", "bar"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], 2.5),
        ([1, 2, 3], [1, 1, 1], 1),
        ([1, 2, 3], [0, 0, 0], np.nextafter(3, np.inf)),
        ([5, 5, 5], [1, 0, 1], 5),
        ([1, 1, 2, 2], [0, 0, 0, 1], 1.5),
    ],
)
def test_thresholds(scores, truth, bar):
    assert _best_threshold(np.float32(scores), np.array(truth, dtype=bool)) == bar


def test_exports():
    labels = [1, 1, 0, 0]
    report = classify_triples(
        TABLES, HIGH + LOW, HIGH + LOW, validation_labels=labels, test_labels=labels
    )
    assert json.loads(report.to_json())["relations"][0]["threshold"] == 4.5
    assert report.to_frame().accuracy.tolist() == [1]
    assert str(report).splitlines() == [
        "accuracy  roc_auc  n_true  n_false", "1.0000    1.0000   2       2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test_labels": [1]}, "test_labels must be 2 values of 0 and 1"),
        ({"test_labels": [1, 2]}, "test_labels must be 2 values of 0 and 1"),
        ({"validation_labels": [1, 1]}, "validation_labels are all the same"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        classify_triples(TABLES, HIGH, LOW, **options)
    with pytest.raises(ValueError, match="The test set holds no triples"):
        classify_triples(TABLES, HIGH, np.empty((0, 3), dtype=np.int64))


def test_what_diverged_is_an_error():
    broken = Model(
        TABLES.formula, np.full((10, 1), np.nan, dtype=np.float32), TABLES.relations, False
    )
    with pytest.raises(NonFiniteScoresError):
        classify_triples(broken, HIGH, LOW)
