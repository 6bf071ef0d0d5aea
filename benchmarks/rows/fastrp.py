"""FastRP: quality on labelled graphs, time and memory on a large one."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from contenders.classified import classified
from harness.contender import Contender, Job, Measurement, Row, Settings
from harness.inputs import csr, n_bytes, rmat
from harness.measure import compare

# One weight for each power of the transition matrix, from the first on.
# The exponent suits dense social graphs like this one; our defaults have a contender of their own.
FOUR_POWERS = {"weights": (0.0, 1.0, 1.0, 1.0), "degree_exponent": -0.9}
THREE_POWERS = (0.0, 1.0, 1.0)
# The fastrp package's first weight is that of the random matrix itself, power 0.
FASTRP_DEFAULT = (0.0, 1.0, 1.0)
RMAT_SCALE = 20
PAIRS_PER_CHUNK = 65536


def graphembed_fastrp(arrays: Mapping[str, Any], *, threads: int, given: str, **params: Any) -> Job:
    """Ours, given a scipy matrix as the peers are, or a Graph that was made before."""
    import graphembed as ge

    adjacency = csr(arrays)
    X = ge.Graph.from_scipy(adjacency) if given == "graph" else adjacency
    del adjacency
    # A new embedder each time: what the last one learned must not count in this one's memory.
    return Job(lambda: ge.FastRP(n_jobs=threads, random_state=0, **params).fit_transform(X))


def fastrp_fastrp(arrays: Mapping[str, Any], *, threads: int, **params: Any) -> Job:  # noqa: ARG001
    """Embed with the fastrp package; its threads come from RAYON_NUM_THREADS."""
    from fastrp import FastRP

    adjacency = csr(arrays, matrix=True)
    # The adjacency is symmetric: undirected=True would add the transpose once more.
    return Job(lambda: FastRP(seed=0, undirected=False, **params).fit_transform(adjacency))


def pycleora_embed(
    arrays: Mapping[str, Any], *, threads: int, whiten: bool = False, **params: Any
) -> Job:
    """Embed with pycleora, which reads lines of text and orders nodes as it meets them."""
    from pycleora import SparseMatrix, embed

    n_nodes = len(arrays["indptr"]) - 1
    lines = _edge_lines(arrays["indptr"], arrays["indices"])
    graph = SparseMatrix.from_iterator(lines, "complex::reflexive::node", num_workers=threads)

    def in_our_order(found: Any) -> Any:
        embedding = np.zeros((n_nodes, found.shape[1]), dtype=found.dtype)
        embedding[np.array(graph.entity_ids, dtype=np.int64)] = found
        return embedding

    return Job(lambda: embed(graph, num_workers=threads, whiten=whiten, **params), in_our_order)


def _edge_lines(indptr: Any, indices: Any) -> Iterator[str]:
    """Yield each undirected edge once as ``"u v"``, in pieces: the peer's memory is measured."""
    for start in range(0, len(indices), PAIRS_PER_CHUNK):
        targets = indices[start : start + PAIRS_PER_CHUNK]
        entries = np.arange(start, start + len(targets))
        sources = np.searchsorted(indptr, entries, side="right") - 1
        once = sources <= targets
        pairs = zip(sources[once].tolist(), targets[once].tolist(), strict=True)
        yield from (f"{u} {v}" for u, v in pairs)


def sknetwork_projection(arrays: Mapping[str, Any], *, threads: int, **params: Any) -> Job:  # noqa: ARG001
    """Embed with scikit-network's RandomProjection of the random walk's transition matrix."""
    from sknetwork.embedding import RandomProjection

    adjacency = csr(arrays, matrix=True)
    return Job(
        lambda: RandomProjection(random_walk=True, random_state=0, **params).fit_transform(
            adjacency
        )
    )


def ours(name: str, *, given: str = "csr", reference: bool = False, **params: Any) -> Contender:
    """Return our contender."""
    return Contender(
        name,
        graphembed_fastrp,
        imports=("scipy.sparse", "graphembed.embedders.fastrp", "graphembed.graph.builders"),
        distributions=("graphembed-engine", "numpy", "scipy", "numba"),
        params={"given": given, **params},
        reference=reference,
    )


def from_power_zero(weights: tuple[float, ...]) -> tuple[float, ...]:
    """Return our weights as the fastrp package counts them: the same powers, the same products."""
    return (0.0, *weights)


def fastrp(name: str, **params: Any) -> Contender:
    """Return the contender of the fastrp package."""
    imports = ("scipy.sparse", "fastrp")
    return Contender(name, fastrp_fastrp, imports, ("fastrp", "numpy", "scipy"), params, peer=True)


def pycleora(name: str, **params: Any) -> Contender:
    """Return the contender of pycleora."""
    distributions = ("pycleora", "numpy")
    return Contender(name, pycleora_embed, ("pycleora",), distributions, params, peer=True)


def sknetwork(name: str, **params: Any) -> Contender:
    """Return the contender of scikit-network."""
    imports = ("scipy.sparse", "sknetwork.embedding")
    distributions = ("scikit-network", "numpy", "scipy")
    return Contender(name, sknetwork_projection, imports, distributions, params, peer=True)


def run_rmat(settings: Settings) -> list[Measurement]:
    """Embed the large graph; judge memory against ``graph + 3 x output``."""
    n_components = 128
    inputs = rmat(settings.cache, RMAT_SCALE)
    contenders = (
        ours("graphembed", reference=True, n_components=n_components, weights=THREE_POWERS),
        ours("graphembed, given a Graph", given="graph", n_components=128, weights=THREE_POWERS),
        fastrp("fastrp, same 3 powers", dim=n_components, weights=from_power_zero(THREE_POWERS)),
        fastrp("fastrp, its defaults: 2 powers", dim=n_components, weights=FASTRP_DEFAULT),
        pycleora("pycleora", feature_dim=n_components, num_iterations=len(THREE_POWERS)),
    )
    measurements = compare(contenders, inputs, settings, calls=2, rounds=1, cold=False)
    n_nodes = np.load(inputs["indptr"], mmap_mode="r", allow_pickle=False).shape[0] - 1
    graph, output = n_bytes(inputs), n_nodes * n_components * 4
    for measured in measurements:
        if measured.peak_rss_bytes is not None:
            bound = graph + 3 * output
            measured.results = {
                "graph MB": round(graph / 1e6),
                "output MB": round(output / 1e6),
                "bound MB (graph + 3 x output)": round(bound / 1e6),
                "within bound": measured.peak_rss_bytes <= bound,
            }
    return measurements


def rows() -> list[Row]:
    """Return the rows of this file."""
    powers = len(FOUR_POWERS["weights"])
    blogcatalog = (
        ours("graphembed", reference=True, n_components=512, **FOUR_POWERS),
        ours("graphembed, given a Graph", given="graph", n_components=512, **FOUR_POWERS),
        ours("graphembed, its defaults", n_components=512),
        ours("graphembed, 128 components", n_components=128, **FOUR_POWERS),
        fastrp("fastrp, same 4 powers", dim=512, weights=from_power_zero(FOUR_POWERS["weights"])),
        fastrp("fastrp, its defaults: 2 powers", dim=512, weights=FASTRP_DEFAULT),
        pycleora("pycleora", feature_dim=512, num_iterations=powers),
        pycleora("pycleora, 256 components", feature_dim=256, num_iterations=powers),
        sknetwork("scikit-network", n_components=512, n_iter=powers),
    )
    ppi = (
        ours("graphembed", reference=True, n_components=512, **FOUR_POWERS),
        ours("graphembed, 128 components", n_components=128, **FOUR_POWERS),
        fastrp("fastrp, same 4 powers", dim=512, weights=from_power_zero(FOUR_POWERS["weights"])),
        fastrp("fastrp, its defaults: 2 powers", dim=512, weights=FASTRP_DEFAULT),
        pycleora("pycleora", feature_dim=512, num_iterations=powers),
        sknetwork("scikit-network", n_components=512, n_iter=powers),
    )
    return [
        Row(
            "fastrp-blogcatalog",
            "BlogCatalog, 10,312 nodes, 512 components, 4 powers: fit, and node classification",
            classified("blogcatalog", blogcatalog, calls=5),
            ("",),
        ),
        Row(
            "fastrp-ppi",
            "PPI (homo sapiens), 3,890 nodes, 512 components, 4 powers: fit, and classification",
            classified("ppi_homo_sapiens", ppi, calls=5),
            ("",),
        ),
        Row(
            "fastrp-rmat",
            "R-MAT, 2^20 nodes, 16 M edges, 128 components, 3 powers: fit, and memory",
            run_rmat,
            ("",),
        ),
    ]
