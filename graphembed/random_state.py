"""The one door through which randomness comes in."""

from typing import Any

import numpy as np

RandomStateLike = int | np.integer[Any] | np.random.SeedSequence | np.random.Generator | None


def check_random_state(random_state: Any) -> np.random.Generator:
    """Return a generator for any accepted ``random_state``.

    Parameters
    ----------
    random_state : None, int, SeedSequence, Generator or RandomState
        ``None`` draws fresh entropy; everything else is reproducible.

    Raises
    ------
    ValueError
        If it is something else, or a negative int.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(0, 2**32, size=4, dtype=np.uint32))
    if random_state is None or isinstance(random_state, np.random.SeedSequence):
        return np.random.default_rng(random_state)
    if isinstance(random_state, int | np.integer) and random_state >= 0:
        return np.random.default_rng(int(random_state))
    raise ValueError(
        "random_state must be None, a non-negative int, a numpy SeedSequence, Generator or "
        f"RandomState; got {random_state!r}."
    )


def draw_key(rng: np.random.Generator) -> int:
    """Draw the 64-bit key from which kernels derive all their randomness."""
    return int(rng.integers(0, 2**64, dtype=np.uint64))
