"""Random words of which eight rows share four: those of their counter, and as good as words of their own."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from pellucid.kernels.random import key_of, philox, shared_words, turned, uniform

EIGHT = list(itertools.combinations(range(8), 2))


@functools.cache
def many() -> NDArray[np.int32]:
    return shared_words(2000, 3, 1, *key_of(5), 0, 2000)


def test_words_are_those_of_their_counter() -> None:
    words = shared_words(6, 5, 2, *key_of(2**40 + 9), 0, 21).view(np.uint32)
    for i, j in np.ndindex(words.shape):
        word = int(philox(j, i // 8, 5, 2, *key_of(2**40 + 9))[i % 4])
        assert words[i, j] == (word if i % 8 < 4 else word >> 16 | (word & 0xFFFF) << 16)


def test_words_do_not_depend_on_the_rows_asked_for() -> None:
    np.testing.assert_array_equal(shared_words(50, 3, 1, *key_of(5), 3, 30), many()[3:30, :50])


def test_turning_twice_changes_nothing() -> None:
    words = many()[:8]
    np.testing.assert_array_equal(turned(turned(words)), words)
    np.testing.assert_array_equal(turned(np.array([0x12345678, -2], np.int32)), [0x56781234, -65537])


@pytest.mark.parametrize("rate", [0.003, 0.1, 0.5, 0.9])
def test_rows_that_share_a_word_are_left_out_independently(rate: float) -> None:
    """Of the eight rows of a group each pair is left out together as often as two independent ones."""
    out = (uniform(many()) < np.float32(rate)).reshape(250, 8, 2000)
    n = 250 * 2000
    for one, two in EIGHT:
        both = int((out[:, one] & out[:, two]).sum())
        expected = rate**2 * n
        assert abs(both - expected) < 5 * math.sqrt(expected), (one, two)
    assert abs(int(out.sum()) - rate * out.size) < 5 * math.sqrt(rate * (1 - rate) * out.size)


def test_how_many_of_eight_rows_are_left_out_is_binomial() -> None:
    left_out = (uniform(many()) < np.float32(0.3)).reshape(250, 8, 2000).sum(axis=1).ravel()
    found = np.bincount(left_out, minlength=9)
    expected = stats.binom(8, 0.3).pmf(np.arange(9)) * left_out.size
    assert stats.chisquare(found, expected).pvalue > 1e-4


def test_turned_words_are_uniform() -> None:
    u = uniform(many()[4::8]).ravel()
    assert stats.chisquare(np.bincount((u * 512).astype(int), minlength=512)).pvalue > 1e-4
