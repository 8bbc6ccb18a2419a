"""Roles of columns."""

from __future__ import annotations

import datetime
import io

import numpy as np
import pandas as pd
import pytest

from pellucid.errors import ArgumentError, TableError
from pellucid.tables.reading import read_table
from pellucid.tables.roles import choose_roles
from pellucid.tables.schema import Schema
from pellucid.tables.table import Table


def roles(table: Table, *targets: str, rows: object = None, **asked: object) -> dict[str, str]:
    schema = Schema.of(**asked)  # type: ignore[arg-type]
    return {r.name: r.kind for r in choose_roles(table, targets, rows=rows, schema=schema)}  # type: ignore[arg-type]


def reasons(table: Table) -> dict[str, tuple[str, str]]:
    return {r.name: (r.kind, r.reason) for r in choose_roles(table)}


def test_roles_by_type() -> None:
    table = read_table(
        {
            "whole": [1, 2, 2],
            "decimal": [0.5, None, 1.5],
            "flag": [0, 1, 0],
            "truth": [True, False, None],
            "text": ["a", "b", "a"],
            "numbers as text": ["1", "2", "-"],
            "categorical": pd.Series(pd.Categorical([1, 2, 1])),
            "y": [1, 2, 3],
        }
    )
    assert roles(table, "y") == {
        "whole": "number",
        "decimal": "number",
        "flag": "boolean",
        "truth": "boolean",
        "text": "category",
        "numbers as text": "number",
        "categorical": "category",
    }


def test_what_is_left_out_and_why() -> None:
    n = 60
    table = read_table(
        {
            "empty": [None] * n,
            "blank": [" "] * n,
            "constant": [5] * n,
            "same": ["x"] * n,
            "infinite": [float("inf")] * n,
            "when": [datetime.date(2020, 1, 1 + i % 9) for i in range(n)],
            "who": [f"name {i}" for i in range(n)],
            "code": [f"a-{i * 7919 % 1000}" for i in range(n)],
            "half": [f"name {i // 2}" for i in range(n)],
            "used": ["x", None] * (n // 2),
            "x": range(n),
        }
    )
    assert reasons(table) == {
        "empty": ("empty", "it has no values"),
        "blank": ("empty", "it has no values"),
        "constant": ("constant", "every row has the value '5'"),
        "same": ("constant", "every row has the value 'x'"),
        "infinite": ("empty", "its numbers are infinite or beyond 1e+30"),
        "when": ("date", "all 60 values are dates"),
        "who": ("text", "60 of its 60 values are different, with 2.0 words on average"),
        "code": ("identifier", "60 of its 60 values are different"),
        "half": (
            "text",
            "none of its 30 different values is in 3 rows or more, with 2.0 words on average",
        ),
        "used": ("category", "it holds one text (x); 30 are missing"),
        "x": ("identifier", "it counts the rows from 0 to 59"),
    }
    few = read_table({"letter": list("abcdefghijklmnopqrs"), "x": range(19)})
    assert roles(few)["letter"] == "category", "nineteen categories are few, even if all are different"


def test_only_the_training_rows_count() -> None:
    table = read_table({"a": [1, 1, 2], "b": ["x", "x", "y"], "c": [None, None, 1.0], "d": [1, 2, 2]})
    kinds = roles(table, rows=np.array([0, 1]))
    assert kinds == {"a": "constant", "b": "constant", "c": "empty", "d": "number"}


@pytest.mark.parametrize(("n_numbers", "kind"), [(9, "refused"), (8, "category")])
def test_nine_tenths_of_numbers_are_meant_to_be_all(n_numbers: int, kind: str) -> None:
    lines = [f"{i},1" for i in range(n_numbers)] + ["NA,1", "abc,2"]
    if n_numbers == 8:
        lines[-1] = "abc,2\nde,3"
    table = read_table(io.BytesIO(("age,x\n" + "\n".join(lines)).encode()))
    if kind == "category":
        assert roles(table)["age"] == "category"
        return
    expected = (
        "the stream: column 'age', line 12: expected a number, but found 'abc'. "
        "Correct it, or pass categories=['age'] to use it as categories."
    )
    with pytest.raises(TableError) as caught:
        choose_roles(table)
    assert str(caught.value) == expected
    assert roles(table, categories=["age"])["age"] == "category"
    assert roles(table, ignore=["age"])["age"] == "ignored"


def test_line_of_a_text_among_numbers_after_quoted_newlines() -> None:
    rows = ['1,"two\nlines"', "2,x", "", '3,"three\n\nlines"'] + [f"{i},x" for i in range(20)] + ["4o,x"]
    table = read_table(io.BytesIO(("n,t\n" + "\n".join(rows) + "\n").encode()))
    # The header, two lines, x, a blank one, three lines, twenty rows: the next is line 29.
    with pytest.raises(TableError, match=r"column 'n', line 29: expected a number, but found '4o'"):
        choose_roles(table)


def test_roles_that_were_asked_for() -> None:
    table = read_table(
        {"code": [1, 2, 1], "who": [f"{i}x" for i in range(3)], "truth": [True, False, True], "y": [1, 2, 3]}
    )
    kinds = roles(table, "y", categories=["code"], numbers=["truth"], ignore=["who"])
    assert kinds == {"code": "category", "who": "ignored", "truth": "number"}
    many = read_table({"who": [f"name {i}" for i in range(60)], "x": range(60)})
    assert roles(many, categories=["who"])["who"] == "category"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"categories": ["agee"]}, TableError, "no column 'agee'. Did you mean 'age'?"),
        ({"ignore": ["y"]}, ArgumentError, "ignore=['y'] names the target"),
        ({"ignore": ["age"], "numbers": ["age"]}, ArgumentError, "'age' is named in more than one of"),
        ({"numbers": "age"}, ArgumentError, "numbers must be a list of columns, but got 'age'"),
        (
            {"numbers": ["hair"]},
            TableError,
            "column 'hair', row 0 (counted from 0): expected a number, but found 'red'",
        ),
        ({"numbers": ["when"]}, TableError, "column 'when': expected numbers, but found dates or times"),
        ({"dates": {"when": "backwards"}}, ArgumentError, "'when' must be read as one of year-month-day,"),
        ({"ordered": {"hair": ["red"]}}, ArgumentError, "'hair' must have a list of at least two different"),
        ({"ordered": ["hair"]}, ArgumentError, "ordered must be a dict of columns, each with its levels"),
        (
            {"ordered": {"hair": ["red", "blue"]}},
            TableError,
            "column 'hair', row 1 (counted from 0): found 'dark', which is none of the levels red, blue",
        ),
        ({"dates": ["hair"]}, TableError, "expected a date such as 2021-12-31, but found 'red'"),
        ({"dates": 3}, ArgumentError, "dates must be a list of columns, but got 3"),
    ],
)
def test_wrong_requests(options: dict[str, object], error: type[Exception], message: str) -> None:
    when = [datetime.date(2020, 1, i) for i in (1, 2, 3)]
    table = read_table({"age": [1, 2, 3], "hair": ["red", "dark", "red"], "when": when, "y": [1, 2, 3]})
    with pytest.raises(error) as caught:
        roles(table, "y", **options)
    assert message in str(caught.value)
