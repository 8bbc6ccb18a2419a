"""Numbers as people write them: `1,234.5`, `1.234,5`, `1 234`, `$5`, `12 %`.

What a comma and a point mean is decided for a whole table, since its author writes in one way. Where
that is not certain, nothing is touched and the values stay texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pellucid.tables.values import MOSTLY_NUMBERS

if TYPE_CHECKING:
    import polars as pl

UNITS = "€$£¥"
BLANKS = " \u00a0\u202f'\u2019"  # between thousands; the second and third do not break a line
SAMPLE = 100  # values by which a column of words is told from one of numbers

EXPONENT = r"([eE][+-]?\d+)?$"
LOOSELY = rf"^[+\-\u2212{UNITS} ]*[\d.,{BLANKS}]*\d[.,]?{EXPONENT[:-1]} ?[%{UNITS}]?$"
BY_COMMA = rf"^[+-]?((\d+|\d{{1,3}}(\.\d{{3}})+)(,\d*)?|,\d+){EXPONENT}"
BY_POINT = rf"^[+-]?((\d+|\d{{1,3}}(,\d{{3}})+)(\.\d*)?|\.\d+){EXPONENT}"
BY_BLANK = rf"^[+-]?\d{{1,3}}([{BLANKS}]\d{{3}})+([.,]\d+)?$"
BEFORE, BEHIND = rf"^([+-]?) ?([{UNITS}]) ?([+-]?[\d.,].*)$", rf"^(.*\d[.,]?) ?([%{UNITS}])$"
LONG_WHOLE = r"^[+-]?\d{4,}$"


@dataclass(frozen=True)
class Marked:
    """A column of numbers with marks in them.

    Parameters
    ----------
    texts : polars.Series
        Without units and blanks between thousands.
    by_comma, by_point : polars.Series
        Which texts are numbers if the one or the other is the decimal mark.
    """

    texts: pl.Series
    by_comma: pl.Series
    by_point: pl.Series

    def decimal_mark(self, separator: str) -> str:
        """The decimal mark that the column can be read with only, or nothing where that is not certain.

        Of a file with semicolons `1,5` and `1,234` are decimal numbers, as the commas were avoided for. Of
        one with commas `1,234` is a thousand, and `1,5` may be two numbers.
        """
        needs_comma, needs_point = self.by_comma & ~self.by_point, self.by_point & ~self.by_comma
        if needs_comma.any() and needs_point.any():
            return ""
        if needs_point.any():
            return "."
        if needs_comma.any():
            has_points = self.texts.filter(needs_comma).str.contains(".", literal=True).any()
            return "," if has_points or separator != "," else ""
        if self.texts.str.contains(LONG_WHOLE).any():  # then thousands have no marks
            return "," if self.has_commas and separator == ";" else "" if self.has_commas else "."
        return {";": ",", ",": "."}.get(separator, "") if self.has_commas else ""

    @property
    def has_commas(self) -> bool:
        """Whether there is a comma in any of the numbers."""
        return bool(self.texts.filter(self.by_comma | self.by_point).str.contains(",", literal=True).any())

    def fits(self, mark: str) -> bool:
        """Whether all of its numbers can be read with this decimal mark."""
        return not (
            ~(self.by_comma if mark == "," else self.by_point) & (self.by_comma | self.by_point)
        ).any()

    def plain(self, mark: str) -> pl.Series:
        """The numbers as a program writes them, if this is the decimal mark; other texts as they are."""
        between = "." if mark == "," else ","
        plain = self.texts.str.replace_all(between, "", literal=True).str.replace(mark, ".", literal=True)
        return plain.zip_with(self.by_comma if mark == "," else self.by_point, self.texts)


def with_plain_numbers(
    texts: Mapping[str, pl.Series], decimals: Mapping[str, pl.Series], separator: str, *, has_points: bool
) -> dict[str, pl.Series]:
    """The columns of numbers with marks, written as a program writes them.

    Parameters
    ----------
    texts : mapping of str to polars.Series
        Tidied columns that are no numbers to a program.
    decimals : mapping of str to polars.Series
        Texts of those that are, where points may stand between thousands.
    separator : str
        Of the file.
    has_points : bool
        Whether there are other numbers with a decimal point.

    Returns
    -------
    dict of str to polars.Series
        The columns that have changed.
    """
    marked = {n: m for n, s in texts.items() if (m := _marked(s)) is not None}
    if any(m.has_commas for m in marked.values()):
        marked |= {n: m for n, s in decimals.items() if (m := _marked(s)) is not None}
    marks = {n: m.decimal_mark(separator) for n, m in marked.items()}
    found = {mark for mark in marks.values() if mark} | ({"."} if has_points else set())
    if len(found) != 1:  # there is no such mark, or the columns contradict each other
        return {n: m.texts for n, m in marked.items() if not m.has_commas and n in texts}
    mark = found.pop()
    return {n: m.plain(mark) for n, m in marked.items() if m.fits(mark) and (mark == "," or n in texts)}


def is_by_comma(texts: pl.Series) -> bool:
    """Whether most of a few texts are numbers that are written with a comma."""
    found = texts.drop_nulls().str.strip_chars()
    n_commas = (found.str.contains(BY_COMMA) & found.str.contains(",", literal=True)).sum()
    return 2 * n_commas > found.len()


def _marked(texts: pl.Series) -> Marked | None:
    """The column if nearly all of its texts look like numbers with marks."""

    sample = texts.drop_nulls().head(SAMPLE)
    if 2 * sample.str.contains(LOOSELY).sum() <= sample.len():
        return None
    texts = _without_unit(texts.str.replace_all("\u2212", "-", literal=True))
    by_blank = texts.str.contains(BY_BLANK)
    if by_blank.any():
        texts = texts.str.replace_all(f"[{BLANKS}]", "").zip_with(by_blank.fill_null(False), texts)
    by_comma, by_point = (texts.str.contains(p).fill_null(False) for p in (BY_COMMA, BY_POINT))
    n_values, n_numbers = texts.len() - texts.null_count(), int((by_comma | by_point).sum())
    return Marked(texts, by_comma, by_point) if n_numbers >= MOSTLY_NUMBERS * n_values else None


def _without_unit(texts: pl.Series) -> pl.Series:
    """Texts without the currency or percent sign that all of them have, if they have the same."""
    for pattern, unit, kept in ((BEFORE, 2, "${1}${3}"), (BEHIND, 2, "${1}")):
        units = texts.str.extract(pattern, unit)
        if units.null_count() == texts.null_count() and units.drop_nulls().n_unique() == 1:
            return texts.str.replace(pattern, kept)
    return texts
