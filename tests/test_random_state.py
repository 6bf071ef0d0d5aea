import numpy as np
import pytest

from graphembed.random_state import check_random_state, draw_key


def test_same_seed_same_stream() -> None:
    seeds = [3, np.int64(3), np.random.SeedSequence(3), np.random.default_rng(3)]
    assert len({draw_key(check_random_state(seed)) for seed in seeds}) == 1


def test_legacy_random_state_is_reproducible() -> None:
    keys = [draw_key(check_random_state(np.random.RandomState(1))) for _ in range(2)]
    assert keys[0] == keys[1]


def test_none_is_fresh() -> None:
    assert draw_key(check_random_state(None)) != draw_key(check_random_state(None))


@pytest.mark.parametrize("bad", [-1, 1.5, "1", [1]])
def test_anything_else_is_refused(bad: object) -> None:
    with pytest.raises(ValueError, match=r"random_state must be .*; got"):
        check_random_state(bad)
