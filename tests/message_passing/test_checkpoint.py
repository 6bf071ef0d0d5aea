from pathlib import Path

import numpy as np
import pytest

import graphembed as ge
from graphembed.message_passing.checkpoint import NAME, Checkpoint, State, begun_seed
from graphembed.message_passing.weights import Weights

STATE = State(Weights(a=np.arange(3, dtype=np.float32)), {"losses": [0.5]})
SETTINGS = {"seed": 7, "fanout": (25, 10)}


def test_round_trip(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, SETTINGS)
    assert checkpoint.read(resume=True) is None
    assert begun_seed(tmp_path) is None
    checkpoint.write(STATE)
    found = checkpoint.read(resume=True)
    assert found is not None
    np.testing.assert_array_equal(found.tensors["a"], STATE.tensors["a"])
    assert found.notes == STATE.notes
    assert begun_seed(tmp_path) == 7
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    checkpoint.discard()
    assert not list(tmp_path.iterdir())


def test_a_run_is_not_overwritten_unasked(tmp_path: Path) -> None:
    Checkpoint(tmp_path, SETTINGS).write(STATE)
    with pytest.raises(ge.exceptions.StoreError, match="resume=True"):
        Checkpoint(tmp_path, SETTINGS).read(resume=False)


def test_another_run_is_told_apart(tmp_path: Path) -> None:
    Checkpoint(tmp_path, SETTINGS).write(STATE)
    with pytest.raises(ge.exceptions.StoreError, match="another one: seed differ"):
        Checkpoint(tmp_path, {**SETTINGS, "seed": 8}).read(resume=True)
    with pytest.raises(ge.exceptions.StoreError, match="another one: fanout, loss differ"):
        Checkpoint(tmp_path, {**SETTINGS, "fanout": (25, 9), "loss": "bce"}).read(resume=True)


@pytest.mark.parametrize("n_bytes", [0, 20, -1])
def test_damage_is_noticed(tmp_path: Path, n_bytes: int) -> None:
    Checkpoint(tmp_path, SETTINGS).write(STATE)
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(ge.exceptions.StoreError, match="damaged"):
        Checkpoint(tmp_path, SETTINGS).read(resume=True)
