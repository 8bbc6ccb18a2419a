"""L-BFGS against closed forms and SciPy, and as the optimizer of a fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize

from pellucid import BatchNorm, Dense, Input, Network, PellucidError
from pellucid.training.lbfgs import minimise
from pellucid.training.line_search import CURVATURE, DECREASE, Point, search
from pellucid.training.whole_batch import Lbfgs

RNG = np.random.default_rng(0)
X = RNG.standard_normal((1300, 6)).astype(np.float32)
Y = (X @ RNG.standard_normal((6, 2)) + RNG.standard_normal(2) + 0.1 * RNG.standard_normal((1300, 2))).astype(
    "f4"
)


def rosenbrock(x: Any) -> Any:
    return optimize.rosen(x), optimize.rosen_der(x)


def test_a_quadratic_has_its_closed_form() -> None:
    A = RNG.standard_normal((20, 20))
    H, b = A @ A.T + 0.5 * np.eye(20), RNG.standard_normal(20)
    found = minimise(
        lambda x: (x @ H @ x / 2 - b @ x, H @ x - b), np.zeros(20), iterations=200, tolerance=1e-6
    )
    assert found.stopped_by in ("gradient", "decrease")
    np.testing.assert_allclose(found.point.x, np.linalg.solve(H, b), atol=1e-3)


@pytest.mark.parametrize("n", [2, 10, 25])
def test_the_valley_of_rosenbrock_takes_no_more_than_scipy_twice(n: int) -> None:
    start = np.full(n, -1.2)
    found = minimise(rosenbrock, start, iterations=1000, tolerance=1e-6)
    scipy = optimize.minimize(rosenbrock, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-6})
    assert found.has_converged
    assert found.point.value <= scipy.fun + 1e-8
    assert found.evaluations <= 2 * scipy.nfev


def test_a_step_fulfils_the_conditions_of_wolfe() -> None:
    start = np.array([-1.2, 1.0, 0.3])
    value, gradient = rosenbrock(start)
    new = search(rosenbrock, Point(start, value, gradient), -gradient, 1.0, 20)
    assert new is not None
    t = (new.x - start)[0] / -gradient[0]
    slope = -(gradient @ gradient)
    assert new.value <= value + DECREASE * t * slope
    assert abs(new.gradient @ -gradient) <= -CURVATURE * slope


def test_values_that_are_not_finite_are_too_far() -> None:
    found = minimise(
        lambda x: (float(x[0] - np.log(x[0])) if x[0] > 0 else np.inf, 1 - 1 / x),
        np.array([30.0]),
        iterations=50,
    )
    assert found.point.x[0] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("given", "stopped_by"),
    [({"iterations": 3}, "iterations"), ({"iterations": 99, "evaluations": 5}, "evaluations")],
)
def test_limits_are_kept(given: Any, stopped_by: str) -> None:
    found = minimise(rosenbrock, np.full(4, -1.2), **given)
    assert found.stopped_by == stopped_by
    assert not found.has_converged
    assert found.iterations <= given["iterations"]
    assert found.evaluations <= given.get("evaluations", 99)


@pytest.mark.parametrize("ridge", [None, 300.0])
def test_a_linear_network_has_the_closed_form_of_ridge_regression(ridge: float | None) -> None:
    """Over several blocks of rows, the last of them smaller."""
    net = Network([Input(6), Dense(2)], seed=0)
    history = net.fit(X, Y, optimizer=Lbfgs(tolerance=1e-6), ridge=ridge, loss="half_squares")
    assert history.stopped_by == "converged"
    x, y = X.astype(np.float64), Y.astype(np.float64)
    middle = x - x.mean(axis=0)
    W = np.linalg.solve(middle.T @ middle + (ridge or 0) * np.eye(6), middle.T @ (y - y.mean(axis=0)))
    b = y.mean(axis=0) - x.mean(axis=0) @ W
    np.testing.assert_allclose(net.parameters["output/weights"], W, atol=2e-5)
    np.testing.assert_allclose(net.parameters["output/bias"], b, atol=2e-5)
    loss = ((x @ W + b - y) ** 2).sum(axis=1).mean() / 2
    assert history["loss"][-1] == pytest.approx(loss, rel=1e-5)
    assert history["penalty"][-1] == pytest.approx((ridge or 0) / 2 / 1300 * (W**2).sum(), rel=1e-4)


def test_weighted_rows_weigh() -> None:
    weights = RNG.uniform(0, 3, len(X))
    net = Network([Input(6), Dense(2)], seed=0)
    net.fit(X, Y, optimizer=Lbfgs(tolerance=1e-6), sample_weight=weights, loss="half_squares")
    x = np.column_stack([X, np.ones(len(X))]).astype(np.float64)
    W = np.linalg.solve(x.T @ (weights[:, None] * x), x.T @ (weights[:, None] * Y))
    np.testing.assert_allclose(net.parameters["output/weights"], W[:-1], atol=2e-5)


@pytest.mark.parametrize("jit", ["1", "0"])
def test_loss_and_gradient_are_those_of_a_network_in_float64(
    jit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trained by SciPy on NumPy's float64 from the same weights, the same loss is reached."""
    monkeypatch.setenv("PELLUCID_JIT", jit)
    rows = slice(0, 60)
    net = Network([Input(6), Dense(4, "tanh", regularizer="l2(l2=0.01)"), Dense(2)], seed=1)
    start = np.concatenate([v.ravel() for v in net.parameters.values()]).astype(np.float64)
    x, y = X[rows].astype(np.float64), Y[rows].astype(np.float64)

    def loss(v: Any) -> float:
        W1, b1, W2, b2 = v[:24].reshape(6, 4), v[24:28], v[28:36].reshape(4, 2), v[36:]
        return float(((np.tanh(x @ W1 + b1) @ W2 + b2 - y) ** 2).mean() + 0.01 * (W1**2).sum())

    scipy = optimize.minimize(loss, start, method="L-BFGS-B", options={"maxiter": 15})
    history = net.fit(X[rows], Y[rows], optimizer="lbfgs", epochs=15)
    assert history["loss"][-1] + history["penalty"][-1] == pytest.approx(scipy.fun, rel=0.05)


def test_two_fits_have_the_bits_of_each_other_whatever_the_threads() -> None:
    nets = [Network([Input(6), Dense(8, "relu"), Dense(2)], seed=1) for _ in range(2)]
    for net, threads in zip(nets, (1, 2), strict=True):
        net.fit(X, Y, optimizer="lbfgs", epochs=10, threads=threads)
    assert all((a == b).all() for a, b in zip(*(n.parameters.values() for n in nets), strict=True))


def test_a_network_goes_on_with_another_optimizer_and_back() -> None:
    net = Network([Input(6), Dense(8, "tanh"), BatchNorm(), Dense(2)], seed=1)
    for optimizer in ("lbfgs", "adam", "lbfgs"):
        history = net.fit(X, Y, optimizer=optimizer, epochs=5)
    assert len(history) == 15
    copy = net.copy()
    assert (copy.predict(X) == net.predict(X)).all()
    assert np.isfinite(net.trace(X[:2], Y[:2]).loss).all()


def test_what_has_no_sense_is_refused() -> None:
    net = Network([Input(6), Dense(2)], seed=0)
    with pytest.raises(PellucidError, match="the optimizer lbfgs has no use for patience: leave it out"):
        net.fit(X, Y, optimizer="lbfgs", patience=3)
    with pytest.raises(PellucidError, match="the optimizer lbfgs has no use for validation_rows: leave it"):
        net.fit(X, Y, optimizer="lbfgs", validation_rows=np.arange(9))
    with pytest.raises(PellucidError, match="lbfgs: memory must be a whole number from 1"):
        Lbfgs(memory=0)
    limited = Network([Input(6), Dense(2, max_norm=1)], seed=0)
    with pytest.raises(PellucidError, match="lbfgs cannot keep to max_norm"):
        limited.fit(X, Y, optimizer="lbfgs")
