"""How a column of dates or times becomes features: `DateColumn`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.saved import Saved
from pellucid.tables.dates import ISO, READINGS, as_moments
from pellucid.tables.features import Arrays, Block, Column, Report, Rows, Step, count_missing
from pellucid.tables.normalisation import Normalisation
from pellucid.tables.number_column import NumberColumn
from pellucid.tables.table import Table
from pellucid.tables.values import DAY, FIRST, LAST

if TYPE_CHECKING:
    import polars as pl

HOUR = DAY // 24
ADVICE = "The model was trained on dates in this column: correct it, or leave it empty."

# Parts that come again, as shares of their period from 0 to below 1, of moments without missing ones.
Part = Callable[["pl.Series"], NDArray[np.float64]]
PARTS: dict[str, Part] = {
    "month": lambda t: (t.dt.month().to_numpy() - 1) / 12,
    "day of the month": lambda t: (t.dt.day().to_numpy() - 1) / t.dt.days_in_month().to_numpy(),
    "day of the week": lambda t: (t.dt.weekday().to_numpy() - 1) / 7,
    "hour": lambda t: t.to_physical().to_numpy() % DAY / DAY,
}


@dataclass(frozen=True)
class DateColumn(Column):
    """A column of dates or times: its parts, those that vary in training.

    ==============================================  =================================================
    month, day of the month, day of the week, hour  the sine and the cosine of 2π times the share of
                                                    the period that has passed; an hour with its
                                                    minutes
    year                                            a number, normalised
    time passed                                     a number, normalised: days since the first day of
                                                    the training; of times alone, hours since midnight
    is missing                                      1 or 0, if values were missing in training
    ==============================================  =================================================

    Where a value is missing, sines and cosines are 0 and the numbers are those of the median.

    Parameters
    ----------
    name : str
        The column.
    reading : str
        How texts are read, a name in `READINGS`.
    zone : str
        Whose wall clock counts where a column has a zone; empty if it had none in training.
    origin, median : int
        The first day and the median of the training, in microseconds since 1970.
    parts : tuple of str
        Those of `PARTS` that vary.
    year : NumberColumn or None
        Of the years, if they vary.
    passed : NumberColumn
        Of the time passed.
    has_missing : bool
        Whether values were missing in training.
    """

    kind: ClassVar[str] = "date"

    name: str
    reading: str
    zone: str
    origin: int
    median: int
    parts: tuple[str, ...]
    year: NumberColumn | None
    passed: NumberColumn
    has_missing: bool

    @classmethod
    def fit(
        cls,
        name: str,
        moments: pl.Series,
        normalisation: Normalisation,
        *,
        reading: str = ISO,
        zone: str = "",
    ) -> DateColumn:
        """From the moments of the training rows, null where missing."""
        import polars as pl

        found = moments.drop_nulls()
        clock = found.to_physical().to_numpy()
        median = int(np.sort(clock)[(len(clock) - 1) // 2])  # one of them, not a mean of two
        has_missing = len(found) < len(moments)
        if reading == "time":
            passed = NumberColumn.fit(f"{name}: hours since midnight", pl.Series(clock / HOUR), normalisation)
            return cls(name, reading, zone, 0, median, ("hour",), None, passed, has_missing)
        origin = int(clock.min()) // DAY * DAY
        first = np.datetime64(origin, "us").astype("datetime64[D]")
        years = found.dt.year()
        return cls(
            name,
            reading,
            zone,
            origin,
            median,
            tuple(part for part, share in PARTS.items() if _varies(share(found))),
            NumberColumn.fit(f"{name}: year", years, normalisation) if _varies(years.to_numpy()) else None,
            NumberColumn.fit(f"{name}: days since {first}", pl.Series((clock - origin) / DAY), normalisation),
            has_missing,
        )

    @property
    def feature_names(self) -> list[str]:
        names = [f"{self.name}: {part} ({wave})" for part in self.parts for wave in ("sine", "cosine")]
        names += [number.name for number in (self.year, self.passed) if number]
        return [*names, f"{self.name} is missing"] if self.has_missing else names

    @property
    def is_read_as_text(self) -> bool:
        return True

    @property
    def steps(self) -> list[Step | None]:
        waves: list[Step | None] = [None, None] * len(self.parts)
        numbers = [step for number in (self.year, self.passed) if number for step in number.steps[:1]]
        return [*waves, *numbers, *super().steps[len(waves) + len(numbers) :]]

    def prepare(self, table: Table, rows: Rows | None, report: Report) -> Arrays:
        """Where it is missing, year, time passed, shares of the periods; what is no date is refused."""
        import polars as pl

        moments = as_moments(table, self.name, self.reading, self.zone, ADVICE)
        moments = moments if rows is None else moments.gather(rows)
        is_missing = None
        if n_missing := moments.null_count():
            is_missing = moments.is_null().to_numpy()
            moments = moments.fill_null(pl.Series([self.median]).cast(pl.Datetime("us"))[0])
            if not self.has_missing:
                counts_as = (
                    "the median, at no time of a day"
                    if self.reading == "time"
                    else ("the median, at no time of a year, month, week or day")
                )
                count_missing(report, self.name, n_missing, counts_as)
        shares = (PARTS[part](moments).astype(np.float32) for part in self.parts)
        year = moments.dt.year().to_numpy() if self.year else None
        unit = HOUR if self.reading == "time" else DAY
        passed = (moments.to_physical().to_numpy() - self.origin) / unit
        return Arrays((is_missing, year, passed, *shares))

    def write(self, ready: Arrays, out: Block) -> None:
        is_missing, year, passed, *shares = ready.arrays
        at = 0
        for share in shares:
            angle = 2 * np.pi * share.astype(np.float64)  # type: ignore[union-attr]
            out[:, at], out[:, at + 1] = np.sin(angle), np.cos(angle)
            at += 2
        if is_missing is not None:
            out[is_missing, :at] = 0
        if self.year:
            out[:, at] = self.year.normalised(year)
            at += 1
        out[:, at] = self.passed.normalised(passed)
        if self.has_missing and is_missing is not None:
            out[:, at + 1] = is_missing

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "reading": self.reading,
            "zone": self.zone,
            "origin": self.origin,
            "median": self.median,
            "parts": list(self.parts),
            "year": self.year and self.year.to_dict(),
            "passed": self.passed.to_dict(),
            "has_missing": self.has_missing,
        }

    @classmethod
    def from_dict(cls, value: object) -> DateColumn:
        """The inverse of `to_dict`; ModelFileError if the value is no such dict."""
        keys = [
            "kind",
            "name",
            "reading",
            "zone",
            "origin",
            "median",
            "parts",
            "year",
            "passed",
            "has_missing",
        ]
        saved = Saved(value, "a date column", keys)
        zone, parts = saved.text("zone"), saved.texts("parts")
        if zone and not _is_zone(zone):
            saved.fail("zone", "a time zone")
        if not set(parts) <= set(PARTS):
            saved.fail("parts", f"a list of {', '.join(PARTS)}")
        return cls(
            saved.text("name"),
            saved.text("reading", READINGS),
            zone,
            saved.whole("origin", FIRST, LAST),
            saved.whole("median", FIRST, LAST),
            parts,
            None if saved.any("year") is None else NumberColumn.from_dict(saved.any("year")),
            NumberColumn.from_dict(saved.any("passed")),
            saved.truth("has_missing"),
        )


def _varies(values: NDArray[Any]) -> bool:
    return bool((values != values[0]).any())


def _is_zone(name: str) -> bool:
    import polars as pl

    try:
        pl.Series([0]).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").dt.convert_time_zone(name)
    except pl.exceptions.PolarsError:
        return False
    return True
