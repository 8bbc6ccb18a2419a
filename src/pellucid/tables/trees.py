"""Boosted trees of scikit-learn for a table, to compare with: `trees_answer`."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import settings
from pellucid.engine.buffer import Array
from pellucid.tables.category_column import CategoryColumn
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.number_column import NumberColumn

ROWS_A_THREAD = 5000  # below which threads of the trees wait for each other more than they work
MOST_CODES = 255  # categories that the trees take as such; of more, the codes are numbers


def are_installed() -> bool:
    """Whether scikit-learn is there."""
    return importlib.util.find_spec("sklearn") is not None


def tree_features(encoding: TableEncoding, X: Array) -> tuple[NDArray[np.float64], list[bool]]:
    """A table's features as trees like them, and which of them are categories.

    A number is NaN where it is missing, and a column of three categories or more is one feature, the code of
    the category, NaN where it was never seen. Numbers stay on the network's scale, whose order is theirs.

    Parameters
    ----------
    encoding : TableEncoding
        Of the training rows.
    X : float32 array (n, n_features)
        What it makes of rows.

    Examples
    --------
    >>> from pellucid.tables.reading import read_table
    >>> table = read_table({"age": [30, None, 50], "hair": ["red", "dark", "fair"]})
    >>> encoding = TableEncoding.fit(table, normalisation="minmax")
    >>> features, are_categories = tree_features(encoding, encoding.encode(table))
    >>> features.tolist(), are_categories
    ([[0.0, 2.0], [nan, 0.0], [1.0, 1.0]], [False, True])
    """
    features: list[NDArray[np.float64]] = []
    are_categories: list[bool] = []
    for column in encoding.columns:
        own = np.asarray(X[:, encoding.spans[column.name]], np.float64)
        if isinstance(column, NumberColumn):
            is_missing = own[:, 1] > 0 if column.has_indicator else np.zeros(len(own), bool)
            features.append(np.where(is_missing, np.nan, own[:, 0]))
            are_categories.append(False)
        elif isinstance(column, CategoryColumn) and (column.n_codes or own.shape[1] > 2):
            codes = own[:, 0] if column.n_codes else own.argmax(axis=1)
            is_new = codes == 0 if column.n_codes else own.max(axis=1) <= 0
            features.append(np.where(is_new, np.nan, codes))
            are_categories.append((column.n_codes or own.shape[1]) < MOST_CODES)
        else:
            features.extend(own.T)
            are_categories.extend([False] * own.shape[1])
    return np.column_stack(features), are_categories


def trees_answer(
    encoding: TableEncoding, X: Array, y: NDArray[Any], asked: Array, n_classes: int, seed: int
) -> NDArray[np.float64]:
    """What histogram gradient boosting at its default settings answers for rows it has not seen.

    Parameters
    ----------
    encoding : TableEncoding
        Of the training rows.
    X, asked : float32 array (n, n_features)
        The rows to learn from, and those to answer for.
    y : int32 array (n,) or float64 array (n, n_targets)
        Classes, or numbers in their own unit, each with trees of its own.
    n_classes : int
        0 in regression.
    seed : int
        Of the trees.

    Returns
    -------
    float64 array (n_asked, n_out)
        Probabilities of all classes, or numbers.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    features, are_categories = tree_features(encoding, X)
    unseen, _ = tree_features(encoding, asked)
    asked_for = {"categorical_features": are_categories, "random_state": seed % 2**32}
    n_threads = max(1, min(settings.threads(), len(X) // ROWS_A_THREAD))
    with threadpool_limits(n_threads, user_api="openmp"):
        if not n_classes:
            trees = (HistGradientBoostingRegressor(**asked_for).fit(features, own) for own in y.T)
            return np.column_stack([one.predict(unseen) for one in trees])
        classifier = HistGradientBoostingClassifier(**asked_for).fit(features, y)
        answer = np.zeros((len(asked), n_classes))
        answer[:, classifier.classes_] = classifier.predict_proba(unseen)
        return answer
