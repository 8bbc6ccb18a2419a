"""What the command prints of tables whose names and values are made to harm, or that CSV cannot hold."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pellucid.cli import output
from pellucid.cli.main import main

N = 24
OBEYED = ["\x1b[31mred", "a\x07b", "\x9b2J", "\u202edetsrever"]


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    assert main([str(a) for a in argv]) == 0
    found = capsys.readouterr()
    return found.out + found.err


def fit(capsys: pytest.CaptureFixture[str], path: Path, columns: dict[str, Any]) -> Path:
    pl.DataFrame(
        {"x": [i * 0.5 for i in range(N)], "y": [i * 1.5 for i in range(N)]} | columns
    ).write_parquet(path)
    run(
        capsys,
        "fit",
        path,
        "--target",
        "y",
        "--epochs",
        1,
        "--hidden",
        2,
        "--out",
        path.with_suffix(".pellucid"),
    )
    return path.with_suffix(".pellucid")


def test_nothing_that_a_terminal_obeys_is_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    columns = {"kind\x1b]0;title\x07": [OBEYED[i % 4] for i in range(N)], "\u202ename": ["\x1b[2J"] * N}
    model = fit(capsys, path, columns)
    calls = [
        ["columns", path],
        ["show", model],
        ["show", model, "--neuron", "hidden_1/0"],
        ["explain", model, path],
    ]
    calls += [["explain", model, path, "--row", 2], ["check", model, path, "--no-trials"]]
    for call in calls:
        printed = run(capsys, *call)
        assert not {c for c in printed if c < " " and c not in "\n\t"} | {*printed} & {"\x9b", "\u202e"}, call
    assert r"\x1b]0;title\x07" in run(capsys, "show", model)


def test_nor_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdout", Terminal())
    output.write_table(["name\x1b]0;title\x07", "n"], [[text, "1"] for text in OBEYED])
    printed = sys.stdout.getvalue()  # type: ignore[attr-defined]
    assert r"name\x1b]0;title\x07" in printed
    assert all(ascii(text)[1:-1] in printed and text not in printed for text in OBEYED)


def test_very_long_names_and_values_are_cut(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    columns = {"n" * 100_000: ["a", "b"] * (N // 2), "k": ["v" * 300_000 + c for c in "abc"] * (N // 3)}
    model = fit(capsys, path, columns)
    for call in (["columns", path], ["show", model], ["show", model, "--neuron", "hidden_1/0"]):
        assert len(run(capsys, *call)) < 10_000
    assert len(run(capsys, "explain", model, path, "--row", 1)) < 30_000


def test_predictions_stand_beside_what_csv_cannot_hold(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "t.parquet"
    columns = {
        "duration": [dt.timedelta(hours=i) for i in range(N)],
        "bytes": [b"\xff"] * N,
        "list": [[i, 2] for i in range(N)],
        "record": [{"a": i} for i in range(N)],
        "day": pl.Series([2**31 - 1 if i % 2 else i for i in range(N)], dtype=pl.Int32).cast(pl.Date),
        "moment": pl.Series([10**17 if i % 2 else i for i in range(N)]).cast(pl.Datetime("ms")),
        "span": pl.Series([2**62 if i % 2 else i for i in range(N)]).cast(pl.Duration("ms")),
    }
    model = fit(capsys, path, columns)
    assert main(["predict", str(model), str(path)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {k: rows[2][k] for k in ("duration", "bytes", "list", "record", "day")} == {
        "duration": "PT2H",
        "bytes": "ff",
        "list": "[2, 2]",
        "record": "{'a': 2}",
        "day": "1970-01-03",
    }
    assert (rows[1]["day"], rows[1]["moment"]) == ("", "")
    assert all(float(row["prediction"]) == float(row["prediction"]) for row in rows)
    assert main(["predict", str(model), str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["predictions"]
    assert [found[i]["day"] for i in range(3)] == ["1970-01-01", None, "1970-01-03"]
    assert [found[i]["span"] for i in range(2)] == ["0:00:00", None]
    run(capsys, "predict", model, path, "--out", tmp_path / "p.parquet")
    assert pl.read_parquet(tmp_path / "p.parquet")["list"].to_list() == columns["list"]
    run(capsys, "explain", model, path, "--row", 2)


def test_a_panic_within_polars_is_a_fault_in_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def panic(*_: object, **__: object) -> None:
        raise pl.exceptions.PanicException("out of range")

    monkeypatch.setattr("pellucid.tables.reading.read_table", panic)
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    assert main(["columns", str(tmp_path / "t.csv")]) == 1
    assert "a fault of pellucid's own (PanicException: out of range)" in capsys.readouterr().err
