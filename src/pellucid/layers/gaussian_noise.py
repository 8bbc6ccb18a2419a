"""GaussianNoise: normal noise on every number in training."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid import checks
from pellucid.engine.buffer import Buffer
from pellucid.kernels.elementary import bits, where
from pellucid.kernels.kernel import Now, kernel
from pellucid.kernels.random import VECTOR, depth, fill_words, key_of, normal, normal_at, random_words
from pellucid.layers.base import Forward, Layer, Step

TICK = int(Now.TICK)


class GaussianNoise(Layer):
    """In training, adds to each number noise from a normal distribution with mean 0.

    Formula:  a = x + n with n ~ N(0, std²); backward  ∂loss/∂x = ∂loss/∂a. In prediction a = x. The noise
    is drawn anew in each update, from the network's seed, the number of updates before and the place; it
    is kept as `NAME/noise`.

    Parameters
    ----------
    std : float
        Standard deviation of the noise, in the units of x.
    name : str, optional
        Its name.

    Raises
    ------
    ArgumentError
        If std is below 0 or not finite.

    References
    ----------
    Bishop, Training with noise is equivalent to Tikhonov regularization, 1995.

    Examples
    --------
    >>> GaussianNoise(0.1)
    GaussianNoise(std=0.1)
    """

    kind = "gaussian_noise"

    def __init__(self, std: float, *, name: str | None = None) -> None:
        self.name = name
        self.std = checks.number(f"{self.who}: std", std, 0, float(np.finfo(np.float32).max))

    def build(self, n_in: int) -> int:
        self.n_in = self.n_out = n_in
        return n_in

    @property
    def settings(self) -> dict[str, Any]:
        return {"std": self.std, "name": self.name}

    def forward(self, step: Step, x: Buffer) -> Forward:
        stream = step.stream()
        if not step.is_training or self.std == 0:
            return Forward(x, lambda da: da)
        seed_low, seed_high = key_of(step.seed)
        noise, a = step.matrix(f"{self.label}/noise", x.columns), step.matrix(f"{self.label}/a", x.columns)
        step.call(
            add_noise,
            x=x,
            noise=noise,
            a=a,
            stream=stream,
            seed_low=seed_low,
            seed_high=seed_high,
            std=self.std,
        )
        step.passes(x, a)
        return Forward(a, lambda da: da)


@kernel(x="read part", noise="write part", a="write part", numbers=("std",))
def add_noise(x, x_stride, x_columns, noise, a, stream, seed_low, seed_high, now, std, lo, hi):  # type: ignore[no-untyped-def]
    """noise = std times a standard normal number; a = x + noise."""
    fill_words(noise, x_stride, x_columns, now[TICK], stream, seed_low, seed_high, lo, hi)
    width, columns = (x_columns + VECTOR - 1) // VECTOR * VECTOR, np.int32(x_columns)
    for start in range(lo * x_stride, hi * x_stride, x_stride):
        row, n, y = x[start : start + width], noise[start : start + width], a[start : start + width]
        for j in range(width):
            y[j] = depth(bits(n[j]))
        for j in range(width):
            n[j] = where(np.int32(j) < columns, std, np.float32(0)) * normal_at(bits(n[j]), y[j])
        for j in range(width):
            y[j] = row[j] + n[j]


@add_noise.twin
def _(x, x_stride, x_columns, noise, a, stream, seed_low, seed_high, now, std, lo, hi):  # type: ignore[no-untyped-def]
    words = random_words(x_columns, now[TICK], stream, seed_low, seed_high, lo, hi)
    noise[lo:hi] = np.float32(std) * normal(words)
    a[lo:hi] = x[lo:hi] + noise[lo:hi]
