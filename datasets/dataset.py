"""Dataset: a graph with what is known about it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
import scipy.sparse as sp

from graphembed.graph.graph import Graph

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """A graph with its labels, splits, source and licence. What a set does not have is ``None``.

    Parameters
    ----------
    name : str
        Name in the catalog.
    graph : Graph
        The graph; rows of all arrays below are its rows. Of a set of several graphs, their
        disjoint union (see ``graphs``). Of a knowledge graph, the training triples, all entities
        included; of ``gowalla`` and ``gatne_*``, the training edges. ``debian`` is the exception:
        its graph holds the triples of all three parts.
    labels : ndarray of shape (n_nodes,), int64, or csr_array of shape (n_nodes, n_labels), int8
        Position in ``label_names``, -1 for a node without a label. A matrix of 0 and 1 where a
        node may carry several labels.
    label_names : tuple of str
        Names of the labels.
    splits : dict of str to ndarray
        ``train``, ``val``, ``test``: boolean masks of shape (n_nodes,), or (n_nodes, n_splits)
        with one split a column; over graphs instead of nodes when there are ``graph_labels``.
        For held-out edges ``val_pairs`` and ``test_pairs`` of shape (n, 2) with external ids,
        ``val_labels`` and ``test_labels`` (int8, 1: an edge, 0: a sampled non-edge) and
        ``val_relations`` and ``test_relations`` (position in ``graph.relations``).
    train, valid, test : ndarray of shape (n_triples, 3), int32
        Triples (head, relation, tail) of a knowledge graph: positions in ``entities`` and
        ``relations``. Positions of entities are rows of ``graph``.
    entities : ndarray of shape (n_nodes,), object
        Names of the entities: ``graph.nodes``.
    relations : tuple of str
        Names of the relations.
    graphs : dict of str or int to Graph
        The graphs of a set of several, by name, or by number when there are ``graph_labels``.
    graph_labels : ndarray of shape (n_graphs,), int64
        Class of each graph.
    edge_table : pyarrow.Table
        Edges as the source lists them (``source``, ``target`` as external ids), with the columns
        that a graph cannot hold: ``time`` (unix seconds), ``snapshot``.
    node_table : pyarrow.Table
        Further columns of the nodes, one row for each row of ``graph``.
    citation, license, task, note : str
        Whom to cite; the terms; what it is used for; what to know before using it.
    url : str
        Page of the source.

    Examples
    --------
    >>> from graphembed import datasets
    >>> karate = datasets.load("karate")
    >>> karate.graph
    Graph(n_nodes=34, n_edges=78, undirected, unweighted)
    >>> karate.labels.shape
    (34,)
    """

    name: str
    graph: Graph
    labels: npt.NDArray[Any] | sp.csr_array | None = None
    label_names: tuple[str, ...] | None = None
    splits: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    train: npt.NDArray[Any] | None = None
    valid: npt.NDArray[Any] | None = None
    test: npt.NDArray[Any] | None = None
    entities: npt.NDArray[Any] | None = None
    relations: tuple[str, ...] | None = None
    graphs: dict[str | int, Graph] = field(default_factory=dict)
    graph_labels: npt.NDArray[Any] | None = None
    edge_table: "pa.Table | None" = None
    node_table: "pa.Table | None" = None
    citation: str = ""
    license: str = ""
    task: str = ""
    note: str = ""
    url: str | None = None

    def __repr__(self) -> str:
        parts = [repr(self.name), repr(self.graph)]
        if self.graphs:
            parts.append(f"n_graphs={len(self.graphs)}")
        if self.label_names is not None:
            parts.append(f"n_labels={len(self.label_names)}")
        if self.train is not None:
            parts.append(f"n_train={len(self.train)}")
        return f"Dataset({', '.join(parts)})"
