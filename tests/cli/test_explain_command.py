"""The command `pellucid explain`: its numbers add up, and what is wrong ends in a sentence."""

import polars as pl
import pytest


@pytest.mark.parametrize("row", [1, 4, 17, 200, 344])
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_the_numbers_that_are_printed_add_up(call, request, penguins, kind, row):
    model = request.getfixturevalue(kind)
    result = call("explain", model, penguins, "--row", row, "--json")
    assert result.code == 0
    found = result.json
    total = found["baseline"]["answer"]
    for moved in found["contributions"]:
        total += moved["contribution"]
    for rest in found["rounding"].values():
        total += rest
    assert total == found["answer"]
    assert found["adds_up"] is True
    assert found["difference"] == found["answer"] - found["baseline"]["answer"]
    sizes = [abs(moved["contribution"]) for moved in found["contributions"]]
    assert sizes == sorted(sizes, reverse=True)
    predicted = call("predict", model, penguins, "--json").json["predictions"][row - 1]
    if kind == "regressor":
        assert found["answer"] == found["prediction"] == predicted["prediction"]
    else:
        assert found["prediction"] == predicted["prediction"]
        assert found["answer"] == max(v for k, v in predicted.items() if k.startswith("probability"))


def test_a_row_is_explained_for_people(call, classifier, penguins):
    result = call("explain", classifier, penguins, "--row", 17)
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].startswith("Row 17, line 18 of penguins.csv: species is predicted as ")
    assert lines[0].endswith("The table has Adelie.")
    assert any(line.startswith("bill_length_mm") and " 38.7 " in line for line in lines)
    assert any(line.endswith("checked: they add up exactly.") for line in lines)
    assert "Forward:" in lines
    assert any(line.startswith("Backward, from the loss ") for line in lines)


def test_another_class_is_compared_with_another_row(call, classifier, penguins):
    result = call(
        "explain", classifier, penguins, "--row", 17, "--class", "Gentoo", "--baseline", 200, "--json"
    )
    assert result.json["what"] == "probability of Gentoo"
    assert result.json["baseline"]["what"] == "row 200, line 201 of penguins.csv"
    assert [m["baseline"] for m in result.json["contributions"] if m["input"] == "bill_length_mm"] == ["50.5"]


def test_a_neuron_of_the_row_is_explained(call, classifier, penguins):
    import numpy as np

    import pellucid

    result = call("explain", classifier, penguins, "--row", 17, "--neuron", "hidden_1/3", "--json")
    assert result.code == 0
    found, model = result.json["neuron"], pellucid.load(classifier)
    x = model.encoding.encode(pellucid.tables.reading.read_table(penguins))[16:17]
    trace = model.network.trace(x, np.array([0]))
    assert found["z"] == float(trace["hidden_1"].z[0, 3])
    assert found["delta"] == float(trace["hidden_1"].delta[0, 3])
    assert found["adds_up"] is True
    assert result.json["features"]["island"] == {"island = Torgersen": 1.0}
    text = call("explain", classifier, penguins, "--row", 17, "--neuron", "hidden_1/3").out
    assert text.startswith("Row 17, line 18 of penguins.csv: species is predicted as ")
    assert next(line.split() for line in text.splitlines() if line.startswith("bill_length_mm"))[1] == "38.7"
    assert "bit for bit" in text


def test_all_synapses_of_a_neuron_are_shown_if_asked(call, classifier, penguins):
    asked = ("explain", classifier, penguins, "--row", 17, "--neuron", "hidden_1/3")
    some, every = call(*asked).out, call(*asked, "--all").out
    assert "others together" in some
    assert "others" not in every
    for name in call(*asked, "--json").json["neuron"]["terms"]:
        assert every.count(f"  {name['source']} ") >= 2  # its arithmetic, and its change
    assert "--all is about one row" in call("explain", classifier, penguins, "--all").err


def test_the_answer_stands_in_the_targets_own_unit(call, regressor, penguins):
    found = call("explain", regressor, penguins, "--row", 17, "--json").json
    assert found["way"]["in_own_unit"] == [found["prediction"]]
    lines = call("explain", regressor, penguins, "--row", 17).out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.endswith("in its own unit"))
    assert lines[at + 1].split()[0] == "body_mass_g"
    assert lines[at + 1].split()[-1] == f"{found['prediction']:.6g}"


def test_another_table_is_told_with_its_own_columns(call, classifier, folder):
    (folder / "other.csv").write_text("a,b\n1,2\n")
    for asked in ((), ("--row", 1)):
        result = call("explain", classifier, "other.csv", *asked)
        assert result.code == 2
        assert result.err.startswith("pellucid: other.csv lacks the columns 'island', ")
        assert result.err.endswith(" that the model was trained with. Its columns: a, b.\n")


def test_without_a_row_columns_are_compared(call, classifier, penguins):
    found = call("explain", classifier, penguins, "--json").json
    assert found["what"] == "probability of the predicted class"
    sizes = [column["contribution"] for column in found["columns"]]
    assert sizes == sorted(sizes, reverse=True)
    assert found["n_scored"] == 344
    text = call("explain", classifier, penguins).out
    assert text.startswith("How far each column moves the probability of the predicted class:")
    assert text.splitlines()[3].split()[0] == found["columns"][0]["column"]
    assert "--neuron is about one row" in call("explain", classifier, penguins, "--neuron", "output/0").err


def test_a_row_is_read_from_standard_input(call, classifier, penguins):
    content = "\n".join(penguins.read_text().splitlines()[:3]).encode()
    result = call("explain", classifier, "-", "--row", 2, stdin=content)
    assert result.out.startswith("Row 2, line 3 of standard input: ")


def test_several_targets_are_told_apart(call, penguins, folder):
    small = ("--hidden", 4, "--epochs", 2, "--quiet", "--out", "m.pellucid")
    assert call("fit", penguins, "--target", "body_mass_g", "--target", "year", *small).code == 0
    result = call("explain", "m.pellucid", penguins, "--row", 1)
    assert result.code == 2
    assert "say which, such as --output body_mass_g." in result.err
    assert call("explain", "m.pellucid", penguins, "--row", 1, "--output", "year", "--json").json["adds_up"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--row", 0], "row must be a whole number from 1, but is 0."),
        (["--row", 345], "penguins.csv has 344 rows of data, counted from 1, but row is 345."),
        (["--row", "ten"], 'unable to convert "ten" into int'),
        (["--row", 1, "--baseline", 345], "but baseline is 345."),
        (["--row", 1, "--neuron", "hidden_1/99"], "has the neurons 0 to 7"),
        (["--row", 1, "--class", "Emu"], "there is no class 'Emu'. Known: Adelie, Chinstrap, Gentoo."),
    ],
)
def test_a_wrong_call_is_a_sentence(call, classifier, penguins, arguments, message):
    result = call("explain", classifier, penguins, *arguments)
    assert result.code == 2
    assert message in result.err
    assert result.out == ""


def test_a_network_alone_knows_no_columns(call, penguins, folder):
    from pellucid import Dense, Input, Network

    Network([Input(2), Dense(1)]).save("net.pellucid")
    result = call("explain", "net.pellucid", penguins, "--row", 1)
    assert result.code == 2
    assert "holds a network alone, which knows nothing of columns" in result.err


def test_another_table_is_refused(call, classifier, folder):
    pl.DataFrame({"a": [1], "b": [2]}).write_csv("other.csv")
    result = call("explain", classifier, "other.csv", "--row", 1)
    assert result.code == 2
    assert "other.csv lacks the columns" in result.err
