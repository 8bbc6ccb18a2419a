"""Whatever a file holds, it is read right or refused in a sentence, up to a trained network."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import pellucid
from pellucid.errors import PellucidError
from pellucid.tables.reading import read_table

NOTHING_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
MISSING = ["", "NA", "n/a", "NaN", "NULL", "?", " ", "<NA>"]

WORD = st.text(st.sampled_from('bxyé "\n'), min_size=1, max_size=5).filter(str.strip)
SHORT_WORD = st.sampled_from(["low", "high", "Zürich", "two words", "a"])
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "whole": st.integers(-(2**40), 2**40),
    "decimal": st.floats(-1e12, 1e12, allow_nan=False),
    "word": WORD,
    "kind": SHORT_WORD,
    "truth": st.booleans(),
}


@st.composite
def tables(draw: st.DrawFn, rows: int = 12) -> tuple[list[str], list[list[Any]]]:
    """Kinds of columns, and rows of values with None for what is missing; each column has a value."""
    kinds = draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=2, max_size=4))
    n = draw(st.integers(1, rows))
    columns = []
    for kind in kinds:
        values = draw(st.lists(st.one_of(st.none(), COLUMNS[kind]), min_size=n, max_size=n))
        values[draw(st.integers(0, n - 1))] = draw(COLUMNS[kind])
        columns.append(values)
    return kinds, [list(row) for row in zip(*columns, strict=True)]


def expected(kind: str, value: Any) -> Any:
    """What must come back: texts without blanks around them, missing ones as None."""
    if isinstance(value, str):
        return value.strip() or None
    return value


@settings(deadline=None, max_examples=150, suppress_health_check=NOTHING_SLOW)
@given(
    tables(),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.data(),
)
def test_a_table_comes_back_however_it_is_written(
    table: tuple[list[str], list[list[Any]]],
    separator: str,
    end: str,
    encoding: str,
    quoting: int,
    data: st.DataObject,
) -> None:
    kinds, rows = table
    names = [f"column {chr(65 + i)}" for i in range(len(kinds))]
    missing = data.draw(st.lists(st.sampled_from(MISSING), min_size=1, max_size=3))
    has_end = data.draw(st.booleans())
    stream = io.StringIO(newline="")
    writer: Any = csv.writer(stream, delimiter=separator, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(names)
    for i, row in enumerate(rows):
        writer.writerow([missing[i % len(missing)] if v is None else v for v in row])
    text = stream.getvalue() if has_end else stream.getvalue().removesuffix(end)
    read = read_table(io.BytesIO(text.encode(encoding)))
    assert read.names == names
    for i, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        values = read.column(name).to_list()
        assert values == [expected(kind, row[i]) for row in rows]
        if kind != "decimal":  # whole numbers among them may be all there are
            assert {type(v) for v in values} == {type(expected(kind, row[i])) for row in rows}
    ends = [part.count("\n") for part in text.split(end)]
    assert read.origin.place(0) == "line 2"
    assert len(read) == len(rows)
    assert int(read.origin.place(len(rows) - 1).split()[1]) <= sum(ends) + len(ends)


GOOD = [
    b"name,n,x\nada,1,1.5\n\"b, c\",2,NA\n'd',3,2.5\n",
    b"a;b;c\r\n1,5;x;true\r\n2,25;y;false\r\n1.234,5;;true\r\n",
    "\ufeffä\tb\n1\t2021-03-04\n?\t2021-03-05\n3\t\n".encode(),
    b'# hello\n"a","b"\n"1","two\nlines"\n"3","x ""y"" z"\n',
]
PIECES = [
    b'"',
    b",",
    b";",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b" ",
    b"1e400",
    b"-",
    b"nan",
    b"#",
    b"$1,234.5",
    b"=1",
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good file with some bytes changed, cut out, put in, or said twice."""
    data = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 8)))
        middle = draw(
            st.one_of(st.sampled_from(PIECES), st.binary(max_size=3), st.just(data[start:stop] * 2))
        )
        data = data[:start] + middle + data[stop:]
    return data


@settings(deadline=None, max_examples=400, suppress_health_check=NOTHING_SLOW)
@given(mutated(), st.sampled_from(["utf-8", "latin-1", "utf-16"]))
def test_damaged_files_are_read_or_refused_in_a_sentence(data: bytes, encoding: str) -> None:
    try:
        table = read_table(io.BytesIO(data), encoding=encoding)
    except PellucidError as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert refusal.startswith("the stream")
        assert "\n" not in refusal
        return
    assert len(table) == table.frame.height > 0
    assert all(table.origin.at(name, len(table) - 1).startswith("the stream: column") for name in table.names)


CELLS = [
    "1",
    "2.5",
    "-3",
    "1,5",
    "1,234",
    "1.234",
    "",
    "NA",
    " 7",
    "x",
    "1e5",
    "$5",
    "true",
    "4 000",
    "?",
    "0",
]


@st.composite
def written(draw: st.DrawFn) -> bytes:
    """A file of numbers and others as people write them, quoted where they must be."""
    rows = draw(st.lists(st.lists(st.sampled_from(CELLS), min_size=3, max_size=3), min_size=1, max_size=8))
    separator, end = draw(st.sampled_from([",", ";", "\t"])), draw(st.sampled_from(["\n", "\r\n", "\n\n"]))
    lines = (separator.join(f'"{c}"' if "," in c else c for c in row) for row in [["a", "b", "c"], *rows])
    return end.join(lines).encode()


@settings(deadline=None, max_examples=150, suppress_health_check=NOTHING_SLOW)
@example(b'a,b,c\n1,4 000,1\n1.234,"1,234",1\nNA,1,1')  # the mark is known from a column with NA
@given(st.one_of(mutated(), written()))
def test_polars_and_the_csv_module_read_the_same(data: bytes) -> None:
    def read() -> Any:
        try:
            table = read_table(io.BytesIO(data))
        except PellucidError as error:
            return str(error)
        return table.frame.rows(), table.schema, [table.origin.place(i) for i in range(len(table))]

    quickly = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pellucid.tables.delimited.read_fast", lambda *_: None)
        assert quickly == read()


SMALL = {"epochs": 2, "hidden": [4], "seed": 1}


def fitted_or_refused(source: Any, target: str) -> None:
    """A network whose every number is finite, or a sentence."""
    try:
        model = pellucid.fit_table(source, target, **SMALL)
    except PellucidError:
        return
    assert all(np.isfinite(v).all() for v in model.network.parameters.values())
    for scores in model.evidence.scores.values():  # r2 alone may be infinite, where the targets nearly agree
        assert all(np.isfinite(v) or (name == "r2" and v == -np.inf) for name, v in scores.items())


VALUES = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.sampled_from(["", "x", "y", "NA", "1", "1,5", "1e308", "2021-01-01", "two words here", "\ud800"]),
    st.sampled_from([0, 1, 2.5, 1e300, -1e308, float("inf"), 2**70]),
)


@settings(deadline=None, max_examples=60, suppress_health_check=NOTHING_SLOW)
@given(
    st.integers(1, 25).flatmap(
        lambda n: st.dictionaries(
            st.sampled_from(["a", "b", "c", "^d$", " e "]),
            st.one_of(
                st.lists(VALUES, min_size=n, max_size=n),
                st.lists(st.floats(-1e6, 1e6), min_size=n, max_size=n),
                st.lists(st.sampled_from(["u", "v"]), min_size=n, max_size=n),
            ),
            min_size=2,
        )
    ),
    st.data(),
)
def test_any_columns_are_learned_from_or_refused(columns: dict[str, list[Any]], data: st.DataObject) -> None:
    fitted_or_refused(columns, data.draw(st.sampled_from(sorted(columns))))


@settings(deadline=None, max_examples=40, suppress_health_check=NOTHING_SLOW)
@given(mutated(), st.integers(1, 15), st.data())
def test_any_file_is_learned_from_or_refused(data: bytes, times: int, draw: st.DataObject) -> None:
    head, _, rows = data.partition(b"\n")
    content = head + b"\n" + (rows if rows.endswith(b"\n") else rows + b"\n") * times
    try:
        table = read_table(io.BytesIO(content))
    except PellucidError:
        return
    fitted_or_refused(table, draw.draw(st.sampled_from(table.names)))


@pytest.mark.parametrize("target", ["x", "t", "l"])
def test_nested_values_are_left_out_or_refused(target: str) -> None:
    columns = {
        "x": [float(i) for i in range(20)],
        "t": ["u", "v"] * 10,
        "l": [[i, 1] for i in range(20)],
        "s": [{"k": i % 2} for i in range(20)],
    }
    fitted_or_refused(columns, target)
