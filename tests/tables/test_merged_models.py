"""A model that is the mean of several networks shows all of them."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.colors import rgb_to_hsv

import pellucid
from pellucid import Concat, Dense, Dropout, Input, Network, Scale
from pellucid.errors import ArgumentError, UnknownNameError
from pellucid.glass.stages import stages_of, title_of
from pellucid.health.curves import overfitting, underfitting
from pellucid.health.subject import Subject
from pellucid.layers.periodic_embedding import PeriodicEmbedding
from pellucid.merging import merged
from pellucid.tables.decision import Decision
from pellucid.tables.model import TableModel
from pellucid.training.history import History

N = 60
RNG = np.random.default_rng(0)
DATA: dict[str, Any] = {
    "age": RNG.normal(40, 9, N).round(1),
    "mass": RNG.normal(70, 8, N).round(1),
    "hair": [["red", "dark", "fair"][i % 3] for i in range(N)],
}
DATA["ill"] = np.where(DATA["age"] + 5 * RNG.normal(size=N) > 40, "yes", "no")


@pytest.fixture(scope="module")
def model() -> TableModel:
    return pellucid.fit_table(DATA, "ill", preset="default", epochs=3)


def member(waves: bool, seed: int) -> Network:
    begin = [PeriodicEmbedding([0], waves=3)] if waves else []
    layers = [Input(["age", "mass"]), *begin, Scale(), Dense(4, "tanh"), Dropout(0.1), Dense(1)]
    return Network(layers, seed=seed)


def test_a_summary_goes_into_layers() -> None:
    net = merged([member(True, 0), member(True, 1), member(False, 2)])
    summary = net.summary()
    assert summary.parameters == sum(p.size for p in net.parameters.values())
    rows = {row.name: row for row in summary.rows}
    assert [row.name for row in summary.rows if row.depth == 0] == ["input", "members", "output"]
    branches = [row for row in summary.rows if row.name.startswith("branch")]
    assert [row.depth for row in branches] == [1, 1, 1]
    assert sum(row.parameters for row in branches) == rows["members"].parameters
    assert sum(row.synapses for row in branches) == rows["members"].synapses == 2 * 5 * 4 + 2 * 4
    assert rows["branch 2"].description == "as branch 1: members/hidden_1_of_2"
    assert rows["members/hidden_1"].depth == rows["members/hidden_1_of_3"].depth == 2
    assert "members/hidden_1_of_2" not in rows
    lines = str(summary).splitlines()
    assert max(map(len, lines)) < 120
    assert any(line.startswith("    members/hidden_1 ") for line in lines)


def test_what_stands_side_by_side_keeps_its_name() -> None:
    net = merged([member(True, 0), member(False, 1)])
    sources = net.layers["output"].sources
    assert sources == [f"members/{la}/{j}" for la in ("hidden_1", "hidden_1_of_2") for j in range(4)]
    weights = net.layers["output"].weights[:, 0].tolist()
    for i, source in enumerate(sources):
        [way] = net.neuron(source).outgoing
        assert (way.source, way.target, way.weight) == (source, "output/0", weights[i])
    found = net.trace([[0.5, -1.0]], [[1.0]]).neuron("output", 0).explain()
    assert found.adds_up
    assert [term.source for term in found.terms] == sources
    assert net.wiring.passed["output"] == ["members/dropout_1", "members/dropout_1_of_2"]
    both = Network([Input(["a"]), Concat([], [Scale()]), Dense(1)])  # a name that there would be twice
    assert both.layers["output"].sources == ["concat_1/0", "concat_1/1"]


def test_layers_inside_are_found_by_name() -> None:
    net = merged([member(True, 0), member(False, 1)])
    assert [la.name for la in net.layers] == ["input", "members", "output"]
    layer = net.layers["members/hidden_1_of_2"]
    assert layer.neurons[2].name == "members/hidden_1_of_2/2"
    assert layer.weights.shape == (2, 4)
    with pytest.raises(UnknownNameError, match="Did you mean 'members/hidden_1'"):
        net.layers["members/hiden_1"]
    trace = net.trace([[0.5, -1.0]], [[1.0]])
    found = trace["members/hidden_1_of_2"]
    np.testing.assert_allclose(found.a, np.tanh(found.z), atol=2e-7)
    np.testing.assert_array_equal(found.gradients["weights"], layer.gradients["weights"])


def test_each_recorded_training_tells_why() -> None:
    kept = pellucid.fit_table(DATA, "ill", preset="default", epochs=2, record=True)
    for history in (kept.history, *kept.histories[1:3]):
        why = history.why("hidden_1/0/age", 1)
        assert (why.step, why.after) == (1, np.float32(why.before) + np.float32(why.change))
    assert kept.history is kept.histories[0]


def test_what_is_no_neuron_says_who_makes_it() -> None:
    net = merged([member(True, 0), member(True, 1)])
    said = r"'age~1' is no neuron: layer 'members/periodic_embedding_1' \(and 1 more\) makes it without"
    with pytest.raises(ArgumentError, match=said):
        net.neuron("age~1")
    with pytest.raises(ArgumentError, match=said):
        net.trace([[0.5, -1.0]]).neuron("age~1")


def test_a_picture_counts_the_neurons_of_all() -> None:
    net = merged([member(True, 0), member(False, 1)])
    stages = stages_of(net.layers, net.features, [])
    assert title_of(stages, None) == "2 inputs, 4 and 4 hidden neurons, 1 output: 36 synapses"
    with pytest.raises(ArgumentError, match="inside of 'members', which a picture shows as one bar"):
        net.plot(neuron="members/hidden_1/0")


def test_effects_of_columns_inside_a_branch(model: TableModel) -> None:
    found = model.neuron("hidden_1_of_2", 3)
    effects = {effect.source: effect.effect for effect in found.effects}
    assert set(effects) == {"hair = dark", "hair = fair", "hair = red"}  # ages have cosines
    rows = model.encoding.encode(model.read({"age": [40, 40], "mass": [70, 70], "hair": ["red", None]}))
    numbers = model.network.trace(rows).numbers
    z = numbers["members/hidden_1_of_2/z"][:, 3]
    assert effects["hair = red"] == pytest.approx(float(z[0] - z[1]), rel=1e-4)


def test_all_curves_are_shown(model: TableModel) -> None:
    n = len(model.histories)
    assert n > 1
    [ax] = model.plot_training().axes
    assert len(ax.lines) == 2 * n
    validation = [line for line in ax.lines if line.get_label() == "validation loss"]
    for history, line in zip(model.histories, validation, strict=True):
        assert np.asarray(line.get_ydata()).tolist() == history["validation_loss"]


def test_health_looks_at_all_histories() -> None:
    X = RNG.normal(size=(40, 2)).astype(np.float32)
    net = merged([member(False, 0), member(False, 1)])
    histories = []
    for train, held in ((0.1, 4.0), (0.3, 6.0)):
        falling = [20.0, 15.0, 10.0, 5.0]
        columns = {"loss": [*falling, train], "validation_loss": [*falling, held]}
        history = History()
        for i in range(5):
            history.add({name: values[i] for name, values in columns.items()})
        history.stopped_by = "epochs"
        histories.append(history)
    known = net._targets(np.sin(X[:, 0]), net._loss_for(None))
    subject = Subject(net, X, known, range(40), {}, None, histories)
    [over] = overfitting(subject)
    assert "0.2 on the training rows and 5 on validation rows, in the mean of 2 networks" in over.measured
    assert over.try_this.startswith("more dropout")
    [under] = underfitting(subject)
    assert "epochs the validation loss of one of 2 networks fell from 5 to 4" in under.measured


def test_a_surface_shows_what_is_answered(model: TableModel) -> None:
    p = np.array([[[0.3, 0.7], [0.8, 0.2]]])
    assert Decision("f1", (0.1,)).scores(p).argmax(axis=-1).tolist() == [[1, 1]]
    assert Decision("f1", (0.7,)).scores(p).argmax(axis=-1).tolist() == [[0, 0]]

    def hues(threshold: float) -> list[float]:
        drawn = dataclasses.replace(model, decision=Decision("f1", (threshold,)))
        [mesh] = drawn.plot_surface(DATA, "age", "mass").axes[0].findobj(QuadMesh)
        return np.unique(rgb_to_hsv(mesh.get_array().reshape(-1, 3))[:, 0].round(2)).tolist()

    assert len(hues(1.0)) == len(hues(0.0)) == 1
    assert hues(1.0) != hues(0.0)


def test_show_prints_a_line_for_each(model: TableModel, tmp_path: Any, capsys: Any) -> None:
    from pellucid.cli.main import main

    model.save(tmp_path / "a.pellucid")
    assert main(["show", str(tmp_path / "a.pellucid")]) == 0
    out = capsys.readouterr().out
    assert len(re.findall(r"^validation loss of network \d", out, re.MULTILINE)) == len(model.histories)
    assert f"Concat of {len(model.histories)} branches" in out
