"""Skip-gram with shared negatives on a device; twin of :mod:`graphembed.kernels.skipgram`.

The pairs and the negatives are those of the compiled kernel, draw by draw: randomness is a hash of
a key and a counter here as well. What differs is when rows move. The compiled kernel trains one
group of pairs after the other; a device needs thousands of groups at a time to be busy, all with
the values that the batch began with. A row that is in a batch often would then overshoot, by as
many steps as it has pairs, so its steps are shortened: see ``max_moves`` of :func:`train_pairs`.

Moves are added by ``index_add_``. On a CPU the same calls give the same bits; on a GPU only if the
caller has switched on ``torch.use_deterministic_algorithms(True)``, which takes longer.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, pad

GROUP = 8  # pairs that share their negatives
BATCH_SIZE = 1 << 16  # pairs that are trained at a time, at most
PAIRS_PER_NODE = 1  # in a batch, at most: with more, small graphs lose quality
MAX_MOVES = 32.0  # steps of one row in a batch, beyond which they are shortened
_PLACES = 1 << 21  # places of pairs, taken or not, that are looked at together
_LOWER = 0xFFFFFFFF


def train_pairs(
    w_in: Tensor,
    w_out: Tensor,
    inputs: Tensor,
    outputs: Tensor,
    negatives: Tensor,
    rate: float,
    *,
    group: int = GROUP,
    max_moves: float | None = None,
) -> Tensor:
    r"""Train one batch of pairs, each ``group`` of which share their negatives.

    For an input x, its output c and negatives n other than c, the gradients of

    .. math:: -\log \sigma(u_x \cdot v_c) - \sum_n \log \sigma(-u_x \cdot v_n)

    are taken at the values the batch began with, and summed for each row.

    Parameters
    ----------
    w_in, w_out : Tensor of shape (n_nodes + 1, d), float32
        Rows u and v; changed in place. The last row is spare and holds zeros.
    inputs, outputs : Tensor of shape (n_pairs,), int64
        Row numbers. The last group may be smaller.
    negatives : Tensor of shape (ceil(n_pairs / group), n_negatives), int64
        Row numbers. A negative that is the output of a pair takes no part in that pair.
    rate : float
        Learning rate.
    group : int, default=GROUP
    max_moves : float, optional
        A row that is moved ``c`` times, where ``c`` is more than this, moves by ``max_moves / c``
        of the sum. Each pair moves its input and its output once, and each negative once.

    Returns
    -------
    Tensor of shape (), float32
        Summed loss of all pairs, before they were trained; still on the device.
    """
    spare, missing = len(w_in) - 1, -len(inputs) % group
    if missing:
        inputs = pad(inputs, (0, missing), value=spare)
        outputs = pad(outputs, (0, missing), value=spare)
    x, c = inputs.view(-1, group), outputs.view(-1, group)
    taken = (x != spare)[:, :, None]
    mask = ~(c[:, :, None] == negatives[:, None, :]).any(1, keepdim=True) & taken

    u, v, noise = w_in[x], w_out[c], w_out[negatives]
    positive = (u * v).sum(-1, keepdim=True)
    negative = torch.bmm(u, noise.mT)
    loss = -(logsigmoid(positive) * taken).sum() - (logsigmoid(-negative) * mask).sum()

    pull = rate * torch.sigmoid(-positive) * taken
    push = -rate * torch.sigmoid(negative) * mask
    _move(w_in, inputs, pull * v + torch.bmm(push, noise), taken, max_moves)
    _move(
        w_out,
        torch.cat([outputs, negatives.flatten()]),
        torch.cat([(pull * u).flatten(0, 1), torch.bmm(push.mT, u).flatten(0, 1)]),
        torch.cat([taken.flatten(), mask.sum(1).flatten()]),
        max_moves,
    )
    return loss


def _move(
    table: Tensor, rows: Tensor, moves: Tensor, counts: Tensor, max_moves: float | None
) -> None:
    """Add moves to rows, those of one row together; ``counts`` says how many are in each."""
    moves = moves.flatten(0, -2)
    if max_moves is not None:
        total = table.new_zeros(len(table)).index_add_(0, rows, counts.flatten().to(table.dtype))
        moves = moves * (max_moves / total.clamp_(min=max_moves))[rows, None]
    table.index_add_(0, rows, moves)


def draw_negatives(table: Tensor, key: int, first: int, shape: tuple[int, ...]) -> Tensor:
    """Draw entries of an alias table: draws ``first, first + 1, ...`` of a key.

    Twin of :func:`graphembed.kernels.alias.sample_row`, with the same draws.
    ``torch.multinomial`` would end at 2**24 entries and take time in proportion to them.

    Parameters
    ----------
    table : Tensor of shape (n_entries,), int64
        The bits of a table of :func:`graphembed.kernels.alias.build_alias`.
    key : int
        64 bits.
    first : int
        Number of the first draw.
    shape : tuple of int

    Returns
    -------
    Tensor of that shape, int64
    """
    n_draws = int(np.prod(shape))
    bits = _draw(key, torch.arange(first, first + n_draws, device=table.device))
    entries = _bounded(bits, len(table))
    words = table[entries]
    chosen = torch.where((bits & _LOWER) < (words & _LOWER), entries, _shift(words, 32))
    return chosen.view(shape)


def draw_windows(
    key: int, first_walk: int, n_walks: int, length: int, window: int, device: torch.device
) -> Tensor:
    """Draw the size of each window, 1 .. window, as the compiled kernel does.

    Returns
    -------
    Tensor of shape (n_walks, length), int64
    """
    walks = torch.arange(first_walk, first_walk + n_walks, device=device)
    keys = _mix(_mix(_signed(key)) ^ walks)
    steps = torch.arange(length, device=device)
    return 1 + _bounded(_mix(keys[:, None] ^ _mix(steps)), window)


def window_pairs(walks: Tensor, window: int, reach: Tensor) -> tuple[Tensor, Tensor]:
    """List the pairs of nodes that stand within a window of each other in some walks.

    Twin of :func:`graphembed.kernels.skipgram.window_pairs`; the pairs come in the same order.

    Parameters
    ----------
    walks : Tensor of shape (n_walks, walk_length), int
        A walk ends at its first -1.
    window : int
        Largest distance of a pair.
    reach : Tensor of shape (n_walks, walk_length), int
        Size of the window around each step; see :func:`draw_windows`.

    Returns
    -------
    inputs, outputs : Tensor of shape (n_pairs,), int64
    """
    length, device = walks.shape[1], walks.device
    walks = walks.long()
    present = (walks >= 0).cumprod(1).bool()
    distances = torch.arange(1, window + 1, device=device)
    offsets = torch.cat([-distances.flip(0), distances])
    places = torch.arange(length, device=device)[:, None] + offsets
    partners = places.clamp(0, length - 1)
    taken = (offsets.abs() <= reach[:, :, None]) & (places == partners)
    taken &= present[:, :, None] & present[:, partners]
    walk, step, offset = taken.nonzero(as_tuple=True)
    return walks[walk, partners[step, offset]], walks[walk, step]


class TorchSkipGram:
    """Two tables on a device, and how to train them on walks.

    Parameters
    ----------
    w_in, w_out : ndarray of shape (n_nodes + 1, d), float32
        Copied to the device; :meth:`copy_back` writes them. The last row is spare and holds zeros.
    table : ndarray of shape (n_nodes,), uint64
        Alias table of the frequencies of negatives, one row over all nodes.
    window, n_negatives : int
    shrink_windows : bool, default=True
        Draw the size of each window from 1 .. window.
    device : str or torch.device, default="cuda"
    batch_size : int, optional
        Pairs that are trained at a time, at most: bounds the memory, whatever the number of walks.
        By default as many as there are nodes, and no more than 65,536.
    max_moves : float or None, default=32
        See :func:`train_pairs`. The default suits learning rates up to about 0.05.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.kernels.alias import build_alias
    >>> from graphembed.kernels.torch.skipgram import TorchSkipGram
    >>> table = np.empty(3, dtype=np.uint64)
    >>> build_alias(np.array([0, 3]), np.ones(3, dtype=np.float32), table, 0, 1)
    >>> w_in, w_out = np.zeros((2, 4, 16), dtype=np.float32)
    >>> w_in[:3] = np.random.default_rng(0).random((3, 16)) - 0.5
    >>> model = TorchSkipGram(w_in, w_out, table, window=1, n_negatives=2, device="cpu")
    >>> walks = np.array([[0, 1, 2], [2, 1, -1]], dtype=np.int32)
    >>> loss, n_pairs = model.train_walks(
    ...     walks, 0.05, first_walk=0, window_key=1, negative_key=2
    ... )
    >>> n_pairs
    6
    >>> model.copy_back()
    """

    def __init__(
        self,
        w_in: npt.NDArray[np.float32],
        w_out: npt.NDArray[np.float32],
        table: npt.NDArray[np.uint64],
        *,
        window: int,
        n_negatives: int,
        shrink_windows: bool = True,
        device: str | torch.device = "cuda",
        batch_size: int | None = None,
        max_moves: float | None = MAX_MOVES,
    ) -> None:
        self.device = torch.device(device)
        self.host = w_in, w_out
        self.w_in, self.w_out = (self._send(host).clone() for host in self.host)
        self.table = self._send(table.view(np.int64))
        self.window, self.n_negatives = window, n_negatives
        self.shrink_windows = shrink_windows
        if batch_size is None:
            batch_size = min(BATCH_SIZE, PAIRS_PER_NODE * len(table))
        self.batch_size = max(GROUP, batch_size // GROUP * GROUP)
        self.max_moves = max_moves

    def train_walks(
        self,
        walks: npt.NDArray[np.int32],
        rate: float,
        *,
        first_walk: int,
        window_key: int,
        negative_key: int,
    ) -> tuple[float, int]:
        """Train on all pairs of some walks.

        Parameters
        ----------
        walks : ndarray of shape (n_walks, walk_length), int32
            A walk ends at its first -1.
        rate : float
            Learning rate.
        first_walk : int
            Number of the first of these walks: with ``window_key`` it decides the windows' sizes,
            as in the compiled kernel.
        window_key, negative_key : int
            64 bits each.

        Returns
        -------
        loss : float
            Summed loss of all pairs.
        n_pairs : int
        """
        loss = torch.zeros((), dtype=torch.float64, device=self.device)
        n_pairs, n_groups = 0, 0
        for inputs, outputs in self._batches(self._send(walks), first_walk, window_key):
            shape = (-(-len(inputs) // GROUP), self.n_negatives)
            negatives = draw_negatives(self.table, negative_key, n_groups * self.n_negatives, shape)
            loss += train_pairs(
                self.w_in, self.w_out, inputs, outputs, negatives, float(rate),
                max_moves=self.max_moves,
            )  # fmt: skip
            n_pairs += len(inputs)
            n_groups += shape[0]
        return loss.item(), n_pairs

    def copy_back(self) -> None:
        """Write the tables to the arrays that they were made from."""
        for host, table in zip(self.host, (self.w_in, self.w_out), strict=True):
            torch.from_numpy(host).copy_(table)

    def _batches(
        self, walks: Tensor, first_walk: int, window_key: int
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """List the pairs of as many walks at a time as memory is set aside for."""
        n_walks, length = walks.shape
        n_listed = max(1, _PLACES // max(1, 2 * self.window * length))
        for start in range(0, n_walks, n_listed):
            part = walks[start : start + n_listed]
            reach = torch.full(part.shape, self.window, device=self.device)
            if self.shrink_windows:
                reach = draw_windows(
                    window_key, first_walk + start, len(part), length, self.window, self.device
                )
            inputs, outputs = window_pairs(part, self.window, reach)
            yield from zip(
                inputs.split(self.batch_size), outputs.split(self.batch_size), strict=True
            )

    def _send(self, array: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)


# Counter-based randomness, as in kernels/rng.py. Torch has no shifts and products of uint64; those
# of int64 have the same bits if the sign is masked from what a right shift brings in.


def _signed(word: int) -> int:
    """Return the int64 that has the bits of a uint64."""
    word = int(word) % 2**64
    return word - 2**64 if word >= 2**63 else word


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_MIX1 = _signed(0xBF58476D1CE4E5B9)
_MIX2 = _signed(0x94D049BB133111EB)


def _shift(words: Tensor, n_bits: int) -> Tensor:
    return (words >> n_bits) & ((1 << (64 - n_bits)) - 1)


def _mix(words: Tensor | int) -> Tensor:
    words = torch.as_tensor(words) + _GOLDEN
    words = (words ^ _shift(words, 30)) * _MIX1
    words = (words ^ _shift(words, 27)) * _MIX2
    return words ^ _shift(words, 31)


def _draw(key: int, counters: Tensor) -> Tensor:
    return _mix(_mix(counters) ^ _signed(key))


def _bounded(bits: Tensor, n: int) -> Tensor:
    """Map to ``0 .. n - 1``, for n below 2**31: beyond, the product would not fit."""
    return _shift(_shift(bits, 32) * n, 32)
