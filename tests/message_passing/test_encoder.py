from collections.abc import Iterator

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch import Tensor

from graphembed import Graph, NeighborSampler
from graphembed.message_passing.autograd import torch_threads
from graphembed.message_passing.block import Block, listening
from graphembed.message_passing.encoder import Encoder
from graphembed.message_passing.messages import Messages, symmetric_degrees

CONVS = [("sage", "mean"), ("sage", "max"), ("sage", "sum"), ("sage", "gcn"),
         ("gcn", "mean"), ("gat", "mean"), ("gin", "mean")]  # fmt: skip
ALL_CONVS = pytest.mark.parametrize(("conv", "aggregator"), CONVS)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with torch_threads(1):
        yield


def a_graph(n_nodes: int = 60, n_edges: int = 150) -> Graph:
    edges = np.random.default_rng(0).integers(0, n_nodes - 1, size=(n_edges, 2))
    return Graph.from_edges(*edges.T, nodes=range(n_nodes), directed=True)


def features(n_nodes: int = 60) -> Tensor:
    return torch.randn(n_nodes, 12, generator=torch.Generator().manual_seed(0))


def blocks(graph: Graph, n_layers: int = 2) -> list[Messages]:
    return [Messages.from_block(Block.full(graph))] * n_layers


@ALL_CONVS
def test_to_torch_has_equal_outputs(conv: str, aggregator: str) -> None:
    encoder = Encoder(12, 16, 8, 3, conv=conv, aggregator=aggregator, activation="prelu")
    heard = blocks(a_graph(), 3)
    expected = encoder.to_torch()(features(), torch.from_numpy(heard[0].edge_index))
    torch.testing.assert_close(encoder(features(), heard), expected, rtol=1e-4, atol=1e-4)


@ALL_CONVS
def test_all_neighbours_sampled_are_the_whole_graph(conv: str, aggregator: str) -> None:
    graph, seeds = a_graph(), np.array([40, 3, 59, 7])
    encoder = Encoder(12, 16, 8, 2, conv=conv, aggregator=aggregator)
    sample = NeighborSampler(graph, (-1, -1), random_state=0).sample(seeds)
    degrees = symmetric_degrees(listening(graph, "in"))
    heard = [Messages.from_block(block, degrees) for block in sample.blocks]
    rows = features()[torch.from_numpy(sample.rows).long()]
    whole = encoder(features(), blocks(graph))
    torch.testing.assert_close(encoder(rows, heard), whole[seeds], rtol=1e-5, atol=1e-6)


@ALL_CONVS
def test_nodes_in_another_order_are_rows_in_another_order(conv: str, aggregator: str) -> None:
    graph, order = a_graph(), np.random.default_rng(1).permutation(60)
    encoder = Encoder(12, 16, 8, 2, conv=conv, aggregator=aggregator)
    matrix = graph.to_scipy()[order][:, order]
    moved = Graph.from_scipy(matrix, directed=True)
    expected = encoder(features(), blocks(graph))[order]
    out = encoder(features()[order], blocks(moved))
    torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-5)


@ALL_CONVS
def test_the_same_bits_at_any_number_of_threads(conv: str, aggregator: str) -> None:
    graph, X = a_graph(3000, 20_000), features(3000)
    encoder = Encoder(12, 64, 32, 2, conv=conv, aggregator=aggregator, dropout=0.3)
    results = []
    for encoder.n_jobs in (1, 2, 3):
        encoder.zero_grad()
        out = encoder(X, blocks(graph), torch.Generator().manual_seed(0))
        out.square().mean().backward()
        results.append([out, *(parameter.grad for parameter in encoder.parameters())])
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@ALL_CONVS
def test_sparse_features_are_as_good_as_dense_ones(conv: str, aggregator: str) -> None:
    X = sp.random_array((60, 12), density=0.3, rng=np.random.default_rng(0), format="csr")
    encoder = Encoder(12, 16, 8, 2, conv=conv, aggregator=aggregator)
    dense = torch.from_numpy(X.toarray().astype(np.float32))
    heard = blocks(a_graph())
    torch.testing.assert_close(encoder(X, heard), encoder(dense, heard), rtol=1e-4, atol=1e-5)


def test_dropout_is_of_training_only() -> None:
    encoder, heard = Encoder(12, 16, 8, 2, dropout=0.5), blocks(a_graph())
    one, other = (encoder(features(), heard, torch.Generator().manual_seed(i)) for i in (0, 1))
    assert not torch.equal(one, other)
    encoder.eval()
    assert torch.equal(encoder(features(), heard), encoder(features(), heard))


def test_the_last_layer_is_activated_only_if_asked() -> None:
    heard = blocks(a_graph())
    assert (Encoder(12, 16, 8, 2)(features(), heard) < 0).any()
    assert (Encoder(12, 16, 8, 2, activate_output=True)(features(), heard) >= 0).all()


@ALL_CONVS
def test_one_encoder_and_then_another(conv: str, aggregator: str) -> None:
    options = {"conv": conv, "aggregator": aggregator, "activation": "prelu"}
    first = Encoder(12, 16, 8, 2, activate_output=True, **options)
    second = Encoder(8, 0, 3, 1, **options)
    both, heard = first.then(second), blocks(a_graph(), 3)
    assert torch.equal(both(features(), heard), second(first(features(), heard[:2]), heard[2:]))
    assert both.widths == [12, 16, 8, 3]
    edge_index = torch.from_numpy(heard[0].edge_index)
    rows = both.to_torch()(features(), edge_index)
    torch.testing.assert_close(rows, both(features(), heard), rtol=1e-4, atol=1e-4)


def test_encoders_one_after_another_share_their_weights_and_are_as_they_were() -> None:
    first, second = Encoder(12, 16, 8, 2, activate_output=True), Encoder(8, 0, 3, 1)
    names = list(first.state_dict())
    both = first.then(second)
    with torch.no_grad():
        second.layers[0].lin_l.bias.fill_(7)
        first.layers[0].lin_l.bias.fill_(5)
    assert both.layers[2].lin_l.bias.tolist() == [7] * 3
    assert both.layers[0].lin_l.bias.tolist() == [5] * 16
    assert list(first.state_dict()) == names
    assert first.widths == [12, 16, 8]
    assert first(features(), blocks(a_graph())).shape == (60, 8)


def test_weights_come_of_a_generator_and_blocks_of_a_sampler_do() -> None:
    one, other = Encoder(12, 16, 8), Encoder(12, 16, 8)
    for encoder in (one, other):
        encoder.reset_parameters(torch.Generator().manual_seed(7))
    sample = NeighborSampler(a_graph(), (5, 5), random_state=0).sample([3, 4])
    X = features()[torch.from_numpy(sample.rows).long()]
    assert one(X, sample.blocks).shape == (2, 8)
    assert torch.equal(one(X, sample.blocks), other(X, sample.blocks))


def test_a_graph_without_edges() -> None:
    graph = Graph.from_edges([], [], nodes=range(60))
    for conv in ("sage", "gcn", "gat", "gin"):
        assert Encoder(12, 16, 8, 2, conv=conv)(features(), blocks(graph)).isfinite().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"conv": "cheb"}, "Unknown conv 'cheb' .known: sage, gcn, gat, gin"),
        ({"activation": "tanh"}, "Unknown activation 'tanh' .known: relu, prelu, elu"),
    ],
)
def test_unknown_names_are_errors(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Encoder(2, 2, 2, 2, **options)


def test_attention_has_one_head_only_where_nothing_follows() -> None:
    def heads(encoder: Encoder) -> list[int]:
        return [layer.conv.heads for layer in encoder.layers]

    assert heads(Encoder(12, 16, 8, 3, conv="gat")) == [8, 8, 1]
    assert heads(Encoder(12, 16, 8, 2, conv="gat", activate_output=True)) == [8, 8]
    assert heads(Encoder(12, 16, 5, 2, conv="gat", activate_output=True)) == [8, 1]
