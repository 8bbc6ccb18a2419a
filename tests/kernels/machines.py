"""Compiles kernels for the CPU that we run on, and for others to read what becomes of them there."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any

import llvmlite.binding as llvm
import pytest
from numba.core.compiler_lock import global_compiler_lock

from pellucid.kernels import build, cache, jit
from pellucid.kernels.codegen import WHOLE, BodyDispatcher, CalleeDispatcher, Part
from pellucid.kernels.kernel import Kernel

MAKERS = [WHOLE, *(d.targetdescr._codegen for d in (BodyDispatcher, CalleeDispatcher))]


@dataclass(frozen=True)
class Machine:
    """A CPU in LLVM's words; empty ones are those of the CPU that we run on."""

    triple: str = ""
    cpu: str = ""
    features: str = ""

    @functools.cached_property
    def target(self) -> Any:
        """What LLVM makes code with."""
        if not self.triple:
            return WHOLE._tm
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
        return llvm.Target.from_triple(self.triple).create_target_machine(
            self.cpu, self.features, opt=3, reloc="static", codemodel="jitdefault", jit=True
        )

    def assembly(self, kernel: Kernel) -> str:
        """What a kernel is compiled to, kept beside the compiled kernels."""
        name = f"{jit.key(kernel)}-{jit.digest(*astuple(self))}"
        if known := cache.load(name):
            return known.decode()
        with global_compiler_lock, self._in_use():
            library = build.library(kernel)
            text = str(library.get_asm_str())
        cache.store(name, text.encode())
        if self == HERE:
            cache.store(jit.key(kernel), library.machine_code())  # so that no other test compiles it again
        return text

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        optimise = Part._optimize_final_module

        def for_this_machine(part: Part) -> None:
            part._final_module.triple = self.triple
            part._final_module.data_layout = str(self.target.target_data)
            optimise(part)

        with pytest.MonkeyPatch.context() as patch:
            if self.triple:
                patch.setattr(Part, "_optimize_final_module", for_this_machine)
                for maker in MAKERS:
                    patch.setattr(maker, "_tm", self.target)
            yield


HERE = Machine()
AVX2 = Machine("x86_64-unknown-linux-gnu", "haswell")
NEON = Machine("aarch64-unknown-linux-gnu", "neoverse-n1")
