"""Compiled kernels kept on disk, so that a machine compiles each of them once.

One folder per state of everything that decides what a kernel compiles to: the sources of this
package, the versions of Python, Numba, llvmlite and pellucid, and the CPU. A file is a checksum
and an object file, written under a temporary name and renamed, so processes that compile at the
same time are safe. A cache that cannot be read or written costs time, never correctness.

What is not in the user's cache may stand in the package, put there by whoever built it; see `pellucid.ahead`.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pellucid
from pellucid import settings
from pellucid.kernels import cpu

CHECKSUM = 32  # bytes of SHA-256
SHIPPED = Path(__file__).parents[1] / "compiled" / "kernels"  # what a package for known CPUs brings


def load(key: str) -> bytes | None:
    """The object file kept under `key`, or None where there is no sound one."""
    for place in (folder(), SHIPPED / state()):
        try:
            content = (place / f"{key}.o").read_bytes()
        except OSError:
            continue
        checksum, code = content[:CHECKSUM], content[CHECKSUM:]
        if code and hashlib.sha256(code).digest() == checksum:
            return code
    return None


def store(key: str, code: bytes) -> None:
    """Keep an object file under `key`, if the folder can be written."""
    temporary = None
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder(), prefix=key, suffix=".part", delete=False) as file:
            temporary = file.name
            file.write(hashlib.sha256(code).digest() + code)
        os.replace(temporary, folder() / f"{key}.o")
    except OSError:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def folder() -> Path:
    """The folder of this state."""
    return settings.cache_dir() / "kernels" / state()


@functools.cache
def state() -> str:
    """Names everything that decides what a kernel compiles to, but the kernel."""
    import llvmlite

    here = Path(__file__).parent
    parts = [f.name.encode() + f.read_bytes() for f in sorted(here.glob("*.py"))]
    parts += [p.encode() for p in (sys.version, pellucid.__version__, llvmlite.__version__)]
    parts += [_version_of_numba()]
    parts += [cpu.name().encode(), repr(sorted(cpu.features().items())).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _version_of_numba() -> bytes:
    """The file that holds it, or the version itself; to import Numba for it would take half of a start."""
    spec = find_spec("numba")
    try:
        return Path(str(spec and spec.origin)).with_name("_version.py").read_bytes()
    except OSError:
        from importlib.metadata import version  # takes 18 ms

        return version("numba").encode()
