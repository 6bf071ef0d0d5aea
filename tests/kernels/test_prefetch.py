import numpy as np
from numba import njit

from graphembed.kernels.prefetch import prefetch


@njit
def touch(array, place):
    prefetch(array, place)
    return array[0]


def test_prefetch_changes_nothing_and_never_faults() -> None:
    array = np.arange(5, dtype=np.int32)
    for place in (0, 4, 5, -1, 10**9):
        assert touch(array, place) == 0
    np.testing.assert_array_equal(array, np.arange(5))
