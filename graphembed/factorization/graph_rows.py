"""Passes over the rows of a graph, whose edges may be in memory or in the files of a store."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.engine import run_blocks, split_by_weight
from graphembed.graph.graph import Graph
from graphembed.graph.partitions import RowBlock, row_block

BLOCKS = 64  # ranges of rows, at least; the result does not depend on it
BLOCK_ENTRIES = 1 << 18  # of the adjacency in a range, about
RESIDENT = 1 << 24  # bytes of a store's files that stay in memory between two ranges

Blocks = list[tuple[int, int]]


def row_blocks(indptr: npt.NDArray[np.int64]) -> Blocks:
    """Cut rows into ranges of about equal work, small enough to be in memory.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,), int64

    Returns
    -------
    list of (start, stop)

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.factorization.graph_rows import row_blocks
    >>> row_blocks(np.array([0, 2, 3]))
    [(0, 1), (1, 2)]
    """
    return split_by_weight(indptr, max(BLOCKS, int(indptr[-1]) // BLOCK_ENTRIES))


def over_rows(
    graph: Graph,
    function: Callable[[int, int], Any],
    blocks: Blocks | None = None,
    *,
    n_jobs: int | None = -1,
) -> None:
    """Call a function for ranges of rows, on threads; give back what it read of a store's files.

    Parameters
    ----------
    graph : Graph
    function : callable
        Called with the first row and the one after the last.
    blocks : list of (start, stop), optional
        :func:`row_blocks` of the graph, if they are there already.
    n_jobs : int or None, default=-1
    """

    def block(first: int, last: int) -> None:
        function(first, last)
        release(graph)

    run_blocks(block, row_blocks(graph.indptr) if blocks is None else blocks, n_jobs=n_jobs)


def release(graph: Graph) -> None:
    """Give back the memory of a store's files if it has become much."""
    graph.release(beyond=RESIDENT)


def frozen_block(graph: Graph, first: int, last: int) -> RowBlock:
    """Return the entries of some rows, read-only like the arrays of a graph.

    One compiled version of a kernel is then enough for both.
    """
    block = row_block(graph, first, last)
    block.indptr.flags.writeable = False
    return block


def degree_sums(graph: Graph, n_jobs: int | None = -1) -> npt.NDArray[np.float64]:
    """Return the sum of each row's weights; the number of entries if there are none.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.factorization.graph_rows import degree_sums
    >>> degree_sums(Graph.from_edges([0, 1], [1, 2], [0.5, 2.0])).tolist()
    [0.5, 2.5, 2.0]
    """
    from graphembed.kernels.svd import row_sums

    degrees = np.empty(graph.n_nodes)
    over_rows(
        graph,
        lambda first, last: row_sums(graph.indptr, graph.weights, degrees, first, last),
        n_jobs=n_jobs,
    )
    return degrees
