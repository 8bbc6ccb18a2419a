"""One picture: how many times as long as pellucid each peer takes, for every workload."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.participants import is_ours


def draw(path: Path, results: list[tuple[str, list[dict[str, Any]]]]) -> None:
    """Write bars on a logarithmic scale; the file's ending says in which format.

    Parameters
    ----------
    path : Path
        Where to.
    results : list of (str, list of rows)
        For each workload its name, and each participant's `name` and `seconds`; pellucid's own is the first.
    """
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(r["name"] for _, rows in results for r in rows if not is_ours(r["name"])))
    colours = {name: f"C{i % 10}" for i, name in enumerate(names)}
    labels: list[tuple[float, str]] = []
    figure = Figure(figsize=(8, 1 + 0.19 * sum(len(rows) + 1 for _, rows in results)), layout="constrained")
    axes = figure.add_subplot()
    at = 0.0
    for workload, rows in results:
        base = rows[0]["seconds"]
        peers = sorted((r for r in rows if not is_ours(r["name"])), key=lambda r: r["seconds"])
        labels.append((at + (len(peers) - 1) / 2, workload))
        for row in peers:
            ratio = row["seconds"] / base
            axes.barh(at, ratio - 1, left=1, color=colours[row["name"]], height=0.85)
            axes.text(max(ratio, 1) * 1.04, at, f"{row['name']} {ratio:.3g}", va="center", fontsize=7)
            at += 1
        at += 1
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks([y for y, _ in labels], [name for _, name in labels])
    axes.invert_yaxis()
    axes.margins(x=0.18, y=0.01)
    axes.set_xlabel("time beside pellucid's (1), logarithmic")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)
