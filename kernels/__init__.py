"""Kernels: pure functions of arrays, compiled by numba.

A kernel knows no Graph and no estimator, prints nothing, draws randomness from keys it is given,
and writes only into arrays that it made or was given as ``out``. Kernels release the GIL and work
on a range of rows, so that :mod:`graphembed.engine` can run ranges on threads; their result never
depends on how the ranges were cut. Each has a slow numpy twin in
:mod:`graphembed.testing.reference`.
"""

if __name__ != "graphembed.kernels":
    raise ImportError(
        "The folder 'kernels' is source, not a package of its own: import graphembed.kernels."
    )
