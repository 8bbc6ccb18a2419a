"""Training on all rows at once: the loss and its gradient by the engine, the way down by L-BFGS."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import checks
from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError
from pellucid.kernels.team import Team
from pellucid.layers.base import Parameter
from pellucid.optimizers import Optimizer
from pellucid.registry import settings_of
from pellucid.regularizers import penalty
from pellucid.training.divergence import find_cause
from pellucid.training.history import History
from pellucid.training.interrupt import ctrl_c
from pellucid.training.lbfgs import Minimum, Vector, minimise
from pellucid.training.line_search import Point
from pellucid.training.state import sums_of, weights

if TYPE_CHECKING:
    from pellucid.training.fit import Fit, Stop

BLOCK = 512  # rows that pass through the network at once: what they make stays in the cache
SENSELESS = (
    "batch_size",
    "learning_rate",
    "schedule",
    "metrics",
    "validation_split",
    "validation_data",
    "validation_rows",
    "patience",
    "min_delta",
    "until",
    "time_limit",
    "callbacks",
    "checkpoint",
    "resume",
    "clip_value",
    "clip_norm",
    "gradient_noise",
    "judge",
    "record",
)


def sum_up(w, g, total, learning_rate=1.0):  # type: ignore[no-untyped-def]
    """total += share g, the share being that of a block in all rows; no weight moves."""
    return w, total + learning_rate * g


SUM = Optimizer(sum_up, "", settings_of(sum_up))


@dataclass(frozen=True)
class Lbfgs:
    """The optimizer `lbfgs` of a fit: limited-memory BFGS on the loss of all rows.

    An epoch is a step of it, which takes one or a few passes over the rows. What is drawn at random, such as
    by dropout, is drawn once.

    Parameters
    ----------
    tolerance : float
        Training ends when no number of the gradient is larger than this.
    memory : int
        How many steps are remembered.
    evaluations : int
        How many passes over the rows there may be at most.

    Raises
    ------
    ArgumentError
        If an argument is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid import Dense, Input, Network
    >>> x = np.linspace(-1, 1, 50, dtype=np.float32)
    >>> net = Network([Input(1), Dense(1)], seed=0)
    >>> net.fit(x[:, None], 3 * x + 1, optimizer="lbfgs").stopped_by
    'converged'
    >>> net.predict([[0.5]]).round(3)
    array([[2.5]], dtype=float32)
    """

    tolerance: float = 1e-4
    memory: int = 10
    evaluations: int = 15_000

    def __post_init__(self) -> None:
        checks.number("lbfgs: tolerance", self.tolerance, 0)
        checks.whole("lbfgs: memory", self.memory)
        checks.whole("lbfgs: evaluations", self.evaluations)

    @property
    def name(self) -> str:
        """What it is called."""
        return "lbfgs"

    @classmethod
    def named(cls, optimizer: Any) -> Lbfgs | None:
        """What the option `optimizer` of a fit means, if it means this one."""
        if isinstance(optimizer, Lbfgs):
            return optimizer
        return cls() if isinstance(optimizer, str) and optimizer.strip() == "lbfgs" else None

    def run(self, fit: Fit, ridge: float) -> History:
        """Train; `ridge` is as in `pellucid.regularizers.Gradients`, n being all rows."""
        if any(p.max_norm is not None for p in fit.all):
            raise ArgumentError("lbfgs cannot keep to max_norm: use a regularizer, or another optimizer.")
        stop = fit.load()
        with Team(fit.settings.threads) as fit.team, ctrl_c(fit.interrupt):
            loss = WholeBatch(fit, ridge)
            minimum = minimise(
                loss,
                loss.start,
                iterations=fit.settings.epochs,
                evaluations=self.evaluations,
                tolerance=self.tolerance,
                memory=self.memory,
                after=loss.note,
            )
            loss.put(minimum.point.x)
            stop = stop or loss.verdict(minimum)
        state = fit.state
        state.best_epoch, state.best_value = state.epoch, minimum.point.value
        state.best = weights(fit.all, fit.parameters)
        fit.finish(stop)
        return fit.history


class WholeBatch:
    """The loss of all rows and its gradient as functions of all weights in one vector.

    Parameters
    ----------
    fit : Fit
        Made with the optimizer `SUM`, which adds up the gradients of blocks of rows.
    ridge : float
        α of a penalty α Σw² / 2n over the weights of synapses.
    """

    def __init__(self, fit: Fit, ridge: float) -> None:
        self.fit, n = fit, len(fit.rows.indices)
        self.parts: list[tuple[Parameter, Array, Array]] = [
            (p, fit.parameters.view(p.buffer), fit.work.view(total))
            for p, (total,) in fit.lowered.states.items()
        ]
        self.strength = ridge / n
        self.start = np.concatenate([w.ravel() for _, w, _ in self.parts]).astype(np.float64)
        rows = np.full(fit.n_steps, fit.batch_size, np.float64)
        rows[-1] = n - fit.batch_size * (fit.n_steps - 1)
        self.tables = {
            f: SUM.rows(np.ones(len(rows)), rows / n * (f.learning_rate > 0)) for f in fit.lowered.tables
        }
        fit.order[:] = fit.rows.indices
        for factors, buffer in fit.lowered.tables.items():
            fit.program.point(buffer, self.tables[factors])
        self.began = time.perf_counter()

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        """The loss with its penalties, and the gradient."""
        fit, lowered = self.fit, self.fit.lowered
        self.put(x)
        for buffer in sums_of(lowered):
            fit.work.view(buffer)[:] = 0
        for _, _, total in self.parts:
            total[...] = 0
        fit.refresh.run(fit.team, 0, 1, 1, 1)
        fit.program.run(fit.team, 0, fit.n_steps, fit.batch_size, len(fit.order), fit.state.tick)
        assert lowered.total
        self.loss = float(fit.work.view(lowered.total)[0] / fit.rows.weight)
        self.penalty = penalty(fit.all, fit.parameters.view)
        gradients = []
        for p, w, total in self.parts:
            gradient = total.astype(np.float64)
            if p.synapses and self.strength:
                wide = w.astype(np.float64)
                gradient += self.strength * wide
                self.penalty += 0.5 * self.strength * float((wide * wide).sum())
            gradients.append(gradient.ravel())
        if fit.program.stopped:
            self.loss = float("nan")
        return self.loss + self.penalty, np.concatenate(gradients)

    def put(self, x: Vector) -> None:
        """Set the weights."""
        start = 0
        with np.errstate(over="ignore"):
            for _, w, _ in self.parts:
                w[...] = x[start : start + w.size].reshape(w.shape)
                start += w.size

    def note(self, point: Point) -> bool:
        """Write down a step; True if training has to stop."""
        fit, now = self.fit, time.perf_counter()
        record = {"running_loss": self.loss, "loss": self.loss, "penalty": self.penalty}
        record |= {"gradient_norm": float(np.linalg.norm(point.gradient)), "seconds": now - self.began}
        fit.history.add(record)
        fit.state.epoch, self.began = fit.state.epoch + 1, now
        return bool(fit.interrupted)

    def verdict(self, minimum: Minimum) -> Stop | None:
        """Why it stopped; None where all epochs are over."""
        fit, epoch = self.fit, self.fit.state.epoch
        if not np.isfinite(minimum.point.value):
            cause = find_cause(fit.lowered, fit.work, fit.all, fit.parameters)
            return "diverged", f"the loss of the first weights is not finite: {cause}"
        most = np.abs(minimum.point.gradient).max(initial=0.0)
        told = {
            "gradient": f"no number of the gradient is larger than {most:.2g}",
            "decrease": "the loss falls no more",
            "precision": "no lower loss can be told from this one",
        }
        if minimum.has_converged:
            return "converged", f"{told[minimum.stopped_by]} after epoch {epoch}"
        if minimum.stopped_by == "asked":
            return fit.stopped_by_hand()
        if minimum.stopped_by == "evaluations":
            return "evaluations", f"{minimum.evaluations} passes over the rows are over after epoch {epoch}"
        return None
