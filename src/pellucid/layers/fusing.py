"""Puts relu and its way back into the products before them, in plans whose insides nobody looks at."""

from __future__ import annotations

import itertools
from collections import Counter

from pellucid.activations import relu
from pellucid.engine.buffer import Buffer
from pellucid.engine.plan import Call, Operand
from pellucid.kernels.products import PLAIN, RELU, SLOPE, products, row_product
from pellucid.layers.step import Step


def fuse(step: Step) -> None:
    """Let products make what relu would make of their results at once.

    A product that makes z and the relu behind it become one that makes a; one that makes ∂loss/∂a and the
    way back through relu become one that makes delta. So z and ∂loss/∂a, of which nothing else may be made,
    are never written. The numbers that are left are the same, bit for bit.
    """
    stages = step.builder.stages
    users = Counter(b for calls in stages for call in calls for b, _ in call.uses)
    slopes = [call for calls in stages for call in calls if call.kernel is relu.backward]
    looked_at = Counter(call.operands["z"] for call in slopes)  # declared, though the slope is told by a
    made: dict[Buffer, Buffer] = {}  # a by z
    for calls in stages:
        for i, (call, follower) in reversed(list(enumerate(itertools.pairwise(calls)))):
            if call.kernel not in (products()[0], row_product()) or call.operands["ending"] != PLAIN:
                continue
            C = call.operands["C"]
            assert isinstance(C, Buffer)
            more: dict[str, Operand] = {}
            if follower.kernel is relu.forward and follower.operands["z"] is C:
                if users[C] == 2 + looked_at[C]:
                    a = follower.operands["a"]
                    assert isinstance(a, Buffer)
                    made[C], more = a, {"ending": RELU, "C": a}
            elif follower.kernel is relu.backward and follower.operands["da"] is C and users[C] == 2:
                more = {"ending": SLOPE, "mask": follower.operands["a"], "C": follower.operands["delta"]}
            if more:
                calls[i : i + 2] = [Call(call.kernel, call.axis, {**call.operands, **more})]
                step.work.remove(C)
    for calls in stages:
        _tell(calls, made)


def _tell(calls: list[Call], made: dict[Buffer, Buffer]) -> None:
    """Name a instead of z, which is no longer there, to the ways back that remain."""
    for i, call in enumerate(calls):
        z = call.operands.get("z")
        if z in made:
            calls[i] = Call(call.kernel, call.axis, {**call.operands, "z": made[z]})
