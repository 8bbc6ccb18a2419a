"""Numbers as people write them: `1,234.5`, `1.234,5`, `1 234`, `$5`, `12 %`.

What a comma and a point mean is decided for a whole table, since its author writes in one way. Where that
is not certain, nothing is touched and the values stay texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.tables.distinct import Distinct, all_at_once
from pellucid.tables.values import MOSTLY_NUMBERS

if TYPE_CHECKING:
    import polars as pl

UNITS = "€$£¥"
BLANKS = " \u00a0\u202f'\u2019"  # between thousands; the second and third do not break a line

EXPONENT = r"([eE][+-]?\d+)?$"
LOOSELY = rf"^[+\-\u2212{UNITS} ]*[\d.,{BLANKS}]*\d[.,]?{EXPONENT[:-1]} ?[%{UNITS}]?$"
BY_COMMA = rf"^[+-]?((\d+|\d{{1,3}}(\.\d{{3}})+)(,\d*)?|,\d+){EXPONENT}"
BY_POINT = rf"^[+-]?((\d+|\d{{1,3}}(,\d{{3}})+)(\.\d*)?|\.\d+){EXPONENT}"
BY_BLANK = rf"^[+-]?\d{{1,3}}([{BLANKS}]\d{{3}})+([.,]\d+)?$"
LONG_WHOLE = r"^[+-]?\d{4,}$"

# A unit before or behind the number, and what is left without it.
BEFORE, BEHIND = rf"^([+-]?) ?([{UNITS}]) ?([+-]?[\d.,].*)$", rf"^(.*\d[.,]?)( ?)([%{UNITS}])$"
PLACES = ((BEFORE, 2, "${1}${3}"), (BEHIND, 3, "${1}"))


class Counts(NamedTuple):
    """How many of the different values of a column are such.

    Parameters
    ----------
    unit : int
        In which of the `PLACES` all have the same unit, −1 for none.
    values : int
        All that are not missing.
    numbers : int
        Numbers with a decimal comma or a decimal point.
    by_comma, by_point : int
        Numbers with the one that are none with the other.
    commas, points : int
        Numbers with a comma in them, or a point, whatever it means.
    thousands : int
        Of those with a decimal comma only, the ones with points between thousands.
    long : int
        Whole numbers of four digits or more without a mark.
    """

    unit: int
    values: int
    numbers: int
    by_comma: int
    by_point: int
    commas: int
    points: int
    thousands: int
    long: int

    @property
    def are_numbers(self) -> bool:
        """Whether nearly all values are numbers."""
        return self.numbers >= MOSTLY_NUMBERS * self.values

    def decimal_mark(self, separator: str) -> str:
        """The decimal mark that the column can be read with only, or nothing where that is not certain.

        In a file with semicolons `1,5` and `1,234` are decimal numbers, for the sake of which it has
        semicolons. In one with commas `1,234` is a thousand, and `1,5` may be two numbers.
        """
        if self.by_comma and self.by_point:
            return ""
        if self.by_point:
            return "."
        if self.by_comma:
            return "," if self.thousands or separator != "," else ""
        if not self.commas:  # beside long numbers, points are not between thousands
            return "." if self.long and self.points else ""
        if separator == ",":
            return "" if self.long else "."
        return "," if separator == ";" else ""

    def fits(self, mark: str) -> bool:
        """Whether all its numbers can be read with this decimal mark."""
        return not (self.by_point if mark == "," else self.by_comma)


def with_plain_numbers(
    texts: Mapping[str, pl.Series], decimals: Mapping[str, pl.Series], separator: str, known: str
) -> dict[str, pl.Series]:
    """The columns of numbers with marks, written as a program writes them.

    Parameters
    ----------
    texts : mapping of str to polars.Series
        Tidied columns whose values look like numbers, but are none to a program.
    decimals : mapping of str to polars.Series
        Columns that are, where points may stand between thousands.
    separator : str
        Of the file.
    known : str
        The decimal mark of other columns of the table, if there are any.

    Returns
    -------
    dict of str to polars.Series
        The columns that have changed.
    """
    import polars as pl

    found = _counted(texts)
    if any(c.commas for c in found.values()):
        found |= _counted(decimals)
    marks = {known, *(c.decimal_mark(separator) for c in found.values())} - {""}
    if len(marks) == 1:
        mark = marks.pop()
        chosen = [n for n, c in found.items() if c.fits(mark) and (mark == "," or n in texts)]
    else:  # there is none, or the columns contradict each other
        mark, chosen = "", [n for n, c in found.items() if not c.commas and n in texts]
    done: dict[str, pl.Series] = {}
    for unit in range(-1, len(PLACES)):
        names = [n for n in chosen if found[n].unit == unit]
        columns = [texts[n] if n in texts else decimals[n] for n in names]
        plain = all_at_once(columns, _plain(_bare(pl.all(), unit), mark))
        done |= zip(names, plain, strict=True)
    return done


def look_like_numbers(different: Distinct) -> list[bool]:
    """For each column, whether most of its values look like numbers with marks."""
    n_loose = different.count(different.values.str.contains(LOOSELY))
    return (2 * n_loose > different.sizes).tolist()  # type: ignore[no-any-return]


def are_by_comma(different: Distinct, separator: str) -> tuple[bool, bool]:
    """Whether there are numbers with a comma in a sample, and whether it is certainly the decimal mark."""
    values = different.values.str.strip_chars()
    has_comma = values.str.contains(",", literal=True)
    loosely, by_comma, by_point = (
        different.count(values.str.contains(p) & has_comma) for p in (LOOSELY, BY_COMMA, BY_POINT)
    )
    both = different.count(values.str.contains(BY_COMMA) & values.str.contains(BY_POINT) & has_comma)
    is_needed = separator == ";" or bool(((2 * by_comma > different.sizes) & (by_comma > both)).any())
    return bool(loosely.any()), is_needed and not (by_point > both).any()


def _counted(columns: Mapping[str, pl.Series]) -> dict[str, Counts]:
    """What the columns of numbers hold."""
    import polars as pl

    if not columns:
        return {}
    different = Distinct.of(list(columns.values()))
    frame = pl.DataFrame({"value": different.values, "column": different.owner})
    place = _places_of_units(frame, len(columns))
    places = range(-1, len(PLACES))
    text = pl.coalesce(pl.when(pl.col("place") == p).then(_bare(pl.col("value"), p)) for p in places)
    frame = frame.with_columns(place=pl.Series(place[different.owner]))
    values = frame.select(text.alias("")).to_series()
    by_comma, by_point = (values.str.contains(pattern) for pattern in (BY_COMMA, BY_POINT))
    has_comma, has_point = (values.str.contains(mark, literal=True) for mark in ",.")
    masks = (
        by_comma | by_point,
        by_comma & ~by_point,
        by_point & ~by_comma,
        (by_comma | by_point) & has_comma,
        (by_comma | by_point) & has_point,
        by_comma & ~by_point & has_point,
        values.str.contains(LONG_WHOLE),
    )
    rows = zip(place, different.sizes, *map(different.count, masks), strict=True)
    counts = {name: Counts(*map(int, row)) for name, row in zip(columns, rows, strict=True)}
    return {name: c for name, c in counts.items() if c.are_numbers}


def _places_of_units(frame: pl.DataFrame, n_columns: int) -> NDArray[np.int64]:
    """For each column, in which of the `PLACES` all its values have the same unit; −1 for none."""
    import polars as pl

    place = np.full(n_columns, -1)
    for p, (pattern, group, _) in enumerate(PLACES):
        unit = pl.col("value").str.replace_all("\u2212", "-", literal=True).str.extract(pattern, group)
        units = frame.filter(pl.col("value").is_not_null()).select("column", unit=unit)
        of_column = units.group_by("column").agg(
            pl.col("unit").n_unique(), n_none=pl.col("unit").null_count()
        )
        same = of_column.filter((pl.col("unit") == 1) & (pl.col("n_none") == 0))["column"].to_numpy()
        place[same] = p
    return place


def _bare(text: pl.Expr, place: int) -> pl.Expr:
    """Texts without a unit in one of the `PLACES`, and without blanks between thousands."""
    import polars as pl

    text = text.str.replace_all("\u2212", "-", literal=True)
    if place >= 0:
        pattern, _, kept = PLACES[place]
        text = text.str.replace(pattern, kept)
    return pl.when(text.str.contains(BY_BLANK)).then(text.str.replace_all(f"[{BLANKS}]", "")).otherwise(text)


def _plain(text: pl.Expr, mark: str) -> pl.Expr:
    """Numbers with this decimal mark as a program writes them; other texts as they are."""
    import polars as pl

    if not mark:
        return text
    between, pattern = (".", BY_COMMA) if mark == "," else (",", BY_POINT)
    plain = text.str.replace_all(between, "", literal=True).str.replace(mark, ".", literal=True)
    return pl.when(text.str.contains(pattern)).then(plain).otherwise(text)
