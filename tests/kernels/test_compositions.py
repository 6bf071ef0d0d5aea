import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphembed.kernels.compositions import count_compositions
from graphembed.testing import reference


@given(n=st.integers(1, 8), m=st.integers(1, 4), seed=st.integers(0, 99))
def test_counts_are_those_of_the_twin(n, m, seed):
    rng = np.random.default_rng(seed)
    triples = np.unique(rng.integers(0, [n, m, n], (30, 3)), axis=0)
    heads, relations, tails = np.ascontiguousarray(triples.T)
    sides = []
    for one, other in ((heads, tails), (tails, heads)):
        order = np.lexsort((other, one))
        sides += [np.searchsorted(one[order], np.arange(n + 1)), other[order], relations[order]]
    counts = np.zeros((3, m * m), dtype=np.int64)
    stamp = count_compositions(heads[:4], tails[:4], *sides, m, *counts, 1)
    count_compositions(heads[4:], tails[4:], *sides, m, *counts, stamp)
    closed, covered = reference.compositions(triples, triples, m)
    assert_array_equal(counts[0].reshape(m, m), closed)
    assert_array_equal(counts[1].reshape(m, m), covered)
