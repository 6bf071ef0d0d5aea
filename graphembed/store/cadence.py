"""When to write the next checkpoint."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

SHARE = 20  # checkpoints take at most about one part in so many of the time


class Cadence:
    """Checkpoints some seconds apart, and farther apart if they are slow.

    The next one is due when ``every`` seconds have passed since the last, and ``SHARE`` times as
    long as that one took.

    Parameters
    ----------
    every : float
        Seconds of training that a kill may cost; 0 makes a checkpoint due at all times.

    Examples
    --------
    >>> from graphembed.store.cadence import Cadence
    >>> cadence = Cadence(3600)
    >>> cadence.due()
    False
    >>> with cadence.writing():
    ...     pass
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._took, self._last = 0.0, time.monotonic()

    def due(self) -> bool:
        """Return whether it is time for a checkpoint."""
        patience = max(self._every, SHARE * self._took) if self._every else 0.0
        return time.monotonic() - self._last >= patience

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Say that the block writes a checkpoint; one that fails does not count."""
        begin = time.monotonic()
        yield
        self._last = time.monotonic()
        self._took = self._last - begin
