import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression

from graphembed.evaluation.logistic import one_vs_rest_logistic


def problem(n_samples=300, n_features=20, n_classes=6, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, n_features)) * np.geomspace(0.01, 3, n_features) + 3
    latent = X @ rng.standard_normal((n_features, n_classes)) + rng.standard_normal(n_classes)
    rare = np.quantile(latent, np.linspace(0.5, 0.98, n_classes), axis=0).diagonal()
    noise = latent.std() * rng.standard_normal(latent.shape)
    return X.astype(dtype), latent + noise > rare


@pytest.mark.parametrize("C", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_minimiser_is_that_of_scikit_learn_fitted_column_by_column(C, dtype):
    X, Y = problem(dtype=dtype)
    fitted = one_vs_rest_logistic(X, Y, C=C)
    assert fitted.coef.dtype == fitted.intercept.dtype == dtype
    X, tolerance = X.astype(np.float64), 0.05 if dtype == np.float32 else 1e-3
    for column, y in enumerate(Y.T):
        peer = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-10).fit(X, y)
        margins = X @ fitted.coef[:, column] + fitted.intercept[column]
        assert_allclose(margins, peer.decision_function(X), atol=tolerance)


def test_more_features_than_samples():
    X, Y = problem(n_samples=15, n_features=40, n_classes=2)
    fitted = one_vs_rest_logistic(X, Y)
    peer = LogisticRegression(solver="newton-cholesky", tol=1e-10).fit(X, Y[:, 0])
    assert_allclose(fitted.coef[:, 0], peer.coef_[0], atol=0.01)


def test_constant_features_get_no_coefficient():
    _, Y = problem()
    fitted = one_vs_rest_logistic(np.ones((len(Y), 3)), Y)
    assert_allclose(fitted.coef, 0, atol=1e-8)
    assert_allclose(1 / (1 + np.exp(-fitted.intercept)), Y.mean(axis=0), atol=1e-3)


def test_a_column_with_one_value_is_refused():
    X, Y = problem()
    with pytest.raises(ValueError, match="both True and False"):
        one_vs_rest_logistic(X, Y & False)
