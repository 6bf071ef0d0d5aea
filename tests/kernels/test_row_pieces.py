import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphembed.kernels.row_pieces import gather
from graphembed.testing import reference


@given(st.integers(0, 5), st.integers(0, 5), st.lists(st.integers(0, 12)))
def test_gather(start, n_rows, rows):
    piece = np.arange(n_rows * 3, dtype=np.float32).reshape(n_rows, 3)
    rows, out = np.array(rows, dtype=np.int64), np.full((len(rows), 3), -1, dtype=np.float32)
    wanted = reference.gather_piece(piece, start, rows, out)
    gather(piece, start, rows, out)
    assert_array_equal(out, wanted)
