"""Training with negatives of each triple's own: both ways through, and what they promise."""

from dataclasses import replace

import numpy as np
import pytest

from graphembed.knowledge import all_models
from graphembed.knowledge.distmult import DistMultFormula
from graphembed.knowledge.individual import IndividualTrainer
from graphembed.knowledge.individual_pairs import PairSteps
from graphembed.knowledge.interactions import Euclidean
from graphembed.knowledge.known_triples import KnownTriples
from graphembed.knowledge.trainer import TripleSettings
from graphembed.knowledge.transe import TransEFormula

N_ENTITIES, N_RELATIONS = 30, 4
TRIPLES = np.random.default_rng(0).integers(
    0, [N_ENTITIES, N_RELATIONS, N_ENTITIES], size=(700, 3), dtype=np.int64
)
SETTINGS = TripleSettings(
    loss="margin", n_negatives=3, batch_size=300, reciprocal=False, learning_rate=0.05,
    optimizer="row_adagrad",
)  # fmt: skip


def make(formula=None, settings=SETTINGS, **options):
    formula = formula or TransEFormula(20)
    return IndividualTrainer(formula, settings, N_ENTITIES, N_RELATIONS, key=5, **options)


def train(trainer, n_epochs=6):
    return [trainer.train_epoch(TRIPLES, epoch) for epoch in range(n_epochs)]


def pairwise(trainer):
    """Return the trainer without TransE's kernels."""
    trainer._steps = PairSteps(
        trainer.formula, trainer.settings, trainer.entity_table, trainer.relation_table,
        known=None, unit_entities=False, n_jobs=1,
    )  # fmt: skip
    return trainer


def squared():
    formula = TransEFormula(20)
    formula.interaction = Euclidean(squared=True)
    return formula


@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("formula", [TransEFormula(20, 1), TransEFormula(20, 2), squared()])
def test_kernels_of_transe_are_the_pairs_of_any_formula(formula, reciprocal: bool) -> None:
    settings = replace(SETTINGS, reciprocal=reciprocal)
    fused, pairs = make(formula, settings), pairwise(make(formula, settings))
    assert fused.fused
    assert train(fused, 2) == pytest.approx(train(pairs, 2), rel=1e-4)
    np.testing.assert_allclose(fused.entities, pairs.entities, atol=1e-4)
    np.testing.assert_allclose(fused.relations, pairs.relations, atol=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "row_adagrad", "adam"])
@pytest.mark.parametrize("formula", [TransEFormula(20, 1), TransEFormula(20, 2)])
def test_equal_bits_of_transe_for_any_number_of_threads(formula, optimizer: str) -> None:
    found = []
    for n_jobs in (1, 2, 3):
        trainer = make(formula, replace(SETTINGS, optimizer=optimizer), n_jobs=n_jobs)
        found.append((train(trainer, 2), trainer.entities.tobytes(), trainer.relations.tobytes()))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("name", all_models())
def test_every_model_learns(name: str) -> None:
    formula = all_models()[name](n_components=8)._formula()
    settings = replace(SETTINGS, loss="logistic", reciprocal=formula.reciprocal_only)
    found = []
    for n_jobs in (1, 2):
        trainer = make(formula, settings, n_jobs=n_jobs)
        assert not trainer.fused
        losses = train(trainer)
        assert losses[-1] < losses[0]
        found.append((losses, trainer.entities.tobytes(), trainer.relations.tobytes()))
    assert found[0] == found[1]


@pytest.mark.parametrize("loss", ["margin", "logistic", "softmax", "self_adversarial"])
@pytest.mark.parametrize("reciprocal", [False, True])
def test_losses(loss: str, reciprocal: bool) -> None:
    settings = replace(SETTINGS, loss=loss, reciprocal=reciprocal, optimizer="adagrad")
    losses = train(make(DistMultFormula(8), settings))
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "row_adagrad"])
@pytest.mark.parametrize("norm", [1, 2])
def test_lock_free(optimizer: str, norm: int) -> None:
    settings = replace(SETTINGS, optimizer=optimizer, learning_rate=0.03)
    trainer = make(TransEFormula(20, norm), settings, reproducible=False, n_jobs=2)
    losses = train(trainer, 20)
    assert losses[-1] < 0.9 * losses[0]
    batches = make(TransEFormula(20, norm), settings)
    before = batches.entities.copy()
    train(batches, 1)
    assert not np.array_equal(trainer.entities, batches.entities)
    assert not np.array_equal(before, batches.entities)


def test_adam_is_never_lock_free() -> None:
    settings = replace(SETTINGS, optimizer="adam")
    found = [train(make(settings=settings, reproducible=flag)) for flag in (True, False)]
    assert found[0] == found[1]


def test_dense_adam_has_no_kernel() -> None:
    trainer = make(settings=replace(SETTINGS, optimizer="dense_adam", learning_rate=0.01))
    assert not trainer.fused
    losses = train(trainer)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("negatives", ["uniform", "bernoulli"])
def test_a_line_is_learned(negatives: str) -> None:
    """Three relations lead one, two and three places on."""
    n = 40
    line = np.array([(i, s, i + s + 1) for i in range(n) for s in range(3) if i + s + 1 < n])
    settings = replace(SETTINGS, margin=0.5, learning_rate=0.1, n_negatives=8, batch_size=30)
    trainer = IndividualTrainer(TransEFormula(16), settings, n, 3, key=1, negatives=negatives)
    for epoch in range(300):
        trainer.train_epoch(line, epoch)
    moved = trainer.entities[line[:, 0]] + trainer.relations[line[:, 1]]
    distances = np.linalg.norm(moved[:, None] - trainer.entities, axis=2)
    ranks = (distances < distances[np.arange(len(line)), line[:, 2], None]).sum(1)
    assert np.mean(ranks) < 3


@pytest.mark.parametrize("pairs", [False, True])
def test_unit_entities(pairs: bool) -> None:
    loss = "logistic" if pairs else "margin"
    trainer = make(settings=replace(SETTINGS, loss=loss), unit_entities=True)
    train(trainer, 2)
    np.testing.assert_allclose(np.linalg.norm(trainer.entities, axis=1), 1, rtol=1e-5)


def test_filtered_negatives_spare_known_triples() -> None:
    """Where every triple is true, nothing is left to push away."""
    everything = np.stack(
        np.meshgrid(np.arange(4), [0], np.arange(4), indexing="ij"), axis=-1
    ).reshape(-1, 3)
    known = KnownTriples(everything, n_entities=4, n_relations=1)
    for reciprocal in (False, True):
        settings = replace(SETTINGS, filter_negatives=True, reciprocal=reciprocal)
        trainer = IndividualTrainer(TransEFormula(4), settings, 4, 1, key=0, known=known)
        assert trainer.train_epoch(everything, 0) == 0
        one = KnownTriples(everything[:1], n_entities=4, n_relations=1)
        trainer = IndividualTrainer(TransEFormula(4), settings, 4, 1, key=0, known=one)
        assert trainer.train_epoch(everything, 0) > 0


def test_regularizer_draws_rows_in() -> None:
    sizes = []
    for weight in (0.0, 0.5):
        settings = replace(SETTINGS, regularizer="l2", regularization=weight)
        trainer = make(DistMultFormula(8, 0.5), settings)
        train(trainer, 10)
        sizes.append(np.abs(trainer.entities).mean())
    assert sizes[1] < sizes[0]


def test_warm_up_and_decay() -> None:
    """The first step of a long warm-up is next to none; so is the last of a decay."""
    start = make().entities.copy()
    for settings, epoch in (
        (replace(SETTINGS, warm_up=1000.0, batch_size=700), 0),
        (replace(SETTINGS, decay=True, n_epochs=10, batch_size=700), 10),
    ):
        trainer = make(settings=settings)
        trainer.train_epoch(TRIPLES, epoch)
        moved = np.abs(trainer.entities - start).max()
        assert 0 < moved < 1e-3


def test_other_triples_may_follow() -> None:
    trainer, other = make(), make()
    trainer.train_epoch(TRIPLES[:100].copy(), 0)
    assert trainer.train_epoch(TRIPLES, 1) != pytest.approx(other.train_epoch(TRIPLES, 1), rel=1e-6)
    assert trainer.train_epoch(TRIPLES[:0], 2) == 0


def test_divergence_is_an_error() -> None:
    settings = replace(SETTINGS, optimizer="sgd", learning_rate=1e30, margin=100.0)
    formula = squared()
    for reproducible in (True, False):
        trainer = make(formula, settings, reproducible=reproducible)
        with pytest.raises(FloatingPointError, match="Lower the learning rate"):
            train(trainer, 20)


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({}, {"negatives": "shared"}, "Unknown negatives 'shared'"),
        ({"n_negatives": None}, {}, "n_negatives"),
        ({"n_negatives": 0}, {}, "n_negatives"),
        ({"optimizer": "adamax"}, {}, "known: row_adagrad"),
        ({"optimizer": "sgd", "loss": "logistic"}, {}, "known: row_adagrad"),
    ],
)
def test_errors(changes, options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(settings=replace(SETTINGS, **changes), **options)


def test_one_entity_is_too_few() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        IndividualTrainer(TransEFormula(4), SETTINGS, 1, 1, key=0)
