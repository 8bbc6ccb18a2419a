"""What the curves of the training tell: too little learned, or the rows by heart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.glass.wiring import all_layers
from pellucid.health.check import check
from pellucid.health.finding import Finding
from pellucid.health.histories import OF_TRAINING, at_best, curve_of, still_falling
from pellucid.health.subject import Subject
from pellucid.health.trials import Specs, settings_of
from pellucid.optimizers import OPTIMIZERS

STILL_FALLING = 0.05  # share of the trivial loss
WORSE_THAN_A_LINE = 0.05  # of the trivial loss
GAP, TIMES = 0.25, 2.0  # share of the trivial loss, and multiple of the training loss
ROWS_PER_INPUT = 5
MORE = 10  # times as many epochs


@check
def underfitting(subject: Subject) -> Iterator[Finding]:
    """A loss that was still falling when training stopped, or that a straight line beats."""
    trivial, last = subject.trivial_loss, _last_losses(subject)
    if not last or subject.history.stopped_by == "diverged" or not trivial > 0:
        return
    falls = [fall for history in subject.histories if (fall := still_falling(history))]
    fall = max(falls, key=lambda fall: fall.by, default=None)
    if fall and fall.by > STILL_FALLING * trivial:
        yield Finding(
            "underfitting",
            "training",
            f"In the last {fall.epochs} of {fall.of} epochs the {fall.name}{_of_several(subject, ' of one')} "
            f"fell from {fall.start:.4g} to {fall.end:.4g}, by {fall.by / trivial:.0%} of the loss of a "
            "trivial answer.",
            "The network was still learning when training stopped.",
            "three times as many epochs.",
            subject.trial("three times as many epochs", times=3),
            {"from": fall.start, "to": fall.end, "epochs": fall.epochs, "trivial_loss": trivial},
        )
        return
    line = _line(subject)
    if line is None or subject.losses.mean() > TIMES * np.mean(last):  # other rows than those learned from
        return
    by_network, by_line = (_left_over(subject, found) for found in (subject.outputs[subject.sample], line))
    if by_network - by_line <= WORSE_THAN_A_LINE:
        return
    what = "the variance of the target" if subject.classes is None else "the errors of a trivial answer"
    try_this, change = (
        "adam at its own learning rate, and the usual first weights",
        {"layers": _usual_weights, "optimizer": "adam", "learning_rate": None},
    )
    if _is_usual(subject):
        try_this, change = f"{MORE} times as many epochs", {"times": MORE}
    yield Finding(
        "underfitting",
        "network",
        f"The network leaves {by_network:.3g} of {what}, a straight line through the rows {by_line:.3g}; "
        "1 would be a trivial answer.",
        "The rows tell more than the network has learned from them.",
        f"{try_this}.",
        subject.trial(try_this, **change),
        {"network": by_network, "line": by_line, "trivial_loss": trivial},
    )


@check
def overfitting(subject: Subject) -> Iterator[Finding]:
    """A loss on other rows far above the one on the rows that were learned from."""
    trivial, best = subject.trivial_loss, [at for h in subject.histories if (at := at_best(h))]
    if not best or not trivial > 0:
        return
    seen = float(np.mean([b.seen for b in best]))
    held = [b.held for b in best if b.held is not None]
    lowest = [b.lowest for b in best if b.lowest is not None]
    where, other = "the given rows", float(subject.losses.mean())
    if held:
        where, other = f"validation rows{_of_several(subject, ', in the mean')}", float(np.mean(held))
    if other - seen > GAP * trivial and other > TIMES * seen:
        told = "" if not held else f"; the lowest on validation rows was {min(lowest):.4g}"
        has_dropout = any(la.kind == "dropout" for la in all_layers(subject.net._definitions))
        advice = "Dropout(0.2) behind the hidden layers"
        yield Finding(
            "overfitting",
            "network",
            f"The loss is {seen:.4g} on the training rows and {other:.4g} on {where}{told}.",
            "The network knows its training rows by heart, and other rows less well.",
            f"{'more dropout' if has_dropout else advice}; more rows, fewer neurons, less patience.",
            None if has_dropout else subject.trial(advice, layers=_with_dropout),
            {"training": seen, "other": other, "trivial_loss": trivial},
        )


def _last_losses(subject: Subject) -> list[float]:
    """The loss of each network in its last epoch, on the rows that it learned from."""
    curves = [curve_of(history, *OF_TRAINING) for history in subject.histories]
    return [curve[-1] for curve in curves if curve]


def _of_several(subject: Subject, how: str) -> str:
    """Of which networks something is said, where there are several."""
    n = len(subject.histories)
    return f"{how} of {n} networks" if n > 1 else ""


def _line(subject: Subject) -> Array | None:
    """Least squares through the sample; None where there are too few rows for that."""
    X = np.asarray(subject.X[subject.sample], np.float64)[:, ~subject.is_code]
    if len(X) < ROWS_PER_INPUT * (X.shape[1] + 1) or not X.shape[1]:
        return None
    spread = X.std(axis=0)
    X = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1)
    X = np.hstack([X, np.ones((len(X), 1))])
    return np.asarray(X @ np.linalg.lstsq(X, subject.matrix[subject.sample], rcond=1e-6)[0])


def _left_over(subject: Subject, outputs: Array) -> float:
    """What outputs leave of the squared errors of the mean, or of the errors of the most frequent class."""
    Y = np.asarray(subject.matrix[subject.sample], np.float64)
    if subject.classes is None:
        whole = ((Y - Y.mean(axis=0)) ** 2).sum()
        return float(((Y - outputs) ** 2).sum() / whole) if whole > 0 else 0.0
    classes = subject.classes[subject.sample]
    middle = float(np.mean(subject.loss.only)) if subject.loss.only else 0.5
    found = outputs.argmax(axis=1) if outputs.shape[1] > 1 else outputs[:, 0] > middle
    trivial = 1 - np.bincount(classes).max() / len(Y)
    return float((found != classes).mean() / trivial) if trivial > 0 else 0.0


def _is_usual(subject: Subject) -> bool:
    """Whether the training was by adam, no slower than at its own learning rate, from usual first weights."""
    settings, specs = settings_of(subject.net), [la.spec for la in subject.net._definitions]
    is_fast = (settings["learning_rate"] or 0.0) >= OPTIMIZERS.find("adam").settings["learning_rate"] / 2
    return settings["optimizer"] == "adam" and is_fast and _usual_weights(specs) == specs


def _usual_weights(specs: Specs) -> Specs:
    return [{**s, "initializer": None} if s["kind"] == "dense" else s for s in specs]


def _with_dropout(specs: Specs) -> Specs:
    """Dropout behind each dense layer but the last."""
    dense = [i for i, s in enumerate(specs) if s["kind"] == "dense"][:-1]
    dropout = {"kind": "dropout", "rate": 0.2}
    return [new for i, s in enumerate(specs) for new in ([s, dropout] if i in dense else [s])]
