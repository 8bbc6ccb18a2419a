"""How Numba makes machine code for this package: of a whole kernel only, once everything it calls is in it.

By itself Numba makes and loads machine code of each function that it compiles, for callers in Python; a
kernel is called by its address alone, so that of its parts would be thrown away.

Imported only while something is compiled.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.registry import CPUDispatcher, CPUTarget, cpu_target


class Part(JITCodeLibrary):
    """The body of a kernel: optimised, and kept as LLVM's code."""

    def _finalize_specific(self) -> None:
        """Load nothing."""


class Callee(Part):
    """What a body calls: optimised in the body."""

    def _optimize_final_module(self) -> None:
        """Change nothing."""


class Whole(Part):
    """A kernel; no function but the one with its name is seen from outside.

    Numba counts the functions of a process to name them, so two kernels that two processes compiled may
    hold different functions of one name; loaded side by side, one of them would be called for both.
    """

    def _optimize_final_module(self) -> None:
        super()._optimize_final_module()
        for function in self._final_module.functions:
            if not function.is_declaration and function.name != self.name:
                function.linkage = binding.Linkage.internal

    def machine_code(self) -> bytes:
        """An object file."""
        self._ensure_finalized()
        return bytes(self._codegen._tm.emit_object(self._final_module))


class Codegen(JITCPUCodegen):
    """Makes libraries of one kind."""

    def __init__(self, kind: type[Part]) -> None:
        self._library_class = kind
        super().__init__(f"pellucid.{kind.__name__}")

    def _add_module(self, module: Any) -> None:
        """Load nothing."""

    def set_env(self, env_name: str, env: Any) -> None:
        """Nothing is loaded whose environment could be set."""


class Target(CPUTarget):
    """The CPU, in the types and functions that Numba knows for it, with libraries of one kind."""

    def __init__(self, kind: type[Part]) -> None:
        super().__init__("cpu")
        self._codegen = Codegen(kind)

    @property
    def typing_context(self) -> Any:
        return cpu_target.typing_context

    @property
    def target_context(self) -> Any:
        return cpu_target.target_context.subtarget(_internal_codegen=self._codegen)


class BodyDispatcher(CPUDispatcher):
    """A kernel's body."""

    targetdescr = Target(Part)


class CalleeDispatcher(CPUDispatcher):
    """A function that compiled code calls."""

    targetdescr = Target(Callee)


WHOLE = Codegen(Whole)
