"""Graphs of networkx, igraph and torch_geometric, to and fro; imported only when used."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphembed.exceptions import GraphError
from graphembed.graph.builders import from_rows, orient
from graphembed.graph.columns import as_ids, as_weights
from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex

if TYPE_CHECKING:
    import igraph
    import networkx as nx
    import torch_geometric.data


def from_networkx(
    graph: Any, *, weight: str | None = "weight", relation: str | None = None
) -> Graph:
    """Make a graph from a networkx graph; see :meth:`graphembed.Graph.from_networkx`."""
    _check_kind(graph, "adjacency", "networkx")
    nodes = list(graph)
    try:
        index = NodeIndex.from_ids(nodes)
    except GraphError as error:
        raise GraphError(
            f"Nodes must be all int or all str ({error}) Relabel them: "
            "nx.convert_node_labels_to_integers(graph, label_attribute='name')."
        ) from error
    _check_some(len(nodes))
    row = {node: number for number, node in enumerate(nodes)}
    edges = list(graph.edges(data=True))
    return from_rows(
        np.fromiter((row[source] for source, _, _ in edges), np.int32, len(edges)),
        np.fromiter((row[target] for _, target, _ in edges), np.int32, len(edges)),
        weights=_weights([data for _, _, data in edges], weight),
        nodes=index,
        directed=graph.is_directed(),
        **_relations([data.get(relation) for _, _, data in edges], relation),
    )


def to_networkx(graph: Graph) -> "nx.Graph[Any]":
    """Return a networkx graph; see :meth:`graphembed.Graph.to_networkx`."""
    import networkx as nx

    result: nx.Graph[Any]
    if graph.relations is None:
        result = nx.DiGraph() if graph.directed else nx.Graph()
    else:
        result = nx.MultiDiGraph() if graph.directed else nx.MultiGraph()
    ids = graph.node_index.to_numpy().tolist()
    result.add_nodes_from(ids)
    attributes = _edge_attributes(graph)
    names = tuple(attributes)
    values = zip(*attributes.values(), strict=True) if names else ((),) * graph.n_edges
    result.add_edges_from(
        (ids[source], ids[target], dict(zip(names, value, strict=True)))
        for (source, target), value in zip(graph.edges().tolist(), values, strict=True)
    )
    return result


def from_igraph(graph: Any, *, weight: str | None = "weight", relation: str | None = None) -> Graph:
    """Make a graph from an igraph graph; see :meth:`graphembed.Graph.from_igraph`."""
    _check_kind(graph, "vcount", "igraph")
    n_nodes = graph.vcount()
    _check_some(n_nodes)
    index = NodeIndex.range(n_nodes)
    if "name" in graph.vs.attributes():
        index = NodeIndex.from_ids(graph.vs["name"])
    edges = np.array(graph.get_edgelist(), dtype=np.int32).reshape(-1, 2)
    known = graph.es.attributes()
    for name in {weight, relation} - {None, "weight", *known}:
        raise _no_attribute(str(name))
    weights = None
    if weight in known and len(edges):
        weights = as_weights(graph.es[weight], len(edges))
    return from_rows(
        np.ascontiguousarray(edges[:, 0]),
        np.ascontiguousarray(edges[:, 1]),
        weights=weights,
        nodes=index,
        directed=graph.is_directed(),
        **_relations(graph.es[relation] if relation in known else [None] * len(edges), relation),
    )


def to_igraph(graph: Graph) -> "igraph.Graph":
    """Return an igraph graph; see :meth:`graphembed.Graph.to_igraph`."""
    import igraph

    result = igraph.Graph(n=graph.n_nodes, edges=graph.edges().tolist(), directed=graph.directed)
    if graph.node_index.kind != "range":
        result.vs["name"] = graph.node_index.to_numpy().tolist()
    for name, values in _edge_attributes(graph).items():
        result.es[name] = values
    return result


def from_torch_geometric(data: Any, *, directed: bool | None = None) -> Graph:
    """Make a graph from a ``Data``; see :meth:`graphembed.Graph.from_torch_geometric`."""
    if "edge_index" not in data or not hasattr(data.edge_index, "detach"):
        raise GraphError(
            "The data has no edge_index tensor of shape (2, n_edges). Convert a HeteroData with "
            ".to_homogeneous(), or an adjacency with Graph.from_scipy."
        )
    edge_index = _to_numpy(data.edge_index)
    if edge_index.ndim != 2 or len(edge_index) != 2 or edge_index.dtype.kind not in "iu":
        raise GraphError(
            "edge_index must hold ints and be of shape (2, n_edges); got "
            f"{edge_index.dtype} of shape {edge_index.shape}."
        )
    if edge_index.size and edge_index.min() < 0:
        raise GraphError(f"edge_index must not be negative; it names node {edge_index.min()}.")
    sources, targets = edge_index
    n_nodes = int(edge_index.max()) + 1 if edge_index.size else 0
    if "num_nodes" in data or "x" in data:
        if data.num_nodes < n_nodes:
            raise GraphError(
                f"edge_index names node {n_nodes - 1} but there are {data.num_nodes} nodes. "
                "Set data.num_nodes."
            )
        n_nodes = int(data.num_nodes)
    _check_some(n_nodes)
    nodes = NodeIndex.range(n_nodes)
    if "node_id" in data:
        nodes = _node_ids(data, n_nodes)
    types = relations = None
    if data.get("edge_type") is not None:
        types = _edge_types(_to_numpy(data.edge_type), len(sources))
        relations = tuple(str(number) for number in range(int(types.max(initial=-1)) + 1))
    graph = from_rows(
        sources,
        targets,
        weights=_tensor_weights(data, len(sources)),
        edge_types=types,
        nodes=nodes,
        directed=True,
        relations=relations,
        features=None if data.get("x") is None else _features(data.x),
    )
    return orient(graph, directed)


def to_torch_geometric(graph: Graph) -> "torch_geometric.data.Data":
    """Return a ``Data``; see :meth:`graphembed.Graph.to_torch_geometric`."""
    import torch
    from torch_geometric.data import Data

    ends = np.stack([graph._sources(), graph.indices]).astype(np.int64)
    data = Data(edge_index=torch.from_numpy(ends), num_nodes=graph.n_nodes)
    if graph.weights is not None:
        data.edge_weight = torch.from_numpy(graph.weights.copy())
    if graph.edge_types is not None:
        data.edge_type = torch.from_numpy(graph.edge_types.astype(np.int64))
    if graph.features is not None:
        features: Any = graph.features
        data.x = torch.from_numpy(
            features.copy() if isinstance(features, np.ndarray) else features.toarray()
        )
    if graph.node_index.kind == "int":
        data.node_id = torch.from_numpy(graph.node_index.to_numpy().copy())
    if graph.node_index.kind == "str":
        # Loaders choose rows of tensors, and fail at a list of strings; an object they leave whole.
        data.node_id = torch.arange(graph.n_nodes)
        data.node_names = graph.node_index
    return data


def _node_ids(data: Any, n_nodes: int) -> NodeIndex:
    ids, names = data.node_id, data.get("node_names")
    if hasattr(ids, "detach"):
        ids = _to_numpy(ids)
    if len(ids) != n_nodes:
        raise GraphError(f"There are {n_nodes} nodes, but node_id names {len(ids)}.")
    return NodeIndex.from_ids(names.take(ids) if isinstance(names, NodeIndex) else ids)


def _weights(attributes: Sequence[dict[str, Any]], weight: str | None) -> Any:
    if weight is None or not attributes:
        return None
    if not any(weight in data for data in attributes):
        if weight == "weight":
            return None
        raise _no_attribute(weight)
    return as_weights([data.get(weight, 1) for data in attributes], len(attributes))


def _relations(values: Sequence[Any], relation: str | None) -> dict[str, Any]:
    if relation is None:
        return {}
    if any(value is None for value in values):
        missing = sum(value is None for value in values)
        raise GraphError(
            f"{missing} of {len(values)} edges have no attribute {relation!r}; every edge needs "
            "its relation."
        )
    index, (types,) = NodeIndex.factorize(as_ids(values, "relations"))
    names = tuple(str(name) for name in index.to_numpy().tolist())
    return {"edge_types": types, "relations": names}


def _edge_attributes(graph: Graph) -> dict[str, list[Any]]:
    attributes: dict[str, list[Any]] = {}
    if graph.weighted:
        attributes["weight"] = graph.edge_weights().tolist()
    if graph.relations is not None:
        attributes["relation"] = [graph.relations[number] for number in graph.triples()[:, 1]]
    return attributes


def _edge_types(types: npt.NDArray[Any], n_edges: int) -> npt.NDArray[Any]:
    if types.shape != (n_edges,):
        raise GraphError(f"There are {n_edges} edges; edge_type is of shape {types.shape}.")
    if types.dtype.kind not in "iu" or (n_edges and types.min() < 0):
        raise GraphError("edge_type must hold ints from 0, the number of each edge's relation.")
    return types


def _tensor_weights(data: Any, n_edges: int) -> npt.NDArray[Any] | None:
    tensor = data.get("edge_weight")
    if tensor is None:
        tensor = data.get("edge_attr")
        if tensor is None or (tensor.ndim == 2 and tensor.shape[1] != 1):
            return None
    return as_weights(_to_numpy(tensor).ravel(), n_edges)


def _features(x: Any) -> Any:
    import torch

    return _to_numpy(x if x.layout == torch.strided else x.to_dense())


def _to_numpy(tensor: Any) -> npt.NDArray[Any]:
    tensor = tensor.detach().cpu()
    if str(tensor.dtype) == "torch.bfloat16":  # which NumPy does not have
        tensor = tensor.float()
    return np.asarray(tensor.numpy())


def _check_kind(graph: Any, attribute: str, library: str) -> None:
    if not hasattr(graph, attribute):
        kind = f"{type(graph).__module__}.{type(graph).__qualname__}"
        raise GraphError(f"Expected a graph of {library}; got {kind.removeprefix('builtins.')}.")


def _check_some(n_nodes: int) -> None:
    if n_nodes == 0:
        raise GraphError("The graph has no nodes and no edges; at least one node is needed.")


def _no_attribute(name: str) -> GraphError:
    return GraphError(f"No edge has the attribute {name!r}. Check its name.")
