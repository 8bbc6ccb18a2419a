"""Whatever is given, the command ends with one sentence, the right exit code, and nothing lost."""

import os
from pathlib import Path

import pytest

from pellucid.cli.failures import failure_of

ROWS = "".join(f"{i},{i * 2},{'u' if i % 2 else 'v'}\n" for i in range(30))
HEADER = "age,height,kind\n"


@pytest.mark.parametrize(
    ("content", "target", "kind", "sentence"),
    [
        ("", "kind", "TableError", "data.csv is empty. Expected a header line"),
        (HEADER, "kind", "TableError", "data.csv has a header in line 1, but no rows below it."),
        (HEADER + "1,2,u\n", "kind", "DataError", "data.csv has only one row with a target"),
        (HEADER + "1,2,u\n2,3,u\n", "kind", "DataError", "'kind' has only one class, 'u'"),
        (HEADER + "1,2,\n2,3,\n", "kind", "DataError", "data.csv: no row has a value of the target 'kind'."),
        (HEADER + ROWS, "knid", "TableError", "data.csv has no target column 'knid'. Did you mean 'kind'?"),
        (
            HEADER + ROWS.replace("16,32,", "tall,32,"),
            "kind",
            "TableError",
            "data.csv: column 'age', line 18: expected a number, but found 'tall'. Correct it, or pass "
            "--category age to use it as categories.",
        ),
        (HEADER + ROWS.replace("16,32,", "16,32,7,"), "kind", "TableError", "line 18: expected 3 values"),
        (HEADER + ROWS.replace("16,32,", "16,"), "kind", "TableError", "line 18: expected 3 values"),
        (
            HEADER + ROWS.replace(",32,", ",inf,"),
            "height",
            "TableError",
            "column 'height', line 18: found inf",
        ),
        (HEADER + ROWS.replace(",32,", ",tall,"), "height", "TableError", "pass --task classification"),
        (
            "kind\nu\nv\nu\nv\n",
            "kind",
            "DataError",
            "data.csv has no column to learn from besides the target",
        ),
        ("a,a\n1,2\n", "a", "TableError", "the column name 'a' stands twice"),
        ("PK\3\4", "kind", "TableError", "is an Excel file or a zip archive"),
        ("a,b\n\0,1\n", "a", "TableError", "data.csv, line 2: found a zero byte"),
    ],
)
def test_tables_that_cannot_be_learned_from(call, folder, content, target, kind, sentence):
    Path("data.csv").write_text(content)
    done = call("fit", "data.csv", "--target", target, "--quiet", "--json")
    assert done.code == 2
    assert done.err.startswith("pellucid: ")
    assert done.err.count("\n") == 1
    assert sentence in done.err
    assert done.json == {"error": {"kind": kind, "message": done.err.removeprefix("pellucid: ").rstrip("\n")}}
    assert os.listdir() == ["data.csv"]


def test_a_missing_target_names_the_columns(call, folder):
    Path("data.csv").write_text(HEADER + ROWS)
    done = call("fit", "data.csv")
    assert done.code == 2
    assert done.err == (
        "pellucid: fit needs --target with the column to predict. "
        "The columns of data.csv: age, height, kind.\n"
    )


def test_a_table_that_is_not_there(call, folder):
    Path("data.csv").write_text(HEADER + ROWS)
    for arguments in (["fit", "dta.csv", "--target", "kind"], ["fit", "dta.csv"]):
        done = call(*arguments)
        assert done.code == 2
        assert "there is no file 'dta.csv'. Did you mean 'data.csv'?" in done.err


def test_missing_values_are_no_error(call, folder):
    Path("data.csv").write_text(HEADER + ROWS.replace("16,32,", "nan,,"))
    assert call("fit", "data.csv", "--target", "kind", "--epochs", "2", "--quiet").code == 0


@pytest.fixture
def broken(classifier, folder):
    """Names of files that are no models, or no longer."""
    content = classifier.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    Path("empty").write_bytes(b"")
    Path("text").write_text(HEADER + ROWS)
    Path("truncated").write_bytes(content[: len(content) // 2])
    Path("flipped").write_bytes(flipped)
    Path("longer").write_bytes(content + b"more")
    return {
        "empty": "is empty, not a pellucid model file",
        "text": "is not a pellucid model file",
        "truncated": "is truncated",
        "flipped": "is damaged",
        "longer": "is damaged",
        "nowhere": "there is no such file",
        ".": "is not a pellucid model file, but a folder",
        "-": "a model is read from a file, not from standard input",
    }


def test_files_that_are_no_models(call, broken, penguins):
    for name, why in broken.items():
        for arguments in (["predict", name, penguins], ["evaluate", name, penguins], ["show", name]):
            done = call(*arguments)
            assert (done.code, done.out) == (2, "")
            assert why in done.err
            assert done.err.count("\n") == 1


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: "", "new.csv is empty"),
        (
            lambda text: text.replace("39.1", "tall"),
            "column 'bill_length_mm', line 2: expected a number, but found 'tall'",
        ),
        (
            lambda text: text.replace("39.1,", "39.1,7,"),
            "line 2: expected 8 values as in the header, but found 9",
        ),
        (
            lambda text: text.replace("_", "-").replace("island", "iland"),
            "new.csv lacks the columns 'island', 'bill_length_mm', 'bill_depth_mm', 'flipper_length_mm', "
            "'body_mass_g' that the model was trained with. Did you mean 'iland'?",
        ),
    ],
)
def test_tables_that_do_not_fit_the_model(call, folder, classifier, penguins, command, change, sentence):
    Path("new.csv").write_text(change(penguins.read_text()))
    done = call(command, classifier, "new.csv")
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_column_that_is_lacking_counts_as_missing_and_is_said(call, folder, classifier, penguins, command):
    Path("new.csv").write_text(penguins.read_text().replace("island", "iland"))
    done = call(command, classifier, "new.csv")
    assert done.code == 0
    assert done.err.startswith(
        "The column 'island' is lacking: it counts as missing in every row, and predictions suffer from it. "
        "Did you mean 'iland'?\n"
    )
    assert "Column 'iland' was not in the training; it is ignored.\n" in done.err


def test_targets_that_the_model_does_not_know(call, folder, classifier, penguins):
    Path("new.csv").write_text(penguins.read_text().replace("Gentoo", "Emperor"))
    done = call("evaluate", classifier, "new.csv")
    assert done.code == 2
    assert "found 'Emperor', which was no class in training" in done.err
    Path("new.csv").write_text(penguins.read_text().replace("species", "spezies"))
    assert "Did you mean 'spezies'?" in call("evaluate", classifier, "new.csv").err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fti"], 'Unknown command "fti". Did you mean "fit"?'),
        (["fit"], "fit needs DATA. See pellucid fit --help."),
        (["predict", "m.pellucid"], "predict needs DATA. See pellucid predict --help."),
        (["show"], "show needs MODEL."),
        (["show", "m", "--jsn"], "Unknown option: --jsn. Did you mean --json?"),
        (["completion", "bsh"], 'Did you mean "bash"?'),
    ],
)
def test_wrong_calls(call, folder, arguments, sentence):
    done = call(*arguments)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
    assert call(*arguments, "--json").json["error"]["kind"] == "UsageError"


def test_a_fault_of_pellucids_own_asks_for_a_report(call, classifier, monkeypatch):
    def fault(*_):
        raise KeyError("weights")

    monkeypatch.setattr("pellucid.cli.show.describe", fault)
    done = call("show", classifier, "--json")
    assert done.code == 1
    assert "this is a fault of pellucid's own (KeyError: 'weights'). Please report it" in done.err
    assert "Traceback" not in done.err
    assert done.json["error"]["kind"] == "InternalError"
    monkeypatch.setenv("PELLUCID_DEBUG", "1")
    assert "Traceback (most recent call last)" in call("show", classifier, "--json").err


def test_settings_that_cannot_be_read(call, classifier, monkeypatch):
    monkeypatch.setenv("PELLUCID_DEBUG", "yes")
    done = call("show", classifier)
    assert (done.code, done.err) == (2, "pellucid: PELLUCID_DEBUG must be 0 or 1, but is 'yes'.\n")


def test_too_little_memory_is_no_fault(call, folder, penguins):
    done = call("fit", penguins, "--target", "species", "--hidden", "100000000,100000000", "--quiet")
    assert done.code == 2
    assert "needs 37,252,920.9 GiB, more than there is memory" in done.err


def test_ctrl_c_outside_of_training(call, classifier, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pellucid.cli.show.describe", interrupt)
    done = call("show", classifier, "--json")
    assert done.code == 130
    assert done.json == {"error": {"kind": "Interrupted", "message": "interrupted by Ctrl-C."}}


def test_errors_of_the_system_are_sentences():
    failure = failure_of(OSError(5, "Input/output error", "data.csv"))
    assert failure.message == "cannot use 'data.csv': input/output error."
    assert failure.exit_code == 2
