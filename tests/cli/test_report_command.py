"""`pellucid report`: a page appears, and no file is lost."""

import pytest


def test_writes_a_page_beside_the_others(call, folder, classifier, penguins):
    done = call("report", classifier, penguins, "--no-trials")
    assert (done.code, done.out) == (0, "The report is in species.html.\n")
    page = (folder / "species.html").read_text("utf-8")
    assert "What penguins.csv says about species" in page
    assert "pass --category year." in page  # the option rather than the argument of Python
    assert "categories=[" not in page
    again = call("report", classifier, "-", "--no-trials", "--json", stdin=penguins.read_bytes())
    assert again.json["report"] == "species-2.html"
    assert (folder / "species.html").read_text("utf-8") == page
    assert "What standard input says about species" in (folder / "species-2.html").read_text("utf-8")


def test_a_report_replaces_a_report_and_nothing_else(call, folder, classifier, penguins):
    (folder / "page.html").write_text('<html><head><meta name="generator" content="pellucid 0.0.1">')
    assert call("report", classifier, penguins, "--out", "page.html", "--no-trials").code == 0
    assert "What penguins.csv says" in (folder / "page.html").read_text("utf-8")
    (folder / "notes.html").write_text("<p>my own notes")
    done = call("report", classifier, penguins, "--out", "notes.html")
    assert done.code == 2
    assert "'notes.html' is there already and is no report, so it is not overwritten." in done.err
    assert (folder / "notes.html").read_text() == "<p>my own notes"


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("island,sex\nDream,male\n", "no target column 'species'"),
        ("species\nAdelie\n", "lacks"),
        ("", "empty"),
    ],
)
def test_a_wrong_table_leaves_no_file(call, folder, classifier, table, sentence):
    (folder / "data.csv").write_text(table)
    done = call("report", classifier, "data.csv")
    assert done.code == 2
    assert sentence in done.err
    assert [p.name for p in folder.iterdir()] == ["data.csv"]
