"""What several networks together answer: shares of each, and a temperature, chosen on unseen rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Codes = NDArray[np.int32]

ROUNDS = 20  # additions at most: shares are multiples of one over their number
LEAST, MOST = 0.2, 5.0  # temperatures
CLOSE = 1e-3  # of the temperature
GOLDEN = (5**0.5 - 1) / 2


def shares_of(outputs: Sequence[Numbers], loss: Callable[[Numbers], float]) -> list[float]:
    """The share of each model in the mean that errs least, chosen greedily.

    Beginning with the best model, in each round the one is added, again or for the first time, with which
    the mean errs least; adding stops where no addition helps.

    Parameters
    ----------
    outputs : sequence of float64 array (n, n_out)
        What each model answers for rows that it has not learned from.
    loss : callable
        From such outputs to a number, the less the better.

    Returns
    -------
    list of float
        They add up to 1.

    References
    ----------
    Caruana et al., Ensemble selection from libraries of models, 2004.

    Examples
    --------
    >>> y = np.array([[1.0], [2.0], [3.0]])
    >>> shares_of([y + 1, y - 3, y + 2], lambda z: float(np.mean((z - y) ** 2)))
    [0.75, 0.25, 0.0]
    """
    times = np.zeros(len(outputs))
    total, least = np.zeros_like(outputs[0]), np.inf
    kept = times.copy()
    for n in range(1, ROUNDS + 1):
        losses = [loss((total + z) / n) for z in outputs]
        best = int(np.argmin(losses))
        times[best] += 1
        total = total + outputs[best]
        if losses[best] < least:
            least, kept = losses[best], times.copy()
    return [float(s) for s in kept / max(1.0, kept.sum())]


def cross_entropy(z: Numbers, y: Codes, weights: Numbers | None = None, smoothing: float = 0.0) -> float:
    """Mean of −Σ t log softmax(z), with t = 1 − ε for the class and ε / n_classes more for each.

    Parameters
    ----------
    z : float64 array (n, n_classes)
        Weighted inputs of a softmax, or logarithms of probabilities.
    y : int array (n,)
        The class of each row.
    weights : float64 array (n,), optional
        What each row counts.
    smoothing : float
        ε.
    """
    top = z.max(axis=1)
    of_class = (1 - smoothing) * z[np.arange(len(y)), y] + smoothing * z.mean(axis=1)
    losses = np.log(np.exp(z - top[:, None]).sum(axis=1)) + top - of_class
    return float(np.average(losses, weights=weights))


def softmax(z: Numbers) -> Numbers:
    """Probabilities (n, n_classes) that sum to 1 in each row."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def temperature_for(z: Numbers, y: Codes, weights: Numbers | None = None) -> float:
    """The T for which softmax(z / T) has the least cross-entropy, by golden sections of log T.

    As if one more row had been of any class, with probability one over their number, ε is 1 / (n + 1):
    otherwise a few rows without an error would make probabilities of 1.

    Parameters
    ----------
    z, y, weights
        As in `cross_entropy`, of rows that were not learned from.

    References
    ----------
    Guo et al., On calibration of modern neural networks, 2017, section 4.2; Platt, Probabilistic
    outputs for support vector machines, 1999, section 2.2 (the additional rows); Kiefer, Sequential minimax
    search for a maximum, 1953.

    Examples
    --------
    >>> z = np.log([[0.9, 0.1]] * 1000)  # says 0.9 and is right in 700 of 1000: 0.7 is right
    >>> T = temperature_for(z, np.repeat([0, 1], [700, 300]))
    >>> round(float(softmax(z / T)[0, 0]), 2)
    0.7
    """
    smoothing = 1 / (len(z) + 1)
    low, high = np.log(LEAST), np.log(MOST)

    def at(log_t: float) -> float:
        return cross_entropy(z / np.exp(log_t), y, weights, smoothing)

    a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    f_a, f_b = at(a), at(b)
    while high - low > CLOSE:
        if f_a <= f_b:
            high, b, f_b = b, a, f_a
            a = high - GOLDEN * (high - low)
            f_a = at(a)
        else:
            low, a, f_a = a, b, f_b
            b = low + GOLDEN * (high - low)
            f_b = at(b)
    return float(np.exp((low + high) / 2))
