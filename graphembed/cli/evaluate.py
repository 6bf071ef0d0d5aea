"""graphembed evaluate: which method is best for a graph, and what it costs."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphembed.cli import files, options
from graphembed.cli.labels import read_labels
from graphembed.cli.methods import DEFAULT_METHOD, make_methods
from graphembed.cli.output import Column, Stopwatch, describe_graph, print_json, print_table

if TYPE_CHECKING:
    from graphembed.evaluation.comparison import Comparison

PICTURES = (".png", ".svg", ".pdf")
WORDS = ("method", "kind", "error")
WIDE_ONLY = ("kind", "score (s)")


def evaluate(
    edges: Annotated[Path, typer.Argument(metavar="EDGES", help="File of edges.")],
    method: Annotated[
        list[str] | None,
        typer.Option("--method", "-m", help="Embedder or heuristic; repeatable [default: fastrp]."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="What to predict: links or labels [default: labels, if there are any]."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File of nodes and their labels.", show_default=False),
    ] = None,
    node_column: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Its column of nodes [default: the first].")
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Its column of labels [default: the next].")
    ] = None,
    baselines: Annotated[
        bool,
        typer.Option("--baselines/--no-baselines", help="Show simple methods beside."),
    ] = True,
    operator: Annotated[
        str,
        typer.Option(
            help="How links are predicted: hadamard, average, l1, l2, concat, score, context."
        ),
    ] = "hadamard",
    test_size: Annotated[
        float, typer.Option(help="Share of the edges or labels to be predicted.")
    ] = 0.2,
    n_splits: Annotated[int, typer.Option(help="Random splits.", min=1)] = 3,
    keep_connected: Annotated[
        bool,
        typer.Option(
            "--keep-connected/--no-keep-connected", help="Hold out no edge that joins two parts."
        ),
    ] = True,
    negatives: Annotated[
        str, typer.Option(help="uniform, degree or hard: pairs to tell edges from.")
    ] = "uniform",
    plot: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Draw quality against seconds: .png, .svg or .pdf."),
    ] = None,
    n_components: options.NComponents = None,
    directed: options.Directed = False,
    source: options.Source = None,
    target: options.Target = None,
    weight: options.Weight = None,
    relation: options.Relation = None,
    random_state: Annotated[int, typer.Option(help="The same number gives the same splits.")] = 0,
    n_jobs: options.NJobs = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            metavar="KEY=VALUE",
            help="A parameter of all methods that have it, or METHOD.KEY=VALUE; repeatable.",
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Compare methods on a graph: quality, seconds and memory, best first.

    Links: edges are held out, and each method must tell them from as many pairs that are no
    edges, without having seen them. Labels: a classifier learns the labels of some nodes from the
    vectors and predicts the others. Simple methods are shown beside, to see whether an embedding
    is worth it. Scores are means over random splits, with their standard deviation; memory is
    what fitting took at its peak.

    The file of labels has a node and a label on each line, and is read as files of edges are.

    **Examples**

    - graphembed evaluate edges.csv -m fastrp -m deepwalk --plot quality.png

    - graphembed evaluate edges.csv -m fastrp -m deepwalk --labels labels.csv

    - graphembed evaluate edges.csv -m fastrp -m line -d 64 -p line.n_epochs=5 --json
    """
    task = task or ("links" if labels is None else "labels")
    check_task(task, labels)
    given = {"n_components": n_components, "n_jobs": n_jobs}
    params = param or []
    methods = make_methods(method or [DEFAULT_METHOD], given, params)
    if plot is not None:
        check_plot(plot)
    if not any("random_state=" in text.replace("-", "_") for text in params):
        for one in methods.values():
            # Left open, so that the spread over the splits shows the luck of training, too.
            one.set_params(**{k: None for k in one.get_params() if k == "random_state"})
    from sklearn.exceptions import FitFailedWarning

    from graphembed.callbacks import progress
    from graphembed.evaluation.compare import QUICK_BASELINES, compare

    watch = Stopwatch()
    with progress(1, f"reading {edges.name}", "file", heartbeat=True), watch.stage("read"):
        graph = files.read_graph(
            edges, directed=directed, source=source, target=target, weight=weight,
            relation=relation,
        )  # fmt: skip
        known = None
        if labels is not None and task == "labels":
            known = read_labels(labels, graph, node_column=node_column, label_column=label_column)
    with warnings.catch_warnings(), watch.stage("evaluate"):
        warnings.simplefilter("ignore", FitFailedWarning)  # the table says it
        found = compare(
            graph, methods, task=task, labels=known, operator=operator, test_size=test_size,
            baselines=QUICK_BASELINES if baselines else None, n_splits=n_splits,
            keep_connected=keep_connected, negatives=negatives, random_state=random_state,
            n_jobs=-1 if n_jobs is None else n_jobs,
        )  # fmt: skip
    if all(found[name].error for name in methods):
        name = next(iter(methods))
        raise ValueError(f"{name} failed. {found[name].error}")
    if plot is not None:
        found.plot(plot)
    if as_json:
        print_json({
            "edges_file": str(edges), "directed": graph.directed, **found.to_dict(),
            "parameters": {name: one.get_params() for name, one in methods.items()},
            "operator": operator if task == "links" else None, "random_state": random_state,
            "total_seconds": watch.seconds, "plot": plot,
        })  # fmt: skip
        return
    typer.echo(f"{edges}: {describe_graph(graph)}")
    print_comparison(found)
    if plot is not None:
        typer.echo(f"{plot}: quality against seconds")


def check_task(task: str, labels: Path | None) -> None:
    """Check that the task is known, and labels are given if they are needed.

    Raises
    ------
    ValueError
        If not.
    FileNotFoundError
        If there is no file of labels.
    """
    if task not in ("links", "labels"):
        raise ValueError(f"Unknown task {task!r}. Known: links, labels.")
    if task == "labels" and labels is None:
        raise ValueError("Which labels? Give a file of nodes and their labels: --labels FILE")
    if task == "links" and labels is not None:
        raise ValueError("--labels are for --task labels; leave one of them out.")
    if labels is not None and not labels.exists():
        raise FileNotFoundError(f"There is no file {labels} of labels.")


def check_plot(plot: str) -> None:
    """Check that a picture can be drawn, before any work is done.

    Raises
    ------
    ValueError
        If it is of another kind, or matplotlib is missing.
    OSError
        If it cannot be written.
    """
    from importlib.util import find_spec

    files.check_file(plot, PICTURES, "--plot")
    if find_spec("matplotlib") is None:
        raise ValueError(
            "--plot needs matplotlib, which is not installed. It comes with the extra [viz]: "
            "pip install 'graphembed-engine[viz]'"
        )


def print_comparison(found: "Comparison") -> None:
    """Print the table of a comparison."""
    rows: list[dict[str, Any]] = list(found._table())
    columns = [
        Column(
            name, number=name not in WORDS, clip=name == "error", wide=name in WIDE_ONLY
        )
        for name in rows[0]
    ]  # fmt: skip
    print_table(columns, [list(row.values()) for row in rows])
