"""What all kinds of columns share on their way to features: `Column`, and the `Report` of what was found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.tables.columns import as_texts
from pellucid.tables.table import Table, shown
from pellucid.tables.values import LARGEST

if TYPE_CHECKING:
    import polars as pl

Block = NDArray[np.float32]
Rows = NDArray[np.int64]
Codes = NDArray[np.int64]

# Codes of values that are no level.
MISSING, UNSEEN = -1, -2

MOST_NOTES = 10  # sentences of one kind; a wide table could have thousands


@dataclass
class Report:
    """What was found in a table while it was encoded.

    Parameters
    ----------
    unseen : dict of str to (int, str, str)
        Per column: how many rows have a category never seen in training, the first one, and what they
        count as.
    infinite : dict of str to int
        Per number column: how many numbers are infinite or beyond 1e30, and so treated as missing.
    missing : dict of str to (int, str)
        Per column that had no missing value in training: how many are missing, and what they count as.
    lacking : dict of str to str
        Columns that the table does not have, each with the name that may be meant, or nothing.
    added : list of str
        Columns of the table that were not in training.
    """

    unseen: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    infinite: dict[str, int] = field(default_factory=dict)
    missing: dict[str, tuple[int, str]] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Put what another report says behind what this one says."""
        self.unseen |= other.unseen
        self.infinite |= other.infinite
        self.missing |= other.missing
        self.lacking |= other.lacking
        self.added += other.added

    @property
    def notes(self) -> list[str]:
        """Sentences for the user, about everything."""
        added = [f"Column {name!r} was not in the training; it is ignored." for name in self.added]
        return [*self.warnings, *few(added, "were not in the training and are ignored")]

    @property
    def warnings(self) -> list[str]:
        """Sentences about what may make predictions worse.

        Examples
        --------
        >>> Report(unseen={"hair": (2, "blue", "none")}, lacking={"age": ""}).warnings
        ["The column 'age' is lacking: it counts as missing in every row, and predictions suffer from it.", \
"Column 'hair': 2 rows have a category never seen in training, such as 'blue'; they count as none."]
        """
        lacking = [
            f"The column {name!r} is lacking: it counts as missing in every row, and predictions suffer "
            f"from it. {hint}".rstrip()
            for name, hint in self.lacking.items()
        ]
        unseen = [
            f"Column {name!r}: {n:,} {'row has' if n == 1 else 'rows have'} a category never seen in "
            f"training, such as {shown(example)}; {'it counts' if n == 1 else 'they count'} as {counts_as}."
            for name, (n, example, counts_as) in self.unseen.items()
        ]
        infinite = [
            f"Column {name!r}: {n:,} {'number is' if n == 1 else 'numbers are'} infinite or beyond "
            f"{LARGEST:.0e}; {'it counts' if n == 1 else 'they count'} as missing."
            for name, n in self.infinite.items()
        ]
        missing = [
            f"Column {name!r}: {n:,} {'value is' if n == 1 else 'values are'} missing, and none was in "
            f"training; {'it counts' if n == 1 else 'they count'} as {counts_as}."
            for name, (n, counts_as) in self.missing.items()
        ]
        return [
            *few(lacking, "are lacking"),
            *few(unseen, "have categories never seen in training"),
            *few(infinite, "have infinite numbers, which count as missing"),
            *few(missing, "have missing values, as they had none in training"),
        ]


def few(sentences: list[str], what: str) -> list[str]:
    """The first sentences, and one for all others.

    Examples
    --------
    >>> few([f"Column {i} is new." for i in range(12)], "are new")[9:]
    ['Column 9 is new.', '2 more columns are new.']
    """
    if len(sentences) <= MOST_NOTES + 1:
        return sentences
    return [*sentences[:MOST_NOTES], f"{len(sentences) - MOST_NOTES:,} more columns {what}."]


@dataclass(frozen=True)
class Step:
    """A step in a column's own unit, as one of its features sees it.

    Parameters
    ----------
    words : str
        What changes: `1 more`, `yes instead of no`.
    change : float
        What the feature changes by.
    at : str
        Where in the column that holds, if not everywhere.
    """

    words: str
    change: float
    at: str = ""


class Column(ABC):
    """How one column of a table becomes features; each kind is a frozen dataclass.

    Encoding goes in two steps: `prepare` looks at the column as a whole, refuses what is wrong and reports
    what is worth knowing; `write` fills a block of rows of the output with a part of what `prepare` gave.
    """

    kind: ClassVar[str]

    name: str

    @property
    @abstractmethod
    def feature_names(self) -> list[str]:
        """The name of each feature."""

    @abstractmethod
    def prepare(self, table: Table, rows: Rows | None, report: Report) -> Any:
        """What `write` needs, for some rows of a table or all: an array or `Arrays`."""

    @abstractmethod
    def write(self, ready: Any, out: Block) -> None:
        """Write the features of some rows; `out` is zero before."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The column as plain values."""

    @property
    def steps(self) -> list[Step | None]:
        """A step of each feature; None where a feature has none that means something by itself."""
        return [
            Step("so instead of not", 1.0) if name.endswith(" is missing") else None
            for name in self.feature_names
        ]

    @property
    def remark(self) -> str:
        """What a person should know of its features besides their names; mostly nothing."""
        return ""

    @property
    def is_read_as_text(self) -> bool:
        """Whether a text file's values must be kept as texts, so that the category `007` is not 7."""
        return False

    def describe(self, value: object) -> str:
        """A value of the table in words: `hair = red`, `age is missing`.

        Parameters
        ----------
        value : object
            As it stands in the table; None where it is missing.
        """
        if value is None or value != value:
            return f"{self.name} is missing"
        if isinstance(value, bool):
            return f"{self.name} = {str(value).lower()}"
        return f"{self.name} = {f'{value:.6g}' if isinstance(value, float) else value}"


@dataclass(frozen=True)
class Arrays:
    """Arrays with an entry for each row, which are cut into blocks together; None stays None."""

    arrays: tuple[NDArray[Any] | None, ...]

    def __getitem__(self, rows: slice) -> Arrays:
        return Arrays(tuple(a if a is None else a[rows] for a in self.arrays))


def texts_of(table: Table, name: str, rows: Rows | None) -> pl.Series:
    """Some rows of a column, or all, as the names of categories."""
    advice = "The model was trained on categories in this column: correct it, or leave it empty."
    texts = as_texts(table, name, advice)
    return texts if rows is None else texts.gather(rows)


def count_missing(report: Report, name: str, n: int, counts_as: str) -> None:
    """Note missing values in a column that had none in training."""
    if n:
        report.missing[name] = (n, counts_as)


def codes_of(
    name: str,
    text: pl.Series,
    levels: tuple[str, ...],
    report: Report,
    *,
    expects_missing: bool,
    unseen_as: str = "none",
) -> Codes:
    """The index of each row's level, `MISSING` or `UNSEEN`; what was not in training is counted."""
    codes = level_codes(text, levels)
    is_unseen = codes == len(levels)
    if n := int(is_unseen.sum()):
        report.unseen[name] = (n, str(text[int(is_unseen.argmax())]), unseen_as)
        codes[is_unseen] = UNSEEN
    if not expects_missing:
        count_missing(report, name, text.null_count(), "none of its categories")
    return codes


def level_codes(text: pl.Series, levels: tuple[str, ...]) -> Codes:
    """The index of each text among the levels; their number where it is none of them, −1 where it is null.

    Examples
    --------
    >>> import polars as pl
    >>> level_codes(pl.Series(["b", "x", None, "a"]), ("a", "b"))
    array([ 1,  2, -1,  0])
    """
    import polars as pl

    if set(levels) <= {"false", "true"}:
        text = text.str.to_lowercase()  # a text file may write True
    codes = text.cast(pl.Enum(levels), strict=False).to_physical()
    if not codes.null_count():
        return codes.to_numpy().astype(np.int64)
    codes = codes.cast(pl.Int64)
    return codes.fill_null(len(levels)).set(text.is_null(), MISSING).to_numpy(writable=True)


def float64(values: pl.Series) -> NDArray[np.float64]:
    """Numbers as an array, NaN where null."""
    import polars as pl

    return np.asarray(values.cast(pl.Float64).to_numpy(), dtype=np.float64)
