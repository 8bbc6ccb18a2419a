"""Loss functions: how wrong an answer is, and which share of the error each output neuron has.

Each entry is a function of one output `a` and its target `y`. A loss that reads the logarithm of a
probability names it as a parameter: `log_a` is log a, `log_rest` is log(1 - a). Then it is computed from
the weighted input of a sigmoid, softmax, exponential or softplus, and keeps its digits and its
gradient where the probability itself has long become 0 or 1. `n_out` is the number of outputs. Parameters
with a default are settings. Add one by writing it here, or anywhere else::

    @pellucid.loss(derivatives={"a": lambda a, y, steep: 2 * steep * (a - y)})
    def steep_square(a, y, steep=3.0):
        \"\"\"steep (a - y)²; derivative 2 steep (a - y).\"\"\"
        return steep * (a - y) * (a - y)

The loss of a row is the mean over the outputs, or their sum for the losses of a distribution. The loss
of a batch or an epoch is the mean over its rows, each with its weight.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pellucid.activations import ACTIVATIONS, Activation
from pellucid.errors import ArgumentError, DataError
from pellucid.formulas import Range
from pellucid.kernels.elementary import absolute, log, maximum, minimum, sign, where
from pellucid.kernels.elementary import log_cosh as log_of_cosh
from pellucid.kernels.elementary import tanh as hyperbolic_tangent
from pellucid.loss_entry import LOSSES, Loss, loss

__all__ = ["LOSSES", "Loss", "check_pair", "check_targets", "loss"]

SMOOTHING = "label smoothing: Szegedy and others, Rethinking the Inception architecture, 2016, section 7"


def check_pair(loss: Loss, activation: Activation, layer_name: str) -> None:
    """Refuse a loss that is not made for the outputs of an activation.

    Raises
    ------
    ArgumentError
        If the activation's range is not within the one the loss accepts.

    Examples
    --------
    >>> check_pair(LOSSES.find("poisson"), ACTIVATIONS.find("tanh"), "output")
    Traceback (most recent call last):
        ...
    pellucid.errors.ArgumentError: loss 'poisson' expects outputs of at least 0, but layer 'output' ends in \
'tanh', whose outputs are from -1 to 1. Use relu, softplus, sigmoid, hard_sigmoid, exponential or softmax \
there, or the loss 'mse'.
    """
    if loss.suits(activation):
        return
    *others, last = [entry.name for entry in ACTIVATIONS if loss.suits(entry)] or ["another activation"]
    fitting = f"{', '.join(others)} or {last}" if others else last
    raise ArgumentError(
        f"loss {loss.name!r} expects outputs {_span(loss.accepts)}, but layer {layer_name!r} ends in "
        f"{activation.name!r}, whose outputs are {_span(activation.range)}. Use {fitting} there, or the loss "
        f"{Loss.default_for(activation).name!r}."
    )


def check_targets(loss: Loss, y: ArrayLike) -> None:
    """Refuse targets for which a loss is not made.

    Parameters
    ----------
    loss : Loss
        The loss.
    y : array (n_samples,) or (n_samples, n_out)
        Targets as numbers; class indices need no such check.

    Raises
    ------
    DataError
        If a target is not finite or out of range, or a row of probabilities does not sum to 1.

    Examples
    --------
    >>> check_targets(LOSSES.find("hinge"), [[-1.0], [0.0]])
    Traceback (most recent call last):
        ...
    pellucid.errors.DataError: loss 'hinge' expects targets of -1 or 1, but row 1 of y holds 0.
    """
    y = np.asarray(y)
    rows = y.reshape(len(y), math.prod(y.shape[1:]))
    wanted = f"loss {loss.name!r} expects targets"
    if loss.only:
        good = np.isin(rows, loss.only)
        wanted += f" of {' or '.join(f'{t:g}' for t in loss.only)}"
    else:
        good = np.isfinite(rows) & (rows >= loss.targets[0]) & (rows <= loss.targets[1])
        wanted += f" {_span(loss.targets)}"
    if not good.all():
        i, j = np.unravel_index(int(np.argmin(good)), rows.shape)
        column = f", column {j}" if rows.shape[1] > 1 else ""
        raise DataError(f"{wanted}, but row {i}{column} of y holds {rows[i, j]:g}.")
    if loss.is_of_distribution:
        sums = rows.sum(axis=1, dtype=np.float64)
        if (bad := np.abs(sums - 1) > 1e-3).any():
            row = int(np.argmax(bad))
            raise DataError(
                f"loss {loss.name!r} expects targets that sum to 1 in each row, but row {row} of y sums to "
                f"{sums[row]:g}. Give class indices, one-hot rows or probabilities; for classes that do not "
                "exclude each other use sigmoid and the loss 'binary_crossentropy'."
            )


def _span(range: Range) -> str:
    low, high = range
    if math.isinf(high):
        return "of any size" if math.isinf(low) else f"of at least {low:g}"
    return f"of at most {high:g}" if math.isinf(low) else f"from {low:g} to {high:g}"


@loss(
    derivatives={"a": lambda a, y: 2 * (a - y)},
    source="Gauss, Theoria motus corporum coelestium, 1809",
)
def mse(a: Any, y: Any) -> Any:
    """Mean squared error: (a - y)²; derivative 2 (a - y).

    >>> mse([[1.0, 5.0]], [[1.0, 3.0]])
    array([2.])
    """
    return (a - y) * (a - y)


@loss(
    derivatives={"a": lambda a, y: a - y},
    over_outputs="sum",
    source="Bishop, Pattern recognition and machine learning, 2006, equation 5.11",
)
def half_squares(a: Any, y: Any) -> Any:
    """Half of the squared error, summed over the outputs: ½ (a - y)²; derivative a - y.

    >>> half_squares([[1.0, 5.0]], [[1.0, 3.0]])
    array([2.])
    """
    return 0.5 * (a - y) * (a - y)


@loss(
    derivatives={"a": lambda a, y: sign(a - y)},
    kinks=lambda y: (y,),
    source="Laplace, Mémoire sur la probabilité des causes par les évènements, 1774",
)
def mae(a: Any, y: Any) -> Any:
    """Mean absolute error: |a - y|; derivative the sign of a - y.

    >>> mae([[1.0, 5.0]], [[1.0, 3.0]])
    array([1.])
    """
    return absolute(a - y)


@loss(
    derivatives={"a": lambda a, y, threshold: minimum(maximum(a - y, -threshold), threshold)},
    limits={"threshold": (0.0, math.inf, "least")},
    source="Huber, Robust estimation of a location parameter, 1964",
)
def huber(a: Any, y: Any, threshold: float = 1.0) -> Any:
    """(a - y)²/2 up to |a - y| = t, the threshold, then t (|a - y| - t/2); derivative a - y within ±t.

    >>> huber([[1.0, 5.0]], [[0.5, 3.0]])
    array([0.8125])
    """
    e = absolute(a - y)
    return where(e <= threshold, 0.5 * e * e, threshold * (e - 0.5 * threshold))


@loss(
    derivatives={"a": lambda a, y: hyperbolic_tangent(a - y)},
    source="Green, Iteratively reweighted least squares for maximum likelihood estimation, 1984",
)
def log_cosh(a: Any, y: Any) -> Any:
    """log(cosh(a - y)); derivative tanh(a - y).

    >>> log_cosh([[1.0, 3.0]], [[1.0, 3.0]])
    array([0.])
    """
    return log_of_cosh(a - y)


@loss(
    derivatives={
        "log_a": lambda log_a, log_rest, y, label_smoothing: (
            -(y * (1 - label_smoothing) + 0.5 * label_smoothing)
        ),
        "log_rest": lambda log_a, log_rest, y, label_smoothing: (
            -((1 - y) * (1 - label_smoothing) + 0.5 * label_smoothing)
        ),
    },
    accepts=(0.0, 1.0),
    targets=(0.0, 1.0),
    natural_for=("sigmoid",),
    limits={"label_smoothing": (0.0, 1.0, "most")},
    source=f"Good, Rational decisions, 1952; {SMOOTHING}",
)
def binary_crossentropy(log_a: Any, log_rest: Any, y: Any, label_smoothing: float = 0.0) -> Any:
    """-t log a - (1 - t) log(1 - a), t = y (1 - s) + s/2, s the smoothing; derivative (a - t) / (a (1 - a)).

    >>> binary_crossentropy([[0.5]], [[1.0]])
    array([0.69314718])
    """
    t = y * (1 - label_smoothing) + 0.5 * label_smoothing
    rest = (1 - y) * (1 - label_smoothing) + 0.5 * label_smoothing
    return -(t * log_a + rest * log_rest)


def _smoothed(y: Any, n_out: Any, label_smoothing: Any) -> Any:
    return y * (1 - label_smoothing) + label_smoothing / n_out


@loss(
    derivatives={"log_a": lambda log_a, y, n_out, label_smoothing: -_smoothed(y, n_out, label_smoothing)},
    accepts=(0.0, 1.0),
    targets=(0.0, 1.0),
    over_outputs="sum",
    is_of_distribution=True,
    natural_for=("softmax",),
    limits={"label_smoothing": (0.0, 1.0, "most")},
    source=f"Good, Rational decisions, 1952; {SMOOTHING}",
)
def categorical_crossentropy(log_a: Any, y: Any, n_out: Any, label_smoothing: float = 0.0) -> Any:
    """-t log a, summed over the n classes, t = y (1 - s) + s/n, s the smoothing; derivative -t / a.

    >>> categorical_crossentropy([[0.25, 0.75]], [[1.0, 0.0]])
    array([1.38629436])
    """
    return -_smoothed(y, n_out, label_smoothing) * log_a


@loss(
    derivatives={"log_a": lambda log_a, y: -y},
    accepts=(0.0, 1.0),
    targets=(0.0, 1.0),
    over_outputs="sum",
    is_of_distribution=True,
    source="Kullback and Leibler, On information and sufficiency, 1951",
)
def kl_divergence(log_a: Any, y: Any) -> Any:
    """y (log y - log a), summed over the classes, 0 where y is 0; derivative -y / a.

    >>> kl_divergence([[0.25, 0.75]], [[0.25, 0.75]])
    array([0.])
    """
    return y * (log(maximum(y, 1e-30)) - log_a)


@loss(
    derivatives={"a": lambda a, y: -y * maximum(sign(1 - y * a), 0.0)},
    kinks=lambda y: (y,),
    targets=(-1.0, 1.0),
    only=(-1.0, 1.0),
    source="Cortes and Vapnik, Support-vector networks, 1995",
)
def hinge(a: Any, y: Any) -> Any:
    """max(0, 1 - y a), y being -1 or 1; derivative -y where y a < 1, else 0.

    >>> hinge([[0.5, 2.0]], [[-1.0, 1.0]])
    array([0.75])
    """
    return maximum(1 - y * a, 0.0)


@loss(
    derivatives={"a": lambda a, y: -2 * y * maximum(1 - y * a, 0.0)},
    targets=(-1.0, 1.0),
    only=(-1.0, 1.0),
    source="Chang, Hsieh and Lin, Coordinate descent method for large-scale L2-loss linear support vector "
    "machines, 2008",
)
def squared_hinge(a: Any, y: Any) -> Any:
    """max(0, 1 - y a)², y being -1 or 1; derivative -2 y max(0, 1 - y a).

    >>> squared_hinge([[0.5, 2.0]], [[-1.0, 1.0]])
    array([1.125])
    """
    return maximum(1 - y * a, 0.0) * maximum(1 - y * a, 0.0)


@loss(
    derivatives={"a": lambda a, log_a, y: 1.0, "log_a": lambda a, log_a, y: -y},
    accepts=(0.0, math.inf),
    targets=(0.0, math.inf),
    source="Nelder and Wedderburn, Generalized linear models, 1972",
)
def poisson(a: Any, log_a: Any, y: Any) -> Any:
    """a - y log a, what of the Poisson distribution's -log depends on its mean a; derivative 1 - y / a.

    >>> poisson([[1.0, 3.0]], [[2.0, 0.0]])
    array([2.])
    """
    return a - y * log_a


@loss(
    derivatives={"a": lambda a, y, q: where(y > a, -q, where(y < a, 1 - q, y - a))},
    kinks=lambda y, q: (y,),
    limits={"q": (0.0, 1.0, "least most")},
    source="Koenker and Bassett, Regression quantiles, 1978",
)
def quantile(a: Any, y: Any, q: float = 0.5) -> Any:
    """max(q (y - a), (q - 1) (y - a)), least at the q-quantile; derivative -q where y > a, else 1 - q.

    >>> quantile([[1.0, 5.0]], [[2.0, 3.0]])
    array([0.75])
    """
    return maximum(q * (y - a), (q - 1) * (y - a))


# Doctest looks for functions, and the names above are entries.
__test__ = {entry.name: entry.function for entry in LOSSES}
