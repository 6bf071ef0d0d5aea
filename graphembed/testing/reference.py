"""Slow, plain numpy twins of the compiled kernels: what each of them must compute."""

from itertools import pairwise
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
    if geometry in ("poincare", "lorentz"):
        return -hyperbolic_distances(left, right, geometry).astype(np.float32)
    if geometry == "euclidean":
        return (-np.sqrt(lane_sum((left - right) ** 2))).astype(np.float32)
    scores = lane_sum(left * right)
    if geometry == "cosine":
        norms = row_norms(left) * row_norms(right)
        scores = np.where(norms > 0, scores / np.where(norms > 0, norms, 1), 0)
    return scores.astype(np.float32)


def hyperbolic_distances(left: Any, right: Any, geometry: str) -> npt.NDArray[np.float64]:
    """Return the distance of each pair of rows by its definition, good to a radius of 12.

    Twin of ``kernels.hyperbolic_topk.hyperbolic_score``. All of the ball is Lorentz coordinates
    first, and the distance is computed from a polar form: radii, and directions.
    """
    if geometry == "poincare":
        left, right = (2 * x / (1 - np.sum(x * x, axis=1, keepdims=True)) for x in (left, right))
    lengths = [np.linalg.norm(x, axis=1, keepdims=True) for x in (left, right)]
    turn = [x / np.where(r > 0, r, 1) for x, r in zip((left, right), lengths, strict=True)]
    radii = [np.arcsinh(r[:, 0]) for r in lengths]
    across = np.sum((turn[0] - turn[1]) ** 2, axis=1) / 4
    across *= lengths[0][:, 0] * lengths[1][:, 0]
    half: npt.NDArray[np.float64] = np.sinh((radii[0] - radii[1]) / 2) ** 2 + across
    return 2 * np.arcsinh(np.sqrt(half))


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
    sums = [entries[a:b].sum() for a, b in pairwise(indptr)]
    degrees = np.array(sums)[:, None]
    product = spmm(indptr, indices, weights, matrix) / np.where(degrees > 0, degrees, 1)
    norms = np.linalg.norm(product, axis=1, keepdims=True) if normalize else 1.0
    return product, coefficient * product / np.where(norms == 0, 1, norms)


def build_alias(weights: Any) -> npt.NDArray[np.uint64]:
    """Vose's alias table of one row; twin of ``kernels.alias.build_alias``."""
    total = 0.0
    for weight in weights:
        total += float(weight)
    scaled = [float(weight) * (len(weights) / total if total else 0.0) for weight in weights]
    poor = [k for k, mass in enumerate(scaled) if mass < 1]
    rich = [k for k, mass in enumerate(scaled) if mass >= 1]
    table = [k << 32 for k in range(len(weights))]
    while poor and rich:
        small, large = poor.pop(), rich[-1]
        table[small] = large << 32 | min(int(scaled[small] * 2**32), 2**32 - 1)
        scaled[large] -= 1.0 - scaled[small]
        if scaled[large] < 1:
            poor.append(rich.pop())
    return np.array(table, dtype=np.uint64)


def choose(table: Any, start: int, entry: int, coin: int) -> int:
    """Return an entry or its alias; twin of ``kernels.alias.choose``."""
    alias, share = divmod(int(table[entry]), 2**32)
    return entry if coin % 2**32 < share else start + alias


def unit(bits: int) -> float:
    """Return a number in [0, 1); twin of ``kernels.rng.unit``."""
    return (bits >> 11) / 2**53


def first_order_walk(
    indptr: Any, indices: Any, table: Any, key: int, start: int, length: int
) -> list[int]:
    """Return one walk; twin of ``kernels.walks.first_order_walks``."""
    walk = [start]
    for step in range(1, length):
        first, degree = int(indptr[walk[-1]]), int(indptr[walk[-1] + 1] - indptr[walk[-1]])
        if degree == 0:
            break
        bits = draw(key, step)
        entry = first + ((bits >> 32) * degree >> 32)
        walk.append(int(indices[entry if table is None else choose(table, first, entry, bits)]))
    return walk + [-1] * (length - len(walk))


def weight_thresholds(indptr: Any, weights: Any, gamma: float) -> npt.NDArray[np.float64]:
    """Return mean plus gamma deviations of each row; twin of ``kernels.walks.mean_weights``."""
    rows = [np.asarray(weights[a:b], dtype=np.float64) for a, b in pairwise(indptr)]
    return np.array([row.mean() + gamma * row.std() if len(row) else 0.0 for row in rows])


def node2vec_bias(
    edges: dict[tuple[int, int], float], thresholds: Any, p: float, q: float, t: int, v: int, x: int
) -> float:
    """Return alpha of node2vec, or (with thresholds) node2vec+; twin of ``kernels.walks._bias``."""
    if x == t:
        return 1 / p
    if thresholds is None:
        return 1.0 if (t, x) in edges else 1 / q
    weight = edges.get((t, x), 0.0)
    if weight > 0 and weight >= thresholds[x]:
        return 1.0
    if edges[v, x] < thresholds[v]:
        return min(1.0, 1 / q)
    return 1 / q + (1 - 1 / q) * (weight / thresholds[x] if weight else 0.0)


def second_order_walk(
    indptr: Any, indices: Any, weights: Any, table: Any, means: Any, thresholds: Any,
    p: float, q: float, key: int, start: int, length: int,
) -> list[int]:  # fmt: skip
    """Return one walk, by the same draws; twin of ``kernels.walks.second_order_walks``."""
    n_trials = 64
    entry_weights = np.ones(len(indices)) if weights is None else np.asarray(weights, np.float64)
    sources = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)).tolist()
    pairs = zip(sources, np.asarray(indices).tolist(), strict=True)
    edges = dict(zip(pairs, entry_weights.tolist(), strict=True))
    high = max(1.0, 1 / q)
    walk = [start]
    for step in range(1, length):
        v, t = walk[-1], walk[-2] if step > 1 else -1
        row = range(int(indptr[v]), int(indptr[v + 1]))
        if not row:
            break
        biases = [node2vec_bias(edges, thresholds, p, q, t, v, int(indices[k])) for k in row]
        mean = 1.0 if weights is None else means[v]
        back = max(1 / p / high - 1, 0.0) * (edges.get((v, t), 0.0) / mean) if step > 1 else 0.0
        for trial in range(min(n_trials, 2 * len(row))):
            counter = step * (2 * n_trials + 1) + 2 * trial
            place = unit(draw(key, counter)) * (len(row) + back)
            if place >= len(row) and back > 0:
                walk.append(t)
                break
            slot = min(int(place), len(row) - 1)
            entry, coin = row[slot], place - slot
            if table is not None:
                entry = choose(table, row[0], entry, int(coin * 2**32))
                coin = unit(draw(key, counter + 1))
            if step == 1 or len(row) == 1 or coin * high < biases[entry - row[0]]:
                walk.append(int(indices[entry]))
                break
        else:
            masses = [bias * entry_weights[k] for bias, k in zip(biases, row, strict=True)]
            sums = np.cumsum(masses)
            goal = unit(draw(key, step * (2 * n_trials + 1) + 2 * n_trials)) * sums[-1]
            walk.append(int(indices[row[int(np.argmax(sums > goal))]]))
    return walk + [-1] * (length - len(walk))


def skipgram_group(
    w_in: Any, w_out: Any, inputs: Any, outputs: Any, negatives: Any, rate: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    """Train one group of pairs with shared negatives; return new tables and the loss before.

    Twin of one turn of ``kernels.skipgram.train_pairs`` and of its twin in ``kernels.torch``.
    """
    u, v = np.asarray(w_in, dtype=np.float64), np.asarray(w_out, dtype=np.float64)
    new_u, new_v, loss = u.copy(), v.copy(), 0.0
    for x, c in zip(inputs, outputs, strict=True):
        others = [(n, 0) for n in negatives if n not in outputs]
        for y, label in [(c, 1), *others]:
            score = u[x] @ v[y]
            gradient = label - 1 / (1 + np.exp(-score))
            new_u[x] += rate * gradient * v[y]
            new_v[y] += rate * gradient * u[x]
            loss += np.logaddexp(0, -score if label else score)
    return new_u, new_v, loss


def row_hash(indices: Any, bits: Any) -> int:
    """Hash of a sparse row; twin of ``kernels.folding.hash_rows``."""
    key = mix(len(indices))
    for column, word in zip(indices, bits, strict=True):
        key = fold(key, int(column) << 32 | int(word))
    return key


def fold_in(
    indices: Any, weights: Any, key: int, w_in: Any, w_out: Any, n_steps: int, n_negatives: int,
    rate: float,
) -> npt.NDArray[np.float64]:  # fmt: skip
    """Place one new node, negatives uniform; twin of ``kernels.folding.fold_in``."""
    row = np.zeros(w_in.shape[1])
    if len(indices) == 0:
        return row
    weights = np.asarray(weights, dtype=np.float64)
    row = (weights / weights.sum()) @ w_in[indices].astype(np.float64)
    counter = 0
    for step in range(n_steps):
        goal = (draw(key, counter) >> 11) / 2**53 * weights.sum()
        counter += 1
        positive = indices[
            min(np.searchsorted(np.cumsum(weights), goal, "right"), len(indices) - 1)
        ]
        gradient = (1 - 1 / (1 + np.exp(-row @ w_out[positive]))) * w_out[positive]
        for _ in range(n_negatives):
            negative = (draw(key, counter) >> 32) * len(w_out) >> 32
            counter += 1
            if negative != positive:
                gradient = gradient - w_out[negative] / (1 + np.exp(-row @ w_out[negative]))
        row = row + rate * (1 - step / n_steps) * gradient
    return np.asarray(row)


def core_numbers(indptr: Any, indices: Any) -> npt.NDArray[np.int32]:
    """Strip nodes of fewer than k neighbours, k by k; twin of ``kernels.cores.core_numbers``."""
    adjacency = np.zeros((len(indptr) - 1, len(indptr) - 1), dtype=np.int64)
    for i, (start, stop) in enumerate(pairwise(indptr)):
        adjacency[i, indices[start:stop]] = 1
    np.fill_diagonal(adjacency, 0)
    core = np.zeros(len(adjacency), dtype=np.int32)
    inside = np.ones(len(adjacency), dtype=bool)
    for k in range(1, len(adjacency) + 1):
        while (outside := inside & (adjacency[:, inside].sum(axis=1) < k)).any():
            inside &= ~outside
        core[inside] = k
    return core


def choose_neighbor(
    indptr: Any, indices: Any, weights: Any, scales: Any, hashes: Any, offers: Any, node: int
) -> tuple[int, float]:
    """Return the closest neighbour and its rating; twin of ``kernels.matching.choose_neighbors``.

    It is -1 if there is none.
    """
    ratings = [
        (float(weights[k] * (scales[node] * scales[j])), mix((hashes[node] + hashes[j]) % 2**64), j)
        for k in range(indptr[node], indptr[node + 1])
        if (j := int(indices[k])) != node and offers[j]
    ]
    rating, _, neighbor = max(ratings, default=(-1.0, 0, -1))
    return neighbor, rating


def group_links(
    indptr: Any, indices: Any, weights: Any, groups: Any
) -> dict[tuple[int, int], float]:
    """Return weights between groups; twin of ``kernels.matching.count_links``, ``sum_links``."""
    links: dict[tuple[int, int], float] = {}
    for i, (start, stop) in enumerate(pairwise(indptr)):
        for k in range(start, stop):
            pair = int(groups[i]), int(groups[indices[k]])
            if pair[0] != pair[1]:
                links[pair] = links.get(pair, 0.0) + float(weights[k])
    return links


def common_neighbor_sums(
    indptr: Any, indices: Any, sources: Any, targets: Any, node_weights: Any
) -> npt.NDArray[np.float64]:
    """Sum node weights over w in ``source -> w -> target``.

    Twin of ``kernels.heuristics.count_common`` (weights all 1), ``sum_common`` and
    ``sum_two_hops``.
    """
    neighbors = [set(map(int, indices[start:stop])) for start, stop in pairwise(indptr)]
    sums = np.zeros(len(sources))
    for pair, (u, v) in enumerate(zip(sources, targets, strict=True)):
        for w in sorted(neighbors[u]):
            if v in neighbors[w]:
                sums[pair] += node_weights[w]
    return sums


def katz(adjacency: Any, beta: float, max_length: int) -> npt.NDArray[np.float64]:
    """Return the truncated Katz index of all pairs; twin of ``heuristics.Katz``."""
    dense = np.asarray(adjacency, dtype=np.float64)
    total, power = np.zeros_like(dense), np.eye(len(dense))
    for _ in range(max_length):
        power = beta * power @ dense
        total += power
    return total


def rooted_pagerank(adjacency: Any, damping: float) -> npt.NDArray[np.float64]:
    """Solve for the walk from each node with restart; twin of ``PersonalizedPageRank``.

    Row u is where the walk from u is; a walk that cannot go on starts anew.
    """
    dense = np.asarray(adjacency, dtype=np.float64)
    out = dense.sum(axis=1, keepdims=True)
    transition = np.divide(dense, out, out=np.zeros_like(dense), where=out > 0)
    walks = np.linalg.inv(np.eye(len(dense)) - damping * transition)
    return np.asarray(walks / walks.sum(axis=1, keepdims=True))


def list_edges(
    sources: npt.NDArray[Any],
    targets: npt.NDArray[Any],
    ends: npt.NDArray[np.int64],
    n_samples: int,
    multiplier: int,
    shift: int,
) -> list[tuple[int, int]]:
    """Return the pairs of an epoch; the twin of ``kernels.edges.list_edges``."""
    numbers = [(multiplier * t + shift) % n_samples for t in range(n_samples)]
    if len(ends):
        numbers = [next(e for e, end in enumerate(ends) if s < end) for s in numbers]
    return [(int(sources[e]), int(targets[e])) for e in numbers]


def systematic_ends(
    weights: npt.NDArray[np.float32], n_samples: int, offset: float
) -> npt.NDArray[np.int64]:
    """Return where the samples of each edge end; the twin of ``kernels.edges.systematic_ends``."""
    exact = np.cumsum(weights, dtype=np.float64)
    ends: npt.NDArray[np.int64] = np.floor(exact * (n_samples / exact[-1]) + offset).astype(
        np.int64
    )
    np.minimum(ends, n_samples, out=ends)
    ends[np.flatnonzero(weights)[-1] :] = n_samples
    return ends


def link_numbers(indptr: Any, indices: Any) -> tuple[list[tuple[int, int]], npt.NDArray[np.int64]]:
    """Sort the linked pairs and look each entry up; twin of ``kernels.links.number_links``."""
    sources = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)).tolist()
    entries = [tuple(sorted(entry)) for entry in zip(sources, indices.tolist(), strict=True)]
    links = sorted({(u, v) for u, v in entries if u != v})
    number = {link: position for position, link in enumerate(links)}
    return links, np.array([number.get(entry, -1) for entry in entries], dtype=np.int64)


def spanning_forest(low: Any, high: Any, order: Any, n_nodes: int) -> npt.NDArray[np.bool_]:
    """Relabel whole components, link by link; twin of ``kernels.links.spanning_forest``."""
    component = np.arange(n_nodes)
    taken = np.zeros(len(low), dtype=bool)
    for link in order:
        u, v = component[low[link]], component[high[link]]
        if u != v:
            taken[link] = True
            component[component == v] = u
    return taken


def hard_candidates(
    indptr: Any, indices: Any, known: set[tuple[int, int]], pair: Any, key: int, n_walks: int,
    n_kept: int,
) -> list[int]:  # fmt: skip
    """Candidates for one pair; ``key`` is its own; twin of ``kernels.negatives.hard_candidates``.

    ``known`` holds edges and excluded pairs, both ways.
    """
    n = len(indptr) - 1
    side = draw(key, 0) >> 63
    found: list[int] = []
    for turn in range(2):
        a = int(pair[side])
        hits: dict[int, int] = {}
        for walk in range(turn * n_walks, (turn + 1) * n_walks):
            x = a
            for step in (1, 2):
                row = indices[indptr[x] : indptr[x + 1]]
                if len(row) == 0:
                    break
                x = int(row[(draw(key, 2 * walk + step) >> 32) * len(row) >> 32])
            if x != a and (a, x) not in known:
                hits[x] = hits.get(x, 0) + 1
        ranked = sorted(hits, key=lambda x: -hits[x])[:n_kept]
        found += [x * n + a if side else a * n + x for x in ranked]
        if len(found) >= n_kept:
            break
        side = 1 - side
    return found


def reconstruction(
    matrix: Any, neighbors: Any, node: int, geometry: str, ks: Any
) -> tuple[float, list[float]]:
    """Return the average precision of a node and its precision at each k, place by place.

    Twin of ``kernels.reconstruction``: ``neighbors`` are the rows of its neighbours, itself not
    among them. Places of a tie hold the mean of what orders of the tied nodes put there: a
    neighbour with probability r / n, and then (r - 1) / (n - 1) for each place before it.
    """
    others = np.delete(np.arange(len(matrix)), node)
    own = np.broadcast_to(matrix[node], matrix[others].shape)
    scores = vector_scores(own, matrix[others], geometry)
    good = np.isin(others, neighbors)
    total, before, found = 0.0, 0, 0
    chances: list[float] = []
    for score in np.unique(scores)[::-1]:
        n, r = int((scores == score).sum()), int(good[scores == score].sum())
        for place in range(n):
            expected = found + 1 + (place * (r - 1) / (n - 1) if n > 1 else 0)
            total += r / n * expected / (before + place + 1)
            chances.append(r / n)
        before, found = before + n, found + r
    return total / found, [sum(chances[:k]) / k for k in ks]


def pair_scores(
    matrix: Any, left: Any, right: Any, kind: str, weights: Any = None, offset: float = 0.0
) -> npt.NDArray[np.float32]:
    """Return the scores of pairs of rows; twin of ``kernels.pair_scores.score_pairs``."""
    u, v = np.asarray(matrix[left], dtype=np.float64), np.asarray(matrix[right], dtype=np.float64)
    terms: dict[str, Any] = {
        "hadamard": lambda: u * v,
        "l2": lambda: (u - v) * (u - v),
        "l1": lambda: np.abs(u - v),
    }
    if kind not in terms:
        return vector_scores(u, v, kind)
    total: npt.NDArray[np.float64] = lane_sum(np.asarray(weights) * terms[kind]()) + offset
    return total.astype(np.float32)


def best_links(
    scores: Any, rows: Any, known: Any, k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return the k best columns of some rows of a square matrix of scores.

    Twin of ``kernels.pair_search``: what is True in ``known``, and the diagonal, is left out; a row
    with fewer columns left is filled up with itself and -inf.
    """
    k = min(k, len(scores) - 1)
    found = np.tile(np.asarray(rows)[:, np.newaxis], (1, k))
    best = np.full((len(rows), k), -np.inf, dtype=np.float32)
    for number, row in enumerate(rows):
        free = np.flatnonzero(~known[row] & (np.arange(len(scores)) != row))
        order = free[np.lexsort((free, -scores[row, free]))][:k]
        found[number, : len(order)], best[number, : len(order)] = order, scores[row, order]
    return found, best


def best_pairs(
    scores: Any, known: Any, k: int, *, once: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return the k best pairs of a square matrix of scores, above the diagonal alone if ``once``.

    Twin of ``kernels.pair_search`` with one heap for all rows.
    """
    off = ~np.eye(len(scores), dtype=bool) if not once else np.triu(np.ones_like(known), 1)
    u, v = np.nonzero(off & ~known)
    order = np.lexsort((v, u, -scores[u, v]))[:k]
    return np.column_stack([u, v])[order], scores[u, v][order]


def number_in_order(values: Any) -> tuple[list[Any], npt.NDArray[np.uint32]]:
    """Return the distinct values in the order they come, and the place of each value among them.

    Twin of ``kernels.importing.add_ints`` and ``add_strings``.
    """
    places: dict[Any, int] = {}
    codes = [places.setdefault(value, len(places)) for value in values]
    return list(places), np.array(codes, dtype=np.uint32)


def rank_ids(ids: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the distinct ids, ascending, and the rank of each id among them.

    Twin of ``kernels.importing.list_bits`` and ``rank_codes``.
    """
    distinct, ranks = np.unique(np.asarray(ids, dtype=np.int64), return_inverse=True)
    return distinct, ranks.astype(np.int64)


def make_entries(pairs: Any, mirror: bool) -> npt.NDArray[np.uint64]:
    """Return row * 2**32 + column of each edge, then of each edge reversed.

    Twin of ``kernels.importing.make_entries``.
    """
    pairs = np.asarray(pairs, dtype=np.uint64)
    both = np.concatenate([pairs, pairs[:, ::-1]]) if mirror else pairs
    entries: npt.NDArray[np.uint64] = (both[:, 0] << np.uint64(32)) | both[:, 1]
    return entries


def triple_losses(
    name: str,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    temperature: float = 1.0,
    negative_weight: float = 1.0,
) -> npt.NDArray[np.float64]:
    """Return the loss of each positive among its negatives; twin of ``kernels.losses``.

    A negative of minus infinity takes no part.
    """
    losses = []
    for score, row in zip(np.asarray(positive, dtype=float), np.asarray(negative), strict=True):
        others = np.asarray(row[~np.isneginf(row)], dtype=float)
        if name == "softmax":
            loss = np.logaddexp.reduce([score, *others]) - score
        elif name == "margin":
            loss = np.maximum(0, margin - score + others).sum() / max(1, len(others))
        elif name == "logistic":
            loss = np.logaddexp(0, -score)
            loss += negative_weight * np.logaddexp(0, others).sum() / max(1, len(others))
        else:
            weights = np.exp(temperature * (others - others.max(initial=-np.inf)))
            weights /= weights.sum()
            loss = np.logaddexp(0, -score - margin)
            loss += (weights * np.logaddexp(0, others + margin)).sum()
        losses.append(loss)
    return np.array(losses)


def group_rows(rows: Any) -> tuple[list[int], list[list[int]]]:
    """Return the distinct rows as they come, and where each stands.

    Twin of ``kernels.row_updates.group_rows``.
    """
    places: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        places.setdefault(int(row), []).append(i)
    return list(places), list(places.values())


def sparse_step(
    name: str, table: Any, state: Any, rows: Any, grads: Any, rate: float, decay: float = 0.0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return a table and its state after one step of an optimiser, in float64.

    Twin of ``kernels.row_updates.row_adagrad``, ``adagrad``, ``adam`` and ``dense_adam``.
    """
    table, state = np.array(table, dtype=np.float64), np.array(state, dtype=np.float64)
    grads, width = np.asarray(grads, dtype=np.float64), table.shape[1]
    found = dict(zip(*group_rows(rows), strict=True))
    if name == "dense_adam":
        found |= {row: [] for row in range(len(table)) if row not in found}
    for row, places in found.items():
        grad = grads[places].sum(axis=0) + decay * table[row]
        if name in ("adam", "dense_adam"):
            first, second = state[row, :width], state[row, width:-1]
            first[:] = 0.9 * first + 0.1 * grad
            second[:] = 0.999 * second + 0.001 * grad**2
            state[row, -1] += 1
            t = state[row, -1]
            spread = np.sqrt(second / (1 - 0.999**t)) + 1e-8
            table[row] -= rate * first / (1 - 0.9**t) / spread
        else:
            state[row] += np.mean(grad**2) if name == "row_adagrad" else grad**2
            table[row] -= rate * grad / (np.sqrt(state[row]) + 1e-10)
    return table, state


def draw_distinct(key: int, n: int, k: int) -> list[int]:
    """Return k distinct numbers below n; twin of ``kernels.triple_negatives.draw_distinct``."""
    if 2 * k > n:
        numbers = list(range(n))
        for i in range(k):
            j = i + (((draw(key, i) >> 32) * (n - i)) >> 32)
            numbers[i], numbers[j] = numbers[j], numbers[i]
        return numbers[:k]
    found: dict[int, None] = {}
    counter = 0
    while len(found) < k:
        found.setdefault(((draw(key, counter) >> 32) * n) >> 32)
        counter += 1
    return list(found)


def corrupt(
    key: int, number: int, triple: Any, n_negatives: int, n_entities: int, chance: float
) -> list[tuple[int, bool]]:
    """Return negatives of one triple: the entity to put in, and whether it replaces the head.

    Twin of ``kernels.triple_negatives.corrupt``.
    """
    negatives = []
    for j in range(n_negatives):
        bits = draw(fold(key, number), j)
        replaces_head = bits % 2**32 < chance * 2**32
        others = [e for e in range(n_entities) if e != triple[0 if replaces_head else 2]]
        negatives.append((others[((bits >> 32) * len(others)) >> 32], replaces_head))
    return negatives


def known_answers(triples: Any, entity: int, relation: int, side: str) -> list[int]:
    """Return the answers of a query; twin of ``kernels.triple_negatives.find_answers``."""
    asked, given = (2, 0) if side == "tail" else (0, 2)
    return sorted({int(t[asked]) for t in triples if t[1] == relation and t[given] == entity})


def mask_answers(answers: Any, negatives: Any, scores: Any) -> npt.NDArray[np.float32]:
    """Return scores, -inf where a negative is an answer of the row's query.

    Twin of ``kernels.triple_negatives.mask_answers``.
    """
    masked: npt.NDArray[np.float32] = np.array(scores, dtype=np.float32)
    for row, own in zip(masked, answers, strict=True):
        row[np.isin(negatives, list(own))] = -np.inf
    return masked


def rank_scores(kind: str, queries: Any, candidates: Any, shifts: Any = 0) -> npt.NDArray[Any]:
    """Return scores up to what is the same for all candidates of a query.

    Twin of ``kernels.rank_tiles.score_tile``, in float64.
    """
    q: Any = np.asarray(queries, dtype=np.float64)[:, None]
    c: Any = np.asarray(candidates, dtype=np.float64)
    scores: npt.NDArray[Any]
    if kind == "product":
        scores = (q * c).sum(axis=-1) + shifts
        return scores
    if kind == "modulus":
        half = c.shape[-1] // 2
        parts = ((q - c)[..., part] for part in (np.s_[:half], np.s_[half:]))
        scores = shifts - np.hypot(*parts).sum(axis=-1)
        return scores
    difference = np.abs(q - c)
    if kind.startswith("torus"):
        difference = np.abs(difference - np.rint(difference))
    power = 1 if kind in ("manhattan", "torus_1") else 2
    scores = shifts - (difference**power).sum(axis=-1)
    return scores


def hyperbolic_scores(queries: Any, curvatures: Any, candidates: Any) -> npt.NDArray[Any]:
    """Return minus the squared distance in balls, of queries to tangent vectors at the origin.

    Twin of ``kernels.hyperbolic_triples`` and the hyperbolic form of
    ``kernels.ranking.count_groups``, in float64.
    """
    scores = []
    v = np.asarray(candidates, dtype=np.float64)
    lengths = np.sqrt((v**2).sum(axis=1, keepdims=True))
    for x, c in zip(np.asarray(queries, float), np.asarray(curvatures, float), strict=True):
        scaled = np.sqrt(c) * lengths
        y = (
            v
            * np.where(scaled > 0, np.minimum(np.tanh(scaled), 1 - 1e-5), 1)
            / np.where(scaled > 0, scaled, 1)
        )
        gap = ((x - y) ** 2).sum(axis=1)
        u = 2 * c * gap / ((1 - c * (x**2).sum()) * (1 - c * (y**2).sum(axis=1)))
        scores.append(-(np.arccosh(1 + u) ** 2) / c)
    return np.array(scores)


def count_better(scores: Any, answer: int, known: Any) -> tuple[int, int, int]:
    """Return how many candidates score above the answer, at least as much, and how many count.

    Twin of ``kernels.ranking.count_groups`` for one query: the known ones and the answer itself do
    not count, NaN is above everything, and everything is above NaN.
    """
    others = [j for j in range(len(scores)) if j != answer and j not in set(known)]
    above = sum(not scores[j] <= scores[answer] for j in others)
    reached = sum(not scores[j] < scores[answer] for j in others)
    return above, reached, len(others)


def row_distances(metric: str, queries: Any, candidates: Any) -> npt.NDArray[np.float64]:
    """Return the distances of rows that broadcast; twin of ``kernels.triple_tiles``' scores."""
    terms = _distance_terms(metric, queries, candidates)[0]
    distances: npt.NDArray[np.float64] = terms.sum(axis=-1)
    return distances


def distance_slopes(metric: str, queries: Any, candidates: Any) -> npt.NDArray[np.float64]:
    """Return the derivatives of distances by the queries; minus those by the candidates.

    Twin of ``kernels.triple_tiles``' gradients.
    """
    terms, differences = _distance_terms(metric, queries, candidates)
    slopes: npt.NDArray[np.float64]
    if metric.endswith("Absolute"):
        slopes = np.sign(differences)
    elif metric.endswith("Squared"):
        slopes = 2 * differences
    else:
        moduli = np.concatenate([terms, terms], axis=-1)
        slopes = np.divide(differences, moduli, out=np.zeros_like(differences), where=moduli > 0)
    return slopes


def _distance_terms(metric: str, queries: Any, candidates: Any) -> Any:
    """Return the terms of a distance, and the differences that they depend on."""
    differences = np.asarray(queries, dtype=np.float64) - np.asarray(candidates, dtype=np.float64)
    if metric.startswith("Torus"):
        differences = differences - np.rint(differences)
    if metric.endswith("Absolute"):
        return np.abs(differences), differences
    if metric.endswith("Squared"):
        return differences**2, differences
    real, imaginary = np.split(differences, 2, axis=-1)
    return np.hypot(real, imaginary), differences


def compositions(
    closing: Any, triples: Any, n_relations: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the closed paths by their two relations, and the triples that close any.

    Twin of ``kernels.compositions.count_compositions``.
    """
    closed, covered = np.zeros((2, n_relations, n_relations), dtype=np.int64)
    for head, _, tail in closing:
        paths = [
            (r, s)
            for (a, r, middle) in triples
            for (b, s, c) in triples
            if a == head and b == middle and c == tail
        ]
        for path in paths:
            closed[path] += 1
        for path in set(paths):
            covered[path] += 1
    return closed, covered


def gather_piece(piece: Any, start: int, rows: Any, out: Any) -> npt.NDArray[np.float32]:
    """Return ``out`` with the rows that a piece of a table, which begins at ``start``, holds.

    Twin of ``kernels.row_pieces.gather``.
    """
    gathered: npt.NDArray[np.float32] = out.copy()
    for place, row in enumerate(rows):
        if start <= row < start + len(piece):
            gathered[place] = piece[row - start]
    return gathered


def triple_residuals(entities: Any, relations: Any, triple: Any, drawn: Any, heads: Any) -> Any:
    """Return h + r - t of a triple and of its negatives, in float64."""
    columns = [[triple[0], triple[2]]]
    for entity, replaces_head in zip(drawn, heads, strict=True):
        columns.append([entity, triple[2]] if replaces_head else [triple[0], entity])
    ends = np.asarray(entities, dtype=np.float64)[np.array(columns)]
    return ends[:, 0] + np.asarray(relations, dtype=np.float64)[triple[1]] - ends[:, 1]


def triple_gradients(
    entities: Any, relations: Any, triple: Any, drawn: Any, heads: Any, norm: int, margin: float
) -> tuple[float, list[tuple[int, Any]], list[tuple[int, Any]]]:
    """Return the margin loss of a triple, and what it pulls at which entities and relations.

    Twin of what ``kernels.triple_steps`` and ``kernels.torch.triples`` sum: each negative within
    the margin pulls at the rows of the triple, and at its own. ``norm`` is 1, 2, or 3 for squares.
    """
    residuals = triple_residuals(entities, relations, triple, drawn, heads)
    lengths = {
        1: np.abs(residuals).sum(1),
        2: np.sqrt((residuals**2).sum(1)),
        3: (residuals**2).sum(1),
    }[norm]
    slopes = {
        1: np.sign(residuals),
        2: residuals / np.maximum(lengths, 1e-9)[:, None],
        3: 2 * residuals,
    }[norm]
    loss, of_entities, of_relations = 0.0, [], []
    h, r, t = (int(row) for row in triple)
    for k, (entity, replaces_head) in enumerate(zip(drawn, heads, strict=True), start=1):
        slack = margin + lengths[0] - lengths[k]
        if slack > 0:
            loss += float(slack)
            head, tail = (entity, t) if replaces_head else (h, entity)
            of_entities += [(h, slopes[0]), (t, -slopes[0])]
            of_entities += [(int(head), -slopes[k]), (int(tail), slopes[k])]
            of_relations.append((r, slopes[0] - slopes[k]))
    return loss, of_entities, of_relations


def step_row(row: Any, state: Any, gradient: Any, method: str, rate: float) -> tuple[Any, Any]:
    """Return a row and the state of its optimiser after a step, in float64.

    Twin of the steps of ``kernels.triple_steps`` and ``kernels.torch.triples``.
    """
    row, state, gradient = (np.asarray(part, dtype=np.float64) for part in (row, state, gradient))
    if method == "sgd":
        return row - rate * gradient, state
    if method == "adam":
        d = len(row)
        first = 0.9 * state[:d] + 0.1 * gradient
        second = 0.999 * state[d : 2 * d] + 0.001 * gradient**2
        n_steps = state[2 * d] + 1
        spread = np.sqrt(second / (1 - 0.999**n_steps)) + 1e-8
        moved = row - rate * first / (1 - 0.9**n_steps) / spread
        return moved, np.concatenate([first, second, [n_steps]])
    state = state + (gradient**2 if method == "adagrad" else np.mean(gradient**2))
    return row - rate * gradient / (np.sqrt(state) + 1e-10), state


def distance_keys(X: Any, geometry: str) -> npt.NDArray[np.float64]:
    """Return numbers for all pairs of rows that grow with their distance, by textbook formulas.

    Twin of ``kernels.hyperbolic_ranking.exact_key``: ``cosh d - 1`` of points of the open ball
    ("poincare") or of spatial coordinates ("lorentz"), squared distances, or minus the product.
    """
    X = np.asarray(X, dtype=np.float64)
    squares: npt.NDArray[np.float64] = (X**2).sum(axis=1)
    apart: npt.NDArray[np.float64] = ((X[:, None] - X) ** 2).sum(axis=2)
    keys = apart
    if geometry == "poincare":
        keys = 2 * apart / np.outer(1 - squares, 1 - squares)
    elif geometry == "lorentz":
        times = np.sqrt(1 + squares)
        keys = (apart - (times[:, None] - times) ** 2) / 2
    elif geometry != "euclidean":
        lengths = np.where(squares > 0, np.sqrt(squares), 1) if geometry == "cosine" else 1
        Y = X / np.reshape(lengths, (-1, 1))
        keys = -(Y @ Y.T)
    return keys


def answer_ranks(keys: Any, answers: Any, known: Any = ()) -> tuple[npt.NDArray[np.float64], float]:
    """Return the filtered ranks of right answers, and their average precision, one by one.

    Twin of ``kernels.hyperbolic_ranking``: ``keys`` are those of all candidates, the node itself
    not among them; ``answers`` and ``known`` are positions in them.
    """
    keys = np.asarray(keys)
    right = np.isin(np.arange(len(keys)), answers)
    wrong = ~right & ~np.isin(np.arange(len(keys)), known)
    ranks, precision = [], []
    for key in keys[np.asarray(answers, dtype=int)]:
        ranks.append(1 + (wrong & (keys < key)).sum() + (wrong & (keys == key)).sum() / 2)
        near = keys <= key
        precision.append((right & near).sum() / ((right | wrong) & near).sum())
    return np.array(ranks), float(np.mean(precision))


def place_row(
    points: Any, indices: Any, weights: Any, key: int, n_steps: int, n_negatives: int, rate: float
) -> npt.NDArray[np.float64]:
    """Place one new node by the softmax loss; twin of ``kernels.hyperbolic_placing.place_rows``."""
    from graphembed import geometry

    if len(indices) == 0:
        return np.zeros(points.shape[1])
    row = geometry.centroid(points[indices], weights)
    out = geometry.radius(row)
    if out > 1e-12:
        deepest = geometry.radius(points[indices]).max()
        row = row * np.sinh(deepest + 0.5) / np.sinh(out)
    ends, counter = np.cumsum(np.asarray(weights, dtype=np.float64)), 0
    for number in range(n_steps):
        goal = unit(draw(key, counter)) * ends[-1]
        nodes = [indices[min(np.searchsorted(ends, goal, side="right"), len(ends) - 1)]]
        counter += 1
        for _ in range(min(n_negatives, len(points) - len(indices))):
            for _ in range(10):
                node = ((draw(key, counter) >> 32) * len(points)) >> 32
                counter += 1
                if node not in indices:
                    nodes.append(node)
                    break
        others = points[nodes]
        away = geometry.distances(row, others)
        slopes = -np.exp(-away) / np.exp(-away).sum()
        slopes[0] += 1
        toward = (row - others) + (np.cosh(away) - 1)[:, None] * row
        toward[away < 1e-12] = 0
        tangent = -((slopes / np.maximum(np.sinh(away), 1e-12)) @ toward)
        tangent *= rate * (1 - 0.95 * number / n_steps)
        length = np.sqrt(max(tangent @ tangent - (tangent @ row) ** 2 / (1 + row @ row), 0))
        if length > 0:
            row = np.cosh(length) * row + np.sinh(length) / length * tangent
    return row


def scaled_spmm(matrix: Any, scale: Any, shift: Any, X: Any) -> npt.NDArray[np.float64]:
    """Return ``diag(scale) (matrix @ X + 1 shift)`` in float64; None stands for ones and zeros.

    Twin of ``kernels.svd.scaled_spmm``.
    """
    product = np.asarray(matrix, dtype=np.float64) @ np.asarray(X, dtype=np.float64)
    if shift is not None:
        product = product + np.asarray(shift, dtype=np.float64)
    return product if scale is None else np.asarray(scale, dtype=np.float64)[:, None] * product


def laplacian(
    indptr: Any, indices: Any, weights: Any, scale: Any, own: Any, matrix: Any
) -> npt.NDArray[np.float64]:
    """Return a diagonal minus scaled adjacency, times a matrix; twin of the kernel."""
    weights = np.ones(len(indices)) if weights is None else np.asarray(weights, dtype=np.float64)
    out: npt.NDArray[np.float64] = np.asarray(own, dtype=np.float64)[:, None] * matrix
    for i, (start, stop) in enumerate(pairwise(indptr)):
        out[i] -= float(scale[i]) * (weights[start:stop] @ matrix[indices[start:stop]])
    return out


def spectral_filter(
    adjacency: Any, matrix: Any, order: int, mu: float, theta: float
) -> npt.NDArray[np.float64]:
    """Filter vectors by dense matrices; twin of ``kernels.spectral_filter.chebyshev_step``."""
    from scipy.special import iv

    dense = np.asarray(adjacency, dtype=np.float64)
    present = dense[dense > 0]
    looped = dense + np.eye(len(dense)) * (present.mean() if len(present) else 1)
    M = (1 - mu) * np.eye(len(dense)) - looped / looped.sum(axis=1, keepdims=True)
    inner = M @ M / 2 - np.eye(len(dense))
    terms = [np.eye(len(dense)), inner]
    while len(terms) < order:
        terms.append(2 * inner @ terms[-1] - terms[-2])
    weights = [iv(0, theta), *(2 * (-1) ** k * iv(k, theta) for k in range(1, order))]
    total = sum(weight * term for weight, term in zip(weights, terms, strict=False))
    return np.asarray(matrix - total @ matrix, dtype=np.float64)


def log_ratios(indptr: Any, indices: Any, weights: Any, log_rows: Any, log_columns: Any) -> Any:
    """Return each entry's logarithm less its row's and its column's; twin of the kernel."""
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    logs = 0.0 if weights is None else np.log(np.asarray(weights, dtype=np.float64))
    return logs - log_rows[rows] - log_columns[indices]


def add_shares(indptr: Any, indices: Any, weights: Any, degrees: Any, n_columns: int) -> Any:
    """Return the sum of each column's shares of its rows; twin of the kernel."""
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    weights = np.ones(len(indices)) if weights is None else np.asarray(weights, dtype=np.float64)
    return np.bincount(indices, weights=weights / degrees[rows], minlength=n_columns)


def truncated_log(matrix: Any) -> npt.NDArray[np.float64]:
    """Return the logarithm of what exceeds 1; twin of ``kernels.netmf.truncated_log``."""
    return np.log(np.maximum(1, np.asarray(matrix, dtype=np.float64)))


def netmf_matrix(adjacency: Any, window: int, n_negatives: float) -> npt.NDArray[np.float64]:
    """Return the matrix that NetMF factorises, by powers of the transition matrix."""
    dense = np.asarray(adjacency, dtype=np.float64)
    degrees = dense.sum(axis=1)
    inverse = np.divide(1, degrees, out=np.zeros_like(degrees), where=degrees > 0)
    transition = inverse[:, None] * dense
    power, total = np.eye(len(dense)), np.zeros_like(dense)
    for _ in range(window):
        power = power @ transition
        total += power
    return truncated_log(degrees.sum() / (n_negatives * window) * total * inverse)


def choose_neighbors(
    weights: Any, table: Any, start: int, degree: int, hidden: Any, key: int, fanout: int
) -> list[int]:
    """Choose offsets in a row without replacement; twin of ``kernels.sampling.draw_neighbors``."""
    hidden = set(hidden)
    allowed = [offset for offset in range(degree) if offset not in hidden]
    n, k = len(allowed), min(len(allowed), fanout)
    found: set[int] = set()
    if k == n:
        return allowed
    if table is None:
        for number in range(k):
            last = n - k + number
            value = ((draw(key, number) >> 32) * (last + 1)) >> 32
            found.add(last if value in found else value)
        return sorted(allowed[value] for value in found)
    counter = 0
    while degree > 8 * k and len(found) < k and counter < 2 * k + 32:
        bits = draw(key, counter)
        offset = choose(table, start, start + ((bits >> 32) * degree >> 32), bits) - start
        counter += 1
        if offset not in hidden:
            found.add(offset)
    times = [
        (-np.log1p(-unit(draw(key, counter + offset))) / float(weights[start + offset]), offset)
        for offset in allowed
        if offset not in found
    ]
    return sorted([*found, *(offset for _, offset in sorted(times)[: k - len(found)])])


def sample_neighbors(
    graph: Any, table: Any, excluded: Any, key: int, fanout: int, node: int
) -> list[int]:
    """Return the entries that a node chooses with the key of a layer; twin of the kernel."""
    start, stop = int(graph.indptr[node]), int(graph.indptr[node + 1])
    pairs = {(int(u), int(v)) for u, v in excluded} | {(int(v), int(u)) for u, v in excluded}
    hidden = [k for k in range(stop - start) if (node, int(graph.indices[start + k])) in pairs]
    key = fold(key, node)
    offsets = choose_neighbors(graph.weights, table, start, stop - start, hidden, key, fanout)
    return [start + offset for offset in offsets]


def walks_home(adjacency: Any, hub_degree: int, least: float) -> npt.NDArray[np.float64]:
    """Return ordered triangles and return probabilities; twin of ``kernels.structure``."""
    dense = np.abs(np.asarray(adjacency, dtype=np.float64))
    strengths = dense.sum(axis=1)
    inverse = np.divide(1, strengths, out=np.zeros_like(strengths), where=strengths > 0)
    step = inverse[:, None] * dense
    hubs = (dense > 0).sum(axis=1) > hub_degree
    home = np.where(hubs[:, None] & (step < least), 0.0, step)
    out = np.zeros((len(dense), 4))
    links = (dense > 0) & ~np.eye(len(dense), dtype=bool)
    out[:, 0] = np.diag(np.linalg.matrix_power(links.astype(np.float64), 3))
    out[:, 1] = np.diag(step @ step)
    out[:, 2] = np.diag(step @ step @ step)
    for u in range(len(dense)):
        there = np.where(home[:, u] > 0, step[u], 0.0) @ step
        terms = there * (step @ home[:, u])
        out[u, 3] = terms.sum() - terms[u] + out[u, 1] ** 2
    return out


def h_index(numbers: Any) -> int:
    """Return the largest h so that h of the numbers are at least h."""
    descending = sorted(numbers, reverse=True)
    return sum(number > place for place, number in enumerate(descending))


def segment_max(
    indptr: Any, indices: Any, matrix: Any
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Return the maxima of the rows that each target hears, and the rows that they are from."""
    out = np.zeros((len(indptr) - 1, matrix.shape[1]), dtype=np.float32)
    winners = np.full(out.shape, -1, dtype=np.int32)
    for i in range(len(out)):
        heard = indices[indptr[i] : indptr[i + 1]]
        if len(heard):
            out[i] = matrix[heard].max(axis=0)
            winners[i] = heard[matrix[heard].argmax(axis=0)]
    return out, winners


def segment_max_gradient(winners: Any, gradient: Any, n_sources: int) -> npt.NDArray[np.float64]:
    """Return the gradient by the rows of the sources; twin of the kernel."""
    out = np.zeros((n_sources, winners.shape[1]))
    for (i, c), winner in np.ndenumerate(winners):
        if winner >= 0:
            out[winner, c] += gradient[i, c]
    return out


def drop(key: int, values: Any, threshold: int, scale: float, span: int) -> Any:
    """Return values scaled, or 0 where the draw of a place is below the threshold."""

    def lower(word: int) -> int:
        return word & 0xFFFFFFFF

    out = np.zeros(len(values), dtype=np.float32)
    for place, value in enumerate(values):
        start = place // span * span
        word = lower(place - start + lower(draw(key, start)))
        word = lower((word ^ word >> 16) * 0x7FEB352D)
        word = lower((word ^ word >> 15) * 0x846CA68B)
        if word ^ word >> 16 >= threshold:
            out[place] = np.float32(value) * np.float32(scale)
    return out
