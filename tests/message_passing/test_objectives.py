"""Losses against formulas written out in numpy."""

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

import graphembed as ge
from graphembed.message_passing.block import Block
from graphembed.message_passing.encoder import Encoder
from graphembed.message_passing.messages import Messages
from graphembed.message_passing.objectives import LOSSES, ClassHead, InfomaxHead, PairHead

# Node 2 is first in three pairs, one of them twice; 7 and 2 are among the negatives, 7 twice.
PAIRS = np.array([[2, 5], [9, 2], [2, 7], [2, 5], [0, 1], [7, 3]])
NEGATIVES = np.array([7, 11, 2, 7, 13])


def softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


def vectors(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((20, 6)).astype(np.float32)


def pair_loss(head: PairHead, Z: np.ndarray, pairs: np.ndarray, negatives: np.ndarray) -> float:
    tensors = (torch.from_numpy(array) for array in (Z, pairs, negatives))
    loss: float = head(*tensors).item()
    return loss


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_pair_loss_is_its_formula(similarity: str, loss: str) -> None:
    Z, head = vectors(), PairHead(similarity, loss, temperature=0.3)
    scores = Z @ Z.T
    if similarity == "cosine":
        lengths = np.linalg.norm(Z, axis=1)
        scores = scores / np.outer(lengths, lengths) / 0.3 + 0.7
        with torch.no_grad():
            head.offset.fill_(0.7)
    losses = []
    for u, v in PAIRS:
        positive, others = scores[u, v], scores[u, NEGATIVES[u != NEGATIVES]]
        if loss == "bce":
            losses.append(softplus(-positive) + softplus(others).mean())
        else:
            losses.append(logsumexp([positive, *others]) - positive)
    found = pair_loss(head, Z, PAIRS, NEGATIVES)
    np.testing.assert_allclose(found, np.mean(losses), rtol=1e-5)


@pytest.mark.parametrize(("loss", "expected"), [("bce", softplus(np.array(-1.0))), ("infonce", 0)])
def test_a_node_is_no_negative_of_itself(loss: str, expected: float) -> None:
    """And where nobody else was drawn there is nothing to tell the pair from."""
    Z = np.array([[1.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    found = pair_loss(PairHead("dot", loss, 1.0), Z, np.array([[0, 1]]), np.array([0, 0]))
    assert found == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_drawn_counts_though_it_is_the_other_end(loss: str) -> None:
    Z, head = vectors(), PairHead("cosine", loss, 0.2)
    pairs = np.array([[0, 1]])
    assert pair_loss(head, Z, pairs, np.array([1, 4])) != pair_loss(head, Z, pairs, np.array([4]))


@pytest.mark.parametrize("loss", LOSSES)
def test_every_pair_counts_alike(loss: str) -> None:
    """Whether its first node has other pairs, or not."""
    Z, head = vectors(1), PairHead("cosine", loss, 0.2)
    alone = [pair_loss(head, Z, pair[None], NEGATIVES) for pair in PAIRS]
    assert pair_loss(head, Z, PAIRS, NEGATIVES) == pytest.approx(np.mean(alone), rel=1e-5)


def test_cosines_have_a_temperature_to_learn_and_products_none() -> None:
    assert {name for name, _ in PairHead("cosine", "bce", 0.2).named_parameters()} == {
        "log_temperature",
        "offset",
    }
    assert not list(PairHead("dot", "bce", 0.2).parameters())


def test_scores_rank_pairs_by_similarity() -> None:
    Z = torch.tensor([[1.0, 0.0], [2.0, 0.1], [0.0, 1.0]])
    scores = PairHead("cosine", "bce", 0.2).scores(Z, torch.tensor([[0, 1], [0, 2]]))
    assert scores[0] > 0.9 > 0.1 > scores[1]


def test_infomax_is_its_formula() -> None:
    rng = np.random.default_rng(0)
    real, shuffled = rng.standard_normal((2, 7, 3)).astype(np.float32)
    head = InfomaxHead(3)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(rng.standard_normal((3, 3))))
    W = head.weight.detach().numpy()
    summary = W @ (1 / (1 + np.exp(-real.mean(axis=0))))
    expected = (softplus(-(real @ summary)).mean() + softplus(shuffled @ summary).mean()) / 2
    found = head(torch.from_numpy(real), torch.from_numpy(shuffled)).item()
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("multilabel", [False, True])
def test_class_loss_is_its_formula(multilabel: bool) -> None:
    rng = np.random.default_rng(0)
    graph = ge.Graph.from_edges([0, 1, 1, 3], [1, 2, 3, 4])
    head = ClassHead(Encoder(4, 0, 3, 1, dropout=0.5), multilabel).eval()
    Z = rng.standard_normal((5, 4)).astype(np.float32)
    scores = head(torch.from_numpy(Z), [Messages.from_block(Block.full(graph))])
    (layer,) = head.layer.layers
    heard, b, own = (p.detach().numpy() for p in layer.parameters())
    A = graph.to_scipy().toarray()
    expected = (A @ Z / A.sum(axis=1, keepdims=True)) @ heard.T + b + Z @ own.T
    np.testing.assert_allclose(scores.detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    if multilabel:
        truth = rng.integers(0, 2, size=(5, 3)).astype(np.float32)
        losses = softplus(expected) - truth * expected
    else:
        truth = rng.integers(0, 3, size=5)
        losses = logsumexp(expected, axis=1) - expected[np.arange(5), truth]
    found = head.loss(scores, torch.from_numpy(truth)).item()
    np.testing.assert_allclose(found, losses.mean(), rtol=1e-4)


def test_dropout_is_of_training_alone() -> None:
    block = Messages.from_block(Block.full(ge.Graph.from_edges([0], [1])))
    head, Z = ClassHead(Encoder(50, 0, 2, 1, dropout=0.5), False), torch.ones(2, 50)
    first, second = (head(Z, [block], torch.Generator().manual_seed(seed)) for seed in (0, 1))
    assert not torch.equal(first, second)
    head.eval()
    assert torch.equal(head(Z, [block]), head(Z, [block]))
