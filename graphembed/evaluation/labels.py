"""Labels of nodes, as measures of node classification take them."""

from typing import Any

import numpy as np

from graphembed.graph.graph import Graph
from graphembed.graph.labels import labels_in_rows, number_labels


def node_labels(graph: Graph, labels: Any) -> Any:
    """Return labels as :func:`graphembed.evaluation.classify_nodes` takes them.

    Parameters
    ----------
    graph : Graph
    labels : array-like of shape (n_nodes,) or (n_nodes, n_classes), or mapping of id to label
        One int or str for each node in the order of ``graph.nodes``, where negative numbers, None
        and NaN stand for unlabelled; an indicator matrix, dense or sparse; or the label of some
        nodes by id, where a list, tuple or set holds several labels. A pandas Series that has an
        index other than 0, 1, ... is taken by id.

    Returns
    -------
    ndarray of shape (n_nodes,), int64, or matrix of shape (n_nodes, n_classes)
        Classes are numbered in ascending order, -1 is unlabelled; an indicator matrix if one was
        given, or a node has several labels.

    Raises
    ------
    ValueError
        If labels are missing or not one for each node.
    UnknownNodeError
        If an id is not in the graph.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.evaluation.labels import node_labels
    >>> graph = Graph.from_edges(["ann", "bob"], ["bob", "cid"])
    >>> node_labels(graph, {"bob": "red", "ann": "blue"})
    array([ 0,  1, -1])
    >>> node_labels(graph, ["red", None, "blue"])
    array([ 1, -1,  0])
    """
    if labels is None:
        raise ValueError("task='labels' needs labels=: one for each node, or a dict by node id.")
    values, classes = labels_in_rows(graph, labels)
    if values.ndim == 1:
        return number_labels(values)[1]
    return values if classes is None else np.nan_to_num(values).astype(bool)
