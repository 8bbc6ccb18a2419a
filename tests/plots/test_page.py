"""What all pictures share: files, fonts, hostile names, and settings that are left as they were."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from pictures import letters, texts

from pellucid import Dense, Input, Network
from pellucid.errors import ArgumentError
from pellucid.plots import style
from pellucid.plots.confusion import confusion_matrix
from pellucid.plots.learning import learning_curves
from pellucid.plots.page import render

LOSSES = {"loss": [1.0, 0.5]}
HOSTILE = [
    "<script>alert(1)</script>", "$\\frac{1}{", "_hidden", "a\nb\x00c", "\ud800", "]]>&amp;", "--", "名前",
    "x" * 500, " ", "%s {0}", "\u202eright to left", "\ufffe", "𝒳",
]  # fmt: skip


@pytest.mark.parametrize(("ending", "head"), [("png", b"\x89PNG\r\n"), ("pdf", b"%PDF-"), ("svg", b"<?xml")])
def test_files_are_what_their_ending_says(tmp_path, ending, head):
    path = tmp_path / f"curve.{ending.upper()}"
    figure = learning_curves(LOSSES, path=path)
    assert path.read_bytes().startswith(head)
    assert path.read_bytes() == render(figure, ending)
    if ending == "svg":
        assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_the_same_numbers_give_the_same_bytes():
    one, two = (render(learning_curves(LOSSES), format) for format in ("svg", "svg"))
    assert one == two


def test_a_notebook_shows_a_figure_without_pyplot():
    assert learning_curves(LOSSES)._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("path", ["curve.jpg", "curve", "curve.png.csv"])
def test_other_endings_are_refused(path, tmp_path):
    with pytest.raises(ArgumentError, match=r"saved as \.png, \.svg or \.pdf"):
        learning_curves(LOSSES, path=tmp_path / path)
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_written_is_a_sentence(tmp_path):
    with pytest.raises(ArgumentError, match="cannot be written: no such file or directory"):
        learning_curves(LOSSES, path=tmp_path / "nowhere" / "curve.png")


@pytest.mark.parametrize("format", ["png", "svg", "pdf"])
def test_hostile_names_are_harmless(format):
    names = [f"{name} {i}" if HOSTILE.count(name) > 1 else name for i, name in enumerate(HOSTILE)]
    net = Network([Input(names), Dense(2)], seed=0)
    classes = range(len(HOSTILE))
    for figure in (net.plot(), confusion_matrix(classes, classes, HOSTILE, target=HOSTILE[0])):
        content = render(figure, format)
        if format == "svg":
            root = ElementTree.fromstring(content)
            assert not [e for e in root.iter() if e.tag.endswith("script")]


def test_names_are_shown_as_they_are_written():
    found = letters(Network([Input(["<b>", "$x$ & $y$", "_hidden"]), Dense(1)], seed=0).plot())
    assert {"<b>", "$x$ & $y$", "_hidden"} <= {t.strip() for t in found}


def test_a_character_is_taken_from_a_font_that_has_it():
    # A mathematical italic x: the pictures' own font lacks it, one that comes with matplotlib has it.
    figure = Network([Input(["𝑥"]), Dense(1)], seed=0).plot()
    (text,) = [t for t in figure.axes[0].texts if t.get_text() == "𝑥"]
    assert len(text.get_fontfamily()) == 2
    assert style.font_of("𝑥") in text.get_fontfamily()


def test_settings_of_the_process_are_not_changed_and_do_not_matter():
    expected = render(learning_curves(LOSSES))
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30, "axes.grid": False}):
        before = dict(matplotlib.rcParams)
        assert render(learning_curves(LOSSES)) == expected
        assert dict(matplotlib.rcParams) == before


def test_pyplot_is_never_loaded():
    code = (
        "import sys\nfrom pellucid.plots.learning import learning_curves\n"
        "assert 'matplotlib' not in sys.modules\n"
        "learning_curves({'loss': [1.0]})\nprint('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_without_matplotlib_there_is_a_sentence():
    code = (
        "import sys\nsys.modules['matplotlib'] = None\n"
        "from pellucid.plots.learning import learning_curves\n"
        "try:\n    learning_curves({'loss': [1.0]})\n"
        "except Exception as error:\n    print(type(error).__name__, error)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        "CallError pictures need matplotlib, which is not installed. "
        "Install it: pip install 'pellucid[plot]'.\n"
    )


def test_numbers_are_written_for_people():
    assert [style.number(v) for v in (0.0, 1e-9, -123456.7, np.inf)] == ["0", "1e−09", "−123,457", "∞"]
    assert texts(learning_curves({"loss": [2e6, 1e6]}))[-1] != ""
