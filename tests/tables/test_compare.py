"""Comparisons: the same rows for all, intervals by hand, and a sentence that says which to use."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression

from pellucid import compare_table, fit_table
from pellucid.errors import PellucidError
from pellucid.tables import compare
from pellucid.tables.comparison import SIMPLEST_FIRST, TREES, Comparison, entries_of, standard_error, student
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.evidence import LINE, TRIVIAL
from pellucid.tables.reading import read_table
from pellucid.tables.trees import tree_features
from pellucid.training.interrupt import ctrl_c

RNG = np.random.default_rng(0)
N = 300
A, B, NOISE = RNG.uniform(-2, 2, N), RNG.uniform(-2, 2, N), RNG.normal(size=N)


def table(y: Any, **more: Any) -> dict[str, list[Any]]:
    return {"a": A.tolist(), "b": B.tolist(), "y": y.tolist(), **more}


def made(**scores: tuple[float, float]) -> Comparison:
    """A comparison whose entries have a score and an end of their interval each."""
    names = {"trivial": TRIVIAL, "line": LINE, "trees": TREES}
    losses = {names.get(n, n): np.array([s]) for n, (s, _) in scores.items()}
    entries = entries_of(
        losses,
        {n: {} for n in losses},
        dict.fromkeys(losses, 0.0),
        metric="log_loss",
        groups=None,
        share=0.0,
    )
    lows = {names.get(n, n): low for n, (_, low) in scores.items()}
    found = [
        type(e)(e.name, e.scores, e.seconds, e.difference, (lows[e.name], 2 * e.difference - lows[e.name]))
        for e in entries
    ]
    return Comparison("y", "binary", 1, 5, tuple(found))


def test_the_interval_is_that_of_the_paired_differences() -> None:
    first, second = RNG.exponential(size=50), RNG.exponential(size=50)
    found = entries_of(
        {"fast": first, LINE: second + 1},
        {"fast": {}, LINE: {}},
        {"fast": 1.0, LINE: 0.5},
        metric="log_loss",
        groups=None,
        share=1.25,
    )
    d = second + 1 - first
    error = np.sqrt(d.var(ddof=1) * (1 / 50) * (1 + 5 * (10 / 40)))  # Nadeau and Bengio: (1/J + n2/n1) J
    assert [e.name for e in found] == [LINE, "fast"]
    assert found[0].difference == pytest.approx(d.mean())
    half = student(49) * error
    assert found[0].interval == pytest.approx((d.mean() - half, d.mean() + half))
    assert found[1].interval == (0.0, 0.0)


def test_the_interval_of_a_root_holds_what_resampling_finds() -> None:
    rng = np.random.default_rng(1)
    shared = rng.normal(size=2000)
    losses = {"fast": shared**2, LINE: (shared + 0.5 * rng.normal(size=2000)) ** 2}
    found = entries_of(
        losses, {n: {} for n in losses}, dict.fromkeys(losses, 0.0), metric="rmse", groups=None, share=0.0
    )
    drawn = rng.integers(0, 2000, (2000, 2000))
    again = np.sqrt(losses[LINE][drawn].mean(axis=1)) - np.sqrt(losses["fast"][drawn].mean(axis=1))
    (low, high), line = found[0].interval, found[0]
    assert line.difference == pytest.approx(np.sqrt(losses[LINE].mean()) - np.sqrt(losses["fast"].mean()))
    assert (high - low) / 4 == pytest.approx(again.std(), rel=0.1)


def test_rows_of_a_group_are_one_observation() -> None:
    d = RNG.normal(size=20)
    twice = np.repeat(d, 2)
    assert standard_error(twice, np.repeat(np.arange(20), 2), 0.0) == pytest.approx(
        d.std(ddof=1) / np.sqrt(20)
    )
    assert standard_error(d, np.full(20, -1), 0.0) == pytest.approx(d.std(ddof=1) / np.sqrt(20))
    assert standard_error(d, np.zeros(20, np.int64), 0.0) == np.inf


@pytest.mark.parametrize(
    ("line", "best", "trees", "chosen", "said"),
    [
        ((0.5, -0.1), (0.4, 0), (0.45, -0.1), LINE, "nothing is better by more than chance"),
        ((0.5, 0.05), (0.4, 0), (0.45, -0.1), "best", "all that is simpler is worse"),
        ((0.5, 0.05), (0.42, -0.01), (0.4, 0), "best", "0.4200 against 0.4000 of boosted trees"),
        ((0.5, 0.05), (0.42, 0.01), (0.4, 0), TREES, "0.4000 against 0.4200 of best"),
        ((0.4, 0), (0.42, -0.01), (0.45, 0.01), LINE, "log_loss 0.4000"),
    ],
)
def test_the_simplest_that_is_not_worse_by_more_than_chance(
    line: Any, best: Any, trees: Any, chosen: str, said: str
) -> None:
    found = made(trivial=(0.7, 0.1), line=line, best=best, trees=trees)
    assert found.choice.name == chosen
    assert found.verdict.startswith("Use ")
    assert said in found.verdict


@pytest.mark.parametrize("trivial", [(0.7, -0.1), (0.5, 0)])
def test_no_model_where_none_says_more(trivial: tuple[float, float]) -> None:
    found = made(trivial=trivial, line=(0.6, 0 if trivial[0] > 0.6 else 0.01))
    assert found.choice.name == TRIVIAL
    assert found.verdict.startswith("Use no model: nothing was found that says more about y")


def test_a_straight_line_where_that_is_the_truth() -> None:
    found = compare_table(table(3 * A - B + NOISE), "y", presets=("fast",), trees=False)
    assert found.choice.name == LINE
    (line,) = (e for e in found.entries if e.name == LINE)
    features, y = np.column_stack([A, B]), 3 * A - B + NOISE
    own = np.sqrt(np.mean((y - LinearRegression().fit(features, y).predict(features)) ** 2))
    assert line.scores["rmse"] == pytest.approx(own, rel=0.03)
    assert [e.name for e in found.entries] == [TRIVIAL, LINE, "fast"]
    assert (found.n_rows, found.n_folds) == (300, 5)


def test_a_network_where_the_sign_of_a_product_decides() -> None:
    found = compare_table(table(np.where(A * B > 0, "same", "other")), "y", presets=("fast",), trees=False)
    assert found.choice.name == "fast"
    worse = {e.name for e in found.entries if e.is_worse}
    assert worse == {TRIVIAL, LINE}


def test_trees_where_many_thresholds_decide() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.uniform(0, 1, (2, 1500))
    heights = rng.normal(size=(60, 3))
    y = heights[(a * 60).astype(int), (b * 3).astype(int)] + 0.05 * rng.normal(size=1500)
    found = compare_table(
        {"a": a.tolist(), "b": b.tolist(), "y": y.tolist()}, "y", presets=("fast",), folds=2
    )
    assert found.choice.name == TREES
    assert "Use scikit-learn's boosted trees: they are better than any network" in found.verdict


def test_the_trivial_answer_where_there_is_only_noise() -> None:
    found = compare_table(table(NOISE), "y", presets=("fast",), trees=False, folds=3)
    assert found.choice.name == TRIVIAL
    (trivial,) = (e for e in found.entries if e.name == TRIVIAL)
    assert trivial.scores["rmse"] == pytest.approx(NOISE.std(), rel=0.02)


def test_nobody_is_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [f"p{i // 6}" for i in range(N)]
    data = table(A + NOISE, person=people)
    seen: list[tuple[set[str], set[str]]] = []

    def spy(known: Any, asked: Any, target: Any, training: Any) -> Any:
        seen.append((set(known.column("person")), set(asked.column("person"))))
        return np.zeros((len(asked), 1))

    monkeypatch.setattr(compare, "_trivial", spy)
    found = compare_table(data, "y", group="person", presets=(), trees=False, folds=4)
    assert len(seen) == found.n_folds == 4
    assert not any(known & asked for known, asked in seen)
    assert set().union(*(asked for _, asked in seen)) == set(people)
    assert any("validate in 4 parts" in note for note in found.notes)


def test_a_time_judges_the_newest_rows_once() -> None:
    days = np.arange(N)[::-1]
    y = np.where(days < 240, 0.0, 5.0) + 0.01 * NOISE
    found = compare_table(table(y, day=days.tolist()), "y", time="day", presets=(), trees=False)
    assert (found.n_rows, found.n_folds) == (60, 1)
    (trivial,) = (e for e in found.entries if e.name == TRIVIAL)
    assert trivial.scores["rmse"] == pytest.approx(5, rel=0.01)  # learned from the old rows alone


def test_several_targets_and_a_class_that_only_new_rows_have() -> None:
    more = table(A + 0.1 * NOISE, z=(B + 0.1 * NOISE).tolist())
    both = compare_table(more, ["y", "z"], presets=(), folds=2)
    assert both.choice.name == LINE
    assert [e.name for e in both.entries] == [TRIVIAL, LINE, TREES]
    assert both.target == "y, z"
    names = np.where(np.arange(N) >= 290, "new", np.where(A > 0, "up", "down"))
    data = table(names, day=list(range(N)))
    found = compare_table(data, "y", time="day", presets=(), ignore=["day"], trees=False)
    (trivial,) = (e for e in found.entries if e.name == TRIVIAL)
    p = {c: float(np.mean(names[:240] == c)) for c in ("up", "down", "new")}
    expected = np.mean([-np.log(max(p[c], np.finfo(np.float32).eps)) for c in names[240:]])
    assert trivial.scores["log_loss"] == pytest.approx(expected)


def test_trees_get_missing_numbers_and_categories_as_such() -> None:
    data = read_table(
        {"n": [3.0, None, 1.0, 2.0], "c": ["x", "z", None, "y"], "t": ["no", "yes", "no", "no"]}
    )
    encoding = TableEncoding.fit(data)
    features, are_categories = tree_features(encoding, encoding.encode(data))
    assert are_categories == [False, True, False]
    assert np.isnan(features[:, 0]).tolist() == [False, True, False, False]
    assert np.argsort(features[[0, 2, 3], 0]).tolist() == [1, 2, 0]
    assert len(set(features[:, 1])) == 4
    new = encoding.encode(read_table({"n": [1.0], "c": ["new"], "t": ["no"]}))
    assert np.isnan(tree_features(encoding, new)[0][0, 1])
    y = np.tile([0, 1, 1, 0], 20)
    model = HistGradientBoostingClassifier(categorical_features=are_categories)
    assert model.fit(np.tile(features, (20, 1)), y).score(np.tile(features, (20, 1)), y) == 1


def test_the_same_again_and_as_plain_values() -> None:
    data = Path(__file__).parents[2] / "examples" / "penguins.csv"
    first, second = (
        compare_table(data, "species", presets=("fast",), folds=2, seed=3).to_dict() for _ in "ab"
    )
    for found in (first, second):
        for entry in found["entries"]:
            del entry["seconds"]
    assert first == second
    assert first["metric"] == "log_loss"
    assert [e["name"] for e in first["entries"]] == [
        n for n in SIMPLEST_FIRST if n in (TRIVIAL, LINE, "fast", TREES)
    ]


def test_without_scikit_learn_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "are_installed", lambda: False)
    found = compare_table(table(A), "y", presets=(), folds=2)
    assert [e.name for e in found.entries] == [TRIVIAL, LINE]
    assert "scikit-learn is not installed" in found.notes[-1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"folds": 1}, "folds"),
        ({"presets": ["quick"]}, "quick"),
        ({"hidden": [3]}, "hidden"),
        ({"group": "c"}, "group column 'c'"),
        ({"group": "two", "folds": 2}, "no other is left to validate on"),
    ],
)
def test_wrong_calls_end_in_a_sentence(options: dict[str, Any], said: str) -> None:
    with pytest.raises(PellucidError, match=re.escape(said)):
        compare_table(table(A, two=["x", "z"] * (N // 2)), "y", **options)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(PellucidError, match="8 rows with a target are too few to compare on"):
        compare_table({"a": list(range(8)), "y": [0.5 * i for i in range(8)]}, "y")


def test_ctrl_c_in_any_training_ends_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*args: Any, **options: Any) -> Any:
        with ctrl_c(lambda: None):
            signal.raise_signal(signal.SIGINT)
        return fit_table(*args, **options)

    monkeypatch.setattr(compare, "fit_table", pressed)
    with pytest.raises(KeyboardInterrupt):
        compare_table(table(A), "y", presets=(), trees=False)


def test_a_class_that_is_never_judged_is_named() -> None:
    names = np.where(A > 0, "up", "down")
    names[7] = "side"
    found = compare_table(table(names), "y", presets=(), trees=False)
    assert found.n_rows == N - 1
    assert "Class 'side' has too few rows to validate on, so the scores say nothing of it." in found.notes


def test_few_groups_reach_farther_by_students_distribution() -> None:
    for freedom in (1, 2, 3, 4, 5, 17, 100, 999, 1000):
        assert student(freedom) == pytest.approx(-stats.t.ppf(stats.norm.cdf(-2), freedom), rel=1e-9)
    assert student(0) == np.inf
    d = np.array([1.0, 2.0, 4.0])
    nothing: dict[str, dict[str, float]] = {"fast": {}, LINE: {}}
    found = entries_of(
        {"fast": d + 5, LINE: np.full(3, 5.0)},
        nothing,
        {"fast": 1.0, LINE: 1.0},
        metric="log_loss",
        groups=None,
        share=0.0,
    )
    half = -stats.t.ppf(stats.norm.cdf(-2), 2) * d.std(ddof=1) / np.sqrt(3)
    assert found[1].interval == pytest.approx((d.mean() - half, d.mean() + half))
