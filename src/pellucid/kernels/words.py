"""Formulas read with other meanings of their words: numbers of NumPy, or vectors in registers.

A formula is arithmetic and the words of `kernels.elementary`, whose bodies are arithmetic and a few
instructions. So whoever says what an instruction does to some kind of value has all formulas for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from pellucid.kernels.elementary import Elementary
from pellucid.kernels.jit import in_float32, linked, plain

Function = Callable[..., Any]


class Meaning:
    """What formulas mean for one kind of value.

    Parameters
    ----------
    instructions : mapping of str to callable
        What `fma`, `polynomial`, `where` and the other words without a body of their own do.
    names : mapping of str to object, optional
        What other global names mean to formulas, such as `f32`.
    """

    def __init__(self, instructions: Mapping[str, Function], names: Mapping[str, Any] | None = None) -> None:
        self.instructions, self.names = instructions, dict(names or {})

    @functools.cache
    def formula(self, function: Function | Elementary) -> Function:
        """A formula or a word as a function of such values, with the roundings of its compiled form."""
        function = plain(function)
        if isinstance(function, Elementary):
            return self._word(function)
        return linked(in_float32(function), self.formula, self.names)

    @functools.cache
    def _helper(self, function: Function | Elementary) -> Function:
        """The same of what computes with whole numbers as well; its float constants are float32 already."""
        if isinstance(function, Elementary):
            return self._word(function)
        return linked(function, self._helper, self.names)

    def _word(self, word: Elementary) -> Function:
        known = self.instructions.get(word.__name__)
        if known is not None:
            return known
        assert word.body is not None
        return linked(word.body, self._helper, self.names)
