"""Participants' work: the same numbers for all, judged by an independent forward pass."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.measure import best_of, find, mark_apart, measure
from benchmarks.participants import PARTICIPANTS, kinds_of
from benchmarks.participants.base import judged
from benchmarks.worker import ready
from benchmarks.workloads import (
    ONE_ROW,
    POPULATION,
    ROWS,
    TRAINING,
    WORKLOADS,
    Task,
    Workload,
    first_weights,
    learning_rates,
    make_task,
    sample,
)

PLAIN = Workload("plain", TRAINING, (5, 12, 3), 200, batch_size=32, epochs=2)
NORMED = dataclasses.replace(PLAIN, name="normed", layer_norm=True, dropout=0.2)
MANY = dataclasses.replace(PLAIN, name="many", kind=POPULATION, n_networks=3)


def row(name: str, answer: float, seconds: float = 1.0, threads: int = 1) -> dict[str, object]:
    return {"name": name, "threads": threads, "seconds": seconds, "answer": answer}


@pytest.mark.parametrize("workload", [PLAIN, NORMED, MANY], ids=str)
def test_a_task_survives_its_file(workload: Workload, tmp_path: Path) -> None:
    task = make_task(workload)
    task.save(tmp_path / "task.npz")
    again = Task.load(tmp_path / "task.npz")
    assert again.workload == workload
    assert np.array_equal(again.X, task.X)
    assert np.array_equal(again.y, task.y)
    assert task.loss(task.weights) == again.loss(again.weights)


@pytest.mark.parametrize("workload", [PLAIN, NORMED], ids=["plain", "normed"])
def test_the_reference_is_what_pellucid_answers(workload: Workload) -> None:
    task = make_task(dataclasses.replace(workload, kind=ROWS))
    participant = ready("pellucid", task, 1)
    assert judged(task, participant.answer()) < 1e-6


@pytest.mark.parametrize("workload", [PLAIN, NORMED, MANY], ids=["plain", "normed", "many"])
def test_pellucid_learns(workload: Workload) -> None:
    task = make_task(dataclasses.replace(workload, epochs=20))
    participant = ready("pellucid", task, 1)
    first = judged(task, participant.answer())
    assert first < 0.9 * task.loss(task.weights)
    participant.reset()
    participant.run()
    assert judged(task, participant.answer()) == first


def test_one_row_is_asked_many_times_over() -> None:
    task = make_task(Workload("one", ONE_ROW, (5, 12, 3), 1))
    participant = ready("pellucid", task, 1)
    assert participant.repeats > 1
    assert judged(task, participant.answer()) < 1e-6


def test_losses_agree_that_are_near_the_median_and_below_the_start() -> None:
    task = make_task(PLAIN)
    start = task.loss(task.weights)
    rows = [row("a", 0.5), row("b", 0.54), row("c", 0.7), row("d", 0.52), row("e", start)]
    assert mark_apart(task, rows) == start
    assert [r["agrees"] for r in rows] == [True, True, False, True, False]


def test_outputs_agree_that_are_near_the_exact_ones() -> None:
    task = make_task(dataclasses.replace(PLAIN, kind=ROWS))
    rows = [row("a", 1e-7), row("b", 1e-3)]
    assert mark_apart(task, rows) is None
    assert [r["agrees"] for r in rows] == [True, False]


def test_best_of_takes_each_ones_best_number_of_threads() -> None:
    rows = [row("a", 0, 3.0, 1), row("a", 0, 2.0, 2), row("b", 0, 1.0, 1), row("b", 0, 4.0, 2)]
    assert [(r["name"], r["threads"]) for r in best_of(rows)] == [("a", 2), ("b", 1)]


def test_a_population_differs_in_weights_and_learning_rates() -> None:
    first, second = first_weights(MANY, 0), first_weights(MANY, 1)
    assert not np.array_equal(first[0][0], second[0][0])
    rates = learning_rates(MANY)
    assert rates == pytest.approx([0.001 / 3, 0.001, 0.003])
    wide = dataclasses.replace(MANY, n_networks=256)
    assert sample(wide, 4) == [32, 96, 160, 224]
    assert sample(MANY, 3) == [0, 1, 2]


def test_every_workload_has_its_participants() -> None:
    for workload in WORKLOADS:
        able = [name for name in PARTICIPANTS if workload.kind in kinds_of(name)]
        assert able[0] == "pellucid"
        assert len(able) > 2


def test_workers_are_measured_in_turn(tmp_path: Path) -> None:

    assert "pellucid" in find(sys.executable)
    pythons = {"pellucid": sys.executable, "pellucid, train_loss": sys.executable}
    task = make_task(PLAIN)
    one, two = measure(task, pythons, threads=[1], rounds=2, folder=tmp_path)
    assert (one["name"], two["name"]) == tuple(pythons)
    assert one["answer"] == two["answer"], "the same training, with and without its loss"
    assert one["seconds"] > 0
    mark_apart(task, [one, two])
    assert one["agrees"]
