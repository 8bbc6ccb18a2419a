"""`pellucid check`: findings of a table's model, for people and for programs."""

import numpy as np
import polars as pl
import pytest

import pellucid

OPTIONS = ["--hidden", "16", "--quiet", "--seed", "1"]


@pytest.fixture
def table(folder):
    """A table with a column that gives the target away, and rows without a target."""
    rng = np.random.default_rng(0)
    size, kind = rng.standard_normal(300), rng.choice(["a", "b", "c"], 300)
    price = size + (kind == "a") + 0.3 * rng.standard_normal(300)
    frame = pl.DataFrame({"size": size, "kind": kind, "tax": 0.19 * price, "price": price})
    lacking = pl.DataFrame({"size": [0.0, 1.0], "kind": ["a", "b"], "tax": [0.1, 0.2], "price": [None, None]})
    pl.concat([lacking.cast(frame.schema), frame]).write_csv("table.csv")
    return folder / "table.csv"


@pytest.fixture
def model(call, table):
    """The path of a model of it."""
    assert call("fit", table, "--target", "price", "--out", "m.pellucid", *OPTIONS).code == 0
    return table.with_name("m.pellucid")


def test_findings_for_people(call, model, table):
    done = call("check", model, table)
    lines = done.out.splitlines()
    assert done.code == 0
    assert "finding" in lines[0]
    assert lines[0].endswith("checks on 300 rows.")
    assert "leakage: input tax" in lines
    assert any(line.startswith("  measured  tax alone tells the target: it explains 99") for line in lines)
    assert "2 rows are left out for want of a target." in done.err


def test_findings_for_programs_are_those_of_the_model(call, model, table):
    found = call("check", model, table, "--json").json
    own = pellucid.load(model).health(table).to_dict()
    assert found["findings"] == own["findings"]
    assert found["checks"] == own["checks"]
    assert (found["model"], found["n_rows"]) == (str(model), 300)
    assert set(found["findings"][-1]["numbers"]["scores"]) == {"size", "kind", "tax"}


def test_rows_are_counted_from_1_as_in_the_file(call, model, table, folder):
    frame = pl.read_csv(table).with_row_index("row", offset=1)
    spoiled = frame.with_columns(price=pl.when(pl.col("row") == 50).then(500.0).otherwise("price"))
    spoiled.drop("row").write_csv("spoiled.csv")
    found = call("check", model, "spoiled.csv", "--json", "--no-trials").json["findings"]
    rows = {f["name"]: f["numbers"]["rows"] for f in found if "rows" in f["numbers"]}
    assert rows == {"suspicious labels": [50], "rows that drive the loss": [50]}
    assert all(f["helped"] is None for f in found)


def test_several_files_are_one_table_in_any_encoding(call, model, table):
    whole, lines = call("check", model, table, "--json", "--no-trials").json, table.read_text().splitlines()
    for name, part in (("one.csv", lines[:200]), ("two.csv", [lines[0], *lines[200:]])):
        table.with_name(name).write_text("\n".join(part), encoding="utf-16")
    parts = call("check", model, "one.csv", "two.csv", "--encoding", "utf-16", "--json", "--no-trials").json
    assert parts["findings"] == whole["findings"]
    assert parts["n_rows"] == 300


def test_a_sound_model_has_no_finding(call, folder, penguins):
    assert call("fit", penguins, "--target", "species", "--out", "p.pellucid", "--quiet").code == 0
    done = call("check", "p.pellucid", "-", stdin=penguins.read_bytes())
    assert done.out.startswith("Nothing found by ")


def test_what_cannot_be_checked_is_said(call, model, table):
    pl.read_csv(table).drop("price").write_csv("bare.csv")
    done = call("check", model, "bare.csv")
    assert done.code == 2
    assert "bare.csv has no target column 'price'" in done.err
