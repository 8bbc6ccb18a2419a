"""Turns layers, a loss and an optimizer into plans: what a step does, as data for the engine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pellucid.activations import ACTIVATIONS
from pellucid.engine.buffer import LANE, Arena, Buffer, line
from pellucid.engine.plan import Axis, Operand, Plan, PlanBuilder
from pellucid.engine.run import CONTROL
from pellucid.kernels import rows
from pellucid.kernels.gradients import (
    add_fading_noise,
    add_fading_noise_to_line,
    add_line,
    add_ridge,
    clip_to_norm,
    limit_columns,
    row_squares,
)
from pellucid.kernels.kernel import Kernel
from pellucid.kernels.random import key_of
from pellucid.layers.base import Forward, Layer, Parameter, Step, chain
from pellucid.layers.dense import Dense
from pellucid.layers.fusing import fuse
from pellucid.losses import Loss
from pellucid.optimizers import Factors, Optimizer
from pellucid.regularizers import Gradients, clip_to_value

ONE = Axis("alone", 1)
Calls = Sequence[tuple[Kernel, dict[str, Operand]]]


@dataclass(eq=False)
class Data:
    """The user's arrays, as given buffers.

    Parameters
    ----------
    dtype : str
        `f4` or `f8`: what X holds.
    n_in, n_out : int
        Columns of X and of the targets.
    is_indexed : bool
        Whether the targets are class indices.
    is_weighted : bool
        Whether rows have weights.
    """

    n_in: int
    n_out: int
    dtype: str = "f4"
    is_indexed: bool = False
    is_weighted: bool = False

    def __post_init__(self) -> None:
        self.X = Buffer("data/X", 0, self.n_in, self.dtype, given=True)
        if self.is_indexed:
            self.y = line("data/y", 0, "i8", given=True)
        else:
            self.y = Buffer("data/y", 0, self.n_out, given=True)
        self.weights = line("data/weights", 0, given=True)
        self.order = line("data/order", 0, "i8", given=True)

    @property
    def identity(self) -> Data:
        """Itself: plans refer to its buffers."""
        return self

    @property
    def buffers(self) -> list[Buffer]:
        """All of them."""
        return [self.X, self.y, self.weights, self.order]


@dataclass(eq=False)
class Lowered:
    """A plan and the buffers by which one talks to it."""

    plan: Plan
    step: Step
    x: Buffer
    outputs: Buffer
    data: Data | None = None
    losses: Buffer | None = None
    total: Buffer | None = None
    refresh: Plan | None = None
    tables: dict[Factors, Buffer] = field(default_factory=dict)
    states: dict[Parameter, tuple[Buffer, ...]] = field(default_factory=dict)
    squares: dict[Parameter, Buffer] = field(default_factory=dict)
    penalties: dict[Parameter, Buffer] = field(default_factory=dict)
    results: Buffer | None = None
    seen: Buffer | None = None
    shares: Buffer | None = None
    slopes: Buffer | None = None

    def fill(self, work: Arena) -> None:
        """Put the first values into a work arena: rows without a weight weigh 1."""
        if self.data is None or not self.data.is_weighted:
            for buffer in self.step.work:
                if buffer.name == WEIGHTS:
                    work.padded(buffer)[:] = 1


WEIGHTS = "weights of rows"


def parameters_of(layers: Sequence[Layer]) -> list[Parameter]:
    """All parameters, in order."""
    return [p for layer in layers for p in layer.parameters]


def lower_prediction(
    layers: Sequence[Layer],
    n_in: int,
    n_out: int,
    dtype: str,
    batch_size: int,
    *,
    outputs_only: bool = False,
    weighted: bool = False,
) -> Lowered:
    """The forward pass over rows of X as they come, the outputs put into an array.

    With the dtype `""` rows are put into the input buffer by hand and the outputs stay in theirs. Where
    nobody looks at anything but the outputs a first Dense reads float32 rows where they are: then x is X,
    which must move, see `engine.apart`. With `weighted` the outputs are the weighted inputs z of the last
    layer, before its activation.

    In `seen`, zero at first, a number becomes NaN where an input or an output was not finite.
    """
    step = Step(batch_size, is_training=False)
    ready = [p.buffer for p in parameters_of(layers)]
    lowered = Lowered(None, step, None, None)  # type: ignore[arg-type]
    if dtype:
        lowered.data = Data(n_in, n_out, dtype)
        ready += lowered.data.buffers
    if lowered.data and outputs_only and dtype == "f4" and isinstance(layers[1], Dense):
        lowered.x = lowered.data.X
    else:
        lowered.x = step.matrix("X", n_in)
        if lowered.data:
            step.call(rows.take if dtype == "f4" else rows.take_double, data=lowered.data.X, out=lowered.x)
        else:
            ready.append(lowered.x)
    lowered.seen = step.line("rows that are not finite")
    ready.append(lowered.seen)
    step.call(rows.look_for_nonfinite, x=lowered.x, seen=lowered.seen)
    last = chain(step, layers, lowered.x)
    lowered.outputs = (weighted and last.z) or last.a
    step.call(rows.look_for_nonfinite, x=lowered.outputs, seen=lowered.seen)
    if dtype:
        lowered.results = Buffer("results", 0, n_out, given=True)
        step.call(rows.put, x=lowered.outputs, out=lowered.results)
    if outputs_only:
        fuse(step)
    lowered.plan = step.builder.plan(ready)
    return lowered


def lower_evaluation(layers: Sequence[Layer], data: Data, loss: Loss, batch_size: int) -> Lowered:
    """The forward pass and the loss over rows in a given order, the outputs put into an array."""
    step = Step(batch_size, is_training=False)
    x = step.matrix("X", data.n_in)
    _gather_inputs(step, data, x)
    last = chain(step, layers, x)
    results = Buffer("results", 0, data.n_out, given=True)
    step.call(rows.put, x=last.a, out=results)
    losses, total = _loss(step, data, loss, last, layers[-1].label, goes_back=False)
    step.call(rows.add_losses, ONE, losses=losses, weights=_weights(step, data), total=total, control=CONTROL)
    ready = [*(p.buffer for p in parameters_of(layers)), *data.buffers, CONTROL, total]
    if not data.is_weighted:
        ready.append(_weights(step, data))
    fuse(step)
    return Lowered(step.builder.plan(ready), step, x, last.a, data, losses, total, results=results)


def lower_slopes(layers: Sequence[Layer], n_in: int, n_out: int, batch_size: int) -> Lowered:
    """Forward as in a prediction, and back to x.

    Rows are put into `x` by hand, and into `shares` what an output counts in each row; `slopes` gets the
    derivative of the outputs, so summed, by x.
    """
    step = Step(batch_size, is_training=False)
    x, shares = step.matrix("X", n_in), step.matrix("shares of the outputs", n_out)
    step.want(x)
    last = chain(step, layers, x)
    slopes = last.backward(shares)
    parameters = parameters_of(layers)
    plan = step.builder.plan([x, shares, *(p.buffer for p in parameters), *step.derived])
    refresh = _refresh(step, parameters)
    return Lowered(plan, step, x, last.a, refresh=refresh, shares=shares, slopes=slopes)


def lower_training(
    layers: Sequence[Layer],
    data: Data,
    loss: Loss,
    optimizer: Optimizer | None,
    batch_size: int,
    seed: int,
    *,
    gradients: Gradients | None = None,
    is_training: bool = True,
    goes_back: bool = True,
    keeps_statistics: bool = True,
    is_watched: bool = True,
) -> Lowered:
    """One update: gather a batch, forward, loss, backward, gradients, optimizer.

    `gradients` says what is done to the gradients before the optimizer sees them. Without an optimizer
    nothing is updated and the gradients stay to be looked at; with `goes_back` False it is the forward
    pass alone. Who only looks has `keeps_statistics` False, so that running averages stay as they are.
    Who looks at the losses and the parameters alone has `is_watched` False: some numbers on the way are not
    kept, see `layers.fusing`.
    """
    step = Step(batch_size, is_training, seed)
    step.keeps_statistics = is_training and keeps_statistics
    parameters = parameters_of(layers)
    x = step.matrix("X", data.n_in)
    _gather_inputs(step, data, x)
    last = chain(step, layers, x)
    lowered = Lowered(None, step, x, last.a, data)  # type: ignore[arg-type]
    ready = [*(p.buffer for p in parameters), *data.buffers]
    if goes_back:
        losses, total = _loss(step, data, loss, last, layers[-1].label, goes_back=True)
        lowered.losses, lowered.total = losses, total
        step.call(
            rows.add_losses, ONE, losses=losses, weights=_weights(step, data), total=total, control=CONTROL
        )
        ready += [CONTROL, total, *step.derived]
        if not data.is_weighted:
            ready.append(_weights(step, data))
    if optimizer:
        ready += _updates(lowered, optimizer, gradients or Gradients())
    else:
        for _, axis, calls in step.gradients:
            _gradient(step, calls, axis)
    ready += [*lowered.tables.values(), *lowered.squares.values(), *lowered.penalties.values()]
    ready += [s for states in lowered.states.values() for s in states]
    if not is_watched:
        fuse(step)
    lowered.plan = step.builder.plan(ready)
    lowered.refresh = _refresh(step, parameters)
    return lowered


def _gather_inputs(step: Step, data: Data, x: Buffer) -> None:
    gather = rows.gather if data.dtype == "f4" else rows.gather_double
    step.call(gather, data=data.X, order=data.order, out=x)


def _weights(step: Step, data: Data) -> Buffer:
    for buffer in step.work:
        if buffer.name == WEIGHTS:
            return buffer
    weights = step.line(WEIGHTS)
    if data.is_weighted:
        step.call(rows.gather_line, data=data.weights, order=data.order, out=weights)
    return weights


def _loss(
    step: Step, data: Data, loss: Loss, last: Forward, output: str, *, goes_back: bool
) -> tuple[Buffer, Buffer]:
    y = step.matrix("y", data.n_out)
    if data.is_indexed:
        step.call(rows.gather_one_hot, labels=data.y, order=data.order, out=y)
    else:
        step.call(rows.gather, data=data.y, order=data.order, out=y)
    losses, total = step.line("losses"), step.numbers("total", 8, "f8")
    activation = last.activation or ACTIVATIONS.find("linear")
    delta = step.matrix(f"{output}/delta", data.n_out)
    numbers: Mapping[str, Operand] = {k: float(v) for k, v in loss.settings.items()} | {
        f"activation_{k}": float(v) for k, v in activation.settings.items()
    }
    z, a = (last.z or last.a), last.a
    step.call(
        loss.kernel(activation, data.n_out),
        step.rows,
        z=z,
        a=a,
        y=y,
        weights=_weights(step, data),
        losses=losses,
        delta=delta,
        **numbers,
    )
    if goes_back:
        (last.from_delta or last.backward)(delta)
    return losses, total


def _gradient(step: Step, calls: Calls, axis: Axis) -> None:
    """Make a parameter's gradient."""
    for kernel, operands in calls:
        step.call(kernel, axis, **operands)


def _updates(lowered: Lowered, optimizer: Optimizer, changes: Gradients) -> list[Buffer]:
    """All gradients and updates; gives the buffers for them that a step finds ready.

    A block of a gradient is used while it is still in the cache, unless something needs the whole first:
    the norm of all gradients, or columns of weights whose norm is limited.
    """
    step, limit = lowered.step, changes.clip_norm
    norm = None if limit is None else step.numbers("gradient norm squared", 8, "f8")
    squares = []
    for parameter, axis, calls in step.gradients:
        _gradient(step, calls, axis)
        squares.append(_measure(lowered, parameter, axis, norm, changes.ridge))
        if norm is None:
            _update(lowered, parameter, axis, optimizer, changes)
    if norm is not None and limit is not None:
        for i, line_of_squares in enumerate(squares):
            step.call(add_line, ONE, x=line_of_squares, total=norm, is_first=int(i == 0))
        for parameter, axis, _ in step.gradients:
            step.call(clip_to_norm, axis, x=parameter.gradient, squares=norm, limit=float(limit))
            _update(lowered, parameter, axis, optimizer, changes)
    limited = [(p, axis, p.max_norm) for p, axis, _ in step.gradients if p.max_norm is not None]
    for parameter, _, most in limited:
        columns = Axis(f"columns of {parameter.name}", parameter.buffer.columns, LANE)
        factors = step.numbers(f"{parameter.name}/factors", parameter.buffer.columns, "f8")
        step.call(limit_columns, columns, w=parameter.buffer, factors=factors, limit=float(most))
    for parameter, axis, _ in limited:
        _follow(step, parameter, axis)
    return [] if norm is None else [norm]


def _measure(
    lowered: Lowered, parameter: Parameter, axis: Axis, norm: Buffer | None, ridge: float | None
) -> Buffer:
    """Complete a gradient by the parts of its regularizer and the ridge; sum its squares, row by row."""
    step, regularizer = lowered.step, parameter.regularizer
    if regularizer is not None:
        numbers = {k: float(v) for k, v in regularizer.settings.items()}
        step.call(regularizer.kernel, axis, g=parameter.gradient, w=parameter.buffer, **numbers)
    if ridge is not None and parameter.synapses:
        w, lines = parameter.buffer, step.numbers(f"{parameter.name}/penalties", parameter.buffer.rows, "f8")
        lowered.penalties[parameter] = lines
        step.call(add_ridge, axis, g=parameter.gradient, w=w, penalties=lines, ridge=float(ridge))
    total = step.numbers(f"{parameter.name}/squares", parameter.buffer.rows, "f8")
    lowered.squares[parameter] = total
    step.call(rows.add_squares, axis, x=parameter.gradient, total=total)
    if norm is None:
        return total
    squares = step.numbers(f"{parameter.name}/squares of the step", parameter.buffer.rows, "f8")
    step.call(row_squares, axis, x=parameter.gradient, squares=squares)
    return squares


def _update(
    lowered: Lowered, parameter: Parameter, axis: Axis, optimizer: Optimizer, changes: Gradients
) -> None:
    """What happens to a parameter's rows once their gradient is there."""
    step = lowered.step
    if changes.clip_value is not None:
        step.call(clip_to_value, axis, g=parameter.gradient, limit=float(changes.clip_value))
    if changes.noise is not None:
        _add_noise(step, parameter, axis, changes.noise, changes.noise_decay)
    factors = optimizer.factors(parameter)
    if factors not in lowered.tables:
        lowered.tables[factors] = Buffer(f"steps × {factors}", 0, len(optimizer.step_values), given=True)
    states = tuple(parameter.like(f"{parameter.name}/{s}") for s in optimizer.states)
    lowered.states[parameter] = states
    settings = optimizer.scaled(factors).settings
    numbers = {s: float(settings[s]) for s in optimizer.used}
    step.call(
        optimizer.kernel,
        axis,
        w=parameter.buffer,
        g=parameter.gradient,
        **dict(zip(optimizer.states, states, strict=True)),
        table=lowered.tables[factors],
        **numbers,
    )
    if parameter.max_norm is None:
        _follow(step, parameter, axis)


def _add_noise(step: Step, parameter: Parameter, axis: Axis, variance: float, decay: float) -> None:
    """Add noise to a gradient, for each parameter from a stream of its own."""
    low, high = key_of(step.seed)
    noise: dict[str, Operand] = {"stream": step.stream(), "seed_low": low, "seed_high": high}
    noise |= {"std": math.sqrt(variance), "decay": float(decay)}
    if parameter.buffer.is_line:
        step.call(add_fading_noise_to_line, axis, x=parameter.gradient, **noise)
        return
    drawn = parameter.like(f"{parameter.name}/noise")
    step.work.append(drawn)
    step.call(add_fading_noise, axis, x=parameter.gradient, noise=drawn, **noise)


def _follow(step: Step, parameter: Parameter, axis: Axis) -> None:
    """Let what is derived from a parameter follow its update."""
    for copy, (kernel, of) in step.derived.items():
        if of is parameter:
            step.call(kernel, axis, x=parameter.buffer, out=copy)


def _refresh(step: Step, parameters: Sequence[Parameter]) -> Plan:
    """Makes what is derived from the weights anew, before a run."""
    builder = PlanBuilder()
    for copy, (kernel, parameter) in step.derived.items():
        builder.add(kernel, parameter.axis, x=parameter.buffer, out=copy)
    return builder.plan([p.buffer for p in parameters])
