import pickle  # noqa: TID251  what loaders do between processes; the library itself never does
import warnings

import numpy as np
import pytest
import torch

import graphembed as ge

with warnings.catch_warnings():
    # torch_geometric itself uses what torch deprecates, once, when it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    from torch_geometric.data import Data
    from torch_geometric.loader import LinkLoader, NodeLoader
    from torch_geometric.nn import GraphSAGE
    from torch_geometric.sampler import NodeSamplerInput


def directed_data(n: int = 30, seed: int = 0) -> Data:
    """Return data whose edges are in no order and have attributes that tell them apart."""
    rng = np.random.default_rng(seed)
    ends = np.argwhere(rng.random((n, n)) < 0.2)
    ends = torch.from_numpy(rng.permutation(ends)).T.contiguous()
    numbers = torch.arange(ends.shape[1])[:, None].repeat(1, 2)  # two: no weights
    return Data(edge_index=ends, edge_attr=numbers.float(), x=torch.arange(n)[:, None].float())


def sampler_of(data: Data, fanout=(4, 3), *, named: bool = False, **options):
    graph = ge.Graph.from_torch_geometric(data, directed=True)
    sampler = ge.NeighborSampler(graph, fanout, random_state=0)
    return sampler.to_torch_geometric(data if named else None, **options)


def pairs(edge_index: torch.Tensor) -> set[tuple[int, int]]:
    return set(map(tuple, edge_index.T.tolist()))


@pytest.mark.parametrize("fanout", [(4, 3), (-1, -1), (2, 2, 2)])
def test_batches_are_subgraphs_ordered_by_hop(fanout) -> None:
    data = directed_data()
    loader = NodeLoader(data, node_sampler=sampler_of(data, fanout, named=True), batch_size=8)
    seen = []
    for batch in loader:
        seeds = batch.n_id[: batch.batch_size]
        seen += seeds.tolist()
        assert len(batch.n_id.unique()) == len(batch.n_id) == sum(batch.num_sampled_nodes)
        np.testing.assert_array_equal(batch.x[:, 0], batch.n_id)
        # Each edge is one of the data's, in its direction, with its number and attribute.
        ends = batch.n_id[batch.edge_index]
        assert torch.equal(ends, data.edge_index[:, batch.e_id])
        assert torch.equal(batch.edge_attr, data.edge_attr[batch.e_id])
        assert len(batch.e_id.unique()) == len(batch.e_id) == sum(batch.num_sampled_edges)
        # Those who hear at a hop were found at the hop before.
        bounds = np.cumsum([0, *batch.num_sampled_nodes])
        parts = batch.edge_index[1].split(batch.num_sampled_edges)
        for hop, (part, most) in enumerate(zip(parts, fanout, strict=True)):
            found = range(bounds[hop], bounds[hop + 1])
            assert set(part.tolist()) <= set(found)
            for node in found:
                degree = int((data.edge_index[1] == batch.n_id[node]).sum())
                heard = int((part == node).sum())
                assert heard == (degree if most < 0 else min(degree, most))
    assert seen == list(range(30))


def test_without_data_edges_have_no_attributes() -> None:
    data = directed_data()
    batch = next(iter(NodeLoader(data, node_sampler=sampler_of(data), batch_size=4)))
    assert batch.edge_attr is None
    assert "e_id" not in batch


def test_torch_decides_what_is_drawn() -> None:
    data = directed_data()

    def draws(seed: int) -> list[list[int]]:
        torch.manual_seed(seed)
        loader = NodeLoader(data, node_sampler=sampler_of(data, named=True), batch_size=10)
        return [batch.e_id.tolist() for _ in range(2) for batch in loader]

    first = draws(1)
    assert first == draws(1)
    assert first != draws(2)
    assert first[:3] != first[3:]  # another epoch


def test_workers_of_a_loader_get_a_copy() -> None:
    data = directed_data()
    sampler = sampler_of(data, named=True)
    found = []
    for each in (sampler, pickle.loads(pickle.dumps(sampler))):  # noqa: S301
        torch.manual_seed(0)
        found.append(next(iter(NodeLoader(data, node_sampler=each, batch_size=10))).e_id)
    assert torch.equal(*found)


@pytest.mark.parametrize("mode", ["binary", "triplet"])
@pytest.mark.parametrize("exclude_pairs", [True, False])
def test_pairs_to_be_predicted_are_left_out(mode: str, exclude_pairs: bool) -> None:
    data = directed_data()
    sampler = sampler_of(data, (-1, -1), exclude_pairs=exclude_pairs)
    loader = LinkLoader(
        data, link_sampler=sampler, edge_label_index=data.edge_index, neg_sampling=mode,
        batch_size=12,
    )  # fmt: skip
    asked = []
    for batch in loader:
        if mode == "binary":
            positive = batch.edge_label_index[:, batch.edge_label == 1]
            assert (batch.edge_label == 0).sum() == positive.shape[1]
        else:
            positive = torch.stack([batch.src_index, batch.dst_pos_index])
            assert batch.dst_neg_index.shape == batch.src_index.shape
        asked.append(batch.n_id[positive])
        there = pairs(batch.n_id[batch.edge_index])
        both = pairs(asked[-1]) | pairs(asked[-1].flip(0))
        assert bool(there & both) != exclude_pairs
        assert there <= pairs(data.edge_index)
    assert torch.equal(torch.cat(asked, dim=1), data.edge_index)


@pytest.mark.parametrize("directed", [False, True])
def test_a_model_of_torch_geometric_is_trained_on_nodes(directed: bool) -> None:
    """The two factions of the karate club, from a few members of each."""
    karate = ge.datasets.load("karate")
    data = karate.graph.to_torch_geometric()
    data.x, data.y = torch.eye(34), torch.from_numpy(karate.labels.astype(np.int64))
    graph = ge.Graph.from_torch_geometric(data, directed=directed)
    sampler = ge.NeighborSampler(graph, (5, 5), random_state=0).to_torch_geometric()
    torch.manual_seed(0)
    model = GraphSAGE(34, 16, 2, int(data.y.max()) + 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    loader = NodeLoader(
        data, node_sampler=sampler, input_nodes=torch.arange(0, 34, 2), batch_size=6, shuffle=True
    )
    for _ in range(20):
        for batch in loader:
            optimizer.zero_grad()
            out = model(
                batch.x, batch.edge_index, num_sampled_nodes_per_hop=batch.num_sampled_nodes,
                num_sampled_edges_per_hop=batch.num_sampled_edges,
            )[: batch.batch_size]  # fmt: skip
            torch.nn.functional.cross_entropy(out, batch.y[: batch.batch_size]).backward()
            optimizer.step()
    model.eval()
    right = model(data.x, data.edge_index).argmax(dim=1) == data.y
    assert right[1::2].float().mean() > 0.7


def test_a_model_of_torch_geometric_is_trained_on_links() -> None:
    graph = ge.datasets.load("les_miserables").graph
    data = graph.to_torch_geometric()
    data.x, data.edge_weight = torch.eye(graph.n_nodes), None
    sampler = ge.NeighborSampler(graph, (8, 4), random_state=0).to_torch_geometric()
    torch.manual_seed(0)
    model = GraphSAGE(graph.n_nodes, 32, 2, 16)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loader = LinkLoader(
        data, link_sampler=sampler, edge_label_index=data.edge_index, neg_sampling="binary",
        batch_size=64, shuffle=True,
    )  # fmt: skip
    losses = []
    for _ in range(12):
        for batch in loader:
            optimizer.zero_grad()
            rows = model(batch.x, batch.edge_index)
            scores = (rows[batch.edge_label_index[0]] * rows[batch.edge_label_index[1]]).sum(-1)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(scores, batch.edge_label)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:8])


def test_data_must_be_the_graph() -> None:
    data = directed_data()
    other = Data(edge_index=data.edge_index[:, 1:], num_nodes=30)
    graph = ge.Graph.from_torch_geometric(data, directed=True)
    sampler = ge.NeighborSampler(graph)
    with pytest.raises(ValueError, match="edges that the data lacks"):
        sampler.to_torch_geometric(other)
    with pytest.raises(ValueError, match="edges that the data lacks"):
        sampler.to_torch_geometric(Data(edge_index=data.edge_index[:, :0], num_nodes=30))
    with pytest.raises(ValueError, match="30 nodes, and the data 31"):
        sampler.to_torch_geometric(Data(edge_index=data.edge_index, num_nodes=31))


def test_an_edge_that_is_there_twice_is_named_once() -> None:
    ends = torch.tensor([[0, 2, 0, 1], [1, 1, 1, 2]])
    data = Data(edge_index=ends, num_nodes=3)
    sampler = sampler_of(data, (-1,), named=True)
    batch = next(iter(NodeLoader(data, node_sampler=sampler, batch_size=3)))
    assert sorted(batch.e_id.tolist()) == [0, 1, 3]


def test_times_are_refused() -> None:
    sampler = sampler_of(directed_data())
    nodes = torch.arange(3)
    with pytest.raises(ValueError, match="knows no times"):
        sampler.sample_from_nodes(NodeSamplerInput(None, nodes, time=nodes))
    with pytest.raises(ValueError, match="Row 1 is there twice"):
        sampler.sample_from_nodes(NodeSamplerInput(None, torch.tensor([1, 1])))
