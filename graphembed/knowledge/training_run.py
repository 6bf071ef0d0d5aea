"""A run of training: epochs, validations, and the tables that were best."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from graphembed.callbacks import progress
from graphembed.knowledge.formula import Formula, Rows
from graphembed.knowledge.growing import grow_tables
from graphembed.knowledge.ranks import filtered_ranks
from graphembed.knowledge.trainer import TripleSettings

Ids = npt.NDArray[np.int64]


class Trainer(Protocol):
    """What trains the tables of a model, an epoch at a time."""

    formula: Formula
    settings: TripleSettings

    @property
    def entities(self) -> Rows:
        """The table of entities."""

    @property
    def relations(self) -> Rows:
        """The table of relations, inverses included."""

    def train_epoch(self, triples: Ids, epoch: int) -> float:
        """Train on every triple once; return the mean loss."""


@dataclass(frozen=True, eq=False)
class Validation:
    """Triples that tell how good a model is while it is trained.

    Parameters
    ----------
    triples : ndarray of shape (n_triples, 3), int64
        Rows; those behind the tables of the trainer are entities and relations that it does not
        have. They are ranked with fresh rows.
    known : ndarray of shape (n_known, 3), int64
        Triples that are filtered, beside the validation triples themselves.
    n_entities, n_relations : int
        With the new ones.
    reciprocal : bool
    key : int
        Where the fresh rows come from.
    every : int
        Epochs between two validations.
    patience : int or None
        Validations without a better one before training stops.
    n_jobs : int or None
    """

    triples: Ids
    known: Ids
    n_entities: int
    n_relations: int
    reciprocal: bool
    key: int
    every: int = 5
    patience: int | None = None
    n_jobs: int | None = -1

    def score(self, trainer: Trainer) -> float:
        """Return the filtered mean reciprocal rank, over both sides."""
        entities, relations = grow_tables(
            trainer.formula, trainer.entities, trainer.relations, self.n_entities,
            self.n_relations, reciprocal=self.reciprocal, key=self.key,
        )  # fmt: skip
        ranks = filtered_ranks(
            trainer.formula, entities, relations, self.triples, self.known,
            reciprocal=self.reciprocal, n_jobs=self.n_jobs,
        )  # fmt: skip
        return float(ranks.mrr)


class TrainingRun:
    """Epochs of a trainer, with what they left.

    Parameters
    ----------
    trainer : Trainer
    losses : list of float, optional
        Of the epochs before this run; continued.
    scores : list of (int, float), optional
        Of the validations before this run; continued.

    Attributes
    ----------
    losses : list of float
        Mean loss of each epoch.
    scores : list of (int, float)
        Number of epochs and mean reciprocal rank, at each validation.
    """

    def __init__(
        self,
        trainer: Trainer,
        losses: list[float] | None = None,
        scores: list[tuple[int, float]] | None = None,
    ) -> None:
        self.trainer = trainer
        self.losses, self.scores = losses or [], scores or []
        self._best_score = -np.inf
        self._best: tuple[Rows, Rows] | None = None
        self._best_epoch = 0
        self._without_better = 0

    def train(
        self, triples: Ids, n_epochs: int, validation: Validation | None = None, *, desc: str
    ) -> None:
        """Train, and stop when validation has not become better for a while.

        An interrupt may come at any time: :meth:`tables` are usable then.

        Parameters
        ----------
        triples : ndarray of shape (n_triples, 3), int64
        n_epochs : int
        validation : Validation, optional
        desc : str
            What the progress bar says.
        """
        with progress(n_epochs, desc, "epoch") as done:
            for epoch in range(n_epochs):
                self.losses.append(float(self.trainer.train_epoch(triples, epoch)))
                if validation is not None:
                    due = (epoch + 1) % validation.every == 0 or epoch + 1 == n_epochs
                    if due and self._validate(validation):
                        break
                done()
                done.describe(self._described(desc))

    @property
    def best_epoch(self) -> int:
        """The number of epochs after which the tables were best, by validation; else of all."""
        return len(self.losses) if self._best is None else self._best_epoch

    def tables(self) -> tuple[Rows, Rows]:
        """Return the tables of entities and relations of the best validation, else the last."""
        return (self.trainer.entities, self.trainer.relations) if self._best is None else self._best

    def _validate(self, validation: Validation) -> bool:
        """Keep the tables if they are better; return whether it is time to stop."""
        score = validation.score(self.trainer)
        self.scores.append((len(self.losses), score))
        if score > self._best_score:
            self._best = (self.trainer.entities.copy(), self.trainer.relations.copy())
            self._best_score, self._best_epoch = score, len(self.losses)
            self._without_better = 0
        else:
            self._without_better += 1
        return validation.patience is not None and self._without_better >= validation.patience

    def _described(self, desc: str) -> str:
        text = f"{desc}: loss {self.losses[-1]:.4f}"
        return f"{text}, MRR {self.scores[-1][1]:.3f}" if self.scores else text
