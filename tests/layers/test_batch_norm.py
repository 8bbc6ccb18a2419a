"""BatchNorm: statistics of the whole batch, running ones, and batches of one row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from layer_runs import LayerRun

from pellucid.layers.batch_norm import BatchNorm
from pellucid.layers.dense import Dense
from pellucid.layers.frozen import Frozen
from pellucid.layers.input import Input
from pellucid.network import Network


@pytest.fixture(params=["1", "0"], ids=["compiled", "twins"])
def jit(request: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("PELLUCID_JIT", request.param)


@pytest.mark.usefixtures("jit")
@pytest.mark.parametrize("n_in", [1, 5, 40])
def test_running_averages_follow_the_batches(n_in: int) -> None:
    run = LayerRun([BatchNorm(momentum=0.7, name="norm")], n_in=n_in, n_rows=50)
    before, X = run.values(), run.X.astype(np.float64)
    run.run(2, steps=3)
    mean, variance = X.mean(axis=0), X.var(axis=0, ddof=1)
    after = run.values()
    np.testing.assert_allclose(
        after["norm/running_mean"],
        0.7**3 * before["norm/running_mean"] + (1 - 0.7**3) * mean,
        rtol=1e-5,
        atol=1e-6,
    )
    np.testing.assert_allclose(
        after["norm/running_variance"],
        0.7**3 * before["norm/running_variance"] + (1 - 0.7**3) * variance,
        rtol=1e-5,
    )


@pytest.mark.usefixtures("jit")
def test_prediction_uses_the_running_averages_and_leaves_them() -> None:
    run = LayerRun([BatchNorm(name="norm")], n_rows=50)
    values, X = run.values(), run.X.astype(np.float64)
    normal = (X - values["norm/running_mean"]) / np.sqrt(values["norm/running_variance"] + 1e-5)
    np.testing.assert_allclose(run.predict(), values["norm/gain"] * normal + values["norm/bias"], rtol=1e-4)
    for name, value in run.values().items():
        np.testing.assert_array_equal(value, values[name])


@pytest.mark.usefixtures("jit")
def test_a_batch_of_one_row_gives_the_bias_and_leaves_the_averages() -> None:
    run = LayerRun([Dense(6, name="before"), BatchNorm(name="norm")], n_rows=1)
    before = run.values()
    run.run()
    np.testing.assert_array_equal(run.outputs()[0], before["norm/bias"])
    for name, value in run.values().items():
        np.testing.assert_array_equal(value, before[name])
    gradients = run.gradients()
    for name in ("norm/gain", "before/weights", "before/bias"):
        np.testing.assert_array_equal(gradients[name], 0)
    np.testing.assert_allclose(gradients["norm/bias"], 2 * (before["norm/bias"] - run.y[0]) / 6, rtol=1e-5)


@pytest.mark.usefixtures("jit")
def test_the_shorter_last_batch_counts_with_its_own_rows() -> None:
    run = LayerRun([BatchNorm(momentum=0.0, name="norm")], n_rows=20)
    run.run(rows=9)
    np.testing.assert_allclose(
        run.values()["norm/running_mean"], run.X[:9].mean(axis=0), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        run.values()["norm/running_variance"], run.X[:9].var(axis=0, ddof=1), rtol=1e-5
    )


@pytest.mark.parametrize("shift", [1e3, 1e5])
def test_numbers_far_from_0_keep_the_digits_of_their_spread(shift: float) -> None:
    run = LayerRun([BatchNorm(name="norm")], n_rows=1000)
    run.X += np.float32(shift)
    run.run()
    X = run.X.astype(np.float64)  # the numbers as float32 holds them
    np.testing.assert_allclose(run.numbers()["norm/mean"], X.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(run.numbers()["norm/variance"], X.var(axis=0), rtol=1e-4)


@pytest.mark.usefixtures("jit")
def test_a_column_of_equal_numbers_gives_the_bias() -> None:
    run = LayerRun([BatchNorm(name="norm")])
    run.X[:, 2] = 7
    run.run()
    np.testing.assert_array_equal(run.outputs()[:, 2], run.values()["norm/bias"][2])
    assert np.isfinite(run.gradients()["norm/gain"]).all()


def test_averages_stay_where_a_step_is_only_looked_at() -> None:
    net = Network([Input(3), BatchNorm(name="norm"), Dense(2)], seed=0)
    X = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32) + 5
    before = net.layers["norm"].running_mean.copy()
    trace = net.trace(X, X[:, :2], training=True)
    np.testing.assert_allclose(trace.numbers["norm/normal"].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_array_equal(net.layers["norm"].running_mean, before)


def test_inside_frozen_nothing_changes_in_training() -> None:
    run = LayerRun([Dense(6), Frozen(BatchNorm(name="norm"), name="still"), Dense(2)], optimizer="adam")
    before = run.values()
    run.run(steps=5)
    for name, value in run.values().items():
        assert (value == before[name]).all() == name.startswith("still/"), name
