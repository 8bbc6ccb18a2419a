"""Kernels of a table of vectors that are looked up by a code."""

from __future__ import annotations

import numpy as np

from pellucid.kernels.kernel import Now, kernel

f32 = np.float32
ROWS = int(Now.ROWS)


def code_of(value, n_codes):
    """The code that a number stands for; 0 where it is none, so that nothing beyond the table is read."""
    if value >= f32(0) and value < f32(n_codes):
        code = np.int64(value)
        if f32(code) == value:
            return code
    return np.int64(0)


@kernel(coded="read part", table="read whole", codes="write part i8", out="write part")
def look_up(
    coded,
    coded_stride,
    table,
    table_stride,
    table_rows,
    table_columns,
    codes,
    out,
    out_stride,
    source,
    place,
    lo,
    hi,
):
    """codes = column `source` of `coded`; out's columns from `place` on = the table's rows for them."""
    for i in range(lo, hi):
        code = code_of(coded[i * coded_stride + source], table_rows)
        codes[i] = code
        vector = table[code * table_stride : code * table_stride + table_columns]
        start = i * out_stride + place
        y = out[start : start + table_columns]
        for j in range(len(vector)):
            y[j] = vector[j]


@look_up.twin
def _(
    coded,
    coded_stride,
    table,
    table_stride,
    table_rows,
    table_columns,
    codes,
    out,
    out_stride,
    source,
    place,
    lo,
    hi,
):
    values = coded[lo:hi, source]
    sound = (values >= 0) & (values < table_rows) & (values == np.floor(values))
    codes[lo:hi] = np.where(sound, values, 0).astype(np.int64)
    out[lo:hi, place : place + table_columns] = table[codes[lo:hi]]


@kernel(codes="read whole i8", da="read whole", out="write part")
def sums_by_code(codes, da, da_stride, out, out_stride, out_columns, place, now, lo, hi):
    """Row c of out = the sum of da's columns from `place` on over the rows of the batch with the code c.

    The parts are codes: each walks all rows of the batch and adds those that are its own, in their order.
    """
    part = out[lo * out_stride : hi * out_stride]
    for j in range(len(part)):
        part[j] = f32(0)
    for i in range(now[ROWS]):
        code = codes[i]
        if code >= lo and code < hi:
            start = i * da_stride + place
            d = da[start : start + out_columns]
            g = out[code * out_stride : code * out_stride + out_columns]
            for j in range(len(g)):
                g[j] += d[j]


@sums_by_code.twin
def _(codes, da, da_stride, out, out_stride, out_columns, place, now, lo, hi):
    rows = now[ROWS]
    mine = np.flatnonzero((codes[:rows] >= lo) & (codes[:rows] < hi))
    out[lo:hi] = 0
    np.add.at(out, codes[mine], da[mine, place : place + out_columns])
