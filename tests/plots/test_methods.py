"""The `plot` methods hand the right numbers to the pictures."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import texts
from sklearn import metrics

import pellucid
from pellucid import Dense, Input, Network
from pellucid.errors import ArgumentError, ShapeError

rng = np.random.default_rng(0)
X = rng.normal(0, 1, (120, 2))
TABLE = {"a": X[:, 0].tolist(), "b": X[:, 1].tolist()}
SIDES = np.where(X[:, 0] > 0.2, "right", "left").tolist()


def counts_of(figure):
    """The numbers in the cells of a confusion matrix."""
    cells = {
        tuple(map(round, t.get_position())): int(t.get_text().split("\n")[0]) for t in figure.axes[0].texts
    }
    n = max(x for x, _ in cells) + 1
    return [[cells.get((x, y), 0) for x in range(n)] for y in range(n)]


def fitted(layers, y, **options):
    net = Network(layers, seed=0)
    net.fit(X, y, epochs=5, **options)
    return net


@pytest.mark.parametrize("output", [Dense(2, "softmax"), Dense(1, "sigmoid")])
def test_a_classifying_network(output):
    net = fitted([Input(2), Dense(4, "tanh"), output], SIDES)
    figure = net.plot_predictions(X, SIDES)
    assert counts_of(figure) == metrics.confusion_matrix(SIDES, net.classify(X)).tolist()
    assert {"left", "right"} <= set(texts(figure))
    bars = net.plot_calibration(X, SIDES).axes[1].patches
    p = net.predict(X)[:, -1]
    assert [b.get_height() for b in bars] == np.histogram(p.astype(float), np.linspace(0, 1, 11))[0].tolist()


def test_classes_written_as_minus_and_plus_one():
    y = np.where(X[:, 0] > 0, 1, -1)
    net = fitted([Input(2), Dense(1, "tanh")], y, loss="hinge")
    expected = metrics.confusion_matrix(y, np.where(net.predict(X)[:, 0] > 0, 1, -1))
    assert counts_of(net.plot_predictions(X, y)) == expected.tolist()


def test_a_network_of_numbers():
    net = fitted([Input(2), Dense(2)], X * 2)
    points = net.plot_predictions(X, X * 2).axes[2].collections[-1].get_offsets()
    np.testing.assert_allclose(points, np.stack([X[:, 1] * 2, net.predict(X)[:, 1]], axis=1), rtol=1e-6)
    with pytest.raises(ArgumentError, match="only classes have probabilities to calibrate"):
        net.plot_calibration(X, X * 2)
    with pytest.raises(ShapeError, match="X has 120 rows, but y has 3"):
        net.plot_predictions(X, X[:3])


def test_several_labels_have_no_picture():
    labels = (X > 0).astype(int)
    net = fitted([Input(2), Dense(2, "sigmoid")], labels)
    with pytest.raises(ArgumentError, match="several labels"):
        net.plot_predictions(X, labels)


@pytest.fixture(scope="module")
def classifier():
    return pellucid.fit_table(TABLE | {"side": SIDES}, "side", hidden=[4], epochs=5)


@pytest.fixture(scope="module")
def regressor():
    return pellucid.fit_table(TABLE | {"sum": X.sum(axis=1).tolist()}, "sum", hidden=[4], epochs=5)


def test_a_classifying_model(classifier):
    data = TABLE | {"side": SIDES}
    figure = classifier.plot_predictions(data)
    assert counts_of(figure) == metrics.confusion_matrix(SIDES, classifier.predict(data)).tolist()
    bars = classifier.plot_calibration(data).axes[1].patches
    p = classifier.predict_probabilities(data)[:, 1].astype(float)
    assert [b.get_height() for b in bars] == np.histogram(p, np.linspace(0, 1, 11))[0].tolist()
    assert "probability of side = right" in texts(classifier.plot_calibration(data))


def test_a_model_of_numbers(regressor):
    data = TABLE | {"sum": X.sum(axis=1).tolist()}
    points = regressor.plot_predictions(data).axes[0].collections[-1].get_offsets()
    np.testing.assert_allclose(points, np.stack([X.sum(axis=1), regressor.predict(data)], axis=1), rtol=1e-6)
    with pytest.raises(ArgumentError, match="only classes have probabilities to calibrate"):
        regressor.plot_calibration(data)


def test_the_network_of_a_model_has_names_and_the_values_of_a_row(classifier, regressor):
    assert {"a", "b", "left", "right"} <= set(texts(classifier.plot()))
    found = texts(regressor.plot(data=TABLE, row=7))
    output = regressor.network.predict(regressor.encoding.encode(regressor.read(TABLE)))[6, 0]
    assert f"sum = {output:.3g}".replace("-", "−") in found
    assert any("the activations of row 7" in t.replace("\n", " ") for t in found)
    with pytest.raises(ArgumentError, match="has 120 rows of data, counted from 1, but row is 121"):
        regressor.plot(data=TABLE, row=121)
