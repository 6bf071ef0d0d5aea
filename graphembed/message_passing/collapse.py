"""Vectors that all point the same way, and a warning of them."""

import warnings

import numpy as np
import numpy.typing as npt

from graphembed.message_passing.positives import keyed

N_PAIRS = 1000
LARGEST_COSINE = 0.9
FEWEST_NODES = 200  # small graphs may well have nodes that are all alike
_PAIRS = 9  # what a key is for


def mean_cosine(vectors: npt.NDArray[np.float32], seed: int = 0) -> float:
    """Return the mean cosine of 1,000 random pairs of rows; two rows of zeros have a cosine of 1.

    Parameters
    ----------
    vectors : ndarray of shape (n_rows, d)
        At least two rows.
    seed : int, default=0

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.message_passing.collapse import mean_cosine
    >>> round(mean_cosine(np.ones((5, 3), dtype=np.float32)), 6)
    1.0
    """
    rng = keyed(seed, _PAIRS)
    first = rng.integers(len(vectors), size=N_PAIRS)
    second = (first + rng.integers(1, len(vectors), size=N_PAIRS)) % len(vectors)
    u, v = (vectors[rows].astype(np.float64) for rows in (first, second))
    lengths = np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1)
    cosines = np.einsum("ij,ij->i", u, v) / np.maximum(lengths, 1e-30)
    cosines[~(u.any(axis=1) | v.any(axis=1))] = 1
    return float(np.mean(cosines))


def warn_of_collapse(vectors: npt.NDArray[np.float32], seed: int, hint: str) -> None:
    """Warn if the vectors of a graph all point the same way.

    Parameters
    ----------
    vectors : ndarray of shape (n_nodes, d)
        Fewer than 200 rows are not looked at.
    seed : int
    hint : str
        What to do.
    """
    if len(vectors) < FEWEST_NODES:
        return
    cosine = mean_cosine(vectors, seed)
    if cosine > LARGEST_COSINE:
        warnings.warn(
            f"The vectors have collapsed: the mean cosine of random pairs is {cosine:.2f}. {hint}",
            UserWarning,
            stacklevel=4,
        )
