"""`pellucid fit`: options, where the model goes, what is printed, and what is never lost."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import SMALL

import pellucid
from pellucid import model_file
from pellucid.activations import ACTIVATIONS
from pellucid.cli.failures import in_words_of_the_command
from pellucid.errors import ModelFileError
from pellucid.optimizers import OPTIMIZERS
from pellucid.schedules import SCHEDULES
from pellucid.tables.model import TableModel
from pellucid.tables.normalisation import NORMALISATIONS


def widths(found):
    """Neurons of each layer that has synapses."""
    return {layer["name"]: layer["n_out"] for layer in found["layers"] if layer["synapses"]}


def test_says_what_the_network_is_worth_and_where_it_is(call, folder, penguins):
    done = call("fit", penguins, "--target", "species", *SMALL)
    model = pellucid.load(folder / "penguins.pellucid")
    assert done.code == 0
    assert done.out.startswith(in_words_of_the_command(model.report()))
    assert "Saved as penguins.pellucid." in done.out
    assert done.err == ""  # --quiet


def test_splits_and_the_scale_of_the_target(call, folder, penguins):
    given = ["--group", "island", "--time", "year", "--target", "body_mass_g", "--target-scale", "log"]
    done = call("fit", penguins, *given, *SMALL, "--json")
    assert done.code == 2
    assert "older by 'year' and of other groups of 'island' are 0, too few to learn from." in done.err
    found = call("fit", penguins, *given[2:], *SMALL, "--json").json
    assert "Validated on the 119 newest rows, from 2009 of 'year' on." in found["notes"]
    assert found["evidence"]["n_rows"] == 119
    assert pellucid.load(folder / "penguins.pellucid").target.scales == ("log",)
    done = call("fit", penguins, *given[:2], *given[4:6], *SMALL)
    assert "Validated on 1 of the 3 groups of 'island' (" in done.out
    assert "Column 'island' is left out: rows are split by it." in done.out
    wrong = call("fit", penguins, "--target", "species", "--target-scale", "log", *SMALL)
    assert (
        wrong.err == "pellucid: --target-scale log is for numbers, but 'species' is predicted as classes.\n"
    )
    wrong = call("fit", penguins, "--target", "species", "--target-scale", "lg", *SMALL)
    assert "--target-scale must be one of auto, linear, log, but is 'lg'. Did you mean 'log'?" in wrong.err


def test_json_is_one_object_with_evidence_and_training(call, folder, penguins):
    done = call("fit", penguins, "--target", "species", *SMALL, "--json")
    found, model = done.json, pellucid.load(folder / "penguins.pellucid")
    assert found["model"] == "penguins.pellucid"
    assert found["task"] == "multiclass"
    assert found["classes"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert found["evidence"]["scores"] == model.evidence.to_dict()["scores"]
    assert found["training"]["epochs"] == 3
    assert found["training"]["stopped_by"] == "epochs"
    assert found["training"]["loss"] == model.history["loss"][model.history.best_epoch - 1]
    assert widths(found) == {"hidden_1": 8, "output": 3}


def test_progress_goes_to_standard_error(call, folder, penguins):
    done = call("fit", penguins, "--target", "species", "--hidden", "8", "--epochs", "3", "--json")
    assert done.json["training"]["epochs"] == 3
    assert "epoch 1/3: loss" in done.err
    assert "stopped: all 3 epochs are over" in done.err


def test_options_reach_the_network(call, folder, penguins):
    options = [
        "--hidden",
        "7,6",
        "--hidden",
        "5",
        "--activation",
        "tanh",
        "--epochs",
        "2",
        "--batch-size",
        "50",
    ]
    options += ["--optimizer", "sgd(learning_rate=0.5)", "--learning-rate", "0.25", "--schedule", "constant"]
    options += [
        "--dropout",
        "0.25",
        "--normalisation",
        "standard",
        "--category",
        "year",
        "--ignore",
        "sex",
        "--ignore",
        "island",
    ]
    options += ["--validation", "0.5", "--seed", "3", "--threads", "1", "--class-weight", "balanced"]
    done = call("fit", penguins, "--target", "species", *options, "--quiet", "--json")
    found, model = done.json, pellucid.load(folder / "penguins.pellucid")
    assert widths(found) == {"hidden_1": 7, "hidden_2": 6, "hidden_3": 5, "output": 3}
    layers = {layer["name"]: layer["description"] for layer in found["layers"]}
    assert "tanh" in layers["hidden_1"]
    assert "0.25" in layers["dropout_1"]
    assert found["history"]["learning_rate"] == [0.25, 0.25]
    assert found["evidence"]["n_rows"] == 172
    assert set(found["left_out"]) == {"sex", "island"}
    columns = {c["name"]: c for c in found["columns"]}
    assert columns["year"]["levels"] == ["2007", "2008", "2009"]
    assert columns["bill_length_mm"]["normalisation"] == "standard"
    assert model.network.seed == 3


def test_same_seed_same_model_another_seed_another(call, folder, penguins):
    for out, seed in (("a", 1), ("b", 1), ("c", 2)):
        call("fit", penguins, "--target", "species", *SMALL, "--seed", seed, "--out", f"{out}.pellucid")
    weights = [pellucid.load(f"{n}.pellucid").network.parameters["hidden_1/weights"] for n in "abc"]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_no_hidden_layers_is_a_straight_line(call, folder, penguins):
    done = call(
        "fit", penguins, "--target", "species", "--hidden", "none", "--epochs", "2", "--quiet", "--json"
    )
    assert widths(done.json) == {"output": 3}


def test_learning_rate_can_be_found(call, folder, penguins):
    done = call("fit", penguins, "--target", "species", *SMALL, "--learning-rate", "auto")
    assert done.code == 0
    assert pellucid.load("penguins.pellucid").history.range_test["learning_rate"]


def test_several_targets(call, folder, penguins):
    targets = ["--target", "body_mass_g", "--target", "flipper_length_mm"]
    assert call("fit", penguins, *targets, *SMALL, "--json").json["target"] == [
        "body_mass_g",
        "flipper_length_mm",
    ]
    first = call("predict", "penguins.pellucid", penguins).out.splitlines()[0]
    assert first.endswith(",prediction_body_mass_g,prediction_flipper_length_mm")


def test_table_from_standard_input(call, folder, penguins):
    done = call("fit", "-", "--target", "species", *SMALL, stdin=penguins.read_bytes())
    assert done.code == 0
    call("fit", penguins, "--target", "species", *SMALL)
    same = [
        pellucid.load(n).network.parameters["output/bias"] for n in ("model.pellucid", "penguins.pellucid")
    ]
    np.testing.assert_array_equal(*same)


def test_a_model_that_is_there_keeps_its_default_name(call, folder, penguins):
    for _ in range(3):
        done = call("fit", penguins, "--target", "species", *SMALL)
    assert "Saved as penguins-3.pellucid." in done.out
    contents = [
        Path(n).read_bytes() for n in ("penguins.pellucid", "penguins-2.pellucid", "penguins-3.pellucid")
    ]
    assert len(contents[0]) > 1000
    assert sorted(os.listdir()) == ["penguins-2.pellucid", "penguins-3.pellucid", "penguins.pellucid"]


def test_out_replaces_a_model_and_nothing_else(call, folder, penguins):
    shutil.copy(penguins, "copy.csv")
    before = Path("copy.csv").read_bytes()
    refused = call("fit", "copy.csv", "--target", "species", *SMALL, "--out", "copy.csv")
    assert refused.code == 2
    assert "'copy.csv' is there already and is no pellucid model" in refused.err
    assert Path("copy.csv").read_bytes() == before
    for seed in (1, 2):
        assert call("fit", "copy.csv", "--target", "species", *SMALL, "--seed", seed, "--out", "m").code == 0
        assert pellucid.load("m").network.seed == seed


@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("copy.csv/model.pellucid", "not a directory"),
        ("/proc/model.pellucid", "cannot be written"),
        ("/dev/full", "is a device or a pipe"),
        ("nowhere/model.pellucid", "there is no folder 'nowhere'"),
        (".", "is a folder"),
        ("-", "needs the path of a file"),
    ],
)
def test_output_that_cannot_be_written_is_refused_before_training(
    call, folder, penguins, monkeypatch, out, why
):
    shutil.copy(penguins, "copy.csv")
    monkeypatch.setattr("pellucid.tables.fit.fit_table", None)  # calling it would be a fault
    done = call("fit", "copy.csv", "--target", "species", "--out", out)
    assert done.code == 2
    assert why in done.err
    assert os.listdir() == ["copy.csv"]


def test_a_disk_that_fills_up_while_training_loses_nothing(
    call, folder, penguins, monkeypatch, tmp_path_factory
):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    write = TableModel.save

    def save(model, path):
        if elsewhere not in Path(path).parents:
            raise ModelFileError(f"cannot write {str(path)!r}: no space left on device.")
        write(model, path)

    monkeypatch.setattr(TableModel, "save", save)
    done = call("fit", penguins, "--target", "species", *SMALL)
    kept = next(elsewhere.rglob("penguins.pellucid"))
    assert done.code == 2
    assert f"no space left on device. The trained model is in {str(kept)!r} instead." in done.err
    assert pellucid.load(kept).classes == ["Adelie", "Chinstrap", "Gentoo"]
    assert os.listdir() == []  # the name that was reserved is free again


def test_checkpoint_goes_on_and_is_not_overwritten(call, folder, penguins):
    wanted = ["fit", penguins, "--target", "species", *SMALL, "--out", "m.pellucid"]
    assert call(*wanted, "--checkpoint", "run.ckpt").code == 0
    weights = pellucid.load("m.pellucid").network.parameters["hidden_1/weights"]
    kept = Path("run.ckpt").read_bytes()
    refused = call(*wanted, "--checkpoint", "run.ckpt")
    assert refused.code == 2
    assert "the checkpoint 'run.ckpt' is there already. Add --resume" in refused.err
    assert Path("run.ckpt").read_bytes() == kept
    assert call(*wanted, "--checkpoint", "run.ckpt", "--resume").code == 0
    np.testing.assert_array_equal(pellucid.load("m.pellucid").network.parameters["hidden_1/weights"], weights)
    document, _ = model_file.read("run.ckpt")
    assert document["state"]["epoch"] == 3


def test_record_keeps_how_weights_were_spread_over_the_epochs(call, folder, penguins):
    for options, kept in (([], None), (["--record"], [0, 2, 3])):
        out = f"{len(options)}.pellucid"
        assert call("fit", penguins, "--target", "species", *SMALL, *options, "--out", out).code == 0
        found = pellucid.load(out).history.to_dict()["distributions"]
        assert (found and found["epochs"]) == kept


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--resume"], "--resume needs --checkpoint"),
        (["--checkpoint", "m", "--out", "m"], "--checkpoint and --out both name 'm'"),
        (["--checkpoint", "nowhere/c"], "there is no folder 'nowhere'"),
        (["--hidden", "ten"], "--hidden must be whole numbers such as 100,100, or none, but is 'ten'"),
        (["--hidden", "0"], "--hidden must be whole numbers"),
        (["--epochs", "0"], "epochs must be a whole number from 1, but is 0"),
        (["--epochs", "x"], 'Invalid value for --epochs: unable to convert "x" into int'),
        (["--learning-rate", "-1"], "--learning-rate must be a number above 0, or auto, but is '-1'"),
        (["--learning-rate", "nan"], "--learning-rate must be a number above 0, or auto, but is 'nan'"),
        (["--validation", "1.5"], "from 0 to below 1, but got 1.5"),
        (["--class-weight", "balance"], "Did you mean 'balanced'?"),
        (["--seed", "-1"], "seed must be a whole number from 0, but is -1"),
        (["--threads", "0"], "threads must be a whole number from 1"),
        (["--category", "ilsand"], "Did you mean 'island'?"),
        (["--ignore", "species"], "--ignore species names the target"),
        (["--task", "clasification"], "Did you mean 'classification'?"),
        (["--taget", "species"], "Unknown option: --taget. Did you mean --target?"),
        (["--activation"], "--activation needs a value after it."),
        (["another.csv"], "fit can do nothing with 'another.csv'."),
    ],
)
def test_wrong_options(call, folder, penguins, options, sentence):
    done = call("fit", penguins, "--target", "species", "--quiet", *options)
    assert done.code == 2
    assert sentence in done.err
    assert done.err.count("\n") == 1
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("option", "registry"),
    [
        ("--activation", ACTIVATIONS),
        ("--optimizer", OPTIMIZERS),
        ("--schedule", SCHEDULES),
        ("--normalisation", NORMALISATIONS),
    ],
)
def test_names_come_from_the_registries(call, folder, penguins, option, registry):
    shown = call("fit", "--help").out
    line = next(line for line in shown.splitlines() if line.strip().startswith(option))
    assert line.rstrip(".").endswith(": " + ", ".join(registry.names()))
    nearly = registry.names()[1][:-1] + "q"
    done = call("fit", penguins, "--target", "species", option, nearly)
    assert done.code == 2
    assert f"there is no {registry.kind} {nearly!r}. Did you mean {registry.names()[1]!r}?" in done.err
