"""Metrics: what is only reported, never minimised. One registered entry each.

A metric compares targets `y` with a network's outputs `y_pred`, both `(n_samples, n_outputs)`, in
float64. Four tasks are told apart, because the same numbers mean different things in them:

=============  =======================================  =============================================
task           `y`                                      a prediction is read as
=============  =======================================  =============================================
`regression`   any numbers                              the number itself
`binary`       one column of 0/1, or of -1/+1           class 1 where `y_pred > threshold`, else 0
`multiclass`   one-hot rows, probabilities, or -1/+1    the column of the largest output (ties: first)
`multilabel`   columns of 0/1, or of -1/+1              label by label like `binary`
=============  =======================================  =============================================

The threshold is 0.5, and 0 where `y` is written as -1/+1. A row of weight 0 counts as if it were not
there. Predictions that are not a number give NaN, and so does a metric that the data leave undefined.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ArgumentError, DataError
from pellucid.metric_entry import (
    METRICS,
    ONE_CLASS,
    SUM_TOLERANCE,
    TASKS,
    Members,
    Metric,
    Task,
    Values,
    Weight,
    hits_and_sizes,
    infer_task,
    mean_ratio,
    metric,
    rows_sum_to_one,
    sums,
)

__all__ = ["METRICS", "TASKS", "Metric", "Task", "infer_task", "metric"]

FAWCETT = "T. Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27, 2006, figure 1"


@metric(better="higher", needs="classes", source=FAWCETT)
def accuracy(y: Members, y_pred: Members, *, sample_weight: Weight) -> float:
    """Share of rows predicted right: mean(class(y) = class(y_pred)).

    With several labels a row is right if all its labels are.

    Examples
    --------
    >>> accuracy([2, 0], [[0.1, 0.2, 0.7], [0.3, 0.6, 0.1]])
    0.5
    """
    return float(np.average((y == y_pred).all(axis=1), weights=sample_weight))


@metric(better="higher", needs="classes", source="K. H. Brodersen et al., ICPR 2010, pages 3121-3124")
def balanced_accuracy(y: Members, y_pred: Members, *, task: Task, sample_weight: Weight) -> float:
    """Mean over the classes that are in y of the share predicted right: mean_c(hits_c / actual_c).

    Guessing gives 1 / n_classes, however unequal the classes are. With several labels it is the mean
    over labels of the balanced accuracy of having the label or not.

    Examples
    --------
    >>> balanced_accuracy([0, 1, 1, 1], [0.2, 0.9, 0.4, 0.6])
    0.8333333333333333
    """
    sides = [(y, y_pred), (~y, ~y_pred)] if task == "multilabel" else [(y, y_pred)]
    hits = np.array([sums(true & said, sample_weight) for true, said in sides])
    actual = np.array([sums(true, sample_weight) for true, _ in sides])
    shares = np.divide(hits, actual, out=np.full(hits.shape, np.nan), where=actual > 0)
    return float(np.nanmean(shares, axis=0).mean() if task == "multilabel" else np.nanmean(shares))


@metric(better="higher", needs="scores", tasks=ONE_CLASS, source="A. Krizhevsky et al., NIPS 2012, section 2")
def top_k_accuracy(y: Members, y_pred: Values, *, sample_weight: Weight, k: int = 5) -> float:
    """Share of rows whose class is among the k largest outputs: mean(rank(class(y)) ≤ k).

    Of equal outputs the first ranks higher, so k = 1 is `accuracy`. It is 1 when k is n_classes or more.

    Raises
    ------
    ArgumentError
        If k is not a whole number from 1.

    Examples
    --------
    >>> y_pred = [[0.1, 0.2, 0.7], [0.3, 0.6, 0.1]]
    >>> top_k_accuracy.using(k=2)([2, 0], y_pred), top_k_accuracy.using(k=1)([2, 0], y_pred)
    (1.0, 0.5)
    """
    if k < 1 or k != int(k):
        raise ArgumentError(f"metric 'top_k_accuracy': k must be a whole number from 1, but is {k}.")
    own = y_pred[y][:, np.newaxis]
    comes_before = np.arange(y.shape[1]) < y.argmax(axis=1)[:, np.newaxis]
    rank = 1 + ((y_pred > own) | ((y_pred == own) & comes_before)).sum(axis=1)
    return float(np.average(rank <= k, weights=sample_weight))


@metric(better="higher", needs="classes", source=FAWCETT)
def precision(y: Members, y_pred: Members, *, task: Task, sample_weight: Weight) -> float:
    """Of the rows predicted to be of a class, the share that is: hits / predicted.

    Two classes: of class 1. More: the mean over the classes that are in `y` or predicted (macro
    average). Labels: the mean over all. A class that is never predicted counts as 0.

    Examples
    --------
    >>> precision([0, 0, 1, 1], [0.2, 0.9, 0.4, 0.6])
    0.5
    """
    hits, predicted, _ = hits_and_sizes(y, y_pred, task, sample_weight)
    return mean_ratio(hits, predicted)


@metric(better="higher", needs="classes", source=FAWCETT)
def recall(y: Members, y_pred: Members, *, task: Task, sample_weight: Weight) -> float:
    """Of the rows of a class, the share predicted to be: hits / actual.

    Averaged like `precision`. A class that is predicted but not in `y` counts as 0, unlike in
    `balanced_accuracy`, which leaves it out.

    Examples
    --------
    >>> recall([0, 1, 1, 1], [0.2, 0.9, 0.4, 0.6])
    0.6666666666666666
    """
    hits, _, actual = hits_and_sizes(y, y_pred, task, sample_weight)
    return mean_ratio(hits, actual)


@metric(
    better="higher", needs="classes", source="C. J. van Rijsbergen, Information Retrieval, 1979, chapter 7"
)
def f1(y: Members, y_pred: Members, *, task: Task, sample_weight: Weight) -> float:
    """Harmonic mean of precision and recall: 2 · hits / (predicted + actual).

    Averaged like `precision`: the mean of the classes' F1. A class without a hit counts as 0.

    Examples
    --------
    >>> f1([0, 1, 1, 1], [0.2, 0.9, 0.4, 0.6])
    0.8
    """
    hits, predicted, actual = hits_and_sizes(y, y_pred, task, sample_weight)
    return mean_ratio(2 * hits, predicted + actual)


@metric(
    better="higher", needs="scores", source="J. A. Hanley, B. J. McNeil, Radiology 143, 1982, pages 29-36"
)
def auc(y: Members, y_pred: Values, *, task: Task, sample_weight: Weight) -> float:
    """Chance that a row of the class scores higher than another, ties half: P(s₁ > s₀) + ½ P(s₁ = s₀).

    The area under the ROC curve, exact. Several classes or labels: the mean over those that some rows
    have and some have not, each against the rest. NaN if there is none. O(n log n) for each.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    areas = []
    for true, score in zip(y.T[task == "binary" :], y_pred.T[task == "binary" :], strict=True):
        if true.all() or not true.any():
            continue
        level = np.unique(score, return_inverse=True)[1]  # equal scores share a level
        inside, outside = np.bincount(level, weight * true), np.bincount(level, weight * ~true)
        below = np.cumsum(outside) - outside
        areas.append((inside * (below + outside / 2)).sum() / (inside.sum() * outside.sum()))
    return float(np.mean(areas)) if areas else math.nan


@metric(
    better="lower", needs="probabilities", source="I. J. Good, Rational decisions, J. R. Stat. Soc. B, 1952"
)
def log_loss(y: Values, y_pred: Values, *, task: Task, sample_weight: Weight) -> float:
    """Mean negative logarithm of the probability of the truth: mean(-Σ_c y_c · ln p_c).

    One output: -(y ln p + (1 - y) ln(1 - p)); several labels: the mean of that over labels. `y` may be
    probabilities. Probabilities are kept between ε and 1 - ε, with ε = 1.19e-7 of float32, since a
    float32 probability says no more about its distance from 1; so one row costs at most 15.9.

    Raises
    ------
    DataError
        If a prediction is no probability, or a row of several classes does not sum to 1.

    Examples
    --------
    >>> log_loss([1, 0], [0.5, 0.5])
    0.6931471805599453
    >>> round(log_loss([1, 0], [0.0, 1.0]), 2)
    15.94
    """
    for name, values in ("y", y), ("y_pred", y_pred):
        if (wrong := np.abs(values - 0.5) > 0.5 + SUM_TOLERANCE).any():
            raise DataError(
                f"metric 'log_loss' needs probabilities from 0 to 1, as sigmoid and softmax give them, "
                f"but {name} holds {values[wrong][0]:g}."
            )
    epsilon = float(np.finfo(np.float32).eps)
    p = np.clip(y_pred, epsilon, 1 - epsilon)
    if task != "multiclass":
        losses = -(y * np.log(p) + (1 - y) * np.log1p(-p)).mean(axis=1)
    elif (fits := rows_sum_to_one(y_pred)).all():
        losses = -(y * np.log(p)).sum(axis=1)
    else:
        row = fits.argmin()
        raise DataError(
            f"metric 'log_loss' needs probabilities that sum to 1, as softmax gives them, but row {row} "
            f"of y_pred sums to {y_pred[row].sum():g}."
        )
    return float(np.average(losses, weights=sample_weight))


@metric(better=None, needs="classes", tasks=ONE_CLASS, source=FAWCETT)
def confusion_matrix(y: Members, y_pred: Members, *, sample_weight: Weight) -> NDArray[Any]:
    """Rows of class i that were predicted to be of class j: C_ij = Σ [class(y) = i] [class(y_pred) = j].

    Counts `(n_classes, n_classes)` as int64; with weights, their sums as float64.

    Examples
    --------
    >>> confusion_matrix([0, 1, 1, 1], [0.2, 0.9, 0.4, 0.6])
    array([[1, 0],
           [1, 2]])
    """
    n_classes = y.shape[1]
    cells = n_classes * y.argmax(axis=1) + y_pred.argmax(axis=1)
    counts = np.bincount(cells, weights=sample_weight, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes)


@metric(better="lower", source="C. M. Bishop, Pattern Recognition and Machine Learning, 2006, section 3.1.1")
def mse(y: Values, y_pred: Values, *, sample_weight: Weight) -> float:
    """Mean squared error: mean((y - y_pred)²), over rows and outputs.

    Examples
    --------
    >>> mse([1, 2, 3], [1, 2, 6])
    3.0
    """
    return float(np.average(((y - y_pred) ** 2).mean(axis=1), weights=sample_weight))


@metric(better="lower", source="C. J. Willmott, K. Matsuura, Climate Research 30, 2005")
def rmse(y: Values, y_pred: Values, *, sample_weight: Weight) -> float:
    """Root mean squared error: √mean((y - y_pred)²), over rows and outputs; in the unit of y.

    Examples
    --------
    >>> rmse([1, 2, 3, 4], [1, 2, 3, 8])
    2.0
    """
    return math.sqrt(np.average(((y - y_pred) ** 2).mean(axis=1), weights=sample_weight))


@metric(better="lower", source="C. J. Willmott, K. Matsuura, Climate Research 30, 2005")
def mae(y: Values, y_pred: Values, *, sample_weight: Weight) -> float:
    """Mean absolute error: mean(|y - y_pred|), over rows and outputs; in the unit of y.

    Examples
    --------
    >>> mae([1, 2, 3], [1, 2, 6])
    1.0
    """
    return float(np.average(np.abs(y - y_pred).mean(axis=1), weights=sample_weight))


@metric(better="higher", source="N. R. Draper, H. Smith, Applied Regression Analysis, 1998, chapter 1")
def r2(y: Values, y_pred: Values, *, sample_weight: Weight) -> float:
    """Share of the variance explained: 1 - Σ(y - y_pred)² / Σ(y - mean(y))², mean over outputs.

    0 is as good as the mean of y, 1 is perfect, below 0 is worse than the mean. An output that is the
    same in all rows counts as 1 if it is predicted exactly, else as 0. NaN for a single row.

    Examples
    --------
    >>> r2([1, 2, 3], [1, 2, 4])
    0.5
    """
    if len(y) < 2:
        return math.nan
    unexplained = np.average((y - y_pred) ** 2, axis=0, weights=sample_weight)
    mean = np.average(y, axis=0, weights=sample_weight)
    total = np.average((y - mean) ** 2, axis=0, weights=sample_weight)
    # Rounding can leave a total that is not quite 0, and squares of differences can vanish.
    constant = (np.ptp(y, axis=0) == 0) | (total == 0)
    shares = 1 - unexplained / np.where(constant, 1, total)
    return float(np.mean(np.where(constant, unexplained == 0, shares)))


# The entries are no longer functions, where doctest looks for examples by itself.
__test__ = {entry.name: entry.function for entry in METRICS}
