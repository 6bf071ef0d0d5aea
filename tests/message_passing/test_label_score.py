import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from graphembed.message_passing.label_score import label_score

SCORES = np.random.default_rng(0).standard_normal((40, 4))


def test_accuracy() -> None:
    truth = np.arange(40) % 4
    assert label_score(SCORES, truth) == accuracy_score(truth, SCORES.argmax(axis=1))


def test_micro_f1() -> None:
    truth = np.random.default_rng(1).integers(0, 2, size=(40, 4))
    expected = f1_score(truth, SCORES > 0, average="micro")
    assert label_score(SCORES, truth) == pytest.approx(expected)
    assert label_score(-np.ones((3, 2)), np.zeros((3, 2))) == 0
