"""Initializers: the first values of weights and biases.

Each entry is a function of a random generator and a shape. The numbers for a parameter come from
NumPy's Philox generator with the key (seed, position of the parameter), so they do not depend on what
else is drawn, and a layer added behind others leaves theirs as they were.

n_in is the number of values that one neuron sums up, n_out the number of neurons; a line of n numbers,
such as a bias, has n of both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid import checks
from pellucid.errors import ArgumentError
from pellucid.registry import Formula, Registry, settings_of

Shape = tuple[int, ...]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Initializer(Formula):
    """A registered initializer; call it with a shape.

    Parameters
    ----------
    function : callable
        (generator, shape, **settings) -> array of that shape; draws from the NumPy generator only.
    """

    kind: ClassVar[str] = "initializer"

    def __post_init__(self) -> None:
        for name in ("scale", "gain"):
            if name in self.settings:
                checks.number(f"initializer {self.name!r}: {name}", self.settings[name], 0)

    def __call__(self, shape: Shape, seed: int = 0, index: int = 0) -> NDArray[np.float32]:
        """First values, drawn in float64 and rounded.

        Parameters
        ----------
        shape : tuple of int
            (n_in, n_out) of weights, (n,) of a bias.
        seed : int
            From 0 to 2^64 - 1.
        index : int
            Position of the parameter in its network.

        Returns
        -------
        float32 array of that shape

        Raises
        ------
        ArgumentError
            If the initializer is not made for that shape, or a user's one gives another shape or numbers
            that are not finite.

        Examples
        --------
        >>> INITIALIZERS.find("constant(value=0.5)")((2,))
        array([0.5, 0.5], dtype=float32)
        """
        key = [checks.whole("seed", seed, 0, 2**64 - 1), index]
        generator = np.random.Generator(np.random.Philox(key=np.array(key, np.uint64)))
        values = np.asarray(self.function(generator, tuple(shape), **self.settings))
        if values.shape != tuple(shape):
            raise ArgumentError(
                f"initializer {self.name!r} must give an array of shape {tuple(shape)}, not {values.shape}."
            )
        with np.errstate(over="ignore"):
            rounded = values.astype(np.float32)
        if not np.isfinite(rounded).all():
            raise ArgumentError(f"initializer {self.name!r} gives numbers that are not finite as float32.")
        return rounded


class Initialized(Protocol):
    """What `initialize` needs to know of a parameter."""

    name: str
    shape: Shape
    initializer: Any


def initialize(parameter: Initialized, seed: int, index: int) -> NDArray[np.float32]:
    """The first values of a parameter, by its initializer; `index` is its position in the network.

    Raises
    ------
    ArgumentError
        If there is no such initializer, or it cannot make the parameter's shape.
    """
    try:
        return INITIALIZERS.find(parameter.initializer)(parameter.shape, seed, index)
    except ArgumentError as error:
        raise ArgumentError(f"{parameter.name}: {error}") from error


def fans(shape: Shape) -> tuple[int, int]:
    """n_in and n_out of a shape.

    Examples
    --------
    >>> fans((10, 3)), fans((7,)), fans((3, 3, 8, 16))
    ((10, 3), (7, 7), (72, 144))
    """
    if len(shape) == 1:
        return shape[0], shape[0]
    places = math.prod(shape[:-2])
    return places * shape[-2], places * shape[-1]


INITIALIZERS: Registry[Initializer] = Registry("initializer")


def initializer(*, source: str = "") -> Callable[[Callable[..., Any]], Initializer]:
    """Register a function (generator, shape, **settings) as an initializer.

    Examples
    --------
    >>> @initializer(source="PyTorch's default")
    ... def by_root(generator, shape, gain=1.0):
    ...     return generator.uniform(-1, 1, shape) * gain / fans(shape)[0] ** 0.5
    >>> bool(abs(INITIALIZERS.find("by_root")((100, 9))).max() < 0.1)
    True
    >>> INITIALIZERS.remove("by_root")
    """
    return lambda function: INITIALIZERS.add(Initializer(function, source, settings_of(function)))


def _within(generator: np.random.Generator, shape: Shape, bound: float) -> Values:
    """Uniform from -bound to bound, 0 included."""
    return bound * generator.uniform(-1.0, 1.0, shape)


GLOROT = "Glorot and Bengio, Understanding the difficulty of training deep feedforward networks, 2010"
HE = "He et al., Delving deep into rectifiers, 2015"
LECUN = "LeCun et al., Efficient backprop, 1998"


@initializer()
def zeros(generator: np.random.Generator, shape: Shape) -> Values:
    """All 0."""
    return np.zeros(shape)


@initializer()
def constant(generator: np.random.Generator, shape: Shape, value: float = 0.0) -> Values:
    """All the same value."""
    return np.full(shape, float(value))


@initializer()
def uniform(generator: np.random.Generator, shape: Shape, scale: float = 0.05) -> Values:
    """Uniform from -scale to scale."""
    return _within(generator, shape, scale)


@initializer()
def normal(generator: np.random.Generator, shape: Shape, scale: float = 0.05) -> Values:
    """Normal with mean 0 and standard deviation scale."""
    return scale * generator.standard_normal(shape)


@initializer(source=f"{GLOROT}, equation 16")
def glorot_uniform(generator: np.random.Generator, shape: Shape, gain: float = 1.0) -> Values:
    """Uniform from -r to r with r = gain √(6 / (n_in + n_out)): variance 2 gain² / (n_in + n_out)."""
    return _within(generator, shape, gain * math.sqrt(6 / sum(fans(shape))))


@initializer(source=f"{GLOROT}, equation 12")
def glorot_normal(generator: np.random.Generator, shape: Shape, gain: float = 1.0) -> Values:
    """Normal with variance 2 gain² / (n_in + n_out)."""
    return gain * math.sqrt(2 / sum(fans(shape))) * generator.standard_normal(shape)


@initializer(source=f"{HE}, equation 10, as a uniform distribution")
def he_uniform(generator: np.random.Generator, shape: Shape, gain: float = 1.0) -> Values:
    """Uniform from -r to r with r = gain √(6 / n_in): variance 2 gain² / n_in. For the relu family."""
    return _within(generator, shape, gain * math.sqrt(6 / fans(shape)[0]))


@initializer(source=f"{HE}, equation 10")
def he_normal(generator: np.random.Generator, shape: Shape, gain: float = 1.0) -> Values:
    """Normal with variance 2 gain² / n_in. For the relu family."""
    return gain * math.sqrt(2 / fans(shape)[0]) * generator.standard_normal(shape)


@initializer(source=f"{LECUN}, section 4.6, as a uniform distribution")
def lecun_uniform(generator: np.random.Generator, shape: Shape, gain: float = 1.0) -> Values:
    """Uniform from -r to r with r = gain √(3 / n_in): variance gain² / n_in."""
    return _within(generator, shape, gain * math.sqrt(3 / fans(shape)[0]))


@initializer(source=f"{LECUN}, section 4.6, equation 16")
def lecun_normal(generator: np.random.Generator, shape: Shape, gain: float = 1.0) -> Values:
    """Normal with variance gain² / n_in. For selu."""
    return gain * math.sqrt(1 / fans(shape)[0]) * generator.standard_normal(shape)


@initializer(source="Saxe et al., Exact solutions to the nonlinear dynamics of learning, 2014")
def orthogonal(generator: np.random.Generator, shape: Shape, gain: float = 1.0) -> Values:
    """gain times a random matrix Q whose columns (or rows, if there are fewer) are orthonormal.

    Q is that of the QR decomposition of a normal matrix, with the signs that make it uniform over all.
    """
    if len(shape) < 2:
        raise ArgumentError(f"initializer 'orthogonal' needs a matrix, not the shape {shape}.")
    tall = (math.prod(shape[:-1]), shape[-1])
    q, r = np.linalg.qr(generator.standard_normal((max(tall), min(tall))))
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return gain * (q if tall[0] >= tall[1] else q.T).reshape(shape)
