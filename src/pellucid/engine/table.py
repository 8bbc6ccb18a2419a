"""A plan as the numbers that `kernels.team.run` reads; each program puts its own addresses in."""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from pellucid.engine.buffer import Array, Buffer
from pellucid.kernels.kernel import Kernel
from pellucid.kernels.team import ROWS_OF_BATCH

if TYPE_CHECKING:
    from pellucid.engine.plan import Plan

NUMBER, BITS = struct.Struct("d"), struct.Struct("q")  # a setting stands among whole numbers by its bits


class Table:
    """The numbers of a plan, with zeros where an address comes.

    Parameters
    ----------
    plan : Plan
        The plan.

    Attributes
    ----------
    kernels : list of Kernel
        Those whose addresses are needed.
    given : dict of Buffer to list of int
        Of each buffer that is given: where its address comes among the arguments.
    """

    def __init__(self, plan: Plan) -> None:
        kernels: dict[Kernel, list[int]] = {}
        buffers: dict[Buffer, list[int]] = {}
        program, arguments, places, starts = [len(plan.stages)], list[int](), list[int](), list[int]()
        for stage in plan.stages:
            program.append(len(stage.groups))
            for group in stage.groups:
                size = ROWS_OF_BATCH if group.axis.size is None else group.axis.size
                program += [size, group.axis.grain, group.axis.block, len(group.calls)]
                for call in group.calls:
                    kernels.setdefault(call.kernel, []).append(len(program))
                    places.append(len(program) + 1)
                    starts.append(len(arguments))
                    program += [0, 0]
                    for argument in call.arguments:
                        if isinstance(argument, Buffer):
                            buffers.setdefault(argument, []).append(len(arguments))
                            arguments.append(0)
                        elif isinstance(argument, float):
                            arguments += BITS.unpack(NUMBER.pack(argument))
                        else:
                            arguments.append(argument)
        self.given = {b: at for b, at in buffers.items() if b.given}
        own = {b: at for b, at in buffers.items() if not b.given}
        self.kernels, self._buffers = list(kernels), list(own)
        self._program, self._arguments = np.array(program, np.int64), np.array(arguments, np.int64)
        self._kernels_at, self._buffers_at = _Places(kernels.values()), _Places(own.values())
        self._rows_at, self._starts = np.array(places, np.intp), 8 * np.array(starts, np.int64)

    def arguments(self, buffers: Mapping[Buffer, int]) -> Array:
        """The argument rows of all calls, one behind the other; the places of given buffers stay 0."""
        arguments = self._arguments.copy()
        self._buffers_at.fill(arguments, [buffers[b] for b in self._buffers])
        return arguments

    def program(self, kernels: Mapping[Kernel, int], arguments: Array) -> Array:
        """Stages, groups and calls, see `kernels.team`."""
        program = self._program.copy()
        self._kernels_at.fill(program, [kernels[k] for k in self.kernels])
        program[self._rows_at] = self._starts + arguments.ctypes.data
        return program


class _Places:
    """Where the address of each of some things comes."""

    def __init__(self, places: Collection[list[int]]) -> None:
        self._places = np.array([at for found in places for at in found], np.intp)
        self._counts = np.array([len(found) for found in places], np.intp)

    def fill(self, numbers: Array, addresses: list[int]) -> None:
        """Put addresses there, one for each thing."""
        numbers[self._places] = np.repeat(np.array(addresses, np.int64), self._counts)
