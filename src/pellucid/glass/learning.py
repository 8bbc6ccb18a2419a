"""What one neuron would learn in one step: the gradient of each of its weights, and what becomes of them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from pellucid.engine.buffer import Array, Buffer
from pellucid.glass.explanation import Change, Check
from pellucid.glass.passage import Passage
from pellucid.glass.worked import work_out
from pellucid.kernels.exact import evaluate, fma, ulps
from pellucid.layers.base import Layer, Parameter
from pellucid.regularizers import clip_to_value


class Learning:
    """The step of one neuron, each number of it worked out anew.

    Parameters
    ----------
    passage : Passage
        Went backward.
    layer, j, row
        The neuron, and the row whose part of the gradient is shown.
    x, delta : Buffer
        What came into the layer, and its delta.
    """

    def __init__(self, passage: Passage, layer: Layer, j: int, row: int, x: Buffer, delta: Buffer) -> None:
        self.passage, self.layer, self.j, self.row = passage, layer, j, row
        self.X, self.deltas = passage.values[x], passage.values[delta][:, j]
        self.checks: list[Check] = []
        self.notes: list[str] = []
        self.numbers: dict[str, float] = {}
        self.worked: list[str] = []

    def changes(self) -> list[Change]:
        """The bias, if there is one, then the weights in the order of the inputs."""
        name = self.layer.label
        weights, bias = (self.passage.parameters.get(f"{name}/{part}") for part in ("weights", "bias"))
        assert weights is not None
        if not weights.trainable:
            self.notes.append(f"{name} is frozen: training leaves its weights as they are.")
            return []
        step, optimizer = self.passage.next_step, self.passage.method.optimizer
        self.numbers = dict(step.numbers[optimizer.factors(weights)])
        if bias is not None and bias.learning_rate != weights.learning_rate:
            self.notes.append(
                f"The learning rate counts {weights.learning_rate:g} times for the weights and "
                f"{bias.learning_rate:g} times for the bias; the numbers shown are those of the weights."
            )
        if (
            bias is not None
            and optimizer.factors(bias).weight_decay != optimizer.factors(weights).weight_decay
        ):
            self.notes.append(
                f"The weight decay counts {weights.weight_decay:g} times for the weights and "
                f"{bias.weight_decay:g} times for the bias."
            )
        total = np.zeros(self.X.shape[1], np.float32)
        for x, delta in zip(self.X, self.deltas, strict=True):
            total = fma(x, delta, total)
        parts = self.X[self.row].astype(np.float64) * self.deltas[self.row]
        sources = self.passage.wiring.sources[name]
        changes: list[Change] = []
        if bias is not None:
            changes = self._of(bias, ["bias"], self.deltas[self.row : self.row + 1], _summed(self.deltas))
        return changes + self._of(weights, sources, parts, total)

    def _of(self, p: Parameter, sources: list[str], parts: Array, total: Array) -> list[Change]:
        """What becomes of the numbers of a parameter that belong to this neuron."""
        passage, step, optimizer = self.passage, self.passage.next_step, self.passage.method.optimizer
        what = "the bias" if p.buffer.is_line else "the weights"

        def own(values: Array) -> Array:
            return values[self.j : self.j + 1] if values.ndim == 1 else values[:, self.j]

        gradient, before = own(passage.values[p.gradient]), own(passage.values[p.buffer])
        used, after = own(step.after[p.gradient]), own(step.after[p.buffer])
        self._check(f"the gradient of {what}", gradient, total)
        states = dict(zip(optimizer.states, step.lowered.states[p], strict=True))
        old = {s: own(step.before[b]) for s, b in states.items()}
        new = {s: own(step.after[b]) for s, b in states.items()}
        self._check_used(p, what, gradient, before, used)
        factors = optimizer.factors(p)
        settings = {s: optimizer.scaled(factors).settings[s] for s in optimizer.used}
        given: dict[str, Any] = {"w": before, "g": used, **old, **step.numbers[factors], **settings}
        found, *kept = evaluate(optimizer.kernel, given)
        for state, values in zip(new, kept, strict=True):
            self._check(f"{optimizer.name}'s {state} of {what}", new[state], values)
        if p.max_norm is not None:
            found = _limited(found, p.max_norm)
        self._check(f"{what} after the step", after, found)
        if not p.buffer.is_line:
            i = int(np.abs(used).argmax())
            of_one = {n: float(v[i]) if isinstance(v, np.ndarray) else v for n, v in given.items()}
            lines = work_out(optimizer.function, of_one, ("w", *optimizer.states))
            self.worked = [f"the weight from {sources[i]}:", *lines] if lines else []
        return [
            Change(
                source,
                float(parts[i]),
                float(gradient[i]),
                float(used[i]),
                {s: float(v[i]) for s, v in old.items()},
                {s: float(v[i]) for s, v in new.items()},
                float(before[i]),
                float(after[i]),
            )
            for i, source in enumerate(sources)
        ]

    def _check_used(self, p: Parameter, what: str, gradient: Array, w: Array, used: Array) -> None:
        """The gradient as the optimizer saw it, where something was done to it."""
        changes, g = self.passage.method.changes, gradient
        if p.regularizer is not None:
            [g] = evaluate(p.regularizer.kernel, {"g": g, "w": w, **p.regularizer.settings})
            self.notes.append(
                f"To the gradient of {what} {p.regularizer} adds its part: {p.regularizer.text}"
            )
        if changes.ridge is not None and p.synapses:
            share = np.float32(changes.ridge) / np.float32(self.passage.n_rows)
            g = g + share * w
            self.notes.append(f"To the gradient of {what} the ridge adds {share:.4g} times the weight.")
        if changes.clip_norm is not None or changes.noise is not None:
            if what == "the weights":
                limit = f"scaled so that their norm is at most {changes.clip_norm:g}"
                done = [limit] * (changes.clip_norm is not None)
                done += ["given some noise"] * (changes.noise is not None)
                self.notes.append(f"Before the optimizer saw them all gradients were {' and '.join(done)}.")
            return
        if changes.clip_value is not None:
            [g] = evaluate(clip_to_value, {"g": g, "limit": changes.clip_value})
        if g is not gradient or changes.clip_value is not None or ulps(used, g).any():
            self._check(f"the gradient of {what} as the optimizer saw it", used, g)

    def _check(self, what: str, shown: Array, found: Any) -> None:
        distances = ulps(shown, found)
        i = int(distances.argmax())
        self.checks.append(Check(what, "arithmetic", float(shown[i]), float(found[i]), int(distances[i])))


def _summed(values: Array) -> Array:
    """The sum of float32 numbers in fours, as `kernels.rows.column_sums` makes it."""
    total, n = np.float32(0), len(values) // 4 * 4
    for one, two, three, four in values[:n].reshape(-1, 4):
        total += (one + two) + (three + four)
    for value in values[n:]:
        total += value
    return np.array([total])


def _limited(weights: Array, limit: float) -> Array:
    """Weights scaled down to a norm, as `kernels.gradients.limit_columns` does."""
    wide = weights.astype(np.float64)
    norm = np.sqrt(functools.reduce(lambda total, w: total + w * w, wide, 0.0))
    most = np.float64(np.float32(limit))
    return np.asarray(wide * (most / norm if norm > most else 1.0), np.float32)
