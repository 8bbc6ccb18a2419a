"""A fit on a column of many categories: a vector for each, and what becomes of those never seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid.layers.embedding import Embedding
from pellucid.tables.fit import fit_table
from pellucid.tables.model import TableModel
from pellucid.tables.recipe import VECTOR

N = 600
rng = np.random.default_rng(0)
CITIES = [f"city {i:02}" for i in range(30)]
EFFECT = dict(zip(CITIES, rng.normal(size=30) * 10, strict=True))


def table(seed: int) -> dict[str, list[Any]]:
    draw = np.random.default_rng(seed)
    city = draw.choice(CITIES, N).tolist()
    x = draw.normal(size=N)
    y = [EFFECT[c] + v + e for c, v, e in zip(city, x, draw.normal(size=N), strict=True)]
    return {"x": x.tolist(), "city": city, "y": y}


@pytest.fixture(scope="module")
def model() -> TableModel:
    return fit_table(table(1), "y", hidden=[16], epochs=60, target_scale="linear")


def test_each_category_gets_a_vector_right_behind_the_input(model: TableModel) -> None:
    layers = [layer.definition for layer in model.network.layers]
    embedding = layers[1]
    assert isinstance(embedding, Embedding)
    assert [(c.index, c.codes, c.width, c.name) for c in embedding.columns] == [(1, 31, VECTOR, "city")]
    assert model.network.parameters["embedding_1/city"].shape == (31, VECTOR)


def test_it_learns_what_a_category_means(model: TableModel) -> None:
    test = table(2)
    truth = np.array([EFFECT[c] + v for c, v in zip(test["city"], test["x"], strict=True)])
    assert np.std(model.predict(test) - truth) < 2, "of a standard deviation of 10 that the cities make"


def test_what_was_never_seen_moves_no_answer(model: TableModel, tmp_path: Path) -> None:
    assert not model.network.parameters["embedding_1/city"][0].any()
    assert (np.abs(model.network.parameters["embedding_1/city"][1:]).sum(axis=1) > 0).all()
    new = {"x": [0.5, 0.5], "city": ["city 99", None]}
    with pytest.warns(pellucid.PellucidWarning, match="city") as told:
        a, b = model.predict(new)
    assert [str(w.message) for w in told] == [
        "Column 'city': 1 row has a category never seen in training, such as 'city 99'; it counts as none.",
        "Column 'city': 1 value is missing, and none was in training; it counts as none of its categories.",
    ]
    assert a == b
    model.save(tmp_path / "m.pellucid")
    again = pellucid.load(tmp_path / "m.pellucid")
    np.testing.assert_array_equal(again.predict(table(3)), model.predict(table(3)))
