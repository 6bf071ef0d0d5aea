import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graphembed.knowledge.ranks import filtered_ranks
from graphembed.knowledge.training_run import TrainingRun, Validation
from graphembed.knowledge.transe import TransEFormula

TRIPLES = np.array([[0, 0, 1], [1, 0, 2]])


class Toy:
    """A trainer whose tables say how many epochs they have seen."""

    formula = TransEFormula(2)

    def __init__(self):
        self.entities = self.formula.initial_entities(np.arange(5), 0)
        self.relations = self.formula.initial_relations(np.arange(2), 1)
        self.seen = []

    def train_epoch(self, triples, epoch):  # noqa: ARG002
        self.seen.append(epoch)
        self.entities[0, 0] = epoch + 1
        return 1.0 / (epoch + 1)


class Given(Validation):
    """A validation that says what it was told to."""

    def score(self, trainer):
        return SCORES[len(trainer.seen) - 1]


SCORES = [0.1, 0.3, 0.2, 0.3, 0.1, 0.0, 0.9]


def given(**options):
    return Given(TRIPLES, TRIPLES, 5, 1, True, 0, **options)


def test_without_validation_the_last_tables_are_kept():
    run = TrainingRun(Toy())
    run.train(TRIPLES, 3, desc="toy")
    assert run.losses == [1.0, 0.5, pytest.approx(1 / 3)]
    assert run.best_epoch == 3
    assert run.tables()[0] is run.trainer.entities


def test_the_best_tables_are_kept_and_the_first_of_equals():
    run = TrainingRun(Toy())
    run.train(TRIPLES, 6, given(every=1), desc="toy")
    assert run.scores == list(zip(range(1, 7), SCORES[:6], strict=True))
    assert run.best_epoch == 2
    assert run.tables()[0][0, 0] == 2
    assert run.trainer.entities[0, 0] == 6


def test_patience_counts_validations():
    run = TrainingRun(Toy())
    run.train(TRIPLES, 7, given(every=1, patience=3), desc="toy")
    assert len(run.losses) == 5
    patient = TrainingRun(Toy())
    patient.train(TRIPLES, 7, given(every=1, patience=6), desc="toy")
    assert patient.best_epoch == 7


def test_every_so_many_epochs_and_at_the_end():
    run = TrainingRun(Toy())
    run.train(TRIPLES, 7, given(every=3), desc="toy")
    assert [epoch for epoch, _ in run.scores] == [3, 6, 7]


def test_curves_go_on():
    run = TrainingRun(Toy(), [2.0, 1.5], [(2, 0.4)])
    run.train(TRIPLES, 2, given(every=2), desc="toy")
    assert run.losses == [2.0, 1.5, 1.0, 0.5]
    assert run.scores == [(2, 0.4), (4, 0.3)]
    assert run.best_epoch == 4


def test_the_score_is_the_filtered_rank_with_fresh_rows_for_the_unseen():
    trainer = Toy()
    known = np.array([[0, 0, 2]])
    seen = Validation(TRIPLES, known, 5, 1, True, 0)
    ranks = filtered_ranks(trainer.formula, trainer.entities, trainer.relations, TRIPLES, known)
    assert seen.score(trainer) == ranks.mrr
    beyond = Validation(np.array([[5, 1, 6]]), known, 7, 2, True, 0)
    assert 0 < beyond.score(trainer) <= 1
    assert len(trainer.entities) == 5
    assert_array_equal(trainer.relations.shape, (2, 2))
