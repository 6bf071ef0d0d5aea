import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from graphembed.evaluation.ranking import (
    RankingMetrics,
    RankingReport,
    SampledRankingReport,
    evaluate_ranking,
)
from graphembed.exceptions import NonFiniteScoresError
from graphembed.knowledge.answers import Model
from graphembed.knowledge.distmult import DistMultFormula
from graphembed.knowledge.transe import TransE, TransEFormula

RNG = np.random.default_rng(0)
TRAIN, VALID, TEST = (RNG.integers(0, [30, 4, 30], (n, 3)) for n in (200, 30, 40))
TRAIN = np.concatenate([TRAIN, np.column_stack([np.arange(30), np.arange(30) % 4, np.arange(30)])])


@pytest.fixture(scope="module")
def model():
    return TransE(n_components=8, n_epochs=3, random_state=0).fit(TRAIN)


def by_hand(model, triples, known, side):
    """Return realistic ranks by the scores of all triples that could be."""
    known = {tuple(triple) for triple in known.tolist()}
    out = []
    for h, r, t in triples.tolist():
        others = [(e, r, t) if side == "head" else (h, r, e) for e in range(30)]
        others = [triple for triple in others if triple == (h, r, t) or triple not in known]
        if side == "tail":
            scores = model.score_triples(others)
        else:
            tables = model._model()
            scores = np.empty((1, len(others)), dtype=np.float32)
            tables.formula.interaction.block(
                tables.queries(tables.entities[[t]], tables.relations[[r + 4]], "head"),
                tables.formula.candidates(tables.entities[[e for e, _, _ in others]], None),
                scores,
            )
            scores = scores[0]
        true = scores[others.index((h, r, t))]
        out.append(((scores > true).sum() + (scores >= true).sum() + 1) / 2)
    return np.array(out)


def test_ranks_are_filtered_by_everything_that_is_known(model):
    report = evaluate_ranking(model, TEST, filters=[VALID])
    known = np.concatenate([TRAIN, VALID, TEST])
    expected = [by_hand(model, TEST, known, side) for side in ("head", "tail")]
    assert_allclose(report.ranks.realistic, expected)
    ranks = np.concatenate(expected)
    assert report.mrr == pytest.approx((1 / ranks).mean())
    assert report.mr == pytest.approx(ranks.mean())
    assert report.hits == {k: pytest.approx((ranks <= k).mean()) for k in (1, 3, 10)}
    assert report.sides["head"].mrr == pytest.approx((1 / expected[0]).mean())
    assert report.optimistic.mrr >= report.mrr >= report.pessimistic.mrr
    assert (report.n_triples, report.n_unseen, report.n_entities) == (40, 0, 30)


def test_the_estimator_scores_the_same(model):
    report = evaluate_ranking(model, TEST)
    assert report.mrr == pytest.approx(model.score(np.unique(TEST, axis=0)), rel=0.05)


def test_groups_add_up(model):
    report = evaluate_ranking(model, TEST)
    for groups in (report.relations, report.categories):
        n = np.array([metrics.n_ranks for metrics in groups.values()])
        mrr = np.array([metrics.mrr for metrics in groups.values()])
        assert n.sum() == 80
        assert (n * mrr).sum() / 80 == pytest.approx(report.mrr)
    assert set(report.relations) == {0, 1, 2, 3}


def test_one_side_and_other_hits(model):
    report = evaluate_ranking(model, TEST, sides=["tail"], hits=[2, 5])
    assert list(report.sides) == ["tail"]
    assert list(report.hits) == [2, 5]
    assert report.sides["tail"].mrr == report.mrr


def test_unseen_entities_are_kept_and_counted_unless_dropped(model):
    test = np.concatenate([TEST, [[40, 0, 1], [2, 0, 41], [2, 9, 3]]])
    kept = evaluate_ranking(model, test)
    assert (kept.n_triples, kept.n_unseen, kept.n_entities) == (43, 3, 32)
    assert kept.triples[-1].tolist() == [2, 9, 3]
    dropped = evaluate_ranking(model, test, unseen="drop")
    assert (dropped.n_triples, dropped.n_unseen, dropped.n_entities) == (40, 3, 30)
    assert_allclose(dropped.ranks.realistic, evaluate_ranking(model, TEST).ranks.realistic)
    with pytest.raises(ValueError, match="no triples to rank"):
        evaluate_ranking(model, [[40, 0, 41]], unseen="drop")


def test_sampled_ranks_are_called_so(model):
    report = evaluate_ranking(model, TEST, n_candidates=10)
    assert isinstance(report, SampledRankingReport)
    assert not hasattr(report, "mrr")
    assert report.n_candidates == 10
    assert report.sampled_mrr > evaluate_ranking(model, TEST).mrr
    assert report.ranks.n_candidates.max() <= 11
    assert {"sampled_mrr", "sampled_hits_at_10"} <= set(report.to_dict())
    assert "mrr" not in report.to_dict()
    assert "sampled_mr" in report.to_frame().columns
    assert report.to_dict() == evaluate_ranking(model, TEST, n_candidates=10).to_dict()
    assert (report.sampled_mr, report.sampled_amri, report.sampled_hits[10]) == (
        report.to_dict()["sampled_mr"], report.to_dict()["sampled_amri"],
        report.to_dict()["sampled_hits_at_10"],
    )  # fmt: skip


def test_tables_of_another_library():
    entities = np.float32([[1, 0], [0, 1], [1, 1], [0.5, 0]])
    tables = Model(DistMultFormula(2), entities, np.ones((1, 2), np.float32), reciprocal=False)
    report = evaluate_ranking(tables, [[0, 0, 2]], filters=[[[0, 0, 0]]])
    assert report.sides["tail"].mrr == 1
    assert report.sides["head"].mr == 2.5
    blocks = Model(tables.formula, [entities[:1], entities[1:]], tables.relations, False)
    assert evaluate_ranking(blocks, [[0, 0, 2]], filters=[[[0, 0, 0]]]).mrr == report.mrr


# Of PyKEEN 1.11.1's RankBasedEvaluator, filtered by both sets, on these very vectors: mean
# reciprocal ranks (head, tail, both; optimistic, realistic, pessimistic), Hits@3, AMRI, mean rank.
PYKEEN = {
    "l1": (
        [[0.224787518, 0.183536544, 0.164277478], [0.224641282, 0.18110083, 0.160678489],
         [0.2247144, 0.182318702, 0.162477984]],
        0.125, -0.0100654483, 9.3625,
    ),
    "l2": (
        [[0.234113438, 0.192549974, 0.173824737], [0.221393927, 0.182539359, 0.164882674],
         [0.227753683, 0.187544659, 0.169353705]],
        0.1333333333, 0.0100654406, 9.1958333333,
    ),
    "dot": (
        [[0.233721917, 0.189811319, 0.169621647], [0.261364325, 0.211855218, 0.190538121],
         [0.247543121, 0.200833261, 0.180079884]],
        0.1583333333, 0.0040261624, 9.2458333333,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PYKEEN)
def test_the_numbers_are_those_of_pykeen(name):
    i, j, number = np.arange(20)[:, None], np.arange(6), np.arange(120)
    entities = (((7 * i + 3 * j * j + i * j) % 11 - 5) / 4).astype(np.float32)
    entities[15:] = entities[:5]
    relations = (((5 * i[:3] + j) % 7 - 3) / 4).astype(np.float32)
    columns = [number * 7 % 20, number * number % 3, number * 11 % 19]
    triples = np.unique(np.column_stack(columns), axis=0)
    formula = {"l1": TransEFormula(6, 1), "l2": TransEFormula(6, 2), "dot": DistMultFormula(6)}
    tables = Model(formula[name], entities, relations, reciprocal=False)
    report = evaluate_ranking(tables, triples[1::2], filters=[triples[::2]])
    mrr, hits_at_3, amri, mr = PYKEEN[name]
    ranks = report.ranks
    found = [
        [np.mean(1 / kind[side]) for kind in (ranks.optimistic, ranks.realistic, ranks.pessimistic)]
        for side in (0, 1, slice(None))
    ]
    assert_allclose(found, mrr, atol=1e-6)
    assert_allclose([report.hits[3], report.amri, report.mr], [hits_at_3, amri, mr], rtol=1e-5)


def test_exports(model):
    report = evaluate_ranking(model, TEST)
    assert isinstance(report, RankingReport)
    data = json.loads(report.to_json())
    assert data["mrr"] == report.mrr
    assert data["mrr_optimistic"] == report.optimistic.mrr
    assert {row["by"] for row in data["groups"]} == {"all", "category", "relation"}
    frame = report.to_frame()
    assert frame[(frame.by == "all") & (frame.side == "both")].mrr.item() == report.mrr
    assert str(report).splitlines()[0].split()[:4] == ["ranks", "of", "mrr", "mr"]


def test_metrics_of_chance_and_of_nothing():
    ranks = RankingMetrics.of([1, 2, 3], [3, 3, 3], [1])
    assert (ranks.mr, ranks.amri, ranks.hits) == (2, 0, {1: 1 / 3})
    assert RankingMetrics.of([1, 1], [5, 5], [1]).amri == 1
    assert np.isnan(RankingMetrics.of([1], [1], [1]).amri)
    assert np.isnan(RankingMetrics.of([], [], [1]).mrr)


def test_what_diverged_is_an_error(model):
    broken = TransE(n_components=8, n_epochs=1, random_state=0).fit(TRAIN)
    broken.entity_table_[TEST[0, 2]] = np.nan
    with pytest.raises(NonFiniteScoresError):
        evaluate_ranking(broken, TEST)
    report = evaluate_ranking(broken, TEST, check_finite=False)
    assert report.ranks.optimistic[1, 0] == report.ranks.n_candidates[1, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unseen": "hide"}, "Unknown unseen 'hide' \\(known: keep, drop\\)"),
        ({"sides": []}, "sides is empty"),
        ({"sides": ["left"]}, "Unknown side 'left'"),
        ({"n_candidates": 31}, "n_candidates must be an int from 1 to 30"),
        ({"n_candidates": 0}, "n_candidates must be an int from 1 to 30"),
    ],
)
def test_errors(model, options, message):
    with pytest.raises(ValueError, match=message):
        evaluate_ranking(model, TEST, **options)
