import re
from pathlib import Path

import numpy as np
import pytest
from contenders import triples as kg
from harness.contender import Measurement
from harness.peers import named
from rows import all_rows, kg_epoch, kg_quality, kg_ranking

from graphembed.knowledge.distmult import DistMultFormula
from graphembed.knowledge.ranks import filtered_ranks

REQUIREMENTS = Path(kg.__file__).parents[1] / "requirements-peers.txt"
CONTENDERS = {
    "one": kg_epoch.ONE,
    "sixteen": kg_epoch.SIXTEEN,
    "shared": kg_epoch.SHARED,
    "curves": kg_epoch.CURVES,
    **{score: kg_ranking.contenders(score) for score in kg_ranking.TRAINED},
}


@pytest.fixture(scope="module")
def arrays():
    # (i, r, i + r + 1) on a ring: translations fit it.
    rng = np.random.default_rng(0)
    heads, kinds = (column.ravel() for column in np.mgrid[:30, :3])
    every = rng.permutation(np.column_stack([heads, kinds, (heads + kinds + 1) % 30]))
    parts = {"train": every[:70], "valid": every[70:80], "test": every[80:]}
    return {**parts, "sizes": np.array([30, 3])}


def test_the_rows_of_knowledge_graphs_are_found_and_name_their_peers():
    rows = all_rows()
    for file in (kg_epoch, kg_ranking, kg_quality):
        for row in file.rows():
            assert rows[row.name].title == row.title
            assert row.peer_groups == ("kg",)


@pytest.mark.parametrize("name", CONTENDERS)
def test_contenders_are_told_apart_and_one_is_ours(name):
    contenders = CONTENDERS[name]
    assert len({each.name for each in contenders}) == len(contenders)
    assert sum(each.reference for each in contenders) == 1


def test_the_versions_of_peers_are_pinned():
    pinned = "".join(named(REQUIREMENTS, part).read_text() for part in ("kg", "kg-source"))
    for each in (*kg_epoch.ONE, *kg_epoch.SHARED, *kg_quality.PEER_MODELS):
        if each.peer:
            assert all(re.search(f"^{name} ?[=@]", pinned, re.M) for name in each.distributions)


def test_tables_are_packed_into_one_array():
    tables = np.arange(6, dtype=np.float32).reshape(3, 2), np.ones((2, 5), dtype=np.float32)
    for packed, table in zip(kg.unpack(kg.pack(*tables)), tables, strict=True):
        np.testing.assert_array_equal(packed, table)
    np.testing.assert_array_equal(kg.complex_columns(np.array([[1 + 2j, 3 - 4j]])), [[1, 3, 2, -4]])


@pytest.mark.parametrize(
    "params", [{"n_negatives": 2, **kg_epoch.LOCK_FREE}, {"n_negatives": 1, "n_epochs": 2}]
)
def test_epochs_with_individual_negatives_go_on_from_where_they_were(arrays, params):
    start = kg.unit_start(arrays["sizes"])
    job = kg_epoch.individual({**arrays, **start}, threads=2, batch_size=16, **params)
    job.run()
    entities, relations = kg.unpack(job.finish(job.run()))
    assert len(job.notes["loss"]) == params.get("n_epochs", 1)
    assert all(0 < loss < 5 for loss in job.notes["loss"])
    np.testing.assert_allclose(np.linalg.norm(entities, axis=1), 1, rtol=1e-5)
    assert not np.array_equal(relations, start["start_relations"])


def test_epochs_with_shared_negatives_learn(arrays):
    job = kg_epoch.shared(arrays, threads=2, n_negatives=20, batch_size=16)
    losses = [job.run() for _ in range(20)]
    assert losses[-1] < losses[0]
    found = kg_epoch.judge(arrays)(None, job.finish(None))
    assert found.keys() == {"MRR", "Hits@1", "Hits@10"}
    assert 0 < found["MRR"] <= 1


def test_pairs_are_counted_by_sides():
    found = [
        Measurement("ours", warm_seconds=[2.0], params={"n_negatives": 4}, results={"loss": [1.0]}),
        Measurement("peer", warm_seconds=[9.0], params={}, results={"epoch s": [5.0, 1.0, 1.0]}),
        Measurement("broken", error="no"),
    ]
    kg_epoch.annotate(found, 10**6)
    assert [measured.results for measured in found] == [{"M pairs/s": 2.0}, {"M pairs/s": 1.0}, {}]
    assert found[1].warm_seconds == [1.0, 1.0]


@pytest.mark.parametrize("score", list(kg_ranking.TRAINED))
def test_ours_and_numpy_give_the_same_ranks(arrays, score):
    rng = np.random.default_rng(0)
    tables = (rng.integers(-2, 3, (n, kg.N_COMPONENTS)) for n in arrays["sizes"])  # ties
    given = {**arrays, score: kg.pack(*tables), "sample": np.array([1, 4])}
    jobs = [
        kg_ranking.graphembed_ranks(given, threads=2, score=score, sample=False),
        kg_ranking.numpy_ranks(given, threads=2, score=score, sample=False),
        kg_ranking.numpy_ranks(given, threads=2, score=score, sample=True),
    ]
    ours, theirs, some = (job.finish(job.run()) for job in jobs)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(ours[:, given["sample"]], some)
    found = [kg_ranking.mrr(ranks, given["sample"], len(arrays["test"])) for ranks in (ours, some)]
    assert found[0][kg_ranking.ON_SAMPLE] == found[1][kg_ranking.ON_SAMPLE]
    assert "MRR" not in found[1]


def test_a_sample_is_scaled_up_and_its_mean_compared():
    name = kg_ranking.ON_SAMPLE
    found = [
        Measurement("ours", reference=True, params={"sample": False}, results={name: 0.25}),
        Measurement("peer", params={"sample": True}, results={name: 0.25 + 1e-8}),
        Measurement("wrong", params={"sample": True}, results=kg_ranking.mrr(np.ones(1), [], 9)),
        Measurement("broken", error="no", params={"sample": True}),
    ]  # fmt: skip
    found[1].warm_seconds = [1.0]
    kg_ranking.annotate(found, 0.01)
    assert found[1].warm_seconds == [100.0]
    assert found[1].results["scaled up from"] == "1.0% of the triples"
    agree = [measured.results.get("MRR agrees to 1e-6") for measured in found]
    assert agree == [None, True, False, None]


def test_models_are_trained_and_judged_by_the_test_triples(arrays):
    entry = kg_quality.Entry("ComplEx", "", {"n_components": 16, "n_epochs": 10})
    contender = kg_quality.ours(entry)
    job = kg_quality.graphembed_model(arrays, threads=2, **contender.params)
    packed = job.finish(job.run())
    found = kg_quality.judge(arrays)(contender, packed)
    assert job.notes["epochs"] <= 10
    assert 0 < found["MRR"] <= 1
    entities, relations = kg.unpack(packed)
    assert (entities.shape, relations.shape) == ((30, 16), (6, 16))  # inverses too


def test_tables_of_a_peer_are_judged_by_its_formula(arrays):
    contender = kg_quality.PEER_MODELS[1]
    rng = np.random.default_rng(0)
    rows = [
        kg.complex_columns(rng.standard_normal((n, 64)) + 1j * rng.standard_normal((n, 64)))
        for n in arrays["sizes"]
    ]
    found = kg_quality.judge(arrays)(contender, kg.pack(*rows))
    entities, relations = (row.astype(np.float32) for row in rows)
    known = np.concatenate([arrays[part] for part in kg.PARTS])
    model = kg.make_model("ComplEx", n_components=128)
    ranks = filtered_ranks(
        model._formula(), entities, relations, arrays["test"], known, reciprocal=False
    )
    assert found["MRR"] == round(ranks.mrr, 4)


def test_every_entry_is_a_model_with_such_parameters():
    for entries in kg_quality.TABLES.values():
        for entry in entries:
            kg.make_model(entry.model, **entry.params)
    assert isinstance(kg_ranking.formula("DistMult"), DistMultFormula)
