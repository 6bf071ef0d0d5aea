"""TransE with a few negatives of each triple's own, as products of sparse matrices on a device.

Twin of :mod:`graphembed.kernels.triple_steps`, in batches: what SparseTransX does (Anik and Azad
2025), with gradients in closed form and updates of the rows of the batch alone. Entities and
relations of a batch lie in one table X; a matrix A with a row for each triple, true or drawn, has 1
at its head and its relation and -1 at its tail. Then A X are all residuals h + r - t, and with G
the gradients by them, A' G are those of all rows.

Negatives are those of the compiled kernel, draw by draw. On a CPU the same calls give the same
bits; on a GPU only if the caller has switched on ``torch.use_deterministic_algorithms(True)``.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphembed.kernels.row_updates import ADAM_EPSILON, BETA_1, BETA_2, EPSILON
from graphembed.kernels.torch.skipgram import _LOWER, _bounded, _mix, _signed
from graphembed.kernels.triple_steps import ADAGRAD, EUCLIDEAN, MANHATTAN, ROW_ADAGRAD, SGD

_TINY = 1e-9


def draw_negatives(
    key: int, numbers: Tensor, triples: Tensor, n_negatives: int, n_entities: int, chances: Tensor
) -> tuple[Tensor, Tensor]:
    """Draw negatives as :func:`graphembed.kernels.triple_negatives.corrupt` does.

    Parameters
    ----------
    key : int
        64 bits.
    numbers : Tensor of shape (n,), int64
        Numbers of the triples.
    triples : Tensor of shape (n, 3), int64
    n_negatives, n_entities : int
    chances : Tensor of shape (n_relations,), int64
        Chance of replacing the head, in units of 2**-32.

    Returns
    -------
    entities : Tensor of shape (n, n_negatives), int64
    heads : Tensor of shape (n, n_negatives), bool
        Whether they replace the head.
    """
    keys = _mix(_mix(_signed(key)).to(numbers.device) ^ numbers)
    draws = torch.arange(n_negatives, device=numbers.device)
    bits = _mix(keys[:, None] ^ _mix(draws))
    heads = (bits & _LOWER) < chances[triples[:, 1], None]
    entities = _bounded(bits, n_entities - 1)
    replaced = torch.where(heads, triples[:, :1], triples[:, 2:])
    return entities + (entities >= replaced), heads


def incidence(columns: Tensor, n_columns: int) -> Tensor:
    """Return the matrix A: row i has 1, 1 and -1 at the columns of head, relation and tail.

    Parameters
    ----------
    columns : Tensor of shape (n, 3), int64
    n_columns : int

    Returns
    -------
    Tensor of shape (n, n_columns), float32, sparse
    """
    values = torch.tensor([1.0, 1.0, -1.0], device=columns.device).repeat(len(columns))
    rows = torch.arange(len(columns), device=columns.device).repeat_interleave(3)
    places = torch.stack([rows, columns.flatten()])
    # Not as CSR: the beta of torch 2.13 warns of it, and its transposed product is no faster.
    return torch.sparse_coo_tensor(
        places, values, (len(columns), n_columns), check_invariants=False
    )


def gradients(
    table: Tensor, columns: Tensor, n_negatives: int, distance: int, margin: float
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Return the loss of some triples and its gradients by the rows of a table.

    .. math:: \sum_i \sum_k \max(0, \gamma + \|x_i\| - \|x_{ik}\|)

    for the residuals x of the triples and of their negatives.

    Parameters
    ----------
    table : Tensor of shape (n_rows, d), float32
    columns : Tensor of shape (n * (1 + n_negatives), 3), int64
        Rows of head, relation and tail: n triples, then the negatives of the first, and so on.
    n_negatives : int
    distance : int
        As in :mod:`graphembed.kernels.triple_steps`.
    margin : float

    Returns
    -------
    loss : Tensor of shape ()
    grads : Tensor of shape (n_rows, d)
    touched : Tensor of shape (n_rows,), bool
        Rows that the loss pulls at.
    """
    matrix = incidence(columns, len(table))
    residuals = torch.sparse.mm(matrix, table)
    if distance == MANHATTAN:
        lengths, pulls = residuals.abs().sum(1), residuals.sign()
    else:
        lengths, pulls = (residuals * residuals).sum(1), residuals
        if distance == EUCLIDEAN:
            lengths = lengths.sqrt()
    n = len(columns) // (1 + n_negatives)
    slack = margin + lengths[:n, None] - lengths[n:].view(n, n_negatives)
    active = slack > 0
    weights = torch.cat([active.sum(1), -active.flatten().long()]).to(table.dtype)
    touched = torch.zeros(len(table), dtype=torch.bool, device=table.device)
    touched[columns[weights != 0].flatten()] = True
    if distance == EUCLIDEAN:
        weights = weights / lengths.clamp(min=_TINY)
    elif distance != MANHATTAN:
        weights = 2 * weights
    grads = torch.sparse.mm(matrix.t(), weights[:, None] * pulls)
    # A distance that is not finite is within no margin; it must not go unnoticed.
    return torch.where(active, slack, slack * 0).sum(), grads, touched


def step(
    table: Tensor, state: Tensor, rows: Tensor, grads: Tensor, method: int, rate: float, unit: bool
) -> None:
    """Move rows against their gradients, in place; rows do not repeat.

    ``method`` and ``state`` are as in :mod:`graphembed.kernels.triple_steps`; with ``unit`` each
    row is then divided by its length.
    """
    d = table.shape[1]
    if method == SGD:
        moves = rate * grads
    elif method in (ADAGRAD, ROW_ADAGRAD):
        squares = grads * grads
        if method == ROW_ADAGRAD:
            squares = squares.mean(1, keepdim=True)
        squares = squares + state[rows]
        state[rows] = squares
        moves = rate * grads / (squares.sqrt() + float(EPSILON))
    else:
        old = state[rows]
        first = BETA_1 * old[:, :d] + (1 - BETA_1) * grads
        second = BETA_2 * old[:, d : 2 * d] + (1 - BETA_2) * grads * grads
        n_steps = old[:, 2 * d :] + 1
        state[rows] = torch.cat([first, second, n_steps], 1)
        # The corrections of both moments' bias, of each row by its own number of steps.
        first_scale = (rate / (1 - BETA_1 ** n_steps.double())).to(table.dtype)
        second_scale = (1 - BETA_2 ** n_steps.double()).rsqrt().to(table.dtype)
        moves = first_scale * first / (second.sqrt() * second_scale + float(ADAM_EPSILON))
    moved = table[rows] - moves
    if unit:
        moved = moved / moved.norm(dim=1, keepdim=True).clamp(min=_TINY)
    table[rows] = moved


class TorchTransE:
    """Two tables on a device with the state of their optimiser, and how to train them.

    Parameters
    ----------
    tables : sequence of four ndarrays, float32
        Entities, relations, and the state of each; copied to the device. :meth:`copy_back` writes
        them.
    triples : ndarray of shape (n, 3), int
    chances : ndarray of shape (n_relations,), uint64
        Chance of replacing the head, in units of 2**-32.
    n_negatives : int
    distance, method : int
        As in :mod:`graphembed.kernels.triple_steps`.
    margin : float
    unit : bool, default=False
        Whether entities that moved are divided by their length.
    device : str or torch.device, default="cuda"

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.kernels.torch.triples import TorchTransE
    >>> entities, relations = np.eye(4, 8, dtype=np.float32), np.zeros((1, 8), dtype=np.float32)
    >>> states = np.empty((4, 0), dtype=np.float32), np.empty((1, 0), dtype=np.float32)
    >>> model = TorchTransE(
    ...     (entities, relations, *states), np.array([[0, 0, 1]]), np.array([0], dtype=np.uint64),
    ...     n_negatives=2, distance=2, method=0, margin=1.0, device="cpu",
    ... )
    >>> round(model.train_batch(np.array([0]), key=0, rate=0.1), 4)
    1.0
    >>> model.copy_back()
    """

    def __init__(
        self,
        tables: tuple[npt.NDArray[np.float32], ...],
        triples: npt.NDArray[Any],
        chances: npt.NDArray[np.uint64],
        *,
        n_negatives: int,
        distance: int,
        method: int,
        margin: float,
        unit: bool = False,
        device: str | torch.device = "cuda",
    ) -> None:
        self.device, self.host = torch.device(device), tables
        self.tables = [torch.from_numpy(table).to(self.device, copy=True) for table in tables]
        self.triples = self._send(triples)
        self.chances = self._send(chances)
        self.n_negatives, self.distance, self.method = n_negatives, distance, method
        self.margin, self.unit = float(margin), unit

    def train_batch(self, numbers: npt.NDArray[Any], *, key: int, rate: float) -> float:
        """Train on some triples at once, on the mean of their losses.

        Parameters
        ----------
        numbers : ndarray of shape (batch_size,), int
            Numbers of triples.
        key : int
            64 bits; with the number of a triple it decides the negatives.
        rate : float
            Learning rate.

        Returns
        -------
        float
            The summed loss, where that of a triple is the mean over its negatives.
        """
        chosen = self._send(numbers)
        entities, relations, *states = self.tables
        triples = self.triples[chosen]
        drawn, heads = draw_negatives(
            key, chosen, triples, self.n_negatives, len(entities), self.chances
        )
        columns = triples.repeat_interleave(self.n_negatives, 0)
        columns[:, 0] = torch.where(heads.flatten(), drawn.flatten(), columns[:, 0])
        columns[:, 2] = torch.where(heads.flatten(), columns[:, 2], drawn.flatten())
        columns = torch.cat([triples, columns])
        columns[:, 1] += len(entities)
        used, columns = columns.unique(return_inverse=True)
        own = used < len(entities)
        parts = (used[own], used[~own] - len(entities))
        local = torch.cat([entities[parts[0]], relations[parts[1]]])
        loss, grads, touched = gradients(
            local, columns, self.n_negatives, self.distance, self.margin
        )
        grads = grads / (self.n_negatives * len(numbers))
        begin = 0
        for table, state, rows, unit in zip(
            (entities, relations), states, parts, (self.unit, False), strict=True
        ):
            some = touched[begin : begin + len(rows)]
            step(
                table, state, rows[some], grads[begin : begin + len(rows)][some], self.method,
                float(rate), unit,
            )  # fmt: skip
            begin += len(rows)
        return loss.item() / self.n_negatives

    def copy_back(self) -> None:
        """Write the tables and states to the arrays that they were made from."""
        for host, table in zip(self.host, self.tables, strict=True):
            torch.from_numpy(host).copy_(table)

    def _send(self, array: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64)).to(self.device)
