"""The text of an explanation: numbers as float32 has them, so that everyone can work them out again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pellucid.glass.text import table_text

if TYPE_CHECKING:
    from pellucid.glass.explanation import Change, Check, Explanation, Stage


def shortest(value: float) -> str:
    """A float32 in the fewest digits that mean it and no other.

    Examples
    --------
    >>> shortest(0.10000000149011612), shortest(-3.0)
    ('0.1', '-3.0')
    """
    return str(np.float32(value))


def rounded(value: float) -> str:
    """A number that is not a float32, such as a product of two, to nine digits."""
    return f"{value:.9g}"


def text_of(e: Explanation) -> str:
    """The text of an explanation."""
    of = "" if e.n_rows == 1 else f", row {e.row} of the {e.n_rows} from 0"
    blocks = [f"Neuron {e.neuron}{of}", _forward(e)]
    if e.delta is not None:
        blocks.append(_backward(e))
    if e.changes:
        blocks.append(_step(e))
    return "\n\n".join([*blocks, _verdict(e)])


def _forward(e: Explanation) -> str:
    rows = [
        (t.source, shortest(t.x), shortest(t.weight), rounded(t.product), shortest(t.sum)) for t in e.terms
    ]
    shown, rest = _largest([t.product for t in e.terms], e.most)
    table = [("from", "x", "weight", "x × weight", "sum so far"), ("bias", "", "", "", shortest(e.bias))]
    table += [rows[i] for i in shown]
    if rest:
        others = math.fsum(t.product for i, t in enumerate(e.terms) if i in rest)
        table.append((f"{len(rest)} others together", "", "", rounded(others), ""))
    lines = ["Forward: the bias, then one input after the other, each sum rounded once."]
    if e.passed:
        lines.append(f"x is what {', '.join(e.passed)} made of it.")
    lines += [
        "",
        *_indented(table),
        "",
        f"z = {shortest(e.z)}",
        f"a = {shortest(e.a)}   {e.activation}: {e.activated.formula}",
    ]
    if len(e.activated.parts) > 1:
        lines.append(f"    with {_parts(e.activated)}")
    return "\n".join(lines)


def _backward(e: Explanation) -> str:
    lines = ["Backward: the share of the error of this neuron."]
    for stage in e.way_back:
        lines += ["", *_stage(stage, e.most)]
    return "\n".join(lines)


def _stage(stage: Stage, most: int | None) -> list[str]:
    if stage.shares:
        rows = [
            (w.target, shortest(w.weight), shortest(w.delta), rounded(w.product), shortest(w.sum))
            for w in stage.shares
        ]
        shown, rest = _largest([w.product for w in stage.shares], most)
        table = [("to", "weight", "its delta", "weight × delta", "sum so far"), *(rows[i] for i in shown)]
        if rest:
            others = math.fsum(w.product for i, w in enumerate(stage.shares) if i in rest)
            table.append((f"{len(rest)} others together", "", "", rounded(others), ""))
        return [*_indented(table), f"{stage.name} = {shortest(stage.value)}"]
    if stage.formula == "x":
        return [f"{stage.name} = {next(iter(stage.parts))} = {shortest(stage.value)}"]
    if stage.formula in ("x × y", "x + y"):
        sign, names = stage.formula[1:-1], list(stage.parts)
        numbers = sign.join(map(shortest, stage.parts.values()))
        return [f"{stage.name} = {sign.join(names)} = {numbers} = {shortest(stage.value)}"]
    return [f"{stage.name} = {shortest(stage.value)}   {stage.formula}", f"    with {_parts(stage)}"]


def _parts(stage: Stage) -> str:
    return ", ".join(f"{name} = {shortest(value)}" for name, value in stage.parts.items()) or "the whole row"


def _step(e: Explanation) -> str:
    states = list(e.changes[0].states)
    is_changed = any(c.used != c.gradient for c in e.changes)
    rows = [_change(c, states, is_changed) for c in e.changes]
    n = len(rows) - len(e.terms)  # the bias, if there is one, is shown in any case
    shown, rest = _largest([c.gradient for c in e.changes[n:]], e.most)
    head = ["weight from", "x × delta", "gradient", *["as used"] * is_changed]
    head += [name for s in states for name in (f"{s} before", s)] + ["before", "after"]
    over = "this row" if e.n_rows == 1 else f"the {e.n_rows} rows"
    lines = [
        f"One step of {e.method}.",
        f"The gradient of a weight is the sum of x × delta over {over}.",
        "    " + ", ".join(f"{name} = {shortest(value)}" for name, value in e.numbers.items()),
        "",
        *_indented([tuple(head), *rows[:n], *(rows[n + i] for i in shown)]),
    ]
    if rest:
        lines.append(f"  and {len(rest)} others")
    if e.worked:
        lines += ["", f"Worked out for {e.worked[0]}", *(f"  {line}" for line in e.worked[1:])]
    return "\n".join(lines)


def _change(c: Change, states: Sequence[str], is_changed: bool) -> tuple[str, ...]:
    cells = [c.source, rounded(c.part), shortest(c.gradient), *[shortest(c.used)] * is_changed]
    for s in states:
        cells += [shortest(c.states_before[s]), shortest(c.states[s])]
    return (*cells, shortest(c.before), shortest(c.after))


SAID = {
    "arithmetic": "Worked out anew from the numbers above, in float32, and equal, bit for bit: {}.",
    "kernel": "Made anew by its kernel from this row alone, and equal, bit for bit: {}.",
    "predict": "What predict finds for this row is equal, bit for bit: {}.",
}
FOUND = {
    "arithmetic": "the numbers above give",
    "kernel": "its kernel makes of this row alone",
    "predict": "predict now finds",
}


def _verdict(e: Explanation) -> str:
    lines = [*e.notes, *(_difference(c) for c in e.checks if not c.is_equal)]
    for how, said in SAID.items():
        if what := [c.what for c in e.checks if c.how == how and c.is_equal]:
            lines.append(said.format(", ".join(what)))
    return "\n".join(lines)


def _difference(check: Check) -> str:
    many = "the next float32 number" if check.ulps == 1 else f"{check.ulps:,} float32 numbers away"
    return (
        f"DIFFERS: {check.what} is shown as {shortest(check.shown)}, but {FOUND[check.how]} "
        f"{shortest(check.found)}, {many}."
    )


def _largest(sizes: Sequence[float], most: int | None) -> tuple[list[int], set[int]]:
    """The places of the largest, in order, and the places of the others."""
    if most is None or len(sizes) <= most + 1:
        return list(range(len(sizes))), set()
    order = sorted(range(len(sizes)), key=lambda i: -abs(sizes[i]))
    return sorted(order[:most]), set(order[most:])


def _indented(table: Sequence[tuple[str, ...]]) -> list[str]:
    return [f"  {line}" for line in table_text(table[0], table[1:]).splitlines()]
