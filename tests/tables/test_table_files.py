"""Reading text files and Parquet, against Python's csv module and pandas; every fault names its line."""

from __future__ import annotations

import csv
import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pellucid.errors import ArgumentError, DataError, TableError
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.reading import read_table
from pellucid.tables.table import Table
from pellucid.tables.target_encoding import TargetEncoding
from pellucid.tables.targets import read_target


def read(data: bytes | str, **options: list[str]) -> Table:
    return read_table(io.BytesIO(data.encode() if isinstance(data, str) else data), **options)


def fault(data: bytes | str) -> str:
    with pytest.raises(TableError) as caught:
        read(data)
    return str(caught.value)


# ---------------------------------------------------------------- what is read


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_separator_line_end_and_byte_order_mark(separator: str, end: str, mark: str) -> None:
    lines = [["name", "n", "x"], ["Ada", "1", "1.5"], ["Käte", "2", "2.25"]]
    table = read(mark + end.join(separator.join(line) for line in lines) + end)
    assert table.frame.rows() == [("Ada", 1, 1.5), ("Käte", 2, 2.25)]
    assert table.frame.columns == ["name", "n", "x"]


def test_quotes_newlines_and_separators_inside_values() -> None:
    rows = [["a, b", 'say "hi"', "1"], ["two\nlines", "", "2"], ["; |", "\ttab", "3"]]
    text = io.StringIO()
    csv.writer(text).writerows([["p", "q, r", "n"], *rows])
    table = read(text.getvalue())
    assert table.frame.columns == ["p", "q, r", "n"]
    assert table.frame.rows() == [("a, b", 'say "hi"', 1), ("two\nlines", None, 2), ("; |", "tab", 3)]
    assert [table.origin.place(i) for i in range(3)] == ["line 2", "line 3", "line 5"]


def test_quotes_after_blanks_and_inside_values() -> None:
    assert read('a, b\n1, "x, y"\n2, "z"\n').frame.rows() == [(1, "x, y"), (2, "z")]
    assert read('pipe,n\n5" long,1\n6" long,2\n').frame.rows() == [('5" long', 1), ('6" long', 2)]


def test_blanks_are_stripped_from_names_and_values() -> None:
    table = read(' a , b \n 1, x \n"  2 ",y\n')
    assert table.frame.columns == ["a", "b"]
    assert table.frame.rows() == [(1, "x"), (2, "y")]


def test_blank_lines_are_left_out_but_counted() -> None:
    table = read("\n\na,b\n1,2\n\n  \n3,4\n\n\n")
    assert table.frame.rows() == [(1, 2), (3, 4)]
    assert [table.origin.place(i) for i in range(2)] == ["line 4", "line 7"]


def test_blank_line_in_one_column_is_a_missing_value() -> None:
    table = read("a\n1\n\n3\n\n")
    assert table.frame.rows() == [(1,), (None,), (3,)]
    assert table.origin.place(2) == "line 4"


def test_missing_values_in_every_spelling() -> None:
    spellings = ["", '""', "NA", "na", "N/A", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "?", " ? "]
    table = read("n,c,i\n1.5,red,0\n" + "".join(f"{s},{s},{i}\n" for i, s in enumerate(spellings, 1)))
    assert table.frame["n"].to_list() == [1.5] + [None] * len(spellings)
    assert table.frame["c"].to_list() == ["red"] + [None] * len(spellings)


def test_spellings_missing_only_among_numbers() -> None:
    table = read("n,c\n1,+\n-,-\n--,none\n.,.\nNone,mild\n")
    assert table.frame["n"].to_list() == [1, None, None, None, None]
    assert table.frame["c"].to_list() == ["+", "-", "none", ".", "mild"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2", "+3"], [1, -2, 3]),
        (["1", "2.5"], [1.0, 2.5]),
        (["1e3", ".5", "5.", "-1E-2"], [1000.0, 0.5, 5.0, -0.01]),
        ([str(2**63 - 1)], [2**63 - 1]),
        ([str(2**63)], [2.0**63]),
        (["9" * 60], [1e60]),
        (["inf", "-Infinity", "1"], [np.inf, -np.inf, 1.0]),
        (["True", "false", "TRUE"], [True, False, True]),
        (["yes", "no"], ["yes", "no"]),
        (["1", "x"], ["1", "x"]),
        (["2024-01-05", "2024-01-06"], ["2024-01-05", "2024-01-06"]),
        (["1_000", "0x10"], ["1_000", "0x10"]),
        (["007", "010"], [7, 10]),
    ],
)
def test_types_of_columns(cells: list[str], expected: list[object]) -> None:
    values = read("i,v\n" + "".join(f"0,{c}\n" for c in cells)).frame["v"].to_list()
    assert values == expected
    assert {type(v) for v in values} == {type(v) for v in expected}


def test_columns_kept_as_texts() -> None:
    table = read(" zip ,n\n007,1\nNA,2\n", text=["zip", "not there"])
    assert table.frame.rows() == [("007", 1), (None, 2)]
    with pytest.raises(ArgumentError, match=r"text must be a list of columns, but got 'zip'"):
        read("zip\n1\n", text="zip")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;b\n1,5;x\n-2,25;y\n", [(1.5, "x"), (-2.25, "y")]),
        ("a;b\n1,234;x\n2,000;y\n", [(1.234, "x"), (2.0, "y")]),
        ("a;b\n1,5;NA\n7;3\n", [(1.5, None), (7.0, 3)]),
        ("a\tb\n1,5\t2\n", [(1.5, 2)]),
        # May as well be thousands, or other numbers have a point: not touched.
        ("a\tb\n1,234\t2\n", [("1,234", 2)]),
        ("a;b\n1,5;1.5\n", [("1,5", 1.5)]),
        ('a,b\n"1,5",2\n', [("1,5", 2)]),
        ("a;b\n1,5;word\nx;word\ny;word\n", [("1,5", "word"), ("x", "word"), ("y", "word")]),
    ],
)
def test_decimal_comma(text: str, expected: list[tuple[object, ...]]) -> None:
    assert read(text).frame.rows() == expected


def test_text_among_decimal_commas_is_found_by_its_own_line() -> None:
    rows = "".join(f"{i},5;{i}\n" for i in range(20)) + "abc;1\n"
    with pytest.raises(TableError, match=r"column 'a', line 22: expected a number, but found 'abc'"):
        TableEncoding.fit(read("a;b\n" + rows), "b")


def test_columns_without_names_get_numbers_and_odd_names_are_kept() -> None:
    assert read(",x,\n1,2,3\n").frame.columns == ["column 1", "x", "column 3"]
    table = read("^a$,^.*$,*\n1,x,2\n2,y,3\n")  # patterns to polars
    assert table.frame.columns == ["^a$", "^.*$", "*"]
    assert TableEncoding.fit(table, "*").feature_names == ["^a$", "^.*$ = y"]


def test_same_as_pandas_on_a_file_with_everything() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "whole": rng.integers(-50, 50, 500),
            "decimal": np.where(rng.random(500) < 0.2, np.nan, rng.normal(size=500)),
            "text": rng.choice(["red", "a, b", 'q"q', "line\nbreak", "ä"], 500),
            "truth": rng.random(500) < 0.5,
        }
    )
    data = frame.to_csv(index=False).encode()
    ours = read(data).frame.to_pandas()
    theirs = pd.read_csv(io.BytesIO(data))
    for name in frame:
        assert [None if pd.isna(v) else v for v in ours[name]] == [
            None if pd.isna(v) else v for v in theirs[name]
        ]


CELL = st.text(st.sampled_from('ab1 ,;"\n\t|é.'), max_size=6)


@settings(deadline=None, max_examples=150)
@given(
    st.integers(1, 4).flatmap(
        lambda w: st.lists(st.lists(CELL, min_size=w, max_size=w), min_size=1, max_size=8)
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_whatever_the_csv_module_writes_comes_back(rows: list[list[str]], end: str, quoting: int) -> None:
    names = [f"c{i}" for i in range(len(rows[0]))]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([names, *rows])
    table = read(text.getvalue(), text=names)
    # QUOTE_MINIMAL leaves a blank at the front unquoted; blanks around values mean nothing anyway.
    expected = [tuple(None if not (c := cell.strip()) else c for cell in row) for row in rows]
    got = [tuple(row) for row in table.frame.rows()]
    while len(names) == 1 and expected and expected[-1] == (None,) and len(expected) > len(got):
        expected.pop()  # a line that may be blank at the end of a file
    assert got == expected


def test_parquet_gzip_and_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pl.DataFrame({"a": [1, None], "b": [" x", "NA"], "c": [float("nan"), 2.0]})
    expected = [(1, "x", None), (None, None, 2.0)]
    frame.write_parquet(tmp_path / "table.bin")
    frame.write_csv(tmp_path / "t.csv")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    for name in ("table.bin", "t.csv", "t.csv.gz"):
        assert read_table(tmp_path / name).frame.rows() == expected
        assert read_table(str(tmp_path / name)).origin.name == name
    assert read_table(tmp_path / "t.csv.gz").origin.place(1) == "line 3"
    with open(tmp_path / "t.csv", encoding="utf-8") as stream:
        assert read_table(stream).frame.rows() == expected
    assert read_table(io.StringIO("a,b\n1,é\n")).frame.rows() == [(1, "é")]

    class StandardInput:
        buffer = io.BytesIO(b"a,b\n1,2\n")

    monkeypatch.setattr(sys, "stdin", StandardInput())
    table = read_table("-")
    assert (table.frame.rows(), table.origin.name, table.origin.place(0)) == (
        [(1, 2)],
        "standard input",
        "line 2",
    )


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty. Expected a header line"),
        (b"\n \r\n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"a,b\n", "has a header in line 1, but no rows below it"),
        (b"\n\na,b\n\n", "has a header in line 3, but no rows"),
        (b"a,b\n1,2\n3\n", "line 3: expected 2 values as in the header, but found 1"),
        (b"a,b\n1,2\n\n3,4,5\n", "line 4: expected 2 values as in the header, but found 3"),
        (b'a,b\n"x\ny",2\n1,2,3\n', "line 4: expected 2 values as in the header, but found 3"),
        (b"a,b\n1,2,\n", "line 2: expected 2 values as in the header, but found 3"),
        (b"a,b\n\n1,,", "line 3: expected 2 values as in the header, but found 3"),
        (b'"a,b",c\n"d,e"\n', "line 2: expected 2 values as in the header, but found 1"),
        (b"a,b,a\n1,2,3\n", "line 1: the column name 'a' stands twice, in columns 1 and 3"),
        (b"a, a\n1,2\n", "line 1: the column name 'a' stands twice, in columns 1 and 2"),
        (
            b"a,b\n1,2\n3, \xe4h\n",
            "line 3, column 'b': expected UTF-8 text, but found the byte 0xe4 (read as cp1252, the value is "
            "'äh'). Save the file as CSV in UTF-8, or pass encoding='cp1252'.",
        ),
        (b"\xe4,b\n1,2\n", "line 1, column 'ä': expected UTF-8 text, but found the byte 0xe4"),
        (b"a,b\n1,\x00\n", "line 2: found a zero byte"),
        (
            "a,b\n1,2\n".encode("utf-16"),
            "line 1: expected UTF-8 text, but found the byte order mark of UTF-16",
        ),
        (b"PK\x03\x04" + bytes(50), "is an Excel file or a zip archive"),
        (b"\x89PNG\r\n\x1a\n", "is a picture, not a table"),
        (b'a,b\n1,"x\n2,3\n', "line 2: the quotes in this line cannot be read"),
        (b"PAR1 and then nothing", "begins like a Parquet file"),
        (b"\x1f\x8b and then nothing", "begins like a gzip file"),
        (gzip.compress(b"a,b\n" * 100, mtime=0)[:-10], "begins like a gzip file"),
        (
            gzip.compress(gzip.compress(b"a\n1\n", mtime=0), mtime=0),
            "is packed by gzip twice. Unpack it once.",
        ),
    ],
)
def test_faults_of_a_file(data: bytes, message: str) -> None:
    assert message in fault(data)


def test_a_short_line_is_found_among_many_quoted_ones() -> None:
    lines = [f'"{i},{i}",x' for i in range(30_000)]
    lines[20_000] = '"20000,20000"'
    assert "line 20002: expected 2 values as in the header, but found 1" in fault("a,b\n" + "\n".join(lines))


def test_faults_of_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "penguins.csv").write_text("a\n1\n")
    cases = {
        tmp_path / "penguin.csv": r"there is no file '.*penguin.csv'. Did you mean 'penguins.csv'\?",
        tmp_path / "nowhere" / "x.csv": r"There is no folder '.*nowhere' either",
        tmp_path: "is a folder. Give the path of a file in it",
        "a\0b": "cannot be read: embedded null byte",
        "x" * 5000: "cannot be read: File name too long",
    }
    for path, message in cases.items():
        with pytest.raises(TableError, match=message):
            read_table(path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(TableError, match=r"penguins.csv' cannot be read: this user has no permission"):
        read_table(tmp_path / "penguins.csv")


def test_faults_of_a_stream() -> None:
    closed = io.BytesIO(b"a\n1\n")
    closed.close()
    with pytest.raises(TableError, match="cannot be read: I/O operation on closed file"):
        read_table(closed)


TOKENS = [
    b",",
    b";",
    b"\t",
    b'"',
    b'""',
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    b"a",
    b"1",
    b"1,5",
    b"1.5",
    b"NA",
    b" ",
    b"-",
]
TOKENS += [
    b"inf",
    b"1e400",
    b"true",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\0",
    b"\x1c",
    b"^",
    b"$",
    b"PAR1",
    b"\x1f\x8b",
    b"9" * 40,
]
HOSTILE = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from(TOKENS), max_size=30).map(b"".join),
    st.lists(
        st.lists(
            st.sampled_from([b"1", b"2", b"x", b"", b"1e31", b"true", b'"l\nm"']), min_size=2, max_size=2
        )
    ).map(lambda rows: b"a,b\n" + b"\n".join(b",".join(r) for r in rows)),
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(HOSTILE, st.sampled_from(["robust", "standard", "minmax", "none"]))
@example(b"\x01\n\x1f\x8b\x01", "robust")  # the rows begin as a packed file does
def test_whatever_the_bytes_are_only_errors_about_tables_come_out(data: bytes, normalisation: str) -> None:
    try:
        table = read(data)
    except TableError:
        return
    assert all(table.origin.place(i).startswith(("line ", "row ")) for i in range(len(table)))
    for name in table.frame.columns:
        try:
            target = read_target(table, name)
            encoding = TargetEncoding.fit(target)
            assert len(encoding.decode(encoding.encode(target.values))) == len(target.rows)
            features = TableEncoding.fit(table, name, rows=target.rows, normalisation=normalisation)
        except DataError:
            continue
        X = features.encode(table)
        assert X.shape == (len(table), features.n_features)
        assert np.isfinite(X).all()
