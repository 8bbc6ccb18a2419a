"""`pellucid fit --weight COLUMN` and `--metric NAME`, and where they show."""

import numpy as np
import polars as pl

import pellucid

SMALL = ["--hidden", "6", "--epochs", "5", "--quiet"]


def write(path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    y = np.where(x + rng.normal(size=300) > 1.5, "yes", "no")
    frame = pl.DataFrame({"x": x, "much": rng.choice([0, 1, 2], 300), "y": y})
    frame.write_csv(path)
    return frame


def test_a_weight_is_no_input_and_a_metric_decides(call, tmp_path):
    frame = write(tmp_path / "t.csv")
    place = tmp_path / "m.pellucid"
    options = ["--target", "y", "--weight", "much", "--metric", "f1", "--out", str(place)]
    fitted = call("fit", str(tmp_path / "t.csv"), *options, *SMALL)
    assert fitted.code == 0
    n = int((frame["much"] == 0).sum())
    assert f"{n} rows are left out, as the weight is 0." in fitted.out
    assert (
        "Answers are chosen for f1, on these rows: yes is answered where its probability is above"
        in fitted.out
    )
    shown = call("show", str(place))
    assert "Answers are chosen for f1" in shown.out
    threshold = call("show", str(place), "--json").json["decision"]["numbers"][0]
    model = pellucid.load(place)
    assert [c.name for c in model.encoding.columns] == ["x"]
    predicted = call("predict", str(place), str(tmp_path / "t.csv"))
    found = pl.read_csv(predicted.out.encode())
    said = np.where(found["probability_yes"].to_numpy() > threshold, "yes", "no")
    assert found["prediction"].to_list() == said.tolist()
    scores = call("evaluate", str(place), str(tmp_path / "t.csv"), "--json").json["scores"]
    right = said == frame["y"].to_numpy()
    assert scores["accuracy"] == np.mean(right)
    weighed = call("evaluate", str(place), str(tmp_path / "t.csv"), "--weight", "much", "--json").json[
        "scores"
    ]
    assert weighed["accuracy"] == np.average(right, weights=frame["much"].to_numpy())


def test_wrong_names_end_in_a_sentence(call, tmp_path):
    write(tmp_path / "t.csv")
    wrong = call("fit", str(tmp_path / "t.csv"), "--target", "y", "--weight", "mush", *SMALL)
    assert wrong.code == 2
    assert "has no weight column 'mush'. Did you mean 'much'?" in wrong.err
    wrong = call("fit", str(tmp_path / "t.csv"), "--target", "y", "--metric", "f2", *SMALL)
    assert wrong.code == 2
    assert "must be one of accuracy, balanced_accuracy, f1, but is 'f2'" in wrong.err
