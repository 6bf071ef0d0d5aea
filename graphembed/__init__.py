"""Graph embeddings: a graph goes in, vectors come out.

>>> import graphembed as ge
>>> graph = ge.datasets.load("karate").graph
>>> vectors = ge.FastRP(n_components=32, random_state=0).fit_transform(graph)
>>> vectors.shape
(34, 32)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphembed import (
        datasets,
        evaluation,
        heuristics,
        kernels,
        model_selection,
        plot,
        store,
        testing,
    )
    from graphembed.compose import EdgeFeatures, NodeFeatures, SpectralPropagation
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
    from graphembed.evaluation.compare import Comparison, compare
    from graphembed.graph.files import read_edges
    from graphembed.graph.graph import Graph
    from graphembed.graph.ids import NodeIndex
    from graphembed.graph.splits import EdgeSplit, split_edges
    from graphembed.heuristics.katz import Katz
    from graphembed.heuristics.neighborhood import (
        AdamicAdar,
        CommonNeighbors,
        Jaccard,
        PreferentialAttachment,
        ResourceAllocation,
    )
    from graphembed.heuristics.pagerank import PersonalizedPageRank
    from graphembed.link_predictor import LinkPredictor
    from graphembed.message_passing.sampler import NeighborSampler
    from graphembed.model_selection import EdgeKFold, EdgeShuffleSplit
    from graphembed.persistence import load, save
    from graphembed.store import build_store, open_store
    from graphembed.training.walks import random_walks
    from graphembed.vectors import Neighbors, Vectors

__version__ = "0.1.0"

# Where each public name lives; loaded on first use, so that importing costs nothing.
_HOME = {
    "AdamicAdar": "graphembed.heuristics.neighborhood",
    "AttH": "graphembed.knowledge.atth",
    "CommonNeighbors": "graphembed.heuristics.neighborhood",
    "Comparison": "graphembed.evaluation.compare",
    "ComplEx": "graphembed.knowledge.complex",
    "DeepWalk": "graphembed.embedders.deepwalk",
    "DistMult": "graphembed.knowledge.distmult",
    "EdgeFeatures": "graphembed.compose",
    "EdgeKFold": "graphembed.model_selection",
    "EdgeShuffleSplit": "graphembed.model_selection",
    "EdgeSplit": "graphembed.graph.splits",
    "FastRP": "graphembed.embedders.fastrp",
    "Graph": "graphembed.graph.graph",
    "GraphSAGE": "graphembed.embedders.graphsage",
    "HyperbolicMDS": "graphembed.embedders.hmds",
    "Jaccard": "graphembed.heuristics.neighborhood",
    "Katz": "graphembed.heuristics.katz",
    "LINE": "graphembed.embedders.line",
    "LinkPredictor": "graphembed.link_predictor",
    "LorentzEmbedding": "graphembed.embedders.lorentz",
    "NeighborSampler": "graphembed.message_passing.sampler",
    "Neighbors": "graphembed.vectors",
    "NetMF": "graphembed.embedders.netmf",
    "Node2Vec": "graphembed.embedders.node2vec",
    "NodeFeatures": "graphembed.compose",
    "NodeIndex": "graphembed.graph.ids",
    "PersonalizedPageRank": "graphembed.heuristics.pagerank",
    "PoincareEmbedding": "graphembed.embedders.poincare",
    "PreferentialAttachment": "graphembed.heuristics.neighborhood",
    "ProNE": "graphembed.embedders.prone",
    "RefH": "graphembed.knowledge.refh",
    "ResourceAllocation": "graphembed.heuristics.neighborhood",
    "RotE": "graphembed.knowledge.rote",
    "RotH": "graphembed.knowledge.roth",
    "RotatE": "graphembed.knowledge.rotate",
    "Spectral": "graphembed.embedders.spectral",
    "SpectralPropagation": "graphembed.compose",
    "TorusE": "graphembed.knowledge.toruse",
    "TransD": "graphembed.knowledge.transd",
    "TransE": "graphembed.knowledge.transe",
    "TransH": "graphembed.knowledge.transh",
    "TransR": "graphembed.knowledge.transr",
    "TreeEmbedding": "graphembed.embedders.tree",
    "Vectors": "graphembed.vectors",
    "build_store": "graphembed.store",
    "compare": "graphembed.evaluation.compare",
    "evaluate_ranking": "graphembed.evaluation.ranking",
    "load": "graphembed.persistence",
    "open_store": "graphembed.store",
    "random_walks": "graphembed.training.walks",
    "read_edges": "graphembed.graph.files",
    "save": "graphembed.persistence",
    "split_edges": "graphembed.graph.splits",
}
_MODULES = (
    "datasets",
    "embedders",
    "evaluation",
    "exceptions",
    "graph",
    "heuristics",
    "kernels",
    "knowledge",
    "model_selection",
    "plot",
    "store",
    "testing",
)

__all__ = [
    "LINE",
    "AdamicAdar",
    "AttH",
    "CommonNeighbors",
    "Comparison",
    "ComplEx",
    "DeepWalk",
    "DistMult",
    "EdgeFeatures",
    "EdgeKFold",
    "EdgeShuffleSplit",
    "EdgeSplit",
    "FastRP",
    "Graph",
    "GraphSAGE",
    "HyperbolicMDS",
    "Jaccard",
    "Katz",
    "LinkPredictor",
    "LorentzEmbedding",
    "NeighborSampler",
    "Neighbors",
    "NetMF",
    "Node2Vec",
    "NodeFeatures",
    "NodeIndex",
    "PersonalizedPageRank",
    "PoincareEmbedding",
    "PreferentialAttachment",
    "ProNE",
    "RefH",
    "ResourceAllocation",
    "RotE",
    "RotH",
    "RotatE",
    "Spectral",
    "SpectralPropagation",
    "TorusE",
    "TransD",
    "TransE",
    "TransH",
    "TransR",
    "TreeEmbedding",
    "Vectors",
    "build_store",
    "compare",
    "datasets",
    "evaluate_ranking",
    "evaluation",
    "heuristics",
    "kernels",
    "knowledge",
    "load",
    "model_selection",
    "open_store",
    "plot",
    "random_walks",
    "read_edges",
    "save",
    "split_edges",
    "store",
    "testing",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    elif name in _MODULES:
        value = import_module(f"graphembed.{name}")
    else:
        raise AttributeError(f"module 'graphembed' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
