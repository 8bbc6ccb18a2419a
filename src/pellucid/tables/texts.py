"""Columns of texts to columns of numbers, truth values or texts.

A text file says nothing of types. Polars can find them out itself, but takes `+4` and ` 2` for texts,
and one `?` makes a text of each number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from pellucid.tables.distinct import Distinct, all_at_once
from pellucid.tables.number_marks import look_like_numbers, with_plain_numbers
from pellucid.tables.table import nameless
from pellucid.tables.values import parse_numbers, tidied

if TYPE_CHECKING:
    import polars as pl

    Columns = Mapping[str, pl.Series]

T = TypeVar("T")

BEGIN = 1000  # values that are looked at before all are


def typed(frame: pl.DataFrame, separator: str, keep: Collection[str], mark: str = "") -> pl.DataFrame:
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
    mark : str
        The decimal mark of columns that are numbers already.
    """
    import polars as pl

    columns = {s.name: nameless(s) for s in frame.get_columns()}
    floats = {n: s for n, s in columns.items() if s.dtype.is_float()}
    columns |= _without_nan(floats)
    texts = {n: s for n, s in columns.items() if s.dtype == pl.String}
    numbers = _plain_numbers({n: s for n, s in texts.items() if n not in keep})
    decimals = {n: texts[n] for n, s in numbers.items() if s.dtype == pl.Float64}
    texts = {n: s for n, s in texts.items() if n not in numbers}
    done, different = tidied([*texts.values()])
    texts = _named(texts, done)
    # Numbers beside missing values were no plain ones before; which mark they have is known now.
    tidy = _plain_numbers({n: s for n, s in texts.items() if s.null_count() and n not in keep})
    decimals |= {n: texts[n] for n, s in tidy.items() if s.dtype == pl.Float64}
    marks = _named(texts, look_like_numbers(different))
    marked = {n: s for n, s in texts.items() if marks[n] and n not in keep}
    known = mark if floats else ""
    if decimals and separator == ",":
        known = "."  # nobody who separates by commas means thousands by a point
    plain = with_plain_numbers(marked, decimals, separator, known) if marked else {}
    columns |= numbers | texts | plain
    found = _numbers_and_truths(texts, different)
    columns |= {n: s for n, s in found.items() if n not in plain and n not in keep}
    columns |= _numbers_and_truths(plain, Distinct.of([*plain.values()]))
    return pl.DataFrame(columns)


def _named(columns: Iterable[str], values: Iterable[T]) -> dict[str, T]:
    return dict(zip(columns, values, strict=True))


def _without_nan(columns: Columns) -> dict[str, pl.Series]:
    """Columns of decimal numbers with null for NaN; those that have none are not copied."""
    import polars as pl

    chosen = [n for n, has_nan in _have_nan(columns).items() if has_nan]
    changed = all_at_once([columns[n] for n in chosen], pl.all().fill_nan(None))
    return {**columns, **_named(chosen, changed)}


def _have_nan(columns: Columns) -> dict[str, bool]:
    import polars as pl

    return {
        n: s[0] for n, s in _named(columns, all_at_once([*columns.values()], pl.all().is_nan().any())).items()
    }


def _plain_numbers(columns: Columns) -> dict[str, pl.Series]:
    """The columns that hold nothing but numbers: the common case, all at once and so on all cores."""
    import polars as pl

    def cast(texts: Columns, dtype: type[pl.DataType]) -> dict[str, pl.Series]:
        done = _named(texts, all_at_once([*texts.values()], pl.all().cast(dtype, strict=False)))
        return {n: s for n, s in done.items() if s.null_count() == texts[n].null_count()}

    def begins(texts: Columns, dtype: type[pl.DataType]) -> dict[str, pl.Series]:
        return {n: texts[n] for n in cast({n: s.head(BEGIN) for n, s in texts.items()}, dtype)}

    filled = {n: s for n, s in columns.items() if s.null_count() < s.len()}
    numbers = cast(begins(filled, pl.Float64), pl.Float64)
    have_nan = _have_nan(numbers)  # a missing value, beside which there may be whole numbers
    numbers = {n: s for n, s in numbers.items() if not have_nan[n]}
    whole = cast(begins({n: columns[n] for n in numbers}, pl.Int64), pl.Int64)
    return numbers | whole


def _numbers_and_truths(columns: Columns, different: Distinct) -> dict[str, pl.Series]:
    """The columns of tidied texts that hold nothing but numbers, or truth values, as such."""
    import polars as pl

    parsed, wrong = parse_numbers(different.values)
    n_numbers, n_wrong = different.count(parsed.is_not_null()), different.count(wrong)
    n_truths = different.count(different.values.str.to_lowercase().is_in(["true", "false"]))
    are_numbers = _named(columns, (n_numbers > 0) & (n_wrong == 0))
    are_truths = _named(columns, (n_truths > 0) & (n_truths == different.sizes))
    texts = {n: s for n, s in columns.items() if are_numbers[n]}
    numbers, whole = (
        all_at_once([*texts.values()], expression)
        for expression in (
            pl.all().cast(pl.Float64, strict=False).fill_nan(None),
            pl.all().cast(pl.Int64, strict=False),
        )
    )
    best = [w if w.null_count() == x.null_count() else x for x, w in zip(numbers, whole, strict=True)]
    truths = {n: s for n, s in columns.items() if are_truths[n]}
    values = all_at_once([*truths.values()], pl.all().str.to_lowercase() == "true")
    return _named(texts, best) | _named(truths, values)
