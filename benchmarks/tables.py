"""`python -m benchmarks.tables`: reads and encodes a large CSV file, beside polars, which only reads it."""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pellucid.tables.encoding import TableEncoding
from pellucid.tables.reading import read_table


def write_table(path: Path, n_rows: int, seed: int = 0) -> None:
    """20 columns of numbers, 5 of whole numbers, 5 of categories."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {f"x{i}": rng.normal(size=n_rows) * 10 ** (i % 4) for i in range(20)}
    columns |= {f"n{i}": rng.integers(-50, 5000, n_rows) for i in range(5)}
    for i in range(5):
        columns[f"c{i}"] = rng.choice([f"level {k}" for k in range(4 + 5 * i)], n_rows)
    pl.DataFrame(columns).write_csv(path)


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def check(path: Path, encoding: TableEncoding, X: Any) -> None:
    """Compare some rows with numbers that are computed from what polars reads, in float64."""
    frame, rows = pl.read_csv(path), slice(None, None, 997)
    names = encoding.feature_names
    for column in ("x0", "x3", "n2"):
        x = frame[column].to_numpy().astype(float)
        q25, median, q75 = np.quantile(x, [0.25, 0.5, 0.75])
        z = (x - median) / (q75 - q25)
        expected = (z / np.sqrt(1 + (z / 3) ** 2))[rows]
        assert np.allclose(X[rows, names.index(column)], expected, rtol=1e-5, atol=1e-6), column
    for level in frame["c1"].unique():
        is_level = (frame["c1"] == level).to_numpy()[rows]
        assert np.array_equal(X[rows, names.index(f"c1 = {level}")], is_level), level


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.tables", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the file (1000000)")
    parser.add_argument("--rounds", type=int, default=7, help="how often each reads it, in turn (7)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.csv")
        write_table(path, given.rows)
        size = path.stat().st_size / 1e6
        print(f"{given.rows:,} rows, 30 columns, {size:.0f} MB; load {os.getloadavg()[0]:.1f} at the start")
        seconds: dict[str, list[float]] = {}
        encoding, X = None, None
        for _ in range(given.rounds):
            X = None  # the memory of the round before
            for name, function in (("polars reads", pl.read_csv), ("pellucid reads", read_table)):
                took, table = timed(function, path)
                seconds.setdefault(name, []).append(took)
            took, encoding = timed(TableEncoding.fit, table)
            seconds.setdefault("roles, statistics", []).append(took)
            took, X = timed(encoding.encode, table)
            seconds.setdefault("features", []).append(took)
            del table
        assert encoding is not None
        check(path, encoding, X)
    base, *parts = seconds.values()
    seconds["pellucid in all"] = list(map(sum, zip(*parts, strict=True)))
    print(f"\n{'':20}{'median':>9}{'fastest':>9}{'ratio':>8}   seconds")
    for name, all_seconds in seconds.items():
        ratio = statistics.median(b / a for a, b in zip(base, all_seconds, strict=True))
        print(f"{name:20}{statistics.median(all_seconds):9.3f}{min(all_seconds):9.3f}{ratio:8.2f}")
    print("The features agree with what is computed from polars' numbers.")


if __name__ == "__main__":
    main()
