"""Shares and temperatures, against searches over a fine grid."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.tables.mixture import cross_entropy, shares_of, softmax, temperature_for


def data(n: int, scale: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Weighted inputs that are `scale` times those by which the classes were drawn."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, 4)) * 2
    y = np.array([rng.choice(4, p=p) for p in softmax(z)], np.int32)
    return z * scale, y


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_made_probabilities_too_sure(scale: float) -> None:
    z, y = data(4000, scale)
    found = temperature_for(z, y)
    assert found == pytest.approx(scale, rel=0.1)
    grid = np.exp(np.linspace(np.log(0.2), np.log(5), 2000))
    smoothing = 1 / 4001
    best = grid[np.argmin([cross_entropy(z / t, y, smoothing=smoothing) for t in grid])]
    assert found == pytest.approx(best, rel=2e-3)


def test_cross_entropy_is_that_of_the_formula() -> None:
    z, y = data(50, 1.0)
    weights = np.random.default_rng(1).uniform(size=50)
    p = np.log(softmax(z))
    targets = 0.9 * np.eye(4)[y] + 0.1 / 4
    assert cross_entropy(z, y, weights, 0.1) == pytest.approx(
        -np.sum(weights * (targets * p).sum(axis=1)) / weights.sum(), rel=1e-12
    )
    assert cross_entropy(z, y) == pytest.approx(-p[np.arange(50), y].mean(), rel=1e-12)


def test_rows_without_an_error_do_not_make_probabilities_of_one() -> None:
    z = np.array([[4.0, 0.0]] * 20)
    p = softmax(z / temperature_for(z, np.zeros(20, np.int32)))
    assert 0.9 < p[0, 0] < 0.99


def test_shares_beat_each_model_and_nearly_the_best_mean() -> None:
    rng = np.random.default_rng(0)
    y = rng.standard_normal((300, 1))
    models = [y + 0.5 * rng.standard_normal(y.shape), y + 0.7 * rng.standard_normal(y.shape), y + 5]

    def loss(z: np.ndarray) -> float:
        return float(np.mean((z - y) ** 2))

    shares = shares_of(models, loss)
    assert sum(shares) == pytest.approx(1)
    assert shares[2] == 0
    mean = sum(s * z for s, z in zip(shares, models, strict=True))
    grid = min(loss(s * models[0] + (1 - s) * models[1]) for s in np.linspace(0, 1, 101))
    assert loss(mean) < min(map(loss, models))
    assert loss(mean) <= grid * 1.01


def test_what_cannot_be_improved_is_left_alone() -> None:
    y = np.array([[1.0], [2.0]])
    assert shares_of([y, y + 1], lambda z: float(np.mean((z - y) ** 2))) == [1.0, 0.0]
