"""Plans: the stages that the builder finds, what the checker refuses, and that the rest runs on any team."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pellucid.engine.buffer import Arena, Buffer, line
from pellucid.engine.plan import Axis, Call, Group, Operand, Plan, PlanBuilder, Stage
from pellucid.engine.run import CONTROL, Program
from pellucid.errors import InternalError
from pellucid.kernels.columns import add, copy_columns, scale_columns
from pellucid.kernels.gradients import limit_columns
from pellucid.kernels.kernel import Kernel
from pellucid.kernels.rows import add_losses, column_sums, transpose
from pellucid.kernels.team import Team

SIZE = 13  # of all matrices, which are square, and of all lines
ROWS, OTHER_ROWS = Axis("rows", SIZE, 2, 4), Axis("other rows", SIZE, 3)
COLUMNS = Axis("columns", SIZE, 2)
ALONE = Axis("alone", 1)


def matrix(name: str) -> Buffer:
    return Buffer(name, SIZE, SIZE)


A, B, C, D = map(matrix, "ABCD")
V, W = line("v", SIZE), line("w", SIZE)


def added(x: Buffer, y: Buffer, out: Buffer, axis: Axis = ROWS) -> tuple[Kernel, Axis, dict[str, Operand]]:
    return add, axis, {"x": x, "y": y, "out": out}


def summed(x: Buffer, out: Buffer, axis: Axis = COLUMNS) -> tuple[Kernel, Axis, dict[str, Operand]]:
    return column_sums, axis, {"x": x, "out": out}


def scaled(x: Buffer, v: Buffer, out: Buffer, axis: Axis = ROWS) -> tuple[Kernel, Axis, dict[str, Operand]]:
    return scale_columns, axis, {"x": x, "factors": v, "out": out}


def turned(x: Buffer, out: Buffer, axis: Axis = ROWS) -> tuple[Kernel, Axis, dict[str, Operand]]:
    return transpose, axis, {"x": x, "out": out}


def build(
    *calls: tuple[Kernel, Axis, dict[str, Operand]], ready: Sequence[Buffer] = (A, B, C, D, V, W)
) -> Plan:
    builder = PlanBuilder()
    for kernel, axis, operands in calls:
        builder.add(kernel, axis, **operands)
    return builder.plan(ready)


def shape(plan: Plan) -> list[list[int]]:
    """How many calls each group of each stage has."""
    return [[len(g.calls) for g in stage.groups] for stage in plan.stages]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        # each thread goes on with its own rows
        ([added(A, B, C), added(C, B, D)], [[2]]),
        # changed in place, then read by the same thread
        ([added(A, B, C), scaled(C, V, D), added(C, D, A)], [[3]]),
        # reads all that others have made
        ([added(A, B, C), summed(C, V)], [[1], [1]]),
        # others still read what this would overwrite
        ([summed(A, V), added(B, C, A)], [[1], [1]]),
        # the same rows, but shared out differently
        ([added(A, B, C), added(C, B, D, OTHER_ROWS)], [[1], [1]]),
        # nothing in common: no meeting, but another way of sharing out
        ([added(A, B, C), added(A, B, D, OTHER_ROWS)], [[1, 1]]),
        # only read by both
        ([summed(A, V), added(A, B, C)], [[1, 1]]),
        # back to an axis of the same stage
        ([added(A, B, C), summed(A, V), added(C, B, D)], [[1, 1, 1]]),
        # a line made by columns and then read whole
        ([summed(A, V), scaled(B, V, C), added(C, B, D)], [[1], [2]]),
        # a thread's columns are not a thread's rows, though the axis is one
        ([turned(A, B), added(B, C, D)], [[1], [1]]),
        ([added(A, B, C), (limit_columns, ROWS, {"w": C, "factors": W, "limit": 1.0})], [[1], [1]]),
    ],
)
def test_builder_begins_a_stage_exactly_where_threads_must_meet(
    calls: list[Any], expected: list[list[int]]
) -> None:
    assert shape(build(*calls)) == expected


def stage(*calls: tuple[Kernel, Axis, dict[str, Operand]]) -> Stage:
    return Stage(tuple(Group(axis, (Call(kernel, axis, operands),)) for kernel, axis, operands in calls))


@pytest.mark.parametrize(
    ("stages", "ready", "message"),
    [
        ([stage(added(A, B, C))], [A], "'add' reads 'B' before it is written"),
        (
            [stage(summed(C, V)), stage(added(A, B, C))],
            [A, B],
            "'column_sums' reads 'C' before it is written",
        ),
        ([stage(added(A, B, C), summed(C, V))], [A, B], "'add' and 'column_sums' meet at 'C' in one stage"),
        (
            [stage(summed(A, V), added(B, C, A))],
            [A, B, C],
            "'column_sums' and 'add' meet at 'A' in one stage",
        ),
        (
            [stage(added(A, B, C), added(A, B, C, OTHER_ROWS))],
            [A, B],
            "'add' and 'add' meet at 'C' in one stage",
        ),
        ([stage(turned(A, B), added(B, A, C))], [A], "'transpose' and 'add' meet at 'B' in one stage"),
        ([stage(added(A, B, B))], [A, B], "'add' writes 'B', which it has twice"),
        ([stage(scaled(A, V, A))], [A, V], "'scale_columns' writes 'A', which it has twice"),
    ],
)
def test_check_refuses(stages: list[Stage], ready: list[Buffer], message: str) -> None:
    with pytest.raises(InternalError, match=f"^{message}$"):
        Plan(tuple(stages), frozenset(ready)).check()


def test_check_refuses_threads_that_all_write_the_whole() -> None:
    losses, total = line("losses", SIZE), line("total", 8, "f8")
    operands: dict[str, Operand] = {"losses": losses, "weights": V, "total": total, "control": CONTROL}
    ready = frozenset({losses, V, total, CONTROL})
    Plan((stage((add_losses, ALONE, operands)),), ready).check()
    with pytest.raises(InternalError, match="several threads of 'add_losses' write all of 'control'"):
        Plan((stage((add_losses, ROWS, operands)),), ready).check()


def test_a_call_without_one_of_its_arguments_is_refused() -> None:
    with pytest.raises(InternalError, match="kernel 'copy_columns' lacks its argument 'source'"):
        Call(copy_columns, ROWS, {"x": A, "out": B})


def test_table_names_stages_axes_kernels_and_buffers() -> None:
    plan = build(added(A, B, C), summed(C, V), scaled(A, V, D))
    assert plan.table().splitlines() == [
        "stage 1",
        "  each thread its rows (13)",
        "    add: A (13 x 13), B (13 x 13) -> C (13 x 13)",
        "stage 2",
        "  each thread its columns (13)",
        "    column_sums: C (13 x 13) -> v (13)",
        "stage 3",
        "  each thread its rows (13)",
        "    scale_columns: A (13 x 13), v (13) -> D (13 x 13)",
    ]
    assert plan.kernels() == [add, column_sums, scale_columns]
    assert plan.buffers() == [A, B, C, V, D]


# ---------------------------------------------------------------- any plan that is accepted

MATRICES, LINES = (A, B, C, D), (V, W)


@st.composite
def random_calls(draw: st.DrawFn) -> list[tuple[Kernel, Axis, dict[str, Operand]]]:
    calls = []
    rows = st.sampled_from([ROWS, OTHER_ROWS])
    for _ in range(draw(st.integers(1, 7))):
        x, y, out = draw(st.permutations(MATRICES))[:3]
        v = draw(st.sampled_from(LINES))
        make: Callable[..., Any] = draw(st.sampled_from([added, summed, scaled, turned]))
        calls.append(
            {
                added: lambda x=x, y=y, out=out: added(x, y, out, draw(rows)),
                summed: lambda x=x, v=v: summed(x, v),
                scaled: lambda x=x, v=v, out=out: scaled(x, v, out, draw(rows)),
                turned: lambda x=x, out=out: turned(x, out, draw(rows)),
            }[make]()
        )
    return calls


def first_numbers() -> Arena:
    arena = Arena([*MATRICES, *LINES])
    rng = np.random.default_rng(0)
    for buffer in arena.buffers:
        arena.view(buffer)[:] = rng.uniform(-0.3, 0.3, arena.view(buffer).shape)
    return arena


def results(arena: Arena) -> bytes:
    return b"".join(arena.padded(b).tobytes() for b in arena.buffers)


def on_a_team(plan: Plan, members: int) -> bytes:
    """What the compiled plan leaves after two steps."""
    arena = first_numbers()
    with Team(members) as team:
        Program(plan, arena).run(team, 0, 2, SIZE, 2 * SIZE)
    return results(arena)


def by_turns(plan: Plan, order: Sequence[int]) -> bytes:
    """The same with each member's share of a stage done as a whole, one member after the other."""
    arena = first_numbers()
    for _ in range(2):
        for one in plan.stages:
            for member in order:
                for group in one.groups:
                    axis = group.axis
                    assert axis.size
                    grains = -(-axis.size // axis.grain)
                    lo = grains * member // len(order) * axis.grain
                    hi = min(grains * (member + 1) // len(order) * axis.grain, axis.size)
                    for call in group.calls:
                        twin(call, arena, lo, hi)
    return results(arena)


def twin(call: Call, arena: Arena, lo: int, hi: int) -> None:
    if lo < hi and call.kernel.reference:
        now = [0, 0, SIZE, 0]
        named = zip(call.kernel.parameters, call.arguments, strict=True)
        values = [now if p == "now" else arena.view(a) if isinstance(a, Buffer) else a for p, a in named]
        call.kernel.reference(*values, lo, hi)


@settings(max_examples=60, deadline=None)
@given(random_calls(), st.permutations(range(3)))
def test_what_the_builder_makes_runs_the_same_on_any_team(calls: list[Any], order: list[int]) -> None:
    plan = build(*calls)
    assert len({on_a_team(plan, members) for members in (1, 2, 4)}) == 1
    assert by_turns(plan, order) == by_turns(plan, [0, 1, 2])
    one_by_one = Plan(tuple(Stage((Group(c.axis, (c,)),)) for c in plan.calls()), plan.ready)
    assert by_turns(plan, order) == by_turns(one_by_one, [0])


@settings(max_examples=150, deadline=None)
@given(random_calls(), st.lists(st.booleans(), min_size=7, max_size=7), st.permutations(range(3)))
def test_what_check_accepts_runs_the_same_on_any_team(
    calls: list[Any], cuts: list[bool], order: list[int]
) -> None:
    stages: list[list[Any]] = [[]]
    for call, cut in zip(calls, cuts, strict=False):
        if cut and stages[-1]:
            stages.append([])
        stages[-1].append(call)
    plan = Plan(tuple(stage(*s) for s in stages), frozenset({*MATRICES, *LINES}))
    try:
        plan.check()
    except InternalError:
        assume(False)
    assert by_turns(plan, order) == by_turns(plan, [0, 1, 2])
    assert len({on_a_team(plan, members) for members in (1, 2, 4)}) == 1


def test_compiled_and_interpreted_plans_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = build(added(A, B, C), scaled(C, V, D), summed(D, W), turned(D, A), added(A, C, B))
    compiled = np.frombuffer(on_a_team(plan, 1), np.float32)
    monkeypatch.setenv("PELLUCID_JIT", "0")
    interpreted = np.frombuffer(on_a_team(plan, 1), np.float32)
    np.testing.assert_allclose(interpreted, compiled, rtol=1e-5, atol=1e-6)
