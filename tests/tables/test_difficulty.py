"""Intervals are wider where rows are harder, as much as the truth says, and only there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import fit_table
from pellucid.errors import ModelFileError
from pellucid.tables.difficulty import LARGEST, Difficulty, learn_difficulty
from pellucid.tables.intervals import Errors
from pellucid.tables.model import TableModel

N = 1200


def scale(hard: Any) -> Any:
    """The true standard deviation of the noise."""
    return 0.1 * np.exp(1.2 * np.asarray(hard))


def rows(n: int, seed: int, *, is_harder: bool = True) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x, hard = rng.uniform(-1, 1, (2, n))
    noise = rng.normal(size=n) * (scale(hard) if is_harder else 0.2)
    return {"x": x, "hard": hard, "y": x + 0.5 * x**2 + noise}


@pytest.fixture(scope="module", params=["fast", "default"])
def model(request: pytest.FixtureRequest) -> TableModel:
    return fit_table(rows(N, 0), "y", preset=request.param)


def test_the_width_follows_the_true_scale(model: TableModel) -> None:
    fresh = rows(5000, 1)
    low, _, high = model.predict(fresh, interval=0.9).T
    # 90 % of a normal distribution lie within 1.645 standard deviations.
    ratio = (high - low) / (2 * 1.645 * scale(fresh["hard"]))
    assert np.median(ratio) == pytest.approx(1.05, abs=0.12)
    assert np.corrcoef(np.log(high - low), fresh["hard"])[0, 1] > 0.95


def test_easy_and_hard_rows_are_covered_alike(model: TableModel) -> None:
    fresh = rows(5000, 2)
    low, _, high = model.predict(fresh, interval=0.9).T
    inside = (low <= fresh["y"]) & (fresh["y"] <= high)
    assert inside.mean() == pytest.approx(0.9, abs=0.03)
    thirds = np.array_split(np.argsort(fresh["hard"]), 3)
    for third in thirds:
        assert inside[third].mean() == pytest.approx(0.9, abs=0.06)


def test_the_score_is_better_than_that_of_one_width(model: TableModel) -> None:
    fresh = rows(5000, 3)
    low, middle, high = model.predict(fresh, interval=0.9).T
    y = fresh["y"]
    own = np.sort(np.abs(y - middle))[int(0.9 * len(y))]  # the best of one width, which knows these rows

    def winkler(low: Any, high: Any) -> float:
        return float(np.mean(high - low + 20 * np.maximum(low - y, 0) + 20 * np.maximum(y - high, 0)))

    assert winkler(low, high) < 0.85 * winkler(middle - own, middle + own)


def test_rows_that_are_alike_get_nearly_the_same_width() -> None:
    model = fit_table(rows(N, 0, is_harder=False), "y")
    low, _, high = model.predict(rows(2000, 1), interval=0.9).T
    assert np.std(high - low) < 0.1 * np.mean(high - low)
    assert np.mean(high - low) == pytest.approx(2 * 1.645 * 0.2, rel=0.1)


def test_the_report_says_what_they_cover(model: TableModel) -> None:
    (told,) = [note for note in model.notes if note.startswith("Intervals of 90% cover")]
    covered = float(told.split()[4])
    fresh = rows(5000, 4)
    low, _, high = model.predict(fresh, interval=0.9).T
    assert covered == pytest.approx(((low <= fresh["y"]) & (fresh["y"] <= high)).mean(), abs=0.03)
    assert "wider where errors are likely to be larger" in told
    middle = float(told.split(" wide in the median")[0].split()[-1])
    assert middle == pytest.approx(np.median(high - low), rel=0.25)


def test_what_is_learned_has_the_least_loss() -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(400, 3)).astype(np.float32)
    z = rng.normal(size=400)
    sizes = np.abs(rng.normal(size=400)) * np.exp(X[:, 0] - 0.5 * X[:, 1])
    found, s = learn_difficulty(X, z, sizes, np.arange(400) % 5)
    assert found is not None
    assert np.corrcoef(np.log(s), X[:, 0] - 0.5 * X[:, 1])[0, 1] > 0.95
    u = np.column_stack([X, z, *(np.abs(z - k) for k in found.kinks)]).astype(np.float64)
    np.testing.assert_allclose(found.mean, u.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(found.spread, u.std(axis=0), rtol=1e-9)
    u = np.clip((u - found.mean) / found.spread, -5, 5)
    a = sizes / sizes.mean()

    def loss(w: Any, ridge: float) -> float:
        # With the offset in closed form: its derivative is 0 where e^b is the mean of a e^(-w·u).
        logarithm = u @ w
        b = np.log(np.mean(a * np.exp(-logarithm)))
        return float(np.sum(a * np.exp(-b - logarithm) + b + logarithm) + ridge * np.sum(np.square(w)) / 2)

    def is_least(ridge: float) -> bool:
        w = np.array(found.weights)
        moved = [
            w + step for i in range(len(w)) for step in (0.05 * np.eye(len(w))[i], -0.05 * np.eye(len(w))[i])
        ]
        return all(loss(w, ridge) < loss(v, ridge) for v in moved)

    assert any(is_least(ridge) for ridge in (1.0, 10.0, 100.0, 1000.0))
    np.testing.assert_allclose(found(X, z), np.exp(np.clip(u @ found.weights, -2, 2)), rtol=1e-12)


@pytest.mark.parametrize(("n", "size"), [(49, 1.0), (200, 0.0)])
def test_few_errors_and_none_tell_nothing(n: int, size: float) -> None:
    rng = np.random.default_rng(6)
    X = rng.normal(size=(n, 2)).astype(np.float32)
    sizes = size * np.exp(X[:, 0].astype(np.float64))
    found, s = learn_difficulty(X, np.zeros(n), sizes, np.arange(n) % 5)
    assert found is None
    assert (s == 1).all()


def test_weights_count_as_repeated_rows_do() -> None:
    rng = np.random.default_rng(7)
    X, z = rng.normal(size=(300, 2)).astype(np.float32), rng.normal(size=300)
    sizes = np.abs(rng.normal(size=300)) * np.exp(np.where(np.arange(300) < 100, X[:, 0], -X[:, 0]))
    weights = np.where(np.arange(300) < 100, 8.0, 0.01)
    found, _ = learn_difficulty(X, z, sizes, np.arange(300) % 5, weights)
    other, _ = learn_difficulty(X, z, sizes, np.arange(300) % 5)
    assert found is not None
    assert found.weights[0] > 0.3
    assert other is None or other.weights[0] < 0


@pytest.mark.parametrize("n", [19, 99])
def test_a_further_row_is_inside_as_often_as_exchangeability_says(n: int) -> None:
    rng = np.random.default_rng(n)
    sizes = rng.exponential(size=(4000, n + 1))
    inside = [s[n] <= Errors.of(s[:n, None]).widths(0.9)[0] for s in sizes]
    # Of n + 1 exchangeable sizes the last is among the ⌈(n + 1) 0.9⌉ smallest with just this share.
    assert np.mean(inside) == pytest.approx(np.ceil((n + 1) * 0.9) / (n + 1), abs=0.015)


def test_errors_of_a_file_without_difficulties_have_one_width() -> None:
    old = Errors.from_dict({"n_rows": 3, "sizes": [[0.5, 1.0, 2.0]]}, 1, 4)
    assert old.difficulties == (None,)
    assert old.widths(0.5) == pytest.approx(1.0)


KNOWN = Difficulty((0, 2), (0.0,), (0.0,) * 4, (1.0,) * 4, (0.5,) * 4)


@pytest.mark.parametrize(
    "damaged",
    [
        {"places": [0, 3]},
        {"places": [0.5, 1]},
        {"weights": [1.0]},
        {"spread": [1.0, 1.0, 0.0, 1.0]},
        {"mean": [0.0, 0.0, float("nan"), 0.0]},
        {"kinks": [10 * LARGEST]},
    ],
)
def test_a_damaged_file_is_refused(damaged: dict[str, object]) -> None:
    assert Difficulty.from_dict(KNOWN.to_dict(), 3) == KNOWN
    with pytest.raises(ModelFileError, match="difficulty of rows"):
        Difficulty.from_dict(KNOWN.to_dict() | damaged, 3)
    errors = {"n_rows": 1, "sizes": [[1.0]], "difficulties": []}
    with pytest.raises(ModelFileError, match="one for each target"):
        Errors.from_dict(errors, 1, 3)
