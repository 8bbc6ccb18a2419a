"""The guard: what it counts, what it says, and what it does without valgrind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.guard import __main__ as guard
from benchmarks.guard.callgrind import CODE, counts
from benchmarks.guard.counted import Counted, all_counted, answers, calls, fits, population, training
from benchmarks.guard.narrow import ENVIRONMENT, FEATURES


def test_one_is_the_difference_of_two_amounts() -> None:
    assert Counted(calls((5, 8, 3)), 4, 14).one(1_000, 11_000) == 1_000


def test_workloads_are_done_in_the_amount_asked_for() -> None:
    net_fits = training((5, 8, 3), batch_size=10, steps=4)
    assert len(net_fits(3)().epochs) == 3  # type: ignore[attr-defined]
    assert len(answers((5, 8, 3))(70)()) == 70  # type: ignore[arg-type]
    assert len(fits((5, 8, 3))(2)()) == 2  # type: ignore[arg-type]
    assert len(population((5, 8, 3))(3)()) == 3  # type: ignore[arg-type]
    assert calls((5, 8, 3))(2)() is None


def test_every_workload_has_a_count_that_is_kept() -> None:
    kept = json.loads(guard.EXPECTED.read_text())
    assert list(kept["instructions"]) == list(all_counted())
    assert all(n > 100 for n in kept["instructions"].values())
    assert list(kept["with"]) == list(guard.versions())


def test_totals_are_read_from_what_callgrind_writes(tmp_path: Path) -> None:
    head = "version: 1\npid: 3\npart: {}\ndesc: Trigger: {}\nevents: Ir\nsummary: {}\nfn=(1) main\n1 {}\n"
    written = {
        "out.1": head.format(1, "Client Request: before", 77, 77),
        "out.2": head.format(2, "Client Request: a call | small", 1234, 1234),
        "out.3": head.format(3, "Program termination", 99, 99),
    }
    for name, text in written.items():
        (tmp_path / name).write_text(text)
    assert counts(tmp_path) == {"a call | small": 1234}


def test_a_count_that_grew_is_told() -> None:
    text, sound = guard.compared({"a": 1000, "b": 1000}, {"a": 1011, "b": 1009}, 0.01)
    assert not sound
    assert "+1.10 % | MORE" in text
    assert "+0.90 % | as before" in text
    assert "1 of 2 take more" in text


def test_counts_that_shrank_or_are_new_are_no_loss() -> None:
    text, sound = guard.compared({"a": 1000}, {"a": 900, "b": 5}, 0.01)
    assert sound
    assert "-10.00 % | fewer" in text
    assert "| new" in text
    assert "--update" in text
    assert guard.compared({"a": 1000}, {"a": 1000}, 0.01)[0].endswith("as before |")


def test_without_valgrind_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("sys.argv", ["guard"])
    assert guard.main() == 2
    said = capsys.readouterr().err
    assert "valgrind is not installed" in said
    assert "install it" in said
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert "not arm64" in str(guard.obstacle())


def test_the_narrow_cpu_is_one_that_valgrind_knows() -> None:
    assert not any(feature.startswith("avx512") for feature in FEATURES)
    assert "+avx2" in ENVIRONMENT["NUMBA_CPU_FEATURES"].split(",")


def test_the_request_is_valgrinds_sequence() -> None:
    rotations = [bytes.fromhex(f"48c1c7{n:02x}") for n in (3, 13, 61, 51)]
    assert b"".join(rotations) + bytes.fromhex("4887db") in CODE
