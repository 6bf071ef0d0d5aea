import os
from dataclasses import dataclass, fields
from inspect import Parameter, signature
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils import estimator_checks

import graphembed as ge
from graphembed.datasets import fetch
from graphembed.exceptions import GraphError, PersistenceError, UnknownNodeError
from graphembed.knowledge import all_models, find_model
from graphembed.knowledge.base import KnowledgeEmbedder
from graphembed.knowledge.parameters import COMMON, MARK
from graphembed.knowledge.ranks import filtered_ranks
from graphembed.knowledge.trainer import TripleTrainer
from graphembed.knowledge.transe import TransE

ROOT = Path(__file__).resolve().parent.parent.parent
MODELS = all_models()
HAS_DATA = bool(os.environ.get(fetch.DATA_VARIABLE))
TRIPLES = [
    ("rome", "in", "italy"), ("pisa", "in", "italy"), ("oslo", "in", "norway"),
    ("bergen", "in", "norway"), ("italy", "near", "france"), ("paris", "in", "france"),
]  # fmt: skip


def small(name="TransE", **parameters):
    return MODELS[name](
        **{"n_components": 8, "n_epochs": 10, "batch_size": 64, "random_state": 0, **parameters}
    )


def trained(name, train, **parameters):
    """Return a model that knows the grid."""
    options = {"n_components": 16, "n_epochs": 60, "loss": "logistic", "learning_rate": 0.3}
    return small(name, **{**options, "n_negatives": None, **parameters}).fit(train)


@pytest.fixture(scope="module")
def fitted(grid):
    return trained("TransE", grid[0])


@pytest.fixture(scope="module", params=MODELS)
def each_fitted(grid, request):
    return trained(request.param, grid[0])


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_its_parameters(name):
    cls = MODELS[name]
    assert find_model(name) is cls
    assert "__init__" in vars(cls), "decorate it with dataclass(repr=False, eq=False)"
    assert "__eq__" not in vars(cls)
    assert "__repr__" not in vars(cls)
    first, *others = signature(cls).parameters.values()
    assert (first.name, first.kind) == ("n_components", Parameter.POSITIONAL_OR_KEYWORD)
    assert {other.kind for other in others} == {Parameter.KEYWORD_ONLY}
    parameters = cls().get_params()
    assert set(parameters) == {field.name for field in fields(cls)} >= set(COMMON)
    assert set(cls._parameter_constraints) | {"random_state"} == set(parameters)
    cls()._validate_params()
    assert set(vars(cls())) == set(parameters)


@pytest.mark.parametrize("name", MODELS)
def test_docstrings_show_every_parameter_with_its_default(name):
    cls = MODELS[name]
    assert MARK not in cls.__doc__
    for parameter, value in cls().get_params().items():
        shown = f'"{value}"' if isinstance(value, str) else repr(value)
        assert f"\n    {parameter} : " in cls.__doc__
        line = next(
            line for line in cls.__doc__.splitlines() if line.startswith(f"    {parameter} :")
        )
        assert line.endswith(f", default={shown}") or (
            value is None and line.endswith(", optional")
        )


@pytest.mark.parametrize("name", MODELS)
def test_registered_means_tested(name):
    stem = MODELS[name].__module__.rsplit(".", 1)[1]
    assert (ROOT / "tests" / "knowledge" / f"test_{stem}.py").exists()


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_mixin_order,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_set_params,
        estimator_checks.check_valid_tag_types,
    ],
    ids=lambda check: check.__name__,
)
@pytest.mark.parametrize("name", MODELS)
def test_scikit_learn_contract_but_for_what_needs_a_matrix(name, check):
    check(name, MODELS[name]())


def test_clone_and_repr_are_those_of_scikit_learn():
    model = TransE(16, norm=1, learning_rate=0.5)
    copy = clone(model)
    assert copy is not model
    assert copy.get_params() == model.get_params()
    assert "norm=1" in repr(model)
    assert "loss=" not in repr(model)
    assert copy.set_params(norm=2).norm == 2
    with pytest.raises(TypeError, match="abstract"):
        KnowledgeEmbedder()


def test_every_model_learns(each_fitted, grid):
    train, test = grid
    untrained = clone(each_fitted).set_params(n_epochs=1, learning_rate=1e-9).fit(train)
    assert each_fitted.loss_curve_[-1] < each_fitted.loss_curve_[0] / 2
    assert each_fitted.score(test) > max(0.2, 2 * untrained.score(test))


if HAS_DATA:

    @pytest.mark.parametrize("name", MODELS)
    def test_every_model_learns_nations(name):
        nations = ge.datasets.load("nations")
        model = small(name, n_components=32, n_epochs=30, batch_size=128, n_negatives=None)
        assert model.fit(nations.train).score(nations.test) > 0.35


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "options", [{}, {"reciprocal": False}, {"negatives": "bernoulli"}], ids=str
)
def test_same_bits_for_any_number_of_threads(name, options, grid):
    if "reciprocal" in options and MODELS[name]()._formula().reciprocal_only:
        with pytest.raises(ValueError, match="reciprocal"):
            small(name, **options).fit(grid[0])
        return
    options = {"n_negatives": 4, "n_epochs": 2, **options}
    expected = small(name, n_jobs=1, **options).fit(grid[0])
    for n_jobs in (2, 3):
        model = small(name, n_jobs=n_jobs, **options).fit(grid[0])
        assert_array_equal(model.entity_table_, expected.entity_table_)
        assert_array_equal(model.relation_table_, expected.relation_table_)
    other = small(name, random_state=1, **options).fit(grid[0])
    assert not np.array_equal(other.entity_table_, expected.entity_table_)


@pytest.mark.parametrize("name", MODELS)
def test_shapes_and_names(name):
    model = small(name).fit(TRIPLES)
    assert model.entities_.tolist() == sorted(
        {t for h, _, t in TRIPLES} | {h for h, _, _ in TRIPLES}
    )
    assert model.relations_.tolist() == ["in", "near"]
    assert model.embedding_.shape == (8, 8)
    assert model.embedding_.dtype == model.relation_embedding_.dtype == np.float32
    assert model.relation_embedding_.shape == (2, model.relation_table_.shape[1])
    assert model.triples_.shape == (6, 3)
    assert len(model.loss_curve_) == model.n_iter_ == model.best_epoch_ == 10
    assert model.validation_curve_ == []
    assert_array_equal(model.nodes_, model.entities_)
    assert model.vectors_.geometry in ("cosine", "dot", "euclidean")
    assert_array_equal(model.vectors_["rome"], model.embedding_[-1])
    assert len(model.get_feature_names_out()) == 8


def test_a_graph_and_its_triples_are_the_same_input():
    heads, relations, tails = zip(*TRIPLES, strict=True)
    graph = ge.Graph.from_edges(heads, tails, relations=relations, directed=True)
    assert_array_equal(small().fit_transform(graph), small().fit_transform(np.array(TRIPLES)[::-1]))


def test_fit_transform_is_the_embedding(grid):
    model = small()
    rows = model.fit_transform(grid[0])
    assert_array_equal(rows, model.embedding_)
    assert_array_equal(model.transform(grid[0]), rows)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 0}, "n_components"),
        ({"loss": "hinge"}, "loss"),
        ({"negatives": "hard"}, "negatives"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"n_negatives": 0}, "n_negatives"),
        ({"regularizer": "l1"}, "regularizer"),
        ({"norm": 3}, "norm"),
        ({"random_state": -1}, "random_state"),
        ({"negatives": "uniform", "n_negatives": None}, "n_negatives"),
    ],
)
def test_parameters_are_checked(parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(TRIPLES)


def test_no_triples_is_an_error():
    with pytest.raises(GraphError, match="no triples"):
        small().fit([])
    with pytest.raises(GraphError, match="no triples"):
        small().fit(TRIPLES).partial_fit([])


def test_validation_keeps_the_best_tables(grid):
    train, held = grid
    options = {"n_epochs": 40, "learning_rate": 0.5, "decay": False, "validate_every": 3,
               "patience": None}  # fmt: skip
    model = small(**options).fit(train, validation=held)
    epochs, scores = zip(*model.validation_curve_, strict=True)
    assert epochs == (*range(3, 40, 3), 40)
    assert model.best_epoch_ == epochs[int(np.argmax(scores))]
    assert model.score(held) == pytest.approx(max(scores))
    again = small(**{**options, "n_epochs": model.best_epoch_}).fit(train)
    assert_array_equal(model.entity_table_, again.entity_table_)


def test_validation_stops_early(grid):
    train, held = grid
    model = small(n_epochs=500, learning_rate=2.0, validate_every=1, patience=3)
    model.fit(train, validation=held)
    assert model.n_iter_ == model.best_epoch_ + 3 < 500


def test_validation_filters_by_training_and_itself(grid):
    train, held = grid
    model = small(n_epochs=4, validate_every=4).fit(train, validation=held)
    rows = np.column_stack(
        [model.node_index_.rows(held[:, 0]), model.relation_index_.rows(held[:, 1]),
         model.node_index_.rows(held[:, 2])]
    )  # fmt: skip
    ranks = filtered_ranks(
        model._formula(), model.entity_table_, model.relation_table_, rows, model.triples_
    )
    assert model.validation_curve_ == [(4, pytest.approx(ranks.mrr))]


def test_validation_may_name_what_was_not_trained(grid):
    train, held = grid
    beyond = [("9:9", "east", "10:9"), ("0:0", "south", "0:1")]
    model = small(validate_every=5).fit(train, validation=[*map(tuple, held), *beyond])
    assert 0 < model.validation_curve_[-1][1] < 1
    assert len(model.entities_) == 64
    assert len(model.relations_) == 3


def test_an_interrupt_leaves_a_usable_model(grid, monkeypatch):
    train, held = grid
    train_epoch = TripleTrainer.train_epoch

    def interrupted(self, triples, epoch):
        if epoch == 3:
            raise KeyboardInterrupt
        return train_epoch(self, triples, epoch)

    monkeypatch.setattr(TripleTrainer, "train_epoch", interrupted)
    model = small()
    with pytest.raises(KeyboardInterrupt):
        model.fit(train)
    assert model.n_iter_ == 3
    assert model.predict_tails("0:0", "east", k=2).ids.shape == (1, 2)
    with pytest.raises(KeyboardInterrupt):
        model.fit(train, validation=held)
    assert model.best_epoch_ == 3


def test_an_error_leaves_what_was_there(fitted, monkeypatch):
    model = small(loss="softmax").fit(TRIPLES)
    before = model.entity_table_

    def diverged(self, triples, epoch):
        raise FloatingPointError("diverged")

    monkeypatch.setattr(TripleTrainer, "train_epoch", diverged)
    with pytest.raises(FloatingPointError):
        model.fit(TRIPLES[:2])
    assert model.entity_table_ is before
    assert len(model.entities_) == 8


@pytest.mark.parametrize("name", MODELS)
def test_partial_fit_goes_on_and_grows(name):
    model = small(name).fit(TRIPLES)
    before = model.entity_table_.copy()
    more = [("nice", "in", "france"), ("nice", "twin of", "pisa")]
    model.partial_fit(more)
    assert model.entities_.tolist()[-1] == "nice"
    assert model.relations_.tolist() == ["in", "near", "twin of"]
    assert model.entity_table_.shape[0] == 9
    assert model.relation_table_.shape[0] == 6
    assert len(model.triples_) == 8
    assert model.n_iter_ == len(model.loss_curve_) == 20
    assert np.isfinite(model.score_triples(TRIPLES + more)).all()
    assert not np.array_equal(model.entity_table_[:8], before)


def test_partial_fit_starts_where_fit_ended():
    model = small().fit(TRIPLES)
    before = model.entity_table_.copy(), model.relation_table_.copy()
    model.set_params(learning_rate=1e-12).partial_fit([("nice", "below", "france")])
    assert_allclose(model.entity_table_[:8], before[0], atol=1e-6)
    assert_allclose(model.relation_table_[[0, 1, 3, 4]], before[1], atol=1e-6)
    assert_array_equal(
        small().partial_fit(TRIPLES).entity_table_, small().fit(TRIPLES).entity_table_
    )


def test_new_entities_are_placed_by_the_loss_of_training(grid):
    train, _ = grid
    model = small("RotE", loss="logistic", negative_weight=1.0).fit(train)
    new = [("new", "east", "3:3"), ("2:2", "north", "new")]
    before = model.transform(new)
    after = model.set_params(negative_weight=50.0).transform(new)
    assert np.abs(after - before).max() > 1e-3


def test_transform_gives_rows_by_id(fitted):
    rows = fitted.transform(["3:3", "0:0", "3:3"])
    assert_array_equal(rows, fitted.vectors_[["3:3", "0:0", "3:3"]])
    assert_array_equal(fitted.transform("3:3"), rows[:1])
    assert_array_equal(fitted.transform(np.array([["3:3"]])), rows[:1])
    assert_array_equal(fitted.transform(pd.Series(["3:3"])), rows[:1])
    assert_array_equal(fitted.transform(pd.DataFrame({"place": ["3:3"]})), rows[:1])
    with pytest.raises(UnknownNodeError, match=r"'3:9'. Did you mean"):
        fitted.transform(["3:9"])


def test_transform_places_new_entities(grid, fitted):
    new = [("3:3", "east", "x"), ("4:2", "north", "x"), ("3:2", "northeast", "x"),
           ("x", "east", "5:3"), ("x", "north", "4:4")]  # fmt: skip
    rows = fitted.transform(new)
    names = sorted({name for h, _, t in new for name in (h, t)})
    assert len(rows) == len(names)
    known = [name != "x" for name in names]
    assert_array_equal(rows[known], fitted.transform([name for name in names if name != "x"]))
    near = fitted.vectors_.nearest(rows[[names.index("x")]], k=3).ids[0]
    assert "4:3" in near
    heads, relations, tails = zip(*new, strict=True)
    nodes = ["alone", "x", "3:3", "4:2", "3:2", "5:3", "4:4"]
    graph = ge.Graph.from_edges(heads, tails, relations=relations, nodes=nodes, directed=True)
    placed = fitted.transform(graph)
    assert_array_equal(placed[2], rows[names.index("3:3")])
    assert_allclose(placed[1], rows[names.index("x")], rtol=1e-5)
    assert np.isfinite(placed[0]).all()
    with pytest.raises(UnknownNodeError, match="relations"):
        fitted.transform([("3:3", "west", "x")])


def test_every_model_places_new_entities(each_fitted):
    before = each_fitted.entity_table_.copy()
    new = [("3:3", "east", "x"), ("4:2", "north", "x"), ("3:2", "northeast", "x"),
           ("x", "east", "5:3"), ("x", "north", "4:4"), ("x", "northeast", "5:4")]  # fmt: skip
    rows = each_fitted.transform(new)
    assert_array_equal(each_fitted.entity_table_, before)
    assert rows.shape == (7, 16)
    assert np.isfinite(rows).all()


@pytest.mark.parametrize("reciprocal", [True, False])
def test_predictions_are_the_best_by_score(grid, reciprocal):
    train, _ = grid
    model = small(n_epochs=20, reciprocal=reciprocal).fit(train)
    everyone = model.entities_
    for head, relation in [("3:3", "east"), ("0:0", "north")]:
        scores = model.score_triples([(head, relation, tail) for tail in everyone])
        found = model.predict_tails(head, relation, k=64, exclude_known=False)
        assert_allclose(found.scores[0], np.sort(scores)[::-1], rtol=1e-4, atol=1e-5)
        known = {t for h, r, t in train if (h, r) == (head, relation)}
        others = model.predict_tails(head, relation, k=64)
        assert not known & set(others.ids[0][np.isfinite(others.scores[0])])
        assert np.isneginf(others.scores[0][64 - len(known) :]).all()
        assert (others.ids[0][64 - len(known) :] == head).all()
    if not reciprocal:
        scores = model.score_triples([(head, "east", "3:3") for head in everyone])
        found = model.predict_heads("east", "3:3", k=5, exclude_known=False)
        assert_allclose(found.scores[0], np.sort(scores)[:-6:-1], rtol=1e-4, atol=1e-5)
    known = {h for h, r, t in train if (r, t) == ("east", "3:3")}
    assert not known & set(model.predict_heads("east", "3:3", k=5).ids[0])


def test_every_model_predicts(each_fitted):
    found = each_fitted.predict_tails(["3:3", "2:5"], ["east", "north"], k=5, exclude_known=False)
    assert found.ids.shape == found.scores.shape == (2, 5)
    assert (np.diff(found.scores) <= 0).all()
    triples = [("3:3", "east", tail) for tail in found.ids[0]]
    assert_allclose(each_fitted.score_triples(triples), found.scores[0], rtol=1e-3, atol=1e-4)
    assert "4:3" in found.ids[0]
    assert "2:3" in each_fitted.predict_heads("east", "3:3", k=5, exclude_known=False).ids[0]


def test_one_relation_goes_with_many_heads(fitted):
    both = fitted.predict_tails(["0:0", "3:3"], "east", k=3)
    one = fitted.predict_tails("3:3", ["east"], k=3)
    assert_array_equal(both.ids[1:], one.ids)
    assert fitted.predict_tails(["0:0"], ["east", "north"], k=100).ids.shape == (2, 64)
    with pytest.raises(ValueError, match="2 entities and 3 relations"):
        fitted.predict_tails(["0:0", "3:3"], ["east"] * 3)
    with pytest.raises(ValueError, match="k must be"):
        fitted.predict_tails("0:0", "east", k=0)
    with pytest.raises(UnknownNodeError, match=r"'eats'. Did you mean 'east'"):
        fitted.predict_tails("0:0", "eats")


def test_nothing_works_before_fit():
    model = small()
    for call in (
        lambda: model.transform(["a"]),
        lambda: model.score_triples(TRIPLES),
        lambda: model.predict_tails("a", "b"),
        lambda: model.score(TRIPLES),
    ):
        with pytest.raises(NotFittedError):
            call()
    assert not hasattr(model, "embedding_")


def test_changed_parameters_are_noticed():
    model = small().fit(TRIPLES)
    with pytest.raises(ValueError, match="changed after it was fitted"):
        model.set_params(n_components=4).score_triples(TRIPLES)


def test_a_search_over_parameters(grid):
    search = GridSearchCV(small(n_epochs=5), {"n_components": [2, 16]}, cv=2).fit(grid[0])
    assert search.best_params_["n_components"] in (2, 16)
    assert 0 < search.best_score_ < 1


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_save_and_load(name, mmap_mode, tmp_path, grid):
    train, held = grid
    model = small(name, n_epochs=4, validate_every=2).fit(train, validation=held)
    ge.save(model, tmp_path / "model")
    same = ge.load(tmp_path / "model", mmap_mode=mmap_mode)
    assert type(same) is type(model)
    assert same.get_params() == model.get_params()
    assert_array_equal(same.entity_table_, model.entity_table_)
    assert same.validation_curve_ == model.validation_curve_
    assert_array_equal(
        same.predict_tails("0:0", "east").ids, model.predict_tails("0:0", "east").ids
    )
    assert_array_equal(
        same.transform([("0:0", "east", "x")]), model.transform([("0:0", "east", "x")])
    )
    same.partial_fit(train)


def test_a_state_that_does_not_fit_is_refused(tmp_path):
    model = small().fit(TRIPLES)
    model.triples_ = model.triples_ + 5
    ge.save(model, tmp_path / "model")
    with pytest.raises(PersistenceError, match="fit together"):
        ge.load(tmp_path / "model")


def test_unfitted_models_are_saved_as_well(tmp_path):
    ge.save(small(norm=1), tmp_path / "model")
    assert ge.load(tmp_path / "model").norm == 1


def test_a_forgotten_default_is_that_of_the_base():
    @dataclass(repr=False, eq=False)
    class Other(TransE):
        """Another. {common}"""

        loss: str = "margin"

    assert Other().loss == "margin"
    assert Other().norm == TransE().norm
    assert 'default="margin"' in Other.__doc__
