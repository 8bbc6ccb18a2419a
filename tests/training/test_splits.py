"""Training and validation rows, against Philox written out and scikit-learn's shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from pellucid.errors import ArgumentError, DataError, ShapeError
from pellucid.training.splits import split

MASK = 2**64 - 1


def philox(counter: int, key: tuple[int, int]) -> list[int]:
    """Philox4x64-10 as its authors give it (Salmon et al. 2011, section 3.3)."""
    c = [counter, 0, 0, 0]
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
        c = [(p1 >> 64) ^ c[1] ^ k0, p1 & MASK, (p0 >> 64) ^ c[3] ^ k1, p0 & MASK]
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
    return c


def test_philox_itself() -> None:
    # The first known answer of the authors' library Random123.
    assert philox(0, (0, 0)) == [
        0x16554D9ECA36314C,
        0xDB20FE9D672D0FDC,
        0xD7E772CEE186176B,
        0x7E68B68AEC7BA23B,
    ]


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_order_is_that_of_philox(seed: int) -> None:
    words = [w for block in range(1, 26) for w in philox(block, (seed, 0))]
    first = sorted(range(100), key=lambda i: words[i])[:20]
    train, validation = split(100, seed=seed)
    assert validation.tolist() == sorted(first)
    assert train.tolist() == sorted(set(range(100)) - set(first))


@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=200),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 2**64 - 1),
)
def test_every_row_once_and_every_class_in_training(y: list[int], fraction: float, seed: int) -> None:
    train, validation = split(len(y), y, fraction=fraction, seed=seed)
    assert sorted([*train, *validation]) == list(range(len(y)))
    assert (np.diff(train) > 0).all()
    assert (np.diff(validation) > 0).all()
    assert {y[i] for i in train} == set(y)
    if len(y) < 10 or fraction == 0:
        assert not len(validation)
        return
    counts = np.bincount(y)
    possible = (counts[counts > 0] - 1).sum()
    assert len(validation) == min(possible, max(1, round(fraction * len(y))))
    again = split(len(y), np.array(y), fraction=fraction, seed=seed)
    np.testing.assert_array_equal(again[1], validation)


@given(st.lists(st.integers(5, 60), min_size=2, max_size=6), st.sampled_from([0.1, 0.2, 0.25, 0.5]))
def test_shares_of_classes_are_proportional_like_those_of_scikit_learn(
    counts: list[int], fraction: float
) -> None:
    y = np.repeat(np.arange(len(counts)), counts)
    _, validation = split(len(y), y, fraction=fraction)
    n = len(validation)
    ours = np.bincount(y[validation], minlength=len(counts))
    if len(counts) <= n <= len(y) - len(counts):
        theirs = np.bincount(
            train_test_split(y, test_size=n, stratify=y, random_state=0)[1], minlength=len(counts)
        )
        assert np.abs(ours - theirs).max() <= 1
    assert (np.abs(ours - np.array(counts) * n / len(y)) < 1 + 1e-9).all()


def test_regression_takes_the_fraction() -> None:
    assert [len(split(n)[1]) for n in (2, 9, 10, 11, 13, 1000)] == [0, 0, 2, 2, 3, 200]
    assert len(split(10, fraction=0.01)[1]) == 1
    assert len(split(1000, fraction=0)[1]) == 0


def test_seeds_give_different_rows() -> None:
    chosen = {tuple(split(1000, seed=s)[1]) for s in range(20)}
    assert len(chosen) == 20
    overlap = len(set(split(1000, seed=0)[1]) & set(split(1000, seed=1)[1]))
    assert 20 < overlap < 60  # 40 expected of 200


def test_classes_of_one_row_each_all_train() -> None:
    train, validation = split(12, list(range(12)))
    assert (len(train), len(validation)) == (12, 0)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((1,), {}, DataError, "at least 2 rows"),
        ((0,), {}, DataError, "at least 2 rows"),
        ((20,), {"fraction": 1.0}, ArgumentError, "fraction must be from 0 to below 1, but got 1.0"),
        ((20,), {"fraction": float("nan")}, ArgumentError, "fraction must be"),
        ((20,), {"fraction": "0.2"}, ArgumentError, "fraction must be"),
        ((20,), {"seed": -1}, ArgumentError, "seed must be a whole number"),
        ((20,), {"seed": 2**64}, ArgumentError, "seed must be a whole number"),
        ((20,), {"seed": 0.5}, ArgumentError, "seed must be a whole number"),
        ((20,), {"seed": float("inf")}, ArgumentError, "seed must be a whole number"),
        ((20, [0, 1]), {}, ShapeError, "one class for each of 20 rows, but got y of shape (2,)"),
    ],
)
def test_wrong_arguments(
    arguments: tuple[object], options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        split(*arguments, **options)  # type: ignore[arg-type]
    assert message in str(caught.value)
