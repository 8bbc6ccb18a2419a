"""Runs the examples of pages and keeps the outputs that stand below them true.

    python docs/make_outputs.py docs/arrays.md            writes what the examples print
    python docs/make_outputs.py --check docs/arrays.md    only compares, as the tests do

The examples of a page run one after the other, in one namespace, in a temporary folder that holds
`penguins.csv` and `examples/`. What a ```python block prints stands in a ```text block right behind it; a
```console block holds commands, each after `$ `, and what they print; in the README only how that begins.
Numbers are compared to four digits, but not those of a command, nor where `<!-- numbers vary -->` stands
before an output: training ends in other last digits on another kind of CPU. `...` in an output stands for
anything, and such an output is not rewritten.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARY = "<!-- numbers vary -->"
NUMBER = re.compile(r"[-−]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?|\bnan\b|\binf\b")
WORDS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, its text, and where the text begins and ends."""

    language: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Output:
    """What a page shows where, and what was printed."""

    shown: str
    printed: str
    start: int
    end: int
    numbers_vary: bool


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(m[1], m[2], m.start(2), m.end(2)) for m in FENCE.finditer(page)]


def outputs(page: str, name: str) -> Iterator[Output]:
    """Run the examples of a page in the current folder.

    Parameters
    ----------
    page : str
        Its text.
    name : str
        The path of its file.
    """
    found = blocks(page)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for at, block in enumerate(found):
        if block.language == "python":
            stream = io.StringIO()
            line = page.count("\n", 0, block.start)
            code = compile("\n" * line + block.text, name, "exec")
            with contextlib.redirect_stdout(stream):
                exec(code, namespace)
            below = found[at + 1] if at + 1 < len(found) else None
            if below and below.language == "text":
                between = page[block.end + len("```") : below.start].removesuffix("```text\n").strip()
                if between in ("", VARY):
                    printed = stream.getvalue()
                    yield Output(below.text, printed, below.start, below.end, between == VARY)
        elif block.language == "console":
            for part in re.finditer(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
                printed = run_command(part[1])
                if Path(name).name == "README.md":
                    printed = "".join(printed.splitlines(keepends=True)[: part[2].count("\n")])
                yield Output(part[2], printed, block.start + part.start(2), block.start + part.end(2), True)


def run_command(command: str) -> str:
    """What a command prints on standard output, and on standard error too where it fails."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, "COLUMNS": "110"}
    run = subprocess.run(command, shell=True, env=environment, stdin=subprocess.DEVNULL, capture_output=True)
    said = run.stdout + run.stderr if run.returncode else run.stdout
    return said.decode("utf-8")


def differs(output: Output) -> str:
    """How what was printed differs from what is shown; empty if it does not."""
    shown, printed = (re.sub(r"[-─━═]{3,}", "---", text) for text in (output.shown, output.printed))
    if not doctest.OutputChecker().check_output(NUMBER.sub("#", shown), NUMBER.sub("#", printed), WORDS):
        return f"shown:\n{output.shown}printed:\n{output.printed}"
    if output.numbers_vary or "..." in shown:
        return ""
    for a, b in zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=True):
        x, y = (float(text.replace(",", "").replace("−", "-")) for text in (a, b))
        if not math.isclose(x, y, rel_tol=1e-4, abs_tol=1e-7) and not (math.isnan(x) and math.isnan(y)):
            return f"shown {a}, but printed {b} in:\n{output.printed}"
    return ""


def rewritten(page: str, results: list[Output]) -> str:
    """The page with what was printed."""
    for output in reversed(results):
        if "..." not in output.shown:
            text = "\n".join(line.rstrip() for line in output.printed.splitlines())
            page = page[: output.start] + (text + "\n" if text else "") + page[output.end :]
    return page


@contextlib.contextmanager
def working_folder() -> Iterator[None]:
    """A temporary folder with the example tables."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "examples", Path(folder, "examples"))
        shutil.copy(ROOT / "examples" / "penguins.csv", folder)
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def main(arguments: list[str]) -> int:
    """Check or rewrite pages; gives the exit code."""
    only_check, failed = "--check" in arguments, False
    for path in (Path(a).resolve() for a in arguments if a != "--check"):
        page = path.read_text(encoding="utf-8")
        try:
            with working_folder():
                results = list(outputs(page, str(path)))
        except Exception:
            traceback.print_exc()
            failed = True
            continue
        if not only_check:
            path.write_text(rewritten(page, results), encoding="utf-8")
            continue
        for output in results:
            if difference := differs(output):
                failed = True
                print(f"{path.name}, line {page.count(chr(10), 0, output.start) + 1}: {difference}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
