"""The way of one row through a network, against the same sums in float64."""

from __future__ import annotations

import numpy as np
import pytest

from networks import X, Y, forward, plain, rich
from pellucid.glass.journey import journey_of


def test_shares_are_those_of_what_comes_in() -> None:
    net = plain("softmax")
    trace = net.trace(X[:1])
    way = journey_of(list(net.layers), X[0], trace, ["a", "b", "c"])
    zs, activations = forward(net, X[:1])
    assert [la.name for la in way.layers] == ["hidden_1", "hidden_2", "output"]
    inputs = {"hidden_1": X[:1], "hidden_2": activations["hidden_1"], "output": activations["hidden_2"]}
    for layer in way.layers:
        comes_in = np.abs(inputs[layer.name][0][:, None] * net.layers[layer.name].weights).sum(axis=1)
        names = [s.source for s in net.layers[layer.name].neurons[0].synapses]
        for source in layer.sources:
            i = names.index(source.name)
            assert source.share == pytest.approx(comes_in[i] / comes_in.sum(), rel=1e-5)
            assert source.a == pytest.approx(inputs[layer.name][0, i], rel=1e-5)
        assert layer.sources[0].share == pytest.approx(comes_in.max() / comes_in.sum(), rel=1e-5)
        assert layer.delta is None
    assert [name for name, _, _ in way.outputs] == ["a", "b", "c"]
    assert [z for _, z, _ in way.outputs] == pytest.approx(zs["output"][0], rel=1e-5)
    assert [a for _, _, a in way.outputs] == pytest.approx(activations["output"][0], rel=1e-5)
    assert way.loss is None


def test_backward_names_the_largest_deltas_and_gradients() -> None:
    net = plain("softmax")
    trace = net.trace(X[:1], Y[:1])
    way = journey_of(list(net.layers), X[0], trace, ["a", "b", "c"])
    assert way.loss == trace.loss[0]  # type: ignore[index]
    for layer in way.layers:
        delta = trace[layer.name].delta[0]  # type: ignore[index]
        assert layer.delta == pytest.approx(float(np.sqrt((delta.astype(np.float64) ** 2).sum())))
        assert layer.blamed[0] == (f"{layer.name}/{abs(delta).argmax()}", delta[abs(delta).argmax()])
    everything = np.concatenate([np.abs(g).ravel() for g in net.gradients.values()])
    assert [abs(g) for _, _, g in way.moved] == sorted(everything, reverse=True)[:4]
    for name, weight, gradient in way.moved:
        layer_name, number, rest = name.split("/", 2)
        found = net.layers[layer_name].neurons[int(number)]
        if rest == "bias":
            assert weight == found.bias
        else:
            assert (weight, gradient) == (found.synapses[rest].weight, found.synapses[rest].gradient)
    assert "moves most" in way.backward()


def test_layers_of_every_kind_are_passed() -> None:
    net = rich()
    trace = net.trace(X[:1], Y[:1])
    way = journey_of(list(net.layers), X[0], trace, ["0", "1", "2"])
    assert [la.name for la in way.layers] == ["hidden_1", "output"]
    a = trace["concat_1"].a[0]  # type: ignore[index]
    comes_in = np.abs(a[:, None] * net.layers[-1].weights).sum(axis=1)
    assert way.layers[-1].sources[0].share == pytest.approx(comes_in.max() / comes_in.sum(), rel=1e-5)
    text = way.forward()
    assert text.splitlines()[0].startswith("layer")
    assert len(way.to_dict()["outputs"]) == 3
