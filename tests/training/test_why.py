"""Why a weight moved: each number against the memory of the training, and against the formulas in float64."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import numpy as np
import pytest
from every_step import watched
from training_runs import classes, numbers

from pellucid import BatchNorm, Dense, Dropout, Frozen, Input, Network, Residual, Scale, fit_table
from pellucid.errors import ArgumentError
from pellucid.training.course import Course
from pellucid.training.why import Why

X = numbers()
Y = classes(X)
FEATURES = ["age", "income", "hair = red/brown", "bias", "x5"]
STEPS = 8 * 5
OPTIONS: dict[str, Any] = {"epochs": 8, "batch_size": 12, "learning_rate": 0.02}
CHANGES: dict[str, Any] = {"clip_norm": 0.3, "clip_value": 0.02, "gradient_noise": 1e-6}


def network() -> Network:
    layers = [
        Input(FEATURES),
        Scale(learning_rate=3),
        Dense(7, "tanh", regularizer="l2(l2=0.01)", max_norm=0.9),
        BatchNorm(),
        Dropout(0.2),
        Residual(Dense(7, "relu")),
        Frozen(Dense(6)),
        Dense(3, "softmax"),
    ]
    return Network(layers, seed=2)


def asked(net: Network, name: str, step: int) -> Why:
    why = net.history.why(name, step)
    assert isinstance(why, Why)
    return why


def test_every_number_is_the_one_that_stood_in_memory() -> None:
    net, other = network(), network()
    with watched() as watch:
        net.fit(X, Y, **OPTIONS, **CHANGES)
    other.fit(X, Y, record=True, **OPTIONS, **CHANGES)
    draw = random.Random(1)
    for _ in range(15):
        number, i, j = draw.randint(1, STEPS), draw.randrange(5), draw.randrange(7)
        name, place, parameter = f"hidden_1/{j}/{FEATURES[i]}", (i, j), "hidden_1/weights"
        if FEATURES[i] == "bias":
            name, place, parameter = f"hidden_1/bias/{j}", (j,), "hidden_1/bias"
        step, why = watch.steps[number - 1], asked(other, name, number)
        assert why.before == step.before[parameter][place]
        assert why.after == step.after[parameter][place]
        assert why.used == step.after[f"{parameter}/gradient"][place]
        for state in ("m", "v"):
            wanted = (step.before[f"{parameter}/{state}"][place], step.after[f"{parameter}/{state}"][place])
            assert why.states[state] == wanted
        n = len(step.rows)
        assert why.deltas is not None
        np.testing.assert_array_equal(why.rows, step.rows)
        np.testing.assert_array_equal(why.deltas, step.after["hidden_1/delta"][:n, j])
        wanted = np.ones(n) if len(place) == 1 else step.after["scale_1/a"][:n, i]
        np.testing.assert_array_equal(why.inputs, wanted)
        assert why.loss == pytest.approx(step.after["losses"][:n].mean(dtype=np.float64), rel=1e-12)
        np.testing.assert_array_equal(np.float32(list(why.numbers.values())), step.tables["1.0"])


def test_the_way_from_the_loss_to_the_change_is_the_formulas() -> None:
    net = network()
    net.fit(X, Y, record=True, **OPTIONS, **CHANGES)
    draw = random.Random(2)
    for _ in range(12):
        number, i, j = draw.randint(2, STEPS), draw.randrange(5), draw.randrange(7)
        why, replay = asked(net, f"hidden_1/weights/{i}/{j}", number), net.history.replay(number)
        rows = replay.X * replay.before.parameters["scale_1/factors"].astype(np.float64)
        shares = rows[:, i] * replay.trace["hidden_1"].delta[:, j]  # type: ignore[index]
        assert why.gradient == pytest.approx(shares.sum(), abs=1e-6 * np.abs(shares).sum())
        assert why.sum_of_shares == math.fsum(why.shares)  # type: ignore[arg-type]
        assert why.gradient == pytest.approx(why.sum_of_shares, abs=1e-6 * np.abs(shares).sum())
        g = why.gradient + 2 * 0.01 * why.before  # l2 Σw²
        assert why.gradients["regularizer"] == pytest.approx(g, rel=1e-5, abs=1e-9)
        norm = math.sqrt(sum((v.astype("f8") ** 2).sum() for v in replay.gradients["regularizer"].values()))
        g *= min(1, 0.3 / norm)
        assert why.gradients["clip_norm"] == pytest.approx(g, rel=1e-5, abs=1e-9)
        g = min(max(g, -0.02), 0.02)
        assert why.gradients["clip_value"] == pytest.approx(g, rel=1e-5, abs=1e-9)
        assert 0 < abs(why.gradients["noise"] - g) < 7e-3
        g = why.gradients["noise"]
        m, v = 0.9 * why.states["m"][0] + 0.1 * g, 0.999 * why.states["v"][0] + 0.001 * g * g
        assert why.states["m"][1] == pytest.approx(m, rel=1e-4, abs=1e-9)
        assert why.states["v"][1] == pytest.approx(v, rel=1e-4, abs=1e-12)
        root = math.sqrt(v / (1 - 0.999**number))
        w = why.before - 0.02 * m / (1 - 0.9**number) / (root + 1e-8)
        assert why.column_factor is not None
        assert why.column_factor <= 1
        assert why.after == pytest.approx(w * why.column_factor, abs=2e-6)
        assert why.change == why.after - why.before
    column = replay.after.layers["hidden_1"].weights
    assert (np.linalg.norm(column.astype(np.float64), axis=0) < 0.9 + 1e-6).all()


def test_a_layers_own_factor_is_in_the_learning_rate() -> None:
    net = network()
    net.fit(X, Y, record=True, optimizer="sgd", **OPTIONS)
    assert net.history.replay(3).learning_rate == 0.02
    for i, name in enumerate(FEATURES):
        why = asked(net, f"scale_1/factors/{name}", 3)
        assert why.numbers == {"learning_rate": pytest.approx(0.06)}
        assert why.after == pytest.approx(why.before - 0.06 * why.gradient, abs=1e-7)  # type: ignore[operator]
        assert why.sum_of_shares == pytest.approx(why.gradient, rel=1e-4, abs=1e-7)
        np.testing.assert_array_equal(why.inputs, X[why.rows, i])
        assert list(why.gradients) == ["loss"]  # it has no regularizer


def test_what_no_gradient_changes_says_so() -> None:
    net = network()
    net.fit(X, Y, record=True, **OPTIONS)
    running = asked(net, "batch_norm_1/running_mean/hidden_1/2", 3)
    assert running.gradient is None
    assert running.change != 0
    frozen = asked(net, "frozen_1/dense_1/5/6", 3)
    assert frozen.used is None
    assert frozen.change == 0
    assert "none: training changes it by no gradient" in str(frozen)
    gain = asked(net, "batch_norm_1/gain/2", 3)  # whose gradient is made on the way, not summed in one place
    assert gain.gradient is not None
    assert gain.shares is None


def test_explanations_of_its_neurons_add_up_to_the_step_that_was_made() -> None:
    net, draw = network(), random.Random(3)
    net.fit(X, Y, record=True, **OPTIONS, **CHANGES, sample_weight=np.linspace(1, 2, len(X)))
    for _ in range(8):
        replay, j = net.history.replay(draw.randint(1, STEPS)), draw.randrange(7)
        explanation = replay.trace.neuron("hidden_1", j).explain(draw.randrange(5))
        assert explanation.adds_up
        names = [f"hidden_1/bias/{j}", *(f"hidden_1/weights/{i}/{j}" for i in range(5))]
        for name, change in zip(names, explanation.changes, strict=True):
            why = replay.why(name)
            assert (change.before, change.after, change.gradient) == (why.before, why.after, why.gradient)


def test_it_prints_its_numbers_and_they_add_up() -> None:
    net = network()
    net.fit(X, Y, record=True, **OPTIONS, **CHANGES)
    why = asked(net, "hidden_1/3/age", 13)
    text = str(why)
    assert text.startswith("hidden_1/3/age in step 13, which is step 3 of epoch 3\n")
    for value in (why.before, why.after, why.used, why.states["v"][1], why.gradient):
        assert str(np.float32(value)) in text  # type: ignore[arg-type]
    told = [float(line.split()[-1]) for line in text.splitlines() if " row" in line and "batch" not in line]
    assert len(told) == 5  # three rows, the rest, their sum
    assert sum(told[:4]) == pytest.approx(told[4], abs=1e-5 * max(map(abs, told)))
    row = json.loads(json.dumps(why.to_dict()))
    assert row["change"] == row["after"] - row["before"]
    assert row["gradient"] == why.gradient
    assert (row["m_before"], row["m_after"]) == why.states["m"]
    assert row["delta"] == pytest.approx(float(np.sum(why.deltas, dtype=np.float64)))
    assert {"gradient_regularizer", "gradient_clip_norm", "gradient_clip_value", "loss"} <= set(row)


def test_without_a_step_the_weight_is_told_over_the_epochs() -> None:
    net, seen = network(), []
    options = {**OPTIONS, "epochs": 30, "callbacks": lambda net, _: seen.append(net.copy())}
    net.fit(X, Y, record=True, **options)
    course = net.history.why("output/1/frozen_1/2")
    assert isinstance(course, Course)
    assert course.epochs.tolist() == [0, 7, 14, 21, 28, 30]
    assert course.steps.tolist() == [5 * e for e in course.epochs]
    for epoch, value in list(zip(course.epochs, course.values, strict=True))[1:]:
        assert value == seen[epoch - 1].parameters["output/weights"][2, 1]
    assert len(str(course).splitlines()) == 8
    assert json.loads(json.dumps(course.to_dict()))["epochs"] == course.epochs.tolist()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("hidden_1/3/agee", "nothing called 'agee' leads there. Did you mean 'age'?"),
        ("hidden_1/3/5", "The last one there is 'hidden_1/3/4', also called 'x5'."),
        ("hidden_1/7/age", "the neurons of 'hidden_1' are 0 to 6."),
        ("hidden_1/-1/age", "the neurons of 'hidden_1' are 0 to 6."),
        (
            "hidden_1/weights/0",
            "has 5 rows and 7 columns, the last number of which is 'hidden_1/weights/4/6'.",
        ),
        ("scale_1/factors", "nothing called '' leads there."),
    ],
)
def test_a_wrong_name_is_one_sentence(name: str, sentence: str) -> None:
    net = network()
    net.fit(X, Y, record=True, **OPTIONS)
    for step in (1, None):
        with pytest.raises(ArgumentError) as told:
            net.history.why(name, step)
        assert f"there is no weight {name!r}" in str(told.value)
        assert sentence in str(told.value)


def test_a_name_that_is_no_text_or_of_no_layer_is_one_sentence() -> None:
    net = network()
    net.fit(X, Y, record=True, **OPTIONS)
    known = "Known: batch_norm_1, frozen_1/dense_1, hidden_1, output, residual_1/dense_1, scale_1."
    for name, hint in (("hiden_1/3/age", "Did you mean 'hidden_1'? "), ("dropout_1/0", ""), ("", "")):
        with pytest.raises(ArgumentError) as told:
            net.history.why(name, 1)
        layer = name.partition("/")[0]
        assert str(told.value).startswith(f"there is no layer with weights {layer!r}. {hint}")
        assert str(told.value).endswith(known)
    with pytest.raises(ArgumentError, match="a weight is named like 'hidden_1/3/age', but got 3"):
        net.history.why(3, 1)  # type: ignore[arg-type]


def test_every_way_to_name_a_number_finds_it() -> None:
    net = network()
    net.fit(X, Y, record=True, **OPTIONS)
    ways = {
        "hidden_1/3/hair = red/brown": ("hidden_1/weights", (2, 3)),
        "hidden_1/3/2": ("hidden_1/weights", (2, 3)),
        "hidden_1/weights/hair = red/brown/3": ("hidden_1/weights", (2, 3)),
        "hidden_1/weights/bias/3": ("hidden_1/weights", (3, 3)),
        "hidden_1/bias/3": ("hidden_1/bias", (3,)),
        "residual_1/dense_1/4/1": ("residual_1/dense_1/weights", (1, 4)),
        "batch_norm_1/gain/hidden_1/5": ("batch_norm_1/gain", (5,)),
    }
    for name, (parameter, place) in ways.items():
        assert asked(net, name, 7).after == net.history.replay(7).after.parameters[parameter][place]


def test_a_feature_called_bias_is_not_taken_for_the_bias() -> None:
    net = network()
    net.fit(X, Y, record=True, **OPTIONS)
    for step in (1, None):
        with pytest.raises(ArgumentError) as told:
            net.history.why("hidden_1/3/bias", step)
        assert str(told.value) == (
            "'hidden_1/3/bias' may be the bias or the weight from 'bias'. Ask for 'hidden_1/bias/3' or "
            "'hidden_1/weights/bias/3'."
        )
    for step in (3, 1):  # what is asked for next is no step of the one before
        bias, weight = (asked(net, name, step) for name in ("hidden_1/bias/3", "hidden_1/weights/bias/3"))
        replay = net.history.replay(step)
        assert bias.after == replay.after.parameters["hidden_1/bias"][3]
        assert weight.after == replay.after.parameters["hidden_1/weights"][3, 3]
    assert asked(net, "output/0/bias", 1).name == "output/0/bias"


def test_a_neuron_is_no_weight() -> None:
    net = network()
    net.fit(X, Y, record=True, **OPTIONS)
    with pytest.raises(
        ArgumentError, match=r"'hidden_1/3' is a neuron\. Name what leads to it, too, such as 'hidden_1/3/"
    ):
        net.history.why("hidden_1/3", 1)


def test_a_table_model_tells_by_the_names_of_its_columns() -> None:
    table = {"age": X[:, 0].tolist(), "income": X[:, 1].tolist(), "kind": [f"k{k}" for k in Y]}
    model = fit_table(table, "kind", hidden=[4], epochs=6, record=True)
    why = model.history.why("hidden_1/2/income", 3)
    assert isinstance(why, Why)
    assert why.name == "hidden_1/2/income"
    assert why.after == model.history.replay(3).after.layers["hidden_1"].neurons[2].synapses["income"].weight
