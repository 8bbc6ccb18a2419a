"""Columns of texts to columns of numbers, truth values or texts.

A text file says nothing of types. Polars can find them out itself, but takes `+4` and ` 2` for texts,
and one `?` makes a text of each number.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from pellucid.tables.number_marks import with_plain_numbers
from pellucid.tables.table import nameless
from pellucid.tables.values import parse_numbers, tidy

if TYPE_CHECKING:
    import polars as pl


def typed(frame: pl.DataFrame, separator: str, keep: Collection[str]) -> pl.DataFrame:
    """Columns of texts as whole numbers, numbers, truth values or tidied texts.

    A column becomes numbers if every value in it is a number or missing; what numbers may look like is
    said in `pellucid.tables.number_marks`.

    Parameters
    ----------
    frame : polars.DataFrame
        As it stands in the file: texts, and null where there is nothing. Columns that are numbers
        already stay so.
    separator : str
        Of the file.
    keep : collection of str
        Columns to keep as texts.
    """
    import polars as pl

    columns = {s.name: nameless(s) for s in frame.get_columns()}
    done = {
        n: s.fill_nan(None) if s.dtype.is_float() else s for n, s in columns.items() if s.dtype != pl.String
    }
    done |= {n: tidy(columns[n]) for n in keep}
    numbers = _plain_numbers({n: s for n, s in columns.items() if n not in done})
    texts = {n: tidy(s) for n, s in columns.items() if n not in done and n not in numbers}
    decimals = {n: columns[n] for n, s in numbers.items() if s.dtype == pl.Float64}
    has_points = any(s.dtype.is_float() for s in done.values())
    marked = with_plain_numbers(texts, decimals, separator, has_points=has_points)
    done |= numbers | {n: _typed_text(s) for n, s in (texts | marked).items()}
    return pl.DataFrame({n: done[n] for n in columns})


def _plain_numbers(columns: dict[str, pl.Series]) -> dict[str, pl.Series]:
    """The columns that hold nothing but numbers: the common case, all at once and so on all cores."""
    import polars as pl

    def cast(texts: dict[str, pl.Series], dtype: type[pl.DataType]) -> dict[str, pl.Series]:
        if not texts:
            return {}
        numbered = pl.DataFrame({str(i): s for i, s in enumerate(texts.values())})
        numbers = numbered.select(pl.all().cast(dtype, strict=False)).get_columns()
        pairs = zip(texts.items(), numbers, strict=True)
        return {n: nameless(v) for (n, s), v in pairs if v.null_count() == s.null_count()}

    with_values = {n: s for n, s in columns.items() if s.null_count() < s.len()}
    begin = cast({n: s.head(1000) for n, s in with_values.items()}, pl.Float64)
    numbers = cast({n: columns[n] for n in begin}, pl.Float64)
    begin = cast({n: columns[n].head(1000) for n in numbers}, pl.Int64)
    whole = cast({n: columns[n] for n in begin}, pl.Int64)
    return {n: whole[n] if n in whole else s.fill_nan(None) for n, s in numbers.items()}


def _typed_text(text: pl.Series) -> pl.Series:
    import polars as pl

    if text.null_count() == text.len():
        return text
    different = text.unique()
    numbers, wrong = parse_numbers(different)
    if numbers.null_count() < numbers.len() and not wrong.any():
        numbers, _ = parse_numbers(text)
        whole = text.cast(pl.Int64, strict=False)
        return whole if whole.null_count() == numbers.null_count() else numbers
    are_truths = different.str.to_lowercase().drop_nulls().is_in(["true", "false"]).all()
    return text.str.to_lowercase() == "true" if are_truths else text
