import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graphembed.exceptions import GraphError, UnknownNodeError
from graphembed.graph.ids import NodeIndex
from graphembed.testing import reference
from graphembed.vectors import Neighbors, Vectors

GEOMETRIES = ["cosine", "dot", "euclidean"]
IDS = {
    "range": list(range(40)),
    "int": [3 * i - 7 for i in range(40)],
    "str": [f"nœud-{i}" for i in range(40)],
}


def _vectors(kind="str", dtype=np.float32, geometry="cosine"):
    matrix = np.random.default_rng(0).standard_normal((40, 5)).astype(dtype)
    return Vectors(IDS[kind], matrix, geometry=geometry)


def test_look_up():
    vectors = _vectors()
    one = vectors["nœud-3"]
    assert one.shape == (5,)
    assert np.shares_memory(one, vectors.matrix)
    with pytest.raises(ValueError, match="read-only"):
        one[0] = 1
    assert_array_equal(vectors[["nœud-3", "nœud-1"]], vectors.matrix[[3, 1]])
    assert_array_equal(vectors[np.array(["nœud-3"], dtype=object)], vectors.matrix[[3]])
    assert vectors[[]].shape == (0, 5)
    assert len(vectors) == 40
    assert vectors.n_components == 5
    assert vectors.nodes.tolist() == IDS["str"]
    assert_array_equal(np.asarray(vectors), vectors.matrix)
    assert repr(vectors) == (
        "Vectors(n_nodes=40, n_components=5, geometry='cosine', dtype=float32)"
    )


def test_membership():
    assert "nœud-3" in _vectors()
    assert 3 not in _vectors()
    assert 2 in _vectors("int")
    assert np.int64(2) in _vectors("int")
    assert 3 not in _vectors("int")
    assert None not in _vectors("int")
    assert ["nœud-3"] not in _vectors()


def test_vectors_are_not_iterable():
    with pytest.raises(TypeError, match="not iterable"):
        iter(_vectors())


@pytest.mark.parametrize("ask", [lambda v: v["x"], lambda v: v.neighbors(["nœud-1", "x"])])
def test_unknown_ids(ask):
    with pytest.raises(UnknownNodeError, match="'x'"):
        ask(_vectors())


def test_matrix_is_kept_or_made_float32():
    wide = np.ones((2, 3))
    assert Vectors([0, 1], wide).matrix.dtype == np.float64
    assert np.shares_memory(Vectors([0, 1], wide).matrix, wide)
    assert wide.flags.writeable
    assert Vectors([0, 1], wide.astype(int)).matrix.dtype == np.float32
    assert Vectors([0, 1], wide.tolist()).matrix.dtype == np.float32
    assert Vectors([0, 1], wide.T.copy().T).matrix.flags.c_contiguous


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_is_refused(bad):
    matrix = np.ones((9000, 2), dtype=np.float32)
    matrix[8000, 1] = bad
    with pytest.raises(GraphError, match="must be finite"):
        Vectors(NodeIndex.range(9000), matrix)
    with pytest.raises(GraphError, match="must be finite"):
        Vectors([0], np.ones((1, 2))).nearest([[1, bad]])


def test_wrong_input_is_refused():
    with pytest.raises(GraphError, match=r"each of the 2 nodes; its shape is \(3, 1\)"):
        Vectors([0, 1], np.ones((3, 1)))
    with pytest.raises(GraphError, match=r"its shape is \(2,\)"):
        Vectors([0, 1], np.ones(2))
    with pytest.raises(GraphError, match="Unknown geometry 'ball'"):
        Vectors([0], np.ones((1, 1)), geometry="ball")
    with pytest.raises(GraphError, match="distinct"):
        Vectors(["a", "a"], np.ones((2, 1)))


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("kind", sorted(IDS))
def test_neighbors(kind, geometry):
    vectors = _vectors(kind, geometry=geometry)
    queries = [IDS[kind][row] for row in (7, 0, 7)]
    ids, scores = vectors.neighbors(queries, k=4)
    rows, expected = reference.exact_topk(
        vectors.matrix, vectors.matrix[[7, 0, 7]], 4, geometry, exclude=[7, 0, 7]
    )
    assert_array_equal(ids, vectors.nodes[rows])
    assert_array_equal(scores, expected)
    assert scores.dtype == np.float32
    alone = vectors.neighbors(IDS[kind][0], k=4, n_jobs=1)
    assert_array_equal(alone.ids, ids[1:2])
    pairs = [(IDS[kind][7], node) for node in ids[0]]
    assert_array_equal(vectors.score_edges(pairs), scores[0])


def test_neighbors_of_two_clusters_lie_in_the_cluster():
    rng = np.random.default_rng(1)
    centre = np.repeat([[5.0, 0.0], [0.0, 5.0]], 20, axis=0)
    vectors = Vectors(range(40), centre + rng.standard_normal((40, 2)) * 0.1)
    assert np.all(vectors.neighbors(range(20), k=19).ids < 20)
    assert np.all(vectors.nearest([[0.0, 1.0]], k=20).ids >= 20)


def test_k_larger_than_there_are_nodes():
    assert _vectors().neighbors("nœud-1", k=100).ids.shape == (1, 39)
    assert _vectors().nearest(np.ones((2, 5)), k=100).ids.shape == (2, 40)
    assert Vectors([5], [[1.0]]).neighbors([5]).ids.shape == (1, 0)
    assert _vectors().neighbors([], k=3).ids.shape == (0, 3)


def test_nearest_needs_the_width_of_the_vectors():
    with pytest.raises(ValueError, match=r"\(n_queries, 5\).*got \(1, 4\)"):
        _vectors().nearest(np.ones((1, 4)))


def test_neighbors_read_as_a_table():
    ids = np.array([["ann", "bob"]], dtype=object)
    assert repr(Neighbors(ids, np.array([[0.5, -1]], dtype=np.float32))) == (
        "Neighbors(n_queries=1, k=2)\n  ann 0.5000  bob -1.0000"
    )
    wide = _vectors().neighbors(IDS["str"], k=9)
    assert len(repr(wide).splitlines()) == 12
    assert repr(wide).endswith("...")


def test_score_edges():
    vectors = Vectors(["a", "b", "zero"], [[3.0, 4.0], [6.0, 8.0], [0.0, 0.0]])
    pairs = np.array([["a", "b"], ["b", "zero"], ["zero", "zero"]], dtype=object)
    assert_array_equal(vectors.score_edges(pairs), np.array([1, 0, 0], dtype=np.float32))
    dot = Vectors(["a", "b"], [[3.0, 4.0], [6.0, 8.0]], geometry="dot")
    assert_array_equal(dot.score_edges([["a", "b"]]), [50])
    far = Vectors([7, 9], [[3.0, 4.0], [6.0, 8.0]], geometry="euclidean")
    assert_array_equal(far.score_edges(np.array([[7, 9], [9, 7]])), [-5, -5])
    assert far.score_edges([]).shape == (0,)
    with pytest.raises(GraphError, match=r"\(n_pairs, 2\); got \(1, 3\)"):
        far.score_edges([[7, 9, 7]])
    with pytest.raises(UnknownNodeError, match="8"):
        far.score_edges([[7, 8]])
    with pytest.raises(GraphError):
        far.score_edges([(7, "9"), ("9", 7)])


def test_score_edges_does_not_depend_on_n_jobs():
    vectors = _vectors("range")
    pairs = np.random.default_rng(0).integers(0, 40, size=(200_000, 2))
    scores = vectors.score_edges(pairs, n_jobs=1)
    assert_array_equal(vectors.score_edges(pairs, n_jobs=3), scores)
    assert_array_equal(vectors.score_edges(pairs[:, ::-1]), scores)


@pytest.mark.parametrize("geometry", ["poincare", "lorentz"])
def test_hyperbolic_vectors(geometry):
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((40, 5))
    if geometry == "poincare":
        matrix /= 1.001 * np.linalg.norm(matrix, axis=1).max()
    vectors = Vectors(IDS["str"], matrix, geometry=geometry)
    assert np.shares_memory(vectors.matrix, matrix)
    ids, scores = vectors.neighbors(["nœud-7", "nœud-0"], k=4)
    rows, expected = reference.exact_topk(matrix, matrix[[7, 0]], 4, geometry, exclude=[7, 0])
    assert_array_equal(ids, vectors.nodes[rows])
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    assert_array_equal(vectors.score_edges([("nœud-7", node) for node in ids[0]]), scores[0])
    assert vectors.nearest(matrix[7:8], k=1).ids.tolist() == [["nœud-7"]]


def test_what_is_no_point_of_a_hyperbolic_geometry_is_refused(tmp_path):
    with pytest.raises(GraphError, match="shorter than 1; 1 of 2 are not, the longest is 1"):
        Vectors([0, 1], np.eye(2) * [0.5, 1.0], geometry="poincare")
    with pytest.raises(GraphError, match="shorter than 1e"):
        Vectors([0], np.full((1, 1), 1e80), geometry="lorentz")
    inside = Vectors([0, 1], np.eye(2) * 0.5, geometry="poincare")
    with pytest.raises(GraphError, match="shorter than 1"):
        inside.nearest([[1.0, 1.0]])
    inside.to_parquet(tmp_path / "ball.parquet")
    again = Vectors.from_parquet(tmp_path / "ball.parquet")
    assert again.geometry == "poincare"
    assert_array_equal(again.matrix, inside.matrix)
