import warnings

import numpy as np
import pytest

from graphembed.message_passing.collapse import mean_cosine, warn_of_collapse

RANDOM = np.random.default_rng(0).standard_normal((500, 8)).astype(np.float32)


def test_mean_cosine() -> None:
    assert abs(mean_cosine(RANDOM)) < 0.05
    assert mean_cosine(RANDOM + 100) > 0.99
    assert mean_cosine(np.zeros((3, 2), dtype=np.float32)) == 1


def test_warning_says_what_to_do() -> None:
    with pytest.warns(UserWarning, match=r"collapsed.*0\.9\d|1\.00.*Do this\."):
        warn_of_collapse(RANDOM + 100, 0, "Do this.")


def test_no_warning_of_vectors_that_differ_or_are_few() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_collapse(RANDOM, 0, "")
        warn_of_collapse(RANDOM[:199] + 100, 0, "")
