"""Slow twins of the kernels of hyperbolic training, by the book: hyperboloid, cosh, arcosh."""

from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.kernels.rng import bounded, fold, mix

Floats = npt.NDArray[np.float64]
TRIES = 10


def lift(x: Floats) -> Floats:
    """Return a point of the hyperboloid, time first, from its spatial coordinates."""
    return np.concatenate([[np.sqrt(1 + x @ x)], x])


def lorentz_product(p: Floats, q: Floats) -> float:
    """Return the Lorentzian product, negative in time."""
    return float(p[1:] @ q[1:] - p[0] * q[0])


def distance_and_gradient(x: Floats, y: Floats, manifold: str) -> tuple[float, Floats]:
    """Return the distance of two points and its Riemannian gradient by the first."""
    if manifold == "euclidean":
        distance = float(np.linalg.norm(x - y))
        return distance, (x - y) / distance
    p, q = lift(x), lift(y)
    product = lorentz_product(p, q)
    distance = float(np.arccosh(max(1.0, -product)))
    return distance, -(q + product * p) / np.sqrt(product**2 - 1)


def move(x: Floats, tangent: Floats, manifold: str) -> Floats:
    """Follow a geodesic; a tangent of the hyperboloid has time first. At most a distance of 1."""
    if manifold == "euclidean":
        return x + tangent * min(1.0, 1 / max(float(np.linalg.norm(tangent)), 1e-300))
    length = np.sqrt(max(0.0, lorentz_product(tangent, tangent)))
    if length == 0:
        return x
    step = min(1.0, length)
    moved: Floats = np.cosh(step) * lift(x) + np.sinh(step) * tangent / length
    return moved[1:]


def slopes(distances: Floats, loss: str, margin: float, temperature: float) -> tuple[float, Floats]:
    """Return a loss of one positive and its negatives, and its derivative by each distance."""
    own, others = distances[0], distances[1:]
    if loss == "softmax":
        shares = np.exp(-(distances - distances.min()) / temperature)
        shares /= shares.sum()
        return float(-np.log(shares[0])), (np.eye(len(shares))[0] - shares) / temperature
    if loss == "fermi_dirac":
        signs = np.where(np.arange(len(distances)) == 0, 1.0, -1.0)
        logits = signs * (distances - margin) / temperature
        chances = 1 / (1 + np.exp(-logits))
        return float(np.log1p(np.exp(logits)).sum()), signs * chances / temperature
    hinges = np.maximum(0, margin + own - others)
    active = (hinges > 0) / max(1, len(others))
    return float(hinges.sum() / max(1, len(others))), np.concatenate([[active.sum()], -active])


def draw_negatives(
    u: int, positives: Any, candidates: Any, low: int, high: int, key: Any, count: int
) -> list[int]:
    """Draw uniformly what is neither u nor positive; twin of the kernel of this name."""
    found, bits = [], np.uint64(key)
    for _ in range(min(count, len(candidates) - 1 - len(positives))):
        for _ in range(TRIES):
            bits = np.uint64(mix(bits))
            node = int(candidates[low + int(bounded(bits, np.uint64(high - low)))])
            if node != u and node not in positives:
                found.append(node)
                break
    return found


def train_edges(
    points: Floats,
    sums: Floats,
    edges: Any,
    graph: Any,
    *,
    n_negatives: int,
    manifold: str,
    loss: str,
    margin: float,
    temperature: float,
    rate: float,
    adagrad: float,
    largest_norm: float,
    key: Any,
) -> float:
    """Train on edges one by one, against negatives from all nodes; twin of the kernel."""
    total = 0.0
    candidates = np.arange(graph.n_nodes)
    for e, (u, v) in enumerate(edges):
        if u == v:
            continue
        positives = graph.indices[graph.indptr[u] : graph.indptr[u + 1]]
        negatives = draw_negatives(
            u,
            positives,
            candidates,
            0,
            graph.n_nodes,
            fold(np.uint64(key), np.uint64(e)),
            n_negatives,
        )
        nodes = np.array([v, *negatives])
        value, gradients = _gradients(points, u, nodes, manifold, loss, margin, temperature)
        total += value
        own = gradients[0]
        for node, (weight, gradient) in zip(nodes, gradients[1], strict=True):
            fresh = sums[node] + adagrad * weight**2
            points[node] = _step(
                points[node], gradient, rate / np.sqrt(fresh), manifold, largest_norm
            )
            sums[node] = fresh
        square = own @ own if manifold == "euclidean" else lorentz_product(own, own)
        sums[u] += adagrad * square
        points[u] = _step(points[u], own, rate / np.sqrt(sums[u]), manifold, largest_norm)
    return total


def _gradients(
    points: Floats, u: int, nodes: Any, manifold: str, loss: str, margin: float, temperature: float
) -> tuple[float, tuple[Floats, list[tuple[float, Floats]]]]:
    pairs = [distance_and_gradient(points[u], points[v], manifold) for v in nodes]
    distances = np.array([distance for distance, _ in pairs])
    value, weights = slopes(distances, loss, margin, temperature)
    own = np.sum([w * g for w, (_, g) in zip(weights, pairs, strict=True)], axis=0)
    others = [
        (w, w * distance_and_gradient(points[v], points[u], manifold)[1])
        for w, v in zip(weights, nodes, strict=True)
    ]
    return value, (own, others)


def _step(x: Floats, gradient: Floats, rate: float, manifold: str, largest_norm: float) -> Floats:
    moved = move(x, -rate * gradient, manifold)
    return moved * min(1.0, largest_norm / max(float(np.linalg.norm(moved)), 1e-300))


def points_at(radius: float, n: int, d: int, seed: int = 0) -> Any:
    """Return points at a radius in random directions."""
    x = np.random.default_rng(seed).standard_normal((n, d))
    return np.sinh(radius) * x / np.linalg.norm(x, axis=1, keepdims=True)
