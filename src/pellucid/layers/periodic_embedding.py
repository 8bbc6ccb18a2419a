"""PeriodicEmbedding: numbers become learned periodic features of themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from pellucid import checks
from pellucid.engine.buffer import Buffer
from pellucid.errors import ArgumentError, ShapeError
from pellucid.kernels.columns import copy_columns
from pellucid.kernels.waves import MOST_SUMS, periodic_backward, periodic_forward, periodic_gradients
from pellucid.layers.base import Forward, Layer, Parameter, Step
from pellucid.layers.embedding import MOST_CODES, runs

MOST_WAVES = 1 << 12
PARTS = ("frequencies", "phases", "weights", "bias")


class PeriodicEmbedding(Layer):
    """Puts beside each number a few sums of learned cosines of it; columns that are not chosen pass through.

    Formula:  c_jk = cos 2π(f_jk x_j + p_jk),  e_jm = b_jm + Σ_k c_jk W_jmk,
    a = [x without the columns, x_j, e_j1, e_j2, ... for each column j]; backward with d = ∂loss/∂a where
    e_jm stands, and s_jk = -2π sin 2π(f_jk x_j + p_jk) Σ_m d_jm W_jmk:
    ∂loss/∂x_j = Σ_k f_jk s_jk + ∂loss/∂a where x_j stands, and summed over the rows of the batch
    ∂loss/∂f_jk = x_j s_jk,  ∂loss/∂p_jk = s_jk,  ∂loss/∂W_jmk = d_jm c_jk,  ∂loss/∂b_jm = d_jm.

    So a neuron behind it can follow a number up and down, where a plain network first bends straight lines.
    Give it numbers of about the same spread, 1 or so.

    Parameters
    ----------
    columns : sequence of int, optional
        The places of the numbers among the inputs, from 0; all unless given.
    waves : int
        Cosines of each number.
    width : int
        Sums of these, m, for each number, at most 63: behind the column `age` stand `age~1`, `age~2`, ...
    sigma : float
        Standard deviation of the first frequencies, in waves to a unit of x: how fast it can follow.
    learning_rate : float or dict
        Factor on the learning rate, also as {"frequencies": 0.1, "phases": 0.1, "weights": 1, "bias": 1}.
    name : str, optional
        Its name.

    Attributes
    ----------
    frequencies, phases : Parameter (columns, waves)
        f, normal at first, and p, a phase in turns, uniform at first over a whole turn.
    weights : Parameter (columns · width, waves)
        W, a row for each sum; uniform from -1 / √waves to 1 / √waves at first.
    bias : Parameter (columns · width,)
        b, the same at first.

    Raises
    ------
    ArgumentError
        If an argument has a wrong value.
    ShapeError
        When it is built, if there is no input at a place.

    References
    ----------
    Gorishniy, Rubachev and Babenko, On embeddings for numerical features in tabular deep learning, 2022,
    section 3.3; in the form of Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned
    MLPs and boosted trees on tabular data, 2024 (PBLD).

    Examples
    --------
    >>> layer = PeriodicEmbedding([0], width=2)
    >>> layer.build(2), layer.output_names(["age", "is_adult"])
    (4, ['is_adult', 'age', 'age~1', 'age~2'])
    """

    kind = "periodic_embedding"

    def __init__(
        self,
        columns: Sequence[int] | None = None,
        *,
        waves: int = 16,
        width: int = 3,
        sigma: float = 0.1,
        learning_rate: float | Mapping[str, float] = 1.0,
        name: str | None = None,
    ) -> None:
        self.name = name
        self.columns = None if columns is None else _checked(self.who, columns)
        self.waves = checks.whole(f"{self.who}: waves", waves, 1, MOST_WAVES)
        self.width = checks.whole(f"{self.who}: width", width, 1, MOST_SUMS)
        self.sigma = checks.number(f"{self.who}: sigma", sigma, 0, 1e30)
        self.learning_rate = checks.factors(self.who, learning_rate, PARTS)

    def build(self, n_in: int) -> int:
        self.chosen = list(range(n_in)) if self.columns is None else self.columns
        if self.chosen[-1] >= n_in:
            raise ShapeError(
                f"{self.who} takes input {self.chosen[-1]}, but there are {n_in} inputs, counted from 0. "
                "Put it behind the layer that its places mean."
            )
        n, uniform = len(self.chosen), {"name": "uniform", "scale": self.waves**-0.5}
        self.n_in, self.n_out = n_in, n_in + n * self.width
        self.frequencies, self.phases, self.weights, self.bias = (
            Parameter(
                f"{self.label}/{part}",
                shape,
                initializer,
                learning_rate=self.learning_rate[part],
                weight_decay=float(part == "weights"),
                is_table=True,
                grain=1,
            )
            for part, shape, initializer in (
                ("frequencies", (n, self.waves), {"name": "normal", "scale": self.sigma}),
                ("phases", (n, self.waves), {"name": "uniform", "scale": 0.5}),
                ("weights", (n * self.width, self.waves), uniform),
                ("bias", (n * self.width,), uniform),
            )
        )
        return self.n_out

    @property
    def parameters(self) -> Sequence[Parameter]:
        return (self.frequencies, self.phases, self.weights, self.bias)

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "columns": self.columns,
            "waves": self.waves,
            "width": self.width,
            "sigma": self.sigma,
            "learning_rate": self.learning_rate,
            "name": self.name,
        }

    @property
    def origins(self) -> list[int]:
        """The input from which each output comes."""
        passing = [i for start, end in runs(self._passing) for i in range(start, end)]
        return passing + [j for j in self.chosen for _ in range(1 + self.width)]

    def output_names(self, names: Sequence[str]) -> Sequence[str]:
        passing = [names[i] for i in self._passing]
        ends = ["", *(f"~{m}" for m in range(1, self.width + 1))]
        return passing + [f"{names[j]}{end}" for j in self.chosen for end in ends]

    @property
    def _passing(self) -> list[int]:
        return sorted(set(range(self.n_in)) - set(self.chosen))

    def forward(self, step: Step, x: Buffer) -> Forward:
        name, n = self.label, len(self.chosen)
        a, place = step.matrix(f"{name}/a", self.n_out), 0
        for start, end in runs(self._passing):
            step.call(copy_columns, x=x, out=a, source=start, place=place, width=end - start)
            place += end - start
        numbers, source = x, self.chosen[0]
        together = runs(self.chosen)
        if len(together) > 1:
            numbers, source, at = step.matrix(f"{name}/x", n), 0, 0
            for start, end in together:
                step.call(copy_columns, x=x, out=numbers, source=start, place=at, width=end - start)
                at += end - start
        cosines = step.matrix(f"{name}/cosines", n * self.waves)
        given: dict[str, Any] = {p.name.rpartition("/")[2]: p.buffer for p in self.parameters}
        step.call(
            periodic_forward,
            x=numbers,
            **given,
            cosines=cosines,
            out=a,
            source=source,
            place=place,
            width=n * (1 + self.width),
        )
        step.passes(x, a, *self.parameters)
        known = {"x": numbers, **{part: given[part] for part in PARTS[:3]}}

        def backward(da: Buffer) -> Buffer | None:
            gradients = {f"d_{p.name.rpartition('/')[2]}": p.gradient for p in self.parameters}
            operands: dict[str, Any] = {**known, **gradients, "da": da, "source": source, "place": place}
            step.gradient(self.frequencies, periodic_gradients, **operands)
            for parameter in self.parameters[1:]:
                step.made(parameter)
            if not step.wants(x):
                return None
            dx, at = step.matrix(f"{name}/dx", self.n_in), 0
            for start, end in runs(self._passing):
                step.call(copy_columns, x=da, out=dx, source=at, place=start, width=end - start)
                at += end - start
            d_numbers = dx if numbers is x else step.matrix(f"{name}/d_numbers", n)
            step.call(periodic_backward, **known, da=da, dx=d_numbers, source=place, place=source, width=n)
            if d_numbers is not dx:
                at = 0
                for start, end in together:
                    step.call(copy_columns, x=d_numbers, out=dx, source=at, place=start, width=end - start)
                    at += end - start
            return dx

        return Forward(a, backward)


def _checked(who: str, columns: Any) -> list[int]:
    """The places in order, if they are places and all different."""
    if isinstance(columns, str | Mapping) or not isinstance(columns, Sequence) or not columns:
        raise ArgumentError(
            f"{who}: columns must be a list of places such as [0, 3], but is {columns!r:.60}."
        )
    places = sorted(checks.whole(f"{who}: a place in columns", c, 0, MOST_CODES) for c in columns)
    for one, other in pairwise(places):
        if one == other:
            raise ArgumentError(f"{who}: columns has the place {one} twice.")
    return places
