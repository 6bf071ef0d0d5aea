"""Negatives: triples that are taken to be false because an entity was replaced at random."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from graphembed.engine import run_blocks
from graphembed.knowledge.known_triples import KnownTriples

Numbers = npt.NDArray[np.int64]

NEGATIVES = ("shared", "uniform", "bernoulli")
BLOCK = 8192  # triples of one task


class Corruptions(NamedTuple):
    """Entities that replace the head or the tail of triples.

    Attributes
    ----------
    entities : ndarray of shape (n, n_negatives), int64
    heads : ndarray of shape (n, n_negatives), bool
        Whether it is the head that is replaced.
    """

    entities: Numbers
    heads: npt.NDArray[np.bool_]


def shared_negatives(key: int, n_entities: int, n_negatives: int) -> Numbers:
    """Draw distinct entities, for all queries of a batch to share.

    Parameters
    ----------
    key : int
        Source of all randomness, 64 bits.
    n_entities : int
    n_negatives : int

    Returns
    -------
    ndarray of shape (min(n_negatives, n_entities),), int64
        Any subset in any order is equally likely; each entity once where all are asked for.

    Examples
    --------
    >>> from graphembed.knowledge.negatives import shared_negatives
    >>> sorted(shared_negatives(7, n_entities=4, n_negatives=9).tolist())
    [0, 1, 2, 3]
    """
    from graphembed.kernels.triple_negatives import draw_distinct

    out = np.empty(min(n_negatives, n_entities), dtype=np.int64)
    draw_distinct(np.uint64(key), n_entities, out)
    return out


def mask_own(answers: npt.ArrayLike, negatives: Numbers, scores: npt.NDArray[np.float32]) -> None:
    """Write -inf at the scores of shared negatives that are the true answer of their query.

    Parameters
    ----------
    answers : array-like of shape (n_queries,)
    negatives : ndarray of shape (n_negatives,), int64
        May repeat.
    scores : ndarray of shape (n_queries, n_negatives), float32
        Written.
    """
    from graphembed.kernels.triple_negatives import mask_answers

    answers = np.ascontiguousarray(answers, dtype=np.int64)
    nothing = np.zeros_like(answers)
    mask_answers(nothing, nothing, np.empty(0, np.int32), answers, negatives, scores)


def uniform_chances(n_relations: int) -> npt.NDArray[np.float64]:
    """Return 1/2 for each relation: the head is replaced as often as the tail."""
    return np.full(n_relations, 0.5)


def bernoulli_chances(known: KnownTriples) -> npt.NDArray[np.float64]:
    r"""Return the chance of replacing the head, for each relation, that makes few true triples.

    .. math:: p_r = \frac{tph_r}{tph_r + hpt_r}

    where :math:`tph_r` is the mean number of tails of a head that has any with relation r, and
    :math:`hpt_r` that of heads of a tail: of a relation that leads many heads to one tail, the
    tail is replaced more often. 1/2 for a relation without triples.

    References
    ----------
    Wang, Zhang, Feng & Chen (2014), Knowledge Graph Embedding by Translating on Hyperplanes, AAAI.
    """
    m = known.n_relations
    n_keys = np.bincount(known.key_relations, minlength=2 * m).astype(np.float64)
    n_heads, n_tails = n_keys[:m], n_keys[m:]
    # tph is triples / heads and hpt is triples / tails.
    return np.where(n_heads > 0, n_tails / np.maximum(n_heads + n_tails, 1), 0.5)


def corrupt(
    key: int,
    numbers: Numbers,
    triples: Numbers,
    n_negatives: int,
    *,
    n_entities: int,
    chances: npt.NDArray[np.float64],
    n_jobs: int | None = 1,
) -> Corruptions:
    """Draw negatives for each triple by itself, each with a side of its own.

    Parameters
    ----------
    key : int
        Source of randomness, 64 bits; another one for each epoch.
    numbers : ndarray of shape (n,), int64
        Numbers of the triples, what their draws depend on besides the key.
    triples : ndarray of shape (n, 3), int64
    n_negatives : int
    n_entities : int
        At least 2: an entity is never replaced by itself.
    chances : ndarray of shape (n_relations,)
        Of replacing the head; :func:`uniform_chances` or :func:`bernoulli_chances`.
    n_jobs : int or None, default=1

    Raises
    ------
    ValueError
        If there are fewer than 2 entities.
    """
    from graphembed.kernels import triple_negatives

    if n_entities < 2:
        raise ValueError(f"Replacing an entity takes at least 2 of them; got {n_entities}.")
    entities = np.empty((len(triples), n_negatives), dtype=np.int64)
    heads = np.empty(entities.shape, dtype=bool)
    units = head_chances(chances)
    numbers = np.ascontiguousarray(numbers, dtype=np.int64)
    triples = np.ascontiguousarray(triples, dtype=np.int64)

    def work(first: int, last: int) -> None:
        triple_negatives.corrupt(
            np.uint64(key), numbers, triples, units, n_entities, entities, heads, first, last
        )

    blocks = [(i, min(i + BLOCK, len(triples))) for i in range(0, len(triples), BLOCK)]
    run_blocks(work, blocks, n_jobs=n_jobs)
    return Corruptions(entities, heads)


def head_chances(chances: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Return chances in units of 2**-32, as the kernels take them."""
    return np.rint(np.asarray(chances) * 2.0**32).astype(np.uint64)
