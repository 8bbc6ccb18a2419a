"""Rows in parts that validate in turn."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.errors import ShapeError
from pellucid.training.folds import folds


@pytest.mark.parametrize("seed", range(5))
def test_each_row_is_in_one_part_and_parts_are_of_one_size(seed: int) -> None:
    parts = folds(103, 5, seed=seed)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(103))
    assert {len(part) for part in parts} == {20, 21}
    assert all((np.diff(part) > 0).all() for part in parts)


def test_each_class_is_spread_evenly() -> None:
    y = np.repeat([0, 1, 2], [70, 23, 7])
    for part in folds(100, 5, y, seed=3):
        counts = np.bincount(y[part], minlength=3)
        assert counts[0] == 14
        assert counts[1] in (4, 5)
        assert counts[2] in (1, 2)


def test_what_is_the_only_row_of_its_class_is_always_learned_from() -> None:
    y = np.array([0] * 10 + [1] * 10 + [2])
    assert 20 not in np.concatenate(folds(21, 3, y))


def test_a_group_is_in_one_part_only() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 30, 400)
    parts = folds(400, 4, groups=groups)
    seen = [set(groups[part].tolist()) for part in parts]
    assert sum(map(len, seen)) == len(set.union(*seen)) == 30
    assert max(map(len, parts)) - min(map(len, parts)) <= np.bincount(groups).max()


def test_a_group_with_all_rows_of_a_class_is_always_learned_from() -> None:
    y = np.array([0] * 12 + [1] * 12 + [2] * 3)
    groups = np.array([0, 1, 2] * 4 + [3, 4, 5] * 4 + [6] * 3)
    parts = folds(27, 3, y, groups=groups)
    assert not set(np.concatenate(parts)) & {24, 25, 26}
    for part in parts:
        rest = np.setdiff1d(np.arange(27), part)
        assert set(y[rest]) == {0, 1, 2}


def test_few_rows_and_one_group_are_not_divided() -> None:
    assert folds(9, 5) == []
    assert folds(40, 5, groups=np.zeros(40, int)) == []
    assert len(folds(12, 20)) == 12


def test_seeds_deal_differently_and_the_same_seed_the_same() -> None:
    one, two, again = folds(50, 5, seed=1), folds(50, 5, seed=2), folds(50, 5, seed=1)
    assert any(not np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))


def test_arrays_of_another_length_are_refused() -> None:
    with pytest.raises(ShapeError, match="expected a class and a group for each of 20 rows"):
        folds(20, 5, [0, 1])
