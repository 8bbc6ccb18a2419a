"""Intervals around predicted numbers: they cover what they say, in other rows than those of the training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import pellucid
from pellucid import fit_table
from pellucid.errors import ArgumentError, ModelFileError
from pellucid.tables.intervals import MOST_KEPT, Errors


def rows(n: int, seed: int) -> dict[str, list[float]]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, n)
    return {"x": x.tolist(), "y": (np.sin(2 * x) + 0.3 * rng.normal(size=n)).tolist()}


MODEL = fit_table(rows(600, 0), "y")


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_as_many_fresh_rows_lie_inside_as_are_asked_for(level: float) -> None:
    fresh = rows(5000, 1)
    low, middle, high = MODEL.predict(fresh, interval=level).T
    np.testing.assert_array_equal(middle, MODEL.predict(fresh))
    inside = (low <= fresh["y"]) & (np.array(fresh["y"]) <= high)
    assert inside.mean() == pytest.approx(level, abs=0.06)


@pytest.mark.parametrize("n", [20, 999, 5000])
def test_the_width_is_the_quantile_of_conformal_prediction(n: int) -> None:
    errors = np.random.default_rng(n).normal(size=(n, 2))
    known = Errors.of(errors)
    assert max(len(s) for s in known.sizes) == min(n, MOST_KEPT)
    for level in (0.1, 0.5, 0.9):
        exact = np.sort(np.abs(errors), axis=0)[int(np.ceil((n + 1) * level)) - 1]
        found = known.widths(level)
        if n <= MOST_KEPT:
            np.testing.assert_array_equal(found, exact)
        else:  # one in so many is kept
            np.testing.assert_allclose(found, exact, rtol=0.03)


def test_prices_get_intervals_as_wide_as_they_are_large() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 6, 400)
    table = {"x": x.tolist(), "price": np.exp(x + 0.2 * rng.normal(size=400)).tolist()}
    model = fit_table(table, "price", target_scale="log", preset="fast")
    low, _, high = model.predict({"x": [1.0, 5.0]}, interval=0.9).T
    assert (low > 0).all()
    assert high[1] / low[1] == pytest.approx(high[0] / low[0], rel=1e-5)


def test_a_mean_above_nearly_all_is_not_outside() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=300)
    table = {"x": x.tolist(), "y": np.where(rng.random(300) < 0.9, 0, np.exp(rng.normal(size=300))).tolist()}
    model = fit_table(table, "y", target_scale="log", preset="fast")
    assert model.target.factors[0] > 1
    low, middle, high = model.predict(table, interval=0.5).T
    assert (low <= middle).all()
    assert (middle == high).any()
    assert (middle <= high).all()


def test_they_are_kept_in_the_file_and_written_beside_predictions(tmp_path: Path) -> None:
    MODEL.save(tmp_path / "model.pellucid")
    again = pellucid.load(tmp_path / "model.pellucid")
    few = rows(4, 2)
    expected = MODEL.predict(few, interval=0.9)
    np.testing.assert_array_equal(again.predict(few, interval=0.9), expected)
    frame = again.predict_table(few, interval=0.9)
    assert isinstance(frame, pl.DataFrame)
    written = frame.select("prediction_low", "prediction", "prediction_high").to_numpy()
    np.testing.assert_array_equal(written, expected)


def test_several_targets_have_their_own() -> None:
    table = rows(200, 3)
    both = {**table, "z": [10 * v for v in table["x"]]}
    model = fit_table(both, ["y", "z"], preset="fast")
    found = model.predict(both, interval=0.8)
    assert found.shape == (200, 2, 3)
    assert (np.diff(found, axis=2) >= 0).all()
    assert "prediction_z_high" in model.predict_table(both, interval=0.8).columns


def test_what_cannot_be_told_is_refused() -> None:
    table = rows(50, 4)
    small = fit_table(table, "y", preset="fast")
    with pytest.raises(ArgumentError, match="errors of 10 rows tell no more than 0"):
        small.predict(table, interval=0.95)
    with pytest.raises(ArgumentError, match="interval must be"):
        small.predict(table, interval=1.0)
    blind = fit_table(table, "y", hidden=(4,), epochs=2, validation=0)
    with pytest.raises(ArgumentError, match="knows no errors"):
        blind.predict(table, interval=0.5)
    classes = fit_table({"x": table["x"], "c": ["a", "b"] * 25}, "c", hidden=(4,), epochs=2)
    with pytest.raises(ArgumentError, match="predicts classes"):
        classes.predict(table, interval=0.5)


@pytest.mark.parametrize(
    "damaged",
    [
        {"n_rows": 3, "sizes": [[2.0, 1.0]]},
        {"n_rows": 1, "sizes": [[1.0, 2.0]]},
        {"n_rows": 3, "sizes": []},
        {"n_rows": 3, "sizes": [["1"]]},
        {"n_rows": 3, "sizes": [[float("nan")]]},
    ],
)
def test_a_damaged_file_is_refused(damaged: dict[str, object]) -> None:
    with pytest.raises(ModelFileError, match="rising numbers for each target"):
        Errors.from_dict(damaged, 1, 1)
