"""Parquet files are read a column at a time, and give what a data frame gives."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pellucid
from pellucid.errors import TableError
from pellucid.tables import parquet
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.reading import read_table
from pellucid.tables.table import Table

RNG = np.random.default_rng(0)
N = 400
FRAME = pl.DataFrame(
    {
        " x ": RNG.normal(size=N),
        "^n$": RNG.integers(0, 50, N),
        "kind": RNG.choice([" red", "blue", "NA"], N),
        "order": pl.Series(RNG.choice(["low", "high"], N), dtype=pl.Enum(["low", "high", "highest"])),
        "nan": np.where(RNG.random(N) < 0.2, np.nan, RNG.normal(size=N)),
        "y": RNG.normal(size=N),
    }
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "table.parquet"
    FRAME.write_parquet(path, row_group_size=100)
    return path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Which columns were read from files, time by time."""
    seen: list[list[int]] = []
    read = pl.read_parquet

    def recording(source: Any, *, columns: list[int]) -> pl.DataFrame:
        seen.append(columns)
        return read(source, columns=columns)

    monkeypatch.setattr(pl, "read_parquet", recording)
    return seen


def test_the_same_as_a_data_frame(path: Path) -> None:
    file, frame = read_table(path), read_table(FRAME)
    assert file.names == ["x", "^n$", "kind", "order", "nan", "y"] == frame.names
    assert dict(file.schema) == dict(frame.schema)
    assert file.frame.equals(frame.frame)
    assert set(file.column("kind").unique()) == {"red", "blue", None}
    a, b = (TableEncoding.fit(table, "y").encode(table) for table in (file, frame))
    np.testing.assert_array_equal(a, b)


def test_packed_and_from_streams(path: Path) -> None:
    packed = io.BytesIO(gzip.compress(path.read_bytes(), mtime=0))
    with open(path, "rb") as stream:
        assert read_table(stream).frame.equals(read_table(packed).frame)


def test_a_column_is_read_when_it_is_asked_for(
    path: Path, reads: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "TOGETHER", 8 * N)
    table = read_table(path)
    assert reads == []
    assert table.column("kind").len() == N
    assert table.column("^n$").sum() == FRAME["^n$"].sum()
    assert reads == [[2], [1]]


def test_small_columns_are_read_together(path: Path, reads: list[list[int]]) -> None:
    assert read_table(path).frame.width == 6
    assert reads == [[0, 1, 2, 3, 4, 5]]


def test_a_network_learns_without_the_table_as_a_whole(
    path: Path, reads: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def whole(self: Table) -> pl.DataFrame:
        raise AssertionError("the table was put into memory")

    monkeypatch.setattr(Table, "frame", property(whole))
    monkeypatch.setattr(parquet, "TOGETHER", 8 * N)
    model = pellucid.fit_table(path, "y", epochs=2, hidden=[4])
    assert len(model.predict(path)) == N
    assert max(map(len, reads)) == 1


def test_a_file_that_changes_meanwhile_is_refused(path: Path) -> None:
    table = read_table(path)
    FRAME.head(10).write_parquet(path)
    os.utime(path, ns=(1, 1))
    with pytest.raises(TableError, match=r"table\.parquet has changed while it was read"):
        table.column("x")
    path.unlink()
    with pytest.raises(TableError, match=r"has changed while it was read"):
        table.column("x")


def test_a_damaged_column_is_refused(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[40 : len(data) // 3] = b"\xff" * (len(data) // 3 - 40)
    path.write_bytes(data)
    with pytest.raises(
        TableError, match=r"table\.parquet begins like a Parquet file, but cannot be read as one"
    ):
        print(read_table(path).frame)


def test_more_rows_than_memory_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_memory", lambda: 1000.0)
    with pytest.raises(TableError, match=r"table\.parquet has 400 rows, more than there is memory"):
        read_table(path)


def test_files_without_rows_or_columns(tmp_path: Path) -> None:
    FRAME.head(0).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame().write_parquet(tmp_path / "b.parquet")
    with pytest.raises(TableError, match=r"a\.parquet has columns, but no rows"):
        read_table(tmp_path / "a.parquet")
    with pytest.raises(TableError, match=r"b\.parquet has no columns"):
        read_table(tmp_path / "b.parquet")
