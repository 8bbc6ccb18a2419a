"""Learning-rate schedules: by what factor the learning rate is multiplied at each step.

A step is one update of the weights, counted from 0 over the whole run. `cosine`, `one_cycle` and
`coslog` end with the planned run and keep their last factor after it; the others go on.

A schedule can be warmed up: `"cosine(warm_up=0.1)"` is `cosine` times `warm_up(fraction=0.1)`.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.errors import ArgumentError
from pellucid.registry import Formula, Registry, is_number, settings_of

Steps = NDArray[np.int64]
Factors = NDArray[np.float64]
Limits = Mapping[str, tuple[float, float]]

SHARE = (0.0, 1.0)
PLATEAU_LIMITS: Limits = {"factor": SHARE, "patience": (0, math.inf), "minimum": SHARE, "threshold": SHARE}


@dataclass(frozen=True, kw_only=True)
class Schedule(Formula):
    """A named schedule; call it with step numbers.

    Parameters
    ----------
    limits : mapping of str to (float, float)
        The least and the greatest value of a setting.
    follows_loss : bool
        Whether the factor also depends on how the training goes; see `follower`.
    """

    kind: ClassVar[str] = "schedule"

    limits: Limits = field(default_factory=dict)
    follows_loss: bool = False

    def __post_init__(self) -> None:
        check_limits(f"schedule {self.name!r}", self.settings, self.limits)

    def __call__(self, step: ArrayLike, n_steps: int, n_steps_per_epoch: int = 1) -> Factors:
        """The factor on the learning rate at each step.

        Parameters
        ----------
        step : int array of any shape
            Steps, counted from 0 over the whole run.
        n_steps : int
            Steps in the whole run, as planned.
        n_steps_per_epoch : int
            Steps in an epoch.

        Returns
        -------
        float64 array, shaped like `step`
            Finite and at least 0.

        Raises
        ------
        ArgumentError
            If `step` is negative or no integer, a number of steps is below 1, or the function of a
            user's schedule gives another shape or a factor that is negative or not finite.

        Examples
        --------
        >>> SCHEDULES.find("cosine")([0, 50, 100], n_steps=100)
        array([1. , 0.5, 0. ])
        """
        steps = np.asarray(step)
        if steps.dtype.kind not in "iu" or (steps < 0).any():
            raise self._error(f"step must hold whole numbers from 0, but is {step!r}.")
        for name, value in (("n_steps", n_steps), ("n_steps_per_epoch", n_steps_per_epoch)):
            if not isinstance(value, int | np.integer) or value < 1:
                raise self._error(f"{name} must be a whole number from 1, but is {value!r}.")
        steps = steps.astype(np.int64)
        result = self.function(steps, int(n_steps), int(n_steps_per_epoch), **self.settings)
        factors = np.asarray(result, np.float64)
        if factors.shape != steps.shape:
            raise self._error(
                f"its function must return an array like step, {steps.shape}, not {factors.shape}."
            )
        if (wrong := ~(np.isfinite(factors) & (factors >= 0))).any():
            found = f"{factors[wrong][0]} at step {steps[wrong][0]}"
            raise self._error(f"a factor must be finite and at least 0, but is {found}.")
        return factors

    def follower(self) -> ReduceOnPlateau | None:
        """A new `ReduceOnPlateau` if the schedule follows the loss, else None.

        Its `current` factor and the schedule's own are multiplied.
        """
        if not self.follows_loss:
            return None
        return ReduceOnPlateau(**{name: self.settings[name] for name in PLATEAU_LIMITS})

    def _error(self, text: str) -> ArgumentError:
        return ArgumentError(f"schedule {self.name!r}: {text}")


@dataclass
class ReduceOnPlateau:
    """Reduces the learning rate when a value that should fall does not fall any more.

    Formula:  current = max(minimum, current · factor) after more than `patience` updates in a row
    without value < best - threshold · |best|.

    Parameters
    ----------
    factor : float
        By what the learning rate is multiplied.
    patience : int
        Updates without improvement that are tolerated.
    minimum : float
        The least factor.
    threshold : float
        What counts as an improvement, as a share of the best value.
    current, best, waited
        Where it stands: the factor now, the best value so far, the updates since then or since the
        last reduction.

    Raises
    ------
    ArgumentError
        If a setting is out of its limits.

    References
    ----------
    PyTorch, `torch.optim.lr_scheduler.ReduceLROnPlateau`; for negative values `best` is lowered, not raised,
    by the threshold.

    Examples
    --------
    >>> plateau = ReduceOnPlateau(factor=0.5, patience=1)
    >>> [plateau.update(loss) for loss in (1.0, 0.9, 0.9, 0.9, 0.8)]
    [1.0, 1.0, 1.0, 0.5, 0.5]
    >>> ReduceOnPlateau.from_state(plateau.state) == plateau
    True
    """

    factor: float = 0.5
    patience: int = 5
    minimum: float = 0.0
    threshold: float = 1e-4
    current: float = 1.0
    best: float | None = None
    waited: int = 0

    def __post_init__(self) -> None:
        limits = {**PLATEAU_LIMITS, "current": SHARE, "waited": (0, math.inf)}
        if self.best is not None:
            limits["best"] = (-math.inf, math.inf)
        check_limits("ReduceOnPlateau", self.state, limits)

    def update(self, value: float) -> float:
        """The factor from now on, after an epoch that gave `value`: lower is better, NaN never is."""
        if not is_number(value):
            raise ArgumentError(f"ReduceOnPlateau: update takes a number, but got {value!r}.")
        if math.isfinite(value) and (
            self.best is None or value < self.best - self.threshold * abs(self.best)
        ):
            self.best, self.waited = float(value), 0
        else:
            self.waited += 1
        if self.waited > self.patience:
            self.current, self.waited = max(self.minimum, self.current * self.factor), 0
        return self.current

    def has_settings_of(self, other: ReduceOnPlateau) -> bool:
        """Whether both have the same settings, wherever they stand."""
        return all(getattr(self, name) == getattr(other, name) for name in PLATEAU_LIMITS)

    @property
    def state(self) -> dict[str, Any]:
        """Settings and where it stands, as a plain dict; `from_state` goes on from there."""
        return dataclasses.asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Goes on where `state` was taken.

        Raises
        ------
        ArgumentError
            If `state` was not made by `ReduceOnPlateau.state`.
        """
        names = [f.name for f in dataclasses.fields(cls)]
        if set(state) != set(names):
            raise ArgumentError(
                f"ReduceOnPlateau: a state has {', '.join(names)}, but got {', '.join(map(str, state))}."
            )
        return cls(**state)


SCHEDULES: Registry[Schedule] = Registry("schedule")


def schedule(
    *, source: str = "", limits: Limits | None = None, follows_loss: bool = False
) -> Callable[[Callable[..., Any]], Schedule]:
    """Register a function `(step, n_steps, n_steps_per_epoch)` as a schedule.

    The function gets `step` as an int64 array and returns the factors as an array of the same shape.
    All its other parameters need a default and are settings.

    Parameters
    ----------
    source : str, optional
        Where the formula comes from.
    limits : mapping of str to (float, float), optional
        The least and the greatest value of a setting.
    follows_loss : bool
        See `Schedule`.

    Raises
    ------
    ArgumentError
        If the function's parameters do not fit.

    Examples
    --------
    >>> @schedule(limits={"power": (0, 10)})
    ... def inverse_time(step, n_steps, n_steps_per_epoch, power=1.0):
    ...     return 1 / (1 + step) ** power
    >>> SCHEDULES.find("inverse_time(power=2)")([0, 1], n_steps=2)
    array([1.  , 0.25])
    >>> SCHEDULES.remove("inverse_time")
    """

    def register(function: Callable[..., Any]) -> Schedule:
        if not getattr(function, "__name__", "").isidentifier():
            raise ArgumentError(
                f"a schedule is a function with a name, but got {function!r}. Write it with def."
            )
        signature, settings = inspect.signature(function), settings_of(function)
        try:
            signature.bind(None, None, None, **settings)
        except TypeError:
            raise ArgumentError(
                f"schedule {function.__name__!r} must take (step, n_steps, n_steps_per_epoch), then settings "
                f"with a default, but takes {signature}."
            ) from None
        return SCHEDULES.add(
            Schedule(function, source, settings, limits=limits or {}, follows_loss=follows_loss)
        )

    return register


def check_limits(who: str, settings: Mapping[str, Any], limits: Limits) -> None:
    """Raise ArgumentError for a setting that is out of its limits."""
    for name, (low, high) in limits.items():
        value = settings[name]
        if not (is_number(value) and low <= value <= high):
            wanted = f"at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
            raise ArgumentError(f"{who}: {name} must be {wanted}, but is {value!r}.")


def climb(step: Steps, n_steps: int, fraction: float) -> Factors:
    """Linear warm-up: (step + 1) / (fraction · n_steps), at most 1."""
    return np.minimum(1.0, (step + 1) / max(1.0, fraction * n_steps))


def progress(step: Steps, start: float, end: float) -> Factors:
    """0 until the step `start`, 1 from the step `end` on, a straight line between them."""
    if end <= start:
        return (step >= end).astype(np.float64)
    return np.clip((step - start) / (end - start), 0.0, 1.0)


def wave(start: float, end: float, t: Factors) -> Factors:
    """Half a cosine wave from `start` at t = 0 to `end` at t = 1."""
    return end + (start - end) * (1 + np.cos(np.pi * t)) / 2


@schedule(source="S. Ruder, An overview of gradient descent optimization algorithms, 2016, section 2")
def constant(step: Steps, n_steps: int, n_steps_per_epoch: int) -> Factors:
    """1 at every step.

    Examples
    --------
    >>> constant([0, 9], n_steps=10)
    array([1., 1.])
    """
    return np.ones(step.shape)


@schedule(source="P. Goyal et al., 2017, section 2.2; arXiv 1706.02677", limits={"fraction": SHARE})
def warm_up(step: Steps, n_steps: int, n_steps_per_epoch: int, fraction: float = 0.1) -> Factors:
    """min(1, (step + 1) / (fraction · n_steps)): climbs over a fraction of the run, then 1.

    Examples
    --------
    >>> warm_up([0, 4, 9, 99], n_steps=100)
    array([0.1, 0.5, 1. , 1. ])
    """
    return climb(step, n_steps, fraction)


@schedule(source="PyTorch, StepLR", limits={"factor": SHARE, "every": (1, math.inf), "warm_up": SHARE})
def step_decay(
    step: Steps,
    n_steps: int,
    n_steps_per_epoch: int,
    factor: float = 0.1,
    every: int = 30,
    warm_up: float = 0.0,
) -> Factors:
    """factor^⌊epoch / every⌋: drops by a factor every few epochs.

    Examples
    --------
    >>> step_decay.using(factor=0.5, every=2)([0, 19, 20, 40], n_steps=100, n_steps_per_epoch=10)
    array([1.  , 1.  , 0.5 , 0.25])
    """
    epoch = step // n_steps_per_epoch
    return climb(step, n_steps, warm_up) * factor ** np.floor(epoch / every)


@schedule(source="PyTorch, ExponentialLR", limits={"decay": SHARE, "warm_up": SHARE})
def exponential(
    step: Steps, n_steps: int, n_steps_per_epoch: int, decay: float = 0.95, warm_up: float = 0.0
) -> Factors:
    """decay^(step / n_steps_per_epoch): the same share is left after every epoch, smoothly within it.

    Examples
    --------
    >>> exponential.using(decay=0.25)([0, 5, 10], n_steps=100, n_steps_per_epoch=10)
    array([1.  , 0.5 , 0.25])
    """
    return climb(step, n_steps, warm_up) * decay ** (step / n_steps_per_epoch)


@schedule(
    source="I. Loshchilov, F. Hutter, SGDR, ICLR 2017, equation 5 without restarts; arXiv 1608.03983",
    limits={"minimum": SHARE, "warm_up": SHARE},
)
def cosine(
    step: Steps, n_steps: int, n_steps_per_epoch: int, minimum: float = 0.0, warm_up: float = 0.0
) -> Factors:
    """minimum + (1 - minimum) · (1 + cos(πt)) / 2, t = step / n_steps.

    The minimum is reached one step after the last, so that the last step still learns.

    Examples
    --------
    >>> cosine.using(minimum=0.5)([0, 50, 100], n_steps=100)
    array([1.  , 0.75, 0.5 ])
    """
    return climb(step, n_steps, warm_up) * wave(1.0, minimum, progress(step, 0, n_steps))


@schedule(
    source="L. N. Smith, N. Topin, Super-convergence, 2018, arXiv 1708.07120; PyTorch, OneCycleLR",
    limits={"peak": SHARE, "div": (1, math.inf), "final_div": (1, math.inf)},
)
def one_cycle(
    step: Steps,
    n_steps: int,
    n_steps_per_epoch: int,
    peak: float = 0.3,
    div: float = 25.0,
    final_div: float = 250_000.0,
) -> Factors:
    """Half a cosine wave from 1/div up to 1 at step peak · n_steps - 1, and one down to 1/final_div.

    `final_div` counts from the peak: PyTorch's `div_factor * final_div_factor`. The momentum does not change.

    Examples
    --------
    >>> one_cycle.using(final_div=1000)([0, 29, 99], n_steps=100)
    array([0.04 , 1.   , 0.001])
    """
    top, last = peak * n_steps - 1, n_steps - 1
    up = wave(1 / div, 1.0, progress(step, 0, top))
    down = wave(1.0, 1 / final_div, progress(step, top, last))
    return np.where(step <= top, up, down)


@schedule(source="D. Holzmüller et al., Better by default, 2024; arXiv 2407.04491")
def coslog(step: Steps, n_steps: int, n_steps_per_epoch: int) -> Factors:
    """(1 - cos(2π · log₂(1 + 15t))) / 2, t = step / n_steps: four waves, each twice as long.

    Examples
    --------
    >>> coslog([0, 15, 30, 150], n_steps=1000).round(3)
    array([0.   , 0.633, 0.987, 0.653])
    """
    return (1 - np.cos(2 * np.pi * np.log2(1 + 15 * progress(step, 0, n_steps)))) / 2


@schedule(
    source="K. He et al., Deep residual learning, 2015, section 3.4; PyTorch, ReduceLROnPlateau",
    limits={**PLATEAU_LIMITS, "warm_up": SHARE},
    follows_loss=True,
)
def reduce_on_plateau(
    step: Steps,
    n_steps: int,
    n_steps_per_epoch: int,
    factor: float = ReduceOnPlateau.factor,
    patience: int = ReduceOnPlateau.patience,
    minimum: float = ReduceOnPlateau.minimum,
    threshold: float = ReduceOnPlateau.threshold,
    warm_up: float = 0.0,
) -> Factors:
    """1, times a factor that falls whenever the loss stops falling: see `ReduceOnPlateau`.

    Examples
    --------
    >>> reduce_on_plateau([0, 9], n_steps=10)
    array([1., 1.])
    >>> reduce_on_plateau.using(patience=3).follower().patience
    3
    """
    return climb(step, n_steps, warm_up)


# The entries are no longer functions, where doctest looks for examples by itself.
__test__ = {entry.name: entry.function for entry in SCHEDULES}
