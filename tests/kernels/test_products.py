"""The products of a dense layer against float64, for all widths of vectors and many shapes."""

from __future__ import annotations

import functools
import platform
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kernel_calls import Array, Work

from pellucid.activations import relu
from pellucid.kernels import cpu
from pellucid.kernels.build import assembly
from pellucid.kernels.products import DEPTH, PLAIN, RELU, SLOPE, products

EPS = 2.0**-24
WIDTHS = (16, 8, 4)
each_width = pytest.mark.parametrize("width", WIDTHS)

# Rows of the result, numbers summed, columns of the result: around the tile's heights and widths, single
# ones, and sums longer than one sweep.
shapes = st.tuples(st.integers(1, 40), st.integers(1, 70), st.integers(1, 150))
EDGES = [
    (1, 1, 1),
    (1, 300, 1),
    (37, 1, 1),
    (1, 1, 131),
    (3, DEPTH, 5),
    (13, DEPTH + 1, 17),
    (2, 2 * DEPTH + 7, 80),
    (25, 3, 64),
    (12, 16, 16),
]


def numbers(seed: int, *shape: int) -> Array:
    """Numbers of very different sizes."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) * 10.0 ** rng.integers(-3, 3, shape)).astype(np.float32)


def forward(
    width: int, A: Array, B: Array, start: Array | None, ending: int = PLAIN, mask: Array | None = None
) -> Work:
    """A @ B, plus a row if there is one, as work not yet done."""
    values = {"A": A, "B": B, "C": np.full((len(A), B.shape[1]), np.nan, np.float32)}
    values["start"] = np.zeros(B.shape[1], np.float32) if start is None else start
    values["mask"] = A if mask is None else mask
    return Work(products(width)[0], values, has_start=int(start is not None), ending=ending)


def gradient(width: int, A: Array, D: Array) -> Work:
    """A.T @ D as work not yet done."""
    values = {"A": A, "B": D, "C": np.full((A.shape[1], D.shape[1]), np.nan, np.float32)}
    return Work(products(width)[1], values, now=(0, 0, len(A), 0))


def assert_product(C: Array, A: Array, B: Array, start: Array | None = None) -> None:
    """C = start + A @ B but for the rounding of one chain of sums; zeros beyond its columns."""
    A, B = A.astype(np.float64), B.astype(np.float64)
    exact, sizes = A @ B, np.abs(A) @ np.abs(B)
    if start is not None:
        exact, sizes = exact + start, sizes + np.abs(start)
    n, columns = A.shape[1], B.shape[1]
    assert (np.abs(C[:, :columns] - exact) <= 1.01 * n * EPS * sizes).all()
    assert not C[:, columns:].any()


@each_width
@pytest.mark.parametrize("has_start", [False, True])
@settings(max_examples=25, deadline=None)
@given(shapes, st.integers(0, 2**32))
def test_forward(width: int, has_start: bool, shape: tuple[int, int, int], seed: int) -> None:
    m, k, n = shape
    A, B = numbers(seed, m, k), numbers(seed + 1, k, n)
    start = numbers(seed + 2, n) if has_start else None
    C = forward(width, A, B, start).compiled([0, m])["C"]
    assert_product(C, A, B, start)


for _edge in EDGES:
    test_forward = example(_edge, 0)(test_forward)


@each_width
@settings(max_examples=10, deadline=None)
@given(shapes, st.integers(0, 2**32))
@example((20, 100, 2), 0)
@example((20, DEPTH + 9, 33), 0)
def test_what_is_below_zero_is_cut(width: int, shape: tuple[int, int, int], seed: int) -> None:
    m, k, n = shape
    A, B, start = numbers(seed, m, k), numbers(seed + 1, k, n), numbers(seed + 2, n)
    A[m // 2, k // 2] = np.nan
    whole, cut = (forward(width, A, B, start, c).compiled([0, m])["C"][:, :n] for c in (PLAIN, RELU))
    np.testing.assert_array_equal(cut, np.where(whole < 0, 0, whole))
    assert np.isnan(cut[m // 2]).all()


@each_width
@settings(max_examples=10, deadline=None)
@given(shapes, st.integers(0, 2**32))
@example((20, 100, 2), 0)
@example((20, DEPTH + 9, 33), 0)
def test_the_slope_of_relu(width: int, shape: tuple[int, int, int], seed: int) -> None:
    m, k, n = shape
    A, B, z = numbers(seed, m, k), numbers(seed + 1, k, n), numbers(seed + 2, m, n)
    A[m // 2, k // 2], z[0, 0], z[-1, -1] = np.inf, np.nan, -0.0
    a = np.where(z < 0, np.float32(0), z)
    whole = forward(width, A, B, None).compiled([0, m])["C"][:, :n]
    sloped = forward(width, A, B, None, SLOPE, a).compiled([0, m // 3, m])["C"]
    back = Work(relu.backward, {"z": z, "a": a, "da": whole, "delta": np.zeros_like(z)}).compiled([0, m])
    assert sloped[:, :n].tobytes() == back["delta"][:, :n].tobytes()


@each_width
@settings(max_examples=25, deadline=None)
@given(shapes, st.integers(0, 2**32))
def test_gradient(width: int, shape: tuple[int, int, int], seed: int) -> None:
    m, k, n = shape
    A, D = numbers(seed, k, m), numbers(seed + 1, k, n)
    assert_product(gradient(width, A, D).compiled([0, m])["C"], A.T, D)


for _edge in EDGES:
    test_gradient = example(_edge, 0)(test_gradient)


@each_width
@settings(max_examples=20, deadline=None)
@given(shapes, st.lists(st.integers(0, 40), max_size=4), st.integers(0, 2**32))
@example((40, DEPTH + 60, 33), [1, 12, 13, 39], 0)
def test_bits_do_not_depend_on_the_parts(
    width: int, shape: tuple[int, int, int], cuts: list[int], seed: int
) -> None:
    m, k, n = shape
    cuts = [0, *sorted(c for c in cuts if c < m), m]
    A, B, start = numbers(seed, m, k), numbers(seed + 1, k, n), numbers(seed + 2, n)
    for work in (
        functools.partial(forward, width, A, B, start),
        functools.partial(forward, width, A, B, None),
        functools.partial(gradient, width, A.T.copy(), B),
    ):
        whole, split = work().compiled([0, m])["C"], work().compiled(cuts)["C"]
        assert whole.tobytes() == split.tobytes()


@settings(max_examples=20, deadline=None)
@given(shapes, st.integers(0, 2**32))
@example((5, 2 * DEPTH, 7), 0)
def test_bits_do_not_depend_on_the_width_of_vectors(shape: tuple[int, int, int], seed: int) -> None:
    m, k, n = shape
    A, B, start = numbers(seed, m, k), numbers(seed + 1, k, n), numbers(seed + 2, n)
    results = {forward(w, A, B, start).compiled([0, m])["C"].tobytes() for w in WIDTHS}
    results_of_gradient = {gradient(w, A.T.copy(), B).compiled([0, m])["C"].tobytes() for w in WIDTHS}
    assert len(results) == len(results_of_gradient) == 1


@each_width
@settings(max_examples=15, deadline=None)
@given(shapes, st.integers(0, 2**32))
def test_sums_of_whole_numbers_are_exact(width: int, shape: tuple[int, int, int], seed: int) -> None:
    m, k, n = shape
    rng = np.random.default_rng(seed)
    A, B = rng.integers(-99, 100, (m, k)), rng.integers(-99, 100, (k, n))
    single = [v.astype(np.float32) for v in (A, B)]
    assert (forward(width, *single, None).compiled([0, m])["C"][:, :n] == A @ B).all()
    assert (gradient(width, single[0].T.copy(), single[1]).compiled([0, m])["C"][:, :n] == A @ B).all()


@each_width
def test_each_sum_is_one_chain_of_fused_multiply_adds(width: int) -> None:
    """(1 + 2^-12)² - 1 - 2^-11 is 2^-24: without fusing, rounding the square first would give 0."""
    a = 1 + 2.0**-12
    A, B = np.array([[1, 2.0**-11, a]], np.float32), np.array([[-1], [-1], [a]], np.float32)
    assert forward(width, A, B, None).compiled([0, 1])["C"][0, 0] == 2.0**-24
    assert gradient(width, A.T.copy(), B).compiled([0, 1])["C"][0, 0] == 2.0**-24


@each_width
def test_twins_agree(width: int) -> None:
    A, B, start = numbers(0, 19, 45), numbers(1, 45, 21), numbers(2, 21)
    for m, of in (
        (19, lambda: forward(width, A, B, start)),
        (45, lambda: gradient(width, A, numbers(3, 19, 21))),
    ):
        C, twin = of().compiled([0, m])["C"], of().interpreted([0, m])["C"]
        np.testing.assert_allclose(C, twin, rtol=1e-4, atol=1e-4 * np.abs(twin).max())


@each_width
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_reaches_its_own_row_only(width: int, value: float) -> None:
    A, B = numbers(0, 14, 9), np.ones((9, 18), np.float32)
    A[5, 3] = value
    C = forward(width, A, B, None).compiled([0, 14])["C"]
    np.testing.assert_array_equal(C[5, :18], np.full(18, value, np.float32))
    assert np.isfinite(np.delete(C, 5, axis=0)).all()


ARM = platform.machine() in ("aarch64", "arm64")


NATIVE = cpu.vector_width()


@pytest.mark.parametrize(
    ("width", "which"), [(NATIVE, 0), (NATIVE, 1), (min(8, NATIVE), 0)], ids=["forward", "gradient", "narrow"]
)
def test_machine_code_multiplies_and_adds_whole_vectors_only(width: int, which: int) -> None:
    register = {16: "zmm", 8: "ymm", 4: "xmm"}[width]
    packed = r"\bfmla\s+v\d+\.4s" if ARM else rf"\bvfmadd\d+ps\b.*%{register}"
    scalar = r"\bfmadd\s+s\d+" if ARM else r"\bv?(?:fmadd\d+|mul|add)ss\b"
    code = assembly(products(width)[which])
    assert len(re.findall(packed, code)) >= 100
    assert not re.findall(scalar, code)
    others = {"zmm", "ymm", "xmm"} - {register}
    assert not [line for line in re.findall(r"vfmadd.*", code) if any(o in line for o in others)]
