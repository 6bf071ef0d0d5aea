import numpy as np

from graphembed import Graph
from graphembed.factorization.symmetry import symmetric_part
from graphembed.testing import graphs


def test_symmetric_part() -> None:
    graph = graphs.weighted_digraph()
    dense = graph.to_scipy().toarray()
    found = symmetric_part(graph)
    assert not found.directed
    np.testing.assert_allclose(found.to_scipy().toarray(), (dense + dense.T) / 2, rtol=1e-6)
    assert found.node_index == graph.node_index


def test_what_is_symmetric_stays() -> None:
    undirected = graphs.two_cliques()
    assert symmetric_part(undirected) is undirected
    both_ways = Graph.from_scipy(undirected.to_scipy(), directed=True)
    assert symmetric_part(both_ways) is both_ways


def test_the_largest_weights_do_not_overflow() -> None:
    graph = Graph.from_edges([0, 1], [1, 0], [3e38, 2e38], directed=True)
    assert np.isfinite(symmetric_part(graph).weights).all()
