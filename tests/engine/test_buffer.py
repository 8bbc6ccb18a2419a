"""Buffers and arenas: where the numbers of a network stand in memory."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.engine.buffer import Arena, Buffer, line, stride_of

LINE, VECTOR, PAGE_OF_A_CACHE = 64, 16, 256


@given(st.integers(1, 100_000))
def test_rows_begin_on_cache_lines_and_do_not_meet_in_the_cache(columns: int) -> None:
    stride = stride_of(columns)
    assert columns <= stride < columns + 2 * VECTOR
    assert stride % VECTOR == 0
    assert stride % PAGE_OF_A_CACHE != 0


shapes = st.tuples(st.integers(1, 40), st.integers(1, 300), st.sampled_from(["f4", "f8", "i8"]))


@given(st.lists(st.one_of(shapes, st.integers(1, 100)), min_size=1, max_size=8))
def test_buffers_lie_apart_aligned_and_zero(sizes: list[tuple[int, int, str] | int]) -> None:
    buffers = [
        line(f"line {i}", s) if isinstance(s, int) else Buffer(f"matrix {i}", s[0], s[1], s[2])
        for i, s in enumerate(sizes)
    ]
    arena = Arena(buffers)
    places = []
    for b in buffers:
        padded, view = arena.padded(b), arena.view(b)
        assert padded.ctypes.data % LINE == 0
        assert padded.flags.c_contiguous
        assert padded.dtype == view.dtype == np.dtype(b.dtype)
        assert padded.shape == (b.rows, b.stride)
        assert view.shape == ((b.rows,) if b.is_line else (b.rows, b.columns))
        assert np.shares_memory(view, padded)
        assert not padded.any()
        places.append((padded.ctypes.data, padded.ctypes.data + padded.nbytes))
    for (_, end), (start, _) in itertools.pairwise(sorted(places)):
        assert end <= start
    assert arena.nbytes >= sum(b.nbytes for b in buffers) + LINE  # a vector may read on behind the last


def test_a_view_is_the_memory_itself() -> None:
    matrix, numbers = Buffer("matrix", 3, 5), line("numbers", 4, "f8")
    arena = Arena([matrix, numbers])
    arena.view(matrix)[:] = np.arange(15).reshape(3, 5)
    arena.view(numbers)[2] = 0.1
    np.testing.assert_array_equal(arena.padded(matrix)[:, :5], np.arange(15).reshape(3, 5))
    assert not arena.padded(matrix)[:, 5:].any()
    assert arena.padded(numbers).ravel().tolist() == [0, 0, 0.1, 0]
    assert matrix in arena
    assert line("numbers", 4, "f8") not in arena  # a buffer is itself, not its name
    with pytest.raises(KeyError):
        arena.view(line("numbers", 4, "f8"))


def test_given_memory_has_no_padding_and_sizes_are_told() -> None:
    assert Buffer("data/X", 0, 10, given=True).stride == 10
    assert Buffer("weights", 3, 10).nbytes == 3 * 16 * 4
    assert line("total", 3, "f8").nbytes == 24
    assert str(Buffer("hidden_1/weights", 3, 10)) == "hidden_1/weights (3 x 10)"
    assert str(line("hidden_1/bias", 10)) == "hidden_1/bias (10)"
