"""How a column of dates or times becomes features: `DateColumn`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.tables.dates import DAY, FIRST, ISO, LAST, READINGS, as_moments
from pellucid.tables.features import Block, Column, Report, Rows, Step, count_missing
from pellucid.tables.normalisation import Normalisation
from pellucid.tables.number_column import NumberColumn
from pellucid.tables.saved import Saved
from pellucid.tables.table import Table

if TYPE_CHECKING:
    import polars as pl

HOUR = DAY // 24
ADVICE = "The model was trained on dates in this column: correct it, or leave it empty."

# Parts that come again, as shares of their period from 0 to below 1, of moments without missing ones.
Part = Callable[["pl.Series"], "NDArray[np.float64]"]
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
        cls, name: str, table: Table, reading: str, rows: Rows | None, normalisation: Normalisation
    ) -> DateColumn:
        """From the training rows of a table that has the column."""
        import polars as pl

        zone = getattr(table.column(name).dtype, "time_zone", None) or ""
        moments = as_moments(table, name, reading or ISO, zone, "")
        seen = moments if rows is None else moments.gather(rows)
        found = seen.drop_nulls()
        clock = found.to_physical().to_numpy()
        origin = 0 if reading == "time" else int(clock.min()) // DAY * DAY
        median = int(np.sort(clock)[(len(clock) - 1) // 2])  # one of them, not a mean of two
        is_time = reading == "time"
        parts = ("hour",) if is_time else tuple(p for p, of in PARTS.items() if _varies(of(found)))
        years, unit = found.dt.year(), "hours since midnight" if is_time else f"days since {_day(origin)}"
        return cls(
            name,
            reading or ISO,
            zone,
            origin,
            median,
            parts,
            NumberColumn.fit(f"{name}: year", years, normalisation) if years.n_unique() > 1 else None,
            NumberColumn.fit(f"{name}: {unit}", pl.Series(_passed(clock, origin, is_time)), normalisation),
            found.len() < seen.len(),
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

    def prepare(self, table: Table, rows: Rows | None, report: Report) -> pl.Series:
        """The moments, null where missing; what is no date is refused."""
        moments = as_moments(table, self.name, self.reading, self.zone, ADVICE)
        moments = moments if rows is None else moments.gather(rows)
        if not self.has_missing:
            counts_as = "no time of year or day" if self.reading != "time" else "no time of day"
            count_missing(report, self.name, moments.null_count(), f"the median and {counts_as}")
        return moments

    def write(self, ready: pl.Series, out: Block, report: Report) -> None:
        import polars as pl

        is_missing = ready.is_null().to_numpy() if ready.null_count() else None
        known = ready if is_missing is None else ready.fill_null(pl.lit(self.median).cast(pl.Datetime("us")))
        at = 0
        for part in self.parts:
            angle = 2 * np.pi * PARTS[part](known)
            for wave in (np.sin(angle), np.cos(angle)):
                out[:, at] = wave if is_missing is None else np.where(is_missing, 0, wave)
                at += 1
        if self.year:
            out[:, at] = self.year.normalised(known.dt.year().to_numpy().astype(np.float64))
            at += 1
        clock = known.to_physical().to_numpy()
        out[:, at] = self.passed.normalised(_passed(clock, self.origin, self.reading == "time"))
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


def _passed(clock: NDArray[np.int64], origin: int, is_time: bool) -> NDArray[np.float64]:
    """Days since the origin, or hours since midnight."""
    return np.asarray((clock - origin) / (HOUR if is_time else DAY), np.float64)


def _varies(values: NDArray[np.float64]) -> bool:
    return bool((values != values[0]).any())


def _day(moment: int) -> str:
    return str(np.datetime64(moment, "us").astype("datetime64[D]"))


def _is_zone(name: str) -> bool:
    import polars as pl

    try:
        pl.Series([0]).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").dt.convert_time_zone(name)
    except pl.exceptions.PolarsError:
        return False
    return True
