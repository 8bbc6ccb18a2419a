"""A network as the picture of it needs it: stages of neurons, which of them are shown, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pellucid.engine.buffer import Array

SLACK = 4 / 3  # so few more than the most are shown all the same, rather than counted
LOW, HIGH = 0.24, 0.62  # inches from neuron to neuron: with many of them, and with few
TALL = 4.2  # inches of a column before it grows


@dataclass(frozen=True)
class Stage:
    """One layer of a network as a picture shows it.

    Parameters
    ----------
    name : str
        The layer's name.
    caption : str
        What it does, in a word or two.
    n : int
        How many numbers come out of it.
    weights : float array (n_in, n) or None
        Of its synapses; None where it has no neurons: the inputs, and layers drawn as a bar.
    bias : float array (n,) or None
        Of its neurons.
    names : sequence of str
        What its numbers stand for, if they have names: features, classes.
    values : float array (n,) or None
        Its activations for the row that is shown.
    inner : sequence of (int, int)
        Inputs and neurons of each layer of neurons inside it, where it is made of layers.
    """

    name: str
    caption: str
    n: int
    weights: Array | None = None
    bias: Array | None = None
    names: Sequence[str] = ()
    values: Array | None = None
    inner: Sequence[tuple[int, int]] = ()

    @property
    def is_bar(self) -> bool:
        """Whether it is drawn as a bar, having neither neurons nor names."""
        return self.weights is None and not self.names


@dataclass(frozen=True)
class Placed:
    """A stage with the neurons of it that are shown.

    Parameters
    ----------
    stage : Stage
        The stage.
    shown : int64 array (n_shown,)
        Their indices, ascending.
    heights : float64 array (n_shown,)
        Where each is, in inches from the middle upwards.
    pitch : float
        From one to the next.
    """

    stage: Stage
    shown: Array
    heights: Array = field(repr=False)
    pitch: float = HIGH

    @property
    def n_more(self) -> int:
        """Those that are not shown."""
        return self.stage.n - len(self.shown)

    @property
    def radius(self) -> float:
        """Of its neurons, in inches."""
        return min(0.17, 0.4 * self.pitch)


def strengths(stages: Sequence[Stage], at: int) -> Array:
    """How strong each number of a stage is: the norm of its weights to the next neurons, times that of those
    that lead to it.

    Examples
    --------
    >>> inputs = Stage("input", "", 2, names=["a", "b"])
    >>> strengths([inputs, Stage("output", "", 1, np.array([[3.0], [4.0]]))], 0)
    array([3., 4.])
    """
    stage = stages[at]
    strength = np.ones(stage.n)
    if stage.weights is not None:
        strength = np.linalg.norm(np.nan_to_num(stage.weights), axis=0)
    for behind in stages[at + 1 :]:
        if behind.weights is not None:
            if len(behind.weights) == stage.n:
                strength = strength * np.linalg.norm(np.nan_to_num(behind.weights), axis=1)
            break
        if behind.n != stage.n:
            break
    return strength


def choose(strength: Array, most: int, always: Sequence[int] = ()) -> Array:
    """The indices of the strongest, ascending; all where there are hardly more than `most`.

    Examples
    --------
    >>> choose(np.array([0.1, 5.0, 3.0, 0.2]), 2), choose(np.array([1.0, 2.0, 3.0, 4.0]), 3)
    (array([1, 2]), array([0, 1, 2, 3]))
    """
    if len(strength) <= most * SLACK:
        return np.arange(len(strength))
    order = np.argsort(-strength, kind="stable")
    chosen = dict.fromkeys([*always, *order.tolist()])
    return np.sort(np.array(list(chosen)[:most], np.int64))


def place(stages: Sequence[Stage], most: int, marked: tuple[int, int] | None = None) -> list[Placed]:
    """What is shown of each stage, and at which heights.

    Parameters
    ----------
    stages : sequence of Stage
        From the inputs to the outputs.
    most : int
        How many neurons are shown of a layer.
    marked : (int, int), optional
        A stage and a neuron of it that is shown in any case.
    """
    chosen: list[Array] = []
    for i, stage in enumerate(stages):
        if stage.is_bar and i and stages[i - 1].n == stage.n:
            chosen.append(chosen[-1])  # what goes through it keeps its place
        else:
            always = [marked[1]] if marked and marked[0] == i else []
            chosen.append(choose(strengths(stages, i), most, always))
    largest = max(map(len, chosen))
    tall = largest * float(np.clip(TALL / largest, LOW, HIGH))
    placed: list[Placed] = []
    for i, (stage, shown) in enumerate(zip(stages, chosen, strict=True)):
        if stage.is_bar and i and shown is chosen[i - 1]:
            placed.append(Placed(stage, shown, placed[-1].heights, placed[-1].pitch))
            continue
        pitch = min(HIGH, tall / len(shown))
        heights = pitch * ((len(shown) - 1) / 2 - np.arange(len(shown)))
        placed.append(Placed(stage, shown, heights, pitch))
    return placed
