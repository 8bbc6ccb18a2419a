"""What is asked of many columns at once is what each would answer by itself."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.tables.distinct import Distinct
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.features import Report
from pellucid.tables.normalisation import quantiles
from pellucid.tables.reading import read_table
from pellucid.tables.threads import LEAST_ROWS, in_threads
from pellucid.tables.values import tidied


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, n = np.random.default_rng(0), LEAST_ROWS + 1
    columns = {f"x{i}": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)) for i in range(4)}
    columns |= {f"c{i}": rng.choice(["u", "v", "w"], n) for i in range(4)}
    new = {f"x{i}": np.full(n, np.inf) for i in range(4)} | {f"c{i}": np.full(n, "z") for i in range(4)}
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("PELLUCID_THREADS", threads)
        encoding, report = TableEncoding.fit(read_table(columns)), Report()
        X = encoding.encode(read_table(columns))
        encoding.encode(read_table(new), report=report)
        found.append((encoding.to_dict(), X.tobytes(), report.notes))
    assert found[0] == found[1]
    assert len(found[0][2]) == 8


def test_a_wide_file_is_read_as_each_of_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = {
        "whole": ["1", "-2", "NA"],
        "decimal": ["1.5", "", "2"],
        "word": [" red", "?", "blue"],
        "truth": ["true", "FALSE", ""],
        "marked": ["$1,234.50", "$2.00", "$-3"],
        "nothing": ["", "NA", "?"],
    }
    names = [f"{kind} {i}" for i in range(300) for kind in cells]
    rows = [[f'"{cells[name.split()[0]][row]}"' for name in names] for row in range(3)]
    text = "\n".join(",".join(line) for line in [names, *rows])
    wide = read_table(io.BytesIO(text.encode()))
    expected = {
        "whole": [1, -2, None],
        "decimal": [1.5, None, 2.0],
        "word": ["red", None, "blue"],
        "truth": [True, False, None],
        "marked": [1234.5, 2.0, -3.0],
        "nothing": [None, None, None],
    }
    assert all(wide.column(name).to_list() == expected[name.split()[0]] for name in names)


@given(st.lists(st.lists(st.sampled_from(["a", "b", " a", None]), min_size=3, max_size=3), min_size=1))
def test_different_values_are_counted_by_column(columns: list[list[str | None]]) -> None:
    series = [pl.Series(c, dtype=pl.String) for c in columns]
    different = Distinct.of(series)
    assert different.sizes.tolist() == [len(set(c) - {None}) for c in columns]
    assert different.count(different.values == "a").tolist() == [int("a" in c) for c in columns]
    assert [s.to_list() for s in tidied(series)[0]] == [[v and v.strip() for v in c] for c in columns]


def test_no_columns_have_no_values() -> None:
    assert Distinct.of([]).sizes.tolist() == []
    assert tidied([])[0] == []


@given(
    st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=40),
    st.lists(st.floats(0, 1), min_size=1, max_size=4).map(sorted),
)
def test_quantiles_are_those_of_numpy(values: list[float], shares: list[float]) -> None:
    x = np.array(values)
    before = x.copy()
    np.testing.assert_allclose(quantiles(x, shares), np.quantile(x, shares), rtol=1e-12)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize("n_rows", [1, LEAST_ROWS])
def test_threads_keep_the_order_and_the_first_error(
    threads: str, n_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PELLUCID_THREADS", threads)
    assert in_threads(lambda i: i * i, range(50), n_rows) == [i * i for i in range(50)]

    def fail(i: int) -> None:
        if i >= 3:
            raise ValueError(str(i))

    with pytest.raises(ValueError, match="3"):
        in_threads(fail, range(50), n_rows)
