"""`python -m benchmarks`: trains the same networks with pellucid and its peers, in turn."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.participants import PARTICIPANTS
from benchmarks.workloads import WORKLOADS, Task, Workload, describe, make_task

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 0.1  # of the losses' median: the participants shuffle differently


class Worker:
    """A participant's process, held to a number of threads."""

    def __init__(self, name: str, python: str, threads: int) -> None:
        self.name, self.threads = name, threads
        command = [python, "-m", "benchmarks.worker", name, str(threads)]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            print(line, file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise SystemExit(f"{self.name} failed with {self.threads} threads; what it said stands above.")
        return dict(json.loads(answer))

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()


def environment(threads: int) -> dict[str, str]:
    """Every library's own word for its number of threads (`NPROC` is JAX's), and nothing that
    makes OpenBLAS take other kernels than those of this CPU."""
    words = (
        *("PELLUCID_THREADS", "NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
        *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    )
    kept = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    return {**kept, **dict.fromkeys(words, str(threads)), "TF_CPP_MIN_LOG_LEVEL": "3"}


def find(python: str) -> dict[str, str]:
    """Names and versions of the participants that a Python can import."""
    command = [python, "-m", "benchmarks.worker", "--list"]
    try:
        text = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"{python!r} must be a Python in which NumPy can be imported: {error}.") from None
    return dict(json.loads(text))


def measure(task: Task, workers: list[Worker], rounds: int, folder: Path) -> list[dict[str, Any]]:
    """Train in turn, A B A B; one row for each worker."""
    path = folder / f"{task.workload.name}.npz"
    task.save(path)
    rows: list[dict[str, Any]] = []
    for worker in workers:
        worker.ask(str(path))
        rows.append({"name": worker.name, "threads": worker.threads, "all_seconds": []})
    for _ in range(rounds):
        for worker, row in zip(workers, rows, strict=True):
            answer = worker.ask("run")
            row["all_seconds"] += answer["seconds"]
            row["loss"] = answer["loss"]
            time.sleep(0.1)  # until the threads of this one are asleep
    for row in rows:
        row["seconds"] = statistics.median(row["all_seconds"])
    return rows


def best_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each participant, the row of its best number of threads."""
    names = dict.fromkeys(row["name"] for row in rows)
    return [min((r for r in rows if r["name"] == n), key=lambda r: r["seconds"]) for n in names]


def show(workload: Workload, rows: list[dict[str, Any]], start: float) -> bool:
    """Print a workload's table; whether the losses agree."""
    base, middle = rows[0]["seconds"], statistics.median(row["loss"] for row in rows)
    print(
        f"\n{workload.name}: {workload.n_samples:,} rows, batches of {workload.batch_size},"
        f" {workload.epochs} epochs, {workload.steps} steps, loss {start:.4f} at the start"
    )
    print(f"{'':22}{'threads':>8}{'seconds':>10}{'us a step':>11}{'ratio':>8}{'loss':>9}")
    agree = True
    for row in rows:
        apart = abs(row["loss"] - middle) > TOLERANCE * middle or row["loss"] >= start
        agree = agree and not apart
        print(
            f"{row['name']:22}{row['threads']:8}{row['seconds']:10.4f}"
            f"{row['seconds'] / workload.steps * 1e6:11.1f}{row['seconds'] / base:8.2f}{row['loss']:9.4f}"
            + ("  does not agree" if apart else "")
        )
    return agree


def machine() -> dict[str, Any]:
    """The computer, as far as it explains the figures."""
    model, flags = platform.processor(), ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        model, flags = said.get("model name", model), said.get("flags", "")
    return {
        "cpu": model,
        "vectors": [f for f in ("avx512f", "avx2", "fma") if f in flags.split()],
        "cores": cores(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    add = parser.add_argument
    own = os.environ.get("PELLUCID_PEERS_PYTHON", sys.executable)
    add("--python", default=own, help="Python where the peers are installed (or PELLUCID_PEERS_PYTHON)")
    add("--rounds", type=int, default=5, help="how often everyone trains, in turn (5)")
    add("--threads", type=int, nargs="+", default=sorted({1, cores()}), help="numbers to try (1 and all)")
    add("--only", nargs="+", metavar="NAME", choices=PARTICIPANTS, help="some of the participants")
    add("--workloads", nargs="+", choices=[w.name for w in WORKLOADS], help="some networks")
    add("--json", type=Path, help="file for all figures and a description of the machine")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    ours, peers = find(sys.executable), find(args.python)
    pythons = {n: sys.executable if n.startswith("pellucid") else args.python for n in PARTICIPANTS}
    found = {n: (ours if n.startswith("pellucid") else peers).get(n) for n in args.only or PARTICIPANTS}
    versions = {n: v for n, v in found.items() if v}
    if not versions:
        raise SystemExit(f"none of {', '.join(found)} is installed for {args.python!r}.")
    computer = machine()
    print(*(f"{name} {version}" for name, version in versions.items()), sep="; ")
    print(f"{computer['cpu']}, {computer['cores']} cores, load {computer['load']}, {computer['system']}")
    workers = [Worker(name, pythons[name], threads) for name in versions for threads in args.threads]
    results, agree = [], True
    try:
        with tempfile.TemporaryDirectory() as folder:
            for workload in WORKLOADS:
                if args.workloads and workload.name not in args.workloads:
                    continue
                task = make_task(workload)
                rows = measure(task, workers, args.rounds, Path(folder))
                agree = show(workload, best_of(rows), task.loss(task.weights)) and agree
                results.append({**describe(workload), "results": rows})
    finally:
        for worker in workers:
            worker.stop()
    if args.json:
        whole = {"machine": computer, "versions": versions, "rounds": args.rounds, "workloads": results}
        args.json.write_text(json.dumps(whole, indent=1) + "\n")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
