import gc
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

import graphembed as ge
from graphembed.exceptions import GraphError
from graphembed.knowledge import all_models, out_of_core
from graphembed.knowledge.bucket_trainer import TripleBuckets
from graphembed.knowledge.out_of_core import resident_partitions, write_triples
from graphembed.knowledge.transe import TransE
from graphembed.knowledge.triples import canonical_rows

SMALL = {
    "n_components": 16, "loss": "logistic", "n_epochs": 3, "n_negatives": 16, "batch_size": 32,
    "random_state": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def store(grid, tmp_path_factory) -> ge.Graph:
    """Of 64 entities in 5 partitions."""
    frame = pd.DataFrame(grid[0], columns=["head", "relation", "tail"])
    return ge.build_store(
        frame, tmp_path_factory.mktemp("triples") / "store", source="head", relation="relation",
        target="tail", directed=True, n_partitions=5,
    )  # fmt: skip


def model_with(capacity, graph, cls=TransE, **parameters):
    """Return a model with the least memory in which so many partitions are trained at a time."""
    for limit in np.geomspace(10_000, 1_000_000, 500).astype(int).tolist():
        model = cls(**{**SMALL, "n_jobs": 2, **parameters}, memory_limit=limit)
        try:
            settings = model._settings(graph.n_edges)
            found = resident_partitions(graph, model._formula(), settings, limit)
        except ValueError:
            continue
        if found == capacity:
            return model
    raise ValueError(f"No limit leads to {capacity} partitions.")


@pytest.mark.parametrize("name", ["TransE", "TransH", "ComplEx"])
def test_a_model_in_files_is_a_model(store, tmp_path, grid, name):
    model = model_with(2, store, all_models()[name], n_epochs=20, workdir=str(tmp_path / "2"))
    model.fit(store)
    again = clone(model).set_params(n_jobs=1, workdir=None).fit(store)
    assert_array_equal(again.entity_table_, model.entity_table_)
    assert_array_equal(again.relation_table_, model.relation_table_)
    in_memory = all_models()[name](**{**SMALL, "n_epochs": 20}).fit(store)
    assert isinstance(model.entity_table_, np.memmap)
    assert isinstance(model.triples_, np.memmap)
    assert not (tmp_path / "2" / "run").exists()
    for attribute in ("entities_", "relations_", "triples_"):
        assert_array_equal(getattr(model, attribute), getattr(in_memory, attribute))
    for attribute in ("entity_table_", "relation_table_", "embedding_", "relation_embedding_"):
        assert getattr(model, attribute).shape == getattr(in_memory, attribute).shape
    assert (model.n_iter_, model.best_epoch_, len(model.loss_curve_)) == (20, 20, 20)
    assert model.validation_curve_ == []
    assert model.loss_curve_[-1] < 0.8 * model.loss_curve_[0]
    assert model.score(grid[1]) > 0.15  # 0.07 is chance
    best = model.predict_tails("3:3", "east", k=3)
    assert best.ids.shape == (1, 3)
    assert_array_equal(model.transform(["1:1", "2:2"]), model.embedding_[[9, 18]])
    ge.save(model, tmp_path / "saved")
    assert_array_equal(ge.load(tmp_path / "saved").entity_table_, model.entity_table_)


def test_enough_memory_is_the_same_as_no_limit(store):
    limited = TransE(**SMALL, memory_limit="1GB").fit(store)
    assert_array_equal(limited.embedding_, TransE(**SMALL).fit(store).embedding_)


def test_more_triples_go_on_in_memory(store):
    model = model_with(2, store).fit(store)
    model.partial_fit([("0:0", "east", "new")])
    assert len(model.entities_) == 65
    assert not isinstance(model.entity_table_, np.memmap)
    assert len(model.loss_curve_) == 6


def test_too_little_memory(store):
    with pytest.raises(ValueError, match="memory_limit=2000 is too low for TransE on Graph"):
        TransE(**SMALL, memory_limit=2000).fit(store)


def test_no_graph(grid):
    with pytest.raises(ValueError, match=r"needs a graph, opened from a store .* got a ndarray"):
        TransE(**SMALL, memory_limit="1GB").fit(grid[0])


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (ge.Graph.from_edges([0], [1], relations=["r"]), "undirected"),
        (ge.Graph.from_edges([0], [1], directed=True), "has no relations"),
    ],
)
def test_no_triples(graph, message):
    with pytest.raises(GraphError, match=message):
        TransE(**SMALL, memory_limit=1000).fit(graph)


def test_what_takes_all_entities_at_once(store, grid):
    with pytest.raises(ValueError, match="filter_negatives takes all triples"):
        model_with(2, store, filter_negatives=True).fit(store)
    with pytest.raises(ValueError, match="negatives='uniform' takes all entities"):
        model_with(2, store, negatives="uniform").fit(store)
    with pytest.raises(ValueError, match="validation takes all entities"):
        model_with(2, store).fit(store, validation=grid[1])


def test_temporary_files_go_with_the_model(store):
    model = model_with(2, store).fit(store)
    folder = Path(model.entity_table_.filename).parent
    assert {path.name for path in folder.glob("*.npy")} == {"entities.npy", "triples.npy"}
    del model
    gc.collect()
    assert not folder.exists()


def test_an_interrupted_run_goes_on_with_its_own_seed(store, tmp_path, monkeypatch):
    """Without a random_state every run has another one."""
    model = model_with(2, store, random_state=None, workdir=tmp_path, resume=True)
    train, steps = TripleBuckets.train, []

    def interrupted(self, step, *rest):
        steps.append((step.epoch, step.number))
        if len(steps) == 20:
            raise KeyboardInterrupt
        return train(self, step, *rest)

    monkeypatch.setattr(TripleBuckets, "train", interrupted)
    with pytest.raises(KeyboardInterrupt, match="resume it to go on"):
        model.fit(store)
    assert not hasattr(model, "entity_table_")
    assert (tmp_path / "run").exists()
    model.fit(store)
    assert len(model.loss_curve_) == 3
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("entries", [1, 7, 1 << 20])
def test_triples_are_written_in_canonical_order(store, tmp_path, monkeypatch, entries):
    monkeypatch.setattr(out_of_core, "ENTRIES", entries)
    write_triples(store, tmp_path / "triples.npy")
    found = np.load(tmp_path / "triples.npy", allow_pickle=False)
    assert found.dtype == np.int32
    assert_array_equal(found, canonical_rows(store.triples()))


def test_memory_of_a_run_in_files_stays_below_the_limit(tmp_path):
    """The tables are 61 MB and the limit is half of that; one part in ten more is allowed."""
    rng = np.random.default_rng(0)
    heads, tails = rng.integers(0, 60_000, (2, 100_000))
    nodes = np.arange(60_000)
    kinds = rng.integers(0, 3, 100_000).astype(str)
    graph = ge.Graph.from_edges(heads, tails, relations=kinds, nodes=nodes, directed=True)
    ge.build_store(graph, tmp_path / "store", n_partitions=16)
    code = """
import sys
import graphembed as ge
from graphembed.knowledge.transe import TransE

def megabytes(key):
    return int(open("/proc/self/status").read().split(key)[1].split()[0]) / 1000

def start_anew():
    try:
        open("/proc/self/clear_refs", "w").write("5")
    except OSError:
        pass

def model(limit, workdir):
    return TransE(
        128, n_epochs=1, n_negatives=64, batch_size=512, memory_limit=limit, workdir=workdir,
        random_state=0, n_jobs=2,
    )

graph = ge.open_store(sys.argv[1])
model("30MB", sys.argv[2] + "/first").fit(graph)  # what is compiled, and threads
start_anew()
before = megabytes("VmRSS:")
model("30MB", sys.argv[2] + "/second").fit(graph)
print(megabytes("VmHWM:") - before)
"""
    command = [sys.executable, "-c", code, tmp_path / "store", tmp_path / "run"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(run.stdout) < 1.1 * 30
