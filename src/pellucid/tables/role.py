"""What a column is for, and why: `Role`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

Kind = Literal[
    "number", "boolean", "category", "ordered", "date", "identifier", "text", "constant", "empty", "ignored"
]
KINDS: tuple[str, ...] = get_args(Kind)
USED = KINDS[:5]


@dataclass(frozen=True)
class Role:
    """What a column is for.

    Parameters
    ----------
    name : str
        The column.
    kind : str
        `number`, `boolean`, `category`, `ordered` and `date` are used; `identifier`, `text`, `constant`,
        `empty` and `ignored` are left out.
    reason : str
        Why, for people: "all 344 values are numbers".
    question : str
        What may be wrong with it and what to do then; mostly empty.
    levels : tuple of str
        From the least to the greatest; of an ordered column.
    reading : str
        How texts are read as dates, a name in `READINGS`.
    counts : mapping of str to int
        In how many training rows each level is; of a category that was found.
    """

    name: str
    kind: Kind
    reason: str
    question: str = ""
    levels: tuple[str, ...] = field(default=(), compare=False)
    reading: str = field(default="", compare=False)
    counts: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_used(self) -> bool:
        """Whether the network sees the column."""
        return self.kind in USED

    def because(self, remark: str) -> Role:
        """The role with a remark behind its reason."""
        return replace(self, reason=f"{self.reason}; {remark}") if remark else self
