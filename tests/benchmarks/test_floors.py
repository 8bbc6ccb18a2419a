"""Floors: arithmetic and bytes by hand; the ceilings' product against NumPy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchmarks.ceilings import cache, tile_product, together
from benchmarks.floors import Ceilings, bytes_moved, floor_of, operations
from benchmarks.workloads import WORKLOADS, Workload

MACHINE = Ceilings(one_core=100.0, all_cores=200.0, memory=20.0, cache=32 << 20)
BY_NAME = {workload.name: workload for workload in WORKLOADS}


@pytest.mark.parametrize(
    ("name", "gigaflop"),
    [
        ("10-32-32-2", (3 * (320 + 1024 + 64) - 320) * 2 * 1000 * 20 / 1e9),
        ("784-128-10", (3 * (784 * 128 + 1280) - 784 * 128) * 2 * 20_000 * 2 / 1e9),
        ("million-rows", 2 * (3000 + 200) * 1e6 / 1e9),
        ("256-networks", 256 * (3 * (320 + 1024 + 64) - 320) * 2 * 1000 * 20 / 1e9),
    ],
)
def test_operations(name: str, gigaflop: float) -> None:
    assert operations(BY_NAME[name]) / 1e9 == pytest.approx(gigaflop, rel=1e-12)


def test_operations_are_those_of_the_documentation() -> None:
    said = {"10-32-32-2": 0.156, "30-100-2": 1.320, "784-128-10": 16.364, "784-512-512-10": 128.369}
    assert {n: round(operations(BY_NAME[n]) / 1e9, 3) for n in said} == said


def test_only_what_no_cache_holds_is_moved() -> None:
    rows = BY_NAME["784-128-10"]  # 62.7 MB of rows, weights of 0.4 MB
    assert bytes_moved(rows, 32 << 20) == 4 * 20_000 * 784 * rows.epochs
    assert bytes_moved(rows, 64 << 20) == 0
    wide = Workload("wide", "training", (4096, 4096, 10), 100, batch_size=50, epochs=3)
    n_weights = 4097 * 4096 + 4097 * 10  # three times 67 MB with Adam's means
    assert bytes_moved(wide, 32 << 20) == 4 * 6 * n_weights * 2 * 3
    answers = BY_NAME["million-rows"]
    assert bytes_moved(answers, 32 << 20) == 4 * 1_000_000 * (30 + 2)


def test_floor_is_the_longer_of_arithmetic_and_memory() -> None:
    workload = BY_NAME["million-rows"]
    floor = floor_of(workload, MACHINE)
    assert floor.arithmetic == pytest.approx(6.4e9 / 200e9)
    assert floor.memory == pytest.approx(128e6 / 20e9)
    assert (floor.seconds, floor.bound) == (floor.arithmetic, "arithmetic")
    slow = floor_of(workload, dataclasses.replace(MACHINE, memory=1.0))
    assert (slow.seconds, slow.bound) == (pytest.approx(0.128), "memory")


def test_tile_of_the_ceiling_computes_a_product() -> None:
    call, arrays = tile_product()
    call()
    n_sums = len(arrays["B"])
    A, B = arrays["A"].astype(np.float64)[:, :n_sums], arrays["B"].astype(np.float64)
    assert np.abs(arrays["C"] - (A @ B + arrays["start"])).max() < 1e-4


def test_rates_are_counted_for_each_thread() -> None:
    done: list[int] = []

    def make() -> object:
        done.append(0)
        at = len(done) - 1

        def job() -> float:
            done[at] += 1
            return 1e9

        return job

    rates = together(3, make, seconds=0.01)  # type: ignore[arg-type]
    assert len(rates) == 3
    assert all(rate > 0 for rate in rates)
    assert all(done)


def test_a_cache_is_found() -> None:
    assert cache() >= 1 << 18
