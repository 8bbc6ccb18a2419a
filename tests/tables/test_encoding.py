"""Columns to features, against scikit-learn and by hand."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pellucid.errors import DataError, ModelFileError, TableError
from pellucid.tables import encoding as module
from pellucid.tables.category_column import CategoryColumn
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.features import Report
from pellucid.tables.reading import read_table
from pellucid.tables.table import Table


def table_of(n: int, seed: int = 0) -> Table:
    rng = np.random.default_rng(seed)
    return read_table(
        {
            "age": rng.integers(18, 90, n),
            "income": np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(8, 1, n)),
            "hair": rng.choice(["red", "dark", "fair"], n),
            "sex": rng.choice(["f", "m"], n),
            "y": rng.normal(size=n),
        }
    )


@pytest.mark.parametrize("block", [7, 8192])
def test_same_as_scikit_learn(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    table = table_of(200)
    train = np.arange(0, 200, 2)
    encoding = TableEncoding.fit(table, "y", rows=train, normalisation="standard")
    X = encoding.encode(table)
    frame = table.frame.to_pandas()
    numbers = StandardScaler().fit(frame[["age", "income"]].iloc[train]).transform(frame[["age", "income"]])
    hair = OneHotEncoder(sparse_output=False).fit(frame[["hair"]].iloc[train]).transform(frame[["hair"]])
    missing = np.isnan(numbers[:, 1])
    expected = np.column_stack(
        [
            numbers[:, 0],
            np.where(missing, np.nanmedian(numbers[train, 1]), numbers[:, 1]),
            missing,
            hair,
            np.where(frame["sex"] == "m", 1, -1),
        ]
    )
    assert encoding.feature_names == [
        "age", "income", "income is missing", "hair = dark", "hair = fair", "hair = red", "sex = m",
    ]  # fmt: skip
    np.testing.assert_allclose(X, expected, rtol=1e-6, atol=1e-7)
    assert X.dtype == np.float32
    assert X.flags.c_contiguous
    np.testing.assert_array_equal(encoding.encode(table, rows=[5, 3, 3]), X[[5, 3, 3]])


def test_nothing_is_learned_from_other_rows() -> None:
    table = table_of(100)
    train = np.arange(60)
    changed = table.frame.with_columns(
        pl.when(pl.int_range(pl.len()) < 60).then("age").otherwise(10_000).alias("age"),
        pl.when(pl.int_range(pl.len()) < 60).then("income").otherwise(None).alias("income"),
        pl.when(pl.int_range(pl.len()) < 60).then("hair").otherwise(pl.lit("green")).alias("hair"),
    )
    other = read_table(changed)
    for name in ("robust", "standard", "minmax"):
        a, b = (TableEncoding.fit(t, "y", rows=train, normalisation=name) for t in (table, other))
        assert a == b
        np.testing.assert_array_equal(a.encode(table, rows=train), b.encode(other, rows=train))


def test_categories_missing_unseen_and_binary() -> None:
    train = read_table(
        {
            "hair": ["red", None, "dark", "fair"],
            "sex": ["m", "f", None, "m"],
            "eye": ["x", "y", "x", "z"],
            "one": ["x", None, "x", None],
        }
    )
    encoding = TableEncoding.fit(train)
    assert encoding.feature_names == [
        "hair = dark", "hair = fair", "hair = red", "hair is missing",
        "sex = m", "sex is missing",
        "eye = x", "eye = y", "eye = z",
        "one = x", "one is missing",
    ]  # fmt: skip
    report = Report()
    new = read_table(
        {
            "one": [None, "x", "z"],
            "eye": [None, "z", "w"],
            "sex": ["f", None, "d"],
            "hair": ["blue", None, "dark"],
            "more": [1, 2, 3],
        }
    )
    expected = [
        [0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 0],
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    np.testing.assert_array_equal(encoding.encode(new, report=report), expected)
    assert report.unseen == {
        "hair": (1, "blue", "none"),
        "sex": (1, "d", "none"),
        "eye": (1, "w", "none"),
        "one": (1, "z", "none"),
    }
    assert report.missing == {"eye": (1, "none of its categories")}
    assert report.notes == [
        "Column 'hair': 1 row has a category never seen in training, such as 'blue'; it counts as none.",
        "Column 'sex': 1 row has a category never seen in training, such as 'd'; it counts as none.",
        "Column 'eye': 1 row has a category never seen in training, such as 'w'; it counts as none.",
        "Column 'one': 1 row has a category never seen in training, such as 'z'; it counts as none.",
        "Column 'eye': 1 value is missing, and none was in training; it counts as none of its categories.",
        "Column 'more' was not in the training; it is ignored.",
    ]


@pytest.mark.parametrize("normalisation", ["robust", "standard", "minmax", "none"])
def test_missing_numbers_are_the_median_and_marked_if_training_had_some(normalisation: str) -> None:
    train = read_table({"a": [1.0, None, 3.0, 11.0], "b": [1.0, 2.0, 3.0, 12.0]})
    encoding = TableEncoding.fit(train, normalisation=normalisation)
    assert encoding.feature_names == ["a", "a is missing", "b"]
    report = Report()
    X = encoding.encode(read_table({"a": [None, 3.0], "b": [None, 2.5]}), report=report)
    np.testing.assert_array_equal(X[0], X[1] + np.float32([0, 1, 0]))
    assert report.missing == {"b": (1, "the median, 2.5")}
    assert report.notes == [
        "Column 'b': 1 value is missing, and none was in training; it counts as the median, 2.5."
    ]


def test_infinite_and_huge_numbers_count_as_missing() -> None:
    train = read_table({"a": [1.0, 2.0, 3.0, np.inf, -1e31, None], "b": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})
    encoding = TableEncoding.fit(train, normalisation="none")
    report = Report()
    X = encoding.encode(train, report=report)
    np.testing.assert_array_equal(X[:, 0], [1, 2, 3, 2, 2, 2])
    np.testing.assert_array_equal(X[:, 1], [0, 0, 0, 1, 1, 1])
    assert report.infinite == {"a": 2}
    assert report.notes == ["Column 'a': 2 numbers are infinite or beyond 1e+30; they count as missing."]
    again = Report()
    X = encoding.encode(read_table({"a": [1e30, 1], "b": [np.nan, -np.inf]}), report=again)
    np.testing.assert_array_equal(X, np.float32([[1e30, 0, 3.5], [1, 0, 3.5]]))
    assert again.infinite == {"b": 1}


def test_a_value_far_outside_a_tiny_range_stays_finite() -> None:
    table = read_table({"a": [0.0, 1e-100, 2e-100, 1e30], "y": [1, 2, 3, 4]})
    for name in ("robust", "standard", "minmax"):
        X = TableEncoding.fit(table, "y", rows=[0, 1, 2], normalisation=name).encode(table)
        assert np.isfinite(X).all()


def test_many_categories_are_a_code_and_rare_ones_any_other() -> None:
    names = [f"city {i:02}" for i in range(25)]
    values = [n for i, n in enumerate(names) for _ in range(2 if i < 3 else 3)]
    encoding = TableEncoding.fit(read_table({"city": [*values, None]}))
    assert encoding.feature_names == ["city"]
    assert encoding.embedded == [(0, 1 + 22 + 2, "city")]
    assert encoding.roles[0].reason == (
        "it holds 25 different texts; 1 is missing; 3 of them, in fewer than 3 rows each, are pooled as any "
        "other; each has a learned vector"
    )
    report = Report()
    new = ["city 03", "city 24", None, "city 00", "new", "city 02"]
    X = encoding.encode(read_table({"city": new}), report=report)
    np.testing.assert_array_equal(X[:, 0], [1, 22, 23, 24, 24, 24])
    assert report.unseen == {"city": (1, "new", "any other")}
    full = TableEncoding.fit(read_table({"city": [v for v in values if v > "city 02"]}))
    assert full.embedded == [(0, 23, "city")]
    np.testing.assert_array_equal(full.encode(read_table({"city": new}))[:, 0], [1, 22, 0, 0, 0, 0])


def test_from_twenty_levels_on_they_are_codes() -> None:
    for n, is_code in ((19, False), (20, True)):
        encoding = TableEncoding.fit(read_table({"city": [f"c{i}" for i in range(n)] * 5}))
        assert len(encoding.feature_names) == (1 if is_code else n)
        assert bool(encoding.embedded) == is_code
    # Nineteen frequent levels and rare ones are twenty levels; eighteen and rare ones are not.
    for n, is_code in ((19, True), (18, False)):
        values = [f"c{i}" for i in range(n)] * 5 + ["x", "y", "z"]
        encoding = TableEncoding.fit(read_table({"city": values}))
        assert len(encoding.feature_names) == (1 if is_code else n + 1)


def test_categories_match_whatever_type_they_come_in() -> None:
    encoding = TableEncoding.fit(
        read_table({"code": [1, 2, 10], "t": [True, False, True]}), categories=["code"]
    )
    assert encoding.feature_names == ["code = 1", "code = 2", "code = 10", "t = true"]
    expected = [[0, 0, 1, 1], [1, 0, 0, -1]]
    categoricals = [pd.Series(pd.Categorical(v)) for v in ([10, 1], ["10", "1"])]
    for code in ([10, 1], [10.0, 1.0], ["10", " 1"], *categoricals):
        for truth in ([True, False], ["True", "false"]):
            np.testing.assert_array_equal(encoding.encode(read_table({"t": truth, "code": code})), expected)
    assert encoding.text_columns == []


@pytest.mark.parametrize("as_text", [True, False])
def test_categories_written_as_numbers_match_in_files(as_text: bool) -> None:
    """Whether or not they were kept as texts when the table was read."""
    train = io.BytesIO(b"zip,x\n007,1\n12,2\n7.50,3\n")
    table = read_table(train, text=["zip"] if as_text else [])
    encoding = TableEncoding.fit(table, categories=["zip"], ignore=["x"])
    assert encoding.text_columns == (["zip"] if as_text else [])
    new = read_table(io.BytesIO(b"zip\n7.50\n007\n12\n"), text=encoding.text_columns)
    names = [n.removeprefix("zip = ") for n in encoding.feature_names]
    X = encoding.encode(new)
    assert [names[i] for i in X.argmax(axis=1)] == (["7.50", "007", "12"] if as_text else ["7.5", "7", "12"])
    assert X.sum() == 3


def test_names_of_features_are_all_different() -> None:
    encoding = TableEncoding.fit(
        read_table({"a": ["x", "y", "z"], "a = x": [1, 2, 3], "a = x (2)": [1, 2, 3]})
    )
    names = encoding.feature_names
    assert names[0] == "a = x"
    assert len(set(names)) == len(names) == 5


def test_columns_missing_from_a_new_table() -> None:
    train = {
        "age": [1, 2, 4],
        "hair": ["a", "b", "c"],
        "size": ["S", "M", "L"],
        "day": ["2021-03-04"] * 2 + ["2022-01-01"],
    }
    encoding = TableEncoding.fit(read_table(train))
    with pytest.raises(
        TableError,
        match=r"lacks the columns 'age', 'size' that the .* Did you mean 'Age'\? Its columns: Age, hair",
    ):
        encoding.encode(read_table({"Age": [1], "hair": ["a"], "day": ["2021-03-04"]}))
    report = Report()
    X = encoding.encode(
        read_table({"Age": [1], "hair": ["a"], "size": ["S"], "day": ["2021-03-04"]}), report=report
    )
    missing = encoding.encode(
        read_table({"age": [None], "hair": ["a"], "size": ["S"], "day": ["2021-03-04"]})
    )
    np.testing.assert_array_equal(X, missing)
    assert report.notes == [
        "The column 'age' is lacking: it counts as missing in every row, and predictions suffer from it. "
        "Did you mean 'Age'?",
        "Column 'Age' was not in the training; it is ignored.",
    ]
    for name in train:
        X = encoding.encode(read_table({n: v for n, v in train.items() if n != name}))
        assert X.shape == (3, encoding.n_features)
        assert np.isfinite(X).all()


def test_text_in_a_number_column_of_a_new_table() -> None:
    encoding = TableEncoding.fit(read_table({"age": [1, 2], "hair": ["a", "b"]}))
    with pytest.raises(TableError) as caught:
        encoding.encode(read_table({"hair": ["a", "b", "a"], "age": ["1", "-", "abc"]}), rows=[0])
    assert str(caught.value) == (
        "the table: column 'age', row 2 (counted from 0): expected a number, but found 'abc'. "
        "The model was trained on numbers in this column: correct it, or leave it empty."
    )


def test_nothing_to_learn_from() -> None:
    with pytest.raises(
        DataError, match=r"no column to learn from besides the target \('c': every row has the value '1'\)"
    ):
        TableEncoding.fit(read_table({"c": [1, 1], "y": [1, 2]}), "y")
    with pytest.raises(TableError, match=r"no target column 'z'"):
        TableEncoding.fit(read_table({"c": [1, 1], "y": [1, 2]}), "z")


def test_what_is_left_out_is_said() -> None:
    encoding = TableEncoding.fit(read_table({"c": [1, 1], "x": [1, 2], "y": [1, 2]}), "y")
    assert encoding.notes == ["Column 'c' is left out: every row has the value '1'."]


def test_saved_as_json_and_back() -> None:
    encoding = TableEncoding.fit(table_of(50), "y", categories=["age"], ignore=["sex"])
    again = TableEncoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    assert again == encoding
    np.testing.assert_array_equal(again.encode(table_of(30, 1)), encoding.encode(table_of(30, 1)))


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=3),
        st.sampled_from(["\ud800", 10**400]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_hostile_encoding_is_refused_or_works(data: st.DataObject) -> None:
    """Any one place of a good document is replaced by any JSON value."""
    table = {
        "number": [1.0, None, 3.0],
        "category": ["x", "y", "z"],
        "boolean": [True, False, None],
        "ordered": ["low", "medium", "high"],
        "date": ["2021-03-04", "2022-04-05", None],
    }
    document = TableEncoding.fit(read_table(table)).to_dict()
    places: list[tuple[object, object]] = [(document, k) for k in document]
    for i, column in enumerate(document["columns"]):
        assert column["kind"] == column["name"]
        places += [(document["columns"], i), (document["roles"], i)] + [(column, k) for k in column]
    places += [(document["columns"][4]["year"], k) for k in document["columns"][4]["year"]]
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(JSON)  # type: ignore[index]
    try:
        encoding = TableEncoding.from_dict(document)
    except ModelFileError:
        return
    names = {c.name.strip() or "column 1" for c in encoding.columns}
    new = read_table({n: table.get(n, ["0", "1", None])[1:] for n in names})
    try:
        X = encoding.encode(new)
    except TableError:  # a name with blanks around it, which no table has
        return
    assert X.shape == (2, encoding.n_features)
    assert np.isfinite(X).all()


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        "x",
        {"columns": [], "roles": [], "targets": []},
        {"columns": [1], "roles": [], "targets": []},
        {"columns": [{"kind": []}], "roles": [], "targets": []},
    ],
)
def test_what_is_no_encoding(value: object) -> None:
    with pytest.raises(ModelFileError, match="the model file is damaged"):
        TableEncoding.from_dict(value)


def test_levels_are_in_natural_order() -> None:
    assert CategoryColumn.fit("c", pl.Series(["b", "10", "9"])).levels == ("10", "9", "b")
    assert CategoryColumn.fit("c", pl.Series([10, 9, -1])).levels == ("-1", "9", "10")
