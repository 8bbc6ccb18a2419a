"""Which groups of rows are learned from, and which only validate: `split_groups`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.errors import DataError, ShapeError
from pellucid.training.splits import FEWEST_TO_SPLIT, Indices, check_fraction, random_order


def split_groups(
    groups: ArrayLike, y: ArrayLike | None = None, *, fraction: float = 0.2, seed: int = 0
) -> tuple[Indices, Indices]:
    """Rows to train on and rows to validate on, so that no group is on both sides.

    Groups are drawn in random order, each that still fits, until about `fraction` of the rows
    validates. With classes this is done among the groups in which each class is the most frequent, so
    that each class has about its share of the validation rows, as far as groups allow. At least one
    group validates, and at least one row of each class stays in training. Fewer than 10 rows are not
    split: all train.

    Parameters
    ----------
    groups : int array (n_samples,)
        The group of each row; each row with a negative number is a group of its own.
    y : int array (n_samples,), optional
        The class of each row; leave it out in regression.
    fraction : float
        0 to below 1; with 0 all rows train.
    seed : int
        0 to 2⁶⁴ − 1; decides the order of the groups.

    Returns
    -------
    int64 array, int64 array
        Indices of the training and of the validation rows, each in ascending order.

    Raises
    ------
    DataError
        If no group can be held back: there is only one, or each has all rows of a class.
    ArgumentError
        If `fraction` or `seed` is out of bounds, or an array has another shape.

    Examples
    --------
    >>> groups = [7, 7, 8, 8, 9, 9, 4, 4, 5, 5]
    >>> train, validation = split_groups(groups, fraction=0.4)
    >>> sorted({groups[i] for i in train}), sorted({groups[i] for i in validation})
    ([5, 8, 9], [4, 7])
    """
    check_fraction(fraction)
    groups = np.asarray(groups)
    n = len(groups)
    classes = np.zeros(n, np.int64) if y is None else np.asarray(y)
    if groups.ndim != 1 or classes.shape != (n,):
        raise ShapeError(
            f"expected a group and a class for each row, but got shapes {groups.shape} and {classes.shape}."
        )
    codes, sizes = numbered(groups)
    order = random_order(len(sizes), seed)
    if n < FEWEST_TO_SPLIT or fraction == 0:
        return np.arange(n), np.arange(0)
    _, classes, totals = np.unique(classes, return_inverse=True, return_counts=True)
    main, must_train = classes_of_groups(codes, classes, totals, len(sizes))
    free = order[~must_train[order]]
    if not len(free):
        why = "all rows are of one group" if len(sizes) == 1 else "each group has all rows of a class"
        raise DataError(f"{why}, so none can be held back to validate on.")
    validates = np.zeros(len(sizes), np.bool_)
    of_main = np.bincount(main, weights=sizes)
    lack = 0.0  # rows that are wanted still, where those of the classes before did not divide evenly
    by_main = free[np.argsort(main[free], kind="stable")]
    strata = np.split(by_main, np.flatnonzero(np.diff(main[by_main])) + 1)
    for candidates in sorted(strata, key=lambda some: -int(sizes[some].max())):
        wanted = fraction * of_main[main[candidates[0]]] + lack
        taken = candidates[_nearest(sizes[candidates], wanted)]
        validates[taken] = True
        lack = wanted - sizes[taken].sum()
    while len(lost := np.flatnonzero(np.bincount(classes[~validates[codes]], minlength=len(totals)) == 0)):
        of_lost = np.bincount(codes[classes == lost[0]], minlength=len(sizes))
        validates[of_lost.argmax()] = False
    if not validates.any():
        validates[free[sizes[free].argmin()]] = True
    is_held = validates[codes]
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def without_groups_of(training: Indices, held: Indices, groups: ArrayLike) -> Indices:
    """The training rows whose group has no row among those held back; negative is no group."""
    groups = np.asarray(groups)
    return training[~np.isin(groups[training], groups[held][groups[held] >= 0])]


def numbered(groups: NDArray[np.int64]) -> tuple[Indices, Indices]:
    """The groups numbered from 0, rows without one last, each its own; and the rows of each group."""
    is_known = groups >= 0
    different, known = np.unique(groups[is_known], return_inverse=True)
    codes = np.empty(len(groups), np.int64)
    codes[is_known] = known
    codes[~is_known] = len(different) + np.arange(len(groups) - len(known))
    return codes, np.bincount(codes)


def classes_of_groups(
    codes: Indices, classes: Indices, totals: Indices, n_groups: int
) -> tuple[Indices, NDArray[np.bool_]]:
    """The most frequent class of each group, and whether the group has all rows of a class."""
    pairs, counts = np.unique(codes * len(totals) + classes, return_counts=True)
    group, c = np.divmod(pairs, len(totals))
    by_count = np.argsort(counts, kind="stable")
    main = np.empty(n_groups, np.int64)
    main[group[by_count]] = c[by_count]  # of those written to one place the last stays
    must_train = np.zeros(n_groups, np.bool_)
    must_train[group[counts == totals[c]]] = True
    return main, must_train


def _nearest(sizes: Indices, wanted: float) -> NDArray[np.bool_]:
    """Which groups, taken in their order where they fit, come nearest to the wanted number of rows."""
    is_taken = np.zeros(len(sizes), np.bool_)
    while len(fits := np.flatnonzero(~is_taken & (sizes <= wanted))):
        taken = fits[np.cumsum(sizes[fits]) <= wanted]
        is_taken[taken] = True
        wanted -= sizes[taken].sum()
    rest = np.flatnonzero(~is_taken)
    if len(rest) and sizes[rest].min() < 2 * wanted:  # one more is too many, but by less
        is_taken[rest[sizes[rest].argmin()]] = True
    return is_taken
