"""Weights of rows and classes: in training, in what is chosen, and in the evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import fit_table
from pellucid.errors import PellucidError
from pellucid.tables.evidence import LINE, NETWORK, TRIVIAL, compare
from pellucid.tables.intervals import Errors
from pellucid.tables.prepare import prepare
from pellucid.tables.schema import Schema

RNG = np.random.default_rng(0)
X1, X2 = RNG.uniform(-2, 2, (2, 200))
NAMES = np.where(X1 * X2 + 0.8 * RNG.normal(size=200) > 0.8, "up", "down")
W = RNG.choice([0.5, 1.0, 4.0], 200)
CLASSES = {"x1": X1.tolist(), "x2": X2.tolist(), "y": NAMES.tolist()}
NUMBERS = {**CLASSES, "y": (X1 - X2**2 + RNG.normal(size=200)).tolist()}
SKEWED = {**CLASSES, "y": np.exp(X1 + RNG.normal(size=200)).tolist()}
QUICK: dict[str, Any] = {"hidden": (6,), "epochs": 8}
SEVERAL: dict[str, Any] = {"preset": "default", "hidden": (6,), "epochs": 6, "waves": 0}


@pytest.mark.parametrize("options", [QUICK, SEVERAL])
@pytest.mark.parametrize("table", [CLASSES, NUMBERS])
def test_a_column_an_array_and_rows_left_out_give_the_same_model(
    table: dict[str, list[Any]], options: dict[str, Any]
) -> None:
    weights = W.copy()
    weights[::7] = 0
    some = np.flatnonzero(weights)
    by_array = fit_table(table, "y", sample_weight=weights, **options)
    by_column = fit_table({**table, "w": weights.tolist()}, "y", weight="w", **options)
    left_out = {k: [v[i] for i in some] for k, v in table.items()}
    without = fit_table(left_out, "y", sample_weight=weights[some], **options)
    expected = by_array.network.predict(by_array.encoding.encode(by_array.read(table)))
    for model in (by_column, without):
        np.testing.assert_array_equal(
            model.network.predict(model.encoding.encode(model.read(table))), expected
        )
        assert model.evidence.scores == by_array.evidence.scores
    assert "w" not in {c.name for c in by_column.encoding.columns}
    assert any("29 rows are left out, as the weight is 0" in note for note in by_array.notes)
    assert not any("want of a target" in note for note in by_array.notes)


@pytest.mark.parametrize("options", [QUICK, SEVERAL])
@pytest.mark.parametrize("table", [CLASSES, NUMBERS, SKEWED])
def test_weights_that_are_all_the_same_change_nothing(
    table: dict[str, list[Any]], options: dict[str, Any]
) -> None:
    one, other = fit_table(table, "y", **options), fit_table(table, "y", sample_weight=[3.0] * 200, **options)
    np.testing.assert_allclose(
        one.network.predict(one.encoding.encode(one.read(table))),
        other.network.predict(other.encoding.encode(other.read(table))),
        rtol=1e-3,
        atol=1e-3,
    )
    for name, scores in one.evidence.scores.items():
        assert other.evidence.scores[name] == pytest.approx(scores, rel=1e-3)


def test_the_evidence_is_that_of_the_formulas() -> None:
    model = fit_table(CLASSES, "y", sample_weight=W, **QUICK)
    given = prepare(
        CLASSES,
        "y",
        task=None,
        target_scale="auto",
        validation=0.2,
        group=None,
        time=None,
        seed=0,
        schema=Schema.of(),
        normalisation="robust",
        sample_weight=W,
    )
    y, w = given.target.values, given.weights
    assert w is not None
    np.testing.assert_allclose(w, W / W[given.training].mean())
    held = given.judged
    p = np.asarray(model.network.predict(given.X[held]), np.float64)
    own = p[np.arange(len(held)), y[held]]
    scores = model.evidence.scores
    assert scores[NETWORK]["log_loss"] == pytest.approx(
        -np.sum(w[held] * np.log(own)) / w[held].sum(), rel=1e-5
    )
    right = p.argmax(axis=1) == y[held]
    assert scores[NETWORK]["accuracy"] == pytest.approx(np.sum(w[held] * right) / w[held].sum())
    shares = np.array([w[given.training][y[given.training] == c].sum() for c in (0, 1)])
    shares /= shares.sum()
    trivial = -np.sum(w[held] * np.log(shares[y[held]])) / w[held].sum()
    assert scores[TRIVIAL]["log_loss"] == pytest.approx(trivial, rel=1e-9)


def test_the_mean_and_the_error_of_a_regression_are_weighted() -> None:
    weights = np.where(np.arange(200) < 100, 1.0, 1e-9)
    y = np.where(np.arange(200) < 100, 0.0, 50.0) + RNG.normal(size=200)
    table = {**CLASSES, "y": y.tolist()}
    model = fit_table(table, "y", sample_weight=weights, target_scale="linear", **QUICK)
    assert model.evidence.scores[TRIVIAL]["rmse"] == pytest.approx(1, abs=0.5)
    assert fit_table(table, "y", target_scale="linear", **QUICK).evidence.scores[TRIVIAL]["rmse"] > 20


def test_integer_weights_are_copies_of_rows_to_the_verdict() -> None:
    rng = np.random.default_rng(3)
    y = rng.normal(size=(30, 1))
    outputs = {TRIVIAL: y + 10, LINE: y + 0.5, NETWORK: y + 0.4 * rng.normal(size=(30, 1))}
    w = rng.choice([1.0, 2.0, 3.0], 30)
    copies = np.repeat(np.arange(30), w.astype(int))
    weighted = compare("regression", y, outputs, held_out=True, trivial="mean", unit="y", weights=w)
    copied = compare(
        "regression",
        y[copies],
        {k: v[copies] for k, v in outputs.items()},
        held_out=True,
        trivial="mean",
        unit="y",
    )
    for name, scores in copied.scores.items():
        assert weighted.scores[name] == pytest.approx(scores, rel=1e-9)
    d = ((outputs[LINE] - y) ** 2 - (outputs[NETWORK] - y) ** 2)[:, 0]
    mean = np.average(d, weights=w)
    error = np.sqrt(30 / 29 * np.sum(w**2 * (d - mean) ** 2)) / w.sum()
    assert ("within chance" in weighted.verdict) == (abs(mean / error) < 2)


def test_other_rows_are_judged_by_their_weights() -> None:
    model = fit_table(CLASSES, "y", **QUICK)
    weights = np.where(np.arange(200) < 20, 0.0, W)
    p = np.asarray(model.predict_probabilities(CLASSES), np.float64)
    y = np.array([model.classes.index(c) for c in CLASSES["y"]])
    scores = model.evaluate(CLASSES, [], sample_weight=weights)
    assert scores["n_rows"] == 180
    assert scores["accuracy"] == pytest.approx(np.average(p.argmax(axis=1) == y, weights=weights))
    loss = np.average(-np.log(p[np.arange(200), y]), weights=weights)
    assert scores["log_loss"] == pytest.approx(loss, rel=1e-5)
    assert model.evaluate({**CLASSES, "w": weights}, [], weight="w") == scores
    with pytest.raises(PellucidError, match="no weight column 'v'"):
        model.evaluate(CLASSES, weight="v")


def test_intervals_know_weights() -> None:
    errors = RNG.normal(size=(500, 2))
    same = Errors.of(errors, np.full(500, 0.7))
    assert same == Errors.of(errors)
    weights = np.where(np.arange(500) < 250, 1.0, 0.0)
    assert Errors.of(errors, weights) == Errors.of(errors[:250])
    copies = RNG.choice([1.0, 2.0, 5.0], 500)
    found = Errors.of(errors, copies)
    assert found.n_rows == int(copies.sum() ** 2 / (copies**2).sum())
    many = Errors.of(np.repeat(errors, copies.astype(int), axis=0))
    np.testing.assert_allclose(found.widths(0.8), many.widths(0.8), rtol=0.03)


def test_weights_of_classes_count_through_presets() -> None:
    usual = fit_table(CLASSES, "y", **SEVERAL)
    heavy = fit_table(CLASSES, "y", class_weight={"up": 20.0}, **SEVERAL)
    up = heavy.classes.index("up")
    assert (
        heavy.predict_probabilities(CLASSES)[:, up] > usual.predict_probabilities(CLASSES)[:, up]
    ).mean() > 0.9
    balanced = fit_table(CLASSES, "y", class_weight="balanced", **SEVERAL)
    assert balanced.evidence.scores[TRIVIAL]["log_loss"] == pytest.approx(np.log(2), rel=1e-9)
    scores = balanced.evidence.scores[NETWORK]
    assert scores["accuracy"] == pytest.approx(scores["balanced_accuracy"], rel=1e-9)


def test_a_class_without_weight_is_no_class() -> None:
    table = {**CLASSES, "y": [*NAMES[:-5].tolist(), *["odd"] * 5]}
    model = fit_table(table, "y", sample_weight=[1.0] * 195 + [0.0] * 5, **QUICK)
    assert model.classes == ["down", "up"]


def test_a_parquet_file_of_weights(tmp_path: Path) -> None:
    import polars as pl

    weights = W.copy()
    weights[:5] = 0
    frame = pl.DataFrame({**CLASSES, "w": weights})
    frame.write_parquet(tmp_path / "t.parquet")
    one = fit_table(tmp_path / "t.parquet", "y", weight="w", **QUICK)
    other = fit_table(frame, "y", weight="w", **QUICK)
    np.testing.assert_array_equal(one.predict_probabilities(frame), other.predict_probabilities(frame))


def changed(**values: Any) -> list[Any]:
    weights: list[Any] = W.tolist()
    weights[3] = values["to"]
    return weights


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (changed(to=-1.0), r"column 'w', row 3.*found -1, but a weight must be"),
        (changed(to=None), r"column 'w', row 3.*found no weight"),
        (changed(to=float("inf")), "found inf|expected a number"),
        ([0.0] * 200, "the weights of all rows are 0"),
        (["much"] * 200, "w"),
        ([1.0] + [0.0] * 199, "only one class|one row"),
    ],
)
def test_wrong_weights_of_a_column_end_in_a_sentence(weights: list[Any], said: str) -> None:
    with pytest.raises(PellucidError, match=said) as caught:
        fit_table({**CLASSES, "w": weights}, "y", weight="w", **QUICK)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sample_weight": [1.0] * 199}, "for each of the 200 rows"),
        ({"sample_weight": [-1.0] * 200}, "holds -1 in row 0"),
        ({"sample_weight": [float("nan")] * 200}, "holds nan in row 0"),
        ({"sample_weight": [0] * 200}, "the weights of all rows are 0"),
        ({"sample_weight": "x1"}, "pass weight='x1'"),
        ({"sample_weight": ["a"] * 200}, "must hold numbers"),
        ({"sample_weight": W, "weight": "x1"}, "once"),
        ({"weight": "z"}, "has no weight column 'z'"),
        ({"weight": "y"}, "weight"),
        ({"class_weight": {"sideways": 2}}, "no class 'sideways'"),
        ({"class_weight": {"up": -2}}, "class_weight of"),
        ({"class_weight": "even"}, "'balanced' or a dict"),
        ({"class_weight": {"up": 0, "down": 0}}, "weights of all training rows are 0"),
    ],
)
def test_wrong_weights_end_in_a_sentence(options: dict[str, Any], said: str) -> None:
    with pytest.raises(PellucidError, match=said):
        fit_table(CLASSES, "y", **QUICK, **options)
    if "class_weight" in options:
        with pytest.raises(PellucidError, match="class_weight"):
            fit_table(NUMBERS, "y", **QUICK, **options)
