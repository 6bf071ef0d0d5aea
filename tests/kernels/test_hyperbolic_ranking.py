import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from graphembed.evaluation.answer_ranks import GEOMETRIES, Answers, Places, answer_ranks
from graphembed.kernels import hyperbolic_ranking as kernel
from graphembed.testing import reference


def key(X, u, v, geometry="lorentz"):
    places = Places.of(np.asarray(X), geometry)
    return kernel.exact_key(places.rows, places.norms, places.reach, u, v, places.kind)


def exact(x, y):
    """Return cosh d - 1 with as many digits as it takes."""
    with mpmath.workdps(80):
        x, y = ([mpmath.mpf(float(value)) for value in one] for one in (x, y))
        times = [mpmath.sqrt(1 + mpmath.fsum(v * v for v in one)) for one in (x, y)]
        inner = mpmath.fsum(a * b for a, b in zip(x, y, strict=True))
        return float(times[0] * times[1] - inner - 1)


@pytest.mark.parametrize("radius", [0, 1e-6, 1, 5, 10, 15, 20, 25])
def test_keys_are_exact_at_every_radius(radius):
    """Behind one another, side by side and between: a unit of distance apart, and far apart."""
    rng = np.random.default_rng(0)
    along, across = np.linalg.qr(rng.standard_normal((5, 2)))[0].T
    x = np.sinh(radius) * along
    for further, turn in [(1, 0), (0, np.exp(-radius)), (1, np.exp(-radius)), (2, 1), (0, 3)]:
        y = np.sinh(radius + further) * (np.cos(turn) * along + np.sin(turn) * across)
        assert key([x, y], 0, 1) == pytest.approx(exact(x, y), rel=1e-16 * (10 + np.exp(radius)))


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_keys_agree_with_the_reference(geometry):
    X = np.random.default_rng(1).standard_normal((20, 4))
    X[3] = 0
    X /= 5 if geometry == "poincare" else 1
    wanted = reference.distance_keys(X, geometry)
    places = Places.of(X, geometry)
    own = places.rows, places.norms, places.reach, places.kind
    out = np.empty(20)
    for u in range(20):
        kernel.keys_from(*own, u, out)
        assert_allclose(out, wanted[u], rtol=1e-12, atol=1e-14)
        assert_array_equal(out, [key(X, v, u, geometry) for v in range(20)])


def links(n_nodes, share, rng):
    return Answers.from_pairs(*np.nonzero(rng.random((n_nodes, n_nodes)) < share), n_nodes)


def of(answers, node):
    return answers.indices[answers.indptr[node] : answers.indptr[node + 1]]


def agree(X, geometry, keys, rng, known_share=0.2):
    answers, known = links(len(X), 0.15, rng), links(len(X), known_share, rng)
    nodes = np.flatnonzero(np.diff(answers.indptr))
    ranks, precision = answer_ranks(Places.of(X, geometry), answers, nodes, known=known, n_jobs=1)
    others = ~np.eye(len(X), dtype=bool)
    found = [
        reference.answer_ranks(
            keys[node, others[node]],
            of(answers, node) - (of(answers, node) > node),
            of(known, node) - (of(known, node) > node),
        )
        for node in nodes
    ]
    assert_array_equal(ranks, np.concatenate([one for one, _ in found]))
    assert_allclose(precision, [one for _, one in found], rtol=1e-13)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_ranks_agree_with_the_reference(geometry):
    """In blocks of candidates, with what is known left out."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((90, 3)) / (9 if geometry == "poincare" else 1)
    X[40:50] = X[3]
    agree(X, geometry, reference.distance_keys(X, geometry), rng)


@settings(max_examples=60)
@given(
    st.sampled_from(["euclidean", "dot"]),
    arrays(np.float64, (14, 2), elements=st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0])),
    st.integers(0, 99),
)
def test_ties(geometry, X, seed):
    """Of numbers that no formula rounds."""
    agree(X, geometry, reference.distance_keys(X, geometry), np.random.default_rng(seed))


@settings(max_examples=40)
@given(arrays(np.float64, (12, 2), elements=st.floats(-1, 1)), st.floats(0, 25), st.integers(0, 99))
def test_bounds_never_hide_a_node(X, radius, seed):
    """Ranks are those of exact keys: far out, where products have no digits left, as well."""
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    X = np.sinh(radius * norms) * X / np.where(norms > 0, norms, 1)
    keys = np.array([[key(X, u, v) for v in range(12)] for u in range(12)])
    agree(X, "lorentz", keys, np.random.default_rng(seed))


def test_what_overflows_is_measured():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3)) * 10.0 ** rng.integers(-80, 80, size=(40, 1))
    for geometry in ("euclidean", "dot"):
        keys = np.array([[key(X, u, v, geometry) for v in range(40)] for u in range(40)])
        agree(X, geometry, keys, np.random.default_rng(1))
