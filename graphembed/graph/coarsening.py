"""Coarsening: a graph of groups of nodes, and the next one up, until few are left."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from graphembed.engine import run_blocks, split_by_weight
from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph

_ROUNDS = 4  # of matching on one level; what is free after them is mostly leaves of hubs
_BLOCKS = 16


class Level(NamedTuple):
    """A graph whose nodes are groups of nodes.

    Attributes
    ----------
    indptr : ndarray of shape (n_groups + 1,), int64
    indices : ndarray of shape (n_links,), int32
    weights : ndarray of shape (n_links,), float64
        Symmetric links, in no particular order within a row, none from a group to itself. Weights
        are whole numbers with a sum below 2**53, so that every sum of them is exact.
    volumes : ndarray of shape (n_groups,), float64
        Total weight at the nodes of each group, in the same units.
    sizes : ndarray of shape (n_groups,), int64
        Number of nodes in each group.
    hashes : ndarray of shape (n_groups,), uint64
        Decide ties: the least hash of the group's nodes.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float64]
    volumes: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.uint64]

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.sizes)

    @classmethod
    def of(cls, graph: Graph, key: int) -> "Level":
        """Return the level on which every node is a group of its own.

        Raises
        ------
        GraphError
            If a weight is negative.
        """
        from graphembed.kernels.matching import hash_nodes

        n = graph.n_nodes
        plain = graph.without_relations().to_undirected()
        if plain.weights is not None and plain.weights.min(initial=0) < 0:
            raise GraphError(
                f"A partition needs non-negative weights; got {plain.weights.min()}. Clip them or "
                "drop the edges."
            )
        weights = _whole_numbers(plain)
        shape = (n, n)
        matrix = sp.csr_array((weights, plain.indices, plain.indptr), shape=shape)
        hashes = np.empty(n, dtype=np.uint64)
        hash_nodes(np.uint64(key), graph.node_index.keys(), hashes)
        return cls(
            *_without_loops(plain.indptr, plain.indices, weights),
            volumes=matrix @ np.ones(n),
            sizes=np.ones(n, dtype=np.int64),
            hashes=hashes,
        )

    def count(self, mean_size: float) -> int:
        """Return the number of groups, small ones that are whole components left out."""
        return int(np.count_nonzero((np.diff(self.indptr) > 0) | (2 * self.sizes >= mean_size)))

    def merge(self, n_merges: int, careful: bool, n_jobs: int | None) -> npt.NDArray[np.int32]:
        """Return the group of each group on the next level.

        Parameters
        ----------
        n_merges : int
            The most merges to make; the best go first.
        careful : bool
            Make only the better half of the merges: what has no good one waits.
        n_jobs : int or None
            Threads.

        Returns
        -------
        ndarray of shape (n_groups,), int32
            Numbers from 0. There are as many as groups only if there are no links.
        """
        mover, target, rating = self._merges(n_jobs)
        if careful:
            n_merges = min(n_merges, (len(mover) + 1) // 2)
        if n_merges < len(mover):
            best = np.lexsort((self.hashes[mover], -rating))[:n_merges]
            mover, target = mover[best], target[best]
        root = np.arange(self.n_groups, dtype=np.int32)
        root[mover] = target
        # What joins a pair follows its target to where that went.
        root = root[root]
        _, groups = np.unique(root, return_inverse=True)
        return groups.astype(np.int32)

    def _merges(self, n_jobs: int | None) -> tuple[Any, Any, Any]:
        """Return pairs of groups, then groups that join one of a pair: mover, target, rating."""
        from graphembed.kernels.matching import choose_neighbors

        n = self.n_groups
        # A group whose weights were all too small for whole numbers has the volume 0.
        scales = 1 / np.maximum(self.volumes, 1)
        chosen, ratings = np.full(n, -1, dtype=np.int32), np.zeros(n)
        blocks = split_by_weight(self.indptr, _BLOCKS)
        graph = (self.indptr, self.indices, self.weights, scales, self.hashes)

        def choose(asks: Any, offers: Any) -> None:
            run_blocks(
                lambda first, last: choose_neighbors(
                    *graph, asks, offers, chosen, ratings, first, last
                ),
                blocks,
                n_jobs=n_jobs,
            )

        free = np.diff(self.indptr) > 0
        movers = []
        for _ in range(_ROUNDS):
            choose(free, free)
            asked = np.flatnonzero(free & (chosen >= 0))
            mutual = asked[chosen[chosen[asked]] == asked]
            if len(mutual) == 0:
                break
            free[mutual] = False
            movers.append(mutual[self.hashes[mutual] < self.hashes[chosen[mutual]]])
        matched = np.zeros(n, dtype=bool)
        for pairs in movers:
            matched[pairs] = matched[chosen[pairs]] = True
        choose(free, matched)
        movers.append(np.flatnonzero(free & (chosen >= 0)))
        mover = np.concatenate(movers)
        return mover, chosen[mover], ratings[mover]

    def contract(self, groups: npt.NDArray[np.int32], n_jobs: int | None) -> "Level":
        """Return the level on which each of ``groups`` is one."""
        from graphembed.kernels.matching import count_links, sum_links

        n = int(groups.max()) + 1
        members = np.argsort(groups, kind="stable").astype(np.int32)
        member_ptr = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.bincount(groups, minlength=n), out=member_ptr[1:])
        work = np.concatenate([[0], np.cumsum(np.diff(self.indptr)[members])])[member_ptr]
        # Each block needs an array of n_groups: few of them.
        blocks = split_by_weight(work, _BLOCKS // 4)
        grouping = (groups, member_ptr, members)

        counts = np.empty(n, dtype=np.int64)
        run_blocks(
            lambda *rows: count_links(self.indptr, self.indices, *grouping, counts, *rows),
            blocks,
            n_jobs=n_jobs,
        )
        indptr = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
        indices, weights = np.empty(indptr[-1], dtype=np.int32), np.empty(indptr[-1])
        links = (*self[:3], *grouping, indptr, indices, weights)
        run_blocks(lambda *rows: sum_links(*links, *rows), blocks, n_jobs=n_jobs)
        return Level(
            indptr,
            indices,
            weights,
            volumes=np.bincount(groups, self.volumes, n).astype(np.float64, copy=False),
            sizes=np.add.reduceat(self.sizes[members], member_ptr[:-1]),
            hashes=np.minimum.reduceat(self.hashes[members], member_ptr[:-1]),
        )


def _whole_numbers(graph: Graph) -> npt.NDArray[np.float64]:
    """Return weights scaled and rounded to whole numbers with a sum below 2**53."""
    if graph.weights is None:
        return np.ones(len(graph.indices))
    weights = graph.weights.astype(np.float64)
    _, exponent = np.frexp(weights.sum())
    # One bit less than there are, since rounding may add to the sum.
    whole: npt.NDArray[np.float64] = np.rint(np.ldexp(weights, 52 - exponent))
    return whole


def _without_loops(
    indptr: npt.NDArray[np.int64], indices: npt.NDArray[np.int32], weights: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    rows = np.repeat(np.arange(len(indptr) - 1, dtype=np.int32), np.diff(indptr))
    loops = np.flatnonzero(rows == indices)
    if len(loops) == 0:
        return indptr, indices, weights
    indptr = indptr - np.searchsorted(loops, indptr)
    return indptr, np.delete(indices, loops), np.delete(weights, loops)
