"""Where a training stands: all that a later fit, or a resumed one, needs to go on exactly there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.engine.buffer import Arena, Array, Buffer
from pellucid.layers.base import Parameter
from pellucid.lowering import Lowered
from pellucid.saved import Saved
from pellucid.schedules import ReduceOnPlateau
from pellucid.training.history import History

Tensors = dict[str, Array]


@dataclass
class State:
    """Counters, optimizer states, and the weights of the last and of the best epoch.

    Parameters
    ----------
    epoch, step, tick : int
        Epochs completed, steps done in the epoch under way, updates ever made.
    begun : int
        The epoch at which the present fit began; its schedule counts from there.
    waited : int
        Epochs since the best one.
    best_value, best_epoch
        The lowest number that says how good an epoch is, and which epoch had it; 0 before the first.
    plateau : ReduceOnPlateau, optional
        Where a schedule that follows the loss stands.
    history : History
        Numbers of each epoch so far.
    optimizer_since : int
        Updates made before the optimizer began with empty states; it counts its own from there.
    optimizer : Tensors
        State of the optimizer, by names such as `hidden_1/weights/m`.
    last, best : Tensors
        Parameters as training left them, and those of the best epoch.
    left : Tensors
        Parameters as the fit left them to the user.
    partial : Tensors
        Sums over the steps of an epoch under way.
    """

    epoch: int = 0
    step: int = 0
    tick: int = 0
    begun: int = 0
    optimizer_since: int = 0
    waited: int = 0
    best_value: float = float("inf")
    best_epoch: int = 0
    plateau: ReduceOnPlateau | None = None
    history: History = field(default_factory=History)
    optimizer: Tensors = field(default_factory=dict)
    last: Tensors = field(default_factory=dict)
    best: Tensors = field(default_factory=dict)
    left: Tensors = field(default_factory=dict)
    partial: Tensors = field(default_factory=dict)

    @property
    def plateau_factor(self) -> float:
        """What the learning rate is multiplied with."""
        return 1.0 if self.plateau is None else self.plateau.current

    def load(self, lowered: Lowered, work: Arena, parameters: Sequence[Parameter], arena: Arena) -> None:
        """Put everything into the arenas; the last weights only if the user has not changed them since."""
        given = self.optimizer | self.partial
        for buffer in kept(lowered) if given else ():
            values = given.get(buffer.name)
            if values is not None and values.shape == (view := work.view(buffer)).shape:
                view[...] = values
        if self.last and self.last is not self.left and _has(self.left, parameters, arena):
            put(self.last, parameters, arena)
        if not self.best:
            self.best = weights(parameters, arena)

    def note(self, value: float, min_delta: float, parameters: Sequence[Parameter], arena: Arena) -> bool:
        """Take note of an epoch's value; keeps the weights and says True where it is the best so far."""
        if value < self.best_value - min_delta:
            self.best_value, self.best_epoch, self.waited = value, self.epoch, 0
            for p in parameters:
                np.copyto(self.best[p.name], arena.view(p.buffer))
            return True
        self.waited += 1
        return False

    def keep(self, lowered: Lowered, work: Arena, parameters: Sequence[Parameter], arena: Arena) -> None:
        """Take everything out of the arenas."""
        self.optimizer = {b.name: work.view(b).copy() for b in states_of(lowered)}
        self.partial = {b.name: work.view(b).copy() for b in sums_of(lowered)} if self.step else {}
        self.last = self.left = weights(parameters, arena)

    def forget_best(self, now: Tensors) -> None:
        """Let no earlier epoch count as the best: what it was measured with has changed."""
        self.best_value, self.best_epoch, self.waited, self.best = float("inf"), 0, 0, now
        if self.plateau is not None:
            self.plateau.best, self.plateau.waited = None, 0

    def forget_optimizer(self) -> None:
        """Let the optimizer begin with empty states."""
        self.optimizer, self.partial, self.step = {}, {}, 0
        self.optimizer_since = self.tick

    def restore_best(self, parameters: Sequence[Parameter], arena: Arena) -> bool:
        """Give the network the best weights; False where it has them already."""
        if _has(self.best, parameters, arena):
            return self.best_epoch > 0
        put(self.best, parameters, arena)
        self.left = {n: w.copy() for n, w in self.best.items()}
        return True

    def to_dict(self) -> dict[str, Any]:
        """Everything but the tensors, as plain values."""
        plain = {n: getattr(self, n) for n in COUNTERS}
        return plain | {
            "best_value": float(self.best_value),
            "plateau": None if self.plateau is None else self.plateau.state,
            "history": self.history.to_dict(),
        }

    def tensors(self) -> Tensors:
        """The tensors, by names such as `last/hidden_1/weights`."""
        return {f"{kind}/{n}": t for kind in KINDS for n, t in getattr(self, kind).items()}

    @classmethod
    def from_dict(cls, value: object, tensors: Mapping[str, Array], parameters: Sequence[Parameter]) -> State:
        """From plain values and tensors, which are checked: they may stand in a file."""
        saved = Saved(value, "the state of the training", [*COUNTERS, "best_value", "plateau", "history"])
        state = cls()
        for name in COUNTERS:
            setattr(state, name, saved.whole(name, 0, 2**53))
        state.best_value = saved.number("best_value", -math.inf, math.inf)
        if saved.any("plateau") is not None:
            state.plateau = ReduceOnPlateau.from_state(saved.any("plateau"))
        state.history = History.from_dict(saved.any("history"))
        if not state.begun <= state.epoch == len(state.history) or state.optimizer_since > state.tick:
            saved.fail("epoch", "as many as the epochs of the history")
        for kind in KINDS:
            found = {n.partition("/")[2]: t for n, t in tensors.items() if n.startswith(f"{kind}/")}
            if found and kind in OF_PARAMETERS and _shapes(found) != {p.name: p.shape for p in parameters}:
                saved.fail("epoch", f"of a training of this network, but its {kind!r} weights are of another")
            setattr(state, kind, found)
        return state


COUNTERS = ("epoch", "step", "tick", "begun", "optimizer_since", "waited", "best_epoch")
KINDS = ("optimizer", "last", "best", "left", "partial")
OF_PARAMETERS = KINDS[1:4]


def _shapes(tensors: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
    return {name: t.shape for name, t in tensors.items()}


def states_of(lowered: Lowered) -> list[Buffer]:
    """The optimizer's states."""
    return [b for buffers in lowered.states.values() for b in buffers]


def sums_of(lowered: Lowered) -> list[Buffer]:
    """The sums that run over the steps of an epoch."""
    assert lowered.total is not None
    return [lowered.total, *lowered.squares.values(), *lowered.penalties.values()]


def kept(lowered: Lowered) -> list[Buffer]:
    """The buffers that outlive a run."""
    return [*states_of(lowered), *sums_of(lowered)]


def weights(parameters: Sequence[Parameter], arena: Arena) -> Tensors:
    """A copy of the parameters, by name."""
    return {p.name: arena.view(p.buffer).copy() for p in parameters}


def _has(tensors: Tensors, parameters: Sequence[Parameter], arena: Arena) -> bool:
    """Whether the parameters are these."""
    return all(np.array_equal(arena.view(p.buffer), tensors[p.name], equal_nan=True) for p in parameters)


def put(tensors: Tensors, parameters: Sequence[Parameter], arena: Arena) -> None:
    """Set the parameters."""
    for p in parameters:
        arena.view(p.buffer)[:] = tensors[p.name]
