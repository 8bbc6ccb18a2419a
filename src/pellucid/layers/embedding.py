"""Embedding: columns of codes become learned vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pellucid import checks
from pellucid.engine.buffer import Buffer
from pellucid.errors import ArgumentError, ShapeError, UnknownNameError
from pellucid.initializers import INITIALIZERS
from pellucid.kernels.columns import clear_columns, copy_columns
from pellucid.kernels.embedding import look_up, sums_by_code
from pellucid.layers.base import Forward, Layer, Parameter, Step
from pellucid.regularizers import REGULARIZERS

MOST_CODES = 1 << 24  # beyond it a float32 does not tell whole numbers apart
MOST_WIDTH = 1 << 12


class Embedding(Layer):
    """Replaces columns of codes by vectors that training learns, one for each code; others pass through.

    Formula:  a = [x without the columns of codes, E₁[c₁], E₂[c₂], ...], with c the code of a row in a column
    and E[c] row c of the column's table; backward  ∂loss/∂E[c] = sum of ∂loss/∂a, where the vector stands,
    over the rows of the batch with the code c;  ∂loss/∂x = ∂loss/∂a for the columns that pass, 0 for codes.
    Shapes: n_in - columns + sum of the widths come out.

    A code is a whole number from 0 to below the number of codes, given as a float; any other number, and
    NaN, counts as the code 0. Keep 0 for what is unknown.

    Parameters
    ----------
    columns : sequence of dict
        What to replace: `{"index": 3, "codes": 25, "width": 6, "name": "city"}` are the place among the
        inputs from 0, the number of codes, of numbers in a vector, and a name (`x4` for the index 3 unless
        given). The vectors stand in this order behind the columns that pass, as `city[0]`, `city[1]`, ...
    initializer : str or Initializer, optional
        First vectors, one of `INITIALIZERS`; unless given uniform from -1 / √width to 1 / √width.
    regularizer : str or Regularizer, optional
        Penalty on the vectors, one of `REGULARIZERS`.
    learning_rate : float
        Factor on the learning rate.
    name : str, optional
        Its name.

    Raises
    ------
    ArgumentError
        If an argument has a wrong value.
    ShapeError
        When it is built, if there is no input at an index.

    References
    ----------
    Guo and Berkhahn, Entity embeddings of categorical variables, 2016; first values as in Gorishniy et
    al., Revisiting deep learning models for tabular data, 2021.

    Examples
    --------
    >>> layer = Embedding([{"index": 1, "codes": 25, "width": 2, "name": "city"}])
    >>> layer.build(3), layer.output_names(["age", "city", "income"])
    (4, ['age', 'income', 'city[0]', 'city[1]'])
    """

    kind = "embedding"

    def __init__(
        self,
        columns: Sequence[Mapping[str, Any]],
        *,
        initializer: Any = None,
        regularizer: Any = None,
        learning_rate: float = 1.0,
        name: str | None = None,
    ) -> None:
        self.name = name
        self.columns = _checked(self.who, columns)
        self.initializer = None if initializer is None else INITIALIZERS.find(initializer)
        self.regularizer = None if regularizer is None else REGULARIZERS.find(regularizer)
        self.learning_rate = checks.number(f"{self.who}: learning_rate", learning_rate, 0)

    def build(self, n_in: int) -> int:
        for column in self.columns:
            if column.index >= n_in:
                raise ShapeError(
                    f"{self.who} takes column {column.name!r} from input {column.index}, but there are "
                    f"{n_in} inputs, counted from 0. Put it behind the Input that its indices mean."
                )
        self.n_in = n_in
        self.n_out = n_in - len(self.columns) + sum(c.width for c in self.columns)
        self.tables = [
            Parameter(
                f"{self.label}/{c.name}",
                (c.codes, c.width),
                self.initializer or {"name": "uniform", "scale": c.width**-0.5},
                learning_rate=self.learning_rate,
                regularizer=self.regularizer,
                is_table=True,
            )
            for c in self.columns
        ]
        return self.n_out

    @property
    def parameters(self) -> Sequence[Parameter]:
        return self.tables

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "columns": [asdict(c) for c in self.columns],
            "initializer": self.initializer and self.initializer.spec,
            "regularizer": self.regularizer and self.regularizer.spec,
            "learning_rate": self.learning_rate,
            "name": self.name,
        }

    @property
    def origins(self) -> list[int]:
        """The input from which each output comes."""
        passing = [i for start, end in self._runs() for i in range(start, end)]
        return passing + [c.index for c in self.columns for _ in range(c.width)]

    def output_names(self, names: Sequence[str]) -> Sequence[str]:
        passing = [n for start, end in self._runs() for n in names[start:end]]
        return passing + [f"{c.name}[{k}]" for c in self.columns for k in range(c.width)]

    def forward(self, step: Step, x: Buffer) -> Forward:
        a, place = step.matrix(f"{self.label}/a", self.n_out), 0
        for start, end in self._runs():
            step.call(copy_columns, x=x, out=a, source=start, place=place, width=end - start)
            place += end - start
        looked_up = []
        for c, E in zip(self.columns, self.tables, strict=True):
            codes = step.numbers(f"{E.name}/codes", step.batch_size, "i8")
            step.call(look_up, coded=x, table=E.buffer, codes=codes, out=a, source=c.index, place=place)
            looked_up.append((E, codes, place))
            place += c.width
        step.passes(x, a, *self.tables)

        def backward(da: Buffer) -> Buffer | None:
            for E, codes, place in looked_up:
                step.gradient(E, sums_by_code, codes=codes, da=da, out=E.gradient, place=place)
            if not step.wants(x):
                return None
            dx, place = step.matrix(f"{self.label}/dx", self.n_in), 0
            for c in self.columns:
                step.call(clear_columns, out=dx, place=c.index, width=1)
            for start, end in self._runs():
                step.call(copy_columns, x=da, out=dx, source=place, place=start, width=end - start)
                place += end - start
            return dx

        return Forward(a, backward)

    def _runs(self) -> list[tuple[int, int]]:
        """First and end of each run of neighbouring inputs that pass."""
        return runs(sorted(set(range(self.n_in)) - {c.index for c in self.columns}))


def runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """First and end of each run of neighbours among places in order.

    Examples
    --------
    >>> runs([0, 1, 4, 6, 7])
    [(0, 2), (4, 5), (6, 8)]
    """
    found: list[tuple[int, int]] = []
    for place in places:
        start, end = found.pop() if found and found[-1][1] == place else (place, place)
        found.append((start, end + 1))
    return found


@dataclass(frozen=True)
class Column:
    """An input that holds codes, and the table for them."""

    index: int
    codes: int
    width: int
    name: str


def _checked(who: str, columns: Any) -> list[Column]:
    """The columns, if they are described as they should be and are all different."""
    if isinstance(columns, str | Mapping) or not isinstance(columns, Sequence) or not columns:
        raise ArgumentError(
            f"{who}: columns must be a list of dicts such as "
            f'{{"index": 3, "codes": 25, "width": 6}}, but is {columns!r:.60}.'
        )
    found = [_column(who, column) for column in columns]
    for what, values in ("index", [c.index for c in found]), ("name", [c.name for c in found]):
        twice = [v for v, times in Counter(values).items() if times > 1]
        if twice:
            raise ArgumentError(f"{who}: two columns have the {what} {twice[0]!r}. Each needs its own.")
    return found


def _column(who: str, column: Any) -> Column:
    if not isinstance(column, Mapping):
        raise ArgumentError(f"{who}: a column is described by a dict, not by {column!r:.60}.")
    known = ("index", "codes", "width", "name")
    for key in column:
        if key not in known:
            raise UnknownNameError("setting of a column of Embedding", key, known)
    index = checks.whole(f"{who}: index of a column", column.get("index"), 0, MOST_CODES)
    name = column.get("name", f"x{index + 1}")
    if not isinstance(name, str) or not name:
        raise ArgumentError(f"{who}: the name of a column must be text, but is {name!r:.60}.")
    return Column(
        index,
        checks.whole(f"{who}: codes of column {name!r}", column.get("codes"), 1, MOST_CODES),
        checks.whole(f"{who}: width of column {name!r}", column.get("width"), 1, MOST_WIDTH),
        name,
    )
