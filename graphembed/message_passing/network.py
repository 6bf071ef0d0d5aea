"""Networks by their architecture: an encoder, and a head that training needs."""

from typing import Any, TypedDict


class Architecture(TypedDict):
    """All that decides what a network is and whom a node hears, as plain values."""

    n_features: int
    hidden: int
    n_components: int
    n_layers: int
    direction: str
    conv: str
    aggregator: str
    activation: str
    activate_output: bool
    dropout: float
    objective: str
    similarity: str
    loss: str
    temperature: float
    n_classes: int
    multilabel: bool


def build_network(
    architecture: Architecture, seed: int | None = None, *, n_jobs: int | None = -1
) -> Any:
    """Return a ``torch.nn.ModuleDict`` of ``encoder`` and ``head``.

    If classes are told, the last of the layers is the head, and vectors are what comes before it.

    Parameters
    ----------
    architecture : dict
    seed : int, optional
        Of the first weights; without it they are whatever they are, to be overwritten.
    n_jobs : int or None, default=-1
    """
    import torch

    from graphembed.message_passing.encoder import Encoder
    from graphembed.message_passing.layers import reset_parameters

    a = architecture
    # Some layers draw from torch's own generator, which is the user's, before they are reset.
    with torch.random.fork_rng(devices=[]):
        shared: dict[str, Any] = {
            "conv": a["conv"], "aggregator": a["aggregator"], "dropout": a["dropout"],
            "activation": a["activation"], "n_jobs": n_jobs,
        }  # fmt: skip
        classes = a["objective"] == "supervised"
        encoder = Encoder(
            a["n_features"], a["hidden"], a["n_components"], a["n_layers"] - classes,
            activate_output=a["activate_output"], **shared,
        )  # fmt: skip
        head = _head(a, shared)
    generator = torch.Generator().manual_seed(0 if seed is None else seed % 2**63)
    encoder.reset_parameters(generator)
    if a["objective"] in ("supervised", "dgi"):
        reset_parameters(head, generator)
    return torch.nn.ModuleDict({"encoder": encoder, "head": head})


def _head(a: Architecture, shared: dict[str, Any]) -> Any:
    from graphembed.message_passing import objectives
    from graphembed.message_passing.encoder import Encoder

    if a["objective"] == "supervised":
        layer = Encoder(a["n_components"], 0, a["n_classes"], 1, **shared)
        return objectives.ClassHead(layer, a["multilabel"])
    if a["objective"] == "dgi":
        return objectives.InfomaxHead(a["n_components"])
    return objectives.PairHead(a["similarity"], a["loss"], a["temperature"])
