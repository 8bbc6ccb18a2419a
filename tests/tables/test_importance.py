"""How much columns matter to a model, against closed forms of a straight line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid.errors import ArgumentError
from pellucid.tables import importance

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"
pytestmark = pytest.mark.filterwarnings("ignore::pellucid.PellucidWarning")


def line(n: int = 400) -> tuple[dict[str, Any], pellucid.TableModel]:
    """A table where y = 2 a exactly, and a straight line that knows it; b and c say nothing."""
    rng = np.random.default_rng(5)
    table = {"b": rng.standard_normal(n), "a": rng.standard_normal(n), "c": rng.choice(["u", "v", "w"], n)}
    table["y"] = 2 * table["a"]
    model = pellucid.fit_table(table, target="y", hidden=(), epochs=1, normalisation="standard")
    output, spans = model.network.layers["output"], model.encoding.spans
    scale = model.encoding.columns[1].scale  # type: ignore[attr-defined]
    output.weights[:], output.bias[:] = 0, -model.target.mean[0] / model.target.std[0]
    output.weights[spans["a"]] = 2 / (scale * model.target.std[0])
    output.bias[:] += 2 * model.encoding.columns[1].center / model.target.std[0]  # type: ignore[attr-defined]
    return table, model


def test_a_line_gives_what_can_be_worked_out() -> None:
    table, model = line()
    assert model.predict(table) == pytest.approx(table["y"], abs=1e-5)
    found = model.importance(table, rows=400)
    assert found.columns == ("a", "b", "c")
    distance = np.abs(table["a"] - model.typical["a"])
    assert found.contributions == pytest.approx([2 * distance.mean(), 0, 0], rel=1e-5)
    # mixed up, 2 a is off by the difference of two independent values: √2 · 2 σ
    assert found.rises[0] == pytest.approx(np.sqrt(2) * 2 * table["a"].std(), rel=0.1)
    assert (found.rises[1:] == 0).all()
    assert (found.n_rows, found.n_scored, found.score) == (400, 400, "rmse")


def test_it_is_the_mean_of_explanations() -> None:
    model = pellucid.fit_table(PENGUINS, target="species", hidden=(8,), epochs=5)
    found = model.importance(PENGUINS, rows=3)
    rows = [model.explain(PENGUINS, row).attribution for row in (1, 172, 344)]
    mean = np.mean([np.abs(a.contributions) for a in rows], axis=0)
    expected = dict(zip(rows[0].inputs, mean, strict=True))
    assert found.contributions == pytest.approx([expected[name] for name in found.columns], rel=1e-12)
    assert list(found.contributions) == sorted(expected.values(), reverse=True)
    gentoo = model.importance(PENGUINS, rows=3, output="Gentoo")
    assert gentoo.what == "probability of Gentoo"
    assert list(gentoo.contributions) != list(found.contributions)


def test_without_targets_nothing_is_scored() -> None:
    table, model = line(50)
    found = model.importance({name: table[name] for name in "abc"})
    assert found.n_scored == 0
    assert np.isnan(found.rises).all()
    assert found.to_dict()["columns"][0]["rise"] is None
    assert "rmse" not in str(found)
    assert str(found).splitlines()[0] == "How far each column moves the y:"


def test_of_one_row_nothing_is_mixed_up() -> None:
    table, model = line(50)
    found = model.importance({name: values[:1] for name, values in table.items()})
    assert (found.n_rows, found.n_scored) == (1, 0)
    assert str(found).endswith("\nOne row, compared with a typical one.")


def test_it_prints_and_is_plain() -> None:
    table, model = line()
    found = model.importance(table)
    text = found.text("#").splitlines()
    assert text[2].split() == ["column", "moves", "it", "by", "rmse", "without", "it"]
    assert text[3].split()[0] == "a"
    assert text[3].endswith("############")
    assert text[-1] == "Mean of 100 rows, compared with a typical one; rmse on 400 rows."
    assert found.to_dict()["columns"][0]["contribution"] == found.contributions[0]


def test_many_columns_are_tried_where_they_matter() -> None:
    rng = np.random.default_rng(1)
    X = rng.standard_normal((60, 30))
    table = {f"x{i}": X[:, i] for i in range(30)} | {"y": X[:, 7]}
    model = pellucid.fit_table(table, target="y", hidden=(), epochs=20)
    found = model.importance(table)
    assert found.columns[0] == "x7"
    assert not np.isnan(found.rises[:20]).any()
    assert np.isnan(found.rises[20:]).all()
    assert "10 other columns move it less." in str(found)


@pytest.mark.parametrize(
    ("arguments", "message"), [({"rows": 0}, "rows"), ({"output": "z"}, "no target 'z'")]
)
def test_a_wrong_call_is_a_sentence(arguments: dict[str, Any], message: str) -> None:
    table, model = line(50)
    with pytest.raises(ArgumentError, match=message):
        model.importance(table, **arguments)


def test_large_networks_are_asked_about_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.arange(60) / 10
    model = pellucid.fit_table({"x": x, "y": 2 * x}, target="y", hidden=(7,), epochs=1)
    n_weights = sum(values.size for values in model.network.parameters.values())
    monkeypatch.setattr(importance, "MOST_WEIGHTS", 23 * n_weights)
    assert model.importance({"x": x, "y": 2 * x}).n_rows == 23
