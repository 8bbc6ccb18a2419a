"""The sections of the report, each a function from its subject to markup."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pellucid.glass.wiring import all_layers, has_neurons
from pellucid.plots.style import name, number, plural
from pellucid.tables.evidence import LINE, NETWORK, TRIVIAL, shown
from pellucid.tables.report.html import Html, bar, element, joined, table
from pellucid.tables.report.subject import Subject
from pellucid.tables.report.svg import picture

if TYPE_CHECKING:
    from pellucid.health.finding import Finding
    from pellucid.training.history import History

MOST_COLUMNS = 200  # that are told one by one
MOST_MOVERS = 12  # columns that are told of a row
MOST_CLASSES = 12  # that are named above


def head(subject: Subject) -> Html:
    """What the model is, in a few sentences and numbers."""
    model = subject.model
    n_targets = len(model.target.names)
    numbers = "a number" if n_targets == 1 else f"{n_targets} numbers"
    task = f"one of {plural(len(model.classes), 'class')}" if model.classes else numbers
    classes = ", ".join(map(str, model.classes[:MOST_CLASSES]))
    more = f", and {len(model.classes) - MOST_CLASSES} more" if len(model.classes) > MOST_CLASSES else ""
    what = f"A neural network that predicts {subject.names}, {task}{f': {classes}{more}' if classes else ''}."
    summary = model.network.summary()
    n_layers = sum(has_neurons(la) for la in all_layers(model.network._definitions))
    used = len(model.encoding.columns)
    cards = [
        (shown(name, value), f"{name} on the {plural(subject.n_rows, 'row')} of {subject.table.origin.name}")
        for name, value in list(subject.scores.items())[:2]
    ]
    cards += [
        (f"{used:,}", "column used" if used == 1 else "columns used"),
        (f"{summary.parameters:,}", f"parameters, in {plural(n_layers, 'layer')} of neurons"),
        trained(model.histories or [model.history]),
    ]
    return joined(
        [
            element("h1", f"What {subject.table.origin.name} says about {subject.names}"),
            element("p", what, class_="lead"),
            element("p", subject.words(model.evidence.verdict)),
            element(
                "div",
                *(
                    element("div", element("b", big), element("span", small), class_="card")
                    for big, small in cards
                ),
                class_="cards",
            ),
        ]
    )


def trained(histories: Sequence[History]) -> tuple[str, str]:
    """For how many epochs, and what."""
    lengths = [len(h) for h in histories]
    low, high = min(lengths), max(lengths)
    span = f"{low:,}" if low == high else f"{low:,}–{high:,}"
    return span, "epochs of training" + (f", of {len(histories)} networks" if len(histories) > 1 else "")


def worth(subject: Subject) -> Html:
    """The evidence of the fit, and the scores on these rows beside it."""
    evidence = subject.model.evidence
    metrics = list(subject.scores)
    which = "validation rows" if evidence.held_out else "training rows"
    at_fit = f"at the fit, on {evidence.n_rows:,} {which}"
    rows = [
        [f"network, on the {plural(subject.n_rows, 'row')} of {subject.table.origin.name}"]
        + [shown(m, subject.scores[m]) for m in metrics]
    ]
    for what in (NETWORK, LINE, TRIVIAL):
        told = f"{what} ({evidence.trivial})" if what == TRIVIAL else what
        rows.append([f"{told}, {at_fit}", *(shown(m, evidence.scores[what][m]) for m in metrics)])
    notes = [element("p", subject.words(note)) for note in subject.notes]
    return joined([table(["", *metrics], rows), *notes])


def predictions(subject: Subject) -> Html:
    """Predictions against the truth, and for classes the calibration."""
    model, data = subject.model, subject.table
    seen = "Predictions against the truth"
    if not model.classes:
        is_plain = subject.n_rows <= 3000
        return picture(model.plot_predictions(data), "predictions", seen, is_plain=is_plain)
    calibration = picture(model.plot_calibration(data), "calibration", "How often comes true what is said")
    matrix = picture(model.plot_predictions(data), "predictions", seen, is_plain=False)
    return element("div", matrix, calibration, class_="side")


def columns(subject: Subject) -> Html:
    """What each column is used for, and why."""
    encoding = subject.model.encoding
    features = {c.name: len(c.feature_names) for c in encoding.columns}
    rows = [
        [r.name, r.kind, why(r.reason, subject.words(r.question)), features.get(r.name, "left out")]
        for r in encoding.roles[:MOST_COLUMNS]
    ]
    parts = [table(["column", "role", "why", "inputs"], rows, n_texts=3)]
    if len(encoding.roles) > MOST_COLUMNS:
        parts.append(
            element("p", f"And {len(encoding.roles) - MOST_COLUMNS:,} more columns.", class_="quiet")
        )
    return joined(parts)


def why(reason: str, question: str) -> str:
    """A reason and what is asked about it, as sentences."""
    sentences = [s[:1].upper() + s[1:] + "." for s in (reason, question) if s]
    return " ".join(sentences)


def training(subject: Subject) -> Html:
    """The learning curves, and why training stopped."""
    history = subject.model.history
    if not len(history):
        return element("p", "The model was not trained.")
    parts = [picture(subject.model.plot_training(), "curves", "Learning curves")]
    if history.kept_distributions or history.recording:
        figure = history.plot_distributions()
        parts.append(picture(figure, "spread", "How weights and activations were spread over the epochs"))
    return joined(parts)


def network(subject: Subject) -> Html:
    """The picture of the network, and its layers."""
    rows = [
        [
            element("span", la.name, style=f"padding-left:{1.2 * la.depth:g}em" if la.depth else None),
            name(la.description, 60) if la.description else "",
            *(f"{n:,}" for n in (la.n_in, la.n_out, la.parameters)),
        ]
        for la in subject.model.network.summary().rows
    ]
    drawn = picture(subject.model.plot(), "network", "The network as neurons and synapses")
    return joined([drawn, table(["layer", "what", "in", "out", "parameters"], rows, n_texts=2)])


def explanations(subject: Subject) -> Html:
    """Which columns moved the answer how far, for the worst rows and a typical one."""
    parts: list[Html] = []
    output = None if subject.model.classes else subject.model.target.names[0]
    for why, row in subject.told_rows:
        found = subject.model.explain(subject.table, row, output=output)
        moved = found.attribution
        largest = max((abs(float(c)) for c in moved.contributions), default=0.0)
        rows: list[list[object]] = []
        movers = [i for i in moved.order if moved.contributions[i]][:MOST_MOVERS]
        for i in movers:
            by = float(moved.contributions[i])
            values = (moved.inputs[i], moved.values[i], moved.baseline_values[i])
            rows.append([*values, bar(by, largest), signed(by)])
        if others := moved.order[len(movers) :]:
            rest = math.fsum(moved.contributions[others])
            rows.append([plural(len(others), "other"), "", "", bar(rest, largest), signed(rest)])
        known = "" if moved.what == found.target else f"The {moved.what} is {number(moved.answer)}. "
        start = f"{known}For {moved.baseline} the answer is {number(moved.start)}."
        head = ["column", "is", "typical", "", "moves the answer by"]
        parts += [
            element("h3", why),
            element("p", found.head),
            element("p", start),
            table(head, rows, n_texts=4),
            element("p", moved.how, class_="quiet"),
        ]
    return joined(parts)


def signed(value: float) -> str:
    """A number with its sign.

    Examples
    --------
    >>> signed(0.25), signed(-1234.5)
    ('+0.25', '−1234')
    """
    return f"{value:+.4g}".replace("-", "−")


def notes(subject: Subject) -> Html:
    """What was decided on the way."""
    return element("ul", *(element("li", subject.words(note)) for note in subject.model.notes))


def importance(subject: Subject) -> Html:
    """How much each column matters to the model."""
    found = subject.importance
    largest, rows = float(found.contributions[0]), []
    for column, by, rise in zip(
        found.columns, found.contributions.tolist(), found.rises.tolist(), strict=True
    ):
        rows.append(
            [column, bar(by, largest, is_signed=False), number(by), "" if math.isnan(rise) else signed(rise)]
        )
    what = f"the {found.what}" if subject.model.classes else found.what
    told = (
        f"How far each column moves {what} away from that of a typical row, in the mean of "
        f"{plural(found.n_rows, 'row')}; and by how much the {found.score} rises where its values are mixed "
        f"up among {plural(found.n_scored, 'row')}, so that they say nothing any more."
    )
    head = ["column", "", "moves it by", f"{found.score} without it"]
    parts = [element("p", told), table(head, rows[:MOST_MOVERS], n_texts=2)]
    if len(rows) > MOST_MOVERS:
        rest = len(rows) - MOST_MOVERS
        less = "1 other column moves it less." if rest == 1 else f"{rest:,} other columns move it less."
        parts.append(element("p", less, class_="quiet"))
    if len(subject.axes) == 2:
        surface = subject.model.plot_surface(subject.table, *subject.axes)
        parts.append(picture(surface, "surface", "What is predicted over two columns", is_plain=False))
    return joined(parts)


def health(subject: Subject) -> Html:
    """What may be wrong with the model, its training, or the rows."""
    found = subject.model.health(subject.table, [], try_fixes=subject.try_fixes)
    looked = f"{len(found.checks)} checks on {plural(found.n_rows, 'row')}"
    if found.is_healthy:
        return element("p", f"Nothing found by {looked}.")
    findings = [finding(f, subject) for f in found.findings]
    return joined([element("p", f"{plural(len(found.findings), 'finding')} by {looked}."), *findings])


def finding(found: Finding, subject: Subject) -> Html:
    """One finding: what was measured, why it matters, what to try, and whether it helped."""
    rows = [("Measured", found.measured), ("Why it matters", found.why), ("Try", found.try_this)]
    if found.helped:
        rows.append(("Tried", str(found.helped)))
    told = [element("p", element("b", f"{what}: "), subject.words(text)) for what, text in rows]
    return element("div", element("h3", f"{found.name}: {found.where}"), *told, class_="finding")
