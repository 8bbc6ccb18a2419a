"""One page on a model and a table, which needs no network connection and runs nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pellucid
from pellucid.plots.page import check_can_draw
from pellucid.tables.report import sections
from pellucid.tables.report.css import CSS
from pellucid.tables.report.html import Html, element, joined
from pellucid.tables.report.subject import Subject

if TYPE_CHECKING:
    from pellucid.tables.model import TableModel

MARK = '<meta name="generator" content="pellucid '  # by which a page is known to be a report

# Name, heading, and what writes it.
SECTIONS: tuple[tuple[str, str, Callable[[Subject], Html]], ...] = (
    ("worth", "What it is worth", sections.worth),
    ("predictions", "Predictions", sections.predictions),
    ("importance", "Which columns matter", sections.importance),
    ("explanations", "Why it answers so", sections.explanations),
    ("health", "Health", sections.health),
    ("columns", "Columns", sections.columns),
    ("training", "Training", sections.training),
    ("network", "The network", sections.network),
    ("notes", "Notes", sections.notes),
)


def report_page(
    model: TableModel, source: Any, *, try_fixes: bool = True, words: Callable[[str], str] = str
) -> str:
    """The report of a model on a table, as an HTML page.

    Parameters
    ----------
    model : TableModel
        The model.
    source : path, stream, data frame or dict
        A table with the target.
    try_fixes : bool
        Whether what findings advise is tried in short fits.
    words : callable
        Puts a sentence into the words of who asked: the command names its options.

    Raises
    ------
    CallError
        If matplotlib is not installed.
    TableError, DataError
        If the table lacks columns or targets.
    """
    check_can_draw()
    subject = Subject.of(model, source, try_fixes, words)
    written = [(name, heading, write(subject)) for name, heading, write in SECTIONS]
    links = [element("a", heading, href=f"#{name}") for name, heading, _ in written]
    body = [
        sections.head(subject),
        element("nav", *links),
        *(element("section", element("h2", heading), inside, id=name) for name, heading, inside in written),
        element("footer", f"Written by pellucid {pellucid.__version__}. This page is complete in itself."),
    ]
    top = [
        element("meta", charset="utf-8"),
        Html(f'{MARK}{pellucid.__version__}">'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{subject.names}: a report"),
        Html(f"<style>{CSS}</style>"),
    ]
    page = element("html", element("head", *top), element("body", joined(body)), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"
