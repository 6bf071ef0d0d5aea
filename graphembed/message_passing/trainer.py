"""Epochs of Adam: losses, validations, early stopping, checkpoints."""

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from graphembed.callbacks import progress
from graphembed.exceptions import DivergedError
from graphembed.message_passing import weights as weights_of
from graphembed.message_passing.autograd import torch_threads
from graphembed.message_passing.checkpoint import Checkpoint, State
from graphembed.message_passing.tasks import Task
from graphembed.message_passing.weights import Weights
from graphembed.store.cadence import Cadence
from graphembed.store.pipeline import prefetched
from graphembed.training.tiles import derive_key

LARGEST_NORM = 5.0  # of a gradient; what is longer is shortened
CHECKPOINT_EVERY = 30.0  # seconds of training that a kill may cost
_STEP = 8  # what a key is for


@dataclass(frozen=True)
class EpochEnd:
    """What callbacks are told after each epoch.

    Attributes
    ----------
    epoch : int
        Epochs that are done.
    n_epochs : int
        Epochs that there will be at most.
    loss : float
        Mean over the epoch.
    score : float or None
        Of what is held out, the larger the better: ROC AUC of edges, accuracy or micro-averaged F1
        of labels. None if nothing was scored after this epoch.
    """

    epoch: int
    n_epochs: int
    loss: float
    score: float | None


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how fast.

    Parameters
    ----------
    n_epochs : int
    learning_rate, weight_decay : float
    patience : int or None
        Epochs without a better evaluation before training stops; None never stops.
    every : int
        Epochs between two evaluations.
    by_loss : bool
        Whether the loss of each epoch is what is evaluated, if nothing is held out.
    seed : int
    device : str
    prefetch : bool
        Whether the next batch is made in another thread.
    """

    n_epochs: int
    learning_rate: float
    weight_decay: float
    patience: int | None
    every: int
    by_loss: bool
    seed: int
    device: str
    prefetch: bool


class TrainingRun:
    """Training of a network, which can be interrupted and resumed after any epoch.

    Parameters
    ----------
    network : torch.nn.Module
        With the parts ``encoder`` and ``head``.
    task : Task
    settings : TrainingSettings
    callbacks : sequence of callables
        Each is given an :class:`EpochEnd` after each epoch.
    checkpoint : Checkpoint, optional
    state : State, optional
        Where to go on.

    Attributes
    ----------
    losses : list of float
        Mean loss of each epoch.
    scores : list of (int, float)
        Number of epochs and score, at each evaluation.
    """

    def __init__(
        self, network: nn.ModuleDict, task: Task, settings: TrainingSettings, *,
        callbacks: Sequence[Callable[[EpochEnd], Any]] = (), checkpoint: Checkpoint | None = None,
        state: State | None = None,
    ) -> None:  # fmt: skip
        self._network, self._task, self._settings = network, task, settings
        self._callbacks, self._checkpoint = callbacks, checkpoint
        self._optimizer = _adam(network, settings)
        self.losses: list[float] = []
        self.scores: list[tuple[int, float]] = []
        self._best: Weights | None = None
        self._best_score, self._best_epoch, self._risen = -math.inf, 0, 0
        self._cadence = Cadence(CHECKPOINT_EVERY)
        if state is not None:
            self._go_on(state)

    @property
    def best_epoch(self) -> int:
        """Epochs after which the weights were best; all of them if nothing told."""
        return self._best_epoch if self._best is not None else len(self.losses)

    def weights(self) -> Weights:
        """Return the weights of the best evaluation, else the last."""
        return weights_of.from_module(self._network) if self._best is None else self._best

    def train(self, desc: str) -> None:
        """Train on until the last epoch, or until patience is at its end.

        Raises
        ------
        DivergedError
            If a loss is not finite.
        """
        settings = self._settings
        with torch_threads(1), progress(settings.n_epochs, desc, "epoch") as done:
            done(len(self.losses))
            while len(self.losses) < settings.n_epochs and not self._out_of_patience():
                epoch = len(self.losses)
                loss = self._train_epoch(epoch)
                self.losses.append(loss)
                due = (epoch + 1) % settings.every == 0 or epoch + 1 == settings.n_epochs
                score = self._evaluate() if due else None
                if settings.by_loss and score is None:
                    self._compare(-loss)
                for callback in self._callbacks:
                    callback(EpochEnd(epoch + 1, settings.n_epochs, loss, score))
                self._save()
                done()
                done.describe(self._described(desc))

    def discard(self) -> None:
        """Delete the checkpoint, of which there is no more need."""
        if self._checkpoint is not None:
            self._checkpoint.discard()

    def _train_epoch(self, epoch: int) -> float:
        settings, network = self._settings, self._network
        network.train()
        generator = torch.Generator(settings.device)
        batches = self._task.batches(epoch)
        total, n_done = 0.0, 0
        for number, batch in enumerate(prefetched(batches) if settings.prefetch else batches):
            key = int(derive_key(settings.seed, _STEP, epoch, number))
            generator.manual_seed(key)
            self._optimizer.zero_grad(set_to_none=True)
            with _mixed_precision(settings.device):
                loss = self._task.loss(network, batch, generator)
            value = loss.item()
            if not math.isfinite(value):
                raise DivergedError(
                    f"The loss is {value} in epoch {epoch + 1}. Lower learning_rate="
                    f"{settings.learning_rate:g}, or scale the features, or the weights of edges."
                )
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), LARGEST_NORM)
            self._optimizer.step()
            total, n_done = total + value * batch.size, n_done + batch.size
        return total / max(n_done, 1)

    def _evaluate(self) -> float | None:
        self._network.eval()
        with torch.no_grad():
            score = self._task.score(self._network)
        if score is not None:
            self.scores.append((len(self.losses), score))
            self._compare(score)
        return score

    def _compare(self, score: float) -> None:
        """Keep the weights if none were better: of equal ones those that were trained longer."""
        if score > self._best_score:
            self._risen = len(self.losses)  # patience counts from here, lest it never ends
        if score >= self._best_score:
            self._best = weights_of.from_module(self._network)
            self._best_score, self._best_epoch = score, len(self.losses)

    def _out_of_patience(self) -> bool:
        patience = self._settings.patience
        if patience is None or self._best is None:
            return False
        return len(self.losses) - self._risen >= patience

    def _described(self, desc: str) -> str:
        text = f"{desc}: loss {self.losses[-1]:.4f}"
        return f"{text}, score {self.scores[-1][1]:.3f}" if self.scores else text

    def _save(self) -> None:
        """Write a checkpoint if it is time."""
        if self._checkpoint is not None and self._cadence.due():
            with self._cadence.writing():
                self._checkpoint.write(self._state())

    def _state(self) -> State:
        tensors = weights_of.prefixed("network", weights_of.from_module(self._network))
        for number, moments in self._optimizer.state_dict()["state"].items():
            for name, tensor in moments.items():
                tensors[f"adam.{number}.{name}"] = tensor.cpu().numpy().copy()
        if self._best is not None:
            tensors |= weights_of.prefixed("best", self._best)
        notes = {
            "losses": self.losses, "scores": self.scores, "best_epoch": self._best_epoch,
            "risen": self._risen, "best_score": None if self._best is None else self._best_score,
        }  # fmt: skip
        return State(tensors, notes)

    def _go_on(self, state: State) -> None:
        weights_of.into_module(self._network, weights_of.part("network", state.tensors))
        moments: dict[int, dict[str, Any]] = {}
        for name, array in weights_of.part("adam", state.tensors).items():
            number, _, kind = name.partition(".")
            moments.setdefault(int(number), {})[kind] = torch.tensor(array)
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": moments, "param_groups": groups})
        notes = state.notes
        self.losses = list(notes["losses"])
        self.scores = [(int(epoch), float(score)) for epoch, score in notes["scores"]]
        self._best_epoch, self._risen = notes["best_epoch"], notes["risen"]
        if notes["best_score"] is not None:
            self._best = weights_of.part("best", state.tensors)
            self._best_score = notes["best_score"]


def _adam(network: nn.Module, settings: TrainingSettings) -> torch.optim.Adam:
    parameters = [p for p in network.parameters() if p.requires_grad]
    # Single numbers, the temperature for one, do not decay.
    groups = [
        {"params": [p for p in parameters if p.ndim], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if not p.ndim], "weight_decay": 0.0},
    ]
    return torch.optim.Adam([group for group in groups if group["params"]], settings.learning_rate)


def _mixed_precision(device: str) -> Any:
    kind = torch.device(device).type
    return torch.autocast("cuda", torch.bfloat16) if kind == "cuda" else nullcontext()
