import numpy as np
import pytest

from graphembed.knowledge.losses import LOSSES, Loss, make_loss
from graphembed.testing import reference


def example(n: int, n_negatives: int, scale: float = 3.0, masked: float = 0.2):
    rng = np.random.default_rng(n_negatives)
    positive = (scale * rng.standard_normal(n)).astype(np.float32)
    negative = (scale * rng.standard_normal((n, n_negatives))).astype(np.float32)
    negative[rng.random(negative.shape) < masked] = -np.inf
    return positive, negative


def applied(loss: Loss, positive, negative):
    grads = np.full_like(positive, np.nan), np.full_like(negative, np.nan)
    return loss.apply(positive, negative, *grads), *grads


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("n_negatives", [1, 5, 16, 100])
@pytest.mark.parametrize("scale", [0.1, 3.0, 40.0])
def test_losses_agree_with_the_reference(name: str, n_negatives: int, scale: float) -> None:
    positive, negative = example(20, n_negatives, scale)
    found, _, _ = applied(make_loss(name, margin=2.0, temperature=0.7), positive, negative)
    expected = reference.triple_losses(name, positive, negative, 2.0, 0.7).sum()
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def torch_gradients(name: str, positive, negative, margin: float, temperature: float):
    import torch
    from torch.nn.functional import softplus

    pos = torch.tensor(positive, dtype=torch.float64, requires_grad=True)
    neg = torch.tensor(np.maximum(negative, -1e30), dtype=torch.float64, requires_grad=True)
    mask = torch.tensor(np.isneginf(negative))
    count = (~mask).sum(1).clamp(min=1)
    if name == "softmax":
        both = torch.cat([pos[:, None], neg.masked_fill(mask, -torch.inf)], dim=1)
        loss = torch.logsumexp(both, dim=1) - pos
    elif name == "margin":
        excess = (margin - pos[:, None] + neg).clamp(min=0).masked_fill(mask, 0)
        loss = excess.sum(1) / count
    elif name == "logistic":
        loss = softplus(-pos) + softplus(neg).masked_fill(mask, 0).sum(1) / count
    else:
        weights = torch.softmax(temperature * neg.detach(), dim=1).masked_fill(mask, 0)
        loss = softplus(-pos - margin) + (weights * softplus(neg + margin)).sum(1)
    loss.sum().backward()
    return pos.grad.numpy(), neg.grad.numpy()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("n_negatives", [1, 7, 200])
def test_gradients_agree_with_autograd(name: str, n_negatives: int) -> None:
    positive, negative = example(30, n_negatives)
    _, grad_positive, grad_negative = applied(
        make_loss(name, margin=1.5, temperature=2.0), positive, negative
    )
    expected = torch_gradients(name, positive, negative, 1.5, 2.0)
    np.testing.assert_allclose(grad_positive, expected[0], rtol=1e-5, atol=2e-7)
    np.testing.assert_allclose(grad_negative, expected[1], rtol=1e-5, atol=1e-8)
    assert (grad_negative[np.isneginf(negative)] == 0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_may_be_written_over_scores(name: str) -> None:
    positive, negative = example(9, 33)
    loss = make_loss(name)
    expected = applied(loss, positive, negative)
    grad_positive = np.empty_like(positive)
    assert loss.apply(positive, negative, grad_positive, negative) == expected[0]
    np.testing.assert_array_equal(grad_positive, expected[1])
    np.testing.assert_array_equal(negative, expected[2])


@pytest.mark.parametrize("name", LOSSES)
def test_a_row_without_negatives(name: str) -> None:
    positive = np.array([0.5], dtype=np.float32)
    negative = np.full((1, 20), -np.inf, dtype=np.float32)
    total, grad_positive, grad_negative = applied(make_loss(name), positive, negative)
    expected = {
        "margin": 0.0,
        "softmax": 0.0,
        "logistic": np.log1p(np.exp(-0.5)),
        "self_adversarial": np.log1p(np.exp(-1.5)),
    }
    np.testing.assert_allclose(total, expected[name], rtol=1e-6)
    assert np.isfinite(grad_positive).all()
    assert (grad_negative == 0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_large_scores_do_not_overflow(name: str) -> None:
    positive = np.array([-1e4, 1e4], dtype=np.float32)
    negative = np.array([[1e4, -1e4, 0]] * 2, dtype=np.float32)
    total, *grads = applied(make_loss(name), positive, negative)
    assert np.isfinite(total)
    assert all((np.abs(grad) <= 1).all() for grad in grads)


@pytest.mark.parametrize("name", LOSSES)
def test_nan_is_seen(name: str) -> None:
    positive, negative = example(4, 40)
    negative[2, 3] = np.nan
    assert np.isnan(applied(make_loss(name), positive, negative)[0])


def test_negatives_may_weigh_more() -> None:
    positive, negative = example(6, 12)
    total, grad_positive, grad_negative = applied(make_loss("logistic"), positive, negative)
    heavy = applied(make_loss("logistic", negative_weight=7.0), positive, negative)
    own = np.logaddexp(0, -positive.astype(float)).sum()
    np.testing.assert_allclose(heavy[0] - own, 7 * (total - own), rtol=1e-4)
    np.testing.assert_array_equal(heavy[1], grad_positive)
    np.testing.assert_allclose(heavy[2], 7 * grad_negative, rtol=1e-5)


def test_unknown_losses_are_named() -> None:
    known = "known: logistic, margin, self_adversarial, softmax"
    with pytest.raises(ValueError, match=f"Unknown loss 'hinge' \\({known}\\)"):
        make_loss("hinge")
