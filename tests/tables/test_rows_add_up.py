"""Ten random rows of a table each: all that is printed of them is worked out again from the print alone.

The arithmetic here is exact fractions, rounded to float32 by whole numbers; nothing of pellucid's is used.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pellucid
from pellucid import TableModel
from pellucid.glass.explanation import Explanation
from pellucid.tables.explanation import RowExplanation

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"
pytestmark = pytest.mark.filterwarnings("ignore::pellucid.PellucidWarning")
f32 = np.float32


def rounded(exact: Fraction) -> np.float32:
    """The float32 nearest to a fraction, of two the one that is even."""
    size = abs(exact)
    if not size:
        return f32(0)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= Fraction(2) ** exponent > size
    unit = Fraction(2) ** (max(exponent, -126) - 23)
    return f32(math.copysign(float(round(size / unit) * unit), exact))


def fused(x: Any, y: Any, z: Any) -> np.float32:
    """x * y + z, rounded once."""
    return rounded(Fraction(float(f32(x))) * Fraction(float(f32(y))) + Fraction(float(f32(z))))


def mixed() -> dict[str, list[Any]]:
    """A table with a column of every kind that a network gets, and targets of three kinds."""
    draw, n = random.Random(5), 160
    rows: list[dict[str, Any]] = [
        {
            "when": f"20{draw.randrange(10, 24)}-0{draw.randrange(1, 9)}-1{draw.randrange(9)}",
            "town": f"town {draw.randrange(24)}",
            "size": draw.choice("SML"),
            "garden": draw.choice(["yes", "no", None]),
            "hair": draw.choice(["red", "brown", "black"]),
            "area = a/b": None if draw.random() < 0.1 else round(draw.gauss(80, 30), 1),
        }
        for _ in range(n)
    ]
    sizes = [2 * "SML".index(str(row["size"])) + (row["area = a/b"] or 70) / 50 for row in rows]
    table = {name: [row[name] for row in rows] for name in rows[0]}
    table["price"] = [round(math.exp(8 + s / 2 + draw.gauss(0, 0.1)), 2) for s in sizes]
    table["rent"] = [100 * s + draw.gauss(0, 9) for s in sizes]
    table["sold"] = ["yes" if s > 4 else "no" for s in sizes]
    return table


def models() -> dict[str, Callable[[], tuple[Any, TableModel]]]:
    small: dict[str, Any] = {"hidden": (20, 9), "epochs": 4, "batch_size": 16}
    line: dict[str, Any] = {**small, "hidden": ()}

    def of(table: Any, **options: Any) -> Callable[[], tuple[Any, TableModel]]:
        return lambda: (table, pellucid.fit_table(table, **options))

    return {
        "penguins, a class": of(PENGUINS, target="species", **small),
        "penguins, a number, by tanh": of(PENGUINS, target="body_mass_g", activation="tanh", **small),
        "penguins, a straight line": of(PENGUINS, target="body_mass_g", **line),
        "every kind of column": of(mixed(), target="sold", ignore=["price", "rent"], **small),
        "in logarithms": of(mixed(), target="price", ignore=["rent", "sold"], **small),
        "two targets": of(mixed(), target=["price", "rent"], ignore=["sold"], **small),
    }


@pytest.mark.parametrize("name", models())
def test_ten_random_rows_add_up_to_the_prediction_and_every_neuron_to_its_sum(name: str) -> None:
    table, model = models()[name]()
    frame, draw = model.read(table).frame, random.Random(name)
    output = model.target.names[-1] if len(model.target.names) > 1 else None
    for row in draw.sample(range(len(frame)), 10):
        baseline = draw.choice([None, draw.randrange(1, len(frame))])
        found = model.explain(table, row + 1, output=output, baseline=baseline)
        check_columns(found, model, frame[row : row + 1])
        for layer in model.network.layers:
            if "weights" in layer.parameters:
                e = found.trace.neuron(layer.name, draw.randrange(layer.n_out)).explain(all=True)
                assert e.z == found.trace[layer.name].z[0, int(e.neuron.rpartition("/")[2])]  # type: ignore[index]
                check_forward(e)
                check_backward(e)
                assert e.adds_up


def check_columns(found: RowExplanation, model: TableModel, row: pl.DataFrame) -> None:
    """The contributions, exactly in float64 and as they are printed in decimals, against `predict`."""
    a = found.attribution
    predicted = model.predict_probabilities(row).max() if model.classes else model.predict(row).ravel()[-1]
    total = a.start
    for part in a.parts:
        total += part.value
    assert total == a.answer == predicted
    assert abs(a.rounding) <= 1e-3 * max(abs(a.difference), np.abs(a.contributions).max())
    printed = [Decimal(re.findall(r"[+-]?\d+\.?\d*", line.partition("|")[0])[-1]) for line in lines_of(a)]
    assert sum(printed[:-1]) == printed[-1]


def lines_of(attribution: Any) -> list[str]:
    """The lines of the printed table without bars, which may stand to the left of theirs."""
    return [line.replace("█", "") for line in attribution.text().splitlines()[1:-1]]


def check_forward(e: Explanation) -> None:
    """The chain of fused multiply-adds, from the text alone."""
    lines = str(e).split("\n\n")[2].splitlines()[1:]
    total = f32(lines[0].split()[-1])
    assert lines[0].split()[0] == "bias"
    for line in lines[1:]:
        x, weight, product, so_far = (float(number) for number in line.split()[-4:])
        total = fused(x, weight, total)
        assert total == f32(so_far)
        assert product == pytest.approx(float(f32(x)) * float(f32(weight)), rel=1e-8, abs=1e-300)
    assert f"\nz = {total!s}\n" in str(e)
    assert e.z == total


def check_backward(e: Explanation) -> None:
    """Shares of the error along the synapses, the gradient of one row, and adam's step, in float32."""
    for stage in e.way_back:
        total = f32(0)
        for share in stage.shares:
            total = fused(share.delta, share.weight, total)
            assert total == f32(share.sum)
        assert not stage.shares or total == f32(stage.value)
    if e.way_back[-1].formula == "x × y":
        share_of_a, slope = map(f32, e.way_back[-1].parts.values())
        assert share_of_a * slope == f32(e.delta)
    told = {name: f32(value) for name, value in e.numbers.items()}
    for change, x in zip(e.changes, [1.0, *(term.x for term in e.terms)], strict=True):
        g = f32(x) * f32(e.delta)
        assert g == f32(change.gradient) == f32(change.used)
        m = f32(0.9) * f32(change.states_before["m"]) + told["rest_1"] * g
        v = f32(0.95) * f32(change.states_before["v"]) + told["rest_2"] * g * g
        w = f32(change.before) - told["rate"] * m / (np.sqrt(v) * told["root"] + f32(1e-8))
        assert (m, v, w) == tuple(map(f32, (change.states["m"], change.states["v"], change.after)))
