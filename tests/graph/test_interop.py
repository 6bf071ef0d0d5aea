import warnings

import igraph
import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphembed.exceptions import GraphError
from graphembed.graph import Graph
from graphembed.message_passing.sampler import NeighborSampler

with warnings.catch_warnings():
    # torch_geometric itself uses what torch deprecates, once, when it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    from torch_geometric.data import Data, HeteroData
    from torch_geometric.loader import LinkLoader, NodeLoader
    from torch_geometric.utils import to_undirected

LETTERS, DIGITS = st.sampled_from("xyz"), st.sampled_from("012")

rows = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 9)), min_size=1)


@st.composite
def graphs(draw, names=LETTERS):
    sources, targets, weights = zip(*draw(rows), strict=True)
    ids = draw(st.sampled_from([range(6), list("fedcba"), [10, 8, 6, 4, 2, 0]]))
    typed = draw(st.booleans())
    return Graph.from_edges(
        [ids[row] for row in sources], [ids[row] for row in targets],
        weights if draw(st.booleans()) else None, nodes=ids, directed=draw(st.booleans()),
        relations=[draw(names) for _ in sources] if typed else None,
    )  # fmt: skip


def assert_same_graph(left, right):
    for name in ("indptr", "indices", "weights", "edge_types", "nodes", "directed", "relations"):
        assert_array_equal(getattr(left, name), getattr(right, name))


@given(graphs())
def test_networkx_round_trip(graph):
    relation = "relation" if graph.relations else None
    other = graph.to_networkx()
    assert other.is_multigraph() == (graph.relations is not None)
    assert other.is_directed() == graph.directed
    assert other.number_of_edges() == graph.n_edges
    assert_same_graph(Graph.from_networkx(other, relation=relation), graph)


@given(graphs())
def test_igraph_round_trip(graph):
    other = graph.to_igraph()
    assert (other.vcount(), other.ecount()) == (graph.n_nodes, graph.n_edges)
    relation = "relation" if graph.relations else None
    assert_same_graph(Graph.from_igraph(other, relation=relation), graph)


@given(graphs(names=DIGITS))
def test_torch_geometric_round_trip(graph):
    if graph.relations is not None:  # torch_geometric only knows the numbers of relations
        names = tuple(str(number) for number in range(graph.edge_types.max() + 1))
        graph = graph._replace(relations=names)
    data = graph.to_torch_geometric()
    assert data.validate()
    assert data.num_edges == len(graph.indices)
    assert_same_graph(Graph.from_torch_geometric(data, directed=graph.directed), graph)


def test_networkx_keeps_the_order_of_nodes_and_isolated_ones():
    other = nx.DiGraph([("b", "a")])
    other.add_node("0")
    graph = Graph.from_networkx(other)
    assert graph.nodes.tolist() == ["b", "a", "0"]
    assert graph.edges().tolist() == [[0, 1]]


def test_networkx_weights():
    other = nx.Graph()
    other.add_edge(0, 1, weight=2.5)
    other.add_edge(1, 2, capacity=7)
    assert Graph.from_networkx(other).edge_weights().tolist() == [2.5, 1.0]
    assert not Graph.from_networkx(other, weight=None).weighted
    assert Graph.from_networkx(other, weight="capacity").edge_weights().tolist() == [1.0, 7.0]
    with pytest.raises(GraphError, match="No edge has the attribute 'miles'"):
        Graph.from_networkx(other, weight="miles")
    assert not Graph.from_networkx(nx.path_graph(3)).weighted
    parallel = nx.MultiGraph([(0, 1, {"weight": 2}), (1, 0, {"weight": 3})])
    assert Graph.from_networkx(parallel).edge_weights().tolist() == [5.0]


def test_networkx_relations():
    other = nx.MultiDiGraph([("a", "b", {"kind": "likes"}), ("a", "b", {"kind": "knows"})])
    graph = Graph.from_networkx(other, relation="kind")
    assert graph.relations == ("knows", "likes")
    assert graph.triples().tolist() == [[0, 0, 1], [0, 1, 1]]
    other.add_edge("b", "a")
    with pytest.raises(GraphError, match="1 of 3 edges have no attribute 'kind'"):
        Graph.from_networkx(other, relation="kind")


@pytest.mark.parametrize("nodes", [[(0, 1), (1, 0)], ["a", 1], [0.5, 1]])
def test_networkx_nodes_of_other_kinds(nodes):
    other = nx.Graph()
    other.add_nodes_from(nodes)
    with pytest.raises(GraphError, match=r"nx\.convert_node_labels_to_integers"):
        Graph.from_networkx(other)


def test_graphs_without_nodes():
    for make, empty in [
        (Graph.from_networkx, nx.Graph()),
        (Graph.from_igraph, igraph.Graph()),
        (Graph.from_torch_geometric, Data(edge_index=torch.empty(2, 0, dtype=torch.int64))),
    ]:
        with pytest.raises(GraphError, match="no nodes and no edges"):
            make(empty)
    isolated = nx.empty_graph(3)
    assert Graph.from_networkx(isolated).n_nodes == 3
    assert Graph.from_networkx(isolated).to_igraph().vcount() == 3
    assert Graph.from_igraph(igraph.Graph(3)).to_networkx().number_of_nodes() == 3
    assert Graph.from_networkx(isolated).to_torch_geometric().num_nodes == 3


def test_igraph_attributes():
    other = igraph.Graph([(0, 1), (1, 2)], directed=True)
    assert Graph.from_igraph(other).node_index.kind == "range"
    other.vs["name"] = ["c", "b", "a"]
    other.es["km"] = [3, 4]
    graph = Graph.from_igraph(other, weight="km")
    assert graph.nodes.tolist() == ["c", "b", "a"]
    assert graph.edge_weights().tolist() == [3.0, 4.0]
    assert not Graph.from_igraph(other).weighted
    with pytest.raises(GraphError, match="No edge has the attribute 'miles'"):
        Graph.from_igraph(other, weight="miles")
    with pytest.raises(GraphError, match="No edge has the attribute 'kind'"):
        Graph.from_igraph(other, relation="kind")
    other.vs["name"] = ["a", "a", "b"]
    with pytest.raises(GraphError, match="more than once: 'a'"):
        Graph.from_igraph(other)


def test_torch_geometric_direction_and_weights():
    edge_index = torch.tensor([[0, 1], [1, 2]])
    assert Graph.from_torch_geometric(Data(edge_index=edge_index)).directed
    both, weight = to_undirected(edge_index, torch.tensor([2.0, 3.0]))
    graph = Graph.from_torch_geometric(Data(edge_index=both, edge_weight=weight))
    assert (graph.directed, graph.n_edges) == (False, 2)
    assert graph.edge_weights().tolist() == [2.0, 3.0]
    uneven = Data(edge_index=both, edge_weight=torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert Graph.from_torch_geometric(uneven).directed
    with pytest.raises(GraphError, match="Pass directed=True, or symmetrise"):
        Graph.from_torch_geometric(uneven, directed=False)
    for shape, weighted in [((4,), True), ((4, 1), True), ((4, 2), False)]:
        data = Data(edge_index=both, edge_attr=torch.ones(shape))
        assert Graph.from_torch_geometric(data).weighted == weighted


def test_torch_geometric_nodes_relations_and_features():
    edge_index = torch.tensor([[0, 1, 0], [1, 0, 1]])
    data = Data(edge_index=edge_index, edge_type=torch.tensor([0, 0, 2]), x=torch.ones(4, 3))
    graph = Graph.from_torch_geometric(data)
    assert graph.relations == ("0", "1", "2")
    assert graph.directed
    assert graph.features.shape == (4, 3)
    data.x[0] = 5
    assert graph.features[0].tolist() == [1, 1, 1]
    assert graph.to_torch_geometric().x.shape == (4, 3)
    assert Graph.from_torch_geometric(Data(edge_index=edge_index, num_nodes=7)).n_nodes == 7
    with pytest.raises(GraphError, match="names node 1 but there are 1 nodes"):
        Graph.from_torch_geometric(Data(edge_index=edge_index, num_nodes=1))
    sparse = Data(edge_index=edge_index, x=torch.eye(2).to_sparse())
    assert Graph.from_torch_geometric(sparse).features.tolist() == [[1, 0], [0, 1]]
    for wrong in (HeteroData(), Data(x=torch.ones(2, 2))):
        with pytest.raises(GraphError, match="no edge_index tensor"):
            Graph.from_torch_geometric(wrong)


def test_to_torch_geometric_is_writable_and_shares_nothing():
    graph = Graph.from_edges([0], [1], [2.0], features=sp.csr_array(np.eye(2)))
    data = graph.to_torch_geometric()
    assert data.x.tolist() == [[1, 0], [0, 1]]
    data.edge_weight[0] = 9
    data.edge_index[0] = 1
    assert graph.weights.tolist() == [2.0, 2.0]
    assert graph.indices.tolist() == [1, 0]
    assert "node_id" not in data
    assert "node_names" not in data


def test_torch_geometric_node_ids():
    graph = Graph.from_edges([5, 9], [7, 5], nodes=[9, 5, 7])
    data = graph.to_torch_geometric()
    assert data.node_id.tolist() == [9, 5, 7]
    assert "node_names" not in data
    data.node_id[0] = 1
    assert graph.nodes.tolist() == [9, 5, 7]
    named = Graph.from_edges(["b", "d"], ["c", "b"], nodes=["d", "b", "c"]).to_torch_geometric()
    assert named.node_names.take(named.node_id).tolist() == ["d", "b", "c"]
    part = named.subgraph(torch.tensor([0, 2]))
    assert Graph.from_torch_geometric(part).nodes.tolist() == ["d", "c"]
    for ids in (["x", "y", "z"], np.array(["x", "y", "z"]), torch.tensor([7, 3, 5])):
        other = Data(edge_index=named.edge_index, num_nodes=3, node_id=ids)
        assert Graph.from_torch_geometric(other).nodes.tolist() == list(ids)
    other.node_id = ["x", "y", "z", "u"]
    with pytest.raises(GraphError, match="There are 3 nodes, but node_id names 4"):
        Graph.from_torch_geometric(other)


@pytest.mark.parametrize("ids", [list("dbcae"), [9, 2, 7, 1, 3]])
def test_batches_of_loaders_know_their_nodes(ids):
    ends = [ids[0], ids[1], ids[2], ids[3]], [ids[1], ids[2], ids[3], ids[0]]
    graph = Graph.from_edges(*ends, nodes=ids, features=np.arange(5.0)[:, None])
    data = graph.to_torch_geometric()
    sampler = NeighborSampler(graph, fanout=(-1,)).to_torch_geometric()
    links = LinkLoader(data, link_sampler=sampler, edge_label_index=data.edge_index, batch_size=3)
    for batch in (*NodeLoader(data, node_sampler=sampler, batch_size=2), *links):
        found = Graph.from_torch_geometric(batch, directed=True)
        rows = graph.node_index.rows(found.nodes)
        assert_array_equal(rows, batch.n_id)
        assert_array_equal(found.features, graph.features[rows])
        assert_array_equal(
            found.nodes, graph.node_index.take(rows) if ids[0] == 9 else
            batch.node_names.take(batch.node_id),
        )  # fmt: skip


@pytest.mark.parametrize("library", ["networkx", "igraph"])
def test_a_graph_of_another_library(library):
    make = getattr(Graph, f"from_{library}")
    for wrong in (Data(edge_index=torch.tensor([[0], [1]])), [(0, 1)], None):
        with pytest.raises(GraphError, match=f"Expected a graph of {library}"):
            make(wrong)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"edge_index": torch.tensor([[0, -1], [1, 2]])}, "names node -1"),
        ({"edge_index": torch.tensor([[0.0, 1.0], [1.0, 2.0]])}, "must hold ints"),
        ({"edge_index": torch.tensor([0, 1])}, r"shape \(2,\)"),
        ({"edge_index": torch.tensor([[0, 1], [1, 2], [2, 3]])}, r"shape \(3, 2\)"),
        ({"edge_type": torch.tensor([0])}, "There are 2 edges; edge_type"),
        ({"edge_type": torch.tensor([0, -1])}, "ints from 0"),
        ({"edge_type": torch.tensor([0.0, 1.0])}, "ints from 0"),
    ],
)
def test_unusable_data(arguments, message):
    data = Data(**({"edge_index": torch.tensor([[0, 1], [1, 2]])} | arguments))
    with pytest.raises(GraphError, match=message):
        Graph.from_torch_geometric(data)


def test_weights_in_half_precision():
    for dtype in (torch.bfloat16, torch.float16):
        weights = torch.tensor([0.5, 2.0], dtype=dtype)
        data = Data(edge_index=torch.tensor([[0, 1], [1, 2]]), edge_weight=weights)
        assert Graph.from_torch_geometric(data).weights.tolist() == [0.5, 2.0]
