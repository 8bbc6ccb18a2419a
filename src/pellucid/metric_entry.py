"""What a metric is, how one is registered, and how the numbers that it compares are read."""

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
