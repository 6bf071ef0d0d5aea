"""Random graphs, drawn edge by edge: each edge depends on the key and its own number only."""

import numpy as np
from numba import int64, njit, uint64

from graphembed.kernels.rng import bounded, draw, fold, unit

SCRAMBLE_ROUNDS = 4


@njit(inline="always")
def scramble(value, key, scale):
    """Map ``0 .. 2**scale - 1`` onto itself, one to one, in an order that ``key`` decides.

    Each round is an affine map with an odd factor, then a xor-shift; both can be undone.
    """
    mask = (uint64(1) << uint64(scale)) - uint64(1)
    half = uint64((scale + 1) // 2)
    value = uint64(value)
    for i in range(SCRAMBLE_ROUNDS):
        word = draw(key, i)
        value = (value * (word | uint64(1)) + (word >> uint64(32))) & mask
        value ^= value >> half
    return value


@njit(cache=True, nogil=True)
def rmat_edges(key, start, stop, scale, thresholds, sources, targets):
    r"""Draw edges ``start .. stop - 1`` of an R-MAT graph with :math:`2^{scale}` nodes.

    At each of ``scale`` levels one of the four quadrants of the adjacency matrix is chosen; 32
    random bits decide a level.

    Parameters
    ----------
    key : uint64
        Source of all randomness.
    start, stop : int
        The edges to draw; any cut of the edges gives the same edges.
    scale : int
        Levels, 1 to 31.
    thresholds : ndarray of shape (3,), uint64
        :math:`2^{32}` times a, a + b and a + b + c, the cumulated quadrant probabilities in the
        order upper left, upper right, lower left.
    sources, targets : ndarray of shape (n_edges,), int32
        Written at ``start .. stop - 1``.

    References
    ----------
    Chakrabarti, Zhan and Faloutsos (2004), R-MAT: A Recursive Model for Graph Mining, SDM.
    """
    first, second, third = thresholds[0], thresholds[1], thresholds[2]
    labels = fold(key, 0)
    edges = fold(key, 1)
    for edge in range(start, stop):
        edge_key = fold(edges, edge)
        source = uint64(0)
        target = uint64(0)
        bits = uint64(0)
        for level in range(scale):
            bits = bits >> uint64(32) if level & 1 else draw(edge_key, level >> 1)
            r = bits & uint64(0xFFFFFFFF)
            down = uint64(r >= second)
            right = uint64((r >= first) & (r < second)) | uint64(r >= third)
            source = (source << uint64(1)) | down
            target = (target << uint64(1)) | right
        sources[edge] = scramble(source, labels, scale)
        targets[edge] = scramble(target, labels, scale)


@njit(inline="always")
def _skip(key, counter, log_miss):
    """Draw how many candidates fail before the next hit, as a float: it may be huge."""
    return np.floor(np.log1p(-unit(draw(key, counter))) / log_miss)


@njit(inline="always")
def _span(chunk, chunk_blocks, chunk_starts, spans, n_pairs):
    block = chunk_blocks[chunk]
    begin = chunk_starts[chunk]
    return block, begin, min(begin + spans[block], n_pairs[block])


@njit(cache=True, nogil=True)
def count_pairs(
    key, start, stop, chunk_blocks, chunk_starts, spans, n_pairs, probabilities, counts
):
    """Count the hits of chunks ``start .. stop - 1``; see :func:`draw_pairs`."""
    for chunk in range(start, stop):
        block, begin, end = _span(chunk, chunk_blocks, chunk_starts, spans, n_pairs)
        chunk_key = fold(fold(key, block), begin)
        log_miss = np.log1p(-probabilities[block])
        position = begin - 1
        hits = 0
        while True:
            skip = _skip(chunk_key, hits, log_miss)
            if skip >= end - position - 1:
                break
            position += 1 + int64(skip)
            hits += 1
        counts[chunk] = hits


@njit(cache=True, nogil=True)
def draw_pairs(
    key, start, stop, chunk_blocks, chunk_starts, spans, n_pairs, probabilities, offsets, positions
):
    """Draw the hits of independent trials, by leaping over the misses (Batagelj and Brandes 2005).

    Block ``b`` holds ``n_pairs[b]`` trials with the same probability; it is cut into chunks of
    ``spans[b]`` trials, and chunk ``c`` covers those of block ``chunk_blocks[c]`` from
    ``chunk_starts[c]`` on. The time is that of the hits, not of the trials.

    Parameters
    ----------
    key : uint64
        Source of all randomness.
    start, stop : int
        The chunks to draw; any cut of the chunks gives the same hits.
    chunk_blocks, chunk_starts : ndarray of shape (n_chunks,), int64
        Block and first trial of each chunk.
    spans, n_pairs : ndarray of shape (n_blocks,), int64
        Trials in a chunk and in the block.
    probabilities : ndarray of shape (n_blocks,), float64
        In (0, 1].
    offsets : ndarray of shape (n_chunks + 1,), int64
        Cumulated counts of :func:`count_pairs`.
    positions : ndarray of shape (n_hits,), int64
        Written: the trials of each chunk that hit, ascending.
    """
    for chunk in range(start, stop):
        block, begin, _ = _span(chunk, chunk_blocks, chunk_starts, spans, n_pairs)
        chunk_key = fold(fold(key, block), begin)
        log_miss = np.log1p(-probabilities[block])
        position = begin - 1
        for hit in range(offsets[chunk + 1] - offsets[chunk]):
            position += 1 + int64(_skip(chunk_key, hit, log_miss))
            positions[offsets[chunk] + hit] = position


@njit(cache=True, nogil=True)
def attach_edges(key, n_nodes, n_links, sources, targets):
    """Grow a graph by preferential attachment: a star, then ``n_links`` edges for each new node.

    A new node draws end points of the edges before it, each node thus with a probability in
    proportion to its degree, until it has ``n_links`` different ones. Sequential by nature.

    Parameters
    ----------
    key : uint64
        Source of all randomness.
    n_nodes, n_links : int
        At least ``n_links + 1`` nodes; node 0 is the hub of the star over the first of them.
    sources, targets : ndarray of shape (n_links * (n_nodes - n_links),), int32
        Written; the target is older than the source.

    References
    ----------
    Barabasi and Albert (1999), Emergence of Scaling in Random Networks, Science 286.
    """
    for edge in range(n_links):
        sources[edge] = edge + 1
        targets[edge] = 0
    edge = n_links
    for node in range(n_links + 1, n_nodes):
        node_key = fold(key, node)
        first = edge
        counter = 0
        while edge < first + n_links:
            end = int64(bounded(draw(node_key, counter), 2 * first))
            counter += 1
            target = sources[end >> 1] if end & 1 else targets[end >> 1]
            known = False
            for other in range(first, edge):
                known |= targets[other] == target
            if not known:
                sources[edge] = node
                targets[edge] = target
                edge += 1
