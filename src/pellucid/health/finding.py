"""What an examination gives: findings, each with what was measured, and the whole of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Trial:
    """A short fit with a change, beside the same fit without it, on rows that both did not learn from.

    Parameters
    ----------
    change : str
        What was changed.
    before, after : float
        Mean loss on the validation rows without and with the change.
    helped : bool
        Whether the loss fell by more than twice the standard error of the difference row by row.
    n_rows : int
        Validation rows.
    """

    change: str
    before: float
    after: float
    helped: bool
    n_rows: int

    def __str__(self) -> str:
        verdict = "it helped" if self.helped else "it did not help"
        losses = f"loss {self.before:.4g} without it, {self.after:.4g} with it"
        return f"{self.change}, in a short fit on {self.n_rows} validation rows: {losses}; {verdict}"


@dataclass(frozen=True)
class Finding:
    """One thing that may be wrong.

    Parameters
    ----------
    name : str
        Such as `dead neurons`, the name of the check.
    where : str
        The layer, the input or the rows.
    measured : str
        What was measured, with its numbers.
    why : str
        Why it matters.
    try_this : str
        One thing to try.
    helped : Trial or None
        Whether that helped, where it was tried.
    numbers : mapping of str to value
        What was measured, for programs.
    """

    name: str
    where: str
    measured: str
    why: str
    try_this: str
    helped: Trial | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"{self.name}: {self.where}",
            f"  measured  {self.measured}",
            f"  why       {self.why}",
            f"  try       {self.try_this}",
        ]
        return "\n".join(lines + ([f"  tried     {self.helped}"] if self.helped else []))

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self) | {"numbers": dict(self.numbers)}


@dataclass(frozen=True)
class Health:
    """What an examination found; prints as text.

    Parameters
    ----------
    findings : sequence of Finding
        What may be wrong; none in a healthy network.
    checks : sequence of str
        The names of the checks that were made.
    n_rows, n_given : int
        Rows that were looked at, and rows that were given.
    """

    findings: Sequence[Finding]
    checks: Sequence[str]
    n_rows: int
    n_given: int

    @property
    def is_healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "findings": [f.to_dict() for f in self.findings],
            "checks": list(self.checks),
            "n_rows": self.n_rows,
            "n_given": self.n_given,
        }

    def __str__(self) -> str:
        of = "" if self.n_rows == self.n_given else f" of {self.n_given:,}"
        looked = f"{len(self.checks)} checks on {self.n_rows:,}{of} rows"
        if self.is_healthy:
            return f"Nothing found by {looked}."
        count = f"{len(self.findings)} finding{'s' if len(self.findings) > 1 else ''}"
        return "\n\n".join([f"{count} by {looked}.", *map(str, self.findings)])

    __repr__ = __str__


def listed(names: Sequence[Any], most: int = 8) -> str:
    """Some names for people, the first of them where they are many.

    Examples
    --------
    >>> listed([3, 5]), listed(range(100), most=3)
    ('3, 5', '0, 1, 2 and 97 more')
    """
    shown = ", ".join(map(str, names[:most]))
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
