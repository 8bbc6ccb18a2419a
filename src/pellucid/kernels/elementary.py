"""The words that formulas are written with: `where`, `fma`, `exp`, ...

Each word has two meanings. Called from Python it is its NumPy reference, for arrays of any
float type; so a formula can be evaluated in float64 as it stands. Inside compiled code it is
its body: plain arithmetic on one float32 that becomes vector code in a loop, which the C
library's functions do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Elementary:
    """A function of scalars with a NumPy reference and a body to compile.

    Parameters
    ----------
    reference : callable
        Takes and gives NumPy arrays of any float type.
    body : callable, optional
        Takes and gives float32 scalars; constants in it are written `np.float32(...)` where they are
        floats. Without one, the intrinsic of the same name is used.
    """

    def __init__(self, name: str, reference: Callable[..., Any], body: Callable[..., Any] | None = None) -> None:
        self.__name__, self.reference, self.body = name, reference, body
        self.__doc__ = (body or reference).__doc__

    def __call__(self, *values: Any) -> Any:
        return self.reference(*values)

    def __repr__(self) -> str:
        return f"<elementary {self.__name__}>"


def elementary(reference: Callable[..., Any]) -> Callable[[Callable[..., Any]], Elementary]:
    """Decorate a body; `reference` is its NumPy twin."""
    return lambda body: Elementary(body.__name__, reference, body)


fma = Elementary("fma", lambda a, b, c: a * b + c)


@elementary(np.where)
def where(condition, yes, no):  # type: ignore[no-untyped-def]
    """`yes` where the condition holds, else `no`; both are evaluated."""
    return yes if condition else no
