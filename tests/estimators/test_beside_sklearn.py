"""The same data, parameters and seed: what scikit-learn's own estimators make of them.

First weights and validation rows are scikit-learn's own, so without shuffling all numbers agree to the
digits of float32; with it, scores do.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from pellucid import estimators

X, Y3 = make_classification(450, 12, n_informative=8, n_classes=3, random_state=0)
Y2 = (Y3 > 0).astype(int)
LABELS = np.column_stack([Y3 == 0, Y3 == 1, X[:, 0] > 0]).astype(int)
XR, YR = make_regression(450, 8, noise=5, random_state=0)
YR /= YR.std()
TWO = np.column_stack([YR, XR[:, 0] - YR])
WEIGHTS = np.random.default_rng(0).uniform(0.1, 3, 450)
KINDS = {
    "binary": ("MLPClassifier", X, Y2),
    "multiclass": ("MLPClassifier", X, np.array(["a", "b", "c"])[Y3]),
    "multilabel": ("MLPClassifier", X, LABELS),
    "regression": ("MLPRegressor", XR, YR),
    "two outputs": ("MLPRegressor", XR, TWO),
}
SGD: dict[str, Any] = {"solver": "sgd", "learning_rate_init": 0.02}
SETTINGS: dict[str, dict[str, Any]] = {
    "adam": {},
    "adam, strong penalty": {"alpha": 5.0, "activation": "tanh"},
    "adam, two layers": {"hidden_layer_sizes": (20, 10), "activation": "logistic", "epsilon": 1e-4},
    "adam, no hidden layer": {"hidden_layer_sizes": (), "learning_rate_init": 0.02},
    "adam, early stopping": {"early_stopping": True, "n_iter_no_change": 4, "learning_rate_init": 0.01},
    "adam, soon converged": {"tol": 0.1, "n_iter_no_change": 3, "batch_size": 64},
    "sgd": SGD,
    "sgd without momentum": SGD | {"momentum": 0, "activation": "identity"},
    "sgd, plain momentum": SGD | {"nesterovs_momentum": False},
    "sgd, invscaling": SGD | {"learning_rate": "invscaling", "power_t": 0.2},
    "sgd, adaptive": SGD | {"learning_rate": "adaptive", "tol": 0.02, "n_iter_no_change": 1},
}
CURVES = ("loss_curve_", "validation_scores_")
ALIKE = ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_")


def both(kind: str, sample_weight: Any = None, **settings: Any) -> tuple[Any, Any]:
    name, X, y = KINDS[kind]
    fitted = []
    for module in (neural_network, estimators):
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted.append(getattr(module, name)(**settings).fit(X, y, sample_weight=sample_weight))
    return fitted[0], fitted[1]


def answers(estimator: Any, X: Any) -> Any:
    return getattr(estimator, "predict_proba", estimator.predict)(X)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_epoch_by_epoch_without_shuffling(setting: str, kind: str, seed: int) -> None:
    theirs, ours = both(kind, shuffle=False, max_iter=15, random_state=seed, **SETTINGS[setting])
    for name in ALIKE:
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in CURVES:
        if getattr(theirs, name) is None:
            assert getattr(ours, name) is None
        else:
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-3, atol=1e-5)
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
    for name in ("loss_", "best_loss_", "best_validation_score_"):
        a, b = getattr(ours, name), getattr(theirs, name)
        assert (a is None) == (b is None)
        assert a is None or a == pytest.approx(b, rel=1e-3)
    X = KINDS[kind][1]
    np.testing.assert_allclose(answers(ours, X), answers(theirs, X), atol=3e-3)
    np.testing.assert_array_equal(vars(ours).get("classes_"), vars(theirs).get("classes_"))


@pytest.mark.parametrize("loss_of", ["regression", "two outputs"])
def test_the_loss_of_poisson(loss_of: str) -> None:
    _, X, y = KINDS[loss_of]
    settings = {"loss": "poisson", "shuffle": False, "max_iter": 20, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = neural_network.MLPRegressor(**settings).fit(X, np.abs(y))
        ours = estimators.MLPRegressor(**settings).fit(X, np.abs(y))
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-5)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-4)
    assert ours.out_activation_ == theirs.out_activation_ == "exp"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("settings", [{"batch_size": 450}, {"solver": "lbfgs"}])
def test_weighted_rows_in_one_batch(kind: str, settings: dict[str, Any]) -> None:
    """Also with an early stop of lbfgs, before two ways that begin the same drift apart."""
    theirs, ours = both(kind, WEIGHTS, max_iter=6, alpha=2.0, random_state=0, shuffle=False, **settings)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=0.02)
    if "batch_size" in settings:
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-5)
        np.testing.assert_allclose(answers(ours, KINDS[kind][1]), answers(theirs, KINDS[kind][1]), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("settings", [{}, SGD | {"early_stopping": True}, {"solver": "lbfgs", "alpha": 0.1}])
def test_scores_agree_within_noise_over_seeds(kind: str, settings: dict[str, Any]) -> None:
    """With shuffling the orders differ: so do single scores, but not their means."""
    _, X, y = KINDS[kind]
    found: list[list[float]] = [[], []]
    for seed in range(3):
        for estimator, scores in zip(
            both(kind, max_iter=40, random_state=seed, **settings), found, strict=True
        ):
            scores.append(estimator.score(X, y))
    theirs, ours = np.array(found)
    noise = max(0.01, theirs.std() + ours.std())
    assert abs(ours.mean() - theirs.mean()) < 2 * noise


def test_lbfgs_ends_where_a_convex_loss_is_least() -> None:
    """Without hidden layers the least loss is in one place, where its gradient is 0."""
    theirs, ours = both("binary", solver="lbfgs", hidden_layer_sizes=(), alpha=1.0, random_state=0, tol=1e-6)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-6)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=1e-3)
    p = ours.predict_proba(X)[:, 1]
    gradient = X.T @ (p - Y2) / len(X) + 1.0 / len(X) * ours.coefs_[0][:, 0]
    np.testing.assert_allclose(gradient, 0, atol=1e-5)


def test_the_parameters_are_scikit_learn_s() -> None:
    for name in ("MLPClassifier", "MLPRegressor"):
        theirs, ours = getattr(neural_network, name)(), getattr(estimators, name)()
        assert ours.get_params() == theirs.get_params()
        assert list(ours.get_params()) == list(theirs.get_params())
        assert repr(ours) == repr(theirs)
        assert set(dir(theirs)) - set(dir(ours)) <= {n for n in dir(theirs) if n.startswith("_")}
