"""Slow, plain numpy twins of the compiled kernels: what each of them must compute."""

from typing import Any

import numpy as np
import numpy.typing as npt


def row_norms(matrix: Any) -> npt.NDArray[np.float64]:
    """Return the length of each row; twin of ``kernels.topk.row_norms``."""
    matrix = np.asarray(matrix, dtype=np.float64)
    return np.sqrt(lane_sum(matrix * matrix))


def vector_scores(left: Any, right: Any, geometry: str) -> npt.NDArray[np.float32]:
    """Return the score of each row of ``left`` with its row of ``right``; larger is nearer.

    Twin of ``kernels.topk.exact_score`` and ``pair_scores``.
    """
    left, right = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if geometry == "euclidean":
        return (-np.sqrt(lane_sum((left - right) ** 2))).astype(np.float32)
    scores = lane_sum(left * right)
    if geometry == "cosine":
        norms = row_norms(left) * row_norms(right)
        scores = np.where(norms > 0, scores / np.where(norms > 0, norms, 1), 0)
    return scores.astype(np.float32)


def exact_topk(
    base: Any, queries: Any, k: int, geometry: str, exclude: Any = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Score every row against every query and sort; twin of ``kernels.topk.update_topk``."""
    order = []
    scores = []
    for number, query in enumerate(np.asarray(queries)):
        row_scores = vector_scores(np.broadcast_to(query, base.shape), base, geometry)
        ranked = np.lexsort((np.arange(len(base)), -row_scores))
        if exclude is not None:
            ranked = ranked[ranked != exclude[number]]
        order.append(ranked[:k])
        scores.append(row_scores[ranked[:k]])
    return np.array(order, dtype=np.int64), np.array(scores, dtype=np.float32)


def lane_sum(terms: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sum each row over four interleaved lanes, left to right, as the compiled dot products do."""
    lanes = np.zeros((4, len(terms)))
    whole = terms.shape[1] - terms.shape[1] % 4
    for column in range(terms.shape[1]):
        lanes[column % 4 if column < whole else 0] += terms[:, column]
    total: npt.NDArray[np.float64] = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
    return total


def mix(word: int) -> int:
    """SplitMix64's finaliser; twin of ``kernels.rng.mix``."""
    word = (word + 0x9E3779B97F4A7C15) % 2**64
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) % 2**64
    return word ^ (word >> 31)


def fold(key: int, word: int) -> int:
    """Key of an item; twin of ``kernels.rng.fold``."""
    return mix(mix(key) ^ word)


def draw(key: int, counter: int) -> int:
    """Draw of a key; twin of ``kernels.rng.draw``."""
    return mix(key ^ mix(counter))


def scramble(value: int, key: int, scale: int) -> int:
    """Permute ``0 .. 2**scale - 1``; twin of ``kernels.generate.scramble``."""
    for i in range(4):
        word = draw(key, i)
        value = (value * (word | 1) + (word >> 32)) % 2**scale
        value ^= value >> (scale + 1) // 2
    return value


def rmat_edges(
    key: int, n_edges: int, scale: int, thresholds: Any
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Draw R-MAT edges one level at a time; twin of ``kernels.generate.rmat_edges``."""
    first, second, third = (int(threshold) for threshold in thresholds)
    edges = np.empty((2, n_edges), dtype=np.int32)
    for edge in range(n_edges):
        edge_key = fold(fold(key, 1), edge)
        source = target = 0
        for level in range(scale):
            bits = draw(edge_key, level // 2) >> 32 * (level % 2) & 0xFFFFFFFF
            source = 2 * source + (bits >= second)
            target = 2 * target + (first <= bits < second or bits >= third)
        labels = fold(key, 0)
        edges[:, edge] = scramble(source, labels, scale), scramble(target, labels, scale)
    return edges[0], edges[1]


def draw_pairs(
    key: int, block: int, begin: int, end: int, probability: float
) -> npt.NDArray[np.int64]:
    """Leap from hit to hit through one chunk; twin of ``kernels.generate.draw_pairs``."""
    chunk_key = fold(fold(key, block), begin)
    with np.errstate(divide="ignore"):
        log_miss = np.log1p(-probability)
    hits: list[int] = []
    position = begin - 1
    while True:
        chance = (draw(chunk_key, len(hits)) >> 11) / 2**53
        skip = np.floor(np.log1p(-chance) / log_miss)
        if skip >= end - position - 1:
            return np.array(hits, dtype=np.int64)
        position += 1 + int(skip)
        hits.append(position)


def attach_edges(
    key: int, n_nodes: int, n_links: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Grow a graph by preferential attachment; twin of ``kernels.generate.attach_edges``."""
    edges = [(leaf, 0) for leaf in range(1, n_links + 1)]
    for node in range(n_links + 1, n_nodes):
        node_key = fold(key, node)
        ends = [end for source, target in edges for end in (target, source)]
        chosen: list[int] = []
        counter = 0
        while len(chosen) < n_links:
            target = ends[(draw(node_key, counter) >> 32) * len(ends) >> 32]
            counter += 1
            if target not in chosen:
                chosen.append(target)
        edges += [(node, target) for target in chosen]
    array = np.array(edges, dtype=np.int32)
    return array[:, 0], array[:, 1]


def hash_strings(strings: Any) -> npt.NDArray[np.uint64]:
    """Hash the UTF-8 bytes of each string; twin of ``kernels.hashing.hash_strings``."""
    hashes = []
    for string in strings:
        data = string.encode()
        key = mix(len(data))
        for start in range(0, len(data), 8):
            key = mix(key ^ int.from_bytes(data[start : start + 8], "little"))
        hashes.append(key)
    return np.array(hashes, dtype=np.uint64)


def find_strings(queries: Any, known: Any) -> npt.NDArray[np.int64]:
    """Look each query up in a dict, -1 if unknown; twin of ``kernels.hashing.find_strings``."""
    rows = {string: row for row, string in enumerate(known)}
    return np.array([rows.get(query, -1) for query in queries], dtype=np.int64)


def csr_entries(
    sources: Any, targets: Any, weights: Any, edge_types: Any, directed: bool
) -> dict[tuple[int, int, int], float]:
    """Return the weight of each (row, column, type) entry; twin of ``builders.from_rows``."""
    entries: dict[tuple[int, int, int], float] = {}
    for source, target, weight, edge_type in zip(
        sources, targets, weights, edge_types, strict=True
    ):
        ends = {(source, target)} if directed else {(source, target), (target, source)}
        for row, column in ends:
            key = (int(row), int(column), int(edge_type))
            entries[key] = entries.get(key, 0.0) + float(weight)
    return dict(sorted(entries.items()))


def sparse_projection(
    seed: int, keys: Any, density: float, scale: Any, d: int
) -> npt.NDArray[np.float64]:
    """Very sparse random projection; twin of ``kernels.projection.sparse_projection``."""
    out = np.zeros((len(keys), d))
    for i, c in np.ndindex(out.shape):
        bits = (draw(fold(seed, int(keys[i])), c // 2) >> (32 * (c % 2))) % 2**32
        if bits - bits % 2 < int(density * 2**32):
            out[i, c] = (1 if bits % 2 else -1) * scale[i] / np.sqrt(density)
    return out


def spmm(indptr: Any, indices: Any, weights: Any, matrix: Any) -> npt.NDArray[np.float64]:
    """Product of a CSR and a dense matrix; twin of ``kernels.spmm.spmm``."""
    out = np.zeros((len(indptr) - 1, matrix.shape[1]))
    for i in range(len(out)):
        for k in range(indptr[i], indptr[i + 1]):
            out[i] += (1.0 if weights is None else weights[k]) * matrix[indices[k]]
    return out


def propagate(
    indptr: Any, indices: Any, weights: Any, matrix: Any, coefficient: float, normalize: bool
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Transition step and what it adds to the total; twin of ``kernels.spmm.propagate``."""
    entries = np.ones(len(indices)) if weights is None else np.asarray(weights, dtype=np.float64)
    sums = [entries[a:b].sum() for a, b in zip(indptr[:-1], indptr[1:], strict=True)]
    degrees = np.array(sums)[:, None]
    product = spmm(indptr, indices, weights, matrix) / np.where(degrees > 0, degrees, 1)
    norms = np.linalg.norm(product, axis=1, keepdims=True) if normalize else 1.0
    return product, coefficient * product / np.where(norms == 0, 1, norms)
