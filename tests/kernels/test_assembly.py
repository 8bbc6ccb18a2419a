"""The assembly of every kernel: its loops over numbers are vector code, or it is said why they are not."""

from __future__ import annotations

import numpy as np
import pytest
from machine_code import computes, scalar_loops, stores_vectors, vector_bits
from machines import AVX2, HERE, NEON, Machine

from pellucid.activations import ACTIVATIONS
from pellucid.ahead import every_kernel
from pellucid.kernels import cpu
from pellucid.kernels.elementary import exp
from pellucid.kernels.kernel import Kernel, kernel
from pellucid.kernels.products import products, row_product
from pellucid.losses import LOSSES

KERNELS = {k.name: k for k in every_kernel()}
# Those that have no floats to compute with walk tables, call other kernels by their addresses and wait, or
# exchange whole numbers of which each depends on the one before.
OF_NUMBERS = {n: k for n, k in KERNELS.items() if any(a.dtype != "i8" for a in k.operands.values())}
BY_NATURE = {
    "add_losses": "adds doubles one after the other, since the sum must not depend on how they are grouped",
    "add_line": "adds doubles one after the other, for the same reason",
    "look_up": "checks one code a row, by which it then copies a vector",
    "gather_line": "fetches single numbers from anywhere",
    "run_epochs": "counts epochs and keeps what is written down of each",
}
NUMERIC = sorted(OF_NUMBERS.keys() - BY_NATURE.keys())


def check(machine: Machine, kernel: Kernel, bits: int) -> None:
    """A kernel's loops are vector code on a machine with vectors of so many bits."""
    code = machine.assembly(kernel)
    assert scalar_loops(code) == []
    if computes(code):
        assert vector_bits(code) >= bits
    else:
        assert stores_vectors(code)


@pytest.mark.parametrize("name", NUMERIC)
def test_here(name: str) -> None:
    # LLVM takes vectors of 256 bits on a CPU that would slow down for longer ones.
    check(HERE, KERNELS[name], min(256, 32 * cpu.vector_width()))


def test_what_is_not_checked_is_there_and_has_a_reason() -> None:
    assert BY_NATURE.keys() < OF_NUMBERS.keys()
    assert len(NUMERIC) > 300
    assert {"shuffle", "run", "help_out", "run_row"} <= KERNELS.keys() - OF_NUMBERS.keys()


# What decides whether a loop becomes vector code is nearly the same for all CPUs: one of each kind will do.
KINDS = [
    "softmax_forward",
    "add_squares",
    "column_sums",
    "layer_norm_backward",
    "dropout",
    "adam",
    "copy_columns",
]
SAMPLE = [
    *(KERNELS[name] for name in KINDS),
    ACTIVATIONS.find("gelu").backward,
    LOSSES.find("binary_crossentropy").kernel(ACTIVATIONS.find("softmax"), 20),
]


@pytest.mark.parametrize(("machine", "width"), [(AVX2, 8), (NEON, 4)], ids=["avx2", "neon"])
def test_elsewhere(machine: Machine, width: int) -> None:
    for one in (*SAMPLE, products(width)[0], row_product(width)):
        check(machine, one, 32 * width)


# Kernels that stay scalar, each for a reason of its own; and what the first of them should have been.


@kernel(x="read part", y="read part", out="write part")
def well_done(x, x_stride, y, out, lo, hi):
    lo, hi = lo * x_stride, hi * x_stride
    a, b, c = x[lo:hi], y[lo:hi], out[lo:hi]
    for i in range(len(a)):
        c[i] = exp(a[i]) * b[i]


@kernel(x="read part", y="read part", out="write part")
def calls_the_library(x, x_stride, y, out, lo, hi):
    lo, hi = lo * x_stride, hi * x_stride
    a, b, c = x[lo:hi], y[lo:hi], out[lo:hi]
    for i in range(len(a)):
        c[i] = np.exp(a[i]) * b[i]


@kernel(x="read part", y="read part", out="write part")
def does_not_slice(x, x_stride, y, out, lo, hi):
    for i in range(lo, hi):
        for j in range(x_stride):
            out[i * x_stride + j] = x[i * x_stride + j] * y[i * x_stride + j]


@kernel(x="read part", out="write part", reassociate=True)
def compares_floats_in_turn(x, x_stride, x_columns, out, lo, hi):
    for i in range(lo, hi):
        row = x[i * x_stride : i * x_stride + x_columns]
        greatest = row[0]
        for j in range(len(row)):
            greatest = row[j] if row[j] > greatest else greatest
        out[i] = greatest


@kernel(x="read part", out="write part")
def adds_in_turn(x, x_stride, x_columns, out, lo, hi):
    for i in range(lo, hi):
        row = x[i * x_stride : i * x_stride + x_columns]
        total = np.float32(0)
        for j in range(len(row)):
            total += row[j] * row[j]
        out[i] = total


@kernel(x="update part")
def half_of_it(x, x_stride, lo, hi):
    row = x[lo * x_stride : hi * x_stride]
    for j in range(len(row)):
        row[j] = row[j] * row[j]
    for j in range(1, len(row)):
        row[j] = row[j - 1] + row[j]


SCALAR = calls_the_library, does_not_slice, compares_floats_in_turn, adds_in_turn, half_of_it


@pytest.mark.parametrize("machine", [HERE, AVX2, NEON], ids=["here", "avx2", "neon"])
def test_a_loop_that_stays_scalar_is_found_out(machine: Machine) -> None:
    assert scalar_loops(machine.assembly(well_done)) == []
    for one in SCALAR:
        assert scalar_loops(machine.assembly(one)), one.name
