import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from scipy.sparse.csgraph import shortest_path

from graphembed.kernels.hops import hop_counts


@pytest.mark.parametrize("share", [0.01, 0.03, 0.2])
def test_hops_are_those_of_scipy(share):
    matrix = sp.random_array((80, 80), density=share, rng=np.random.default_rng(0)).tocsr()
    wanted = shortest_path(matrix, unweighted=True)
    hops, queue = np.empty((2, 80), dtype=np.int32)
    for source in range(80):
        size = hop_counts(matrix.indptr, matrix.indices, source, hops, queue)
        reached = np.isfinite(wanted[source])
        assert_array_equal(hops, np.where(reached, wanted[source], -1))
        assert set(queue[:size].tolist()) == set(np.flatnonzero(reached).tolist())
        assert (np.diff(hops[queue[:size]]) >= 0).all()
