"""First values of parameters: each row depends on the key and its own number, and nothing else."""

import numpy as np
import numpy.typing as npt

from graphembed.kernels.initial import fill_normal, fill_uniform

Rows = npt.NDArray[np.float32]


def uniform_rows(key: int, rows: npt.NDArray[np.int64], width: int, bound: float) -> Rows:
    """Return rows of a table whose entries are uniform in (-bound, bound)."""
    out = np.empty((len(rows), width), dtype=np.float32)
    fill_uniform(np.uint64(key), np.asarray(rows, dtype=np.int64), np.float32(bound), out)
    return out


def normal_rows(key: int, rows: npt.NDArray[np.int64], width: int, scale: float) -> Rows:
    """Return rows of a table whose entries are normal with this standard deviation."""
    out = np.empty((len(rows), width), dtype=np.float32)
    fill_normal(np.uint64(key), np.asarray(rows, dtype=np.int64), np.float32(scale), out)
    return out
