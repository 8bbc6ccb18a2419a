"""The arithmetic of compiled code, done anew by NumPy: equal to the last bit, for every formula there is."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formula_runs import samples, settings_of
from kernels.kernel_calls import Work
from pellucid.activation_entry import Activation, RowActivation
from pellucid.activations import ACTIVATIONS
from pellucid.kernels.exact import chain, evaluate, fma, ulps
from pellucid.kernels.products import products
from pellucid.optimizers import OPTIMIZERS, Optimizer
from pellucid.regularizers import REGULARIZERS, Regularizer

f32 = np.float32
LARGEST = Fraction(float(np.finfo(f32).max))
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
rng = np.random.default_rng(0)


def nearest(exact: Fraction) -> np.float32:
    """The float32 nearest to a number, the even one of two that are as near; by comparing alone."""
    with np.errstate(over="ignore"):
        guess = f32(float(exact))
    if not np.isfinite(guess):
        guess = f32(np.sign(guess)) * np.finfo(f32).max
    with np.errstate(over="ignore"):
        near = [np.nextafter(guess, f32(-np.inf)), guess, np.nextafter(guess, f32(np.inf))]
    finite = [v for v in near if np.isfinite(v)]
    distances = [abs(Fraction(float(v)) - exact) for v in finite]
    best = [v for v, d in zip(finite, distances, strict=True) if d == min(distances)]
    return next((v for v in best if v.view(np.int32) % 2 == 0), best[0])


@settings(max_examples=400, deadline=None)
@given(floats, floats, floats)
def test_fma_rounds_the_exact_sum_once(a: float, b: float, c: float) -> None:
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if abs(exact) <= LARGEST and exact != 0:
        assert fma(a, b, c) == nearest(exact)


def test_fma_rounds_once_where_two_roundings_go_wrong() -> None:
    a, b, c = f32(1 + 2**-12), f32(1 - 2**-12), f32(2**-60)  # 1 - 2⁻²⁴ is half way, and a hair above it
    assert np.float32(np.float64(a) * b + c) == 1 - 2**-24
    for a, b, c in ((1 + 2**-23, 2**-24, 1.0), (1 - 2**-24, 2**-24, 1.0), (-1 - 2**-23, 2**-24, -1.0)):
        assert fma(a, b, c) == nearest(Fraction(a) * Fraction(b) + Fraction(c))
    assert np.isnan(fma(np.inf, 0, 1))
    assert fma(-np.inf, 1, 1) == -np.inf


def test_distances_between_floats() -> None:
    assert ulps([1, np.nan, 0.0], [np.nextafter(f32(1), f32(2)), np.nan, -0.0]).tolist() == [1, 0, 1]


@pytest.mark.parametrize("n", [1, 7, 40])
def test_a_chain_is_the_product_of_the_kernel(n: int) -> None:
    A, B = (rng.standard_normal(s).astype(f32) for s in ((5, n), (n, 21)))
    start = rng.standard_normal(21).astype(f32)
    values = {"A": A, "B": B, "start": start, "mask": A, "C": np.zeros((5, 21), f32)}
    compiled = Work(products()[0], values, has_start=1, ending=0).compiled((0, 2, 5))["C"][:, :21]
    for i in range(5):
        np.testing.assert_array_equal(chain(start, A[i], B)[-1], compiled[i])


EACH = [entry for entry in ACTIVATIONS if not isinstance(entry, RowActivation)]


@pytest.mark.parametrize("entry", EACH, ids=str)
def test_every_activation_and_its_derivative(entry: Activation) -> None:
    z = samples(entry)
    da = rng.standard_normal(z.shape).astype(f32)
    forward = Work(entry.forward, {"z": z, "a": np.zeros_like(z)}, **settings_of(entry))
    a = forward.compiled((0, 9, len(z)))["a"][:, : z.shape[1]].copy()
    values = {"z": z, "a": a, "da": da, "delta": np.zeros_like(z)}
    delta = Work(entry.backward, values, **settings_of(entry)).compiled((0, len(z)))["delta"][:, : z.shape[1]]
    same(evaluate(entry.forward, {"z": z, **entry.settings}), [a])
    same(evaluate(entry.backward, {"z": z, "a": a, "da": da, **entry.settings}), [delta])


@pytest.mark.parametrize("entry", list(REGULARIZERS), ids=str)
def test_every_regularizer(entry: Regularizer) -> None:
    g, w = (rng.standard_normal((6, 19)).astype(f32) for _ in "gw")
    settings = {n: float(v) for n, v in entry.settings.items()}
    work = Work(entry.kernel, {"g": g, "w": w}, **settings)
    same(evaluate(entry.kernel, {"g": g, "w": w, **settings}), [work.compiled((0, 6))["g"][:, :19]])


@pytest.mark.parametrize("entry", list(OPTIMIZERS), ids=str)
def test_every_optimizer_over_some_steps(entry: Optimizer) -> None:
    kernel, shape = entry.kernel, (6, 19)
    numbers = {s: float(entry.settings[s]) for s in entry.used}
    now = {"w": rng.standard_normal(shape), **{s: np.zeros(shape) for s in entry.states}}
    now = {n: v.astype(f32) for n, v in now.items()}
    for t in range(1, 6):
        g = (rng.standard_normal(shape) * 10.0 ** rng.integers(-6, 3, shape)).astype(f32)
        row = entry.rows([t], 0.1)
        work = Work(kernel, {**now, "g": g, "table": row}, **numbers)
        written = work.compiled((0, 6))
        steps = dict(zip(entry.step_values, row[0], strict=True))
        found = evaluate(kernel, {**now, "g": g, **steps, **numbers})
        now = {n: written[n][:, :19].copy() for n in now}
        same(found, now.values())


def same(found: Any, wanted: Any) -> None:
    for one, other in zip(found, wanted, strict=True):
        distances = ulps(one, other)
        assert not distances.any(), f"{distances.max()} float32 numbers apart at {distances.argmax()}"
