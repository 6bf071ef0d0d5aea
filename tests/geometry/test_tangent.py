import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphembed import geometry
from graphembed.exceptions import GraphError


@given(st.lists(st.floats(-14, 14), min_size=3, max_size=3))
def test_there_and_back(v: list[float]) -> None:
    x = geometry.from_tangent(v)
    np.testing.assert_allclose(geometry.to_tangent(x), v, rtol=1e-13, atol=1e-150)
    np.testing.assert_allclose(geometry.radius(x), np.linalg.norm(v), rtol=1e-13, atol=1e-150)


def test_origin() -> None:
    zero = np.zeros((2, 3))
    np.testing.assert_array_equal(geometry.to_tangent(zero), zero)
    np.testing.assert_array_equal(geometry.from_tangent(zero), zero)


def test_refuses_what_would_overflow() -> None:
    for bad in (301.0, np.inf, np.nan):
        with pytest.raises(GraphError, match="at most 300"):
            geometry.from_tangent([[bad]])
