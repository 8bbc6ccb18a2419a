"""What a fit is asked for: its settings, and the rows it works on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.engine.buffer import Array, Buffer
from pellucid.losses import Loss
from pellucid.lowering import Data
from pellucid.metrics import Metric
from pellucid.optimizers import Optimizer
from pellucid.schedules import Schedule
from pellucid.training.data import Targets
from pellucid.training.judge import Judge

Callback = Callable[[Any, dict[str, float]], Any]


@dataclass
class Settings:
    """What a fit was asked for, checked."""

    loss: Loss
    optimizer: Optimizer
    learning_rate: float
    schedule: Schedule
    epochs: int
    batch_size: int
    metrics: Sequence[Metric] = ()
    shuffle: bool = True
    patience: int | None = None
    min_delta: float = 0.0
    until: float | None = None
    time_limit: float | None = None
    train_loss: bool = True
    threads: int | None = None  # None is as many as take the least time
    callbacks: Sequence[Callback] = ()
    gradients: Any = None
    judge: Judge | None = None


@dataclass
class Rows:
    """Arrays, and which of their rows are meant.

    Parameters
    ----------
    X : float32 or float64 array (n_samples, n_in)
        Inputs, C-contiguous; stays where it is.
    y : Targets
        Targets.
    weights : float32 array (n_samples,) or None
        Weights of the rows.
    indices : int64 array
        The rows that are meant.
    """

    X: Array
    y: Targets
    weights: Array | None
    indices: Array

    @property
    def weight(self) -> float:
        """Sum of the weights of the rows that are meant."""
        return (
            float(len(self.indices))
            if self.weights is None
            else float(self.weights[self.indices].sum(dtype=np.float64))
        )

    def given(self, data: Data) -> dict[Buffer, Array]:
        """The arrays as the buffers of `data`."""
        weights = {} if self.weights is None else {data.weights: self.weights}
        return {data.X: self.X, data.y: self.y.values, **weights}
