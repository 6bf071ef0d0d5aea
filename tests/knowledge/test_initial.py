"""First values by rows."""

import numpy as np

from graphembed.knowledge.initial import normal_rows, uniform_rows


def test_rows_are_drawn_by_their_numbers() -> None:
    for draw in (normal_rows, uniform_rows):
        table = draw(3, np.arange(10), 4, 0.1)
        assert table.dtype == np.float32
        np.testing.assert_array_equal(draw(3, np.array([8, 1]), 4, 0.1), table[[8, 1]])
        assert not np.array_equal(draw(4, np.arange(10), 4, 0.1), table)


def test_scales() -> None:
    assert np.abs(uniform_rows(0, np.arange(100), 8, 0.25)).max() <= 0.25
    assert 0.2 < normal_rows(0, np.arange(1000), 8, 0.25).std() < 0.3
