"""Scaling: cases, what is derived from a measurement, and one measured case."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.floors import operations
from benchmarks.scaling import __main__ as scaling
from benchmarks.scaling.case import count_arenas, data, peak
from benchmarks.scaling.cases import ENOUGH, FIXED, Case, all_cases
from benchmarks.scaling.picture import draw
from pellucid.engine.buffer import Arena, Buffer

SMALL = Case("rows", 200, (5, 8, 3), 200, 50)
MEASURED = {"seconds": 0.5, "times": 3, "threads": 2, "memory": 3e6, "data": 1e6, "arenas": 1e6}


def test_cases_go_as_far_as_is_promised() -> None:
    ends = {}
    for case in all_cases():
        first, _ = ends.get(case.factor, (case.value, 0))
        ends[case.factor] = first, case.value
    assert ends == {"rows": (10**3, 10**7), "width": (8, 4096), "depth": (1, 64), "batch": (1, 65_536)}
    assert set(ends) == set(FIXED)
    names = [case.name for case in all_cases()]
    assert len(names) == len(set(names))


def test_small_cases_are_trained_longer() -> None:
    for case in all_cases():
        done = operations(case.workload())
        assert case.epochs == 1 or 0.7 * ENOUGH < done < 1.5 * ENOUGH or case.epochs == 1000
        assert case.batch_size <= case.n_rows


def test_what_follows_from_a_measurement() -> None:
    derived = scaling.derived(SMALL, MEASURED)
    rows = 200 * SMALL.epochs
    assert derived["seconds_a_row"] == pytest.approx(0.5 / rows)
    assert derived["seconds_a_step"] == pytest.approx(50 * 0.5 / rows)
    assert derived["memory_ratio"] == 1.5
    assert derived["gflops"] == pytest.approx((3 * (40 + 24) - 40) * 2 * rows / 0.5e9)


def test_data_is_what_it_says_and_no_more() -> None:
    X, y = data(SMALL)
    assert (X.shape, X.dtype, y.shape) == ((200, 5), np.float32, (200,))
    assert np.bincount(y).tolist() == [67, 67, 66]


def test_arenas_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Arena, "__init__", Arena.__init__)  # put back after the test
    sizes = count_arenas()
    arena = Arena([Buffer("x", 10, 16)])
    assert sizes == [arena.nbytes]


def test_peak_memory_grows_with_what_is_touched() -> None:
    before = peak(from_now=True)
    block = np.ones(8 << 20, np.uint8)
    assert peak() - before > 7 << 20
    assert block[-1] == 1


def test_a_run_that_was_broken_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Done:
        returncode, stdout = 0, json.dumps(MEASURED)

    def run(command: list[str], **_: object) -> type[Done]:
        asked.append(command[-1])
        return Done

    monkeypatch.setattr("subprocess.run", run)
    path, cases = tmp_path / "figures.json", all_cases()[:3]
    kept = {"cases": {cases[0].name: {}}, "ceilings": {}}
    assert scaling.measure(cases, kept, path, deadline=0) == 2
    assert scaling.measure(cases, kept, path, deadline=time.perf_counter() + 60) == 0
    assert asked == [case.name for case in cases[1:]]
    assert set(json.loads(path.read_text())["cases"]) == {case.name for case in cases}


def test_table_and_picture(tmp_path: Path) -> None:
    figures = {SMALL.name: scaling.derived(SMALL, MEASURED)}
    text = scaling.factor_table("rows", [SMALL], figures)
    assert text.startswith("**Rows**: 10-64-2, batch 256.")
    assert "2.00 MB" in text
    assert text.endswith("| 3.00 MB | 1.50  |")
    path = tmp_path / "scaling.svg"
    draw(path, [SMALL], figures, ceiling=400.0)
    assert "the tile alone" in path.read_text()
