"""How scikit-learn's perceptrons go on from epoch to epoch: learning rates, convergence, what is noted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.registry import settings_of
from pellucid.schedules import Schedule

FOREVER = 1 << 30  # epochs
LEAST_RATE = 1e-6  # at which an adaptive learning rate gives up
DIVISOR = 5.0  # of an adaptive learning rate that no longer helps


def _inverse_scaling(  # type: ignore[no-untyped-def]
    step, n_steps, n_steps_per_epoch, power=0.5, seen=0.0, rows=1.0, first=1.0
) -> NDArray[np.float64]:
    """1 / (t + 1)^power, t the rows seen before the epoch; `first` in the first one."""
    epoch = step // n_steps_per_epoch
    return np.asarray(np.where(epoch == 0, first, (seen + epoch * rows + 1.0) ** -power))


INVERSE_SCALING = Schedule(_inverse_scaling, "", settings_of(_inverse_scaling))


@dataclass
class Pace:
    """The judge of a fit: counts epochs that do not improve by `tol`, and says when to stop.

    Parameters
    ----------
    rule : str
        `constant`, `invscaling` or `adaptive`.
    initial : float
        The first learning rate.
    power : float
        Of `invscaling`.
    learning_rate : float
        The present one.
    tol, patience
        By how much an epoch has to be better, and how many may fail to be.
    verbose : bool
        Whether each epoch is told.
    n_rows : int
        Rows of an epoch.
    offset, scale : float
        The loss to be told is `scale` times the engine's, plus `offset`, plus the penalty.
    score : callable, optional
        Gives the score of the validation rows; then it counts, not the loss.
    keep : callable, optional
        Called when the score is the best so far.
    curve, scores : list of float
        Losses and scores so far.
    best_loss, best_score : float
        The best of them.
    failed : int
        Epochs in a row that were not better.
    seen : int
        Rows learned from so far.
    n_iter : int
        Epochs of this fit.
    """

    rule: str
    initial: float
    power: float
    learning_rate: float
    tol: float = 0.0
    patience: float = 10
    verbose: bool = False
    n_rows: int = 0
    offset: float = 0.0
    scale: float = 1.0
    score: Callable[[], float] | None = None
    keep: Callable[[], None] | None = None
    curve: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best_loss: float = np.inf
    best_score: float = -np.inf
    failed: int = 0
    seen: int = 0
    n_iter: int = 0

    @property
    def factor(self) -> float:
        """By what the first learning rate is multiplied, where no schedule does it."""
        return self.learning_rate / self.initial if self.rule == "adaptive" else 1.0

    @property
    def schedule(self) -> Any:
        """What the learning rate depends on besides."""
        if self.rule != "invscaling":
            return "constant"
        first = self.learning_rate / self.initial
        return INVERSE_SCALING.using(power=self.power, seen=self.seen, rows=self.n_rows, first=first)

    def ahead(self) -> int:
        """Epochs that can fail one after the other before there is something to be decided."""
        if self.score or self.verbose:
            return 1
        return int(max(1, min(FOREVER, self.patience - self.failed + 1)))

    def __call__(self, records: Mapping[str, Sequence[float]]) -> str | None:
        losses = records["running_loss"]
        penalties = records.get("penalty", [0.0] * len(losses))
        reason = None
        for loss, penalty in zip(losses, penalties, strict=True):
            reason = self._after_epoch(self.scale * loss + self.offset + penalty)
        return reason

    def _after_epoch(self, loss: float) -> str | None:
        self.n_iter += 1
        self.seen += self.n_rows
        self.curve.append(loss)
        if self.verbose:
            print(f"Iteration {self.n_iter}, loss = {loss:.8f}")
        self._compare(loss)
        if self.rule == "invscaling":
            self.learning_rate = self.initial / (self.seen + 1) ** self.power
        if self.failed <= self.patience:
            return None
        what = "Validation score" if self.score else "Training loss"
        message = f"{what} did not improve more than tol={self.tol:f} for {self.patience} consecutive epochs."
        if self.rule != "adaptive" or self.learning_rate <= LEAST_RATE:
            self._tell(
                message + (" Learning rate too small." if self.rule == "adaptive" else "") + " Stopping."
            )
            return message
        self.learning_rate /= DIVISOR
        self.failed = 0
        self._tell(f"{message} Setting learning rate to {self.learning_rate:f}")
        return None

    def _compare(self, loss: float) -> None:
        """Count the epoch as a failure or not."""
        if self.score:
            score = self.score()
            self.scores.append(score)
            self._tell(f"Validation score: {score:f}")
            self.failed = self.failed + 1 if score < self.best_score + self.tol else 0
            if score > self.best_score:
                self.best_score = score
                if self.keep:
                    self.keep()
        else:
            self.failed = self.failed + 1 if loss > self.best_loss - self.tol else 0
            self.best_loss = min(loss, self.best_loss)

    def _tell(self, text: str) -> None:
        if self.verbose:
            print(text)

    def diverged(self) -> None:
        """Note an epoch whose loss was not finite, unless it was noted."""
        if not self.curve or np.isfinite(self.curve[-1]):
            self.n_iter += 1
            self.seen += self.n_rows
            self.curve.append(float("nan"))
        if self.score:
            self.scores.append(float("nan"))
