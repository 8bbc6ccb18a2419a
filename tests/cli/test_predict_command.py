"""`pellucid predict`: the same numbers as in Python, and every column of the table as it was."""

import csv
import io
import os
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import pellucid
from pellucid.errors import PellucidWarning

PROBABILITIES = ["probability_Adelie", "probability_Chinstrap", "probability_Gentoo"]


def rows_of(text):
    """A CSV text as a list of dicts of texts."""
    return list(csv.DictReader(io.StringIO(text)))


def test_gives_the_numbers_of_the_model(call, classifier, penguins):
    done = call("predict", classifier, penguins)
    model, rows = pellucid.load(classifier), rows_of(done.out)
    assert done.code == 0
    assert [row["prediction"] for row in rows] == model.predict(penguins).tolist()
    told = np.array([[float(row[p]) for p in PROBABILITIES] for row in rows], np.float32)
    np.testing.assert_array_equal(told, model.predict_probabilities(penguins))


def test_numbers_are_predicted_in_their_own_unit(call, regressor, penguins):
    rows = rows_of(call("predict", regressor, penguins).out)
    assert set(rows[0]) == {*rows_of(penguins.read_text())[0], "prediction"}
    told = [float(row["prediction"]) for row in rows]
    with pytest.warns(PellucidWarning, match="2 values are missing, and none was in training"):
        np.testing.assert_array_equal(told, pellucid.load(regressor).predict(penguins))


def test_keeps_the_columns_as_they_stand_in_the_file(call, folder, classifier, penguins):
    rows = rows_of(penguins.read_text())
    for i, row in enumerate(rows):
        row |= {
            "id": f"{i:05}",
            "number": f"{2**70 + i}",
            "price": "1.50",
            "day": "2007-11-08",
            "said": 'a "b", c',
        }
    with open("new.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    found = rows_of(call("predict", classifier, "new.csv").out)
    for before, after in zip(rows, found, strict=True):
        for name in ("id", "number", "price", "day", "said", "species", "island"):
            assert after[name] == before[name]
        for name in ("bill_length_mm", "year"):
            assert after[name] == "" if before[name] == "NA" else float(after[name]) == float(before[name])
    assert list(found[0]) == [*rows[0], "prediction", *PROBABILITIES]


def test_says_what_is_missing_or_was_never_seen(call, folder, classifier, penguins):
    lines = penguins.read_text().splitlines()[:4]
    Path("new.csv").write_text("\n".join([*lines, lines[1].replace("Torgersen", "Atlantis"), ""]))
    done = call("predict", classifier, "new.csv")
    assert done.err.splitlines() == [
        "Column 'island': 1 row has a category never seen in training, such as 'Atlantis'; it counts as none."
    ]
    Path("new.csv").write_text("\n".join([*lines, lines[1].replace("39.1", "NA"), ""]))
    assert call("predict", classifier, "new.csv").err == "Column 'bill_length_mm': 1 value is missing.\n"


def test_a_column_called_prediction_is_kept_under_another_name(call, folder, classifier, penguins):
    once = call("predict", classifier, penguins)
    Path("once.csv").write_text(once.out.replace("Adelie,1", "Adelie,2"))
    before = rows_of(Path("once.csv").read_text())
    twice = call("predict", classifier, "once.csv")
    assert "Column 'prediction' of once.csv is kept as 'prediction_input'." in twice.err
    for old, new in zip(before, rows_of(twice.out), strict=True):
        for name in ("prediction", *PROBABILITIES):
            assert new[f"{name}_input"] == old[name]
    assert [r["prediction"] for r in rows_of(twice.out)] == [r["prediction"] for r in rows_of(once.out)]
    Path("twice.csv").write_text(twice.out)
    thrice = rows_of(call("predict", classifier, "twice.csv").out)
    assert thrice[0]["prediction_input"] == before[0]["prediction"]
    assert "prediction_input_" in thrice[0]


@pytest.mark.parametrize("model", ["classifier", "regressor"])
def test_adds_the_columns_that_a_model_adds(call, request, penguins, model):
    path = request.getfixturevalue(model)
    assert call("predict", path, penguins).out.splitlines()[0].split(",") == (
        pellucid.load(path).predict_table(penguins, []).columns
    )


def test_files_of_both_kinds(call, folder, classifier, penguins):
    done = call("predict", classifier, penguins, "--out", "p.parquet")
    assert done.out == "Wrote 344 rows to p.parquet.\n"
    assert call("predict", classifier, penguins, "--out", "p.CSV").code == 0
    assert Path("p.CSV").read_text() == call("predict", classifier, penguins).out
    frame = pl.read_parquet("p.parquet")
    assert frame.schema["probability_Gentoo"] == pl.Float32
    assert frame["prediction"].to_list() == pellucid.load(classifier).predict(penguins).tolist()
    again = call("predict", classifier, "p.parquet", "--out", "q.parquet")
    assert again.code == 0
    assert pl.read_parquet("q.parquet")["body_mass_g"].equals(frame["body_mass_g"])
    assert sorted(os.listdir()) == ["p.CSV", "p.parquet", "q.parquet"]


def test_json_holds_a_list_of_rows(call, folder, classifier, penguins):
    found = call("predict", classifier, penguins, "--json").json
    assert found["n_rows"] == 344
    assert found["predictions"][3]["bill_length_mm"] is None
    assert found["predictions"][0]["species"] == "Adelie"
    told = [[row[p] for p in PROBABILITIES] for row in found["predictions"]]
    np.testing.assert_array_equal(
        np.array(told, np.float32), pellucid.load(classifier).predict_probabilities(penguins)
    )
    assert "Column 'sex': 11 values are missing." in found["notes"]
    done = call("predict", classifier, penguins, "--json", "--out", "p.csv")
    assert done.json == {"out": "p.csv", "n_rows": 344, "notes": found["notes"]}
    assert len(Path("p.csv").read_text().splitlines()) == 345


def test_json_has_no_nan(call, folder, classifier, penguins):
    frame = pl.read_csv(penguins, null_values="NA").with_columns(
        odd=pl.Series([float("nan"), float("inf")] * 172), when=pl.date(2007, 11, 8), raw=pl.lit(b"\xff")
    )
    frame.write_parquet("new.parquet")
    row = call("predict", classifier, "new.parquet", "--json").json["predictions"][1]
    assert row["odd"] is None
    assert row["when"] == "2007-11-08"


def test_table_from_standard_input(call, folder, classifier, penguins):
    content = penguins.read_bytes().replace(b"\n", b",007\n").replace(b"year,007", b"year,id")
    done = call("predict", classifier, "-", stdin=content)
    assert done.code == 0
    assert {row["id"] for row in rows_of(done.out)} == {"007"}
    wrong = call("predict", classifier, "-", stdin=content.replace(b"39.1,", b"tall,"))
    assert "standard input: column 'bill_length_mm', line 2: expected a number, but found 'tall'" in wrong.err


@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("copy.csv", "would replace the table itself"),
        ("model.parquet", "would replace the model itself"),
        ("p.txt", "--out must end in .csv or .parquet, but is 'p.txt'"),
        ("nowhere/p.csv", "there is no folder 'nowhere'"),
        ("copy.csv/p.csv", "not a directory"),
        ("folder.csv", "is a folder"),
    ],
)
def test_results_that_cannot_be_written(call, folder, classifier, penguins, out, why):
    shutil.copy(penguins, "copy.csv")
    shutil.copy(classifier, "model.parquet")
    os.mkdir("folder.csv")
    done = call("predict", "model.parquet", "copy.csv", "--out", out)
    assert done.code == 2
    assert why in done.err
    assert sorted(os.listdir()) == ["copy.csv", "folder.csv", "model.parquet"]
    assert Path("copy.csv").read_bytes() == penguins.read_bytes()


def test_a_failure_leaves_the_old_file(call, folder, classifier, penguins, monkeypatch):
    Path("p.csv").write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    done = call("predict", classifier, penguins, "--out", "p.csv")
    assert done.code == 2
    assert "'p.csv' cannot be written: no space left on device." in done.err
    assert Path("p.csv").read_text() == "old"
    assert os.listdir() == ["p.csv"]
