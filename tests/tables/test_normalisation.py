"""Normalisations against scikit-learn and exact arithmetic."""

from __future__ import annotations

import doctest
import inspect
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from pellucid.errors import UnknownNameError
from pellucid.tables import normalisation as module
from pellucid.tables.normalisation import NORMALISATIONS

SCALERS = {"robust": RobustScaler, "standard": StandardScaler, "minmax": MinMaxScaler}
NAMES = NORMALISATIONS.names()


def test_the_four_and_their_evidence() -> None:
    assert NAMES == ["robust", "standard", "minmax", "none"]
    for entry in NORMALISATIONS:
        assert "x' =" in entry.text
        assert len(entry.source) > 10
        examples = doctest.DocTestFinder().find(entry.function, entry.name, globs=vars(module).copy())
        assert examples[0].examples, f"{entry.name} has no example"
        assert doctest.DocTestRunner().run(examples[0]).failed == 0
    with pytest.raises(UnknownNameError, match=r"no normalisation 'robst'. Did you mean 'robust'"):
        NORMALISATIONS.find("robst")


@pytest.mark.parametrize("name", SCALERS)
@pytest.mark.parametrize("n", [2, 3, 7, 500])
def test_same_as_scikit_learn(name: str, n: int) -> None:
    rng = np.random.default_rng(n)
    train, new = 100 + 20 * rng.standard_t(2, n), 100 + 50 * rng.normal(size=30)
    entry = NORMALISATIONS.find(name)
    expected = SCALERS[name]().fit(train[:, None]).transform(new[:, None])[:, 0]
    if name == "robust":
        expected = expected / np.sqrt(1 + (expected / 3) ** 2)
    found = entry.apply(new, *entry.fit(train))
    rtol = 1e-12 if found.dtype == np.float64 else 4 * np.finfo(np.float32).eps
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-13)


def test_robust_where_the_quartiles_are_equal_takes_half_the_range() -> None:
    entry = NORMALISATIONS.find("robust")
    center, scale = entry.fit(np.array([5.0] * 20 + [1.0, 9.0]))
    assert (center, scale) == (5.0, 2 / 8)
    np.testing.assert_allclose(entry.apply(np.array([9.0]), center, scale), 1 / np.sqrt(1 + 1 / 9))


@pytest.mark.parametrize("name", NAMES)
def test_a_huge_offset_keeps_the_digits_of_small_differences(name: str) -> None:
    noise = np.random.default_rng(0).integers(-(2**20), 2**20, 301)
    x = 1e9 + noise / 2.0**20  # exact in float64
    entry = NORMALISATIONS.find(name)
    if name == "none":
        np.testing.assert_array_equal(entry.apply(x, *entry.fit(x)), x)
        return
    exact = [Fraction(int(v), 2**20) for v in noise]
    ordered = sorted(exact)
    if name == "robust":
        center, width = ordered[150], ordered[225] - ordered[75]
    elif name == "minmax":
        center, width = ordered[0], ordered[-1] - ordered[0]
    else:
        center = sum(exact) / len(exact)
        width = Fraction(float(sum((v - center) ** 2 for v in exact) / len(exact)) ** 0.5)
    expected = np.array([float((v - center) / width) for v in exact])
    if name == "robust":
        expected = expected / np.sqrt(1 + (expected / 3) ** 2)
    np.testing.assert_allclose(entry.apply(x, *entry.fit(x)), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["robust", "standard", "minmax"])
@pytest.mark.parametrize("value", [0.0, -7.25, 0.1, 1e30, 5e-324])
def test_constant_columns_become_zero(name: str, value: float) -> None:
    entry = NORMALISATIONS.find(name)
    center, scale = entry.fit(np.full(7, value))
    assert scale == 0
    np.testing.assert_array_equal(entry.apply(np.array([value, 3.0]), center, scale), [0, 0])


@pytest.mark.parametrize("name", NAMES)
@given(arrays(np.float64, st.integers(1, 8), elements=st.floats(-1e30, 1e30)), st.floats(-1e30, 1e30))
def test_never_overflows_and_keeps_the_order(name: str, train: np.ndarray, new: float) -> None:
    entry = NORMALISATIONS.find(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        center, scale = entry.fit(train)
        x = np.sort(np.append(train, new))
        y = entry.apply(x, center, scale)
    assert np.isfinite(y).all()
    assert (np.diff(y) >= -1e-12 * np.abs(y[1:])).all()
    if name == "robust":
        assert (np.abs(y) <= 3 + 1e-12).all()


def test_missing_stays_missing() -> None:
    for entry in NORMALISATIONS:
        assert np.isnan(entry.apply(np.array([np.nan]), *entry.fit(np.array([1.0, 2.0])))).all()
        assert inspect.signature(entry.function).parameters.keys() == {"x", "center", "scale"}
