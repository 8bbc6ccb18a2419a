"""Regularizers, max-norm, clipping and gradient noise in the engine against float64 NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pellucid.errors import ArgumentError, UnknownNameError
from pellucid.kernels.rows import SQUARES_EVERY
from pellucid.layers.dense import Dense
from pellucid.layers.input import Input
from pellucid.network import Network
from pellucid.optimizers import OPTIMIZERS
from pellucid.regularizers import REGULARIZERS, Gradients, penalty, regularizer
from plans import Doubles, Run, assert_close, reference

Values = dict[str, Doubles]
each_regularizer = pytest.mark.parametrize("entry", REGULARIZERS, ids=str)

# What Keras's L1, L2 and L1L2 add to the loss, and its gradient.
PENALTIES: dict[str, Callable[..., Any]] = {
    "l1": lambda w, l1: l1 * np.sum(np.abs(w)),
    "l2": lambda w, l2: l2 * np.sum(np.square(w)),
    "l1_l2": lambda w, l1, l2: l1 * np.sum(np.abs(w)) + l2 * np.sum(np.square(w)),
}
GRADIENTS: dict[str, Callable[..., Any]] = {
    "l1": lambda w, l1: l1 * np.sign(w),
    "l2": lambda w, l2: 2 * l2 * w,
    "l1_l2": lambda w, l1, l2: l1 * np.sign(w) + 2 * l2 * w,
}
SGD = OPTIMIZERS.find("sgd(learning_rate=0.1)")


def rule(
    regularizers: dict[str, Any] | None = None,
    clip_norm: float = np.inf,
    clip_value: float = np.inf,
    max_norm: dict[str, float] | None = None,
    seen: list[float] | None = None,
) -> Any:
    """A step of SGD with all that stands around it, in the order of the documentation."""

    def update(t: int, w: Values, g: Values) -> Values:
        for n, r in (regularizers or {}).items():
            g[n] = g[n] + GRADIENTS[r.name](w[n], **r.settings)
        norm = np.sqrt(sum(np.sum(v**2) for v in g.values()))
        if seen is not None:
            seen.append(norm)
        g = {n: np.clip(v * min(1, clip_norm / norm), -clip_value, clip_value) for n, v in g.items()}
        w = {n: w[n] - 0.1 * g[n] for n in w}
        for n, limit in (max_norm or {}).items():
            w[n] = w[n] * np.minimum(1, limit / np.sqrt(np.sum(w[n] ** 2, axis=0)))
        return w

    return update


# The formulas


@each_regularizer
def test_penalty_is_that_of_keras(entry: Any) -> None:
    w = np.random.default_rng(0).standard_normal((6, 5)).astype(np.float32)
    other = entry.using(**{s: 0.3 + i for i, s in enumerate(entry.settings)})
    wanted = PENALTIES[entry.name](w.astype(np.float64), **other.settings)
    assert other.penalty(w) == pytest.approx(wanted, rel=1e-14)
    assert set(entry.settings.values()) == {0.01}


@each_regularizer
@pytest.mark.parametrize("w", [-2.5, -1e-3, 1e-3, 0.7])
def test_gradient_is_the_derivative_of_the_penalty(entry: Any, w: float) -> None:
    h = 1e-6
    slope = (entry.penalty(w + h) - entry.penalty(w - h)) / (2 * h)
    assert entry.gradient([w])[0] == pytest.approx(slope, rel=1e-7)


@each_regularizer
def test_a_weight_of_zero_stays(entry: Any) -> None:
    assert entry.penalty([0.0]) == 0
    assert entry.gradient([0.0])[0] == 0


# In the engine


@each_regularizer
@pytest.mark.parametrize("jit", ["1", "0"])
def test_ten_steps_with_a_regularizer(entry: Any, jit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_JIT", jit)
    strong = entry.using(**dict.fromkeys(entry.settings, 0.1))
    run = Run([Dense(7, regularizer=strong, bias_regularizer=entry), Dense(3)], SGD)
    regularizers = {"layer_0/weights": strong, "layer_0/bias": entry}
    assert_close(run.steps(10), reference(run, 10, rule(regularizers)), run.first)


@pytest.mark.parametrize("jit", ["1", "0"])
def test_ten_steps_with_gradients_clipped_to_a_global_norm(jit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_JIT", jit)
    run = Run([Dense(7), Dense(3)], SGD, gradients=Gradients(clip_norm=1.0))
    norms: list[float] = []
    assert_close(run.steps(10), reference(run, 10, rule(clip_norm=1.0, seen=norms)), run.first)
    assert max(norms) > 1.3  # clipped
    last = np.sqrt(sum(np.sum(g**2) for g in run.gradients().values()))
    assert last == pytest.approx(min(1.0, norms[-1]), rel=1e-5)


@pytest.mark.parametrize("jit", ["1", "0"])
def test_ten_steps_with_a_ridge(jit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is divided by the rows of the batch, spares the biases, and its penalty is summed up."""
    monkeypatch.setenv("PELLUCID_JIT", jit)
    run = Run([Dense(7), Dense(3)], SGD, gradients=Gradients(ridge=4.0), batch_size=16)
    penalties = []

    def update(t: int, w: Values, g: Values) -> Values:
        weights = {n: v for n, v in w.items() if n.endswith("weights")}
        penalties.append(sum(2.0 * np.sum(v**2) for v in weights.values()))
        return {n: w[n] - 0.1 * (g[n] + (4.0 / 16 * w[n] if n in weights else 0)) for n in w}

    assert_close(run.steps(10), reference(run, 10, update), run.first)
    found = sum(run.work.view(b).sum() for b in run.lowered.penalties.values())
    assert found == pytest.approx(sum(penalties), rel=1e-6)


def test_the_ridge_of_a_smaller_last_batch_and_its_penalty_in_the_history() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((25, 3)).astype(np.float32), rng.standard_normal(25).astype(np.float32)
    net = Network([Input(3), Dense(1)], seed=0)
    W, b = (v.astype(np.float64) for v in net.parameters.values())
    options = {"optimizer": "sgd", "learning_rate": 0.1, "batch_size": 10, "shuffle": False, "ridge": 5.0}
    history = net.fit(X, y, epochs=2, train_loss=False, **options)
    wanted = []
    for _ in range(2):
        penalty = 0.0
        for start in (0, 10, 20):
            x, t = X[start : start + 10].astype(np.float64), y[start : start + 10, None]
            delta = 2 * (x @ W + b - t) / len(x)
            penalty += 2.5 * float((W**2).sum())
            W, b = W - 0.1 * (x.T @ delta + 5.0 / len(x) * W), b - 0.1 * delta.sum(axis=0)
        wanted.append(penalty / 25)
    np.testing.assert_allclose(history["penalty"], wanted, rtol=1e-6)
    np.testing.assert_allclose(net.parameters["output/weights"], W, atol=1e-6)


def test_a_norm_below_the_limit_changes_no_bit() -> None:
    plain, limited = Run([Dense(3)], SGD), Run([Dense(3)], SGD, gradients=Gradients(clip_norm=1e6))
    plain.steps(5)
    limited.steps(5)
    assert plain.bits() == limited.bits()


def test_ten_steps_with_gradients_clipped_by_value() -> None:
    run = Run([Dense(7), Dense(3)], SGD, gradients=Gradients(clip_value=0.05))
    assert_close(run.steps(10), reference(run, 10, rule(clip_value=0.05)), run.first)
    assert max(np.abs(g).max() for g in run.gradients().values()) == np.float32(0.05)


@pytest.mark.parametrize("jit", ["1", "0"])
def test_ten_steps_with_max_norm(jit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_JIT", jit)
    run = Run([Dense(7, max_norm=0.9), Dense(3, max_norm=1.2)], SGD)
    found = run.steps(10)
    limits = {"layer_0/weights": 0.9, "layer_1/weights": 1.2}
    assert_close(found, reference(run, 10, rule(max_norm=limits)), run.first)
    norms = np.linalg.norm(found["layer_0/weights"], axis=0)
    assert norms.max() <= 0.9 * (1 + 1e-6)
    assert (norms < 0.89).any()  # some neurons are below the limit and stay
    assert (norms > 0.8999).any()


def test_the_norm_in_the_history_is_that_before_clipping_with_the_regularizer() -> None:
    strong = REGULARIZERS.find("l2(l2=0.1)")
    run = Run(
        [Dense(7, regularizer=strong), Dense(3)], SGD, gradients=Gradients(clip_norm=0.5, clip_value=0.05)
    )
    norms: list[float] = []
    wanted = reference(run, 10, rule({"layer_0/weights": strong}, 0.5, 0.05, seen=norms))
    assert_close(run.steps(10), wanted, run.first)
    squares = sum(float(run.work.view(s).sum()) for s in run.lowered.squares.values())
    assert squares == pytest.approx(np.sum(np.square(norms[::SQUARES_EVERY])), rel=1e-5)


def test_the_loss_stays_without_the_penalty_and_penalty_gives_it() -> None:
    strong = REGULARIZERS.find("l1_l2(l1=0.5, l2=2)")
    run = Run([Dense(7, regularizer=strong, bias_regularizer="l1"), Dense(3)], SGD)
    plain = Run([Dense(7), Dense(3)], SGD)
    run.steps(1)
    plain.steps(1)
    assert run.loss() == plain.loss()
    w = run.values()
    wanted = 0.5 * np.abs(w["layer_0/weights"]).sum() + 2 * np.square(w["layer_0/weights"]).sum()
    wanted += 0.01 * np.abs(w["layer_0/bias"]).sum()
    assert penalty(run.parameters, run.weights.view) == pytest.approx(wanted, rel=1e-12)
    assert penalty(plain.parameters, plain.weights.view) == 0.0
    run.parameters[0].trainable = False
    assert penalty(run.parameters, run.weights.view) == pytest.approx(
        0.01 * np.abs(w["layer_0/bias"]).sum(), rel=1e-12
    )


# Gradient noise


def noises(steps: int, noise: float, n_out: int = 60, **more: Any) -> Values:
    """The noise in the gradients of the last step: what it changes in them."""
    found = []
    for gradients in (Gradients(noise=noise, **more), Gradients()):
        run = Run(
            [Dense(n_out), Dense(3)], OPTIMIZERS.find("sgd(learning_rate=0)"), n_in=50, gradients=gradients
        )
        run.steps(steps)
        found.append(run.gradients())
    return {n: found[0][n] - found[1][n] for n in found[0]}


@pytest.mark.parametrize("step", [1, 2, 30])
def test_noise_is_normal_and_fades_as_in_the_paper(step: int) -> None:
    found = noises(step, 0.3, noise_decay=0.55)["layer_0/weights"] / np.sqrt(0.3 / step**0.55)
    n = found.size
    assert abs(found.mean()) < 4 / np.sqrt(n)
    assert found.var() == pytest.approx(1, abs=4 * np.sqrt(2 / n))
    for bound, share in ((1.0, 0.6827), (2.0, 0.9545)):
        assert (abs(found) < bound).mean() == pytest.approx(share, abs=4 * np.sqrt(0.25 / n))


def test_noise_differs_between_parameters_steps_and_places() -> None:
    one, two = noises(1, 1.0, n_out=50), noises(2, 1.0, n_out=50)
    a, b = one["layer_0/weights"], two["layer_0/weights"]
    others = [b, a.T, np.roll(a, 1, axis=0), np.roll(a, 1, axis=1)]
    for other in others:
        assert abs(np.corrcoef(a.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(a.size)
    assert len(np.unique(one["layer_0/bias"])) == 50
    assert abs(np.corrcoef(one["layer_0/bias"], a[0])[0, 1]) < 4 / np.sqrt(50)


# All at once


def everything(entry: str = "adam(learning_rate=0.01)", n_in: int = 40, **more: Any) -> Run:
    layers = [
        Dense(50, regularizer="l1_l2(l1=0.01, l2=0.02)", max_norm=3, learning_rate={"bias": 0.1}),
        Dense(19, regularizer="l2(l2=0.1)", bias_regularizer="l1(l1=0.1)", max_norm=2),
        Dense(3, learning_rate=2),
    ]
    gradients = Gradients(clip_value=0.2, clip_norm=2.0, noise=0.01)
    return Run(layers, OPTIMIZERS.find(entry), n_in=n_in, batch_size=16, gradients=gradients, **more)


def test_threads_change_no_bit_with_everything_switched_on() -> None:
    bits = []
    for members in (1, 2, 4):
        run = everything()
        run.lowered.plan.check()
        run.steps(8, members=members)
        bits.append(run.bits())
    assert bits[0] == bits[1] == bits[2]


def test_a_run_in_two_parts_has_the_bits_of_one_with_everything_switched_on() -> None:
    whole, parts = everything(), everything()
    whole.steps(11)
    parts.steps(SQUARES_EVERY)  # both measure gradients in the same steps
    parts.steps(11 - SQUARES_EVERY)
    assert whole.bits() == parts.bits()


def test_another_seed_draws_other_noise() -> None:
    one, two = everything(seed=1), everything(seed=2)
    assert one.first["layer_0/weights"].tolist() == two.first["layer_0/weights"].tolist()
    assert np.abs(one.steps(1)["layer_0/weights"] - two.steps(1)["layer_0/weights"]).max() > 1e-4


def test_compiled_equals_interpreted_with_everything_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = everything("sgd(learning_rate=0.1)")
    wanted = compiled.steps(8)
    monkeypatch.setenv("PELLUCID_JIT", "0")
    interpreted = everything("sgd(learning_rate=0.1)")
    found = interpreted.steps(8)
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-4, atol=1e-5)


def test_padding_stays_zero_with_everything_switched_on() -> None:
    run = everything()
    run.steps(8)
    for p in run.parameters:
        for arena, buffer in ((run.weights, p.buffer), (run.work, p.gradient)):
            np.testing.assert_array_equal(arena.padded(buffer)[:, buffer.columns :], 0)


@pytest.mark.parametrize(("n_in", "n_out", "n_rows"), [(1, 1, 1), (1, 17, 3), (33, 1, 2)])
def test_networks_of_any_shape(n_in: int, n_out: int, n_rows: int) -> None:
    layers = [Dense(n_out, regularizer="l2(l2=0.1)", max_norm=0.7), Dense(1, max_norm=0.8)]
    gradients = Gradients(clip_norm=0.5, clip_value=0.1)
    run = Run(layers, SGD, gradients=gradients, n_in=n_in, n_rows=n_rows, batch_size=n_rows)
    limits = {"layer_0/weights": 0.7, "layer_1/weights": 0.8}
    wanted = reference(run, 10, rule({"layer_0/weights": REGULARIZERS.find("l2(l2=0.1)")}, 0.5, 0.1, limits))
    found = run.steps(10, members=2)
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-5, atol=1e-6)


def test_a_plain_step_needs_no_more_stages_than_gradients_and_rows() -> None:
    def stages(layers: list[Dense], gradients: Gradients | None = None) -> int:
        return len(Run(layers, SGD, gradients=gradients).lowered.plan.stages)

    assert stages([Dense(7), Dense(3)]) == 2
    assert stages([Dense(7, regularizer="l2"), Dense(3)], Gradients(clip_value=1)) == 2
    assert stages([Dense(7), Dense(3)], Gradients(clip_norm=1)) == 4
    assert stages([Dense(7, max_norm=1), Dense(3)]) == 3
    assert stages([Dense(7, max_norm=1), Dense(3, max_norm=1)]) == 4


# Wrong calls


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Gradients(clip_norm=0), r"clip_norm must be .* at least 1e-30 .*, but is 0"),
        (lambda: Gradients(clip_value=-1), r"clip_value must be .* but is -1"),
        (lambda: Gradients(noise=np.nan), r"noise must be a finite number .* but is nan"),
        (lambda: Gradients(noise=1, noise_decay=-0.5), r"noise_decay must be .* at least 0, but is -0.5"),
        (lambda: REGULARIZERS.find("l2(l2=-1)"), r"regularizer 'l2': l2 must be .* at least 0, but is -1"),
        (lambda: Dense(3, regularizer="l3"), r"no regularizer 'l3'\. Known: l1, l1_l2, l2"),
        (lambda: Dense(3, name="out", max_norm=0), r"Dense 'out': max_norm must be .* but is 0"),
        (lambda: Dense(0), r"Dense: n_out must be a whole number from 1, but is 0"),
        (lambda: Dense(3, learning_rate=-1), r"Dense: learning_rate must be .* at least 0, but is -1"),
        (
            lambda: Dense(3, learning_rate={"bias": "slow"}),
            r"learning_rate of bias must be .*, but is 'slow'",
        ),
        (lambda: Dense(3, learning_rate={"biases": 1}), r"no parameter of Dense 'biases'.*'bias'"),
        (lambda: Dense(3, initializer="he"), r"no initializer 'he'"),
    ],
)
def test_wrong_arguments_end_in_one_sentence(make: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        make()


def test_a_dense_layer_is_made_again_from_its_settings() -> None:
    layer = Dense(
        4,
        "relu",
        initializer="he_normal(gain=0.5)",
        bias_initializer="normal(scale=1)",
        regularizer="l1",
        max_norm=2,
        learning_rate={"bias": 0.1},
        name="hidden",
    )
    again = Dense(**layer.settings)
    assert again.settings == layer.settings
    assert again.settings["learning_rate"] == {"weights": 1.0, "bias": 0.1}
    assert again.settings["initializer"] == {"name": "he_normal", "gain": 0.5}
    again.build(3)
    assert again.weights.max_norm == 2
    assert again.weights.regularizer.penalty([2.0]) == pytest.approx(0.02)
    assert [p.learning_rate for p in again.parameters] == [1.0, 0.1]


def test_a_user_registers_a_regularizer() -> None:
    @regularizer(derivative=lambda w, c: c * 4 * w * w * w, source="test")
    def quartic(w, c=0.1):  # type: ignore[no-untyped-def]
        """c Σw⁴."""
        return c * w * w * w * w

    try:
        run = Run([Dense(3, regularizer="quartic(c=0.5)")], SGD)

        def by_hand(t: int, w: Values, g: Values) -> Values:
            g["layer_0/weights"] = g["layer_0/weights"] + 2 * w["layer_0/weights"] ** 3
            return {n: w[n] - 0.1 * g[n] for n in w}

        assert_close(run.steps(10), reference(run, 10, by_hand), run.first)
    finally:
        REGULARIZERS.remove("quartic")
    with pytest.raises(UnknownNameError):
        REGULARIZERS.find("quartic")
