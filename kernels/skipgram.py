"""Skip-gram with shared negatives: pairs (input, output) trained in groups.

Rows of two tables, ``w_in`` and ``w_out``, are trained so that the input's vector of a node scores
high with the output's vectors of nodes near it on walks. The node in the middle of a window is the
output, those around it the inputs, as in word2vec. ``GROUP`` consecutive pairs share their
negatives: scores with them are a small matrix product whose tile of sums stays in registers. The
inner loops are written as LLVM vectors; :mod:`graphembed.kernels.simd` says why.
"""

from typing import Any

import numpy as np
from numba import njit, types, uint64
from numba.extending import intrinsic

from graphembed.kernels import simd
from graphembed.kernels.alias import sample
from graphembed.kernels.rng import bounded, draw, fold

GROUP = 8  # pairs that share their negatives
TILE_PAIRS, TILE_NEGATIVES = 2, 5  # sums of one register tile
LOSS_EVERY = 64  # groups; the loss is estimated from a sample of them
_TILES = GROUP // TILE_PAIRS
_LANES = simd.LANES


@intrinsic
def _train_group(  # numba calls it by position
    typingctx,
    w_in,
    inputs,
    w_out,
    outputs,
    negatives,
    pair_mask,
    mask,
    rate,
    gradients,
    deltas,
):
    """Train one group of pairs on the old values of all rows.

    ``inputs`` and ``outputs`` are GROUP row numbers, ``negatives`` a multiple of TILE_NEGATIVES;
    entries of the masks that are 0 take no part. ``gradients`` and ``deltas`` are scratch.
    """
    signature = types.void(
        w_in, inputs, w_out, outputs, negatives, pair_mask, mask, types.float32, gradients, deltas
    )

    def codegen(context, builder, sig, args):
        arrays = [
            context.make_array(kind)(context, builder, value)
            if isinstance(kind, types.Array)
            else value
            for kind, value in zip(sig.args, args, strict=True)
        ]
        _Group(builder, *arrays).emit()
        return context.get_dummy_value()

    return signature, codegen


class _Group:
    """Emits the phases of a group, in an order in which every product sees old values."""

    def __init__(
        self, builder: Any, w_in: Any, inputs: Any, w_out: Any, outputs: Any, negatives: Any,
        pair_mask: Any, mask: Any, rate: Any, gradients: Any, deltas: Any,
    ) -> None:  # fmt: skip
        self.builder = builder
        self.d = builder.extract_value(w_in.shape, 1)
        self.n_negatives = builder.extract_value(negatives.shape, 0)
        self.w_out, self.negatives = w_out.data, negatives.data
        self.pair_mask, self.mask = pair_mask.data, mask.data
        self.gradients, self.deltas = gradients.data, deltas.data
        self.rate = simd.splat(builder, rate)
        pairs = [simd.I64(pair) for pair in range(GROUP)]
        self.inputs = [self.row(w_in.data, inputs.data, pair) for pair in pairs]
        self.outputs = [self.row(w_out.data, outputs.data, pair) for pair in pairs]

    def emit(self) -> None:
        """Scores and gradients first, then what each row moves by, then the moves."""
        self.positive_gradients()
        self.over_negatives(self.negative_gradients)
        for tile in range(_TILES):
            self.start_deltas(tile)
            self.over_negatives(lambda first, tile=tile: self.add_to_deltas(first, tile))
        self.over_columns(self.move_outputs)
        self.over_negatives(self.move_negatives)
        self.over_columns(self.move_inputs)

    def row(self, table: Any, rows: Any, position: Any) -> Any:
        builder = self.builder
        number = builder.sext(simd.load_scalar(builder, rows, position), simd.I64)
        return builder.gep(table, [builder.mul(number, self.d)])

    def over_columns(self, body: Any, carried: Any = ()) -> list[Any]:
        zero = simd.I64(0)
        return simd.for_range(self.builder, zero, self.d, simd.LANES, carried, body)

    def over_negatives(self, body: Any) -> None:
        def once(first: Any, _: Any) -> list[Any]:
            body(first)
            return []

        zero = simd.I64(0)
        simd.for_range(self.builder, zero, self.n_negatives, TILE_NEGATIVES, [], once)

    def negative_rows(self, first: Any) -> list[Any]:
        offsets = [self.builder.add(first, simd.I64(k)) for k in range(TILE_NEGATIVES)]
        return [self.row(self.w_out, self.negatives, offset) for offset in offsets]

    def tile_inputs(self, tile: int) -> list[Any]:
        return self.inputs[tile * TILE_PAIRS : (tile + 1) * TILE_PAIRS]

    def mask_offset(self, first: Any, tile: int) -> Any:
        """Return where the masks of a tile are; a tile of sums has a vector of its own."""
        builder = self.builder
        block = builder.udiv(first, simd.I64(TILE_NEGATIVES))
        vector = builder.add(builder.mul(block, simd.I64(_TILES)), simd.I64(tile))
        return builder.mul(vector, simd.I64(simd.LANES))

    def gradient_offset(self, first: Any, tile: int) -> Any:
        """Return where the gradients of a tile are: behind the one vector of the positives."""
        return self.builder.add(self.mask_offset(first, tile), simd.I64(simd.LANES))

    def scaled(self, errors: Any, mask: Any) -> Any:
        return self.builder.fmul(self.builder.fmul(errors, mask), self.rate)

    def gradient(self, offset: Any, lane: int) -> Any:
        position = self.builder.add(offset, simd.I64(lane))
        return simd.splat(self.builder, simd.load_scalar(self.builder, self.gradients, position))

    def positive_gradients(self) -> None:
        builder = self.builder

        def dots(j: Any, sums: list[Any]) -> list[Any]:
            return [
                simd.multiply_add(
                    builder, simd.load(builder, left, j), simd.load(builder, right, j), total
                )
                for left, right, total in zip(self.inputs, self.outputs, sums, strict=True)
            ]

        scores = simd.row_sums(builder, self.over_columns(dots, [simd.ZERO] * GROUP))
        errors = builder.fsub(simd.constant(1.0), simd.sigmoid(builder, scores))
        mask = simd.load(builder, self.pair_mask, simd.I64(0))
        simd.store(builder, self.scaled(errors, mask), self.gradients, simd.I64(0))

    def negative_gradients(self, first: Any) -> None:
        builder, rows = self.builder, self.negative_rows(first)
        for tile in range(_TILES):
            inputs = self.tile_inputs(tile)

            def dots(j: Any, sums: list[Any], inputs: Any = inputs) -> list[Any]:
                left = [simd.load(builder, pointer, j) for pointer in inputs]
                right = [simd.load(builder, pointer, j) for pointer in rows]
                products = [(a, b) for b in right for a in left]
                return [
                    simd.multiply_add(builder, a, b, total)
                    for (a, b), total in zip(products, sums, strict=True)
                ]

            n_sums = TILE_PAIRS * TILE_NEGATIVES
            scores = simd.row_sums(builder, self.over_columns(dots, [simd.ZERO] * n_sums))
            errors = builder.fsub(simd.ZERO, simd.sigmoid(builder, scores))
            mask = simd.load(builder, self.mask, self.mask_offset(first, tile))
            offset = self.gradient_offset(first, tile)
            simd.store(builder, self.scaled(errors, mask), self.gradients, offset)

    def start_deltas(self, tile: int) -> None:
        """Begin what a tile's inputs move by: their outputs."""
        builder, pairs = self.builder, range(tile * TILE_PAIRS, (tile + 1) * TILE_PAIRS)
        gradients = [self.gradient(simd.I64(0), pair) for pair in pairs]

        def column(j: Any, _: Any) -> list[Any]:
            for gradient, pair in zip(gradients, pairs, strict=True):
                product = builder.fmul(gradient, simd.load(builder, self.outputs[pair], j))
                simd.store(builder, product, self.deltas, self.delta_offset(pair, j))
            return []

        self.over_columns(column)

    def delta_offset(self, pair: int, j: Any) -> Any:
        return self.builder.add(self.builder.mul(simd.I64(pair), self.d), j)

    def add_to_deltas(self, first: Any, tile: int) -> None:
        builder, rows = self.builder, self.negative_rows(first)
        offset = self.gradient_offset(first, tile)
        gradients = [self.gradient(offset, k) for k in range(TILE_PAIRS * TILE_NEGATIVES)]

        def column(j: Any, _: Any) -> list[Any]:
            values = [simd.load(builder, pointer, j) for pointer in rows]
            for c in range(TILE_PAIRS):
                place = self.delta_offset(tile * TILE_PAIRS + c, j)
                delta = simd.load(builder, self.deltas, place)
                for k, value in enumerate(values):
                    gradient = gradients[k * TILE_PAIRS + c]
                    delta = simd.multiply_add(builder, gradient, value, delta)
                simd.store(builder, delta, self.deltas, place)
            return []

        self.over_columns(column)

    def move_outputs(self, j: Any, _: Any) -> list[Any]:
        # One after the other: an output that occurs twice moves twice.
        builder = self.builder
        for pair, (input_row, output_row) in enumerate(zip(self.inputs, self.outputs, strict=True)):
            gradient = self.gradient(simd.I64(0), pair)
            move = builder.fmul(gradient, simd.load(builder, input_row, j))
            simd.store(
                builder, builder.fadd(simd.load(builder, output_row, j), move), output_row, j
            )
        return []

    def move_negatives(self, first: Any) -> None:
        builder, rows = self.builder, self.negative_rows(first)

        def column(j: Any, _: Any) -> list[Any]:
            moves = [simd.ZERO] * TILE_NEGATIVES
            for tile in range(_TILES):
                offset = self.gradient_offset(first, tile)
                for c, pointer in enumerate(self.tile_inputs(tile)):
                    value = simd.load(builder, pointer, j)
                    for k in range(TILE_NEGATIVES):
                        gradient = self.gradient(offset, k * TILE_PAIRS + c)
                        moves[k] = simd.multiply_add(builder, gradient, value, moves[k])
            for move, pointer in zip(moves, rows, strict=True):
                total = builder.fadd(simd.load(builder, pointer, j), move)
                simd.store(builder, total, pointer, j)
            return []

        self.over_columns(column)

    def move_inputs(self, j: Any, _: Any) -> list[Any]:
        builder = self.builder
        for pair, pointer in enumerate(self.inputs):
            delta = simd.load(builder, self.deltas, self.delta_offset(pair, j))
            total = builder.fadd(simd.load(builder, pointer, j), delta)
            simd.store(builder, total, pointer, j)
        return []


@njit(cache=True, nogil=True)
def window_pairs(walks, first_walk, window, shrink, key, inputs, outputs, start):
    """List the pairs of nodes that stand within a window of each other in some walks.

    Parameters
    ----------
    walks : ndarray of shape (n_walks, walk_length), int32
        A walk ends at its first -1.
    first_walk : int
        Number of the first of these walks: with ``key`` it decides the windows' sizes.
    window : int
        Largest distance of a pair.
    shrink : bool
        Draw the size of each window from 1 .. window, as word2vec does.
    key : uint64
    inputs, outputs : ndarray of int32
        Pairs are written here.
    start : int
        Where to begin; ``2 * window`` places for each step of a walk are enough.

    Returns
    -------
    int
        Where the pairs end.
    """
    length = walks.shape[1]
    end = start
    for w in range(walks.shape[0]):
        walk_key = fold(key, first_walk + w)
        walk = walks[w]
        n = 0
        while n < length and walk[n] >= 0:
            n += 1
        for i in range(n):
            reach = window
            if shrink:
                reach = 1 + np.int64(bounded(draw(walk_key, i), window))
            for j in range(max(0, i - reach), min(n, i + reach + 1)):
                if j != i:
                    inputs[end] = walk[j]
                    outputs[end] = walk[i]
                    end += 1
    return end


@njit(cache=True, nogil=True)
def thin_walks(walks, first_walk, keep, key):
    """Leave out frequent nodes at random, in place; what stays moves together.

    Parameters
    ----------
    walks : ndarray of shape (n_walks, walk_length), int32
        A walk ends at its first -1.
    first_walk : int
        Number of the first of these walks.
    keep : ndarray of shape (n_nodes,), uint32
        Chance that a visit of a node stays, in units of 2**-32.
    key : uint64
    """
    for w in range(walks.shape[0]):
        walk_key = fold(key, first_walk + w)
        walk = walks[w]
        end = 0
        for i in range(walks.shape[1]):
            if walk[i] < 0:
                break
            if draw(walk_key, i) >> uint64(32) <= uint64(keep[walk[i]]):
                walk[end] = walk[i]
                end += 1
        walk[end:] = -1


@njit(cache=True, nogil=True)
def train_pairs(
    w_in, w_out, inputs, outputs, start, stop,
    candidates, table, first, last, n_negatives, rate, key,
):  # fmt: skip
    r"""Train pairs ``start <= i < stop``, GROUP at a time, with shared negatives.

    For an input x, its output c and negatives n, all gradients of

    .. math:: -\log \sigma(u_x \cdot v_c) - \sum_n \log \sigma(-u_x \cdot v_n)

    are taken at the values the group began with.

    Parameters
    ----------
    w_in, w_out : ndarray of shape (n_nodes + 1, d), float32, C-contiguous
        Rows u and v; d is a multiple of 16. The last row is spare and holds zeros.
    inputs, outputs : ndarray of int32
    candidates : ndarray of int32
        Nodes that negatives are drawn from: those from ``first`` to ``last - 1``.
    table : ndarray of uint64
        Alias table of their frequencies, a row of :func:`graphembed.kernels.alias.build_alias`.
    first, last : int
    n_negatives : int
    rate : float32
        Learning rate.
    key : uint64

    Returns
    -------
    loss : float64
        Summed loss of a sample of groups, one in LOSS_EVERY.
    n_sampled : int
        Number of pairs in them.
    """
    padded = -(-n_negatives // TILE_NEGATIVES) * TILE_NEGATIVES
    spare = w_in.shape[0] - 1
    group_inputs = np.empty(GROUP, dtype=np.int32)
    group_outputs = np.empty(GROUP, dtype=np.int32)
    negatives = np.full(padded, spare, dtype=np.int32)
    pair_mask = np.zeros(_LANES, dtype=np.float32)
    mask = np.zeros(padded // TILE_NEGATIVES * _TILES * _LANES, dtype=np.float32)
    gradients = np.empty(_LANES + mask.shape[0], dtype=np.float32)
    deltas = np.empty((GROUP, w_in.shape[1]), dtype=np.float32)
    loss = 0.0
    n_sampled = 0
    counter = uint64(0)
    for group, begin in enumerate(range(start, stop, GROUP)):
        size = min(GROUP, stop - begin)
        for i in range(GROUP):
            taken = i < size
            group_inputs[i] = inputs[begin + i] if taken else spare
            group_outputs[i] = outputs[begin + i] if taken else spare
            pair_mask[i] = np.float32(taken)
        for k in range(n_negatives):
            bits = draw(key, counter)
            counter += uint64(1)
            negative = candidates[sample(table, first, last - first, bits)]
            negatives[k] = negative
            block, row = k // TILE_NEGATIVES, k % TILE_NEGATIVES
            for i in range(GROUP):
                tile, column = i // TILE_PAIRS, i % TILE_PAIRS
                place = (block * _TILES + tile) * _LANES + row * TILE_PAIRS + column
                mask[place] = pair_mask[i] if negative != group_outputs[i] else np.float32(0)
        if group % LOSS_EVERY == 0:
            loss += _group_loss(
                w_in, w_out, group_inputs, group_outputs, size, negatives, n_negatives
            )
            n_sampled += size
        _train_group(
            w_in, group_inputs, w_out, group_outputs, negatives, pair_mask, mask, rate,
            gradients, deltas,
        )  # fmt: skip
    return loss, n_sampled


@njit(cache=True, nogil=True)
def _group_loss(w_in, w_out, inputs, outputs, size, negatives, n_negatives):
    total = 0.0
    for i in range(size):
        input_row = w_in[inputs[i]]
        total += np.log1p(np.exp(-_dot(input_row, w_out[outputs[i]])))
        for k in range(n_negatives):
            if negatives[k] != outputs[i]:
                total += np.log1p(np.exp(_dot(input_row, w_out[negatives[k]])))
    return total


@njit(cache=True, nogil=True)
def _dot(left, right):
    total = 0.0
    for c in range(left.shape[0]):
        total += np.float64(left[c]) * np.float64(right[c])
    return total


@njit(cache=True, nogil=True)
def count_tiles(inputs, outputs, start, stop, block_of, n_blocks, counts):
    """Count pairs ``start <= i < stop`` by (block of input, block of output) into ``counts``."""
    counts[:] = 0
    for i in range(start, stop):
        counts[np.int64(block_of[inputs[i]]) * n_blocks + block_of[outputs[i]]] += 1


@njit(cache=True, nogil=True)
def scatter_tiles(
    inputs, outputs, start, stop, block_of, n_blocks, places, sorted_inputs, sorted_outputs
):
    """Move pairs to their tiles; ``places`` says where the next pair of each tile goes."""
    for i in range(start, stop):
        tile = np.int64(block_of[inputs[i]]) * n_blocks + block_of[outputs[i]]
        place = places[tile]
        sorted_inputs[place] = inputs[i]
        sorted_outputs[place] = outputs[i]
        places[tile] = place + 1
