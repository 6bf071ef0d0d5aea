"""One file, one algorithm; this listing is the registry."""

from graphembed.embedders.deepwalk import DeepWalk
from graphembed.embedders.fastrp import FastRP
from graphembed.embedders.graphsage import GraphSAGE
from graphembed.embedders.hmds import HyperbolicMDS
from graphembed.embedders.line import LINE
from graphembed.embedders.lorentz import LorentzEmbedding
from graphembed.embedders.netmf import NetMF
from graphembed.embedders.node2vec import Node2Vec
from graphembed.embedders.poincare import PoincareEmbedding
from graphembed.embedders.prone import ProNE
from graphembed.embedders.spectral import Spectral
from graphembed.embedders.tree import TreeEmbedding

__all__ = [
    "LINE",
    "DeepWalk",
    "FastRP",
    "GraphSAGE",
    "HyperbolicMDS",
    "LorentzEmbedding",
    "NetMF",
    "Node2Vec",
    "PoincareEmbedding",
    "ProNE",
    "Spectral",
    "TreeEmbedding",
    "all_embedders",
]


def all_embedders() -> dict[str, type]:
    """Return every registered embedder class by name.

    Examples
    --------
    >>> from graphembed.embedders import all_embedders
    >>> "FastRP" in all_embedders()
    True
    """
    return {name: globals()[name] for name in __all__ if name != "all_embedders"}
