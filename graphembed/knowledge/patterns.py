"""Patterns of relations: which are symmetric, inverses of others, or made of two others."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Ids = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

CATEGORIES = ("1-1", "1-N", "N-1", "N-N")
MANY = 1.5  # on average, as Bordes et al. (2013)
MAX_RELATIONS = 2048  # of which compositions are counted


class Patterns(NamedTuple):
    """What the triples of each relation look like; all arrays have a row for each relation.

    Attributes
    ----------
    n_triples : ndarray, int64
    tails_per_head, heads_per_tail : ndarray, float64
        On average over the heads, or tails, that occur; NaN without triples.
    symmetric : ndarray, float64
        Share of triples whose reverse is there too; those from an entity to itself do not count.
    inverse, inverse_share : ndarray, int64 and float64
        The other relation that holds most of the reversed triples, -1 for none, and their share.
    implied, implied_share : ndarray, int64 and float64
        The other relation that holds most of the same triples, and their share.
    first, second : ndarray, int64
        The two relations whose paths best make up the relation, -1 for none.
    confidence, coverage : ndarray, float64
        Share of the paths of these two that a triple of the relation closes, and share of the
        relation's triples that close one.
    """

    n_triples: Ids
    tails_per_head: Shares
    heads_per_tail: Shares
    symmetric: Shares
    inverse: Ids
    inverse_share: Shares
    implied: Ids
    implied_share: Shares
    first: Ids
    second: Ids
    confidence: Shares
    coverage: Shares


def relation_patterns(
    triples: npt.ArrayLike, n_entities: int, n_relations: int, *, min_coverage: float = 0.1
) -> Patterns:
    """Find the patterns of all relations in some triples.

    Parameters
    ----------
    triples : array-like of shape (n_triples, 3)
        Row numbers of heads, relations and tails; each counts once.
    n_entities, n_relations : int
    min_coverage : float, default=0.1
        A composition must explain so much of a relation to be considered; of those, the one of
        the highest confidence is best.

    Returns
    -------
    Patterns

    Notes
    -----
    Compositions are left out if there are more than 2048 relations, and so are those with the
    relation itself as a part.

    Examples
    --------
    >>> from graphembed.knowledge.patterns import relation_patterns
    >>> married, parent = [[0, 0, 1], [1, 0, 0]], [[0, 1, 2], [1, 1, 2]]
    >>> found = relation_patterns(married + parent, n_entities=3, n_relations=2)
    >>> found.symmetric, found.heads_per_tail
    (array([1., 0.]), array([1., 2.]))
    """
    triples = np.unique(np.asarray(triples, dtype=np.int64).reshape(-1, 3), axis=0)
    heads, relations, tails = np.ascontiguousarray(triples.T)
    counts = np.bincount(relations, minlength=n_relations)
    proper = heads != tails
    n_proper = np.bincount(relations[proper], minlength=n_relations)
    pairs = (heads * n_entities + tails)[proper], relations[proper]
    reverse = (tails * n_entities + heads)[proper], relations[proper]
    backwards = _overlap(pairs, reverse, n_relations)
    same = _overlap(pairs, pairs, n_relations)
    tails_per_head, heads_per_tail = _ends_per_entity(triples, n_relations)
    first, second, confidence, coverage = _compositions(
        triples, n_entities, n_relations, backwards, min_coverage
    )
    inverse, inverse_share = _best(backwards, n_proper)
    implied, implied_share = _best(same, n_proper)
    return Patterns(
        n_triples=counts,
        tails_per_head=tails_per_head,
        heads_per_tail=heads_per_tail,
        symmetric=_ratio(backwards.diagonal(), n_proper),
        inverse=inverse,
        inverse_share=inverse_share,
        implied=implied,
        implied_share=implied_share,
        first=first,
        second=second,
        confidence=confidence,
        coverage=coverage,
    )


def relation_categories(triples: npt.ArrayLike, n_relations: int) -> dict[str, Ids]:
    """Return the relations of each category: 1-1, 1-N, N-1, N-N.

    Parameters
    ----------
    triples : array-like of shape (n_triples, 3)
        Row numbers of heads, relations and tails.
    n_relations : int

    Returns
    -------
    dict of str to ndarray of int64
        A relation is N-1 if a tail has at least 1.5 heads on average and a head fewer tails, and
        so on; those without triples are in none.

    References
    ----------
    Bordes et al. (2013), Translating Embeddings for Modeling Multi-relational Data, NIPS.

    Examples
    --------
    >>> from graphembed.knowledge.patterns import relation_categories
    >>> relation_categories([[0, 0, 2], [1, 0, 2]], 1)["N-1"]
    array([0])
    """
    triples = np.unique(np.asarray(triples, dtype=np.int64).reshape(-1, 3), axis=0)
    tails_per_head, heads_per_tail = _ends_per_entity(triples, n_relations)
    return {
        name: np.flatnonzero(chosen)
        for name, chosen in zip(
            CATEGORIES,
            [
                (heads_per_tail < MANY) & (tails_per_head < MANY),
                (heads_per_tail < MANY) & (tails_per_head >= MANY),
                (heads_per_tail >= MANY) & (tails_per_head < MANY),
                (heads_per_tail >= MANY) & (tails_per_head >= MANY),
            ],
            strict=True,
        )
    }


def _ends_per_entity(triples: Ids, n_relations: int) -> tuple[Shares, Shares]:
    counts = np.bincount(triples[:, 1], minlength=n_relations)
    out = []
    for column in (0, 2):
        different = np.unique(triples[:, [1, column]], axis=0)
        n_different = np.bincount(different[:, 0], minlength=n_relations)
        out.append(np.where(counts > 0, counts / np.maximum(n_different, 1), np.nan))
    return out[0], out[1]


def _ratio(part: Any, whole: Any) -> Shares:
    shares: Shares = np.asarray(part, dtype=np.float64) / np.maximum(whole, 1)
    return shares


def _overlap(one: tuple[Ids, Ids], other: tuple[Ids, Ids], n_relations: int) -> sp.csr_array:
    """Return for all r and s how many pairs of r in ``one`` are pairs of s in ``other``."""
    _, places = np.unique(np.concatenate([one[0], other[0]]), return_inverse=True)
    n_places = int(places.max(initial=-1)) + 1
    first, second = (
        sp.csr_array(
            (np.ones(len(kinds), dtype=np.int64), (kinds, rows)), shape=(n_relations, n_places)
        )
        for kinds, rows in (
            (one[1], places[: len(one[0])]), (other[1], places[len(one[0]) :])
        )
    )  # fmt: skip
    return sp.csr_array(first @ second.T)


def _best(overlap: sp.csr_array, n_triples: Ids) -> tuple[Ids, Shares]:
    """Return for each relation the other one with the largest overlap, and its share."""
    entries = overlap.tocoo()
    n = len(n_triples)
    best, shares = np.full(n, -1, dtype=np.int64), np.zeros(n)
    keep = (entries.row != entries.col) & (entries.data > 0)
    rows, columns, values = entries.row[keep], entries.col[keep], entries.data[keep]
    order = np.lexsort((-columns, values, rows))  # the last of each row is its best
    best[rows[order]] = columns[order]
    shares[rows[order]] = values[order] / n_triples[rows[order]]
    return best, shares


def _compositions(
    triples: Ids, n_entities: int, n_relations: int, backwards: sp.csr_array, min_coverage: float
) -> tuple[Ids, Ids, Shares, Shares]:
    from graphembed.kernels.compositions import count_compositions

    first, second = np.full((2, n_relations), -1, dtype=np.int64)
    confidence, coverage = np.zeros((2, n_relations))
    if n_relations > MAX_RELATIONS or not len(triples):
        return first, second, confidence, coverage
    heads, relations, tails = np.ascontiguousarray(triples.T)
    sides = []
    for one, other in ((heads, tails), (tails, heads)):
        order = np.lexsort((other, one))
        starts = np.searchsorted(one[order], np.arange(n_entities + 1))
        sides += [starts, other[order], relations[order]]
    ones = np.ones(len(triples), dtype=np.int64)
    incoming, outgoing = (
        sp.csr_array((ones, (ends, relations)), shape=(n_entities, n_relations))
        for ends in (tails, heads)
    )
    # Ways from an entity back to itself are no paths that a triple of two entities could close.
    n_paths = (incoming.T @ outgoing).toarray() - backwards.toarray()
    n_paths = np.maximum(n_paths, 1).ravel()
    closed, covered, stamps = np.zeros((3, n_relations**2), dtype=np.int64)
    stamp = 1
    order = np.argsort(relations, kind="stable")
    bounds = np.flatnonzero(np.diff(relations[order], prepend=-1))
    for group in np.split(order, bounds[1:]):
        kind = relations[group[0]]
        group = group[heads[group] != tails[group]]
        if not len(group):
            continue
        closed[:], covered[:] = 0, 0
        count: Any = count_compositions  # its stub counts no arguments behind a star
        stamp = count(
            heads[group], tails[group], *sides, n_relations, closed, covered, stamps, stamp
        )
        trust, share = closed / n_paths, covered / len(group)
        trust[kind * n_relations : (kind + 1) * n_relations] = 0
        trust[kind::n_relations] = 0
        trust[share < min_coverage] = 0
        best = int(np.argmax(trust))
        if trust[best] > 0:
            first[kind], second[kind] = divmod(best, n_relations)
            confidence[kind], coverage[kind] = trust[best], share[best]
    return first, second, confidence, coverage
