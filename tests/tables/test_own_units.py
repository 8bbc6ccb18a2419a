"""What a step of a column adds to a neuron, against the network's own weighted inputs before and after it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid.tables.model import TableModel

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"
rng = np.random.default_rng(0)
N = 240
CITIES = [f"city {i}" for i in range(25)]
FRAME: dict[str, Any] = {
    "age": rng.integers(20, 70, N).tolist(),
    "height": [None if i % 9 == 0 else float(v) for i, v in enumerate(rng.normal(170, 10, N))],
    "smoker": rng.choice(["no", "yes"], N).tolist(),
    "sex": rng.choice(["female", "male"], N).tolist(),
    "hair": rng.choice(["red", "dark", "fair"], N).tolist(),
    "size": rng.choice(["S", "M", "L"], N).tolist(),
    "day": [f"20{20 + i % 4}-0{1 + i % 9}-1{i % 9}" for i in range(N)],
    "city": [CITIES[i % 25] for i in range(N)],
    "weight": rng.normal(70, 12, N).tolist(),
}
ROW = {"age": 41, "height": 171.5, "smoker": "no", "sex": "female", "hair": "red", "size": "M"}
ROW |= {"day": "2021-03-12", "city": "city 3"}


@pytest.fixture(scope="module", params=["standard", "minmax", "none"])
def model(request: pytest.FixtureRequest) -> TableModel:
    return pellucid.fit_table(FRAME, "weight", hidden=[5], epochs=2, normalisation=request.param)


def z(model: TableModel, **changes: Any) -> float:
    """The weighted input of a neuron for a row."""
    rows = {name: [value] for name, value in (ROW | changes).items()}
    table = model.read(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(model.network.trace(model.encoding.encode(table))["hidden_1"].z[0, 2])


def test_a_step_adds_what_is_said_anywhere(model: TableModel) -> None:
    effects = {e.source: e for e in model.neuron("hidden_1", 2).effects}
    here = z(model)
    days = [name for name in effects if name.startswith("day: days since")]
    for source, step, changes in (
        ("age", "1 more", {"age": 42}),
        ("height", "1 more", {"height": 172.5}),
        ("smoker = yes", "yes instead of no", {"smoker": "yes"}),
        ("sex = male", "male instead of female", {"sex": "male"}),
        ("size ≥ L", "so instead of not", {"size": "L"}),
    ):
        assert effects[source].step == step
        assert effects[source].at == ""
        assert z(model, **changes) - here == pytest.approx(effects[source].effect, rel=1e-3, abs=2e-4)
    hair = effects["hair = dark"].effect - effects["hair = red"].effect
    assert z(model, hair="dark") - here == pytest.approx(hair, rel=1e-3, abs=2e-4)
    assert len(days) == 1
    assert not any("sine" in name or "city" in name for name in effects)


def test_where_the_normalisation_bends_it_is_the_slope_at_the_median() -> None:
    model = pellucid.fit_table(FRAME, "weight", hidden=[5], epochs=2)
    effect = next(e for e in model.neuron("hidden_1/2").effects if e.source == "height")
    center = next(c for c in model.encoding.columns if c.name == "height").center  # type: ignore[union-attr]
    assert effect.at == f"the slope at {center:.6g}, less beyond"
    slope = (z(model, height=center + 0.25) - z(model, height=center - 0.25)) / 0.5
    assert slope == pytest.approx(effect.effect, rel=1e-3)
    beyond = z(model, height=center + 61) - z(model, height=center + 60)
    assert abs(beyond) < 0.5 * abs(effect.effect)


def test_behind_the_first_layer_there_are_no_columns() -> None:
    model = pellucid.fit_table(FRAME, "weight", hidden=[5, 4], epochs=1)
    assert model.neuron("hidden_2/1").effects == ()
    assert model.neuron("hidden_2/1").incoming["hidden_1/3"].target == "hidden_2/1"
    line = pellucid.fit_table(FRAME, "weight", hidden=[], epochs=1)
    neuron = line.neuron("output", 0)
    assert {e.source for e in neuron.effects} >= {"age", "height", "hair = red"}
    assert list(neuron.outgoing) == []
    assert f"age: 1 more adds {neuron.effects[0].effect:.4g} (the slope at " in str(neuron)


@pytest.mark.parametrize(("target", "options"), [("species", {}), ("body_mass_g", {"hidden": [6, 5]})])
def test_every_claim_about_penguins_holds_bit_for_bit(target: str, options: dict[str, Any]) -> None:
    model = pellucid.fit_table(PENGUINS, target, epochs=2, **{"hidden": [8], **options})
    table = model.read(PENGUINS, with_target=True)
    known = model.target.read(table)
    encoded, y = model.encoding.encode(table, rows=known.rows), model.target.encode(known.values)
    for row in rng.integers(0, len(encoded), 10):
        trace = model.network.trace(encoded[row : row + 1], y[row : row + 1])
        layer = model.network.layers[
            rng.choice([la.name for la in model.network.layers if "weights" in la.parameters])
        ]
        explanation = trace.neuron(layer.name, int(rng.integers(layer.n_out))).explain()
        assert explanation.adds_up, str(explanation)
        assert "of the last fit, as that left it" in explanation.method
        np.testing.assert_array_equal(model.network.predict(encoded[row : row + 1]), trace.outputs)
