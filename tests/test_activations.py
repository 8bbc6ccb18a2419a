"""Activations: values and derivatives against float64, the ends of float32, and machine code."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import reference
from formula_runs import LIBRARY, PACKED, run_backward, run_forward, samples, settings_of
from kernels.kernel_calls import Work
from pellucid.activations import ACTIVATIONS, Activation, RowActivation
from pellucid.errors import ArgumentError, UnknownNameError
from pellucid.kernels.build import assembly

SINGLE = [entry for entry in ACTIVATIONS if not isinstance(entry, RowActivation)]
OTHER_SETTINGS = [ACTIVATIONS.find(s) for s in ("leaky_relu(slope=0.3)", "elu(alpha=1.7)", "elu(alpha=0.4)")]
each = pytest.mark.parametrize("entry", [*SINGLE, *OTHER_SETTINGS], ids=str)
SOFTMAX = ACTIVATIONS.find("softmax")

# sigma(u) has the error of u times |u|, and the tail of gelu_tanh has u up to 87.
TOLERANCE = {"gelu_tanh": 3e-5}


def plain(entry: Activation) -> Callable[[Any], Any]:
    return lambda z: reference.ACTIVATIONS[entry.name](z, **entry.settings)


@each
def test_values_are_those_of_float64(entry: Activation) -> None:
    z = samples(entry)
    with np.errstate(over="ignore"):
        expected = plain(entry)(z.astype(np.float64))
    tolerance = TOLERANCE.get(entry.name, 1e-6)
    for form, a in run_forward(entry, z).items():
        np.testing.assert_allclose(a, expected, rtol=tolerance, atol=2e-38, err_msg=form)
    np.testing.assert_allclose(entry(z.astype(np.float64)), expected, rtol=1e-9, atol=1e-30)
    assert entry(z).dtype == np.float32


@each
def test_derivatives_are_those_of_float64_on_both_sides_of_each_kink(entry: Activation) -> None:
    z = samples(entry)
    for kink in entry.kinks:
        near = z[np.abs(z - kink) < 5e-3]
        assert (near < kink).any()
        assert (near > kink).any()
        z = np.where(np.abs(z - kink) < 2.5e-3, np.float32(kink + 0.5), z)  # the differences reach so far
    da = np.random.default_rng(1).standard_normal(z.shape).astype(np.float32)
    with np.errstate(over="ignore"):
        expected = da * reference.slope(plain(entry), z.astype(np.float64))
    for form, delta in run_backward(entry, z, da).items():
        allowed = 2e-5 * np.abs(expected) + np.where(np.abs(z) < 2, 1e-7, 1e-11)  # gelu's is 0 near -0.75
        assert (np.abs(delta - expected) <= allowed).all(), form


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_derivative_keeps_its_digits_in_both_tails(name: str) -> None:
    z = np.array([[5.0, 12.0, 20.0, 40.0, 80.0]], np.float32)
    z = z[:, :4] if name == "tanh" else z
    factor = {"sigmoid": lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2, "tanh": lambda z: np.cosh(z) ** -2.0}
    expected = factor[name](z.astype(np.float64))
    for sign in (1, -1):
        for delta in run_backward(ACTIVATIONS.find(name), sign * z, np.ones_like(z)).values():
            np.testing.assert_allclose(delta, expected, rtol=2e-6)


LIMITS = {  # at -inf and inf
    "relu": (0, np.inf), "elu": (-1, np.inf), "selu": (-1.7580993, np.inf), "gelu": (0, np.inf),
    "gelu_tanh": (0, np.inf), "silu": (0, np.inf), "mish": (0, np.inf), "softplus": (0, np.inf),
    "softsign": (-1, 1), "sigmoid": (0, 1), "hard_sigmoid": (0, 1), "tanh": (-1, 1),
    "exponential": (0, np.inf), "linear": (-np.inf, np.inf), "leaky_relu": (-np.inf, np.inf),
}  # fmt: skip
SLOPES = {  # at -inf and inf
    "linear": (1, 1), "relu": (0, 1), "leaky_relu": (0.01, 1), "elu": (0, 1), "selu": (0, 1.050701),
    "gelu": (0, 1), "gelu_tanh": (0, 1), "silu": (0, 1), "mish": (0, 1), "softplus": (0, 1),
}  # fmt: skip


@pytest.mark.parametrize("entry", SINGLE, ids=str)
def test_saturated_tails_are_at_their_limit_and_nan_stays_nan(entry: Activation) -> None:
    z = np.array([[np.nan, -np.inf, -3e38, -1e5, -200, 200, 1e5, 3e38, np.inf, np.nan]] * 4, np.float32)
    low, high = LIMITS[entry.name]
    slopes = SLOPES.get(entry.name, (0, 0))
    for a in run_forward(entry, z).values():
        assert np.isnan(a[:, [0, -1]]).all()
        assert not np.isnan(a[:, 1:-1]).any()
        assert np.isfinite(a[:, 2:-2]).all() or entry.name == "exponential"
        np.testing.assert_allclose(a[:, 1], low, rtol=1e-6)
        np.testing.assert_allclose(a[:, -2], high, rtol=1e-6)
        for limit, columns in ((low, a[:, 2:5]), (high, a[:, 5:8])):
            if np.isfinite(limit):
                np.testing.assert_allclose(columns, limit, atol=5e-3)
    for delta in run_backward(entry, z, np.ones_like(z)).values():
        assert np.isnan(delta[:, [0, -1]]).all()
        assert np.isfinite(delta[:, 1:-1]).all()
        if entry.name != "exponential":
            np.testing.assert_allclose(delta[:, [1, 2, 3, 4]], slopes[0], rtol=1e-6, atol=3e-5)
            np.testing.assert_allclose(delta[:, [5, 6, 7, 8]], slopes[1], rtol=1e-6, atol=3e-5)


def test_exponential_goes_on_along_its_tangent_where_float32_would_end() -> None:
    z = np.array([[79.0, 80.0, 81.0, 800.0, 5e3]], np.float32)
    end = np.exp(80.0)
    entry = ACTIVATIONS.find("exponential")
    for a in run_forward(entry, z).values():
        np.testing.assert_allclose(a, [[np.exp(79.0), end, 2 * end, 721 * end, 4921 * end]], rtol=1e-6)
    for delta in run_backward(entry, z, np.ones_like(z)).values():
        np.testing.assert_allclose(delta, [[np.exp(79.0), end, end, end, end]], rtol=1e-6)


@pytest.mark.parametrize("n_out", [1, 2, 16, 17, 40])
def test_softmax_is_that_of_float64(n_out: int) -> None:
    rng = np.random.default_rng(n_out)
    z = (rng.standard_normal((13, n_out)) * rng.choice([0.1, 3, 200], (13, 1))).astype(np.float32)
    z[0] = 5.0
    expected = reference.ACTIVATIONS["softmax"](z.astype(np.float64))
    for a in run_forward(SOFTMAX, z).values():
        np.testing.assert_allclose(a, expected, rtol=2e-6, atol=1e-37)
    padding = Work(SOFTMAX.forward, {"z": z, "a": np.zeros_like(z)}).compiled((0, 13))["a"][:, n_out:]
    assert not padding.any()
    da = rng.standard_normal(z.shape).astype(np.float32)
    # Of a_i by z_j: a_i ((i = j) - a_j), as a matrix for each row.
    jacobians = expected[:, :, None] * (np.eye(n_out) - expected[:, None, :])
    delta_expected = np.einsum("ri,rij->rj", da.astype(np.float64), jacobians)
    for delta in run_backward(SOFTMAX, z, da).values():
        np.testing.assert_allclose(delta, delta_expected, atol=1e-6)


def test_softmax_of_a_row_with_nan_is_nan_and_of_huge_numbers_is_not() -> None:
    z = np.array(
        [[1.0, np.nan, 2.0], [np.nan, 0.0, 1.0], [800.0, 0.0, -800.0], [1e38, 3e38, -3e38]], np.float32
    )
    for a in run_forward(SOFTMAX, z).values():
        assert np.isnan(a[:2]).all()
        np.testing.assert_array_equal(a[2:], [[1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("entry", list(ACTIVATIONS), ids=str)
def test_parts_of_the_work_give_the_same_bits(entry: Activation) -> None:
    z = np.random.default_rng(2).standard_normal((37, 21)).astype(np.float32) * 4
    for kernel, values in (
        (entry.forward, {"z": z, "a": np.zeros_like(z)}),
        (entry.backward, {"z": z, "a": entry(z), "da": z[::-1], "delta": np.zeros_like(z)}),
    ):
        work = Work(kernel, {n: values[n] for n in kernel.operands}, **settings_of(entry))
        (whole,) = work.compiled((0, 37)).values()
        (parts,) = work.compiled((0, 1, 13, 20, 36, 37)).values()
        assert whole.tobytes() == parts.tobytes()


@pytest.mark.parametrize("entry", list(ACTIVATIONS), ids=str)
def test_machine_code_is_vectors_and_calls_no_library(entry: Activation) -> None:
    for kernel in (entry.forward, entry.backward):
        code = assembly(kernel)
        if kernel.name == "linear":
            assert "memcpy" in code
            continue
        assert len(PACKED.findall(code)) >= 4
        assert not LIBRARY.search(code)


def test_every_entry_says_where_it_comes_from_and_what_it_computes() -> None:
    for entry in ACTIVATIONS:
        assert re.search(r"\d{4}", entry.source), entry.name
        assert "a = " in entry.text or "a_i = " in entry.text
        assert "derivative" in entry.text
        assert ACTIVATIONS.find(entry.spec).settings == entry.settings
    assert set(ACTIVATIONS.names()) >= set(reference.ACTIVATIONS)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("elu(alpha=0)", "activation 'elu': alpha must be a finite number above 0, but is 0"),
        ("leaky_relu(slope='steep')", "slope must be a finite number, but got 'steep'"),
    ],
)
def test_wrong_settings_are_refused(spec: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)):
        ACTIVATIONS.find(spec)
    with pytest.raises(UnknownNameError, match="Did you mean 'relu'"):
        ACTIVATIONS.find("rleu")
