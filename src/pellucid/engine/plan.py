"""A step of a network as data: stages of kernel calls, and the proof that they may run side by side.

Inside a stage no thread needs what another makes; between two stages all threads meet. `PlanBuilder`
finds the stages by itself from what each kernel declares to read and write, and `Plan.check` proves
of the finished plan that nothing is read before it is written and no two threads touch one place
where one of them writes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

from pellucid.engine.buffer import Buffer
from pellucid.engine.table import Table
from pellucid.errors import InternalError
from pellucid.kernels.kernel import Access, Kernel

Operand = Buffer | int | float


@dataclass(frozen=True, eq=False)
class Axis:
    """Work that threads share: each takes a run of neighbours, in whole grains.

    Parameters
    ----------
    name : str
        Such as `rows of the batch`.
    size : int or None
        How many there are; None means the rows of the batch, which a run decides.
    grain : int
        Neighbours that stay together.
    block : int
        How many a thread takes through all calls of a group before it takes the next.
    """

    name: str
    size: int | None
    grain: int = 1
    block: int = 1 << 40


@dataclass(eq=False, slots=True)
class Call:
    """One kernel at work on its operands along an axis.

    Attributes
    ----------
    arguments : tuple
        The value of each of the kernel's parameters, in their order.
    uses : tuple of (Buffer, Access)
        Each buffer it touches, and how.
    """

    kernel: Kernel
    axis: Axis
    operands: dict[str, Operand]
    arguments: tuple[Operand, ...] = field(init=False)
    uses: tuple[tuple[Buffer, Access], ...] = field(init=False)

    def __post_init__(self) -> None:
        operands, kernel = self.operands, self.kernel
        arguments: list[Operand] = []
        for parameter in kernel.parameters:
            value = operands.get(parameter)
            if value is None:
                value = self._size(parameter)
            arguments.append(value)
        self.arguments = tuple(arguments)
        buffers = cast("dict[str, Buffer]", operands)
        self.uses = tuple([(buffers[name], access) for name, access in kernel.operands.items()])

    def _size(self, parameter: str) -> int:
        """What an argument is that nobody gives: a size of an operand."""
        if parameter == "now":
            return 0
        name, size = self.kernel.sizes.get(parameter, ("", ""))
        buffer = self.operands.get(name)
        if not isinstance(buffer, Buffer):
            raise InternalError(f"kernel {self.kernel.name!r} lacks its argument {parameter!r}")
        return int(getattr(buffer, size))

    def __str__(self) -> str:
        made = [b for b, a in self.uses if a.writes]
        read = [b for b, a in self.uses if a.reads and b not in made]
        return f"{self.kernel.name}: {', '.join(map(str, read))} -> {', '.join(map(str, made))}"


@dataclass(frozen=True, eq=False)
class Group:
    """Calls that share an axis and run one after the other on each block of it."""

    axis: Axis
    calls: tuple[Call, ...]


@dataclass(frozen=True, eq=False)
class Stage:
    """Groups that need no meeting of the threads."""

    groups: tuple[Group, ...]


class Traffic:
    """Who has touched which buffer in one stage: can one more call do without a meeting of the threads?

    Two calls are apart at a buffer if each thread touches its own part of it only, and the same in both.
    """

    def __init__(self) -> None:
        # by buffer: the axis that all who touch it share (None where they are not apart), whether they
        # share its columns rather than its rows, and whether one of them writes
        self._seen: dict[Buffer, tuple[Axis | None, bool, bool]] = {}

    def clash(self, call: Call) -> Buffer | None:
        """A buffer that this call may not touch beside those of the stage."""
        for buffer, access in call.uses:
            if (seen := self._seen.get(buffer)) is not None:
                axis, across, is_written = seen
                apart = access.part and axis is call.axis and across is access.across
                if (is_written or access.writes) and not apart:
                    return buffer
        return None

    def add(self, call: Call) -> None:
        """Take note of a call of the stage."""
        for buffer, access in call.uses:
            axis, writes = call.axis if access.part else None, access.writes
            if (seen := self._seen.get(buffer)) is not None:
                if axis is not seen[0] or access.across is not seen[1]:
                    axis = None
                writes = writes or seen[2]
            self._seen[buffer] = axis, access.across, writes


@dataclass(frozen=True, eq=False)
class Plan:
    """A step as stages of groups of calls.

    Parameters
    ----------
    stages : tuple of Stage
        What happens, in order.
    ready : frozenset of Buffer
        Buffers that hold something before the first stage: parameters, optimizer state, data.
    """

    stages: tuple[Stage, ...]
    ready: frozenset[Buffer]

    def calls(self) -> Iterator[Call]:
        """All calls in order."""
        for stage in self.stages:
            for group in stage.groups:
                yield from group.calls

    def kernels(self) -> list[Kernel]:
        """The kernels it needs, each once."""
        return self.numbers.kernels

    def buffers(self) -> list[Buffer]:
        """The buffers it touches, each once."""
        return list(dict.fromkeys(b for c in self.calls() for b, _ in c.uses))

    @functools.cached_property
    def numbers(self) -> Table:
        """The plan as compiled code reads it, for all programs that are made of it."""
        return Table(self)

    def check(self) -> None:
        """Prove that the plan may run on any number of threads.

        Raises
        ------
        InternalError
            If something is read before it is written, one call touches a buffer twice and writes it, or
            two threads could touch one place of a buffer while one of them writes.
        """
        written = set(self.ready)
        for stage in self.stages:
            traffic, before = Traffic(), list[Call]()
            for call in (c for g in stage.groups for c in g.calls):
                _check_alone(call, written)
                if (buffer := traffic.clash(call)) is not None:
                    other = next(c for c in before if _meet(c, call))
                    names = f"{other.kernel.name!r} and {call.kernel.name!r} meet at {buffer.name!r}"
                    raise InternalError(f"{names} in one stage")
                traffic.add(call)
                before.append(call)

    def table(self) -> str:
        """The plan for people: a line for each call, by stage and group."""
        lines = []
        for s, stage in enumerate(self.stages, 1):
            lines.append(f"stage {s}")
            for group in stage.groups:
                size = "" if group.axis.size is None else f" ({group.axis.size})"
                lines.append(f"  each thread its {group.axis.name}{size}")
                lines += [f"    {call}" for call in group.calls]
        return "\n".join(lines)


def _check_alone(call: Call, written: set[Buffer]) -> None:
    """That a call finds what it reads, and its threads do not write one place; adds what it writes."""
    name, uses = call.kernel.name, call.uses
    for buffer, access in uses:
        if access.reads and buffer not in written:
            raise InternalError(f"{name!r} reads {buffer.name!r} before it is written")
        if access.writes and not access.part and call.axis.size != 1:
            raise InternalError(f"several threads of {name!r} write all of {buffer.name!r}")
    if not call.kernel.overlaps and len(dict(uses)) < len(uses):
        for buffer, access in uses:
            if access.writes and sum(buffer is b for b, _ in uses) > 1:
                raise InternalError(f"{name!r} writes {buffer.name!r}, which it has twice")
    for buffer, access in uses:
        if access.writes:
            written.add(buffer)


def _meet(one: Call, other: Call) -> bool:
    """Whether two calls may not stand in one stage."""
    traffic = Traffic()
    traffic.add(one)
    return traffic.clash(other) is not None


class PlanBuilder:
    """Collects calls and puts them into stages."""

    def __init__(self) -> None:
        self.stages: list[list[Call]] = [[]]
        self._traffic = Traffic()

    def add(self, kernel: Kernel, axis: Axis, **operands: Operand) -> None:
        """Append a call; it begins a new stage where it needs what other threads have made."""
        call = Call(kernel, axis, operands)
        if self._traffic.clash(call):
            self.stages.append([])
            self._traffic = Traffic()
        self.stages[-1].append(call)
        self._traffic.add(call)

    def plan(self, ready: Iterable[Buffer]) -> Plan:
        """The finished plan, checked."""
        plan = Plan(tuple(Stage(_groups(calls)) for calls in self.stages if calls), frozenset(ready))
        plan.check()
        return plan


def _groups(calls: list[Call]) -> tuple[Group, ...]:
    """Neighbours on the same axis share a group."""
    groups: list[tuple[Axis, list[Call]]] = []
    for call in calls:
        if not groups or groups[-1][0] is not call.axis:
            groups.append((call.axis, []))
        groups[-1][1].append(call)
    return tuple(Group(axis, tuple(c)) for axis, c in groups)
