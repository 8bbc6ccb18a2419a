"""What an activation is, and how one is registered."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid import formulas
from pellucid.errors import ArgumentError
from pellucid.formulas import REAL, Limits, Range
from pellucid.kernels.kernel import Kernel
from pellucid.kernels.lanes import LANES
from pellucid.kernels.loops import elementwise
from pellucid.registry import Formula, Registry, settings_of

Pair = tuple[Callable[..., Any], Callable[..., Any]]


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
        Bounds of its values, whatever its settings.
    initializer : str
        The initializer for the weights before it, unless the layer says otherwise.
    log, log_rest : (callable, callable), optional
        log a and log(1 - a) as functions of (z, a, **settings), each with its derivative by z, where they
        can be had with more digits than from a itself.
    limits : mapping of str to (float, float, str)
        Least and most of a setting, and which of them are excluded: "least", "most" or both.
    """

    kind: ClassVar[str] = "activation"

    derivative: Callable[..., Any] = None  # type: ignore[assignment]
    kinks: tuple[float, ...] = ()
    range: Range = REAL
    initializer: str = "glorot_uniform"
    log: Pair | None = None
    log_rest: Pair | None = None
    limits: Limits = field(default_factory=dict)

    def __post_init__(self) -> None:
        formulas.check_settings(f"activation {self.name!r}", self.settings, self.limits)

    def __call__(self, z: ArrayLike) -> NDArray[Any]:
        """The activation of weighted inputs: of a float64 array in float64, else in float32."""
        z = np.asarray(z, np.float64 if getattr(z, "dtype", None) == np.float64 else np.float32)
        with np.errstate(all="ignore"):
            return np.asarray(self.function(z, **self.settings), z.dtype)

    def forward_of(self, columns: int) -> Kernel:
        """Kernel a = g(z) for rows of so many neurons."""
        return self.forward

    @property
    def forward(self) -> Kernel:
        """Kernel a = g(z)."""
        numbers = tuple(self.settings)
        functions = (("function", self.function),)
        return elementwise(
            self.name, f"function({', '.join(['z', *numbers])})", functions, ("z",), ("a",), numbers
        )

    @property
    def backward(self) -> Kernel:
        """Kernel delta = da * g'(z)."""
        numbers = tuple(self.settings)
        call = f"da * derivative({', '.join(['z', 'a', *numbers])})"
        functions = (("derivative", self.derivative),)
        return elementwise(f"{self.name}_backward", call, functions, ("z", "a", "da"), ("delta",), numbers)


@dataclass(frozen=True)
class RowActivation(Activation):
    """An activation that looks at all neurons of a row together, with kernels of its own.

    These are the forward and the backward one, and one that does the forward for rows of few neurons.
    """

    kernels: tuple[Kernel, Kernel, Kernel] | None = None

    def forward_of(self, columns: int) -> Kernel:
        assert self.kernels is not None
        return self.kernels[2] if columns <= LANES else self.kernels[0]

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
    initializer: str = "glorot_uniform",
    source: str = "",
    log: Pair | None = None,
    log_rest: Pair | None = None,
    limits: Limits | None = None,
) -> Callable[[Callable[..., Any]], Activation]:
    """Register a function of z as an activation, by the name of the function.

    The function takes the weighted input `z`, then its settings, which have defaults.

    Parameters
    ----------
    derivative : callable
        da/dz as a function of z, the activation a, and the settings.
    kinks, range, initializer, source, log, log_rest, limits
        See `Activation`; all optional.

    Raises
    ------
    ArgumentError
        If a function does not have these parameters or cannot be compiled, a value is outside the range,
        or a derivative is not what finite differences in float64 give, close to the kinks too.

    Examples
    --------
    >>> from pellucid.kernels.elementary import absolute, maximum, minimum, where
    >>> @activation(derivative=lambda z, a, width: where(absolute(z) < width, 1.0, 0.0), kinks=(-1, 1))
    ... def clip(z, width=1.0):
    ...     return minimum(maximum(z, -width), width)
    >>> ACTIVATIONS.find("clip(width=2)")([-3.0, 0.5])
    array([-2. ,  0.5], dtype=float32)
    >>> ACTIVATIONS.remove("clip")
    """

    def register(function: Callable[..., Any]) -> Activation:
        formulas.check_function("activation", function, ("z",))
        given = (derivative, tuple(map(float, kinks)), range, initializer, log, log_rest, dict(limits or {}))
        entry = Activation(function, source, settings_of(function), *given)
        check(entry)
        return ACTIVATIONS.add(entry)

    return register


def check(entry: Activation) -> None:
    """Raise ArgumentError unless an activation keeps its range and its derivatives are right."""
    who, settings = f"activation {entry.name!r}", tuple(entry.settings.values())
    formulas.check_outside(who, entry.function)
    x = formulas.points(entry.kinks, REAL)

    def a(z: Any) -> Any:
        return entry.function(z, *settings)

    def of_both(function: Callable[..., Any], z: Any) -> Any:
        return function(z, a(z), *settings)

    def check_slope(who: str, value: Callable[[Any], Any], slope: Callable[..., Any]) -> None:
        formulas.check_parameters(f"{who}: its derivative", slope, ("z", "a", *entry.settings))
        formulas.check_outside(who, slope)
        formulas.check_derivative(who, "z", value, functools.partial(of_both, slope), x)

    check_slope(who, a, entry.derivative)
    for part, pair in (("log", entry.log), ("log_rest", entry.log_rest)):
        if pair:
            value, slope = pair
            formulas.check_parameters(f"{who}: its {part}", value, ("z", "a", *entry.settings))
            formulas.check_outside(who, value)
            check_slope(f"{who}: its {part}", functools.partial(of_both, value), slope)
    low, high = entry.range
    values = np.broadcast_to(a(x), x.shape)
    outside = ~((values >= low - 1e-6) & (values <= high + 1e-6))
    if outside.any():
        i = int(np.argmax(outside))
        raise ArgumentError(
            f"{who}: at z = {x[i]:g} it is {values[i]:g}, but its range is said to be {low:g} to {high:g}."
        )
