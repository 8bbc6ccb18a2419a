"""Targets that are odd: each is learned, or refused in a sentence that names the place."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pellucid.errors import DataError, PellucidError, TableError
from pellucid.tables.class_notes import notes_on_classes
from pellucid.tables.fit import fit_table
from pellucid.tables.model import TableModel
from pellucid.tables.reading import read_table
from pellucid.tables.targets import read_target
from pellucid.training.splits import split

N = 40
rng = np.random.default_rng(0)
TRAINING, HELD = split(N)


@pytest.fixture(autouse=True)
def _loud() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def fitted(y: Any, **options: Any) -> TableModel:
    asked: dict[str, Any] = {"hidden": [3], "epochs": 2} | options
    return fit_table({"x": rng.normal(size=len(y)), "y": y}, "y", **asked)


@pytest.mark.parametrize("scale", [1e-100, 1e-30, 1e25])
def test_a_unit_of_any_size(scale: float) -> None:
    y = scale * rng.normal(size=N)
    model = fitted(y)
    assert np.isfinite(model.predict({"x": [0.0, 1e29]})).all()
    assert model.evidence.scores["trivial answer"]["rmse"] == pytest.approx(
        math.sqrt(np.mean((y[HELD] - y[TRAINING].mean()) ** 2)), rel=1e-6
    )


def test_one_number_far_from_all_others_is_refused_where_its_error_could_not_be_counted() -> None:
    y = rng.normal(size=N)
    y[HELD[1]] = 1e20
    with pytest.raises(TableError) as caught:
        fitted(y)
    place = (
        f"column 'y', row {HELD[1]} (counted from 0): found 1e+20, which is 1e+20 standard deviations away"
    )
    assert place in str(caught.value)
    y[HELD[1]] = 1e10
    assert fitted(y).evidence.scores["network"]["rmse"] == pytest.approx(
        1e10 / math.sqrt(len(HELD)), rel=1e-6
    )
    tiny = 1e-100 * rng.normal(size=N)
    tiny[HELD[0]] = 1.0
    with pytest.raises(TableError, match="standard deviations away from the targets of the training rows"):
        fitted(tiny)


def test_huge_numbers_are_refused_with_file_and_line_when_fitted_and_when_evaluated() -> None:
    model = fitted(rng.normal(size=N))
    for value, found in (("1e308", "1e+308"), ("inf", "inf"), ("-1e31", "-1e+31")):
        text = f"x,y\n1,2.5\n2,{value}\n3,4.5\n".encode()
        for call in (lambda s: fit_table(s, "y"), model.evaluate):
            with pytest.raises(TableError, match=r"column 'y', line 3: found ") as caught:
                call(io.BytesIO(text))
            assert found in str(caught.value)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (
            1e-300 * rng.normal(size=N),
            r"the values of 'y' differ by \d\.\d*e-300 at most\. Give them in another",
        ),
        ([3.5] * N, "'y' is 3.5 in every row"),
        ([3.5 if i != HELD[0] else 4 for i in range(N)], "'y' is 3.5 in every training row"),
        (
            [f"2021-03-{1 + i % 28:02}" for i in range(N)],
            "'y' holds dates or times, such as '2021-03-01', which",
        ),
        ([f"{i % 30}a" for i in range(N)], "'y' has 30 different values in 40 rows, too many to be classes"),
    ],
)
def test_what_cannot_be_learned(y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fitted(y)


def test_large_whole_numbers_are_told_apart_or_refused() -> None:
    model = fitted([10**18 + 200 * i for i in range(N)])
    assert model.target.task == "regression"
    assert "40 different whole numbers" in model.notes[0]
    with pytest.raises(DataError, match=r"40 different whole .* 2 of them .* Subtract 1000000000000000000"):
        fitted([10**18 + 3 * i for i in range(N)])


@pytest.mark.parametrize("n", range(1, 22))
@pytest.mark.parametrize("kind", ["numbers", "classes"])
def test_few_rows(n: int, kind: str) -> None:
    y: Any = rng.normal(size=n) if kind == "numbers" else [("a", "b")[i % 2] for i in range(n)]
    if n < 2:
        with pytest.raises(DataError, match="one row is not enough to learn from"):
            fitted(y)
        return
    model = fitted(y)
    n_held = len(split(n, None if kind == "numbers" else [i % 2 for i in range(n)])[1])
    assert model.evidence.held_out == (n >= 10)
    assert model.evidence.n_rows == (n_held if n >= 10 else n)
    assert all(math.isfinite(v) for s in model.evidence.scores.values() for v in s.values())


def test_a_class_of_one_row_is_learned_and_said_not_to_be_validated() -> None:
    model = fitted(["a"] * (N - 1) + ["b"])
    assert model.classes == ["a", "b"]
    assert "Class 'b' has too few rows to validate on, so the scores say nothing of it." in model.notes
    assert model.evidence.scores["network"]["accuracy"] in (0.0, 1.0) or model.evidence.n_rows > 1


def test_a_thousand_classes() -> None:
    model = fitted([f"c{i % 1000}" for i in range(2000)], epochs=1)
    assert len(model.classes) == 1000
    assert "600 classes (c" in model.notes[-1]  # 400 validation rows of as many classes
    assert model.predict_probabilities({"x": [0.0]}).sum() == pytest.approx(1, abs=1e-4)


def test_names_that_differ_by_case_are_two_classes_and_questioned_and_blanks_around_them_are_none() -> None:
    model = fitted(["Yes", "yes", " Yes ", "no"] * 10)
    assert model.classes == ["Yes", "no", "yes"]
    assert any(
        n.startswith("The classes 'Yes' and 'yes' differ in case or blanks only.") for n in model.notes
    )
    assert not notes_on_classes(
        read_target(read_table({"y": ["no", "yes"]}), "y"), np.array([0, 1]), np.array([], np.int64)
    )


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_rows_without_a_target_are_left_out_everywhere_and_counted(task: str) -> None:
    y: list[Any] = [None if i % 4 == 0 else float(i % 5) for i in range(N)]
    table = {"x": [0.0 if i % 4 else 1e9 for i in range(N)], "z": rng.normal(size=N), "y": y}
    model = fit_table(table, "y", task=task, hidden=[2], epochs=1)
    assert "10 rows are left out for want of a target." in model.notes
    assert model.encoding.feature_names == ["z"]  # x is the same in all rows that count
    notes: list[str] = []
    assert model.evaluate(table, notes)["n_rows"] == 30
    assert "10 rows are left out for want of a target." in notes
    with pytest.raises(DataError, match="no row has a value of the target 'y'"):
        model.evaluate(table | {"y": [None] * N})


@pytest.mark.parametrize("seed", range(3))
def test_any_small_table_is_fitted_or_refused_in_a_sentence(seed: int) -> None:
    odd = np.random.default_rng(seed)
    values: list[Any] = [None, 0.0, -1.0, 1e29, 1e-300, 3.0, 2.5, -1e29, 7.0]
    for _ in range(20):
        n = int(odd.integers(1, 30))
        y = [values[i] for i in odd.integers(0, int(odd.integers(1, len(values) + 1)), n)]
        try:
            model = fitted(y, epochs=1, hidden=())
        except PellucidError:
            continue
        assert all(np.isfinite(v).all() for v in model.network.parameters.values())
        assert model.classes or np.isfinite(model.predict({"x": [0.0, -9.0]})).all()
