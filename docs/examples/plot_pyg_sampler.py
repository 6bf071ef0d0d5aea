"""
Train any model of torch_geometric
==================================

torch_geometric's ``NeighborLoader`` needs pyg-lib or torch-sparse to draw neighbourhoods: compiled
extensions that have to fit the version of torch, and of which the package index has no wheels.
:class:`~graphembed.NeighborSampler` needs neither. The models, the loaders and the loops on this
page are torch_geometric's own.
"""

# %%
# This is torch_geometric's example of a GraphSAGE that learns without labels: it is to tell pairs
# of nodes that are connected from pairs that are not. Afterwards its vectors are judged by labels.
# Here nodes are some of Debian's packages, features are their debtags, and labels are sections.

import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

import graphembed as ge

warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)  # which torch_geometric uses
from torch_geometric.loader import LinkLoader, NodeLoader  # noqa: E402
from torch_geometric.nn import GAT, GraphSAGE  # noqa: E402

debian = ge.datasets.load("debian")
sections = ["games", "sound", "graphics", "science", "editors", "gnome", "kde"]
kept = np.isin(np.array(debian.label_names)[debian.labels], sections)
adjacency = debian.graph.to_undirected().to_scipy()[kept][:, kept]
tags = debian.graph.features[kept]
tags = tags[:, np.asarray(tags.sum(axis=0)).ravel() >= 20]
graph = ge.Graph.from_scipy(adjacency, directed=False, features=tags)

data = graph.to_torch_geometric()
data.y = torch.from_numpy(np.unique(debian.labels[kept], return_inverse=True)[1])
print(data)

# %%
# Any loader that takes a sampler takes this one. The pairs that a batch asks for are left out of
# its neighbourhoods: otherwise a model could learn to look whether they are there.

torch.manual_seed(0)
sampler = ge.NeighborSampler(graph, fanout=(10, 10), random_state=0)
links = LinkLoader(
    data, link_sampler=sampler.to_torch_geometric(), edge_label_index=data.edge_index,
    neg_sampling_ratio=1.0, batch_size=256, shuffle=True,
)  # fmt: skip
model = GraphSAGE(data.num_features, hidden_channels=64, num_layers=2)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
losses = []

for _ in range(5):
    for batch in links:
        optimizer.zero_grad()
        vectors = model(batch.x, batch.edge_index)
        left, right = vectors[batch.edge_label_index]
        loss = binary_cross_entropy_with_logits((left * right).sum(dim=1), batch.edge_label)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))

# %%
# How many sections are right, if those of a tenth of the packages are known?

known = np.random.default_rng(0).random(graph.n_nodes) < 0.1
model.eval()
with torch.no_grad():
    vectors = model(data.x, data.edge_index).numpy()


def share_of_right(features):
    """Return the share of the other packages that a classifier puts in the right section."""
    scale = features[known].std(axis=0) + 1e-6
    features = (features - features[known].mean(axis=0)) / scale
    classifier = LogisticRegression(C=0.1, max_iter=500).fit(features[known], data.y[known])
    return classifier.score(features[~known], data.y[~known])


right = {
    "tags": share_of_right(data.x.numpy()),
    "GraphSAGE, no labels seen": share_of_right(vectors),
}

# %%
# ``NodeLoader`` is for models that learn from the labels: here an attention network. A fan-out of
# -1 takes all neighbours, which is what one wants in the end.

nodes = NodeLoader(
    data, node_sampler=sampler.to_torch_geometric(), input_nodes=torch.from_numpy(known),
    batch_size=64, shuffle=True,
)  # fmt: skip
model = GAT(data.num_features, 32, num_layers=2, out_channels=len(sections), dropout=0.5)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

for _ in range(10):
    for batch in nodes:
        optimizer.zero_grad()
        scores = model(batch.x, batch.edge_index)[: batch.batch_size]
        cross_entropy(scores, batch.y[: batch.batch_size]).backward()
        optimizer.step()

model.eval()
everything = ge.NeighborSampler(graph, fanout=(-1, -1)).to_torch_geometric()
with torch.no_grad():
    guesses = [
        model(batch.x, batch.edge_index)[: batch.batch_size].argmax(dim=1)
        for batch in NodeLoader(data, node_sampler=everything, batch_size=1024)
    ]
right["GAT, trained on labels"] = float((torch.cat(guesses) == data.y)[~known].float().mean())

# %%

figure, (course, bars) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
course.plot(losses)
course.set(xlabel="batches", ylabel="loss of GraphSAGE")
bars.barh(list(right), list(right.values()))
bars.invert_yaxis()
bars.set(xlabel="share of sections that are right", xlim=(0, 1))
bars.bar_label(bars.containers[0], fmt="%.2f", padding=3)
plt.show()
