"""What rows on labelled graphs share."""

from typing import Any

from harness.contender import Contender, Measurement, Result, Settings
from harness.inputs import save_graph
from harness.judge import classification
from harness.measure import compare


def classified(name: str, contenders: tuple[Contender, ...], *, calls: int = 3) -> Any:
    """Return the ``run`` of a row that embeds a labelled data set and classifies its nodes."""

    def run(settings: Settings) -> list[Measurement]:
        import graphembed as ge

        dataset = ge.datasets.load(name)
        inputs = save_graph(settings.workspace / name, dataset.graph)

        def score(contender: Contender, embedding: Any) -> dict[str, Result]:  # noqa: ARG001
            return classification(embedding, dataset.labels, settings.n_shuffles)

        return compare(contenders, inputs, settings, calls=calls, rounds=3, score=score)

    return run
