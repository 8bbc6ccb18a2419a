"""Speed and memory as each factor grows, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.scaling.cases import Case


def draw(path: Path, cases: list[Case], figures: dict[str, dict[str, Any]], ceiling: float) -> None:
    """Write GFLOP/s beside what the tile alone does above, peak memory beside data + arenas below.

    Where cost grows in proportion to arithmetic, the line above is level.
    """
    import matplotlib
    from matplotlib.figure import Figure

    factors = list(dict.fromkeys(case.factor for case in cases))
    figure = Figure(figsize=(2.6 * len(factors) + 0.6, 5), layout="constrained")
    panels = figure.subplots(2, len(factors), sharex="col", sharey="row", squeeze=False)
    for i, factor in enumerate(factors):
        chosen = [case for case in cases if case.factor == factor]
        x, f = [case.value for case in chosen], [figures[case.name] for case in chosen]
        speed, memory = panels[0][i], panels[1][i]
        speed.loglog(x, [one["gflops"] for one in f], "o-", color="C0", markersize=3)
        speed.axhline(ceiling, color="0.4", linestyle="--", linewidth=1)
        speed.text(x[0], ceiling * 1.08, "the tile alone", fontsize=7, color="0.4")
        memory.loglog(x, [one["memory"] / 1e6 for one in f], "o-", color="C1", markersize=3, label="peak")
        planned = [(one["data"] + one["arenas"]) / 1e6 for one in f]
        memory.loglog(x, planned, "--", color="0.4", linewidth=1, label="data + arenas")
        memory.set_xlabel(factor)
    panels[0][0].set_ylabel("GFLOP/s")
    panels[1][0].set_ylabel("MB")
    panels[1][0].legend(frameon=False, fontsize=8)
    for panel in panels.flat:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(alpha=0.25, linewidth=0.5)
    with matplotlib.rc_context({"svg.hashsalt": "pellucid", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
