"""What each column of a row contributes to a table model's answer, in the table's own units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pellucid
from pellucid import Network, TableModel
from pellucid.errors import ArgumentError, ModelFileError, TableError
from pellucid.tables.explanation import RowExplanation
from pellucid.tables.reading import read_table
from pellucid.tables.target_scales import SCALES
from pellucid.tables.typical import typical_from

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"
pytestmark = pytest.mark.filterwarnings("ignore::pellucid.PellucidWarning")
SMALL: dict[str, Any] = {"hidden": (16,), "epochs": 8, "verbose": False}


def frame() -> pl.DataFrame:
    return pl.read_csv(PENGUINS, null_values="NA")


@pytest.fixture(scope="module")
def classifier() -> TableModel:
    return pellucid.fit_table(PENGUINS, target="species", **SMALL)


@pytest.fixture(scope="module")
def regressor() -> TableModel:
    return pellucid.fit_table(PENGUINS, target="body_mass_g", **SMALL)


@pytest.fixture(scope="module")
def line() -> TableModel:
    return pellucid.fit_table(PENGUINS, target="body_mass_g", hidden=(), epochs=8)


def check_sums(found: RowExplanation) -> None:
    a = found.attribution
    total = a.start
    for part in a.parts:
        total += part.value
    assert total == a.answer
    assert abs(a.rounding) <= 2e-4 * max(np.abs(a.contributions).max(), abs(a.answer))


@pytest.mark.parametrize("row", [1, 4, 17, 200, 344])  # row 4 lacks all measurements
def test_the_numbers_of_a_class_add_up_to_its_probability(classifier: TableModel, row: int) -> None:
    found = classifier.explain(PENGUINS, row)
    check_sums(found)
    probabilities = classifier.predict_probabilities(PENGUINS)[row - 1]
    assert found.prediction == classifier.predict(PENGUINS)[row - 1]
    assert found.attribution.answer == float(probabilities.max())
    assert found.place == f"line {row + 1} of penguins.csv"
    assert found.actual == frame()["species"][row - 1]
    other = classifier.explain(PENGUINS, row, output="Gentoo")
    check_sums(other)
    assert other.attribution.answer == float(probabilities[2])
    assert other.attribution.what == "probability of Gentoo"


@pytest.mark.parametrize("row", [1, 17, 200, 344])
def test_the_numbers_of_a_regression_add_up_in_its_own_unit(regressor: TableModel, row: int) -> None:
    found = regressor.explain(PENGUINS, row)
    check_sums(found)
    assert found.attribution.answer == found.prediction == regressor.predict(PENGUINS)[row - 1]
    typical = pl.DataFrame({name: [value] for name, value in regressor.typical.items()})
    assert found.attribution.start == regressor.predict(typical)[0]


def test_a_typical_row_is_that_of_the_training_rows() -> None:
    ages = [30.0, None, 50.0, 60.0, 1e308, 20.0]
    table = {"age": ages, "hair": ["red", "dark", "fair", "dark", None, None], "ill": [0, 1, 0, 1, 1, 0]}
    model = pellucid.fit_table(table, target="ill", validation=0, hidden=(), epochs=1)
    assert model.typical == {"age": 30.0, "hair": "dark"}
    found = model.explain(table, row=1).attribution
    assert found.baseline_values == ("30", "dark")
    assert found.values == ("30", "red")
    assert found.contributions[0] == 0


def test_a_linear_model_gives_coefficient_times_difference(line: TableModel) -> None:
    found = line.explain(PENGUINS, row=200).attribution
    assert found.path.is_linear
    assert "coefficient × difference" in str(found)
    typical = pl.DataFrame({name: [value] for name, value in line.typical.items()})
    x, start = (line.encoding.encode(read_table(t)) for t in (frame()[199:200], typical))
    weights = line.network.layers["output"].weights[:, 0].astype(np.float64)
    each = weights * line.target.std[0] * (x[0].astype(np.float64) - start[0])
    for features, moved in zip(line.encoding.spans.values(), found.contributions, strict=True):
        assert moved == pytest.approx(each[features].sum(), rel=1e-12, abs=1e-12)


def test_targets_in_logarithms_are_explained_in_their_own_unit() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 2))
    table = {"a": x[:, 0], "b": x[:, 1], "price": np.exp(2 + x[:, 0] + 0.5 * np.tanh(x[:, 1]))}
    model = pellucid.fit_table(table, target="price", target_scale="log", hidden=(8,), epochs=20)
    assert model.target.scales == ("log",)
    predicted = model.predict(table)
    for row in (1, 2, 3):
        found = model.explain(table, row)
        check_sums(found)
        assert found.attribution.answer == predicted[row - 1]


@pytest.mark.parametrize("scale", sorted(SCALES))
def test_slopes_of_scales_are_their_derivatives(scale: str) -> None:
    z, step = np.array([-3.0, -0.5, 0.3, 2.0, 5.0]), 1e-6
    entry = SCALES[scale]
    measured = (entry.inverse(z + step, 1.3) - entry.inverse(z - step, 1.3)) / (2 * step)
    assert entry.slope(z, 1.3) == pytest.approx(measured, rel=1e-8)
    assert np.isfinite(entry.slope(np.array([1e5]), 1.0)).all()


def mixed(n: int = 240) -> dict[str, Any]:
    """A table with a column of every kind."""
    rng = np.random.default_rng(3)
    town, x = rng.integers(0, 30, n), rng.standard_normal(n)
    day = np.datetime64("2020-01-06T09:00") + rng.integers(0, 10_000, n) * np.timedelta64(1, "h")
    size = rng.integers(0, 3, n)
    return {
        "x": np.where(rng.uniform(size=n) < 0.1, np.nan, x),
        "town": [f"town {t}" for t in town],
        "size": np.array(["small", "medium", "large"])[size],
        "member": rng.uniform(size=n) < 0.7,
        "day": day,
        "at": [f"{h}:30" for h in rng.integers(6, 23, n)],
        "y": x + size + np.sin(town),
    }


def test_columns_of_every_kind_are_explained() -> None:
    table = mixed()
    model = pellucid.fit_table(table, target="y", ordered={"size": ["small", "medium", "large"]}, **SMALL)
    kinds = {role.name: role.kind for role in model.encoding.roles}
    assert kinds == {
        "x": "number",
        "town": "category",
        "size": "ordered",
        "member": "boolean",
        "day": "date",
        "at": "date",
    }
    assert model.encoding.embedded
    typical = model.typical
    assert typical["member"] == "true"
    assert sorted(table["day"].astype("datetime64[us]").tolist())[0].isoformat(" ") < typical["day"]
    known = model.encoding.encode(read_table({name: [value] for name, value in typical.items()}))[0]
    passed = next(i for i, n in enumerate(model.encoding.feature_names) if n.startswith("day: days since"))
    assert abs(known[passed]) < 0.05  # the median of the training rows
    predicted = model.predict(table)
    for row in range(1, 6):
        found = model.explain(table, row)
        check_sums(found)
        assert found.attribution.answer == predicted[row - 1]
        assert found.attribution.inputs == tuple(kinds)
        moved = dict(zip(found.attribution.inputs, found.attribution.contributions, strict=True))
        assert moved["town"] != 0 or table["town"][row - 1] == typical["town"]
        assert found.features["town"].keys() == {"town"}


def test_several_targets_are_explained_one_at_a_time() -> None:
    targets = ["body_mass_g", "flipper_length_mm"]
    model = pellucid.fit_table(PENGUINS, target=targets, **SMALL)
    found = model.explain(PENGUINS, row=7, output="flipper_length_mm")
    check_sums(found)
    assert found.prediction == found.attribution.answer == model.predict(PENGUINS)[6, 1]
    assert found.target == "flipper_length_mm"
    with pytest.raises(ArgumentError, match="say which, such as output='body_mass_g'"):
        model.explain(PENGUINS, row=7)
    with pytest.raises(ArgumentError, match="there is no target 'year'"):
        model.explain(PENGUINS, row=7, output="year")


def test_another_row_or_values_may_be_the_baseline(classifier: TableModel) -> None:
    found = classifier.explain(PENGUINS, row=17, output="Adelie", baseline=200)
    check_sums(found)
    assert found.attribution.start == float(classifier.predict_probabilities(PENGUINS)[199, 0])
    assert found.attribution.baseline == "row 200, line 201 of penguins.csv"
    assert not classifier.explain(PENGUINS, row=17, baseline=17).attribution.contributions.any()
    given = classifier.explain(PENGUINS, row=17, baseline={"bill_length_mm": 38.7, "sex": None}).attribution
    values = dict(zip(given.inputs, given.baseline_values, strict=True))
    assert values["bill_length_mm"] == "38.7"
    assert values["sex"] == "missing"
    assert given.contributions[given.inputs.index("bill_length_mm")] == 0


def test_what_training_never_saw_is_explained_and_said(classifier: TableModel) -> None:
    row = frame()[16:17].with_columns(island=pl.lit("Atlantis"), bill_depth_mm=pl.lit(None, pl.Float64))
    found = classifier.explain(row, row=1)
    check_sums(found)
    values = dict(zip(found.attribution.inputs, found.attribution.values, strict=True))
    assert values["island"] == "Atlantis"
    assert values["bill_depth_mm"] == "missing"
    assert any("never seen in training" in note for note in found.notes)
    assert found.notes[0] in str(found)
    assert found.place == "row 0 (counted from 0) of the data frame"


def test_without_its_target_a_row_goes_forward_only(classifier: TableModel) -> None:
    assert classifier.explain(PENGUINS, 17).way.loss is not None
    assert classifier.explain(frame().drop("species"), 17).way.loss is None
    unknown = frame()[:1].with_columns(species=pl.lit("Emperor"))
    found = classifier.explain(unknown, 1)
    assert found.way.loss is None
    assert "Emperor" in found.notes[-1]
    assert "Backward" not in str(found)


def test_the_way_backward_is_that_of_a_trace(classifier: TableModel) -> None:
    found = classifier.explain(PENGUINS, 17)
    x = classifier.encoding.encode(read_table(PENGUINS))[16:17]
    trace = classifier.network.trace(x, np.array([0]))
    assert found.way.loss == trace.loss[0]  # type: ignore[index]
    assert [la.delta for la in found.way.layers] == [
        pytest.approx(float(np.linalg.norm(trace[la.name].delta.astype(np.float64))))  # type: ignore[union-attr]
        for la in found.way.layers
    ]
    assert [name for name, _, _ in found.way.outputs] == ["Adelie", "Chinstrap", "Gentoo"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"row": 0}, "row must be a whole number from 1, but is 0"),
        ({"row": 345}, "penguins.csv has 344 rows of data, counted from 1, but row is 345"),
        ({"row": 1.5}, "row must be a whole number"),
        ({"row": 1, "baseline": 400}, "but baseline is 400"),
        ({"row": 1, "baseline": {"bill": 3}}, "there is no column of the model 'bill'"),
        ({"row": 1, "output": "Emu"}, "there is no class 'Emu'"),
    ],
)
def test_what_cannot_be_explained_is_said(
    classifier: TableModel, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        classifier.explain(PENGUINS, **arguments)


def test_only_the_row_that_is_explained_must_be_right(classifier: TableModel) -> None:
    lines = PENGUINS.read_text().splitlines()[:5]
    wrong = lines[2].replace("39.5", "much")
    table = pl.read_csv("\n".join([*lines[:2], wrong]).encode(), null_values="NA")
    assert classifier.explain(table, 1).prediction == classifier.predict(frame()[:1])[0]
    with pytest.raises(TableError, match=r"bill_length_mm.*row 1.*'much'"):
        classifier.explain(table, 2)


def test_a_typical_row_is_kept_in_the_file(classifier: TableModel, tmp_path: Path) -> None:
    classifier.save(tmp_path / "m.pellucid")
    again = pellucid.load(tmp_path / "m.pellucid")
    assert again.typical == classifier.typical
    assert again.explain(PENGUINS, 17).text() == classifier.explain(PENGUINS, 17).text()


@pytest.mark.parametrize("change", [{"sex": 1.0}, {"year": "x"}, {"year": float("nan")}, {"moon": 1.0}, None])
def test_a_damaged_typical_row_is_refused(classifier: TableModel, change: Any) -> None:
    value = None if change is None else {**classifier.typical, **change}
    with pytest.raises(ModelFileError, match="the typical row"):
        typical_from(value, classifier.encoding.columns)
    document, tensors = classifier.to_dict()
    with pytest.raises(ModelFileError):
        TableModel.from_dict({**document, "typical": value}, tensors)
    with pytest.raises(ModelFileError, match="typical"):
        TableModel.from_dict({k: v for k, v in document.items() if k != "typical"}, tensors)


def test_a_network_says_its_loss(classifier: TableModel) -> None:
    assert classifier.network.loss.name == "categorical_crossentropy"
    assert Network([pellucid.Input(2), pellucid.Dense(1)]).loss.name == "mse"
