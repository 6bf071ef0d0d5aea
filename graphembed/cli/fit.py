"""graphembed fit: a file of edges or triples goes in, vectors or a model come out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphembed.cli import files, options
from graphembed.cli.methods import (
    DEFAULT_METHOD,
    find_method,
    is_knowledge_model,
    make_embedder,
)
from graphembed.cli.output import (
    Stopwatch,
    describe_graph,
    describe_run,
    print_json,
    show_size,
)
from graphembed.cli.parameters import show_parameters
from graphembed.cli.triples import (
    TripleColumns,
    describe_triples,
    read_triple_graph,
    read_triples,
)
from graphembed.store.memory import parse_memory

if TYPE_CHECKING:
    from graphembed.graph.graph import Graph

VECTORS, MODEL = "vectors.parquet", "model/"


def fit(
    edges: Annotated[
        Path | None,
        typer.Argument(
            metavar="EDGES", help="File of edges or triples, or a store.", show_default=False
        ),
    ] = None,
    method: Annotated[
        str, typer.Option("--method", "-m", help="Name of the embedder.")
    ] = DEFAULT_METHOD,
    n_components: options.NComponents = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help=f"File, or folder ending in /, to write [default: {VECTORS}; of triples {MODEL}].",
        ),
    ] = None,
    directed: options.Directed = False,
    source: options.Source = None,
    target: options.Target = None,
    weight: options.Weight = None,
    relation: options.Relation = None,
    validation: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Triples that tell when to stop training.", show_default=False
        ),
    ] = None,
    random_state: options.RandomState = None,
    n_jobs: options.NJobs = None,
    memory_limit: Annotated[
        str | None,
        typer.Option(help="Memory to use beside a store's files, such as 500MB or 2GB."),
    ] = None,
    workdir: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER", help="For what does not fit in it [default: a temporary folder]."
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the run that was stopped in --workdir, if any."),
    ] = False,
    param: options.Param = None,
    list_parameters: Annotated[
        bool, typer.Option("--list-parameters", help="Show the parameters of -m and stop.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Embed a graph: read edges, fit, write one vector per node.

    EDGES is a .csv, .tsv, .parquet, .feather, .mtx or whitespace-separated file, plain or
    compressed (.gz, .zst), with one edge a line: source, target and, if columns of these
    names are there or you name others, a weight and a relation. Ids are integers or text.
    Or it is the folder that graphembed import made, for graphs larger than memory.

    For models of knowledge graphs (transe, complex, rotate, ...) a line is a triple: head,
    relation, tail, in columns of these names, or in this order if there are three.

    The name after -o says what is written: .parquet (columns "node" and "vector"), .npy (ids
    beside it), .txt (word2vec), or a folder ending in / with the whole model, for ge.load,
    graphembed rank and graphembed ask.

    **Examples**

    - graphembed fit edges.csv -m spectral -d 128 -o vectors.parquet

    - graphembed fit follows.tsv --directed --weight 2 -o model/

    - graphembed fit edges.csv -m fastrp -p "weights=[0, 1, 1]" -p normalize=false

    - graphembed fit store/ -m line --memory-limit 2GB --workdir line/ --resume

    - graphembed fit train.tsv -m transe --head 0 --relation 1 --tail 2 --validation valid.tsv

    - graphembed fit --list-parameters -m spectral
    """  # fmt: skip
    embedder_class = find_method(method)
    if list_parameters:
        show_parameters(embedder_class, as_json=as_json)
        return
    if edges is None:
        raise ValueError("Which graph? Give a file of edges: graphembed fit edges.csv")
    if memory_limit is not None:
        parse_memory(memory_limit)  # here, not in fit: as all other values
    given = {
        "n_components": n_components, "random_state": random_state, "n_jobs": n_jobs,
        "memory_limit": memory_limit, "workdir": workdir, "resume": resume or None,
    }  # fmt: skip
    embedder = make_embedder(embedder_class, given, param or [])
    of_triples = is_knowledge_model(embedder_class)
    if output is None:
        output = MODEL if of_triples else VECTORS
    check_triples(embedder_class, of_triples=of_triples, validation=validation, weight=weight)
    files.check_output(output)
    files.check_not_input(output, edges, validation)
    check_workdir(embedder, edges, output)
    from graphembed.callbacks import progress

    watch = Stopwatch()
    columns = TripleColumns(source, relation, target)
    with progress(3, f"reading {edges.name}", "stage", heartbeat=True) as done:
        held_out: dict[str, Any] = {}
        with watch.stage("read"):
            if of_triples:
                graph = read_triple_graph(edges, columns)
                held_out = read_validation(validation, columns, graph)
            else:
                graph = files.read_graph(
                    edges, directed=directed, source=source, target=target, weight=weight,
                    relation=relation,
                )  # fmt: skip
        done()
        done.describe(f"fitting {embedder_class.__name__}")
        with watch.stage("fit"):
            fit_or_say_how_to_go_on(embedder, graph, **held_out)
        done()
        done.describe(f"writing {Path(output).name}")
        with watch.stage("write"):
            files.write_result(embedder, output)
        done()
    shape = embedder.embedding_.shape
    size = files.size_on_disk(output)
    if as_json:
        print_json({
            "edges_file": str(edges), "n_nodes": graph.n_nodes, "n_edges": graph.n_edges,
            "directed": graph.directed, "weighted": graph.weighted,
            **(learned(embedder) if of_triples else {}),
            "method": embedder_class.__name__, "parameters": embedder.get_params(),
            "shape": shape, "seconds": watch.seconds, "output": output, "bytes": size,
        })  # fmt: skip
        return
    read = describe_graph(graph)
    if of_triples:
        read = describe_triples(graph.n_nodes, graph.n_edges, len(embedder.relation_index_))
    describe_run(f"{edges}: {read}", embedder, watch)
    if held_out:
        (_, mrr), n = best_validation(embedder), embedder.n_iter_
        typer.echo(f"{validation}: MRR {mrr:.3f} after {embedder.best_epoch_} of {n} epochs")
    ids = f"; ids: {Path(output).stem}.ids.npy" if output.lower().endswith(".npy") else ""
    typer.echo(f"{output}: {shape[0]:,} x {shape[1]} vectors, {show_size(size)}{ids}")


def check_triples(
    method: type, *, of_triples: bool, validation: Path | None, weight: str | None
) -> None:
    """Check that options suit the kind of method, before any work is done.

    Raises
    ------
    ValueError
        If they do not.
    FileNotFoundError
        If there is no file of validation triples.
    """
    if of_triples and weight is not None:
        raise ValueError(f"{method.__name__} has no use for weights. Leave out --weight.")
    if validation is None:
        return
    if not of_triples:
        raise ValueError(
            f"--validation is for models of knowledge graphs, such as transe; {method.__name__} "
            "is none."
        )
    if not validation.exists():
        raise FileNotFoundError(f"There is no file {validation} of triples.")


def read_validation(path: Path | None, columns: TripleColumns, graph: "Graph") -> dict[str, Any]:
    """Return what ``fit`` is given beside the triples: those that are held out, if there are."""
    if path is None:
        return {}
    from graphembed.graph.ids import NodeIndex

    relations = NodeIndex.from_ids(list(graph.relations or ()))
    return {"validation": read_triples(path, columns, graph.node_index, relations)}


def best_validation(model: Any) -> tuple[int, float]:
    """Return after how many epochs the model was best, and its MRR on the held-out triples."""
    found: tuple[int, float] = max(model.validation_curve_, key=lambda pair: pair[1])
    return found


def learned(model: Any) -> dict[str, Any]:
    """Return what is told of a model of a knowledge graph beside the vectors."""
    facts = {
        "n_relations": len(model.relation_index_), "n_epochs": model.n_iter_,
        "best_epoch": model.best_epoch_,
    }  # fmt: skip
    if model.validation_curve_:
        facts["validation_mrr"] = best_validation(model)[1]
    return facts


def check_workdir(embedder: Any, edges: Path, output: str) -> None:
    """Find what is wrong with the folder for files, before any work is done.

    Raises
    ------
    ValueError
        If there is none to resume from, or it is the store or the output.
    NotADirectoryError
        If there is a file of that name.
    """
    workdir = getattr(embedder, "workdir", None)
    if workdir is None:
        if getattr(embedder, "resume", False):
            raise ValueError("--resume needs --workdir, the folder of the run to go on with.")
        return
    if Path(workdir).exists() and not Path(workdir).is_dir():
        raise NotADirectoryError(f"--workdir {workdir} is a file. Give it the name of a folder.")
    for name, taken in (("EDGES", edges), ("-o", Path(output))):
        if Path(workdir).resolve() == taken.resolve():
            raise ValueError(f"--workdir and {name} are both {workdir}. Choose another folder.")


def fit_or_say_how_to_go_on(embedder: Any, graph: Any, **held_out: Any) -> None:
    """Fit; after Ctrl-C in a run that can be resumed, say so."""
    try:
        embedder.fit(graph, **held_out)
    except KeyboardInterrupt as stopped:
        if str(stopped) and getattr(embedder, "workdir", None) is not None:
            typer.echo(f"graphembed: {stopped} The option is --resume.", err=True)
        raise
