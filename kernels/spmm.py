"""Sparse times dense: rows of a CSR matrix gather rows of a dense float32 matrix.

The gather is bound by how fast rows of the dense matrix arrive, not by arithmetic. Two things that
plain numba loops cannot say make the difference, so they are written as LLVM instructions: up to
128 columns of the running sum stay in registers while a row's entries are walked, and the rows
that will be needed ``PREFETCH`` entries later are asked for ahead of time.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

LANES = 16  # floats in one LLVM vector; LLVM splits them on processors with narrower registers
PREFETCH = 24  # entries ahead
CACHE_LINE = 16  # floats
_I64 = ir.IntType(64)
_I32 = ir.IntType(32)
_VECTOR = ir.VectorType(ir.FloatType(), LANES)


def _define_gather(width: int) -> Any:
    """Make the intrinsic ``gather(matrix, indices, weights, start, stop, column, out)``.

    It writes ``out[column : column + width] = sum_k weights[k] * matrix[indices[k], column : ...]``
    for ``start <= k < stop``, in this order of k; ``weights`` may be None (all 1). ``matrix`` is
    C-contiguous (n, d) float32, ``out`` a contiguous (d,) float32 row.
    """

    @intrinsic  # type: ignore[misc, unused-ignore]
    def gather(typingctx, matrix, indices, weights, start, stop, column, out):  # noqa: ARG001
        signature = types.void(
            matrix, indices, weights, types.int64, types.int64, types.int64, out
        )

        def codegen(context, builder, sig, args):
            arrays = [
                None if isinstance(kind, types.NoneType) else context.make_array(kind)(context, builder, value)
                for kind, value in zip(sig.args, args, strict=True)
                if not isinstance(kind, types.Integer)
            ]
            _emit_gather(builder, arrays, args[3], args[4], args[5], width)
            return context.get_dummy_value()

        return signature, codegen

    return gather


def _emit_gather(builder: Any, arrays: Any, start: Any, stop: Any, column: Any, width: int) -> None:
    matrix, indices, weights, out = arrays
    n_vectors = width // LANES
    vector_pointer = _VECTOR.as_pointer()
    zero = ir.Constant(_VECTOR, [0.0] * LANES)
    stride = builder.extract_value(matrix.shape, 1)
    # Beyond its own last entry a row asks ahead for the next row's.
    last = builder.sub(builder.extract_value(indices.shape, 0), _I64(1))

    def address(array: Any, offset: Any, vector: int = 0) -> Any:
        pointer = builder.gep(array.data, [builder.add(offset, _I64(vector * LANES))])
        return builder.bitcast(pointer, vector_pointer)

    def row_offset(entry: Any) -> Any:
        row = builder.sext(builder.load(builder.gep(indices.data, [entry])), _I64)
        return builder.add(builder.mul(row, stride), column)

    before = builder.block
    loop = builder.append_basic_block("gather.loop")
    done = builder.append_basic_block("gather.done")
    builder.cbranch(builder.icmp_signed("<", start, stop), loop, done)

    builder.position_at_end(loop)
    entry = builder.phi(_I64)
    entry.add_incoming(start, before)
    sums = [builder.phi(_VECTOR) for _ in range(n_vectors)]
    ahead = builder.add(entry, _I64(PREFETCH))
    ahead = builder.select(builder.icmp_signed("<", ahead, last), ahead, last)
    _emit_prefetch(builder, matrix, row_offset(ahead), width)
    offset = row_offset(entry)
    if weights is not None:
        scalar = builder.load(builder.gep(weights.data, [entry]))
        weight = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, _I32(0))
        lanes = ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES)
        weight = builder.shuffle_vector(weight, ir.Constant(_VECTOR, ir.Undefined), lanes)
    updated = []
    for number, partial in enumerate(sums):
        values = builder.load(address(matrix, offset, number), align=4)
        if weights is None:
            updated.append(builder.fadd(partial, values))
        else:
            product = builder.fmul(weight, values, flags=("contract",))
            updated.append(builder.fadd(partial, product, flags=("contract",)))
    following = builder.add(entry, _I64(1))
    entry.add_incoming(following, loop)
    for partial, value in zip(sums, updated, strict=True):
        partial.add_incoming(zero, before)
        partial.add_incoming(value, loop)
    builder.cbranch(builder.icmp_signed("<", following, stop), loop, done)

    builder.position_at_end(done)
    results = []
    for value in updated:
        result = builder.phi(_VECTOR)
        result.add_incoming(zero, before)
        result.add_incoming(value, loop)
        results.append(result)
    for number, result in enumerate(results):
        builder.store(result, address(out, column, number), align=4)


def _emit_prefetch(builder: Any, matrix: Any, offset: Any, width: int) -> None:
    byte_pointer = ir.IntType(8).as_pointer()
    arguments = [byte_pointer, _I32, _I32, _I32]
    prefetch = builder.module.declare_intrinsic(
        "llvm.prefetch", [byte_pointer], ir.FunctionType(ir.VoidType(), arguments)
    )
    for line in range(0, width, CACHE_LINE):
        pointer = builder.gep(matrix.data, [builder.add(offset, _I64(line))])
        read, keep, data = _I32(0), _I32(3), _I32(1)
        builder.call(prefetch, [builder.bitcast(pointer, byte_pointer), read, keep, data])


_gather_128 = _define_gather(128)
_gather_64 = _define_gather(64)
_gather_32 = _define_gather(32)
_gather_16 = _define_gather(16)


@njit(cache=True, nogil=True)
def gather_row(matrix, indices, weights, start, stop, out):
    """Write ``out = sum_k weights[k] * matrix[indices[k]]`` for ``start <= k < stop``.

    Each column is summed in the order of k, whatever its place in the row.
    """
    d = out.shape[0]
    if d < LANES:
        out[:] = 0
        for k in range(start, stop):
            weight = np.float32(1) if weights is None else weights[k]
            for c in range(d):
                out[c] += weight * matrix[indices[k], c]
        return
    c = 0
    while c + 128 <= d:
        _gather_128(matrix, indices, weights, start, stop, c, out)
        c += 128
    if c + 64 <= d:
        _gather_64(matrix, indices, weights, start, stop, c, out)
        c += 64
    if c + 32 <= d:
        _gather_32(matrix, indices, weights, start, stop, c, out)
        c += 32
    if c + 16 <= d:
        _gather_16(matrix, indices, weights, start, stop, c, out)
        c += 16
    if c < d:  # the last, overlapping vector computes some columns a second time, to the same bits
        _gather_16(matrix, indices, weights, start, stop, d - LANES, out)


@njit(cache=True, nogil=True)
def spmm(indptr, indices, weights, matrix, out, first, last):
    """Write rows ``first <= i < last`` of ``out = A @ matrix``.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,), int64
    indices : ndarray of shape (n_entries,), int32
    weights : ndarray of shape (n_entries,), float32, or None
        Entries of A; None for all ones.
    matrix : ndarray of shape (n_columns, d), float32, C-contiguous
    out : ndarray of shape (n_rows, d), float32, C-contiguous
    first, last : int
        Range of rows.
    """
    for i in range(first, last):
        gather_row(matrix, indices, weights, indptr[i], indptr[i + 1], out[i])


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def propagate(indptr, indices, weights, matrix, out, total, coefficient, normalize, first, last):
    r"""Propagate one step along the transition matrix and add the result to a total.

    For rows ``first <= i < last``, with :math:`P = D^{-1} A`:

    .. math:: out_i = (P X)_i, \qquad total_i \mathrel{+}= c \, out_i / \lVert out_i \rVert_2

    without the division by the norm if ``normalize`` is false. A row without entries, and a row
    of norm 0, adds nothing.

    Parameters
    ----------
    indptr, indices, weights
        The matrix A, as in :func:`spmm`. D holds its row sums, summed in float64.
    matrix : ndarray of shape (n_columns, d), float32, C-contiguous
        X.
    out : ndarray of shape (n_rows, d) or (1, d), float32, C-contiguous
        With one row only, the product is not kept.
    total : ndarray of shape (n_rows, d), float32, C-contiguous
    coefficient : float32
        c; 0 leaves ``total`` alone.
    normalize : bool
    first, last : int
        Range of rows.
    """
    d = total.shape[1]
    keep = out.shape[0] == total.shape[0]
    scratch = np.empty(d, dtype=np.float32)
    for i in range(first, last):
        start, stop = indptr[i], indptr[i + 1]
        row = out[i] if keep else scratch
        degree = np.float64(stop - start)
        if weights is not None:
            degree = 0.0
            for k in range(start, stop):
                degree += np.float64(weights[k])
        if degree <= 0:
            row[:] = 0
            continue
        gather_row(matrix, indices, weights, start, stop, row)
        inverse = np.float32(1.0 / degree)
        squares = np.float32(0)
        for c in range(d):
            row[c] *= inverse
            squares += row[c] * row[c]
        if coefficient != 0 and squares > 0:
            scale = coefficient
            if normalize:
                scale = np.float32(coefficient / np.sqrt(squares))
            sums = total[i]
            for c in range(d):
                sums[c] += scale * row[c]
