"""Ids as they are typed on the command line."""

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphembed.graph.ids import NodeIndex

# So many ids at most are compared with a misspelt one; ten thousand take about a tenth of a second.
MAX_COMPARED = 10_000


def match_ids(texts: list[str], index: "NodeIndex", noun: str = "node") -> list[Any]:
    """Turn what was typed into ids of the index.

    Parameters
    ----------
    texts : list of str
    index : NodeIndex
    noun : str, default="node"
        What an id stands for, in messages.

    Returns
    -------
    list of int or str

    Raises
    ------
    UnknownNodeError
        If one is unknown; the message names ids that are spelt alike.
    """
    from graphembed.exceptions import UnknownNodeError

    ids = [as_id(text, index.kind) for text in texts]
    for text, one in zip(texts, ids, strict=True):
        if one is None:
            raise UnknownNodeError(
                f"Unknown {noun} {text!r} among {len(index):,}, with integer ids, such as "
                f"{index.take([0])[0] if len(index) else '(none)'}."
            )
    for one, row in zip(ids, index.find(ids).tolist(), strict=True):
        if row < 0:
            near = similar(one, index) if isinstance(one, str) else []
            some = ", ".join(map(str, index.take(range(min(3, len(index))))))
            more = ", ..." if len(index) > 3 else ""
            hint = f"Did you mean {', '.join(near)}?" if near else f"Known are {some}{more}"
            raise UnknownNodeError(f"Unknown {noun} {one!r} among {len(index):,}. {hint}")
    return ids


def as_id(text: Any, kind: str) -> Any:
    """Return an id of the kind that an index has; None if it cannot be one.

    Examples
    --------
    >>> from graphembed.cli.ids import as_id
    >>> as_id("7", "int"), as_id("7", "str"), as_id("x", "range")
    (7, '7', None)
    """
    if kind == "str":
        return str(text)
    try:
        number = int(text)
    except ValueError:
        return None
    return number if -(2**63) <= number < 2**63 else None


def similar(one: str, index: "NodeIndex", n: int = 3) -> list[str]:
    """Return ids that are spelt like this one, comparing no more than `MAX_COMPARED` of them.

    Those that differ in case only come first, then those that contain it, then near spellings
    among the ids that share a beginning or an end with it.
    """
    import pyarrow.compute as pc

    ids = index.to_arrow()
    containing = ids.filter(pc.match_substring(ids, one, ignore_case=True))[:MAX_COMPARED]
    found = sorted(containing.to_pylist(), key=lambda other: (len(other), other))
    length = pc.utf8_length(ids)
    close = pc.less_equal(pc.abs(pc.subtract(length, len(one))), 2)
    ends = pc.or_(pc.starts_with(ids, one[:2]), pc.ends_with(ids, one[-2:]))
    compared = ids.filter(pc.and_(close, ends))[:MAX_COMPARED].to_pylist()
    found += difflib.get_close_matches(one, compared, n=n, cutoff=0.6)
    return list(dict.fromkeys(found))[:n]


def as_text(rows: list[list[Any]]) -> list[list[Any]]:
    """Return rows of a table with ids as text: they are names, not amounts; no separators in them.

    Examples
    --------
    >>> from graphembed.cli.ids import as_text
    >>> as_text([[1, 62731, 0.5]])
    [['1', '62731', 0.5]]
    """
    return [[cell if isinstance(cell, float | bool) else str(cell) for cell in row] for row in rows]
