"""Optimisers of tables of which a batch touches few rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.engine import run_blocks, split_by_weight
from graphembed.exceptions import DivergedError

Rows = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]

OPTIMIZERS = ("row_adagrad", "adagrad", "adam", "dense_adam")
BLOCK = 2048  # gradients and rows of one task; never by the number of threads


def make_optimizer(
    name: str, learning_rate: float = 0.1, *, weight_decay: float = 0.0, n_jobs: int | None = 1
) -> "Optimizer":
    """Return the optimiser of this name.

    Parameters
    ----------
    name : {"row_adagrad", "adagrad", "adam", "dense_adam"}
    learning_rate : float, default=0.1
    weight_decay : float, default=0.0
        This times a row is added to its gradient, in each step that touches the row.
    n_jobs : int or None, default=1
        Number of threads; the result is the same for all.

    Raises
    ------
    ValueError
        If the name is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.knowledge.optimizers import make_optimizer
    >>> optimizer = make_optimizer("row_adagrad", 0.5)
    >>> table = np.zeros((3, 2), dtype=np.float32)
    >>> state = optimizer.initial_state(*table.shape)
    >>> optimizer.update(table, state, np.array([2, 0, 2]), np.ones((3, 2), dtype=np.float32))
    array([2, 0])
    >>> table
    array([[-0.5, -0.5],
           [ 0. ,  0. ],
           [-0.5, -0.5]], dtype=float32)
    """
    if name not in OPTIMIZERS:
        raise ValueError(f"Unknown optimizer {name!r} (known: {', '.join(OPTIMIZERS)}).")
    return Optimizer(name, learning_rate, weight_decay=weight_decay, n_jobs=n_jobs)


class Optimizer:
    """Steps rows of a table along the negative gradient; rows without a gradient rest.

    What it has to remember of a row is a row of a second table, the state, so that both can be
    kept, cut and saved alike. See :func:`make_optimizer`.

    Notes
    -----
    Adagrad adapts the step size of each entry, "row_adagrad" that of each row as a whole, by the
    mean square of its gradient. Adam is lazy: the moments of a row that a batch does not touch do
    not decay, and the bias of its moments is corrected by the number of its own steps. "dense_adam"
    is Adam as it was written: every row steps in each batch, by the moments it has. A row that is
    seldom in a batch moves much further by it, and a batch costs a pass over the table.

    References
    ----------
    Duchi, Hazan & Singer (2011), Adaptive Subgradient Methods; Lerer et al. (2019),
    PyTorch-BigGraph (row-wise Adagrad); Kingma & Ba (2015), Adam.
    """

    def __init__(
        self,
        name: str,
        learning_rate: float = 0.1,
        *,
        weight_decay: float = 0.0,
        n_jobs: int | None = 1,
    ) -> None:
        self.name, self.learning_rate = name, learning_rate
        self.weight_decay, self.n_jobs = weight_decay, n_jobs

    def state_width(self, width: int) -> int:
        """Return the columns of the state of a table with ``width`` columns."""
        return {"row_adagrad": 1, "adagrad": width}.get(self.name, 2 * width + 1)

    def initial_state(self, n_rows: int, width: int) -> Rows:
        """Return the state of a table before the first step, (n_rows, state_width)."""
        return np.zeros((n_rows, self.state_width(width)), dtype=np.float32)

    def update(
        self,
        table: Rows,
        state: Rows,
        rows: Numbers,
        grads: Rows,
        *,
        learning_rate: float | None = None,
        constrain: Callable[[Rows], None] | None = None,
        n_jobs: int | None = None,
    ) -> Numbers:
        """Step the rows that are given, in place; gradients of the same row are summed first.

        Parameters
        ----------
        table : ndarray of shape (n_rows, width), float32
        state : ndarray of shape (n_rows, state_width), float32
        rows : ndarray of shape (n,), int64
            The row of the table that each gradient is of; rows may repeat.
        grads : ndarray of shape (n, width), float32
        learning_rate : float, optional
            Instead of the optimiser's own, for warm-up.
        constrain : callable, optional
            Called with copies of the rows that stepped, a few hundred at a time, to bring them
            back to where they may be, in place. Must treat each row by itself.
        n_jobs : int, optional
            Instead of the optimiser's own.

        Returns
        -------
        ndarray of shape (n_unique,), int64
            The rows that stepped, in the order of their first appearance.

        Raises
        ------
        DivergedError
            If a gradient is NaN or infinite: that row does not step, others may have.
        IndexError
            If a row is not in the table.
        """
        from graphembed.kernels import row_updates

        unique, starts, order = group_rows(rows, len(table))
        grads = np.ascontiguousarray(grads, dtype=np.float32)
        dense = self.name == "dense_adam"
        step: Any = getattr(row_updates, self.name)
        rate = np.float32(self.learning_rate if learning_rate is None else learning_rate)
        decay = np.float32(self.weight_decay)

        if dense:
            places = np.full(len(table), -1, dtype=np.int64)
            places[unique] = np.arange(len(unique))

        def work(first: int, last: int) -> int:
            if dense:
                bad = step(table, state, grads, starts, order, places, rate, decay, first, last)
            else:
                bad = step(table, state, grads, unique, starts, order, rate, decay, first, last)
            if constrain is not None:
                changed: Any = slice(first, last) if dense else unique[first:last]
                block = table[changed].copy()
                constrain(block)
                table[changed] = block
            return int(bad)

        if not len(unique) and not dense:
            return unique
        if dense:
            blocks = [(i, min(i + BLOCK, len(table))) for i in range(0, len(table), BLOCK)]
        else:
            blocks = split_by_weight(starts, -(-(len(order) + len(unique)) // BLOCK))
        found = run_blocks(work, blocks, n_jobs=self.n_jobs if n_jobs is None else n_jobs)
        if bad := [row for row in found if row >= 0]:
            raise DivergedError(
                f"Training diverged: the gradient of row {bad[0]} is not finite. "
                f"Lower the learning rate (it is {float(rate):.3g})."
            )
        return unique


def group_rows(rows: Numbers, n_rows: int) -> tuple[Numbers, Numbers, Numbers]:
    """Return the distinct rows, and where each of them stands.

    Parameters
    ----------
    rows : ndarray of shape (n,), int64
    n_rows : int
        Size of the table.

    Returns
    -------
    unique : ndarray of shape (n_unique,), int64
        In the order of their first appearance.
    starts : ndarray of shape (n_unique + 1,), int64
    order : ndarray of shape (n,), int64
        ``rows[order[starts[u]:starts[u + 1]]]`` are all ``unique[u]``.

    Raises
    ------
    IndexError
        If a row is not in ``0 .. n_rows - 1``.
    """
    from graphembed.kernels.row_updates import group_rows as group

    rows = np.ascontiguousarray(rows, dtype=np.int64)
    unique, order = np.empty_like(rows), np.empty_like(rows)
    starts = np.empty(len(rows) + 1, dtype=np.int64)
    n_unique = group(rows, n_rows, unique, starts, order)
    if n_unique < 0:
        raise IndexError(
            f"Rows must be in 0 .. {n_rows - 1}, those of the table; "
            f"got {rows.min()} to {rows.max()}."
        )
    return unique[:n_unique].copy(), starts[: n_unique + 1].copy(), order
