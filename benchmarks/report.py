"""The tables that are printed."""

from __future__ import annotations

from typing import Any

from benchmarks.floors import Floor
from benchmarks.participants import is_ours
from benchmarks.workloads import ONE_ROW, Workload

Row = dict[str, Any]
UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


def duration(seconds: float) -> str:
    """A time in the unit that suits it, with three digits."""
    unit, factor = next((u for u in UNITS if seconds >= 0.9995 * u[1]), UNITS[-1])
    number = seconds / factor
    digits = 2 if number < 9.995 else 1 if number < 99.95 else 0
    return f"{number:.{digits}f} {unit}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown, its columns padded."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [header, ["-" * w for w in widths], *rows]
    padded = ([cell.ljust(w) for cell, w in zip(line, widths, strict=True)] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def workload_table(workload: Workload, rows: list[Row]) -> str:
    """Everyone's best time in a workload, as a ratio to the first one's."""
    base = rows[0]["seconds"]
    what = "loss" if workload.trains else "error"
    header = ["", "threads", "time", "ratio", what]
    header += ["a step"] if workload.trains else []
    lines = []
    for row in rows:
        cells = [row["name"], str(row["threads"]), duration(row["seconds"]), f"{row['seconds'] / base:.2f}"]
        cells.append(f"{row['answer']:.4f}" if workload.trains else f"{row['answer']:.1e}")
        if workload.trains:
            cells.append(duration(row["seconds"] / workload.steps / workload.n_networks))
        if not row["agrees"]:
            cells[4] += " does not agree"
        lines.append(cells)
    return f"{workload.name}: {workload}\n\n{table(header, lines)}"


def summary_table(results: list[tuple[Workload, Floor, list[Row]]]) -> str:
    """The floor of each workload, pellucid's time, and how it stands beside floor and peers."""
    header = ["workload", "floor", "pellucid", "beside its floor", "beside PyTorch", "beside the best peer"]
    return table(header, [summary(*result) for result in results])


def summary(workload: Workload, floor: Floor, rows: list[Row]) -> list[str]:
    """One line of it: floor / time of pellucid, and times of others / time of pellucid."""
    ours = next((row for row in rows if is_ours(row["name"])), None)
    peers = [row for row in rows if not is_ours(row["name"])]
    bounded = workload.kind != ONE_ROW  # a call from Python is none of the machine's business
    cells = [str(workload), f"{duration(floor.seconds)} ({floor.bound})" if bounded else "–"]
    if ours is None:
        return [*cells, "–", "–", "–", "–"]
    base = ours["seconds"]
    torch = next((f"{p['seconds'] / base:.2f}" for p in peers if p["name"] == "PyTorch"), "–")
    best = min(peers, key=lambda p: p["seconds"], default=None)
    beside = f"{best['seconds'] / base:.2f} ({best['name']})" if best else "–"
    return [*cells, duration(base), f"{floor.seconds / base:.2f}" if bounded else "–", torch, beside]
