"""Optimizers: how a gradient becomes a change of the weights.

Each entry is its settings, its states (zero at first) and one update of one weight. What changes only
from step to step, such as Adam's corrections for its first steps, is worked out once a step in float64
by `by_step`, from the number of the update `t` (from 1) and the learning rate.

The formulas are PyTorch's, which are those of the papers. In the texts η is the learning rate, μ the
momentum, β₁ and β₂ are beta_1 and beta_2, ρ is rho, ε epsilon and λ the weight decay, which spares biases,
scales and the like: it acts on weights of neurons and vectors of codes.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid import checks
from pellucid.errors import ArgumentError
from pellucid.kernels.elementary import absolute, maximum, sqrt
from pellucid.kernels.kernel import Kernel
from pellucid.kernels.loops import elementwise
from pellucid.registry import Formula, Registry, parameters_of, settings_of

BELOW_1 = ("momentum", "beta_1", "beta_2", "rho")
FROM_0 = ("learning_rate", "weight_decay", "momentum_decay")
LEAST_EPSILON = 1e-30  # as a float32 it still keeps 0 / (0 + ε) at 0
RESERVED = ("table", "table_stride", "now", "lo", "hi", "i", "update")


class Factors(NamedTuple):
    """What a parameter makes of an optimizer's settings: they are multiplied with these."""

    learning_rate: float = 1.0
    weight_decay: float = 1.0

    def __str__(self) -> str:
        decay = "" if self.weight_decay == 1 else f", weight decay × {self.weight_decay}"
        return f"{self.learning_rate}{decay}"


class Scaled(Protocol):
    """What an optimizer needs to know of a parameter."""

    learning_rate: float
    weight_decay: float


@dataclass(frozen=True)
class Optimizer(Formula):
    """A registered optimizer.

    Parameters
    ----------
    function : callable
        (w, g, *states, *numbers of a step, **settings) -> (w, *states), of one weight and its gradient.
        Parameters with a default are settings, `learning_rate` one of them; in the function
        it is that of the step.
    by_step : callable, optional
        (t, learning_rate, and settings by name) -> dict of the other numbers of a step. t and
        learning_rate are float64 arrays, one number for each step.
    """

    kind: ClassVar[str] = "optimizer"

    by_step: Callable[..., dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        for name, value in self.settings.items():
            who = f"optimizer {self.name!r}: {name}"
            if name in BELOW_1:
                checks.number(who, value, 0, 1, open_ends="most")
            elif name in FROM_0:
                checks.number(who, value, 0)
            elif name == "epsilon":
                checks.number(who, value, LEAST_EPSILON)
            elif not isinstance(value, bool):
                checks.number(who, value)

    @functools.cached_property
    def states(self) -> tuple[str, ...]:
        """Names of the numbers it keeps for each weight, 0 at first."""
        known = {"w", "g", *self.settings, *self.step_values}
        return tuple(p for p in self._parameters if p not in known)

    @functools.cached_property
    def step_values(self) -> tuple[str, ...]:
        """Names of the numbers of a step, the columns of `rows`."""
        return tuple(self.table(np.ones(1), np.ones(1)))

    @functools.cached_property
    def used(self) -> tuple[str, ...]:
        """The settings that one update reads as they are."""
        return tuple(s for s in self.settings if s in self._parameters and s not in self.step_values)

    @functools.cached_property
    def kernel(self) -> Kernel:
        """Kernel: the update of some rows of weights and their states."""
        return elementwise(
            self.name,
            f"update({', '.join(self._parameters)})",
            (("update", self.function),),
            ("w", "g", *self.states),
            ("w", *self.states),
            self.used,
            self.step_values,
        )

    def factors(self, parameter: Scaled) -> Factors:
        """What a parameter makes of these settings."""
        decay = parameter.weight_decay if "weight_decay" in self.settings else 1.0
        return Factors(parameter.learning_rate, decay)

    def scaled(self, factors: Factors) -> Optimizer:
        """The same with its weight decay for such a parameter."""
        if factors.weight_decay == 1:
            return self
        decay = self.settings["weight_decay"] * factors.weight_decay
        return replace(self, settings={**self.settings, "weight_decay": decay})

    def table(self, t: Any, learning_rate: Any) -> dict[str, Any]:
        """The numbers of each step, by name, as arrays like `t` or as one number for all."""
        if self.by_step is None:
            return {"learning_rate": learning_rate}
        wanted = parameters_of(self.by_step)
        settings = {k: v for k, v in self.settings.items() if k in wanted and k != "learning_rate"}
        return {"learning_rate": learning_rate, **self.by_step(t, learning_rate, **settings)}

    def rows(
        self,
        t: ArrayLike,
        learning_rate: ArrayLike,
        factors: Factors = Factors(),  # noqa: B008
    ) -> NDArray[np.float32]:
        """The numbers of each step as the kernel reads them.

        Parameters
        ----------
        t : array (n_steps,)
            Numbers of the updates, from 1.
        learning_rate : float or array (n_steps,)
            The learning rate of each.
        factors : Factors
            What it and the weight decay are multiplied with.

        Returns
        -------
        float32 array (n_steps, len(step_values)), contiguous

        Examples
        --------
        >>> OPTIMIZERS.find("sgd").rows([1, 2], 0.5)
        array([[0.5],
               [0.5]], dtype=float32)
        """
        steps = np.asarray(t, np.float64)
        rates = np.broadcast_to(np.asarray(learning_rate, np.float64), steps.shape) * factors.learning_rate
        table = self.scaled(factors).table(steps, rates)
        rows = np.empty((len(steps), len(table)), np.float32)
        with np.errstate(over="ignore"):
            for i, column in enumerate(table.values()):
                rows[:, i] = column
        return rows

    @property
    def _parameters(self) -> tuple[str, ...]:
        return parameters_of(self.function)


OPTIMIZERS: Registry[Optimizer] = Registry("optimizer")


def optimizer(
    *, by_step: Callable[..., dict[str, Any]] | None = None, source: str = ""
) -> Callable[[Callable[..., Any]], Optimizer]:
    """Register the update of one weight as an optimizer, by the name of the function.

    The function takes the weight `w`, its gradient `g`, then what it keeps for each weight, then its
    settings, which have defaults; it gives back the new weight and what it keeps, in the same order. It
    is compiled, so it is written with arithmetic and the words of `pellucid.kernels.elementary`.

    Parameters
    ----------
    by_step : callable, optional
        For numbers that depend on the number of the update alone, see `Optimizer`.
    source : str, optional
        Where the formula comes from.

    Raises
    ------
    ArgumentError
        If the parameters do not fit, or ten steps of it on a small quadratic, at its default settings, do
        not stay finite, do not go down, or move a weight that is 0 and has no gradient.

    Examples
    --------
    >>> @optimizer(source="Polyak, 1964")
    ... def heavy_ball(w, g, b, learning_rate=0.1, momentum=0.9):
    ...     b = momentum * b - learning_rate * g
    ...     return w + b, b
    >>> OPTIMIZERS.find("heavy_ball(momentum=0.5)").states
    ('b',)
    >>> OPTIMIZERS.remove("heavy_ball")
    """

    def register(function: Callable[..., Any]) -> Optimizer:
        _check_parameters(function)
        entry = Optimizer(function, source, settings_of(function), by_step)
        _check_steps(entry)
        return OPTIMIZERS.add(entry)

    return register


def _check_parameters(function: Callable[..., Any]) -> None:
    """Raise ArgumentError unless the function has the parameters of an update."""
    name = getattr(function, "__name__", "")
    if not name.isidentifier():
        raise ArgumentError(
            f"an optimizer is a function with a name, but got {function!r}. Write it with def."
        )
    parameters = list(inspect.signature(function).parameters.values())
    names = [p.name for p in parameters]
    if names[:2] != ["w", "g"] or any(p.kind is not p.POSITIONAL_OR_KEYWORD for p in parameters):
        raise ArgumentError(
            f"optimizer {name!r}: its parameters must be w, g, then its states, then its settings, but are "
            f"({', '.join(map(str, parameters))})."
        )
    if taken := [n for n in names if n in RESERVED or n.endswith(("_stride", "_part"))]:
        raise ArgumentError(f"optimizer {name!r}: a parameter cannot be called {taken[0]!r}. Rename it.")
    if "learning_rate" not in settings_of(function):
        raise ArgumentError(f"optimizer {name!r} needs a parameter learning_rate with a default.")


def _check_steps(entry: Optimizer) -> None:
    """Raise ArgumentError unless ten steps on a quadratic in float64 do what an optimizer does."""
    who = f"optimizer {entry.name!r}"
    try:
        rows = entry.rows(np.arange(1, 11), float(entry.settings["learning_rate"]))
        columns, states = entry.step_values, entry.states
    except Exception as error:
        raise ArgumentError(f"{who}: its by_step fails on arrays of ten steps: {error}") from error
    curvature, start = np.array([1.0, 0.5, 0.1, 0.0]), np.array([1.0, -2.0, 3.0, 0.0])
    w, kept, given = start, [np.zeros(4) for _ in states], dict(entry.settings)
    with np.errstate(all="ignore"):
        for row in rows:
            given.update(zip((*states, *columns), (*kept, *row), strict=True))
            try:
                result = entry.function(w=w, g=curvature * w, **given)
            except Exception as error:
                raise ArgumentError(
                    f"{who} fails on arrays: {error} Write it with + - * /, where(condition, yes, no) and "
                    "the other words of pellucid.kernels.elementary."
                ) from error
            values = result if isinstance(result, tuple) else (result,)
            shapes = [np.shape(v) for v in values]
            if shapes != [(4,)] * (1 + len(states)) or isinstance(result, tuple) is not bool(states):
                wanted = f"a tuple (w, {', '.join(states)})" if states else "w"
                raise ArgumentError(f"{who} must return {wanted} of the shape of w, but returns {result!r}.")
            w, *kept = values
    first, last = curvature @ start**2, curvature @ w**2
    if not np.isfinite([w, *kept]).all():
        raise ArgumentError(
            f"{who} gives a number that is not finite within ten steps on a small quadratic. "
            "Does it divide by 0 where a gradient is 0? Add an epsilon."
        )
    if w[3] != 0:
        raise ArgumentError(f"{who} moves a weight of 0 that has no gradient to {w[3]:g}.")
    if not last < first:
        raise ArgumentError(
            f"{who} does not go down in ten steps on a small quadratic: from {first:.4g} to {last:.4g}. "
            "Check its sign and its default learning_rate."
        )


@optimizer(source="Robbins and Monro, A stochastic approximation method, 1951")
def sgd(w, g, learning_rate=0.01):  # type: ignore[no-untyped-def]
    """w -= ηg."""
    return w - learning_rate * g


@optimizer(source="Polyak, Some methods of speeding up the convergence of iteration methods, 1964")
def momentum(w, g, b, learning_rate=0.01, momentum=0.9):  # type: ignore[no-untyped-def]
    """b = μb + g; w -= ηb."""
    b = momentum * b + g
    return w - learning_rate * b, b


@optimizer(source="Rumelhart, Hinton and Williams, 1986; scikit-learn's sgd with nesterovs_momentum=False")
def velocity(w, g, v, learning_rate=0.01, momentum=0.9):  # type: ignore[no-untyped-def]
    """v = μv - ηg; w += v. As momentum, unless η changes: the velocity keeps what it was."""
    v = momentum * v - learning_rate * g
    return w + v, v


@optimizer(
    source="Nesterov, 1983, in the form of Sutskever et al., "
    "On the importance of initialization and momentum in deep learning, 2013"
)
def nesterov(w, g, b, learning_rate=0.01, momentum=0.9):  # type: ignore[no-untyped-def]
    """b = μb + g; w -= η(g + μb)."""
    b = momentum * b + g
    return w - learning_rate * (g + momentum * b), b


@optimizer(source="Bengio, Boulanger-Lewandowski and Pascanu, 2012; scikit-learn's sgd")
def nesterov_velocity(w, g, v, learning_rate=0.01, momentum=0.9):  # type: ignore[no-untyped-def]
    """v = μv - ηg; w += μv - ηg. As nesterov, unless η changes: the velocity keeps what it was."""
    v = momentum * v - learning_rate * g
    return w + (momentum * v - learning_rate * g), v


@optimizer(source="Duchi et al., Adaptive subgradient methods, JMLR 12, 2011")
def adagrad(w, g, s, learning_rate=0.01, epsilon=1e-10):  # type: ignore[no-untyped-def]
    """s += g²; w -= ηg / (√s + ε)."""
    s = s + g * g
    return w - learning_rate * g / (sqrt(s) + epsilon), s


def _rest_of_rho(t: Any, learning_rate: Any, rho: float) -> dict[str, Any]:
    return {"rest": 1 - rho}  # in float32 it would lose digits


@optimizer(by_step=_rest_of_rho, source="Zeiler, ADADELTA, arXiv 1212.5701, 2012, algorithm 1")
def adadelta(w, g, s, u, rest, learning_rate=1.0, rho=0.9, epsilon=1e-6):  # type: ignore[no-untyped-def]
    """s = ρs + (1-ρ)g²; d = g √(u + ε) / √(s + ε); u = ρu + (1-ρ)d²; w -= ηd."""
    s = rho * s + rest * g * g
    d = g * sqrt(u + epsilon) / sqrt(s + epsilon)
    u = rho * u + rest * d * d
    return w - learning_rate * d, s, u


@optimizer(by_step=_rest_of_rho, source="Hinton, Neural networks for machine learning, lecture 6e, 2012")
def rmsprop(w, g, s, rest, learning_rate=0.001, rho=0.9, epsilon=1e-8):  # type: ignore[no-untyped-def]
    """s = ρs + (1-ρ)g²; w -= ηg / (√s + ε)."""
    s = rho * s + rest * g * g
    return w - learning_rate * g / (sqrt(s) + epsilon), s


def _adam_step(t: Any, learning_rate: Any, beta_1: float, beta_2: float) -> dict[str, Any]:
    rate, root = learning_rate / (1 - beta_1**t), 1 / np.sqrt(1 - beta_2**t)
    return {"rate": rate, "root": root, "rest_1": 1 - beta_1, "rest_2": 1 - beta_2}


@optimizer(
    by_step=_adam_step,
    source="Kingma and Ba, Adam: a method for stochastic optimization, 2015, algorithm 1",
)
def adam(  # type: ignore[no-untyped-def]
    w, g, m, v, rate, root, rest_1, rest_2, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8
):
    """m = β₁m + (1-β₁)g; v = β₂v + (1-β₂)g²; w -= η/(1-β₁ᵗ) m / (√v/√(1-β₂ᵗ) + ε)."""
    m = beta_1 * m + rest_1 * g
    v = beta_2 * v + rest_2 * g * g
    return w - rate * m / (sqrt(v) * root + epsilon), m, v


def _adam_hat_step(t: Any, learning_rate: Any, beta_1: float, beta_2: float) -> dict[str, Any]:
    rate = learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return {"rate": rate, "rest_1": 1 - beta_1, "rest_2": 1 - beta_2}


@optimizer(
    by_step=_adam_hat_step,
    source="Kingma and Ba, Adam, 2015, end of section 2; the form of Keras and scikit-learn",
)
def adam_hat(  # type: ignore[no-untyped-def]
    w, g, m, v, rate, rest_1, rest_2, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8
):
    """adam with ε̂, which is not divided by √(1-β₂ᵗ): w -= η√(1-β₂ᵗ)/(1-β₁ᵗ) m / (√v + ε̂)."""
    m = beta_1 * m + rest_1 * g
    v = beta_2 * v + rest_2 * g * g
    return w - rate * m / (sqrt(v) + epsilon), m, v


@optimizer(by_step=_adam_step, source="Reddi, Kale and Kumar, On the convergence of Adam and beyond, 2018")
def amsgrad(  # type: ignore[no-untyped-def]
    w, g, m, v, top, rate, root, rest_1, rest_2, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8
):
    """adam with the largest v so far: top = max(top, v); w -= η/(1-β₁ᵗ) m / (√top/√(1-β₂ᵗ) + ε)."""
    m = beta_1 * m + rest_1 * g
    v = beta_2 * v + rest_2 * g * g
    top = maximum(top, v)
    return w - rate * m / (sqrt(top) * root + epsilon), m, v, top


def _adamax_step(t: Any, learning_rate: Any, beta_1: float) -> dict[str, Any]:
    return {"rate": learning_rate / (1 - beta_1**t), "rest_1": 1 - beta_1}


@optimizer(by_step=_adamax_step, source="Kingma and Ba, Adam, 2015, algorithm 2, with PyTorch's ε")
def adamax(  # type: ignore[no-untyped-def]
    w, g, m, u, rate, rest_1, learning_rate=0.002, beta_1=0.9, beta_2=0.999, epsilon=1e-8
):
    """m = β₁m + (1-β₁)g; u = max(β₂u, |g| + ε); w -= η/(1-β₁ᵗ) m/u."""
    m = beta_1 * m + rest_1 * g
    u = maximum(beta_2 * u, absolute(g) + epsilon)
    return w - rate * m / u, m, u


def _nadam_step(
    t: Any, learning_rate: Any, beta_1: float, beta_2: float, momentum_decay: float
) -> dict[str, Any]:
    def mu(i: Any) -> Any:
        return beta_1 * (1 - 0.5 * 0.96 ** (momentum_decay * i))

    # Π depends on t alone, so a run can go on anywhere. No μ is above β₁: from `enough` on 1 - Π is 1.
    enough = 1 + 54 * math.log(2) / -math.log(beta_1) if beta_1 > 0 else 1
    products = np.cumprod(mu(np.arange(1, min(t.max(initial=1), enough) + 1)))
    product = products[np.minimum(t, len(products)).astype(np.int64) - 1]
    return {
        "rate_g": learning_rate * (1 - mu(t)) / (1 - product),
        "rate_m": learning_rate * mu(t + 1) / (1 - product * mu(t + 1)),
        "root": 1 / np.sqrt(1 - beta_2**t),
        "rest_1": 1 - beta_1,
        "rest_2": 1 - beta_2,
    }


@optimizer(
    by_step=_nadam_step, source="Dozat, Incorporating Nesterov momentum into Adam, 2016, in PyTorch's form"
)
def nadam(  # type: ignore[no-untyped-def]
    w, g, m, v, rate_g, rate_m, root, rest_1, rest_2,
    learning_rate=0.002, beta_1=0.9, beta_2=0.999, epsilon=1e-8, momentum_decay=0.004,
):  # fmt: skip
    """m, v as adam's; μₜ = β₁(1 - ½ 0.96^(.004t)), Πₜ = μ₁...μₜ;
    w -= η ((1-μₜ)g/(1-Πₜ) + μₜ₊₁m/(1-Πₜ₊₁)) / (√v/√(1-β₂ᵗ) + ε).
    """
    m = beta_1 * m + rest_1 * g
    v = beta_2 * v + rest_2 * g * g
    return w - (rate_g * g + rate_m * m) / (sqrt(v) * root + epsilon), m, v


def _adamw_step(
    t: Any, learning_rate: Any, beta_1: float, beta_2: float, weight_decay: float
) -> dict[str, Any]:
    return _adam_step(t, learning_rate, beta_1, beta_2) | {"decay": learning_rate * weight_decay}


@optimizer(by_step=_adamw_step, source="Loshchilov and Hutter, Decoupled weight decay regularization, 2019")
def adamw(  # type: ignore[no-untyped-def]
    w, g, m, v, rate, root, rest_1, rest_2, decay,
    learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.01,
):  # fmt: skip
    """w -= ηλw, then as adam: w -= η/(1-β₁ᵗ) m / (√v/√(1-β₂ᵗ) + ε)."""
    m = beta_1 * m + rest_1 * g
    v = beta_2 * v + rest_2 * g * g
    return w - (decay * w + rate * m / (sqrt(v) * root + epsilon)), m, v
