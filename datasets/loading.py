"""Load a data set by name, and list what there is."""

from collections.abc import Callable
from typing import Any

from graphembed.datasets import collection, readers, relational
from graphembed.datasets.catalog import Entry, entries
from graphembed.datasets.dataset import Dataset
from graphembed.datasets.fetch import availability, read_files
from graphembed.exceptions import DatasetError

FORMATS: dict[str, Callable[..., dict[str, Any]]] = {
    "csr_arrays": readers.csr_arrays,
    "edge_list": readers.edge_list,
    "edge_lists": collection.edge_lists,
    "genres": readers.genres,
    "geom_gcn": readers.geom_gcn,
    "hgcn_airport": readers.hgcn_airport,
    "hgcn_disease": readers.hgcn_disease,
    "hypernyms": readers.hypernyms,
    "interactions": relational.interactions,
    "matlab": readers.matlab,
    "matlab_files": collection.matlab_files,
    "memberships": readers.memberships,
    "multiplex": relational.multiplex,
    "node_table": readers.node_table,
    "numbered_triples": relational.numbered_triples,
    "planetoid": readers.planetoid,
    "small_graphs": collection.small_graphs,
    "triples": relational.triples,
}


def names() -> list[str]:
    """Return the names of all data sets, in alphabetical order.

    Examples
    --------
    >>> from graphembed import datasets
    >>> "karate" in datasets.names()
    True
    """
    return sorted(entries())


def load(name: str) -> Dataset:
    """Load a data set.

    Bundled sets need nothing. The files of the others come from the folder that the environment
    variable ``GRAPHEMBED_DATA`` names, else from the cache, else from their public source, which
    is kept in the cache. A file counts only with the sha256 of the catalog.

    Parameters
    ----------
    name : str
        One of :func:`names`; or ``"SET/GRAPH"`` for one graph of a set of several, as in
        ``"newman_small/football"``.

    Returns
    -------
    Dataset
        Of a set of several graphs, ``graphs`` has them all and ``graph`` is their disjoint union.

    Raises
    ------
    DatasetError
        If there is no such set, or a file is not the one that the catalog describes.
    DatasetNotAvailableError
        If a file is nowhere to be had.
    TypeError
        If ``name`` is not a str.

    Examples
    --------
    >>> from graphembed import datasets
    >>> datasets.load("les_miserables").graph
    Graph(n_nodes=77, n_edges=254, undirected, weighted)
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, one of graphembed.datasets.names(); got {name!r}.")
    name, _, part = name.partition("/")
    entry = entries().get(name)
    if entry is None:
        raise DatasetError(_unknown(name, names()))
    if entry.format == "bundled":
        from graphembed.datasets.bundled import BUNDLED

        if part:
            raise DatasetError(f"There is no graph {part!r} in {name}: it is one graph.")
        return BUNDLED[name]()
    fields = FORMATS[entry.format](read_files(entry), **entry.options)
    members = fields.pop("members", {})
    if part:
        if part not in members:
            known = f"has {', '.join(members)}" if members else "is one graph"
            raise DatasetError(f"There is no graph {part!r} in {name}: it {known}.")
        return _dataset(entry, f"{name}/{part}", members[part])
    if members:
        graphs = {key: member["graph"] for key, member in members.items()}
        fields = {"graph": collection.disjoint_union(graphs), "graphs": graphs}
    return _dataset(entry, name, fields)


def describe() -> list[dict[str, Any]]:
    """Return one row about each data set, for a table.

    Returns
    -------
    list of dict
        ``name``, ``task``, ``nodes``, ``edges``, ``relations``, ``labels``, ``features`` (counts;
        0 for none), ``license`` and ``available``: ``"bundled"``; ``"local"``, in the folder of
        ``GRAPHEMBED_DATA``; ``"cached"``; ``"download"``; or ``"local only"``, neither here nor
        downloadable.

    Examples
    --------
    >>> from graphembed import datasets
    >>> next(row for row in datasets.describe() if row["name"] == "karate")["available"]
    'bundled'
    """
    counted = ("nodes", "edges", "relations", "labels", "features")
    return [
        {
            "name": entry.name,
            "task": entry.task,
            **{key: entry.counts.get(key, 0) for key in counted},
            "license": entry.license,
            "available": availability(entry),
        }
        for entry in (entries()[name] for name in names())
    ]


def _dataset(entry: Entry, name: str, fields: dict[str, Any]) -> Dataset:
    return Dataset(
        name=name,
        citation=entry.citation,
        license=entry.license,
        task=entry.task,
        note=entry.note,
        url=entry.page,
        **fields,
    )


def _unknown(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}? " if near else ""
    return f"There is no data set {name!r}. {hint}graphembed.datasets.names() lists them all."
