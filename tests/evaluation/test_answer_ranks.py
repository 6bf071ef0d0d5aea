from importlib import import_module

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graphembed import Graph, NodeIndex, Vectors
from graphembed.evaluation.answer_ranks import Answers, Places, answer_ranks, placed_nodes
from graphembed.exceptions import UnknownNodeError


def test_answers_are_distinct_sorted_and_no_loops():
    answers = Answers.from_pairs([2, 0, 2, 2, 1], [1, 2, 0, 1, 1], 3)
    assert answers.indptr.tolist() == [0, 1, 1, 3]
    assert answers.indices.tolist() == [2, 0, 1]
    looped = Graph.from_edges([0, 1, 1], [1, 1, 2])
    assert Answers.of(looped).indices.tolist() == [1, 0, 2, 1]


def test_vectors_are_put_in_the_order_of_the_graph():
    nodes = NodeIndex.from_ids(["b", "a"])
    vectors = Vectors(["a", "b", "c"], [[1.0], [2.0], [3.0]], geometry="dot")
    X, geometry = placed_nodes(vectors, nodes)
    assert (X.tolist(), geometry) == ([[2.0], [1.0]], "dot")
    assert placed_nodes(vectors, None, "euclidean")[1] == "euclidean"
    with pytest.raises(UnknownNodeError, match="d"):
        placed_nodes(vectors, NodeIndex.from_ids(["a", "d"]))
    with pytest.raises(ValueError, match="3 rows, but the graph has 2 nodes"):
        placed_nodes(np.eye(3), nodes)


def test_the_lorentz_coordinates_of_a_hyperbolic_embedder_are_taken():
    class Model:
        vectors_ = Vectors(["a", "b"], [[0.1], [0.2]], geometry="euclidean")
        lorentz_ = np.array([[3.0], [4.0]])

    X, geometry = placed_nodes(Model(), NodeIndex.from_ids(["b", "a"]))
    assert (X.tolist(), geometry) == ([[4.0], [3.0]], "lorentz")
    X, geometry = placed_nodes(Model(), NodeIndex.from_ids(["b", "a"]), "euclidean")
    assert (X[:, 0].tolist(), geometry) == (pytest.approx([0.2, 0.1]), "euclidean")


def test_points_outside_the_ball_are_refused():
    with pytest.raises(ValueError, match="shorter than 1"):
        Places.of(np.array([[0.0, 1.0], [0.5, 0.5]]), "poincare")
    with pytest.raises(ValueError, match="Unknown geometry 'spherical'"):
        Places.of(np.eye(2), "spherical")
    with pytest.raises(ValueError, match="radius of 351 cannot be measured"):
        Places.of(np.eye(2) * 1e152, "lorentz")


def test_threads_and_blocks_do_not_matter(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((700, 4)) * 3
    answers = Answers.from_pairs(*rng.integers(0, 700, (2, 3000)), 700)
    known = Answers.from_pairs(*rng.integers(0, 700, (2, 3000)), 700)
    nodes = np.flatnonzero(np.diff(answers.indptr))
    places = Places.of(X, "lorentz")
    one, two = (answer_ranks(places, answers, nodes, known=known, n_jobs=n) for n in (1, 2))
    module = import_module("graphembed.evaluation.answer_ranks")
    monkeypatch.setattr(module, "QUERY_BLOCK", 13)
    monkeypatch.setattr(module, "CANDIDATE_BLOCK", 37)
    three = answer_ranks(places, answers, nodes, known=known)
    for other in (two, three):
        assert_array_equal(one[0], other[0])
        assert_array_equal(one[1], other[1])
