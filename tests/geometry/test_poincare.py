import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphembed import geometry
from graphembed.exceptions import GraphError

radii = st.floats(0, 30)


@given(radii, st.integers(1, 5), st.integers(0, 99))
def test_inside_the_ball_and_back(r: float, d: int, seed: int) -> None:
    direction = np.random.default_rng(seed).normal(size=d)
    x = np.sinh(r) * direction / np.linalg.norm(direction)
    p = geometry.to_ball(x)
    assert np.sqrt(np.sum(p * p)) < 1
    back = geometry.from_ball(p)
    np.testing.assert_allclose(back, x, rtol=1e-15 * np.cosh(r) + 1e-14, atol=1e-300)


@pytest.mark.parametrize("r", [50, 300])
def test_far_beyond_its_precision(r: float) -> None:
    p = geometry.to_ball(np.full((1, 3), np.sinh(r)))
    assert np.isfinite(geometry.from_ball(p)).all()


def test_values() -> None:
    with mp.workdps(40):
        expected = [float(mp.tanh(mp.mpf(r) / 2)) for r in (1, 10, 20)]
    found = geometry.to_ball(np.sinh([[1.0], [10.0], [20.0]]))[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_refuses_what_is_not_inside() -> None:
    for bad in (1.0, 1.5, np.nan):
        with pytest.raises(GraphError, match="shorter than 1"):
            geometry.from_ball([[0.0, bad]])
