"""The product of one row: the bits of the product of many, for all widths of vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kernel_calls import Work
from test_products import WIDTHS, Array, numbers

from pellucid.kernels.products import PLAIN, RELU, products, row_product


def row_times(width: int, kernel: int, A: Array, B: Array, start: Array, ending: int) -> bytes:
    """A @ B + start for one row, by the product of rows (0) or by that of one row (1)."""
    values = {"A": A, "B": B, "start": start, "C": np.full((1, B.shape[1]), np.nan, np.float32)}
    values["mask"] = A
    which = row_product(width) if kernel else products(width)[0]
    return Work(which, values, has_start=1, ending=ending).compiled([0, 1])["C"].tobytes()


@pytest.mark.parametrize("width", WIDTHS)
@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(1, 400), st.integers(0, 2**32))
@example(1100, 1, 0)
@example(1100, 131, 0)
@example(3, 128, 0)
@example(3, 16 * 17, 0)
def test_a_row_alone_has_the_bits_of_a_row_among_others(width: int, k: int, n: int, seed: int) -> None:
    A, B, start = numbers(seed, 1, k), numbers(seed + 1, k, n), numbers(seed + 2, n)
    for ending in (PLAIN, RELU):
        one, many = (row_times(width, kernel, A, B, start, ending) for kernel in (1, 0))
        assert one == many
