"""`python -m benchmarks`: pellucid and its peers do the same work in turn, beside what the machine can do."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import picture
from benchmarks.ceilings import ceilings
from benchmarks.floors import floor_of
from benchmarks.machine import cores, machine, sentence
from benchmarks.measure import best_of, find, mark_apart, measure
from benchmarks.participants import PARTICIPANTS, is_ours
from benchmarks.peers import default_folder, prepared
from benchmarks.report import summary_table, workload_table
from benchmarks.workloads import WORKLOADS, make_task


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    add = parser.add_argument
    own = os.environ.get("PELLUCID_PEERS_PYTHON")
    add("--python", default=own, help="a Python that has the peers (or PELLUCID_PEERS_PYTHON)")
    add("--peers", type=Path, metavar="FOLDER", help=f"where peers are set up ({default_folder()})")
    add("--rounds", type=int, default=5, help="how often everyone works, in turn (5)")
    add("--threads", type=int, nargs="+", default=sorted({1, cores()}), help="numbers to try (1 and all)")
    add("--only", nargs="+", metavar="NAME", choices=PARTICIPANTS, help="some of the participants")
    add("--workloads", nargs="+", choices=[w.name for w in WORKLOADS], help="some of the workloads")
    add("--json", type=Path, metavar="FILE", help="all figures and a description of the machine")
    add("--plot", type=Path, metavar="FILE", help="one picture of them: .svg, .png or .pdf")
    return parser.parse_args()


def participants(args: argparse.Namespace) -> tuple[dict[str, str], dict[str, str]]:
    """Versions of those that can be measured, and the Python of each."""
    names = args.only or list(PARTICIPANTS)
    found = {name: version for name, version in find(sys.executable).items() if is_ours(name)}
    theirs = sys.executable
    if not all(map(is_ours, names)):
        theirs = args.python or prepared(args.peers or default_folder())
        found |= {name: version for name, version in find(theirs).items() if not is_ours(name)}
    versions = {name: found[name] for name in names if name in found}
    if not versions:
        raise SystemExit(f"none of {', '.join(names)} is installed for {theirs!r}.")
    return versions, {name: sys.executable if is_ours(name) else theirs for name in versions}


def main() -> int:
    args = arguments()
    versions, pythons = participants(args)
    computer = machine()
    print(*(f"{name} {version}" for name, version in versions.items()), sep="; ")
    print(sentence(computer))
    limits = ceilings(cores())
    print(
        f"The register tile alone does {limits.one_core:.0f} GFLOP/s on one core, {limits.all_cores:.0f} on"
        f" all; a copy through memory {limits.memory:.1f} GB/s; the last cache holds {limits.cache >> 20} MB."
    )
    chosen = [w for w in WORKLOADS if not args.workloads or w.name in args.workloads]
    results, figures, agree = [], [], True
    with tempfile.TemporaryDirectory() as folder:
        for workload in chosen:
            task = make_task(workload)
            rows = measure(task, pythons, args.threads, args.rounds, Path(folder))
            if not rows:
                continue
            start = mark_apart(task, rows)
            best, floor = best_of(rows), floor_of(workload, limits)
            agree = agree and all(row["agrees"] for row in best)
            print(f"\n{workload_table(workload, best)}", flush=True)
            results.append((workload, floor, best))
            figures.append(
                {
                    **dataclasses.asdict(workload),
                    "steps": workload.steps,
                    "floor": {**dataclasses.asdict(floor), "seconds": floor.seconds},
                    "loss_at_start": start,
                    "results": rows,
                }
            )
    print(f"\n{summary_table(results)}")
    print("\nEveryone agrees." if agree else "\nNot everyone agrees: see above.")
    if args.json:
        whole = {"machine": computer, "versions": versions, "rounds": args.rounds}
        whole |= {"ceilings": dataclasses.asdict(limits), "workloads": figures}
        args.json.write_text(json.dumps(whole, indent=1) + "\n")
    if args.plot:
        ours = [(w.name, rows) for w, _, rows in results if len(rows) > 1 and is_ours(rows[0]["name"])]
        picture.draw(args.plot, ours)
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
