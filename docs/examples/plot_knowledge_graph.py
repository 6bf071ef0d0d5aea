"""
Ask a knowledge graph
=====================

What breaks what, what replaces it, what goes well with it: a knowledge graph has edges of several
kinds, and a model learns what distinguishes them. Then it answers questions with a gap: what does
this package suggest that nobody has written down? This page asks, measures how often the answers
are right, and looks at what the model has understood of the relations.
"""

# %%
# A triple is a head, a relation and a tail. These are the packages of Debian that have a face:
# desktops, games, editors, and what they say of each other. A tenth of the triples is held out.

import matplotlib.pyplot as plt
import numpy as np

import graphembed as ge

debian = ge.datasets.load("debian")
sections = ["gnome", "kde", "x11", "graphics", "games", "sound", "video", "editors", "text", "web"]
chosen = np.isin(debian.label_names, sections)[debian.labels]
heads, relations, tails = debian.graph.triples().T
kept = chosen[heads] & chosen[tails]
names, kinds = debian.graph.nodes, np.array(debian.graph.relations)
triples = np.column_stack([names[heads[kept]], kinds[relations[kept]], names[tails[kept]]])

held_out = np.random.default_rng(0).random(len(triples)) < 0.1
train, test = triples[~held_out], triples[held_out]
print(train[:3], f"... {len(train)} triples, and {len(test)} to be asked for", sep="\n")

# %%
# :class:`~graphembed.ComplEx` gives complex numbers to packages and relations. It predicts what it
# has not seen; a star marks what is true, as the held-out triples say.

model = ge.ComplEx(
    n_components=64, n_negatives=500, batch_size=1000, n_epochs=20, regularizer="n3",
    regularization=0.1, random_state=0,
).fit(train)  # fmt: skip
true = set(map(tuple, test))

for head, relation in [("audacity", "Suggests"), ("vlc", "Recommends"), ("digikam", "Recommends")]:
    answers = model.predict_tails(head, relation, k=4).ids[0]
    starred = [f"{tail}{' *' if (head, relation, tail) in true else ''}" for tail in answers]
    print(f"{head} {relation}: {', '.join(starred)}")

answers = model.predict_heads("Enhances", "emacs", k=4).ids[0]
starred = [f"{head}{' *' if (head, 'Enhances', 'emacs') in true else ''}" for head in answers]
print(f"what Enhances emacs: {', '.join(starred)}")

# %%
# How often is it right? Each held-out triple is asked for from both ends, and the true answer is
# ranked among all packages. Other answers that are known to be true do not count against it.

report = ge.evaluate_ranking(model, test)
print(f"{report.n_triples} triples: MRR {report.mrr:.2f}, Hits@10 {report.hits[10]:.0%}")
print(f"by chance, Hits@10 would be {10 / report.n_entities:.2%}")

# %%
# Has it understood what the relations mean? Take the held-out triples of one relation and ask for
# their tails with another. Whoever depends on a package does not recommend it as well: there, the
# model tells relations apart. What breaks an old package most often replaces it, too, and the two
# questions have nearly the same answers.

shown = ["Depends", "Recommends", "Suggests", "Enhances", "Conflicts", "Breaks", "Replaces"]


def asked_as(relation, other):
    """Return the MRR of the tails of one relation, asked for by another."""
    asked = test[test[:, 1] == relation].copy()
    asked[:, 1] = other
    return ge.evaluate_ranking(model, asked, sides=["tail"]).mrr


table = np.array([[asked_as(one, other) for other in shown] for one in shown])
figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 4.6), layout="constrained", sharey=True, width_ratios=[3, 2]
)
left.imshow(table, cmap="Blues", vmin=0, vmax=1, aspect="auto")
for (row, column), mrr in np.ndenumerate(table):
    color = "white" if mrr > 0.5 else "black"
    left.text(column, row, f"{mrr:.2f}", color=color, ha="center", va="center", size=9)
counts = [np.count_nonzero(test[:, 1] == one) for one in shown]
left.set_yticks(range(len(shown)), [f"{one} ({n})" for one, n in zip(shown, counts, strict=True)])
left.set_xticks(range(len(shown)), shown, rotation=30, ha="right")
left.tick_params(length=0)
left.set(title="MRR of their tails, asked for as", ylabel="held-out triples")

found = report.to_frame().query("by == 'relation'").pivot(
    index="name", columns="side", values="hits_at_10"
).loc[shown]  # fmt: skip
right.hlines(range(len(shown)), found["head"], found["tail"], color="lightgray", linewidth=3)
right.scatter(found["tail"], range(len(shown)), s=60, zorder=2, label="tails")
right.scatter(
    found["head"], range(len(shown)), s=60, zorder=2, facecolor="white", edgecolor="C1",
    label="heads",
)  # fmt: skip
right.set(title="Hits@10", xlim=(0, 1.03))
right.xaxis.set_major_formatter("{x:.0%}")
right.tick_params(axis="y", length=0)
right.legend(frameon=False, loc="lower left", title="asked for")
for axes in (left, right):
    axes.spines[:].set_visible(False)
right.spines["bottom"].set_visible(True)
plt.show()

# %%
# :doc:`/knowledge_graphs` lists the models, and says which relations each can express.
