import numpy as np
import pytest

from graphembed import geometry
from graphembed.exceptions import GraphError


@pytest.mark.parametrize("name", geometry.COORDINATES)
def test_round_trip(name: str) -> None:
    x = np.random.default_rng(0).normal(size=(5, 3)) * 4
    z = geometry.export(x, name)
    assert z.shape == x.shape
    assert z.dtype == np.float64
    assert not np.shares_memory(z, x)
    np.testing.assert_allclose(geometry.parse(z, name), x, rtol=1e-12)


def test_names() -> None:
    for call in (geometry.export, geometry.parse):
        with pytest.raises(GraphError, match="known: poincare, lorentz, tangent"):
            call([[0.0]], "klein")
