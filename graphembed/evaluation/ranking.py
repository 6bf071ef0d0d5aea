"""How well a model of a knowledge graph ranks the true answers: exact, filtered, on both sides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from graphembed.evaluation.known_world import known_world
from graphembed.evaluation.report import Report, text
from graphembed.knowledge.patterns import relation_categories
from graphembed.knowledge.ranks import SIDES, Ranks, filtered_ranks
from graphembed.random_state import RandomStateLike, check_random_state

Ids = npt.NDArray[np.int64]

HITS = (1, 3, 10)
BOTH = "both"
UNSEEN = ("keep", "drop")


@dataclass(frozen=True, eq=False)
class RankingMetrics:
    """Summaries of the realistic ranks of some questions.

    Attributes
    ----------
    n_ranks : int
    mrr : float
        Mean reciprocal rank, 1 at best.
    mr : float
        Mean rank.
    amri : float
        Adjusted mean rank index: 1 at best, 0 by chance, whatever the number of candidates; NaN if
        no question had a choice.
    hits : dict of int to float
        Share of ranks of at most k.
    """

    n_ranks: int
    mrr: float
    mr: float
    amri: float
    hits: dict[int, float]

    @classmethod
    def of(
        cls, ranks: npt.NDArray[Any], n_candidates: npt.NDArray[Any], ks: Sequence[int]
    ) -> "RankingMetrics":
        """Summarise ranks among so many candidates each."""
        ranks = np.asarray(ranks, dtype=np.float64).ravel()
        if not len(ranks):
            nothing = float("nan")
            return cls(0, nothing, nothing, nothing, dict.fromkeys(ks, nothing))
        chance = (np.mean(n_candidates) - 1) / 2
        return cls(
            len(ranks),
            float(np.mean(1 / ranks)),
            float(np.mean(ranks)),
            float(1 - (np.mean(ranks) - 1) / chance) if chance > 0 else float("nan"),
            {k: float(np.mean(ranks <= k)) for k in ks},
        )

    def record(self) -> dict[str, Any]:
        """Return all numbers by name."""
        hits = {f"hits_at_{k}": share for k, share in self.hits.items()}
        return {"mrr": self.mrr, "mr": self.mr, "amri": self.amri, **hits, "n_ranks": self.n_ranks}


class _Group(NamedTuple):
    """Metrics of some triples, on one side or both."""

    by: str
    name: Any
    side: str
    metrics: RankingMetrics


@dataclass(frozen=True, eq=False)
class _RankedTriples(Report):
    n_triples: int
    n_unseen: int
    n_entities: int
    groups: tuple[_Group, ...] = field(repr=False)
    ranks: Ranks = field(repr=False)
    triples: npt.NDArray[Any] = field(repr=False)

    def _metrics(self, by: str, side: str = BOTH) -> dict[Any, RankingMetrics]:
        return {g.name: g.metrics for g in self.groups if g.by == by and g.side == side}

    def _bound(self, ranks: Ids) -> RankingMetrics:
        ks = list(self._metrics("all")["all"].hits)
        return RankingMetrics.of(ranks, self.ranks.n_candidates, ks)

    _prefix = ""

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the ranks themselves, as plain numbers, strings and lists."""
        out = super().to_dict()
        out |= {self._prefix + name: value for name, value in self._whole().record().items()}
        for name, ranks in (
            ("optimistic", self.ranks.optimistic), ("pessimistic", self.ranks.pessimistic),
        ):  # fmt: skip
            out[f"{self._prefix}mrr_{name}"] = self._bound(ranks).mrr
        return {**out, "groups": self._records()}

    def _whole(self) -> RankingMetrics:
        return self._metrics("all")["all"]

    def _records(self) -> list[dict[str, Any]]:
        """Return a row for each side of all triples, of each category and of each relation."""
        return [
            {
                "by": group.by,
                "name": str(group.name),
                "side": group.side,
                **{
                    name if name == "n_ranks" else self._prefix + name: value
                    for name, value in group.metrics.record().items()
                },
            }
            for group in self.groups
        ]

    def _table(self) -> list[dict[str, str]]:
        """Return one row for each side of all triples, and of each category."""
        rows = []
        for record in self._records():
            by, name, side = (record.pop(key) for key in ("by", "name", "side"))
            if by != "relation":
                of = side if by == "all" else f"{name} {side}"
                rows.append({"ranks of": of, **{key: text(cell) for key, cell in record.items()}})
        return rows


@dataclass(frozen=True, eq=False)
class RankingReport(_RankedTriples):
    """Filtered ranks of the true answers of triples, among all entities.

    Attributes
    ----------
    mrr, mr, amri : float
        Mean reciprocal rank, mean rank and adjusted mean rank index, over both sides. A rank is
        the mean of the best and the worst that ties allow.
    hits : dict of int to float
        Share of ranks of at most k.
    optimistic, pessimistic : RankingMetrics
        The same if ties are won, or lost. Far apart, they tell of a model that gives many entities
        the same score.
    sides : dict of {"head", "tail"} to RankingMetrics
        By what is asked for.
    relations : dict of id to RankingMetrics
        By relation.
    categories : dict of {"1-1", "1-N", "N-1", "N-N"} to RankingMetrics
        By whether a relation has many tails for a head (1-N), many heads for a tail (N-1): 1.5 on
        average or more (Bordes et al. 2013).
    n_triples : int
        Number of triples that were ranked.
    n_unseen : int
        Number of triples given whose entities or relation were in no training triple.
    n_entities : int
        Number of candidates, before known answers are left out.
    ranks : Ranks
        Of each triple.
    triples : ndarray of shape (n_triples, 3)
        The triples that were ranked, as ids.
    """

    task = "ranking"

    @property
    def mrr(self) -> float:
        """Mean reciprocal rank."""
        return self._whole().mrr

    @property
    def mr(self) -> float:
        """Mean rank."""
        return self._whole().mr

    @property
    def amri(self) -> float:
        """Adjusted mean rank index."""
        return self._whole().amri

    @property
    def hits(self) -> dict[int, float]:
        """Shares of ranks of at most k."""
        return self._whole().hits

    @property
    def optimistic(self) -> RankingMetrics:
        """The metrics if the true answer comes before all of its score."""
        return self._bound(self.ranks.optimistic)

    @property
    def pessimistic(self) -> RankingMetrics:
        """The metrics if the true answer comes after all of its score."""
        return self._bound(self.ranks.pessimistic)

    @property
    def sides(self) -> dict[str, RankingMetrics]:
        """The metrics by what is asked for."""
        return {side: self._metrics("all", side)["all"] for side in self.ranks.sides}

    @property
    def relations(self) -> dict[Any, RankingMetrics]:
        """The metrics by relation."""
        return self._metrics("relation")

    @property
    def categories(self) -> dict[str, RankingMetrics]:
        """The metrics by category of relation."""
        return self._metrics("category")


@dataclass(frozen=True, eq=False)
class SampledRankingReport(_RankedTriples):
    """Ranks among a sample of the entities, which say nothing about ranks among all of them.

    The fewer candidates, the better every model looks; the order of two models may change, too.

    Attributes
    ----------
    sampled_mrr, sampled_mr, sampled_amri : float
    sampled_hits : dict of int to float
        As in :class:`RankingReport`, among the sample and the true answer.
    n_candidates : int
        Size of the sample, from which known answers are left out.
    n_triples, n_unseen, n_entities, ranks, triples
        As in :class:`RankingReport`.
    """

    task = "sampled_ranking"
    _prefix = "sampled_"

    n_candidates: int = 0

    @property
    def sampled_mrr(self) -> float:
        """Mean reciprocal rank among the sample."""
        return self._whole().mrr

    @property
    def sampled_mr(self) -> float:
        """Mean rank among the sample."""
        return self._whole().mr

    @property
    def sampled_amri(self) -> float:
        """Adjusted mean rank index among the sample."""
        return self._whole().amri

    @property
    def sampled_hits(self) -> dict[int, float]:
        """Shares of ranks of at most k among the sample."""
        return self._whole().hits


def evaluate_ranking(
    model: Any,
    triples: Any,
    *,
    filters: Sequence[Any] = (),
    unseen: str = "keep",
    n_candidates: int | None = None,
    sides: Sequence[str] = SIDES,
    hits: Sequence[int] = HITS,
    check_finite: bool = True,
    random_state: RandomStateLike = 0,
    n_jobs: int | None = -1,
) -> RankingReport | SampledRankingReport:
    """Rank the true head and tail of each triple among all entities.

    Parameters
    ----------
    model : fitted KnowledgeEmbedder, or graphembed.knowledge.answers.Model
        A ``Model`` holds the tables of any other library, with one of the formulas here; triples
        are row numbers then.
    triples : Graph, or array-like or table of shape (n_triples, 3)
        As in :meth:`~graphembed.knowledge.base.KnowledgeEmbedder.fit`: usually the test set.
    filters : sequence of the same, default=()
        Further triples that are known to be true, whose answers are left out of the ranking: those
        of ``triples`` and those that the model was fitted with always are. A test set is filtered
        by the validation set as well, a validation set by nothing else.
    unseen : {"keep", "drop"}, default="keep"
        What becomes of entities and relations that were in no training triple. Kept, they are
        ranked, and are candidates, by the random rows that they would have started from. Dropped,
        their triples are left out, and so are they as candidates, which makes results look better
        and only compare with those that did the same.
    n_candidates : int, optional
        Rank among so many entities, drawn once for all triples, instead of all: the report is a
        :class:`SampledRankingReport`.
    sides : sequence of {"head", "tail"}, default=("head", "tail")
        What is asked for.
    hits : sequence of int, default=(1, 3, 10)
        Ranks that count as hits.
    check_finite : bool, default=True
        Whether scores that are not finite are an error. If not, a true answer that scores NaN
        gets the worst rank, and so does every one with a candidate that scores NaN before it.
    random_state : None, int, SeedSequence, Generator or RandomState, default=0
        Decides the sample of candidates; not used without one.
    n_jobs : int or None, default=-1
        Number of threads. The ranks do not depend on it.

    Returns
    -------
    RankingReport or SampledRankingReport

    Raises
    ------
    NonFiniteScoresError
        If the model has diverged.
    GraphError
        If an input does not hold triples.
    ValueError
        If another parameter is out of range, or there is nothing to rank.

    References
    ----------
    Bordes et al. (2013), Translating Embeddings for Modeling Multi-relational Data, NIPS.

    Berrendorf et al. (2020), On the Ambiguity of Rank-Based Evaluation of Entity Alignment or Link
    Prediction Methods, arXiv:2002.06914.

    Krichene and Rendle (2020), On Sampled Metrics for Item Recommendation, KDD.

    Examples
    --------
    >>> from graphembed.evaluation import evaluate_ranking
    >>> from graphembed.knowledge.transe import TransE
    >>> cities = [("rome", "in", "italy"), ("pisa", "in", "italy"), ("oslo", "in", "norway")]
    >>> model = TransE(n_components=8, random_state=0).fit(cities)
    >>> report = evaluate_ranking(model, cities, sides=["tail"])
    >>> report.mrr, report.hits[1], report.n_triples
    (1.0, 1.0, 3)
    """
    if unseen not in UNSEEN:
        raise ValueError(f"Unknown unseen {unseen!r} (known: {', '.join(UNSEEN)}).")
    if not sides:
        raise ValueError("sides is empty; give 'head', 'tail' or both.")
    known = known_world(model, triples, *filters)
    given = known.sets[0]
    strange = known.unseen(given)
    rows, pool = given, np.arange(len(known.entities))
    if unseen == "drop":
        rows, pool = given[~strange], np.flatnonzero(known.seen)
    if not len(rows):
        raise ValueError("There are no triples to rank.")
    candidates = None if len(pool) == len(known.entities) else pool
    if n_candidates is not None:
        candidates = _sample(pool, n_candidates, random_state)
    tables, names = known.model, known.relations.to_numpy()
    ranks = filtered_ranks(
        tables.formula, tables.entities, tables.relations, rows, known.index(),
        reciprocal=tables.reciprocal, sides=sides, candidates=candidates,
        check_finite=check_finite, n_jobs=n_jobs,
    )  # fmt: skip
    categories = relation_categories(known.all_triples(), len(names))
    groups = tuple(_groups(ranks, rows[:, 1], names, categories, hits))
    common = (len(rows), int(strange.sum()), len(pool), groups, ranks, known.ids(rows))
    if n_candidates is None:
        return RankingReport(*common)
    return SampledRankingReport(*common, n_candidates=int(n_candidates))


def _sample(pool: Ids, n_candidates: int, random_state: RandomStateLike) -> Ids:
    if not isinstance(n_candidates, Integral) or not 0 < n_candidates <= len(pool):
        raise ValueError(
            f"n_candidates must be an int from 1 to {len(pool)}, the number of entities; got "
            f"{n_candidates!r}."
        )
    rng = check_random_state(random_state)
    return np.sort(rng.permutation(pool)[:n_candidates])


def _groups(
    ranks: Ranks,
    relations: Ids,
    names: npt.NDArray[Any],
    categories: Mapping[str, Ids],
    ks: Sequence[int],
) -> list[_Group]:
    """Return the metrics of all triples, of each category and of each relation."""
    realistic = ranks.realistic
    chosen: list[tuple[str, Any, Any]] = [("all", "all", np.arange(len(relations)))]
    for name, members in categories.items():
        chosen.append(("category", name, np.flatnonzero(np.isin(relations, members))))
    order = np.argsort(relations, kind="stable")
    starts = np.flatnonzero(np.diff(relations[order], prepend=-1))
    by_relation = np.split(order, starts[1:])
    chosen += [("relation", names[relations[group[0]]], group) for group in by_relation]
    found = []
    for by, name, group in chosen:
        if not len(group):
            continue
        for side in (*ranks.sides, BOTH):
            asked = np.array([side in (one, BOTH) for one in ranks.sides])
            values = realistic[asked][:, group], ranks.n_candidates[asked][:, group]
            found.append(_Group(by, name, side, RankingMetrics.of(*values, ks)))
    return found
