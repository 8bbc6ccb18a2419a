"""Teams of more members than this machine may have cores for, each in a process of its own.

A team that lost count of itself would wait for ever, and one that read half of what it is invited to would
call what is no kernel: so the process is given a time, and must end by itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from pellucid.kernels.kernel import kernel
from pellucid.kernels.meeting import Meeting
from pellucid.kernels.team import Team, address_of

SECONDS = 100  # that a process may take; it takes three


def said_by(code: str) -> str:
    """What a fresh process prints, which must come to its end."""
    lines = f"import sys\nsys.path.insert(0, {os.path.dirname(__file__)!r})\n" + textwrap.dedent(code)
    environment = {n: v for n, v in os.environ.items() if n != "PELLUCID_THREADS"}
    command = [sys.executable, "-c", lines]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


FITS = """
    import numpy as np
    from pellucid import Dense, Input, Network, settings

    settings.cores = lambda: {cores}
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2048, 50)).astype(np.float32)
    y = X[:, :3] ** 2

    def fit(width, batch_size, threads):
        net = Network([Input(50), Dense(width, "tanh"), Dense(3)], seed=0)
        how = dict(batch_size=batch_size, threads=threads, validation_data=(X[:200], y[:200]), verbose=0)
        history = net.fit(X, y, epochs=10, **how)
        return net.predict(X).tobytes(), history["loss"], history["validation_loss"], history.threads

    for width, batch_size in ((16, 16), (192, 256)):
        *alone, _ = fit(width, batch_size, 1)
        for threads in {threads}:
            *together, told = fit(width, batch_size, threads)
            print(alone == together, told)
"""


@pytest.mark.parametrize("cores", [4, 7, 8])
def test_who_has_nothing_to_do_in_a_trial_waits_apart_from_those_at_work(cores: int) -> None:
    """Half of the members and fewer are tried; the others wait meanwhile."""
    tried = [m for i in range(4) if (m := cores >> i)]
    lines = said_by(FITS.format(cores=cores, threads=[None, None])).splitlines()
    assert [line.split()[0] for line in lines] == ["True"] * 4
    trials = [line.split("took ")[1].split(", ") for line in lines if "took" in line]
    assert trials  # none where other programs took the cores all the time
    assert all([int(cost.split()[-1]) for cost in trial] == tried for trial in trials)


def test_fixed_numbers_of_members_come_to_the_same_bits() -> None:
    lines = said_by(FITS.format(cores=2, threads=[2, 3, 4, 7])).splitlines()
    assert lines == [f"True {m} threads, as asked" for m in (2, 3, 4, 7)] * 2


@kernel(x="update whole", overlaps=True)
def spend(x, x_rows, lo, hi):  # type: ignore[no-untyped-def]
    """Some work, which nobody shares: it may be over before, while or after others come."""
    for _ in range(int(x[0])):
        x[1] = x[1] * np.float32(0.5) + np.float32(1)


def test_who_comes_while_all_is_done_goes_home() -> None:
    out = said_by(
        """
        from test_many_members import Team, np, spend

        x = np.zeros(2, np.float32)
        row, team = np.array([x.ctypes.data, 2], np.int64), Team(9)
        for run in range(1500):
            x[0] = run * 97 % 20_000
            team.run_apart(spend, row)
        print("done")
        """
    )
    assert out == "done\n"


def test_what_a_team_is_invited_to_stays_in_place_until_all_have_gone() -> None:
    x = np.zeros(2, np.float32)
    team = Team(3)
    team.run_apart(spend, np.array([x.ctypes.data, 2], np.int64))
    assert team.meeting[Meeting.KERNEL] == address_of(spend)
    assert team.meeting[Meeting.COUNT] > team.members
    assert team.meeting[Meeting.STAY] == 0
