"""A formula worked out with numbers, line by line, from its own source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pellucid.kernels.elementary import Elementary
from pellucid.kernels.exact import exact


def work_out(
    function: Callable[..., Any], values: Mapping[str, float], results: tuple[str, ...]
) -> list[str]:
    """Each line of a formula: as it is written, with numbers, and what comes out.

    Parameters
    ----------
    function : callable
        A formula of plain lines `name = ...` and a `return`.
    values : mapping of str to float
        Its arguments.
    results : tuple of str
        Names of what it returns; only the first line of these is shown where the others are names already.

    Returns
    -------
    list of str
        Empty where the formula has another form, or its source is not at hand.

    Examples
    --------
    >>> from pellucid.optimizers import OPTIMIZERS
    >>> momentum = OPTIMIZERS.find("momentum")
    >>> values = {"w": 1.0, "g": 0.5, "b": 0.25, "momentum": 0.5, "learning_rate": 0.5}
    >>> for line in work_out(momentum.function, values, ("w", "b")):
    ...     print(line)
    b = momentum * b + g = 0.5 * 0.25 + 0.5 = 0.625
    w = w - learning_rate * b = 1.0 - 0.5 * 0.625 = 0.6875
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        return []
    if not isinstance(tree, ast.FunctionDef):
        return []
    statements = [s for s in tree.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    words = {n: exact(w) for n, w in function.__globals__.items() if isinstance(w, Elementary)}
    now = {name: np.atleast_1d(np.float32(value)) for name, value in values.items()}
    lines: list[str] = []
    for statement in statements:
        if isinstance(statement, ast.Return) and statement is statements[-1] and statement.value:
            returned = statement.value.elts if isinstance(statement.value, ast.Tuple) else [statement.value]
            pairs = list(zip(results, returned, strict=True))
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            pairs = [(statement.targets[0].id, statement.value)]
        else:
            return []
        for name, formula in pairs:
            if isinstance(formula, ast.Name):
                continue
            with np.errstate(all="ignore"):
                result = np.asarray(eval(ast.unparse(formula), dict(words), now), np.float32)
            filled = ast.unparse(_Filled(now).visit(ast.parse(ast.unparse(formula), mode="eval")))
            lines.append(f"{name} = {ast.unparse(formula)} = {filled} = {result[0]!s}")
            now[name] = result
    return lines


class _Filled(ast.NodeTransformer):
    """Puts numbers for names."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """A name that stands for a number becomes that number."""
        if node.id not in self.values:
            return node
        text = str(self.values[node.id][0])
        return ast.Name(f"({text})" if text.startswith("-") else text, node.ctx)
