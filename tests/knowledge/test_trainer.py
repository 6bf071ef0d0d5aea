"""Training with shared negatives against autograd, and its invariants."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from graphembed.knowledge import all_models
from graphembed.knowledge.distmult import DistMultFormula
from graphembed.knowledge.known_triples import KnownTriples
from graphembed.knowledge.trainer import TripleSettings, TripleTrainer
from graphembed.knowledge.transe import TransEFormula
from graphembed.knowledge.transh import TransHFormula

N_ENTITIES, N_RELATIONS = 30, 4
TRIPLES = np.random.default_rng(0).integers(
    0, [N_ENTITIES, N_RELATIONS, N_ENTITIES], size=(700, 3), dtype=np.int64
)
SETTINGS = TripleSettings(n_negatives=16, batch_size=200, n_epochs=3)


def make(formula=None, settings=SETTINGS, n_jobs=1, key=5):
    known = KnownTriples(TRIPLES, n_entities=N_ENTITIES, n_relations=N_RELATIONS)
    return TripleTrainer(
        formula or DistMultFormula(8), settings, N_ENTITIES, N_RELATIONS,
        key=key, known=known, n_jobs=n_jobs,
    )  # fmt: skip


def test_first_step_is_that_of_autograd() -> None:
    """All entities are negatives, and a single batch holds everything."""
    settings = replace(SETTINGS, n_negatives=None, batch_size=1000, regularizer="n3",
                       regularization=0.1, learning_rate=0.05)  # fmt: skip
    trainer = make(DistMultFormula(8, 0.5), settings)
    entities = torch.tensor(trainer.entities, dtype=torch.float64, requires_grad=True)
    relations = torch.tensor(trainer.relations, dtype=torch.float64, requires_grad=True)
    h, r, t = torch.tensor(TRIPLES).T
    sources, kinds = torch.cat([h, t]), torch.cat([r, r + N_RELATIONS])
    answers = torch.cat([t, h])
    queries = entities[sources] * relations[kinds]
    loss = torch.nn.functional.cross_entropy(queries @ entities.T, answers)
    rows = (entities[sources], relations[kinds], entities[answers])
    penalty = 0.1 * sum((part.abs() ** 3).sum() for part in rows) / len(answers)
    optimizer = torch.optim.Adagrad([entities, relations], lr=0.05)
    (loss + penalty).backward()
    optimizer.step()
    mean = trainer.train_epoch(TRIPLES, 0)
    assert mean == pytest.approx(loss.item(), rel=1e-5)
    np.testing.assert_allclose(trainer.entities, entities.detach().numpy(), atol=2e-4)
    np.testing.assert_allclose(trainer.relations, relations.detach().numpy(), atol=2e-4)


@pytest.mark.parametrize("name", all_models())
def test_equal_bits_for_any_number_of_threads(name: str) -> None:
    formula = all_models()[name](n_components=8)._formula()
    found = []
    for n_jobs in (1, 2, 3):
        trainer = make(formula, n_jobs=n_jobs)
        losses = [trainer.train_epoch(TRIPLES, epoch) for epoch in range(2)]
        found.append((losses, trainer.entities.tobytes(), trainer.relations.tobytes()))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("name", all_models())
@pytest.mark.parametrize("loss", ["softmax", "margin", "logistic", "self_adversarial"])
def test_loss_falls(name: str, loss: str) -> None:
    formula = all_models()[name](n_components=8)._formula()
    trainer = make(formula, replace(SETTINGS, loss=loss))
    losses = [trainer.train_epoch(TRIPLES, epoch) for epoch in range(8)]
    assert losses[-1] < losses[0]
    assert np.isfinite(trainer.entities).all()


@pytest.mark.parametrize("formula", [TransEFormula(8, 1), TransHFormula(8), DistMultFormula(8)])
def test_without_reciprocal_relations(formula) -> None:
    trainer = make(formula, replace(SETTINGS, reciprocal=False))
    assert len(trainer.relations) == N_RELATIONS
    losses = [trainer.train_epoch(TRIPLES, epoch) for epoch in range(8)]
    assert losses[-1] < losses[0]


def test_filtered_negatives_spare_known_triples() -> None:
    """Where every entity is a true answer, nothing is left to push away."""
    everything = np.stack(
        np.meshgrid(np.arange(4), [0], np.arange(4), indexing="ij"), axis=-1
    ).reshape(-1, 3)
    settings = replace(SETTINGS, filter_negatives=True, n_negatives=None)
    known = KnownTriples(everything, n_entities=4, n_relations=1)
    trainer = TripleTrainer(DistMultFormula(4), settings, 4, 1, key=0, known=known)
    before = trainer.entities.copy()
    assert trainer.train_epoch(everything, 0) == 0
    np.testing.assert_array_equal(trainer.entities, before)


def test_rate_warms_up_and_decays() -> None:
    trainer = make(settings=replace(SETTINGS, warm_up=1.0, decay=True, n_epochs=10))
    rates = [trainer.settings.rate(epochs) for epochs in (0, 0.5, 1, 5, 10)]
    assert rates[0] < rates[1] < rates[2] > rates[3] > rates[4] > 0


def test_no_triples() -> None:
    assert make().train_epoch(TRIPLES[:0], 0) == 0
