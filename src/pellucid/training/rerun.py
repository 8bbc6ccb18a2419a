"""Runs a step of a recorded fit again: from the snapshot before it, by the training loop itself."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from pellucid.engine.buffer import Arena, Array, Buffer
from pellucid.engine.run import Program
from pellucid.errors import DataError
from pellucid.glass.passage import Passage
from pellucid.glass.step import Method, NextStep
from pellucid.glass.trace import Trace, trace_of
from pellucid.kernels.team import Team
from pellucid.lowering import Lowered, lower_training
from pellucid.optimizers import Factors
from pellucid.regularizers import Gradients
from pellucid.training.fit import Fit
from pellucid.training.replay import Replay
from pellucid.training.state import State, Tensors, put, states_of

if TYPE_CHECKING:
    from pellucid.training.recording import Mark, Recording

CHANGES = ("ridge", "clip_norm", "clip_value", "noise")  # what is done to a gradient, in this order
SUMS = ("product_transposed", "column_sums", "column_products")  # kernels whose gradients are sums over rows


def rerun(recording: Recording, step: int) -> Replay:
    """Run a step of a recorded fit again.

    Raises
    ------
    ArgumentError
        If the step is not among those recorded.
    DataError
        If the epoch does not end with the weights that training had then.
    """
    mark, way, snapshot = recording.find(step)
    fit, settings, given = _fit_at(recording, snapshot), recording.settings, recording.rows
    first = mark.first + step - 1 - mark.tick  # the step's number within its epoch, from 0
    with Team(settings.threads) as fit.team:
        fit.refresh.run(fit.team, 0, 1, 1, 1)
        for m in way:
            _begin(fit, m)
            if m is mark:
                fit.advance(first)
                rows = fit.order[first * fit.batch_size : (first + 1) * fit.batch_size].copy()
                tables = {factor: fit.program.view(b)[first] for factor, b in fit.lowered.tables.items()}
                before, rate = _kept(fit), float(fit.rates[first])
                fit.advance(first + 1)
                after, gradients, factors = _kept(fit), _gradients(fit, fit.gradients), _factors(fit)
            _end(fit, m)
        stages = _stages(fit)
        followed = [_Followed(fit, before, rows, tables, changes) for changes in stages.values()]
    columns = settings.optimizer.step_values
    numbers = {f: dict(zip(columns, map(float, row), strict=True)) for f, row in tables.items()}
    known = {name: _gradients(fit, f.gradients) for name, f in zip(stages, followed, strict=True)}
    known[list(stages)[-1]] = gradients
    done = NextStep(fit.lowered, _by_buffer(fit, before), _by_buffer(fit, after, gradients), numbers)
    return Replay(
        recording=recording,
        step=step,
        epoch=mark.epoch + 1,
        step_in_epoch=first + 1,
        rows=rows,
        X=given.X[rows],
        y=given.y.matrix(rows),
        weights=None if given.weights is None else given.weights[rows],
        learning_rate=rate,
        trace=_trace(recording, fit, followed[0], before, done, rate),
        gradients=known,
        numbers=numbers,
        column_factors=factors,
        state_before=before,
        state_after=after,
        operands=_operands(followed[0].lowered),
    )


def _fit_at(recording: Recording, snapshot: State) -> Fit:
    """The fit as it was at a snapshot, in memory of its own."""
    parameters = [p for layer in recording.layers for p in layer.parameters]
    arenas = Arena(p.buffer for p in parameters), Arena(p.gradient for p in parameters if p.trainable)
    state = dataclasses.replace(snapshot, plateau=copy.copy(snapshot.plateau))
    fit = Fit(recording.layers, *arenas, recording.rows, None, recording.settings, state, recording.seed)
    put(snapshot.last, fit.all, fit.parameters)
    state.load(fit.lowered, fit.work, fit.all, fit.parameters)
    return fit


def _begin(fit: Fit, mark: Mark) -> None:
    """Begin an epoch as it began then."""
    if fit.parameters.checksum() != mark.before:
        raise DataError(
            f"a callback has set weights before epoch {mark.epoch + 1}, and before so many others that not "
            "all could be kept. Only steps before that can be run again."
        )
    if fit.state.plateau is not None:
        fit.state.plateau.current = mark.factor
    fit.begin_epoch()


def _end(fit: Fit, mark: Mark) -> None:
    """Run the rest of an epoch and see that it ends as it ended then."""
    if not fit.program.stopped:
        fit.advance(mark.first + mark.n_steps)
    if fit.parameters.checksum() != mark.after:
        raise DataError(
            f"epoch {mark.epoch + 1}, run again, does not end with the weights that it had when it was "
            "recorded: X, y or the weights of rows are no longer what they were. Keep a copy of what you "
            "change."
        )
    fit.state.epoch, fit.state.step = fit.state.epoch + 1, 0


def _kept(fit: Fit) -> State:
    """A copy of where a fit stands."""
    fit.keep()
    return dataclasses.replace(fit.state)


def _gradients(fit: Fit, arena: Arena) -> Tensors:
    return {p.name: arena.view(p.gradient).copy() for p in fit.all if p.trainable}


def _factors(fit: Fit) -> Tensors:
    wanted = {f"{p.name}/factors": p.name for p in fit.all if p.max_norm is not None}
    return {wanted[b.name]: fit.work.view(b).copy() for b in fit.lowered.step.work if b.name in wanted}


def _stages(fit: Fit) -> dict[str, Gradients | None]:
    """What was done to the gradients up to each stage, the first of which is without an optimizer."""
    stages: dict[str, Gradients | None] = {"loss": None}
    if any(p.regularizer and p.trainable for p in fit.all):
        stages["regularizer"] = Gradients()
    asked, so_far = fit.settings.gradients or Gradients(), Gradients()
    for name in CHANGES:
        if (value := getattr(asked, name)) is not None:
            stages[name] = so_far = dataclasses.replace(
                so_far, noise_decay=asked.noise_decay, **{name: value}
            )
    return stages


class _Followed:
    """A step by itself, from the same weights, with a part of what is done to gradients, or nothing.

    With nothing there is no optimizer either, and what is left is the trace of the step.
    """

    def __init__(
        self, fit: Fit, before: State, rows: Array, tables: Mapping[Factors, Array], changes: Gradients | None
    ) -> None:
        settings, data, n = fit.settings, fit.data, len(rows)
        optimizer = None if changes is None else settings.optimizer
        self.lowered = lowered = lower_training(
            fit.layers, data, settings.loss, optimizer, n, fit.seed, gradients=changes
        )
        self.parameters = Arena(p.buffer for p in fit.all)
        self.gradients = Arena(p.gradient for p in fit.all if p.trainable)
        self.work = Arena([*lowered.step.work, *states_of(lowered)])
        lowered.fill(self.work)
        put(before.last, fit.all, self.parameters)
        for state in states_of(lowered):
            self.work.view(state)[:] = before.optimizer[state.name]
        given = {**fit.rows.given(data), data.order: rows}
        given |= {b: np.ascontiguousarray(tables[f][None]) for f, b in lowered.tables.items()}
        arenas = self.parameters, self.gradients, self.work
        assert lowered.refresh
        Program(lowered.refresh, *arenas).run(fit.team, 0, 1, 1, 1)
        Program(lowered.plan, *arenas, given=given).run(fit.team, 0, 1, n, n, before.tick)


def _trace(
    recording: Recording, fit: Fit, followed: _Followed, before: State, done: NextStep, rate: float
) -> Trace:
    """The trace of a step; explanations of its neurons show the step that the training made."""
    settings, lowered, work = recording.settings, followed.lowered, followed.work
    values = {b: work.view(b) for b in lowered.step.work} | _by_buffer(fit, before)
    values |= {p.gradient: followed.gradients.view(p.gradient) for p in fit.all if p.trainable}
    method = Method(
        settings.optimizer,
        rate,
        before.tick - before.optimizer_since + 1,
        before.optimizer,
        settings.gradients or Gradients(),
        f"as in step {before.tick + 1} of the training",
    )
    passage = Passage(
        recording.layers,
        lowered,
        values,
        lowered.step.batch_size,
        settings.loss,
        True,
        recording.seed,
        method,
        recording.wiring,
        recording.network_of(before.last)._answer,
        done,
    )
    return trace_of(lowered, recording.layers, work, followed.gradients, passage)


def _by_buffer(fit: Fit, state: State, gradients: Tensors | None = None) -> dict[Buffer, Array]:
    """Weights, optimizer states and gradients by their buffers."""
    numbers = {b: state.optimizer[b.name] for b in states_of(fit.lowered)}
    numbers |= {p.buffer: state.last[p.name] for p in fit.all}
    return numbers | {p.gradient: gradients[p.name] for p in fit.all if gradients and p.trainable}


def _operands(lowered: Lowered) -> dict[str, list[str]]:
    """The names of the buffers whose products, summed over the rows, are a parameter's gradient."""
    found = {}
    for parameter, _, calls in lowered.step.gradients:
        if len(calls) == 1 and calls[0][0].name.startswith(SUMS):
            buffers = [b for b in calls[0][1].values() if isinstance(b, Buffer)]
            found[parameter.name] = [b.name for b in buffers if b is not parameter.gradient]
    return found
