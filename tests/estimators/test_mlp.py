"""What scikit-learn documents of its perceptrons: going on, sparse rows, warnings and errors, pickles."""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import warnings
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pellucid.estimators import MLPClassifier, MLPRegressor
from pellucid.estimators.arrays import distinct
from pellucid.network import Network
from pellucid.training.history import History

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@BOTH
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fits_are_the_epochs_of_a_fit(kind: Any, solver: str) -> None:
    """To the bit, with shuffling, in batches."""
    settings: dict[str, Any] = {"solver": solver, "random_state": 1, "batch_size": 40, "tol": 0}
    whole = kind(max_iter=20, **settings).fit(X, Y)
    parts = kind(**settings)
    for _ in range(20):
        parts.partial_fit(X, Y, **({"classes": [0, 1, 2]} if kind is MLPClassifier else {}))
    assert parts.n_iter_ == 1
    assert parts.t_ == whole.t_ == 20 * 150
    assert parts.loss_curve_ == whole.loss_curve_
    for a, b in zip(parts.coefs_ + parts.intercepts_, whole.coefs_ + whole.intercepts_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_partial_fits_keep_an_adaptive_and_a_scaled_learning_rate() -> None:
    for rule, wanted in (("adaptive", 0.5 / 5), ("invscaling", 0.5 / (5 * 150 + 1) ** 0.5)):
        net = MLPClassifier(
            solver="sgd",
            learning_rate=rule,
            learning_rate_init=0.5,
            tol=1e9,
            n_iter_no_change=3,
            random_state=0,
        )
        for _ in range(5):
            net.partial_fit(X, Y, classes=[0, 1, 2])
        assert net._optimizer.learning_rate == pytest.approx(wanted)


@BOTH
def test_a_warm_start_goes_on_with_the_weights_and_the_record(kind: Any) -> None:
    net = kind(max_iter=5, warm_start=True, random_state=0).fit(X, Y)
    first = net.loss_curve_[-1]
    net.fit(X, Y)
    assert len(net.loss_curve_) == 10
    assert net.n_iter_ == 5
    assert net.loss_curve_[5] < first
    assert len(kind(max_iter=5, random_state=0).fit(X, Y).fit(X, Y).loss_curve_) == 5


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_array])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_rows_are_rows(form: Any, solver: str) -> None:
    thin = np.where(np.abs(X) > 0.5, X, 0)
    dense = MLPClassifier(solver=solver, max_iter=30, random_state=0).fit(thin, Y)
    same = MLPClassifier(solver=solver, max_iter=30, random_state=0).fit(form(thin), Y)
    np.testing.assert_array_equal(same.coefs_[0], dense.coefs_[0])
    np.testing.assert_array_equal(same.predict_proba(form(thin)), dense.predict_proba(thin))


def test_many_sparse_rows_are_answered_in_blocks() -> None:
    net = MLPRegressor(max_iter=3, random_state=0).fit(X, Y)
    many = np.tile(X, (60, 1))
    np.testing.assert_array_equal(net.predict(sparse.csr_array(many)), net.predict(many))


def test_weights_that_are_set_answer() -> None:
    net = MLPClassifier(hidden_layer_sizes=(), max_iter=5, random_state=0).fit(X, Y)
    net.coefs_ = [np.zeros((4, 3))]
    net.intercepts_[0][:] = [0.0, 1.0, 2.0]
    e = np.exp([0, 1, 2])
    np.testing.assert_allclose(net.predict_proba(X[:2]), [e / e.sum()] * 2, rtol=1e-6)
    net.partial_fit(X, Y)
    assert np.abs(net.coefs_[0]).max() < 0.1


def test_probabilities_near_1_keep_their_distance() -> None:
    net = MLPClassifier(hidden_layer_sizes=(), max_iter=5, random_state=0).fit(X, Y > 0)
    net.coefs_, net.intercepts_ = [np.array([[40.0], [0], [0], [0]])], [np.zeros(1)]
    rows = np.array([[1.0, 0, 0, 0], [-1.0, 0, 0, 0]])
    assert net.predict_proba(rows)[1, 1] == pytest.approx(np.exp(-40), rel=1e-5)
    assert net.predict_log_proba(rows)[1, 1] == pytest.approx(-40, rel=1e-6)


@BOTH
def test_what_it_computes_with_is_of_the_type_of_x(kind: Any) -> None:
    for dtype in (np.float32, np.float64):
        net = kind(max_iter=3, random_state=0).fit(X.astype(dtype), Y)
        assert {a.dtype for a in net.coefs_ + net.intercepts_} == {np.dtype(dtype)}
        answer = net.predict_proba(X.astype(dtype)) if kind is MLPClassifier else net.predict(X.astype(dtype))
        assert answer.dtype == dtype


def test_rows_that_are_the_same_are_one_that_weighs_more() -> None:
    rng = np.random.default_rng(0)
    few, y = rng.standard_normal((9, 3)).astype(np.float32), rng.integers(0, 2, 9)
    weights = np.array([0, 1, 2, 3, 1, 1, 2, 0, 4])
    many = np.repeat(np.arange(9), weights)[rng.permutation(14)]
    for one, other in zip(distinct(few, y, weights), distinct(few[many], y[many], None), strict=True):
        np.testing.assert_array_equal(one, other)
    one = MLPClassifier(max_iter=50, random_state=0).fit(few, y, weights)
    other = MLPClassifier(max_iter=50, random_state=0).fit(few[many], y[many])
    np.testing.assert_array_equal(one.predict_proba(few), other.predict_proba(few))


# Warnings and errors, in scikit-learn's words

CALLS: dict[str, tuple[type[Any], dict[str, Any], Any, Any]] = {
    "alpha": (MLPClassifier, {"alpha": -1}, X, Y),
    "activation": (MLPRegressor, {"activation": "elu"}, X, Y),
    "solver": (MLPClassifier, {"solver": "newton"}, X, Y),
    "loss": (MLPRegressor, {"loss": "mae"}, X, Y),
    "hidden_layer_sizes": (MLPClassifier, {"hidden_layer_sizes": (3, -1)}, X, Y),
    "half a neuron": (MLPClassifier, {"hidden_layer_sizes": (3.5,)}, X, Y),
    "too few to validate": (MLPRegressor, {"early_stopping": True}, X[:2], Y[:2]),
    "alone in its class": (MLPClassifier, {"early_stopping": True}, X[:4], [0, 0, 0, 1]),
    "numbers as classes": (MLPClassifier, {}, X, X[:, 0]),
    "several classes a row": (MLPClassifier, {}, X, np.column_stack([Y, Y])),
    "too large": (MLPRegressor, {}, X * 1e307, Y),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("call", CALLS)
def test_errors_have_the_words_of_scikit_learn(call: str) -> None:
    kind, settings, X, y = CALLS[call]
    messages: list[list[str]] = []
    for each in (getattr(neural_network, kind.__name__), kind):
        estimator = each(random_state=0, **settings)
        with pytest.raises((ValueError, TypeError)) as error:  # the messages are compared
            estimator.fit(X, y)
        messages.append(sorted(re.findall(r"[^\s,{}]+", str(error.value))))  # sets of words have no order
    assert messages[1] == messages[0]


WARNINGS: dict[str, dict[str, Any]] = {
    "iterations": {"max_iter": 3},
    "batch": {"batch_size": 1000, "max_iter": 3},
    "lbfgs": {"solver": "lbfgs", "max_iter": 2, "tol": 0},
    "evaluations of lbfgs": {"solver": "lbfgs", "max_fun": 4, "tol": 0},
}


@BOTH
@pytest.mark.parametrize("name", WARNINGS)
def test_warnings_have_the_words_of_scikit_learn(kind: Any, name: str) -> None:
    said = []
    for each in (getattr(neural_network, kind.__name__), kind):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            each(random_state=0, **WARNINGS[name]).fit(X, Y)
        said.append([(w.category, re.sub(r"after \d+", "after", str(w.message))) for w in caught])
        assert all(w.filename == __file__ for w in caught) or each.__module__.startswith("sklearn")
    assert said[1] == said[0]


def test_the_words_of_a_verbose_fit(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    settings: dict[str, Any] = {"solver": "sgd", "learning_rate": "adaptive", "early_stopping": True}
    for kind in (neural_network.MLPClassifier, MLPClassifier):
        kind(verbose=True, max_iter=60, shuffle=False, tol=0.1, random_state=0, **settings).fit(X, Y)
        said.append([re.sub(r"\d+\.\d+$", "", line) for line in capsys.readouterr().out.splitlines()])
    assert said[0] == said[1]


def test_classes_have_to_be_those_of_the_last_fit() -> None:
    net = MLPClassifier(warm_start=True, max_iter=2).fit(X, Y)
    with pytest.raises(ValueError, match=r"the same classes as in the previous call to fit. Previously got"):
        net.fit(X, Y + 1)
    net = MLPClassifier().partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"`y` has classes not in `self.classes_`"):
        net.partial_fit(X, Y + 1)
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        MLPClassifier(early_stopping=True).partial_fit(X, Y, classes=[0, 1, 2])
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
    with pytest.raises(NotFittedError):
        MLPClassifier().predict(X)


def test_a_fit_that_goes_on_keeps_its_layers() -> None:
    net = MLPClassifier(hidden_layer_sizes=(5,), warm_start=True, max_iter=2).fit(X, Y)
    with pytest.raises(
        ValueError, match=r"the layers of the last one, \[4, 5, 3\], but \[4, 6, 3\] are asked"
    ):
        net.set_params(hidden_layer_sizes=(6,)).fit(X, Y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_ctrl_c_ends_in_good_order(solver: str) -> None:
    rows, y = make_classification(5000, 50, flip_y=0.3, random_state=0)
    net = MLPClassifier(
        (200, 200),
        solver=solver,
        max_iter=10**6,
        max_fun=10**6,
        tol=0,
        n_iter_no_change=np.inf,
        random_state=0,
    )
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.warns(UserWarning, match="Training interrupted by user."):
        net.fit(rows, y)
    assert net.n_iter_ > 0
    assert np.isfinite(net.predict_proba(rows)).all()


@BOTH
def test_ctrl_c_before_the_first_epoch_is_over(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(stopped_by="ctrl-c")
    monkeypatch.setattr(Network, "fit", lambda *rows, **options: history)
    with pytest.warns(UserWarning, match="Training interrupted by user."):
        net = kind(random_state=0).fit(X, Y)
    assert net.n_iter_ == 0
    assert np.isfinite(net.predict(X)).all()


def test_several_labels_in_a_sparse_matrix() -> None:
    labels = np.column_stack([Y == 0, Y == 1, X[:, 0] > 0]).astype(int)
    net = MLPClassifier(max_iter=200, random_state=0).fit(X, sparse.csr_matrix(labels))
    found = net.predict(X)
    assert sparse.issparse(found)
    assert (found.toarray() == labels).mean() > 0.9


# Among scikit-learn's other tools


@BOTH
def test_a_pickled_one_goes_on_as_the_first_would(kind: Any) -> None:
    net = kind(max_iter=5, random_state=0).fit(X, Y)
    other = pickle.loads(pickle.dumps(net))
    for each in (net, other):
        each.partial_fit(X, Y)
    np.testing.assert_array_equal(net.predict(X), other.predict(X))
    np.testing.assert_array_equal(net.coefs_[0], other.coefs_[0])
    assert not hasattr(clone(net), "coefs_")


def test_a_grid_in_two_processes_has_the_scores_of_one() -> None:
    grid = {"alpha": [1e-4, 10.0]}
    found = []
    for n_jobs in (1, 2):
        search = GridSearchCV(MLPClassifier(max_iter=20, random_state=0), grid, cv=3, n_jobs=n_jobs).fit(X, Y)
        found.append(search.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(found[0], found[1])


def test_in_a_pipeline_with_cross_validation() -> None:
    X, y = make_classification(300, random_state=0)
    pipe = make_pipeline(StandardScaler(), MLPClassifier(max_iter=50, random_state=0))
    assert cross_val_score(pipe, X * 100 + 5, y, cv=3).mean() > 0.8


def test_only_this_package_imports_scikit_learn() -> None:
    code = "import sys, pellucid, pellucid.network, pellucid.tables.fit; print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_without_scikit_learn_one_sentence_says_so() -> None:
    code = "import sys; sys.modules['sklearn'] = None\nimport pellucid.estimators"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        "ImportError: pellucid.estimators needs scikit-learn, which is not installed. Install it: "
        "pip install 'pellucid[sklearn]'."
    )
