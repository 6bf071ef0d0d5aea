"""graphembed import: files of edges go in, a graph store comes out."""

from pathlib import Path
from typing import Annotated

import typer

from graphembed.cli import files, options
from graphembed.cli.output import Stopwatch, count, describe_graph, print_json, show_size


def import_store(
    edges: Annotated[
        list[str],
        typer.Argument(metavar="EDGES...", help="Files of edges, or patterns in quotes."),
    ],
    store: Annotated[Path, typer.Argument(metavar="STORE", help="Folder to make.")],
    directed: options.Directed = False,
    source: options.Source = None,
    target: options.Target = None,
    weight: options.Weight = None,
    relation: options.Relation = None,
    n_partitions: Annotated[
        str, typer.Option(help="Partitions of the nodes: a number, or auto.")
    ] = "auto",
    memory_limit: Annotated[str, typer.Option(help="Memory to use, such as 500MB or 2GB.")] = "2GB",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a store that is there.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Make a graph store of files of edges, which need not fit in memory.

    A store opens in no time and is used in place of a file of edges. EDGES may be of any format
    that **graphembed fit** reads, also mixed; so may their columns be named as there.

    **Examples**

    - graphembed import edges/*.parquet store/

    - graphembed import follows.tsv.gz store/ --directed --memory-limit 500MB
    """
    from graphembed.store import build_store

    watch = Stopwatch()
    with watch.stage("import"):
        graph = build_store(
            edges, store, directed=directed, source=files.column(source),
            target=files.column(target), weight=files.column(weight),
            relation=files.column(relation), memory_limit=memory_limit, overwrite=overwrite,
            n_partitions=int(n_partitions) if n_partitions.isdecimal() else n_partitions,
        )  # fmt: skip
    size = files.size_on_disk(str(store))
    if as_json:
        print_json({
            "edges_files": edges, "store": str(store), "n_nodes": graph.n_nodes,
            "n_edges": graph.n_edges, "directed": graph.directed, "weighted": graph.weighted,
            "n_relations": len(graph.relations or ()), "n_partitions": graph.n_partitions,
            "seconds": watch.seconds, "bytes": size,
        })  # fmt: skip
        return
    rate = graph.n_edges / max(watch.seconds["import"], 1e-9)
    typer.echo(f"{store}: {describe_graph(graph)}")
    typer.echo(
        f"{watch} ({count(round(rate), 'edge')}/s), {count(graph.n_partitions, 'partition')}, "
        f"{show_size(size)}"
    )
