"""Weights of a network as numpy arrays by name: what is kept, saved and loaded."""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt


class Weights(dict[str, npt.NDArray[Any]]):
    """Arrays by name; a saved model keeps them in one ``.safetensors`` file.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.message_passing.weights import Weights
    >>> Weights(bias=np.zeros(3, dtype=np.float32))["bias"].shape
    (3,)
    """


def from_module(module: Any) -> Weights:
    """Return copies of the parameters and buffers of a torch module."""
    return Weights(
        (name, tensor.detach().cpu().numpy().copy()) for name, tensor in module.state_dict().items()
    )


def into_module(module: Any, weights: Mapping[str, npt.NDArray[Any]]) -> None:
    """Set the parameters and buffers of a torch module.

    Raises
    ------
    RuntimeError
        If names or shapes are not those of the module.
    """
    import torch

    # Copies: arrays in files are read-only.
    module.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})


def prefixed(prefix: str, weights: Mapping[str, npt.NDArray[Any]]) -> Weights:
    """Return the same arrays under longer names."""
    return Weights((f"{prefix}.{name}", array) for name, array in weights.items())


def part(prefix: str, weights: Mapping[str, npt.NDArray[Any]]) -> Weights:
    """Return the arrays whose names begin with a prefix, under the rest of their names."""
    start = f"{prefix}."
    return Weights(
        (name.removeprefix(start), array)
        for name, array in weights.items()
        if name.startswith(start)
    )
