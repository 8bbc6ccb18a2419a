"""Checks on what was read from a model file, which need not be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NoReturn

from pellucid.errors import ModelFileError
from pellucid.registry import is_number

MOST = 2**127  # whole numbers of 128 bits


class Saved:
    """A dict from a model file, of which every value is checked when it is taken.

    Parameters
    ----------
    value : object
        What should be a dict.
    what : str
        What it describes, for messages.
    keys : iterable of str
        Exactly the keys that it must have.

    Raises
    ------
    ModelFileError
        By the constructor and every method, if the value is not what it must be.

    Examples
    --------
    >>> Saved({"scale": -1}, "x", ["scale"]).number("scale", 0, 10)
    Traceback (most recent call last):
        ...
    pellucid.errors.ModelFileError: the model file is damaged: in x, 'scale' must be a number from 0 to 10.
    """

    def __init__(self, value: object, what: str, keys: Iterable[str]) -> None:
        self.what = what
        wanted = sorted(keys)
        if not isinstance(value, dict) or set(value) != set(wanted):
            raise ModelFileError(
                f"the model file is damaged: {what} must have the entries {', '.join(wanted)}."
            )
        self._values: dict[str, Any] = value

    def fail(self, key: str, wanted: str) -> NoReturn:
        """Say that the value of a key is not what it must be."""
        raise ModelFileError(f"the model file is damaged: in {self.what}, {key!r} must be {wanted}.")

    def any(self, key: str) -> Any:
        """A value as it is."""
        return self._values[key]

    def text(self, key: str, known: Iterable[str] | None = None) -> str:
        """A text, one of those known if they are given."""
        value = self._values[key]
        if not is_text(value):
            self.fail(key, "a text")
        if known is not None and value not in (names := list(known)):
            self.fail(key, f"one of {', '.join(names)}")
        return str(value)

    def truth(self, key: str) -> bool:
        """True or False."""
        value = self._values[key]
        if not isinstance(value, bool):
            self.fail(key, "true or false")
        return value

    def number(self, key: str, least: float, most: float) -> float:
        """A number between two bounds, both allowed."""
        value = self._values[key]
        if not is_between(value, least, most):
            self.fail(key, f"a number from {least:g} to {most:g}")
        return float(value)

    def whole(self, key: str, least: int, most: int) -> int:
        """A whole number between two bounds, both allowed."""
        value = self._values[key]
        if type(value) is not int or not least <= value <= most:
            self.fail(key, f"a whole number from {least} to {most}")
        return int(value)

    def items(self, key: str) -> list[Any]:
        """A list."""
        value = self._values[key]
        if not isinstance(value, list):
            self.fail(key, "a list")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of different texts, as a tuple."""
        values = self.items(key)
        if not all(is_text(v) for v in values) or len(set(values)) != len(values):
            self.fail(key, "a list of different texts")
        return tuple(values)

    def labels(self, key: str) -> list[Any]:
        """A list of different texts, truth values or numbers."""
        values = self.items(key)
        are_plain = all(
            is_text(v)
            or isinstance(v, bool)
            or (isinstance(v, float) and math.isfinite(v))
            or (isinstance(v, int) and abs(v) < MOST)
            for v in values
        )
        if not are_plain or len(set(values)) != len(values):
            self.fail(key, "a list of different texts, truth values or numbers")
        return values

    def numbers(self, key: str, least: float, most: float) -> tuple[float, ...]:
        """A list of numbers between two bounds, as a tuple."""
        values = self.items(key)
        if not all(is_between(v, least, most) for v in values):
            self.fail(key, f"a list of numbers from {least:g} to {most:g}")
        return tuple(float(v) for v in values)


def is_between(value: object, least: float, most: float) -> bool:
    """Whether a value is a number (no truth value) between two bounds; NaN is not."""
    return is_number(value) and least <= value <= most  # type: ignore[operator]


def is_text(value: object) -> bool:
    """Whether a value is a text without halves of characters, which JSON can spell."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)
