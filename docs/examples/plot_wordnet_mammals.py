"""
A hierarchy in the Poincaré disk
================================

A tree has twice as many nodes at each step down, or more; a sheet of paper does not have twice the
room at each step out. The hyperbolic plane does. This page places the mammals of WordNet in it,
with two numbers for each, and reads the hierarchy off the places.
"""

# %%
# Each edge says that something is a kind of something else: a poodle is a dog, a carnivore and a
# mammal. All ancestors count, not only the parents.

import matplotlib.pyplot as plt
import numpy as np

import graphembed as ge
from graphembed.evaluation import hierarchy_reconstruction

graph = ge.datasets.load("wordnet_mammals").graph
print(graph)

# %%
# :class:`~graphembed.PoincareEmbedding` pulls each node and its ancestors together, and pushes
# others away. Nobody tells it which ones are general: they come to the middle because they have to
# be near to so many.

settings = {"n_negatives": 20, "n_epochs": 200, "learning_rate": 0.3, "temperature": 1.0}
model = ge.PoincareEmbedding(n_components=2, random_state=0, **settings).fit(graph)
names = {node: node.split(".")[0].replace("_", " ") for node in graph.nodes}
most = graph.nodes[np.argsort(-graph.reverse().degrees)[:60]]
words = {node: names[node] for node in most}

ge.plot.poincare_disk(model, graph, labels=words)
plt.show()

# %%
# The circle is infinitely far away. Lines are shortest paths, from kinds to what they are kinds of,
# and the dots are larger the more there is below them. Most of the tree is at the rim, where there
# is most room. To see another part of it, move it to the middle: distances do not change.

near = ["dog.n.01", *model.neighbors("dog.n.01", k=60).ids[0]]
ge.plot.poincare_disk(model, graph, labels={node: names[node] for node in near}, center="dog.n.01")
plt.show()

# %%
# The distance from the middle is a depth; the nearest node farther in is a guess at what a node is
# a kind of. :meth:`~graphembed.PoincareEmbedding.is_a_score` compares such guesses.

for node in ["mammal.n.01", "carnivore.n.01", "dog.n.01", "terrier.n.01"]:
    print(f"{names[node]:10} depth {model.norm(node):5.2f}  {model.ancestors(node).tolist()}")
print("a terrier is a dog:", round(model.is_a_score("terrier.n.01", "dog.n.01")))
print("a dog is a terrier:", round(model.is_a_score("dog.n.01", "terrier.n.01")))

# %%
# How much of the hierarchy is left in two numbers for each mammal? For each of them, all others are
# ranked by distance. A mean rank of 1 would be perfect, and so would a MAP of 1. A few more
# dimensions make much of the difference up:

deeper = ge.PoincareEmbedding(n_components=5, random_state=0, **settings).fit(graph)
for fitted in (model, deeper):
    report = hierarchy_reconstruction(fitted, graph)
    print(
        f"{fitted.n_components} dimensions: mean rank {report.mean_rank:.2f}, "
        f"MAP {report.mean_average_precision:.3f}"
    )

# %%
# :doc:`/hyperbolic` has the formulas, and says when two or ten hyperbolic dimensions are worth it.
