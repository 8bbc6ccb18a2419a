"""How large the error of a row is likely to be, by its features: `Difficulty`, for intervals."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.buffer import Array
from pellucid.saved import Saved

Numbers = NDArray[np.float64]

FEWEST = 50  # rows, the errors of fewer tell nothing: intervals get worse by what is learned from them
RIDGES = 1000.0, 100.0, 10.0, 1.0
KINKS = 5
MOST_FEATURES = 500  # of more, only the prediction is looked at
FARTHEST = 5.0  # standard deviations of a feature
REACH = 2.0  # of log s: no row is more than seven times as hard as usual, or as easy
ROUNDS = 20
CLOSE = 1e-5  # gain per row, below which scoring stops
LEAST_SPREAD = 1e-9
LARGEST = 1e30


@dataclass(frozen=True)
class Difficulty:
    """The likely size of an error, as a multiple of the usual one.

    Formula:  s = e^(w · u), where u are features of the row, the prediction z, and its distances |z − k| to
    some numbers k; each less its mean, divided by its standard deviation and cut off at ±5. log s is cut off
    at ±2.

    Parameters
    ----------
    places : tuple of int
        The features that count.
    kinks : tuple of float
        The numbers k.
    mean, spread : tuple of float
        Of the features, of z and of the distances.
    weights : tuple of float
        w.
    """

    places: tuple[int, ...]
    kinks: tuple[float, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    weights: tuple[float, ...]

    def __call__(self, X: Array, z: Numbers) -> Numbers:
        """s for each row, from its features (n, n_features) and its prediction (n,)."""
        return _size(self._parts(X, z) @ np.array(self.weights))

    def _parts(self, X: Array, z: Numbers) -> Numbers:
        """u for each row."""
        u = _raw(X, z, self.places, self.kinks)
        return np.asarray(np.clip((u - np.array(self.mean)) / np.array(self.spread), -FARTHEST, FARTHEST))

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {f.name: list(getattr(self, f.name)) for f in dataclasses.fields(self)}

    @classmethod
    def from_dict(cls, value: object, n_features: int) -> Difficulty:
        """From plain values; refuses others."""
        saved = Saved(value, "the difficulty of rows", [f.name for f in dataclasses.fields(cls)])
        places = tuple(saved.items("places"))
        if not all(type(i) is int and 0 <= i < n_features for i in places):
            saved.fail("places", "numbers of features")
        kinks, mean = saved.numbers("kinks", -LARGEST, LARGEST), saved.numbers("mean", -LARGEST, LARGEST)
        spread = saved.numbers("spread", LEAST_SPREAD, LARGEST)
        weights = saved.numbers("weights", -LARGEST, LARGEST)
        if {len(mean), len(spread), len(weights)} != {len(places) + 1 + len(kinks)}:
            saved.fail("weights", "a number for each part")
        return cls(places, kinks, mean, spread, weights)


def learn_difficulty(
    X: Array,
    z: Numbers,
    sizes: Numbers,
    parts: NDArray[np.int64],
    weights: Numbers | None = None,
    leave_out: Collection[int] = (),
) -> tuple[Difficulty | None, Numbers]:
    """What makes rows hard, and s for each row as learned from the other parts.

    Formula:  least Σ (|e| / s + log s) + λ |w|² / 2 with s = e^(b + w · u), as if errors came from a Laplace
    distribution; by Fisher's scoring. The λ is that with the least mean of |e| / s + log s, each part judged
    by what the others have taught; where that is not less than with the same s for all rows, there is none.

    Parameters
    ----------
    X : float32 array (n, n_features)
        Features.
    z : float64 array (n,)
        Predictions by networks that have not learned from the row.
    sizes : float64 array (n,)
        |e|, how far these are from the truth.
    parts : int array (n,)
        Which part each row is of.
    weights : float64 array (n,), optional
        What each row counts.
    leave_out : collection of int
        Features that are codes of categories.

    Returns
    -------
    Difficulty or None
        Learned from all rows; None if it is of no use.
    float64 array (n,)
        s; 1 everywhere in that case.

    References
    ----------
    Harvey, Estimating regression models with multiplicative heteroscedasticity, 1976; Smyth, Generalized
    linear models with varying dispersion, 1989.
    """
    n, same = len(z), np.ones(len(z))
    if n < FEWEST or not sizes.mean() > 0:
        return None, same
    counts = same if weights is None else weights / weights.mean()
    a = sizes / np.average(sizes, weights=counts)
    shape = _shape(X, z, leave_out)
    G = np.column_stack([same, shape._parts(X, z)])
    is_of = [parts == part for part in np.unique(parts)]
    grams = [(G[own] * counts[own, None]).T @ G[own] for own in is_of]
    whole = np.sum(grams, axis=0)
    starts = [np.zeros(G.shape[1])] * len(is_of)
    least, best, kept = float(np.average(a, weights=counts)), 0.0, same
    for ridge in RIDGES:
        s = np.empty(n)
        for i, own in enumerate(is_of):
            starts[i] = _scored(G[~own], a[~own], counts[~own], whole - grams[i], ridge, starts[i])
            s[own] = np.exp(starts[i][0]) * _size(G[own, 1:] @ starts[i][1:])
        loss = float(np.average(a / s + np.log(s), weights=counts))
        if loss < least:
            least, best, kept = loss, ridge, s
        elif best:
            break
    if not best:
        return None, same
    w = _scored(G, a, counts, whole, best, np.zeros(G.shape[1]))
    return dataclasses.replace(shape, weights=tuple(w[1:].tolist())), kept / np.exp(w[0])


def _shape(X: Array, z: Numbers, leave_out: Collection[int]) -> Difficulty:
    """The parts that vary among some rows, with no weights yet."""
    kinks = tuple(np.quantile(z, np.arange(1, KINKS + 1) / (KINKS + 1)).tolist())
    places = np.setdiff1d(np.arange(X.shape[1]), list(leave_out))
    if len(places) > MOST_FEATURES:
        places = places[:0]
    places = places[np.ptp(X[:, places], axis=0) > LEAST_SPREAD]
    u = _raw(X, z, tuple(places.tolist()), kinks)
    spread = u.std(axis=0)
    spread[spread <= LEAST_SPREAD] = 1.0
    return Difficulty(
        tuple(places.tolist()), kinks, tuple(u.mean(axis=0).tolist()), tuple(spread.tolist()), ()
    )


def _raw(X: Array, z: Numbers, places: tuple[int, ...], kinks: tuple[float, ...]) -> Numbers:
    columns = [X[:, list(places)], z, *(np.abs(z - k) for k in kinks)]
    return np.column_stack(columns).astype(np.float64, copy=False)


def _size(logarithm: Numbers) -> Numbers:
    return np.asarray(np.exp(np.clip(logarithm, -REACH, REACH)))


def _scored(G: Numbers, a: Numbers, counts: Numbers, gram: Numbers, ridge: float, w: Numbers) -> Numbers:
    """The weights with the least loss: the expected second derivative is the same Σ u uᵀ + λ everywhere."""
    penalty = np.full(len(w), ridge)
    penalty[0] = 0.0
    inverse = np.linalg.inv(gram + np.diag(penalty))

    def at(w: Numbers) -> tuple[float, Numbers]:
        logarithm = G @ w
        ratios = a * np.exp(np.minimum(-logarithm, 30.0))
        return float(counts @ (ratios + logarithm) + (penalty * w * w).sum() / 2), ratios

    loss, ratios = at(w)
    for _ in range(ROUNDS):
        step, share = inverse @ (G.T @ (counts * (1 - ratios)) + penalty * w), 1.0
        after, ratios = at(w - step)
        while not after < loss and share > 1e-3:
            share /= 2
            after, ratios = at(w - share * step)
        if not after < loss - CLOSE * len(a):
            break
        w, loss = w - share * step, after
    return w
