"""Names of layers, their descriptions as plain values, and what is said about wrong ones."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layer_runs import LayerRun

from pellucid.errors import ArgumentError, PellucidError, ShapeError, UnknownNameError
from pellucid.layers.activation import Activation
from pellucid.layers.base import LAYERS, Layer, layer_from_spec, name_layers
from pellucid.layers.batch_norm import BatchNorm
from pellucid.layers.concat import Concat
from pellucid.layers.dense import Dense
from pellucid.layers.dropout import Dropout
from pellucid.layers.frozen import Frozen
from pellucid.layers.gaussian_noise import GaussianNoise
from pellucid.layers.input import Input
from pellucid.layers.layer_norm import LayerNorm
from pellucid.layers.residual import Residual
from pellucid.layers.scale import Scale


def everything() -> list[Layer]:
    """A network with every kind of layer, each with settings of its own."""
    inside = [Concat([Dense(4, "relu", name="left")], [], [GaussianNoise(0.5), LayerNorm(epsilon=0.01)])]
    return [
        Input(["age", "income"]),
        Scale(learning_rate=6),
        Dense(8, "relu", max_norm=2.0),
        Residual(BatchNorm(momentum=0.5, epsilon=1e-3), Dropout(0.25), Dense(8)),
        Frozen(Residual(Activation("relu")), *inside, name="kept"),
        Dense(3),
        Activation("softmax"),
    ]


def all_names(layers: Any) -> list[str]:
    return [n for la in layers for n in [la.name, *(m for b in la.branches for m in all_names(b))]]


def test_names_say_what_a_layer_is_and_where() -> None:
    layers = everything()
    name_layers(layers)
    assert all_names(layers) == [
        "input",
        "scale_1",
        "hidden_1",
        "residual_1",
        "residual_1/batch_norm_1",
        "residual_1/dropout_1",
        "residual_1/dense_1",
        "kept",
        "kept/residual_1",
        "kept/residual_1/activation_1",
        "kept/concat_1",
        "kept/concat_1/left",
        "kept/concat_1/gaussian_noise_1",
        "kept/concat_1/layer_norm_1",
        "output",
        "activation_1",
    ]
    before = all_names(layers)
    name_layers(layers)
    assert all_names(layers) == before


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        ([Dense(3), Dense(2), Dense(1)], ["hidden_1", "hidden_2", "output"]),
        ([Dense(3), Dense(2, name="mine"), Dense(2), Dense(1)], ["hidden_1", "mine", "hidden_3", "output"]),
        ([Dense(3), Residual(Dense(3))], ["hidden_1", "residual_1", "residual_1/dense_1"]),
        ([Dense(3), Dropout(0.1), Dropout(0.1)], ["output", "dropout_1", "dropout_2"]),
        ([Dense(3, name="price")], ["price"]),
        ([Concat([Dense(1)], [Dense(2)])], ["concat_1", "concat_1/dense_1", "concat_1/dense_2"]),
    ],
    ids=str,
)
def test_names_count_by_kind(layers: list[Layer], names: list[str]) -> None:
    name_layers(layers)
    assert all_names(layers) == names


def test_names_step_aside_for_a_name_that_was_given() -> None:
    layers: list[Layer] = [Dense(2), Dense(2, name="hidden_2"), Dense(2), Dense(1)]
    name_layers(layers)
    assert [la.name for la in layers] == ["hidden_1", "hidden_2", "hidden_3", "output"]
    layers = [Dense(2, name="hidden_1"), Dense(2), Residual(Dense(2, name="dense_2"), Dense(2), Dense(2))]
    name_layers(layers)
    assert [la.name for la in layers] == ["hidden_1", "hidden_2", "residual_1"]
    inner = [la.name for la in layers[2].branches[0]]
    assert inner == ["residual_1/dense_2", "residual_1/dense_3", "residual_1/dense_4"]


def test_names_below_a_prefix() -> None:
    layers = [Dense(3), Dense(2, name="mine")]
    name_layers(layers, "left/")
    assert all_names(layers) == ["left/dense_1", "left/mine"]


def test_one_name_for_two_layers_is_refused() -> None:
    with pytest.raises(ArgumentError, match="two layers are called 'a'"):
        name_layers([Dense(3, name="a"), Dense(2, name="a")])
    with pytest.raises(ArgumentError, match="two layers are called 'residual_1/dense_1'"):
        name_layers([Residual(Dense(3)), Dense(2, name="residual_1/dense_1")])
    twice = Dropout(0.5)
    with pytest.raises(ArgumentError, match=r"'dropout_1'.*use each layer once"):
        name_layers([twice, Dense(2), twice])


@pytest.mark.parametrize("name", ["", " ", "two\nlines", 3, ["x"]])
def test_a_name_is_printable_text(name: Any) -> None:
    with pytest.raises(ArgumentError, match="printable text"):
        name_layers([Dropout(0.5, name=name)])


def test_descriptions_are_plain_and_make_the_same_layers_again() -> None:
    layers = everything()
    name_layers(layers)
    text = json.dumps([layer.spec for layer in layers])
    again = [layer_from_spec(spec) for spec in json.loads(text)]
    assert {spec["kind"] for spec in json.loads(text)} <= set(LAYERS.names())
    assert json.dumps([layer.spec for layer in again]) == text
    assert all_names(again) == all_names(layers)
    assert repr(again) == repr(layers)
    one, two = LayerRun(layers, n_in=2), LayerRun(again, n_in=2)
    one.run()
    two.run()
    assert one.bits() == two.bits()


def test_layers_made_again_are_of_their_kind() -> None:
    for layer in everything():
        assert type(layer_from_spec(layer.spec)) is type(layer) is LAYERS.named(layer.kind).layer


def test_copies_of_layers_compute_the_same() -> None:
    one, two = LayerRun(everything(), n_in=2), LayerRun(copy.deepcopy(everything()), n_in=2)
    one.run()
    two.run()
    np.testing.assert_array_equal(one.outputs(), two.outputs())


def test_every_kind_says_what_it_does() -> None:
    for kind in LAYERS:
        assert len(kind.text) > 20
        assert "Formula:" in (kind.layer.__doc__ or ""), kind.name
        assert "name" in kind.settings


deep: Any = {"kind": "residual", "layers": []}
for _ in range(500):
    deep = {"kind": "residual", "layers": [deep]}
listed: Any = []
for _ in range(900):
    listed = [listed]

HOSTILE: dict[str, tuple[Any, str]] = {
    "no dict": (["dense", 3], "described by a dict"),
    "nothing": (None, "described by a dict"),
    "no kind": ({"n_out": 3}, "there is no layer None"),
    "wrong kind": ({"kind": "dens", "n_out": 3}, "Did you mean 'dense'"),
    "kind of a wrong type": ({"kind": ["dense"]}, "there is no layer"),
    "unknown setting": ({"kind": "dropout", "rat": 0.1}, "Did you mean 'rate'"),
    "missing setting": ({"kind": "dropout"}, "lacks its 'rate'"),
    "text for a number": ({"kind": "dropout", "rate": "0.5"}, "rate must be"),
    "huge": ({"kind": "input", "n_features": 10**12}, "n_features must be"),
    "no width": ({"kind": "dense", "n_out": -1}, "n_out"),
    "wrong activation": ({"kind": "activation", "activation": {"name": []}}, "there is no activation"),
    "activation of a wrong type": ({"kind": "activation", "activation": 3}, "there is no activation"),
    "layers of a wrong type": ({"kind": "residual", "layers": 3}, "described by a dict"),
    "one layer, no list": ({"kind": "residual", "layers": {"kind": "scale"}}, "must be a list"),
    "no layers": ({"kind": "frozen"}, "lacks its 'layers'"),
    "layers in a leaf": ({"kind": "dense", "n_out": 3, "layers": []}, "no setting of layer 'dense' 'layers'"),
    "branches in a residual": ({"kind": "residual", "layers": [[]]}, "made of layers"),
    "layers as branches": ({"kind": "concat", "layers": [{"kind": "scale"}] * 2}, "lists of layers"),
    "one branch": ({"kind": "concat", "layers": [[]]}, "two or more"),
    "deep in a number": ({"kind": "dropout", "rate": listed}, "nested|rate must be"),
    "deep": (deep, "nested"),
    "deep lists": ({"kind": "concat", "layers": listed}, "nested"),
}


@pytest.mark.parametrize("spec", HOSTILE)
def test_wrong_descriptions_are_refused_in_a_sentence(spec: str) -> None:
    with pytest.raises(ArgumentError, match=HOSTILE[spec][1]) as caught:
        layer_from_spec(HOSTILE[spec][0])
    assert str(caught.value).count("\n") == 0


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text("a1 é\n(", max_size=5)
    | st.sampled_from(LAYERS.names()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "layers", "name", "rate"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # other programs may take the core
@given(kind=st.sampled_from(LAYERS.names()), data=st.data())
def test_any_description_makes_a_layer_or_an_error_of_ours(kind: str, data: st.DataObject) -> None:
    known = LAYERS.named(kind).settings
    spec = {"kind": kind, **{s: data.draw(VALUES) for s in known if data.draw(st.booleans())}}
    try:
        layers = [layer_from_spec(spec)]
        name_layers(layers)
        layers[0].build(3)
    except PellucidError:
        return
    assert layer_from_spec(layers[0].spec).spec == layers[0].spec


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Dropout(1.0), "Dropout: rate must be a finite number at least 0 and below 1, but is 1.0."),
        (lambda: Dropout(-0.1, name="thin"), "Dropout 'thin': rate must be .* but is -0.1"),
        (lambda: Dropout(float("nan")), "but is nan"),
        (lambda: Dropout(True), "but is True"),
        (lambda: GaussianNoise(-1), "GaussianNoise: std must be"),
        (lambda: GaussianNoise(float("inf")), "but is inf"),
        (lambda: BatchNorm(momentum=1), "BatchNorm: momentum must be .* below 1, but is 1"),
        (lambda: BatchNorm(epsilon=0, name="n"), "BatchNorm 'n': epsilon must be"),
        (lambda: LayerNorm(epsilon=-1), "LayerNorm: epsilon must be"),
        (lambda: Scale(learning_rate=-1), "Scale: learning_rate must be"),
        (lambda: Input(0), "Input: n_features must be a whole number from 1"),
        (lambda: Input(2.5), "n_features must be a whole number"),  # type: ignore[arg-type]
        (lambda: Input("age"), "a number or a list of names, not 'age'"),
        (lambda: Input([]), "at least one feature"),
        (lambda: Input(["a", ""]), "must be text, but got ''"),
        (lambda: Input(["a", "b", "a"]), "two features are called 'a'"),
        (lambda: Residual("relu"), "Residual is made of layers, but got 'relu'"),  # type: ignore[arg-type]
        (lambda: Frozen([Dense(3)]), "Frozen is made of layers"),  # type: ignore[arg-type]
        (lambda: Concat([Dense(3)]), "Concat needs two or more lists"),
        (lambda: Concat(Dense(3), Dense(3)), "Concat needs two or more lists"),  # type: ignore[arg-type]
        (lambda: Concat([Dense(3)], ["relu"]), "Concat is made of layers"),  # type: ignore[list-item]
    ],
)
def test_wrong_settings_are_refused_with_the_layer_and_the_value(make: Any, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        make()


def test_an_unknown_activation_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'relu'"):
        Activation("rleu")


def test_a_residual_that_changes_the_width_is_refused_with_both_widths() -> None:
    layers = [Dense(8), Residual(Dense(16), Dropout(0.1))]
    name_layers(layers)
    layers[0].build(4)
    with pytest.raises(ShapeError, match=r"Residual 'residual_1' adds its 8 inputs .* they give 16 numbers"):
        layers[1].build(8)


def test_an_input_that_is_not_first_is_refused() -> None:
    with pytest.raises(ShapeError, match="Input 'x' stands for 3 features, but what comes in has 4"):
        Input(3, name="x").build(4)


def test_features_have_names() -> None:
    assert Input(3).features == ["x1", "x2", "x3"]
    assert Input(("age", "income")).features == ["age", "income"]
    assert Input(["age", "income"]).n_out == 2


def test_widths_follow_from_the_layers() -> None:
    layer = Concat([], [Dense(4)], [Dense(2), Dense(7)])
    assert layer.build(5) == layer.n_out == 5 + 4 + 7
    assert layer.n_in == 5
    for same in (Dropout(0.1), GaussianNoise(1), Scale(), BatchNorm(), LayerNorm(), Activation("relu")):
        assert same.build(9) == same.n_in == same.n_out == 9
    assert Frozen(Dense(4), Dense(2)).build(5) == 2
