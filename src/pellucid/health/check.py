"""The registry of checks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pellucid.health.finding import Finding
from pellucid.health.subject import Subject
from pellucid.registry import Entries

Examination = Callable[[Subject], Iterator[Finding]]


@dataclass(frozen=True)
class Check:
    """A registered check.

    Parameters
    ----------
    function : callable
        Looks at a subject and yields what it finds; its name, with blanks, is that of the check.
    """

    function: Examination

    @property
    def name(self) -> str:
        """Such as `dead neurons`."""
        return self.function.__name__.replace("_", " ")

    @property
    def text(self) -> str:
        """What it looks for: the first paragraph of its docstring."""
        return inspect.cleandoc(self.function.__doc__ or "").split("\n\n")[0].replace("\n", " ")


CHECKS: Entries[Check] = Entries("check")


def check(function: Examination) -> Examination:
    """Decorator: register a function (subject) that yields findings as a check."""
    CHECKS.add(Check(function))
    return function
