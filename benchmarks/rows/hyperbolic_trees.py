"""Trees in hyperbolic space by construction, beside scaling and training."""

from collections.abc import Callable, Sequence
from typing import Any

from contenders.closed_form import judged, ours
from harness.contender import Contender, Measurement, Result, Row, Settings
from harness.inputs import save_graph
from harness.measure import compare

# MAP / average distortion by Sala et al. (2018), their construction in 2 dimensions.
PUBLISHED = {
    "trees-small": "Sala et al., balanced tree: 1.0 / .013",
    "trees-phylo": "Sala et al.: 1.0 / .006, of more bits",
    "trees-diseases": "Sala et al.: .822 / .147; scaling with 100 components .949 / .111",
}
TREE = ("TreeEmbedding", "tree")
SCALED = ours("scaling, 10 components", "HyperbolicMDS", "hmds", n_components=10)
TRAINED = ours(
    "trained, distortion loss, 10 components",
    "LorentzEmbedding",
    "lorentz",
    n_components=10,
    loss="distortion",
)
PLAIN = (
    ours("tree, 2 components", *TREE, reference=True),
    ours("tree, 10 components", *TREE, n_components=10),
    SCALED,
    TRAINED,
)
# Too deep for float64 in the plane.
EXACT = (ours("tree, 2 components, exact", *TREE, precision="exact", reference=True), *PLAIN[1:])


def embedded(row: str, dataset: str, contenders: Sequence[Contender]) -> Callable[..., Any]:
    """Return what embeds a data set and compares all distances with those in the graph."""

    def run(settings: Settings) -> list[Measurement]:
        import graphembed as ge

        graph = ge.datasets.load(dataset).graph

        def score(contender: Contender, distances: Any) -> dict[str, Result]:
            return judged(distances, graph) | (
                {"published": PUBLISHED[row]} if contender.reference and row in PUBLISHED else {}
            )

        inputs = save_graph(settings.workspace / row, graph)
        return compare(contenders, inputs, settings, calls=2, rounds=1, cold=False, score=score)

    return run


def rows() -> list[Row]:
    """Return the rows of this file."""
    kinds = {
        "trees-small": ("a tree of 40 nodes", "sala_small_tree", PLAIN),
        "trees-phylo": ("a phylogeny of 344 nodes", "sala_phylo_tree", EXACT),
        "trees-diseases": ("diseases, 516 nodes, no tree", "sala_diseases", EXACT),
    }
    return [
        Row(name, f"{title}: MAP of neighbours, average distortion", embedded(name, *what))
        for name, (title, *what) in kinds.items()
    ]
