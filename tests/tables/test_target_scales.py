"""Targets in logarithms: when they are tried, what is kept, and the way back."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid.errors import ArgumentError, DataError, TableError
from pellucid.tables.fit import fit_table
from pellucid.tables.reading import read_table
from pellucid.tables.target_encoding import TargetEncoding
from pellucid.tables.target_scales import is_skewed, smearing
from pellucid.tables.targets import read_target

rng = np.random.default_rng(1)
X = rng.uniform(-1, 1, 400)
PRICES = np.exp(3 * X + 8)
NOISY = PRICES * np.exp(rng.normal(0, 0.3, 400))
QUICK: dict[str, Any] = {"hidden": (), "epochs": 40, "learning_rate": 0.05}


def rmse(y: Any, y_pred: Any) -> float:
    return float(np.sqrt(np.mean((np.asarray(y) - np.asarray(y_pred)) ** 2)))


def test_what_grows_by_factors_is_modelled_in_logarithms_and_both_errors_are_said() -> None:
    table = {"x": X, "price": PRICES}
    model = fit_table(table, "price", **QUICK)
    assert model.target.scales == ("log",)
    linear = fit_table(table, "price", target_scale="linear", **QUICK)
    assert linear.target.scales == ("linear",)
    ours, theirs = (m.evidence.scores["network"]["rmse"] for m in (model, linear))
    assert ours < theirs / 2
    (note,) = [n for n in model.notes if n.startswith("Modelled in logarithms")]
    assert note == (
        f"Modelled in logarithms, as 'price' is skewed: rmse {ours:.4g} against {theirs:.4g} as it is, on "
        "the validation rows."
    )
    assert rmse(PRICES, model.predict(table)) == pytest.approx(model.evaluate(table)["rmse"])
    # The straight line may use logarithms too, so it is no easy prey.
    assert model.evidence.scores["straight line"]["rmse"] < theirs / 2


def test_what_is_skewed_but_a_sum_stays_as_it_is() -> None:
    x = rng.exponential(size=300)
    model = fit_table({"x": x, "y": 5 * x + 0.1}, "y", normalisation="none", **QUICK)
    assert model.target.scales == ("linear",)
    (note,) = [n for n in model.notes if "skewed" in n]
    assert note.startswith("'y' is skewed, but modelled as it is: rmse ")
    assert note.endswith(" in logarithms, on the validation rows.")


def test_a_straight_line_chooses_the_scale_of_the_fast_network(monkeypatch: pytest.MonkeyPatch) -> None:
    fits: list[int] = []
    fit = pellucid.Network.fit

    def counted(net: pellucid.Network, *args: Any, **options: Any) -> Any:
        fits.append(len(net.layers))
        return fit(net, *args, **options)

    monkeypatch.setattr(pellucid.Network, "fit", counted)
    model = fit_table({"x": X, "price": PRICES}, "price", preset="fast")
    assert model.target.scales == ("log",)
    (note,) = [n for n in model.notes if n.startswith("Modelled in logarithms")]
    assert note.endswith(" as it is, on the validation rows, for a straight line.")
    assert len(fits) == 1  # one network, in one scale; the lines are solved for


@pytest.mark.parametrize(
    ("y", "options"),
    [
        (np.linspace(1, 2, 400), {}),  # not skewed
        (PRICES - 10_000, {}),  # negative numbers
        (PRICES, {"validation": 0}),  # nothing to compare on
        (PRICES, {"target_scale": "linear"}),
    ],
)
def test_logarithms_are_not_tried(y: Any, options: dict[str, Any]) -> None:
    model = fit_table({"x": X, "y": y}, "y", hidden=[2], epochs=1, **options)
    assert model.target.scales == ("linear",)
    assert "skewed" not in model.report()


def test_a_checkpoint_holds_one_network(tmp_path: Any) -> None:
    model = fit_table({"x": X, "y": PRICES}, "y", hidden=[2], epochs=1, checkpoint=tmp_path / "c")
    assert model.target.scales == ("linear",)
    assert any(
        "not tried, as a checkpoint holds one network: pass target_scale='log'" in n for n in model.notes
    )


def test_a_time_limit_is_for_both_networks_together() -> None:
    model = fit_table({"x": X, "y": PRICES}, "y", hidden=[2], epochs=10**6, patience=None, time_limit=0.1)
    assert "the time limit of 0.05 s was over" in model.history.reason
    assert any(n.endswith(", on the validation rows, each with half of the time limit.") for n in model.notes)


def test_nothing_else_is_tried_after_an_interrupt() -> None:
    model = fit_table(
        {"x": X, "y": PRICES},
        "y",
        hidden=[2],
        epochs=5,
        callbacks=[lambda net, record: os.kill(os.getpid(), signal.SIGINT)],
    )
    assert model.history.stopped_by == "ctrl-c"
    assert model.target.scales == ("linear",)
    assert "'y' is skewed, but logarithms were not tried, as training was interrupted." in model.notes


def test_one_plus_y_where_some_are_zero_and_nothing_below_zero_comes_back() -> None:
    counts = np.maximum(np.round(np.exp(3 * X)) - 1, 0)
    model = fit_table({"x": X, "n": counts}, "n", task="regression", target_scale="log", **QUICK)
    assert model.target.scales == ("log1p",)
    assert model.predict({"x": [-50.0, -1.0, 0.0]}).min() >= 0
    assert rmse(counts, model.predict({"x": X, "n": counts})) < 0.65 * counts.std()


def test_several_targets_have_a_logarithm_each() -> None:
    table = {"x": X, "a": PRICES, "b": np.where(X > 0, PRICES, 0.0)}
    model = fit_table(table, ["a", "b"], target_scale="log", hidden=[2], epochs=1)
    assert model.target.scales == ("log", "log1p")
    assert np.isfinite(model.predict(table)).all()
    assert fit_table(table, ["a", "b"], hidden=[2], epochs=1).target.scales == ("linear", "linear")


def test_the_way_back_is_the_inverse_and_the_factor_multiplies_the_logarithms_argument() -> None:
    y = np.array([[1.0, 0.0], [10.0, 3.0], [1e4, 800.0]])
    target = read_target(read_table({"a": y[:, 0], "b": y[:, 1]}), ["a", "b"])
    encoding = TargetEncoding.fit(target, scales=("log", "log1p"))
    z = encoding.encode(y)
    logs = np.column_stack([np.log(y[:, 0]), np.log(1 + y[:, 1])])
    np.testing.assert_allclose(z, (logs - logs.mean(axis=0)) / logs.std(axis=0), rtol=1e-6)
    np.testing.assert_allclose(encoding.decode(z), y, rtol=1e-5, atol=1e-6)
    document = json.loads(json.dumps(encoding.to_dict() | {"factors": [2.0, 2.0]}))
    doubled = TargetEncoding.from_dict(document)
    np.testing.assert_allclose(doubled.decode(z), np.column_stack([2 * y[:, 0], 2 * y[:, 1] + 1]), rtol=1e-5)
    assert np.isfinite(doubled.decode(np.full((1, 2), 1e30, np.float32))).all()
    assert (doubled.decode(np.full((1, 2), -1e30, np.float32)) == 0).all()


def test_duans_factor_makes_a_mean_of_a_median() -> None:
    sigma = 0.8
    residuals = np.random.default_rng(0).normal(0, sigma, 200_000)
    assert smearing(residuals) == pytest.approx(np.exp(sigma**2 / 2), rel=0.01)  # of a normal distribution


def test_the_factor_is_kept_where_it_lowers_the_error() -> None:
    model = fit_table({"x": X, "y": NOISY}, "y", target_scale="log", **QUICK)
    said = [n for n in model.notes if "Duan" in n]
    assert (model.target.factors[0] != 1) == bool(said)
    if said:
        assert f"multiplied by {model.target.factors[0]:.3g}" in said[0]
        assert f"rmse {model.evidence.scores['network']['rmse']:.4g} against" in said[0]
    # exp(0.3²/2) = 1.046 for normal residuals; 1 where that would not help.
    assert 1 <= model.target.factors[0] < 1.15


def test_a_model_in_logarithms_is_saved_and_read(tmp_path: Any) -> None:
    model = fit_table({"x": X, "y": NOISY}, "y", target_scale="log", **QUICK)
    model.save(tmp_path / "m")
    again = pellucid.load(tmp_path / "m")
    assert again.target == model.target
    np.testing.assert_array_equal(again.predict({"x": X}), model.predict({"x": X}))


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([1.0] * 50, False),
        (list(range(50)), False),
        ([1.0] * 49 + [9.0], True),
        ([1.0] * 49 + [1.9], False),  # as skewed, but logarithms would make no difference
        ([1.0, 9.0], False),
    ],
)
def test_skewness(y: list[float], expected: bool) -> None:
    assert is_skewed(np.array(y)) == expected


@pytest.mark.parametrize(
    ("table", "options", "error", "message"),
    [
        ({"y": ["a", "b"] * 20}, {"target_scale": "log"}, ArgumentError, "'y' is predicted as classes"),
        (
            {"y": [*PRICES[:39], -3.0]},
            {"target_scale": "log"},
            TableError,
            "column 'y', row 39 (counted from 0): found -3, but negative numbers have no logarithm",
        ),
        ({"y": PRICES[:40]}, {"target_scale": "logs"}, ArgumentError, "Did you mean 'log'?"),
        ({"y": PRICES[:40]}, {"time_limit": "soon"}, ArgumentError, "time_limit must be a finite number"),
        ({"y": [5.0] * 40}, {"target_scale": "log"}, DataError, "is 5 in every row"),
    ],
)
def test_wrong_calls(
    table: dict[str, Any], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        fit_table({"x": X[:40], **table}, "y", hidden=[2], epochs=1, **options)
    assert message in str(caught.value)
