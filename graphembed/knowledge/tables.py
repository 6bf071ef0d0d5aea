"""A table of parameters with the state of its optimiser."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.knowledge.formula import Rows


class RowTable:
    """Rows of parameters, gathered by many and updated by one."""

    def __init__(self, values: Rows, state: Rows) -> None:
        self.values, self.state = values, state

    def __len__(self) -> int:
        return len(self.values)

    def gather(self, rows: npt.NDArray[np.int64]) -> Rows:
        """Return a copy of some rows."""
        return self.values.take(rows, axis=0)

    def update(
        self,
        optimizer: Any,
        rows: Sequence[npt.NDArray[np.int64]],
        grads: Sequence[Rows],
        learning_rate: float,
        constrain: Callable[[Rows], None] | None,
        n_jobs: int | None,
    ) -> None:
        """Take one step on the rows named, each by the sum of its gradients."""
        optimizer.update(
            self.values, self.state, np.concatenate(rows), np.concatenate(grads),
            learning_rate=learning_rate, constrain=constrain, n_jobs=n_jobs,
        )  # fmt: skip
