"""graphembed rank: how well a model of a knowledge graph ranks the true answers."""

from pathlib import Path
from typing import Annotated

import typer

from graphembed.cli import options
from graphembed.cli.output import Column, Stopwatch, count, print_json, print_table
from graphembed.cli.triples import TripleColumns, describe_triples, load_model, read_triples


def rank(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Folder that graphembed fit wrote.")
    ],
    triples: Annotated[
        Path, typer.Argument(metavar="TRIPLES", help="File of triples that were held out.")
    ],
    filters: Annotated[
        list[Path] | None,
        typer.Option("--filter", metavar="FILE", help="Triples that are true, too; repeatable."),
    ] = None,
    head: options.Source = None,
    relation: options.Relation = None,
    tail: options.Target = None,
    unseen: Annotated[
        str, typer.Option(help="Entities that were never trained: keep or drop their triples.")
    ] = "keep",
    n_jobs: options.NJobs = None,
    as_json: options.AsJson = False,
) -> None:
    """Rank the true head and tail of each triple among all entities.

    Ranks are exact and filtered: other answers that are known to be true are left out, those of
    the triples that were fitted, of TRIPLES itself and of each file of --filter. A test set is
    filtered by the validation set as well. Of entities with the same score, the true one is in the
    middle. MRR is the mean of 1 / rank, MR the mean rank, AMRI the same from 0 (chance) to 1.

    Files are read as graphembed fit reads triples.

    **Examples**

    - graphembed rank model/ test.tsv --filter valid.tsv

    - graphembed rank model/ test.parquet --head s --relation p --tail o --json
    """  # fmt: skip
    from graphembed.callbacks import progress
    from graphembed.evaluation.ranking import evaluate_ranking

    watch = Stopwatch()
    columns = TripleColumns(head, relation, tail)
    with progress(2, f"reading {triples.name}", "stage", heartbeat=True) as done:
        with watch.stage("read"):
            fitted = load_model(model)
            asked, *known = (
                read_triples(path, columns, fitted.node_index_, fitted.relation_index_)
                for path in (triples, *(filters or []))
            )
        done()
        done.describe("ranking")
        with watch.stage("rank"):
            found = evaluate_ranking(
                fitted, asked, filters=known, unseen=unseen,
                n_jobs=-1 if n_jobs is None else n_jobs,
            )  # fmt: skip
        done()
    name = type(fitted).__name__
    if as_json:
        print_json({
            "model": str(model), "method": name, "triples_file": str(triples),
            "filters": [str(path) for path in filters or []], "unseen": unseen,
            **found.to_dict(), "seconds": watch.seconds,
        })  # fmt: skip
        return
    sizes = len(fitted.node_index_), len(fitted.triples_), len(fitted.relation_index_)
    typer.echo(f"{model}: {name} of {describe_triples(*sizes)}")
    typer.echo(f"{triples}: {count(asked.num_rows, 'triple')}{_unseen(found.n_unseen, unseen)}")
    rows = found._table()
    print_table(
        [Column(title, number=place > 0) for place, title in enumerate(rows[0])],
        [list(row.values()) for row in rows],
    )
    typer.echo(str(watch))


def _unseen(n: int, unseen: str) -> str:
    """Say how many triples have a part that was in no training triple, and what became of them."""
    if n == 0:
        return ""
    fate = "left out" if unseen == "drop" else "ranked by random vectors"
    return f", {n:,} with what no training triple has ({fate})"
