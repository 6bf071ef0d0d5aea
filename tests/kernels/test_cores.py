import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphembed import Graph
from graphembed.kernels.cores import core_numbers
from graphembed.testing import reference


@st.composite
def graphs(draw):
    n = draw(st.integers(1, 25))
    node = st.integers(0, n - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=90))
    return Graph.from_edges([u for u, _ in edges], [v for _, v in edges], nodes=range(n))


@given(graphs())
def test_twins_and_networkx_agree(graph: Graph) -> None:
    found = core_numbers(graph.indptr, graph.indices)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, reference.core_numbers(graph.indptr, graph.indices))
    peer = graph.to_networkx()
    peer.remove_edges_from(list(nx.selfloop_edges(peer)))
    assert found.tolist() == [nx.core_number(peer)[node] for node in graph.nodes]


def test_core_numbers_of_a_large_graph() -> None:
    peer = nx.barabasi_albert_graph(2000, 5, seed=0)
    peer.add_edges_from((u, v) for u in range(40) for v in range(u))
    graph = Graph.from_networkx(peer)
    found = core_numbers(graph.indptr, graph.indices)
    assert found.max() >= 39
    assert dict(zip(graph.nodes.tolist(), found.tolist(), strict=True)) == nx.core_number(peer)


def test_no_edges_and_no_nodes() -> None:
    indices = np.empty(0, dtype=np.int32)
    assert core_numbers(np.zeros(4, dtype=np.int64), indices).tolist() == [0, 0, 0]
    assert core_numbers(np.zeros(1, dtype=np.int64), indices).tolist() == []
