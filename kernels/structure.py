"""Walks that come home, triangles, and core numbers of nodes that are added.

A row u is walked from: its neighbours v, and theirs, w. What is known of each node as seen from u
(the walks of two steps that end there, the step from there back to u) lies side by side in one
small table, so that a step to w costs one look. Sums run row by row: no bit of them depends on
the range of rows a call is given.
"""

import numpy as np
from numba import njit

_SEARCH = 32  # entries read in the time of one binary search


@njit(cache=True, nogil=True)
def walks_home(
    row_indptr, row_indices, row_weights, is_new, indptr, indices, weights, strengths,
    loops, hub_numbers, hub_indptr, hub_targets, hub_weights, hub_degree, least, out, first, last,
):  # fmt: skip
    r"""Write triangles and return probabilities after 2, 3 and 4 steps of some nodes.

    .. math::
        p_2 = \sum_v P_{uv} P_{vu}, \quad p_3 = \sum_{v, w} P_{uv} P_{vw} P_{wu}, \quad
        p_4 = p_2^2 + \sum_{w \ne u} \sum_{v, x} P_{uv} P_{vw} P_{wx} P_{xu}

    with :math:`P_{uv} = A_{uv} / d_u`. A hub is a node with more than ``hub_degree`` neighbours;
    it is light, as seen from u, if its step to u has a probability below ``least``. The last sum
    leaves out v and x that are light hubs.

    Parameters
    ----------
    row_indptr, row_indices, row_weights : ndarray of int64, of int32, of float32 or None
        CSR of the nodes to walk from, ascending within each row.
    is_new : bool
        Whether each of these nodes is added, alone, to the graph; else row u is node u.
    indptr, indices, weights : ndarray of int64, of int32, of float32 or None
        Symmetric CSR of the graph, positive weights (None: all 1), ascending within each row.
    strengths : ndarray of shape (n_nodes,), float64
        Sums of the weights of each row.
    loops : ndarray of shape (n_nodes,), bool
        Whether each node is its own neighbour.
    hub_numbers, hub_indptr, hub_targets, hub_weights : ndarrays
        What :func:`hub_entries` returns, None in place of no weights.
    hub_degree : int
    least : float
    out : ndarray of shape (n_rows, 4), float64
        Ordered pairs of neighbours that are neighbours, :math:`p_2`, :math:`p_3`, :math:`p_4`;
        rows ``first .. last - 1`` are written.
    first, last : int

    Notes
    -----
    A closed walk is as probable as its reverse. So a walk of three steps over one light hub is
    found from its other node and counts twice; those over two light hubs are looked up in the
    entries between hubs.
    """
    n = len(indptr) - 1
    # seen[w] holds the probability of u -> v -> w and the number of such v, side by side, so that
    # a step costs one look. float32 counts to 2^24, and no two nodes share so many light ones.
    seen = np.zeros((n, 2), dtype=np.float32)
    touched = np.empty(n + 1, dtype=np.int32)
    light = np.empty(len(hub_indptr), dtype=np.int32)
    light_back = np.zeros(len(hub_indptr), dtype=np.float64)
    for u in range(first, last):
        me = -1 if is_new else u
        total = 0.0
        for k in range(row_indptr[u], row_indptr[u + 1]):
            total += 1.0 if row_weights is None else row_weights[k]
        two, n_light, n_touched, stays = 0.0, 0, 0, 0
        for k in range(row_indptr[u], row_indptr[u + 1]):
            v = row_indices[k]
            weight = 1.0 if row_weights is None else row_weights[k]
            back = weight / (strengths[v] + weight if is_new else strengths[v])
            two += weight / total * back
            if indptr[v + 1] - indptr[v] > hub_degree and back < least:
                light[n_light] = hub_numbers[v]
                light_back[light[n_light]] = back
                n_light += 1
                continue
            stays |= v == me
            reach = back / total
            for j in range(indptr[v], indptr[v + 1]):
                w = np.uint32(indices[j])
                # Written each time, kept the first: a branch would be guessed wrong often.
                touched[n_touched] = w
                n_touched += seen[w, 1] == 0.0
                seen[w, 0] += np.float32(reach if weights is None else reach * weights[j])
                seen[w, 1] += np.float32(1.0)
        pairs, three, four = 0, 0.0, two * two
        my_hub = -1
        for k in range(row_indptr[u], row_indptr[u + 1]):
            w = row_indices[k]
            weight = 1.0 if row_weights is None else row_weights[k]
            back = weight / (strengths[w] + weight if is_new else strengths[w])
            is_light = hub_numbers[w] >= 0 and light_back[hub_numbers[w]] > 0.0
            times = 2 if is_light else 1
            three += times * back * seen[w, 0]
            if is_new and seen[w, 1] > 0.0:
                four -= back * total / strengths[w] * seen[w, 0] * seen[w, 0]
            if w == me:
                my_hub = hub_numbers[w] if is_light else -1
            else:
                # Less u -> u -> w, and u -> w -> w.
                loop = loops[w] and not is_light
                pairs += times * (np.int64(seen[w, 1]) - stays - loop)
        for i in range(n_light):
            v = light[i]
            count, met, at_home = _meet(light, i, light_back, hub_indptr, hub_targets, hub_weights)
            # P(u -> v) A(v, w) / d(v) is P(v -> u) A(v, w) / d(u).
            three += light_back[v] / total * (2.0 * met - at_home)
            if v != my_hub:
                pairs += 2 * (count - (at_home > 0.0) - (0 <= my_hub < v))
        for i in range(n_touched):
            w = touched[i]
            if w != me:
                four += total / strengths[w] * seen[w, 0] * seen[w, 0]
            seen[w, 0] = 0.0
            seen[w, 1] = 0.0
        for i in range(n_light):
            light_back[light[i]] = 0.0
        out[u, 0], out[u, 1], out[u, 2], out[u, 3] = pairs, two, three, four


@njit(cache=True, nogil=True)
def _meet(light, i, light_back, hub_indptr, hub_targets, hub_weights):
    """Return how many light hubs w <= v = light[i] v has entries to, and two sums.

    The sums are of A(v, w) P(w -> u), over all of them and of w = v alone.
    """
    v = light[i]
    begin, end = hub_indptr[v], hub_indptr[v + 1]
    at_home = 0.0
    if begin < end and hub_targets[end - 1] == v:
        at_home = light_back[v] * (1.0 if hub_weights is None else hub_weights[end - 1])
    count, total = 0, 0.0
    if (i + 1) * _SEARCH < end - begin:
        for place in range(i + 1):
            w = light[place]
            begin += np.searchsorted(hub_targets[begin:end], w)
            if begin < end and hub_targets[begin] == w:
                count += 1
                total += light_back[w] * (1.0 if hub_weights is None else hub_weights[begin])
        return count, total, at_home
    for j in range(begin, end):
        back = light_back[hub_targets[j]]
        count += back > 0.0
        total += back if hub_weights is None else back * hub_weights[j]
    return count, total, at_home


@njit(cache=True, nogil=True)
def hub_entries(indptr, indices, weights, hub_degree):
    """Return the entries between nodes with more than ``hub_degree`` entries, on one side.

    Parameters
    ----------
    indptr, indices, weights : ndarray of int64, of int32, of float32 or None
    hub_degree : int

    Returns
    -------
    numbers : ndarray of shape (n_nodes,), int32
        Number of each hub, ascending; -1 for other nodes.
    hub_indptr : ndarray of shape (n_hubs + 1,), int64
    hub_targets : ndarray of int32
        Numbers of hubs, up to the diagonal: where nodes are in descending order of their degrees,
        these are the few that are larger.
    hub_weights : ndarray of float32
        Empty if there are no weights.
    """
    n = len(indptr) - 1
    numbers = np.full(n, -1, dtype=np.int32)
    n_hubs = 0
    for v in range(n):
        if indptr[v + 1] - indptr[v] > hub_degree:
            numbers[v] = n_hubs
            n_hubs += 1
    hub_indptr = np.zeros(n_hubs + 1, dtype=np.int64)
    for v in range(n):
        if numbers[v] >= 0:
            count = 0
            for j in range(indptr[v], indptr[v + 1]):
                w = indices[j]
                count += 0 <= numbers[w] <= numbers[v]
            hub_indptr[numbers[v] + 1] = hub_indptr[numbers[v]] + count
    targets = np.empty(hub_indptr[n_hubs], dtype=np.int32)
    kept_weights = np.empty(0 if weights is None else len(targets), dtype=np.float32)
    place = 0
    for v in range(n):
        if numbers[v] >= 0:
            for j in range(indptr[v], indptr[v + 1]):
                if 0 <= numbers[indices[j]] <= numbers[v]:
                    targets[place] = numbers[indices[j]]
                    if weights is not None:
                        kept_weights[place] = weights[j]
                    place += 1
    return numbers, hub_indptr, targets, kept_weights


@njit(cache=True, nogil=True)
def reordered(indptr, indices, weights, order):
    """Return a symmetric CSR with its nodes in another order, ascending within each row.

    Parameters
    ----------
    indptr, indices, weights : ndarray of int64, of int32, of float32 or None
    order : ndarray of shape (n_nodes,), int64
        The row that each new row is.

    Returns
    -------
    indptr, indices, weights : ndarray of int64, of int32, of float32
        Weights are empty if there are none.
    """
    n = len(order)
    numbers = np.empty(n, dtype=np.int32)
    new_indptr = np.zeros(n + 1, dtype=np.int64)
    for i in range(n):
        numbers[order[i]] = i
        new_indptr[i + 1] = new_indptr[i] + indptr[order[i] + 1] - indptr[order[i]]
    free = new_indptr[:-1].copy()
    new_indices = np.empty(len(indices), dtype=np.int32)
    new_weights = np.empty(0 if weights is None else len(indices), dtype=np.float32)
    # An entry is written in the row of its mirror image: so they come in the order of rows.
    for i in range(n):
        for k in range(indptr[order[i]], indptr[order[i] + 1]):
            j = numbers[indices[k]]
            new_indices[free[j]] = i
            if weights is not None:
                new_weights[free[j]] = weights[k]
            free[j] += 1
    return new_indptr, new_indices, new_weights


@njit(cache=True, nogil=True)
def count_steps(row_indptr, row_indices, indptr, hub_degree):
    """Return about what each row costs :func:`walks_home`, added up: (n_rows + 1,), int64."""
    n_rows = len(row_indptr) - 1
    steps = np.zeros(n_rows + 1, dtype=np.int64)
    for u in range(n_rows):
        count = 0
        for k in range(row_indptr[u], row_indptr[u + 1]):
            v = row_indices[k]
            count += min(indptr[v + 1] - indptr[v], hub_degree)
        steps[u + 1] = steps[u] + count
    return steps


@njit(cache=True, nogil=True)
def find_loops(indptr, indices):
    """Return whether each row of a CSR has an entry on the diagonal: (n_nodes,), bool."""
    n = len(indptr) - 1
    loops = np.zeros(n, dtype=np.bool_)
    for u in range(n):
        for k in range(indptr[u], indptr[u + 1]):
            loops[u] |= indices[k] == u
    return loops


@njit(cache=True, nogil=True)
def h_indices(indptr, indices, numbers):
    """Return the largest h for which h entries of each row have numbers of at least h.

    Parameters
    ----------
    indptr, indices : ndarray of int64, of int32
        CSR without repeated entries.
    numbers : ndarray of shape (n_columns,), int32
        Not negative.

    Returns
    -------
    ndarray of shape (n_rows,), int32
    """
    n_rows = len(indptr) - 1
    found = np.empty(n_rows, dtype=np.int32)
    for u in range(n_rows):
        degree = indptr[u + 1] - indptr[u]
        counts = np.zeros(degree + 1, dtype=np.int64)
        for k in range(indptr[u], indptr[u + 1]):
            counts[min(numbers[indices[k]], degree)] += 1
        h, reached = degree, counts[degree]
        while reached < h:
            h -= 1
            reached += counts[h]
        found[u] = h
    return found
