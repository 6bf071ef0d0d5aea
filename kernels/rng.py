"""Counter-based randomness: every draw is a hash of a key and the number of the draw.

A key is hashed from words (seed, epoch, item id, ...) that are folded in one after the other,
never added, so that neighbouring items cannot share streams. Draw number ``i`` of a key depends
on nothing else: not on threads, chunks, or which draws were made before.
"""

import numpy as np
from numba import njit, uint32, uint64

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)


@njit(inline="always")
def mix(word):
    """Hash 64 bits to 64 bits (the finaliser of SplitMix64, Steele et al. 2014)."""
    word = uint64(word) + _GOLDEN
    word = (word ^ (word >> uint64(30))) * _MIX1
    word = (word ^ (word >> uint64(27))) * _MIX2
    return word ^ (word >> uint64(31))


@njit(inline="always")
def fold(key, word):
    """Return the key of item ``word`` under ``key``."""
    return mix(mix(key) ^ uint64(word))


@njit(inline="always")
def draw(key, counter):
    """Return draw number ``counter`` of ``key``: 64 random bits."""
    return mix(uint64(key) ^ mix(uint64(counter)))


@njit(inline="always")
def bounded(bits, n):
    """Map the upper 32 of 64 random bits to ``0 .. n - 1`` for n < 2**32 (Lemire 2019)."""
    return uint32(((uint64(bits) >> uint64(32)) * uint64(n)) >> uint64(32))


@njit(inline="always")
def unit(bits):
    """Map 64 random bits to a float64 in [0, 1)."""
    return np.float64(uint64(bits) >> uint64(11)) * (1.0 / 9007199254740992.0)
