"""All that scikit-learn checks of an estimator, without an exception."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from sklearn.utils.estimator_checks import check_estimator

from pellucid.estimators import MLPClassifier, MLPRegressor, NetworkClassifier, NetworkRegressor

# What cannot be checked: without SCIPY_ARRAY_API, and of a method that scikit-learn's perceptrons lack.
SKIPPED = {"check_array_api_input", "check_classifiers_multilabel_output_format_decision_function"}


@pytest.mark.parametrize(
    "estimator",
    [MLPClassifier(), MLPRegressor(), MLPRegressor(solver="lbfgs"), NetworkClassifier(), NetworkRegressor()],
    ids=str,
)
def test_every_check_of_scikit_learn_passes(estimator: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_skip=None, on_fail=None)
    assert len(results) > 50
    bad = {r["check_name"]: r["exception"] for r in results if r["status"] != "passed"}
    assert set(bad) <= SKIPPED, bad
