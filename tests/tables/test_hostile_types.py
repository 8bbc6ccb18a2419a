"""Columns of types that no network takes in, and values that no number or date holds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pellucid
from pellucid.errors import DataError, TableError

N = 40
X = np.random.default_rng(0).normal(size=N).round(3).tolist()
BASE = {"x": X, "y": [2 * v for v in X]}
LISTS = pl.Series([[i % 3, 2] for i in range(N)])
NOT_SINGLE = {
    "lists": LISTS,
    "arrays": LISTS.cast(pl.Array(pl.Int64, 2)),
    "records": pl.Series([{"a": i % 3} for i in range(N)]),
    "bytes": pl.Series([b"a" if i % 2 else b"\xff" for i in range(N)]),
}


def fitted(columns: dict[str, Any], target: str = "y", **options: Any) -> pellucid.TableModel:
    return pellucid.fit_table(pl.DataFrame(columns), target, epochs=1, hidden=(2,), **options)


@pytest.mark.parametrize("kind", NOT_SINGLE)
def test_a_column_whose_values_are_no_single_ones_is_left_out_and_named(kind: str) -> None:
    values = NOT_SINGLE[kind]
    model = fitted(BASE | {"v": values})
    said = f"Column 'v' is left out: it holds values of type {values.dtype}, which no network takes in."
    assert said in model.notes
    assert len(model.predict(pl.DataFrame(BASE | {"v": values}))) == N


@pytest.mark.parametrize("kind", NOT_SINGLE)
@pytest.mark.parametrize("asked", ["categories", "numbers", "dates", "ordered", "target", "classes"])
def test_such_a_column_is_refused_where_it_is_asked_for(kind: str, asked: str) -> None:
    values = NOT_SINGLE[kind]
    columns: dict[str, Any] = BASE | {"v": values}
    options = {
        "target": {"target": "v"},
        "classes": {"target": "v", "task": "classification"},
        "ordered": {"ordered": {"v": ["a", "b"]}},
    }.get(asked, {asked: ["v"]})
    with pytest.raises(TableError, match=r"column 'v'.*values of type") as error:
        fitted(columns, **options)
    assert str(values.dtype) in str(error.value)


@pytest.mark.parametrize("kind", NOT_SINGLE)
@pytest.mark.parametrize("learned", ["categories", "truths", "levels", "numbers", "dates", "times"])
def test_such_values_are_refused_where_others_were_learned(kind: str, learned: str) -> None:
    columns = {
        "categories": ["a", "b", "c", "d"],
        "truths": [True, False],
        "levels": ["low", "medium", "high"],
        "numbers": [0.5, 1.5, 7.5],
        "dates": [dt.date(2020, 1, 1 + i) for i in range(9)],
        "times": ["10:00", "11:30", "12:15"],
    }
    values = [columns[learned][i % len(columns[learned])] for i in range(N)]
    model = fitted(BASE | {"v": values})
    with pytest.raises(TableError, match=r"column 'v': expected .* but found values of type"):
        model.predict(pl.DataFrame(BASE | {"v": NOT_SINGLE[kind]}))


@pytest.mark.parametrize("asked", ["group", "time"])
def test_rows_are_not_split_by_lists(asked: str) -> None:
    with pytest.raises(TableError, match=f"the {asked} column 'v' must hold .* values of type List"):
        fitted(BASE | {"v": LISTS}, **{asked: "v"})


@pytest.mark.parametrize(
    ("asked", "values"), [("group", [None] * N), ("time", [None] * N), ("time", [float("inf")] * N)]
)
def test_rows_are_not_split_by_what_is_missing_everywhere(asked: str, values: list[Any]) -> None:
    with pytest.raises(TableError, match=f"no row with a target has a value of the {asked} 'v'"):
        fitted(BASE | {"v": values}, **{asked: "v"})


def test_whole_numbers_beyond_64_bits_are_classes_that_can_be_saved(tmp_path: Path) -> None:
    for pair in ([2**64 - 1, 2**63], [2**90, -(2**90)], [2**90, 5]):
        y = pl.Series([pair[i % 2] for i in range(N)])
        model = fitted({"x": [float(i % 2) for i in range(N)], "y": y})
        model.save(tmp_path / "m.pellucid")
        again = pellucid.load(tmp_path / "m.pellucid")
        assert sorted(again.classes) == sorted(pair)
        assert set(again.predict(pl.DataFrame({"x": [0.0, 1.0]})).tolist()) <= set(pair)
        assert again.evaluate(pl.DataFrame({"x": [0.0] * N, "y": y}))["n_rows"] == N


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([float("inf"), -1e300] * (N // 2), "its numbers are infinite or beyond 1e+30"),
        (pl.Series([10**17] * N).cast(pl.Datetime("ms")), "its dates are beyond the years 1 to 9999"),
    ],
)
def test_a_column_that_is_empty_for_what_it_holds_says_so(values: Any, reason: str) -> None:
    assert f"Column 'v' is left out: {reason}." in fitted(BASE | {"v": values}).notes


def test_a_column_that_is_empty_or_constant_in_training_alone_says_so() -> None:
    time = [dt.date(2020, 1, 1) + dt.timedelta(i) for i in range(N)]
    late = {"e": [None] * (N - 1) + [3.5], "c": [1.5] * (N - 1) + [3.5], "t": time}
    model = fitted(BASE | late, time="t")
    assert "Column 'e' is left out: it has no values in the rows that are learned from." in model.notes
    assert "Column 'c' is left out: every row that is learned from has the value '1.5'." in model.notes


def test_dates_beyond_the_years_of_a_calendar_count_as_missing_and_are_said_to() -> None:
    days = pl.Series([2**31 - 1 if i % 4 == 0 else 18_000 + i for i in range(N)], dtype=pl.Int32)
    model = fitted(BASE | {"v": days.cast(pl.Date)}, validation=0)
    role = next(r for r in model.encoding.roles if r.name == "v")
    assert role.reason.endswith("10 are missing; 10 beyond the years 1 to 9999 count as missing")


def test_numbers_that_become_the_same_are_no_target() -> None:
    with pytest.raises(
        DataError, match=r"can be told apart as decimal numbers\. Subtract 1152921504606846976"
    ):
        fitted({"x": X, "y": [2**60 + i for i in range(N)]})


DAYS = pl.Series([dt.date(2020, 1, 1) + dt.timedelta(i) for i in range(N)])
HOURS = pl.Series([dt.timedelta(hours=i) for i in range(N)])


def both(first: pl.Series, second: pl.Series) -> pellucid.TableModel:
    frames = [pl.DataFrame(BASE | {"v": values}) for values in (first, second)]
    return pellucid.fit_table(frames, "y", epochs=1, hidden=(2,), validation=0)


def test_durations_of_other_units_are_one_column_and_beside_others_refused() -> None:
    model = both(HOURS, HOURS.cast(pl.Duration("ns")))
    column = next(c for c in model.encoding.columns if c.name == "v")
    assert column.median == 3600 * (N - 1) / 2  # type: ignore[attr-defined]
    for other in (DAYS, pl.Series(["a"] * N), pl.Series(range(N))):
        with pytest.raises(TableError, match=r"column 'v' holds .*, but in the data frame durations"):
            both(HOURS, other)


def test_dates_beyond_the_calendar_beside_others_are_missing() -> None:
    beyond = pl.Series([10**17] * N).cast(pl.Datetime("ms"))
    model = both(DAYS.cast(pl.Datetime("us")), beyond)
    role = next(r for r in model.encoding.roles if r.name == "v")
    assert (role.kind, f"{N} are missing" in role.reason) == ("date", True)
    assert len(fitted(BASE | {"v": beyond}, categories=["v"]).notes) > 0


def test_what_is_masked_is_missing() -> None:
    values = np.ma.masked_array(np.arange(N) * 0.5, mask=np.arange(N) % 4 == 0)
    model = pellucid.fit_table(BASE | {"v": values}, "y", epochs=1, hidden=(2,), validation=0)
    assert (
        next(r for r in model.encoding.roles if r.name == "v").reason
        == "all 30 values are numbers; 10 are missing"
    )


def test_a_lazy_frame_that_cannot_be_computed_is_refused() -> None:
    with pytest.raises(TableError, match=r"the data frame cannot be computed: unable to find column \"zz\""):
        pellucid.fit_table(pl.DataFrame(BASE).lazy().select("zz"), "y")
