import warnings

import pytest
import torch

from graphembed.message_passing.network import Architecture, build_network
from graphembed.message_passing.weights import from_module, into_module

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import torch_geometric.nn  # noqa: F401


def architecture(**changes: object) -> Architecture:
    plain = {
        "n_features": 4, "hidden": 8, "n_components": 6, "n_layers": 2, "direction": "both",
        "conv": "sage", "aggregator": "mean", "activation": "relu", "activate_output": False,
        "dropout": 0.0, "objective": "walk", "similarity": "cosine", "loss": "bce",
        "temperature": 0.2, "n_classes": 0, "multilabel": False,
    }  # fmt: skip
    return Architecture(**{**plain, **changes})  # type: ignore[typeddict-item]


@pytest.mark.parametrize("objective", ["walk", "edge", "dgi", "supervised"])
@pytest.mark.parametrize("conv", ["sage", "gcn", "gat", "gin"])
def test_weights_come_from_the_seed(conv: str, objective: str) -> None:
    given = architecture(conv=conv, objective=objective, n_classes=3)
    before = torch.random.get_rng_state()
    first, same, other = (
        from_module(build_network(given, seed)) for seed in (2**63 + 5, 2**63 + 5, 1)
    )
    assert torch.equal(torch.random.get_rng_state(), before), "torch's own generator is the user's"
    assert all((first[name] == same[name]).all() for name in first)
    assert any((first[name] != other[name]).any() for name in first)
    loaded = build_network(given)
    into_module(loaded, other)
    assert all((from_module(loaded)[name] == other[name]).all() for name in other)


def test_the_first_temperature_is_the_one_given() -> None:
    head = build_network(architecture(temperature=0.5), 0)["head"]
    assert head.log_temperature.exp().item() == pytest.approx(0.5)


@pytest.mark.parametrize("n_layers", [2, 3])
def test_of_classes_the_last_layer_is_the_head(n_layers: int) -> None:
    network = build_network(
        architecture(
            objective="supervised", n_layers=n_layers, n_classes=5, activate_output=True,
            conv="gat", activation="elu", dropout=0.3,
        ),
        0,
    )  # fmt: skip
    encoder, head = network["encoder"], network["head"]
    assert encoder.widths == [4, *[8] * (n_layers - 2), 6]
    assert head.layer.widths == [6, 5]
    assert not head.multilabel
    assert head.layer.conv == encoder.conv == "gat"
    assert head.layer.dropout == encoder.dropout == 0.3
    assert all(isinstance(each, torch.nn.ELU) for each in encoder.activations)
    assert isinstance(head.layer.activations[0], torch.nn.Identity)
