"""Exact filtered ranks of triples: of the tail among all entities, and of the head."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from graphembed.callbacks import progress
from graphembed.engine import effective_n_jobs, run_blocks
from graphembed.exceptions import NonFiniteScoresError
from graphembed.kernels import rank_tiles, ranking
from graphembed.kernels.pair_tiles import QUERIES, ROWS
from graphembed.knowledge.entity_blocks import EntityBlocks
from graphembed.knowledge.formula import Formula, Rows
from graphembed.knowledge.interactions import Candidates
from graphembed.knowledge.known_triples import KnownTriples

Ids = npt.NDArray[np.int64]

SIDES = ("head", "tail")
# Name of an interaction: what columns add to a sum, and what becomes of the sum.
KINDS = {
    "product": (rank_tiles.PRODUCT, ranking.SUM),
    "euclidean": (rank_tiles.SQUARES, ranking.ROOT),
    "squared_euclidean": (rank_tiles.SQUARES, ranking.SUM),
    "manhattan": (rank_tiles.ABSOLUTE, ranking.SUM),
    "torus_1": (rank_tiles.TORUS, ranking.SUM),
    "torus_2": (rank_tiles.TORUS_SQUARES, ranking.SUM),
    "modulus": (rank_tiles.MODULUS, ranking.SUM),
    "hyperbolic": (rank_tiles.SQUARES, ranking.HYPERBOLIC),
}
CHUNK = 1920  # candidates that are laid out together; a multiple of ROWS on any processor
GROUPS = 128  # groups of queries in a task


@dataclass(frozen=True, eq=False)
class Ranks:
    """Ranks of the true answers of triples on each side; 1 is best.

    Attributes
    ----------
    sides : tuple of {"head", "tail"}
        What is asked for.
    optimistic, pessimistic : ndarray of shape (n_sides, n_triples), int64
        Of candidates of the same score, the true answer comes first, or last.
    n_candidates : ndarray of shape (n_sides, n_triples), int64
        Entities that were ranked: the true answer, and all that are not known to be another.
    """

    sides: tuple[str, ...]
    optimistic: Ids
    pessimistic: Ids
    n_candidates: Ids

    @property
    def realistic(self) -> npt.NDArray[np.float64]:
        """The mean of optimistic and pessimistic ranks."""
        return (self.optimistic + self.pessimistic) / 2

    @property
    def mrr(self) -> float:
        """The mean reciprocal realistic rank, over all sides; 0 of no triples."""
        return float((1.0 / self.realistic).mean()) if self.optimistic.size else 0.0


def filtered_ranks(
    formula: Formula,
    entities: Any,
    relations: Rows,
    triples: npt.ArrayLike,
    known: KnownTriples | npt.ArrayLike | None = None,
    *,
    reciprocal: bool = True,
    sides: Sequence[str] = SIDES,
    candidates: npt.ArrayLike | None = None,
    check_finite: bool = True,
    n_jobs: int | None = -1,
) -> Ranks:
    """Rank the true answers of triples among all entities but those known to be true as well.

    Parameters
    ----------
    formula : Formula
    entities : ndarray of shape (n_entities, entity_width), or iterable of blocks
        See :class:`graphembed.knowledge.entity_blocks.EntityBlocks`. Only one chunk of candidates
        is held at a time, beside one row for each query and answer.
    relations : ndarray of shape (n_relations, relation_width)
        With ``reciprocal``, the inverses follow the relations.
    triples : array-like of shape (n_triples, 3)
        Row numbers of heads, relations and tails.
    known : KnownTriples or array-like of shape (n_known, 3), optional
        Triples whose answers are not ranked, beside ``triples`` themselves. An index is taken as
        it is: it should hold ``triples`` too. The answer of a triple itself is always ranked.
    reciprocal : bool, default=True
        Whether heads are asked for by inverse relations; if not, by
        :meth:`~graphembed.knowledge.formula.Formula.head_queries`.
    sides : sequence of {"head", "tail"}, default=("head", "tail")
    candidates : array-like of ints, optional
        Rank among these entities, and the true answer; by default, among all.
    check_finite : bool, default=True
        Whether an answer or an entity without a finite score is an error. If not, what scores NaN
        counts as better than the answer, and an answer that scores NaN comes last.
    n_jobs : int or None, default=-1
        Number of threads.

    Returns
    -------
    Ranks

    Raises
    ------
    NonFiniteScoresError
        If scores are not finite.

    Notes
    -----
    The ranks are counts of scores that are the same bits wherever they are computed, so that they
    depend neither on the cut of blocks nor on the number of threads. Distances are compared before
    they are rounded to a root, where nothing is added to them.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.knowledge.distmult import DistMultFormula
    >>> from graphembed.knowledge.ranks import filtered_ranks
    >>> entities, relations = np.float32([[1], [2], [3], [2]]), np.float32([[1]])
    >>> ranks = filtered_ranks(
    ...     DistMultFormula(1), entities, relations, [[0, 0, 1]], [[0, 0, 2]], reciprocal=False
    ... )
    >>> ranks.sides, ranks.realistic.ravel(), ranks.n_candidates.ravel()
    (('head', 'tail'), array([4. , 1.5]), array([4, 3]))
    """
    triples = np.asarray(triples, dtype=np.int64).reshape(-1, 3)
    blocks = EntityBlocks(entities)
    n_relations = len(relations) // 2 if reciprocal else len(relations)
    if not isinstance(known, KnownTriples):
        parts = [triples] if known is None else [triples, known]
        known = KnownTriples(*parts, n_entities=blocks.n_entities, n_relations=n_relations)
    asked = [_ask(triples, known, side, reciprocal, n_relations) for side in sides]
    questions = _Questions(*map(np.concatenate, zip(*asked, strict=True)))
    with threadpool_limits(1, "blas"):  # what its threads add up depends on their number
        counts = _Counting(formula, blocks, relations, questions, n_jobs).count(
            known.answers, None if candidates is None else np.unique(np.asarray(candidates))
        )
    if check_finite and not counts.finite:
        raise NonFiniteScoresError(
            "Some entities or triples have no finite score, so that ranks would mean nothing. "
            "Training has diverged: lower the learning rate."
        )
    shape = (len(sides), len(triples))
    return Ranks(tuple(sides), *((numbers + 1).reshape(shape) for numbers in counts[:3]))


class _Questions(NamedTuple):
    """Queries of all sides: their entities, rows of relations, answers, and what is known."""

    entities: Ids
    relations: Ids
    answers: Ids
    backward: npt.NDArray[np.bool_]
    starts: Ids
    stops: Ids


class _Counts(NamedTuple):
    above: Ids
    reached: Ids
    candidates: Ids
    finite: bool


def _ask(
    triples: Ids, known: KnownTriples, side: str, reciprocal: bool, n_relations: int
) -> _Questions:
    heads, relations, tails = np.ascontiguousarray(triples.T)
    if side == "tail":
        found = known.find(heads, relations, "tail")
        return _Questions(heads, relations, tails, np.zeros(len(heads), dtype=bool), *found)
    if side != "head":
        raise ValueError(f"Unknown side {side!r} (known: {', '.join(SIDES)}).")
    found = known.find(tails, relations, "head")
    backward = np.full(len(heads), not reciprocal)
    return _Questions(
        tails, relations + n_relations if reciprocal else relations, heads, backward, *found
    )


class _Counting:
    """Queries laid out for tiles, and the counts of candidates that do better than their answers.

    Tiles hold queries of one relation if candidates depend on it, and of one curvature.
    """

    def __init__(
        self,
        formula: Formula,
        blocks: EntityBlocks,
        relations: Rows,
        questions: _Questions,
        n_jobs: int | None,
    ) -> None:
        self.formula, self.blocks, self.relations = formula, blocks, relations
        self.questions, self.n_jobs = questions, n_jobs
        self.kind, self.form = KINDS[formula.interaction.name]
        self.by_relation = formula.by_relation
        vectors, curvatures, segments = self._queries()
        self.columns = np.arange(vectors.shape[1])
        if self.kind == rank_tiles.MODULUS:  # both parts of a number side by side
            self.columns = self.columns.reshape(2, -1).T.ravel()
        self.slots = _lay_out(segments)
        filled = self.slots.reshape(-1, QUERIES)
        self.n_groups = len(filled)
        shape = (self.n_groups, len(self.columns), QUERIES)
        self.packed = np.empty(shape, dtype=np.float32)
        ranking.pack_queries(vectors, self.slots, self.columns, self.packed)
        self.curvatures = np.ones(self.n_groups, dtype=np.float32)
        self.factors = np.zeros(self.n_groups * QUERIES, dtype=np.float32)
        if curvatures is not None:
            self.curvatures = curvatures[filled[:, 0]]
            ranking.query_factors(self.packed, self.curvatures, self.factors)
        self.tasks = self._cut(segments[filled[:, 0]])
        if self.form == ranking.ROOT and self.n_groups:
            probe = self._candidates(_padded(self.blocks.gather(np.zeros(1, dtype=np.int64))), 0)
            if probe.shifts is None:  # the order of squares is that of their roots
                self.form = ranking.SUM

    def _queries(self) -> tuple[Rows, Rows | None, Ids]:
        """Return vectors and curvatures of all queries, and which of them may share a tile."""
        asked, formula = self.questions, self.formula
        n = len(asked.entities)
        rows = self.blocks.gather(asked.entities)
        segments = np.zeros(n, dtype=np.int64)
        if self.by_relation:
            segments = 2 * asked.relations + asked.backward
        # Without a relation of their own, as many at once as keeps copies small.
        alike = 2 * segments + asked.backward
        order = np.argsort(alike, kind="stable")
        runs = np.split(order, np.flatnonzero(np.diff(alike[order])) + 1)
        vectors: Any = None
        curvatures = None
        for run in runs:
            for part in (run[i : i + CHUNK] for i in range(0, len(run), CHUNK)):
                kinds = asked.relations[part[:1]] if self.by_relation else asked.relations[part]
                backward = asked.backward[part[0]]
                make = formula.head_queries if backward else formula.tail_queries
                queries = make(rows[part], np.asarray(self.relations[kinds], dtype=np.float32))
                if vectors is None:
                    vectors = np.empty((n, queries.vectors.shape[1]), dtype=np.float32)
                vectors[part] = queries.vectors
                if queries.curvatures is not None:
                    if curvatures is None:
                        curvatures = np.empty(n, dtype=np.float32)
                    curvatures[part] = queries.curvatures
        if vectors is None:
            vectors = np.empty((0, 2), dtype=np.float32)
        if curvatures is not None:
            different, places = np.unique(curvatures, return_inverse=True)
            segments = segments * len(different) + places
        return vectors, curvatures, segments

    def _cut(self, segments: Ids) -> list[tuple[int, int]]:
        """Return ranges of groups: within a relation if candidates depend on it."""
        fair = -(-self.n_groups // effective_n_jobs(self.n_jobs))
        size = CHUNK // QUERIES if self.by_relation else max(1, min(GROUPS, fair))
        bounds = [0, self.n_groups]
        if self.by_relation:
            bounds = [0, *(np.flatnonzero(np.diff(segments)) + 1).tolist(), self.n_groups]
        return [
            (first, min(first + size, stop))
            for start, stop in pairwise(bounds)
            for first in range(start, stop, size)
        ]

    def count(self, known: npt.NDArray[np.int32], subset: Ids | None) -> _Counts:
        """Count candidates: all entities, or a subset."""
        asked = self.questions
        bars, finite = self._bars()
        counts = np.zeros((3, len(self.slots)), dtype=np.int64)
        if subset is None:
            blocks, positions = self.blocks, self.blocks.locate
        else:
            blocks = EntityBlocks(self.blocks.gather(subset))
            positions = _Places(subset)
        found, starts, stops = _move(known, asked.starts, asked.stops, positions)
        shared = (
            self.slots, starts, stops, found, positions(asked.answers), bars, *counts,
        )  # fmt: skip
        n_chunks = -(-blocks.n_entities // CHUNK)
        with progress(n_chunks * len(self.tasks), "ranking", "block") as done:
            for first, rows in blocks.chunks(CHUNK):
                count = _Count(self, first, _padded(rows), len(rows), shared)
                finite &= all(run_blocks(count, self.tasks, n_jobs=self.n_jobs, on_done=done))
        out = np.empty((3, len(asked.entities)), dtype=np.int64)
        filled = self.slots >= 0
        out[:, self.slots[filled]] = counts[:, filled]
        return _Counts(out[0], out[1], out[2], finite)

    def arguments(self) -> tuple[Any, ...]:
        """Return what kernels expect first."""
        return self.kind, self.form, self.packed, self.factors, self.curvatures

    def lay_out(self, rows: Rows, group: int, n_rows: int) -> tuple[Rows, Rows, bool]:
        """Return panels of candidates, their shifts, and whether all are finite."""
        found = self._candidates(rows, group)
        panels = np.empty((CHUNK // ROWS, len(self.columns), ROWS), dtype=np.float32)
        finite = ranking.pack_candidates(found.vectors, self.columns, n_rows, panels)
        shifts = np.zeros(CHUNK, dtype=np.float32)
        if found.shifts is not None:
            shifts[:n_rows] = found.shifts[:n_rows]
        finite &= bool(np.isfinite(shifts).all())
        return panels, shifts.reshape(-1, ROWS), finite

    def _candidates(self, rows: Rows, group: int) -> Candidates:
        relations = self.relations[:0]
        if self.by_relation:
            query = self.slots[group * QUERIES]
            relations = self.relations[self.questions.relations[query]][None]
        return self.formula.ranked_candidates(rows, np.asarray(relations, dtype=np.float32))

    def _bars(self) -> tuple[Rows, bool]:
        """Return the score of each query's answer, and whether all are finite."""
        bars = np.zeros(len(self.slots), dtype=np.float32)
        # Gathered once: entities may come in many blocks.
        answers = self.blocks.gather(self.questions.answers)

        def score(start: int, stop: int) -> None:
            slots = np.maximum(self.slots[start * QUERIES : stop * QUERIES], 0)
            rows = _padded(answers[slots])
            found = self._candidates(rows, start)
            shifts = np.zeros(CHUNK, np.float32) if found.shifts is None else found.shifts
            write: Any = ranking.true_scores  # its stub counts no arguments behind a star
            write(
                *self.arguments(), start, stop,
                np.ascontiguousarray(found.vectors), shifts, self.columns, bars,
            )  # fmt: skip

        run_blocks(score, self.tasks, n_jobs=self.n_jobs)
        return bars, bool(np.isfinite(bars[self.slots >= 0]).all())


class _Count:
    """Counts of one chunk of candidates, for ranges of groups."""

    def __init__(
        self, counting: _Counting, first: int, rows: Rows, n_rows: int, shared: tuple[Any, ...]
    ) -> None:
        self.counting, self.rows, self.shared = counting, rows, shared
        self.place = (n_rows, first)
        self.laid_out = None if counting.by_relation else counting.lay_out(rows, 0, n_rows)

    def __call__(self, start: int, stop: int) -> bool:
        counting = self.counting
        laid_out = self.laid_out or counting.lay_out(self.rows, start, self.place[0])
        panels, shifts, finite = laid_out
        count: Any = ranking.count_groups
        count(*counting.arguments(), start, stop, panels, shifts, *self.place, *self.shared)
        return finite


def _lay_out(segments: Ids) -> Ids:
    """Return the query of each place of tiles that hold one segment each, -1 for none."""
    order = np.argsort(segments, kind="stable")
    starts = np.flatnonzero(np.diff(segments[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    wide = -(-sizes // QUERIES) * QUERIES
    shifts = np.concatenate([[0], np.cumsum(wide)[:-1]]).astype(np.int64) - starts
    slots = np.full(int(wide.sum()), -1, dtype=np.int64)
    slots[np.arange(len(order)) + np.repeat(shifts, sizes)] = order
    return slots


def _padded(rows: Rows) -> Rows:
    """Return rows of the full number, as products of matrices of another shape may round apart."""
    if len(rows) == CHUNK:
        return rows
    out = np.zeros((CHUNK, rows.shape[1]), dtype=np.float32)
    out[: len(rows)] = rows
    return out


class _Places:
    """Places of entities in an ascending array, -1 where they are not in it."""

    def __init__(self, ids: Ids) -> None:
        self.ids = ids

    def __call__(self, ids: Ids) -> Ids:
        if not len(self.ids):
            return np.full(len(ids), -1, dtype=np.int64)
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[places] == ids, places, -1)


def _move(
    known: npt.NDArray[Any], starts: Ids, stops: Ids, positions: Any
) -> tuple[npt.NDArray[Any], Ids, Ids]:
    """Return known answers by their positions, ascending for each query, and where they are."""
    moved = positions(known)
    if moved is known:
        return known, starts, stops
    lengths = stops - starts
    ends = np.cumsum(lengths)
    begins = ends - lengths
    queries = np.repeat(np.arange(len(starts)), lengths)
    values = moved[np.arange(len(queries)) + np.repeat(starts - begins, lengths)]
    return values[np.lexsort((values, queries))].astype(known.dtype), begins, ends
