"""Which rows of a table train: groups and times from its columns, what is said, and what is refused."""

from __future__ import annotations

import datetime
import io
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import ArgumentError, PellucidError, TableError
from pellucid.tables.fit import fit_table
from pellucid.tables.prepare import Prepared, prepare
from pellucid.tables.reading import read_table
from pellucid.tables.row_split import RowSplit, split_rows
from pellucid.tables.schema import Schema
from pellucid.tables.targets import read_target
from pellucid.tables.twins import n_twins

DAYS = [datetime.date(2009, 4, 1) + datetime.timedelta(days=7 * (i % 10)) for i in range(40)]
CUSTOMERS = [f"c{i % 13}" for i in range(40)]
TABLE: dict[str, Any] = {
    "y": [float(i * i % 17) + 0.5 for i in range(40)],
    "x": [float(i % 7) for i in range(40)],
    "day": DAYS,
    "customer": CUSTOMERS,
}


def divided(columns: dict[str, Any], **options: Any) -> RowSplit:
    table = read_table(columns)
    return split_rows(table, read_target(table, "y"), **options)


def prepared(columns: Any, **options: Any) -> Prepared:
    defaults = {"task": None, "target_scale": "auto", "validation": 0.2, "group": None, "time": None}
    defaults |= {"seed": 0, "normalisation": "robust"}
    asked = {k: options.pop(k) for k in ("categories", "numbers", "dates", "ignore") if k in options}
    return prepare(columns, "y", schema=Schema.of(**asked), **(defaults | options))


def test_the_newest_rows_validate_and_the_report_says_so() -> None:
    split = divided(TABLE, time="day")
    newest = sorted(range(40), key=lambda i: DAYS[i])[-8:]
    assert split.held.tolist() == sorted(newest)
    assert len(split.training) == 32
    assert split.notes == ["Validated on the 8 newest rows, from 2009-05-27 of 'day' on."]


TIMES = [
    [d.isoformat() for d in DAYS],
    [f"{d.isoformat()} 12:30:00" for d in DAYS],
    [datetime.datetime(d.year, d.month, d.day, 7) for d in DAYS],
    [d.toordinal() for d in DAYS],
    [d.strftime("%d.%m.%Y") for d in DAYS],
    [d.strftime("%B %d, %Y") for d in DAYS],
    [int(d.strftime("%Y%m%d")) for d in DAYS],
    [str(d.toordinal()) for d in DAYS],
    [d.toordinal() + 0.25 for d in DAYS],
    pl.Series([d.isoformat() for d in DAYS], dtype=pl.Categorical),
]


@pytest.mark.parametrize("times", TIMES, ids=range(len(TIMES)))
def test_a_time_may_be_written_in_any_of_these_ways(times: Any) -> None:
    split = divided(TABLE | {"day": times}, time="day")
    np.testing.assert_array_equal(split.held, divided(TABLE, time="day").held)


def test_day_and_month_stand_where_they_are_asked_to() -> None:
    days = [f"{1 + i % 12:02}/{1 + i // 4:02}/2021" for i in range(40)]
    for way, at in (("day/month/year", (1, 0)), ("month/day/year", (0, 1))):
        given = prepared(TABLE | {"day": days}, time="day", dates=[f"day={way}"])
        keys = [[d.split("/")[k] for k in at] for d in days]
        assert max(keys[i] for i in given.training) < min(keys[i] for i in given.folds[0])


def test_rows_without_a_time_are_left_out_of_the_network_and_counted() -> None:
    days: list[Any] = list(DAYS)
    days[3] = days[39] = None
    given = prepared(TABLE | {"day": days}, time="day", ignore=["day", "customer"])
    assert sorted([*given.training, *given.folds[0]]) == list(range(38))
    assert given.target.rows.tolist() == [i for i in range(40) if i not in (3, 39)]
    x = np.array(TABLE["x"])[given.target.rows]
    assert given.X.shape == (38, 1)
    assert (np.argsort(given.X[:, 0], kind="stable") == np.argsort(x, kind="stable")).all()
    assert {days[i] for i in given.target.rows[given.folds[0]]} == {max(d for d in days if d)} | {
        sorted({d for d in days if d})[-2]
    }
    assert "2 rows have no 'day' and are left out, because they may be newer than these." in given.notes


def test_no_customer_is_on_both_sides_and_the_customer_is_no_feature() -> None:
    given = prepared(TABLE, group="customer", ignore=["day"])
    sides = [{CUSTOMERS[i] for i in given.target.rows[side]} for side in (given.training, given.folds[0])]
    assert not sides[0] & sides[1]
    assert given.encoding.feature_names == ["x"]
    said = (
        f"Validated on {len(sides[1])} of the 13 groups of 'customer' ({len(given.folds[0])} rows); no group "
    )
    assert any(note.startswith(said) for note in given.notes)
    asked = prepared(TABLE, group="customer", ignore=["day"], categories=["customer"])
    assert "customer = c1" in asked.encoding.feature_names
    np.testing.assert_array_equal(asked.folds[0], given.folds[0])


@pytest.mark.parametrize(
    "customers",
    [
        [int(c[1:]) for c in CUSTOMERS],
        [float(c[1:]) + 0.5 for c in CUSTOMERS],
        pl.Series(CUSTOMERS, dtype=pl.Categorical),
        [datetime.date(2000, 1, 1 + int(c[1:])) for c in CUSTOMERS],
    ],
    ids=["whole", "decimal", "categorical", "date"],
)
def test_a_group_may_be_of_any_type(customers: Any) -> None:
    split = divided(TABLE | {"customer": customers}, group="customer")
    assert not {CUSTOMERS[i] for i in split.training} & {CUSTOMERS[i] for i in split.held}
    assert len(split.training) + len(split.held) == 40


def test_truth_values_are_two_groups() -> None:
    customers = [i % 5 == 0 for i in range(40)]
    assert divided(TABLE | {"customer": customers}, group="customer").held.tolist() == list(range(0, 40, 5))


def test_groups_of_a_text_file_are_told_apart_as_they_are_written() -> None:
    rows = "".join(f"{i % 7}.5,{i * i % 11}.5,{'7' if i % 2 else '007'}\n" for i in range(20))
    given = prepared(io.BytesIO(f"x,y,g\n{rows}".encode()), group="g")
    assert {i % 2 for i in given.target.rows[given.folds[0]]} != {
        i % 2 for i in given.target.rows[given.training]
    }


def test_each_row_without_a_group_is_one_of_its_own() -> None:
    split = divided(TABLE | {"customer": [None if i < 30 else "big" for i in range(40)]}, group="customer")
    assert len(split.held) == 8
    assert split.held.max() < 30
    assert split.notes[1] == "30 rows have no 'customer'; each counts as a group of its own."


def test_newest_rows_of_customers_that_training_does_not_know() -> None:
    split = divided(TABLE | {"customer": [f"c{i // 3}" for i in range(40)]}, time="day", group="customer")
    held = {i // 3 for i in split.held}
    assert max(DAYS[i] for i in split.training) < min(DAYS[i] for i in split.held)
    assert not {i // 3 for i in split.training} & held
    n_left_out = 40 - len(split.training) - len(split.held)
    assert n_left_out == sum(i // 3 in held and i not in split.held for i in range(40))
    assert split.notes[1].startswith(
        f"{n_left_out} rows older than these are left out: the same 'customer' is"
    )


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=12, max_size=60))
def test_groups_and_times_together_hold_for_any_table(rows: list[tuple[int, int]]) -> None:
    groups, times = [g for g, _ in rows], [t for _, t in rows]
    y = [i + 0.5 for i in range(len(rows))]
    try:
        split = divided({"y": y, "g": groups, "t": times}, group="g", time="t")
    except PellucidError:
        return
    assert not {groups[i] for i in split.training} & {groups[i] for i in split.held}
    assert max(times[i] for i in split.training) < min(times[i] for i in split.held)


SAME = TABLE | {"y": ["a"] * 25 + ["b"] * 15, "day": list(range(40)), "customer": ["a"] * 25 + ["b"] * 15}


@pytest.mark.parametrize(
    ("columns", "options", "error", "message"),
    [
        (TABLE, {"group": "custmer"}, TableError, "no group column 'custmer'. Did you mean 'customer'?"),
        (TABLE, {"time": "dya"}, TableError, "no time column 'dya'. Did you mean 'day'?"),
        (TABLE, {"group": "y"}, ArgumentError, "'y' is the target, so it cannot be the group column too"),
        (TABLE, {"time": "y"}, ArgumentError, "'y' is the target, so it cannot be the time column too"),
        (TABLE | {"day": ["2009-01-01", "soon"] * 20}, {"time": "day"}, TableError, "but found 'soon'"),
        (TABLE, {"time": "customer"}, TableError, "row 0 (counted from 0): expected a date such as"),
        (TABLE | {"day": [True, False] * 20}, {"time": "day"}, TableError, "holds values of type Boolean"),
        (
            TABLE | {"day": [datetime.time(7), datetime.time(8)] * 20},
            {"time": "day"},
            TableError,
            "column 'day': expected dates, but found times alone",
        ),
        (
            TABLE | {"day": ["03/04/2021", "05/04/2021"] * 20},
            {"time": "day"},
            TableError,
            "can be read as day/month/year or month/day/year. Pass dates=['day=day/month/year'] or",
        ),
        (TABLE | {"day": DAYS[:1] * 40}, {"time": "day"}, TableError, "'day': all rows are of the same time"),
        (TABLE | {"customer": ["a"] * 40}, {"group": "customer"}, TableError, "all rows are of one group"),
        (SAME, {"group": "customer"}, TableError, "each group has all rows of a class"),
        (SAME, {"time": "day", "fraction": 0.5}, PellucidError, "are all of one class, 'a'"),
        (
            TABLE | {"customer": ["a", "b"] * 20},
            {"time": "day", "group": "customer"},
            PellucidError,
            "older by 'day' and of other groups of 'customer' are 0, too few to learn from",
        ),
    ],
)
def test_what_cannot_be_split(
    columns: dict[str, Any], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        divided(columns, **options)
    assert message in str(caught.value)


def test_a_class_that_only_the_newest_rows_have_is_named() -> None:
    given = prepared(TABLE | {"y": ["a", "b"] * 18 + ["new"] * 4, "day": list(range(40))}, time="day")
    said = "Class 'new' occurs in validation rows only, so the network could not learn it."
    assert said in given.notes


@given(
    st.lists(st.tuples(st.sampled_from([0.0, -0.0, 1.0, 2.5]), st.integers(0, 1)), min_size=2, max_size=40)
)
def test_twins_are_counted_as_comparing_all_pairs_does(rows: list[tuple[float, int]]) -> None:
    X = np.array([[x, 1.0] for x, _ in rows], np.float32)
    y = np.array([c for _, c in rows], np.int32)
    n = len(rows) // 2
    training, held = np.arange(n), np.arange(n, len(rows))
    seen = {rows[i] for i in training}  # 0.0 and -0.0 are equal, and so are their hashes
    assert n_twins(X, y, training, held) == sum(rows[i] in seen for i in held)
    assert n_twins(X, y[:, None].astype(np.float64), training, held) == n_twins(X, y, training, held)


def test_twins_across_the_split_are_said_and_groups_keep_them_apart() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=50).tolist() * 2, rng.normal(size=50).tolist() * 2
    table = {"x": x, "y": y, "case": list(range(50)) * 2}
    given = prepared(table, ignore=["case"])
    n = sum((i + 50) % 100 in set(given.training) for i in given.folds[0])
    assert f"{n} of the 20 validation rows equal a training row in every feature" in given.notes[-1]
    assert "group='COLUMN'" in given.notes[-1]
    assert not any("equal a training row" in note for note in prepared(table, group="case").notes)


def test_the_report_of_a_model_says_how_it_was_validated() -> None:
    model = fit_table(TABLE, "y", time="day", group="x", hidden=[2], epochs=1)
    assert "Validated on the 8 newest rows, from 2009-05-27 of 'day' on." in model.report()
    assert model.evidence.n_rows == 8


def test_rows_that_are_named_validate() -> None:
    table = read_table({"x": [1.0, 2, 3, 4, 5, 6], "y": [1.5, None, 3, 4, 5, 7]})
    target = read_target(table, "y")
    found = split_rows(table, target, fraction=[1, 3, 5])
    assert target.rows[found.held].tolist() == [3, 5]  # row 1 has no target
    assert target.rows[found.training].tolist() == [0, 2, 4]
    for wrong, words in (
        ([6], "from 0 to 5"),
        ([1], "no row with a target"),
        (range(6), "every row"),
        (np.array([], np.int64), "no row with a target"),
    ):
        with pytest.raises(PellucidError, match=words):
            split_rows(table, target, fraction=wrong)
    with pytest.raises(PellucidError, match="leave them out"):
        split_rows(table, target, fraction=[1], time="x")
