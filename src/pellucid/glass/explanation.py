"""The arithmetic of one neuron for one row, as numbers; `str()` of it is the text."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Term:
    """One incoming synapse at work.

    Parameters
    ----------
    source : str
        The feature or neuron that it comes from.
    x, weight : float
        What came in, and what it is multiplied with.
    product : float
        x * weight, exact.
    sum : float
        The weighted input so far: the bias and the terms up to this one, each added with one rounding.
    """

    source: str
    x: float
    weight: float
    product: float
    sum: float


@dataclass(frozen=True)
class Share:
    """One outgoing synapse, along which a share of the error came back.

    Parameters
    ----------
    target : str
        The neuron that it leads to.
    weight, delta : float
        Its weight, and the delta of that neuron.
    product : float
        weight * delta, exact.
    sum : float
        The sum of the products up to this one, each added with one rounding.
    """

    target: str
    weight: float
    delta: float
    product: float
    sum: float


@dataclass(frozen=True)
class Stage:
    """How one number came to be, on the way forward from z to a or back from the loss to delta.

    Parameters
    ----------
    name : str
        Such as `∂loss/∂a`.
    formula : str
        How it was made.
    parts : dict of str to float
        The numbers of which it was made.
    shares : tuple of Share
        The synapses along which it came, if it came along synapses.
    value : float
        The number.
    """

    name: str
    formula: str
    parts: Mapping[str, float]
    shares: tuple[Share, ...]
    value: float


@dataclass(frozen=True)
class Change:
    """What one step would make of one weight, or of the bias.

    Parameters
    ----------
    source : str
        Where its synapse comes from; `bias` for the bias.
    part : float
        x * delta, what this row adds to the gradient, exact.
    gradient : float
        ∂loss/∂weight: that of all rows together.
    used : float
        The gradient as the optimizer saw it: with the regularizer's part, clipped, and so on.
    states_before, states : dict of str to float
        What the optimizer keeps for the weight, before and after the step.
    before, after : float
        The weight.
    """

    source: str
    part: float
    gradient: float
    used: float
    states_before: Mapping[str, float]
    states: Mapping[str, float]
    before: float
    after: float


@dataclass(frozen=True)
class Check:
    """Whether numbers that are shown give another one that is shown.

    Parameters
    ----------
    what : str
        What was compared.
    how : {"arithmetic", "kernel", "predict"}
        How it was worked out anew: from the numbers shown, in float32 and rounded where the kernels round; by
        its own kernel on this row alone, where it sums along a row in an order of its own; or by `predict`.
    shown, found : float
        The number shown, and what was found instead; of several the pair furthest apart.
    ulps : int
        How many float32 numbers lie between them: 0 means that they are equal, bit for bit.
    """

    what: str
    how: str
    shown: float
    found: float
    ulps: int

    @property
    def is_equal(self) -> bool:
        """Whether it is equal, bit for bit."""
        return self.ulps == 0


@dataclass(frozen=True)
class Explanation:
    """The arithmetic of one neuron for one row, forward and backward.

    Parameters
    ----------
    neuron : str
        Such as `hidden_1/3`.
    row, n_rows : int
        Which row of the trace it is about, and how many there were.
    activation : str
        g, with its settings.
    terms : tuple of Term
        The incoming synapses, in the order in which they are added.
    passed : tuple of str
        Layers that changed what comes in since it left its sources, such as dropout in training.
    bias, z, a : float
        z is the bias and all terms; a = g(z).
    activated : Stage
        How a came from z.
    way_back : tuple of Stage
        How delta came to be, the last of them; empty for a trace without targets.
    delta : float or None
        ∂loss/∂z.
    method : str
        How the step is made: the optimizer with its settings, the learning rate, the number of the update.
    numbers : dict of str to float
        The optimizer's numbers of that step.
    changes : tuple of Change
        The bias first, if there is one, then the weights as in `terms`.
    worked : tuple of str
        The update of the weight with the largest gradient, line by line.
    checks : tuple of Check
        Every claim of the text.
    notes : tuple of str
        What else is to be known.
    most : int or None
        How many synapses the text shows, those that count most; None means all.
    """

    neuron: str
    row: int
    n_rows: int
    activation: str
    bias: float
    terms: tuple[Term, ...]
    z: float
    activated: Stage
    a: float
    way_back: tuple[Stage, ...] = ()
    delta: float | None = None
    method: str = ""
    numbers: Mapping[str, float] = dataclasses.field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    worked: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()
    most: int | None = 12

    @property
    def adds_up(self) -> bool:
        """Whether every check found the same bits."""
        return all(check.is_equal for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        values = dataclasses.asdict(self)
        del values["most"]
        return values | {"adds_up": self.adds_up}

    def __str__(self) -> str:
        from pellucid.glass.wording import text_of

        return text_of(self)

    def __repr__(self) -> str:
        return f"<explanation of {self.neuron!r} for row {self.row}>"
