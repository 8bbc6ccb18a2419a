"""`python -m benchmarks.guard`: compares instruction counts of fixed workloads with those that are kept."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.guard.callgrind import counts
from benchmarks.guard.counted import all_counted
from benchmarks.guard.narrow import ENVIRONMENT
from benchmarks.measure import ROOT
from benchmarks.report import table

EXPECTED = Path(__file__).with_name("expected.json")
TOLERANCE = 0.01  # of the expected count
WORKER = ["-m", "benchmarks.guard.counted"]


def main() -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.guard", description=__doc__)
    add = parser.add_argument
    add("--update", action="store_true", help="keep what is counted now; say in the commit what changed it")
    add("--tolerance", type=float, default=TOLERANCE, help=f"share by which a count may differ ({TOLERANCE})")
    args = parser.parse_args()
    if why := obstacle():
        print(why, file=sys.stderr)
        return 2
    found = measured()
    if args.update:
        EXPECTED.write_text(json.dumps({"with": versions(), "instructions": found}, indent=1) + "\n")
        print(f"wrote {EXPECTED.relative_to(ROOT)}.")
        return 0
    kept = json.loads(EXPECTED.read_text())
    if kept["with"] != versions():
        others = ", ".join(f"{name} {v}" for name, v in kept["with"].items())
        print(f"The kept counts were made with {others}; others may compile to more or fewer instructions.")
    text, sound = compared(kept["instructions"], found, args.tolerance)
    print(text)
    return 0 if sound else 1


def obstacle() -> str | None:
    """Why nothing can be counted here, and what to do."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return f"instructions are counted for x86-64, not {platform.machine()}; run this on such a machine."
    if shutil.which("valgrind") is None:
        return (
            "valgrind is not installed, so nothing can be counted: install it (it is a package of that name "
            "on most systems), or compare times, old and new in turn, with python -m benchmarks."
        )
    return None


def versions() -> dict[str, str]:
    """What decides, beside pellucid, how many instructions there are."""
    return {"Python": platform.python_version(), **{n: version(n) for n in ("numba", "llvmlite", "numpy")}}


def measured() -> dict[str, int]:
    """Instructions of one of each workload. Kernels are compiled first, outside valgrind."""
    variables = {**os.environ, **ENVIRONMENT, "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    if subprocess.run([sys.executable, *WORKER], cwd=ROOT, env=variables).returncode:
        raise SystemExit("the workloads failed outside valgrind; what was said stands above.")
    with tempfile.TemporaryDirectory() as folder:
        options = ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/out", "--quiet"]
        command = ["valgrind", *options, sys.executable, *WORKER]
        if subprocess.run(command, cwd=ROOT, env=variables).returncode:
            raise SystemExit("the workloads failed within valgrind; what it said stands above.")
        found = counts(Path(folder))
    return {n: c.one(found[f"{n} | small"], found[f"{n} | large"]) for n, c in all_counted().items()}


def compared(kept: dict[str, int], found: dict[str, int], tolerance: float) -> tuple[str, bool]:
    """A table of kept and found counts with a verdict, and whether none grew by more than is tolerated."""
    rows, grown, shrunk = [], 0, 0
    for name in found:
        before: Any = kept.get(name)
        change = found[name] / before - 1 if before else 0.0
        grown += change > tolerance
        shrunk += change < -tolerance
        verdict = "new" if not before else "MORE" if change > tolerance else ""
        verdict = verdict or ("fewer" if change < -tolerance else "as before")
        before_text = f"{before:,}" if before else "–"
        rows.append([name, before_text, f"{found[name]:,}", f"{100 * change:+.2f} %", verdict])
    text = table(["instructions of", "expected", "found", "change", ""], rows)
    if grown:
        text += f"\n\n{grown} of {len(found)} take more. If that is worth it, --update and say why."
    elif shrunk or set(kept) != set(found):
        text += "\n\nNone takes more than before. Keep what was gained: --update."
    return text, not grown


if __name__ == "__main__":
    sys.exit(main())
