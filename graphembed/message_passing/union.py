"""Several graphs as the one that a network is trained on."""

from collections.abc import Sequence

from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph
from graphembed.graph.transforms import disjoint_union


def training_union(graphs: Sequence[Graph]) -> Graph:
    """Return one graph of several, in which each hears what it hears by itself.

    So are its structural features: none of them looks beyond what a node is connected with. Only
    directions could tell a union from its parts: where they are left out, the weights of opposite
    edges add up, and without weights such a pair is one edge.

    Parameters
    ----------
    graphs : sequence of Graph
        As :func:`graphembed.graph.transforms.disjoint_union` takes them.

    Raises
    ------
    GraphError
        If some are directed and have weights, and others have none; and if the graphs do not match.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.message_passing.union import training_union
    >>> edge = Graph.from_edges(["a"], ["b"])
    >>> training_union([edge, edge])
    Graph(n_nodes=4, n_edges=2, undirected, unweighted)
    """
    n_weighted = sum(graph.directed and graph.without_relations().weighted for graph in graphs)
    if 0 < n_weighted < len(graphs):
        raise GraphError(
            f"{n_weighted} of the {len(graphs)} directed graphs have weights (parallel edges of "
            "several relations are one with weights), so that opposite edges add up in them and "
            "not in the others. Give the others weights of 1, or none to all."
        )
    return disjoint_union(graphs)
