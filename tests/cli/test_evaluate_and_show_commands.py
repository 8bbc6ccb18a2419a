"""`pellucid evaluate` and `pellucid show`: the numbers of the model, for people and for programs."""

import dataclasses
import re

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss, mean_absolute_error, r2_score

import pellucid
from pellucid import Dense, Input, Network
from pellucid.cli.failures import in_words_of_the_command
from pellucid.cli.sparkline import sparkline
from pellucid.errors import PellucidWarning


def test_scores_of_classes_are_those_of_scikit_learn(call, classifier, penguins):
    found = call("evaluate", classifier, penguins, "--json").json
    y, model = pl.read_csv(penguins)["species"].to_numpy(), pellucid.load(classifier)
    predicted, p = model.predict(penguins), model.predict_probabilities(penguins).astype(np.float64)
    assert found["n_rows"] == 344
    assert found["scores"] == pytest.approx(
        {
            "accuracy": accuracy_score(y, predicted),
            "balanced_accuracy": balanced_accuracy_score(y, predicted),
            "log_loss": log_loss(y, p / p.sum(axis=1, keepdims=True)),
        },
        rel=1e-6,
    )
    assert found["evidence"] == model.evidence.to_dict()


def test_scores_of_numbers_are_those_of_scikit_learn(call, regressor, penguins):
    found = call("evaluate", regressor, penguins, "--json").json
    y = pl.read_csv(penguins, null_values="NA")["body_mass_g"]
    known = y.is_not_null()
    with pytest.warns(PellucidWarning, match="2 values are missing, and none was in training"):
        predicted = pellucid.load(regressor).predict(penguins)[known]
    assert found["n_rows"] == 342
    assert found["scores"]["mae"] == pytest.approx(mean_absolute_error(y.drop_nulls(), predicted))
    assert found["scores"]["r2"] == pytest.approx(r2_score(y.drop_nulls(), predicted))


def test_people_see_the_evidence_of_the_fit_beside_the_scores(call, classifier, penguins):
    lines = call("evaluate", classifier, "-", stdin=penguins.read_bytes()).out.splitlines()
    evidence = pellucid.load(classifier).evidence
    assert lines[0].split() == ["accuracy", "balanced_accuracy", "log_loss"]
    assert lines[1].startswith("network on the 344 rows of standard input ")
    for line, name in zip(lines[2:], ("network", "straight line", "trivial answer"), strict=True):
        assert line.startswith(f"{name} at the fit, on 69 validation rows ")
        assert line.split()[-1] == f"{evidence.scores[name]['log_loss']:.4f}"


def test_shows_what_the_model_is(call, classifier):
    done = call("show", classifier)
    model = pellucid.load(classifier)
    assert done.code == 0
    assert f"{classifier} predicts species (Adelie, Chinstrap, Gentoo)." in done.out
    line = next(line for line in done.out.splitlines() if line.startswith("island "))
    assert line.split("  ")[-1].strip() == "island = Biscoe, island = Dream, island = Torgersen"
    assert "category  it holds 3 different texts (Biscoe, Dream, Torgersen)" in line
    assert f"{model.network.summary().parameters:,} parameters" in done.out
    losses = model.history["validation_loss"]
    ends = f"{losses[0]:.4g} to {losses[-1]:.4g}, 3 epochs"
    assert f"validation loss  {sparkline(losses)}  {ends}" in done.out
    assert done.out.rstrip().endswith(in_words_of_the_command(model.report()))


def test_shows_the_same_to_programs(call, classifier):
    found, model = call("show", classifier, "--json").json, pellucid.load(classifier)
    assert found["features"] == model.network.features
    assert found["history"] == model.history.columns
    assert found["training"]["reason"] == model.history.reason
    assert [c["name"] for c in found["columns"]] == [c.name for c in model.encoding.columns]
    assert found["parameters"] == sum(p.size for p in model.network.parameters.values())


def test_a_neuron_shows_its_synapses_by_name_the_largest_first(call, classifier):
    network = pellucid.load(classifier).network
    weights = network.layers["hidden_1"].weights[:, 3]
    found = call("show", classifier, "--neuron", "hidden_1/3", "--json").json
    assert found["bias"] == network.layers["hidden_1"].bias[3]
    told = {s["source"]: s["weight"] for s in found["synapses"]}
    sizes = [abs(s["weight"]) for s in found["synapses"]]
    assert sizes == sorted(sizes, reverse=True)
    assert told == {s.source: s.weight for s in network.layers["hidden_1"].neurons[3].synapses}
    np.testing.assert_array_equal(sorted(told.values()), np.sort(weights))
    lines = call("show", classifier, "--neuron", "hidden_1/3").out.splitlines()
    assert lines[0].startswith("Neuron hidden_1/3: activation ")
    shown = [re.split(r"  +", line) for line in lines[3 : 3 + len(told)]]
    own = {s["source"]: s["own_unit"] for s in found["synapses"]}
    assert [(row[0], row[-2], row[-1]) for row in shown] == [
        (name, f"{own[name]['effect']:.4g}", f"{weight:.4g}") for name, weight in told.items()
    ]
    effects = pellucid.load(classifier).neuron("hidden_1", 3).effects
    assert [dataclasses.asdict(e) for e in effects] == [own[e.source] for e in effects]
    assert "1 more: the slope at " in lines[3 + list(told).index("body_mass_g")]
    onward = {s["target"]: s["weight"] for s in found["outgoing"]}
    assert onward == {f"output/{k}": w for k, w in enumerate(network.layers["output"].weights[3])}
    assert [line.split() for line in lines[3 + len(told) :]] == [
        [],
        ["synapse", "to", "weight"],
        *([name, f"{weight:.4g}"] for name, weight in onward.items()),
    ]
    assert "synapse to" not in call("show", classifier, "--neuron", "output/0").out


def test_an_output_neuron_says_what_it_stands_for(call, classifier, regressor):
    assert call("show", classifier, "--neuron", "output/2").out.startswith(
        "Neuron output/2, the class Gentoo: "
    )
    assert call("show", regressor, "--neuron", "output/0").out.startswith("Neuron output/0, body_mass_g: ")


@pytest.mark.parametrize(
    ("neuron", "sentence"),
    [
        ("hidden_1/8", "layer 'hidden_1' has the neurons 0 to 7, but got 8"),
        ("hiden_1/3", "Did you mean 'hidden_1'?"),
        ("hidden_1", "a neuron is named LAYER/NUMBER"),
        ("hidden_1/-1", "a neuron is named LAYER/NUMBER"),
        ("input/0", "there is no layer with neurons 'input'"),
    ],
)
def test_neurons_that_are_not_there(call, classifier, neuron, sentence):
    done = call("show", classifier, "--neuron", neuron)
    assert done.code == 2
    assert sentence in done.err


def test_a_network_without_a_table_can_be_shown_only(call, folder, penguins):
    network = Network([Input(2), Dense(3, "tanh"), Dense(1)])
    network.save("net.pellucid")
    assert "net.pellucid holds a network." in call("show", "net.pellucid").out
    assert call("show", "net.pellucid", "--json").json["kind"] == "network"
    network.fit(np.eye(2), np.ones(2), epochs=2)
    network.save("net.pellucid")
    assert "Training ran 2 epochs and stopped: all 2 epochs are over." in call("show", "net.pellucid").out
    assert call("show", "net.pellucid", "--neuron", "hidden_1/0").code == 0
    done = call("predict", "net.pellucid", penguins)
    assert done.code == 2
    assert "holds a network alone, which knows nothing of columns" in done.err


def test_curves_are_drawn_with_what_the_output_can_print():
    assert sparkline([3, 2, 1]) == "█▅▁"
    assert sparkline([1, 1, 1]) == "▁▁▁"
    assert sparkline([1.0, float("inf"), float("nan"), 0.0]) == "█  ▁"
    assert sparkline([float("nan")] * 2) == "  "
    assert sparkline([]) == ""
    assert len(sparkline(range(1000), width=60)) == 60
