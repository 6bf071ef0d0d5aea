"""torch_geometric's SAGEConv on the whole graph, trained as in its own examples.

It comes with graphembed, so it runs in the same interpreter.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from harness.contender import Contender, Job

from contenders.attributed import adjacency_of, in_turn, scaled_features

# examples/link_pred.py, with SAGEConv and the widths of ours.
LINKS = {"hidden": 256, "n_components": 128, "learning_rate": 0.01, "n_epochs": 200}
VALIDATION = 0.055  # of the edges that are left: 5 % of all
CLASSES = {
    "hidden": 64,
    "dropout": 0.5,
    "learning_rate": 0.01,
    "weight_decay": 5e-4,
    "n_epochs": 200,
}

MODULES = ("torch", "torch_geometric.nn", "torch_geometric.transforms", "torch_geometric.utils")
DISTRIBUTIONS = ("torch-geometric", "torch", "numpy")


def pyg_links(
    arrays: Mapping[str, Any],
    *,
    threads: int,
    n_runs: int,
    hidden: int,
    n_components: int,
    learning_rate: float,
    n_epochs: int,
) -> Job:
    """Tell edges from as many non-edges by dot products; the epoch is the best on validation."""
    import torch
    from sklearn.metrics import roc_auc_score
    from torch.nn.functional import binary_cross_entropy_with_logits
    from torch_geometric.nn.models import GraphSAGE
    from torch_geometric.transforms import RandomLinkSplit
    from torch_geometric.utils import negative_sampling

    graphs = inputs(arrays, threads)
    split = RandomLinkSplit(
        num_val=VALIDATION, num_test=0.0, is_undirected=True, add_negative_train_samples=False
    )

    def work(number: int) -> Any:
        torch.manual_seed(number)
        train, held_out, _ = split(graphs[number % len(graphs)])
        model = GraphSAGE(train.num_features, hidden, 2, n_components)
        optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
        best, kept = -1.0, None
        for _ in range(n_epochs):
            model.train()
            optimizer.zero_grad()
            rows = model(train.x, train.edge_index)
            others = negative_sampling(
                train.edge_index, train.num_nodes, train.edge_label_index.size(1)
            )
            left, right = torch.cat([train.edge_label_index, others], dim=1)
            labels = torch.cat([train.edge_label, train.edge_label.new_zeros(others.size(1))])
            scores = (rows[left] * rows[right]).sum(dim=1)
            binary_cross_entropy_with_logits(scores, labels).backward()
            optimizer.step()
            model.eval()
            with torch.no_grad():
                rows = model(held_out.x, held_out.edge_index)
                left, right = held_out.edge_label_index
                scores = (rows[left] * rows[right]).sum(dim=1)
            found = roc_auc_score(held_out.edge_label.numpy(), scores.numpy())
            if found > best:
                best, kept = found, rows.numpy()
        return kept

    return in_turn(work, n_runs)


def pyg_classes(
    arrays: Mapping[str, Any],
    *,
    threads: int,
    n_runs: int,
    hidden: int,
    dropout: float,
    learning_rate: float,
    weight_decay: float,
    n_epochs: int,
) -> Job:
    """Learn labels; the epoch is the best on the validation nodes."""
    import torch
    from torch.nn.functional import cross_entropy
    from torch_geometric.nn.models import GraphSAGE

    (graph,) = inputs(arrays, threads)
    train, held_out = (torch.from_numpy(arrays[name] >= 0) for name in ("y", "y_val"))
    y, y_val = (torch.from_numpy(arrays[name].astype(np.int64)) for name in ("y", "y_val"))
    n_classes = int(max(arrays["y"].max(), arrays["y_val"].max())) + 1

    def work(number: int) -> Any:
        torch.manual_seed(number)
        model = GraphSAGE(graph.num_features, hidden, 2, n_classes, dropout)
        optimizer = torch.optim.Adam(
            model.parameters(), lr=learning_rate, weight_decay=weight_decay
        )
        best, kept = -1.0, None
        for _ in range(n_epochs):
            model.train()
            optimizer.zero_grad()
            scores = model(graph.x, graph.edge_index)
            cross_entropy(scores[train], y[train]).backward()
            optimizer.step()
            model.eval()
            with torch.no_grad():
                scores = model(graph.x, graph.edge_index)
            found = (scores.argmax(dim=1) == y_val)[held_out].float().mean().item()
            if found > best:
                best, kept = found, scores.softmax(dim=1).numpy()
        return kept

    return in_turn(work, n_runs)


def inputs(arrays: Mapping[str, Any], threads: int) -> list[Any]:
    """Return the graphs as its Data, with the features of the first."""
    import torch
    from torch_geometric.data import Data

    torch.set_num_threads(threads)
    features = torch.from_numpy(scaled_features(arrays))
    graphs = []
    for number in range(int(arrays["n_graphs"])):
        matrix = adjacency_of(arrays, number).tocoo()
        ends = torch.from_numpy(np.stack([matrix.row, matrix.col]).astype(np.int64))
        graphs.append(Data(x=features, edge_index=ends))
    return graphs


def pyg(name: str, function: Any, **params: Any) -> Contender:
    """Return its contender."""
    return Contender(name, function, MODULES, DISTRIBUTIONS, params, once=params["n_runs"] == 1)
