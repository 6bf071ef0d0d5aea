"""Epochs over a task whose optimum is known."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from graphembed.exceptions import DivergedError
from graphembed.message_passing import trainer
from graphembed.message_passing.checkpoint import Checkpoint
from graphembed.message_passing.trainer import EpochEnd, TrainingRun, TrainingSettings

SETTINGS = TrainingSettings(
    n_epochs=12, learning_rate=0.1, weight_decay=0.0, patience=None, every=3, by_loss=False,
    seed=5, device="cpu", prefetch=False,
)  # fmt: skip


@dataclass
class Batch:
    size: int
    target: float


class Toy:
    """Move a number to 1; the score falls again once it is beyond ``best``."""

    def __init__(self, best: float = 10.0) -> None:
        self.best = best

    def batches(self, _: int) -> Iterator[Batch]:
        yield from (Batch(1, 1.0), Batch(3, 1.0))

    def loss(self, network: Any, batch: Batch, generator: torch.Generator) -> Any:
        noise = torch.rand((), generator=generator) * 0.1
        return (network["encoder"].weight - batch.target).square().sum() + noise

    def score(self, network: Any) -> float | None:
        return -abs(network["encoder"].weight.item() - self.best)


class Level(Toy):
    """No evaluation is better than another."""

    def score(self, _: Any) -> float | None:
        return 1.0


def network() -> nn.ModuleDict:
    made = nn.ModuleDict({"encoder": nn.Linear(1, 1, bias=False), "head": nn.Identity()})
    nn.init.zeros_(made["encoder"].weight)
    return made


def run(task: Any = None, **changes: Any) -> TrainingRun:
    own = {"callbacks", "checkpoint", "state"} & set(changes)
    others = {name: changes.pop(name) for name in own}
    return TrainingRun(network(), task or Toy(), replace(SETTINGS, **changes), **others)


@pytest.mark.parametrize("prefetch", [False, True])
def test_losses_fall_and_callbacks_hear_of_it(prefetch: bool) -> None:
    heard: list[EpochEnd] = []
    training = run(prefetch=prefetch, callbacks=[heard.append])
    threads = torch.get_num_threads()
    training.train("toy")
    assert torch.get_num_threads() == threads
    assert len(training.losses) == 12
    assert training.losses[-1] < training.losses[0] / 2
    assert [end.loss for end in heard] == training.losses
    assert [end.epoch for end in heard] == list(range(1, 13))
    assert [end.epoch for end in heard if end.score is not None] == [3, 6, 9, 12]
    assert [epoch for epoch, _ in training.scores] == [3, 6, 9, 12]


def test_the_best_weights_are_kept() -> None:
    training = run(Toy(best=0.5), n_epochs=60, patience=2, every=1)
    training.train("toy")
    best = max(training.scores, key=lambda pair: pair[1])
    assert training.best_epoch == best[0]
    assert len(training.losses) == best[0] + 2
    kept = training.weights()["encoder.weight"].item()
    assert -abs(kept - 0.5) == pytest.approx(best[1])


@pytest.mark.parametrize("every", [1, 5])
def test_patience_is_of_epochs_since_the_best_evaluation(every: int) -> None:
    """Whether there was an evaluation in each of them, or not."""
    falls = run(Toy(best=-1.0), n_epochs=100, patience=12, every=every, learning_rate=0.001)
    falls.train("toy")
    assert falls.best_epoch == every, "the first evaluation"
    assert len(falls.losses) == every + 12
    endless = run(Toy(best=-1.0), n_epochs=40, patience=None, every=every, learning_rate=0.001)
    endless.train("toy")
    assert len(endless.losses) == 40
    assert endless.best_epoch == every


def test_of_equal_scores_the_last_is_kept_but_patience_ends() -> None:
    training = run(Level(), n_epochs=8, patience=3, every=1)
    training.train("toy")
    assert (training.best_epoch, len(training.losses)) == (4, 4)


def test_without_any_evaluation_there_is_no_patience() -> None:
    class Unscored(Toy):
        def score(self, _: Any) -> float | None:
            return None

    training = run(Unscored(), patience=1, every=1)
    training.train("toy")
    assert len(training.losses) == training.best_epoch == 12


def test_losses_decide_where_nothing_is_held_out() -> None:
    class Unscored(Toy):
        def score(self, _: Any) -> float | None:
            return None

    training = run(Unscored(), n_epochs=500, patience=10, by_loss=True)
    training.train("toy")
    assert not training.scores
    assert len(training.losses) < 500
    assert training.best_epoch == 1 + int(np.argmin(training.losses)) == len(training.losses) - 10


def test_a_loss_that_is_not_finite_stops_training() -> None:
    class Diverges(Toy):
        def loss(self, network: Any, batch: Batch, generator: torch.Generator) -> Any:
            return super().loss(network, batch, generator) * np.inf

    with pytest.raises(DivergedError, match=r"inf in epoch 1.*learning_rate=0\.1"):
        run(Diverges()).train("toy")


class KilledError(Exception):
    pass


@pytest.mark.parametrize(
    ("task", "at"), [(Toy(0.9), 1), (Toy(0.9), 4), (Toy(0.9), 7), (Level(), 4)]
)
def test_resumed_is_never_interrupted(
    task: Toy, at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "CHECKPOINT_EVERY", 0.0)

    def kill(end: EpochEnd) -> None:
        if end.epoch == at + 1:
            raise KilledError

    options: dict[str, Any] = {"task": task, "n_epochs": 30, "patience": 4, "every": 2}
    whole = run(**options)
    whole.train("toy")
    checkpoint = Checkpoint(tmp_path, {"seed": 5})
    with pytest.raises(KilledError):
        run(**options, callbacks=[kill], checkpoint=checkpoint).train("toy")
    state = checkpoint.read(resume=True)
    assert state is not None
    assert len(state.notes["losses"]) == at
    assert len(whole.losses) > at
    resumed = run(**options, checkpoint=checkpoint, state=state)
    resumed.train("toy")
    assert resumed.losses == whole.losses
    assert resumed.scores == whole.scores
    assert resumed.best_epoch == whole.best_epoch
    assert resumed.weights()["encoder.weight"] == whole.weights()["encoder.weight"]
    resumed.discard()
    assert not list(tmp_path.iterdir())


def test_single_numbers_do_not_decay() -> None:
    made = nn.ModuleDict({"encoder": nn.Linear(1, 1, bias=False), "head": nn.Module()})
    made["head"].temperature = nn.Parameter(torch.tensor(3.0))

    class Idle(Toy):
        def loss(self, network: Any, *_: Any) -> Any:
            return network["encoder"].weight.sum() * 0 + network["head"].temperature * 0

    before = made["encoder"].weight.item()
    TrainingRun(made, Idle(), replace(SETTINGS, weight_decay=0.1)).train("toy")
    assert made["head"].temperature.item() == 3.0
    assert abs(made["encoder"].weight.item()) < abs(before)
