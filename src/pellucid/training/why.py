"""Why a weight moved in a step: loss, deltas, gradient, optimizer, change, as one row of numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.glass.wording import rounded, shortest
from pellucid.training.places import Place, find_place

if TYPE_CHECKING:
    from pellucid.training.replay import Replay

SHOWN = 3  # rows of a batch that the text tells of
STAGES = {
    "loss": "gradient of the loss",
    "regularizer": "with the regularizer",
    "ridge": "with the ridge",
    "clip_norm": "norm of all clipped",
    "clip_value": "clipped",
    "noise": "with noise",
}


@dataclass(frozen=True, eq=False)
class Why:
    """What moved one number of a network in one step; prints as text.

    Parameters
    ----------
    name : str
        The number, such as `hidden_1/3/age`.
    step, epoch, step_in_epoch : int
        The step, from 1 over all epochs, its epoch from 1, and its number in that from 1.
    loss : float
        The loss of the batch.
    rows : int64 array (n,)
        The rows of X that made up the batch.
    inputs : float32 array (n,) or None
        What came in for each row; 1 for a bias. None where the gradient is no sum over rows.
    deltas : float32 array (n,) or None
        The share of the error of the neuron for each row.
    gradients : dict of str to float
        The gradient: under `loss` the sum of input times delta over the rows, then what `regularizer`,
        `ridge`, `clip_norm`, `clip_value` and `noise` made of it, as far as the fit had them. Empty for a
        number that training changes by no gradient.
    optimizer : str
        Name of the optimizer.
    formula : str
        What it does.
    numbers : dict of str to float
        What it was told of the step, such as its `learning_rate`.
    states : dict of str to (float, float)
        What it keeps for this weight, before and after.
    column_factor : float or None
        By what the update was multiplied to keep to `max_norm`.
    before, after : float
        The number itself.
    """

    name: str
    step: int
    epoch: int
    step_in_epoch: int
    loss: float
    rows: Array
    inputs: Array | None
    deltas: Array | None
    gradients: Mapping[str, float]
    optimizer: str
    formula: str
    numbers: Mapping[str, float]
    states: Mapping[str, tuple[float, float]]
    column_factor: float | None
    before: float
    after: float

    @property
    def change(self) -> float:
        """After minus before."""
        return self.after - self.before

    @property
    def gradient(self) -> float | None:
        """The derivative of the batch's loss by the number, before anything was done to it."""
        return self.gradients.get("loss")

    @property
    def used(self) -> float | None:
        """The gradient that the optimizer got."""
        return list(self.gradients.values())[-1] if self.gradients else None

    @property
    def shares(self) -> Array | None:
        """Input times delta of each row, exact, as float64 `(n,)`."""
        if self.inputs is None or self.deltas is None:
            return None
        return self.inputs.astype(np.float64) * self.deltas

    @property
    def sum_of_shares(self) -> float | None:
        """Their sum in exact arithmetic; the kernels' own, in float32, is `gradient`."""
        return None if self.shares is None else math.fsum(self.shares)

    def to_dict(self) -> dict[str, Any]:
        """One row of plain numbers, from the loss to the change."""
        row: dict[str, Any] = {"name": self.name, "step": self.step, "epoch": self.epoch}
        row |= {"step_in_epoch": self.step_in_epoch, "loss": self.loss, "n_rows": len(self.rows)}
        if self.deltas is not None:
            row["delta"] = math.fsum(self.deltas.astype(np.float64))
        row |= {"gradient" if n == "loss" else f"gradient_{n}": g for n, g in self.gradients.items()}
        row |= self.numbers
        for name, (before, after) in self.states.items():
            row |= {f"{name}_before": before, f"{name}_after": after}
        if self.column_factor is not None:
            row["column_factor"] = self.column_factor
        return row | {"before": self.before, "after": self.after, "change": self.change}

    def __str__(self) -> str:
        where = f"step {self.step}, which is step {self.step_in_epoch} of epoch {self.epoch}"
        lines = [
            f"{self.name} in {where}",
            _line("loss of the batch", f"{rounded(self.loss)} over {_rows(len(self.rows))}"),
        ]
        lines += self._told_shares()
        lines += [_line(STAGES[name], shortest(g)) for name, g in self.gradients.items()]
        if self.gradients:
            lines.append(_line(self.optimizer, self.formula))
            lines += [_line(f"  {name}", shortest(value)) for name, value in self.numbers.items()]
            lines += [
                _line(f"  {name}", f"{shortest(a)} -> {shortest(b)}") for name, (a, b) in self.states.items()
            ]
        else:
            lines.append(_line("gradient", "none: training changes it by no gradient"))
        if self.column_factor is not None:
            lines.append(_line("times, for max_norm", rounded(self.column_factor)))
        moved = f"{shortest(self.before)} -> {shortest(self.after)}, a change of {rounded(self.change)}"
        return "\n".join([*lines, _line("weight", moved)])

    __repr__ = __str__

    def _told_shares(self) -> list[str]:
        """The rows that count most, and the rest together."""
        shares = self.shares
        if shares is None or self.inputs is None or self.deltas is None:
            return []
        order = np.argsort(-np.abs(shares), kind="stable")
        lines = [
            _line(
                f"  row {self.rows[k]}",
                f"input {shortest(self.inputs[k])} x delta {shortest(self.deltas[k])} = {rounded(shares[k])}",
            )
            for k in order[:SHOWN]
        ]
        if len(order) > SHOWN:
            rest = math.fsum(shares[order[SHOWN:]])
            lines.append(_line(f"  {_rows(len(order) - SHOWN)} more", rounded(rest)))
        return [*lines, _line("  sum of all rows", rounded(math.fsum(shares)))]


def explain(replay: Replay, name: str) -> Why:
    """Why a number moved in a step that was run again.

    Raises
    ------
    ArgumentError
        If there is no number of that name.
    """
    recording = replay.recording
    place = find_place(name, recording.wiring)
    parameter, index, column = place.parameter, place.index, place.index[-1]
    before, after = replay.state_before, replay.state_after
    inputs, deltas = _shares(replay, place)
    optimizer = recording.settings.optimizer
    gradients: dict[str, float] = {}
    states, numbers, factor = {}, {}, None
    if parameter.trainable:
        concerns = {"regularizer": parameter.regularizer, "ridge": parameter.synapses}
        stages = {n: g for n, g in replay.gradients.items() if concerns.get(n, True)}
        gradients = {n: float(g[parameter.name][index]) for n, g in stages.items()}
        for state in optimizer.states:
            kept = f"{parameter.name}/{state}"
            states[state] = float(before.optimizer[kept][index]), float(after.optimizer[kept][index])
        numbers = dict(replay.numbers[optimizer.factors(parameter)])
        factors = replay.column_factors.get(parameter.name)
        factor = None if factors is None else float(factors[column])
    return Why(
        name=place.name,
        step=replay.step,
        epoch=replay.epoch,
        step_in_epoch=replay.step_in_epoch,
        loss=replay.loss,
        rows=replay.rows,
        inputs=inputs,
        deltas=deltas,
        gradients=gradients,
        optimizer=optimizer.name,
        formula=optimizer.text.strip().rstrip("."),
        numbers=numbers,
        states=states,
        column_factor=factor,
        before=float(before.last[parameter.name][index]),
        after=float(after.last[parameter.name][index]),
    )


def _shares(replay: Replay, place: Place) -> tuple[Array | None, Array | None]:
    """What came in and the delta, for each row of the batch."""
    names = replay.operands.get(place.parameter.name)
    if names is None:
        return None, None
    n, column = len(replay.rows), place.index[-1]
    if len(names) == 1:
        return np.ones(n, np.float32), replay.trace.numbers[names[0]][:n, column]
    first, second = (replay.trace.numbers[name] for name in names)
    if len(place.index) == 2:
        return first[:, place.index[0]], second[:, column]
    return second[:, column], first[:, column]  # factors: what comes from behind stands first


def _line(what: str, said: str) -> str:
    return f"  {what:<22}  {said}"


def _rows(n: int) -> str:
    return "1 row" if n == 1 else f"{n} rows"
