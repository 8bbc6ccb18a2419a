"""Columns of texts to columns of numbers, truth values or texts.

A text file says nothing of types. Polars can find them out itself, but looks through a whole file
many times more slowly than it reads it, and takes `1e5`, `+4` and ` 2` for texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.tables.table import nameless
from pellucid.tables.values import MOSTLY_NUMBERS, parse_numbers, tidy

if TYPE_CHECKING:
    import polars as pl

# Numbers with a decimal comma, and those of them that may as well be thousands.
COMMA_NUMBER = r"^[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?$"
THOUSANDS = r"^[+-]?\d{1,3},\d{3}$"
POINT_NUMBER = r"^[+-]?\d*\.\d"


def typed(frame: pl.DataFrame, separator: str, text: set[str]) -> pl.DataFrame:
    """Columns of texts as whole numbers, numbers, truth values or tidied texts.

    A column becomes numbers if every value in it is a number or missing. A comma is the decimal mark
    if the separator is another one, no column holds numbers with a point, and one holds numbers with a
    comma (which are not all of the form `1,234`, except where the separator is `;`).

    Parameters
    ----------
    frame : polars.DataFrame
        As it stands in the file: texts, and null where there is nothing.
    separator : str
        Of the file.
    text : set of str
        Columns to keep as texts.
    """
    import polars as pl

    columns = {s.name: nameless(s) for s in frame.get_columns()}
    done = {n: tidy(s) for n, s in columns.items() if n in text}
    done |= _plain_numbers({n: s for n, s in columns.items() if n not in done})
    rest = {n: tidy(s) for n, s in columns.items() if n not in done}
    if separator != "," and not any(s.dtype == pl.Float64 for s in done.values()):
        rest = _with_points(rest, separator)
    done |= {n: _typed_text(s) for n, s in rest.items()}
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

    numbers = cast({n: s for n, s in columns.items() if s.null_count() < s.len()}, pl.Float64)
    begins_whole = cast({n: columns[n].head(1000) for n in numbers}, pl.Int64)
    whole = cast({n: columns[n] for n in begins_whole}, pl.Int64)
    return {n: whole[n] if n in whole else s.fill_nan(None) for n, s in numbers.items()}


def _with_points(texts: dict[str, pl.Series], separator: str) -> dict[str, pl.Series]:
    """Numbers with a decimal comma written with a point, if the table has decimal commas."""
    commas = {n: s.str.contains(COMMA_NUMBER).fill_null(False) for n, s in texts.items()}
    has_comma = False
    for name, text in texts.items():
        n_values = text.len() - text.null_count()
        with_comma = text.filter(commas[name])
        plain = text.filter(parse_numbers(text)[0].is_not_null())
        if with_comma.len() + plain.len() < MOSTLY_NUMBERS * max(1, n_values):
            continue
        if plain.str.contains(POINT_NUMBER).any():
            return texts
        if with_comma.len() and (separator == ";" or not with_comma.str.contains(THOUSANDS).all()):
            has_comma = True
    if not has_comma:
        return texts
    return {n: s.str.replace(",", ".", literal=True).zip_with(commas[n], s) for n, s in texts.items()}


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
