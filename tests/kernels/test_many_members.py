"""Teams of more members than this machine may have cores for, in processes that must end by themselves."""

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
    lines = said_by(FITS.format(cores=cores, threads=[None, None])).splitlines()
    assert [line.split()[0] for line in lines] == ["True"] * 4


def test_fixed_numbers_of_members_come_to_the_same_bits() -> None:
    lines = said_by(FITS.format(cores=2, threads=[2, 3, 4, 7])).splitlines()
    assert lines == [f"True {m} threads, as asked" for m in (2, 3, 4, 7)] * 2


@kernel(x="read whole", overlaps=True)
def do_nothing(x, lo, hi):  # type: ignore[no-untyped-def]
    """Over before, while or after others come."""


def test_what_a_team_is_invited_to_stays_in_place_until_all_have_gone() -> None:
    """Who comes when all is done may have read half of it: then the other half must be the same."""
    x = np.zeros(2, np.float32)
    team = Team(3)
    team.run_apart(do_nothing, np.array([x.ctypes.data], np.int64))
    assert team.meeting[Meeting.KERNEL] == address_of(do_nothing)
    assert team.meeting[Meeting.COUNT] > team.members
    assert team.meeting[Meeting.STAY] == 0
