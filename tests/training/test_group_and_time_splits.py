"""Splits by group and by time: what must hold for any groups and times, and shares near the asked ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import ArgumentError, DataError, ShapeError
from pellucid.training.group_split import split_groups, without_groups_of
from pellucid.training.splits import split_by_time

FRACTIONS = st.floats(0, 1, exclude_max=True)
ROWS = st.lists(st.tuples(st.integers(-1, 12), st.integers(0, 3)), min_size=1, max_size=150)


def named(groups: list[int]) -> list[Any]:
    """The same groups, each row without one in a group of a name of its own."""
    return [g if g >= 0 else f"row {i}" for i, g in enumerate(groups)]


@given(ROWS, FRACTIONS, st.integers(0, 2**64 - 1), st.booleans())
def test_no_group_is_on_both_sides(
    rows: list[tuple[int, int]], fraction: float, seed: int, has_classes: bool
) -> None:
    groups, y = [g for g, _ in rows], [c for _, c in rows]
    names = named(groups)
    classes: Any = y if has_classes else None
    try:
        train, held = split_groups(groups, classes, fraction=fraction, seed=seed)
    except DataError:
        of_class = [{n for n, c in zip(names, y, strict=True) if c == k} for k in set(y)]
        needed = {next(iter(of)) for of in of_class if len(of) == 1}
        assert needed == set(names) if has_classes else len(set(names)) == 1
        return
    assert sorted([*train, *held]) == list(range(len(rows)))
    assert (np.diff(train) > 0).all()
    assert (np.diff(held) > 0).all()
    assert not {names[i] for i in train} & {names[i] for i in held}
    assert len(held) > 0 if len(rows) >= 10 and fraction else len(held) == 0
    assert len(train)
    if has_classes:
        assert {y[i] for i in train} == set(y)
    again = split_groups(np.array(groups), classes, fraction=fraction, seed=seed)
    np.testing.assert_array_equal(again[1], held)


@given(st.lists(st.integers(1, 30), min_size=2, max_size=40), st.floats(0.05, 0.5), st.integers(0, 99))
def test_the_share_is_as_near_as_the_smallest_group_allows(
    sizes: list[int], fraction: float, seed: int
) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    if len(groups) < 10:
        return
    train, held = split_groups(groups, fraction=fraction, seed=seed)
    smallest = min(sizes[g] for g in set(groups[train]))
    is_near = abs(len(held) - fraction * len(groups)) <= smallest / 2 + 1e-9
    assert is_near or len(held) == min(sizes) >= 2 * fraction * len(groups)


def test_each_class_has_its_share_where_groups_are_small() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [3000, 600, 60])
    groups = 1000 * y + rng.integers(0, 400, len(y)) % (300 // (y + 1) ** 2)
    _, held = split_groups(groups, y, fraction=0.2)
    shares = np.bincount(y[held]) / np.bincount(y)
    np.testing.assert_allclose(shares, 0.2, atol=0.03)


def test_a_group_larger_than_its_share_trains_and_seeds_draw_other_groups() -> None:
    groups = [0] * 80 + list(range(1, 21))
    drawn = [tuple(split_groups(groups, seed=s, fraction=0.1)[1]) for s in range(10)]
    assert all(len(held) == 10 and min(held) >= 80 for held in drawn)
    assert len(set(drawn)) == 10


TIMES = st.lists(st.one_of(st.integers(-4, 4), st.floats(-4, 4), st.just(float("nan"))), max_size=120)


@given(TIMES, FRACTIONS)
def test_the_future_never_predicts_the_past(times: list[float], fraction: float) -> None:
    t = np.array(times, np.float64)
    known = np.flatnonzero(~np.isnan(t))
    try:
        train, held = split_by_time(t, fraction=fraction)
    except DataError:
        assert len(set(t[known])) == 1
        return
    if len(known) < 10 or fraction == 0:
        assert (len(train), len(held)) == (len(t), 0)
        return
    assert sorted([*train, *held]) == known.tolist()
    assert (np.diff(train) > 0).all()
    assert (np.diff(held) > 0).all()
    assert t[train].max() < t[held].min()
    distances = [
        abs((t >= border).sum() - fraction * len(known)) for border in set(t[known]) - {min(t[known])}
    ]
    assert abs(len(held) - fraction * len(known)) == pytest.approx(min(distances))


def test_dates_are_times() -> None:
    days = np.arange("2020-01-01", "2020-01-21", dtype="datetime64[D]")
    days[3] = np.datetime64("NaT")
    train, held = split_by_time(days[::-1])
    assert held.tolist() == [0, 1, 2, 3]
    assert 16 not in train
    assert len(train) == 15


def test_older_rows_of_groups_that_validate_can_be_left_out() -> None:
    groups = np.array([0, 1, -1, 2, 1, -1])
    kept = without_groups_of(np.array([0, 1, 2, 3]), np.array([4, 5]), groups)
    assert kept.tolist() == [0, 2, 3]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: split_groups([1] * 20), DataError, "all rows are of one group, so none can be held back"),
        (
            lambda: split_groups([0] * 9 + [1] * 9, [0] * 9 + [1] * 9),
            DataError,
            "each group has all rows of a class, so none can be held back",
        ),
        (lambda: split_groups([0, 1], [0]), ShapeError, "but got shapes (2,) and (1,)"),
        (lambda: split_groups([0, 1], fraction=1), ArgumentError, "fraction must be from 0 to below 1"),
        (lambda: split_groups([0, 1], seed=-1), ArgumentError, "seed must be a whole number"),
        (lambda: split_by_time([5] * 20), DataError, "all rows are of the same time"),
        (lambda: split_by_time([[1, 2]]), ShapeError, "times of shape (1, 2)"),
        (lambda: split_by_time([1, 2], fraction=-1), ArgumentError, "fraction must be from 0 to below 1"),
    ],
)
def test_wrong_calls_end_in_a_sentence(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)
