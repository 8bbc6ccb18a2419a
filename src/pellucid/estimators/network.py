"""What both of pellucid's own estimators share: tables in, a model with its evidence out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted, validate_data

from pellucid.engine.buffer import Array
from pellucid.estimators.arrays import distinct
from pellucid.tables.fit import fit_table

if TYPE_CHECKING:
    from pellucid.health.finding import Health
    from pellucid.tables.explanation import RowExplanation
    from pellucid.tables.importance import Importance

FEW = 1000  # rows of an array of which those that are the same are found at no cost
OF_COLUMNS = ("numbers", "categories", "dates", "ordered", "ignore", "schema")
PASSED_ON = (
    "preset",
    "hidden",
    "activation",
    "dropout",
    "epochs",
    "batch_size",
    "learning_rate",
    "schedule",
    "optimizer",
    "patience",
    "normalisation",
    "validation",
    "group",
    "time",
    "time_limit",
    *OF_COLUMNS,
)


class NetworkEstimator(BaseEstimator):
    """Base of `NetworkClassifier` and `NetworkRegressor`, which describe the parameters."""

    _names: list[str]  # of the columns of X
    _is_numeric: bool  # whether X was an array of numbers

    def _fit(self, X: Any, y: Any, sample_weight: Any, validation_data: Any) -> None:
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )
        columns, targets = self._columns(X, reset=True), self._read_target(y)
        n_rows = _length(columns, targets)
        if n_rows < 2:
            raise ValueError(
                f"{type(self).__name__} cannot learn from n_samples={n_rows}; it needs two at least."
            )
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, np.empty((n_rows, 1)))
            if (weights < 0).any():
                raise ValueError("Negative values in data passed to `sample_weight`.")
            is_there = weights > 0
            columns, targets = ({n: _taken(c, is_there) for n, c in d.items()} for d in (columns, targets))
            weights = weights[is_there] / weights[is_there].mean()
        options = {n: value for n in PASSED_ON if (value := getattr(self, n)) is not None} | self._options()
        if self._is_numeric and self.schema is None:
            asked = {str(n).partition("=")[0] for part in OF_COLUMNS for n in getattr(self, part) or ()}
            options["numbers"] = [*options.get("numbers", ()), *(n for n in columns if n not in asked)]
            if n_rows <= FEW and self.group is None and self.time is None:
                columns, targets, weights = _distinct(columns, targets, weights)
        self._targets = [_free(name, columns) for name in targets]
        tables = [self._with_target(columns, targets)]
        if validation_data is not None:
            n_rows = _length(columns, targets)
            tables.append(self._held_back(validation_data))
            n_held = _length(tables[1], {})
            options["validation"] = range(n_rows, n_rows + n_held)
            weights = None if weights is None else np.concatenate([weights, np.ones(n_held)])
        if weights is not None:
            options["sample_weight"] = weights
        if self.n_jobs is not None and self.n_jobs > 0:
            options["threads"] = self.n_jobs
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31 - 1)
        target = self._targets if len(self._targets) > 1 else self._targets[0]
        self.model_ = fit_table(tables, target, seed=int(seed), verbose=self.verbose, **options)
        self.network_, self.evidence_ = self.model_.network, self.model_.evidence
        self.history_ = self.model_.history
        self.n_iter_ = len(self.history_)
        self._after_fit()

    def _with_target(self, columns: dict[str, Any], targets: dict[str, Any]) -> dict[str, Any]:
        """A table of X and y."""
        own = map(self._own_values, targets.values())
        return columns | dict(zip(self._targets, own, strict=True))

    def _held_back(self, validation_data: Any) -> dict[str, Any]:
        """The table of the rows that validate."""
        if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
            raise ValueError("validation_data must be a pair (X, y).")
        X, y = validation_data
        columns, targets = self._columns(X), self._read_target(y, is_known=True)
        _length(columns, targets)
        return self._with_target(columns, targets)

    # ---------------------------------------------------------------- what the two differ in

    def _read_target(self, y: Any, *, is_known: bool = False) -> dict[str, Any]:
        """The columns of y by name, as numbers; with `is_known` its classes are those of the training."""
        raise NotImplementedError

    def _options(self) -> dict[str, Any]:
        """Options of `fit_table` that only one of the two has."""
        raise NotImplementedError

    def _own_values(self, values: Array) -> Any:
        """A column of y as the table gets it."""
        return values

    def _after_fit(self) -> None:
        """What is to be noted of the model."""

    # ---------------------------------------------------------------- questions

    def explain(self, X: Any, row: int = 0, *, output: Any = None) -> RowExplanation:
        """How far each column of a row moved the answer.

        Parameters
        ----------
        X : data frame or array (n_samples, n_features)
            As in `fit`.
        row : int
            Which row, counted from 0.
        output : object, optional
            The class that is explained, the predicted one unless given; of several targets the one meant.

        Returns
        -------
        RowExplanation
            See `pellucid.TableModel.explain`; prints as a text.
        """
        check_is_fitted(self)
        return self.model_.explain(self._columns(X), row + 1, output=output)

    def importance(self, X: Any, y: Any = None, *, rows: int = 100) -> Importance:
        """How much each column matters; with y, also what the answers are worth without it.

        Parameters
        ----------
        X, y
            Rows, best such that training has not seen.
        rows : int
            Of so many of them contributions are found.

        Returns
        -------
        Importance
            See `pellucid.TableModel.importance`; prints as a table.
        """
        check_is_fitted(self)
        return self.model_.importance(self._table(X, y), rows=rows)

    def health(self, X: Any, y: Any, *, seconds: float = 5.0) -> Health:
        """What may be wrong with the network, its training, or some rows.

        Parameters
        ----------
        X, y
            Rows to examine it on; best those of the training.
        seconds : float
            How long what is advised is tried.

        Returns
        -------
        Health
            See `pellucid.TableModel.health`; prints as a text.
        """
        check_is_fitted(self)
        return self.model_.health(self._table(X, y), seconds=seconds)

    # ---------------------------------------------------------------- inside

    def _columns(self, X: Any, *, reset: bool = False) -> dict[str, Any]:
        """The columns of X by name; checked as scikit-learn checks X."""
        if _is_named(X):
            columns = _of_frame(X)
            validate_data(self, X, reset=reset, skip_check_array=True)
            if not columns or not len(next(iter(columns.values()))):
                shape = (len(next(iter(columns.values()), ())), len(columns))
                what = "feature(s)" if not columns else "sample(s)"
                raise ValueError(
                    f"Found array with 0 {what} (shape={shape}) while a minimum of 1 is required."
                )
            is_numeric = False
        else:
            array = check_array(X, dtype=None, ensure_all_finite="allow-nan", estimator=self, input_name="X")
            validate_data(self, X, reset=reset, skip_check_array=True)
            names = [f"x{i}" for i in range(array.shape[1])] if reset else self._names
            if array.dtype.kind == "b":
                array = array.astype(np.float64)
            columns = dict(zip(names, array.T, strict=True))
            is_numeric = array.dtype.kind in "fiu"
        if reset:
            self._is_numeric, self._names = is_numeric, list(columns)
        return columns

    def _table(self, X: Any, y: Any) -> dict[str, Any]:
        """The columns of X with those of y, if they are given."""
        columns = self._columns(X)
        if y is None:
            return columns
        if len(self._targets) == 1:
            return columns | {self._targets[0]: self._named(y)}
        return columns | dict(zip(self._targets, np.asarray(y).T, strict=True))

    def _named(self, y: Any) -> Any:
        """The one column of y as the table knows it."""
        return np.asarray(y)

    def _answers(self, method: str, X: Any, **options: Any) -> Array:
        check_is_fitted(self)
        found: Array = getattr(self.model_, method)(self._columns(X), **options)
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _is_named(X: Any) -> bool:
    """Whether it is a data frame whose columns have names; numbers in their place make it an array."""
    names = getattr(X, "column_names", getattr(X, "columns", None))
    return names is not None and all(isinstance(name, str) for name in names)


def _of_frame(X: Any) -> dict[str, Any]:
    """The columns of a data frame of any library, or of a table of Arrow."""
    import narwhals as nw

    names = list(X.column_names if hasattr(X, "column_names") else X.columns)
    if len(set(names)) < len(names):
        raise ValueError(f"X has more than one column of the same name: {names}. Rename all but one.")
    frame = nw.from_native(X, eager_only=True)
    return dict(zip(names, (s.to_native() for s in frame.iter_columns()), strict=True))


def _taken(column: Any, rows: Array) -> Any:
    """Some rows of a column: an array, or a series of any library."""
    import narwhals as nw

    if isinstance(column, np.ndarray):
        return column[rows]
    return nw.from_native(column, series_only=True).filter(rows.tolist()).to_native()


def _length(columns: dict[str, Any], targets: dict[str, Any]) -> int:
    """How many rows there are; ValueError, in scikit-learn's words, where X and y do not agree."""
    lengths = [len(c) for c in (*columns.values(), *targets.values())]
    if len(set(lengths)) > 1:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {[lengths[0], lengths[-1]]}"
        )
    return lengths[0]


def _free(name: str, columns: dict[str, Any]) -> str:
    """The name of a target, changed until no column of X has it."""
    while name in columns:
        name += "_"
    return name


def _distinct(
    columns: dict[str, Any], targets: dict[str, Any], weights: Array | None
) -> tuple[dict[str, Any], dict[str, Any], Array | None]:
    """Each row once, with its weight: then no row validates what its twin has learned."""
    X = np.column_stack([np.asarray(c, np.float64) for c in columns.values()])
    Y = np.column_stack(list(targets.values()))
    X, Y, weights = distinct(X, Y, weights)
    return dict(zip(columns, X.T, strict=True)), dict(zip(targets, Y.T, strict=True)), weights
