"""The decision surface: its colours are the network's own answers on the grid."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from pictures import texts

import pellucid
from pellucid import Dense, Input, Network
from pellucid.errors import ArgumentError, UnknownNameError
from pellucid.plots.surface import CLASSES_DEEPEST, CLASSES_PALEST, Axis, Points, decision_surface


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    table = {
        "age": rng.uniform(20, 60, 80).round(1).tolist(),
        "income": rng.uniform(1, 9, 80).round(2).tolist(),
        "city": rng.choice(["Rome", "Oslo", "Bern"], 80).tolist(),
    }
    table["sum"] = [a + 3 * i for a, i in zip(table["age"], table["income"], strict=True)]
    table["side"] = ["old" if a > 40 else "young" for a in table["age"]]
    return table


@pytest.fixture(scope="module")
def regressor(data):
    return pellucid.fit_table(data, "sum", ignore=["side"], hidden=[8], epochs=5)


def mesh_of(figure):
    """The coloured plane."""
    (mesh,) = [c for c in figure.axes[0].collections if isinstance(c, QuadMesh)]
    return mesh


def points_of(figure):
    """The places of the points of all classes."""
    places = [c.get_offsets() for c in figure.axes[0].collections if len(c.get_offsets()) > 1]
    return np.concatenate(places)


def test_colours_are_predictions_with_the_other_columns_typical(data, regressor):
    figure = regressor.plot_surface(data, "age", "income")
    drawn = mesh_of(figure).get_array().reshape(121, 121)
    age, income = np.array(data["age"]), np.array(data["income"])
    ages, incomes = (
        np.linspace(v.min() - 0.04 * np.ptp(v), v.max() + 0.04 * np.ptp(v), 121) for v in (age, income)
    )
    city = max(sorted(set(data["city"])), key=data["city"].count)
    some = [(0, 0), (120, 3), (60, 60)]
    rows = {"age": [ages[i] for _, i in some], "income": [incomes[j] for j, _ in some], "city": [city] * 3}
    np.testing.assert_allclose([drawn[j, i] for j, i in some], regressor.predict(rows), rtol=1e-6)
    np.testing.assert_allclose(points_of(figure), np.stack([age, income], axis=1))
    assert "The other columns are as in a typical row." in " ".join(texts(figure)).replace("\n", " ")


def test_a_column_of_categories_is_an_axis_of_its_levels(data, regressor):
    figure = regressor.plot_surface(data, "city", "age")
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["Bern", "Oslo", "Rome"]
    assert mesh_of(figure).get_array().size == 3 * 121


@pytest.mark.parametrize(
    ("column", "options", "levels"),
    [
        (["S", "L", "M", "S"], {"ordered": {"size": ["S", "M", "L"]}}, ["S", "M", "L"]),
        ([3, 1, 2, 3], {"categories": ["size"]}, ["1", "2", "3"]),
        ([True, False, True, True], {}, ["false", "true"]),
        (["007", "7", "007", "b"], {}, ["007", "7", "b"]),
    ],
)
def test_an_axis_of_every_kind_of_levels(column, options, levels):
    data = {"size": column * 10, "age": list(range(40)), "y": [float(i % 4) + i / 7 for i in range(40)]}
    model = pellucid.fit_table(data, "y", hidden=[4], epochs=3, **options)
    figure = model.plot_surface(data, "size", "age")
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == levels
    drawn = mesh_of(figure).get_array().reshape(121, -1)[0]
    values = {str(v).lower(): v for v in column}
    low = {"size": [values[level.lower()] for level in levels], "age": [0 - 0.04 * 39] * len(levels)}
    np.testing.assert_allclose(drawn, model.predict(low), rtol=1e-6)


def test_dates_make_no_axis():
    data = {"day": [f"2024-01-{i:02}" for i in range(1, 29)], "b": [1.5, 2, 5, 4] * 7}
    data["y"] = [float(i) / 3 for i in range(28)]
    model = pellucid.fit_table(data, "y", hidden=[2], epochs=2)
    with pytest.raises(ArgumentError, match="'day' holds dates or times"):
        model.plot_surface(data, "day", "b")


def test_without_a_target_there_are_no_points(data, regressor):
    new = {k: data[k] for k in ("age", "income", "city")}
    assert not any("true value" in t for t in texts(regressor.plot_surface(new, "age", "income")))


def test_classes_colour_the_plane_where_they_are_most_probable():
    p = np.array([[[0.9, 0.1], [0.2, 0.8]]])
    x, y = Axis("x", np.array([0.0, 1.0])), Axis("y", np.array([0.0]), ["all"])
    points = Points(np.array([0.0, 1.0, np.nan]), np.zeros(3), np.array([0, 1, 1]))
    figure = decision_surface(x, y, p, target="t", classes=["_a", "b"], points=points)
    blue, orange = mesh_of(figure).get_array()[0]
    assert blue[2] > blue[0]
    assert orange[0] > orange[2]
    legend = figure.axes[0].get_legend()
    assert [t.get_text() for t in legend.get_texts()] == ["_a", "b"]
    depth = CLASSES_PALEST + (CLASSES_DEEPEST - CLASSES_PALEST) * 0.8
    np.testing.assert_allclose(blue, (1 - depth) + depth * np.array([0, 114, 178]) / 255, atol=1e-6)


def test_a_model_of_classes(data):
    model = pellucid.fit_table(data, "side", ignore=["sum"], hidden=[8], epochs=20)
    figure = model.plot_surface(data, "age", "income")
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == ["old", "young"]
    assert len(points_of(figure)) == 80


def test_what_makes_no_surface_is_refused(data, regressor):
    with pytest.raises(UnknownNameError, match="Did you mean 'age'"):
        regressor.plot_surface(data, "agee", "income")
    with pytest.raises(ArgumentError, match="two different columns, but got 'age' twice"):
        regressor.plot_surface(data, "age", "age")


def test_a_network_of_arrays():
    rng = np.random.default_rng(0)
    X = rng.normal(0, 1, (50, 3))
    y = (X[:, 0] > 0).astype(int)
    net = Network([Input(3), Dense(4, "tanh"), Dense(1, "sigmoid")], seed=0)
    net.fit(X, y, epochs=3)
    figure = net.plot_surface(X, "x1", 2, y)
    np.testing.assert_allclose(np.sort(points_of(figure), axis=0), np.sort(X[:, [0, 2]], axis=0))
    low = np.array(
        [[X[:, 0].min() - 0.04 * np.ptp(X[:, 0]), np.median(X[:, 1]), X[:, 2].min() - 0.04 * np.ptp(X[:, 2])]]
    )
    is_second = net.predict(low)[0, 0] > 0.5
    first = mesh_of(figure).get_array()[0, 0]
    assert (first[0] > first[2]) == is_second
    with pytest.raises(UnknownNameError, match="no feature 'x9'"):
        net.plot_surface(X, "x9", "x1")
    with pytest.raises(ArgumentError, match="numbered 0 to 2, but got 7"):
        net.plot_surface(X, 7, "x1")
