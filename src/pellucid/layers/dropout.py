"""Dropout: each number is left out at random, so that no neuron can rely on one other."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid import checks
from pellucid.engine.buffer import Buffer
from pellucid.kernels.columns import multiply
from pellucid.kernels.elementary import bits, where
from pellucid.kernels.kernel import Now, kernel
from pellucid.kernels.random import VECTOR, fill_four_rows, fill_row, key_of, shared_words, turned, uniform
from pellucid.layers.base import Forward, Layer, Step

TICK = int(Now.TICK)


class Dropout(Layer):
    """In training, sets each number to 0 with probability `rate` and scales the others up to keep their mean.

    Formula:  a = x · m with m = 0 with probability rate, else 1 / (1 - rate); backward
    ∂loss/∂x = ∂loss/∂a · m. In prediction a = x. The mask m is drawn anew in each update, from the
    network's seed, the number of updates before and the place; it is kept as `NAME/mask`.

    Parameters
    ----------
    rate : float
        Share that is left out, from 0 to below 1.
    name : str, optional
        Its name.

    Raises
    ------
    ArgumentError
        If the rate is outside [0, 1).

    References
    ----------
    Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014; scaled in
    training ("inverted"), so that prediction needs no scaling.

    Examples
    --------
    >>> Dropout(0.5)
    Dropout(rate=0.5)
    """

    kind = "dropout"

    def __init__(self, rate: float, *, name: str | None = None) -> None:
        self.name = name
        self.rate = checks.number(f"{self.who}: rate", rate, 0, 1, open_ends="most")

    def build(self, n_in: int) -> int:
        self.n_in = self.n_out = n_in
        return n_in

    @property
    def settings(self) -> dict[str, Any]:
        return {"rate": self.rate, "name": self.name}

    def forward(self, step: Step, x: Buffer) -> Forward:
        stream = step.stream()
        if not step.is_training or self.rate == 0:
            return Forward(x, lambda da: da)
        seed_low, seed_high = key_of(step.seed)
        mask, a = step.matrix(f"{self.label}/mask", x.columns), step.matrix(f"{self.label}/a", x.columns)
        step.call(
            dropout,
            x=x,
            mask=mask,
            a=a,
            stream=stream,
            seed_low=seed_low,
            seed_high=seed_high,
            rate=self.rate,
            kept=1 / (1 - self.rate),
        )
        step.passes(x, a)

        def backward(da: Buffer) -> Buffer | None:
            if not step.wants(x):
                return None
            dx = step.matrix(f"{self.label}/dx", x.columns)
            step.call(multiply, x=da, y=mask, out=dx)
            return dx

        return Forward(a, backward)


@kernel(x="read part", mask="write part", a="write part", numbers=("rate", "kept"))
def dropout(x, x_stride, x_columns, mask, a, stream, seed_low, seed_high, now, rate, kept, lo, hi):  # type: ignore[no-untyped-def]
    """mask = 0 with probability `rate`, else `kept`; a = x * mask.

    Eight rows share four rows of words, which stand in their first four until these are made.
    """
    width, n, tick = (x_columns + VECTOR - 1) // VECTOR * VECTOR, np.int32(x_columns), now[TICK]
    for first in range(lo - lo % 8, hi, 8):
        group, start = first // 8, first * x_stride
        if first >= lo and first + 8 <= hi:
            fill_four_rows(mask, start, x_stride, width, group, tick, stream, seed_low, seed_high)
            for one in range(start, start + 4 * x_stride, x_stride):
                two = one + 4 * x_stride
                x_one, m_one, a_one = x[one : one + width], mask[one : one + width], a[one : one + width]
                x_two, m_two, a_two = x[two : two + width], mask[two : two + width], a[two : two + width]
                for j in range(width):
                    word, most = bits(m_one[j]), where(np.int32(j) < n, kept, np.float32(0))
                    m_one[j] = where(uniform(word) < rate, np.float32(0), most)
                    m_two[j] = where(uniform(turned(word)) < rate, np.float32(0), most)
                    a_one[j], a_two[j] = x_one[j] * m_one[j], x_two[j] * m_two[j]
        else:  # a part that does not begin or end with eight rows
            for i in range(max(lo, first), min(hi, first + 8)):
                one, of_eight = i * x_stride, i - first
                fill_row(mask, one, width, of_eight % 4, group, tick, stream, seed_low, seed_high)
                x_one, m_one, a_one = x[one : one + width], mask[one : one + width], a[one : one + width]
                for j in range(width):
                    word, most = bits(m_one[j]), where(np.int32(j) < n, kept, np.float32(0))
                    word = word if of_eight < 4 else turned(word)
                    m_one[j] = where(uniform(word) < rate, np.float32(0), most)
                    a_one[j] = x_one[j] * m_one[j]


@dropout.twin
def _(x, x_stride, x_columns, mask, a, stream, seed_low, seed_high, now, rate, kept, lo, hi):  # type: ignore[no-untyped-def]
    u = uniform(shared_words(x_columns, now[TICK], stream, seed_low, seed_high, lo, hi))
    mask[lo:hi] = np.where(u < np.float32(rate), 0, np.float32(kept))
    a[lo:hi] = x[lo:hi] * mask[lo:hi]
