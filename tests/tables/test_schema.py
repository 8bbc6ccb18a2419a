"""What is asked of columns: arguments, schema files, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import ArgumentError, TableError
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.fit import fit_table
from pellucid.tables.reading import read_table
from pellucid.tables.role import KINDS, Role
from pellucid.tables.roles import choose_roles
from pellucid.tables.schema import Schema, read_schema, schema_text

TABLE: dict[str, Any] = {
    "zip": ["01234", "10115", "01234"],
    "born": ["03/04/2021", "05/06/2021", "07/08/2022"],
    "size": ["S", "L", "M"],
    "note": ["a", "b", "c"],
    "flag": ["yes", "no", "yes"],
    "code": [1, 2, 3],
    "y": [1.0, 2.0, 4.0],
}
FILE = """
[columns]
zip = "category"
born = "date day/month/year"
note = "ignore"
size = ["M", "S", "L"]  # not as everybody would have it
flag = "boolean"
code = "number"
y = "number"
"""


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "schema.toml"
    path.write_text(FILE)
    return path


def test_a_file_decides_every_role(schema: Path) -> None:
    roles = {r.name: r for r in choose_roles(read_table(TABLE), ["y"], schema=Schema.of(schema=schema))}
    assert {n: r.kind for n, r in roles.items()} == {
        "zip": "category",
        "born": "date",
        "size": "ordered",
        "note": "ignored",
        "flag": "boolean",
        "code": "number",
    }
    assert roles["born"].reading == "day/month/year"
    assert roles["size"].levels == ("M", "S", "L")
    assert {r.reason for r in roles.values()} == {"as schema.toml asks"}
    assert sorted(Schema.of(schema=schema).text_columns) == ["born", "size", "zip"]


def test_a_call_overrules_a_file(schema: Path) -> None:
    asked = Schema.of(schema=schema, categories=["code"], ignore=["zip"])
    kinds = {r.name: r.kind for r in choose_roles(read_table(TABLE), ["y"], schema=asked)}
    assert (kinds["code"], kinds["zip"], kinds["size"]) == ("category", "ignored", "ordered")
    more = Schema.of(schema=asked, numbers=["code"])
    assert (more.asked["code"].kind, more.asked["zip"].kind, more.kept) == ("number", "ignored", asked.kept)


def test_a_fit_takes_a_file(schema: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    rows = zip(*(v * 4 for v in TABLE.values()), strict=True)
    data.write_text("\n".join([",".join(TABLE), *(",".join(map(str, row)) for row in rows)]))
    model = fit_table(data, "y", schema=schema, hidden=[2], epochs=1, task="regression")
    names = model.encoding.feature_names
    assert "zip = 10115" in names, "kept as a text, two of which are one input"
    assert [n for n in names if n.startswith("size")] == ["size ≥ S", "size ≥ L"]
    assert any(n.startswith("born: days since 2021-04-03") for n in names)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    table = read_table(
        TABLE | {"empty": [None] * 3, 'odd "name"\n= x': ["a", "b", "a"], "when": ["9:00", "10:00", "11:30"]}
    )
    roles = choose_roles(table, ["y"], schema=Schema.of(dates=["born=month/day/year"]))
    path = tmp_path / "s.toml"
    path.write_text(schema_text(roles))
    again = choose_roles(table, ["y"], schema=Schema.of(schema=path))
    assert [(r.name, r.is_used, r.reading, r.levels) for r in again] == [
        (r.name, r.is_used, r.reading, r.levels) for r in roles
    ]
    assert [r.kind for r in again] == [r.kind if r.is_used else "ignored" for r in roles]


@settings(deadline=None, max_examples=60)
@given(st.text(min_size=1).map(str.strip).filter(bool), st.text(), st.sampled_from(KINDS))
def test_any_name_and_reason_can_be_written(name: str, reason: str, kind: Any) -> None:
    import tomllib

    levels = (name, name + "x") if kind == "ordered" else ()
    document = tomllib.loads(schema_text([Role(name, kind, reason, levels=levels)]))
    assert list(document["columns"]) == [name]
    if levels:
        assert document["columns"][name] == list(levels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[columns", "cannot be read as TOML: Expected ']'"),
        ("\xff", "cannot be read as TOML"),
        ("", "schema.toml: expected a table [columns] with entries such as"),
        ("[colums]\na = 'date'", "schema.toml: found 'colums', but a schema file has nothing but"),
        ("columns = 3", "schema.toml: expected a table [columns]"),
        ("[columns]\na = 'numbr'", "schema.toml, column 'a': expected one of number, boolean,"),
        ("[columns]\na = 'numbr'", "Did you mean 'number'?"),
        ("[columns]\na = 3", "expected one of"),
        (
            "[columns]\na = ['x']",
            "column 'a': the levels of an ordered column must be at least two different",
        ),
        ("[columns]\na = ['x', 'x']", "must be at least two different"),
        ("[columns]\na = [['x'], 'y']", "must be at least two different"),
        ("[columns]\na = 'date backwards'", "column 'a': date must have one of year-month-day,"),
        ("[columns]\na = 'number 3'", "column 'a': number must have nothing behind it"),
        ("[columns]\n' a' = 'number'\na = 'number'", "the column 'a' stands twice"),
        ("[columns]\nzipp = 'category'", "has no column 'zipp'. Did you mean 'zip'?"),
        ("[columns]\nsize = ['S', 'M']", "found 'L', which is none of the levels S, M of schema.toml"),
        ("[columns]\nzip = 'boolean'", "column 'zip': expected yes and no, true and false, or 1 and 0"),
        ("[columns]\nnote = 'number'", "Correct it, or take it out of schema.toml, column 'note'."),
    ],
)
def test_files_that_are_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "schema.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(TableError) as caught:
        TableEncoding.fit(read_table(TABLE), "y", schema=path)
    assert message in str(caught.value)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="there is no schema file"):
        read_schema(tmp_path / "no.toml")
    with pytest.raises(TableError, match="cannot be read as TOML: "):
        read_schema(tmp_path)


def test_the_target_in_a_file_does_not_count_but_in_a_call_it_is_a_mistake(schema: Path) -> None:
    assert "y" not in TableEncoding.fit(read_table(TABLE), "y", schema=schema).spans
    with pytest.raises(ArgumentError, match=r"dates=\['y'\] names the target"):
        TableEncoding.fit(read_table(TABLE), "y", dates=["y"])
