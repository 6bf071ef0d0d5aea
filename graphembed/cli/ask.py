"""graphembed ask: the likeliest answers to a question with a gap."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphembed.cli import options
from graphembed.cli.ids import as_text, match_ids
from graphembed.cli.output import Column, print_json, print_table
from graphembed.cli.triples import load_model

if TYPE_CHECKING:
    from graphembed.knowledge.base import KnowledgeEmbedder

GAP = "?"


def ask(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Folder that graphembed fit wrote.")
    ],
    head: Annotated[str, typer.Argument(metavar="HEAD", help="An entity, or '?'.")],
    relation: Annotated[str, typer.Argument(metavar="RELATION", help="A relation.")],
    tail: Annotated[str, typer.Argument(metavar="TAIL", help="An entity, or '?'.")] = GAP,
    k: Annotated[int, typer.Option("-k", help="Answers to show.", min=1)] = 10,
    include_known: Annotated[
        bool, typer.Option("--include-known", help="Show answers that were fitted, too.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Show the likeliest answers to HEAD RELATION ? or ? RELATION TAIL, best first.

    Answers that were among the triples are left out, as they need no guessing. A larger score is
    likelier; scores of different questions do not compare.

    Quote the question mark: to a shell it stands for any file with a name of one letter.

    **Examples**

    - graphembed ask model/ norway capital '?'

    - graphembed ask model/ '?' capital oslo -k 3 --include-known
    """
    side, entity = gap(head, relation, tail)
    fitted = load_model(model)
    (entity,) = match_ids([entity], fitted.node_index_, "entity")
    (kind,) = match_ids([relation], fitted.relation_index_, "relation")
    found = answers(fitted, side, entity, kind, k, include_known=include_known)
    if as_json:
        print_json({
            "model": str(model), "method": type(fitted).__name__, "relation": kind,
            "head": entity if side == "tail" else None, "tail": entity if side == "head" else None,
            "asked": side, "k": k, "answers": found,
        })  # fmt: skip
        return
    columns = [Column("rank", number=True), Column(side), Column("score", number=True)]
    if include_known:
        columns.append(Column("known"))
    print_table(columns, as_text([list(row.values())[: len(columns)] for row in found]))


def gap(head: str, relation: str, tail: str) -> tuple[str, str]:
    """Return which end is asked for, and the other one.

    Raises
    ------
    ValueError
        If not exactly one end is.

    Examples
    --------
    >>> from graphembed.cli.ask import gap
    >>> gap("norway", "capital", "?")
    ('tail', 'norway')
    """
    if relation == GAP:
        raise ValueError("A relation cannot be asked for: scores of two relations do not compare.")
    if (head == GAP) == (tail == GAP):
        given = "neither is" if tail == GAP else f"{head!r} and {tail!r} are"
        raise ValueError(
            f"Give a head or a tail, and '?' for the other; {given} given. In quotes, for else a "
            "shell puts the names of files there."
        )
    return ("tail", head) if tail == GAP else ("head", tail)


def answers(
    model: "KnowledgeEmbedder",
    side: str,
    entity: Any,
    relation: Any,
    k: int,
    *,
    include_known: bool,
) -> list[dict[str, Any]]:
    """Return the best answers as rank, id, score, and whether each was fitted, in plain values."""
    if side == "tail":
        found = model.predict_tails(entity, relation, k, exclude_known=not include_known)
    else:
        found = model.predict_heads(relation, entity, k, exclude_known=not include_known)
    known = known_answers(model, side, entity, relation)
    pairs = zip(found.ids[0].tolist(), found.scores[0].tolist(), strict=True)
    return [
        {"rank": rank, side: one, "score": score, "known": one in known}
        for rank, (one, score) in enumerate(pairs, 1)
        if score != float("-inf")  # how a question with fewer answers is filled up
    ]


def known_answers(model: "KnowledgeEmbedder", side: str, entity: Any, relation: Any) -> set[Any]:
    """Return the ids that answer a question by the triples that were fitted."""
    (row,), (kind,) = model.node_index_.rows(entity), model.relation_index_.rows(relation)
    given, asked = (0, 2) if side == "tail" else (2, 0)
    triples = model.triples_
    rows = triples[(triples[:, given] == row) & (triples[:, 1] == kind), asked]
    return set(model.node_index_.take(rows).tolist())
