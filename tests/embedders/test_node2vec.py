import numpy as np
import pytest

import graphembed as ge
from graphembed.testing import graphs

SMALL = {"n_components": 16, "n_walks": 5, "walk_length": 20, "window": 3, "random_state": 0}


def test_p_and_q_of_one_is_deepwalk() -> None:
    """Same walks, same pairs, same bits."""
    graph = graphs.two_cliques()
    np.testing.assert_array_equal(
        ge.Node2Vec(**SMALL).fit_transform(graph), ge.DeepWalk(**SMALL).fit_transform(graph)
    )


def test_p_and_q_matter() -> None:
    graph = ge.datasets.load("les_miserables").graph
    results = [
        ge.Node2Vec(**SMALL, p=p, q=q, extended=extended).fit_transform(graph)
        for p, q, extended in [(1, 1, False), (0.25, 4, False), (4, 0.25, False), (4, 0.25, True)]
    ]
    for i, one in enumerate(results):
        for other in results[:i]:
            assert not np.array_equal(one, other)


@pytest.mark.parametrize(("name", "value"), [("p", 0), ("q", -1), ("p", "x"), ("extended", 2)])
def test_bad_parameters(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        ge.Node2Vec(**{name: value}).fit(graphs.two_cliques())


def test_small_q_explores_and_large_q_stays() -> None:
    """The structural claim of node2vec, on a chain of cliques: large q stays at home."""
    n_cliques, size = 12, 8
    pairs = [
        (c * size + i, c * size + j)
        for c in range(n_cliques) for i in range(size) for j in range(i)
    ]  # fmt: skip
    pairs += [(c * size, (c + 1) % n_cliques * size + 1) for c in range(n_cliques)]
    graph = ge.Graph.from_edges(*np.array(pairs).T)
    home = {}
    for q in (0.1, 10.0):
        walks = ge.random_walks(graph, n_walks=20, walk_length=20, q=q, random_state=0)
        home[q] = np.mean(walks[:, -1] // size == walks[:, 0] // size)
    assert home[10.0] > home[0.1]
