"""Labels of nodes as supervised training reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from graphembed.graph.graph import Graph
from graphembed.graph.labels import labels_in_rows, number_labels

Array = npt.NDArray[Any]

FORMS = {"multiclass": "one label for each node", "multilabel": "any number of labels for each"}


@dataclass(frozen=True, eq=False)
class Targets:
    """Labels of nodes, those of some missing.

    Parameters
    ----------
    kind : {"multiclass", "multilabel"}
        Whether a node has one label, or any number of them.
    classes_ : ndarray of shape (n_classes,)
        Ascending ints or strings; of an indicator matrix, the numbers of its columns.
    mask : ndarray of shape (n_nodes,), bool
        Whether a node is labelled.
    codes : ndarray of shape (n_nodes,), int64, or None
        Multiclass: place of each label in ``classes_``, -1 for the unlabelled.
    matrix : ndarray of shape (n_nodes, n_classes), float32, or None
        Multilabel: 1 for each label of a node, 0 for the others and for the unlabelled.
    name : str, default="y"
        What errors call them.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.message_passing.targets import Targets
    >>> path = Graph.from_edges(["a", "b"], ["b", "c"])
    >>> targets = Targets.parse(path, ["red", None, "blue"])
    >>> targets.kind, targets.codes.tolist(), targets.mask.tolist()
    ('multiclass', [1, -1, 0], [True, False, True])
    >>> targets.decode([[0.2, 0.9]]).tolist()
    ['red']
    """

    kind: str
    classes_: Array
    mask: npt.NDArray[np.bool_]
    codes: npt.NDArray[np.int64] | None = None
    matrix: npt.NDArray[np.float32] | None = None
    name: str = "y"

    @classmethod
    def parse(cls, graph: Graph, y: Any, *, classes: Any = None) -> Self:
        """Read the labels of a graph's nodes.

        Parameters
        ----------
        graph : Graph
        y : array-like of shape (n_nodes,) or (n_nodes, n_labels), or mapping of id to labels
            One int or str for each node, in the order of ``graph.nodes``, where negative numbers,
            None, NaN and pandas.NA stand for unlabelled; or an indicator matrix of 0s and 1s,
            dense or sparse, where a row of NaN or of -1 is unlabelled; or the labels of some
            nodes by id. One column of labels is taken as one label for each node.
        classes : array-like, optional
            The ``classes_`` of an earlier call: codes and columns are theirs.

        Raises
        ------
        ValueError
            If y is missing or not one row for each node, holds no label, only one class (without
            ``classes``), a class that is not in ``classes``, numbers that are not whole, or an
            indicator other than 0 and 1.
        UnknownNodeError
            If an id is not in the graph.
        """
        if y is None:
            raise ValueError("Supervised training needs y: the label of each node, or -1.")
        values, names = labels_in_rows(graph, y, name="y")
        return cls._of_rows([values], names, classes, "y")

    @classmethod
    def parse_all(
        cls, graphs: Sequence[Graph], ys: Sequence[Any], *, classes: Any = None, name: str = "y"
    ) -> Self:
        """Read the labels of several graphs, one after another.

        Parameters
        ----------
        graphs : sequence of Graph
        ys : sequence of what :meth:`parse` takes, or None
            None stands for a graph without labels.
        classes : array-like, optional
            As in :meth:`parse`.
        name : str, default="y"
            What errors call the labels.

        Returns
        -------
        Targets
            In the row order of :func:`graphembed.graph.transforms.disjoint_union`.

        Raises
        ------
        ValueError
            If there is not one y for each graph, or some are matrices and some are not, or they
            differ in the number of columns; and as :meth:`parse`.
        """
        if len(graphs) != len(ys):
            raise ValueError(
                f"Training on {len(graphs)} graphs needs one {name} of each, or None for one "
                f"without labels; got {len(ys)}."
            )
        read = [
            None if y is None else labels_in_rows(graph, y, name=name)
            for graph, y in zip(graphs, ys, strict=True)
        ]
        parts = [part for part in read if part is not None]
        if not parts:
            raise ValueError(f"Supervised training needs {name}: no graph has labels.")
        names = None
        if any(own is not None for _, own in parts):
            parts, names = _same_columns(parts)
        shapes = {values.shape[1:] for values, _ in parts}
        if len(shapes) > 1:
            raise ValueError(
                f"{name} of all graphs must be of one form, one label for each node or an "
                "indicator with the same columns; got arrays of the shapes "
                f"{', '.join(str(values.shape) for values, _ in parts)}."
            )
        filled = iter(parts)
        rows = [
            _unlabelled(graph.n_nodes, shapes.copy().pop()) if part is None else next(filled)[0]
            for graph, part in zip(graphs, read, strict=True)
        ]
        return cls._of_rows(rows, names, classes, name)

    @property
    def values(self) -> Array:
        """The codes, or the matrix."""
        return np.asarray(self.codes if self.matrix is None else self.matrix)

    def check_kind(self, kind: str) -> None:
        """Compare with the kind of other labels.

        Raises
        ------
        ValueError
            If it is another one.
        """
        if self.kind != kind:
            raise ValueError(
                f"Labels must be of one form: y of fit has {FORMS[kind]}, and "
                f"{'these have' if self.name == 'y' else f'{self.name} has'} {FORMS[self.kind]}."
            )

    def decode(self, scores: Any) -> Array:
        """Return labels from scores; see :func:`decode`."""
        return decode(self.kind, self.classes_, scores)

    @classmethod
    def _of_rows(cls, rows: Sequence[Any], names: Any, classes: Any, name: str) -> Self:
        if rows[0].ndim == 1 or (names is None and rows[0].shape[1] == 1):
            values = _joined([_dense(part).ravel() for part in rows])
            return cls._multiclass(values, classes, name)
        matrix, mask = _indicator(rows, name)
        _check_any(mask, name)
        if names is None:
            names = np.arange(matrix.shape[1]) if classes is None else np.asarray(classes)
            if len(names) != matrix.shape[1]:
                raise ValueError(
                    f"{name} must have {len(names)} columns, one for each class seen in fit; got "
                    f"{matrix.shape[1]}."
                )
        elif classes is not None:
            names, places = _coded(names, np.arange(len(names)), np.asarray(classes), name)
            own, matrix = matrix, np.zeros((len(matrix), len(names)), dtype=np.float32)
            matrix[:, places] = own
        return cls("multilabel", names, mask, matrix=matrix, name=name)

    @classmethod
    def _multiclass(cls, values: Array, classes: Any, name: str) -> Self:
        found, codes = number_labels(values)
        if found.dtype.kind == "f":
            if (found != np.floor(found)).any():
                raise ValueError(
                    f"Classes must be ints or strings; {name} holds "
                    f"{found[found != np.floor(found)][0]}, which is not whole. Cut numbers into "
                    "classes first."
                )
            found = found.astype(np.int64)
        _check_any(codes >= 0, name)
        if classes is not None:
            found, codes = _coded(found, codes, np.asarray(classes), name)
        elif len(found) == 1:
            raise ValueError(
                f"{name} holds only one class, {found.tolist()[0]!r}; training needs at least two. "
                "Negative numbers, None and NaN stand for unlabelled: number classes from 0."
            )
        return cls("multiclass", found, codes >= 0, codes=codes, name=name)


def decode(kind: str, classes: Array, scores: Any) -> Array:
    """Return labels from scores.

    Parameters
    ----------
    kind : {"multiclass", "multilabel"}
    classes : ndarray of shape (n_classes,)
    scores : array-like of shape (n, n_classes)
        Logits: 0 is even odds.

    Returns
    -------
    ndarray of shape (n,), or (n, n_classes), int64
        Multiclass: the class with the highest score, of equal ones the first. Multilabel: 1 where
        the score is above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.message_passing.targets import decode
    >>> decode("multilabel", np.arange(2), [[-1.0, 2.0]])
    array([[0, 1]])
    """
    scores = np.asarray(scores)
    if kind == "multilabel":
        indicator: Array = (scores > 0).astype(np.int64)
        return indicator
    labels: Array = classes[scores.argmax(axis=1)]
    return labels


def _check_any(mask: npt.NDArray[np.bool_], name: str) -> None:
    if not mask.any():
        raise ValueError(
            f"{name} holds no label: all {len(mask)} nodes are unlabelled (negative, None or NaN)."
        )


def _coded(found: Array, codes: Array, classes: Array, name: str) -> tuple[Array, Array]:
    """Return known classes, and codes that count in them."""
    place = {label: number for number, label in enumerate(classes.tolist())}
    unknown = [label for label in found.tolist() if label not in place]
    if unknown:
        raise ValueError(
            f"{name} holds the class {unknown[0]!r}, which is not among the {len(classes)} classes "
            f"{'seen in fit' if name == 'y' else 'in y'}: "
            f"{', '.join(map(repr, classes.tolist()[:10]))}{', ...' * (len(classes) > 10)}."
        )
    numbers = np.array([*(place[label] for label in found.tolist()), -1], dtype=np.int64)
    return classes, numbers[codes]


def _dense(part: Any) -> Array:
    return np.asarray(part.toarray() if hasattr(part, "toarray") else part)


def _joined(parts: list[Array]) -> Array:
    """Return values one after another, those of different kinds (str and int, say) as objects."""
    kinds = {"n" if part.dtype.kind in "biuf" else part.dtype.kind for part in parts}
    if len(kinds) > 1:
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)


def _unlabelled(n_nodes: int, columns: tuple[int, ...]) -> Array:
    if columns and columns != (1,):
        return np.full((n_nodes, *columns), np.nan, dtype=np.float32)
    return np.full((n_nodes, *columns), -1)


def _indicator(
    rows: Sequence[Any], name: str
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return rows of 0s and 1s, and which of them are there."""
    try:
        matrix = np.concatenate([_dense(part).astype(np.float32) for part in rows])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be labels or a matrix of 0s and 1s: {error}.") from error
    missing = np.isnan(matrix) | (matrix == -1)
    # A sparse row holds what is there: one NaN in it says that the row is unknown.
    sparse = np.concatenate([np.full(part.shape[0], sp.issparse(part)) for part in rows])
    unlabelled = np.where(sparse, missing.any(axis=1), missing.all(axis=1))
    matrix[unlabelled] = 0
    wrong = np.argwhere((matrix != 0) & (matrix != 1))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise ValueError(
            f"{name} must hold 0s and 1s, and rows of NaN or -1 where nothing is known; row {row}, "
            f"column {column} is {matrix[row, column]:g}."
        )
    return matrix, ~unlabelled


def _same_columns(parts: list[Any]) -> tuple[list[Any], Array]:
    """Return indicators of labels by id with the columns of all of them."""
    if any(own is None for _, own in parts):
        raise ValueError(
            "The labels of all graphs must be of one form; some are several labels by id, and "
            "some are not. Put single labels in lists too."
        )
    flat = [label for _, own in parts for label in own.tolist()]
    joined = np.empty(len(flat), dtype=object)
    joined[:] = flat
    classes, codes = number_labels(joined)
    result, start = [], 0
    for values, own in parts:
        wide = np.zeros((len(values), len(classes)), dtype=np.float32)
        wide[np.isnan(values).any(axis=1)] = np.nan
        wide[:, codes[start : start + len(own)]] = values
        result.append((wide, None))
        start += len(own)
    return result, classes
