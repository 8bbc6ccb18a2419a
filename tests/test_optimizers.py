"""Optimizers in the engine against float64 NumPy, written down from the papers' formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid.engine.buffer import Arena, Buffer
from pellucid.engine.plan import Axis, PlanBuilder
from pellucid.engine.run import Program
from pellucid.errors import ArgumentError, UnknownNameError
from pellucid.kernels.elementary import sign, sqrt
from pellucid.kernels.rows import SQUARES_EVERY
from pellucid.kernels.team import Team
from pellucid.layers.dense import Dense
from pellucid.optimizers import OPTIMIZERS, Optimizer, optimizer
from plans import Doubles, Run, assert_close, reference

BUILT_IN = list(OPTIMIZERS)
each_optimizer = pytest.mark.parametrize("entry", BUILT_IN, ids=str)


# One update of w in float64. `k` keeps what the rule remembers; `s` are the settings, `t` counts from 1.


def sgd(w: Any, g: Any, k: Any, t: int, lr: float, s: Any) -> Any:
    return w - lr * g


def momentum(w: Any, g: Any, k: Any, t: int, lr: float, s: Any) -> Any:
    k["b"] = g if t == 1 else s["momentum"] * k["b"] + g
    return w - lr * k["b"]


def nesterov(w: Any, g: Any, k: Any, t: int, lr: float, s: Any) -> Any:
    k["b"] = g if t == 1 else s["momentum"] * k["b"] + g
    return w - lr * (g + s["momentum"] * k["b"])


def velocity(w: Any, g: Any, k: Any, t: int, lr: float, s: Any) -> Any:
    k["v"] = s["momentum"] * k.get("v", 0) - lr * g
    return w + k["v"]


def nesterov_velocity(w: Any, g: Any, k: Any, t: int, lr: float, s: Any) -> Any:
    k["v"] = s["momentum"] * k.get("v", 0) - lr * g
    return w + s["momentum"] * k["v"] - lr * g


def adagrad(w: Any, g: Any, k: Any, t: int, lr: float, s: Any) -> Any:
    k["gs"] = [*k.get("gs", []), g]
    return w - lr * g / (np.sqrt(sum(g**2 for g in k["gs"])) + s["epsilon"])


def adadelta(w: Any, g: Any, k: Any, t: int, lr: float, s: Any) -> Any:
    rho, eps = s["rho"], s["epsilon"]
    k["E_g2"] = rho * k.get("E_g2", 0) + (1 - rho) * g**2
    dx = -np.sqrt(k.get("E_dx2", 0) + eps) / np.sqrt(k["E_g2"] + eps) * g
    k["E_dx2"] = rho * k.get("E_dx2", 0) + (1 - rho) * dx**2
    return w + lr * dx


def rmsprop(w: Any, g: Any, k: Any, t: int, lr: float, s: Any) -> Any:
    k["ms"] = s["rho"] * k.get("ms", 0) + (1 - s["rho"]) * g**2
    return w - lr * g / (np.sqrt(k["ms"]) + s["epsilon"])


def moments(g: Any, k: Any, s: Any) -> None:
    k["m"] = s["beta_1"] * k.get("m", 0) + (1 - s["beta_1"]) * g
    k["v"] = s["beta_2"] * k.get("v", 0) + (1 - s["beta_2"]) * g**2


def adam(w: Any, g: Any, k: Any, t: int, lr: float, s: Any) -> Any:
    moments(g, k, s)
    m_hat, v_hat = k["m"] / (1 - s["beta_1"] ** t), k["v"] / (1 - s["beta_2"] ** t)
    return w - lr * m_hat / (np.sqrt(v_hat) + s["epsilon"])


def adam_hat(w: Any, g: Any, k: Any, t: int, lr: float, s: Any) -> Any:
    moments(g, k, s)
    rate = lr * np.sqrt(1 - s["beta_2"] ** t) / (1 - s["beta_1"] ** t)
    return w - rate * k["m"] / (np.sqrt(k["v"]) + s["epsilon"])


def amsgrad(w: Any, g: Any, k: Any, t: int, lr: float, s: Any) -> Any:
    moments(g, k, s)
    k["vs"] = [*k.get("vs", []), k["v"]]
    v_hat = np.max(k["vs"], axis=0) / (1 - s["beta_2"] ** t)
    return w - lr * k["m"] / (1 - s["beta_1"] ** t) / (np.sqrt(v_hat) + s["epsilon"])


def adamax(w: Any, g: Any, k: Any, t: int, lr: float, s: Any) -> Any:
    moments(g, k, s)
    k["u"] = np.maximum(s["beta_2"] * k.get("u", 0), np.abs(g) + s["epsilon"])
    return w - lr / (1 - s["beta_1"] ** t) * k["m"] / k["u"]


def nadam(w: Any, g: Any, k: Any, t: int, lr: float, s: Any) -> Any:
    moments(g, k, s)
    mu = [s["beta_1"] * (1 - 0.5 * 0.96 ** (s["momentum_decay"] * i)) for i in range(1, t + 2)]
    m_hat = mu[t] * k["m"] / (1 - np.prod(mu)) + (1 - mu[t - 1]) * g / (1 - np.prod(mu[:-1]))
    return w - lr * m_hat / (np.sqrt(k["v"] / (1 - s["beta_2"] ** t)) + s["epsilon"])


def adamw(w: Any, g: Any, k: Any, t: int, lr: float, s: Any) -> Any:
    return adam(w * (1 - lr * s["weight_decay"]), g, k, t, lr, s)


def rule(entry: Optimizer, factors: dict[str, float] | None = None, learning_rate: float = 0.0) -> Any:
    """An update of all parameters by the function of this module with the optimizer's name."""
    function = globals()[entry.name]
    kept: dict[str, dict[str, Any]] = {}
    rate = learning_rate or float(entry.settings["learning_rate"])

    def update(t: int, w: dict[str, Doubles], g: dict[str, Doubles]) -> dict[str, Doubles]:
        new = {}
        for n in w:
            settings = {**entry.settings, "weight_decay": 0} if n.endswith("/bias") else entry.settings
            factor = (factors or {}).get(n, 1)
            new[n] = function(w[n], g[n], kept.setdefault(n, {}), t, rate * factor, settings)
        return new

    return update


def two_layers(entry: Optimizer, **more: Any) -> Run:
    return Run([Dense(7), Dense(3)], entry, **more)


@each_optimizer
@pytest.mark.parametrize("jit", ["1", "0"])
def test_ten_steps_equal_the_paper(entry: Optimizer, jit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_JIT", jit)
    run = two_layers(entry, batch_size=16)
    assert_close(run.steps(10), reference(run, 10, rule(entry)), run.first)


@each_optimizer
def test_ten_steps_with_other_settings_equal_the_paper(entry: Optimizer) -> None:
    others = {"momentum": 0.5, "beta_1": 0.8, "beta_2": 0.95, "rho": 0.6, "epsilon": 1e-3}
    others |= {"weight_decay": 0.1, "momentum_decay": 0.5, "learning_rate": 0.02}
    entry = entry.using(**{s: others[s] for s in entry.settings})
    run = two_layers(entry)
    assert_close(run.steps(10), reference(run, 10, rule(entry)), run.first)


@each_optimizer
def test_each_parameter_has_its_factor_on_the_learning_rate(entry: Optimizer) -> None:
    layers = [Dense(7, learning_rate={"weights": 6, "bias": 0.1}), Dense(3, learning_rate=0.5)]
    run = Run(layers, entry)
    factors = {"layer_0/weights": 6, "layer_0/bias": 0.1, "layer_1/weights": 0.5, "layer_1/bias": 0.5}
    assert {f.learning_rate for f in run.lowered.tables} == {6.0, 0.1, 0.5}
    assert_close(run.steps(10), reference(run, 10, rule(entry, factors)), run.first)


@each_optimizer
def test_a_run_in_two_parts_has_the_bits_of_one(entry: Optimizer) -> None:
    whole, parts = two_layers(entry, batch_size=16), two_layers(entry, batch_size=16)
    whole.steps(10)
    parts.steps(SQUARES_EVERY)  # both measure gradients in the same steps
    parts.steps(10 - SQUARES_EVERY)
    assert whole.bits() == parts.bits()


@each_optimizer
def test_threads_change_no_bit(entry: Optimizer) -> None:
    bits = []
    for members in (1, 2, 4):
        run = Run([Dense(50), Dense(3)], entry, n_in=40)
        run.steps(5, members=members)
        bits.append(run.bits())
    assert bits[0] == bits[1] == bits[2]


@each_optimizer
def test_numbers_of_a_step_depend_on_its_number_alone(entry: Optimizer) -> None:
    t = np.array([1, 2, 3, 10, 100, 394, 395, 396, 5000, 10**6])
    rates = np.linspace(0.1, 0.2, len(t))
    together = entry.rows(t, rates)
    assert together.shape == (len(t), len(entry.step_values))
    assert together.dtype == np.float32
    assert together.flags["C_CONTIGUOUS"]
    for i in range(len(t)):
        np.testing.assert_array_equal(entry.rows(t[i : i + 1], rates[i : i + 1])[0], together[i])


def test_nadams_product_goes_on_where_its_terms_no_longer_matter() -> None:
    entry = OPTIMIZERS.find("nadam(beta_1=0.9)")
    t = np.array([1, 50, 300, 600])
    table = entry.table(t.astype(float), np.ones(4))
    mu = 0.9 * (1 - 0.5 * 0.96 ** (0.004 * np.arange(1, 602)))
    for i, n in enumerate(t):
        assert table["rate_g"][i] == pytest.approx((1 - mu[n - 1]) / (1 - mu[:n].prod()), rel=1e-13)
        assert table["rate_m"][i] == pytest.approx(mu[n] / (1 - mu[: n + 1].prod()), rel=1e-13)
    no_momentum = OPTIMIZERS.find("nadam(beta_1=0)").table(np.array([1.0, 2.0]), np.ones(2))
    np.testing.assert_array_equal(no_momentum["rate_g"], 1)


def updates(entry: Optimizer, n_columns: int, steps: int) -> dict[str, Any]:
    """The optimizer's kernel alone on random weights and gradients of every size."""
    rng = np.random.default_rng(3)
    buffers = {name: Buffer(name, 9, n_columns) for name in ("w", "g", *entry.states)}
    arena = Arena(buffers.values())
    arena.view(buffers["w"])[:] = rng.standard_normal((9, n_columns))
    sizes = 10.0 ** rng.integers(-12, 4, (9, n_columns))
    arena.view(buffers["g"])[:] = rng.standard_normal((9, n_columns)) * sizes
    arena.view(buffers["g"])[0] = 0
    table = Buffer("table", 0, len(entry.step_values), given=True)
    builder = PlanBuilder()
    numbers = {s: float(entry.settings[s]) for s in entry.used}
    builder.add(entry.kernel, Axis("rows", 9), **buffers, table=table, **numbers)
    plan = builder.plan([*buffers.values(), table])
    program = Program(plan, arena, given={table: entry.rows(np.arange(1, steps + 1), 0.01)})
    with Team(1) as team:
        program.run(team, 0, steps, 1, steps)
    return {name: arena.padded(buffer) for name, buffer in buffers.items()}


@each_optimizer
def test_compiled_and_interpreted_updates_agree_in_every_bit(
    entry: Optimizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = updates(entry, 19, 4)
    monkeypatch.setenv("PELLUCID_JIT", "0")
    interpreted = updates(entry, 19, 4)
    for name in ("w", *entry.states):
        np.testing.assert_array_equal(compiled[name][:, :19], interpreted[name][:, :19], name)


@each_optimizer
def test_padding_of_weights_stays_zero_and_dead_weights_stay(entry: Optimizer) -> None:
    once = updates(entry, 19, 0)["w"]
    after = updates(entry, 19, 50)["w"]
    assert after.shape == (9, 32)
    np.testing.assert_array_equal(after[:, 19:], 0)
    assert np.isfinite(after).all()
    assert (after[1:, :19] != once[1:, :19]).mean() > 0.5
    decay = (1 - 0.01 * entry.settings.get("weight_decay", 0)) ** 50
    np.testing.assert_allclose(after[0], once[0] * decay, rtol=1e-5)


def best_loss(entry: Optimizer, layers: Any, loss: str, steps: int) -> float:
    """The lowest loss at the end of training, as a share of the first, over learning rates."""
    shares = []
    for rate in (10.0, 1.0, 0.1, 0.01):
        run = Run(layers(), entry, loss=loss, n_rows=32, batch_size=32)
        run.steps(1, rate)
        first = run.loss()
        run.steps(steps, rate)
        run.loss()
        run.steps(1, rate)
        shares.append(run.loss() / first)
    return min(s for s in shares if np.isfinite(s))


@each_optimizer
def test_solves_a_linear_regression(entry: Optimizer) -> None:
    assert best_loss(entry, lambda: [Dense(2)], "mse", 1000) < 1e-3


@each_optimizer
def test_solves_a_regression_through_two_layers(entry: Optimizer) -> None:
    assert best_loss(entry, lambda: [Dense(6), Dense(2)], "mse", 1000) < 1e-2


@each_optimizer
def test_solves_a_classification_with_a_hidden_layer(entry: Optimizer) -> None:
    def layers() -> list[Dense]:
        return [Dense(12, "relu"), Dense(3, "softmax")]

    assert best_loss(entry, layers, "categorical_crossentropy", 1000) < 0.05


# Settings


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("adam(beta_1=1)", r"optimizer 'adam': beta_1 must be .* below 1, but is 1"),
        ("rmsprop(rho=-0.1)", r"optimizer 'rmsprop': rho must be .* at least 0 and below 1, but is -0.1"),
        ("sgd(learning_rate=-1)", r"optimizer 'sgd': learning_rate must be .* at least 0, but is -1"),
        ("adam(epsilon=0)", r"optimizer 'adam': epsilon must be .* at least 1e-30, but is 0"),
        ("adamw(weight_decay=-0.1)", r"weight_decay must be .* at least 0"),
    ],
)
def test_settings_out_of_their_range_are_refused(spec: str, sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        OPTIMIZERS.find(spec)


def test_a_misspelt_setting_or_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'beta_1'"):
        OPTIMIZERS.find("adam(beta1=0.5)")
    with pytest.raises(UnknownNameError, match="Did you mean 'rmsprop'"):
        OPTIMIZERS.find("rms_prop")


def test_a_name_shows_the_settings_that_differ() -> None:
    assert str(OPTIMIZERS.find("adam(beta_2=0.95)")) == "adam(beta_2=0.95)"
    assert str(OPTIMIZERS.find("adam")) == "adam"
    assert OPTIMIZERS.find(OPTIMIZERS.find("sgd(learning_rate=0.5)").spec).settings == {"learning_rate": 0.5}


# Optimizers of users


def test_a_users_optimizer_runs_in_the_engine() -> None:
    @optimizer(source="Chen et al., Symbolic discovery of optimization algorithms, 2023, algorithm 2")
    def lion(w, g, m, learning_rate=0.01, beta_1=0.9, beta_2=0.99):  # type: ignore[no-untyped-def]
        """w -= η sign(β₁m + (1-β₁)g); m = β₂m + (1-β₂)g."""
        step = sign(beta_1 * m + (1 - beta_1) * g)
        return w - learning_rate * step, beta_2 * m + (1 - beta_2) * g

    def by_hand(t: int, w: dict[str, Doubles], g: dict[str, Doubles]) -> dict[str, Doubles]:
        result = {}
        for n in w:
            m = kept.get(n, 0.0)
            result[n] = w[n] - 0.01 * np.sign(0.9 * m + 0.1 * g[n])
            kept[n] = 0.99 * m + 0.01 * g[n]
        return result

    kept: dict[str, Any] = {}
    try:
        entry = OPTIMIZERS.find("lion")
        assert entry.states == ("m",)
        run = two_layers(entry)
        assert_close(run.steps(10), reference(run, 10, by_hand), run.first)
    finally:
        OPTIMIZERS.remove("lion")


def test_a_users_numbers_of_a_step_reach_the_update() -> None:
    @optimizer(by_step=lambda t, learning_rate, power: {"rate": learning_rate / t**power})
    def fading(w, g, rate, learning_rate=0.1, power=1.0):  # type: ignore[no-untyped-def]
        """w -= η g / t^p."""
        return w - rate * g

    try:
        run = two_layers(fading.using(power=0.5))
        wanted = reference(run, 10, lambda t, w, g: {n: w[n] - 0.1 / t**0.5 * g[n] for n in w})
        assert_close(run.steps(10), wanted, run.first)
    finally:
        OPTIMIZERS.remove("fading")


def uphill(w, g, learning_rate=0.1):  # type: ignore[no-untyped-def]
    return w + learning_rate * g


def too_fast(w, g, learning_rate=1e200):  # type: ignore[no-untyped-def]
    return w - learning_rate * g


def divides_by_zero(w, g, s, learning_rate=0.1):  # type: ignore[no-untyped-def]
    s = s + g * g
    return w - learning_rate * g / sqrt(s), s


def forgets_its_state(w, g, b, learning_rate=0.1):  # type: ignore[no-untyped-def]
    return w - learning_rate * (g + b)


def returns_too_much(w, g, learning_rate=0.1):  # type: ignore[no-untyped-def]
    return w - learning_rate * g, g


def sums_up(w, g, learning_rate=0.1):  # type: ignore[no-untyped-def]
    return (w - learning_rate * g).sum()


def branches(w, g, learning_rate=0.1):  # type: ignore[no-untyped-def]
    return w - learning_rate if g > 0 else w + learning_rate


def drifts(w, g, learning_rate=0.1):  # type: ignore[no-untyped-def]
    return w - learning_rate * g + 1e-9


def no_rate(w, g, speed=0.1):  # type: ignore[no-untyped-def]
    return w - speed * g


def other_names(weight, gradient, learning_rate=0.1):  # type: ignore[no-untyped-def]
    return weight - learning_rate * gradient


def takes_table(w, g, table, learning_rate=0.1):  # type: ignore[no-untyped-def]
    return w - learning_rate * g, table


def text_setting(w, g, learning_rate="fast"):  # type: ignore[no-untyped-def]
    return w


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (uphill, r"'uphill' does not go down .* from 3\.9 to .*Check its sign"),
        (too_fast, r"'too_fast' gives a number that is not finite"),
        (divides_by_zero, r"'divides_by_zero' gives a number that is not finite .* Add an epsilon"),
        (forgets_its_state, r"'forgets_its_state' must return a tuple \(w, b\)"),
        (returns_too_much, r"'returns_too_much' must return w of the shape of w, but returns \("),
        (sums_up, r"'sums_up' must return w of the shape of w"),
        (branches, r"'branches' fails on arrays: .* where\(condition, yes, no\)"),
        (drifts, r"'drifts' moves a weight of 0 that has no gradient to 1e-08"),
        (no_rate, r"'no_rate' needs a parameter learning_rate with a default"),
        (other_names, r"must be w, g, then .* \(weight, gradient, learning_rate=0.1\)"),
        (takes_table, r"'takes_table': a parameter cannot be called 'table'"),
        (text_setting, r"'text_setting': learning_rate must be a finite number at least 0, but is 'fast'"),
        (lambda w, g, learning_rate=0.1: w, r"an optimizer is a function with a name, but got <function"),
    ],
)
def test_what_is_no_optimizer_is_refused_when_it_is_registered(function: Any, sentence: str) -> None:
    names = OPTIMIZERS.names()
    with pytest.raises(ArgumentError, match=sentence):
        optimizer()(function)
    assert OPTIMIZERS.names() == names


def test_a_by_step_that_fails_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"'sgd_2': its by_step fails on arrays of ten steps: .*speed"):

        @optimizer(by_step=lambda t, learning_rate, speed: {"rate": speed})
        def sgd_2(w, g, rate, learning_rate=0.1):  # type: ignore[no-untyped-def]
            return w - rate * g
