"""The task, the target's values, and the way back."""

from __future__ import annotations

import datetime
import io
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import LabelEncoder, StandardScaler

from pellucid.errors import ArgumentError, DataError, ModelFileError, ShapeError, TableError, UnknownNameError
from pellucid.tables.reading import read_table
from pellucid.tables.target_encoding import TargetEncoding
from pellucid.tables.targets import read_target


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["b", "a", "b"], "binary", ("a", "b")),
        (["b", "a", "c"], "multiclass", ("a", "b", "c")),
        (["+", "-", "+"], "binary", ("+", "-")),
        (["none", "mild", None], "binary", ("mild", "none")),
        ([True, False, None], "binary", (False, True)),
        ([1, 0, 1], "binary", (0, 1)),
        ([1.0, 0.0, None], "binary", (0, 1)),
        ([5, -3], "binary", (-3, 5)),
        (pd.Series(pd.Categorical([3, 20, 3])), "binary", ("3", "20")),
        (["0", "1", "0"], "binary", ("0", "1")),
        (["0", "1", "-"], "binary", ("0", "1")),
        ([0, 1, 2] * 4, "multiclass", (0, 1, 2)),
        (list(range(10)) * 4, "multiclass", tuple(range(10))),
        (list(range(10)) * 3, "regression", ()),
        (list(range(11)) * 9, "regression", ()),
        ([0, 1, 2] * 3, "regression", ()),
        ([0.5, 1.5] * 9, "regression", ()),
        (["1.5", "2", "3"], "regression", ()),
    ],
    ids=str,
)
def test_inferred_task(values: object, task: str, classes: tuple[object, ...]) -> None:
    target = read_target(read_table({"y": values}), "y")
    assert (target.task, target.classes) == (task, classes)
    assert [type(c) for c in target.classes] == [type(c) for c in classes]


@pytest.mark.parametrize(
    ("values", "task", "result"),
    [
        ([0, 1, 0, 1], "regression", "regression"),
        ([1.5, 2.5, 1.5, 2.5], "classification", "binary"),
        (list(range(15)), "classification", "multiclass"),
        (["a", "b"], "multiclass", "multiclass"),
        ([True, False], "regression", "regression"),
        (["1", "2"], "regression", "regression"),
    ],
)
def test_task_asked_for(values: object, task: str, result: str) -> None:
    target = read_target(read_table({"y": values}), "y", task=task)
    assert target.task == result
    assert "as asked" in target.reason


def test_the_decision_is_said_with_its_reason() -> None:
    table = read_table({"grade": [1, 2, 3] * 9, "n": range(27), "kind": list("abc") * 9})
    say = {name: read_target(table, name).reason for name in table.frame.columns}
    assert say == {
        "grade": "Classification of 'grade' into 3 classes (1, 2, 3), because it holds 3 different whole "
        "numbers. Pass task='regression' to predict it as a number.",
        "n": "Regression of 'n', because it holds 27 different whole numbers."
        " Pass task='classification' if they are the names of classes.",
        "kind": "Classification of 'kind' into 3 classes (a, b, c), because it holds texts.",
    }


def test_rows_without_a_target_are_left_out_and_counted() -> None:
    target = read_target(read_table({"y": [1.5, None, 2.5, float("nan")], "x": [1, 2, 3, 4]}), "y")
    assert target.rows.tolist() == [0, 2]
    assert target.values.tolist() == [[1.5], [2.5]]
    assert target.n_missing == 2
    assert target.notes[1] == "2 rows are left out for want of a target."


def test_class_indices_are_those_of_scikit_learn_and_names_come_back_in_their_type() -> None:
    rng = np.random.default_rng(0)
    for values in (rng.choice(["b", "a", "c"], 50), rng.integers(-2, 3, 50), rng.random(50) < 0.5):
        target = read_target(read_table({"y": values}), "y")
        np.testing.assert_array_equal(target.values, LabelEncoder().fit_transform(values))
        assert target.values.dtype == np.int32
        encoding = TargetEncoding.fit(target)
        back = encoding.decode(encoding.encode(target.values))
        np.testing.assert_array_equal(back, values)
        assert back.dtype.kind == values.dtype.kind


def test_regression_is_standardised_by_its_training_rows_and_comes_back_in_its_unit() -> None:
    y = 1e9 + np.random.default_rng(0).normal(size=(40, 2))
    target = read_target(read_table({"a": y[:, 0], "b": y[:, 1]}), ["a", "b"])
    train = np.arange(0, 40, 3)
    encoding = TargetEncoding.fit(target, rows=train)
    expected = StandardScaler().fit(y[train] - 1e9).transform(y - 1e9)
    encoded = encoding.encode(target.values)
    np.testing.assert_allclose(encoded, expected, atol=1e-6)
    assert encoded.dtype == np.float32
    assert encoded.flags.c_contiguous
    np.testing.assert_allclose(encoding.decode(encoded) - 1e9, y - 1e9, atol=1e-6)
    one = TargetEncoding.fit(read_target(read_table({"a": [1.0, 3.0, 2.5]}), "a"))
    np.testing.assert_allclose(one.decode([[0.0], [1.0]]), one.decode([0.0, 1.0]))
    assert one.decode([[0.0]]).shape == (1,)


def test_a_row_that_lacks_one_of_several_targets_is_left_out() -> None:
    target = read_target(read_table({"a": [1.0, None, 3.0, 4.0], "b": [1.5, 2.0, None, 2.5]}), ["a", "b"])
    assert target.rows.tolist() == [0, 3]
    assert target.task == "regression"


ONE_DAY = [datetime.date(2020, 1, 1)] * 2
NAMES = [f"name {i}" for i in range(50)]
NEARLY_NUMBERS = [*map(str, range(20)), "4o"]


@pytest.mark.parametrize(
    ("values", "task", "error", "message"),
    [
        (["a", "a", None], None, DataError, "'y' has only one class, 'a', so there is nothing to learn"),
        ([True, True], None, DataError, "'y' has only one class, 'true'"),
        ([1.5, 1.5], None, DataError, "'y' is 1.5 in every row, so there is nothing to learn"),
        ([3, 3], None, DataError, "'y' is 3 in every row"),
        (["a", None], None, DataError, "only one row with a target"),
        ([1.5], None, DataError, "only one row with a target"),
        ([None, None], None, DataError, "no row has a value of the target 'y'"),
        ([float("nan")] * 2, None, DataError, "no row has a value of the target 'y'"),
        (NAMES, None, DataError, "'y' has 50 different values in 50 rows, too many to be classes"),
        ([1.0, float("inf"), 2.5], None, TableError, "column 'y', row 1 (counted from 0): found inf"),
        ([1.0, 2.5, -1e31], None, TableError, "row 2 (counted from 0): found -1e+31"),
        ([1.5, float("inf")], "classification", TableError, "row 1 (counted from 0): found inf"),
        (NEARLY_NUMBERS, None, TableError, "expected a number, but found '4o'"),
        (["a", "b"], "regression", TableError, "expected a number, but found 'a'"),
        (["a", "b", "c"], "binary", DataError, "binary classification needs 2 classes, but 'y' has 3"),
        (ONE_DAY, None, TableError, "holds dates or times, which cannot be predicted"),
        ([1, 2], "clasification", UnknownNameError, "Did you mean 'classification'?"),
    ],
)
def test_wrong_values(values: list[object], task: str | None, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        read_target(read_table({"y": values}), "y", task=task)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("target", "task", "error", "message"),
    [
        ("spezies", None, TableError, "no target column 'spezies'. Did you mean 'species'?"),
        (["a", "species"], None, TableError, "column 'species', row 0 (counted from 0): expected a number"),
        (["a", "b"], "binary", ArgumentError, "binary has one target column, but got 2"),
        (["a", "a"], None, ArgumentError, "different target columns"),
        ([], None, ArgumentError, "one or more different target columns"),
    ],
)
def test_wrong_columns(target: object, task: str | None, error: type[Exception], message: str) -> None:
    table = read_table({"a": [1.5, 2], "b": [1, 2], "species": ["x", "y"]})
    with pytest.raises(error) as caught:
        read_target(table, target, task=task)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_training_rows_that_are_all_equal_or_too_close() -> None:
    target = read_target(read_table({"y": [1.5, 1.5, 2.5]}), "y")
    with pytest.raises(DataError, match=r"'y' is 1\.5 in every training row"):
        TargetEncoding.fit(target, rows=[0, 1])
    with pytest.raises(DataError, match=r"differ by .* at most\. Give them in another unit"):
        TargetEncoding.fit(read_target(read_table({"y": [1e-200, 2e-200, 1.5e-200]}), "y"))


def test_targets_of_another_table() -> None:
    encoding = TargetEncoding.fit(read_target(read_table({"y": ["01", "x", "1"]}), "y"))
    assert encoding.text_columns == ["y"]
    new = read_table(io.BytesIO(b"y,n\n1,1\n01,2\nNA,3\n"), text=encoding.text_columns)
    again = encoding.read(new)
    assert again.values.tolist() == [1, 0]
    assert again.rows.tolist() == [0, 1]
    with pytest.raises(
        TableError, match=r"column 'y', line 3: found 'z', which was no class in training. .* 01, 1, x"
    ):
        encoding.read(read_table(io.BytesIO(b"y,n\n1,1\nz,2\n"), text=["y"]))
    truth = TargetEncoding.fit(read_target(read_table({"y": [True, False]}), "y"))
    assert truth.read(read_table({"y": ["True", "false"]})).values.tolist() == [1, 0]
    number = TargetEncoding.fit(read_target(read_table({"y": [0.5, 1.5, 2]}), "y"))
    assert number.read(read_table({"y": [7]})).values.tolist() == [[7.0]]
    assert number.text_columns == []
    with pytest.raises(TableError, match="no target column 'y'"):
        number.read(read_table({"x": [7]}))


def test_outputs_of_another_shape() -> None:
    number = TargetEncoding.fit(read_target(read_table({"y": [0.5, 1.5, 2]}), "y"))
    named = TargetEncoding.fit(read_target(read_table({"y": ["a", "b"]}), "y"))
    with pytest.raises(ShapeError, match=r"shape \(n, 1\), but got shape \(2, 3\)"):
        number.decode(np.zeros((2, 3)))
    with pytest.raises(ShapeError, match=r"class indices of shape \(n,\), but got shape \(2, 1\)"):
        named.decode(np.zeros((2, 1), int))


@pytest.mark.parametrize("values", [["b", "a"], [True, False], [7, 2**40], [0.5, 1.5, 2.5]])
def test_saved_as_json_and_back(values: list[object]) -> None:
    encoding = TargetEncoding.fit(read_target(read_table({"y": values}), "y"))
    again = TargetEncoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    assert again == encoding
    assert [type(c) for c in again.classes] == [type(c) for c in encoding.classes]


PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["a", "\ud800", 10**400])
)
ANY = st.one_of(PLAIN, st.lists(PLAIN), st.text(max_size=2))


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from([["b", "a"], [True, False], [0.5, 1.5, 2.5]]),
    st.dictionaries(
        st.sampled_from(["names", "task", "classes", "mean", "std"]), ANY, min_size=1, max_size=2
    ),
)
def test_a_hostile_encoding_is_refused_or_works(values: list[object], changes: dict[str, object]) -> None:
    document = TargetEncoding.fit(read_target(read_table({"y": values}), "y")).to_dict()
    try:
        encoding = TargetEncoding.from_dict({**document, **changes})
    except ModelFileError:
        return
    assert len(encoding.decode(np.zeros((2, len(encoding.names)) if encoding.mean else 2, int))) == 2
    with pytest.raises(TableError, match="no target column"):
        encoding.read(read_table({"another column": [1]}))


@pytest.mark.parametrize("value", [None, [], {}, {"names": ["y"]}])
def test_what_is_no_encoding(value: object) -> None:
    with pytest.raises(ModelFileError, match="the model file is damaged"):
        TargetEncoding.from_dict(value)
