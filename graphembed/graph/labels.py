"""Labels of nodes, in the forms people have them in."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.graph.graph import Graph

MANY = (list, tuple, set, frozenset)


def labels_in_rows(graph: Graph, labels: Any, *, name: str = "labels") -> Any:
    """Return one label, or one row of an indicator, for each node in row order.

    Parameters
    ----------
    graph : Graph
    labels : array-like of shape (n_nodes,) or (n_nodes, n_classes), or mapping of id to label
        In the order of ``graph.nodes``; or by id, where a list, tuple or set holds several
        labels. A pandas Series that has an index other than 0, 1, ... is taken by id.
    name : str, default="labels"
        What errors call them.

    Returns
    -------
    values : ndarray of shape (n_nodes,), or matrix of shape (n_nodes, n_classes)
        None, or a row of NaN, for nodes that a mapping does not name.
    classes : ndarray of shape (n_classes,) or None
        Of the columns, if they come from a mapping.

    Raises
    ------
    ValueError
        If there is not one label or row for each node.
    UnknownNodeError
        If an id is not in the graph.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.graph.labels import labels_in_rows
    >>> graph = Graph.from_edges(["ann", "bob"], ["bob", "cid"])
    >>> labels_in_rows(graph, {"bob": "red", "ann": "blue"})
    (array(['blue', 'red', None], dtype=object), None)
    """
    if hasattr(labels, "index") and hasattr(labels, "to_dict") and hasattr(labels, "dtype"):
        is_range = type(labels.index).__name__ == "RangeIndex"
        labels = labels.to_numpy() if is_range else labels.to_dict()
    if isinstance(labels, Mapping):
        return _by_id(graph, labels, name)
    matrix = labels if hasattr(labels, "tocsr") else np.asarray(labels)
    if matrix.ndim not in (1, 2) or matrix.shape[0] != graph.n_nodes:
        raise ValueError(
            f"{name} must hold one label or row for each of the {graph.n_nodes} nodes, in the "
            f"order of graph.nodes; got shape {matrix.shape}. By node id, pass a dict."
        )
    return matrix, None


def number_labels(
    values: npt.NDArray[Any],
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Return the classes of labels, and the place of each label among them.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Negative numbers, None, NaN and pandas.NA are missing labels. If some of the others are
        str and some are not, all become str.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Ascending.
    codes : ndarray of shape (n,), int64
        Place of each label among them; -1 for missing ones.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.graph.labels import number_labels
    >>> number_labels(np.array(["red", None, "blue"], dtype=object))
    (array(['blue', 'red'], dtype='<U4'), array([ 1, -1,  0]))
    """
    if values.dtype.kind in "biuf":
        known, present = values >= 0, values[values >= 0]  # NaN is not
    else:
        listed = values.tolist()
        known = np.array([not _is_missing(value) for value in listed], dtype=bool)
        chosen = [value for value, there in zip(listed, known.tolist(), strict=True) if there]
        if len({isinstance(value, str) for value in chosen}) > 1:
            chosen = [str(value) for value in chosen]
        present = np.array(chosen)
    codes = np.full(len(values), -1, dtype=np.int64)
    classes, codes[known] = np.unique(present, return_inverse=True)
    return classes, codes


def _by_id(graph: Graph, labels: Mapping[Any, Any], name: str) -> tuple[Any, Any]:
    if not labels:
        raise ValueError(f"{name} is empty: no node has a label.")
    rows = graph.node_index.rows(list(labels))
    several = [set(value) if isinstance(value, MANY) else {value} for value in labels.values()]
    if all(len(own) <= 1 for own in several):
        values = np.full(graph.n_nodes, None, dtype=object)
        values[rows] = [next(iter(own), None) for own in several]
        return values, None
    places = np.repeat(rows, [len(own) for own in several])
    flat = np.empty(len(places), dtype=object)
    flat[:] = [label for own in several for label in own]
    classes, codes = number_labels(flat)
    known = codes >= 0
    indicator = np.full((graph.n_nodes, len(classes)), np.nan, dtype=np.float32)
    indicator[rows] = 0
    indicator[places[~known]] = np.nan
    indicator[places[known]] = 0
    indicator[places[known], codes[known]] = 1
    return indicator, classes


def _is_missing(value: Any) -> bool:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    if type(value).__name__ in ("NAType", "NaTType"):  # of pandas
        return True
    return isinstance(value, int | float) and value < 0
