import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

import graphembed as ge
from graphembed.exceptions import StoreError
from graphembed.knowledge.bucket_trainer import TripleBuckets
from graphembed.knowledge.complex import ComplExFormula
from graphembed.knowledge.distmult import DistMultFormula
from graphembed.knowledge.trainer import TripleSettings, TripleTrainer
from graphembed.knowledge.transe import TransEFormula
from graphembed.knowledge.transh import TransHFormula
from graphembed.store.dealing import Dealing
from graphembed.training.buckets import Step, train_buckets

FORMULAS = {"TransE": TransEFormula(8), "ComplEx": ComplExFormula(8), "TransH": TransHFormula(8)}
SETTINGS = TripleSettings(
    loss="logistic", n_negatives=32, learning_rate=0.1, batch_size=16, n_epochs=4, warm_up=0.5
)
SEED = 7


@pytest.fixture(scope="module")
def frame(grid):
    return pd.DataFrame(grid[0], columns=["head", "relation", "tail"])


@pytest.fixture(scope="module")
def store(frame, tmp_path_factory) -> ge.Graph:
    """Of 64 entities in 5 partitions."""
    return build(frame, tmp_path_factory.mktemp("triples") / "store", 5)


def build(frame, path, n_partitions):
    return ge.build_store(
        frame, path, source="head", relation="relation", target="tail", directed=True,
        n_partitions=n_partitions,
    )  # fmt: skip


def trainer(graph, name="TransE", settings=SETTINGS, n_jobs=1, seed=SEED):
    return TripleBuckets(
        FORMULAS[name], settings, graph, n_partitions=graph.n_partitions, seed=seed, n_jobs=n_jobs
    )


def train(graph, folder, name="TransE", settings=SETTINGS, n_jobs=1, **options):
    """Return the tables of entities and relations, and the losses."""
    chosen = trainer(graph, name, settings, n_jobs)
    options = {"buffer_partitions": 3, "checkpoint_every": 1e9, **options}
    trained = train_buckets(chosen, graph, folder, n_epochs=settings.n_epochs, **options)
    return trained.to_array(), chosen.relations.copy(), trained.losses


@pytest.mark.parametrize("name", FORMULAS)
def test_learns_the_same_bits_at_any_n_jobs(store, tmp_path, name):
    runs = [train(store, tmp_path / str(n), name, n_jobs=n) for n in (1, 2, 3)]
    entities, relations, losses = runs[0]
    for others in runs[1:]:
        assert_array_equal(others[0], entities)
        assert_array_equal(others[1], relations)
        assert others[2] == losses
    assert entities.shape == (64, FORMULAS[name].entity_width)
    assert losses[-1] < 0.8 * losses[0]


def test_as_good_as_in_memory(store, tmp_path):
    """The order of triples, and which negatives they meet, is all that differs."""
    settings = replace(SETTINGS, n_epochs=15, n_negatives=None)
    _, _, losses = train(store, tmp_path / "run", settings=settings)
    whole = TripleTrainer(FORMULAS["TransE"], settings, 64, 3, key=SEED)
    triples = store.triples().astype(np.int64)
    for epoch in range(settings.n_epochs):
        loss = whole.train_epoch(triples, epoch)
    assert losses[-1] == pytest.approx(loss, rel=0.25)


def test_one_partition_needs_no_files(store):
    """An opened store that is trained as one partition."""
    chosen = TripleBuckets(FORMULAS["TransE"], SETTINGS, store, n_partitions=1, seed=SEED)
    trained = train_buckets(chosen, store, n_epochs=4)
    assert trained.losses[-1] < 0.8 * trained.losses[0]


@pytest.mark.parametrize("n_partitions", [1, 3, 40])
def test_starts_do_not_depend_on_the_partitions(frame, tmp_path, n_partitions):
    """40 partitions of 64 entities: some have none."""
    graph = build(frame, tmp_path / "store", n_partitions)
    chosen, dealing = trainer(graph), Dealing(64, n_partitions)
    found = np.empty((64, 8), dtype=np.float32)
    for partition in range(n_partitions):
        rows = dealing.rows(partition)
        tables = tuple(np.zeros(shape, dtype=np.float32) for shape in chosen.shapes(len(rows)))
        chosen.initialise(partition, rows, tables)
        found[rows] = tables[0]
        assert not tables[1].any()
    whole = TripleTrainer(FORMULAS["TransE"], SETTINGS, 64, 3, key=SEED)
    assert_array_equal(found, whole.entities)
    assert_array_equal(chosen.relations, whole.relations)


def test_partitions_without_entities(tmp_path):
    few = pd.DataFrame({"head": range(9), "relation": ["next"] * 9, "tail": range(1, 10)})
    graph = build(few, tmp_path / "store", 7)
    assert Dealing(10, 7).size(6) == 0
    entities, _, losses = train(graph, tmp_path / "run", settings=replace(SETTINGS, n_epochs=2))
    assert np.isfinite(entities).all()
    assert losses[1] < losses[0]


def test_a_step_trains_both_buckets_with_negatives_of_all_partitions_in_memory(store):
    settings = replace(SETTINGS, n_negatives=None, optimizer="adagrad")
    chosen, dealing = trainer(store, settings=settings), Dealing(64, 5)
    resident = (4, 1, 2)
    tables = {}
    for partition in resident:
        rows = dealing.rows(partition)
        shapes = chosen.shapes(len(rows))
        tables[partition] = tuple(np.zeros(shape, dtype=np.float32) for shape in shapes)
        chosen.initialise(partition, rows, tables[partition])
    done = []
    step = Step(epoch=0, number=0, i=1, j=4, resident=resident, done=10, total=100)
    _, n_queries = chosen.train(step, tables, done.append)
    n_triples = len(store.bucket(1, 4).sources) + len(store.bucket(4, 1).sources)
    assert sum(done) == n_triples == chosen.work(1, 4)
    assert n_queries == 2 * n_triples
    for _, state in tables.values():
        assert (state > 0).any(axis=1).all()


def test_the_work_of_all_pairs_is_all_triples(store):
    chosen = trainer(store)
    assert sum(chosen.work(i, j) for j in range(5) for i in range(j + 1)) == store.n_edges


def test_known_triples_cannot_be_left_out(store):
    with pytest.raises(ValueError, match="filter_negatives takes all triples at once"):
        trainer(store, settings=replace(SETTINGS, filter_negatives=True))


@pytest.mark.parametrize(
    ("formula", "settings"),
    [
        (TransEFormula(8, norm=1), SETTINGS),
        (DistMultFormula(8), SETTINGS),
        (TransEFormula(8), replace(SETTINGS, margin=2.0)),
    ],
)
def test_a_run_goes_on_with_the_same_settings_only(store, tmp_path, formula, settings):
    train(store, tmp_path / "run")
    other = TripleBuckets(formula, settings, store, n_partitions=5, seed=SEED)
    with pytest.raises(StoreError, match="other settings"):
        train_buckets(other, store, tmp_path / "run", n_epochs=4, buffer_partitions=3, resume=True)


CHILD = """
import json, os, sys
import numpy as np
from graphembed.knowledge.bucket_trainer import TripleBuckets
from graphembed.knowledge.trainer import TripleSettings
from graphembed.knowledge.transe import TransEFormula
from graphembed.store import open_store
from graphembed.training.buckets import train_buckets

path, folder, result, settings, seed = sys.argv[1:]
settings = TripleSettings(**json.loads(settings))
train = TripleBuckets.train

def run(limit):
    steps = []

    def counted(self, step, tables, done):
        steps.append(step)
        found = train(self, step, tables, done)
        if len(steps) == limit:
            os.kill(os.getpid(), 9)  # after the tables have changed
        return found

    TripleBuckets.train = counted
    graph = open_store(path)
    trainer = TripleBuckets(TransEFormula(8), settings, graph, n_partitions=5, seed=int(seed))
    trained = train_buckets(
        trainer, graph, folder, n_epochs=settings.n_epochs, buffer_partitions=3, resume=True,
        checkpoint_every=0.0,
    )
    losses = trained.losses
    np.savez(result, entities=trained.to_array(), relations=trainer.relations, losses=losses)

for limit, wanted in ((7, -9), (15, -9), (0, 0)):  # in the first and in the second epoch; never
    child = os.fork()
    if child == 0:
        try:
            run(limit)
        finally:
            sys.stderr.flush()
            os._exit(sys.exc_info()[0] is not None)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == wanted, code
"""


def test_killed_and_resumed(store, tmp_path):
    """The bits are those of a run that nobody disturbed."""
    settings = replace(SETTINGS, n_epochs=2)
    entities, relations, losses = train(store, tmp_path / "whole", settings=settings)
    result = tmp_path / "result.npz"
    described = json.dumps(settings.as_json())
    command = [sys.executable, "-c", CHILD, store._buckets.path, tmp_path / "run", result,
               described, str(SEED)]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    with np.load(result, allow_pickle=False) as found:
        assert_array_equal(found["entities"], entities)
        assert_array_equal(found["relations"], relations)
        assert found["losses"].tolist() == losses
