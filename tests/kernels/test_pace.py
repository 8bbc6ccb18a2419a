"""How many members of a team work, by a clock that each test moves on: none depends on the machine."""

from __future__ import annotations

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
from pellucid.kernels.meeting import Meeting, give_way
from pellucid.kernels.pace import RUN
from pellucid.kernels.team import Team, address_of

MICROSECOND = 1000
SECONDS, PARTS = int(Meeting.SECONDS), int(Meeting.PARTS)
PRESENT, CALLED = int(Meeting.PRESENT), int(Meeting.CALLED)
atomic_load, call_system = Instruction("atomic_load"), Instruction("call_system")


@kernel(times="read whole", took="update part", done="update part")
def work(times, took, took_rows, done, lo, hi):  # type: ignore[no-untyped-def]
    """Take times[0] microseconds for each part, and times[1] more where it is shared with others."""
    micros = times[0] * np.float32(hi - lo)
    if hi - lo < took_rows:
        micros += times[1]
    for i in range(lo, hi):
        took[i] += micros
        done[i] += np.float32(1)


@work.twin
def _(times, took, took_rows, done, lo, hi):  # type: ignore[no-untyped-def]
    took[lo:hi] += times[0] * (hi - lo) + times[1] * (hi - lo < took_rows)
    done[lo:hi] += 1


@kernel(took="read whole", meeting="update whole i8", overlaps=True)
def tell_time(took, took_rows, meeting, offer_core, lo, hi):  # type: ignore[no-untyped-def]
    """A clock of a team: when all who were called are here, it shows what the slowest part took so far."""
    while atomic_load(meeting, PRESENT) % RUN < meeting[CALLED] - 1:
        call_system(offer_core, 0, 0, 0, 0)
    micros = np.float32(0)
    for i in range(took_rows):
        micros = max(micros, took[i])
    meeting[SECONDS], meeting[PARTS] = 0, MICROSECOND * np.int64(micros)


class Workshop:
    """A program of one stage; `parts` can be shared."""

    def __init__(self, parts: int, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
        self.team, self.steps = team, 0
        self.times, self.took, self.done = line("times", 2), line("took", parts), line("done", parts)
        builder = PlanBuilder()
        builder.add(work, Axis("parts", parts, 1), times=self.times, took=self.took, done=self.done)
        buffers = [self.times, self.took, self.done]
        self.arena = Arena(buffers)
        self.program = Program(builder.plan(buffers), self.arena)
        self.control, meeting = self.program.control, team.meeting
        addresses = [self.arena.view(self.took).ctypes.data, parts, meeting.ctypes.data, give_way()]
        self._row = np.array(addresses, np.int64)
        meeting[Meeting.CLOCK], meeting[Meeting.CLOCK_KIND] = address_of(tell_time), self._row.ctypes.data
        meeting[Meeting.PARTS_IN_NS] = 1
        monkeypatch.setattr(time, "monotonic_ns", self.now)

    def now(self) -> int:
        """Nanoseconds since the beginning."""
        return MICROSECOND * int(self.arena.view(self.took).max())

    def rest(self, micros: int) -> None:
        """Let some time pass."""
        self.arena.view(self.took)[:] = self.arena.view(self.took).max() + micros

    def run(self, steps: int, each: int, others: int = 0) -> int:
        """Run some steps; gives how many threads were thought best."""
        self.arena.view(self.times)[:] = each, others
        assert self.program.run(self.team, 0, steps, 1, steps) == steps
        self.steps += steps
        np.testing.assert_array_equal(self.arena.view(self.done), self.steps)
        return int(self.control[Control.CHOSEN])


@pytest.fixture
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "cores", lambda: 4)
    monkeypatch.delenv("PELLUCID_THREADS", raising=False)


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize(
    ("parts", "each", "others", "best", "told"),
    [
        (8, 400, 0, 4, "800.0 us with 4, 1600.0 us with 2, 3200.0 us with 1"),
        (2, 1000, 0, 2, "1000.0 us with 4, 1000.0 us with 2, 2000.0 us with 1"),
        (8, 400, 2500, 1, "3300.0 us with 4, 4100.0 us with 2, 3200.0 us with 1"),
        (8, 400, 8000, 1, "8800.0 us with 4, 9600.0 us with 2, 3200.0 us with 1"),
    ],
)
def test_as_many_work_as_take_the_least_time(
    parts: int, each: int, others: int, best: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts that are done side by side; two parts give nothing to a third member; others that only hinder."""
    with Team() as team:
        shop = Workshop(parts, team, monkeypatch)
        assert shop.run(60, each, others) == best
    assert team.told(shop.control) == f"{best} thread{'s'[: best - 1]}, since a step took {told}"


@pytest.mark.usefixtures("four_cores")
def test_who_is_kept_waiting_goes_on_alone_and_tries_again_after_a_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Team() as team:
        shop = Workshop(8, team, monkeypatch)
        assert shop.run(60, 400) == 4
        assert shop.run(1, 400, others=15_000) == 1
        assert shop.control[Control.TRY_AT] == shop.now() + 5_000 * MICROSECOND
        assert team.told(shop.control) == "1 thread, since other programs use the cores"
        before = shop.now()
        assert shop.run(1, 400) == 1
        assert shop.now() - before == 3200 * MICROSECOND  # by one
        shop.rest(5_000)
        assert shop.run(80, 400) == 4
        assert shop.control[Control.REST] == 5_000 * MICROSECOND


@pytest.mark.usefixtures("four_cores")
def test_each_rest_is_twice_as_long_as_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    with Team() as team:
        shop, rests = Workshop(8, team, monkeypatch), []
        for _ in range(8):
            shop.run(12, 400, others=8000)
            rests.append(int(shop.control[Control.REST]) // MICROSECOND // 1000)
            shop.rest(1000 * rests[-1])
        shop.rest(4 * 1_600_000)
        shop.run(12, 400, others=8000)
        assert shop.control[Control.REST] == 50_000 * MICROSECOND  # the others are long ago
    assert rests == [50, 100, 200, 400, 800, 1600, 1600, 1600]


@pytest.mark.usefixtures("four_cores")
def test_a_fixed_number_works_whatever_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    with Team(2) as team:
        shop = Workshop(8, team, monkeypatch)
        shop.run(30, 100, others=2000)  # 2.4 ms by two, 0.8 ms by one
        assert team.told(shop.control) == "2 threads, as asked"
    assert shop.control[Control.TRIED] == 2_400 * MICROSECOND
    assert shop.control[Control.CHOSEN] == 0


@pytest.mark.usefixtures("four_cores")
def test_a_fixed_number_rests_where_it_takes_more_than_twice_what_it_took_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Team(4) as team:
        shop = Workshop(8, team, monkeypatch)
        assert shop.run(30, 400) == 0
        assert shop.run(2, 400, others=10_000) == 1  # the first may be over before the others come
        before = shop.now()
        shop.run(1, 400)
        assert shop.now() - before == 3200 * MICROSECOND  # by one
        shop.rest(50_000)
        before = shop.now()
        assert shop.run(10, 400) == 0
        assert shop.now() - before == 10 * 800 * MICROSECOND


@pytest.mark.usefixtures("four_cores")
def test_few_steps_need_no_trial_and_make_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(threading.enumerate())
    with Team() as team:
        shop = Workshop(8, team, monkeypatch)
        assert shop.run(3, 10) == 0
        assert set(threading.enumerate()) <= before  # those of teams before may be on their way home
        assert team.told(shop.control) == "1 thread, since more were not worth a trial"


@pytest.mark.usefixtures("four_cores")
def test_one_step_in_each_call_comes_to_a_decision_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with Team() as team:
        shop = Workshop(8, team, monkeypatch)
        for _ in range(100):
            found = shop.run(1, 400)
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


@pytest.mark.usefixtures("four_cores")
def test_no_step_is_done_twice_where_a_trial_goes_on_with_dearer_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A step that takes longer than before needs fewer of them in a trial, perhaps fewer than were done."""
    with Team() as team:
        shop = Workshop(8, team, monkeypatch)
        assert shop.run(400, 1, others=100) == 1
        for steps in range(38, 50):
            shop.rest(2_000_000)
            shop.control[Control.ALONE] = 8 * MICROSECOND
            shop.run(steps, 1, others=100)
            shop.control[Control.ALONE] = 50 * MICROSECOND
            shop.run(10, 1, others=100)  # and each was done once
