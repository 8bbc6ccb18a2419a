"""Everything pellucid raises on purpose.

::

    PellucidError
    ├── CallError              a wrong call or wrong data; a command ends with exit code 2
    │   ├── ArgumentError      an argument has a wrong value           (also a ValueError)
    │   │   ├── UnknownNameError   no entry of that name; offers the nearest
    │   │   └── ShapeError     an array or a layer has a wrong shape
    │   ├── DataError          the numbers themselves are wrong        (also a ValueError)
    │   │   └── TableError     a table is wrong: names file, column and line
    │   ├── ModelFileError     not a model file, damaged, or not to be trusted
    │   └── NotFittedError     something needs a fit that has not happened
    └── InternalError          a fault of pellucid's own; exit code 1

`PellucidWarning` is what a call warns of that goes on: data unlike those of the training. It stands apart
from the tree, since it is not raised unless `warnings` is told to.

A message says who, what was expected, what was found and what to do, with the values.
"""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Iterable

INSIDE = ("pellucid", "sklearn", "joblib")  # packages whose lines are never the user's


class PellucidError(Exception):
    """Base of all errors of pellucid; `exit_code` is what the command ends with."""

    exit_code = 1


class CallError(PellucidError):
    """A wrong call or wrong data."""

    exit_code = 2


class ArgumentError(CallError, ValueError):
    """An argument has a wrong value."""


class UnknownNameError(ArgumentError):
    """There is no entry of that name.

    Examples
    --------
    >>> str(UnknownNameError("activation", "rleu", ["relu", "tanh"]))
    "there is no activation 'rleu'. Did you mean 'relu'? Known: relu, tanh."
    """

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        names = sorted(known)
        self.kind, self.name, self.known = kind, name, names
        super().__init__(
            f"there is no {kind} {name!r}. {nearest(str(name), names)}Known: {', '.join(names)}."
        )


class ShapeError(ArgumentError):
    """An array or a layer has a wrong shape."""


class DataError(CallError, ValueError):
    """The numbers themselves are wrong: not finite, too few, all the same."""


class TableError(DataError):
    """A table is wrong; the message names file, column and line where they are known."""


class ModelFileError(CallError):
    """Not a model file, damaged, or not to be trusted."""


class NotFittedError(CallError):
    """Something needs a fit that has not happened."""


class InternalError(PellucidError):
    """A fault of pellucid's own."""


class PellucidWarning(UserWarning):
    """What is worth knowing of a call that goes on, such as categories that training has never seen."""


def warn(text: str, category: type[Warning] = PellucidWarning) -> None:
    """Warn in the user's line: the nearest one that is in no package through which the call went.

    Parameters
    ----------
    text : str
        What is worth knowing.
    category : type
        What kind of warning it is.
    """
    level, frame = 1, sys._getframe()
    while frame.f_globals.get("__name__", "").partition(".")[0] in INSIDE and frame.f_back:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


def nearest(name: str, known: Iterable[str]) -> str:
    """`"Did you mean 'relu'? "`, or nothing where no name is near.

    Examples
    --------
    >>> nearest("Spezies", ["species", "island"])
    "Did you mean 'species'? "
    >>> nearest("q", ["species"])
    ''
    """
    folded = {k.casefold(): k for k in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f"Did you mean {folded[close[0]]!r}? " if close else ""
