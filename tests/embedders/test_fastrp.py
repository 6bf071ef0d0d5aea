import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

import graphembed as ge
from graphembed.datasets.synthetic import rmat
from graphembed.testing import graphs, reference


def slow_fastrp(matrix: sp.csr_array, start: np.ndarray, weights: tuple[float, ...]) -> np.ndarray:
    """Formula of the docstring, in float64."""
    power, total = start.astype(np.float64), np.zeros(start.shape)
    for weight in weights:
        power, added = reference.propagate(
            matrix.indptr, matrix.indices, matrix.data, power, weight, True
        )
        total += added
    return total


@pytest.mark.parametrize("n_components", [5, 16, 40])
@pytest.mark.parametrize("weights", [(1.0,), (0.5, 0.0, 2.0), (0, 1, 1, 1)])
def test_formula(n_components: int, weights: tuple[float, ...]) -> None:
    graph = graphs.weighted_digraph()
    model = ge.FastRP(n_components, weights=weights, density=1.0, random_state=0).fit(graph)
    first = np.flatnonzero(weights)[0]
    first_power = ge.FastRP(n_components, weights=(1.0,), density=1.0, random_state=0).fit(graph)
    start = first_power.basis_[0]  # L R of the same seed
    expected = slow_fastrp(graph.to_scipy(), start, weights)
    np.testing.assert_allclose(model.embedding_, expected, rtol=1e-4, atol=1e-5)
    assert model.basis_.shape == (np.count_nonzero(weights), graph.n_nodes, n_components)
    assert first < len(weights)


def test_projection_follows_degree_and_id() -> None:
    """L R: rows scaled by the share of in-degree, drawn by id and by nothing else."""
    star = ge.Graph.from_edges([0] * 5, [1, 2, 3, 4, 5])
    basis = ge.FastRP(64, weights=(1,), density=1.0, degree_exponent=-1, random_state=0)
    rows = basis.fit(star).basis_[0]
    np.testing.assert_allclose(np.abs(rows[0]), 10 / 5, rtol=1e-6)
    np.testing.assert_allclose(np.abs(rows[1:]), 10, rtol=1e-6)
    turned = ge.Graph.from_edges([0] * 5, [1, 2, 3, 4, 5], nodes=[5, 4, 3, 2, 1, 0])
    np.testing.assert_array_equal(basis.fit(turned).basis_[0], rows[::-1])


def test_relabelling_permutes_the_embedding() -> None:
    graph = graphs.two_cliques()
    pairs = graph.nodes[graph.edges()]
    order = np.random.default_rng(1).permutation(graph.n_nodes)
    turned = ge.Graph.from_edges(pairs[:, 0], pairs[:, 1], nodes=graph.nodes[order])
    here = ge.FastRP(32, random_state=0).fit(graph).embedding_
    there = ge.FastRP(32, random_state=0).fit(turned).embedding_
    np.testing.assert_allclose(there, here[order], rtol=1e-4, atol=1e-5)


def test_exactly_inductive() -> None:
    """A node that is hidden and placed again gets the row the formula gives it."""
    matrix = graphs.two_cliques().to_scipy()
    model = ge.FastRP(32, random_state=0).fit(matrix)
    np.testing.assert_array_equal(model.transform(matrix[[3]]), model.embedding_[[3]])
    dense = matrix[[5, 3]].toarray()
    np.testing.assert_array_equal(model.transform(dense), model.embedding_[[5, 3]])
    scaled = model.transform(3 * matrix[[3]])  # only the shares of the weights count
    np.testing.assert_allclose(scaled, model.embedding_[[3]], rtol=1e-5, atol=1e-6)


def test_weights_and_direction_matter() -> None:
    chain = ge.Graph.from_edges([0, 1, 2], [1, 2, 3], directed=True)
    rows = ge.FastRP(16, weights=(1,), random_state=0).fit(chain).embedding_
    assert not rows[3].any()  # no edge leaves the last node
    back = ge.FastRP(16, weights=(1,), random_state=0).fit(chain.reverse()).embedding_
    assert not back[0].any()
    assert back[3].any()
    heavy = ge.Graph.from_edges([0, 0], [1, 2], [1.0, 9.0], directed=True)
    light = ge.Graph.from_edges([0, 0], [1, 2], [9.0, 1.0], directed=True)
    ours = [ge.FastRP(16, weights=(1,), random_state=0).fit_transform(g)[0] for g in (heavy, light)]
    assert not np.allclose(*ours)


def test_relations_are_merged() -> None:
    graph = ge.Graph.from_edges(["a", "a", "b"], ["b", "b", "c"], relations=["x", "y", "x"])
    merged = ge.Graph.from_edges(["a", "b"], ["b", "c"], [2.0, 1.0])
    here, there = (ge.FastRP(16, random_state=0).fit_transform(g) for g in (graph, merged))
    np.testing.assert_array_equal(here, there)


@pytest.mark.parametrize("sparse", [False, True])
def test_features_steer_the_projection(sparse: bool) -> None:
    """Two components that never touch are comparable through features only."""
    left, right = graphs.two_cliques().nodes[:12], graphs.two_cliques().nodes[12:]
    pairs = [(a, b) for side in (left, right) for a in side for b in side if a < b]
    features = np.zeros((24, 4))
    features[np.arange(24), np.arange(24) // 3 % 4] = 2.0
    graph = ge.Graph.from_edges(*zip(*pairs, strict=True), nodes=[*left, *right])
    graph = graph.with_features(sp.csr_array(features) if sparse else features)
    plain = ge.FastRP(64, random_state=0).fit(graph).vectors_
    featured = ge.FastRP(64, feature_ratio=1.0, random_state=0).fit(graph).vectors_
    across = [(left[0], right[0])]
    assert abs(plain.score_edges(across)[0]) < 0.5
    assert featured.score_edges(across)[0] > 0.9


def test_feature_errors() -> None:
    with pytest.raises(ValueError, match="needs a graph with node features"):
        ge.FastRP(feature_ratio=0.5).fit(graphs.two_cliques())


@pytest.mark.parametrize("weights", [(), (0, 0), (1, np.nan), [[1, 2]], "abc"])
def test_bad_weights(weights: object) -> None:
    with pytest.raises(ValueError, match="weights"):
        ge.FastRP(weights=weights).fit(graphs.two_cliques())


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_components", 0), ("density", 0), ("density", 1.5), ("degree_exponent", "a"),
     ("n_jobs", 0), ("n_jobs", 1.5), ("random_state", -1), ("feature_ratio", 2)],
)  # fmt: skip
def test_bad_parameters(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        ge.FastRP(**{name: value}).fit(graphs.two_cliques())


def test_trailing_zero_weights_cost_nothing() -> None:
    graph = graphs.two_cliques()
    short = ge.FastRP(16, weights=(0, 1), random_state=0).fit(graph)
    long = ge.FastRP(16, weights=(0, 1, 0, 0), random_state=0).fit(graph)
    np.testing.assert_array_equal(short.embedding_, long.embedding_)


@given(st.integers(0, 2**16), st.integers(1, 200), st.booleans())
def test_same_bits_at_any_thread_count(seed: int, n_components: int, weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 60))
    matrix = sp.random_array((n, n), density=0.2, rng=rng, format="csr", dtype=np.float32)
    if not weighted:
        matrix.data[:] = 1
    results = [
        ge.FastRP(n_components, n_jobs=n_jobs, random_state=seed).fit_transform(matrix)
        for n_jobs in (1, 2, 5)
    ]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
    assert np.isfinite(results[0]).all()


def test_same_bits_in_another_process() -> None:
    code = (
        "import graphembed as ge, hashlib;"
        "graph = ge.datasets.load('les_miserables').graph;"
        "rows = ge.FastRP(48, random_state=7).fit_transform(graph);"
        "print(hashlib.sha256(rows.tobytes()).hexdigest())"
    )
    found = set()
    for hash_seed, threads in [("0", "1"), ("1", "2")]:
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": threads},
        )  # fmt: skip
        found.add(run.stdout.strip())
    assert len(found) == 1


def test_memory_is_graph_and_three_outputs() -> None:
    """Peak RSS of a fit with weights (0, 1, 1) stays within graph + 3 x output."""
    code = """
import resource
import numpy as np
import graphembed as ge
from graphembed.datasets.synthetic import rmat

ge.FastRP(8, weights=(0, 1, 1)).fit(rmat(8, random_state=0))  # compile first
graph = rmat(17, 8, random_state=0)
before = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
try:  # start the high-water mark anew where the system lets us
    open("/proc/self/clear_refs", "w").write("5")
except OSError:
    pass
model = ge.FastRP(256, weights=(0, 1, 1), random_state=0).fit(graph)
status = open("/proc/self/status").read()
peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
print((peak - before) / model.embedding_.nbytes)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(run.stdout) < 3.15


def test_ring_of_cliques_neighbours() -> None:
    """On a graph with planted groups, nearest neighbours lie in the group."""
    n_groups, size = 30, 8
    pairs = [
        (group * size + i, group * size + j)
        for group in range(n_groups) for i in range(size) for j in range(i)
    ]  # fmt: skip
    pairs += [(g * size, (g + 1) % n_groups * size + 1) for g in range(n_groups)]
    graph = ge.Graph.from_edges(*np.array(pairs).T)
    vectors = ge.FastRP(64, random_state=0).fit(graph).vectors_
    near = vectors.neighbors(graph.nodes, k=size - 2).ids
    assert np.mean(near // size == (graph.nodes // size)[:, None]) > 0.95


def test_large_graph_agrees_with_scipy() -> None:
    graph = rmat(12, 8, random_state=1)
    model = ge.FastRP(100, weights=(0, 1), normalize=False, random_state=0).fit(graph)
    degrees = np.maximum(graph.degrees, 1)[:, None]
    expected = (graph.adjacency @ model.basis_[0]) / degrees
    np.testing.assert_allclose(model.embedding_, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("scale", [1e30, 1e37, 1e-30, 1e-37])
def test_weights_near_the_ends_of_float32(scale: float) -> None:
    """The transition matrix does not depend on the unit of the weights."""
    graph = graphs.two_cliques()
    pairs = graph.nodes[graph.edges()]
    weights = np.full(len(pairs), scale)
    scaled = ge.Graph.from_edges(pairs[:, 0], pairs[:, 1], weights)
    model = ge.FastRP(16, degree_exponent=-0.5, random_state=0)
    expected = model.fit_transform(graph)
    np.testing.assert_allclose(model.fit_transform(scaled), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.transform(scaled.adjacency), expected, rtol=1e-4, atol=1e-5)


def test_sums_of_weights_beyond_float32() -> None:
    heavy = ge.Graph.from_edges([0, 0, 1], [1, 2, 2], [3e38, 3e38, 1e-38])
    assert np.isfinite(ge.FastRP(16, random_state=0).fit_transform(heavy)).all()
    model = ge.FastRP(16, random_state=0).fit(graphs.two_cliques())
    new = ge.Graph.from_edges(["new"] * 2, ["a1", "a2"], [3e38, 3e38])
    light = ge.Graph.from_edges(["new"] * 2, ["a1", "a2"])
    np.testing.assert_allclose(model.transform(new), model.transform(light), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="too large for float32"):
        model.transform(np.full((1, len(model.nodes_)), 1e300))


def test_parameters_beyond_float32() -> None:
    graph = graphs.two_cliques()
    steep = ge.FastRP(16, degree_exponent=-30, random_state=0).fit_transform(graph)
    assert np.isfinite(steep).all()
    assert steep.any()
    for unusable in (
        {"degree_exponent": -1e300},
        {"degree_exponent": 1e300},
        {"degree_exponent": -50, "normalize": False},
        {"weights": [1e300]},
    ):
        with pytest.raises(ValueError, match=next(iter(unusable))):
            ge.FastRP(16, **unusable).fit(graph)


def test_features_of_any_size() -> None:
    graph = graphs.two_cliques()
    features = np.random.default_rng(0).random((graph.n_nodes, 3), dtype=np.float32)
    model = ge.FastRP(16, feature_ratio=0.5, random_state=0)
    expected = model.fit_transform(graph.with_features(features))
    for scale in (1e38, 1e-37):
        found = model.fit_transform(graph.with_features(features * np.float32(scale)))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_small_feature_ratio_is_one_column() -> None:
    graph = graphs.two_cliques()
    model = ge.FastRP(8, feature_ratio=0.01, random_state=0)
    with pytest.raises(ValueError, match="node features"):
        model.fit(graph)
    plain = ge.FastRP(8, weights=(1,), random_state=0).fit(graph).basis_[0]
    model.set_params(weights=(1,)).fit(graph.with_features(np.ones((graph.n_nodes, 1))))
    np.testing.assert_array_equal(model.basis_[0][:, :7], plain[:, :7])
    assert len(np.unique(model.basis_[0][:, 7])) == 1
