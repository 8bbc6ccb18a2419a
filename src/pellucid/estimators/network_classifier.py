"""`NetworkClassifier`: pellucid's own network for classes, as an estimator of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y

from pellucid.engine.buffer import Array
from pellucid.estimators.classes import as_column, check_known
from pellucid.estimators.network import NetworkEstimator


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """The network that `pellucid.fit_table` makes of a table, as a classifier.

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
    class_weight : dict or "balanced", optional
        Weight of each class.
    metric : {"accuracy", "balanced_accuracy", "f1"}, optional
        What `predict` is to be best by, see `pellucid.fit_table`; unless given it answers the most probable
        class. Probabilities do not depend on it.
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
    classes_ : array (n_classes,)
        The classes.
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
    >>> import polars as pl
    >>> frame = pl.DataFrame({"mass": [1.0, 2.0, 8.0, 9.0] * 10, "sex": ["m", "f", None, "f"] * 10})
    >>> kind = ["cat", "cat", "dog", "dog"] * 10
    >>> classifier = NetworkClassifier(epochs=30, random_state=0).fit(frame, kind)
    >>> classifier.predict(frame[:4])
    array(['cat', 'cat', 'dog', 'dog'], dtype='<U3')
    >>> classifier.predict_proba(frame[:4]).shape
    (4, 2)
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
        class_weight: Any = None,
        metric: str | None = None,
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
        self.class_weight = class_weight
        self.metric = metric
        self.time_limit = time_limit
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None
    ) -> NetworkClassifier:
        """Learn from rows.

        Parameters
        ----------
        X : data frame of any library, or array (n_samples, n_features)
            Numbers, truth values, categories, dates; values may be missing.
        y : array (n_samples,)
            Classes.
        sample_weight : array (n_samples,), optional
            Weight of each row.
        validation_data : (X, y), optional
            Other rows to validate on, instead of a share of these.
        """
        self._fit(X, y, sample_weight, validation_data)
        return self

    def predict(self, X: Any) -> Array:
        """The class of each row.

        Parameters
        ----------
        X : data frame or array (n_samples, n_features)
            As in `fit`.

        Warns
        -----
        PellucidWarning
            Of all that training has not seen, such as categories.
        """
        if self.metric is None:
            proba = self.predict_proba(X)
            return np.asarray(self.classes_[proba.argmax(axis=1)])
        found = self._answers("predict_probabilities", X)
        return np.asarray(self.classes_[np.array(self._places)[self.model_.answered(found)]])

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, in the order of `classes_`.

        Parameters
        ----------
        X : data frame or array (n_samples, n_features)
            As in `fit`.

        Returns
        -------
        float64 array (n_samples, n_classes)
        """
        found = self._answers("predict_probabilities", X).astype(np.float64)
        proba = np.zeros((len(found), len(self.classes_)))
        proba[:, self._places] = found / found.sum(axis=1, keepdims=True)
        return proba

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of `predict_proba`.

        Parameters
        ----------
        X : data frame or array (n_samples, n_features)
            As in `fit`.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    # ---------------------------------------------------------------- inside

    def _read_target(self, y: Any, *, is_known: bool = False) -> dict[str, Any]:
        name = getattr(y, "name", None)
        y = _check_y(y, estimator=self)
        check_classification_targets(y)
        if is_known:
            check_known(np.unique(y), self.classes_, exactly=False)
        else:
            self.classes_: Array = np.unique(y)
            self._labels = as_column(self.classes_)
        codes = np.searchsorted(self.classes_, y)
        return {str(name) if isinstance(name, str) and name else "y": codes}

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"task": "classification"}
        weight = self.class_weight
        if isinstance(weight, dict):
            known = dict(zip(self.classes_.tolist(), self._labels, strict=True))
            weight = {known.get(name, name): value for name, value in weight.items()}
        more = {"class_weight": weight, "metric": self.metric}
        return options | {name: value for name, value in more.items() if value is not None}

    def _own_values(self, values: Array) -> Any:
        return [self._labels[int(code)] for code in values]

    def _named(self, y: Any) -> Any:
        known = dict(zip(self.classes_.tolist(), self._labels, strict=True))
        return [known.get(label, label) for label in np.asarray(y).tolist()]

    def _after_fit(self) -> None:
        labels = [str(label) for label in self._labels]
        self._places = [labels.index(str(c)) for c in self.model_.classes]  # one may have had no weight
