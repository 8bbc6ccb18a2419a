"""How numbers spread: bands are quantiles, bars are counts."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import colliding, texts

from pellucid import Dense, Input, Network
from pellucid.errors import DataError, NotFittedError, UnknownNameError
from pellucid.plots.distributions import distribution_bars, distribution_curves
from pellucid.training.distributions import QUANTILES


def test_bars_count_every_number():
    rng = np.random.default_rng(0)
    values = {"hidden_1/weights": rng.normal(0, 1, (20, 30)), "output/bias": np.array([0.5])}
    figure = distribution_bars(values)
    counts = [sum(p.get_height() for p in ax.patches[1:]) for ax in figure.axes]
    assert counts == [600, 1]
    medians = [ax.lines[0].get_xdata()[0] for ax in figure.axes]
    np.testing.assert_allclose(medians, [np.median(v) for v in values.values()])
    assert {"hidden_1/weights  (600)", "output/bias  (1)"} <= set(texts(figure))


def test_bands_are_the_quantiles_of_each_epoch():
    rng = np.random.default_rng(0)
    table = np.quantile(rng.normal(0, 1, (5, 100)), QUANTILES, axis=1).T
    (ax,) = distribution_curves({"hidden_1/weights": table}, best_epoch=3).axes
    np.testing.assert_allclose(ax.lines[0].get_xydata(), np.stack([np.arange(1, 6), table[:, 3]], axis=1))
    for band, (low, high) in zip(ax.collections, [(1, 5), (2, 4)], strict=True):
        vertices = band.get_paths()[0].vertices
        for epoch in range(5):
            at = np.unique(vertices[vertices[:, 0] == epoch + 1, 1])
            np.testing.assert_allclose([at.min(), at.max()], table[epoch, [low, high]])
    assert ax.lines[-1].get_xdata()[0] == 3


@pytest.mark.parametrize("n_epochs", [1, 2])
def test_few_epochs_and_numbers_that_are_none(n_epochs):
    table = np.full((n_epochs, 7), 0.5)
    table[-1] = np.nan
    assert colliding(distribution_curves({f"layer_{i}/weights": table for i in range(4)})) == []


def test_a_network_shows_all_its_parameters_and_with_a_trace_its_activations():
    net = Network([Input(2), Dense(30, "relu"), Dense(1)], seed=0)
    net.layers["hidden_1"].weights[0, 0] = np.inf
    found = texts(net.plot_distributions())
    assert {"hidden_1/weights  (60)", "output/weights  (30)", "1 not finite"} <= set(found)
    net.layers["hidden_1"].weights[0, 0] = 1
    figure = net.plot_distributions(trace=net.trace(np.ones((7, 2))))
    assert {"hidden_1/a  (210)", "output/a  (7)"} <= set(texts(figure))
    assert colliding(figure) == []


def test_of_very_many_the_first_are_drawn():
    figure = distribution_bars({f"layer_{i}/weights": [0.0, 1.0] for i in range(26)})
    assert any("The first 24 of 26 are drawn." in t for t in texts(figure))


def test_nothing_to_show():
    with pytest.raises(DataError, match="Train with record=True"):
        distribution_curves({})
    with pytest.raises(DataError, match="no parameters"):
        distribution_bars({})


def test_a_recorded_history_draws_its_distributions():
    X = np.linspace(-1, 1, 40)[:, None]
    net = Network([Input(1), Dense(3, "tanh"), Dense(1)], seed=0)
    with pytest.raises(NotFittedError, match="no fit was recorded"):
        net.fit(X, X**2, epochs=1).plot_distributions()
    history = net.fit(X, X**2, epochs=3, record=True)
    figure = history.plot_distributions(of="weights")
    assert [ax.get_title(loc="left") for ax in figure.axes if ax.get_visible()] == [
        "hidden_1/weights",
        "output/weights",
    ]
    known = history.distributions
    for ax, name in zip(figure.axes, ("hidden_1/weights", "output/weights"), strict=True):
        np.testing.assert_array_equal(
            ax.lines[0].get_xydata(), np.stack([known.epochs, known[name][:, 3]], axis=1)
        )
    with pytest.raises(UnknownNameError, match="no distribution 'wights'"):
        history.plot_distributions(of="wights")
