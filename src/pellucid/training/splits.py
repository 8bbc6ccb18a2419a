"""Which rows are learned from, and which only validate: `split` at random, `split_by_time` the newest."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.errors import ArgumentError, DataError, ShapeError
from pellucid.registry import is_number

# Below this the score of the few rows held out would say nothing, and each row is needed to learn from.
FEWEST_TO_SPLIT = 10

Indices = NDArray[np.int64]


def split(
    n_samples: int, y: ArrayLike | None = None, *, fraction: float = 0.2, seed: int = 0
) -> tuple[Indices, Indices]:
    """Rows to train on and rows to validate on.

    About `fraction` of the rows, at least one, validates. With classes, each has its share of the
    validation rows (rounded by largest remainders), but at least one row of each stays in training.
    Fewer than 10 rows are not split: all train, and none validates.

    The order is that of random words from the counter-based generator Philox under the key
    `(seed, 0)`, so it is the same on every machine and in every version of NumPy.

    Parameters
    ----------
    n_samples : int
        Rows to split, at least 2.
    y : int array (n_samples,), optional
        The class of each row; leave it out in regression.
    fraction : float
        0 to below 1; with 0 all rows train.
    seed : int
        0 to 2⁶⁴ − 1.

    Returns
    -------
    int64 array, int64 array
        Indices of the training and of the validation rows, each in ascending order.

    Raises
    ------
    DataError
        If there are fewer than 2 rows.
    ArgumentError
        If `fraction` or `seed` is out of bounds, or `y` is no array (n_samples,).

    References
    ----------
    J. Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011 (Philox).

    Examples
    --------
    >>> train, validation = split(10, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1], fraction=0.4)
    >>> len(train), (validation < 5).sum(), (validation >= 5).sum()
    (6, np.int64(2), np.int64(2))
    """
    check_fraction(fraction)
    order = random_order(n_samples, seed)
    if n_samples < 2:
        raise DataError(f"expected at least 2 rows to learn from, but got {n_samples}.")
    classes = np.zeros(n_samples, np.int64) if y is None else np.asarray(y)
    if classes.shape != (n_samples,):
        raise ShapeError(
            f"expected one class for each of {n_samples} rows, but got y of shape {classes.shape}."
        )
    if n_samples < FEWEST_TO_SPLIT or fraction == 0:
        return np.arange(n_samples), np.arange(0)
    _, index, counts = np.unique(classes, return_inverse=True, return_counts=True)
    shares = _shares(counts, max(1, round(fraction * n_samples)))
    by_class = order[np.argsort(index[order], kind="stable")]
    place_in_class = np.arange(n_samples) - np.repeat(np.cumsum(counts) - counts, counts)
    validates = place_in_class < np.repeat(shares, counts)
    return np.sort(by_class[~validates]), np.sort(by_class[validates])


def split_by_time(times: ArrayLike, *, fraction: float = 0.2) -> tuple[Indices, Indices]:
    """Older rows to train on and the newest to validate on, so that the future never predicts the past.

    About `fraction` of the rows that have a time validates, at least one. Rows of the same time are on
    the same side; the border is the one between two times that comes nearest to the fraction. Rows
    without a time may be of any time, so they are on neither side. Where nothing is to be held back
    (fewer than 10 rows with a time, or a fraction of 0), all rows train.

    Parameters
    ----------
    times : number or datetime64 array (n_samples,)
        When each row was; NaN or NaT where it is not known.
    fraction : float
        0 to below 1; with 0 all rows train.

    Returns
    -------
    int64 array, int64 array
        Indices of the training and of the validation rows, each in ascending order. The latest time of
        the former is before the earliest of the latter.

    Raises
    ------
    DataError
        If all rows are of the same time.
    ArgumentError
        If `fraction` is out of bounds, or `times` is no array (n_samples,).

    Examples
    --------
    >>> split_by_time([2001, 2009, 2005, 2009, 2002, 2003, 2004, 2006, 2007, 2008], fraction=0.3)
    (array([0, 2, 4, 5, 6, 7, 8]), array([1, 3, 9]))
    """
    check_fraction(fraction)
    times = np.asarray(times)
    if times.ndim != 1:
        raise ShapeError(f"expected one time for each row, but got times of shape {times.shape}.")
    is_known = times == times  # neither NaN nor NaT is equal to itself
    different, counts = np.unique(times[is_known], return_counts=True)
    n_known = int(counts.sum())
    if n_known < FEWEST_TO_SPLIT or fraction == 0:
        return np.arange(len(times)), np.arange(0)
    if len(different) < 2:
        raise DataError("all rows are of the same time, so none is newer than the others.")
    n_newer = np.cumsum(counts[:0:-1])[::-1]  # rows from each time on, but for the first time
    from_time = different[1:][np.argmin(np.abs(n_newer - fraction * n_known))]
    validates = np.greater_equal(times, from_time, where=is_known, out=np.zeros(len(times), np.bool_))
    return np.flatnonzero(is_known & ~validates), np.flatnonzero(validates)


def check_fraction(fraction: object) -> None:
    """ArgumentError unless it is from 0 to below 1."""
    if not is_number(fraction) or not 0 <= fraction < 1:  # type: ignore[operator]
        raise ArgumentError(f"the validation fraction must be from 0 to below 1, but got {fraction!r}.")


def random_order(n: int, seed: float) -> Indices:
    """The numbers from 0 to n − 1 in the order of Philox's words under the key `(seed, 0)`."""
    if not is_number(seed) or not 0 <= seed < 2**64 or seed != int(seed):
        raise ArgumentError(f"seed must be a whole number from 0 to 2**64 - 1, but got {seed!r}.")
    return np.argsort(np.random.Philox(key=int(seed)).random_raw(n), kind="stable")


def _shares(counts: NDArray[np.int64], n_wanted: int) -> NDArray[np.int64]:
    """How many of the wanted rows each class gives: in proportion, but never all of its rows.

    References
    ----------
    Hare's method of largest remainders.
    """
    quota = counts * n_wanted / counts.sum()
    shares: Indices = np.minimum(np.floor(quota).astype(np.int64), counts - 1)
    # What is left goes to the classes that were rounded down most, as long as they have a row to give.
    while (n_left := n_wanted - int(shares.sum())) > 0 and (shares < counts - 1).any():
        lack = np.where(shares < counts - 1, quota - shares, -np.inf)
        first = np.argsort(-lack, kind="stable")[: min(n_left, int((shares < counts - 1).sum()))]
        shares[first] += 1
    return shares
