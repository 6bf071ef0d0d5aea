"""graphembed links: the likeliest edges that a graph lacks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphembed.cli import files, options
from graphembed.cli.ids import as_text, match_ids
from graphembed.cli.methods import DEFAULT_METHOD, find_any_method, make_embedder
from graphembed.cli.output import (
    Column,
    Stopwatch,
    count,
    describe_graph,
    describe_run,
    print_json,
    print_table,
)

if TYPE_CHECKING:
    from graphembed.link_predictor import LinkPredictor

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet")


def links(
    edges: Annotated[Path, typer.Argument(metavar="EDGES", help="File of edges.")],
    method: Annotated[
        str, typer.Option("--method", "-m", help="Name of the embedder or heuristic.")
    ] = DEFAULT_METHOD,
    top: Annotated[
        int, typer.Option("--top", "-k", help="Links to show; with --node, of each node.", min=1)
    ] = 20,
    node: Annotated[
        list[str] | None,
        typer.Option("--node", metavar="ID", help="Only links that leave this node; repeatable."),
    ] = None,
    operator: Annotated[
        str | None,
        typer.Option(
            help="hadamard, average, l1, l2, concat; or without a classifier score, the geometry "
            "of the vectors, or context, their products with context vectors [default: hadamard]."
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="Write a .csv, .tsv or .parquet file instead."),
    ] = None,
    n_components: options.NComponents = None,
    directed: options.Directed = False,
    source: options.Source = None,
    target: options.Target = None,
    weight: options.Weight = None,
    relation: options.Relation = None,
    random_state: options.RandomState = None,
    n_jobs: options.NJobs = None,
    param: options.Param = None,
    as_json: options.AsJson = False,
) -> None:
    """Show the likeliest missing links of a graph, best first; a larger score is likelier.

    A method learns the graph; a classifier learns what distinguishes linked pairs of nodes from
    others; then all pairs that are not linked are ranked. Heuristics (adamic_adar, jaccard,
    common_neighbors, resource_allocation, preferential_attachment, katz, personalized_page_rank)
    need no classifier: their score is what they count. How far a method can be trusted on
    your graph, **graphembed evaluate** tells.

    **Examples**

    - graphembed links edges.csv --top 20

    - graphembed links edges.csv -m adamic_adar --node alice --node bob -k 5

    - graphembed links follows.tsv --directed --operator concat -o links.csv
    """
    method_class = find_any_method(method)
    given = {"n_components": n_components, "random_state": random_state, "n_jobs": n_jobs}
    if hasattr(method_class, "score_rows"):  # a heuristic: nothing in it is random
        given.pop("random_state")
    embedder = make_embedder(method_class, given, param or [])
    if output is not None:
        files.check_file(output, TABLE_SUFFIXES)
        files.check_not_input(output, edges)
    from graphembed.callbacks import progress
    from graphembed.link_predictor import LinkPredictor, check_operator

    model = LinkPredictor(
        embedder, operator=operator or "hadamard", n_jobs=-1 if n_jobs is None else n_jobs,
        random_state=random_state or 0,
    )  # fmt: skip
    check_operator(model.operator, None)
    watch = Stopwatch()
    with progress(3, f"reading {edges.name}", "stage", heartbeat=True) as done:
        with watch.stage("read"):
            graph = files.read_graph(
                edges, directed=directed, source=source, target=target, weight=weight,
                relation=relation,
            )  # fmt: skip
        nodes = match_ids(node or [], graph.node_index)
        done()
        done.describe(f"fitting {method_class.__name__}")
        with watch.stage("fit"):
            model.fit(graph)
        done()
        done.describe("ranking pairs")
        with watch.stage("rank"):
            found = missing_links(model, nodes, top)
        done()
    if output is not None:
        write_links(found, output)
    if as_json:
        print_json({
            "edges_file": str(edges), "n_nodes": graph.n_nodes, "n_edges": graph.n_edges,
            "directed": graph.directed, "method": method_class.__name__,
            "parameters": embedder.get_params(), "operator": model.operator_,
            "seconds": watch.seconds, "output": output, "links": found,
        })  # fmt: skip
        return
    if output is not None:
        describe_run(f"{edges}: {describe_graph(graph)}", embedder, watch)
        typer.echo(f"{output}: {count(len(found), 'link')}")
        return
    columns = [
        Column("rank", number=True), Column("source"), Column("target"),
        Column("score", number=True),
    ]  # fmt: skip
    print_table(columns, as_text([list(row.values()) for row in found]))


def missing_links(model: "LinkPredictor", nodes: list[Any], top: int) -> list[dict[str, Any]]:
    """Return the best missing links of the graph, or of each of some nodes, in plain values."""
    if not nodes:
        pairs, scores = model.top_links(top)
        rows = zip(pairs.tolist(), scores.tolist(), strict=True)
        return [
            _link(rank, one, other, score) for rank, ((one, other), score) in enumerate(rows, 1)
        ]
    found = model.rank(nodes, k=top)
    return [
        _link(rank, node, other, score)
        for node, ids, scores in zip(nodes, found.ids.tolist(), found.scores.tolist(), strict=True)
        for rank, (other, score) in enumerate(zip(ids, scores, strict=True), 1)
        if score != float("-inf")  # how a node that lacks so many links is filled up
    ]


def _link(rank: int, source: Any, target: Any, score: float) -> dict[str, Any]:
    return {"rank": rank, "source": source, "target": target, "score": score}


def write_links(found: list[dict[str, Any]], output: str) -> None:
    """Write links as a table of sources, targets and scores, whole or not at all."""
    import pyarrow as pa
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    from graphembed.atomic import replaced_file

    names = ("source", "target", "score")
    table = pa.table({name: [row[name] for row in found] for name in names})
    suffix = Path(output).suffix.lower()
    with replaced_file(output) as temporary:
        if suffix == ".parquet":
            pq.write_table(table, temporary)
        else:
            delimiter = "," if suffix == ".csv" else "\t"
            pacsv.write_csv(table, temporary, pacsv.WriteOptions(delimiter=delimiter))
