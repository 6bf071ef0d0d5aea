"""A batch of any formula against autograd."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from graphembed.knowledge.complex import ComplExFormula
from graphembed.knowledge.distmult import DistMultFormula
from graphembed.knowledge.individual import _NEGATIVES, IndividualTrainer
from graphembed.knowledge.negatives import corrupt
from graphembed.knowledge.trainer import TripleSettings
from graphembed.knowledge.transh import TransHFormula
from graphembed.training.tiles import derive_key

N_ENTITIES, N_RELATIONS, K = 12, 3, 4
TRIPLES = np.random.default_rng(0).integers(
    0, [N_ENTITIES, N_RELATIONS, N_ENTITIES], size=(300, 3), dtype=np.int64
)
SETTINGS = TripleSettings(
    loss="logistic", n_negatives=K, batch_size=1000, optimizer="adagrad", learning_rate=0.01
)


def distmult(h, r, t):
    return (h * r * t).sum(-1)


def complex_product(h, r, t):
    h, r, t = (torch.complex(*part.chunk(2, -1)) for part in (h, r, t))
    return (h * r * t.conj()).real.sum(-1)


def transh(h, r, t):
    translation, normal = r.chunk(2, -1)
    h, t = (part - (part * normal).sum(-1, keepdim=True) * normal for part in (h, t))
    return -((h + translation - t) ** 2).sum(-1).sqrt()


@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("regularizer", [None, "l2"])
@pytest.mark.parametrize(
    ("formula", "score"),
    [
        (DistMultFormula(8, 0.5), distmult),
        (ComplExFormula(8, 0.5), complex_product),
        (TransHFormula(8), transh),
    ],
)
def test_gradients_are_those_of_autograd(formula, score, regularizer, reciprocal: bool) -> None:
    """After one step Adagrad's state is the square of the gradient."""
    settings = replace(SETTINGS, reciprocal=reciprocal, regularizer=regularizer, regularization=0.1)
    trainer = IndividualTrainer(formula, settings, N_ENTITIES, N_RELATIONS, key=3)
    entities = torch.tensor(trainer.entities, dtype=torch.float64, requires_grad=True)
    relations = torch.tensor(trainer.relations, dtype=torch.float64, requires_grad=True)
    mean = trainer.train_epoch(TRIPLES, 0)

    prepared = trainer._triples
    assert prepared is not None
    rows = prepared.rows.astype(np.int64)
    drawn, heads = corrupt(
        int(derive_key(3, _NEGATIVES, 0)), np.arange(len(rows)), rows, K, n_entities=N_ENTITIES,
        chances=prepared.chances,
    )  # fmt: skip
    h, r, t = torch.tensor(rows).T[:, :, None]
    drawn, heads = torch.tensor(drawn), torch.tensor(heads)
    true = score(entities[h], relations[r], entities[t])
    false = score(
        entities[torch.where(heads, drawn, h)], relations[r], entities[torch.where(heads, t, drawn)]
    )
    softplus = torch.nn.functional.softplus
    loss = softplus(-true).mean() + softplus(false).mean()
    total = loss
    if regularizer is not None:
        parts = entities[h], entities[t], relations[r]
        total = loss + 0.1 * sum((part**2).sum() for part in parts) / len(rows)
    total.backward()
    assert mean == pytest.approx(loss.item(), rel=1e-5)
    for table, exact in ((trainer.entity_table, entities), (trainer.relation_table, relations)):
        grads = np.abs(exact.grad.numpy())
        np.testing.assert_allclose(np.sqrt(table.state), grads, rtol=1e-3, atol=1e-6)
