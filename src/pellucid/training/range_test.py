"""The learning-rate range test: which learning rate this network and these data can bear."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from pellucid.kernels.random import permutation
from pellucid.kernels.team import Team
from pellucid.training.fit import Fit
from pellucid.training.state import kept, put, weights

STEPS = 100
LOWEST, HIGHEST = 1e-6, 10.0
SMOOTHING = 0.9
TOO_HIGH = 4.0  # stop where the smoothed loss is so many times the lowest
SAFETY = 10.0  # the learning rate is so many times smaller than that of the lowest loss


def range_test(fit: Fit) -> tuple[float, dict[str, list[float]]]:
    """Find a learning rate by raising it from step to step until the loss explodes.

    The weights and everything else are put back afterwards.

    Returns
    -------
    float
        A tenth of the rate at which the smoothed loss was lowest.
    dict
        The curve: `learning_rate`, `loss` and `smoothed` of each step.

    References
    ----------
    Smith, Cyclical learning rates for training neural networks, 2017, section 3.3.
    """
    rates = np.geomspace(LOWEST, HIGHEST, STEPS)
    curve: dict[str, list[float]] = {"learning_rate": [], "loss": [], "smoothed": []}
    optimizer = fit.settings.optimizer
    assert fit.lowered.total
    total = fit.work.view(fit.lowered.total)
    lowest, smooth = np.inf, 0.0
    fit.order[:] = fit.rows.indices[permutation(fit.seed, 0, len(fit.order))]
    with Team(1) as team, _undone(fit):
        fit.refresh.run(team, 0, 1, 1, 1)
        for i, rate in enumerate(rates):
            at = i % fit.n_steps
            for factors, buffer in fit.lowered.tables.items():
                row = optimizer.rows([i + 1], rate, factors)
                fit.program.point(buffer, np.tile(row, (at + 1, 1)))
            total[:] = 0
            fit.program.run(team, at, at + 1, fit.batch_size, len(fit.order), i - at)
            loss = float(total[0]) / min(fit.batch_size, len(fit.order) - at * fit.batch_size)
            smooth = SMOOTHING * smooth + (1 - SMOOTHING) * loss
            smoothed = smooth / (1 - SMOOTHING ** (i + 1))
            if not np.isfinite(loss) or (i > 10 and smoothed > TOO_HIGH * lowest):
                break
            lowest = min(lowest, smoothed)
            for name, value in zip(curve, (rate, loss, smoothed), strict=True):
                curve[name].append(float(value))
    if not curve["loss"]:
        return LOWEST, curve
    return curve["learning_rate"][int(np.argmin(curve["smoothed"]))] / SAFETY, curve


@contextmanager
def _undone(fit: Fit) -> Iterator[None]:
    """Put the weights back afterwards and leave no trace in the optimizer's states and the sums."""
    before = weights(fit.all, fit.parameters)
    try:
        yield
    finally:
        put(before, fit.all, fit.parameters)
        for buffer in kept(fit.lowered):
            fit.work.view(buffer)[:] = 0
