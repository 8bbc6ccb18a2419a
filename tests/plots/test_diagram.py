"""The network's picture: a line for each weight, coloured by its sign, and no label on another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import to_rgb
from pictures import colliding, texts

from pellucid import (
    Activation,
    BatchNorm,
    Concat,
    Dense,
    Dropout,
    Embedding,
    Input,
    Network,
    PeriodicEmbedding,
    Residual,
    Scale,
)
from pellucid.errors import ArgumentError, UnknownNameError
from pellucid.plots import style


def synapses(figure, layer):
    """The lines that stand for the synapses of a layer."""
    (lines,) = [c for c in figure.axes[0].collections if c.get_gid() == f"synapses to {layer}"]
    assert isinstance(lines, LineCollection)
    return lines


def neurons(figure, layer):
    """The circles that stand for the neurons of a layer."""
    (circles,) = [c for c in figure.axes[0].collections if c.get_gid() == f"neurons of {layer}"]
    assert isinstance(circles, PatchCollection)
    return circles


def signs(lines):
    """How many lines are blue, and how many are orange."""
    colours = lines.get_colors()[:, :3]
    return [
        int((np.abs(colours - to_rgb(c)) < 1e-6).all(axis=1).sum()) for c in (style.POSITIVE, style.NEGATIVE)
    ]


@pytest.fixture
def net():
    net = Network(
        [Input(["age", "income", "$x$"]), Dense(4, "tanh"), Dropout(0.5), Dense(2, "softmax")], seed=1
    )
    net.layers["hidden_1"].bias = [0.5, -1.0, 0.0, 0.25]
    net.classes = ["no", "yes"]
    return net


def test_every_weight_is_a_line_in_the_colour_of_its_sign(net):
    figure = net.plot()
    for layer in (net.layers["hidden_1"], net.layers["output"]):
        lines = synapses(figure, layer.name)
        assert len(lines.get_segments()) == layer.weights.size
        assert signs(lines) == [(layer.weights > 0).sum(), (layer.weights < 0).sum()]
        sizes = np.sort(np.abs(layer.weights).ravel()) / np.abs(layer.weights).max()
        widths = np.asarray(lines.get_linewidths())
        np.testing.assert_allclose((widths - 0.3) / (widths.max() - 0.3), sizes, atol=1e-6)


def test_a_line_leads_from_its_source_to_its_neuron():
    net = Network([Input(["a", "b"]), Dense(3)])
    net.layers["output"].weights = [[0, 0, 0], [0, 7, 0]]
    figure = net.plot()
    start, end = synapses(figure, "output").get_segments()[-1]  # the strongest lies on top
    sources, targets = (
        [p.vertices.mean(axis=0) for p in neurons(figure, n).get_paths()] for n in ("input", "output")
    )
    np.testing.assert_allclose(start[1], sources[1][1], atol=0.02)
    np.testing.assert_allclose(end[1], targets[1][1], atol=0.02)


def test_features_classes_and_layers_are_named(net):
    found = texts(net.plot())
    assert {"age", "income", "$x$", "no", "yes", "hidden_1", "4 neurons", "tanh", "0", "1", "2", "3"} <= set(
        found
    )
    assert "3 inputs, 4 hidden neurons, 2 outputs: 20 synapses" in found
    assert "dropout_1  rate=0.5" in found
    assert {"low", "high"} <= set(texts(net.plot(outputs=["low", "high"])))


def test_the_ring_of_a_neuron_is_its_bias(net):
    circles = neurons(net.plot(), "hidden_1")
    rings = [tuple(c) for c in circles.get_edgecolors()[:, :3]]
    assert rings == [to_rgb(c) for c in (style.POSITIVE, style.NEGATIVE, style.QUIET, style.POSITIVE)]
    np.testing.assert_allclose(
        (np.asarray(circles.get_linewidths()) - 0.6) / 1.8, [0.5, 1, 0, 0.25], atol=1e-6
    )


def test_neurons_are_filled_by_the_activations_of_a_row(net):
    trace = net.trace([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]])
    figure = net.plot(trace=trace, row=1)
    a = trace["hidden_1"].a[1]
    blue = (
        neurons(figure, "hidden_1").get_facecolors()[:, 2]
        - neurons(figure, "hidden_1").get_facecolors()[:, 0]
    )
    assert (np.sign(blue) == np.sign(a)).all()
    full = neurons(figure, "hidden_1").get_facecolors()[np.abs(a).argmax(), :3]
    np.testing.assert_allclose(full, to_rgb(style.POSITIVE if a[np.abs(a).argmax()] > 0 else style.NEGATIVE))
    found = texts(figure)
    assert {"age = 0", "income = −1", "$x$ = 0.5"} <= set(found)
    assert f"yes = {trace.outputs[1, 1]:.3g}" in found
    with pytest.raises(ArgumentError, match="the trace has the rows 0 to 1, but got 2"):
        net.plot(trace=trace, row=2)


def test_of_a_large_layer_the_strongest_are_shown_and_the_others_counted():
    net = Network([Input(100), Dense(128, "relu"), Dense(3)], seed=0)
    net.layers["hidden_1"].weights[:, 77] *= 100
    figure = net.plot()
    found = texts(figure)
    assert "and 76 more" in found
    assert "and 104 more" in found
    assert "77" in found
    assert len(synapses(figure, "hidden_1").get_segments()) == 24 * 24
    assert len(synapses(figure, "output").get_segments()) == 24 * 3
    shown = {int(t) for t in found if t.isdecimal()}
    strength = np.linalg.norm(net.layers["hidden_1"].weights, axis=0)
    strength = strength * np.linalg.norm(net.layers["output"].weights, axis=1)
    assert set(np.argsort(-strength)[:24].tolist()) <= shown
    more = net.plot(most=75)
    assert len(synapses(more, "hidden_1").get_segments()) == 100 * 75
    assert [t for t in texts(more) if t.endswith("more")] == ["and 53 more"]


def test_one_neuron_keeps_its_synapses_in_colour():
    net = Network([Input(3), Dense(40, "relu"), Dense(5, "relu"), Dense(1)], seed=0)
    figure = net.plot(neuron="hidden_1/39", most=5)
    assert "39" in texts(figure)
    assert any(t.startswith("Neuron hidden_1/39 has 3 synapses and leads to 5") for t in texts(figure))
    opacities = {
        layer: synapses(figure, layer).get_colors()[:, 3] for layer in ("hidden_1", "hidden_2", "output")
    }
    assert {k: int((v > 0.2).sum()) for k, v in opacities.items()} == {
        "hidden_1": 3,
        "hidden_2": 5,
        "output": 0,
    }
    with pytest.raises(ArgumentError, match="the neurons 0 to 39, but got '40'"):
        net.plot(neuron="hidden_1/40")
    with pytest.raises(UnknownNameError, match="Did you mean 'hidden_1'"):
        net.plot(neuron="hiden_1/3")


WIDE = [Input(6), Dense(9, "tanh"), Dense(5)]
EVERY = [
    Input(3), Embedding([{"index": 1, "codes": 9, "width": 4}]), PeriodicEmbedding([0, 1]), Scale(),
    Dense(5, "relu"), BatchNorm(),
    Residual(Dense(5)), Concat([], [Dense(2)]), Dense(2), Activation("softmax"),
]  # fmt: skip


@pytest.mark.parametrize(
    "layers",
    [
        [Input(1), Dense(1)],
        [Input(["x" * 300]), Dense(1, name="a layer whose name is so long that it must be cut somewhere")],
        [Input([f"a feature with the rather long name number {i}" for i in range(100)]), Dense(8), Dense(30)],
        [Input(2), *(Dense(3, "relu") for _ in range(12)), Dense(1)],
        [Input(2), Dense(90, "relu"), Dense(90, "relu"), Dense(40)],
        WIDE,
        EVERY,
    ],
)
@pytest.mark.parametrize("is_traced", [False, True])
def test_no_label_lies_on_another(layers, is_traced):
    net = Network(layers, seed=0)
    trace = net.trace(np.linspace(-1, 1, net.n_in)[None]) if is_traced else None
    outputs = [f"the class {i} of these" for i in range(net.n_out)]
    assert colliding(net.plot(trace=trace, outputs=outputs)) == []


@settings(max_examples=8, deadline=None)
@given(
    names=st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=12, unique=True),
    widths=st.lists(st.integers(1, 40), max_size=3),
    most=st.integers(1, 60),
)
def test_whatever_the_names_and_sizes(names, widths, most):
    net = Network([Input(names), *(Dense(n) for n in widths), Dense(2)], seed=0)
    assert colliding(net.plot(most=most)) == []


def test_weights_that_are_no_numbers_can_be_looked_at(net):
    net.layers["hidden_1"].weights[0, 0] = np.nan
    net.layers["output"].weights[:] = 0
    assert len(synapses(net.plot(), "hidden_1").get_segments()) == 12


def test_at_least_one_neuron_is_shown(net):
    with pytest.raises(ArgumentError, match="most must be a whole number from 1, but is 0"):
        net.plot(most=0)
