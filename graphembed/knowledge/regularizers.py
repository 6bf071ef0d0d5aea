"""Penalties on the rows of a batch, added to their gradients."""

import numpy as np

from graphembed.knowledge.formula import Formula, Rows


def add_n3(values: Rows, grads: Rows, weight: float, formula: Formula) -> Rows:
    r"""Add the gradient of :math:`w \sum_k |x_k|^3` (Lacroix et al. 2018).

    Of a formula on complex numbers, :math:`|x_k|` is the modulus.
    """
    factor = np.float32(3 * weight)
    if formula.complex_columns:
        real, imaginary = np.hsplit(values, 2)
        size = np.sqrt(real * real + imaginary * imaginary)
        penalty: Rows = factor * np.hstack([size, size]) * values
        return grads + penalty
    penalty = factor * np.abs(values) * values
    return grads + penalty


def add_l2(values: Rows, grads: Rows, weight: float, formula: Formula) -> Rows:  # noqa: ARG001
    r"""Add the gradient of :math:`w \sum_k x_k^2`."""
    return grads + np.float32(2 * weight) * values


REGULARIZERS = {"l2": add_l2, "n3": add_n3}
