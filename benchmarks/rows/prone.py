"""ProNE: quality and time on labelled graphs, and memory on a large one."""

from collections.abc import Mapping
from typing import Any

from contenders.classified import classified
from harness.contender import Contender, Job, Measurement, Row, Settings
from harness.inputs import csr, rmat
from harness.measure import compare

from rows.spectral import N_COMPONENTS, RMAT_SCALE, judge_memory, sknetwork, with_cpu_seconds

OURS = ("graphembed-engine", "numpy", "scipy", "numba")
SETS = {
    "blogcatalog": ("blogcatalog", "BlogCatalog, 10,312 nodes"),
    "ppi": ("ppi_homo_sapiens", "PPI (homo sapiens), 3,890 nodes"),
    "dblp": ("dblp_prone", "DBLP, 51,264 nodes"),
}


def graphembed_prone(
    arrays: Mapping[str, Any], *, threads: int, given: str = "graph", **params: Any
) -> Job:
    """Ours, given a scipy matrix as the peers are, or a Graph that was made before."""
    import graphembed as ge
    from graphembed.embedders.prone import ProNE

    adjacency = csr(arrays)
    X = ge.Graph.from_scipy(adjacency) if given == "graph" else adjacency
    del adjacency
    return with_cpu_seconds(
        lambda: ProNE(n_jobs=threads, random_state=0, **params).fit_transform(X)
    )


def smoothed_fastrp(arrays: Mapping[str, Any], *, threads: int, **params: Any) -> Job:
    """Ours: the second half of ProNE after another embedder."""
    import graphembed as ge
    from graphembed.compose.spectral_propagation import SpectralPropagation

    graph = ge.Graph.from_scipy(csr(arrays))
    embedder = ge.FastRP(n_jobs=threads, random_state=0, **params)
    step = SpectralPropagation(graph, n_jobs=threads)
    return Job(lambda: step.fit_transform(embedder.fit_transform(graph)))


def ours(name: str, *, reference: bool = False, **params: Any) -> Contender:
    """Return our contender."""
    imports = ("scipy.sparse", "graphembed.embedders.prone", "graphembed.graph.builders")
    params = {"n_components": N_COMPONENTS, **params}
    return Contender(name, graphembed_prone, imports, OURS, params, reference=reference)


def smoothed(name: str, **params: Any) -> Contender:
    """Return the contender that smooths FastRP's vectors."""
    imports = ("scipy.sparse", "graphembed.embedders.fastrp", "graphembed.compose")
    params = {"n_components": N_COMPONENTS, **params}
    return Contender(name, smoothed_fastrp, imports, OURS, params, same_work=False)


CONTENDERS = (
    ours("graphembed", reference=True),
    ours("graphembed, given csr", given="csr"),
    ours("graphembed, 2 power iterations", n_iter=2),
    smoothed("graphembed, FastRP and SpectralPropagation"),
    sknetwork("scikit-network Spectral", n_components=N_COMPONENTS),
)


def run_rmat(settings: Settings) -> list[Measurement]:
    """Embed the large graph; judge memory against ``graph + 5 x output``."""
    inputs = rmat(settings.cache, RMAT_SCALE)
    contenders = (ours("graphembed, given a Graph", reference=True),)
    measurements = compare(contenders, inputs, settings, calls=2, rounds=1, cold=False)
    judge_memory(measurements, inputs)
    return measurements


def rows() -> list[Row]:
    """Return the rows of this file."""
    return [
        *(
            Row(
                f"prone-{short}",
                f"{title}, 128 components: ProNE, and node classification",
                classified(name, CONTENDERS),
                ("",),
            )
            for short, (name, title) in SETS.items()
        ),
        Row(
            "prone-rmat",
            "R-MAT, 2^20 nodes, 16 M edges, 128 components: ProNE, and memory",
            run_rmat,
        ),
    ]
