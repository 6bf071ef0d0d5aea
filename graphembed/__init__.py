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
    from graphembed import datasets, evaluation, kernels, testing
    from graphembed.compose import NodeFeatures
    from graphembed.embedders.deepwalk import DeepWalk
    from graphembed.embedders.fastrp import FastRP
    from graphembed.embedders.node2vec import Node2Vec
    from graphembed.graph.files import read_edges
    from graphembed.graph.graph import Graph
    from graphembed.graph.ids import NodeIndex
    from graphembed.graph.splits import EdgeSplit, split_edges
    from graphembed.persistence import load, save
    from graphembed.training.walks import random_walks
    from graphembed.vectors import Neighbors, Vectors

__version__ = "0.1.0"

# Where each public name lives; loaded on first use, so that importing costs nothing.
_HOME = {
    "DeepWalk": "graphembed.embedders.deepwalk",
    "EdgeSplit": "graphembed.graph.splits",
    "FastRP": "graphembed.embedders.fastrp",
    "Graph": "graphembed.graph.graph",
    "Neighbors": "graphembed.vectors",
    "Node2Vec": "graphembed.embedders.node2vec",
    "NodeFeatures": "graphembed.compose",
    "NodeIndex": "graphembed.graph.ids",
    "Vectors": "graphembed.vectors",
    "load": "graphembed.persistence",
    "random_walks": "graphembed.training.walks",
    "read_edges": "graphembed.graph.files",
    "save": "graphembed.persistence",
    "split_edges": "graphembed.graph.splits",
}
_MODULES = ("datasets", "embedders", "evaluation", "exceptions", "graph", "kernels", "testing")

__all__ = [
    "DeepWalk",
    "EdgeSplit",
    "FastRP",
    "Graph",
    "Neighbors",
    "Node2Vec",
    "NodeFeatures",
    "NodeIndex",
    "Vectors",
    "datasets",
    "evaluation",
    "kernels",
    "load",
    "random_walks",
    "read_edges",
    "save",
    "split_edges",
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
