"""Targets to what a network learns, and its outputs to targets: `TargetEncoding`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.errors import DataError, ShapeError, TableError
from pellucid.saved import Saved, is_between, is_text
from pellucid.tables.columns import as_texts
from pellucid.tables.features import level_codes
from pellucid.tables.table import Table, listed, shown
from pellucid.tables.target_scales import SCALES
from pellucid.tables.targets import Class, Target, Task, take_target, target_numbers
from pellucid.tables.values import LARGEST, category_text

# The square of a smaller deviation would vanish.
SMALLEST_STD = 1e-120


@dataclass(frozen=True)
class TargetEncoding:
    """How targets become what a network learns, and its outputs targets again.

    Formula:  y' = (g(y) − mean) / σ in regression, where g(y) is y, log(y) or log(1 + y); back
    y = g⁻¹(y' σ + mean), where e^ is multiplied by a factor. Class indices stay as they are.

    Parameters
    ----------
    names : tuple of str
        The target column, or several.
    task : {"regression", "binary", "multiclass"}
        As in `Target`.
    classes : tuple
        As in `Target`.
    mean, std : tuple of float
        Of g(y) of each target column over the training rows; empty in classification.
    scales : tuple of {"linear", "log", "log1p"}
        What g is for each target column; empty in classification.
    factors : tuple of float
        For each target column what makes means of the medians that e^ gives; 1 where g is linear.

    Examples
    --------
    >>> from pellucid.tables.reading import read_table
    >>> from pellucid.tables.targets import read_target
    >>> target = read_target(read_table({"mass": [2.5, 4.5, 6.5]}), "mass")
    >>> encoding = TargetEncoding.fit(target, rows=[0, 1])
    >>> encoding.encode(target.values)
    array([[-1.],
           [ 1.],
           [ 3.]], dtype=float32)
    >>> encoding.decode([[3.0]])
    array([6.5])
    """

    names: tuple[str, ...]
    task: Task
    classes: tuple[Class, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    scales: tuple[str, ...] = ()
    factors: tuple[float, ...] = ()

    @classmethod
    def fit(
        cls, target: Target, *, rows: Iterable[int] | None = None, scales: Sequence[str] | None = None
    ) -> TargetEncoding:
        """The encoding of a target by the statistics of its training rows.

        Parameters
        ----------
        target : Target
            From `read_target`.
        rows : array of int, optional
            The training rows, as indices into `target.values`; all, by default.
        scales : sequence of str, optional
            The scale of each target column; linear, by default.

        Raises
        ------
        DataError
            If all of them have the same target, or targets too close together to tell apart.
        """
        if target.task != "regression":
            return cls(target.names, target.task, target.classes)
        y = target.values if rows is None else target.values[np.asarray(rows, dtype=np.int64)]
        scales = tuple(scales or ["linear"] * len(target.names))
        z = _forward(y, scales)
        mean = z.mean(axis=0)
        std = np.sqrt(np.mean((z - mean) ** 2, axis=0))
        for name, values, deviation in zip(target.names, y.T, std.tolist(), strict=True):
            if values.min() == values.max():
                raise DataError(
                    f"{name!r} is {values[0]:g} in every training row, so there is nothing to learn. "
                    "Choose another target, or give more rows."
                )
            if deviation < SMALLEST_STD:
                raise DataError(
                    f"the values of {name!r} differ by {values.max() - values.min():g} at most. Give them in "
                    "another unit."
                )
        ones = (1.0,) * len(scales)
        return cls(target.names, target.task, (), tuple(mean.tolist()), tuple(std.tolist()), scales, ones)

    @property
    def text_columns(self) -> list[str]:
        """The columns to name in `read_table(..., text=...)` so that the class `007` stays a text."""
        return list(self.names) if self.classes and isinstance(self.classes[0], str) else []

    def read(self, table: Table) -> Target:
        """The targets of another table, by the same task and classes.

        Raises
        ------
        TableError
            If a target column is missing, or a value is no number or none of the classes.
        DataError
            If no row has a target.
        """
        names = tuple(table.find(n, "target column") for n in self.names)
        if self.task == "regression":
            y = target_numbers(table, names, "Correct it.")
            return take_target(table, names, self.task, "", ~np.isnan(y).any(axis=1), y, ())
        column = table.column(names[0])
        codes = level_codes(as_texts(table, names[0], "The model predicts classes."), _texts(self.classes))
        if (codes == len(self.classes)).any():
            row = int((codes == len(self.classes)).argmax())
            raise TableError(
                f"{table.origin.at(names[0], row)}: found {shown(column[row])}, which was no class in "
                f"training. The classes are: {listed(self.classes)}."
            )
        return take_target(table, names, self.task, "", codes >= 0, codes.astype(np.int32), self.classes)

    def encode(
        self, values: NDArray[np.int32] | NDArray[np.float64]
    ) -> NDArray[np.int32] | NDArray[np.float32]:
        """What the network learns.

        Parameters
        ----------
        values : int32 array (n,) or float64 array (n, n_targets)
            `Target.values`.

        Returns
        -------
        int32 array (n,) or float32 array (n, n_targets)
            Class indices, or standardised numbers.
        """
        if self.task != "regression":
            return np.asarray(values, dtype=np.int32)
        return np.ascontiguousarray(self.standardised(values), dtype=np.float32)

    def standardised(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Numbers (n, n_targets) as (g(y) − mean) / σ, which float32 may not hold."""
        z: NDArray[np.float64] = (_forward(values, self.scales) - np.array(self.mean)) / np.array(self.std)
        return z

    def decode(self, y: ArrayLike) -> NDArray[Any]:
        """Predictions in the target's own unit, or classes in their own type.

        Parameters
        ----------
        y : array (n, n_targets) or (n,), or int array (n,)
            Standardised numbers, or class indices.

        Returns
        -------
        float64 array (n,), or (n, n_targets) with several targets; or array (n,) of classes
            The predictions.

        Raises
        ------
        ShapeError
            If y has another shape.
        """
        y = np.asarray(y)
        if self.task != "regression":
            if y.ndim != 1:
                raise ShapeError(f"expected class indices of shape (n,), but got shape {y.shape}.")
            classes: NDArray[Any] = np.array(self.classes)
            if isinstance(self.classes[0], int) and classes.dtype.kind == "f":  # beyond 64 bits
                classes = np.array(self.classes, dtype=object)
            return np.asarray(classes[y])
        wanted = (len(self.names),)
        if y.shape[1:] != wanted and (y.ndim != 1 or wanted != (1,)):
            raise ShapeError(f"expected outputs of shape (n, {wanted[0]}), but got shape {y.shape}.")
        z = y.reshape(len(y), wanted[0]).astype(np.float64)
        outputs: NDArray[Any] = z * np.array(self.std) + np.array(self.mean)
        for i, (scale, factor) in enumerate(zip(self.scales, self.factors, strict=True)):
            outputs[:, i] = SCALES[scale].inverse(outputs[:, i], factor)
        return outputs[:, 0] if wanted == (1,) else outputs

    def slopes(self, y: ArrayLike) -> NDArray[np.float64]:
        """The derivative of `decode` by the outputs y of a regression, float64 (n, n_targets)."""
        std = np.array(self.std)
        slopes = np.asarray(y, np.float64) * std + np.array(self.mean)
        for i, (scale, factor) in enumerate(zip(self.scales, self.factors, strict=True)):
            slopes[:, i] = SCALES[scale].slope(slopes[:, i], factor)
        return np.asarray(slopes * std, np.float64)

    def own(self, values: NDArray[np.int32] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Targets for metrics: one-hot rows, or numbers in their own unit, (n, n_out)."""
        if self.classes:
            return np.eye(len(self.classes))[values]
        return np.asarray(values, np.float64)

    def in_own_unit(self, outputs: ArrayLike) -> NDArray[Any]:
        """A network's outputs for metrics: probabilities, or numbers in the target's own unit, (n, n_out)."""
        outputs = np.asarray(outputs)
        return outputs if self.classes else np.asarray(self.decode(outputs)).reshape(len(outputs), -1)

    def to_dict(self) -> dict[str, Any]:
        """The encoding as plain values."""
        return {
            "names": list(self.names),
            "task": self.task,
            "classes": list(self.classes),
            "mean": list(self.mean),
            "std": list(self.std),
            "scales": list(self.scales),
            "factors": list(self.factors),
        }

    @classmethod
    def from_dict(cls, value: object) -> TargetEncoding:
        """The inverse of `to_dict`.

        Raises
        ------
        ModelFileError
            If the value is no such dict.
        """
        saved = Saved(value, "the target encoding", [f.name for f in fields(cls)])
        names, task = saved.texts("names"), saved.text("task", get_args(Task))
        mean = saved.numbers("mean", -LARGEST, LARGEST)
        std = saved.numbers("std", SMALLEST_STD, LARGEST)
        scales, factors = tuple(saved.items("scales")), saved.numbers("factors", 0, LARGEST)
        classes = tuple(saved.items("classes"))
        n_numbers = len(names) if task == "regression" else 0
        if not names or (task != "regression" and len(names) != 1):
            saved.fail("names", "the target columns of the task")
        if {len(mean), len(std), len(factors)} != {n_numbers}:
            saved.fail("mean", "a number for each target column of a regression")
        if len(scales) != n_numbers or not all(isinstance(s, str) and s in SCALES for s in scales):
            saved.fail("scales", "a scale for each target column of a regression")
        is_count_right = {
            "regression": not classes,
            "binary": len(classes) == 2,
            "multiclass": len(classes) > 1,
        }
        if not is_count_right[task] or not _are_classes(classes):
            saved.fail("classes", "the different classes of the task")
        return cls(names, task, classes, mean, std, scales, factors)  # type: ignore[arg-type]


def _forward(y: NDArray[Any], scales: Sequence[str]) -> NDArray[np.float64]:
    """Targets (n, n_targets) in their scales."""
    if set(scales) == {"linear"}:
        return y
    return np.column_stack([SCALES[s].forward(y[:, i]) for i, s in enumerate(scales)])


def _texts(classes: tuple[Class, ...]) -> tuple[str, ...]:
    """How classes are written in a column of texts."""
    import polars as pl

    return tuple(category_text(pl.Series([c]))[0] for c in classes)


def _are_classes(values: tuple[Any, ...]) -> bool:
    """Whether they are different texts, truth values or numbers."""
    kinds = {type(v) for v in values}
    if kinds <= {int, float}:
        is_good = all(
            is_between(v, -LARGEST, LARGEST) if type(v) is float else abs(v) < 2**127 for v in values
        )
    else:
        is_good = len(kinds) == 1 and all(isinstance(v, bool) or is_text(v) for v in values)
    return is_good and len(set(values)) == len(values)
