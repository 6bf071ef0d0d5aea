"""Tables of parameters with the state of their optimiser."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from graphembed.engine import run_blocks
from graphembed.knowledge.formula import Rows

Ids = npt.NDArray[np.int64]
Constraint = Callable[[Rows], None]


class ParameterTable(Protocol):
    """What training asks of a table: rows are gathered by many and updated by one."""

    @property
    def values(self) -> Rows:
        """The parameters."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def gather(self, rows: Ids) -> Rows:
        """Return a copy of some rows."""

    def update(
        self,
        optimizer: Any,
        rows: Sequence[Ids],
        grads: Sequence[Rows],
        learning_rate: float,
        constrain: Constraint | None,
        n_jobs: int | None,
    ) -> None:
        """Take one step on the rows named, each by the sum of its gradients."""


class RowTable:
    """Rows of parameters in one array.

    Parameters
    ----------
    values : ndarray of shape (n_rows, width), float32
    state : ndarray of shape (n_rows, state_width), float32
        Of the optimiser.
    """

    def __init__(self, values: Rows, state: Rows) -> None:
        self.values, self.state = values, state

    def __len__(self) -> int:
        return len(self.values)

    def gather(self, rows: Ids) -> Rows:
        """Return a copy of some rows."""
        return self.values.take(rows, axis=0)

    def update(
        self,
        optimizer: Any,
        rows: Sequence[Ids],
        grads: Sequence[Rows],
        learning_rate: float,
        constrain: Constraint | None,
        n_jobs: int | None,
    ) -> None:
        """Take one step on the rows named, each by the sum of its gradients."""
        optimizer.update(
            self.values, self.state, np.concatenate(rows), np.concatenate(grads),
            learning_rate=learning_rate, constrain=constrain, n_jobs=n_jobs,
        )  # fmt: skip


class PiecedTable:
    """The rows of several tables, numbered through from the first to the last.

    Parameters
    ----------
    pieces : sequence of RowTable

    Attributes
    ----------
    starts : ndarray of shape (n_pieces + 1,), int64
        The number of the first row of each piece, and of all rows.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.knowledge.tables import PiecedTable, RowTable
    >>> values = np.float32([[0], [1], [2]])
    >>> table = PiecedTable([RowTable(part, part.copy()) for part in (values[:2], values[2:])])
    >>> table.starts, table.gather(np.array([2, 0, 2])).ravel()
    (array([0, 2, 3]), array([2., 0., 2.], dtype=float32))
    """

    def __init__(self, pieces: Sequence[RowTable]) -> None:
        self.pieces = list(pieces)
        self.starts = np.cumsum([0, *map(len, self.pieces)])

    @property
    def values(self) -> Rows:
        """A copy of the parameters of all pieces."""
        return np.concatenate([piece.values for piece in self.pieces])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def gather(self, rows: Ids) -> Rows:
        """Return a copy of some rows."""
        from graphembed.kernels.row_pieces import gather

        out = np.empty((len(rows), self.pieces[0].values.shape[1]), dtype=np.float32)
        for start, piece in zip(self.starts, self.pieces, strict=False):
            gather(piece.values, start, rows, out)
        return out

    def update(
        self,
        optimizer: Any,
        rows: Sequence[Ids],
        grads: Sequence[Rows],
        learning_rate: float,
        constrain: Constraint | None,
        n_jobs: int | None,
    ) -> None:
        """Take one step on the rows named, each by the sum of its gradients."""
        all_rows, all_grads = np.concatenate(rows), np.concatenate(grads)
        owners = np.searchsorted(self.starts, all_rows, side="right") - 1

        def step(number: int) -> None:
            own = np.flatnonzero(owners == number)
            local = all_rows[own] - self.starts[number]
            piece = self.pieces[number]
            piece.update(optimizer, [local], [all_grads[own]], learning_rate, constrain, 1)

        run_blocks(step, [(number,) for number in range(len(self.pieces))], n_jobs=n_jobs)
