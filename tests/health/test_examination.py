"""What an examination takes and gives: options, texts, and networks and rows of every kind."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from fits import fitted, smooth
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import (
    Activation,
    BatchNorm,
    Concat,
    Dense,
    Dropout,
    Embedding,
    Frozen,
    Input,
    Network,
    PellucidError,
    Residual,
)
from pellucid.errors import ArgumentError, DataError, ShapeError
from pellucid.health import examine
from pellucid.health.finding import Finding, Health, Trial
from pellucid.health.trials import Trials, changed

X, Y = smooth(120)


def test_findings_are_told_to_people_and_to_programs() -> None:
    trial = Trial("half of it", 0.5, 0.25, True, 30)
    finding = Finding("dead neurons", "hidden_1", "9 of 16.", "It matters.", "half of it.", trial, {"n": 9})
    health = Health([finding], ["dead neurons", "leakage"], 100, 4000)
    assert str(health).splitlines() == [
        "1 finding by 2 checks on 100 of 4,000 rows.",
        "",
        "dead neurons: hidden_1",
        "  measured  9 of 16.",
        "  why       It matters.",
        "  try       half of it.",
        "  tried     half of it, in a short fit on 30 validation rows: loss 0.5 without it, 0.25 with it; "
        "it helped",
    ]
    told = json.loads(json.dumps(health.to_dict()))
    assert told["findings"][0]["helped"] == {
        "change": "half of it",
        "before": 0.5,
        "after": 0.25,
        "helped": True,
        "n_rows": 30,
    }
    assert (told["n_rows"], told["findings"][0]["numbers"]) == (100, {"n": 9})
    assert str(Health([], ["a", "b"], 5, 5)) == "Nothing found by 2 checks on 5 rows."


def test_what_helps_stands_first_and_nothing_is_tried_where_that_is_asked() -> None:
    X, Y = smooth(400)
    net = fitted(Dense(16, "relu", bias_initializer="constant(value=-10)"), Dense(8, "relu"), X=X, y=Y)
    tried = net.health(X, Y).findings
    helped = [bool(f.helped and f.helped.helped) for f in tried]
    assert helped == sorted(helped, reverse=True)
    assert helped[0]
    assert all(f.helped is None for f in net.health(X, Y, try_fixes=False).findings)
    assert all(f.helped is None for f in net.health(X, Y, seconds=1e-9).findings)


def test_a_change_that_changes_nothing_does_not_help() -> None:
    net = fitted(Dense(8, "tanh"), X=X, y=Y, epochs=3)
    trials = Trials(net, X, Y.astype(np.float32)[:, None], None, 10.0)
    trial = trials.of("nothing", layers=list)
    assert trial is not None
    assert trial.before == trial.after
    assert not trial.helped
    assert not set(trials.training) & set(trials.held)
    rows, outputs = trials.cross_fitted() or (None, None)
    assert sorted(rows.tolist()) == list(range(len(X)))  # type: ignore[union-attr]
    assert outputs.shape == (len(X), 1)  # type: ignore[union-attr]


def test_a_trial_is_the_fit_that_it_says() -> None:
    net = fitted(Dense(8, "tanh"), X=X, y=Y, epochs=4, learning_rate=0.01, optimizer="sgd")
    trials = Trials(net, X, Y.astype(np.float32)[:, None], None, 10.0)
    trial = trials.of("x", layers=lambda specs: changed(specs, ["hidden_1"], n_out=3), learning_rate=0.1)
    assert trial is not None
    for width, rate, told in ((8, 0.01, trial.before), (3, 0.1, trial.after)):
        own = Network([Input(4), Dense(width, "tanh"), Dense(1)], seed=0)
        held = (X[trials.held], Y[trials.held])
        options = {"epochs": 4, "optimizer": "sgd", "learning_rate": rate, "validation_data": held}
        own.fit(X[trials.training], Y[trials.training], batch_size=32, train_loss=False, **options)
        error = own.predict(X[trials.held])[:, 0] - Y[trials.held]
        assert told == pytest.approx((error**2).mean(), rel=1e-4)


def test_many_rows_are_looked_at_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examine, "MOST_ROWS", 50)
    y = Y.copy()
    y[:] = np.where(np.arange(120) == 7, 1e4, y)
    health = fitted(Dense(4, "tanh"), X=X, y=y, epochs=3).health(X, y, try_fixes=False)
    assert (health.n_rows, health.n_given) == (50, 120)
    assert str(health).startswith(("Nothing found by 12 checks on 50 of 120", "1 finding", "2 findings"))


def test_curves_that_end_before_the_training_are_not_read() -> None:
    net = fitted(Dense(8, "tanh"), X=X, y=Y, epochs=8, validation_split=0.2)
    net.fit(X, Y, epochs=4, train_loss=False)
    assert (len(net.history["loss"]), len(net.history)) == (8, 12)
    assert net.health(X, Y).n_rows == 120


def wide(*layers: Any, output: str = "linear", n_out: int = 1) -> Network:
    return Network([Input(4), *layers, Dense(n_out, output)], seed=0)


CODES = {"index": 1, "codes": 9, "width": 3, "name": "city"}
KINDS: dict[str, Any] = {
    "untrained": lambda: (wide(Dense(4, "relu")), Y, False),
    "a line": lambda: (wide(), Y, True),
    "binary": lambda: (wide(Dense(4, "relu"), output="sigmoid"), Y > 0, True),
    "names": lambda: (wide(Dense(4), output="softmax", n_out=2), np.where(Y > 0, "yes", "no"), True),
    "several labels": lambda: (wide(Dense(4), output="sigmoid", n_out=3), (X[:, :3] > 0) * 1.0, True),
    "constant": lambda: (wide(Dense(4, "tanh")), np.zeros(120), True),
    "softmax inside": lambda: (wide(Dense(4, "softmax"), Activation("tanh")), Y, True),
    "frozen": lambda: (wide(Frozen(Dense(4, "tanh"), Dense(3, "relu")), Dense(2, "silu")), Y, True),
    "everything": lambda: (
        wide(
            Embedding([CODES]),
            BatchNorm(),
            Dense(6, "relu"),
            Residual(Dropout(0.2), Dense(6, "tanh")),
            Concat([Dense(2, "sigmoid")], [Dense(3, "gelu")]),
        ),
        Y,
        True,
    ),
    "ends in a residual": lambda: (
        Network([Input(4), Dense(1, "tanh"), Residual(Dense(1, "tanh"))], seed=0),
        Y,
        True,
    ),
    "nothing but codes": lambda: (
        Network([Input(4), Embedding([{"index": i, "codes": 3, "width": 1} for i in range(4)])], seed=0),
        X,
        True,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_network_can_be_examined(kind: str) -> None:
    net, y, is_trained = KINDS[kind]()
    if is_trained:
        net.fit(X, y, epochs=3)
    health = net.health(X, y)
    assert json.dumps(health.to_dict())
    assert str(health).count("rows.") >= 1


@pytest.mark.parametrize("loss", ["hinge", "mae", "huber", "quantile"])
def test_any_loss(loss: str) -> None:
    net, y = wide(Dense(4, "tanh")), np.sign(Y) if loss == "hinge" else Y
    net.fit(X, y, epochs=3, loss=loss)
    assert net.health(X, y).n_rows == 120


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(2, 40),
    d=st.integers(1, 4),
    scale=st.sampled_from([0.0, 1e-30, 1.0, 1e15]),
    classes=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_rows_give_an_examination(n: int, d: int, scale: float, classes: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    Z = scale * rng.standard_normal((n, d))
    y = rng.integers(0, 3, n) if classes else scale * rng.standard_normal(n)
    net = Network([Input(d), Dense(3, "tanh"), Dense(3, "softmax") if classes else Dense(1)], seed=seed)
    with np.errstate(all="ignore"):
        net.fit(Z, y, epochs=2)
        try:
            health = net.health(Z, y, seconds=0.5)
        except PellucidError:
            assert scale > 1
            return
    assert json.dumps(health.to_dict())


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda net: net.health(X[:, :3], Y), ShapeError, r"health expects X of shape \(n_samples, 4\)"),
        (lambda net: net.health(X, Y[:5]), ShapeError, "X has 120 rows, but y has 5"),
        (
            lambda net: net.health(X[:1], Y[:1]),
            ShapeError,
            "an examination needs at least 2 rows with targets, but got 1",
        ),
        (lambda net: net.health(X * np.nan, Y), DataError, "health: X holds nan in row 0"),
        (lambda net: net.health(X, Y, rows=[1]), ArgumentError, "rows names 1 rows, but X has 120"),
        (lambda net: net.health(X, Y, seconds=0), ArgumentError, "seconds must be .* above 0"),
        (lambda net: net.health(X, Y, try_fixes=1), ArgumentError, "try_fixes must be True or False"),
        (
            lambda net: net.health(X, Y, columns={"a": [4]}),
            ArgumentError,
            "each input of column 'a' must be .* 0 to 3, but is 4",
        ),
    ],
)
def test_wrong_calls_are_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call(wide(Dense(2)))
