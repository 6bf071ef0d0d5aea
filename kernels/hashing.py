"""Hash and look up strings that lie end to end in one byte buffer, as Arrow keeps them."""

import numpy as np
from numba import njit, uint64

from graphembed.kernels.rng import mix


@njit(cache=True, nogil=True)
def hash_strings(offsets, data, start, stop, out):
    """Hash strings ``start .. stop - 1`` to 64 bits each; equal on every machine and run.

    The key starts as the mixed length; each 8 bytes (little-endian, the last ones padded with
    zeros) are xored in and mixed.

    Parameters
    ----------
    offsets : ndarray of shape (n_strings + 1,), int64
        String i is ``data[offsets[i]:offsets[i + 1]]``.
    data : ndarray of uint8
    start, stop : int
        Range of strings.
    out : ndarray of shape (n_strings,), uint64
        Written in the range.
    """
    for i in range(start, stop):
        position = offsets[i]
        end = offsets[i + 1]
        key = mix(uint64(end - position))
        while position < end:
            word = uint64(0)
            for byte in range(min(8, end - position)):
                word |= uint64(data[position + byte]) << uint64(8 * byte)
            key = mix(key ^ word)
            position += 8
        out[i] = key


@njit(cache=True, nogil=True)
def find_strings(
    hashes, offsets, data, sorted_hashes, order, known_offsets, known_data, start, stop, out
):
    """Find queries ``start .. stop - 1`` among known strings: by hash, then byte by byte.

    Parameters
    ----------
    hashes, offsets, data : ndarrays
        Hashes and bytes of the queries, as in :func:`hash_strings`.
    sorted_hashes : ndarray of shape (n_known,), uint64
        Hashes of the known strings, ascending.
    order : ndarray of shape (n_known,), int32
        Number of the known string that each of ``sorted_hashes`` belongs to.
    known_offsets, known_data : ndarrays
        Bytes of the known strings.
    start, stop : int
        Range of queries.
    out : ndarray of shape (n_queries,), int64
        Number of the known string that equals the query, or -1.
    """
    n_known = len(sorted_hashes)
    for i in range(start, stop):
        low = 0
        high = n_known
        while low < high:
            middle = (low + high) // 2
            if sorted_hashes[middle] < hashes[i]:
                low = middle + 1
            else:
                high = middle
        out[i] = -1
        length = offsets[i + 1] - offsets[i]
        # Several strings may share a hash, so every one of them is compared.
        while low < n_known and sorted_hashes[low] == hashes[i] and out[i] < 0:
            known = order[low]
            first = known_offsets[known]
            same = known_offsets[known + 1] - first == length
            byte = 0
            while same and byte < length:
                same = known_data[first + byte] == data[offsets[i] + byte]
                byte += 1
            if same:
                out[i] = np.int64(known)
            low += 1
