"""A recording of a fit: what it takes to run any of its steps again, and no more.

Nothing is kept of a step itself. Since the same numbers go in, the same come out: a step is run again from
the last snapshot before it, and a checksum of the weights at the end of each epoch shows that the way there
was the same.
"""

from __future__ import annotations

import bisect
import copy
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from pellucid.errors import ArgumentError
from pellucid.glass.wiring import Wiring
from pellucid.training.distributions import Distributions, places, quantiles_of
from pellucid.training.history import History
from pellucid.training.state import State, Tensors

if TYPE_CHECKING:
    from pellucid.training.course import Course
    from pellucid.training.fit import Fit
    from pellucid.training.replay import Replay
    from pellucid.training.why import Why

MOST = 32  # snapshots at most,
LARGEST = 64 << 20  # and at most so many bytes of them,
FEWEST = 4  # but so many however large they are
APART = 32  # steps between two at least: a snapshot moves about as many bytes as a step does


class Mark(NamedTuple):
    """An epoch, or what was run of it.

    Parameters
    ----------
    epoch : int
        Its number, from 0.
    tick : int
        Updates made before.
    first, n_steps : int
        Steps of the epoch done before, and steps run.
    factor : float
        What `reduce_on_plateau` multiplied the learning rate with.
    before, after : int
        Checksums of the weights.
    """

    epoch: int
    tick: int
    first: int
    n_steps: int
    factor: float
    before: int
    after: int


class Recording:
    """Snapshots at the beginning of a fit and of some of its epochs, and a line on each epoch.

    Parameters
    ----------
    fit : Fit
        What is recorded.
    network_of : callable
        Makes a network like the one that is trained, with other parameters.
    wiring : Wiring
        The names of what leads into each layer.
    """

    def __init__(self, fit: Fit, network_of: Callable[[Tensors], Any], wiring: Wiring) -> None:
        self.layers, self.rows, self.seed = fit.layers, fit.rows, fit.seed
        self.network_of, self.wiring = network_of, wiring
        self.snapshots: list[State] = []
        self.end: State | None = None
        self.marks: list[Mark] = []
        self._spacing = APART
        self._pinned: set[int] = set()  # ticks of snapshots that are not thinned out
        self._replay: Replay | None = None
        self._quantiles: dict[int, dict[str, list[float]]] = {}

    # ---------------------------------------------------------------- while training

    def before_epoch(self, fit: Fit) -> None:
        """Take note of where an epoch begins; takes a snapshot where one is due."""
        state, marks = fit.state, self.marks
        if marks and not fit.settings.callbacks:
            now = marks[-1].after
        else:
            now = fit.parameters.checksum()
        if not self.snapshots:
            self.settings = dataclasses.replace(fit.settings, callbacks=(), metrics=())
            fit.history.recording = self
            self._pinned.add(state.tick)
        elif now != marks[-1].after and len(self._pinned) < MOST:
            self._pinned.add(state.tick)  # a callback has set weights: nothing leads there
        if state.tick in self._pinned or state.tick - self.snapshots[-1].tick >= self._spacing:
            fit.keep()
            self._add(_lean(state))
        self._begun = state.epoch, state.tick, state.step, state.plateau_factor, now

    def after_epoch(self, fit: Fit) -> None:
        """Take note of where an epoch ended, at its last step or before."""
        epoch, tick, first, factor, before = self._begun
        n_steps = fit.state.tick - tick + fit.program.stopped  # one that diverged counts, too
        self.marks.append(Mark(epoch, tick, first, n_steps, factor, before, fit.parameters.checksum()))

    def at_end(self, fit: Fit) -> None:
        """Keep where training came to, for `distributions`; the state is in order already."""
        self.end = _lean(fit.state)

    def _add(self, snapshot: State) -> None:
        """Keep a snapshot; where there are too many, those stay that are twice as far apart."""
        self.snapshots.append(snapshot)
        most = max(FEWEST, min(MOST, LARGEST // max(1, _size(snapshot))))
        while len(self.snapshots) - len(self._pinned) > most:
            self._spacing *= 2
            kept: list[State] = []
            for s in self.snapshots:
                if s.tick in self._pinned or s.tick - kept[-1].tick >= self._spacing:
                    kept.append(s)
            self.snapshots = kept

    # ---------------------------------------------------------------- afterwards

    @property
    def nbytes(self) -> int:
        """Bytes of the snapshots."""
        return sum(map(_size, self.snapshots))

    @property
    def states(self) -> list[State]:
        """The snapshots, and where training came to."""
        if self.end and self.end.tick > self.snapshots[-1].tick:
            return [*self.snapshots, self.end]
        return list(self.snapshots)

    def replay(self, step: int) -> Replay:
        """Run a step again; the last one asked for is kept."""
        from pellucid.training.rerun import rerun

        self.find(step)
        known = self._replay
        if known is None or known.step != step:
            known = self._replay = rerun(self, step)
        return known

    def why(self, name: str, step: int | None) -> Why | Course:
        """Why a weight moved in a step; without one, its course over the epochs."""
        from pellucid.training.course import Course
        from pellucid.training.why import explain

        return Course.of(self, name) if step is None else explain(self.replay(step), name)

    def find(self, step: Any) -> tuple[Mark, list[Mark], State]:
        """The epoch of a step (from 1), the epochs that lead to it, and the snapshot that these begin at.

        Raises
        ------
        ArgumentError
            If it is not among the steps recorded.
        """
        first = self.marks[0].tick + 1
        last = self.marks[-1].tick + self.marks[-1].n_steps
        if type(step) is bool or not hasattr(step, "__index__") or not first <= step <= last:
            where = "over all epochs"
            if first > 1:
                where = f"over all fits; this one began at epoch {self.marks[0].epoch + 1}"
            raise ArgumentError(
                f"step must be a whole number from {first} to {last}, the steps of the last fit that was "
                f"recorded, counted from 1 {where}; but got {step!r}."
            )
        at = bisect.bisect_right(self.marks, step - 1, key=lambda m: m.tick) - 1
        snapshot = next(s for s in reversed(self.snapshots) if s.tick <= self.marks[at].tick)
        start = bisect.bisect_left(self.marks, snapshot.tick, key=lambda m: m.tick)
        return self.marks[at], self.marks[start : at + 1], snapshot

    @property
    def distributions(self) -> Distributions:
        """How weights and activations were distributed at the snapshots that stand between two epochs."""
        whole = [s for s in self.states if not s.step]
        rows = self.rows.X[places(self.rows.indices)]
        for s in whole:
            if s.tick not in self._quantiles:
                self._quantiles[s.tick] = quantiles_of(self.network_of(s.last), rows)
        return Distributions.of([s.epoch for s in whole], [self._quantiles[s.tick] for s in whole])


def _lean(state: State) -> State:
    """A state without what is not needed to go on; what it refers to is never changed in place."""
    plateau = copy.copy(state.plateau)
    return dataclasses.replace(state, plateau=plateau, history=History(), best={}, left=state.last)


def _size(state: State) -> int:
    """Bytes of a lean state, whose weights are there once though under two names."""
    return sum(t.nbytes for kind in (state.last, state.optimizer, state.partial) for t in kind.values())
