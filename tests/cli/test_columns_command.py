"""`pellucid columns`, and fits with what it writes."""

import pytest

import pellucid

TABLE = """id,born,size,zip,note,y
1,2021-03-04,S,01234,likes the sea a lot,1.5
2,2021-05-06,M,10115,does not like it at all,2.5
3,2022-07-08,L,01234,has never been there,3.5
"""


@pytest.fixture
def data(folder):
    (folder / "data.csv").write_text(TABLE)
    return "data.csv"


def test_says_what_each_column_is_taken_for(call, data):
    done = call("columns", data, "--target", "y", "--category", "zip", "--ignore", "note")
    assert done.code == 0
    assert [line.split(maxsplit=2) for line in done.out.splitlines()] == [
        ["column", "used", "as            because"],
        ["id", "number", "all 3 values are numbers"],
        ["born", "date", "all 3 values are dates, read as year-month-day"],
        ["size", "ordered", "its values are of the scale S, M, L"],
        ["zip", "category", "as asked"],
        ["note", "left", "out: ignored  as asked"],
        [],
        ["Column", "'id':", "it is used as a number, but its name says that it names something; if so, pass "
         "--ignore id, or --category id where the same ones come again."],
    ]  # fmt: skip


def test_json(call, data, penguins):
    found = call("columns", data, "--json").json
    assert (found["n_rows"], found["target"]) == (3, [])
    assert [c["name"] for c in found["columns"]] == ["id", "born", "size", "zip", "note", "y"]
    assert found["columns"][1] == {
        "name": "born",
        "role": "date",
        "used": True,
        "reason": "all 3 values are dates, read as year-month-day",
        "question": None,
    }
    from_input = call("columns", "-", "--target", "species", "--json", stdin=penguins.read_bytes()).json
    assert from_input == call("columns", penguins, "--target", "species", "--json").json


def test_writes_a_schema_that_a_fit_takes(call, folder, data):
    done = call("columns", data, "--category", "zip", "--out", "schema.toml")
    assert (
        "Wrote schema.toml. To fit with it: pellucid fit data.csv --target COLUMN --schema schema.toml"
        in done.out
    )
    text = (folder / "schema.toml").read_text()
    assert 'born = "date year-month-day"  # all 3 values are dates' in text
    assert 'size = ["S", "M", "L"]' in text
    (folder / "schema.toml").write_text(text.replace('id = "number"', 'id = "ignore"'))
    (folder / "more.csv").write_text(TABLE + TABLE.split("\n", 1)[1].replace(".5", ".7") * 3)
    fit = ["fit", "more.csv", "--target", "y", "--schema", "schema.toml", "--epochs", "1", "--quiet"]
    assert call(*fit, "--number", "id", "--out", "a.pellucid").code == 0
    assert call(*fit, "--out", "b.pellucid").code == 0
    a, b = (pellucid.load(f"{n}.pellucid").encoding for n in "ab")
    assert ("id" in a.spans, "id" in b.spans) == (True, False)
    assert "zip = 10115" in b.feature_names
    assert dict(b.left_out) == {"id": "as schema.toml asks"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--out", "s.txt"], "--out must end in .toml, but is 's.txt'"),
        (["--out", "old.toml"], "'old.toml' is there already, and may have been changed by hand"),
        (["--out", "no/s.toml"], "there is no folder 'no'"),
        (["--target", "why"], "has no target column 'why'. Its columns: id,"),
        (["--date", "size"], "line 2: expected a date such as 2021-12-31, but found 'S'"),
        (["--schema", "old.toml"], "old.toml: expected a table [columns]"),
        (["--number", "born", "--ignore", "born"], "'born' is named in more than one of"),
    ],
)  # fmt: skip
def test_wrong_calls(call, folder, data, arguments, sentence):
    (folder / "old.toml").write_text("")
    done = call("columns", data, *arguments)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
    assert done.err.count("\n") == 1


def test_a_model_shows_the_roles_that_it_was_fitted_with(call, classifier):
    lines = call("show", classifier).out.splitlines()
    line = next(line for line in lines if line.startswith("sex "))
    assert "category  it holds 2 different texts (female, male); " in line
    assert line.rstrip().endswith("sex = male, sex is missing")
    found = call("show", classifier, "--json").json
    assert found["roles"][0]["role"] == "category"
    assert {r["name"] for r in found["roles"]} == {*pellucid.load(classifier).encoding.spans}
