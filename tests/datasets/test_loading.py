import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

import graphembed
from graphembed import datasets
from graphembed.datasets import fetch
from graphembed.datasets.catalog import entries
from graphembed.exceptions import DatasetError, DatasetNotAvailableError

# Sets that are not bundled are tested where GRAPHEMBED_DATA names a folder that has them, as on
# the project's own test machine, where a missing file is a failure. Without that variable there is
# nothing to test them with, so they are not collected: neither skipped nor failed.
HAS_DATA = bool(os.environ.get(fetch.DATA_VARIABLE))
NAMES = [name for name, entry in entries().items() if HAS_DATA or entry.format == "bundled"]


def counts_of(dataset):
    graph = dataset.graph
    edges = graph.edges()
    counts = {
        "nodes": graph.n_nodes,
        "edges": graph.n_edges,
        "self_loops": int(np.count_nonzero(edges[:, 0] == edges[:, 1])),
        "relations": len(graph.relations or ()),
        "labels": len(dataset.label_names or ()),
        "features": 0 if graph.features is None else graph.features.shape[1],
        "graphs": len(dataset.graphs),
    }
    if dataset.graph_labels is not None:
        counts["labels"] = len(np.unique(dataset.graph_labels))
    for part in ("train", "valid", "test"):
        counts[part] = 0 if getattr(dataset, part) is None else len(getattr(dataset, part))
    for pairs in ("val_pairs", "test_pairs"):
        counts[pairs] = len(dataset.splits.get(pairs, ()))
    return {key: count for key, count in counts.items() if count or key in ("nodes", "edges")}


def check_labels(dataset):
    labels, n_nodes = dataset.labels, dataset.graph.n_nodes
    if labels is None:
        assert dataset.label_names is None
    elif sp.issparse(labels):
        assert labels.shape == (n_nodes, len(dataset.label_names))
        assert set(np.unique(labels.data)) == {1}
        assert labels.dtype == np.int8
    else:
        assert labels.dtype == np.int64
        assert labels.shape == (n_nodes,)
        assert set(range(len(dataset.label_names))) == set(labels.tolist()) - {-1}


def check_splits(dataset):
    splits = dataset.splits
    n_rows = dataset.graph.n_nodes if dataset.graph_labels is None else len(dataset.graphs)
    masks = [splits[name] for name in ("train", "val", "test") if name in splits]
    for mask in masks:
        assert mask.dtype == bool
        assert mask.shape[0] == n_rows
        assert mask.any(axis=0).all()
    if masks:
        assert np.sum(masks, axis=0).max() == 1, "the parts of a split overlap"
    for name, pairs in splits.items():
        if name.endswith("_pairs"):
            dataset.graph.node_index.rows(pairs.ravel())


def check_triples(dataset):
    if dataset.train is None:
        return
    assert_array_equal(dataset.entities, dataset.graph.nodes)
    assert dataset.relations == dataset.graph.relations
    for triples in (dataset.train, dataset.valid, dataset.test):
        assert triples.dtype == np.int32
        assert triples.min() >= 0
        assert triples[:, [0, 2]].max() < len(dataset.entities)
        assert triples[:, 1].max() < len(dataset.relations)


def check_graphs(dataset):
    graphs = dataset.graphs
    assert sum(graph.n_nodes for graph in graphs.values()) in (0, dataset.graph.n_nodes)
    assert sum(graph.n_edges for graph in graphs.values()) in (0, dataset.graph.n_edges)
    if dataset.graph_labels is not None:
        assert len(dataset.graph_labels) == len(graphs)
    elif graphs:
        part = max(graphs)
        alone = datasets.load(f"{dataset.name}/{part}")
        assert alone.name == f"{dataset.name}/{part}"
        assert_array_equal(alone.graph.edges(), graphs[part].edges())
        check_labels(alone)


@pytest.mark.parametrize("name", NAMES)
def test_the_set_is_what_the_catalog_says(name):
    entry, dataset = entries()[name], datasets.load(name)
    assert counts_of(dataset) == dict(entry.counts)
    assert dataset.name == name
    assert dataset.citation
    assert dataset.license
    check_labels(dataset)
    check_splits(dataset)
    check_triples(dataset)
    check_graphs(dataset)
    if dataset.edge_table is not None:
        for end in ("source", "target"):
            dataset.graph.node_index.rows(dataset.edge_table[end].to_numpy())
    if dataset.node_table is not None:
        assert len(dataset.node_table) == dataset.graph.n_nodes


def test_the_folder_is_not_a_package_of_its_own():
    root = Path(datasets.__file__).parent.parent
    run = subprocess.run(
        [sys.executable, "-c", "import datasets"], cwd=root, capture_output=True, text=True
    )
    assert "ImportError: The folder 'datasets' is source" in run.stderr


def test_an_unknown_name_is_answered_with_near_ones():
    with pytest.raises(
        DatasetError, match=r"no data set 'blogcatalogue'\. Did you mean blogcatalog"
    ):
        datasets.load("blogcatalogue")


def test_a_name_like_no_other_is_answered_with_where_the_names_are():
    message = r"^There is no data set '!'\. graphembed\.datasets\.names\(\) lists them all\.$"
    with pytest.raises(DatasetError, match=message):
        datasets.load("!")


def test_a_part_of_a_single_graph_is_an_error():
    with pytest.raises(DatasetError, match="no graph 'x' in karate: it is one graph"):
        datasets.load("karate/x")


def test_offline_the_error_is_also_a_file_not_found_error(tmp_path, monkeypatch):
    monkeypatch.delenv(fetch.DATA_VARIABLE, raising=False)
    monkeypatch.setattr(fetch, "cache_folder", lambda: tmp_path)
    with pytest.raises(FileNotFoundError, match="never loads pickles"):
        datasets.load("pubmed")
    with pytest.raises(DatasetNotAvailableError, match="GRAPHEMBED_DATA"):
        datasets.load("newman_small/karate")


def test_describe_has_a_row_for_each_name(tmp_path, monkeypatch):
    monkeypatch.delenv(fetch.DATA_VARIABLE, raising=False)
    monkeypatch.setattr(fetch, "cache_folder", lambda: tmp_path)
    rows = {row["name"]: row for row in datasets.describe()}
    assert list(rows) == datasets.names() == sorted(rows)
    assert rows["karate"]["available"] == "bundled"
    assert rows["cora"]["available"] == "local only"
    blogcatalog = rows["blogcatalog"]
    license_ = blogcatalog.pop("license")
    assert "terms unknown" in license_
    assert blogcatalog == {
        "name": "blogcatalog", "task": "multi-label node classification", "nodes": 10312,
        "edges": 333983, "relations": 0, "labels": 39, "features": 0, "available": "download",
    }  # fmt: skip


def test_the_package_loads_data_sets():
    assert graphembed.datasets.load("karate").graph.n_nodes == 34


def test_a_name_is_a_str():
    with pytest.raises(TypeError, match="name must be a str"):
        datasets.load(None)
