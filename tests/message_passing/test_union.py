import numpy as np
import pytest

from graphembed import GraphSAGE
from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph
from graphembed.message_passing import structure
from graphembed.message_passing.structure import structural_features
from graphembed.message_passing.union import training_union


def a_graph(seed: int, *, weighted: bool, directed: bool, relations: bool = False) -> Graph:
    """Return a graph with loops, opposite edges and nodes of very different degrees."""
    rng = np.random.default_rng(seed)
    ends = (60 * rng.random((2, 400)) ** 2).astype(np.int64)
    return Graph.from_edges(
        *ends, rng.uniform(0.5, 2, 400) if weighted else None, directed=directed,
        relations=rng.integers(0, 2, 400) if relations else None, nodes=range(64),
    )  # fmt: skip


@pytest.mark.parametrize("hub", [1000, 20])
@pytest.mark.parametrize("relations", [False, True])
@pytest.mark.parametrize(
    ("directed", "weighted"), [(False, (0, 0)), (False, (0, 1)), (True, (0, 0)), (True, (1, 1))]
)
def test_a_union_has_the_structure_of_its_parts(
    directed: bool, weighted: tuple[int, int], relations: bool, hub: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(structure, "HUB", hub)
    parts = [
        a_graph(seed, weighted=bool(one), directed=directed, relations=relations)
        for seed, one in enumerate(weighted)
    ]
    expected = np.vstack([structural_features(part) for part in parts])
    np.testing.assert_array_equal(structural_features(training_union(parts)), expected)


@pytest.mark.parametrize("direction", ["in", "out", "both"])
def test_each_graph_is_embedded_as_it_is_by_itself(direction: str) -> None:
    parts = [a_graph(seed, weighted=True, directed=True) for seed in range(2)]
    model = GraphSAGE(4, hidden=4, n_epochs=1, direction=direction, random_state=0).fit(parts)
    expected = np.vstack([model.transform(part) for part in parts])
    np.testing.assert_allclose(model.embedding_, expected, rtol=1e-4, atol=1e-6)


def test_directed_graphs_with_and_without_weights_are_refused() -> None:
    plain, weighted = (a_graph(0, weighted=one, directed=True) for one in (False, True))
    with pytest.raises(
        GraphError, match=r"1 of the 2 directed graphs have weights .* weights of 1"
    ):
        GraphSAGE(n_epochs=1).fit([plain, weighted])
    single = Graph.from_edges([0, 1], [1, 0], relations=["x", "y"], directed=True)
    double = Graph.from_edges([0, 0], [1, 1], relations=["x", "y"], directed=True)
    with pytest.raises(GraphError, match="parallel edges of several relations"):
        training_union([single, double])
    ones = Graph.from_edges([0, 1], [1, 0], [1, 1], relations=["x", "y"], directed=True)
    both = training_union([ones, double])
    expected = np.vstack([structural_features(part) for part in (ones, double)])
    np.testing.assert_array_equal(structural_features(both), expected)
