import subprocess
import sys
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from graphembed import Graph
from graphembed.message_passing.autograd import torch_threads
from graphembed.message_passing.block import Block
from graphembed.message_passing.layers import (
    GCNLayer,
    SAGELayer,
    first_rows,
    gat_layer,
    gin_layer,
    linear_first,
    reset_parameters,
)
from graphembed.message_passing.messages import Messages, SparseMatrix

with warnings.catch_warnings():
    # torch_geometric itself uses what torch deprecates, once, when it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    from torch_geometric.nn import GATConv, GCNConv, GINConv, SAGEConv

N_NODES = 30


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with torch_threads(1):
        yield


def messages() -> Messages:
    """Directed, with a loop and a node that hears nobody."""
    edges = np.random.default_rng(0).integers(0, N_NODES - 1, size=(100, 2))
    edges = np.vstack([edges, [[3, 3]]])
    graph = Graph.from_edges(*edges.T, nodes=range(N_NODES), directed=True)
    return Messages.from_block(Block.full(graph))


def features(n_columns: int) -> tuple[Tensor, SparseMatrix]:
    rng = np.random.default_rng(1)
    X = sp.random_array((N_NODES, n_columns), density=0.3, rng=rng, format="csr", dtype=np.float32)
    return torch.from_numpy(X.toarray()), SparseMatrix.from_scipy(X)


def agree(layer: nn.Module, theirs: nn.Module, n_in: int) -> None:
    """Outputs and gradients, of dense and of sparse features."""
    heard = messages()
    edges = torch.from_numpy(heard.edge_index)
    dense, sparse = features(n_in)
    expected = theirs(dense, edges)
    expected.square().sum().backward()
    for X in (dense, sparse):
        layer.zero_grad()
        out = layer(X, heard)
        torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-5)
        out.square().sum().backward()
        for name, parameter in theirs.named_parameters():
            grad = layer.get_parameter(name).grad
            torch.testing.assert_close(grad, parameter.grad, rtol=1e-4, atol=1e-4)


def drawn(layer: nn.Module) -> nn.Module:
    reset_parameters(layer, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter += 0.1  # biases, too
    return layer


@pytest.mark.parametrize("aggregator", ["mean", "max", "sum"])
@pytest.mark.parametrize("n_out", [4, 20])
def test_weights_of_sage_load_into_pyg(aggregator: str, n_out: int) -> None:
    layer, conv = drawn(SAGELayer(10, n_out, aggregator)), SAGEConv(10, n_out, aggr=aggregator)
    conv.load_state_dict(layer.state_dict())
    agree(layer, conv, 10)


@pytest.mark.parametrize("n_out", [4, 20])
def test_weights_of_gcn_load_into_pyg(n_out: int) -> None:
    layer, conv = drawn(GCNLayer(10, n_out)), GCNConv(10, n_out)
    conv.load_state_dict(layer.state_dict())
    agree(layer, conv, 10)


def test_weights_of_edges_are_those_of_pyg() -> None:
    weights = np.random.default_rng(0).uniform(0.5, 2, size=60)
    edges = np.random.default_rng(1).integers(0, N_NODES, size=(60, 2))
    graph = Graph.from_edges(*edges.T, weights, nodes=range(N_NODES), directed=True)
    heard = Messages.from_block(Block.full(graph))
    layer, conv = drawn(GCNLayer(10, 4)), GCNConv(10, 4)
    conv.load_state_dict(layer.state_dict())
    X = features(10)[0]
    expected = conv(X, torch.from_numpy(heard.edge_index), torch.tensor(heard.weights))
    torch.testing.assert_close(layer(X, heard), expected, rtol=1e-4, atol=1e-5)


def test_the_gcn_aggregator_averages_a_node_and_its_neighbours() -> None:
    layer = drawn(SAGELayer(10, 4, "gcn"))
    assert set(layer.state_dict()) == {"lin_l.weight", "lin_l.bias"}
    SAGEConv(10, 4, root_weight=False).load_state_dict(layer.state_dict())
    agree(layer, layer.to_torch(), 10)


@pytest.mark.parametrize("last", [False, True])
def test_attention_is_that_of_pyg(last: bool) -> None:
    layer = drawn(gat_layer(10, 16, last=last))
    conv = GATConv(10, 16 if last else 2, heads=1 if last else 8)
    conv.load_state_dict(layer.conv.state_dict())
    agree(_Bare(layer), conv, 10)


def test_isomorphism_networks_are_those_of_pyg() -> None:
    layer = drawn(gin_layer(10, 4))
    maps = nn.Sequential(nn.Linear(10, 4), nn.ReLU(), nn.Linear(4, 4))
    conv = GINConv(maps, train_eps=True)
    conv.load_state_dict(layer.conv.state_dict())
    agree(_Bare(layer), conv, 10)


class _Bare(nn.Module):
    """A layer whose parameters go by the names that its convolution gives them."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def get_parameter(self, target: str) -> nn.Parameter:
        return self.layer.conv.get_parameter(target)

    def forward(self, X: Tensor | SparseMatrix, heard: Messages) -> Tensor:
        return self.layer(X, heard)


@pytest.mark.parametrize(
    "layer", [SAGELayer(10, 4), SAGELayer(10, 4, "max"), gat_layer(10, 8, last=False)]
)
def test_targets_may_be_a_part_of_the_sources(layer: nn.Module) -> None:
    heard = messages()
    part = Messages(heard.indptr[:11], heard.indices[: heard.indptr[10]], N_NODES)
    dense, sparse = features(10)
    drawn(layer)
    for X in (dense, sparse):
        torch.testing.assert_close(layer(X, part), layer(X, heard)[:10])


def test_glorot_weights_of_a_generator() -> None:
    layers = [SAGELayer(200, 100), SAGELayer(200, 100)]
    before = torch.random.get_rng_state()
    for layer in layers:
        reset_parameters(layer, torch.Generator().manual_seed(3))
    gat_layer(4, 8, last=False), gin_layer(4, 8)
    assert torch.equal(torch.random.get_rng_state(), before)
    first, second = (layer.lin_l.weight for layer in layers)
    assert torch.equal(first, second)
    limit = (6 / 300) ** 0.5
    assert first.abs().max() <= limit
    assert first.std().item() == pytest.approx(limit / 3**0.5, rel=0.02)
    assert not layers[0].lin_l.bias.any()


def test_rows_are_summed_where_they_are_shorter() -> None:
    assert linear_first((4, 10), "mean", sparse=False)
    assert not linear_first((10, 10), "mean", sparse=False)
    assert linear_first((20, 10), "mean", sparse=True)
    assert not linear_first((4, 10), "max", sparse=True)


def test_first_rows() -> None:
    dense, sparse = features(10)
    assert first_rows(dense, N_NODES) is dense
    assert torch.equal(first_rows(dense, 4), dense[:4])
    np.testing.assert_array_equal(first_rows(sparse, 4).toarray(), dense[:4])


def test_an_unknown_aggregator_is_an_error() -> None:
    with pytest.raises(ValueError, match="Unknown aggregator 'lstm'"):
        SAGELayer(2, 2, "lstm")


def test_layers_are_made_without_a_library_of_symbols() -> None:
    code = (
        "import sys, torch; there = 'sympy' in sys.modules;"
        "from graphembed.message_passing.layers import SAGELayer; SAGELayer(3, 2);"
        "print(there, 'sympy' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    there, then = run.stdout.split()
    assert there == then
    before = torch.random.get_rng_state()
    SAGELayer(3, 2), GCNLayer(3, 2)
    assert torch.equal(torch.random.get_rng_state(), before)
