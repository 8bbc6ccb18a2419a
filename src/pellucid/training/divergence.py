"""Finds where a training that diverged went wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pellucid.engine.buffer import Arena
from pellucid.layers.base import Parameter
from pellucid.lowering import Lowered

WHAT = {"z": "weighted inputs", "a": "activations", "delta": "deltas", "dx": "shares of the error"}


def find_cause(lowered: Lowered, work: Arena, parameters: Sequence[Parameter], arena: Arena) -> str:
    """The first quantity of the last step that is not finite; weights come before what they made."""
    made = [b for b in lowered.step.work if b.name.rpartition("/")[2] in WHAT]
    for buffer in made:
        if not np.isfinite(work.view(buffer)).all():
            layer, _, what = buffer.name.rpartition("/")
            weights = [p for p in parameters if p.name.startswith(f"{layer}/")]
            if what in ("z", "a") and any(not np.isfinite(arena.view(p.buffer)).all() for p in weights):
                return f"the weights of layer {layer!r} are no longer finite"
            return f"the {WHAT[what]} of layer {layer!r} are no longer finite"
    for parameter in parameters:
        if not np.isfinite(arena.view(parameter.buffer)).all():
            return f"{parameter.name!r} is no longer finite"
    reach = {b.name: float(np.abs(work.view(b)).max()) for b in made if b.name.endswith(("/z", "/a"))}
    if not reach:
        return "the loss is no longer finite"
    highest = max(reach, key=lambda name: reach[name])
    layer, _, what = highest.rpartition("/")
    return f"the loss is no longer finite; the {WHAT[what]} of layer {layer!r} reach {reach[highest]:.3g}"
