"""pellucid's own estimators: what a table's model gives, by scikit-learn's interface."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pellucid
from pellucid import Dense, Dropout, Residual
from pellucid.estimators import NetworkClassifier, NetworkRegressor

RNG = np.random.default_rng(0)
N = 300
MASS = RNG.uniform(1, 9, N)
FRAME = pd.DataFrame(
    {
        "mass": np.where(RNG.uniform(size=N) < 0.1, np.nan, MASS),
        "colour": pd.Series(RNG.choice(["red", "blue", None], N), dtype="category"),
        "born": pd.date_range("2020-01-01", periods=N).strftime("%Y-%m-%d"),
    }
)
KIND = np.where((MASS > 5) ^ (FRAME["colour"] == "red"), "cat", "dog")
SIZE = MASS * 3 + (FRAME["colour"] == "red") * 5
X, Y = load_iris(return_X_y=True)
QUICK: dict[str, Any] = {"hidden": (16,), "epochs": 40, "learning_rate": 0.02, "random_state": 0}


@pytest.mark.parametrize("library", [pd, pl])
def test_a_data_frame_with_categories_dates_and_gaps(library: Any) -> None:
    frame = FRAME if library is pd else pl.from_pandas(FRAME)
    classifier = NetworkClassifier(**QUICK).fit(frame, KIND)
    assert classifier.score(frame, KIND) > 0.8
    assert classifier.feature_names_in_.tolist() == ["mass", "colour", "born"]
    assert classifier.classes_.tolist() == ["cat", "dog"]
    proba = classifier.predict_proba(frame)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(classifier.predict(frame), classifier.classes_[proba.argmax(axis=1)])
    np.testing.assert_allclose(classifier.predict_log_proba(frame), np.log(proba))
    assert NetworkRegressor(**QUICK).fit(frame, SIZE).score(frame, SIZE) > 0.7


def test_it_is_the_model_that_fit_table_makes() -> None:
    own = NetworkRegressor(**QUICK).fit(FRAME, SIZE.rename("size"))
    options = {k: v for k, v in QUICK.items() if k != "random_state"}
    same = pellucid.fit_table(FRAME.assign(size=SIZE), "size", task="regression", seed=0, **options)
    np.testing.assert_array_equal(own.predict(FRAME), same.predict(FRAME))
    assert own.evidence_ == same.evidence
    assert own.n_iter_ == len(own.history_) == len(same.history)
    assert own.network_ is own.model_.network


@pytest.mark.parametrize(
    "labels",
    [[3, 1, 2], ["NA", "", "x"], ["b ", "b", "a"], [True, False, True], [2.5, 1.0, 10.0], ["10", "9", "1"]],
    ids=str,
)
def test_classes_come_back_as_they_were(labels: list[Any]) -> None:
    y = np.array(labels)[Y]
    if y.dtype.kind == "f":
        y = y.astype(object).astype(str)
    classifier = NetworkClassifier(**QUICK).fit(X, y)
    np.testing.assert_array_equal(classifier.classes_, np.unique(y))
    assert classifier.predict(X).dtype == y.dtype
    assert classifier.score(X, y) > 0.9
    assert classifier.importance(X, y, rows=5)
    assert classifier.health(X, y, seconds=0.1)


def test_several_targets_have_their_names() -> None:
    y = pd.DataFrame({"length": X[:, 2], "width": X[:, 3]})
    regressor = NetworkRegressor(**QUICK).fit(X[:, :2], y)
    assert regressor.predict(X[:, :2]).shape == (150, 2)
    assert regressor.model_.target.names == ("length", "width")
    assert regressor.score(X[:, :2], y) > 0.6


def test_a_target_may_be_called_as_a_column() -> None:
    y = FRAME["mass"].fillna(0)
    regressor = NetworkRegressor(**QUICK).fit(FRAME, y)
    assert regressor.model_.target.names == ("mass_",)


def test_layers_of_one_s_own() -> None:
    layers = [Dense(8, "tanh", name="first"), Residual(Dense(8, "relu"), Dropout(0.1)), Dense(4, "relu")]
    classifier = NetworkClassifier(**QUICK | {"hidden": layers}).fit(X, Y)
    assert {"first", "residual_1"} <= {layer.name for layer in classifier.network_.layers}
    assert classifier.score(X, Y) > 0.9
    assert clone(classifier).hidden[0].name == "first"
    straight = NetworkClassifier(**QUICK | {"hidden": ()}).fit(X, Y)
    assert len(straight.network_.layers) == 2


def test_explanations() -> None:
    classifier = NetworkClassifier(**QUICK).fit(FRAME, KIND)
    told = str(classifier.explain(FRAME, 3))
    assert told.startswith("Row 4, row 3 (counted from 0)")
    assert {"mass", "colour", "born"} <= set(told.split())
    assert set(classifier.importance(FRAME, KIND).columns) == set(FRAME.columns)
    assert classifier.health(FRAME, KIND, seconds=0.1).findings is not None


def test_rows_that_weigh_nothing_are_not_there() -> None:
    weights = (Y < 2).astype(float)
    one = NetworkClassifier(**QUICK).fit(X, Y, sample_weight=weights)
    shifted = X.copy()
    shifted[Y == 2] += 100
    other = NetworkClassifier(**QUICK).fit(shifted, Y, sample_weight=weights)
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert set(one.predict(X)) == {0, 1}


def test_weights_of_classes_are_by_their_names() -> None:
    few = NetworkClassifier(**QUICK, class_weight={"dog": 50.0}).fit(FRAME, KIND)
    assert (few.predict(FRAME) == "dog").mean() > (
        NetworkClassifier(**QUICK).fit(FRAME, KIND).predict(FRAME) == "dog"
    ).mean()
    with pytest.raises(ValueError, match="there is no class 'bird'"):
        NetworkClassifier(**QUICK, class_weight={"bird": 1.0}).fit(FRAME, KIND)


def test_answers_are_those_for_the_metric() -> None:
    rare = np.where(X[:, 0] > np.quantile(X[:, 0], 0.9), "yes", "no")
    noisy = X + np.random.default_rng(5).normal(size=X.shape) * X.std(axis=0)
    classifier = NetworkClassifier(**QUICK, metric="f1").fit(noisy, rare)
    decision = classifier.model_.decision
    assert decision is not None
    p = classifier.predict_proba(noisy)
    np.testing.assert_array_equal(classifier.predict(noisy) == "yes", p[:, 1] > decision.numbers[0])
    usual = NetworkClassifier(**QUICK).fit(noisy, rare)
    np.testing.assert_array_equal(usual.predict_proba(noisy), p)
    with pytest.raises(ValueError, match="metric must be one of"):
        NetworkClassifier(**QUICK, metric="f3").fit(noisy, rare)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NetworkClassifier().fit(X[:1], Y[:1]), "n_samples=1"),
        (lambda: NetworkClassifier().fit(X[:40], Y[:40]), "only one class"),
        (lambda: NetworkClassifier().fit(X, X[:, 0]), "Unknown label type"),
        (lambda: NetworkClassifier().fit(X[:3], np.array(["a", "b", np.nan], object)), "contains NaN"),
        (lambda: NetworkClassifier().fit(X[:3], [0.0, 1.0, np.nan]), "contains NaN"),
        (lambda: NetworkClassifier().fit(X, Y, sample_weight=-np.ones(len(X))), "Negative values in data"),
        (lambda: NetworkRegressor().fit(X, None), "requires y to be passed"),
        (lambda: NetworkRegressor().fit(X, Y[:9]), "inconsistent numbers of samples"),
        (lambda: NetworkRegressor(hidden=-3).fit(X, Y), "hidden must be a whole number"),
        (lambda: NetworkRegressor(epochs=0).fit(X, Y), "epochs must be a whole number"),
        (
            lambda: NetworkRegressor(**QUICK).fit(FRAME, SIZE).predict(FRAME[["born", "mass", "colour"]]),
            "order",
        ),
        (lambda: NetworkRegressor().fit(pd.concat([FRAME, FRAME], axis=1), SIZE), "more than one column"),
    ],
)
def test_wrong_calls_end_in_a_sentence(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# Among scikit-learn's other tools


@pytest.mark.parametrize("kind", [NetworkClassifier, NetworkRegressor])
def test_clones_and_pickles(kind: Any) -> None:
    net = kind(**QUICK).fit(FRAME, KIND if kind is NetworkClassifier else SIZE)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict(FRAME), net.predict(FRAME))
    assert clone(net).get_params() == net.get_params()
    assert not hasattr(clone(net), "model_")


def test_searches() -> None:
    grid = {"hidden": [(), (16,)], "learning_rate": [1e-4, 0.02]}
    found = [
        search(NetworkClassifier(**QUICK), grid, cv=3, **more).fit(X, Y)
        for search, more in (
            (GridSearchCV, {}),
            (HalvingGridSearchCV, {"random_state": 0, "min_resources": 60}),
        )
    ]
    for search in found:
        assert search.best_params_["learning_rate"] == 0.02
        assert search.best_score_ > 0.85


def test_two_processes_have_the_scores_of_one() -> None:
    scores = [
        cross_validate(NetworkClassifier(**QUICK, n_jobs=1), FRAME, KIND, cv=2, n_jobs=n)["test_score"]
        for n in (1, 2)
    ]
    np.testing.assert_array_equal(*scores)


def test_in_pipelines_and_with_names_of_outputs() -> None:
    numbers = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    scaled = make_column_transformer((StandardScaler(), ["a", "b"]), remainder="passthrough")
    pipe = make_pipeline(scaled, NetworkClassifier(**QUICK)).set_output(transform="pandas").fit(numbers, Y)
    assert pipe[-1].feature_names_in_.tolist() == [
        "standardscaler__a", "standardscaler__b", "remainder__c", "remainder__d",
    ]  # fmt: skip
    assert pipe.score(numbers, Y) > 0.9
    doubled = TransformedTargetRegressor(NetworkRegressor(**QUICK), func=np.log1p, inverse_func=np.expm1)
    assert doubled.fit(FRAME, SIZE).score(FRAME, SIZE) > 0.7


def test_weights_are_routed() -> None:
    weights = np.where(KIND == "dog", 50.0, 1.0)
    with config_context(enable_metadata_routing=True):
        net = (
            NetworkClassifier(**QUICK)
            .set_fit_request(sample_weight=True)
            .set_score_request(sample_weight=True)
        )
        routed = cross_validate(net, FRAME, KIND, cv=2, params={"sample_weight": weights})["test_score"]
    plain = cross_validate(NetworkClassifier(**QUICK), FRAME, KIND, cv=2)["test_score"]
    assert (routed != plain).all()


@pytest.mark.parametrize("wrap", [lambda net: net, make_pipeline])
def test_warnings_are_of_the_user_s_line(wrap: Any) -> None:
    X = pd.DataFrame({"hair": ["red", "dark"] * 20, "age": np.arange(40.0)})
    net = wrap(NetworkClassifier(hidden=(2,), epochs=1)).fit(X, ["yes", "no"] * 20)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.predict(pd.DataFrame({"hair": ["blue"], "age": [1.0]}))
    assert [(w.category, w.filename) for w in caught] == [(pellucid.PellucidWarning, __file__)]


def test_beside_another_classifier() -> None:
    own = cross_val_predict(NetworkClassifier(**QUICK), X, Y, method="predict_proba", cv=3)
    other = cross_val_predict(LogisticRegression(max_iter=1000), X, Y, method="predict_proba", cv=3)
    assert own.shape == other.shape
    assert (own.argmax(axis=1) == Y).mean() > 0.9


@pytest.mark.parametrize("kind", [NetworkClassifier, NetworkRegressor])
@pytest.mark.parametrize("weights", [None, np.arange(N) % 3])
def test_other_rows_validate(kind: Any, weights: Any) -> None:
    y = KIND if kind is NetworkClassifier else SIZE.to_numpy()
    net = kind(**QUICK).fit(FRAME, y, weights, validation_data=(FRAME[:50], y[:50]))
    assert net.evidence_.n_rows == 50
    best = net.history_["validation_loss"][net.history_.best_epoch - 1]
    if kind is NetworkClassifier:
        own = -np.log(net.predict_proba(FRAME[:50])[np.arange(50), (y[:50] == "dog").astype(int)])
        assert best == pytest.approx(own.mean(), rel=1e-4)
        with pytest.raises(ValueError, match=r"`y` has classes not in"):
            net.fit(FRAME, y, validation_data=(FRAME[:2], ["owl", "cat"]))
    else:
        assert net.evidence_.scores["network"]["rmse"] == pytest.approx(
            np.sqrt(np.mean((net.predict(FRAME[:50]) - y[:50]) ** 2)), rel=1e-5
        )
    with pytest.raises(ValueError, match=r"validation_data must be a pair"):
        net.fit(FRAME, y, validation_data=FRAME)


def test_other_rows_of_arrays_validate() -> None:
    net = NetworkClassifier(**QUICK).fit(X[::2], Y[::2], validation_data=(X[1::2], Y[1::2]))
    assert net.evidence_.n_rows == 75
    assert net.score(X[1::2], Y[1::2]) == pytest.approx(net.evidence_.scores["network"]["accuracy"])


def test_a_preset_is_passed_on() -> None:
    fast = NetworkClassifier(preset="fast", random_state=0).fit(X, Y)
    assert fast.score(X, Y) > 0.9
    with pytest.raises(ValueError, match="preset must be"):
        NetworkClassifier(preset="slow").fit(X, Y)


def test_intervals_are_those_of_the_model() -> None:
    rng = np.random.default_rng(8)
    x = rng.uniform(-1, 1, (1500, 2))
    y = x[:, 0] + 0.3 * rng.normal(size=1500)
    regressor = NetworkRegressor(preset="fast", random_state=0).fit(x[:500], y[:500])
    found = regressor.predict(x[500:], interval=0.9)
    assert found.shape == (1000, 3)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found[:, 1], regressor.predict(x[500:]))
    table = {f"x{i}": column for i, column in enumerate(x[500:].T)}
    np.testing.assert_array_equal(found, regressor.model_.predict(table, interval=0.9))
    inside = (found[:, 0] <= y[500:]) & (y[500:] <= found[:, 2])
    assert inside.mean() == pytest.approx(0.9, abs=0.06)
    both = NetworkRegressor(**QUICK).fit(x[:500], np.column_stack([y, -y])[:500])
    assert both.predict(x[500:], interval=0.5).shape == (1000, 2, 3)
    piped = make_pipeline(StandardScaler(), NetworkRegressor(**QUICK)).fit(x[:500], y[:500])
    assert piped.predict(x[500:], interval=0.8).shape == (1000, 3)
    with pytest.raises(pellucid.PellucidError, match="interval must be"):
        regressor.predict(x, interval=90)
