"""Explanations of neurons: every claim holds bit for bit, and one that no longer holds is said."""

from __future__ import annotations

import json
import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from formula_runs import OTHER_PAIRS, PAIRS, Pair, name_of, targets_for
from networks import N_IN, T, X, Y, plain, rich
from pellucid import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    Frozen,
    GaussianNoise,
    Input,
    LayerNorm,
    Network,
    Scale,
    load,
)
from pellucid.activations import ACTIVATIONS
from pellucid.engine.buffer import Buffer
from pellucid.errors import ArgumentError, ModelFileError, UnknownNameError
from pellucid.glass.explanation import Explanation
from pellucid.glass.trace import Trace
from pellucid.glass.wiring import all_layers, has_neurons
from pellucid.kernels.products import products
from pellucid.layers.base import LAYERS, Forward, Layer, Parameter, Step
from pellucid.optimizers import OPTIMIZERS

rng = np.random.default_rng(0)


def neurons_of(net: Network) -> list[tuple[str, int]]:
    return [(la.label, la.n_out) for la in all_layers(net._definitions) if has_neurons(la)]


def explain_some(net: Network, trace: Trace, n_rows: int, times: int = 10) -> list[Explanation]:
    """Explanations of random neurons and rows, a neuron of each layer among them; all of them add up."""
    layers, found = neurons_of(net), []
    for i in range(max(times, len(layers))):
        label, width = layers[i % len(layers)]
        explanation = trace.neuron(label, int(rng.integers(width))).explain(int(rng.integers(n_rows)))
        assert explanation.adds_up, str(explanation)
        found.append(explanation)
    return found


# ---------------------------------------------------------------- everything there is adds up


@pytest.mark.parametrize("name", ACTIVATIONS.names())
def test_every_activation_adds_up_inside_and_at_the_end(name: str) -> None:
    net = Network([Input(N_IN), Dense(6, name), Dense(5, "tanh"), Activation(name), Dense(3)], seed=1)
    explain_some(net, net.trace(X[:9], T[:9]), 9)


@pytest.mark.parametrize("pair", PAIRS + OTHER_PAIRS, ids=name_of)
def test_every_loss_adds_up(pair: Pair) -> None:
    loss, activation = pair
    net = Network([Input(N_IN), Dense(4, "tanh"), Dense(3, activation)], seed=1)
    y = targets_for(loss, (7, 3), rng)
    trace = net.trace(X[:7], y, loss=loss)
    for explanation in explain_some(net, trace, 7, times=3):
        assert {c.how for c in explanation.checks} <= {"arithmetic", "predict", "kernel"}
    if activation.name != "softmax":
        assert "kernel" not in {c.how for c in trace.neuron("output/0").explain().checks}


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_every_optimizer_adds_up_and_does_what_a_fit_then_does(name: str) -> None:
    net = plain()
    net.fit(X[:60], T[:60], epochs=2, batch_size=20, optimizer=name)
    trace = net.trace(X[:30], T[:30])
    found = explain_some(net, trace, 30, times=6)
    assert f"{name}, learning rate" in found[0].method
    assert f"update {7}" in found[0].method
    steps(net, found, X[:30], T[:30], optimizer=name)


def steps(net: Network, found: list[Explanation], X: Any, y: Any, **options: Any) -> None:
    """A fit of one step changes weights and states as the explanations said."""
    net.fit(X, y, epochs=1, batch_size=len(X), shuffle=False, **options)
    for explanation in found:
        neuron = net.neuron(explanation.neuron)
        now = [(neuron.bias, neuron.bias_optimizer)]
        now += [(synapse.weight, synapse.optimizer) for synapse in neuron.incoming]
        assert now == [(c.after, c.states) for c in explanation.changes]


OPTIONS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "regularizer": ([Dense(5, "tanh", regularizer="l1_l2", bias_regularizer="l2(l2=0.1)")], {}),
    "max norm": ([Dense(5, "silu", max_norm=0.8)], {"learning_rate": 0.05}),
    "own learning rates": ([Dense(5, "silu", learning_rate={"weights": 0.5, "bias": 2})], {}),
    "clipped by value": ([Dense(5, "silu")], {"clip_value": 0.01}),
    "clipped by norm": ([Dense(5, "silu")], {"clip_norm": 0.01}),
    "both": ([Dense(5, "silu", regularizer="l2")], {"clip_norm": 0.5, "clip_value": 0.02}),
    "scale": ([Scale(learning_rate=6), Dense(5, "silu"), Scale(), LayerNorm()], {}),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_done_to_gradients_and_weights_adds_up_too(name: str) -> None:
    layers, options = OPTIONS[name]
    net = Network([Input(N_IN), *layers, Dense(3)], seed=2)
    net.fit(X[:60], T[:60], epochs=1, **options)
    found = explain_some(net, net.trace(X[:20], T[:20]), 20, times=8)
    steps(net, found, X[:20], T[:20], **options)


def test_of_combined_layers_every_neuron_adds_up_in_both_modes() -> None:
    net = rich()
    for training in (False, True):
        found = explain_some(net, net.trace(X[:11], Y[:11], training=training), 11, times=16)
        assert {e.neuron.rpartition("/")[0] for e in found} == {label for label, _ in neurons_of(net)}
        assert any("step of training" in note for e in found for note in e.notes) is training


def test_layers_between_are_followed_back_one_by_one() -> None:
    between = [Dropout(0.4), Scale(), Activation("gelu"), GaussianNoise(0.1), BatchNorm(), LayerNorm()]
    net = Network([Input(N_IN), Dense(7, "tanh"), *between, Dense(3)], seed=0)
    net.layers["scale_1"].factors[:] = np.linspace(0.5, 2, 7)
    for training in (False, True):
        trace = net.trace(X[:9], T[:9], training=training)
        explanation = trace.neuron("hidden_1", 3).explain(4)
        assert explanation.adds_up, str(explanation)
        assert len(explanation.way_back) == 5
    net = Network([Input(N_IN), Dense(7, "tanh"), *between[:4], Dense(3)], seed=0)
    trace = net.trace(X[:9], T[:9], training=True)
    explanation = trace.neuron("hidden_1", 3).explain(4)
    first, *rest = explanation.way_back
    assert [s.target for s in first.shares] == ["output/0", "output/1", "output/2"]
    a = trace["scale_1"].a[4, 3]
    slope = 0.5 * (1 + math.erf(a / 2**0.5)) + a * math.exp(-a * a / 2) / (2 * math.pi) ** 0.5
    factors = [slope, net.layers["scale_1"].factors[3], trace.numbers["dropout_1/mask"][4, 3]]
    factors.append(1 - math.tanh(explanation.z) ** 2)
    share = sum(s.product for s in first.shares)
    for stage, factor in zip(rest, factors, strict=True):
        share *= float(factor)
        assert stage.value == pytest.approx(share, rel=2e-6, abs=1e-12)


def test_frozen_layers_are_explained_as_far_as_they_go() -> None:
    net = Network([Input(N_IN), Dense(4, "relu"), Frozen(Dense(5, "tanh"), Dropout(0.5)), Dense(3)], seed=0)
    explanation = net.trace(X[:6], T[:6], training=True).neuron("frozen_1/dense_1/2").explain(1)
    assert explanation.adds_up
    assert explanation.delta is not None
    assert explanation.changes == ()
    assert any("frozen" in note for note in explanation.notes)
    first = Network([Input(N_IN), Frozen(Dense(5)), Dense(3)], seed=0)
    explanation = first.trace(X[:6], T[:6]).neuron("frozen_1/dense_1", 2).explain(1)
    assert explanation.delta is None
    assert explanation.adds_up


def test_a_layer_of_ones_own_is_explained_where_it_makes_the_same_sum() -> None:
    class Unbiased(Layer):
        """Weighted inputs alone."""

        kind = "unbiased"

        def __init__(self, n_out: int, *, name: str | None = None) -> None:
            self.n_out, self.name = n_out, name

        def build(self, n_in: int) -> int:
            self.n_in = n_in
            self.weights = Parameter(f"{self.label}/weights", (n_in, self.n_out), "glorot_uniform")
            return self.n_out

        @property
        def parameters(self) -> list[Parameter]:
            return [self.weights]

        @property
        def settings(self) -> dict[str, Any]:
            return {"n_out": self.n_out, "name": self.name}

        def forward(self, step: Step, x: Buffer) -> Forward:
            (product, transposed), W = products(), self.weights
            z = step.matrix(f"{self.label}/{'z' if self.name != 'other' else 'y'}", self.n_out)
            step.call(product, A=x, B=W.buffer, start=W.buffer, has_start=0, ending=0, mask=x, C=z)
            step.passes(x, z, W)

            def backward(delta: Buffer) -> Buffer:
                step.gradient(W, transposed, A=x, B=delta, C=W.gradient)
                dx = step.matrix(f"{self.label}/dx", x.columns)
                factors = {"A": delta, "B": step.transposed(W), "start": W.buffer, "mask": delta}
                step.call(product, **factors, has_start=0, ending=0, C=dx)
                return dx

            return Forward(z, backward)

    try:
        net = Network(
            [Input(N_IN), Dense(4, "tanh", name="first"), Unbiased(5), Unbiased(3, name="other")], seed=0
        )
        trace = net.trace(X[:6], T[:6])
        e = trace.neuron("unbiased_1/2").explain(1)
        assert e.adds_up, str(e)
        assert (e.bias, len(e.changes), len(e.terms)) == (0, 4, 4)
        assert [s.target for s in e.way_back[-1].shares] == ["other/0", "other/1", "other/2"]
        assert trace.neuron("first/2").explain(1).adds_up
        assert [s.target for s in net.neuron("first/0").outgoing] == [f"unbiased_1/{k}" for k in range(5)]
        with pytest.raises(ArgumentError, match=r"'other' \(unbiased\) does not make z = x @ W \+ b"):
            trace.neuron("other/1").explain()
    finally:
        LAYERS.remove("unbiased")


# ---------------------------------------------------------------- numbers


def test_the_numbers_are_those_of_float64() -> None:
    net = plain("softmax")
    n = 5
    trace = net.trace(X[:n], Y[:n])
    W = {la.name: la.weights.astype(np.float64) for la in net.layers[1:]}
    p = trace.outputs.astype(np.float64)
    delta = {"output": (p - np.eye(3)[Y[:n]]) / n}
    delta["hidden_2"] = delta["output"] @ W["output"].T * (trace["hidden_2"].z > 0)
    e = trace.neuron("hidden_2", 4).explain(2)
    x = np.array([t.x for t in e.terms])
    np.testing.assert_allclose(x, np.tanh(X[2].astype(np.float64) @ W["hidden_1"]), rtol=3e-6)
    assert [t.source for t in e.terms] == [f"hidden_1/{i}" for i in range(9)]
    assert [t.weight for t in e.terms] == W["hidden_2"][:, 4].tolist()
    assert [t.product for t in e.terms] == [t.x * t.weight for t in e.terms]
    assert e.z == pytest.approx(e.bias + math.fsum(t.product for t in e.terms), rel=1e-6)
    assert e.z == e.terms[-1].sum == trace["hidden_2"].z[2, 4]
    assert e.a == max(e.z, 0)
    assert e.delta == pytest.approx(delta["hidden_2"][2, 4], rel=1e-5, abs=1e-9)
    a_1 = np.tanh(X[:n].astype(np.float64) @ W["hidden_1"])
    gradients = [delta["hidden_2"][:, 4].sum(), *(a_1.T @ delta["hidden_2"])[:, 4]]
    np.testing.assert_allclose([c.gradient for c in e.changes], gradients, rtol=1e-5, atol=1e-8)
    assert [c.part for c in e.changes[1:]] == [t.x * e.delta for t in e.terms]
    of_output = trace.neuron("output/1").explain(2)
    assert of_output.a == trace.outputs[2, 1]
    assert of_output.delta == pytest.approx(delta["output"][2, 1], rel=1e-5)


def test_adams_first_step_is_the_learning_rate_in_the_direction_of_the_gradient() -> None:
    net = plain()
    e = net.trace(X[:5], T[:5]).neuron("hidden_1/0").explain()
    assert "adam, learning rate 0.001, update 1 (the default, since there was no fit)" in str(e)
    for c in e.changes:
        assert c.states_before == {"m": 0, "v": 0}
        assert c.states["m"] == pytest.approx(0.1 * c.gradient, rel=1e-6)
        assert c.after == pytest.approx(c.before - 0.001 * np.sign(c.gradient), abs=2e-7)
    e = net.trace(X[:5], T[:5], optimizer="sgd(learning_rate=0.5)").neuron("hidden_1/0").explain()
    assert "sgd(learning_rate=0.5), learning rate 0.5, update 1 (as asked for" in e.method
    assert [c.after for c in e.changes] == [
        np.float32(c.before - np.float32(0.5 * c.gradient)) for c in e.changes
    ]


def test_the_last_fit_is_what_the_step_goes_on_with(tmp_path: Any) -> None:
    net = plain()
    net.fit(X[:60], T[:60], epochs=2, optimizer="adam(beta_2=0.95)", learning_rate=0.02, schedule="cosine")
    explanation = net.trace(X[:5], T[:5]).neuron("output", 1).explain()
    assert "adam(beta_2=0.95), learning rate 0.02, update 5 (of the last fit, as that left it)" in str(
        explanation
    )
    kept = [synapse.optimizer for synapse in net.neuron("output/1").incoming]
    assert [c.states_before for c in explanation.changes[1:]] == kept
    net.save(tmp_path / "with", training=True)
    net.save(tmp_path / "without")
    for name, said in (
        ("with", "update 5 (of the last fit, as"),
        ("without", "update 1 (of the last fit, begin"),
    ):
        other = load(tmp_path / name).trace(X[:5], T[:5]).neuron("output", 1).explain()
        assert said in other.method
        assert other.adds_up
        assert (other.changes == explanation.changes) is (name == "with")


@pytest.mark.parametrize(
    "spoil", [{"learning_rate": -1}, {"optimizer": "adan"}, {"clip_norm": "1"}, {"noise": 0}]
)
def test_a_file_with_a_wrong_note_of_the_optimizer_is_refused(spoil: dict[str, Any]) -> None:
    net = plain()
    net.fit(X[:60], T[:60], epochs=1)
    document, tensors = net.to_dict()
    document["optimizer"] = {**document["optimizer"], "step": {**document["optimizer"]["step"], **spoil}}
    with pytest.raises(ModelFileError):
        Network.from_dict(document, tensors)


# ---------------------------------------------------------------- the text


def test_the_printed_numbers_alone_give_z_again() -> None:
    net = plain()
    e = net.trace(X[:3], T[:3]).neuron("hidden_1", 5).explain(1)
    table = str(e).split("\n\n")[2]
    rows = [line.split() for line in table.splitlines()[1:]]
    assert [row[0] for row in rows] == ["bias", *net.features]
    z = np.float32(rows[0][1])
    for _, x, weight, _, sum_so_far in rows[1:]:
        exact = Fraction(float(np.float32(x))) * Fraction(float(np.float32(weight))) + Fraction(float(z))
        z = np.float32(float(exact))  # float64 holds it to more digits than decide here
        assert z == np.float32(sum_so_far)
    assert f"\nz = {z!s}\n" in str(e)
    assert z == net.trace(X[:3])["hidden_1"].z[1, 5]


def test_long_neurons_show_what_counts_and_sum_the_rest() -> None:
    n = 300
    wide = rng.standard_normal((4, n)).astype(np.float32)
    net = Network([Input(n), Dense(200, "relu"), Dense(1)], seed=0)
    neuron = net.trace(wide, np.ones(4)).neuron("hidden_1/7")
    e = neuron.explain(2)
    first = str(e).split("\n\n")[2].splitlines()
    assert len(first) == 1 + 1 + 12 + 1
    shown = {line.split()[0] for line in first[2:-1]}
    others = [t for t in e.terms if t.source not in shown]
    assert min(abs(t.product) for t in e.terms if t.source in shown) >= max(abs(t.product) for t in others)
    assert re.fullmatch(r"\s*288 others together\s+(\S+)", first[-1])
    assert float(first[-1].split()[-1]) == pytest.approx(math.fsum(t.product for t in others), rel=1e-8)
    whole = neuron.explain(2, all=True)
    assert len(str(whole).split("\n\n")[2].splitlines()) == 2 + n
    assert whole.terms == e.terms
    assert str(net.trace(wide, np.ones(4)).neuron("output/0").explain()).count("others together") == 1


def test_a_weight_that_was_changed_after_the_trace_is_found_out() -> None:
    net = plain()
    trace = net.trace(X[:5], T[:5])
    before = trace.neuron("hidden_2", 3).explain(1)
    assert "DIFFERS" not in str(before)
    net.neuron("hidden_2/3").incoming["hidden_1/4"].weight += 0.25
    after = trace.neuron("hidden_2", 3).explain(1)
    assert not after.adds_up
    assert {c.how for c in after.checks if not c.is_equal} == {"predict"}
    z = next(c for c in after.checks if c.what == "z" and c.how == "predict")
    assert z.found == pytest.approx(z.shown + 0.25 * before.terms[4].x, rel=1e-5)
    shown, found = (str(np.float32(v)) for v in (z.shown, z.found))
    assert f"DIFFERS: z is shown as {shown}, but predict now finds {found}, " in str(after)
    assert "Changed since the trace: hidden_2/weights." in str(after)
    assert (after.terms, after.way_back, after.changes) == (before.terms, before.way_back, before.changes)
    assert trace.neuron("hidden_1", 3).explain(1).terms  # what does not depend on it stays as it was


def test_a_number_that_was_falsified_is_found_out() -> None:
    trace = plain().trace(X[:5], T[:5])
    trace["hidden_2"].z[1, 3] += 1
    trace["hidden_2"].delta[1, 3] += 1
    wrong = {(c.what, c.how) for c in trace.neuron("hidden_2", 3).explain(1).checks if not c.is_equal}
    assert {("z", "arithmetic"), ("z", "predict"), ("delta", "arithmetic")} <= wrong
    assert {
        ("the gradient of the weights", "arithmetic"),
        ("the gradient of the bias", "arithmetic"),
    } <= wrong


def test_what_is_not_compiled_rounds_otherwise_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_JIT", "0")
    explanation = plain().trace(X[:5], T[:5]).neuron("hidden_2", 3).explain(1)
    assert "Nothing is compiled (PELLUCID_JIT=0)" in str(explanation)
    assert max(c.ulps for c in explanation.checks if c.what == "z") < 100


def test_an_explanation_is_plain_data_too() -> None:
    net = rich()
    explanation = net.trace(X[:4], Y[:4]).neuron("residual_1/dense_1", 2).explain(3)
    values = json.loads(json.dumps(explanation.to_dict()))
    assert values["neuron"] == "residual_1/dense_1/2"
    assert values["adds_up"] is True
    assert values["terms"][1] == {
        "source": "hidden_1/1",
        "x": explanation.terms[1].x,
        "weight": explanation.terms[1].weight,
        "product": explanation.terms[1].product,
        "sum": explanation.terms[1].sum,
    }
    assert values["passed"] == ["batch_norm_1"]
    assert "x is what batch_norm_1 made of it" in str(explanation)
    assert repr(explanation) == "<explanation of 'residual_1/dense_1/2' for row 3>"


def test_without_targets_it_goes_forward_only() -> None:
    explanation = plain().trace(X[:4]).neuron("output", 2).explain(1)
    assert explanation.adds_up
    assert (explanation.delta, explanation.way_back, explanation.changes) == (None, (), ())
    assert "no targets" in str(explanation)


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda t: t.neuron("hidden_3/1"), UnknownNameError, "there is no layer with neurons 'hidden_3'."),
        (lambda t: t.neuron("hidden_1"), ArgumentError, "a neuron is named LAYER/NUMBER, such as hidden_1/0"),
        (lambda t: t.neuron("hidden_1", 9), ArgumentError, "has the neurons 0 to 8, but got 9."),
        (lambda t: t.neuron("hidden_1", -1), ArgumentError, "must be a whole number from 0, but is -1"),
        (lambda t: t.neuron("hidden_1/1").explain(4), ArgumentError, "has the rows 0 to 3, but got 4."),
        (lambda t: t.neuron("hidden_1/1").explain("a"), ArgumentError, "row must be a whole number from 0"),
        (lambda t: t.neuron("hidden_1/1").explain(all=1), ArgumentError, "all must be True or False"),
    ],
)
def test_wrong_questions_end_in_a_sentence(ask: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        ask(plain().trace(X[:4]))
    assert message in str(caught.value)
