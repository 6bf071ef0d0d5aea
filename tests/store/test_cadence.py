import numpy as np
import pytest

from graphembed.store import cadence
from graphembed.store.cadence import SHARE, Cadence


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(cadence, "time", made)
    return made


def written_at(every: float, takes: float, clock: Clock) -> list[float]:
    """Return when checkpoints are written in 1,000 steps of a second each."""
    found, times = Cadence(every), []
    for _ in range(1000):
        clock.now += 1
        if found.due():
            times.append(clock.now)
            with found.writing():
                clock.now += takes
    return times


def test_quick_checkpoints_are_as_often_as_is_asked(clock: Clock) -> None:
    times = written_at(60, 0, clock)
    assert times[0] == 60
    assert np.all(np.diff(times) == 60)


def test_slow_checkpoints_take_a_share_of_the_time(clock: Clock) -> None:
    times = written_at(60, 5, clock)
    assert times[0] == 60, "nothing is known of how long they take"
    assert np.all(np.diff(times) == 5 + 5 * SHARE)


def test_zero_seconds_are_all_the_time(clock: Clock) -> None:
    assert len(written_at(0, 5, clock)) == 1000


def test_one_that_fails_is_still_due(clock: Clock) -> None:
    found = Cadence(60)
    clock.now = 60
    with pytest.raises(OSError, match="full"), found.writing():
        raise OSError("full")
    assert found.due()
