"""How many members of a team work, where it is known how many should: kernels whose time is spent asleep."""

from __future__ import annotations

import ctypes
import sys
import threading
import time

import numpy as np
import pytest

from pellucid import settings
from pellucid.engine.buffer import Arena, line
from pellucid.engine.plan import Axis, PlanBuilder
from pellucid.engine.run import Program
from pellucid.kernels import sharing
from pellucid.kernels.jit import Instruction
from pellucid.kernels.kernel import Control, kernel
from pellucid.kernels.meeting import Meeting, address
from pellucid.kernels.team import Team

MICROSECOND = 1000
call_system = Instruction("call_system")


@kernel(times="read whole", done="update part")
def sleep(times, done, function, lo, hi):  # type: ignore[no-untyped-def]
    """Sleep times[0] microseconds for each part, and times[1] where the part is not the first member's."""
    micros = np.int64(times[0]) * (hi - lo)
    if lo > 0:
        micros += np.int64(times[1])
    if micros > 0:
        call_system(function, micros, 0, 0, 0)
    for i in range(lo, hi):
        done[i] += np.float32(1)


@sleep.twin
def _(times, done, function, lo, hi):  # type: ignore[no-untyped-def]
    done[lo:hi] += 1


class Dormitory:
    """A program of one stage whose steps sleep; `parts` can be shared."""

    def __init__(self, parts: int) -> None:
        usleep = ctypes.windll.kernel32.Sleep if sys.platform == "win32" else ctypes.CDLL(None).usleep
        self.times, self.done = line("times", 2), line("done", parts)
        builder = PlanBuilder()
        axis = Axis("parts", parts, 1)
        builder.add(sleep, axis, times=self.times, done=self.done, function=address(usleep))
        self.arena = Arena([self.times, self.done])
        self.program = Program(builder.plan([self.times, self.done]), self.arena)
        self.steps = 0

    def run(self, team: Team, steps: int, each: int, others: int = 0) -> int:
        """Run some steps; gives how many threads were thought best."""
        self.arena.view(self.times)[:] = each, others
        assert self.program.run(team, 0, steps, 1, steps) == steps
        self.steps += steps
        np.testing.assert_array_equal(self.arena.view(self.done), self.steps)
        return int(self.program.control[Control.CHOSEN])


@pytest.fixture
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "cores", lambda: 4)
    monkeypatch.delenv("PELLUCID_THREADS", raising=False)


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize(
    ("parts", "each", "others", "best"), [(8, 400, 0, 4), (2, 1000, 0, 2), (8, 400, 8000, 1)]
)
def test_as_many_work_as_take_the_least_time(parts: int, each: int, others: int, best: int) -> None:
    """Parts that sleep side by side; two parts give nothing to a third member; others that only hinder."""
    room = Dormitory(parts)
    with Team() as team:
        found = room.run(team, 60, each, others)
        told = team.told(room.program.control)
    assert found in ({2, 4} if best == 2 else {best})  # four members do two parts as quickly as two
    assert told.startswith("1 thread, since a step took" if found == 1 else f"{found} threads, since")


@pytest.mark.usefixtures("four_cores")
def test_who_is_kept_waiting_goes_on_alone_and_tries_again_after_a_rest() -> None:
    room = Dormitory(8)
    control = room.program.control
    with Team() as team:
        assert room.run(team, 60, 400) == 4
        assert room.run(team, 4, 400, others=15_000) == 1
        assert control[Control.TRY_AT] > time.monotonic_ns()
        assert control[Control.REST] == 50_000 * MICROSECOND
        assert team.told(control) == "1 thread, since other programs use the cores"
        time.sleep(0.06)
        assert room.run(team, 80, 400) == 4


@pytest.mark.usefixtures("four_cores")
def test_a_fixed_number_works_whatever_it_takes() -> None:
    room = Dormitory(8)
    control = room.program.control
    with Team(2) as team:
        room.run(team, 30, 100, others=2000)  # 2.4 ms by two, 0.8 ms by one
        assert team.told(control) == "2 threads, as asked"
    assert control[Control.TRIED] > 2_000 * MICROSECOND
    assert control[Control.CHOSEN] == 0


@pytest.mark.usefixtures("four_cores")
def test_few_steps_need_no_trial_and_make_no_thread() -> None:
    before, room = set(threading.enumerate()), Dormitory(8)
    with Team() as team:
        assert room.run(team, 3, 10) == 0
        assert set(threading.enumerate()) <= before  # those of teams before may be on their way home
        assert team.told(room.program.control) == "1 thread, since more were not worth a trial"


@pytest.mark.usefixtures("four_cores")
def test_one_step_in_each_call_comes_to_a_decision_too() -> None:
    room = Dormitory(8)
    with Team() as team:
        for _ in range(100):
            found = room.run(team, 1, 400)
    assert found == 4


@pytest.mark.usefixtures("four_cores")
def test_teams_of_several_threads_share_the_cores() -> None:
    def allowed(team: Team) -> int:
        return int(team.meeting[Meeting.ALLOWED])

    one, two, found = Team(), Team(), []

    def other() -> None:
        with two:
            found.append((allowed(one), allowed(two)))

    with one:
        with Team():  # of the same thread, which waits for it
            assert allowed(one) == 4
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert found == [(2, 2)]
        assert allowed(one) == 4
    assert not sharing._at_work
