"""A table of any types, and then any other table: what one does with a model ends well or in a sentence."""

from __future__ import annotations

import contextlib
import decimal
import io
import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing.parametric import dataframes, series

import pellucid
from pellucid.cli.predict import filled
from pellucid.errors import DataError, PellucidError

pytestmark = pytest.mark.filterwarnings("ignore::pellucid.errors.PellucidWarning")
N = 24
USUAL: list[list[Any]] = [
    [i * 7919 % 13 * 0.5 for i in range(N)],
    [i % 3 for i in range(N)],
    [("red", "dark", "fair", None)[i % 4] for i in range(N)],
    [f"c{i % 21}" for i in range(N)],
    [("low", "medium", "high")[i % 3] for i in range(N)],
    [i % 2 == 0 for i in range(N)],
    [f"2020-03-{1 + i:02d}" for i in range(N)],
    [f"{i:02d}:30" for i in range(N)],
]
ANY_FRAME = dataframes(max_cols=3, min_size=N, max_size=N, allow_null=True)
ANY_SERIES = series(min_size=N, max_size=N, allow_null=True)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def used(model: pellucid.TableModel, frame: pl.DataFrame) -> None:
    """All that one does with a model; what comes out is finite, and what is refused has a sentence."""
    answers = model.predict(frame)
    assert len(answers) == frame.height
    if not model.classes:
        assert np.isfinite(answers).all()
    written = model.predict_table(frame, [])
    assert written.height == frame.height
    assert filled(written, "csv").count(b"\n") > frame.height
    pl.read_parquet(io.BytesIO(filled(written, "parquet")))
    if frame.height:
        found = model.explain(frame, row=frame.height)
        total = math.fsum(part.value for part in found.attribution.parts)
        assert math.isfinite(total)
        assert str(found)
    try:
        scores = model.evaluate(frame)
    except DataError:
        return
    assert scores["n_rows"] <= frame.height


@settings(deadline=None, max_examples=40, suppress_health_check=SLOW)
@given(ANY_FRAME, st.sampled_from(USUAL), st.sampled_from(USUAL), st.data())
def test_a_table_of_any_types(frame: pl.DataFrame, values: Any, target: Any, data: st.DataObject) -> None:
    columns = {f"c{i}": column.alias("") for i, column in enumerate(frame.get_columns())}
    frame = pl.DataFrame(columns | {"x": values, "y": target})
    wanted = data.draw(st.sampled_from(["y", "y", "c0"])) if columns else "y"
    try:
        model = pellucid.fit_table(frame, wanted, epochs=1, hidden=(3,))
    except PellucidError:
        return
    assert [role.name for role in model.encoding.roles] == [n for n in frame.columns if n != wanted]
    used(model, frame)
    used(model, frame.reverse())
    used(model, frame.head(1))


@settings(deadline=None, max_examples=40, suppress_health_check=SLOW)
@given(st.sampled_from(USUAL), ANY_SERIES, st.integers(0, N))
def test_a_column_of_any_type_where_another_was_learned(values: Any, other: pl.Series, n: int) -> None:
    x = [float(i % 5) for i in range(N)]
    columns = {"a": x, "b": x[::-1], "v": values, "y": [2.0 * i for i in x]}
    model = pellucid.fit_table(columns, "y", epochs=1, hidden=(3,))
    frame = pl.DataFrame(columns | {"v": other.alias("")}).head(n)
    with contextlib.suppress(PellucidError):
        used(model, frame)


def test_decimals_whose_sum_is_beyond_decimals() -> None:
    most = decimal.Decimal(10) ** 30 - decimal.Decimal("0.00000001")
    column = pl.Series([most, decimal.Decimal("0.00000001")] * (N // 2), dtype=pl.Decimal(38, 8))
    y = [float(i % 5) for i in range(N)]
    model = pellucid.fit_table(pl.DataFrame({"d": column, "y": y}), "y", epochs=1, hidden=(3,))
    assert [role.name for role in model.encoding.roles] == ["d"]
