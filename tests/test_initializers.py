"""Initializers against the moments and the bounds that their papers state."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from pellucid.activations import ACTIVATIONS
from pellucid.errors import ArgumentError, UnknownNameError
from pellucid.initializers import INITIALIZERS, fans, initialize, initializer

N_IN, N_OUT = 300, 200

# variance of a weight, from the papers
VARIANCE = {
    "zeros": 0.0,
    "constant": 0.0,
    "uniform": 0.05**2 / 3,
    "normal": 0.05**2,
    "glorot_uniform": 2 / (N_IN + N_OUT),
    "glorot_normal": 2 / (N_IN + N_OUT),
    "he_uniform": 2 / N_IN,
    "he_normal": 2 / N_IN,
    "lecun_uniform": 1 / N_IN,
    "lecun_normal": 1 / N_IN,
    "orthogonal": 1 / N_IN,  # columns of length 1
}


@dataclass
class Weights:
    shape: tuple[int, ...]
    initializer: Any
    name: str = "hidden_1/weights"


@pytest.mark.parametrize("entry", INITIALIZERS, ids=str)
def test_mean_and_variance_are_those_of_the_paper(entry: Any) -> None:
    values = entry((N_IN, N_OUT), seed=3).astype(np.float64)
    assert values.shape == (N_IN, N_OUT)
    assert abs(values.mean()) <= 4 * math.sqrt(VARIANCE[entry.name] / values.size)
    # the sample variance of n normal numbers scatters by √(2/n): 0.6 % here
    assert values.var() == pytest.approx(VARIANCE[entry.name], rel=0.025)


@pytest.mark.parametrize("name", [n for n in VARIANCE if n.endswith("uniform")])
def test_uniform_ones_fill_their_interval_and_stay_in_it(name: str) -> None:
    bound = math.sqrt(3 * VARIANCE[name])
    values = INITIALIZERS.find(name)((N_IN, N_OUT), seed=1)
    assert 0.999 * bound < abs(values).max() <= np.float32(bound)
    counts = np.histogram(values, bins=10, range=(-bound, bound))[0]
    np.testing.assert_allclose(counts, values.size / 10, rtol=0.06)


@pytest.mark.parametrize("name", [n for n in VARIANCE if n.endswith("normal")])
def test_normal_ones_are_normal(name: str) -> None:
    values = INITIALIZERS.find(name)((N_IN, N_OUT), seed=1) / math.sqrt(VARIANCE[name])
    for bound, share in ((1.0, 0.6827), (2.0, 0.9545), (3.0, 0.9973)):
        assert (abs(values) < bound).mean() == pytest.approx(share, abs=0.006)


@pytest.mark.parametrize("shape", [(20, 7), (7, 20), (9, 9), (1, 5), (5, 1), (1, 1)])
def test_orthogonal_has_orthonormal_columns_or_rows(shape: tuple[int, int]) -> None:
    q = INITIALIZERS.find("orthogonal(gain=2)")(shape, seed=5).astype(np.float64) / 2
    product = q.T @ q if shape[0] >= shape[1] else q @ q.T
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-6)


def test_orthogonal_is_uniform_over_all_orthogonal_matrices() -> None:
    first = [INITIALIZERS.find("orthogonal")((2, 2), seed=s)[0, 0] for s in range(400)]
    # uniform on the circle: P(|cos| < 1/2) is 1/3, and the sign is even
    assert np.mean(np.abs(first) < 0.5) == pytest.approx(1 / 3, abs=0.08)
    assert np.mean(np.array(first) > 0) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("entry", INITIALIZERS, ids=str)
def test_gain_and_scale_multiply(entry: Any) -> None:
    for name in entry.settings.keys() & {"gain", "scale"}:
        once, thrice = entry.using(**{name: 1})((30, 20), 7), entry.using(**{name: 3})((30, 20), 7)
        np.testing.assert_allclose(thrice, 3 * once, rtol=1e-6)


def test_values_depend_on_seed_and_position_and_on_nothing_else() -> None:
    he = INITIALIZERS.find("he_normal")
    assert np.array_equal(he((8, 4), 1, 2), he((8, 4), 1, 2))
    for other in (he((8, 4), 1, 3), he((8, 4), 2, 2), he((8, 4), 2**64 - 1, 2)):
        assert abs(np.corrcoef(he((8, 4), 1, 2).ravel(), other.ravel())[0, 1]) < 0.7


def test_a_layer_added_behind_leaves_the_values_before_it() -> None:
    small = [Weights((5, 4), "he_normal"), Weights((4,), "normal"), Weights((4, 3), "glorot_uniform")]
    large = [*small, Weights((3,), "normal"), Weights((3, 3), "orthogonal")]
    values = [[initialize(p, 11, i) for i, p in enumerate(network)] for network in (small, large)]
    for one, two in zip(*values, strict=False):
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, two)


def test_another_process_draws_the_same() -> None:
    code = (
        "from pellucid.initializers import INITIALIZERS\n"
        "for entry in INITIALIZERS: print(entry.name, entry((6, 5), 42, 9).tobytes().hex())"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    here = "".join(f"{e.name} {e((6, 5), 42, 9).tobytes().hex()}\n" for e in INITIALIZERS)
    assert printed == here


def test_the_fans_of_a_convolution_count_its_places() -> None:
    assert fans((3, 3, 8, 16)) == (72, 144)
    values = INITIALIZERS.find("he_normal")((3, 3, 32, 64), 0)
    assert values.var() == pytest.approx(2 / (9 * 32), rel=0.05)


@pytest.mark.parametrize("entry", ACTIVATIONS, ids=str)
def test_the_default_of_every_activation_exists(entry: Any) -> None:
    assert INITIALIZERS.find(entry.initializer).name == entry.initializer


def test_constant_and_zeros() -> None:
    np.testing.assert_array_equal(INITIALIZERS.find("constant(value=-1.5)")((2, 3)), np.full((2, 3), -1.5))
    np.testing.assert_array_equal(INITIALIZERS.find("zeros")((4,)), np.zeros(4))


def test_wrong_calls_end_in_one_sentence() -> None:
    with pytest.raises(UnknownNameError, match=r"no initializer 'glorott_uniform'.*'glorot_uniform'"):
        INITIALIZERS.find("glorott_uniform")
    with pytest.raises(ArgumentError, match=r"initializer 'normal': scale must be .* at least 0, but is -1"):
        INITIALIZERS.find("normal(scale=-1)")
    with pytest.raises(ArgumentError, match=r"hidden_1/weights: .*'orthogonal' needs a matrix.*\(3,\)"):
        initialize(Weights((3,), "orthogonal"), 0, 0)
    with pytest.raises(ArgumentError, match=r"seed must be a whole number from 0 to .*, but is -1"):
        INITIALIZERS.find("normal")((2, 2), seed=-1)
    with pytest.raises(ArgumentError, match="'constant' gives numbers that are not finite as float32"):
        INITIALIZERS.find("constant(value=1e300)")((2,))


def test_a_user_registers_one() -> None:
    @initializer(source="test")
    def rows_of_two(generator, shape, scale=1.0):  # type: ignore[no-untyped-def]
        """Always two rows."""
        return scale * generator.standard_normal((2, shape[-1]))

    try:
        assert INITIALIZERS.find("rows_of_two(scale=2)")((2, 3)).shape == (2, 3)
        with pytest.raises(ArgumentError, match=r"must give an array of shape \(4, 3\), not \(2, 3\)"):
            INITIALIZERS.find("rows_of_two")((4, 3))
    finally:
        INITIALIZERS.remove("rows_of_two")
