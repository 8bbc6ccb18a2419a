"""`python -m benchmarks.scaling`: time and memory of trainings as rows, width, depth and batch grow."""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.ceilings import ceilings
from benchmarks.floors import operations
from benchmarks.machine import cores, machine
from benchmarks.measure import ROOT
from benchmarks.report import duration, table
from benchmarks.scaling import picture
from benchmarks.scaling.cases import FIXED, Case, all_cases

Figures = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.scaling", description=__doc__)
    add = parser.add_argument
    add("--json", type=Path, metavar="FILE", default=Path("scaling.json"), help="figures (scaling.json)")
    add("--seconds", type=float, default=float("inf"), help="begin nothing after so long; run again to go on")
    add("--factors", nargs="+", choices=list(FIXED), default=list(FIXED), help="some of them")
    add("--afresh", action="store_true", help="forget the figures that the file holds")
    add("--plot", type=Path, metavar="FILE", help="draw them: .svg, .png or .pdf")
    args = parser.parse_args()
    kept: Figures = {"cases": {}}
    if args.json.exists() and not args.afresh:
        kept = json.loads(args.json.read_text())
    cases = [case for case in all_cases() if case.factor in args.factors]
    left = measure(cases, kept, args.json, time.perf_counter() + args.seconds)
    done = [case for case in cases if case.name in kept["cases"]]
    print("\n\n".join(factor_table(f, done, kept["cases"]) for f in args.factors))
    if left:
        print(f"\n{left} of {len(cases)} are left: run it again.")
    if args.plot and done:
        picture.draw(args.plot, done, kept["cases"], kept["ceilings"]["all_cores"])
    return 0


def measure(cases: list[Case], kept: Figures, path: Path, deadline: float) -> int:
    """Measure what is not kept yet, and keep each at once; gives how many are left."""
    missing = [case for case in cases if case.name not in kept["cases"]]
    if missing and "ceilings" not in kept:
        kept |= {"machine": machine(), "ceilings": dataclasses.asdict(ceilings(cores()))}
    while missing and time.perf_counter() < deadline:
        case = missing.pop(0)
        command = [sys.executable, "-m", "benchmarks.scaling.case", case.name]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise SystemExit(f"{case.name} failed; what was said stands above.")
        kept["cases"][case.name] = derived(case, json.loads(done.stdout))
        path.write_text(json.dumps(kept, indent=1) + "\n")
    return len(missing)


def derived(case: Case, measured: Figures) -> Figures:
    """The figures with what follows from them: rates, and memory beside data and arenas."""
    workload = case.workload()
    rows, seconds = case.n_rows * workload.epochs, measured["seconds"]
    return {
        **measured,
        "epochs": workload.epochs,
        "gflops": operations(workload) / seconds / 1e9,
        "seconds_a_row": seconds / rows,
        "seconds_a_step": seconds / workload.steps,
        "memory_ratio": measured["memory"] / (measured["data"] + measured["arenas"]),
    }


def factor_table(factor: str, cases: list[Case], figures: dict[str, Figures]) -> str:
    """A table in Markdown of one factor's cases."""
    rows = [] if factor == "rows" else ["rows"]
    header = [factor, *rows, "threads", "a step", "a row", "GFLOP/s", "data + arenas", "peak", "ratio"]
    lines = []
    for case in cases:
        if case.factor != factor:
            continue
        f = figures[case.name]
        lines.append(
            [
                f"{case.value:,}",
                *([f"{case.n_rows:,}"] if rows else []),
                str(f["threads"]),
                duration(f["seconds_a_step"]),
                duration(f["seconds_a_row"]),
                f"{f['gflops']:.3g}",
                megabytes(f["data"] + f["arenas"]),
                megabytes(f["memory"]),
                f"{f['memory_ratio']:.2f}",
            ]
        )
    return f"**{factor.capitalize()}**: {FIXED[factor]}.\n\n{table(header, lines)}"


def megabytes(n: float) -> str:
    """Bytes as MB, with two digits at least."""
    return f"{n / 1e6:.2f} MB" if n < 1e7 else f"{n / 1e6:,.0f} MB"


if __name__ == "__main__":
    sys.exit(main())
