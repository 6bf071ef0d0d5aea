"""Link prediction with random-walk embeddings."""

from typing import Any

from contenders.skipgram import ensmallen, gensim, ours
from harness.contender import Contender, Measurement, Result, Row, Settings
from harness.inputs import save_graph
from harness.judge import mean_links
from harness.measure import compare

from rows.deepwalk import PEERS

# The best of windows 2 to 10 and learning rates 0.00625 to 0.025 on a tenth of the training edges,
# held out for that; see docs/walks.rst. Empty leaves its contender out.
BEST: dict[str, Any] = {"window": 5, "learning_rate": 0.0125}
CONTENDERS = (
    ours("graphembed", "DeepWalk", reproducible=False, reference=True),
    ours("graphembed, reproducible", "DeepWalk", reproducible=True),
    *([ours("graphembed, best setting", "DeepWalk", reproducible=True, **BEST)] if BEST else []),
    gensim("PecanPy FirstOrderUnweighted + gensim", "FirstOrderUnweighted"),
    ensmallen("ensmallen, its defaults"),
)


def run(settings: Settings) -> list[Measurement]:
    """Embed what is left of the graph, and score the edges that were held out."""
    import graphembed as ge

    graph = ge.datasets.load("ca_astroph").graph.to_undirected()
    split = ge.split_edges(graph, test_size=0.5, random_state=0)
    inputs = save_graph(settings.workspace / "links", split.train)

    def score(contender: Contender, embedding: Any) -> dict[str, Result]:  # noqa: ARG001
        return mean_links(embedding, split)

    return compare(CONTENDERS, inputs, settings, calls=4, rounds=1, cold=False, score=score)


def rows() -> list[Row]:
    """Return the rows of this file."""
    title = (
        "CA-AstroPh, 18,772 nodes, half of the edges held out, DeepWalk as deepwalk-blogcatalog: "
        "AUC of logistic regression on Hadamard products"
    )
    return [Row("deepwalk-links", title, run, PEERS)]
