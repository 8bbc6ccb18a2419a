"""Activation functions: what a neuron makes of its weighted input.

Each entry is a function of the weighted input `z`, with its derivative da/dz, the points where it has
a kink, the range of its values and its source. Add one by writing it here, or anywhere else::

    @pellucid.activation(derivative=lambda z, a, slope: where(z > 0, slope, 0.0), kinks=(0.0,), ...)
    def steep_relu(z, slope=2.0):
        \"\"\"a = slope max(0, z).\"\"\"
        return where(z > 0, slope * z, 0.0)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pellucid.kernels.elementary import where
from pellucid.kernels.kernel import Kernel
from pellucid.kernels.loops import elementwise
from pellucid.kernels.softmax import softmax_backward, softmax_forward
from pellucid.registry import Formula, Registry, settings_of

Range = tuple[float, float]
REAL: Range = (-np.inf, np.inf)


@dataclass(frozen=True)
class Activation(Formula):
    """A registered activation function.

    Parameters
    ----------
    function : callable
        a = function(z, **settings).
    derivative : callable
        da/dz = derivative(z, a, **settings).
    kinks : tuple of float
        Where the derivative jumps.
    range : (float, float)
        The least and the greatest value, which need not be reached.
    initializer : str
        The initializer for the weights before it, unless the layer says otherwise.
    log, log_rest : (callable, callable), optional
        log a and log(1 - a) as functions of (z, a), each with its derivative by z, where they can be had
        with more digits than from a itself.
    """

    kind: ClassVar[str] = "activation"

    derivative: Callable[..., Any] = None  # type: ignore[assignment]
    kinks: tuple[float, ...] = ()
    range: Range = REAL
    initializer: str = "glorot_uniform"
    log: tuple[Callable[..., Any], Callable[..., Any]] | None = None
    log_rest: tuple[Callable[..., Any], Callable[..., Any]] | None = None

    def __call__(self, z: Any) -> Any:
        """The activation of an array of weighted inputs, in its own float type (float32 for others)."""
        z = np.asarray(z)
        z = z if z.dtype in (np.float32, np.float64) else z.astype(np.float32)
        with np.errstate(all="ignore"):
            return np.asarray(self.function(z, **self.settings), z.dtype)

    @property
    def forward(self) -> Kernel:
        """Kernel a = g(z)."""
        numbers = tuple(self.settings)
        call = f"function({', '.join(['z', *numbers])})"
        return elementwise(self.name, call, (("function", self.function),), ("z",), ("a",), numbers)

    @property
    def backward(self) -> Kernel:
        """Kernel delta = da * g'(z)."""
        numbers = tuple(self.settings)
        call = f"da * derivative({', '.join(['z', 'a', *numbers])})"
        functions = (("derivative", self.derivative),)
        return elementwise(f"{self.name}_backward", call, functions, ("z", "a", "da"), ("delta",), numbers)


@dataclass(frozen=True)
class RowActivation(Activation):
    """An activation that looks at all neurons of a row together, with kernels of its own."""

    kernels: tuple[Kernel, Kernel] | None = None

    @property
    def forward(self) -> Kernel:
        assert self.kernels is not None
        return self.kernels[0]

    @property
    def backward(self) -> Kernel:
        assert self.kernels is not None
        return self.kernels[1]


ACTIVATIONS: Registry[Activation] = Registry("activation")


def activation(
    *,
    derivative: Callable[..., Any],
    kinks: tuple[float, ...] = (),
    range: Range = REAL,
    source: str = "",
    **more: Any,
) -> Callable[[Callable[..., Any]], Activation]:
    """Decorator: register a function of z as an activation. See this module's text and `Activation`."""
    return lambda function: ACTIVATIONS.add(
        Activation(function, source, settings_of(function), derivative, kinks, range, **more)
    )


@activation(derivative=lambda z, a: where(z == z, 1.0, z), source="")
def linear(z):  # type: ignore[no-untyped-def]
    """a = z; derivative 1."""
    return z


@activation(
    derivative=lambda z, a: where(z > 0, 1.0, 0.0),
    kinks=(0.0,),
    range=(0.0, np.inf),
    initializer="he_uniform",
    source="Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, 2010",
)
def relu(z):  # type: ignore[no-untyped-def]
    """a = max(0, z); derivative 1 where z > 0, else 0."""
    return where(z < 0, 0.0, z)  # so written, NaN stays NaN


def softmax(z):  # type: ignore[no-untyped-def]
    """a_i = exp(z_i) / sum over j of exp(z_j); derivative of a_i by z_j: a_i ((i = j) - a_j)."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


ACTIVATIONS.add(
    RowActivation(
        softmax,
        "Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990",
        range=(0.0, 1.0),
        kernels=(softmax_forward, softmax_backward),
    )
)
