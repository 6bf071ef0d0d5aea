"""The graph that every algorithm reads, and the ways to make one."""

from graphembed.graph.files import read_edges
from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex
from graphembed.graph.splits import EdgeSplit, split_edges

__all__ = ["EdgeSplit", "Graph", "NodeIndex", "read_edges", "split_edges"]
