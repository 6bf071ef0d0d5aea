"""Links of graphs with features, by GraphSAGE and torch_geometric's SAGEConv."""

from collections.abc import Callable
from typing import Any

import numpy as np
from contenders import graphsage, pyg
from contenders.attributed import graph_arrays
from contenders.poincare import spread
from harness.contender import Contender, Measurement, Result, Row, Settings
from harness.inputs import save_arrays
from harness.measure import compare

DATASETS = ("cora", "citeseer", "pubmed")
N_SPLITS = 10
TEST_SIZE = 0.1  # and 5 % to validate with, which each contender holds out itself
N_COMPARISONS = 5  # runs of StellarGraph's protocol

# Elsewhere; not measured here.
PUBLISHED = {
    "sage-links-cora": "VGAE AUC .914, AP .926",
    "sage-links-citeseer": "VGAE AUC .908, AP .920; GraphSAGE AUC .937",
    "sage-links-pubmed": "VGAE AUC .944, AP .947",
    "sage-cora-links": "StellarGraph: GraphSAGE .925 in 156 s, Attri2Vec .937, GCN .903",
}


def dot_products(dataset: str) -> Callable[[Settings], list[Measurement]]:
    """Return what embeds a graph without a tenth of its edges, and scores them by dot products."""

    def run(settings: Settings) -> list[Measurement]:
        import graphembed as ge

        graph = ge.datasets.load(dataset).graph
        splits = [
            ge.split_edges(graph, test_size=TEST_SIZE, keep_connected=False, random_state=seed)
            for seed in range(N_SPLITS)
        ]
        name = f"sage-links-{dataset}"
        arrays = graph_arrays([split.train for split in splits])
        inputs = save_arrays(settings.workspace / name, arrays)

        def score(contender: Contender, embeddings: Any) -> dict[str, Result]:
            return judged(splits, embeddings) | published(contender, name)

        return compare(
            link_contenders(N_SPLITS), inputs, settings,
            calls=N_SPLITS, rounds=1, cold=False, score=score,
        )  # fmt: skip

    return run


def link_contenders(n_runs: int) -> tuple[Contender, ...]:
    """Return who embeds each split once."""
    vectors = graphsage.graphsage_vectors
    ours = {"n_runs": n_runs, "unit": True, **graphsage.LINKS}
    return (
        graphsage.ours("graphembed", vectors, **ours),
        graphsage.ours("graphembed, objective='edge'", vectors, **ours, objective="edge"),
        pyg.pyg("torch_geometric SAGEConv, 1 split", pyg.pyg_links, n_runs=1, **pyg.LINKS),
    )


def judged(splits: Any, embeddings: Any) -> dict[str, Result]:
    """Return the AUC and average precision of held-out edges by dot products of rows."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    found: dict[str, list[float]] = {"AUC": [], "AP": []}
    for split, rows in zip(splits, embeddings, strict=False):  # peers may do fewer
        left, right = rows_of(split.train, split.test_pairs).T
        scores = np.einsum("ij,ij->i", rows[left], rows[right])
        found["AUC"].append(roc_auc_score(split.test_labels, scores))
        found["AP"].append(average_precision_score(split.test_labels, scores))
    return spread(found)


def compare_classifiers(settings: Settings) -> list[Measurement]:
    """Run StellarGraph's comparison of link predictors on several splits of Cora."""
    import graphembed as ge
    from graphembed.graph.transforms import largest_component

    graph = largest_component(ge.datasets.load("cora").graph)
    graphs, arrays, labels = [], {}, []
    for seed in range(N_COMPARISONS):
        outer = ge.split_edges(graph, test_size=0.1, random_state=seed)
        inner = ge.split_edges(outer.train, test_size=0.1, random_state=seed)
        graphs += [inner.train, outer.train]
        arrays[f"pairs-{seed}"] = rows_of(graph, inner.test_pairs)
        arrays[f"labels-{seed}"] = inner.test_labels
        arrays[f"asked-{seed}"] = rows_of(graph, outer.test_pairs)
        labels.append(outer.test_labels)
    name = "sage-cora-links"
    inputs = save_arrays(settings.workspace / name, graph_arrays(graphs) | arrays)

    def score(contender: Contender, scores: Any) -> dict[str, Result]:
        from sklearn.metrics import roc_auc_score

        found = [roc_auc_score(*pair) for pair in zip(labels, scores, strict=True)]
        return spread({"AUC": found}) | published(contender, name)

    return compare(
        pair_contenders(N_COMPARISONS), inputs, settings,
        calls=N_COMPARISONS, rounds=1, cold=False, score=score,
    )  # fmt: skip


def pair_contenders(n_runs: int) -> tuple[Contender, ...]:
    """Return who trains a classifier of pairs on each split once."""
    work = graphsage.graphsage_pair_classifier
    return (graphsage.ours("graphembed", work, n_runs=n_runs),)


def rows_of(graph: Any, pairs: Any) -> Any:
    """Return the rows of pairs of ids, an array of shape (n_pairs, 2)."""
    return graph.node_index.rows(np.asarray(pairs).ravel()).reshape(-1, 2)


def published(contender: Contender, row: str) -> dict[str, Result]:
    """Return what was published, beside ours."""
    return {"published": PUBLISHED[row]} if contender.reference else {}


def rows() -> list[Row]:
    """Return the rows of this file."""
    by_classifier = (
        "largest component of Cora, 10 % of the edges held out, another 10 % train a classifier "
        "of pairs (StellarGraph's protocol): AUC; time from graph to scores"
    )
    by_product = (
        f"{N_SPLITS} splits, 85/5/10 % of the edges: AUC and AP of cosines (torch_geometric: dot "
        "products)"
    )
    return [
        Row("sage-cora-links", by_classifier, compare_classifiers),
        *(
            Row(f"sage-links-{name}", f"{name}, {by_product}", dot_products(name))
            for name in DATASETS
        ),
    ]
