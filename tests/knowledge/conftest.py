"""A knowledge graph that every model can learn: places on a grid, and how to get to the next."""

from itertools import product

import numpy as np
import pytest

SIDE = 8
STEPS = {"east": (1, 0), "north": (0, 1), "northeast": (1, 1)}


def grid_triples():
    return [
        (f"{x}:{y}", relation, f"{x + dx}:{y + dy}")
        for (x, y), (relation, (dx, dy)) in product(
            product(range(SIDE), range(SIDE)), STEPS.items()
        )
        if x + dx < SIDE and y + dy < SIDE
    ]


@pytest.fixture(scope="session")
def grid():
    """Training triples, and 20 that are held out, of places that are all trained."""
    triples = np.array(grid_triples())
    order = np.random.default_rng(0).permutation(len(triples))
    return triples[order[20:]], triples[order[:20]]
