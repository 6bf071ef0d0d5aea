"""The contract of an embedder, beyond what scikit-learn can check.

:func:`check_embedder` runs every check on one estimator; the test suite runs each of them over the
registry, so an algorithm joins by being registered.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone

import graphembed as ge
from graphembed.graph.graph import Graph
from graphembed.testing import graphs

Check = Callable[[Any], None]


def check_embedder(embedder: Any) -> None:
    """Raise AssertionError at the first part of the contract that an embedder breaks.

    Parameters
    ----------
    embedder : BaseEmbedder
        An estimator with the parameters to check; it is cloned, never fitted itself.

    Examples
    --------
    >>> import graphembed as ge
    >>> from graphembed.testing import check_embedder
    >>> check_embedder(ge.FastRP(n_components=8))
    """
    for check in CHECKS:
        check(embedder)


def check_shape_and_dtype(embedder: Any) -> None:
    """One finite row per node, of the promised dtype, in the order of the graph's nodes."""
    graph = graphs.two_cliques()
    model = _fitted(embedder, graph)
    promised = model.__sklearn_tags__().transformer_tags.preserves_dtype
    assert [model.embedding_.dtype.name] == promised
    assert len(model.embedding_) == graph.n_nodes == model.n_features_in_
    assert np.isfinite(model.embedding_).all()
    assert list(model.nodes_) == list(graph.nodes)
    names = model.get_feature_names_out()
    assert len(names) == model.embedding_.shape[1]


def check_isolated_nodes(embedder: Any) -> None:
    """An isolated node gets a finite row, and so does a graph without any edge."""
    for graph in (graphs.with_isolated_node(), graphs.without_edges(), graphs.one_node()):
        model = _fitted(embedder, graph)
        assert model.embedding_.shape[0] == graph.n_nodes
        assert np.isfinite(model.embedding_).all()


def check_input_kinds(embedder: Any) -> None:
    """A Graph, its csr matrix and its dense matrix are the same input."""
    graph = graphs.weighted_digraph()
    expected = _fitted(embedder, graph).embedding_
    matrix = graph.to_scipy()
    for same in (matrix, matrix.tocoo(), matrix.toarray(), matrix.astype(np.float64)):
        _assert_same_bits(_fitted(embedder, same).embedding_, expected)


def check_input_unwritten(embedder: Any) -> None:
    """Neither fit nor transform writes to what it is given."""
    matrix = graphs.weighted_digraph().to_scipy()
    before = matrix.copy()
    _fitted(embedder, matrix).transform(matrix)
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(matrix, name), getattr(before, name))


def check_reproducible(embedder: Any) -> None:
    """An int ``random_state`` gives the same bits, whatever ``n_jobs``; another int does not."""
    graph = graphs.two_cliques()
    expected = _fitted(embedder, graph, random_state=3).embedding_
    _assert_same_bits(_fitted(embedder, graph, random_state=3).embedding_, expected)
    generator = np.random.default_rng(3)
    _assert_same_bits(_fitted(embedder, graph, random_state=generator).embedding_, expected)
    if "n_jobs" in embedder.get_params():
        for n_jobs in (1, 2, 3):
            model = _fitted(embedder, graph, random_state=3, n_jobs=n_jobs)
            _assert_same_bits(model.embedding_, expected)
    is_random = "random_state" in embedder.get_params()
    if is_random and not embedder.__sklearn_tags__().non_deterministic:
        other = _fitted(embedder, graph, random_state=4).embedding_
        assert not np.array_equal(other, expected)


def check_transform_known(embedder: Any) -> None:
    """Fitted nodes keep their learned rows: all, some, and in another order."""
    graph = _cliques(embedder)
    model = _fitted(embedder, graph)
    same = _assert_close if embedder.recomputes else _assert_same_bits
    _assert_same_bits(model.transform(graph), model.embedding_)
    same(model.transform(_turned(graph)), model.embedding_[::-1])


def check_transform_new(embedder: Any) -> None:
    """A new node is placed near the clique it is tied to; alone it gets a finite row."""
    graph = _cliques(embedder)
    model = _fitted(embedder, graph)
    nodes = [*graph.nodes, "new", "alone"]
    pairs = graph.nodes[graph.edges()].tolist()
    pairs += [("new", f"a{i}") for i in range(graphs.CLIQUE)]
    features = graphs.node_features(nodes) if embedder.recomputes else None
    grown = Graph.from_edges(*zip(*pairs, strict=True), nodes=nodes, features=features)
    rows = model.transform(grown)
    assert np.isfinite(rows).all()
    if embedder.recomputes:
        # Those that are three steps from the new node, and farther.
        far_away = np.array([str(node)[0] == "b" and node != "b0" for node in graph.nodes])
        _assert_close(rows[:-2][far_away], model.embedding_[far_away])
    else:
        _assert_same_bits(rows[:-2], model.embedding_)
    vectors = ge.Vectors(nodes, rows, geometry=model.geometry)
    near = vectors.score_edges([("new", f"a{i}") for i in range(graphs.CLIQUE)])
    far = vectors.score_edges([("new", f"b{i}") for i in range(1, graphs.CLIQUE)])
    assert np.mean(near) > np.mean(far)


def check_separates_cliques(embedder: Any) -> None:
    """Two cliques joined by one edge fall apart."""
    vectors = _fitted(embedder, _cliques(embedder)).vectors_
    inside = [("a1", f"a{i}") for i in range(2, graphs.CLIQUE)]
    across = [("a1", f"b{i}") for i in range(2, graphs.CLIQUE)]
    assert vectors.score_edges(inside).min() > vectors.score_edges(across).max()


def check_permutation(embedder: Any) -> None:
    """Two orders of the same nodes give the same neighbourhoods: rows carry no meaning."""
    graph = _cliques(embedder)
    order = np.random.default_rng(0).permutation(graph.n_nodes)
    for each in (graph, _turned(graph, order)):
        nearest = _fitted(embedder, each).vectors_.neighbors(["a1", "b1"], k=graphs.CLIQUE - 2).ids
        # The edge that joins the cliques may as well be one of the shortest.
        assert all(str(node).startswith("a") or node == "b0" for node in nearest[0])
        assert all(str(node).startswith("b") or node == "a0" for node in nearest[1])


def check_save_and_load(embedder: Any) -> None:
    """Saving and loading is the identity, in memory and memory-mapped."""
    graph = graphs.two_cliques()
    model = _fitted(embedder, graph)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        ge.save(model, path)
        for mode in (None, "r"):
            loaded = ge.load(path, mmap_mode=mode)
            assert type(loaded) is type(model)
            _assert_same_bits(loaded.embedding_, model.embedding_)
            _assert_same_bits(loaded.transform(graph), model.embedding_)
            _assert_same_bits(loaded.transform(graph.to_scipy()), model.transform(graph.to_scipy()))
            assert list(loaded.nodes_) == list(graph.nodes)
            assert loaded.vectors_.neighbors(["a1"], k=3).ids.shape == (1, 3)
            del loaded


def check_refuses_bad_weights(embedder: Any) -> None:
    """Negative, infinite and missing weights are refused with a ValueError."""
    matrix = graphs.weighted_digraph().to_scipy()
    for bad in (-1.0, np.inf, np.nan):
        broken = matrix.copy()
        broken.data[0] = bad
        _assert_raises(ValueError, partial(_fitted, embedder, broken))
    signed = matrix.copy()
    signed.data[0] = -1.0
    _assert_raises(ValueError, lambda: _fitted(embedder, Graph.from_scipy(signed)))


def check_refuses_wrong_shape(embedder: Any) -> None:
    """A matrix that is not square, and a block of another width, are refused."""
    _assert_raises(ValueError, lambda: _fitted(embedder, np.ones((3, 4))))
    model = _fitted(embedder, graphs.two_cliques())
    _assert_raises(ValueError, lambda: model.transform(np.ones((1, 3))))


CHECKS: tuple[Check, ...] = (
    check_shape_and_dtype,
    check_isolated_nodes,
    check_input_kinds,
    check_input_unwritten,
    check_reproducible,
    check_transform_known,
    check_transform_new,
    check_separates_cliques,
    check_permutation,
    check_save_and_load,
    check_refuses_bad_weights,
    check_refuses_wrong_shape,
)


def _fitted(embedder: Any, X: Any, random_state: Any = 0, **params: Any) -> Any:
    if "random_state" in embedder.get_params():
        params["random_state"] = random_state
    return clone(embedder).set_params(**params).fit(X)


def _cliques(embedder: Any) -> Graph:
    """Return two cliques; with features for what goes by these, to which cliques are all alike."""
    return graphs.two_cliques(features=embedder.recomputes)


def _turned(graph: Graph, order: Any = slice(None, None, -1)) -> Graph:
    """Return the graph with its nodes in another order, the reverse by default."""
    pairs, nodes = graph.nodes[graph.edges()], graph.nodes[order]
    features = None if graph.features is None else graph.features[order]
    return Graph.from_edges(pairs[:, 0], pairs[:, 1], nodes=nodes, features=features)


def _assert_close(found: npt.NDArray[Any], expected: npt.NDArray[Any]) -> None:
    """Assert that two matrices are the same up to rounding."""
    assert found.dtype == expected.dtype
    scale = np.abs(expected).max(initial=1.0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * scale)


def _assert_same_bits(found: npt.NDArray[Any], expected: npt.NDArray[Any]) -> None:
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def _assert_raises(kind: type[Exception], call: Callable[[], Any]) -> None:
    try:
        call()
    except kind:
        return
    raise AssertionError(f"expected {kind.__name__}")
