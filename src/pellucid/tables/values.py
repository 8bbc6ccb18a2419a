"""What a text in a cell means: missing, a number, or a category.

==========================================  ==============================================
missing everywhere, in any case             empty, `NA`, `N/A`, `#N/A`, `<NA>`, `NaN`, `null`, `?`
missing only where the others are numbers   `-`, `--`, `.`, `none`
==========================================  ==============================================

The second row are names of categories as often as not: `+` and `-`, or `none`, `mild`, `severe`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pellucid.tables.distinct import Distinct, all_at_once

if TYPE_CHECKING:
    import polars as pl

MISSING = ("", "na", "n/a", "#n/a", "<na>", "nan", "null", "?")
MISSING_AMONG_NUMBERS = ("-", "--", ".", "none")

# Words for false and true.
TRUTHS = (("no", "yes"), ("false", "true"), ("n", "y"), ("f", "t"), ("off", "on"), ("0", "1"))

DAY = 86_400_000_000  # microseconds
FIRST, LAST = -719_162 * DAY, 2_932_897 * DAY - 1  # the years 1 to 9999

# Where so many of the texts of a column are numbers, the others are mistakes and not categories.
MOSTLY_NUMBERS = 0.9

# A number beyond this is an error of measurement or a marker such as 1e308, and its square would
# already overflow float32. It is treated as missing, like an infinite one.
LARGEST = 1e30


def tidy(text: pl.Series) -> pl.Series:
    """Texts without blanks around them, and null where they mean a missing value.

    Examples
    --------
    >>> import polars as pl
    >>> tidy(pl.Series([" red", "N/A", "-", None])).to_list()
    ['red', None, '-', None]
    """
    return tidied([text])[0][0]


def tidied(columns: Sequence[pl.Series]) -> tuple[list[pl.Series], Distinct]:
    """Columns of texts, tidied, and their different values.

    The different values are far fewer than the rows, as a rule, and mostly tidy.
    """
    import polars as pl

    different = Distinct.of(columns)
    values = different.values.to_frame("").select(_tidied(pl.all())).to_series()
    untidy = np.flatnonzero(different.count(values.ne_missing(different.values))).tolist()
    done = dict(enumerate(columns))
    done |= zip(untidy, all_at_once([columns[i] for i in untidy], _tidied(pl.all())), strict=True)
    return [done[i] for i in range(len(columns))], Distinct(values, different.owner, len(columns))


def _tidied(text: pl.Expr) -> pl.Expr:
    import polars as pl

    stripped = text.str.strip_chars()
    return pl.when(~stripped.str.to_lowercase().is_in(MISSING)).then(stripped)


def parse_numbers(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Tidied texts as numbers (null where missing), and where they are neither number nor missing.

    Examples
    --------
    >>> import polars as pl
    >>> numbers, wrong = parse_numbers(pl.Series(["12", "1e3", "-", "abc", None]))
    >>> numbers.to_list(), wrong.to_list()
    ([12.0, 1000.0, None, None, None], [False, False, False, True, False])
    """
    import polars as pl

    numbers = text.cast(pl.Float64, strict=False).fill_nan(None)
    missing = text.is_null() | text.str.to_lowercase().is_in(MISSING_AMONG_NUMBERS).fill_null(False)
    return numbers, numbers.is_null() & ~missing


def are_all_good(numbers: pl.Series) -> bool:
    """Whether all numbers that are not null are finite and not beyond what counts as a number."""
    least, most = numbers.min(), numbers.max()  # which pass over NaN
    is_good = least is not None and -LARGEST <= least <= most <= LARGEST  # type: ignore[operator]
    return bool(is_good) and not (numbers.dtype.is_float() and math.isnan(numbers.sum()))


def are_whole(numbers: pl.Series) -> bool:
    """Whether numbers, none of them missing, are whole."""
    if not numbers.dtype.is_float():
        return True
    x = numbers.to_numpy()
    return bool((x[:100] == np.floor(x[:100])).all() and (x == np.floor(x)).all())


def without_missing(values: pl.Series) -> pl.Series:
    """Values without null."""
    return values.drop_nulls() if values.null_count() else values


def level_counts(text: pl.Series) -> dict[str, int]:
    """How often each text stands there; nulls are not counted."""
    counts = without_missing(text).alias("level").value_counts(name="n")
    return dict(zip(counts["level"].to_list(), counts["n"].to_list(), strict=True))


def truth_pair(different: pl.Series) -> tuple[str, str] | None:
    """The words for false and true that different texts are, in any case; None if they are others.

    Examples
    --------
    >>> import polars as pl
    >>> truth_pair(pl.Series(["Yes", "no"])), truth_pair(pl.Series(["yes", "true"]))
    (('no', 'yes'), None)
    """
    if not 0 < different.len() <= 10:
        return None
    words = {word.lower() for word in different}
    return next((pair for pair in TRUTHS if words <= set(pair)), None)


def within_calendar(values: pl.Series) -> pl.Series:
    """Values of any type, of which dates, times and durations that Python cannot hold are null.

    Examples
    --------
    >>> import polars as pl
    >>> within_calendar(pl.Series([0, 2**31 - 1], dtype=pl.Int32).cast(pl.Date)).to_list()
    [datetime.date(1970, 1, 1), None]
    """
    import polars as pl

    unit = getattr(values.dtype, "time_unit", "")
    if values.dtype == pl.Date:
        first, last = FIRST // DAY, LAST // DAY
    elif isinstance(values.dtype, pl.Datetime) and unit != "ns":  # of which 64 bits hold only centuries
        per, moved = 1000 if unit == "ms" else 1, DAY if values.dtype.time_zone else 0
        first, last = (FIRST + moved) // per, (LAST - moved) // per
    elif isinstance(values.dtype, pl.Duration) and unit == "ms":  # as many days as a timedelta has
        first, last = -999_999_999 * DAY // 1000, 999_999_999 * DAY // 1000
    else:
        return values
    count = values.to_physical().cast(pl.Int64)
    return values.set(~count.is_between(first, last), None)


def category_text(values: pl.Series) -> pl.Series:
    """Values of any type as the names of categories: 3 and 3.0 are both `"3"`.

    Examples
    --------
    >>> import polars as pl
    >>> category_text(pl.Series([3.0, 2.5, None])).to_list()
    ['3', '2.5', None]
    """
    import polars as pl

    if values.dtype == pl.String:
        return values
    if isinstance(values.dtype, pl.Duration):
        return values.dt.to_string("iso")
    if not (values.dtype.is_float() or values.dtype.is_decimal()):
        return within_calendar(values).cast(pl.String)
    numbers = values.cast(pl.Float64).fill_nan(None)
    whole = numbers.cast(pl.Int64, strict=False)
    is_whole = (whole.cast(pl.Float64) == numbers).fill_null(False)
    return whole.cast(pl.String).zip_with(is_whole, numbers.cast(pl.String))


def in_natural_order(texts: list[str]) -> list[str]:
    """Sorted: as numbers if they all are numbers, else as texts.

    Examples
    --------
    >>> in_natural_order(["10", "9"]), in_natural_order(["b10", "a"])
    (['9', '10'], ['a', 'b10'])
    """
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return sorted(texts)
    if any(map(math.isnan, numbers)) or any("_" in text for text in texts):
        return sorted(texts)
    return [text for _, text in sorted(zip(numbers, texts, strict=True))]
