"""Products with few columns, whose rows stand in the lanes of vectors: the bits of row after row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_products import WIDTHS, assert_product, forward, numbers

from pellucid.kernels.products import NARROW


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("has_start", [False, True])
@settings(max_examples=12, deadline=None)
@given(st.integers(1, 70), st.integers(1, 140), st.integers(1, NARROW), st.integers(0, 2**32))
@example(16, 16, 1, 0)
@example(33, 17, 2, 0)
@example(48, 31, NARROW, 0)
@example(16, 2050, 3, 0)
def test_rows_side_by_side_have_the_bits_of_rows_one_by_one(
    width: int, has_start: bool, m: int, k: int, n: int, seed: int
) -> None:
    A, B = numbers(seed, m, k), numbers(seed + 1, k, n)
    start = numbers(seed + 2, n) if has_start else None
    together = forward(width, A, B, start).compiled([0, m])["C"]
    one_by_one = forward(width, A, B, start).compiled(range(m + 1))["C"]
    assert together.tobytes() == one_by_one.tobytes()
    assert_product(together, A, B, start)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_reaches_its_own_row_only(value: float) -> None:
    for column in range(37):
        A, B = numbers(0, 32, 37), np.ones((37, 2), np.float32)
        A[5, column] = value
        C = forward(16, A, B, None).compiled([0, 32])["C"]
        np.testing.assert_array_equal(C[5, :2], np.full(2, value, np.float32))
        assert np.isfinite(np.delete(C, 5, axis=0)).all()


def test_nothing_behind_the_last_row_of_weights_is_read() -> None:
    """The memory behind them may hold anything, which times zero need not be zero."""
    A, B = numbers(0, 16, 20), np.zeros((21, 2), np.float32)
    B[:20], B[20] = numbers(1, 20, 2), np.nan
    work = forward(16, A, B[:20], None)
    work.arena.padded(work.buffers["B"])[:, 2:] = np.nan  # nor behind the last column
    assert np.isfinite(work.compiled([0, 16])["C"][:, :2]).all()
