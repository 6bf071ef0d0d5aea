"""The kernels of TransE behind one interface: lock-free, in batches and on a device."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from graphembed.kernels import triple_steps
from graphembed.knowledge import individual_transe
from graphembed.knowledge.individual import IndividualTrainer
from graphembed.knowledge.individual_transe import DISTANCES, METHODS, DeviceSteps, TransESteps
from graphembed.knowledge.interactions import Euclidean, Manhattan
from graphembed.knowledge.trainer import TripleSettings
from graphembed.knowledge.transe import TransEFormula

TRIPLES = np.random.default_rng(0).integers(0, [50, 3, 50], size=(500, 3))
SETTINGS = TripleSettings(
    loss="margin", n_negatives=2, batch_size=120, reciprocal=False, learning_rate=0.05
)


@pytest.fixture
def one_thread() -> Iterator[None]:
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


def make(optimizer: str = "row_adagrad", norm: int = 2, **options) -> IndividualTrainer:
    settings = replace(SETTINGS, optimizer=optimizer)
    return IndividualTrainer(TransEFormula(12, norm), settings, 50, 3, key=5, **options)


def test_numbers_are_those_of_the_kernels() -> None:
    for interaction, number in (
        (Manhattan(), triple_steps.MANHATTAN),
        (Euclidean(), triple_steps.EUCLIDEAN),
        (Euclidean(squared=True), triple_steps.SQUARED),
    ):
        assert DISTANCES[interaction.name] == number
    assert all(getattr(triple_steps, name.upper()) == number for name, number in METHODS.items())


def test_batches_do_not_depend_on_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for rows_block in (4096, 10):
        monkeypatch.setattr(individual_transe, "ROWS_BLOCK", rows_block)
        trainer = make()
        trainer.train_epoch(TRIPLES, 0)
        found.append(trainer.entities.tobytes())
    assert found[0] == found[1]


def test_one_thread_without_locks_is_reproducible() -> None:
    """A single thread goes through the triples in order."""
    found = []
    for _ in range(2):
        trainer = make(reproducible=False, n_jobs=1)
        assert isinstance(trainer._steps, TransESteps)
        assert trainer._steps.lock_free
        found.append((trainer.train_epoch(TRIPLES, 0), trainer.entities.tobytes()))
    assert found[0] == found[1]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("optimizer", METHODS)
@pytest.mark.parametrize("norm", [1, 2])
def test_a_device_learns_the_same(optimizer: str, norm: int) -> None:
    compiled, other = make(optimizer, norm), make(optimizer, norm)
    other._steps = DeviceSteps(
        other.formula, other.settings, other.entity_table, other.relation_table,
        unit_entities=False, device="cpu",
    )  # fmt: skip
    for epoch in range(2):
        losses = [trainer.train_epoch(TRIPLES, epoch) for trainer in (compiled, other)]
        assert losses[0] == pytest.approx(losses[1], rel=0.01)
    # Of sums that cancel, another order leaves another rest, of which Adagrad makes a whole step.
    close = np.isclose(compiled.entities, other.entities, atol=1e-3)
    assert close.mean() > 0.95


def test_a_device_is_chosen_by_name() -> None:
    assert isinstance(make(device="cuda")._steps, DeviceSteps)
    assert isinstance(make(device="cpu")._steps, TransESteps)
