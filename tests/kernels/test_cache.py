"""Compiled kernels on disk: loaded without Numba, safe when damaged, unwritable or made by two at once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pellucid.kernels import cache

# Compiles and runs one small kernel: y = STEEPNESS * x + helper(x).
ONE_KERNEL = """
import ctypes, sys
import numpy as np
from pellucid.kernels import compiler
from pellucid.kernels.loops import elementwise

def helper(x):
    return x + OFFSET

def formula(x):
    return STEEPNESS * x + helper(x)

OFFSET = {offset}
STEEPNESS = {steepness}
kernel = elementwise("line", "f(x)", (("f", formula),), ("x",), ("y",))
entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
x, y = np.arange(4, dtype=np.float32), np.zeros(4, np.float32)
row = np.array([x.ctypes.data, 1, y.ctypes.data], np.int64)
entry(compiler.addresses([kernel])[kernel])(row.ctypes.data, None, 0, 4)
print(*y, "numba" in sys.modules)
"""

# Trains a network in a fresh process.
ONE_FIT = """
import sys
import numpy as np
from pellucid import Dense, Input, Network
X = np.linspace(-1, 1, 40).reshape(20, 2)
net = Network([Input(2), Dense(3, "tanh"), Dense(1)], seed=0)
net.fit(X, X[:, 0] * X[:, 1], epochs=3, batch_size=8)
net.predict(X), net(X[0])
print([m for m in ("numba", "polars", "rich", "sklearn", "matplotlib") if m in sys.modules])
"""


def python(code: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run some code in a fresh process, with the cache in a folder."""
    given = {} if folder is None else {"PELLUCID_CACHE_DIR": str(folder)}
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, env=os.environ | given, capture_output=True, text=True, timeout=300)


def line_of(steepness: float = 2.0, offset: float = 0.5) -> str:
    """The script of the kernel with its numbers put in."""
    return ONE_KERNEL.format(steepness=steepness, offset=offset)


def objects(folder: Path) -> list[Path]:
    """The files of the cache."""
    return sorted(f for f in folder.rglob("*") if f.is_file())


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the kernel."""
    folder = tmp_path_factory.mktemp("compiled")
    python(line_of(), folder)
    return folder


@pytest.fixture
def warm(compiled: Path, tmp_path: Path) -> Path:
    """A copy of that cache."""
    shutil.copytree(compiled, tmp_path, dirs_exist_ok=True)
    return tmp_path


NOTE = r"pellucid: compiling 1 kernel for this CPU \(line\), once: \d+\.\d s\n"


def test_second_process_loads_without_numba_and_says_nothing(tmp_path: Path) -> None:
    first, second = python(line_of(), tmp_path), python(line_of(), tmp_path)
    assert first.stdout == "0.5 3.5 6.5 9.5 True\n"
    assert re.fullmatch(NOTE, first.stderr)
    assert (second.stdout, second.stderr) == ("0.5 3.5 6.5 9.5 False\n", "")
    assert len(objects(tmp_path)) == 1


def test_a_whole_fit_is_compiled_in_one_go_and_needs_no_numba_afterwards() -> None:
    first, again = python(ONE_FIT), python(ONE_FIT)
    assert len(first.stderr.splitlines()) <= 1  # none where other tests have compiled all of it
    assert (again.stdout, again.stderr) == ("[]\n", "")


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_file_only_costs_time(warm: Path, damage: str) -> None:
    (file,) = objects(warm)
    content = file.read_bytes()
    hurt = {
        "truncated": content[: len(content) // 2],
        "flipped": content[:-200] + bytes([content[-200] ^ 1]) + content[-199:],
    }[damage]
    file.write_bytes(hurt)
    again = python(line_of(), warm)
    assert again.stdout == "0.5 3.5 6.5 9.5 True\n"
    assert re.fullmatch(NOTE, again.stderr)
    assert len(file.read_bytes()) == len(content)
    assert python(line_of(), warm).stdout == "0.5 3.5 6.5 9.5 False\n"


def test_no_damage_of_one_byte_goes_unseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_CACHE_DIR", str(tmp_path))
    code = bytes(range(256))
    assert cache.load("kernel") is None
    cache.store("kernel", code)
    assert cache.load("kernel") == code
    (file,) = objects(tmp_path)
    content = file.read_bytes()
    for i in range(len(content)):
        file.write_bytes(content[:i] + bytes([content[i] ^ 0x80]) + content[i + 1 :])
        assert cache.load("kernel") is None
        file.write_bytes(content[:i])
        assert cache.load("kernel") is None
    cache.store("kernel", code)
    assert cache.load("kernel") == code


def test_a_cache_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ran = python(line_of(), tmp_path / "file" / "below")
    assert ran.stdout == "0.5 3.5 6.5 9.5 True\n"
    assert re.fullmatch(NOTE, ran.stderr)
    assert objects(tmp_path) == [tmp_path / "file"]


def test_a_folder_where_the_file_belongs_only_costs_time(warm: Path) -> None:
    (file,) = objects(warm)
    file.unlink()
    file.mkdir()
    assert python(line_of(), warm).stdout == "0.5 3.5 6.5 9.5 True\n"
    assert objects(warm) == []


def test_processes_that_compile_at_once_are_all_right(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", line_of()]
    env = os.environ | {"PELLUCID_CACHE_DIR": str(tmp_path)}
    running = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {p.communicate(timeout=300)[0].rsplit(" ", 1)[0] for p in running} == {"0.5 3.5 6.5 9.5"}
    assert [p.returncode for p in running] == [0, 0, 0]
    assert len(objects(tmp_path)) == 1
    assert python(line_of(), tmp_path).stdout == "0.5 3.5 6.5 9.5 False\n"


def test_an_edited_formula_or_helper_is_compiled_anew(warm: Path) -> None:
    assert python(line_of(steepness=3.0), warm).stdout == "0.5 4.5 8.5 12.5 True\n"
    assert python(line_of(offset=-1.0), warm).stdout == "-1.0 2.0 5.0 8.0 True\n"
    assert python(line_of(), warm).stdout == "0.5 3.5 6.5 9.5 False\n"


# A body too long to be inlined, so that the object file holds it as a function of its own.
LONG_KERNEL = """
import ctypes, sys
import numpy as np
from pellucid.kernels import compiler
from pellucid.kernels.kernel import kernel

def run(scale):
    lines = [f"        v = np.float32(np.cos(v) + np.float32({scale}) * v)" for i in range(40)]
    source = ["def long_body(x, lo, hi):", "    for i in range(lo, hi):", "        v = x[i]", *lines]
    space = {"np": np}
    exec("\\n".join([*source, "        x[i] = v"]), space)
    made = kernel(x="update part")(space["long_body"])
    entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    x = np.ones(1, np.float32)
    entry(compiler.addresses([made])[made])(np.array([x.ctypes.data]).ctypes.data, None, 0, 1)
    return x[0]

for scale in map(float, sys.argv[1:]):
    print(run(scale))
"""


def test_kernels_of_one_name_from_two_processes_stay_apart(tmp_path: Path) -> None:
    """Each process counts the functions it compiles from the same number on, so their inner names agree."""

    def run(*scales: str) -> list[str]:
        command = [sys.executable, "-c", LONG_KERNEL, *scales]
        env = os.environ | {"PELLUCID_CACHE_DIR": str(tmp_path)}
        return subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout.split()

    one, half = run("0.25"), run("0.5")
    assert one != half
    assert run("0.25", "0.5") == one + half
    assert run("0.5", "0.25") == half + one


def test_the_folder_follows_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_CACHE_DIR", str(tmp_path / "elsewhere"))
    assert cache.folder().is_relative_to(tmp_path / "elsewhere")
    cache.store("kernel", b"code")
    assert [f.name for f in objects(tmp_path)] == ["kernel.o"]


def test_nothing_but_the_finished_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_CACHE_DIR", str(tmp_path))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    cache.store("kernel", b"code")
    assert objects(tmp_path) == []
    assert cache.load("kernel") is None
