"""The data sets that ship with the package: each a Parquet table with one row per node.

A table has the columns ``node`` (its id), ``label``, ``features`` (a list of str) and one column
per relation, or just ``edges``: the row numbers that the edges of this row go to. An undirected
edge stands in its lower row. ``weights`` goes with ``edges``. Licences are beside the tables.
"""

import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sp

from graphembed.datasets.dataset import Dataset
from graphembed.graph.builders import from_rows
from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex

DATA = Path(__file__).parent / "data"
NODE_COLUMNS = ("node", "label", "description", "features")
SPLIT_KEY = np.uint64(0xDEB1A4)
VALID_SHARE, TEST_SHARE = 0.05, 0.05


def karate() -> Dataset:
    """Zachary's karate club: 34 members, 78 friendships; label = the faction after the split."""
    table = _read("karate")
    labels, names = _codes(table["label"].combine_chunks())
    return Dataset(
        name="karate",
        graph=_graph(table, directed=False),
        labels=labels,
        label_names=names,
        task="node classification",
        citation=(
            "Zachary (1977), An Information Flow Model for Conflict and Fission in Small Groups, "
            "Journal of Anthropological Research 33."
        ),
        license="none stated; published facts, as NetworkX (BSD-3-Clause) has them",
        note="Unweighted. Node ids 0..33 as in NetworkX; Zachary numbers the members from 1.",
    )


def les_miserables() -> Dataset:
    """Characters of Hugo's novel: 77 nodes, 254 edges; weight = chapters they share."""
    return Dataset(
        name="les_miserables",
        graph=_graph(_read("les_miserables"), directed=False),
        task="link prediction",
        citation="Knuth (1993), The Stanford GraphBase, ACM Press; file jean.dat.",
        license="freely copied (Stanford GraphBase); as NetworkX (BSD-3-Clause) has it",
        note="Weighted: the number of chapters in which two characters appear together.",
    )


def wordnet_mammals() -> Dataset:
    """Mammals of WordNet 3.0: 1,180 senses, 6,540 edges from a sense to each of its hypernyms."""
    return Dataset(
        name="wordnet_mammals",
        graph=_graph(_read("wordnet_mammals"), directed=True),
        task="hierarchy embedding",
        citation="Fellbaum (1998), WordNet: An Electronic Lexical Database, MIT Press.",
        license=(DATA / "wordnet_mammals.LICENSE.txt").read_text("utf-8"),
        note="Transitive closure of the hypernym relation below mammal.n.01: hyponym -> hypernym.",
    )


def debian() -> Dataset:
    """Debian's packages: 63,436 nodes, 8 relations, label = section, features = debtags.

    A directed graph with relations, and the same edges as a knowledge graph, split 90 / 5 / 5 by
    a hash of the names in each triple. A triple with an entity that no training triple has is a
    training triple too, so that every entity that is ranked was seen.

    ``graph`` holds all three parts; ``node_table`` has the one-line descriptions and the names of
    the debtags.
    """
    table = _read("debian")
    labels, names = _codes(table["label"].combine_chunks())
    relations = tuple(name for name in table.column_names if name not in NODE_COLUMNS)
    graph = _graph(table, directed=True, relations=relations)
    train, valid, test = _split_triples(graph)
    release = table.schema.metadata[b"release"].decode()
    return Dataset(
        name="debian",
        graph=graph,
        labels=labels,
        label_names=names,
        train=train,
        valid=valid,
        test=test,
        entities=graph.nodes,
        relations=relations,
        node_table=table.select(["description", "features"]),
        task="node classification, link prediction, knowledge graph",
        citation="The Debian Project, package index of the Debian archive.",
        license=(
            "factual metadata that the Debian project publishes (names, relations, sections, "
            "debtags); no licence of its own is stated; one-line descriptions are their "
            "maintainers'"
        ),
        note=(
            f"{release}. Edges to a virtual package go to each package that provides it; versions "
            "are dropped. Made by graphembed.datasets.debian."
        ),
    )


def package_descriptions() -> dict[str, str]:
    """Return the one-line description of each package of ``debian``.

    Examples
    --------
    >>> from graphembed.datasets.bundled import package_descriptions
    >>> package_descriptions()["python3-numpy"]
    'Fast array facility to the Python 3 language'
    """
    table = _read("debian", columns=["node", "description"])
    return dict(zip(table["node"].to_pylist(), table["description"].to_pylist(), strict=True))


BUNDLED: dict[str, Callable[[], Dataset]] = {
    "debian": debian,
    "karate": karate,
    "les_miserables": les_miserables,
    "wordnet_mammals": wordnet_mammals,
}


def _read(name: str, columns: list[str] | None = None) -> pa.Table:
    # ParquetFile, because read_table would import all of pyarrow.dataset.
    with pq.ParquetFile(DATA / f"{name}.parquet") as file:
        return file.read(columns)


def _graph(table: pa.Table, *, directed: bool, relations: tuple[str, ...] = ()) -> Graph:
    edges = [_edges(table[name]) for name in relations or ("edges",)]
    sources, targets = (np.concatenate(part) for part in zip(*edges, strict=True))
    types = np.repeat(np.arange(len(edges), dtype=np.int32), [len(rows) for rows, _ in edges])
    named = table.column_names
    weights = table["weights"].combine_chunks().flatten() if "weights" in named else None
    return from_rows(
        sources,
        targets,
        weights=None if weights is None else weights.to_numpy(),
        edge_types=types if relations else None,
        relations=relations or None,
        nodes=_nodes(table["node"].combine_chunks()),
        directed=directed,
        features=_multi_hot(table["features"]) if "features" in named else None,
    )


def _nodes(ids: pa.Array) -> NodeIndex:
    # The strings of a table are known to differ: checking 63,000 again would load numba.
    is_text = pa.types.is_string(ids.type)
    return NodeIndex(ids.cast(pa.large_string())) if is_text else NodeIndex.from_ids(ids)


def _edges(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    lists = column.combine_chunks()
    targets = lists.flatten().to_numpy()
    counts = np.diff(lists.offsets.to_numpy())
    return np.repeat(np.arange(len(lists), dtype=np.int32), counts), targets


def _multi_hot(column: pa.ChunkedArray) -> sp.csr_array:
    """Turn lists of words into 0/1 columns, one per word in alphabetical order."""
    lists = column.combine_chunks()
    codes, words = _codes(lists.flatten())
    values = np.ones(len(codes), dtype=np.float32)
    matrix = sp.csr_array((values, codes, lists.offsets.to_numpy()), shape=(len(lists), len(words)))
    matrix.sort_indices()
    return matrix


def _codes(column: Any) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Return a column of strings as numbers, and the strings they stand for, in order."""
    encoded = column.dictionary_encode()
    names = np.array(encoded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(names)
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[order] = np.arange(len(names))
    return ranks[encoded.indices.to_numpy()], tuple(names[order])


def _split_triples(graph: Graph) -> tuple[npt.NDArray[np.int32], ...]:
    """Split the triples by a hash of their names, which no order of rows can change."""
    triples = graph.triples()
    heads, relations, tails = triples.T
    keys, relation_keys = _name_keys(graph.nodes), _name_keys(graph.relations or ())
    words = _mix(_mix(_mix(SPLIT_KEY ^ keys[heads]) ^ relation_keys[relations]) ^ keys[tails])
    share = words.astype(np.float64) / 2.0**64
    part = np.where(share < TEST_SHARE, 2, np.where(share < TEST_SHARE + VALID_SHARE, 1, 0))
    known = np.zeros(graph.n_nodes, dtype=bool)
    known[triples[part == 0][:, [0, 2]]] = True
    part[~(known[heads] & known[tails])] = 0
    return tuple(triples[part == number] for number in range(3))


def _name_keys(names: Iterable[str]) -> npt.NDArray[np.uint64]:
    return np.array([zlib.crc32(name.encode()) for name in names], dtype=np.uint64)


def _mix(words: Any) -> npt.NDArray[np.uint64]:
    """Hash 64 bits to 64 bits (the finaliser of SplitMix64, Steele et al. 2014)."""
    words = words + np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(words ^ (words >> np.uint64(31)))
