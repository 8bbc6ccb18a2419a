"""What a model was not trained for is never passed over in silence, and never breaks a prediction."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

from pellucid import PellucidWarning, fit_table
from pellucid.tables.model import TableModel

N = 40
TABLE: dict[str, Any] = {
    "hair": ["red", "dark", "fair", "dark"] * (N // 4),
    "age": [20.5 + i for i in range(N)],
    "mass": [None if i % 5 == 0 else 50.0 + i for i in range(N)],
    "ill": ["yes", "no"] * (N // 2),
}
NEW = {"hair": ["blue", "red", "blue"], "age": [30.0, math.inf, 20.0], "mass": [None, 60.0, 1e300]}
UNSEEN = "Column 'hair': 2 rows have a category never seen in training, such as 'blue'; they count as none."


@pytest.fixture(scope="module")
def model() -> TableModel:
    return fit_table(TABLE, "ill", hidden=[2], epochs=1)


CALLS: list[Any] = [
    lambda model, table: model.predict(table),
    lambda model, table: model.predict_probabilities(table),
    lambda model, table: model.predict_table(table)["prediction"],
    lambda model, table: model.evaluate(table | {"ill": ["yes", "no", "no"]})["log_loss"],
    lambda model, table: len(model.plot_predictions(table | {"ill": ["yes", "no", "no"]}).axes),
    lambda model, table: len(model.plot_calibration(table | {"ill": ["yes", "no", "no"]}).axes) - 1,
]


@pytest.mark.parametrize("call", CALLS)
def test_each_call_warns_in_the_line_that_made_it(model: TableModel, call: Any) -> None:
    with pytest.warns(PellucidWarning) as caught:
        answer = call(model, NEW)
    messages = [str(w.message) for w in caught]
    assert UNSEEN in messages
    assert any(m.startswith("Column 'age': 1 number is infinite or beyond 1e+30") for m in messages)
    assert any(m.startswith("Column 'mass': 1 number is infinite or beyond 1e+30") for m in messages)
    assert {w.filename for w in caught} == {__file__}
    assert len(np.atleast_1d(answer)) in (1, 3)


@pytest.mark.parametrize("call", CALLS)
def test_nothing_is_said_of_rows_like_those_of_the_training(model: TableModel, call: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call(model, {name: TABLE[name][1:4] for name in NEW})  # values are missing as in training


def test_a_list_takes_the_notes_in_place_of_warnings(model: TableModel) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for call in (model.predict_table, model.evaluate):
            notes: list[str] = []
            call(NEW | {"ill": ["yes", "no", "no"]}, notes)
            assert UNSEEN in notes
            assert "Column 'mass': 1 value is missing." in notes
    notes = []
    model.evaluate(NEW | {"ill": ["yes", "no", None]}, notes)
    assert "1 row is left out for want of a target." in notes
    assert "Column 'hair': 1 row has a category never seen in training" in notes[0]


def test_a_warning_can_be_made_an_error(model: TableModel) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", PellucidWarning)
        with pytest.raises(PellucidWarning, match="never seen in training"):
            model.predict(NEW)
