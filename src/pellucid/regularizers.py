"""Regularizers: what is added to the loss for the size of the weights; and what is done to gradients.

A regularizer's penalty of a layer's weights is added to the loss that training minimises, so its
derivative is added to their gradient. The loss that is shown stays without it; `penalty` gives it.

On its way from the loss to the optimizer a gradient passes, in this order: the regularizer, the ridge,
clipping to a global norm, clipping by value, noise (see `Gradients`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid import checks
from pellucid.engine.buffer import Buffer
from pellucid.kernels.elementary import absolute, maximum, minimum, sign
from pellucid.kernels.kernel import Kernel
from pellucid.kernels.loops import elementwise
from pellucid.registry import Formula, Registry, settings_of

LEAST, MOST = 1e-30, 1e30  # a limit must stay above 0 and finite as a float32


@dataclass(frozen=True)
class Regularizer(Formula):
    """A registered regularizer.

    Parameters
    ----------
    function : callable
        Penalty of one weight: function(w, **settings). 0 of 0.
    derivative : callable
        Its derivative: derivative(w, **settings). 0 of 0.
    """

    kind: ClassVar[str] = "regularizer"

    derivative: Callable[..., Any] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        for name, value in self.settings.items():
            checks.number(f"regularizer {self.name!r}: {name}", value, 0)

    def penalty(self, w: ArrayLike) -> float:
        """The penalty of an array of weights, summed in float64.

        Examples
        --------
        >>> REGULARIZERS.find("l2(l2=0.5)").penalty([1.0, -2.0])
        2.5
        """
        return float(np.sum(self.function(np.asarray(w, np.float64), **self.settings)))

    def gradient(self, w: ArrayLike) -> NDArray[np.float64]:
        """The derivative of the penalty by each weight of an array, float64 and of the same shape.

        Examples
        --------
        >>> REGULARIZERS.find("l2(l2=0.5)").gradient([1.0, -2.0])
        array([ 1., -2.])
        """
        return np.asarray(self.derivative(np.asarray(w, np.float64), **self.settings))

    @property
    def kernel(self) -> Kernel:
        """Kernel g += derivative(w)."""
        numbers = tuple(self.settings)
        return elementwise(
            f"{self.name}_gradient",
            f"g + derivative({', '.join(['w', *numbers])})",
            (("derivative", self.derivative),),
            ("g", "w"),
            ("g",),
            numbers,
        )


REGULARIZERS: Registry[Regularizer] = Registry("regularizer")


def regularizer(
    *, derivative: Callable[..., Any], source: str = ""
) -> Callable[[Callable[..., Any]], Regularizer]:
    """Register the penalty of one weight, a function of w and its settings, as a regularizer.

    Both are compiled, so they are written with arithmetic and the words of
    `pellucid.kernels.elementary`. The settings must not be negative.

    Examples
    --------
    >>> @regularizer(derivative=lambda w, c: 4 * c * w * w * w)
    ... def quartic(w, c=0.1):
    ...     return c * w * w * w * w
    >>> REGULARIZERS.find("quartic(c=0.5)").penalty([1.0, 2.0])
    8.5
    >>> REGULARIZERS.remove("quartic")
    """
    return lambda function: REGULARIZERS.add(Regularizer(function, source, settings_of(function), derivative))


@regularizer(
    derivative=lambda w, l1: l1 * sign(w),
    source="Tibshirani, Regression shrinkage and selection via the lasso, 1996",
)
def l1(w, l1=0.01):  # type: ignore[no-untyped-def]
    """l1 Σ|w|; derivative l1 sign(w)."""
    return l1 * absolute(w)


@regularizer(
    derivative=lambda w, l2: 2 * l2 * w,
    source="Krogh and Hertz, A simple weight decay can improve generalization, 1991, without their ½",
)
def l2(w, l2=0.01):  # type: ignore[no-untyped-def]
    """l2 Σw²; derivative 2 l2 w."""
    return l2 * w * w


@regularizer(
    derivative=lambda w, l1, l2: l1 * sign(w) + 2 * l2 * w,
    source="Zou and Hastie, Regularization and variable selection via the elastic net, 2005",
)
def l1_l2(w, l1=0.01, l2=0.01):  # type: ignore[no-untyped-def]
    """l1 Σ|w| + l2 Σw²; derivative l1 sign(w) + 2 l2 w."""
    return l1 * absolute(w) + l2 * w * w


class Regularized(Protocol):
    """What `penalty` needs to know of a parameter."""

    buffer: Buffer
    regularizer: Any
    trainable: bool


def penalty(parameters: Iterable[Regularized], view: Callable[[Buffer], ArrayLike]) -> float:
    """What regularizers add to the loss: the sum of the penalties of all trainable parameters.

    Parameters
    ----------
    parameters : iterable of Parameter
        The parameters of a network.
    view : callable
        Gives the numbers of a buffer, such as `Arena.view`.
    """
    return sum(
        (p.regularizer.penalty(view(p.buffer)) for p in parameters if p.regularizer and p.trainable), 0.0
    )


@dataclass(frozen=True)
class Gradients:
    """What is done to the gradients of all parameters before the optimizer sees them.

    Parameters
    ----------
    clip_norm : float, optional
        All gradients together, as one vector, are scaled down to this Euclidean norm where it is
        larger (Pascanu et al., On the difficulty of training recurrent neural networks, 2013).
    clip_value : float, optional
        Then each number of a gradient is held between -clip_value and clip_value.
    noise : float, optional
        Then a normal number of variance noise / (1 + t)^noise_decay is added to each, where t counts the
        updates from 0 (Neelakantan et al., Adding gradient noise improves learning for very deep
        networks, 2015; they try .01, .3 and 1).
    noise_decay : float
        The paper's γ.
    ridge : float, optional
        α of the penalty α Σw² / 2n over all weights of synapses, n the rows of the batch: as if the squares
        of the weights were added once to the sum of the rows' losses (Hoerl and Kennard, Ridge regression,
        1970). Its derivative α w / n is the first that is added.

    Raises
    ------
    ArgumentError
        If one is not a number above 0.

    Examples
    --------
    >>> Gradients(clip_norm=1.0)
    Gradients(clip_value=None, clip_norm=1.0, noise=None, noise_decay=0.55, ridge=None)
    """

    clip_value: float | None = None
    clip_norm: float | None = None
    noise: float | None = None
    noise_decay: float = 0.55
    ridge: float | None = None

    def __post_init__(self) -> None:
        for name in ("clip_value", "clip_norm", "noise", "ridge"):
            if (value := getattr(self, name)) is not None:
                checks.number(name, value, LEAST, MOST)
        checks.number("noise_decay", self.noise_decay, 0)


clip_to_value = elementwise(
    "clip_to_value",
    "minimum(maximum(g, -limit), limit)",
    (("minimum", minimum), ("maximum", maximum)),
    ("g",),
    ("g",),
    ("limit",),
)
