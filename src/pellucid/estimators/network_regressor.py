"""`NetworkRegressor`: pellucid's own network for numbers, as an estimator of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import _check_y

from pellucid.engine.buffer import Array
from pellucid.estimators.network import NetworkEstimator


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """The network that `pellucid.fit_table` makes of a table, as a regressor.

    Data frames keep their categories, dates and missing values: nothing has to be encoded or scaled.

    Parameters
    ----------
    preset : str, optional
        How much is done: `"fast"`, `"default"` or `"best"`, see `pellucid.fit_table`.
    hidden : sequence of int or Layer, optional
        Neurons of each hidden layer, or layers such as `Dense(64, "relu")` and `Dropout(0.1)`; an empty one
        for a straight line. None, here and below, is pellucid's own choice.
    activation, dropout, epochs, batch_size, learning_rate, schedule, optimizer, patience : optional
        Of the network and its training, see `pellucid.tables.recipe.Recipe`.
    normalisation : str, optional
        Of number columns: `"robust"`, `"standard"`, `"minmax"` or `"none"`; see `pellucid.fit_table`.
    validation : float
        Share of the rows that is held back, by which training stops and evidence is taken; of several
        networks that validate each other, only whether rows are: 0 for no.
    group, time : str, optional
        Columns by which rows are held back: no value on both sides, or the newest rows.
    numbers, categories, dates, ordered, ignore, schema : optional
        What is asked of columns, whatever is in them, see `pellucid.fit_table`. Columns of an array of
        numbers are numbers unless something else is asked.
    target_scale : {"auto", "linear", "log"}
        Whether numbers are learned as they are or their logarithms, see `pellucid.fit_table`.
    time_limit : float, optional
        Seconds of training at most.
    n_jobs : int, optional
        Threads that train; all that help unless given.
    random_state : int, RandomState or None
        Decides the split, the first weights and the order of the rows.
    verbose : int
        Whether progress is shown.

    Attributes
    ----------
    model_ : TableModel
        The model with its evidence: `model_.report()`, `model_.save(path)`, `model_.explain(...)`.
    network_ : Network
        Its network, open to every question.
    evidence_ : Evidence
        Scores on the rows held back, beside the trivial answer and a straight line.
    history_ : History
        Numbers of each epoch, and why training stopped; of the first of several networks. `model_.histories`
        has all.
    n_iter_ : int
        Epochs of it.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : array of str
        Their names, where X has them and they are texts.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).uniform(-1, 1, (400, 2))
    >>> y = X[:, 0] * X[:, 1] + X[:, 0]
    >>> regressor = NetworkRegressor(hidden=(32,), epochs=60, random_state=0).fit(X[:300], y[:300])
    >>> regressor.score(X[300:], y[300:]) > 0.9
    True
    """

    def __init__(
        self,
        *,
        preset: str | None = None,
        hidden: Any = None,
        activation: Any = None,
        dropout: float | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: Any = None,
        schedule: Any = None,
        optimizer: Any = None,
        patience: int | None = None,
        normalisation: Any = None,
        validation: float = 0.2,
        group: str | None = None,
        time: str | None = None,
        numbers: Any = None,
        categories: Any = None,
        dates: Any = None,
        ordered: Any = None,
        ignore: Any = None,
        schema: Any = None,
        target_scale: str = "auto",
        time_limit: float | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.preset = preset
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.optimizer = optimizer
        self.patience = patience
        self.normalisation = normalisation
        self.validation = validation
        self.group = group
        self.time = time
        self.numbers = numbers
        self.categories = categories
        self.dates = dates
        self.ordered = ordered
        self.ignore = ignore
        self.schema = schema
        self.target_scale = target_scale
        self.time_limit = time_limit
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> NetworkRegressor:
        """Learn from rows.

        Parameters
        ----------
        X : data frame of any library, or array (n_samples, n_features)
            Numbers, truth values, categories, dates; values may be missing.
        y : array (n_samples,) or (n_samples, n_outputs)
            Numbers.
        sample_weight : array (n_samples,), optional
            Weight of each row.
        validation_data : (X, y), optional
            Other rows to validate on, instead of a share of these.
        """
        self._fit(X, y, sample_weight, validation_data)
        return self

    def predict(self, X: Any, interval: float | None = None) -> Array:
        """The estimate for each row, in the unit of y.

        Parameters
        ----------
        X : data frame or array (n_samples, n_features)
            As in `fit`.
        interval : float, optional
            The probability, such as 0.9, with which the true number shall lie between two others: then the
            lower end, the estimate and the upper end come back, `(n_samples, 3)`, or
            `(n_samples, n_outputs, 3)`, as from `TableModel.predict`.

        Raises
        ------
        ArgumentError
            If the interval is not between 0 and 1, or more than the rows held back can tell.

        Warns
        -----
        PellucidWarning
            Of all that training has not seen, such as categories.
        """
        found: Array = self._answers("predict", X, interval=interval).astype(np.float64)
        return found

    # ---------------------------------------------------------------- inside

    def _read_target(self, y: Any, *, is_known: bool = False) -> dict[str, Any]:
        names: list[Any] = list(y.columns) if hasattr(y, "columns") else [getattr(y, "name", None)]
        y = _check_y(y, multi_output=True, y_numeric=True, estimator=self)
        columns = y.reshape(len(y), -1).T
        if len(names) != len(columns) or not all(isinstance(n, str) and n for n in names):
            names = ["y"] if len(columns) == 1 else [f"y{i}" for i in range(len(columns))]
        return dict(zip(names, columns, strict=True))

    def _options(self) -> dict[str, Any]:
        return {"task": "regression", "target_scale": self.target_scale}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
