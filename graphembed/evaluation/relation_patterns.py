"""Which patterns the relations of a knowledge graph follow, and which models can express them."""

from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from graphembed.evaluation.report import Report, text
from graphembed.knowledge.patterns import Patterns, relation_categories
from graphembed.knowledge.patterns import relation_patterns as find_patterns
from graphembed.knowledge.triples import index_triples

SYMMETRIC, ANTISYMMETRIC, INVERSE, COMPOSITION = (
    "symmetric", "antisymmetric", "inverse", "composition",
)  # fmt: skip
PATTERNS = (SYMMETRIC, ANTISYMMETRIC, INVERSE, COMPOSITION)
_TRANSLATION = {ANTISYMMETRIC, INVERSE, COMPOSITION}
# What a relation of each model can be (Sun et al. 2019, table 2; Chami et al. 2020).
EXPRESSED = {
    "TransE": _TRANSLATION,
    "TransH": {SYMMETRIC, ANTISYMMETRIC},
    "TransR": {SYMMETRIC, ANTISYMMETRIC},
    "TransD": {SYMMETRIC, ANTISYMMETRIC},
    "TorusE": set(PATTERNS),
    "DistMult": {SYMMETRIC},
    "ComplEx": {SYMMETRIC, ANTISYMMETRIC, INVERSE},
    "RotatE": set(PATTERNS),
    "RotE": set(PATTERNS),
    "RefH": {SYMMETRIC, ANTISYMMETRIC, INVERSE},
    "RotH": set(PATTERNS),
    "AttH": set(PATTERNS),
}


@dataclass(frozen=True, eq=False)
class RelationPatternsReport(Report):
    """Patterns of relations, by the triples that there are.

    Attributes
    ----------
    relations : tuple of ids
    patterns : Patterns
        Shares of triples, relation by relation.
    categories : tuple of {"1-1", "1-N", "N-1", "N-N"}
        Of each relation.
    found : tuple of sets
        The patterns that hold for each relation: those of :data:`PATTERNS` whose share reaches the
        threshold.
    shares : dict of str to float
        Share of all triples whose relation follows each pattern.
    expressed : dict of str to float
        For each model, the share of all triples whose relation follows no pattern that the model
        cannot express exactly. A model may still do well on the others, and other models on these.
    """

    task = "relation_patterns"

    relations: tuple[Any, ...] = field(repr=False)
    patterns: Patterns = field(repr=False)
    categories: tuple[str, ...] = field(repr=False)
    found: tuple[frozenset[str], ...] = field(repr=False)
    shares: dict[str, float]
    expressed: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, strings and lists."""
        return {**super().to_dict(), "relations": self._records()}

    def _records(self) -> list[dict[str, Any]]:
        """Return one row for each relation."""
        p = self.patterns
        return [
            {
                "relation": str(name),
                "n_triples": int(p.n_triples[r]),
                "category": self.categories[r],
                "tails_per_head": float(p.tails_per_head[r]),
                "heads_per_tail": float(p.heads_per_tail[r]),
                "symmetric": float(p.symmetric[r]),
                "inverse": self._name(p.inverse[r]),
                "inverse_share": float(p.inverse_share[r]),
                "implied": self._name(p.implied[r]),
                "implied_share": float(p.implied_share[r]),
                "first": self._name(p.first[r]),
                "second": self._name(p.second[r]),
                "confidence": float(p.confidence[r]),
                "coverage": float(p.coverage[r]),
            }
            for r, name in enumerate(self.relations)
        ]

    def _name(self, relation: Any) -> str:
        return str(self.relations[relation]) if relation >= 0 else ""

    def _table(self) -> list[dict[str, str]]:
        """Return one row for each relation: what it is, in words."""
        rows = []
        for r, record in enumerate(self._records()):
            words = []
            if SYMMETRIC in self.found[r]:
                words.append("symmetric")
            if INVERSE in self.found[r]:
                words.append(f"inverse of {record['inverse']}")
            if COMPOSITION in self.found[r]:
                words.append(f"{record['first']}, then {record['second']}")
            rows.append(
                {
                    "relation": record["relation"],
                    "triples": text(record["n_triples"]),
                    "category": record["category"],
                    "patterns": "; ".join(words),
                }
            )
        return rows


def relation_patterns(triples: Any, *, threshold: float = 0.8) -> RelationPatternsReport:
    """Report which relations are symmetric, inverses of each other, or made of two others.

    Parameters
    ----------
    triples : Graph, or array-like or table of shape (n_triples, 3)
        As in :meth:`~graphembed.knowledge.base.KnowledgeEmbedder.fit`.
    threshold : float, default=0.8
        Share of the triples of a relation (or of paths, for compositions) for which a pattern must
        hold. A relation is antisymmetric if ``1 - threshold`` or less of it is symmetric.

    Returns
    -------
    RelationPatternsReport

    Raises
    ------
    GraphError
        If the input does not hold triples.
    ValueError
        If the threshold is not between 0 and 1.

    References
    ----------
    Sun, Deng, Nie and Tang (2019), RotatE: Knowledge Graph Embedding by Relational Rotation in
    Complex Space, ICLR.

    Examples
    --------
    >>> from graphembed.evaluation import relation_patterns
    >>> couples = [("ann", "married", "bob"), ("bob", "married", "ann")]
    >>> children = [("eve", "child_of", "ann"), ("eve", "child_of", "bob")]
    >>> print(relation_patterns(couples + children))
    relation  triples  category  patterns
    child_of  2        1-N
    married   2        1-1       symmetric
    """
    if not isinstance(threshold, Real) or not 0 < threshold <= 1:
        raise ValueError(f"threshold must be a number in (0, 1]; got {threshold!r}.")
    rows, entities, relations = index_triples(triples)
    n = len(relations)
    found = find_patterns(rows, len(entities), n)
    holds = {
        SYMMETRIC: found.symmetric >= threshold,
        ANTISYMMETRIC: (found.symmetric <= 1 - threshold) & (found.n_triples > 0),
        INVERSE: found.inverse_share >= threshold,
        COMPOSITION: found.confidence >= threshold,
    }
    sets = tuple(frozenset(name for name in PATTERNS if holds[name][r]) for r in range(n))
    total = max(1, int(found.n_triples.sum()))
    categories = np.full(n, "", dtype=object)
    for name, members in relation_categories(rows, n).items():
        categories[members] = name
    return RelationPatternsReport(
        tuple(relations.to_numpy().tolist()),
        found,
        tuple(categories.tolist()),
        sets,
        {name: float(found.n_triples[holds[name]].sum() / total) for name in PATTERNS},
        {
            model: sum(int(found.n_triples[r]) for r in range(n) if sets[r] <= able) / total
            for model, able in EXPRESSED.items()
        },
    )
