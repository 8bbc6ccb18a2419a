"""Which columns number or name the rows, which have an order, and which numbers are useful all the same."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
import pytest

from pellucid.tables.encoding import TableEncoding
from pellucid.tables.reading import read_table
from pellucid.tables.roles import choose_roles
from pellucid.tables.scales import in_order

rng = np.random.default_rng(0)
N = 100
SHUFFLED = rng.permutation(N)
PRICES = rng.permutation(100_000)[:N]


def kind(name: str, values: Any) -> str:
    return choose_roles(read_table({name: values, "other": rng.normal(size=len(values))}))[0].kind


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x", range(N)),
        ("column 1", range(1, N + 1)),
        ("row", np.arange(1.0, N + 1)),
        ("id", SHUFFLED),
        ("PassengerId", range(892, 892 + N)),
        ("customer_no", PRICES),
        ("userID", [str(v) for v in PRICES]),
        ("hash", [2**60 + int(v) for v in PRICES]),
        ("code", [str(uuid.UUID(int=int(v))) for v in PRICES]),
        ("ticket", [f"A/{v}" for v in PRICES]),
        ("mail", [f"{v}@example.org" for v in PRICES]),
    ],
)
def test_identifiers(name: str, values: Any) -> None:
    assert kind(name, values) == "identifier"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("price", PRICES),
        ("price", np.sort(PRICES)),
        ("width", PRICES),  # which has an "id" within
        ("rank", SHUFFLED),
        ("year", range(1900, 1900 + N)),
        ("day", range(1, N + 1)),
        ("x", range(5, N + 5)),
        ("x", [*range(N - 1), N - 2]),
        ("x", [*range(N - 1), None]),
        ("id", [v % 50 for v in range(N)]),
        ("id", PRICES / 7),
        ("x", range(19)),
    ],
)
def test_useful_numbers(name: str, values: Any) -> None:
    assert kind(name, values) == "number"


def test_a_count_is_used_where_there_is_nothing_else() -> None:
    table = read_table({"x": range(N), "same": [1] * N, "y": rng.normal(size=N)})
    encoding = TableEncoding.fit(table, "y")
    assert encoding.feature_names == ["x"]
    assert encoding.notes == [
        "Column 'same' is left out: every row has the value '1'.",
        "Column 'x': it is used as a number, but it counts the rows from 0 to 99; there is no other column "
        "to learn from.",
    ]
    assert [r.kind for r in choose_roles(table, ["y"])] == ["number", "constant"]


@pytest.mark.parametrize(
    ("name", "values", "question"),
    [
        ("year", [2007, 2008, 2009] * 10, "holds 3 different whole numbers only; if they are names of"),
        ("grade", [float(v) for v in range(10)] * 4, "holds 10 different whole numbers only"),
        ("customer_id", [7, 12, 30] * 10, "its name says that it names something; if so, pass ignore="),
        ("year", range(2007, 2018), ""),
        ("grade", [*range(10), *range(10)], ""),
        ("half", [0.5, 1.0, 1.5] * 10, ""),
        ("two", [1, 2] * 10, ""),
        ("many", [v % 11 for v in range(100)], ""),
    ],
)
def test_numbers_that_may_be_names_are_questioned(name: str, values: Any, question: str) -> None:
    role = choose_roles(read_table({name: values, "other": range(len(values))}))[0]
    assert role.kind == "number"
    assert question in role.question
    assert bool(role.question) == bool(question)


@pytest.mark.parametrize(
    "ordered",
    [
        ["low", "Medium", "HIGH"],
        ["very low", "low", "high", "very high"],
        ["XS", "S", "M", "L", "XXL"],
        ["Mon", "Tue", "Wed", "Sun"],
        ["January", "Feb", "march", "Dec"],
        ["strongly disagree", "disagree", "neutral", "agree"],
        ["never", "sometimes", "often", "always"],
        ["poor", "fair", "good", "excellent"],
        ["<18", "18-24", "25-34", "65+"],
        ["0–9", "10–19", "20–29"],
        ["under 100", "100 to 200", "over 200"],
        ["(0.5, 1.5]", "(1.5, 3.0]", "(3.0, 10.25]"],
        ["$0-10k", "$10k-20k", "$1,000,000+"],
        ["10 or less", "11-20", "21 and over"],
    ],
)
def test_orders_that_everybody_knows(ordered: list[str]) -> None:
    for _ in range(5):
        assert in_order(rng.permutation(ordered).tolist())[0] == tuple(ordered)


@pytest.mark.parametrize(
    "texts",
    [
        ["red", "dark", "fair"],
        ["low", "high"],
        ["low", "S", "high"],
        ["1-5", "3-8", "9-10"],
        ["5-1", "6-7"],
        [],
    ],
)
def test_texts_without_an_order(texts: list[str]) -> None:
    assert in_order(texts) == ((), "")
