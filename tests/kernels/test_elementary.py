"""Elementary functions: errors over the whole float32 range, the ends of the range, and the machine code."""

from __future__ import annotations

import functools
import inspect
import math
import re
from typing import Any

import numba
import numpy as np
import pytest
from numba import types
from scipy import special

from pellucid.kernels.elementary import WORDS, Elementary
from pellucid.kernels.jit import OPTIONS, jitted

INF, NAN = np.inf, np.nan
SMALLEST_NORMAL = 2.0**-126
DENORMAL = 1e-42
VECTOR = types.float32[::1]

# Words that are not plain functions of one to three float32: how the tests call them.
FORMS = {
    "polynomial": lambda f: lambda x, y, z: f(x, y, z, 0.5, -0.25),
    "from_bits": lambda f: lambda x, y, z: f(np.int32(x)),
}
ARITY = {
    1: lambda f: lambda x, y, z: f(x),
    2: lambda f: lambda x, y, z: f(x, y),
    3: lambda f: lambda x, y, z: f(x, y, z),
}


def arity(word: Elementary) -> int:
    function = word.body or word.reference
    return function.nin if isinstance(function, np.ufunc) else len(inspect.signature(function).parameters)


SWEPT = sorted(name for name, word in WORDS.items() if name not in {*FORMS, "bits"} and arity(word) == 1)


@functools.cache
def loop(name: str) -> Any:
    """A compiled loop of one word over arrays."""
    word = WORDS[name]
    form = FORMS.get(name) or ARITY[arity(word)]
    call = numba.njit(**OPTIONS)(form(jitted(word)))
    options = {k: v for k, v in OPTIONS.items() if "wrapper" not in k}

    @numba.njit(types.void(VECTOR, VECTOR, VECTOR, VECTOR), **options)
    def run(x, y, z, result):  # type: ignore[no-untyped-def]
        for i in range(len(result)):
            result[i] = call(x[i], y[i], z[i])

    return run


def compiled(name: str, *values: Any) -> Any:
    """What the compiled word makes of arrays of numbers."""
    arrays = [np.atleast_1d(np.asarray(v, np.float32)) for v in values]
    arrays += [np.zeros_like(arrays[0])] * (3 - len(arrays))
    result = np.empty_like(arrays[0])
    loop(name)(*arrays, result)
    return result


@functools.cache
def samples() -> Any:
    """Every sign and exponent with many mantissas, and all neighbours of the points where bodies branch."""
    mantissas = np.random.default_rng(0).integers(0, 2**23, (255, 2000), dtype=np.uint32)
    mantissas[:, :4] = (0, 1, 2**23 - 1, 2**22)
    spread = (np.arange(255, dtype=np.uint32)[:, None] << 23) + mantissas
    ends = (0.0, SMALLEST_NORMAL, 2**-25, 1 / 3, 0.5, 0.625, 0.92, 1.0, 4.0, 8.3, 9.01, 12.7, 13.2)
    ends += (0.125, 0.25, 0.75, 1.5, 9999.75, 2.0**22, 14.0, 17.4, 30.0, 87.33654, 88.72283)
    near = np.abs(np.array(ends, np.float32)).view(np.uint32)[:, None] + np.arange(-3000, 3000)
    positive = np.concatenate([spread.ravel(), near[near >= 0].astype(np.uint32)])
    return np.concatenate([positive, positive | np.uint32(1 << 31)]).view(np.float32)


def errors(result: Any, exact: Any) -> Any:
    """Distance from the exact result in units in its last place."""
    unit = 2.0 ** (np.maximum(np.frexp(exact)[1], -125) - 24)
    with np.errstate(invalid="ignore"):
        distance = np.abs(result.astype(np.float64) - exact) / unit
    rounds_to = np.where(np.abs(exact) < 2.0**128 - 2.0**103, exact, np.copysign(INF, exact))
    same = (result == rounds_to) | np.isnan(result) & np.isnan(exact)
    given_as_0 = (result == 0) & (np.abs(exact) < SMALLEST_NORMAL)
    return np.where(same | given_as_0, 0, distance)


@pytest.mark.parametrize("name", SWEPT)
def test_error_is_within_the_stated_bound_over_the_whole_range(name: str) -> None:
    x = samples()
    wrong = errors(compiled(name, x), WORDS[name](x.astype(np.float64)))
    worst = int(np.argmax(np.nan_to_num(wrong, nan=INF)))
    assert wrong[worst] <= WORDS[name].ulps, f"{name}({x[worst]!r}) is off by {wrong[worst]} ulps"


ENDS = {
    "absolute": {-INF: INF, -2.5: 2.5},
    "floor": {-INF: -INF, INF: INF, -0.5: -1, 2.0: 2},
    "nearest": {-INF: -INF, INF: INF, -0.5: 0, 0.5: 0, 1.5: 2, 2.5: 2, -1.75: -2},
    "sign": {-INF: -1, INF: 1, -DENORMAL: -1, 0.0: 0},
    "sqrt": {-1.0: NAN, -DENORMAL: NAN, INF: INF, 0.0: 0, 4.0: 2},
    "exp": {-INF: 0, INF: INF, 0.0: 1, 89.0: INF, -87.4: 0, -1e38: 0, 1e38: INF, DENORMAL: 1},
    "expm1": {-INF: -1, INF: INF, 89.0: INF, -18.0: -1, -1e38: -1},
    "log": {0.0: -INF, -DENORMAL: NAN, -1.0: NAN, -INF: NAN, INF: INF, 1.0: 0},
    "log1p": {-1.0: -INF, -1.0000001: NAN, -INF: NAN, INF: INF},
    "tanh": {-INF: -1, INF: 1, 9.02: 1, -9.02: -1},
    "erf": {-INF: -1, INF: 1, 3.93: 1, -3.93: -1},
    "sigmoid": {-INF: 0, INF: 1, 0.0: 0.5, -88.0: 0, 1e38: 1},
    "softplus": {-INF: 0, INF: INF, -88.0: 0, 1e38: np.float32(1e38)},
    "tanh_softplus": {-INF: 0, INF: 1, 1e38: 1},
    "log_cosh": {-INF: INF, INF: INF, 0.0: 0, 1e38: np.float32(1e38)},
    "normal_density": {-INF: 0, INF: 0, 1e38: 0},
    "normal_cdf": {-INF: 0, INF: 1, 0.0: 0.5, -1e38: 0, 1e38: 1},
    "sin_turns": {INF: NAN, 0.0: 0, 0.25: 1, 0.5: 0, 0.75: -1, -0.25: -1, 2.0**22 + 0.5: 0, 1e38: 0},
    "cos_turns": {INF: NAN, 0.0: 1, 0.25: 0, 0.5: -1, -0.75: 0, 1234.5: -1, 2.0**22 + 0.5: -1, -1e38: 1},
}


@pytest.mark.parametrize("name", SWEPT)
def test_ends_of_the_range(name: str) -> None:
    expected = {NAN: NAN, **ENDS[name]}
    np.testing.assert_array_equal(
        compiled(name, list(expected)), np.array(list(expected.values()), np.float32)
    )


@pytest.mark.parametrize("name", ["tanh", "expm1", "log1p"])
def test_functions_that_start_like_x_give_the_smallest_numbers_back(name: str) -> None:
    x = np.array([0.0, -0.0, 1e-45, -1e-45, DENORMAL, -DENORMAL, 1.2e-38, -1e-9], np.float32)
    assert compiled(name, x).tobytes() == x.tobytes()


@pytest.mark.parametrize(
    ("name", "parity"), [("tanh", -1), ("erf", -1), ("log_cosh", 1), ("normal_density", 1)]
)
def test_odd_and_even_functions_are_so_to_the_last_bit(name: str, parity: int) -> None:
    x = samples()[::101].copy()
    assert (compiled(name, -x).view(np.uint32) == (parity * compiled(name, x)).view(np.uint32)).all()


def test_log_of_zero_with_a_sign() -> None:
    assert compiled("log", -0.0) == -INF


def test_log_of_denormal_numbers() -> None:
    x = np.float32(2.0) ** np.arange(-149, -120, dtype=np.float32)
    np.testing.assert_allclose(compiled("log", x), np.arange(-149, -120) * math.log(2), rtol=6e-8)


@pytest.mark.parametrize("name", sorted(WORDS))
def test_a_loop_of_a_word_becomes_vector_code_without_calls(name: str) -> None:
    (code,) = loop(name).inspect_asm().values()
    code = code.split("func_end0")[0]  # what follows is the wrapper for Python
    used = set(jitted(WORDS[name]).py_func.__code__.co_names) if WORDS[name].body else {name}
    assert re.search(r"\b(\w+ps|vp\w+)\s.*[xyz]mm|\.4s\b", code), "no packed instructions"
    if used & {"fma", "polynomial"}:
        assert re.search(r"\bvfn?m\w+ps\b|\bfml[as]\b.*\.4s", code), "no packed multiply-add"
    assert not re.search(r"\s(call\w*|blr?)\s", code), "calls something"
    assert not re.search(r"cvt[sp]s2[sp]d|fcvtl|fcvt\s+d", code), "computes in float64"


@pytest.mark.parametrize("name", SWEPT)
def test_vector_and_scalar_code_give_the_same_bits(name: str) -> None:
    x = np.random.default_rng(1).choice(samples(), 499)
    one_by_one = np.concatenate([compiled(name, v) for v in x])
    np.testing.assert_array_equal(compiled(name, x), one_by_one)


@pytest.mark.parametrize("name", ["minimum", "maximum", "copysign"])
def test_words_of_two_numbers_do_what_numpy_does(name: str) -> None:
    some = np.array([-INF, -2.0, -0.5, 0.0, 1.5, INF, NAN], np.float32)
    a, b = (g.ravel() for g in np.meshgrid(some, some))
    np.testing.assert_array_equal(compiled(name, a, b), getattr(np, name)(a, b))


def test_where_takes_one_of_two() -> None:
    result = compiled("where", [1, 0, 1, 0], [1, 2, NAN, NAN], [INF, NAN, 3, 4])
    np.testing.assert_array_equal(result, np.array([1, NAN, NAN, 4], np.float32))


def test_fma_rounds_once() -> None:
    a = 1 + 2.0**-12  # a² needs 25 bits
    assert compiled("fma", a, a, -(1 + 2.0**-11)) == 2.0**-24


def test_polynomial_starts_with_the_constant() -> None:
    assert compiled("polynomial", 2.0, 3.0, 10.0) == 3 + 10 * 2 + 0.5 * 4 - 0.25 * 8
    assert WORDS["polynomial"](2.0, 3.0, 10.0, 0.5, -0.25) == 3 + 10 * 2 + 0.5 * 4 - 0.25 * 8


def test_bits_and_back() -> None:
    assert compiled("bits", 2.0) == 0x40000000
    assert compiled("from_bits", 0x40000000) == 2.0
    x = np.array([1.5, -0.0], np.float32)
    assert WORDS["from_bits"](WORDS["bits"](x)).tobytes() == x.tobytes()


INDEPENDENT = {
    "sin_turns": lambda t: special.sindg(360 * (t - np.round(t))),
    "cos_turns": lambda t: special.cosdg(360 * (t - np.round(t))),
    "sigmoid": special.expit,
    "softplus": lambda x: -special.log_expit(-x),
    "tanh_softplus": lambda x: np.tanh(np.log1p(np.exp(x))),
    "erf": special.erf,
    "normal_density": lambda x: np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi),
    "normal_cdf": special.ndtr,
    "log_cosh": lambda x: np.where(
        np.abs(x) < 0.1,
        x**2 / 2 - x**4 / 12 + x**6 / 45 - 17 * x**8 / 2520 + 31 * x**10 / 14175,
        np.log(np.cosh(x)),
    ),
}


@pytest.mark.parametrize("name", INDEPENDENT)
def test_references_agree_with_others(name: str) -> None:
    x = np.concatenate([np.linspace(-35, 35, 1401), np.logspace(-9, 0, 50), -np.logspace(-9, 0, 50)])
    np.testing.assert_allclose(WORDS[name](x), INDEPENDENT[name](x), rtol=1e-12)


@pytest.mark.parametrize("name", SWEPT)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_reference_keeps_type_and_shape_and_does_not_warn(name: str, kind: type) -> None:
    x = np.array([[-INF, -1000.0, -1.0], [0.5, 1000.0, NAN]], kind)
    result = WORDS[name](x)
    assert (result.dtype, result.shape) == (kind, x.shape)
    assert np.isnan(result[1, 2])
