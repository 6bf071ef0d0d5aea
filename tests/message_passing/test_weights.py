import numpy as np
import torch

from graphembed.message_passing import weights as weights_of
from graphembed.message_passing.weights import Weights


def test_round_trip_through_arrays() -> None:
    module, other = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    weights = weights_of.from_module(module)
    for array in weights.values():
        array.flags.writeable = False
    weights_of.into_module(other, weights)
    assert torch.equal(module.weight, other.weight)
    with torch.no_grad():
        module.weight.zero_()
    assert weights["weight"].any(), "copies, not views"


def test_prefixes() -> None:
    one, two = (Weights(a=np.full(2, value)) for value in (1, 2))
    both = weights_of.prefixed("one", one) | weights_of.prefixed("two", two)
    assert sorted(both) == ["one.a", "two.a"]
    assert weights_of.part("two", both)["a"].tolist() == [2, 2]
