"""Dropout and GaussianNoise: what is drawn, when it is drawn anew, and that it depends on nothing else."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layer_runs import LayerRun
from numpy.typing import NDArray
from scipy import stats

from pellucid.layers.base import Layer
from pellucid.layers.dropout import Dropout
from pellucid.layers.gaussian_noise import GaussianNoise

RANDOM: dict[str, Callable[[], Layer]] = {
    "mask": lambda: Dropout(0.3, name="it"),
    "noise": lambda: GaussianNoise(0.3, name="it"),
}


def drawn(name: str, members: int = 1, tick: int = 0, seed: int = 1, n_rows: int = 61) -> NDArray[Any]:
    run = LayerRun([RANDOM[name]()], n_in=37, n_rows=n_rows, seed=seed)
    run.run(members, tick=tick)
    return run.numbers()[f"it/{name}"]


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_leaves_out_its_share_and_keeps_the_mean(rate: float) -> None:
    run = LayerRun([Dropout(rate, name="it")], n_in=100, n_rows=1000)
    run.X[:] = 1
    run.run()
    mask, n = run.numbers()["it/mask"].astype(np.float64), 100_000
    np.testing.assert_array_equal(np.unique(mask), [0, np.float32(1 / (1 - rate))])
    assert abs((mask == 0).mean() - rate) < 5 * math.sqrt(rate * (1 - rate) / n)
    assert abs(run.outputs().mean(dtype=np.float64) - 1) < 5 * math.sqrt(rate / (1 - rate) / n)
    for along in (0, 1):  # no row and no column is left out more than chance does
        share = (mask == 0).mean(axis=along)
        assert share.std() < 1.3 * math.sqrt(rate * (1 - rate) / mask.shape[along])


def test_noise_is_normal_with_its_standard_deviation() -> None:
    run = LayerRun([GaussianNoise(2.5, name="it")], n_in=100, n_rows=1000)
    run.run()
    noise = run.numbers()["it/noise"].astype(np.float64)
    np.testing.assert_array_equal(run.outputs(), run.X + run.numbers()["it/noise"])
    assert stats.kstest(noise.ravel() / 2.5, "norm").pvalue > 1e-4
    assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 5 / math.sqrt(1000)


@pytest.mark.parametrize("name", RANDOM)
def test_what_is_drawn_depends_on_update_and_seed_alone(name: str) -> None:
    first = drawn(name)
    np.testing.assert_array_equal(drawn(name, members=2), first)
    np.testing.assert_array_equal(drawn(name, members=4), first)
    np.testing.assert_array_equal(drawn(name, n_rows=100)[:61], first)
    for other in (drawn(name, tick=1), drawn(name, seed=2), drawn(name, seed=1 + 2**32)):
        assert (other != first).mean() > 0.3


@pytest.mark.parametrize("name", RANDOM)
def test_updates_of_one_run_count_on(name: str) -> None:
    run = LayerRun([RANDOM[name]()], n_in=37, n_rows=61)
    run.run(steps=4, tick=10)
    np.testing.assert_array_equal(run.numbers()[f"it/{name}"], drawn(name, tick=13))


def test_two_layers_draw_from_streams_of_their_own() -> None:
    run = LayerRun([Dropout(0.5, name="one"), Dropout(0.5, name="two")], n_in=50, n_rows=200)
    run.run()
    same = (run.numbers()["one/mask"] == run.numbers()["two/mask"]).mean()
    assert abs(same - 0.5) < 5 * 0.5 / math.sqrt(10_000)


@pytest.mark.parametrize("name", RANDOM)
def test_another_process_draws_the_same(name: str) -> None:
    program = f"from test_random_layers import *; import zlib; print(zlib.crc32(drawn({name!r}).tobytes()))"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    import zlib

    assert int(result.stdout) == zlib.crc32(drawn(name).tobytes())


@pytest.mark.parametrize("layer", [Dropout(0.5), Dropout(0), GaussianNoise(1), GaussianNoise(0)], ids=repr)
def test_prediction_and_rates_of_0_pass_x_on(layer: Layer) -> None:
    run = LayerRun([layer])
    np.testing.assert_array_equal(run.predict(), run.X)
    run.run()
    changes = layer.settings not in ({"rate": 0.0, "name": layer.name}, {"std": 0.0, "name": layer.name})
    assert (run.outputs() != run.X).any() == changes
