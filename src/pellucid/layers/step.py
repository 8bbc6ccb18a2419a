"""The step that layers are lowered into: calls in order, the buffers they need, gradients to come."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pellucid.activations import Activation
from pellucid.engine.buffer import Buffer, line
from pellucid.engine.plan import Axis, Operand, PlanBuilder
from pellucid.kernels.kernel import Kernel

ROW_GRAIN = 8  # rows of a batch that stay together: few tiles are cut by a boundary
ROW_BLOCK = 96  # rows that go through all layers before the next: what they make stays in the cache
WEIGHT_GRAIN = 16  # a square of this side is transposed at once
WEIGHT_BLOCK = 1 << 16  # numbers of a gradient that are made, then used, before the next


@dataclass(eq=False)
class Parameter:
    """Numbers of a layer that training changes, or that it keeps.

    Parameters
    ----------
    name : str
        Such as `hidden_1/weights`.
    shape : (n_in, n_out) or (n,)
        Its shape.
    initializer : str or mapping
        How its first values are drawn.
    learning_rate : float
        Factor on the learning rate.
    trainable : bool
        Whether training changes it by its gradient.
    regularizer : Regularizer, optional
        What its size adds to the loss.
    max_norm : float, optional
        The largest norm of the weights into one neuron.
    is_table : bool
        Whether its rows belong to something else than to inputs, such as codes that are looked up.
    weight_decay : float, optional
        Factor on the weight decay, of optimizers that have one: 1 for a matrix, 0 for a line such as a bias
        unless given.
    grain : int
        Rows that one thread takes together.
    """

    name: str
    shape: tuple[int, ...]
    initializer: Any
    learning_rate: float = 1.0
    trainable: bool = True
    regularizer: Any = None
    max_norm: float | None = None
    is_table: bool = False
    weight_decay: float = -1.0
    grain: int = WEIGHT_GRAIN
    buffer: Buffer = field(init=False)
    gradient: Buffer = field(init=False)

    def __post_init__(self) -> None:
        if self.weight_decay < 0:
            self.weight_decay = float(len(self.shape) > 1)
        self.buffer = self.like(self.name)
        self.gradient = self.like(f"{self.name}/gradient")

    def like(self, name: str) -> Buffer:
        """A buffer of the parameter's shape under another name."""
        return Buffer(name, *self.shape) if len(self.shape) == 2 else line(name, self.shape[0])

    @property
    def synapses(self) -> int:
        """How many of its numbers are multiplied with an input to be summed up: the weights of neurons."""
        return self.shape[0] * self.shape[1] if len(self.shape) == 2 and not self.is_table else 0

    @functools.cached_property
    def axis(self) -> Axis:
        """Its rows, as work to share."""
        b = self.buffer
        grain = 16 if b.is_line else self.grain
        block = max(1, WEIGHT_BLOCK // b.stride // grain) * grain
        return Axis(f"rows of {self.name}", b.rows, grain, block)


@dataclass(eq=False)
class Forward:
    """What a layer's forward pass left: its output, and how to go back from it.

    `backward` takes ∂loss/∂a and gives ∂loss/∂x, or None where nobody wants that. A layer that ends in
    an activation also shows its weighted input `z` and how to go back from delta = ∂loss/∂z, so that a
    loss can be computed from z.
    """

    a: Buffer
    backward: Callable[[Buffer], Buffer | None]
    z: Buffer | None = None
    activation: Activation | None = None
    from_delta: Callable[[Buffer], Buffer | None] | None = None


class Step:
    """A step being built: calls in order, the buffers they need, and the gradients to come.

    Parameters
    ----------
    batch_size : int
        Rows for which there is room.
    is_training : bool
        Whether dropout drops, batch normalisation looks at the batch, and so on.
    seed : int
        Decides what is drawn at random.

    Attributes
    ----------
    keeps_statistics : bool
        Whether batch normalisation lets its running statistics follow the batch; as `is_training` at first.
    shares : dict of str to Buffer
        ∂loss/∂a by the name of the layer that made a, where something behind it asks for it.
    """

    def __init__(self, batch_size: int, is_training: bool, seed: int = 0) -> None:
        self.batch_size, self.is_training, self._seed = batch_size, is_training, seed
        self.has_read_seed = False
        self.keeps_statistics = is_training
        self.builder = PlanBuilder()
        self.rows = Axis("rows of the batch", None, ROW_GRAIN, ROW_BLOCK)
        self.work: list[Buffer] = []
        self.derived: dict[Buffer, tuple[Kernel, Parameter]] = {}
        self.gradients: list[tuple[Parameter, Axis, list[tuple[Kernel, dict[str, Operand]]]]] = []
        self.shares: dict[str, Buffer] = {}
        self._wanted: set[Buffer] = set()
        self._streams = 0

    @property
    def seed(self) -> int:
        """Decides what is drawn at random; once it was read, the step serves this seed only."""
        self.has_read_seed = True
        return self._seed

    def serves(self, seed: int) -> bool:
        """Whether the step would have been the same with this seed."""
        return seed == self._seed or not self.has_read_seed

    def matrix(self, name: str, columns: int) -> Buffer:
        """A new buffer with a row for each row of the batch."""
        return self._new(Buffer(name, self.batch_size, columns))

    def line(self, name: str) -> Buffer:
        """A new buffer with a number for each row of the batch."""
        return self._new(line(name, self.batch_size))

    def numbers(self, name: str, length: int, dtype: str = "f4") -> Buffer:
        """A new buffer of `length` numbers."""
        return self._new(line(name, length, dtype))

    def call(self, kernel: Kernel, axis: Axis | None = None, **operands: Operand) -> None:
        """Append a call; along the rows of the batch unless another axis is given."""
        self.builder.add(kernel, axis or self.rows, **operands)

    def want(self, buffer: Buffer) -> None:
        """Note that somebody before this buffer can use ∂loss/∂buffer."""
        self._wanted.add(buffer)

    def wants(self, buffer: Buffer) -> bool:
        """Whether ∂loss/∂buffer is of use."""
        return buffer in self._wanted

    def passes(self, x: Buffer, a: Buffer, *parameters: Parameter) -> None:
        """Note that a layer made `a` from `x`: ∂loss/∂a serves its parameters or what is before."""
        if self.wants(x) or any(p.trainable for p in parameters):
            self.want(a)

    def transposed(self, parameter: Parameter) -> Buffer:
        """A transposed copy of weights that follows each of their updates."""
        from pellucid.kernels.rows import transpose

        n_in, n_out = parameter.shape
        copy = self._new(Buffer(f"{parameter.name}/transposed", n_out, n_in))
        self.derived[copy] = (transpose, parameter)
        return copy

    def gradient(self, parameter: Parameter, kernel: Kernel, **operands: Operand) -> None:
        """Have a parameter's gradient made by a kernel, along its rows, once all deltas are there."""
        if parameter.trainable:
            self.gradients.append((parameter, parameter.axis, [(kernel, operands)]))

    def made(self, parameter: Parameter) -> None:
        """Note that calls appended already make a parameter's gradient."""
        if parameter.trainable:
            self.gradients.append((parameter, parameter.axis, []))

    def stream(self) -> int:
        """A stream of random numbers of its own for a layer, see `kernels.random`."""
        self._streams += 1
        return self._streams - 1

    @contextlib.contextmanager
    def as_prediction(self) -> Iterator[None]:
        """Layers appended inside compute as they do in a prediction."""
        was = self.is_training
        self.is_training = False
        yield
        self.is_training = was

    def _new(self, buffer: Buffer) -> Buffer:
        self.work.append(buffer)
        return buffer


def activate(
    step: Step, name: str, z: Buffer, activation: Activation, from_delta: Callable[[Buffer], Buffer | None]
) -> Forward:
    """Append an activation after a weighted input."""
    if activation.name == "linear":
        return Forward(z, from_delta, z, activation, from_delta)
    a = step.matrix(f"{name}/a", z.columns)
    numbers: dict[str, Any] = {k: float(v) for k, v in activation.settings.items()}
    step.call(activation.forward_of(z.columns), z=z, a=a, **numbers)
    step.passes(z, a)

    def backward(da: Buffer) -> Buffer | None:
        delta = step.matrix(f"{name}/delta", z.columns)
        kernel = activation.backward
        known: dict[str, Any] = {n: b for n, b in (("z", z), ("a", a)) if n in kernel.operands}
        step.call(kernel, da=da, delta=delta, **known, **numbers)
        return from_delta(delta)

    return Forward(a, backward, z, activation, from_delta)
