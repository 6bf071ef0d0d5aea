"""How the defaults of FastRP were chosen: `python benchmarks/fastrp_defaults.py`.

Each setting is scored on data sets for development only; the sets that the other benchmarks and
the README report on (blogcatalog, ca_astroph, debian) take no part. A score is micro-F1 of node
classification at 10 and 50 % labels, or AUC of link prediction on 10 % held-out edges by cosine
and by logistic regression on Hadamard products. Classified rows are first scaled to one length,
since with a fixed penalty longer rows would count as better ones. What is printed for a setting
is, per kind of task, the mean over data sets of its score minus the best score any setting reached
there, in points: 0 would be the best everywhere.
"""

import argparse
import itertools
import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

import graphembed as ge
from graphembed.evaluation import classify_nodes, link_prediction

CLASSIFICATION = (
    "ppi_homo_sapiens", "cora", "citeseer", "pubmed", "amazon_computers", "lastfm_asia",
    "musae_facebook", "email_eu_core", "flickr_attributed", "airports_usa",
)  # fmt: skip
LINKS = (
    "ca_grqc",
    "ego_facebook",
    "email_enron",
    "lastfm_asia",
    "p2p_gnutella08",
    "ppi_homo_sapiens",
)
WEIGHTS = (
    (0, 1, 1), (0, 1, 1, 1), (1, 1, 1, 1), (0, 0, 1, 1), (0, 0.25, 0.5, 1), (0, 1, 1, 1, 1),
    (0, 0, 1, 1, 1), (0, 1, 1, 1, 1, 1), (0, 0, 1, 1, 1, 1), (0, 1, 1, 1, 1, 1, 1),
)  # fmt: skip
EXPONENTS = (-0.9, -0.5, -0.25, 0.0, 0.25, 0.5)
LENGTH = 4.0
DENSITIES = (1.0, 1 / 3, 0.1, 0.01)


def main() -> None:
    """Score a grid and print it, the best setting first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-components", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--grid", choices=["powers", "projection"], default="powers")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    if arguments.grid == "powers":
        settings = [
            {"weights": weights, "degree_exponent": exponent}
            for weights, exponent in itertools.product(WEIGHTS, EXPONENTS)
        ]
    else:
        settings = [
            {"density": density, "normalize": normalize}
            for density, normalize in itertools.product(DENSITIES, (True, False))
        ]
    scores = measure(settings, arguments.n_components, arguments.seeds)
    report(settings, scores)
    if arguments.output:
        rows = [
            {**s, "scores": {" ".join(k): v[i] for k, v in scores.items()}}
            for i, s in enumerate(settings)
        ]
        arguments.output.write_text(json.dumps(rows, indent=1) + "\n")


def measure(settings, n_components, n_seeds):
    """Return scores[kind, data set][setting]."""
    scores = defaultdict(lambda: [0.0] * len(settings))
    for name in CLASSIFICATION:
        data = ge.datasets.load(name)
        graph = data.graph.to_undirected()
        for number, setting in enumerate(settings):
            for seed in range(n_seeds):
                rows = ge.FastRP(n_components, random_state=seed, **setting).fit_transform(graph)
                rows *= LENGTH / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
                result = classify_nodes(
                    rows, data.labels, train_sizes=(0.1, 0.5), n_shuffles=2, random_state=seed
                )
                for size, value in zip(("10 %", "50 %"), result.micro_f1.mean(axis=1), strict=True):
                    scores[f"labels {size}", name][number] += 100 * value / n_seeds
        print(name, file=sys.stderr)
    for name in LINKS:
        split = ge.split_edges(ge.datasets.load(name).graph.to_undirected(), random_state=0)
        for number, setting in enumerate(settings):
            for operator in ("score", "hadamard"):
                model = ge.FastRP(n_components, random_state=0, **setting)
                result = link_prediction(model, split, operator=operator, max_train_edges=10_000)
                scores[f"links {operator}", name][number] = 100 * result.auc
        print(name, file=sys.stderr)
    return scores


def report(settings, scores):
    """Print one line a setting, the best first."""
    kinds = sorted({kind for kind, _ in scores})
    gaps = np.array([
        [np.mean([v[i] - max(v) for (k, _), v in scores.items() if k == kind]) for kind in kinds]
        for i in range(len(settings))
    ])  # fmt: skip
    print("  ".join([*(f"{kind:>14}" for kind in kinds), f"{'mean':>7}", "setting"]))
    for i in np.argsort(-gaps.mean(axis=1)):
        cells = [*(f"{gap:14.2f}" for gap in gaps[i]), f"{gaps[i].mean():7.2f}"]
        print("  ".join([*cells, str(settings[i])]))


if __name__ == "__main__":
    main()
