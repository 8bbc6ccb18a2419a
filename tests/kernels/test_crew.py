"""Helpers that compile: they make the same code, decline what is not theirs, and are never relied on."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import queue
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest

from pellucid import settings
from pellucid.errors import ArgumentError
from pellucid.kernels import build, compiler, crew
from pellucid.kernels.kernel import Kernel
from pellucid.kernels.loops import elementwise
from pellucid.kernels.products import products
from pellucid.kernels.rows import gather, put

X = np.arange(4, dtype=np.float32)


def line_of(steepness: float, name: str = "line") -> Kernel:
    """A kernel y = steepness * x + 1 that is made of functions inside this one."""

    def one_more(x: Any) -> Any:
        return x + 1

    def formula(x: Any) -> Any:
        return steepness * one_more(x) + (1 - steepness)

    return elementwise(name, "f(x)", (("f", formula),), ("x",), ("y",))


def result_of(kernel: Kernel, code: bytes) -> list[float]:
    """What machine code of such a kernel makes of 0, 1, 2, 3."""
    engine = llvm.create_mcjit_compiler(
        llvm.parse_assembly(""), llvm.Target.from_default_triple().create_target_machine()
    )
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    y = np.zeros_like(X)
    row = np.array([X.ctypes.data, 1, y.ctypes.data], np.int64)
    entry(engine.get_function_address(compiler.key(kernel)))(row.ctypes.data, None, 0, len(X))
    return [float(v) for v in y]


def module_with_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of somebody else's, which notes that it is imported in another process."""
    (tmp_path / "somebodys.py").write_text(
        "import pathlib, os\n"
        "LIMIT = 2.0\n"
        f"pathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch()\n"
        "def formula(x):\n    return x * LIMIT\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import somebodys  # type: ignore[import-not-found]

    module: ModuleType = somebodys
    return module


def test_a_helper_makes_code_of_what_it_is_sent_and_declines_what_it_would_have_to_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebodys = module_with_formula(tmp_path, monkeypatch)
    by_module = elementwise("theirs", "f(x)", (("f", lambda x: x * somebodys.LIMIT),), ("x",), ("y",))
    by_function = elementwise("theirs_too", "f(x)", (("f", somebodys.formula),), ("x",), ("y",))
    ours = [line_of(2.0), line_of(3.0, "another")]
    kernels = [ours[0], by_module, gather, by_function, ours[1]]
    for kernel in kernels:
        compiler.key(kernel)
    made: queue.SimpleQueue[tuple[Kernel, bytes]] = queue.SimpleQueue()
    helper = crew.Helper(deque(kernels), made)
    codes = dict(made.get(timeout=60) for _ in kernels)
    helper.leave()
    assert [len(codes[k]) > 0 for k in kernels] == [True, False, True, False, True]
    assert result_of(ours[0], codes[ours[0]]) == [1, 3, 5, 7]
    assert result_of(ours[1], codes[ours[1]]) == [1, 4, 7, 10]
    assert len([f for f in tmp_path.iterdir() if f.name.isdecimal()]) == 1, "imported here alone"


class Silent:
    """A helper that takes the first kernel and never answers, or says that it cannot."""

    answers = False

    def __init__(self, waiting: deque[Kernel], made: queue.SimpleQueue[tuple[Kernel, bytes]]) -> None:
        kernel = waiting.popleft()
        if self.answers:
            made.put((kernel, b""))

    def leave(self) -> None:
        """Nothing to end."""


class Declining(Silent):
    answers = True


@pytest.mark.parametrize("kind", [Silent, Declining])
def test_what_a_helper_does_not_deliver_is_compiled_here(
    kind: type[Silent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "Helper", kind)
    monkeypatch.setattr(crew, "how_many", lambda work: 2)
    monkeypatch.setattr(crew, "STARTING", 0.01)
    kernels = [gather, put, *products()]
    made = list(crew.machine_codes(kernels, lambda kernel: kernel.name.encode()))
    assert sorted(k.name for k, _ in made) == sorted(k.name for k in kernels)
    assert all(code == kernel.name.encode() for kernel, code in made)


def test_a_helper_that_delivers_late_is_not_waited_for_and_counted_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Late(Silent):
        def __init__(self, waiting: deque[Kernel], made: queue.SimpleQueue[tuple[Kernel, bytes]]) -> None:
            self.sent = (waiting.popleft(), b"late")
            self.made = made
            here.append(self)

    here: list[Late] = []

    def make(kernel: Kernel) -> bytes:
        if kernel is here[0].sent[0]:
            here[0].made.put(here[0].sent)
        return b"here"

    monkeypatch.setattr(crew, "Helper", Late)
    monkeypatch.setattr(crew, "how_many", lambda work: 1)
    monkeypatch.setattr(crew, "STARTING", 0.01)
    assert sorted(code for _, code in crew.machine_codes([gather, put], make)) == [b"here", b"here"]


@pytest.mark.parametrize("program", ["/nowhere/python3", "/bin/sh", ""])
def test_without_an_interpreter_to_start_all_is_compiled_here(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    monkeypatch.setenv("PELLUCID_THREADS", "8")
    made = dict(crew.machine_codes(list(products()), lambda kernel: b"code"))
    assert made == dict.fromkeys(products(), b"code")


def test_helpers_come_where_there_is_work_for_them_and_a_core_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3.11")
    monkeypatch.setattr(sys, "gettrace", lambda: None)
    monkeypatch.setattr(settings, "threads", lambda: 4)
    assert [crew.how_many(work) for work in (0.1, 1.7, 4.0, 1000.0)] == [0, 1, 2, 3]
    monkeypatch.setattr(settings, "threads", lambda: 1)
    assert crew.how_many(1000.0) == 0
    monkeypatch.setattr(settings, "threads", lambda: 64)
    assert crew.how_many(1000.0) == crew.HELPERS
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert crew.how_many(1000.0) == 0


def test_what_cannot_be_compiled_ends_in_its_sentence_and_no_helper_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def formula(x: Any) -> Any:
        return x + "text"

    broken = elementwise("broken", "f(x)", (("f", formula),), ("x",), ("y",))
    left: list[crew.Helper] = []

    class Watched(crew.Helper):
        def leave(self) -> None:
            super().leave()
            left.append(self)

    monkeypatch.setenv("PELLUCID_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(crew, "Helper", Watched)
    monkeypatch.setattr(crew, "how_many", lambda work: 1)
    with pytest.raises(ArgumentError, match="'broken' cannot be compiled"):
        compiler.addresses([broken])
    (helper,) = left
    process = helper._process
    assert not helper._thread.is_alive()
    assert process is None or process.returncode is not None


def test_longer_kernels_come_first_and_times_are_guessed_in_order() -> None:
    product, _ = products()
    assert crew.seconds(product) > crew.seconds(gather) > 0.05
    made = [k for k, _ in crew.machine_codes([put, product, gather], lambda kernel: b"code")]
    assert made[0] is product


def compiled_in_a_daemon(folder: str) -> tuple[bool, list[list[float]]]:
    """In a worker of a pool, which may have no children by multiprocessing's own means."""
    os.environ["PELLUCID_CACHE_DIR"] = folder
    kernels = [line_of(float(i), f"line_{i}") for i in range(4)]
    here: list[Kernel] = []

    def make(kernel: Kernel) -> bytes:
        time.sleep(0.5)  # so that a helper has its share
        here.append(kernel)
        return build.machine_code(kernel)

    for kernel in kernels:
        compiler.key(kernel)
    crew.how_many = lambda work: 1
    codes = dict(crew.machine_codes(kernels, make))
    return multiprocessing.current_process().daemon, [result_of(k, codes[k]) for k in kernels]


def test_a_daemon_of_a_pool_may_have_helpers(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        is_daemon, results = pool.apply(compiled_in_a_daemon, (str(tmp_path),))
    assert is_daemon
    assert results == [[1 + i * x for x in range(4)] for i in range(4)]


def test_nobody_waits_for_a_helper_whose_parent_has_gone() -> None:
    command = [sys.executable, *crew.MEMBER]
    helper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, _ = helper.communicate(pickle.dumps(sys.path), timeout=60)
    assert out == b""
