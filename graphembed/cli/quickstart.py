"""graphembed quickstart: from a real graph to vectors, in about ten seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphembed.cli import files, options
from graphembed.cli.neighbors import ranked
from graphembed.cli.output import (
    Column,
    Stopwatch,
    count,
    print_json,
    print_table,
    show_size,
    style,
)

if TYPE_CHECKING:
    from graphembed.callbacks import Progress
    from graphembed.graph.graph import Graph
    from graphembed.vectors import Vectors

PACKAGES = ("python3-numpy", "firefox-esr", "postgresql")
PARAMETERS: dict[str, Any] = {"random_state": 0}
TEST_SIZE = 0.1
K = 5


def quickstart(
    output: Annotated[
        str, typer.Option("--output", "-o", help="Parquet file to write the vectors to.")
    ] = "vectors.parquet",
    as_json: options.AsJson = False,
) -> None:
    """Embed a real graph and look at what comes out. Nothing to prepare or download.

    The graph is Debian's: its packages, and which of them depends on, recommends or suggests
    which. FastRP embeds it, held-out edges are predicted, and the nearest neighbours of a few
    packages are shown. The vectors go to a Parquet file that the other commands read.

    **Examples**

    - graphembed quickstart

    - graphembed quickstart -o debian.parquet --json
    """
    if not output.lower().endswith(".parquet"):
        raise ValueError(f"The quickstart writes a .parquet file; got -o {output}.")
    files.check_output(output)
    from graphembed.callbacks import progress

    with progress(5, "starting", "stage", delay=0, heartbeat=True) as done:
        tour = Tour(done, silent=as_json)
        facts = tour.run(output)
    if as_json:
        print_json(facts)
        return
    next_commands = (
        (f"graphembed neighbors {output} vlc", "any package's neighbours"),
        (f"graphembed info {output}", "what the file holds"),
        ("graphembed fit --help", "embed a graph of your own"),
    )
    width = max(len(command) for command, _ in next_commands)
    tour.say("Next, try", *(f"   {command:{width}}   {why}" for command, why in next_commands))


class Tour:
    """The stages of the quickstart; each says what it did and why, and reports progress.

    Parameters
    ----------
    done : Progress
        Told of every stage that is over.
    silent : bool
        Whether to say nothing, because a JSON document follows.
    """

    def __init__(self, done: "Progress", *, silent: bool) -> None:
        self.done = done
        self.silent = silent
        self.watch = Stopwatch()

    def run(self, output: str) -> dict[str, Any]:
        """Go through all stages and return what they found."""
        graph = self.load()
        scores = self.predict_links(graph)
        vectors = self.embed(graph)
        nearest = self.look_around(vectors)
        with self.stage("write", f"writing {output}"):
            vectors.to_parquet(output)
        size, total = files.size_on_disk(output), sum(self.watch.seconds.values())
        self.say(
            f"5. Written: {output}",
            f"   {count(len(vectors), 'vector')}, {show_size(size)}, in {total:.1f} s altogether:",
            f"   {self.watch}.",
            "",
        )
        return {
            "dataset": "debian", "n_nodes": graph.n_nodes, "n_edges": graph.n_edges,
            "method": "FastRP", "parameters": PARAMETERS, "link_prediction": scores,
            "neighbors": nearest, "output": output, "bytes": size, "seconds": self.watch.seconds,
        }  # fmt: skip

    def load(self) -> "Graph":
        """Load Debian's packages as an undirected graph."""
        from graphembed.datasets import load

        with self.stage("load", "loading the graph"):
            graph = load("debian").graph.without_relations().to_undirected()
        self.say(
            "1. A real graph: Debian's packages",
            f"   {count(graph.n_nodes, 'node')}, {count(graph.n_edges, 'edge')}. "
            "Two packages are linked when one depends on,",
            "   recommends, suggests ... the other. Directions are dropped: what matters here",
            "   is which packages go together.",
            "",
        )
        return graph

    def predict_links(self, graph: "Graph") -> dict[str, float]:
        """Hide a tenth of the edges and see whether vectors learned without them know them."""
        from graphembed.embedders.fastrp import FastRP
        from graphembed.evaluation import link_prediction
        from graphembed.graph.splits import split_edges

        with self.stage("predict links", "predicting hidden edges"):
            split = split_edges(graph, test_size=TEST_SIZE, random_state=0)
            scores = link_prediction(FastRP(**PARAMETERS), split)
        self.say(
            "2. Do the vectors know edges they have not seen?",
            f"   {int(split.test_labels.sum()):,} edges were hidden, the others embedded with "
            "FastRP. Scores of hidden",
            "   edges against as many random pairs (1 is perfect, 0.5 is guessing):",
            f"   AUC {scores.auc:.3f}, average precision {scores.average_precision:.3f}",
            "",
        )
        return {"auc": scores.auc, "average_precision": scores.average_precision}

    def embed(self, graph: "Graph") -> "Vectors":
        """Embed the whole graph."""
        from graphembed.embedders.fastrp import FastRP

        with self.stage("embed", "embedding all edges"):
            embedder = FastRP(**PARAMETERS).fit(graph)
        vectors = embedder.vectors_
        self.say(
            f"3. All edges embedded: {embedder}.fit(graph)",
            f"   {vectors.matrix.shape[1]} numbers per package, averaged from random vectors of "
            "the packages around",
            "   it. The same bits every time, on any number of cores.",
            "",
        )
        return vectors

    def look_around(self, vectors: "Vectors") -> list[dict[str, Any]]:
        """Show the nearest neighbours of a few packages."""
        from graphembed.datasets.bundled import package_descriptions

        with self.stage("neighbours", "finding neighbours"):
            found = vectors.neighbors(list(PACKAGES), k=K)
            described = package_descriptions()
        nearest: list[dict[str, Any]] = [
            {"node": package, "neighbors": ranked(found, place)}
            for place, package in enumerate(PACKAGES)
        ]
        self.say("4. Who is near whom?", "")
        columns = [
            Column("package"),
            Column("cosine", number=True),
            Column("what it is", clip=True),
        ]
        for query in () if self.silent else nearest:
            rows = [(n["node"], n["score"], described[n["node"]]) for n in query["neighbors"]]
            with self.done.paused():
                print_table(columns, rows, title=f"{query['node']}: {described[query['node']]}")
                typer.echo("")
        return nearest

    def say(self, headline: str, *lines: str) -> None:
        """Print a headline and what belongs to it."""
        if self.silent:
            return
        with self.done.paused():
            typer.echo(style(headline, bold=True))
            for line in lines:
                typer.echo(line)

    @contextmanager
    def stage(self, name: str, doing: str) -> Iterator[None]:
        """Time one stage and move the bar."""
        self.done.describe(doing)
        with self.watch.stage(name):
            yield
        self.done()
