"""The report: its numbers, its form, and that nothing in a table can break out of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid.tables.report.html import EMPTY, Html, bar, element, text
from pellucid.tables.report.page import SECTIONS, report_page

rng = np.random.default_rng(0)
N = 60
A, B = rng.normal(0, 1, (2, N))
NUMBERS: dict[str, Any] = {"a": A.tolist(), "b": B.tolist(), "sum": (A + B).tolist()}
EVIL = [
    "<script>alert(1)</script>", "\" onmouseover=\"alert(1)", "</style></svg></body>", "]]>--><!--",
    "&lt;b&gt;", "{{7*7}}", "javascript:alert(1)", "url(#x) id=\"y\"", "$x$\\", "http://example.org/x.js",
]  # fmt: skip


class Reader(HTMLParser):
    """What a browser makes of a page: its elements, their attributes, its text; refuses what is left open."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        """All text with single blanks."""
        return " ".join(" ".join(self.text).split())


def check_is_safe(page: str) -> Reader:
    """That a page runs nothing, fetches nothing, and has no name twice."""
    read = Reader(page)
    assert not {"script", "iframe", "object", "embed", "link", "img", "base", "form"} & set(read.tags)
    for tag, name, value in read.attributes:
        assert not name.startswith("on"), (tag, name)
        if name in ("href", "src", "xlink:href", "action"):
            assert value.startswith("#") or (tag == "image" and value.startswith("data:image/png;base64,"))
        if name == "style":
            assert "url(" not in value.replace("url(#", ""), value
    ids = [value for _, name, value in read.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for link in (value for tag, name, value in read.attributes if name == "href" and tag != "image"):
        assert link[1:] in ids
    return read


@pytest.fixture(scope="module")
def regressor():
    return pellucid.fit_table(NUMBERS, "sum", hidden=[4], epochs=5)


@pytest.fixture(scope="module")
def page(regressor):
    return report_page(regressor, NUMBERS, try_fixes=False)


def test_a_page_is_well_formed_and_complete_in_itself(page):
    read = check_is_safe(page)
    assert page.startswith("<!DOCTYPE html>\n<html")
    assert "http" not in page
    assert {name for name, _, _ in SECTIONS} <= {
        v for t, n, v in read.attributes if (t, n) == ("section", "id")
    }
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page
    assert read.tags.count("svg") == 4


def test_it_tells_the_numbers_of_the_model(regressor, page):
    words = check_is_safe(page).words
    scores = regressor.evaluate(NUMBERS)
    assert f"{scores['rmse']:.4g} rmse on the 60 rows of {regressor.read(NUMBERS).origin.name}" in words
    evidence = regressor.evidence
    assert evidence.verdict in words
    rmse, mae, r2 = (evidence.scores["straight line"][n] for n in ("rmse", "mae", "r2"))
    assert f"straight line, at the fit, on 12 validation rows {rmse:.4g} {mae:.4g} {r2:.4f}" in words
    assert regressor.history.reason in words
    for note in regressor.notes:
        assert note in words
    for role in regressor.encoding.roles:
        assert f"{role.name} {role.kind} {role.reason[:1].upper()}{role.reason[1:]}." in words


def test_the_rows_that_are_explained_are_the_worst_and_the_median(regressor, page):
    words = check_is_safe(page).words
    losses = (regressor.predict(NUMBERS) - NUMBERS["sum"]) ** 2
    order = np.argsort(-losses, kind="stable")
    told = [int(n) for n in re.findall(r"Row (\d+),", words)]
    assert told == [order[0] + 1, order[1] + 1, order[30] + 1]
    found = regressor.explain(NUMBERS, told[0])
    largest = found.attribution.order[0]
    by = f"{found.attribution.contributions[largest]:+.4g}".replace("-", "−")
    assert f"{found.attribution.inputs[largest]} {found.attribution.values[largest]}" in words
    assert by in words


def test_columns_are_ranked_by_importance(regressor, page):
    found = regressor.importance(NUMBERS)
    words = check_is_safe(page).words
    places = [words.index(f"{c} {v:.4g}") for c, v in zip(found.columns, found.contributions, strict=True)]
    assert places == sorted(places)


def test_hostile_names_and_values_stay_texts(tmp_path):
    table: dict[str, Any] = {name: rng.normal(0, 1, N).tolist() for name in EVIL}
    table["<i>kind</i>"] = [EVIL[i % 4] for i in range(N)]
    target = "</title><b>target</b>"
    table[target] = [EVIL[i % 2] for i in range(N)]
    model = pellucid.fit_table(table, target, hidden=[3], epochs=3)
    path = tmp_path / "report.html"
    model.write_report(table, path, try_fixes=False)
    read = check_is_safe(path.read_text("utf-8"))
    for name in (*EVIL, "<i>kind</i>", target):
        assert any(name in piece for piece in read.text), name
    assert "b" in read.tags  # its own, not the table's
    assert not any("target" in piece for tag, piece in zip(read.tags, read.text, strict=False) if tag == "b")


def test_many_classes_and_columns():
    table: dict[str, Any] = {f"x{i}": rng.normal(0, 1, 300).tolist() for i in range(230)}
    table["class"] = [f"class {i % 20:02}" for i in range(300)]
    model = pellucid.fit_table(table, "class", hidden=[3], epochs=2)
    read = check_is_safe(report_page(model, table, try_fixes=False))
    assert "one of 20 classes: class 00, class 01," in read.words
    assert "class 11, and 8 more." in read.words
    assert "And 30 more columns." in read.words
    assert "218 other columns move it less." in read.words


def test_few_rows_several_targets_a_recorded_fit_and_a_long_category():
    few = {"a": [1.0, 2.0, 3.5, 4.0], "y": [1.0, 2.0, 3.0, 5.0]}
    model = pellucid.fit_table(few, "y", hidden=[2], epochs=2)
    assert "on 4 training rows" in check_is_safe(report_page(model, few, try_fixes=False)).words
    both = NUMBERS | {"difference": (A - B).tolist(), "town": [f"town {i % 25}" for i in range(N)]}
    model = pellucid.fit_table(
        both, ["sum", "difference"], hidden=[3], epochs=2, record=True, categories=["town"]
    )
    read = check_is_safe(report_page(model, both, try_fixes=False))
    assert "A neural network that predicts sum, difference, 2 numbers." in read.words
    assert read.tags.count("svg") == 5  # with the distributions over the epochs


def test_findings_are_told():
    # A network that was given one row twice and trained for long learns it by heart; labels are noise.
    noise = {"a": A.tolist(), "b": B.tolist(), "y": rng.normal(0, 1, N).tolist()}
    model = pellucid.fit_table(noise, "y", hidden=[64], epochs=150, dropout=0.0, patience=None)
    found = model.health(noise, [], try_fixes=False)
    assert found.findings
    words = check_is_safe(report_page(model, noise, try_fixes=False)).words
    for finding in found.findings:
        assert " ".join(finding.measured.split()) in words
        assert " ".join(finding.try_this.split()) in words


def test_the_words_are_those_of_who_asked(regressor):
    regressor.notes.append("Pass task='classification'.")
    page = report_page(regressor, NUMBERS, try_fixes=False, words=lambda s: s.replace("task='c", "--task c"))
    assert "Pass --task classification&#x27;." in page
    regressor.notes.pop()


def test_markup_is_escaped_unless_it_is_markup():
    assert element("a", "<b>", Html("<i></i>"), title='"') == '<a title="&quot;">&lt;b&gt;<i></i></a>'
    assert text("a\x00b\ud800\u202ec") == "a b□□c"
    assert "left:25.00%;width:25.00%" in bar(-1.0, 2.0)
    assert "left:0.00%;width:50.00%" in bar(1.0, 2.0, is_signed=False)
    assert "width:0.00%" in bar(0.0, 0.0)
