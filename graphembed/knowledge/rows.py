"""What formulas share: gradients of a row that stands for many, and products of complex rows."""

import numpy as np

from graphembed.knowledge.formula import Rows
from graphembed.knowledge.interactions import Euclidean, Interaction, Manhattan


def norm_distance(norm: int) -> Interaction:
    """Return the distance of an L1 or L2 norm."""
    return Manhattan() if norm == 1 else Euclidean()


def relation_gradient(relations: Rows, grads: Rows) -> Rows:
    """Return gradients as rows of relations: their sum where a single row stands for all."""
    return grads if len(relations) == len(grads) else grads.sum(axis=0, keepdims=True)


def row_products(rows: Rows, vectors: Rows) -> Rows:
    """Return a column of inner products of rows with vectors: with each its own, or all with one.

    Equal rows have products of the same bits wherever they stand, which matrix products would not
    promise.

    Parameters
    ----------
    rows : ndarray of shape (n, width)
    vectors : ndarray of shape (n, width) or (1, width)

    Returns
    -------
    ndarray of shape (n, 1)
    """
    products: Rows
    if len(vectors) == len(rows):
        products = np.einsum("ij,ij->i", rows, vectors)
    else:
        products = np.einsum("ij,j->i", rows, vectors[0])
    return products[:, np.newaxis]


def weighted_rows(relations: Rows, weights: Rows, rows: Rows) -> Rows:
    """Return the :func:`relation_gradient` of ``weights * rows``, ``weights`` being a column."""
    return weights * rows if len(relations) == len(rows) else weights.T @ rows


def unit_rows(rows: Rows) -> Rows:
    """Return rows divided by their Euclidean norms; rows of zeros stay."""
    norms: Rows = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    norms[norms == 0] = 1
    return rows / norms


def check_complex(n_components: int) -> None:
    """Raise if real columns do not make complex numbers.

    Raises
    ------
    ValueError
        If ``n_components`` is odd.
    """
    if n_components % 2:
        raise ValueError(
            "n_components counts the real and the imaginary parts of complex numbers, so it must "
            f"be even; got {n_components}."
        )


def complex_halves(rows: Rows) -> tuple[Rows, Rows]:
    """Return views of the real parts, the first half of the columns, and the imaginary parts."""
    half = rows.shape[1] // 2
    return rows[:, :half], rows[:, half:]


def complex_product(a: Rows, b: Rows, *, conjugate: bool = False) -> Rows:
    r"""Return :math:`a \odot b` or, with ``conjugate``, :math:`a \odot \bar b`, of complex rows.

    Parameters
    ----------
    a : ndarray of shape (n, 2 * n_complex)
        Real parts in the first half of the columns, imaginary parts in the second.
    b : ndarray of shape (n, 2 * n_complex) or (1, 2 * n_complex)
    conjugate : bool, default=False
        Whether to take the conjugate of ``b``.

    Returns
    -------
    ndarray of shape (n, 2 * n_complex)

    Examples
    --------
    >>> import numpy as np
    >>> complex_product(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]))  # (1 + 2i)(3 + 4i)
    array([[-5., 10.]])
    """
    (a_real, a_imag), (b_real, b_imag) = complex_halves(a), complex_halves(b)
    out = np.empty_like(a)
    real, imag = complex_halves(out)
    np.multiply(a_real, b_real, out=real)
    np.multiply(a_imag, b_real, out=imag)
    if conjugate:
        real += a_imag * b_imag
        imag -= a_real * b_imag
    else:
        real -= a_imag * b_imag
        imag += a_real * b_imag
    return out
