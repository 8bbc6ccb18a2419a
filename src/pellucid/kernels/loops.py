"""Makes a kernel of a formula: the loop around it is written here, once for all formulas.

An activation, its derivative, a regularizer's gradient, an optimizer's update are all functions of a
few numbers, applied to whole buffers. The source of the loop is generated, so that a formula with one
setting and a rule with three states need no code of their own; and the same expression, evaluated on
arrays, is the twin.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.kernels.kernel import Access, Kernel, Now

Functions = tuple[tuple[str, Callable[..., Any]], ...]


@functools.cache
def elementwise(
    name: str,
    expression: str,
    functions: Functions,
    reads: tuple[str, ...],
    writes: tuple[str, ...],
    numbers: tuple[str, ...] = (),
    by_step: tuple[str, ...] = (),
) -> Kernel:
    """A kernel that evaluates an expression at each place of its operands, which have one shape.

    Parameters
    ----------
    name : str
        Name of the kernel.
    expression : str
        Such as `"da * derivative(z, a, alpha)"`; gives one number for each of `writes`.
    functions : tuple of (str, callable)
        The formulas that the expression calls.
    reads, writes : tuple of str
        Names of the operands; one that stands in both is changed in place.
    numbers : tuple of str
        Names of the float32 settings.
    by_step : tuple of str
        Names of numbers that change from step to step: the columns of an operand `table` with a row a step.
    """
    operands = tuple(dict.fromkeys(reads + writes))
    access = {o: Access(o in reads, o in writes, part=True) for o in operands}
    stride = f"{operands[0]}_stride"
    parameters = [operands[0], stride, *operands[1:]]
    lines = []
    if by_step:
        access["table"] = Access(reads=True, writes=False, part=False)
        parameters += ["table", "table_stride", "now"]
        lines += [
            f"    {c} = table[now[{int(Now.PLACE)}] * table_stride + {i}]" for i, c in enumerate(by_step)
        ]
    lines += [f"    {o}_part = {o}[lo * {stride} : hi * {stride}]" for o in operands]
    placed = re.sub(rf"\b({'|'.join(operands)})\b(?!\()", r"\1_part[i]", expression)
    lines += [f"    for i in range(len({operands[0]}_part)):"]
    lines += [f"        {', '.join(f'{w}_part[i]' for w in writes)} = {placed}"]
    space: dict[str, Any] = {}
    exec("\n".join([f"def {name}({', '.join([*parameters, *numbers, 'lo', 'hi'])}):", *lines]), space)
    kernel = Kernel(space[name], access, numbers, dict(functions), expression=expression)
    code = compile(expression, f"<{name}>", "eval")

    def twin(*values: Any) -> None:
        given = dict(zip([*kernel.parameters, "lo", "hi"], values, strict=True))
        part = slice(given["lo"], given["hi"])
        names: dict[str, Any] = {o: given[o][part] for o in operands}
        names |= {n: np.float32(given[n]) for n in numbers}
        names |= {c: given["table"][given["now"][Now.PLACE], i] for i, c in enumerate(by_step)}
        results = eval(code, dict(functions), names)
        for w, result in zip(writes, results if len(writes) > 1 else (results,), strict=True):
            given[w][part] = result

    return kernel.twin(twin)
