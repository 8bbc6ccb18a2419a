"""Random numbers: published vectors, distributions, and numbers that depend on nothing but their place."""

from __future__ import annotations

import ctypes
import functools
import math
import re
import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from pellucid.errors import ArgumentError
from pellucid.kernels import build, compiler, random
from pellucid.kernels.elementary import bits
from pellucid.kernels.kernel import Kernel, kernel
from pellucid.kernels.random import (
    fill_words,
    key_of,
    mix,
    normal,
    permutation,
    philox,
    random_words,
    state,
    thrice,
    uniform,
)

# kat_vectors of the authors' Random123 library: counter, key, result of philox4x32 with 10 rounds.
VECTORS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


@kernel(out="write whole i8")
def four_words(out, c0, c1, c2, c3, k0, k1, lo, hi):  # type: ignore[no-untyped-def]
    w0, w1, w2, w3, _, _ = mix(*thrice(*thrice(*thrice(*state(c0, c1, c2, c3, k0, k1)))))
    out[0], out[1], out[2], out[3] = np.int64(w0), np.int64(w1), np.int64(w2), np.int64(w3)


@kernel(out="write part")
def raw(out, out_stride, out_columns, tick, stream, seed_low, seed_high, lo, hi):  # type: ignore[no-untyped-def]
    fill_words(out, out_stride, out_columns, tick, stream, seed_low, seed_high, lo, hi)


@kernel(x="read part", out="write part")
def normals(x, out, lo, hi):  # type: ignore[no-untyped-def]
    x, out = x[lo:hi], out[lo:hi]
    for i in range(len(x)):
        out[i] = normal(bits(x[i]))


@kernel(x="read part", out="write part")
def uniforms(x, out, lo, hi):  # type: ignore[no-untyped-def]
    x, out = x[lo:hi], out[lo:hi]
    for i in range(len(x)):
        out[i] = uniform(bits(x[i]))


def call(of: Kernel, *values: Any, lo: int = 0, hi: int = 1) -> None:
    """Run the compiled kernel on arrays and whole numbers."""
    row = np.array([v.ctypes.data if isinstance(v, np.ndarray) else v for v in values], np.int64)
    address = compiler.addresses([of])[of]
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    function(address)(row.ctypes.data, None, lo, hi)


def hexadecimal(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "result"), VECTORS)
def test_published_vectors(counter: str, key: str, result: str) -> None:
    place = [*hexadecimal(counter), *hexadecimal(key)]
    out = np.zeros(4, np.int64)
    call(four_words, out, *place)
    assert out.tolist() == hexadecimal(result)
    assert [int(w) for w in philox(*place)] == hexadecimal(result)


def filled(rows: int, columns: int, cuts: list[int], tick: int, stream: int, seed: int) -> NDArray[np.int32]:
    """What the compiled loop writes when the rows are cut in parts."""
    stride = -(-columns // 16) * 16
    out = np.full((rows, stride), 0, np.float32)
    for lo, hi in zip([0, *cuts], [*cuts, rows], strict=True):
        call(raw, out, stride, columns, tick, stream, *key_of(seed), lo=lo, hi=hi)
    assert not out[:, columns:].any()
    return out.view(np.int32)[:, :columns]


@pytest.mark.parametrize("columns", [1, 3, 8, 10, 16, 33, 130])
def test_compiled_words_are_those_of_the_twin_however_rows_are_cut(columns: int) -> None:
    twin = random_words(columns, 7, 3, *key_of(2**40 + 11), 0, 29)
    for cuts in ([], [12], [4, 8, 20], [1], [2, 3, 5, 7, 11, 13, 26], [28]):
        np.testing.assert_array_equal(filled(29, columns, cuts, 7, 3, 2**40 + 11), twin)
    np.testing.assert_array_equal(random_words(columns, 7, 3, *key_of(2**40 + 11), 5, 14), twin[5:14])


def test_words_are_those_of_their_counter() -> None:
    words = random_words(6, 5, 2, *key_of(9), 0, 11).view(np.uint32)
    for i, j in np.ndindex(words.shape):
        assert words[i, j] == philox(j, i // 4, 5, 2, 9, 0)[i % 4]


@functools.cache
def many() -> NDArray[np.int32]:
    return random_words(1000, 0, 0, 1, 0, 0, 2000)


def test_every_bit_is_as_often_0_as_1() -> None:
    words, n = many().view(np.uint32).ravel(), many().size
    for bit in range(32):
        ones = int((words >> np.uint32(bit) & np.uint32(1)).sum())
        assert abs(ones - n / 2) < 5 * math.sqrt(n) / 2, bit


@pytest.mark.parametrize("other", ["next row", "next column", "next tick", "next stream", "next seed"])
def test_neighbours_do_not_depend_on_each_other(other: str) -> None:
    one = uniform(many()).astype(np.float64) - 0.5
    two = {
        "next row": lambda: np.roll(one, 1, axis=0),
        "next column": lambda: np.roll(one, 1, axis=1),
        "next tick": lambda: uniform(random_words(1000, 1, 0, 1, 0, 0, 2000)) - 0.5,
        "next stream": lambda: uniform(random_words(1000, 0, 1, 1, 0, 0, 2000)) - 0.5,
        "next seed": lambda: uniform(random_words(1000, 0, 0, 2, 0, 0, 2000)) - 0.5,
    }[other]()
    assert abs((one * two).mean() * 12) < 5 / math.sqrt(one.size)


def test_uniform_numbers_are_uniform() -> None:
    u = uniform(many()).ravel()
    assert u.dtype == np.float32
    assert u.min() >= 0
    assert u.max() < 1
    assert stats.chisquare(np.bincount((u * 512).astype(int), minlength=512)).pvalue > 1e-4
    np.testing.assert_array_equal(u * 2**24 % 1, 0)


def test_uniform_at_its_ends() -> None:
    words = np.array([0, 0xFF, 0x100, 0xFFFFFFFF, 0x80000000], np.uint32).view(np.int32)
    np.testing.assert_array_equal(uniform(words), [0, 0, 2**-24, 1 - 2**-24, 0.5])
    out = np.zeros(5, np.float32)
    call(uniforms, words.view(np.float32), out, hi=5)
    np.testing.assert_array_equal(out, uniform(words))


def test_normal_numbers_are_normal() -> None:
    z = normal(many()).ravel()
    assert z.dtype == np.float32
    assert stats.kstest(z[::4], "norm").pvalue > 1e-4
    assert abs(z.mean(dtype=np.float64)) < 5 / math.sqrt(z.size)
    assert abs(z.var(dtype=np.float64) - 1) < 5 * math.sqrt(2 / z.size)
    assert abs(stats.kurtosis(z.astype(np.float64))) < 5 * math.sqrt(24 / z.size)


def test_normal_numbers_are_the_inverse_distribution_function_of_their_word() -> None:
    ends = np.r_[0:3000, 0x7FFFFFFF - 3000 : 0x80000000, 0x80000000:0x80000FFF].astype(np.uint32)
    words = np.concatenate([many().ravel()[:500_000], ends.view(np.int32)])
    p = ((words.astype(np.int64) & 0x7FFFFFFF) + 0.5) / 2**32
    exact = np.where(words < 0, special.ndtri(p), -special.ndtri(p))
    compiled = np.zeros(len(words), np.float32)
    call(normals, words.view(np.float32), compiled, hi=len(words))
    for z in (compiled, normal(words)):
        error = np.abs(z - exact)
        assert (error <= np.maximum(1e-6 * np.abs(exact), 1e-7)).all(), error.max()
        assert 6.3 < np.abs(z).max() < 6.4
    assert (np.signbit(compiled) == (words < 0)).all()


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 31, 1000, 1001])
def test_permutation_holds_every_number_once_and_is_its_twin(n: int, monkeypatch: Any) -> None:
    compiled = permutation(3, 2, n)
    assert compiled.dtype == np.int64
    np.testing.assert_array_equal(np.sort(compiled), np.arange(n))
    monkeypatch.setenv("PELLUCID_JIT", "0")
    np.testing.assert_array_equal(permutation(3, 2, n), compiled)


def test_permutation_is_fisher_and_yates_with_the_words_of_its_counter() -> None:
    order = list(range(50))
    for i in range(50):
        words = [int(w) for w in philox(i // 2, 0, 4, random.SHUFFLING, 17, 0)]
        j = ((words[2 * (i % 2)] << 32 | words[2 * (i % 2) + 1]) * (i + 1)) >> 64
        order[i], order[j] = order[j], order[i]
    assert permutation(17, 4, 50).tolist() == order


def test_every_order_is_as_likely_as_any_other() -> None:
    orders = Counter(tuple(permutation(seed, 0, 4).tolist()) for seed in range(6000))
    orders += Counter(tuple(permutation(0, epoch, 4).tolist()) for epoch in range(6000))
    assert len(orders) == 24
    assert stats.chisquare(list(orders.values())).pvalue > 1e-4
    places = np.array([permutation(5, epoch, 101)[[0, 50, 100]] for epoch in range(10100)])
    for place in places.T:
        assert stats.chisquare(np.bincount(place, minlength=101)).pvalue > 1e-4


def test_permutations_differ_by_seed_and_epoch() -> None:
    orders = {
        permutation(seed, epoch, 40).tobytes() for seed in (0, 1, 2**32, 2**63, -1) for epoch in range(3)
    }
    assert len(orders) == 15


@pytest.mark.parametrize("n", [-1, 2**32, 1.5, None, True])
def test_permutation_refuses_what_is_no_length(n: Any) -> None:
    with pytest.raises(ArgumentError, match="permutation: n must be a whole number from 0"):
        permutation(0, 0, n)


def test_another_process_gives_the_same() -> None:
    program = (
        "from pellucid.kernels.random import *; import zlib;"
        "print(zlib.crc32(permutation(1, 2, 999).tobytes() + random_words(9, 1, 2, 3, 4, 0, 9).tobytes()))"
    )
    sums = set()
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        sums.add(done.stdout)
    assert len(sums) == 1


@pytest.mark.parametrize("of", [raw, random.shuffle, normals], ids=str)
def test_loops_become_vector_code(of: Kernel) -> None:
    code = build.assembly(of)
    wanted = {
        "raw": r"\bv?pmuludq\b.*[xyz]mm|\bumull2?\b.*\.2d",
        "normals": r"\bvfn?m\w+ps\b|\bfml[as]\b.*\.4s",
    }
    assert re.search(wanted.get(of.name, wanted["raw"]), code)
    assert not re.search(r"\bmulq\b|\bumulh\b", code), "a product of 128 bits"
