"""Several files as one table; what does not fit together is named by file, column and line."""

from __future__ import annotations

import datetime
import gzip
from pathlib import Path

import polars as pl
import pytest

import pellucid
from pellucid.errors import TableError
from pellucid.tables.reading import read_table
from pellucid.tables.table import Table


def read(folder: Path, *texts: str, **options: list[str]) -> Table:
    paths = [folder / f"{chr(97 + i)}.csv" for i in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return read_table(paths, **options)


def fault(folder: Path, *texts: str) -> str:
    with pytest.raises(TableError) as caught:
        read(folder, *texts)
    return str(caught.value)


def test_rows_follow_each_other_whatever_the_order_of_the_columns(tmp_path: Path) -> None:
    table = read(tmp_path, "x,y\n1,a\n2,b\n", "y;x\nc;3,5\n", "x,y\n4,NA\n")
    assert table.names == ["x", "y"]
    assert table.frame.rows() == [(1.0, "a"), (2.0, "b"), (3.5, "c"), (4.0, None)]
    assert table.schema == {"x": pl.Float64, "y": pl.String} == dict(table.frame.schema)
    assert table.origin.name == "a.csv, b.csv, c.csv"
    assert [table.origin.at("x", i) for i in (1, 2, 3)] == [
        "a.csv: column 'x', line 3",
        "b.csv: column 'x', line 2",
        "c.csv: column 'x', line 2",
    ]


def test_files_of_all_kinds_and_frames_together(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": [1, 2], "t": ["u", None]})
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "b.parquet")
    (tmp_path / "c.gz").write_bytes(gzip.compress((tmp_path / "a.csv").read_bytes(), mtime=0))
    table = read_table([tmp_path / "a.csv", str(tmp_path / "b.parquet"), tmp_path / "c.gz", frame, frame])
    assert table.frame.rows() == frame.rows() * 5
    assert table.origin.at("n", 3) == "b.parquet: column 'n', row 2"
    assert table.origin.name == "a.csv, b.parquet, c.gz, ... (5 in all)"


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("x,y\n1,2\n", "x,z\n1,2\n", "b.csv lacks the column 'y' that a.csv has. Its columns: x, z."),
        ("height\n1\n", "hieght\n1\n", "lacks the column 'height' that a.csv has. Did you mean 'hieght'?"),
        (
            "x\n1\n",
            "x,z\n1,2\n",
            "b.csv has a column 'z' that a.csv lacks. Give it there, or take it out here",
        ),
        (
            "x,y\n1,2\n",
            "x,y\n1,2\n\n1,abc\n",
            "b.csv: column 'y', line 4: found 'abc', but a.csv has numbers in this column. Correct it, or "
            "pass categories=['y'] to use it as categories.",
        ),
        ("x\nabc\nd\n", "x\n1\n2\n", "a.csv: column 'x', line 2: found 'abc', but b.csv has numbers"),
        ("x\ntrue\nfalse\n", "x\n1\n2\n", "b.csv: column 'x' holds numbers, but in a.csv truth values"),
        ("x\n1\n", "", "b.csv is empty"),
        ("x,y\n1,2\n", "x,y\n1\n", "b.csv, line 2: expected 2 values"),
    ],
)
def test_what_does_not_fit_together(tmp_path: Path, first: str, second: str, message: str) -> None:
    assert message in fault(tmp_path, first, second)


def test_types_that_fit_together(tmp_path: Path) -> None:
    assert read(tmp_path, "x,y\n1,1\n", "x,y\nNA,2.5\n").frame.rows() == [(1, 1.0), (None, 2.5)]
    assert read(tmp_path, "x,y\nNA,1\n", "x,y\nu,2\n").frame.rows() == [(None, 1), ("u", 2)]
    assert read(tmp_path, "x\n007\n", "x\nu\n", text=["x"]).frame.rows() == [("007",), ("u",)]
    days = {"d": [datetime.date(2024, 1, 5)]}
    (tmp_path / "d.csv").write_text("d\n2024-01-06\n")
    table = read_table([pl.DataFrame(days), tmp_path / "d.csv"])
    assert table.frame.rows() == [("2024-01-05",), ("2024-01-06",)]
    whole = read_table([{"n": pl.Series([1], dtype=pl.Int8)}, {"n": [2**40]}])
    assert whole.frame.rows() == [(1,), (2**40,)]


def test_files_of_the_same_name_are_called_by_their_paths(tmp_path: Path) -> None:
    for folder in ("2020", "2021"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "data.csv").write_text("x\n1\n")
    table = read_table(str(tmp_path / "*" / "data.csv"))
    assert table.origin.at("x", 1) == f"{tmp_path / '2021' / 'data.csv'}: column 'x', line 2"
    path = tmp_path / "2020" / "data.csv"
    with pytest.raises(TableError, match=r"data\.csv' is given twice"):
        read_table([path, path])


def test_a_model_of_several_files_is_that_of_one(tmp_path: Path) -> None:
    lines = [f"{i % 7},{'uvw'[i % 3]},{i % 7 * 2.5}\n" for i in range(60)]
    (tmp_path / "all.csv").write_text("a,b,y\n" + "".join(lines))
    (tmp_path / "one.csv").write_text("a,b,y\n" + "".join(lines[:25]))
    (tmp_path / "two.csv").write_text("a,b,y\n" + "".join(lines[25:]))
    parts = [tmp_path / "one.csv", tmp_path / "two.csv"]
    options = {"epochs": 2, "hidden": [4]}
    whole = pellucid.fit_table(tmp_path / "all.csv", "y", **options)
    several = pellucid.fit_table(parts, "y", **options)
    assert several.predict(parts).tolist() == whole.predict(tmp_path / "all.csv").tolist()
    (tmp_path / "two.csv").write_text("a,b,y\n" + "".join(lines[25:40]) + "1,v,tall\n")
    with pytest.raises(TableError, match=r"two\.csv: column 'y', line 17: found 'tall', but one\.csv has"):
        pellucid.fit_table(parts, "y", **options)
