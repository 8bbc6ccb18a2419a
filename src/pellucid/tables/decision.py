"""Which class is answered where some metric is to be best: `Decision`, chosen on rows by `decide`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import checks
from pellucid.errors import ArgumentError
from pellucid.saved import Saved
from pellucid.tables.targets import Class
from pellucid.training.splits import Indices

Numbers = NDArray[np.float64]
Codes = NDArray[np.int32]
Counts = Callable[[Numbers, Numbers, Numbers], Numbers]

SWEEPS = 10  # over the classes, at most; most often the second changes nothing
GAIN = 1e-12  # of a metric below which nothing was gained
FARTHEST = 1e6  # factors from 1
MOST_NUMBERS = 10_000_000  # rows × classes²: of more rows every second, third, ... chooses, for a few seconds


def _accuracy(hits: Numbers, predicted: Numbers, actual: Numbers) -> Numbers:
    return np.asarray(hits.sum(axis=-1) / actual.sum())


def _balanced_accuracy(hits: Numbers, predicted: Numbers, actual: Numbers) -> Numbers:
    return np.asarray((hits[..., actual > 0] / actual[actual > 0]).mean(axis=-1))


def _f1(hits: Numbers, predicted: Numbers, actual: Numbers) -> Numbers:
    both = np.asarray(predicted + actual)
    each = np.divide(2 * hits, both, out=np.zeros_like(both), where=both > 0)
    if len(actual) == 2:
        return np.asarray(each[..., 1])
    return np.asarray(each.sum(axis=-1) / (both > 0).sum(axis=-1))


# From the weights of the rows of each class that are answered right, answered so, and so: (..., n_classes).
CHOSEN_BY: dict[str, Counts] = {"accuracy": _accuracy, "balanced_accuracy": _balanced_accuracy, "f1": _f1}
ONE_SIDED = ("precision", "recall")


@dataclass(frozen=True)
class Decision:
    """How probabilities become an answer.

    Formula:  of two classes the second if p₂ > t; of more argmax_c f_c p_c, the first of equal ones

    Parameters
    ----------
    metric : str
        The metric that it is best by, on the rows that it was chosen on.
    numbers : tuple of float
        The threshold t of two classes, or a factor f_c for each of more.

    Examples
    --------
    >>> p = np.array([[0.7, 0.3], [0.4, 0.6]])
    >>> Decision("f1", (0.25,))(p), Decision("f1", (0.65,))(p)
    (array([1, 1]), array([0, 0]))
    >>> Decision("f1", (1.0, 0.2, 1.0))(np.array([[0.2, 0.5, 0.3]]))
    array([2])
    """

    metric: str
    numbers: tuple[float, ...]

    def __call__(self, probabilities: Any) -> NDArray[np.int64]:
        """The index of the class that is answered for each row of probabilities (n, n_classes)."""
        return np.asarray(self.scores(probabilities).argmax(axis=-1), np.int64)

    def scores(self, probabilities: Any) -> Numbers:
        """Numbers like the probabilities, of which the largest is the answer: (t, p₂), or f_c p_c."""
        p = np.asarray(probabilities, np.float64)
        if len(self.numbers) == 1:
            return np.stack([np.full(p.shape[:-1], self.numbers[0]), p[..., 1]], axis=-1)
        return np.asarray(p * np.array(self.numbers))

    def told(self, classes: Sequence[Class]) -> str:
        """What it is, in words."""
        if len(self.numbers) == 1:
            return f"{classes[1]} is answered where its probability is above {self.numbers[0]:.4g}"
        factors = ", ".join(f"{f:.3g} for {c}" for f, c in zip(self.numbers, classes, strict=True))
        return f"the class is answered whose probability is largest times {factors}"

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"metric": self.metric, "numbers": list(self.numbers)}

    @classmethod
    def from_dict(cls, value: object, n_classes: int) -> Decision:
        """From plain values; refuses others by a ModelFileError."""
        saved = Saved(value, "the decision", ["metric", "numbers"])
        numbers = saved.numbers("numbers", 0, 1)
        if n_classes < 2 or len(numbers) != (1 if n_classes == 2 else n_classes):
            saved.fail("numbers", "a threshold for two classes, or a factor for each of more")
        if n_classes > 2 and min(numbers) <= 0:
            saved.fail("numbers", "factors above 0")
        return cls(saved.text("metric", CHOSEN_BY), numbers)


def check_metric(name: Any, classes: Sequence[Class]) -> None:
    """Refuse a metric that answers cannot be chosen for; nothing to choose is fine.

    Raises
    ------
    ArgumentError
        If it is none of those in `CHOSEN_BY`, or numbers are predicted.
    """
    if name is None:
        return
    if name in ONE_SIDED:
        raise ArgumentError(
            f"metric={name!r} alone is best where one row or every row is answered as a class; choose by "
            f"{', '.join(CHOSEN_BY)}."
        )
    checks.choice("metric", name, list(CHOSEN_BY))
    if not classes:
        raise ArgumentError(f"metric={name!r} is for classes, but numbers are predicted. Leave it out.")


def decide(metric: str, p: Numbers, y: Codes, weights: Numbers | None = None) -> Decision:
    """The threshold, or the factors, with the best value of a metric on some rows.

    Of two classes every threshold is tried. Of more, one factor after the other is set to the best of all
    that make a difference while the others stay, until none improves. Of equally good ones that nearest
    to the usual one is taken, 0.5 or what the factor was.

    Parameters
    ----------
    metric : {"accuracy", "balanced_accuracy", "f1"}
        By the definitions of `pellucid.metrics`.
    p : float64 array (n, n_classes)
        Probabilities, of rows that were not learned from.
    y : int32 array (n,)
        The class of each row.
    weights : float64 array (n,), optional
        What each row counts.

    Examples
    --------
    >>> p = np.array([0.1, 0.2, 0.3, 0.4])
    >>> decide("f1", np.column_stack([1 - p, p]), np.array([0, 0, 1, 1])).numbers
    (0.25,)
    """
    n, n_classes = p.shape
    some = slice(None, None, -(-n * n_classes**2 // MOST_NUMBERS))
    p, y = np.asarray(p[some], np.float64), np.asarray(y[some])
    w = np.ones(len(y)) if weights is None else np.asarray(weights[some], np.float64)
    p, y, w = p[w > 0], y[w > 0], w[w > 0]
    value = CHOSEN_BY[metric]
    if n_classes == 2:
        keys, values = _scan(value, -p[:, 1], np.zeros(len(y), np.int64), 1, y, w, 2)
        edges = np.concatenate([[1.0], -keys, [0.0]])  # of the intervals that the threshold may be in
        best = np.flatnonzero(values >= values.max() - GAIN)
        low, high = edges[best + 1], edges[best]
        nearest = int(np.argmin(np.maximum(0, np.maximum(low - 0.5, 0.5 - high))))
        low, high = low[nearest], high[nearest]
        return Decision(metric, (float(0.5 if low <= 0.5 < high else (low + high) / 2),))
    factors, reached = np.ones(n_classes), _reached(value, p, y, w)
    for _ in range(SWEEPS):
        before = reached
        for c in range(n_classes):
            factor, better = _best_factor(value, p, factors, c, y, w)
            if better > reached + GAIN:
                factors[c], reached = factor, better
        if reached == before:
            break
    return Decision(metric, tuple((factors / factors.max()).tolist()))


def _reached(value: Counts, p: Numbers, y: Codes, w: Numbers) -> float:
    """The metric where the most probable class is answered."""
    said, n = p.argmax(axis=1), p.shape[1]
    hits, predicted, actual = (np.bincount(a, b, n) for a, b in ((y, w * (said == y)), (said, w), (y, w)))
    return float(value(hits.astype(np.float64), predicted.astype(np.float64), actual.astype(np.float64)))


def _best_factor(
    value: Counts, p: Numbers, factors: Numbers, c: int, y: Codes, w: Numbers
) -> tuple[float, float]:
    """The best factor of one class while the others stay, and the metric with it."""
    others = p * factors
    others[:, c] = -1
    second = others.argmax(axis=1)
    with np.errstate(divide="ignore"):
        keys, values = _scan(value, others.max(axis=1) / p[:, c], second, c, y, w, p.shape[1])
    edges = np.clip(np.concatenate([[0.0], keys, [np.inf]]), 1 / FARTHEST, FARTHEST)
    low, high = np.log(edges[:-1]), np.log(edges[1:])
    best = np.flatnonzero((values >= values[low < high].max() - GAIN) & (low < high))
    now = np.log(factors[c])
    at = best[int(np.argmin(np.maximum(0, np.maximum(low[best] - now, now - high[best]))))]
    return float(np.exp((low[at] + high[at]) / 2)), float(values[at])


def _scan(
    value: Counts, keys: Numbers, other: Indices, c: int, y: Codes, w: Numbers, n_classes: int
) -> tuple[Numbers, Numbers]:
    """The different keys in ascending order, and the metric where rows up to each of them answer c.

    Parameters
    ----------
    value : callable
        The metric.
    keys : float64 array (n,)
        When each row begins to answer c.
    other : int64 array (n,)
        What each row answers before.
    c : int
        The class.
    y, w : array (n,)
        The class and the weight of each row.
    n_classes : int
        How many there are.

    Returns
    -------
    float64 array (m,), float64 array (m + 1,)
        The first value is that where no row answers c.
    """
    order = np.argsort(keys, kind="stable")
    keys, other, y, w = keys[order], other[order], y[order], w[order]
    rows = np.arange(len(keys)) + 1
    predicted, hits = np.zeros((2, len(keys) + 1, n_classes))
    predicted[0] = np.bincount(other, w, n_classes)
    hits[0] = np.bincount(other, w * (other == y), n_classes)
    predicted[rows, other] -= w
    predicted[rows, c] += w
    hits[rows, other] -= w * (other == y)
    hits[rows, c] += w * (y == c)
    last = np.flatnonzero(np.append(keys[1:] != keys[:-1], True))  # of rows with the same key
    kept = np.append(0, last + 1)
    hits, predicted = hits.cumsum(axis=0)[kept], predicted.cumsum(axis=0)[kept]
    actual = np.asarray(np.bincount(y, w, n_classes), np.float64)
    return keys[last], value(hits, np.maximum(predicted, 0), actual)
