"""Table models: what is asked for, what is claimed, and that a model can be handed to another process."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.errors import ArgumentError, PellucidError
from pellucid.tables.evidence import compare
from pellucid.tables.fit import fit_table
from pellucid.tables.model import TableModel

rng = np.random.default_rng(0)
TABLE = {"a": rng.normal(size=60).tolist(), "b": rng.choice(["x", "y"], 60).tolist()}
TABLE["c"] = np.where(np.array(TABLE["a"]) > 0, "high", "low").tolist()
QUICK: dict[str, Any] = {"epochs": 2, "hidden": [4]}


@pytest.fixture(scope="module")
def model() -> TableModel:
    return fit_table(TABLE, "c", patience=None, **QUICK)


@pytest.mark.parametrize("twin", [lambda m: pickle.loads(pickle.dumps(m)), copy.copy, copy.deepcopy])
def test_a_copy_answers_alike_and_is_independent(model: TableModel, twin: Any) -> None:
    other = twin(model)
    before = model.predict_probabilities(TABLE)
    np.testing.assert_array_equal(other.predict_probabilities(TABLE), before)
    assert other.report() == model.report()
    next(iter(other.network.parameters.values()))[:] = 5
    np.testing.assert_array_equal(model.predict_probabilities(TABLE), before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number from 1, but is 0"),
        ({"hidden": None}, "hidden must be a whole number from 1, but is None"),
        ({"target": None}, "has no target column 'None'"),
        ({"target": 3}, "has no target column '3'"),
    ],
)
def test_wrong_options_end_in_a_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(PellucidError, match=message):
        fit_table(TABLE, **({"target": "c"} | QUICK | options))


@pytest.mark.parametrize("other", [{"seed": 1}, {"normalisation": "minmax"}])
def test_a_checkpoint_goes_on_with_the_rows_and_values_it_was_made_of(other: Any, tmp_path: Path) -> None:
    asked: dict[str, Any] = QUICK | {"checkpoint": tmp_path / "checkpoint"}
    fit_table(TABLE, "c", **asked)
    with pytest.raises(ArgumentError, match="is of a run on other rows or other values"):
        fit_table(TABLE, "c", resume=True, **(asked | other))
    assert len(fit_table(TABLE, "c", resume=True, **(asked | {"epochs": 4})).history) == 4


def test_nothing_is_claimed_from_rows_that_were_learned_from() -> None:
    model = fit_table(TABLE, "c", validation=0, **QUICK)
    assert "none are held back" in model.report()
    y = np.eye(2)[[0, 1] * 10]
    outputs = {"trivial answer": np.full((20, 2), 0.5), "straight line": 0.8 * y + 0.1, "network": y}
    held = compare("binary", y, outputs, held_out=True, trivial="", unit="")
    learned = compare("binary", y, outputs, held_out=False, trivial="", unit="")
    assert held.verdict.startswith("The network is surer than a straight line")
    assert learned.verdict.startswith("These rows were learned from")
    assert learned.scores == held.scores


def test_few_rows_prove_little_and_the_verdict_gives_the_scores() -> None:
    y = np.array([[0.1], [-0.2], [0.1], [4.0]])
    outputs = {"trivial answer": np.zeros((4, 1)), "straight line": np.zeros((4, 1)), "network": 0.9 * y}
    verdict = compare("regression", y, outputs, held_out=True, trivial="mean", unit="y").verdict
    assert "than the mean does, beyond chance (rmse 0.2004 against 2.004)" in verdict
