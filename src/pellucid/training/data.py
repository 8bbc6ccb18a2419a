"""The user's arrays: checked, kept where they are when they can be, and split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import checks
from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError, DataError, ShapeError, nearest
from pellucid.layers.input import Input
from pellucid.losses import Loss
from pellucid.metrics import Task

LARGEST = float(np.finfo(np.float32).max)


def inputs(X: Any, features: Input, who: str) -> Array:
    """X as a C-contiguous float32 or float64 matrix; the same memory where it is one already.

    Raises
    ------
    ShapeError
        If X is not a matrix with a column for each feature.
    DataError
        If X cannot be read as numbers, or is a data frame with columns of other names than the features.
    """
    n_in = features.n_out
    if features.is_named and hasattr(X, "columns"):
        _check_names([str(c) for c in X.columns], features.features, who)
    X = as_numbers(X, f"{who}: X")
    if X.ndim == 1 and n_in == 1:
        X = X[:, None]
    if X.ndim != 2 or X.shape[1] != n_in:
        hint = (
            "Give one row as X[None, :]." if X.ndim == 1 and X.shape[0] == n_in else "Check the columns of X."
        )
        raise ShapeError(f"{who} expects X of shape (n_samples, {n_in}), but got {X.shape}. {hint}")
    if X.dtype not in (np.float32, np.float64):
        X = X.astype(np.float32)
    X = np.ascontiguousarray(X)
    return X if X.flags.aligned and X.dtype.isnative else np.array(X, X.dtype.newbyteorder("="))


def _check_names(columns: list[str], features: list[str], who: str) -> None:
    if columns == features:
        return
    if sorted(columns) == sorted(features):
        raise DataError(
            f"{who}: the columns of X are in another order than the features: give X[net.features]."
        )
    for name in features:
        if name not in columns:
            raise DataError(f"{who}: X has no column {name!r}. {nearest(name, columns)}".rstrip())
    extra = next(c for c in columns if c not in features)
    raise DataError(f"{who}: X has a column {extra!r}, which is no feature: give X[net.features].")


def as_numbers(values: Any, who: str) -> Array:
    """Any array-like of numbers or truth values as an array."""
    if np.ma.is_masked(values):
        raise DataError(f"{who} has masked values. Replace or leave them out.")
    if hasattr(values, "to_numpy") and not isinstance(values, np.ndarray):
        values = values.to_numpy()
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O":
            array = array.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{who} must be an array of numbers, but got {_short(values)}.") from None
    if array.dtype.kind not in "fiub":
        raise DataError(f"{who} must hold numbers, but got {array.dtype}.")
    return array


def check_finite(array: Array, who: str) -> None:
    """Refuse NaN, infinity and what float32 cannot hold, naming the first place.

    Raises
    ------
    DataError
        If a number is not finite, or would not be in float32.
    """
    if array.dtype.kind != "f":
        return
    for start in range(0, len(array), 1 << 16):
        part = array[start : start + (1 << 16)]
        finite = np.isfinite(part) if part.dtype.itemsize <= 4 else np.abs(part) <= LARGEST
        if not finite.all():
            place = np.argwhere(~finite)[0]
            value = part[tuple(place)]
            where = f"row {start + place[0]}" + (f", column {place[1]}" if part.ndim == 2 else "")
            if np.isfinite(value):
                raise DataError(f"{who} holds {value} in {where}, too large for float32. Use a larger unit.")
            raise DataError(
                f"{who} holds {value} in {where}. Replace or leave out what is not a finite number."
            )


@dataclass(frozen=True)
class Targets:
    """Targets as the network sees them.

    Parameters
    ----------
    values : float32 array (n_samples, n_out) or int64 array (n_samples,)
        Numbers, or class indices.
    task : str
        `regression`, `binary`, `multiclass` or `multilabel`.
    classes : list, optional
        The names behind the indices, in order.
    """

    values: Array
    task: Task
    classes: list[Any] | None = None

    @property
    def is_indexed(self) -> bool:
        """Whether the values are class indices."""
        return self.values.ndim == 1

    @property
    def names(self) -> list[Any] | None:
        """The names of the classes; None where they are the indices themselves."""
        if self.classes and all(type(c) is int and c == i for i, c in enumerate(self.classes)):
            return None
        return self.classes

    def matrix(self, rows: Array | slice = slice(None)) -> Array:
        """The targets as `(n_samples, n_out)`, one-hot for class indices; `len(classes)` columns then."""
        if not self.is_indexed:
            return self.values[rows]
        assert self.classes is not None
        return np.eye(len(self.classes), dtype=np.float32)[self.values[rows]]


def targets(y: Any, n_out: int, output: str, loss: Loss, classes: list[Any] | None) -> Targets:
    """Read targets: class names, class indices, one-hot rows, numbers, several columns.

    Parameters
    ----------
    y : array-like (n_samples,) or (n_samples, n_out)
        What the user has.
    n_out : int
        Output neurons.
    output : str
        Name of the output's activation.
    loss : Loss
        What they are compared by.
    classes : list or None
        Class names that an earlier fit has found.

    Raises
    ------
    ShapeError
        If the shape does not fit the output layer.
    DataError
        If there are too many classes, classes never seen before, or numbers that are not finite.
    """
    if hasattr(y, "to_numpy") and not isinstance(y, np.ndarray):
        y = y.to_numpy()
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim not in (1, 2):
        raise ShapeError(f"y must have shape (n_samples,) or (n_samples, {n_out}), but got {y.shape}.")
    is_class_loss = loss.is_of_distribution or output == "softmax"
    two = bool(loss.only) or loss.targets == (0.0, 1.0) or output == "sigmoid"
    lowest = min(loss.only, default=0.0)  # how a class that is not there is written
    if y.ndim == 2:
        if y.shape[1] != n_out:
            raise ShapeError(f"y has {y.shape[1]} columns, but the output layer has {n_out} neurons.")
        values = _as_float32(y)
        task: Task = "multiclass" if is_class_loss else "multilabel" if two else "regression"
        return Targets(np.ascontiguousarray(values), task, classes)
    if n_out > 1:
        if not is_class_loss and not two:
            raise ShapeError(f"y has shape {y.shape}, but {n_out} output neurons need (n_samples, {n_out}).")
        indices, names = class_indices(y, n_out, classes)
        if loss.only:
            member = indices[:, None] == np.arange(n_out)
            return Targets(np.where(member, 1.0, lowest).astype(np.float32), "multiclass", names)
        return Targets(indices, "multiclass", names)
    # Where a loss knows two numbers only, these and 0 and 1 are two classes like any other two names.
    pairs = [set(loss.only), {0.0, 1.0}] if loss.only and y.dtype.kind in "iuf" else []
    named = y.dtype.kind in "OUSb" or any(set(np.unique(y).tolist()) == pair for pair in pairs)
    if two and (named or classes is not None):
        indices, names = class_indices(y, 2, classes)
        return Targets(np.where(indices == 1, 1.0, lowest).astype(np.float32)[:, None], "binary", names)
    values = _as_float32(y)
    return Targets(values[:, None], "binary" if two else "regression", classes)


def class_indices(y: Array, n_classes: int, classes: list[Any] | None) -> tuple[Array, list[Any]]:
    """The index of each row's class, and the classes' names in order.

    Whole numbers from 0 to n_classes - 1 are indices already; anything else is a name.
    """
    if y.dtype.kind == "f":
        check_finite(y, "y")
        if not (y == np.round(y)).all():
            bad = int(np.argmax(y != np.round(y)))
            raise DataError(f"y must hold classes, but row {bad} holds {y[bad]}.")
        y = y.astype(np.int64)
    if y.dtype.kind in "iu" and classes is None and y.size and y.min() >= 0 and y.max() < n_classes:
        return np.ascontiguousarray(y, np.int64), list(range(n_classes))
    if y.dtype.kind == "O" and any(_is_missing(v) for v in y):
        raise DataError("y holds missing values. Leave these rows out.")
    if y.dtype.kind not in "OUbiuf":
        raise DataError(f"y holds {y.dtype}, but classes are texts, numbers or truth values: y.astype(str).")
    if classes is None:
        try:
            classes = np.unique(y).tolist()
        except TypeError:
            raise DataError("y mixes kinds of values that have no order, such as text and numbers.") from None
        for name in classes:
            if not isinstance(name, str | int | float):  # what a model file can hold
                raise DataError(
                    f"y holds {_short(name)}, but classes are texts, numbers or truth values: y.astype(str)."
                )
        if len(classes) == 1:
            raise DataError(f"y holds one class only, {classes[0]!r}; there is nothing to tell apart.")
        if len(classes) > n_classes:
            raise DataError(f"y has {len(classes)} classes, but the output layer has room for {n_classes}.")
        classes += [f"unused {i}" for i in range(len(classes), n_classes)]
    place = {name: i for i, name in enumerate(classes)}
    unique, inverse = np.unique(y, return_inverse=True)
    unknown = [u for u in unique.tolist() if u not in place]
    if unknown:
        known = ", ".join(map(repr, classes[:10]))
        raise DataError(f"y holds the class {unknown[0]!r}, which training has not seen. Known: {known}.")
    return np.array([place[u] for u in unique.tolist()], np.int64)[inverse.reshape(-1)], classes


def row_weights(sample_weight: Any, class_weight: Any, y: Targets, n: int, rows: Array) -> Array | None:
    """The weight of each row, float32 with mean 1 over `rows`; None where all are the same.

    Parameters
    ----------
    sample_weight : array-like (n_samples,) or None
        Not negative.
    class_weight : mapping of class to number, "balanced" or None
        Multiplied with the former; balanced means n / (n_classes × rows of the class), counted over `rows`.
    y : Targets
        The targets, for their classes.
    n : int
        How many rows there are.
    rows : int array
        The training rows.
    """
    if sample_weight is None and class_weight is None:
        return None
    weights = np.ones(n)
    if sample_weight is not None:
        weights = as_numbers(sample_weight, "sample_weight").astype(np.float64).reshape(-1)
        if len(weights) != n:
            raise ShapeError(f"sample_weight has {len(weights)} numbers, but X has {n} rows.")
        check_finite(weights, "sample_weight")
        if (weights < 0).any():
            bad = int(np.argmax(weights < 0))
            raise DataError(f"sample_weight must not be negative, but row {bad} has {weights[bad]}.")
    if class_weight is not None:
        weights = weights * class_factors(class_weight, y, rows)[class_of_rows(y)]
    mean = weights[rows].mean()
    if not mean > 0:
        raise DataError("the weights of all rows are 0.")
    return np.asarray(weights / mean, np.float32)


def class_factors(class_weight: Any, y: Targets, rows: Array) -> Array:
    """What the weight of a row of each class is multiplied with, by the class's index; see `row_weights`."""
    indices = class_of_rows(y)
    names = y.classes or list(range(max(2, y.values.shape[-1], int(indices.max()) + 1)))
    factors = np.ones(len(names))
    if isinstance(class_weight, str) and class_weight == "balanced":
        present, counts = np.unique(indices[rows], return_counts=True)
        factors[present] = len(rows) / (len(present) * counts)
    elif isinstance(class_weight, Mapping):
        for name, value in class_weight.items():
            if name not in names:
                raise ArgumentError(f"class_weight names the class {name!r}; known are {names[:10]}.")
            factors[names.index(name)] = checks.number(f"class_weight of {name!r}", value, 0)
    else:
        raise ArgumentError(
            f"class_weight must be 'balanced' or a dict of class to number, not {class_weight!r}."
        )
    return factors


def class_of_rows(y: Targets) -> Array:
    """The index of each row's class, whatever form the targets have."""
    if y.is_indexed:
        return y.values
    if y.task == "multiclass":
        return np.asarray(y.values.argmax(axis=1))
    if y.task == "binary":
        return (y.values[:, 0] > 0.5).astype(np.int64)
    raise ArgumentError(f"class_weight is for classes, but the task is {y.task}.")


def _as_float32(y: Array) -> Array:
    numbers = as_numbers(y, "y")
    check_finite(numbers, "y")
    return numbers.astype(np.float32)


def _is_missing(value: Any) -> bool:
    """None, NaN, NaT, or a library's own missing value, which answers no comparison."""
    try:
        return value is None or bool(value != value)
    except TypeError:
        return True


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) < 60 else f"{text[:57]}..."
