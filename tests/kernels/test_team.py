"""The team: its barrier, forks, Ctrl-C, and threads that come and go.

Each is held against numbers that come out right only if every member waits for the others.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pellucid import settings
from pellucid.engine.buffer import Arena, line
from pellucid.engine.plan import Axis, PlanBuilder
from pellucid.engine.run import CONTROL, Program
from pellucid.kernels.kernel import Control, Now, kernel
from pellucid.kernels.team import Team

STOP, STEP = int(Control.STOP), int(Now.STEP)
LENGTH = 37


@kernel(x="read whole", out="write part")
def turn(x, x_rows, out, lo, hi):  # type: ignore[no-untyped-def]
    """out = x turned by one place, plus 1: each number needs another member's."""
    for i in range(lo, hi):
        out[i] = x[(i + 1) % x_rows] + np.float32(1)


@turn.twin
def _(x, x_rows, out, lo, hi):  # type: ignore[no-untyped-def]
    out[lo:hi] = np.roll(x, -1)[lo:hi] + 1


@kernel(x="read whole", control="update whole i8", overlaps=True)
def stop_at(x, control, limit, now, lo, hi):  # type: ignore[no-untyped-def]
    """Ask to stop in the step `limit`."""
    if now[STEP] == limit:
        control[STOP] = 1


class Carousel:
    """Two stages a step, each of which turns the numbers by one place and adds 1."""

    def __init__(self, limit: int = -1) -> None:
        self.a, self.b = line("a", LENGTH), line("b", LENGTH)
        places, builder = Axis("places", LENGTH, 2), PlanBuilder()
        builder.add(turn, places, x=self.a, out=self.b)
        builder.add(turn, places, x=self.b, out=self.a)
        builder.add(stop_at, Axis("alone", 1), x=self.a, control=CONTROL, limit=limit)
        self.arena = Arena([self.a, self.b])
        self.arena.view(self.a)[:] = np.arange(LENGTH)
        self.program = Program(builder.plan([self.a, CONTROL]), self.arena)

    def run(self, team: Team, steps: int) -> int:
        return self.program.run(team, 0, steps, 1, steps)

    def expected(self, steps: int) -> Any:
        return (np.arange(LENGTH) + 2 * steps) % LENGTH + 2 * steps

    def found(self) -> Any:
        return self.arena.view(self.a).copy()


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("pellucid-")]


def wait_until_gone(count: int) -> None:
    deadline = time.monotonic() + 30
    while len(threads()) > count and time.monotonic() < deadline:
        time.sleep(0.001)
    assert len(threads()) == count


@pytest.mark.parametrize("members", [1, 2, 3, 4, 9])
def test_no_member_passes_a_barrier_before_the_others(members: int) -> None:
    carousel = Carousel()
    with Team(members) as team:
        assert carousel.run(team, 1000) == 1000
        np.testing.assert_array_equal(carousel.found(), carousel.expected(1000))
        assert carousel.run(team, 7) == 7
    np.testing.assert_array_equal(carousel.found(), carousel.expected(1007))


@pytest.fixture
def busy_machine() -> Iterator[None]:
    """Twice as many processes as cores that do nothing but work."""
    command = [sys.executable, "-c", "print(flush=True)\nwhile True: pass"]
    others = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2 * settings.cores())]
    for other in others:
        assert other.stdout
        other.stdout.readline()
    yield
    for other in others:
        other.kill()
        other.communicate()


@pytest.mark.usefixtures("busy_machine")
def test_a_busy_machine_slows_but_does_not_stall() -> None:
    carousel = Carousel()
    with Team(4) as team:
        carousel.run(team, 100)
    np.testing.assert_array_equal(carousel.found(), carousel.expected(100))


@pytest.mark.parametrize("members", [1, 2, 4])
def test_all_members_stop_where_a_kernel_asks_for_it(members: int) -> None:
    carousel = Carousel(limit=5)
    with Team(members) as team:
        assert carousel.run(team, 1000) == 5
        assert carousel.program.stopped
        np.testing.assert_array_equal(carousel.found(), carousel.expected(6))
        assert carousel.program.run(team, 6, 8, 1, 8) == 8
        assert not carousel.program.stopped
    np.testing.assert_array_equal(carousel.found(), carousel.expected(8))


def test_more_members_than_work() -> None:
    """37 numbers in grains of 2 are 19 shares."""
    carousel = Carousel()
    with Team(24) as team:
        carousel.run(team, 20)
    np.testing.assert_array_equal(carousel.found(), carousel.expected(20))


def test_threads_go_home_when_the_team_is_closed_or_forgotten() -> None:
    gc.collect()
    time.sleep(0.5)  # threads of teams before are on their way home
    before = len(threads())
    carousel = Carousel()
    with Team(3) as team:
        carousel.run(team, 1)
        assert len(threads()) == before + 2
    wait_until_gone(before)
    team.close()
    carousel.run(team, 1)
    assert len(threads()) == before + 2
    del team
    wait_until_gone(before)
    np.testing.assert_array_equal(carousel.found(), carousel.expected(2))


def test_a_team_works_with_fewer_where_the_system_gives_no_more_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, started = threading.Thread.start, []

    def limited(thread: threading.Thread) -> None:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    carousel = Carousel()
    with Team(4) as team:
        carousel.run(team, 30)
    np.testing.assert_array_equal(carousel.found(), carousel.expected(30))
    assert len(started) == 1


def test_teams_of_several_threads_do_not_disturb_each_other() -> None:
    carousels = [Carousel() for _ in range(4)]

    def ride(carousel: Carousel) -> None:
        with Team(2) as team:
            for _ in range(10):
                carousel.run(team, 10)

    riders = [threading.Thread(target=ride, args=(c,)) for c in carousels]
    for rider in riders:
        rider.start()
    for rider in riders:
        rider.join()
    for carousel in carousels:
        np.testing.assert_array_equal(carousel.found(), carousel.expected(100))


def script(code: str) -> str:
    """What a fresh process prints."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    said = [m for m in ran.stderr.splitlines() if not m.startswith("pellucid: compiling")]
    assert not said, ran.stderr
    return ran.stdout


FORK = """
    import os, sys, warnings
    import numpy as np
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "This process .* is multi-threaded, use of fork", DeprecationWarning)
    from pellucid import Dense, Input, Network

    X = np.linspace(-1, 1, 80).reshape(20, 4)
    def fit(net):
        net.fit(X, X[:, :1] * X[:, 1:2], epochs=4, batch_size=8, threads=2)
        return net.predict(X).tobytes().hex()

    net = Network([Input(4), Dense(5, "tanh"), Dense(1)], seed=0)
    fit(net)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, fit(net).encode())
        os._exit(0)
    here = fit(net)
    assert os.waitpid(child, 0)[1] == 0
    os.close(write)
    there = b"".join(iter(lambda: os.read(read, 65536), b"")).decode()
    print(here == there and len(here))
"""


def test_a_child_after_a_fork_goes_on_as_its_parent_does() -> None:
    assert script(FORK) == "160\n"


INTERRUPTED = """
    import os, random, signal, sys, threading, time
    sys.path.insert(0, {folder!r})
    from test_team import Carousel, Team, np

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    carousel, team, seen, done = Carousel(), Team(3), 0, 0
    carousel.run(team, 1)
    done += 1
    random.seed(1)
    for _ in range(60):
        timer = threading.Timer(random.uniform(0, 0.004), os.kill, (os.getpid(), signal.SIGINT))
        try:
            timer.start()
            while True:
                carousel.run(team, 200)
                done += 200
        except KeyboardInterrupt:
            seen += 1
            # The interrupted run came to its end, or it never began.
            first = carousel.found()[0]
            done += 200 if first == carousel.expected(done + 200)[0] else 0
        timer.join()
        assert (carousel.found() == carousel.expected(done)).all()
    carousel.run(team, 10)
    assert (carousel.found() == carousel.expected(done + 10)).all()
    print(seen)
"""


def test_ctrl_c_lets_all_members_come_to_the_end() -> None:
    assert script(INTERRUPTED.format(folder=os.path.dirname(__file__))) == "60\n"


def test_what_a_signal_handler_raises_is_raised_when_all_are_done() -> None:
    out = script(
        f"""
        import signal, sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        from test_team import Carousel, Team

        def ring(*_):
            raise TimeoutError("too long")

        carousel, team = Carousel(), Team(2)
        carousel.run(team, 1)
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        try:
            carousel.run(team, 200_000)
        except TimeoutError:
            print((carousel.found() == carousel.expected(200_001)).all())
        """
    )
    assert out == "True\n"
