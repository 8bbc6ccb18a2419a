"""Dropout: each number is left out at random, so that no neuron can rely on one other."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid import checks
from pellucid.engine.buffer import Buffer
from pellucid.kernels.columns import multiply
from pellucid.kernels.elementary import bits, where
from pellucid.kernels.kernel import Now, kernel
from pellucid.kernels.random import fill_words, key_of, random_words, uniform
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
    """mask = 0 with probability `rate`, else `kept`; a = x * mask."""
    fill_words(mask, x_stride, x_columns, now[TICK], stream, seed_low, seed_high, lo, hi)
    for i in range(lo, hi):
        start, end = i * x_stride, i * x_stride + x_columns
        row, m, y = x[start:end], mask[start:end], a[start:end]
        for j in range(len(row)):
            m[j] = where(uniform(bits(m[j])) < rate, np.float32(0), kept)
            y[j] = row[j] * m[j]


@dropout.twin
def _(x, x_stride, x_columns, mask, a, stream, seed_low, seed_high, now, rate, kept, lo, hi):  # type: ignore[no-untyped-def]
    u = uniform(random_words(x_columns, now[TICK], stream, seed_low, seed_high, lo, hi))
    mask[lo:hi] = np.where(u < np.float32(rate), 0, np.float32(kept))
    a[lo:hi] = x[lo:hi] * mask[lo:hi]
