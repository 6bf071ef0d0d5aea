import numpy as np

from graphembed.kernels.netmf import truncated_log
from graphembed.testing import reference


def test_truncated_log() -> None:
    rng = np.random.default_rng(0)
    tile = np.exp(rng.uniform(-20, 80, size=(37, 53))).astype(np.float32)
    tile[0, :6] = [0, -5, 1, np.nextafter(np.float32(1), np.float32(2)), np.inf, -np.inf]
    expected = reference.truncated_log(np.minimum(tile, 3e38))
    truncated_log(tile)
    np.testing.assert_allclose(tile, expected, rtol=1e-6, atol=1e-9)


def test_close_to_one() -> None:
    """Where most entries of a large graph are: relative errors stay small."""
    tile = np.linspace(1, 1.001, 1000, dtype=np.float32)[None]
    expected = reference.truncated_log(tile)
    truncated_log(tile)
    np.testing.assert_allclose(tile, expected, rtol=1e-6)
