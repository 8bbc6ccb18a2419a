"""Random numbers from a counter: Philox4x32-10.

Ten rounds of multiplication turn a counter of four 32-bit words and a key of two into four random words
(Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as 1, 2, 3*, 2011). So the number for a
place depends on nothing but its counter and the seed: not on how rows are shared among threads, and not on
what was drawn before it.

================  =====================================================================================
key               the seed's low and high word
counter           (column, row // 4, updates made before, stream)
word of the four  row % 4: four rows share the work, and a row is a vector loop over its columns
================  =====================================================================================

Where a word is only compared, as in dropout, eight rows share it: see `shared_words`.

A stream tells apart what draws numbers in the same update, such as two dropout layers.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import checks, settings
from pellucid.kernels import compiler
from pellucid.kernels.elementary import copysign, from_bits, log, polynomial, sqrt, where
from pellucid.kernels.kernel import kernel

f32, i32, u64 = np.float32, np.int32, np.uint64

WORD = u64(0xFFFFFFFF)  # the low word of a product
HALF = u64(32)  # by how many bits its high word is shifted
MULTIPLIER_0, MULTIPLIER_1 = u64(0xD2511F53), u64(0xCD9E8D57)
WEYL_0, WEYL_1 = u64(0x9E3779B9), u64(0xBB67AE85)  # the golden ratio and √3, added to the key
LANE = 8  # counters side by side in the widest vector
VECTOR = 16  # float32 numbers in it; the rows of a buffer are padded to a multiple of them
SHUFFLING = 0xFFFFFFFF  # the stream of permutations
LONGEST = 2**32 - 1  # permutation


def mix(c0, c1, c2, c3, k0, k1) -> Any:
    """One round: the next counter and the next key, all uint64 below 2^32: scalars or NumPy arrays."""
    p0, p1 = c0 * MULTIPLIER_0, c2 * MULTIPLIER_1
    c0, c1, c2, c3 = (p1 >> HALF) ^ c1 ^ k0, p1 & WORD, (p0 >> HALF) ^ c3 ^ k1, p0 & WORD
    return c0, c1, c2, c3, (k0 + WEYL_0) & WORD, (k1 + WEYL_1) & WORD


def thrice(c0, c1, c2, c3, k0, k1):
    """Three rounds: as much as LLVM puts into a loop that calls it, which only then becomes vector code."""
    return mix(*mix(*mix(c0, c1, c2, c3, k0, k1)))


def state(column, group, tick, stream, seed_low, seed_high):
    """Counter and key, from whole numbers of any type."""
    c0, c1, c2, c3 = u64(column) & WORD, u64(group) & WORD, u64(tick) & WORD, u64(stream) & WORD
    return c0, c1, c2, c3, u64(seed_low) & WORD, u64(seed_high) & WORD


def philox(column: Any, group: Any, tick: Any, stream: Any, seed_low: Any, seed_high: Any) -> tuple[Any, ...]:
    """The four random words of a counter and a key; the twin of what compiled loops write out.

    Examples
    --------
    >>> " ".join(f"{int(word):08x}" for word in philox(0, 0, 0, 0, 0, 0))
    '6627e8d5 e169c58d bc57ac4c 9b00dbd8'
    """
    counter = state(column, group, tick, stream, seed_low, seed_high)
    w0, w1, w2, w3, _, _ = mix(*thrice(*thrice(*thrice(*counter))))
    return w0, w1, w2, w3


def key_of(seed: int) -> tuple[int, int]:
    """The key for a seed: the low and the high word of its lowest 64 bits."""
    return seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF


def as_bits(word):
    """The float32 that has a word's bits, whatever number that is."""
    return from_bits(i32(word))


def fill_four_rows(
    out: Any,
    start: Any,
    stride: Any,
    width: Any,
    group: Any,
    tick: Any,
    stream: Any,
    seed_low: Any,
    seed_high: Any,
) -> None:
    """Random words as the bits of four whole rows, the first of which begins at `start`; compiled only."""
    row_0, row_1 = out[start : start + width], out[start + stride : start + stride + width]
    start += 2 * stride
    row_2, row_3 = out[start : start + width], out[start + stride : start + stride + width]
    for j in range(len(row_0)):
        counter = state(j, group, tick, stream, seed_low, seed_high)
        w0, w1, w2, w3, _, _ = mix(*thrice(*thrice(*thrice(*counter))))
        row_0[j], row_1[j], row_2[j], row_3[j] = as_bits(w0), as_bits(w1), as_bits(w2), as_bits(w3)


def fill_row(
    out: Any,
    start: Any,
    width: Any,
    of_four: Any,
    group: Any,
    tick: Any,
    stream: Any,
    seed_low: Any,
    seed_high: Any,
) -> None:
    """The words of one of the four rows of a group, as the bits of the row at `start`; compiled only."""
    row = out[start : start + width]
    for j in range(len(row)):
        counter = state(j, group, tick, stream, seed_low, seed_high)
        w0, w1, w2, w3, _, _ = mix(*thrice(*thrice(*thrice(*counter))))
        even, odd = (w0, w1) if of_four < 2 else (w2, w3)
        row[j] = as_bits(odd if of_four % 2 else even)


def fill_words(
    out: Any,
    stride: Any,
    columns: Any,
    tick: Any,
    stream: Any,
    seed_low: Any,
    seed_high: Any,
    lo: Any,
    hi: Any,
) -> None:
    """Random words as the bits of rows lo to hi of `out`; compiled only, see `random_words`."""
    width = (columns + LANE - 1) // LANE * LANE
    for first in range(lo - lo % 4, hi, 4):
        group = first // 4
        if first >= lo and first + 4 <= hi:
            fill_four_rows(out, first * stride, stride, width, group, tick, stream, seed_low, seed_high)
        else:  # a part that does not begin or end with four rows
            for i in range(max(lo, first), min(hi, first + 4)):
                fill_row(out, i * stride, width, i - first, group, tick, stream, seed_low, seed_high)
    for i in range(lo, hi):
        padding = out[i * stride + columns : i * stride + width]
        for j in range(len(padding)):
            padding[j] = f32(0)


def random_words(
    columns: int, tick: int, stream: int, seed_low: int, seed_high: int, lo: int, hi: int
) -> NDArray[np.int32]:
    """The words that `fill_words` writes, int32 (hi - lo, columns)."""
    group, of_four = np.divmod(np.arange(lo, hi)[:, None], 4)
    four = np.array(philox(np.arange(columns), group, tick, stream, seed_low, seed_high))
    words: NDArray[np.uint64] = np.take_along_axis(four, of_four[None], axis=0)[0]
    return words.astype(np.uint32).view(np.int32)


def turned(word: Any) -> Any:
    """An int32 word with its halves in the place of each other."""
    return i32(word << 16) | i32((word >> 16) & 0xFFFF)


def shared_words(
    columns: int, tick: int, stream: int, seed_low: int, seed_high: int, lo: int, hi: int
) -> NDArray[np.int32]:
    """Words of which eight rows share four: of each eight the last four have the words of the first, turned.

    A word and the same turned are each as random as any other. That both are below a bound, which one of
    them is with probability p, has a probability of p² to p 2^-15: they serve where a word is compared.

    Returns
    -------
    int32 array (hi - lo, columns)
    """
    group, of_eight = np.divmod(np.arange(lo, hi)[:, None], 8)
    four = np.array(philox(np.arange(columns), group, tick, stream, seed_low, seed_high))
    words: NDArray[np.uint64] = np.take_along_axis(four, of_eight[None] % 4, axis=0)[0]
    one = words.astype(np.uint32).view(np.int32)
    return np.where(of_eight < 4, one, turned(one))


def uniform(word: Any) -> Any:
    """A number in [0, 1), k / 2^24, from an int32 word: each k is as likely as any other."""
    return f32(i32((word >> 8) & 0xFFFFFF)) * f32(2.0**-24)


def depth(word: Any) -> Any:
    """-log(4 p (1 - p)) of the probability p that a word stands for: how far out in a tail; see `normal`."""
    p = probability(word)
    return -log(f32(4) * p * (f32(1) - p))


def probability(word: Any) -> Any:
    """A number in (0, 1/2] from the lowest 31 bits of an int32 word."""
    return f32(i32(word & 0x7FFFFFFF)) * f32(2.0**-32) + f32(2.0**-33)


def normal_at(word: Any, w: Any) -> Any:
    """The normal number of a word whose `depth` is w: loops over the halves of a long chain are faster."""
    p = probability(word)
    near = polynomial(
        w - f32(2.5), 1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087,
        -4.39150654e-06, -3.5233877e-06, 3.43273939e-07, 2.81022636e-08,
    )  # fmt: skip
    far = polynomial(  # a fit of our own, since theirs ends at p = 2^-25
        sqrt(w) - f32(3), 2.832977, 1.0016756, 0.009434358, -0.0076459097, 0.005761844,
        -0.0035846345, 0.001309946, -1.4003974e-05, -0.00017429494, 4.3637636e-05,
    )  # fmt: skip
    z = f32(np.sqrt(2.0)) * (f32(1) - p - p) * where(w < f32(5), near, far)
    return f32(copysign(z, f32(word)))


def normal(word: Any) -> Any:
    """A number of the standard normal distribution from an int32 word, between -6.4 and 6.4.

    The sign bit gives the sign, the other 31 bits a probability p in (0, 1/2]; then z = ∓Φ⁻¹(p) with
    M. Giles, *Approximating the erfinv function*, GPU Computing Gems, 2012. Relative error below 1e-6.
    """
    return normal_at(word, depth(word))


def below(high, low, n):
    """A whole number from 0 to n - 1 from 64 random bits: the high word of n times them.

    D. Lemire, *Fast random integer generation in an interval*, 2019, without its rejection: no number is
    more likely than another by more than n / 2^64.
    """
    return (high * n + (low * n >> HALF)) >> HALF


def put_shuffled(out, n, epoch, seed_low, seed_high):
    """The numbers 0 to n - 1 in random order; an odd n needs a place more."""
    for half in range((n + 1) // 2):
        counter = state(half, 0, epoch, SHUFFLING, seed_low, seed_high)
        w0, w1, w2, w3, _, _ = mix(*thrice(*thrice(*thrice(*counter))))
        out[2 * half] = np.int64(below(w0, w1, u64(2 * half + 1) & WORD))
        out[2 * half + 1] = np.int64(below(w2, w3, u64(2 * half + 2) & WORD))
    for i in range(n):  # out[i] is one of the i + 1 places so far; i goes there, what stood there goes to i
        j = out[i]
        out[i] = out[j]
        out[j] = i


@kernel(out="update whole i8")
def shuffle(out, n, epoch, seed_low, seed_high, lo, hi):
    """The numbers 0 to n - 1 in random order."""
    put_shuffled(out, n, epoch, seed_low, seed_high)


@shuffle.twin
def _(out, n, epoch, seed_low, seed_high, lo, hi):
    half, odd = np.divmod(np.arange(n), 2)
    four = np.array(philox(half, 0, epoch, SHUFFLING, seed_low, seed_high))
    high, low = np.where(odd, four[2:], four[:2])
    order: list[int] = []
    for i, j in enumerate(below(high, low, np.arange(1, n + 1, dtype=u64)).tolist()):
        order.append(i)
        order[i], order[j] = order[j], i
    out[:n] = order


def permutation(seed: int, epoch: int, n: int) -> NDArray[np.int64]:
    """The numbers 0 to n - 1 in an order that the seed and the epoch decide.

    Fisher and Yates's shuffle, inside out (Knuth, *The art of computer programming*, volume 2, 3.4.2),
    with numbers of Philox: every order is as likely as any other.

    Parameters
    ----------
    seed : int
        Its lowest 64 bits count.
    epoch : int
        Its lowest 32 bits count.
    n : int
        How many numbers.

    Returns
    -------
    int64 array (n,)

    Raises
    ------
    ArgumentError
        If n is below 0 or above 2^32 - 1.

    Examples
    --------
    >>> permutation(0, 0, 5)
    array([3, 2, 4, 1, 0])
    """
    n = checks.whole("permutation: n", n, least=0, most=LONGEST)
    out = np.empty(n + n % 2, np.int64)
    values = (n, epoch & 0xFFFFFFFF, *key_of(seed))
    if settings.jit():
        row = np.array([out.ctypes.data, *values], np.int64)
        _compiled_shuffle()(row.ctypes.data, None, 0, 1)
    else:
        assert shuffle.reference is not None
        shuffle.reference(out, *values, 0, 1)
    return out[:n]


@functools.cache
def _compiled_shuffle() -> Callable[[int, int | None, int, int], None]:
    """The compiled `shuffle`, callable from Python; it lets go of the interpreter lock."""
    signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    return signature(compiler.addresses([shuffle])[shuffle])
