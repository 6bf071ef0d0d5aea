"""A table of entities that may come in blocks, as partitions of a store do."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


class EntityBlocks:
    """The rows of all entities, read in chunks of a fixed size, however they are stored.

    The position of an entity is its place in the stream of rows; its number may be another.

    Parameters
    ----------
    source : ndarray of shape (n_entities, width), or iterable
        The table; or an iterable that can be walked several times and yields blocks of rows, or
        pairs of the numbers of entities and their rows. Together, the numbers must be
        0 to n_entities - 1; without them, rows are in order.

    Attributes
    ----------
    n_entities, width : int

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.knowledge.entity_blocks import EntityBlocks
    >>> odd, even = np.float32([[1], [3]]), np.float32([[0], [2], [4]])
    >>> blocks = EntityBlocks([(np.array([0, 2, 4]), even), (np.array([1, 3]), odd)])
    >>> blocks.gather(np.array([3, 3, 2])).ravel(), blocks.locate(np.array([3, 3, 2]))
    (array([3., 3., 2.], dtype=float32), array([4, 4, 1]))
    >>> [(first, rows.ravel()) for first, rows in blocks.chunks(4)]
    [(0, array([0., 2., 4., 1.], dtype=float32)), (4, array([3.], dtype=float32))]
    """

    def __init__(self, source: Any) -> None:
        self._array = source if isinstance(source, np.ndarray) else None
        if not isinstance(source, Iterable) or isinstance(source, Iterator):
            raise TypeError(
                "Entities must be an array, or an iterable of blocks that can be walked several "
                f"times, such as a list; got {type(source).__name__}."
            )
        self._source = source
        self._in_order = True
        self.n_entities = self.width = 0
        for ids, rows in self._walk():
            self._in_order &= ids is None
            self.n_entities += len(rows)
            self.width = rows.shape[1]

    def _walk(self) -> Iterator[tuple[Ids | None, Any]]:
        if self._array is not None:
            yield None, self._array
            return
        for block in self._source:
            yield block if isinstance(block, tuple) else (None, block)

    def _walk_positions(self) -> Iterator[tuple[int, Ids, Any]]:
        """Yield the position of each block, the numbers of its entities, and its rows."""
        first = 0
        for ids, rows in self._walk():
            yield first, np.arange(first, first + len(rows)) if ids is None else ids, rows
            first += len(rows)

    def locate(self, ids: Ids) -> Ids:
        """Return the positions of entities."""
        if self._in_order:
            return ids
        wanted, inverse = np.unique(ids, return_inverse=True)
        positions = np.full(len(wanted), -1, dtype=np.int64)
        for first, block_ids, _ in self._walk_positions():
            places, found = _match(wanted, block_ids)
            positions[places] = first + found
        _check_found(wanted, positions < 0)
        return positions[inverse.ravel()]

    def gather(self, ids: Ids) -> Rows:
        """Return the rows of entities."""
        if self._array is not None:
            return np.asarray(self._array[ids], dtype=np.float32)
        wanted, inverse = np.unique(ids, return_inverse=True)
        out = np.empty((len(wanted), self.width), dtype=np.float32)
        missing = np.ones(len(wanted), dtype=bool)
        for _, block_ids, rows in self._walk_positions():
            places, found = _match(wanted, block_ids)
            out[places] = rows[found]
            missing[places] = False
        _check_found(wanted, missing)
        return out[inverse.ravel()]

    def chunks(self, size: int) -> Iterator[tuple[int, Rows]]:
        """Yield the position and the rows of each chunk of ``size`` entities; the last is shorter.

        Where blocks begin and end makes no difference.
        """
        first, parts, n_held = 0, [], 0
        for _, rows in self._walk():
            start = 0
            while start < len(rows):
                part = np.asarray(rows[start : start + size - n_held], dtype=np.float32)
                start += len(part)
                n_held += len(part)
                parts.append(part)
                if n_held == size:
                    yield first, parts[0] if len(parts) == 1 else np.concatenate(parts)
                    first, parts, n_held = first + size, [], 0
        if parts:
            yield first, np.concatenate(parts)


def _match(wanted: Ids, ids: Ids) -> tuple[Ids, Ids]:
    """Return places in ``wanted``, which is sorted, and in ``ids`` that hold the same number."""
    places = np.searchsorted(wanted, ids)
    places[places == len(wanted)] = 0
    found = np.flatnonzero(wanted[places] == ids) if len(wanted) else np.empty(0, dtype=np.int64)
    return places[found], found


def _check_found(wanted: Ids, missing: npt.NDArray[np.bool_]) -> None:
    if missing.any():
        raise ValueError(
            f"Entity {wanted[missing][0]} is in no block; blocks must hold every entity once."
        )
