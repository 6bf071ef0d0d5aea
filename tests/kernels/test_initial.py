"""First values depend on the key and the number of the row, and have the distribution promised."""

import numpy as np
from scipy import stats

from graphembed.kernels.initial import fill_normal, fill_uniform


def rows_of(fill, rows, width, scale=0.5):
    out = np.empty((len(rows), width), dtype=np.float32)
    fill(np.uint64(7), np.asarray(rows, dtype=np.int64), np.float32(scale), out)
    return out


def test_rows_do_not_depend_on_each_other() -> None:
    for fill in (fill_uniform, fill_normal):
        together = rows_of(fill, np.arange(20), 5)
        np.testing.assert_array_equal(rows_of(fill, [13, 2], 5), together[[13, 2]])


def test_uniform() -> None:
    values = rows_of(fill_uniform, np.arange(500), 40).ravel() / 0.5
    assert stats.kstest(values, "uniform", args=(-1, 2)).pvalue > 1e-3


def test_normal_also_with_odd_width() -> None:
    values = rows_of(fill_normal, np.arange(500), 41).ravel() / 0.5
    assert stats.kstest(values, "norm").pvalue > 1e-3
    first, second = rows_of(fill_normal, np.arange(2000), 2).T
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1
