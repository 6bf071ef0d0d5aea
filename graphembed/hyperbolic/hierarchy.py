"""Questions that a hyperbolic embedding answers: depth, parents, children, what is a what."""

from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed import geometry
from graphembed.engine import run_blocks
from graphembed.graph.ids import NodeIndex
from graphembed.vectors import Neighbors, Vectors

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[Any]
Rows = npt.NDArray[np.int64]

_BLOCK = 1 << 14
_AS_NEAR = 0.2  # what may be farther away, as a share, and still be about as near


class HierarchyQueries:
    """Queries by the field's words, for whatever has points in hyperbolic space.

    General nodes lie near the origin, special ones far out; a node and what it is part of lie
    close together.

    Attributes
    ----------
    lorentz_ : ndarray of shape (n_nodes, n_components), float64
        Spatial Lorentz coordinates.
    node_index_ : NodeIndex
        Maps node ids to rows.
    """

    lorentz_: Floats
    node_index_: NodeIndex

    def norm(self, nodes: Any = None) -> Any:
        """Return the depth of nodes: their hyperbolic distance from the origin.

        Parameters
        ----------
        nodes : int, str or array-like of them, default=None
            None: all nodes, in row order.

        Returns
        -------
        float, or ndarray of shape (n_nodes,), float64
            A float for one id.

        Raises
        ------
        UnknownNodeError
            If an id is not known.
        """
        if nodes is None:
            return geometry.radius(self.lorentz_)
        found = geometry.radius(self.lorentz_[self.node_index_.rows(nodes)])
        return float(found[0]) if np.ndim(nodes) == 0 else found

    def neighbors(self, nodes: Any, k: int = 10, *, n_jobs: int | None = -1) -> Neighbors:
        """Return the ``k`` nodes at the least hyperbolic distance from each node, exactly.

        Parameters
        ----------
        nodes : int, str or array-like of them, of shape (n_queries,)
        k : int, default=10
        n_jobs : int or None, default=-1
            Number of threads. The result is bitwise the same for each.

        Returns
        -------
        Neighbors
            Ids, nearest first, and scores: minus the distance.
        """
        return self._points().neighbors(nodes, k, n_jobs=n_jobs)

    def parents(self, node: Any, k: int = 1, *, n_jobs: int | None = -1) -> Ids:
        """Return what a node is a kind of: the nearest nodes that are nearer to the origin.

        Those that are at most a fifth farther away than the nearest of them come first, the deepest
        before the others: where whole chains of ancestors were trained on, as in the transitive
        closure of a hierarchy, all of them are about as near.

        Parameters
        ----------
        node : int or str
        k : int, default=1
            How many; fewer if there are not so many.
        n_jobs : int or None, default=-1
            Number of threads.

        Returns
        -------
        ndarray of shape (at most k,)
            Ids, the best first.

        Raises
        ------
        UnknownNodeError
            If the id is not known.
        """
        row, radii = self._row_and_radii(node)
        rows = np.flatnonzero(radii < radii[row])
        away = self._away(row, rows, n_jobs)
        near = away <= (1 + _AS_NEAR) * away.min(initial=np.inf)
        return self._least(np.where(near, -radii[rows], away), rows, k)

    def children(self, node: Any, k: int = 10, *, n_jobs: int | None = -1) -> Ids:
        """Return the nearest nodes that lie farther from the origin than a node.

        Parameters
        ----------
        node : int or str
        k : int, default=10
            How many; fewer if there are not so many.
        n_jobs : int or None, default=-1
            Number of threads.

        Returns
        -------
        ndarray of shape (at most k,)
            Ids, nearest first.

        Raises
        ------
        UnknownNodeError
            If the id is not known.
        """
        row, radii = self._row_and_radii(node)
        rows = np.flatnonzero(radii > radii[row])
        return self._least(self._away(row, rows, n_jobs), rows, k)

    def ancestors(self, node: Any, k: int = 10, *, n_jobs: int | None = -1) -> Ids:
        """Return the parent of a node, the parent of that, and so on toward the origin.

        Parameters
        ----------
        node : int or str
        k : int, default=10
            How many steps at most.
        n_jobs : int or None, default=-1
            Number of threads.

        Returns
        -------
        ndarray of shape (at most k,)
            Ids, the parent first. Each is :meth:`parents` of the one before.

        Raises
        ------
        UnknownNodeError
            If the id is not known.
        """
        found: list[int] = []
        while len(found) < k and len(parent := self.parents(node, n_jobs=n_jobs)):
            node = parent[0]
            found.append(int(self.node_index_.rows(node)[0]))
        return self.node_index_.take(np.array(found, dtype=np.int64))

    def is_a_score(self, nodes: Any, others: Any, *, alpha: float = 1000.0) -> Any:
        r"""Return how much each node is a kind of the other: larger is more.

        .. math:: s(u, v) = -(1 + \alpha (\|p_v\| - \|p_u\|)) \, d(u, v)

        with :math:`p` the points in the Poincaré ball: among nodes at the same distance, the more
        general one scores higher. It was made to rank pairs by graded entailment (HyperLex).

        Parameters
        ----------
        nodes, others : int, str or array-like of them, of shape (n_pairs,)
            The special and the general node of each pair; one id goes with every other.
        alpha : float, default=1000.0
            What a difference in depth weighs.

        Returns
        -------
        float, or ndarray of shape (n_pairs,), float64
            A float for two ids.

        Raises
        ------
        UnknownNodeError
            If an id is not known.

        References
        ----------
        Nickel and Kiela (2017), Poincaré embeddings for learning hierarchical representations,
        NeurIPS, section 4.3.
        """
        points = [self.lorentz_[self.node_index_.rows(ids)] for ids in (nodes, others)]
        depths = [np.tanh(geometry.radius(x) / 2) for x in points]
        scores = -(1 + alpha * (depths[1] - depths[0])) * geometry.distances(*points)
        return float(scores[0]) if np.ndim(nodes) == np.ndim(others) == 0 else scores

    def to_ball(self) -> Floats:
        """Return the points of the Poincaré ball, shape (n_nodes, n_components)."""
        return geometry.to_ball(self.lorentz_)

    def to_hyperboloid(self) -> Floats:
        """Return all Lorentz coordinates, the time first; shape (n_nodes, n_components + 1)."""
        return geometry.to_hyperboloid(self.lorentz_)

    def to_tangent(self) -> Floats:
        """Return tangents at the origin, shape (n_nodes, n_components).

        They keep directions and depths, and are what linear models and trees can read.
        """
        return geometry.to_tangent(self.lorentz_)

    def _points(self) -> Vectors:
        return Vectors._trusted(self.node_index_, self.lorentz_, "lorentz")

    def _row_and_radii(self, node: Any) -> tuple[int, Floats]:
        return int(self.node_index_.rows(node)[0]), geometry.radius(self.lorentz_)

    def _away(self, row: int, rows: Rows, n_jobs: int | None) -> Floats:
        """Return the distances of a row from some rows."""
        away = np.empty(len(rows))

        def measure(start: int, stop: int) -> None:
            block = self.lorentz_[rows[start:stop]]
            away[start:stop] = geometry.distances(self.lorentz_[row], block)

        starts = range(0, len(rows), _BLOCK)
        run_blocks(measure, [(i, min(i + _BLOCK, len(rows))) for i in starts], n_jobs=n_jobs)
        return away

    def _least(self, costs: Floats, rows: Rows, k: int) -> Ids:
        """Return the ids of the ``k`` rows that cost least, of equal ones the first."""
        if k < len(rows):
            kept = np.flatnonzero(costs <= np.partition(costs, k - 1)[k - 1])
            costs, rows = costs[kept], rows[kept]
        return self.node_index_.take(rows[np.argsort(costs, kind="stable")[:k]])
