"""What a loss is, and how one is registered."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid import formulas
from pellucid.activation_entry import Activation, RowActivation
from pellucid.errors import ArgumentError
from pellucid.formulas import REAL, Limits, Range
from pellucid.kernels.elementary import log, maximum, where
from pellucid.kernels.kernel import Kernel
from pellucid.kernels.lanes import LANES
from pellucid.loss_kernels import READS, LossParts, NeuronParts, neuron_kernel, softmax_kernel
from pellucid.registry import Formula, Registry, settings_of

LEAST = 1e-7  # the least probability whose logarithm is taken where only the probability is known


@dataclass(frozen=True)
class Loss(Formula):
    """A registered loss function.

    Parameters
    ----------
    function : callable
        Loss of one output: a function of any of `a`, `log_a`, `log_rest`, `y`, `n_out`, and its settings.
    derivatives : mapping of str to callable
        Its derivative by each of `a`, `log_a` and `log_rest` that it reads; same parameters.
    kinks : callable, optional
        For (y, **settings), where the derivative by a jumps, as a tuple of values of a.
    accepts : (float, float)
        The range of outputs it is made for.
    targets : (float, float)
        The range of targets.
    only : tuple of float
        All targets there can be, where these are few.
    over_outputs : "mean" or "sum"
        How the outputs of a row are put together.
    is_of_distribution : bool
        Whether the targets of a row are probabilities that sum to 1.
    natural_for : tuple of str
        The activations of an output layer for which it is the default.
    limits : mapping of str to (float, float, str)
        Least and most of a setting, and which of them are excluded: "least", "most" or both.
    """

    kind: ClassVar[str] = "loss"

    derivatives: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    kinks: Callable[..., tuple[float, ...]] | None = None
    accepts: Range = REAL
    targets: Range = REAL
    only: tuple[float, ...] = ()
    over_outputs: Literal["mean", "sum"] = "mean"
    is_of_distribution: bool = False
    natural_for: tuple[str, ...] = ()
    limits: Limits = field(default_factory=dict)

    def __post_init__(self) -> None:
        formulas.check_settings(f"loss {self.name!r}", self.settings, self.limits)

    @property
    def parts(self) -> LossParts:
        """The loss as its kernels need it."""
        derivatives = tuple((part, by) for part, by in self.derivatives.items())
        is_mean = self.over_outputs == "mean"
        return LossParts(self.name, self.function, derivatives, tuple(self.settings), is_mean)

    def __call__(self, y_pred: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Loss of each row, for outputs and targets of shape (n_samples, n_out)."""
        a, y = np.asarray(y_pred, np.float64), np.asarray(y, np.float64)
        log_a, log_rest = (np.log(np.maximum(p, LEAST)) for p in (a, 1 - a))
        given = {"a": a, "log_a": log_a, "log_rest": log_rest, "y": y, "n_out": a.shape[-1]}
        each = self.function(*(given[r] for r in self.parts.reads), **self.settings)
        each = np.broadcast_to(each, a.shape)
        return np.asarray(each.mean(axis=-1) if self.over_outputs == "mean" else each.sum(axis=-1))

    def suits(self, activation: Activation) -> bool:
        """Whether the activation's outputs are in the range this loss is made for."""
        return self.accepts[0] <= activation.range[0] and activation.range[1] <= self.accepts[1]

    def kernel(self, activation: Activation, n_out: int) -> Kernel:
        """Kernel: the loss of each row and the delta of each output, from z, a, y and the row's weight."""
        few = n_out <= LANES
        if isinstance(activation, RowActivation):
            return softmax_kernel(self.parts, few)
        few = few and activation.name != "linear"  # behind which there is too little to do to turn squares
        slope = activation.derivative
        logs = tuple(
            (part, (value, by_z))
            for part, (value, by_z) in (
                ("log_a", activation.log or _log_pair(activation.derivative)),
                ("log_rest", activation.log_rest or _log_rest_pair(activation.derivative)),
            )
        )
        return neuron_kernel(
            self.parts, NeuronParts(activation.name, slope, logs, tuple(activation.settings)), few
        )

    @staticmethod
    def default_for(activation: Activation) -> Loss:
        """The loss of an output layer with that activation, where none is named.

        Examples
        --------
        >>> from pellucid.losses import Loss
        >>> from pellucid.activations import sigmoid
        >>> Loss.default_for(sigmoid).name
        'binary_crossentropy'
        """
        return next((entry for entry in LOSSES if activation.name in entry.natural_for), LOSSES.find("mse"))


LOSSES: Registry[Loss] = Registry("loss")


def loss(
    *,
    derivatives: Mapping[str, Callable[..., Any]],
    kinks: Callable[..., tuple[float, ...]] | None = None,
    accepts: Range = REAL,
    targets: Range = REAL,
    only: tuple[float, ...] = (),
    over_outputs: Literal["mean", "sum"] = "mean",
    is_of_distribution: bool = False,
    natural_for: tuple[str, ...] = (),
    source: str = "",
    limits: Limits | None = None,
) -> Callable[[Callable[..., Any]], Loss]:
    """Register a function of an output and its target as a loss, by the name of the function.

    The function takes any of `a`, `log_a`, `log_rest`, `y`, `n_out`, then its settings, which have defaults.

    Parameters
    ----------
    derivatives : mapping of str to callable
        Its derivative by each of `a`, `log_a` and `log_rest` that it reads; same parameters.
    kinks, accepts, targets, only, over_outputs, is_of_distribution, natural_for, source, limits
        See `Loss`; all optional.

    Raises
    ------
    ArgumentError
        If a function does not have these parameters or cannot be compiled, or a derivative is not what
        finite differences in float64 give, close to the kinks too.

    Examples
    --------
    >>> @loss(derivatives={"a": lambda a, y, steep: 2 * steep * (a - y)})
    ... def steep_square(a, y, steep=3.0):
    ...     return steep * (a - y) * (a - y)
    >>> LOSSES.find("steep_square")([[1.0]], [[3.0]])
    array([12.])
    >>> LOSSES.remove("steep_square")
    """

    def register(function: Callable[..., Any]) -> Loss:
        formulas.check_function("loss", function, READS)
        entry = Loss(
            function, source, settings_of(function), dict(derivatives), kinks, accepts, targets, only,
            over_outputs, is_of_distribution, natural_for, dict(limits or {}),
        )  # fmt: skip
        check(entry)
        return LOSSES.add(entry)

    return register


def check(entry: Loss) -> None:
    """Raise ArgumentError unless a loss has the derivatives it needs, and they are right."""
    who, reads, settings = f"loss {entry.name!r}", entry.parts.reads, tuple(entry.settings.values())
    formulas.check_outside(who, entry.function)
    needed = [r for r in reads if r in ("a", "log_a", "log_rest")]
    if set(needed) != set(entry.derivatives) or not needed:
        raise ArgumentError(
            f"{who} reads {', '.join(reads) or 'nothing'}, so its derivatives must be by "
            f"{' and '.join(needed) or 'a'}, but are by {', '.join(entry.derivatives) or 'nothing'}."
        )
    spread = [y for y in (-2.0, -0.5, 0.0, 0.25, 1.0, 3.0) if entry.targets[0] <= y <= entry.targets[1]]
    for part, y in itertools.product(needed, entry.only or spread):
        slope = entry.derivatives[part]
        formulas.check_parameters(f"{who}: its derivative by {part}", slope, (*reads, *entry.settings))
        formulas.check_outside(who, slope)
        kinks = entry.kinks(y, *settings) if entry.kinks and part == "a" else ()
        below_0 = (-np.inf, 0.0 if entry.accepts[1] <= 1 else np.inf)
        x = formulas.points(kinks, entry.accepts if part == "a" else below_0)
        fixed = {"a": 0.4, "log_a": -0.9, "log_rest": -0.5, "y": y, "n_out": 3}

        def of(function: Callable[..., Any], part: str = part, fixed: Any = fixed) -> Callable[[Any], Any]:
            return lambda v: function(*(v if r == part else fixed[r] for r in reads), *settings)

        formulas.check_derivative(who, part, of(entry.function), of(slope), x, given=f" and y = {y:g}")


@functools.cache
def _log_pair(derivative: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """log a and its slope, from a alone."""

    def log_a(z, a, *settings):  # type: ignore[no-untyped-def]
        return log(maximum(a, 1e-7))

    def slope(z, a, *settings):  # type: ignore[no-untyped-def]
        return where(a > 1e-7, derivative(z, a, *settings) / maximum(a, 1e-7), 0.0)

    return log_a, slope


@functools.cache
def _log_rest_pair(derivative: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """log(1 - a) and its slope, from a alone."""

    def log_rest(z, a, *settings):  # type: ignore[no-untyped-def]
        return log(maximum(1 - a, 1e-7))

    def slope(z, a, *settings):  # type: ignore[no-untyped-def]
        return where(1 - a > 1e-7, -derivative(z, a, *settings) / maximum(1 - a, 1e-7), 0.0)

    return log_rest, slope
