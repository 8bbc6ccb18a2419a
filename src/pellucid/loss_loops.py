"""The loops around what a loss computes: row by row, or sixteen rows at once where outputs are few.

A loss is written in stages. A stage is a function of one row's numbers, or of one output's, and says what
it writes and what it adds up. Compiled for scalars it runs along a row, whose sums may be reordered to
become vector code; read for lanes (see `kernels.lanes`) it does sixteen rows in the order that is written.

Names that end in `_i` belong to a row, and names that end in `_j` to one of its outputs; a stage that has
one of the latter is called for each output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.kernels.elementary import where
from pellucid.kernels.kernel import Access, Kernel, Now
from pellucid.kernels.lanes import LANES, OnLanes, room_for_lane, room_for_square, turn_in, turn_out
from pellucid.kernels.softmax import of_rank, rank

OF_OUTPUTS = ("z_j", "a_j", "y_j", "delta_j")
GIVEN = ("scale_i", "total_i")  # what every kernel has of a row
OPERANDS = ("z", "z_stride", "z_columns", "a", "y", "weights", "losses", "delta", "now")


@dataclass(frozen=True)
class Stage:
    """A function of a row's numbers, or of those of one of its outputs.

    Parameters
    ----------
    function : callable
        Gives what is written, what is added and what may be greatest, in a tuple where these are several.
    adding : callable
        The same with the sums and the greatest so far as further parameters; gives the new ones.
    reads, writes, adds, greatest : tuple of str
        Names: its parameters, where its results go, the sums to which the next are added, and the numbers
        that the rest becomes where it is greater.
    """

    function: Callable[..., Any]
    adding: Callable[..., Any]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    adds: tuple[str, ...]
    greatest: tuple[str, ...]

    @property
    def of_each_output(self) -> bool:
        """Whether it is called for each output of a row, or once."""
        return any(name.endswith("_j") for name in self.reads)


def stage(
    name: str,
    reads: tuple[str, ...],
    lines: Sequence[str],
    writes: Mapping[str, str],
    adds: Mapping[str, str],
    functions: Mapping[str, Any],
    greatest: Mapping[str, str] | None = None,
) -> Stage:
    """A stage from the text of its lines, and of what they give; `functions` are what they call."""
    greatest, functions = greatest or {}, {"where": where, **functions}
    before = [f"before_{n}" for n in (*adds, *greatest)]
    new = [f"before_{n} + ({more})" for n, more in adds.items()]
    new += [f"where({more} > before_{n}, {more}, before_{n})" for n, more in greatest.items()]
    function, adding = (
        _defined(name, parameters, [*lines, f"return {', '.join([*writes.values(), *given])}"], functions)
        for parameters, given in (
            (reads, [*adds.values(), *greatest.values()]),
            ((*reads, *before), new),
        )
    )
    return Stage(function, adding, reads, tuple(writes), tuple(adds), tuple(greatest))


def _defined(
    name: str, parameters: Sequence[str], lines: Sequence[str], functions: Mapping[str, Any]
) -> Callable[..., Any]:
    """A function from the text of its lines."""
    space: dict[str, Any] = {"np": np, **functions}
    exec("\n".join([f"def {name}({', '.join(parameters)}):", *(f"    {line}" for line in lines)]), space)
    function: Callable[..., Any] = space[name]
    return function


def loss_kernel(
    name: str,
    is_mean: bool,
    numbers: tuple[str, ...],
    stages: Sequence[Stage],
    first: Mapping[str, float],
    few: bool,
) -> Kernel:
    """A kernel that goes through the stages for each row.

    Parameters
    ----------
    name : str
        Its name.
    is_mean : bool
        Whether the losses of a row's outputs are averaged rather than summed.
    numbers : tuple of str
        The settings of the formulas.
    stages : sequence of Stage
        What to compute.
    first : mapping of str to float
        The names of a row's own numbers that begin somewhere, and where.
    few : bool
        Whether it is for at most 16 outputs.
    """
    name = f"{name}_of_few" if few else name
    source = [
        f"def {name}({', '.join([*OPERANDS, *numbers, 'lo', 'hi'])}):",
        "    n_out = np.float32(z_columns)",
        f"    each = np.float32(1) / {'n_out' if is_mean else 'np.float32(1)'}",
        f"    share = each / np.float32(now[{int(Now.ROWS)}])",
        *(_by_lanes(stages, first) if few else _by_rows(stages, first)),
    ]
    space: dict[str, Any] = {"np": np, "turn_in": turn_in, "turn_out": turn_out}
    space |= {"rank": rank, "of_rank": of_rank}
    space |= {"room_for_lane": room_for_lane, "room_for_square": room_for_square}
    exec("\n".join(source), space)
    access = {n: Access(True, False, True) for n in ("z", "a", "y", "weights")}
    access |= {n: Access(False, True, True) for n in ("losses", "delta")}
    formulas: dict[str, Any] = {s.function.__name__: s.function for s in stages}
    if few:
        formulas = {s.adding.__name__: OnLanes(s.adding) for s in stages}
        begin = ", ".join([*(f"np.float32({v})" for v in first.values()), "np.float32(0)"])
        formulas["begin"] = OnLanes(_defined("begin", (), [f"return {begin}"], {}))
    return Kernel(space[name], access, numbers, {**formulas, "times": times}, reassociate=not few)


def times(x: Any, y: Any) -> Any:
    """A product that is rounded as it stands."""
    return x * y


def _by_rows(stages: Sequence[Stage], first: Mapping[str, float]) -> list[str]:
    lines = [
        "    for i in range(lo, hi):",
        "        from_i, scale_i, total_i = i * z_stride, times(share, weights[i]), np.float32(0)",
        "        to_i = from_i + z_columns",
        *(f"        of_{n} = {n[:-2]}[from_i:to_i]" for n in OF_OUTPUTS),
        *(f"        {n} = np.float32({value})" for n, value in first.items()),
    ]

    def local(name: str) -> str:
        return f"of_{name}[j]" if name in OF_OUTPUTS else name

    for s in stages:
        indent = "        "
        lines += [f"{indent}rank_{n} = rank({n})" for n in s.greatest]
        if s.of_each_output:
            lines += [f"{indent}for j in range(z_columns):"]
            indent += "    "
        results = [*(local(n) for n in s.writes), *(f"more_{n}" for n in (*s.adds, *s.greatest))]
        lines += [f"{indent}{', '.join(results)} = {s.function.__name__}({', '.join(map(local, s.reads))})"]
        lines += [f"{indent}{n} += more_{n}" for n in s.adds]
        lines += [f"{indent}rank_{n} = max(rank_{n}, rank(more_{n}))" for n in s.greatest]
        lines += [f"        {n} = of_rank(rank_{n})" for n in s.greatest]
    return [*lines, "        losses[i] = total_i * each"]


def _by_lanes(stages: Sequence[Stage], first: Mapping[str, float]) -> list[str]:
    made = [n for s in stages for n in s.writes if n not in OF_OUTPUTS]
    lanes = list(dict.fromkeys([*first, *GIVEN, *made]))
    lines = [
        *(f"    {n} = room_for_square()" for n in OF_OUTPUTS),
        *(f"    {n} = room_for_lane()" for n in lanes),
        f"    for k in range({LANES * LANES}):",
        "        delta_j[k] = np.float32(0)",
        f"    for i in range(lo, hi, {LANES}):",
        f"        n = min({LANES}, hi - i)",
        *(f"        turn_in({n[:-2]}, z_columns, i, n, {n})" for n in OF_OUTPUTS if n != "delta_j"),
        "        of_weights, of_losses = weights[i : i + n], losses[i : i + n]",
        "        for r in range(n):",
        "            scale_i[r] = times(share, of_weights[r])",
        f"        begin({', '.join(f'{n}, 0' for n in [*first, 'total_i'])})",
    ]

    def place(name: str) -> str:
        return f"{name}, {LANES} * j" if name in OF_OUTPUTS else f"{name}, 0" if name in lanes else name

    for s in stages:
        indent = "        "
        if s.of_each_output:
            lines += [f"{indent}for j in range(z_columns):"]
            indent += "    "
        changed = (*s.adds, *s.greatest)
        given = ", ".join(map(place, (*s.writes, *changed, *s.reads, *changed)))
        lines += [f"{indent}{s.function.__name__}({given})"]
    return [
        *lines,
        "        turn_out(delta_j, z_columns, i, n, delta)",
        "        for r in range(n):",
        "            of_losses[r] = total_i[r] * each",
    ]
