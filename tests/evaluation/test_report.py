import json
import math
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from rich.console import Console

from graphembed import DistMult, FastRP, datasets, evaluation
from graphembed.evaluation import Report

KARATE = datasets.load("karate")
MODEL = FastRP(n_components=8, random_state=0).fit(KARATE.graph)


@dataclass(frozen=True, eq=False)
class Sample(Report):
    task = "sample_task"

    auc: float
    name: str
    n_pairs: int
    values: np.ndarray
    long: np.ndarray = field(default_factory=lambda: np.zeros(99), repr=False)


@dataclass(frozen=True)
class Nested(Report):
    inner: Sample
    by_k: dict[int, float]


SAMPLE = Sample(np.float64(0.75), "<b>[bold]x", 3, np.array([1.0, np.nan, np.inf]))
TRIPLES = [("a", "r", "b"), ("b", "r", "c"), ("c", "r", "a"), ("b", "s", "a"), ("c", "s", "b")]
KNOWLEDGE = DistMult(n_components=4, n_epochs=2, random_state=0).fit(TRIPLES)
REPORTS = {
    "ClusteringReport": lambda: evaluation.cluster_nodes(MODEL, KARATE.labels),
    "DistortionReport": lambda: evaluation.distortion(
        np.random.default_rng(0).normal(size=(34, 4)), KARATE.graph, geometry="euclidean"
    ),
    "HierarchyReport": lambda: evaluation.hierarchy_reconstruction(MODEL, KARATE.graph),
    "Interval": lambda: evaluation.bootstrap(np.mean, [1.0, 2.0, 4.0], n_resamples=20),
    "LinkPredictionReport": lambda: evaluation.link_prediction(MODEL, KARATE.graph),
    "LinkScores": lambda: evaluation.evaluate_link_scores([1, 0, 1], [3.0, 2.0, 1.0]),
    "NodeClassificationReport": lambda: evaluation.classify_nodes(
        MODEL, KARATE.labels, train_sizes=[0.5, 0.8], n_shuffles=2
    ),
    "QualityReport": lambda: evaluation.embedding_quality(MODEL),
    "ReconstructionReport": lambda: evaluation.reconstruction(MODEL, KARATE.graph),
    "RankingReport": lambda: evaluation.evaluate_ranking(KNOWLEDGE, TRIPLES),
    "RelationPatternsReport": lambda: evaluation.relation_patterns(TRIPLES),
    "SampledRankingReport": lambda: evaluation.evaluate_ranking(
        KNOWLEDGE, TRIPLES, n_candidates=2, random_state=0
    ),
    "TripleClassificationReport": lambda: evaluation.classify_triples(KNOWLEDGE, TRIPLES, TRIPLES),
}


def rich_text(report):
    console = Console(width=300)
    with console.capture() as capture:
        console.print(report)
    return capture.get()


def test_every_report_is_tried_here():
    kinds = {
        name
        for name in evaluation.__all__
        if isinstance(kind := getattr(evaluation, name), type)
        and issubclass(kind, Report)
        and kind is not Report
    }
    assert kinds <= REPORTS.keys()


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_shows_itself_in_every_way(name):
    report = REPORTS[name]()
    assert is_dataclass(report)
    assert type(report).__name__ == name
    with pytest.raises(FrozenInstanceError):
        setattr(report, fields(report)[0].name, 0)
    assert json.loads(report.to_json()) == json.loads(json.dumps(report.to_dict()))
    frames = [report.to_frame(backend) for backend in ("pandas", "polars", "pyarrow")]
    assert frames[0].to_dict("list") == frames[1].to_dict(as_series=False) == frames[2].to_pydict()
    assert len(str(report).splitlines()) >= 1
    assert all(cell in rich_text(report) for row in report._table() for cell in row.values())
    assert report._repr_html_().count("<tr>") == 1 + len(report._table())


def test_text_is_a_table_in_columns():
    assert str(SAMPLE) == "auc     name        n_pairs\n0.7500  <b>[bold]x  3"


def test_dict_holds_plain_values_and_not_what_is_long():
    data = SAMPLE.to_dict()
    assert list(data) == ["task", "auc", "name", "n_pairs", "values"]
    assert type(data["auc"]) is float
    assert type(data["values"]) is list
    assert math.isnan(data["values"][1])


def test_json_has_null_for_what_it_cannot_say():
    assert json.loads(SAMPLE.to_json())["values"] == [1.0, None, None]
    nested = Nested(SAMPLE, {1: np.float32(0.5), 10: math.nan})
    assert json.loads(nested.to_json()) == {
        "inner": json.loads(SAMPLE.to_json()),
        "by_k": {"1": 0.5, "10": None},
    }


def test_json_file_appears_whole(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("before")
    assert SAMPLE.to_json(path) == SAMPLE.to_json()
    assert json.loads(path.read_text()) == json.loads(SAMPLE.to_json())
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]
    with pytest.raises(FileNotFoundError, match="does not exist"):
        SAMPLE.to_json(tmp_path / "nowhere" / "report.json")


def test_frames_are_of_the_library_asked_for():
    assert isinstance(SAMPLE.to_frame(), pd.DataFrame)
    assert isinstance(SAMPLE.to_frame("polars"), pl.DataFrame)
    assert isinstance(SAMPLE.to_frame("pyarrow"), pa.Table)
    assert SAMPLE.to_frame().columns.tolist() == ["auc", "name", "n_pairs"]
    with pytest.raises(ValueError, match=r"Unknown backend 'dask' .known: pandas"):
        SAMPLE.to_frame("dask")


def test_markup_in_values_stays_text():
    assert "&lt;b&gt;[bold]x" in SAMPLE._repr_html_()
    assert "<b>[bold]x" in rich_text(SAMPLE)
    assert "sample task" in rich_text(SAMPLE)
