"""The options that draw: files appear, other files are safe, and only these options load matplotlib."""

import subprocess
import sys
from xml.etree import ElementTree

import pytest

PNG, PDF = b"\x89PNG\r\n", b"%PDF-"


def letters(path):
    """The outlined texts of an SVG file, which stand in its comments."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    root = ElementTree.parse(path, parser).getroot()
    return [e.text.strip() for e in root.iter() if e.tag is ElementTree.Comment]


def test_fit_draws_learning_curves(call, folder, penguins):
    small = ["--hidden", "4", "--epochs", "3", "--quiet"]
    done = call("fit", penguins, "--target", "species", "--plot", "curve.svg", *small)
    assert done.code == 0
    assert "The picture is in curve.svg." in done.err
    assert "Training ran 3 epochs and stopped: all 3 epochs are over." in " ".join(letters("curve.svg"))


def test_show_draws_the_network_and_one_neuron_in_it(call, folder, classifier):
    assert call("show", classifier, "--plot", "net.svg").code == 0
    assert {"bill_length_mm", "Gentoo", "hidden_1"} <= set(letters("net.svg"))
    done = call("show", classifier, "--neuron", "hidden_1/3", "--plot", "neuron.pdf", "--json")
    assert done.json["neuron"] == "hidden_1/3"
    assert (folder / "neuron.pdf").read_bytes().startswith(PDF)


def test_evaluate_draws_predictions_and_calibration(call, folder, classifier, penguins):
    options = ["--plot", "matrix.svg", "--plot-calibration", "calibration.png"]
    done = call("evaluate", classifier, "-", *options, "--json", stdin=penguins.read_bytes())
    right = round(done.json["scores"]["accuracy"] * 344)
    assert any(text.startswith(f"Right in {right} of 344 rows") for text in letters("matrix.svg"))
    assert (folder / "calibration.png").read_bytes().startswith(PNG)


def test_numbers_have_no_calibration(call, folder, regressor, penguins):
    done = call("evaluate", regressor, penguins, "--plot-calibration", "c.png")
    assert done.code == 2
    assert "predicts numbers, and --plot-calibration is for classes. Use --plot." in done.err
    assert call("evaluate", regressor, penguins, "--plot", "c.png").code == 0


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("net.jpg", "a picture is saved as .png, .svg or .pdf, but got 'net.jpg'."),
        ("data.png", "'data.png' is there already and is no picture, so it is not overwritten."),
        ("nowhere/net.png", "there is no folder 'nowhere'"),
        ("folder.png", "'folder.png' is a folder."),
    ],
)
def test_what_would_fail_is_refused_before_the_work(call, folder, classifier, penguins, name, sentence):
    (folder / "data.png").write_text("a,b\n1,2\n")
    (folder / "folder.png").mkdir()
    commands = (
        ["show", classifier],
        ["evaluate", classifier, penguins],
        ["fit", penguins, "--target", "species"],
    )
    for command in commands:
        done = call(*command, "--plot", name)
        assert (done.code, done.out) == (2, "")
        assert sentence in done.err
    assert (folder / "data.png").read_text() == "a,b\n1,2\n"
    assert not list(folder.glob("*.pellucid"))


def test_a_picture_replaces_a_picture(call, folder, classifier):
    for head in (PNG, PDF, b'<?xml version="1.0"?>\n<svg>'):
        (folder / "net.svg").write_bytes(head)
        assert call("show", classifier, "--plot", "net.svg").code == 0
        assert "hidden_1" in letters("net.svg")


def test_commands_that_draw_nothing_do_not_load_matplotlib(classifier, penguins):
    model, data = str(classifier), str(penguins)
    calls = [
        ["show", model],
        ["show", model, "--neuron", "output/0"],
        ["evaluate", model, data],
        ["predict", model, data],
        ["explain", model, data, "--row", "3"],
        ["check", model, data, "--no-trials"],
        ["columns", data],
    ]
    code = (
        "import sys\nfrom pellucid.cli.main import main\n"
        f"for call in {calls!r}:\n    assert main(call) == 0, call\n"
        "    assert 'matplotlib' not in sys.modules, call"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
