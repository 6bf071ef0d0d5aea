import json
import subprocess
import sys

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graphembed.datasets import bundled, load
from graphembed.datasets.bundled import BUNDLED


@pytest.fixture(scope="module")
def debian():
    return load("debian")


@pytest.mark.parametrize("name", BUNDLED)
def test_each_says_where_it_comes_from(name):
    dataset = load(name)
    assert dataset.name == name
    assert dataset.citation
    assert dataset.license
    notice = (bundled.DATA / "NOTICE.md").read_text("utf-8")
    assert f"`{name}.parquet`" in notice


def test_karate_is_the_one_of_networkx():
    dataset = load("karate")
    club = nx.karate_club_graph()
    assert (dataset.graph.n_nodes, dataset.graph.n_edges) == (34, 78)
    assert set(map(tuple, dataset.graph.edges().tolist())) == {(min(e), max(e)) for e in club.edges}
    factions = [dataset.label_names[label] for label in dataset.labels]
    assert factions == [club.nodes[node]["club"] for node in range(34)]


def test_les_miserables_is_the_one_of_networkx():
    graph = load("les_miserables").graph
    assert (graph.n_nodes, graph.n_edges, graph.weighted) == (77, 254, True)
    assert nx.utils.graphs_equal(graph.to_networkx(), nx.Graph(nx.les_miserables_graph()))


def test_mammals_are_a_transitive_closure_with_its_licence():
    dataset = load("wordnet_mammals")
    graph = dataset.graph
    assert (graph.n_nodes, graph.n_edges, graph.directed) == (1180, 6540, True)
    root = graph.node_index.rows("mammal.n.01")[0]
    # Every mammal is a mammal, but for the root, which is only a target.
    assert graph.adjacency[:, [root]].nnz == 1179
    assert graph.degrees[root] == 0
    two_steps = graph.adjacency @ graph.adjacency
    assert (two_steps.astype(bool) > graph.adjacency.astype(bool)).nnz == 0
    assert "WordNet 3.0 Copyright 2006 by Princeton University" in dataset.license


def test_debian_has_its_counts(debian):
    graph = debian.graph
    assert (graph.n_nodes, graph.n_edges, graph.directed) == (63_436, 354_751, True)
    assert graph.relations[:4] == ("Depends", "Pre-Depends", "Recommends", "Suggests")
    assert len(graph.relations) == 8
    assert len(debian.labels) == graph.n_nodes
    assert len(debian.label_names) == 58
    assert graph.features.shape == (63_436, 572)
    assert "bookworm" in debian.note
    assert np.all(np.diff(graph.edges(), axis=1))


def test_python3_numpy_is_what_people_expect(debian):
    graph = debian.graph
    rows = graph.node_index.rows(["python3-numpy", "python3", "libblas3"])
    numpy, python, blas = rows.tolist()
    assert debian.label_names[debian.labels[numpy]] == "python"
    triples = set(map(tuple, graph.triples()[graph.triples()[:, 0] == numpy].tolist()))
    depends = graph.relations.index("Depends")
    assert {(numpy, depends, python), (numpy, depends, blas)} <= triples
    assert bundled.package_descriptions()["python3-numpy"].startswith("Fast array facility")


def test_debian_features_are_the_tags(debian):
    features = debian.graph.features
    assert features.dtype == np.float32
    assert features.has_sorted_indices
    assert np.all(features.data == 1)
    row = debian.graph.node_index.rows("python3-numpy")[0]
    tags = debian.node_table["features"][int(row)].as_py()
    assert {"devel::lang:python", "field::mathematics", "implemented-in::python"} < set(tags)
    assert features[[row]].nnz == len(tags) == 5


def test_debian_as_a_knowledge_graph(debian):
    parts = [debian.train, debian.valid, debian.test]
    whole = np.concatenate(parts)
    assert_array_equal(whole[np.lexsort(whole.T[::-1])], _sorted(debian.graph.triples()))
    shares = np.array([len(part) for part in parts]) / len(whole)
    np.testing.assert_allclose(shares, [0.9, 0.05, 0.05], atol=0.01)
    seen = np.unique(debian.train[:, [0, 2]])
    assert np.isin(np.concatenate(parts[1:])[:, [0, 2]], seen).all()
    assert set(np.unique(debian.train[:, 1])) == set(range(8))
    assert debian.entities[debian.train[0, 0]] == debian.graph.nodes[debian.train[0, 0]]
    assert tuple(debian.relations) == debian.graph.relations


def _sorted(triples):
    return triples[np.lexsort(triples.T[::-1])]


def test_debian_splits_the_same_in_another_process(debian):
    script = (
        "import json; from graphembed.datasets import load; d = load('debian');"
        "print(json.dumps([d.test[::100].tolist(), d.valid[::100].tolist()]))"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert json.loads(run.stdout) == [debian.test[::100].tolist(), debian.valid[::100].tolist()]


def test_what_ships_is_small():
    assert sum(file.stat().st_size for file in bundled.DATA.iterdir()) < 3e6
