"""Graph: the immutable handle that every algorithm reads."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from graphembed.exceptions import GraphError
from graphembed.graph.ids import NodeIndex
from graphembed.graph.partitions import Buckets, EdgeBlock, RowBlock, all_edges, row_block

if TYPE_CHECKING:
    import igraph
    import networkx as nx
    import torch_geometric.data

Features = npt.NDArray[np.float32] | sp.csr_array


class Graph:
    """An immutable graph: node ids, sorted CSR, weights, relations, features.

    Make one with ``Graph.from_edges``, ``from_scipy``, ``from_networkx``, ``from_frame``,
    ``from_torch_geometric``, ``from_igraph`` or :func:`graphembed.read_edges`; the constructor is
    for those builders and trusts what it is given.

    Parameters
    ----------
    indptr : ndarray of shape (n_nodes + 1,), int64
        Row pointers.
    indices : ndarray of shape (n_entries,), int32
        Target rows, ascending within each row (then by relation). An undirected edge is stored in
        both directions, a self-loop once.
    weights : ndarray of shape (n_entries,), float32, optional
        Edge weights; ``None`` for an unweighted graph, where each entry counts 1.
    nodes : NodeIndex
        External ids, in row order.
    directed : bool
        Whether ``u -> v`` and ``v -> u`` are different edges.
    edge_types : ndarray of shape (n_entries,), int32, optional
        Relation of each entry, a position in ``relations``.
    relations : tuple of str, optional
        Names of the relations.
    features : ndarray or csr_array of shape (n_nodes, n_features), float32, optional
        Node features.

    Notes
    -----
    What builders do with odd input is the same everywhere:

    - **Repeated edges** are one edge. With weights, their weights are summed.
    - **Self-loops** are kept.
    - **Weight 0** means no edge; both nodes stay. NaN and infinite weights are an error.
      Negative weights can be stored; an embedder that needs non-negative ones says so.
    - **Isolated nodes** are kept when they are named (``nodes=``, a square matrix, networkx).
    - **Row order**: ascending ids for edge lists, so that the same edges in another order are the
      same graph; the given order for matrices, networkx, torch_geometric and ``nodes=``.

    A graph has no length, no shape and is no array, so that scikit-learn passes it on whole; a
    deep copy is the graph itself. A graph over memory-mapped files is pickled as their path.

    Examples
    --------
    >>> from graphembed import Graph
    >>> Graph.from_edges(["a", "b"], ["b", "c"])
    Graph(n_nodes=3, n_edges=2, undirected, unweighted)
    """

    def __init__(
        self,
        indptr: npt.NDArray[np.int64],
        indices: npt.NDArray[np.int32],
        weights: npt.NDArray[np.float32] | None = None,
        *,
        nodes: NodeIndex,
        directed: bool,
        edge_types: npt.NDArray[np.int32] | None = None,
        relations: tuple[str, ...] | None = None,
        features: Features | None = None,
    ) -> None:
        self.indptr = _frozen(indptr)
        self.indices = _frozen(indices)
        self.weights = _frozen(weights)
        self.node_index = nodes
        self.directed = bool(directed)
        self.edge_types = _frozen(edge_types)
        self.relations = relations
        self.features = _frozen(features)
        # Set by what opens files: the call that opens them again, and the buckets of a store.
        self._origin: tuple[Any, ...] | None = None
        self._buckets: Buckets | None = None

    @classmethod
    def from_edges(
        cls,
        sources: Any,
        targets: Any,
        weights: Any = None,
        *,
        relations: Any = None,
        nodes: Any = None,
        directed: bool = False,
        features: Any = None,
    ) -> "Graph":
        """Make a graph from two columns of node ids.

        Parameters
        ----------
        sources, targets : array-like of int or str, of shape (n_edges,)
            Lists, NumPy or Arrow arrays, pandas or polars columns. Whole floats are ints.
        weights : array-like of shape (n_edges,), optional
            Finite real numbers.
        relations : array-like of str or int, of shape (n_edges,), optional
            Name of each edge's relation; ``relations`` of the graph is ascending.
        nodes : array-like or NodeIndex, optional
            All node ids in row order, isolated ones included. By default the ids that occur,
            ascending.
        directed : bool, default=False
        features : array-like or sparse matrix of shape (n_nodes, n_features), optional
            Node features, in row order.

        Raises
        ------
        GraphError
            If an id is missing or neither int nor str, the columns differ in length, a weight
            is not finite, or there are neither edges nor ``nodes``.
        UnknownNodeError
            If an edge has an end that is not among ``nodes``.

        Examples
        --------
        >>> from graphembed import Graph
        >>> Graph.from_edges(["a", "b"], ["b", "c"], [0.5, 2.0], directed=True)
        Graph(n_nodes=3, n_edges=2, directed, weighted)
        """
        from graphembed.graph.builders import from_edges

        return from_edges(
            sources,
            targets,
            weights,
            relations=relations,
            nodes=nodes,
            directed=directed,
            features=features,
        )

    @classmethod
    def from_scipy(
        cls, matrix: Any, *, nodes: Any = None, directed: bool | None = None, features: Any = None
    ) -> "Graph":
        """Make a graph from a square adjacency matrix, whose row u lists the targets of node u.

        Parameters
        ----------
        matrix : sparse matrix or array of any format, or array-like, of shape (n_nodes, n_nodes)
            Real numbers; 0 is no edge, and if all others are 1 the graph is unweighted. It is
            neither written to nor kept.
        nodes : array-like or NodeIndex, optional
            Node ids in row order; 0, 1, ... by default.
        directed : bool, optional
            By default a graph is undirected if the matrix is exactly symmetric.
        features : array-like or sparse matrix of shape (n_nodes, n_features), optional

        Raises
        ------
        GraphError
            If the matrix is not square, not of real finite numbers, has no rows, or is not
            symmetric and ``directed=False``.

        Examples
        --------
        >>> from graphembed import Graph
        >>> Graph.from_scipy([[0, 1], [1, 0]])
        Graph(n_nodes=2, n_edges=1, undirected, unweighted)
        """
        from graphembed.graph.builders import from_scipy

        return from_scipy(matrix, nodes=nodes, directed=directed, features=features)

    @classmethod
    def from_networkx(
        cls, graph: Any, *, weight: str | None = "weight", relation: str | None = None
    ) -> "Graph":
        """Make a graph from a networkx graph of any class; its node order is kept.

        Parameters
        ----------
        graph : networkx.Graph, DiGraph, MultiGraph or MultiDiGraph
            Nodes are ints or str.
        weight : str or None, default="weight"
            Edge attribute that holds the weight; edges without it weigh 1. If no edge has a
            ``"weight"`` the graph is unweighted. ``None`` ignores weights.
        relation : str, optional
            Edge attribute that holds the relation; every edge must have it.

        Raises
        ------
        GraphError
            If nodes are neither int nor str, there are none, or an attribute is missing.

        Examples
        --------
        >>> import networkx as nx
        >>> from graphembed import Graph
        >>> Graph.from_networkx(nx.path_graph(3))
        Graph(n_nodes=3, n_edges=2, undirected, unweighted)
        """
        from graphembed.graph.interop import from_networkx

        return from_networkx(graph, weight=weight, relation=relation)

    @classmethod
    def from_torch_geometric(cls, data: Any, *, directed: bool | None = None) -> "Graph":
        """Make a graph from a torch_geometric ``Data`` object.

        Parameters
        ----------
        data : torch_geometric.data.Data
            ``edge_index`` gives the edges; ``edge_weight``, else an ``edge_attr`` of one column,
            the weights; ``edge_type`` the relations, named "0", "1", ...; ``x`` the features;
            ``node_id`` the ids (0, 1, ... without it), or their places in ``node_names``; see
            :meth:`to_torch_geometric`.
        directed : bool, optional
            By default a graph is undirected if every edge has an equal one the other way.

        Raises
        ------
        GraphError
            If there is no ``edge_index`` of shape (2, n_edges), or it names nodes beyond
            ``num_nodes``, or the edges' types or weights do not match it.
        """
        from graphembed.graph.interop import from_torch_geometric

        return from_torch_geometric(data, directed=directed)

    @classmethod
    def from_igraph(
        cls, graph: Any, *, weight: str | None = "weight", relation: str | None = None
    ) -> "Graph":
        """Make a graph from an igraph graph; ids are the vertex attribute "name" if there is one.

        Parameters
        ----------
        graph : igraph.Graph
        weight : str or None, default="weight"
            Edge attribute that holds the weight, if the graph has it; ``None`` ignores weights.
        relation : str, optional
            Edge attribute that holds the relation.

        Raises
        ------
        GraphError
            If names are not distinct, there are no vertices, or an attribute is missing.
        """
        from graphembed.graph.interop import from_igraph

        return from_igraph(graph, weight=weight, relation=relation)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        source: str | int | None = None,
        target: str | int | None = None,
        weight: str | int | None = None,
        relation: str | int | None = None,
        nodes: Any = None,
        directed: bool = False,
    ) -> "Graph":
        """Make a graph from a table with one edge in each row.

        Parameters
        ----------
        frame : pandas, polars or Arrow table, or any other that narwhals or Arrow can read
        source, target : str or int, optional
            Name or position of the columns of ids; by default the columns named "source" and
            "target", else the first two. A number that is a name is taken as the name.
        weight, relation : str or int, optional
            Name or position of the columns of weights and relations; none by default.
        nodes, directed
            As in :meth:`from_edges`.

        Raises
        ------
        GraphError
            If a column is not there, or holds what :meth:`from_edges` refuses.

        Examples
        --------
        >>> import pyarrow as pa
        >>> from graphembed import Graph
        >>> frame = pa.table({"from": ["a", "b"], "to": ["b", "c"], "km": [3.0, 4.0]})
        >>> Graph.from_frame(frame, weight="km")
        Graph(n_nodes=3, n_edges=2, undirected, weighted)
        """
        from graphembed.graph.frames import from_frame

        return from_frame(
            frame,
            source=source,
            target=target,
            weight=weight,
            relation=relation,
            nodes=nodes,
            directed=directed,
        )

    def to_scipy(self) -> sp.csr_array:
        """Return a writable copy of :attr:`adjacency`: float32, shape (n_nodes, n_nodes)."""
        return self.adjacency.copy()

    def to_networkx(self) -> "nx.Graph[Any]":
        """Return a networkx graph: weights as "weight", relations as "relation".

        A graph with relations becomes a multigraph. Features are left out.

        Examples
        --------
        >>> from graphembed import Graph
        >>> list(Graph.from_edges(["a"], ["b"]).to_networkx().edges)
        [('a', 'b')]
        """
        from graphembed.graph.interop import to_networkx

        return to_networkx(self)

    def to_torch_geometric(self) -> "torch_geometric.data.Data":
        """Return a torch_geometric ``Data``, with undirected edges in both directions.

        It has ``edge_index``, ``num_nodes`` and, where the graph has them, ``edge_weight``,
        ``edge_type`` and ``x`` (dense). Unless ids are 0, 1, ..., the tensor ``node_id`` holds
        them; of strings, their places in ``node_names``, the :class:`~graphembed.NodeIndex` of all
        nodes. So loaders and subgraphs of torch_geometric know whom they chose, and
        :meth:`from_torch_geometric` finds the ids again.

        Examples
        --------
        >>> from graphembed import Graph
        >>> data = Graph.from_edges(["ann", "bob"], ["bob", "cat"]).to_torch_geometric()
        >>> data.node_names.take(data.node_id).tolist()
        ['ann', 'bob', 'cat']
        """
        from graphembed.graph.interop import to_torch_geometric

        return to_torch_geometric(self)

    def to_igraph(self) -> "igraph.Graph":
        """Return an igraph graph: ids as "name" (unless 0, 1, ...), "weight", "relation"."""
        from graphembed.graph.interop import to_igraph

        return to_igraph(self)

    def to_frame(self, backend: str = "pandas") -> Any:
        """Return a table of the edges, in the order of :meth:`edges`.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, default="pandas"

        Returns
        -------
        pandas.DataFrame, polars.DataFrame or pyarrow.Table
            Columns source, target (ids) and, where the graph has them, weight, relation.

        Raises
        ------
        ValueError
            If the backend is unknown.

        Examples
        --------
        >>> from graphembed import Graph
        >>> Graph.from_edges(["a"], ["b"]).to_frame("pyarrow").to_pylist()
        [{'source': 'a', 'target': 'b'}]
        """
        from graphembed.graph.frames import to_frame

        return to_frame(self, backend)

    @property
    def n_nodes(self) -> int:
        """Number of nodes, isolated ones included."""
        return len(self.indptr) - 1

    @cached_property
    def n_edges(self) -> int:
        """Number of edges; an undirected edge counts once."""
        if self.directed:
            return len(self.indices)
        return (len(self.indices) + self._n_loops) // 2

    @property
    def weighted(self) -> bool:
        """Whether edges carry weights."""
        return self.weights is not None

    @cached_property
    def nodes(self) -> npt.NDArray[Any]:
        """External ids in row order: int64, or object holding str."""
        ids: npt.NDArray[Any] = _frozen(self.node_index.to_numpy())
        return ids

    @cached_property
    def adjacency(self) -> sp.csr_array:
        """Adjacency matrix: row u, column v holds the weight of ``u -> v``.

        Float32. Edges of several relations between the same nodes are added up.
        """
        weights = self.weights
        if weights is None:
            weights = np.ones(len(self.indices), dtype=np.float32)
        shape = (self.n_nodes, self.n_nodes)
        matrix = sp.csr_array((weights, self.indices, self.indptr), shape=shape)
        if self.edge_types is None:
            matrix.has_canonical_format = True
        else:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        for array in (matrix.data, matrix.indices, matrix.indptr):
            array.flags.writeable = False
        return matrix

    @property
    def degrees(self) -> npt.NDArray[np.int64]:
        """Number of stored entries of each row: out-degree of a directed graph."""
        degrees: npt.NDArray[np.int64] = np.diff(self.indptr)
        return degrees

    @cached_property
    def _n_loops(self) -> int:
        return int(np.count_nonzero(self.indices == self._sources()))

    def _sources(self) -> npt.NDArray[np.int32]:
        return np.repeat(np.arange(self.n_nodes, dtype=np.int32), self.degrees)

    def edges(self) -> npt.NDArray[np.int32]:
        """Return the edges as rows ``(source, target)``, each undirected edge once.

        Returns
        -------
        ndarray of shape (n_edges, 2), int32
            Row numbers, ordered by source, then target; ``source <= target`` if undirected.
        """
        pairs = np.column_stack([self._sources(), self.indices])
        return pairs if self.directed else pairs[pairs[:, 0] <= pairs[:, 1]]

    def edge_weights(self) -> npt.NDArray[np.float32]:
        """Return the weight of each edge, in the order of :meth:`edges`."""
        weights: npt.NDArray[np.float32] | None = self.weights
        if weights is None:
            return np.ones(self.n_edges, dtype=np.float32)
        return weights if self.directed else weights[self._sources() <= self.indices]

    def triples(self) -> npt.NDArray[np.int32]:
        """Return the edges as ``(head, relation, tail)`` row numbers, in the order of `edges`.

        Raises
        ------
        GraphError
            If the graph has no relations.
        """
        if self.edge_types is None:
            raise GraphError(
                "This graph has no relations. Build it with relation=, or use edges()."
            )
        types = self.edge_types
        if not self.directed:
            types = types[self._sources() <= self.indices]
        pairs = self.edges()
        return np.column_stack([pairs[:, 0], types, pairs[:, 1]])

    @property
    def n_partitions(self) -> int:
        """Number of partitions of the nodes: 1 unless the graph was opened from a store."""
        return 1 if self._buckets is None else self._buckets.n_partitions

    def bucket(self, i: int, j: int) -> EdgeBlock:
        """Return the edges from partition ``i`` to partition ``j``, each undirected edge once.

        Parameters
        ----------
        i, j : int
            Partitions of the sources and of the targets. Nodes are dealt to partitions by
            :class:`graphembed.store.dealing.Dealing`; a graph in memory is one partition.

        Returns
        -------
        EdgeBlock
            Ends as numbers within their partitions, weights and relations, in the order of
            :meth:`edges`. Of an opened store, arrays over the memory-mapped file.

        Raises
        ------
        IndexError
            If there is no such partition.

        Examples
        --------
        >>> from graphembed import Graph
        >>> Graph.from_edges(["a", "b"], ["b", "c"]).bucket(0, 0).targets
        array([1, 2], dtype=uint32)
        """
        self._check_partition(i)
        self._check_partition(j)
        return all_edges(self) if self._buckets is None else self._buckets.bucket(i, j)

    def csr(self, p: int) -> RowBlock:
        """Return the adjacency of the ``p``-th of :attr:`n_partitions` equal ranges of rows.

        These are rows that follow each other, not the nodes of the ``p``-th partition.

        Returns
        -------
        RowBlock
            Only its row pointers are copied.

        Raises
        ------
        IndexError
            If there is no such range.

        Examples
        --------
        >>> from graphembed import Graph
        >>> Graph.from_edges(["a", "b"], ["b", "c"]).csr(0).indptr
        array([0, 1, 3, 4])
        """
        self._check_partition(p)
        stride = -(-self.n_nodes // self.n_partitions)
        start = min(p * stride, self.n_nodes)
        return row_block(self, start, min(start + stride, self.n_nodes))

    def release(self, beyond: int = 0) -> None:
        """Give back the memory that files take, if the graph was opened from a store.

        What is needed again comes back from the cache of the system; arrays stay valid.

        Parameters
        ----------
        beyond : int, default=0
            Do it only if mapped files grew by more than so many bytes since the last time.
        """
        if self._buckets is not None:
            self._buckets.release(beyond)

    def _check_partition(self, number: int) -> None:
        if not 0 <= number < self.n_partitions:
            raise IndexError(f"There are {self.n_partitions} partitions; got number {number}.")

    def without_relations(self) -> "Graph":
        """Return the graph with parallel edges of different relations merged into one.

        Its weights are sums; in an unweighted graph each relation counts 1.
        """
        if self.edge_types is None:
            return self
        matrix = self.adjacency
        # Weights of 1 stay weights: those of opposite edges add up.
        plain = self.weights is None and np.all(matrix.data == 1)
        weights = None if plain else matrix.data
        return self._replace(
            indptr=matrix.indptr.astype(np.int64),
            indices=matrix.indices.astype(np.int32),
            weights=weights,
            edge_types=None,
            relations=None,
        )

    def with_features(self, features: Any) -> "Graph":
        """Return the same graph with these node features.

        Parameters
        ----------
        features : array-like or sparse matrix of shape (n_nodes, n_features)
            Finite numbers; stored as float32.

        Raises
        ------
        GraphError
            If the number of rows is not the number of nodes, or a value is not finite.
        """
        from graphembed.graph.builders import check_features

        return self._replace(features=check_features(features, self.n_nodes))

    def reverse(self) -> "Graph":
        """Return the graph with every edge turned round; an undirected graph is its own."""
        if not self.directed:
            return self
        from graphembed.graph.builders import from_rows

        turned = from_rows(
            self.indices,
            self._sources(),
            weights=self.weights,
            edge_types=self.edge_types,
            nodes=self.node_index,
            directed=True,
            relations=self.relations,
        )
        return turned._replace(features=self.features)

    def to_undirected(self) -> "Graph":
        """Return the graph without directions: weights of opposite edges are summed."""
        from graphembed.graph.builders import from_rows

        if not self.directed:
            return self
        return from_rows(
            self._sources(),
            self.indices,
            weights=self.weights,
            edge_types=self.edge_types,
            nodes=self.node_index,
            directed=False,
            relations=self.relations,
        )._replace(features=self.features)

    def _replace(self, **changes: Any) -> "Graph":
        return Graph(**(self.__getstate__() | changes))

    def __getstate__(self) -> dict[str, Any]:
        return {
            "indptr": self.indptr,
            "indices": self.indices,
            "weights": self.weights,
            "nodes": self.node_index,
            "directed": self.directed,
            "edge_types": self.edge_types,
            "relations": self.relations,
            "features": self.features,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Through the constructor, so that arrays are read-only again.
        self.__init__(**state)  # type: ignore[misc]

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return super().__reduce_ex__(protocol) if self._origin is None else self._origin

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __repr__(self) -> str:
        parts = [
            f"n_nodes={self.n_nodes}",
            f"n_edges={self.n_edges}",
            "directed" if self.directed else "undirected",
            "weighted" if self.weighted else "unweighted",
        ]
        if self.relations is not None:
            parts.append(f"n_relations={len(self.relations)}")
        if self.features is not None:
            parts.append(f"n_features={self.features.shape[1]}")
        return f"Graph({', '.join(parts)})"


def _frozen(array: Any) -> Any:
    if isinstance(array, np.ndarray):
        array = array.view()
        array.flags.writeable = False
    elif array is not None:
        parts = (_frozen(array.data), _frozen(array.indices), _frozen(array.indptr))
        array = sp.csr_array(parts, shape=array.shape)
    return array
