"""Metrics against scikit-learn, against brute force, and against values worked out by hand."""

from __future__ import annotations

import doctest
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import metrics
from pellucid.errors import ArgumentError, DataError, PellucidError, ShapeError, UnknownNameError
from pellucid.metrics import METRICS, infer_task, metric

BUILT_IN = METRICS.names()
SCALARS = [name for name in BUILT_IN if METRICS.find(name).is_scalar]
CASES = [(name, task) for name in BUILT_IN for task in METRICS.find(name).tasks]
SEEDS = st.integers(0, 2**32 - 1)
untimed = settings(deadline=None)  # a busy machine is no failure


def judge(function: Callable[..., Any], *values: Any, **settings: Any) -> Any:
    """scikit-learn's answer, without its warnings about classes that are missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*values, **settings)


def case(task: str, seed: int, n_samples: int | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets, outputs with many ties, weights; sometimes few rows, so that classes are missing."""
    rng = np.random.default_rng(seed)
    n = n_samples or int(rng.integers(1, 30))
    k = 1 if task == "binary" else int(rng.integers(2, 6))
    weight = rng.choice([0.5, 1.0, 2.5], n)
    if task == "regression":
        y = rng.normal(3, 2, (n, k))
        return y, y + rng.normal(0, 1, (n, k)), weight
    levels = rng.integers(1, 6, (n, k)) / 6  # six levels: every second pair of scores is a tie
    if task != "multiclass":
        return rng.integers(0, 2, (n, k)).astype(float), levels, weight
    classes = rng.integers(0, rng.integers(1, k + 1), n)
    return np.eye(k)[classes], levels / levels.sum(axis=1, keepdims=True), weight


def ranked_area(true: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
    """Every pair of a row inside and a row outside the class, looked at one by one."""
    won = total = 0.0
    for i in np.flatnonzero(true):
        for j in np.flatnonzero(~true):
            won += (
                weight[i] * weight[j] * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0)
            )
            total += weight[i] * weight[j]
    return won / total if total else math.nan


# Against scikit-learn


@untimed
@given(SEEDS, st.booleans())
def test_binary_metrics_equal_scikit_learn(seed: int, weighted: bool) -> None:
    y, y_pred, w = case("binary", seed)
    true, said, weight = y[:, 0].astype(int), (y_pred[:, 0] > 0.5).astype(int), w if weighted else None
    wanted = {
        "accuracy": judge(reference.accuracy_score, true, said, sample_weight=weight),
        "balanced_accuracy": judge(reference.balanced_accuracy_score, true, said, sample_weight=weight),
        "precision": judge(reference.precision_score, true, said, sample_weight=weight, zero_division=0),
        "recall": judge(reference.recall_score, true, said, sample_weight=weight, zero_division=0),
        "f1": judge(reference.f1_score, true, said, sample_weight=weight, zero_division=0),
        "auc": judge(reference.roc_auc_score, true, y_pred[:, 0], sample_weight=weight),
        "log_loss": judge(reference.log_loss, true, y_pred[:, 0], sample_weight=weight, labels=[0, 1]),
    }
    for name, value in wanted.items():
        found = METRICS.find(name)(y, y_pred, task="binary", sample_weight=weight)
        assert found == pytest.approx(value, rel=1e-12, nan_ok=True), name
    matrix = reference.confusion_matrix(true, said, labels=[0, 1], sample_weight=weight)
    found = metrics.confusion_matrix(y, y_pred, task="binary", sample_weight=weight)
    np.testing.assert_allclose(found, matrix, rtol=1e-12)


@untimed
@given(SEEDS, st.booleans())
def test_multiclass_metrics_equal_scikit_learn(seed: int, weighted: bool) -> None:
    y, y_pred, w = case("multiclass", seed)
    k = y.shape[1]
    true, said, weight = y.argmax(axis=1), y_pred.argmax(axis=1), w if weighted else None
    # With two classes scikit-learn's default is the positive class, with more its macro average is meant.
    averaged = {"average": "binary" if k == 2 else "macro", "sample_weight": weight, "zero_division": 0}
    wanted = {
        "accuracy": judge(reference.accuracy_score, true, said, sample_weight=weight),
        "balanced_accuracy": judge(reference.balanced_accuracy_score, true, said, sample_weight=weight),
        "precision": judge(reference.precision_score, true, said, **averaged),
        "recall": judge(reference.recall_score, true, said, **averaged),
        "f1": judge(reference.f1_score, true, said, **averaged),
        "log_loss": judge(reference.log_loss, true, y_pred, sample_weight=weight, labels=range(k)),
    }
    if len(set(true)) == k > 2:
        wanted["auc"] = judge(reference.roc_auc_score, true, y_pred, sample_weight=weight, multi_class="ovr")
    for name, value in wanted.items():
        for target in (y, true, 2 * y - 1) if name != "log_loss" else (y, true):
            found = METRICS.find(name)(target, y_pred, task="multiclass", sample_weight=weight)
            assert found == pytest.approx(value, rel=1e-12, abs=1e-12), name
    matrix = reference.confusion_matrix(true, said, labels=range(k), sample_weight=weight)
    found = metrics.confusion_matrix(y, y_pred, task="multiclass", sample_weight=weight)
    np.testing.assert_allclose(found, matrix, rtol=1e-12)


@untimed
@given(SEEDS, st.booleans())
def test_multilabel_metrics_equal_scikit_learn(seed: int, weighted: bool) -> None:
    y, y_pred, w = case("multilabel", seed)
    true, said, weight = y.astype(int), (y_pred > 0.5).astype(int), w if weighted else None
    averaged = {"average": "macro", "sample_weight": weight, "zero_division": 0}
    each = range(y.shape[1])
    wanted = {
        "accuracy": judge(reference.accuracy_score, true, said, sample_weight=weight),
        "balanced_accuracy": np.mean(
            [
                judge(reference.balanced_accuracy_score, true[:, c], said[:, c], sample_weight=weight)
                for c in each
            ]
        ),
        "precision": judge(reference.precision_score, true, said, **averaged),
        "recall": judge(reference.recall_score, true, said, **averaged),
        "f1": judge(reference.f1_score, true, said, **averaged),
        "log_loss": np.mean(
            [
                judge(reference.log_loss, true[:, c], y_pred[:, c], sample_weight=weight, labels=[0, 1])
                for c in each
            ]
        ),
    }
    for name, value in wanted.items():
        found = METRICS.find(name)(y, y_pred, task="multilabel", sample_weight=weight)
        assert found == pytest.approx(value, rel=1e-12, abs=1e-12), name


@untimed
@given(SEEDS, st.booleans())
def test_regression_metrics_equal_scikit_learn(seed: int, weighted: bool) -> None:
    y, y_pred, w = case("regression", seed)
    weight = w if weighted else None
    mse = reference.mean_squared_error(y, y_pred, sample_weight=weight)
    assert metrics.mse(y, y_pred, sample_weight=weight) == pytest.approx(mse, rel=1e-12)
    assert metrics.rmse(y, y_pred, sample_weight=weight) == pytest.approx(mse**0.5, rel=1e-12)
    mae = reference.mean_absolute_error(y, y_pred, sample_weight=weight)
    assert metrics.mae(y, y_pred, sample_weight=weight) == pytest.approx(mae, rel=1e-12)
    r2 = judge(reference.r2_score, y, y_pred, sample_weight=weight)
    assert metrics.r2(y, y_pred, sample_weight=weight) == pytest.approx(r2, rel=1e-9, abs=1e-12, nan_ok=True)


@untimed
@given(SEEDS, st.sampled_from(["binary", "multiclass", "multilabel"]))
def test_auc_counts_every_pair(seed: int, task: str) -> None:
    y, y_pred, weight = case(task, seed)
    columns = [ranked_area(t > 0, s, weight) for t, s in zip(y.T, y_pred.T, strict=True)]
    defined = [area for area in columns if not math.isnan(area)]
    wanted = np.mean(defined) if defined else math.nan
    found = metrics.auc(y, y_pred, task=task, sample_weight=weight)
    assert found == pytest.approx(wanted, rel=1e-12, nan_ok=True)


@untimed
@given(SEEDS, st.integers(1, 6))
def test_top_k_accuracy_equals_scikit_learn_where_no_outputs_are_equal(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    classes, y_pred = rng.integers(0, 5, 12), rng.permuted(np.arange(60.0)).reshape(12, 5)
    wanted = judge(reference.top_k_accuracy_score, classes, y_pred, k=k, labels=range(5))
    assert metrics.top_k_accuracy.using(k=k)(classes, y_pred) == pytest.approx(wanted)


@untimed
@given(SEEDS, st.sampled_from(["binary", "multiclass"]))
def test_top_1_accuracy_is_accuracy_with_ties(seed: int, task: str) -> None:
    y, y_pred, weight = case(task, seed)
    top = metrics.top_k_accuracy.using(k=1)(y, y_pred, task=task, sample_weight=weight)
    assert top == metrics.accuracy(y, y_pred, task=task, sample_weight=weight)
    assert metrics.top_k_accuracy(y, y_pred, task=task) == 1.0  # k = 5 of at most 5 classes


# By hand


def test_confusion_matrix_has_true_classes_in_rows() -> None:
    y_pred = np.eye(3)[[0, 1, 1, 2, 0]]
    found = metrics.confusion_matrix([0, 0, 1, 2, 2], y_pred)
    np.testing.assert_array_equal(found, [[1, 1, 0], [0, 1, 0], [1, 0, 1]])
    assert found.dtype == np.int64
    weighted = metrics.confusion_matrix([0, 0, 1, 2, 2], y_pred, sample_weight=[1, 0.5, 1, 1, 0.25])
    np.testing.assert_array_equal(weighted, [[1, 0.5, 0], [0, 1, 0], [0.25, 0, 1]])


def test_classes_without_rows_or_predictions() -> None:
    """y = 0 0 1, predicted 0 2 0: class 1 is never predicted, class 2 not there, class 3 neither."""
    y_pred = np.eye(4)[[0, 2, 0]]
    assert metrics.precision([0, 0, 1], y_pred) == pytest.approx((1 / 2 + 0 + 0) / 3)
    assert metrics.recall([0, 0, 1], y_pred) == pytest.approx((1 / 2 + 0 + 0) / 3)
    assert metrics.f1([0, 0, 1], y_pred) == pytest.approx((2 * 1 / (2 + 2) + 0 + 0) / 3)
    assert metrics.balanced_accuracy([0, 0, 1], y_pred) == pytest.approx((1 / 2 + 0) / 2)
    assert metrics.precision([1, 1], [0.1, 0.2]) == metrics.recall([0, 0], [0.1, 0.2]) == 0
    assert math.isnan(metrics.auc([1, 1], [0.1, 0.2]))


def test_auc_leaves_out_classes_that_no_row_has() -> None:
    y_pred = [[0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.2, 0.1, 0.7]]
    assert metrics.auc([0, 1, 1], y_pred) == pytest.approx((1 + 1 / 2) / 2)


def test_two_one_hot_columns_and_one_column_agree() -> None:
    rng = np.random.default_rng(0)
    classes, p = rng.integers(0, 2, 40), rng.random(40)
    for name in BUILT_IN:
        if "binary" in (entry := METRICS.find(name)).tasks and entry.needs != "values":
            two = entry(classes, np.column_stack([1 - p, p]))
            np.testing.assert_allclose(two, entry(classes, p), rtol=1e-12, err_msg=name)
            np.testing.assert_array_equal(two, entry(classes, np.column_stack([1 - p, p]), task="binary"))


def test_log_loss_is_bounded_and_equals_scikit_learn_on_float32() -> None:
    sure = np.array([[1, 0], [0, 1]], np.float32)
    wanted = reference.log_loss([1, 0], sure, labels=[0, 1])
    assert metrics.log_loss([1, 0], sure) == pytest.approx(wanted, rel=1e-6)
    assert metrics.log_loss([1, 0], sure[:, 1]) == pytest.approx(-math.log(2**-23), rel=1e-12)
    assert metrics.log_loss([0, 1], sure[:, 1]) == pytest.approx(2**-23, rel=1e-6)


def test_log_loss_takes_probabilities_as_targets() -> None:
    y, y_pred = [[0.25, 0.75]], [[0.5, 0.5]]
    assert metrics.log_loss(y, y_pred) == pytest.approx(math.log(2))
    wanted = -(0.3 * math.log(0.2) + 0.7 * math.log(0.8))
    assert metrics.log_loss([0.3], [0.2], task="binary") == pytest.approx(wanted)


def test_r2_of_constants_and_single_rows() -> None:
    assert metrics.r2([0.1] * 3, [0.1] * 3) == 1
    assert metrics.r2([0.1] * 3, [0.1, 0.1, 0.2]) == 0  # their mean is not 0.1 to the last bit
    assert math.isnan(metrics.r2([1], [2]))
    assert metrics.r2([[0, 5], [2, 5]], [[1, 5], [1, 5]]) == pytest.approx((0 + 1) / 2)


def test_squares_of_a_diverged_network_do_not_warn() -> None:
    assert metrics.mse([0, 0], [1e200, 1]) == math.inf
    assert metrics.mae([0, 0], [math.inf, 1]) == math.inf
    assert metrics.r2([0, 1], [math.inf, 1]) == -math.inf


# What targets mean


@pytest.mark.parametrize(
    ("y", "task"),
    [
        ([[0], [1]], "binary"),
        ([[-1], [1]], "binary"),
        ([[0], [-1]], "regression"),
        ([[0.5], [1]], "regression"),
        ([[0, 1], [1, 0]], "multiclass"),
        ([[-1, 1, -1], [1, -1, -1]], "multiclass"),
        ([[0.2, 0.8], [1, 0]], "multiclass"),
        ([[0, 1], [1, 1]], "multilabel"),
        ([[-1, 1, 1], [1, -1, -1]], "multilabel"),
        ([[0.2, 0.9], [1, 0]], "regression"),
        ([[-3.0, 4.0]], "regression"),
    ],
)
def test_inferred_tasks(y: list[list[float]], task: str) -> None:
    assert infer_task(np.array(y, np.float64)) == task


def test_targets_of_minus_one_and_one_are_cut_at_zero() -> None:
    y, y_pred = [-1, -1, 1, 1], [-0.3, 0.1, 0.2, 2.0]
    assert metrics.accuracy(y, y_pred) == 0.75
    assert metrics.accuracy(y, y_pred, threshold=0.15) == 1
    assert metrics.accuracy([1, 1], [0.2, 0.6]) == 0.5  # nothing shows that these are -1/+1
    assert metrics.accuracy([1, 1], [0.2, 0.6], threshold=0) == 1
    assert metrics.accuracy([[-1, 1], [1, 1]], [[-3, 0.1], [-0.1, 2]]) == 0.5


def test_a_threshold_moves_only_the_predictions() -> None:
    y, y_pred = [0, 0, 1, 1], [-2.0, -0.5, -0.5, 3.0]
    assert metrics.recall(y, y_pred, threshold=-1) == 1
    assert metrics.precision(y, y_pred, threshold=-1) == pytest.approx(2 / 3)
    assert metrics.auc(y, y_pred, threshold=-1) == metrics.auc(y, y_pred) == 0.875


def test_the_given_task_wins() -> None:
    y, y_pred = np.eye(2), np.array([[0.4, 0.3], [0.6, 0.7]])  # one label in each row
    assert metrics.accuracy(y, y_pred) == 1
    assert metrics.accuracy(y, y_pred, task="multilabel") == 0


# What holds for every entry


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_entry_carries_its_evidence(name: str) -> None:
    entry = METRICS.find(name)
    assert entry.kind == "metric"
    assert entry.source
    assert ": " in entry.text
    assert doctest.DocTestFinder().find(entry.function)[0].examples
    assert metrics.__test__[name] is entry.function
    assert METRICS.find(entry.spec) == entry


@pytest.mark.parametrize(("name", "task"), CASES)
@untimed
@given(seed=SEEDS)
def test_a_weight_is_a_number_of_rows(name: str, task: str, seed: int) -> None:
    y, y_pred, _ = case(task, seed, n_samples=8)
    times = np.random.default_rng(seed).permutation([0, 1, 1, 2, 3, 0, 1, 2])
    repeated = METRICS.find(name)(y.repeat(times, axis=0), y_pred.repeat(times, axis=0), task=task)
    weighted = METRICS.find(name)(y, y_pred, task=task, sample_weight=times)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "task"), CASES)
def test_better_says_which_direction_is_better(name: str, task: str) -> None:
    y, _, _ = case(task, 5, n_samples=25)
    entry = METRICS.find(name)
    best, worst = (
        entry(y, y, task=task),
        entry(y, 1 - y if task != "multiclass" else np.roll(y, 1, 1), task=task),
    )
    if not entry.is_scalar:
        np.testing.assert_array_equal(best, np.diag(np.diag(best)))
    elif name != "top_k_accuracy":  # k = 5 of so few classes is always right
        assert best == pytest.approx({"higher": 1, "lower": 0}[entry.better], abs=1e-6)
        assert (worst < best) == (entry.better == "higher")


@pytest.mark.parametrize(("name", "task"), CASES)
def test_nan_predictions_give_nan_without_a_warning(name: str, task: str) -> None:
    y, y_pred, _ = case(task, 5, n_samples=25)
    wanted = METRICS.find(name)(y[1:], y_pred[1:], task=task)
    y_pred[0, 0] = np.nan
    assert math.isnan(METRICS.find(name)(y, y_pred, task=task))
    found = METRICS.find(name)(y, y_pred, task=task, sample_weight=[0] + [1] * 24)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert not np.isnan(found).any()


@pytest.mark.parametrize(("name", "task"), CASES)
def test_inputs_are_not_changed_and_float32_is_enough(name: str, task: str) -> None:
    y, y_pred, _ = (a.astype(np.float32) for a in case(task, 2, n_samples=20))
    before = y.copy(), y_pred.copy()
    small = METRICS.find(name)(y, y_pred, task=task)
    np.testing.assert_array_equal((y, y_pred), before)
    np.testing.assert_allclose(small, METRICS.find(name)(y.astype(float), y_pred.astype(float), task=task))


# Wrong calls


@pytest.mark.parametrize(
    ("name", "y", "y_pred", "more", "error", "words"),
    [
        (
            "mse",
            [1, 2],
            [1, 2, 3],
            {},
            ShapeError,
            r"metric 'mse': y has shape \(2, 1\), but y_pred \(3, 1\)",
        ),
        ("mse", [[1, 2]], [[1, 2, 3]], {}, ShapeError, r"y has shape \(1, 2\), but y_pred \(1, 3\)"),
        ("mse", [], [], {}, ShapeError, "at least one row"),
        ("mse", [[[1]]], [1], {}, ShapeError, r"has \(1, 1, 1\)"),
        ("mse", [[1], [1, 2]], [1, 2], {}, ShapeError, "rows of y differ in length"),
        ("mse", ["1"], [1], {}, ArgumentError, "y must hold numbers"),
        ("mse", [1, np.nan], [1, 1], {}, DataError, "y is not finite in row 1"),
        (
            "mse",
            [1, 1],
            [1, 1],
            {"sample_weight": [1]},
            ShapeError,
            r"must have shape \(2,\), but has \(1,\)",
        ),
        ("mse", [1, 1], [1, 1], {"sample_weight": [1, -1]}, DataError, "not negative"),
        ("mse", [1, 1], [1, 1], {"sample_weight": [0, 0]}, DataError, "not all 0"),
        ("mse", [1, 1], [1, 1], {"task": "regresion"}, UnknownNameError, "Did you mean 'regression'"),
        (
            "mse",
            [1, 1],
            [1, 1],
            {"threshold": "x"},
            ArgumentError,
            "threshold must be a finite number, but is 'x'",
        ),
        ("mse", [1, 2], [[1, 2], [3, 4]], {"task": "regression"}, ShapeError, r"y has shape \(2, 1\)"),
        ("accuracy", [0, 3], np.eye(3)[:2], {}, ShapeError, "class indices from 0 to 2, but holds 3"),
        ("accuracy", [0.5, 3], [1, 2], {}, ArgumentError, "y runs from 0.5 to 3 in 1 column, so the task"),
        ("accuracy", [0, 3], [1, 2], {"task": "binary"}, DataError, "classes must be 0 and 1"),
        ("accuracy", np.eye(3), np.eye(3), {"task": "binary"}, ShapeError, "one or two columns"),
        (
            "accuracy",
            [[1, 0], [1, 1]],
            np.eye(2),
            {"task": "multiclass"},
            DataError,
            "row 1 of y does not name",
        ),
        (
            "top_k_accuracy(k=0)",
            [0, 1],
            [0, 1],
            {},
            ArgumentError,
            "k must be a whole number from 1, but is 0",
        ),
        ("top_k_accuracy(k=1.5)", [0, 1], [0, 1], {}, ArgumentError, "but is 1.5"),
        ("top_k_accuracy", np.ones((2, 2)), np.eye(2), {}, ArgumentError, "defined for binary, multiclass"),
        ("log_loss", [0, 1], [-2.5, 1], {}, DataError, "y_pred holds -2.5"),
        ("log_loss", [-1, 1], [0.5, 1], {}, DataError, "y holds -1"),
        ("log_loss", np.eye(2), [[0.5, 0.5], [0.9, 0.9]], {}, DataError, "row 1 of y_pred sums to 1.8"),
    ],
)
def test_wrong_calls_say_what_is_wrong(
    name: str, y: Any, y_pred: Any, more: dict[str, Any], error: type[PellucidError], words: str
) -> None:
    with pytest.raises(error, match=words):
        METRICS.find(name)(y, y_pred, **more)


# A user's own


def test_a_plain_function_becomes_a_metric() -> None:
    @metric(better="lower")
    def pinball(y, y_pred, q=0.5, sample_weight=None):  # type: ignore[no-untyped-def]
        """Pinball loss: mean(max(q·e, (q - 1)·e)), e = y - y_pred."""
        return np.average(
            np.maximum(q * (y - y_pred), (q - 1) * (y - y_pred)), axis=0, weights=sample_weight
        )[0]

    try:
        assert pinball.settings == {"q": 0.5}
        found = METRICS.find("pinball(q=0.9)")([1, 2, 3], [2, 2, 1], sample_weight=[1, 1, 2])
        assert found == pytest.approx((0.1 + 0 + 2 * 1.8) / 4)
        assert str(METRICS.find("pinball(q=0.9)")) == "pinball(q=0.9)"
    finally:
        METRICS.remove("pinball")


def test_a_function_gets_what_it_names_and_needs() -> None:
    seen: dict[str, Any] = {}

    @metric(better="higher", needs="scores")
    def spy(y, y_pred, *, task, threshold):  # type: ignore[no-untyped-def]
        seen.update(y=y, y_pred=y_pred, task=task, threshold=threshold)
        return 1

    try:
        assert spy.tasks == ("binary", "multiclass", "multilabel")
        assert spy([-1, 1], [0.5, 2], task="binary") == 1.0
        assert (seen["task"], seen["threshold"]) == ("binary", 0.0)
        np.testing.assert_array_equal(seen["y"], [[True, False], [False, True]])
        np.testing.assert_array_equal(seen["y_pred"], [[-0.5, 0.5], [-2, 2]])
        with pytest.raises(ArgumentError, match="'spy': its function takes no sample_weight"):
            spy([0, 1], [0, 1], sample_weight=[1, 2])
    finally:
        METRICS.remove("spy")


def test_wrong_functions_are_refused_when_they_are_registered() -> None:
    def one(y): ...  # type: ignore[no-untyped-def]

    def three(y, y_pred, other): ...  # type: ignore[no-untyped-def]

    for function in (one, three):
        with pytest.raises(ArgumentError, match=rf"'{function.__name__}' must take \(y, y_pred\)"):
            metric(better="lower")(function)
    with pytest.raises(ArgumentError, match="with a name"):
        metric(better="lower")(lambda y, y_pred: 0)
    with pytest.raises(ArgumentError, match="better='low'"):
        metric(better="low")  # type: ignore[arg-type]
    assert METRICS.names() == BUILT_IN


def test_a_function_must_return_one_number() -> None:
    @metric(better="lower")
    def rows(y, y_pred):  # type: ignore[no-untyped-def]
        return (y - y_pred)[:, 0]

    try:
        with pytest.raises(ArgumentError, match="'rows': its function must return one number"):
            rows([1, 2], [1, 2])
    finally:
        METRICS.remove("rows")
