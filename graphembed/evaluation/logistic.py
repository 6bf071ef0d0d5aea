"""One-vs-rest logistic regression of many classes at once."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logit

# Largest entry of the gradient at the end, in units where the Hessian is about the identity.
# Below, the rounding of float32 sums hides whether a step is an improvement.
_TOLERANCE = {"float32": 1e-2, "float64": 1e-4}
_MAX_ITERATIONS = 500


class LinearScores(NamedTuple):
    """Coefficients of linear score functions: ``X @ coef + intercept``.

    Attributes
    ----------
    coef : ndarray of shape (n_features, n_classes)
    intercept : ndarray of shape (n_classes,)
    """

    coef: npt.NDArray[Any]
    intercept: npt.NDArray[Any]


def one_vs_rest_logistic(X: npt.ArrayLike, Y: npt.ArrayLike, *, C: float = 1.0) -> LinearScores:
    r"""Fit a logistic regression for each column of ``Y``, all of them in one go.

    .. math:: \min_{w, b} \; \tfrac12 \|w_k\|^2
              + C \sum_i \log\bigl(1 + e^{-s_{ik} (x_i \cdot w_k + b_k)}\bigr), \quad s = \pm 1

    The minimiser is that of scikit-learn's ``LogisticRegression`` fitted column by column: the
    intercept is not penalised.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Float32 input is computed in float32, other input in float64.
    Y : array-like of shape (n_samples, n_classes), bool
        Each column must hold both values.
    C : float, default=1.0
        Inverse strength of the penalty.

    Returns
    -------
    LinearScores

    Raises
    ------
    ValueError
        If a column of ``Y`` holds only one value.

    Notes
    -----
    Fitting classes one by one reads ``X`` once per class and step; here a step is two matrix
    products for all classes. Steps are few because the problem is solved in the eigenvectors of
    the Gram matrix, which all classes share: there the Hessian of class k at its starting point,
    :math:`1 + C q_k \lambda_j` with :math:`q_k` the variance of its labels, is diagonal, and
    scaling by its root leaves a Hessian near the identity to L-BFGS.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.evaluation.logistic import one_vs_rest_logistic
    >>> X = np.array([[-1.0], [0.0], [2.0]])
    >>> fitted = one_vs_rest_logistic(X, np.array([[True], [False], [False]]))
    >>> (X @ fitted.coef + fitted.intercept)[:, 0].argmax()
    np.int64(0)
    """
    X = np.asarray(X)
    dtype = np.dtype(np.float32 if X.dtype == np.float32 else np.float64)
    Y = np.asarray(Y, dtype=bool)
    share = Y.mean(axis=0)
    if np.any((share == 0) | (share == 1)):
        raise ValueError("Every column of Y must hold both True and False.")

    mean = X.mean(axis=0, dtype=np.float64)
    centred = (X - mean).astype(dtype)
    eigenvalues, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    rotated = centred @ axes.astype(dtype)
    variance = share * (1 - share)
    scale = 1 / np.sqrt(1 + C * variance * np.maximum(eigenvalues, 0)[:, np.newaxis])
    scale_intercept = 1 / np.sqrt(C * variance * len(X))
    signs = np.where(Y, -1, 1).astype(dtype)
    shape = (scale.shape[0] + 1, scale.shape[1])

    def unscaled(flat: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        table = flat.reshape(shape)
        return table[:-1] * scale, table[-1] * scale_intercept + logit(share)

    def objective(flat: Any) -> tuple[float, npt.NDArray[Any]]:
        coef, intercept = unscaled(flat)
        margins = rotated @ coef.astype(dtype)
        margins += intercept.astype(dtype)
        margins *= signs
        loss, slopes = _loss_and_slopes(margins)
        slopes *= signs
        gradient = np.empty(shape)
        gradient[:-1] = (C * (rotated.T @ slopes) + coef) * scale
        gradient[-1] = C * slopes.sum(axis=0) * scale_intercept
        return C * loss + 0.5 * np.vdot(coef, coef), gradient.ravel()

    # ftol=0: rounding of float32 sums may look like standing still.
    options: Any = {"maxiter": _MAX_ITERATIONS, "gtol": _TOLERANCE[dtype.name], "ftol": 0}
    start: Any = np.zeros(shape[0] * shape[1])
    best: npt.NDArray[Any] = minimize(
        objective, start, jac=True, method="L-BFGS-B", options=options
    ).x
    coef, intercept = unscaled(best)
    coef = axes @ coef
    return LinearScores(coef.astype(dtype), (intercept - mean @ coef).astype(dtype))


def _loss_and_slopes(margins: npt.NDArray[Any]) -> tuple[float, npt.NDArray[Any]]:
    """Return the sum of ``log(1 + exp(margins))`` and its derivative, from one exponential."""
    small = np.exp(-np.abs(margins))
    loss = np.log1p(small).sum(dtype=np.float64)
    loss += np.maximum(margins, 0).sum(dtype=np.float64)
    slopes = np.where(margins >= 0, 1, small)
    small += 1
    slopes /= small
    return float(loss), slopes
