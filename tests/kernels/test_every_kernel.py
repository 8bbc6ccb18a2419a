"""Every hand-written kernel: compiled as its plain twin, with the same bits however its work is split."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernel_calls import Array, Work

from pellucid.ahead import hand_written
from pellucid.kernels import apart, epochs, jobs, products, team
from pellucid.kernels.kernel import Control
from pellucid.kernels.rows import SQUARES_EVERY

# What each operand is shaped like, in letters, how many parts there are, and further arguments.
# R rows of the batch, N rows of the data, C columns, W wider rows that hold C columns from the third on,
# F columns as many as C, but 16 at most. Of numbers with waves: K waves of each of C, Q in all, S sums, two
# of each, and V wider rows that hold 3C columns from the fourth on. An argument may be a size as well.
WAVES = {"x": "RW", "frequencies": "CK", "phases": "CK", "weights": "SK"}
SPECS: dict[str, tuple[dict[str, str], str, dict[str, Any]]] = {
    "gather": ({"data": "NC", "order": "N", "out": "RC"}, "R", {}),
    "gather_double": ({"data": "NC", "order": "N", "out": "RC"}, "R", {}),
    "gather_line": ({"data": "N", "order": "N", "out": "R"}, "R", {}),
    "gather_one_hot": ({"labels": "N", "order": "N", "out": "RC"}, "R", {}),
    "take": ({"data": "NC", "out": "RC"}, "R", {}),
    "take_double": ({"data": "NC", "out": "RC"}, "R", {}),
    "put": ({"x": "RC", "out": "NC"}, "R", {}),
    "look_for_nonfinite": ({"x": "RC", "seen": "R"}, "R", {}),
    "column_sums": ({"x": "RC", "out": "C"}, "C", {}),
    "transpose": ({"x": "RC", "out": "CR"}, "R", {}),
    "add_losses": ({"losses": "R", "weights": "R", "total": "1", "control": "control"}, "1", {}),
    "add_squares": ({"x": "RC", "total": "R"}, "R", {}),
    "softmax_forward": ({"z": "RC", "a": "RC"}, "R", {}),
    "softmax_of_few": ({"z": "RF", "a": "RF"}, "R", {}),
    "softmax_backward": ({"a": "RC", "da": "RC", "delta": "RC"}, "R", {}),
    "add": ({"x": "RC", "y": "RC", "out": "RC"}, "R", {}),
    "multiply": ({"x": "RC", "y": "RC", "out": "RC"}, "R", {}),
    "scale_columns": ({"x": "RC", "factors": "C", "out": "RC"}, "R", {}),
    "blend_columns": ({"x": "RC", "y": "RC", "factors": "C", "out": "RC"}, "R", {}),
    "difference_products": ({"x": "RC", "y": "RC", "z": "RC", "out": "C"}, "C", {}),
    "column_products": ({"x": "RC", "y": "RC", "out": "C"}, "C", {}),
    "copy_columns": ({"x": "RW", "out": "RW"}, "R", {"source": 2, "place": 1, "width": 3}),
    "clear_columns": ({"out": "RW"}, "R", {"place": 2, "width": 3}),
    "look_up": (
        {"coded": "RC", "table": "NC", "codes": "R", "out": "RW"},
        "R",
        {"source": 0, "place": 2},
    ),
    "sums_by_code": ({"codes": "N", "da": "RW", "out": "RC"}, "R", {"place": 2}),
    "row_squares": ({"x": "RC", "squares": "R"}, "R", {}),
    "add_ridge": ({"g": "RC", "w": "RC", "penalties": "R"}, "R", {"ridge": 0.5}),
    "add_line": ({"x": "N", "total": "1"}, "1", {"is_first": 0}),
    "clip_to_norm": ({"x": "RC", "squares": "1"}, "R", {"limit": 0.25}),
    "clip_to_value": ({"g": "RC"}, "R", {"limit": 0.5}),
    "limit_columns": ({"w": "RC", "factors": "C"}, "C", {"limit": 1.0}),
    "add_fading_noise": ({"x": "RC", "noise": "RC"}, "R", {"std": 0.5, "decay": 0.55}),
    "add_fading_noise_to_line": ({"x": "N"}, "N", {"std": 0.5, "decay": 0.55}),
    "inverse_deviation": ({"variance": "C", "inverse": "C"}, "C", {"epsilon": 1e-3}),
    "batch_statistics": ({"x": "RC", "mean": "C", "variance": "C"}, "C", {}),
    "follow": (
        {"mean": "C", "variance": "C", "running_mean": "C", "running_variance": "C"},
        "C",
        {"momentum": 0.9},
    ),
    "normalise": (
        {"x": "RC", "mean": "C", "inverse": "C", "gain": "C", "bias": "C", "normal": "RC", "a": "RC"},
        "R",
        {},
    ),
    "batch_norm_backward": (
        {"normal": "RC", "da": "RC", "inverse": "C", "gain": "C", "d_gain": "C", "d_bias": "C", "dx": "RC"},
        "R",
        {},
    ),
    "layer_norm_forward": (
        {"x": "RC", "gain": "C", "bias": "C", "normal": "RC", "inverse": "R", "a": "RC"},
        "R",
        {"epsilon": 1e-3},
    ),
    "layer_norm_backward": ({"normal": "RC", "da": "RC", "inverse": "R", "gain": "C", "dx": "RC"}, "R", {}),
    "periodic_forward": (
        {
            **WAVES,
            "bias": "S",
            "cosines": "RQ",
            "out": "RV",
        },
        "R",
        {"source": 2, "place": 3, "width": "3C"},
    ),
    "periodic_gradients": (
        {
            **WAVES,
            "da": "RV",
            "d_frequencies": "CK",
            "d_phases": "CK",
            "d_weights": "SK",
            "d_bias": "S",
        },
        "C",
        {"source": 2, "place": 3},
    ),
    "periodic_backward": (
        {**WAVES, "da": "RV", "dx": "RW"},
        "R",
        {"source": 3, "place": 2, "width": "C"},
    ),
    "shuffle": ({"out": "N"}, "1", {"n": 12, "epoch": 3}),
    "dropout": ({"x": "RC", "mask": "RC", "a": "RC"}, "R", {"rate": 0.4, "kept": 1 / 0.6}),
    "add_noise": ({"x": "RC", "noise": "RC", "a": "RC"}, "R", {"std": 0.5}),
}
POSITIVE = ("variance", "running_variance", "inverse", "squares")
DRAWN = {"stream": 1, "seed_low": 7, "seed_high": 9}
FIRST = 2


KERNELS = hand_written()
# The tile's own kernels have a test file; those that run others have no twin.
LEADERS = team.lead_steps, team.lead_apart, team.help_out, epochs.run_epochs
RUNNERS = {k.name for k in (team.run, *LEADERS, jobs.run_jobs, apart.run_apart, apart.run_row)}
ELSEWHERE = {products.product.name, products.product_transposed.name, *RUNNERS}
TESTED = sorted(KERNELS.keys() - ELSEWHERE)
each_kernel = pytest.mark.parametrize("name", TESTED)
each_shape = pytest.mark.parametrize(
    ("rows", "columns"), [(1, 1), (1, 19), (7, 1), (5, 3), (13, 16), (24, 37)]
)


def test_every_kernel_has_a_twin_and_a_test() -> None:
    assert {n for n, k in KERNELS.items() if k.reference is None} == RUNNERS
    assert set(TESTED) == set(SPECS)


def work_for(name: str, rows: int, columns: int, seed: int = 0, **changed: Array) -> tuple[Work, int]:
    """A kernel on random operands, and how many parts its work has."""
    kernel, (shapes, parts, more) = KERNELS[name], SPECS[name]
    rng = np.random.default_rng(seed)
    sizes = {"R": rows, "N": rows + 11, "C": columns, "W": columns + 5, "F": min(columns, 16), "1": 1}
    waves = min(rows + 3, 20)
    sizes |= {"K": waves, "Q": columns * waves, "S": 2 * columns, "3C": 3 * columns, "V": 3 * columns + 4}
    values: dict[str, Array] = {}
    for operand, shape in shapes.items():
        dims = [int(Control.SIZE)] if shape == "control" else [sizes[letter] for letter in shape]
        if operand == "order":
            values[operand] = rng.permutation(dims[0])
        elif kernel.operands[operand].dtype == "i8":
            most = {"labels": columns, "codes": rows}.get(operand, 1)
            values[operand] = rng.integers(0, most, dims)
        elif operand == "coded":  # whole numbers, some of them beyond the table, and some that are not whole
            values[operand] = rng.integers(-4, 2 * rows + 26, dims) / 2
        else:
            drawn = rng.standard_normal(dims)
            values[operand] = np.abs(drawn) + 0.1 if operand in POSITIVE else drawn
    more = {n: sizes[v] if isinstance(v, str) else v for n, v in more.items()}
    more = {**more, **{n: v for n, v in DRAWN.items() if n in kernel.parameters}}
    step = SQUARES_EVERY if name == "add_squares" else 1  # in others it does nothing
    return Work(kernel, values | changed, (step, FIRST, rows, 4), **more), sizes[parts]


def assert_alike(work: Work, compiled: dict[str, Array], twin: dict[str, Array]) -> None:
    """The same to rounding, NaN and infinity in the same places; zeros in the padding."""
    for name, found in compiled.items():
        wanted, columns = twin[name], work.columns(name)
        exact = wanted.dtype.kind == "i" or work.kernel.name in ("add_losses", "add_line")
        with np.errstate(invalid="ignore"):
            finite = np.isfinite(wanted)
        size = np.abs(wanted[finite]).max(initial=0)
        tolerance = size * (1e-14 if exact else 1e-5)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance, equal_nan=True, err_msg=name)
        assert not found[:, columns:].any(), f"{name}: padding"


@each_kernel
@each_shape
def test_compiled_is_as_its_twin(name: str, rows: int, columns: int) -> None:
    for seed in range(3):
        work, parts = work_for(name, rows, columns, seed)
        twin, _ = work_for(name, rows, columns, seed)
        assert_alike(work, work.compiled([0, parts]), twin.interpreted([0, parts]))


@each_kernel
@each_shape
def test_bits_do_not_depend_on_the_parts(name: str, rows: int, columns: int) -> None:
    work, parts = work_for(name, rows, columns)
    whole = work.compiled([0, parts])
    rng = np.random.default_rng(rows * columns)
    cuts = sorted({0, *rng.integers(0, parts + 1, 3).tolist(), parts})
    for way in (cuts, range(parts + 1)):
        split = work_for(name, rows, columns)[0].compiled(way)
        for operand, values in whole.items():
            assert values.tobytes() == split[operand].tobytes(), operand


def test_an_epoch_of_updates_adds_up() -> None:
    """What a kernel adds to stands there from before: twice is twice as much."""
    for name, operand in (("add_squares", "total"), ("add_losses", "total")):
        size = 5 if name == "add_squares" else 1
        work, parts = work_for(name, 5, 9, **{operand: np.zeros(size)})
        once = work.compiled([0, parts])[operand]
        np.testing.assert_array_equal(work.compiled([0, parts])[operand], 2 * once)
        assert once.any()


def test_squares_are_added_in_one_step_of_some() -> None:
    for step in range(2 * SQUARES_EVERY):
        work, parts = work_for("add_squares", 5, 9, total=np.zeros(5))
        work.now[0] = step
        for written in (work.compiled([0, parts]), work.interpreted([0, parts])):
            assert written["total"].any() == (step % SQUARES_EVERY == 0)
            work.arena.padded(work.buffers["total"])[:] = 0


FLOATS = [
    (name, operand)
    for name in TESTED
    for operand, access in KERNELS[name].operands.items()
    if access.reads and access.dtype != "i8" and operand not in POSITIVE
]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(("name", "operand"), FLOATS)
def test_what_is_not_finite_goes_where_the_twin_puts_it(name: str, operand: str, value: float) -> None:
    for seed in range(2):
        plain, parts = work_for(name, 9, 21, seed)
        hurt = np.array(plain.arena.view(plain.buffers[operand]))
        hurt[tuple(np.random.default_rng(seed).integers(0, hurt.shape))] = value
        work, twin = (work_for(name, 9, 21, seed, **{operand: hurt})[0] for _ in "ab")
        with np.errstate(all="ignore"):
            assert_alike(work, work.compiled([0, parts]), twin.interpreted([0, parts]))
