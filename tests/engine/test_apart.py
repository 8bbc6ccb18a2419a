"""Steps that need nothing of each other: each is run once, on its own rows, by some member."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.engine.apart import Apart
from pellucid.engine.buffer import Arena, Buffer
from pellucid.engine.plan import Axis, PlanBuilder
from pellucid.kernels.rows import put, take

N, BATCH = 1000, 7


def copying(
    members: int, monkeypatch: pytest.MonkeyPatch, jit: str, *, in_place: bool
) -> tuple[Apart, Buffer, Buffer]:
    """X to results, by way of a batch of rows or straight from where they are."""
    monkeypatch.setenv("PELLUCID_JIT", jit)
    X, results = (Buffer(name, 0, 5, given=True) for name in ("X", "results"))
    batch, rows, builder = Buffer("batch", BATCH, 5), Axis("rows", None, 8, 96), PlanBuilder()
    if in_place:
        builder.add(put, rows, x=X, out=results)
    else:
        builder.add(take, rows, data=X, out=batch)
        builder.add(put, rows, x=batch, out=results)
    plan = builder.plan([X])
    return Apart(plan, Arena([]), lambda: Arena([batch]), members, [X] if in_place else []), X, results


@pytest.mark.parametrize("jit", ["0", "1"])
@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("members", [1, 2, 5])
def test_every_row_comes_to_its_place(
    members: int, in_place: bool, jit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, X, results = copying(members, monkeypatch, jit, in_place=in_place)
    for n in (N, 1, BATCH, 0, N):
        given, found = (
            np.random.default_rng(n).random((n, 5), np.float32),
            np.full((n, 5), np.nan, np.float32),
        )
        engine.run({X: given, results: found}, BATCH, n)
        np.testing.assert_array_equal(found, given)
