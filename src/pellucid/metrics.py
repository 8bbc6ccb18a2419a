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

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.errors import ArgumentError, DataError, ShapeError, UnknownNameError
from pellucid.registry import Formula, Registry, is_number, settings_of

Task = Literal["regression", "binary", "multiclass", "multilabel"]
Needs = Literal["values", "classes", "scores", "probabilities"]
Better = Literal["higher", "lower"]
Values = NDArray[np.float64]
Members = NDArray[np.bool_]
Weight = NDArray[np.float64] | None

TASKS: tuple[Task, ...] = get_args(Task)
CLASSIFICATION: tuple[Task, ...] = ("binary", "multiclass", "multilabel")
ONE_CLASS: tuple[Task, ...] = ("binary", "multiclass")

# Passed to a function that has parameters of these names; no settings, even with a default.
PASSED = ("task", "threshold", "sample_weight")

# How far the probabilities of a row may be from summing to 1: float32 softmax over many classes.
SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class Metric(Formula):
    """A named metric; call it with targets and predictions.

    Parameters
    ----------
    better : {"higher", "lower"} or None
        Which direction is an improvement; None where the metric is no single number.
    needs : {"values", "classes", "scores", "probabilities"}
        What it reads of the predictions, and so what its function gets:

        - `values`, `probabilities` (outputs of sigmoid or softmax): `y` and `y_pred` as they are;
        - `scores` (their order): `y` as booleans `(n_samples, n_classes)`, true for a row's class or
          labels, and one score a class; a single output becomes two scores;
        - `classes`: both as booleans.
    tasks : tuple of str
        The tasks it is defined for.
    """

    kind: ClassVar[str] = "metric"

    better: Better | None
    needs: Needs
    tasks: tuple[Task, ...]

    @property
    def is_scalar(self) -> bool:
        """Whether the metric is one number and can be compared."""
        return self.better is not None

    def __call__(
        self,
        y: ArrayLike,
        y_pred: ArrayLike,
        *,
        task: Task | None = None,
        threshold: float | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Any:
        """The value of the metric.

        Parameters
        ----------
        y : array (n_samples, n_outputs) or (n_samples,)
            Targets. One column beside several outputs holds class indices from 0.
        y_pred : array (n_samples, n_outputs) or (n_samples,)
            The network's outputs.
        task : {"regression", "binary", "multiclass", "multilabel"}, optional
            Give it if you know it. Otherwise one column is `binary` if it is all 0/1 or all -1/+1;
            several columns are `multiclass` if every row is a distribution (or one +1 among -1),
            else `multilabel` if they are all 0/1 or all -1/+1; anything else is `regression`. So
            labels of which every row happens to have exactly one are taken for classes. Where classes
            are read, `binary` always means one column, and two one-hot columns are `multiclass`.
        threshold : float, optional
            Above it a single output means class 1.
        sample_weight : array (n_samples,), optional
            Weight of each row, not negative.

        Returns
        -------
        float, or an array where `is_scalar` is false
            NaN (a float) if a prediction is NaN.

        Raises
        ------
        ShapeError
            If the shapes of `y`, `y_pred` and `sample_weight` do not fit.
        ArgumentError
            If the metric is not defined for the task.
        DataError
            If `y` or `sample_weight` is not finite, or does not fit the task.
        """
        y, y_pred = self._pair(y, y_pred, task)
        weight = self._weight(sample_weight, len(y))
        if weight is not None and not weight.all():
            kept = weight > 0
            y, y_pred, weight = y[kept], y_pred[kept], weight[kept]
        task = self._task(task, y)
        if threshold is None:
            threshold = middle(y)
        elif not (is_number(threshold) and math.isfinite(threshold)):
            raise self._error(f"threshold must be a finite number, but is {threshold!r}.")
        if np.isnan(y_pred).any():
            return math.nan
        inputs: tuple[Values | Members, Values | Members] = y, y_pred
        if self.needs in ("classes", "scores"):
            true = memberships(scores(y, task, middle(y)), task, middle(y))
            said = scores(y_pred, task, threshold)
            inputs = true, said if self.needs == "scores" else memberships(said, task, threshold)
        parameters = inspect.signature(self.function).parameters
        passed = {"task": task, "threshold": threshold, "sample_weight": weight}
        passed = {name: value for name, value in passed.items() if name in parameters}
        with np.errstate(over="ignore", invalid="ignore"):  # outputs of a diverged network
            result = self.function(*inputs, **passed, **self.settings)
        if not self.is_scalar:
            return result
        if np.shape(result) != () or np.asarray(result).dtype.kind not in "biuf":
            raise self._error(f"its function must return one number, but returned {result!r}.")
        return float(result)

    def check(self, task: Task, y: ArrayLike) -> None:
        """Refuse a task or targets `(n_samples, n_outputs)` that it is not defined for."""
        self._task(task, np.asarray(y, np.float64))

    def _error(self, text: str, error: type[Exception] = ArgumentError) -> Exception:
        return error(f"metric {self.name!r}: {text}")

    def _matrix(self, name: str, values: ArrayLike) -> Values:
        try:
            array = np.asarray(values)
        except ValueError:
            raise self._error(f"the rows of {name} differ in length.", ShapeError) from None
        if array.dtype.kind not in "biuf":
            raise self._error(f"{name} must hold numbers, but its dtype is {array.dtype}.")
        matrix = array[:, np.newaxis] if array.ndim == 1 else array
        if matrix.ndim != 2 or matrix.size == 0:
            wanted = "(n_samples, n_outputs) with at least one row"
            raise self._error(f"{name} must have shape {wanted}, but has {array.shape}.", ShapeError)
        return matrix.astype(np.float64)

    def _pair(self, y: ArrayLike, y_pred: ArrayLike, task: Task | None) -> tuple[Values, Values]:
        true, said = self._matrix("y", y), self._matrix("y_pred", y_pred)
        if not (finite := np.isfinite(true).all(axis=1)).all():
            raise self._error(f"y is not finite in row {finite.argmin()}.", DataError)
        shapes, n_classes = (true.shape, said.shape), said.shape[1]
        if true.shape[1] == 1 < n_classes and task in (None, *ONE_CLASS):
            unknown = ~np.isin(true, np.arange(n_classes))
            if unknown.any():
                raise self._error(
                    f"one column of y beside {n_classes} outputs must hold class indices from 0 to "
                    f"{n_classes - 1}, but holds {true[unknown][0]:g}.",
                    ShapeError,
                )
            true = np.equal(true, np.arange(n_classes)).astype(np.float64)
        if true.shape != said.shape:
            raise self._error(f"y has shape {shapes[0]}, but y_pred {shapes[1]}.", ShapeError)
        return true, said

    def _weight(self, sample_weight: ArrayLike | None, n_samples: int) -> Weight:
        if sample_weight is None:
            return None
        if "sample_weight" not in inspect.signature(self.function).parameters:
            raise self._error("its function takes no sample_weight: give it a parameter of that name.")
        weight = self._matrix("sample_weight", sample_weight)
        if weight.shape != (n_samples, 1):
            found = np.shape(sample_weight)
            raise self._error(f"sample_weight must have shape ({n_samples},), but has {found}.", ShapeError)
        if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.any()):
            raise self._error("sample_weight must be finite, not negative, and not all 0.", DataError)
        return weight[:, 0]

    def _task(self, task: Task | None, y: Values) -> Task:
        if task not in (None, *TASKS):
            raise UnknownNameError("task", task, TASKS)
        found = task or infer_task(y)
        holds = f"y runs from {y.min():g} to {y.max():g} in {y.shape[1]} column{'s' * (y.shape[1] > 1)}"
        if found not in self.tasks:
            why = "the task is" if task else f"{holds}, so the task, which was not given, is taken to be"
            raise self._error(f"defined for {', '.join(self.tasks)}, but {why} {found}.")
        if self.needs == "values":
            return found
        if np.abs(y).max() > 1:
            raise self._error(f"classes must be 0 and 1, or -1 and +1, but {holds}.", DataError)
        if found == "binary" and y.shape[1] > 2:
            raise self._error(f"a binary task has one or two columns, but {holds}.", ShapeError)
        if found == "multilabel":
            return found
        if y.shape[1] == 1:
            return "binary"
        if not (fits := rows_sum_to_one(y)).all():
            raise self._error(f"row {fits.argmin()} of y does not name one class.", DataError)
        return "multiclass"


METRICS: Registry[Metric] = Registry("metric")


def metric(
    *,
    better: Better | None,
    source: str = "",
    needs: Needs = "values",
    tasks: tuple[Task, ...] | None = None,
) -> Callable[[Callable[..., Any]], Metric]:
    """Register a function `(y, y_pred)` as a metric.

    The function gets arrays as `needs` says and returns a number. It may also name `task`,
    `threshold` and `sample_weight` (float64 `(n_samples,)`, or None) as parameters. All others need a
    default and are settings.

    Parameters
    ----------
    better, needs
        See `Metric`.
    source : str, optional
        Where the formula comes from.
    tasks : tuple of str, optional
        See `Metric`; without it all tasks, but no regression where classes are needed.

    Raises
    ------
    ArgumentError
        If the function's parameters do not fit.

    Examples
    --------
    >>> @metric(better="lower")
    ... def largest_error(y, y_pred):
    ...     return abs(y - y_pred).max()
    >>> largest_error([1, 2, 3], [1, 2.5, 3])
    0.5
    >>> METRICS.remove("largest_error")
    """
    if better not in (None, *get_args(Better)) or needs not in get_args(Needs):
        wanted = f"better one of {get_args(Better)} or None, needs one of {get_args(Needs)}"
        raise ArgumentError(f"a metric takes {wanted}, but got better={better!r}, needs={needs!r}.")

    def register(function: Callable[..., Any]) -> Metric:
        if not getattr(function, "__name__", "").isidentifier():
            raise ArgumentError(
                f"a metric is a function with a name, but got {function!r}. Write it with def."
            )
        signature = inspect.signature(function)
        settings = {k: v for k, v in settings_of(function).items() if k not in PASSED}
        try:
            signature.bind(None, None, **{k: None for k in PASSED if k in signature.parameters}, **settings)
        except TypeError:
            raise ArgumentError(
                f"metric {function.__name__!r} must take (y, y_pred), then any of {', '.join(PASSED)}, "
                f"then settings with a default, but takes {signature}."
            ) from None
        defined_for = tasks or (TASKS if needs == "values" else CLASSIFICATION)
        return METRICS.add(Metric(function, source, settings, better=better, needs=needs, tasks=defined_for))

    return register


def infer_task(y: Values) -> Task:
    """The task that targets `(n_samples, n_outputs)` look like; the rule stands in `Metric.__call__`.

    Examples
    --------
    >>> infer_task(np.array([[0.0], [1.0]])), infer_task(np.eye(3)), infer_task(np.ones((2, 3)))
    ('binary', 'multiclass', 'multilabel')
    """
    two_valued = bool(np.isin(y, (0, 1)).all() or np.isin(y, (-1, 1)).all())
    if y.shape[1] == 1:
        return "binary" if two_valued else "regression"
    if (two_valued or (y >= 0).all()) and rows_sum_to_one(y).all():
        return "multiclass"
    return "multilabel" if two_valued else "regression"


def middle(y: Values) -> float:
    """The number halfway between the two values of a target: 0 for -1/+1, 0.5 for 0/1."""
    return 0.0 if (y < 0).any() else 0.5


def rows_sum_to_one(y: Values) -> Members:
    """Whether each row is a distribution over classes, written as 0/1 or as -1/+1."""
    total: Values = ((y + 1) / 2 if (y < 0).any() else y).sum(axis=1)
    return np.abs(total - 1) <= SUM_TOLERANCE


def scores(values: Values, task: Task, threshold: float) -> Values:
    """One score a class: a single output becomes two, and class 1 leads exactly above the threshold."""
    return np.hstack([2 * threshold - values, values]) if task == "binary" else values


def memberships(values: Values, task: Task, threshold: float) -> Members:
    """Which class, or which labels, the scores of each row say."""
    best = values.argmax(axis=1)[:, np.newaxis] == np.arange(values.shape[1])
    return values > threshold if task == "multilabel" else best


def sums(members: Members, weight: Weight) -> Values:
    """The weights of the members of each class, summed."""
    return members.sum(axis=0, dtype=np.float64) if weight is None else weight @ members


def hits_and_sizes(y: Members, y_pred: Members, task: Task, weight: Weight) -> tuple[Values, Values, Values]:
    """Hits, predicted and actual size of each class that precision, recall and F1 are averaged over.

    Of two classes that is class 1; of more, each class that is in `y` or predicted; of labels, all.
    """
    hits, predicted, actual = sums(y & y_pred, weight), sums(y_pred, weight), sums(y, weight)
    if task == "multilabel":
        return hits, predicted, actual
    counted = np.array([False, True]) if len(hits) == 2 else predicted + actual > 0
    return hits[counted], predicted[counted], actual[counted]


def mean_ratio(part: Values, whole: Values) -> float:
    """Mean of `part / whole`, where 0/0 counts as 0."""
    return float(np.mean(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)))


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
    constant = np.ptp(y, axis=0) == 0  # rounding can leave a total that is not quite 0
    shares = 1 - unexplained / np.where(constant, 1, total)
    return float(np.mean(np.where(constant, unexplained == 0, shares)))


# The entries are no longer functions, where doctest looks for examples by itself.
__test__ = {entry.name: entry.function for entry in METRICS}
