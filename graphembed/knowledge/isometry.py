"""What RotE, RefH, RotH and AttH share: a relation moves the head, and distance is the score.

Relations turn or mirror the head and translate it, in Euclidean space or in a ball whose curvature
belongs to the relation. Candidates are the vectors themselves. Both ends have biases.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from graphembed.knowledge.ball import Points
from graphembed.knowledge.formula import Formula, RowGradients, Rows
from graphembed.knowledge.initial import normal_rows, uniform_rows
from graphembed.knowledge.interactions import Candidates, Queries
from graphembed.knowledge.presets import Presets
from graphembed.knowledge.rows import relation_gradient
from graphembed.training.tiles import derive_key

_VECTORS, _PLANES = 1, 2  # numbers that keys are derived with
INITIAL_SCALE = 1e-3  # standard deviation of vectors


class Motion(NamedTuple):
    """What relations do, one row a query; or the gradients by that. All float64.

    Attributes
    ----------
    vectors : sequence of ndarray of shape (n, n_components)
        Translations, and vectors of attention.
    planes : sequence of ndarray of shape (n, 2 * (n_components // 2))
        Rotations and reflections (see :func:`graphembed.knowledge.ball.rotate`).
    curvatures : ndarray of shape (n,)
    """

    vectors: Sequence[Points]
    planes: Sequence[Points]
    curvatures: Points


PRESETS: Presets = {
    "medium": {
        "loss": "logistic",
        "negative_weight": 50.0,
        "n_negatives": 500,
        "optimizer": "dense_adam",
        "learning_rate": 0.002,
        "n_epochs": 120,
    },
    "large": {
        "loss": "logistic",
        "negative_weight": 50.0,
        "n_negatives": 250,
        "optimizer": "dense_adam",
        "learning_rate": 0.002,
        "batch_size": 1000,
        "n_epochs": 80,
    },
}


class IsometryFormula(Formula):
    """The tables and biases around a motion of the head.

    A row of an entity is its vector, its bias as head of a query, its bias as candidate. A row of
    a relation is its vectors, its planes, and, if the space is curved, the number whose softplus is
    its curvature.

    Parameters
    ----------
    n_components : int
    """

    reciprocal_only = True
    n_vectors: ClassVar[int] = 1
    n_planes: ClassVar[int] = 1
    curved: ClassVar[bool] = True

    def __init__(self, n_components: int) -> None:
        self.n_components = n_components
        self.entity_width = n_components + 2
        widths = [n_components] * self.n_vectors + [n_components // 2 * 2] * self.n_planes
        self.relation_width = sum(widths) + self.curved
        self._bounds = np.cumsum(widths)

    def initial_entities(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return vectors close to 0, and biases of 0."""
        out = np.zeros((len(rows), self.entity_width), dtype=np.float32)
        out[:, : self.n_components] = normal_rows(key, rows, self.n_components, INITIAL_SCALE)
        return out

    def initial_relations(self, rows: npt.NDArray[np.int64], key: int) -> Rows:
        """Return vectors close to 0, planes from a square, and a curvature of softplus(1)."""
        split, end = self.n_vectors * self.n_components, int(self._bounds[-1])
        out = np.ones((len(rows), self.relation_width), dtype=np.float32)
        out[:, :split] = normal_rows(int(derive_key(key, _VECTORS)), rows, split, INITIAL_SCALE)
        out[:, split:end] = uniform_rows(int(derive_key(key, _PLANES)), rows, end - split, 1.0)
        return out

    @abstractmethod
    def move(self, heads: Points, motion: Motion) -> Points:
        """Return the vectors of heads, (n, n_components), moved: the vectors of the queries."""

    @abstractmethod
    def move_backward(self, heads: Points, motion: Motion, grads: Points) -> tuple[Points, Motion]:
        """Return the gradients by heads and motion from those by :meth:`move`'s points."""

    def tail_queries(self, heads: Rows, relations: Rows) -> Queries:
        """Return heads moved as relations say, with their first biases."""
        motion = self._motion(relations, len(heads))
        points = self.move(self._vectors(heads), motion)
        return Queries(
            points.astype(np.float32),
            heads[:, self.n_components].copy(),
            motion.curvatures.astype(np.float32) if self.curved else None,
        )

    def tail_queries_backward(self, heads: Rows, relations: Rows, grads: Queries) -> RowGradients:
        """Return the gradients by heads and relations from those by the queries."""
        motion = self._motion(relations, len(heads))
        by_heads, by_motion = self.move_backward(
            self._vectors(heads), motion, grads.vectors.astype(np.float64)
        )
        entities = np.zeros_like(heads)
        entities[:, : self.n_components] = by_heads
        entities[:, self.n_components] = grads.shifts
        columns = [*by_motion.vectors, *by_motion.planes]
        if grads.curvatures is not None:
            by_curvatures = by_motion.curvatures + grads.curvatures
            # The derivative of c = log(1 + exp(raw)) is 1 - exp(-c).
            columns.append((by_curvatures * -np.expm1(-motion.curvatures))[:, None])
        moved = np.concatenate(columns, axis=1, dtype=np.float32, casting="same_kind")
        return RowGradients(entities, relation_gradient(relations, moved))

    def candidates(self, entities: Rows, relations: Rows) -> Candidates:  # noqa: ARG002
        """Return the vectors as they are, with their second biases."""
        d = self.n_components
        return Candidates(np.ascontiguousarray(entities[:, :d]), entities[:, d + 1].copy())

    def candidates_backward(
        self, entities: Rows, relations: Rows, grads: Candidates
    ) -> RowGradients:
        """Return the gradients by entities from those by the candidates."""
        d = self.n_components
        out = np.zeros_like(entities)
        out[:, :d] = grads.vectors
        out[:, d + 1] = grads.shifts
        return RowGradients(out, relations[:0])

    def _vectors(self, entities: Rows) -> Points:
        return entities[:, : self.n_components].astype(np.float64)

    def _motion(self, relations: Rows, n: int) -> Motion:
        if len(relations) != n:
            relations = np.broadcast_to(relations, (n, self.relation_width))
        *parts, raw = (
            part.astype(np.float64, order="C") for part in np.split(relations, self._bounds, axis=1)
        )
        curvatures = np.logaddexp(0.0, raw[:, 0]) if self.curved else np.empty(0)
        return Motion(parts[: self.n_vectors], parts[self.n_vectors :], curvatures)
