"""Rows in several parts, each of which validates the network that learns from the others: `folds`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pellucid.errors import ShapeError
from pellucid.training.group_split import classes_of_groups, numbered
from pellucid.training.splits import FEWEST_TO_SPLIT, Indices, random_order


def folds(
    n_samples: int,
    n_folds: int,
    y: ArrayLike | None = None,
    *,
    groups: ArrayLike | None = None,
    seed: int = 0,
) -> list[Indices]:
    """The rows in `n_folds` parts of nearly one size, each class spread over them evenly.

    A row that is the only one of its class, and a group with all rows of a class, are in no part: all
    networks learn from them. Fewer than 10 rows, and less than two groups, are not divided.

    Parameters
    ----------
    n_samples : int
        Rows to divide.
    n_folds : int
        How many parts, at least 2; fewer come back where there are fewer rows or groups.
    y : int array (n_samples,), optional
        The class of each row; leave it out in regression.
    groups : int array (n_samples,), optional
        The group of each row, which is in one part only; each row with a negative number is a group of
        its own.
    seed : int
        Decides the order in which rows or groups are dealt.

    Returns
    -------
    list of int64 array
        The rows of each part in ascending order.

    References
    ----------
    M. Stone, Cross-validatory choice and assessment of statistical predictions, 1974.

    Examples
    --------
    >>> parts = folds(12, 3, [0] * 6 + [1] * 6)
    >>> [(len(part), int((part < 6).sum())) for part in parts]
    [(4, 2), (4, 2), (4, 2)]
    """
    classes = np.zeros(n_samples, np.int64) if y is None else np.unique(y, return_inverse=True)[1]
    own = np.full(n_samples, -1) if groups is None else np.asarray(groups)
    if classes.shape != (n_samples,) or own.shape != (n_samples,):
        raise ShapeError(
            f"expected a class and a group for each of {n_samples} rows, but got shapes {classes.shape} "
            f"and {own.shape}."
        )
    if n_samples < FEWEST_TO_SPLIT:
        return []
    codes, sizes = numbered(own)
    totals = np.bincount(classes)
    main, must_train = classes_of_groups(codes, classes, totals, len(sizes))
    if y is None:
        must_train[:] = False
    order = random_order(len(sizes), seed)
    order = order[np.argsort(main[order], kind="stable")]
    order = order[~must_train[order]]
    fold_of_group = np.full(len(sizes), -1)
    if sizes.max() == 1:
        fold_of_group[order] = np.arange(len(order)) % n_folds
    else:
        taken = np.zeros(n_folds, np.int64)
        for group in order[np.argsort(-sizes[order], kind="stable")]:  # small ones even out large ones
            fold_of_group[group] = smallest = int(taken.argmin())
            taken[smallest] += sizes[group]
    fold = fold_of_group[codes]
    parts = [np.flatnonzero(fold == k) for k in range(n_folds)]
    parts = [part for part in parts if len(part)]
    return parts if len(parts) > 1 else []
