"""Confusion matrix, calibration curve and predicted against true: the numbers are those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from pictures import colliding, texts
from sklearn import metrics
from sklearn.calibration import calibration_curve as reference_curve

from pellucid.errors import DataError, ShapeError
from pellucid.plots.calibration import calibrate, calibration_curve
from pellucid.plots.confusion import confusion_counts, confusion_matrix
from pellucid.plots.regression import predicted_against_true


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.mark.parametrize("n_classes", [2, 5, 30])
def test_cells_hold_the_counts_of_scikit_learn(random, n_classes):
    true, predicted = random.integers(0, n_classes, (2, 700))
    expected = metrics.confusion_matrix(true, predicted, labels=range(n_classes))
    np.testing.assert_array_equal(confusion_counts(true, predicted, n_classes), expected)
    ax = confusion_matrix(true, predicted, [f"class {i}" for i in range(n_classes)]).axes[0]
    drawn = np.zeros_like(expected)
    for text in ax.texts:
        drawn[round(text.get_position()[1]), round(text.get_position()[0])] = int(
            text.get_text().split("\n")[0]
        )
    np.testing.assert_array_equal(drawn, expected)
    shares = expected / expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(ax.collections[0].get_array().reshape(expected.shape), shares)


def test_the_title_counts_what_was_right_and_the_note_names_the_worst_mistake():
    found = texts(confusion_matrix([0, 0, 0, 1, 2], [0, 1, 1, 1, 0], ["a", "b", "c"], target="letter"))
    assert "Right in 2 of 5 rows (40.0 %)" in found
    assert "The most frequent mistake: a taken for b, 2 of 3 rows." in found
    assert {"2\n66.7 %", "1\n100 %", "a  (3)", "predicted letter"} <= set(found)


def test_a_matrix_without_mistakes_and_one_of_many_classes():
    assert "No row was taken for another class." in texts(confusion_matrix([0, 1], [0, 1], "ab"))
    figure = confusion_matrix(np.arange(150), np.arange(150), [f"class {i}" for i in range(150)])
    assert list(figure.axes[0].texts) == []


def test_a_confusion_matrix_needs_rows_and_pairs():
    with pytest.raises(DataError, match="at least one row"):
        confusion_matrix([], [], "ab")
    with pytest.raises(ShapeError, match=r"got \(2,\) for \(1,\)"):
        confusion_matrix([0], [0, 1], "ab")


def test_calibration_is_that_of_scikit_learn(random):
    p = random.random(500) ** 0.5
    is_true = random.random(500) < p**1.5
    found = calibrate(p, is_true)
    share, said = reference_curve(is_true, p, n_bins=10)
    full = found.counts > 0
    np.testing.assert_allclose(found.came_true[full], share)
    np.testing.assert_allclose(found.said[full], said)
    expected = sum(
        abs(is_true[(p >= low) & (p < low + 0.1)].mean() - p[(p >= low) & (p < low + 0.1)].mean())
        * ((p >= low) & (p < low + 0.1)).mean()
        for low in np.arange(10) / 10
        if ((p >= low) & (p < low + 0.1)).any()
    )
    assert found.error == pytest.approx(expected)


def test_intervals_are_wilsons():
    found = calibrate(np.full(10, 0.35), [True] * 4 + [False] * 6)
    # The 95 % interval of 4 of 10, as in Wilson 1927: (0.1682, 0.6873).
    assert found.low[3] == pytest.approx(0.1682, abs=1e-4)
    assert found.high[3] == pytest.approx(0.6873, abs=1e-4)


def test_the_curve_holds_bins_and_counts(random):
    p = random.random(300)
    is_true = random.random(300) < p
    found = calibrate(p, is_true)
    figure = calibration_curve(p, is_true, of="ill")
    curve, bars = figure.axes
    np.testing.assert_allclose(curve.lines[1].get_xydata(), np.stack([found.said, found.came_true], axis=1))
    assert [bar.get_height() for bar in bars.patches] == np.histogram(p, np.linspace(0, 1, 11))[0].tolist()
    told = " ".join(texts(figure)).replace("\n", " ")
    assert f"Expected calibration error {found.error:.4f}." in told
    assert "share of rows that are ill" in told


@pytest.mark.parametrize("p", [[-0.1], [1.5], [float("nan")]])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(DataError, match="probabilities from 0 to 1"):
        calibrate(p, [True])


def test_points_and_differences_are_the_rows(random):
    y = random.normal(100, 20, 200)
    y_pred = y + random.normal(0, 5, 200)
    points, spread = predicted_against_true(y, y_pred, ["mass"]).axes
    np.testing.assert_allclose(points.collections[-1].get_offsets(), np.stack([y, y_pred], axis=1))
    edges = [bar.get_x() for bar in spread.patches if bar.get_height() != 1]
    assert len(edges) >= 7
    heights = [bar.get_height() for bar in spread.patches[: len(spread.patches) - 1]]
    assert sum(heights) == 200
    band = [line.get_xdata()[0] for line in spread.lines[:2]]
    np.testing.assert_allclose(band, np.quantile(y_pred - y, [0.05, 0.95]))


def test_the_title_holds_the_median_difference(random):
    y = random.normal(0, 1, 99)
    error = random.normal(0, 0.25, 99)
    found = texts(predicted_against_true(y, y + error, ["mass"]))
    half = np.median(np.abs(error))
    assert f"Half of the predictions are within {half:.4g} of the true mass" in found
    r2, rmse = metrics.r2_score(y, y + error), np.sqrt((error**2).mean())
    assert any(f"rmse {rmse:.4g}, r2 {r2:.3g}." in text for text in found)


def test_many_rows_are_counted_in_hexagons(random):
    y = random.normal(0, 1, (20_000, 2))
    figure = predicted_against_true(y, y * 0.9, ["a", "b"])
    hexagons = [c for ax in figure.axes for c in ax.collections if isinstance(c, PolyCollection)]
    counts = [c.get_array().sum() for c in hexagons if c.get_array() is not None]
    assert counts == [20_000, 20_000]


@pytest.mark.parametrize("y", [[5.0], [0.0, 0.0], [1e30, -1e30], [1e-30, 2e-30]])
def test_few_and_strange_numbers_can_be_drawn(y):
    assert colliding(predicted_against_true(y, y, ["y"])) == []


def test_numbers_that_are_none_are_refused():
    with pytest.raises(DataError, match="finite numbers"):
        predicted_against_true([1.0], [float("nan")], ["y"])
    with pytest.raises(DataError, match="at least one row"):
        predicted_against_true([], [], ["y"])
    with pytest.raises(ShapeError, match="but got"):
        predicted_against_true([[1.0, 2.0]], [[1.0, 2.0]], ["y"])
