"""Rows that stand out: labels that look wrong, and a few rows that make most of the loss."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.health.check import check
from pellucid.health.finding import Finding, listed
from pellucid.health.subject import Subject

USUAL_ERRORS = 0.01  # share of wrong classes in the surer half of the rows that is nothing unusual
UNLIKELY = 1e-3
MOST_ERRORS = 0.17  # in all rows: where there are more, wrong labels and overlap look alike
EVENLY = 2.3  # errors in all rows beside those in the surer half: classes that overlap leave few there
OUTLYING = 15.0  # standard deviations, by the median absolute deviation
OF_THE_SPREAD = 1.5  # standard deviations of the target that an outlying residual has at least
LEAST_ROWS = 50
TOP, MOST_TOP = 0.01, 20  # share and number of rows that drive the loss
DRIVES, MATTERS = 0.5, 0.1  # share of the whole loss, and of the trivial one


@check
def suspicious_labels(subject: Subject) -> Iterator[Finding]:
    """Rows whose class or number is not what all else says, judged by networks that did not learn from them.

    Classes: where classes overlap, errors gather where the network is unsure; wrong labels are spread
    evenly, so that the surer half of the rows has nearly as many as the other. Numbers: residuals of more
    than fifteen standard deviations of the others.
    """
    rows, outputs = _outputs(subject)
    if len(rows) < LEAST_ROWS or subject.history.stopped_by == "diverged":  # who learned nothing cannot judge
        return
    p = subject.probabilities(outputs)
    if p is not None:
        assert subject.classes is not None
        found, measured = _wrong_classes(p, subject.classes[rows])
    elif subject.y.task == "regression":
        found, measured = _outlying(outputs - subject.matrix[rows], subject.matrix[rows])
    else:
        return
    if not len(found):
        return
    chosen = rows[found]
    named = [subject.rows[i] for i in chosen.tolist()]
    yield Finding(
        "suspicious labels",
        f"row{'s' if len(named) > 1 else ''} {listed(named)}",
        measured,
        "A network bends itself to fit targets that are wrong, and is judged by them.",
        "look at these rows; correct their target or leave them out.",
        subject.trial("learned without these rows", left_out=chosen),
        {"rows": named},
    )


@check
def rows_that_drive_the_loss(subject: Subject) -> Iterator[Finding]:
    """A hundredth of the rows, twenty at most, that makes more than half of the whole loss."""
    losses, n = np.asarray(subject.losses, np.float64), len(subject.X)
    total, k = float(losses.sum()), min(MOST_TOP, max(1, int(TOP * n)))
    if n < LEAST_ROWS or not total > 0:
        return
    top = np.argsort(-losses, kind="stable")[:k]
    part = float(losses[top].sum())
    if part <= DRIVES * total or part / n <= MATTERS * subject.trivial_loss:
        return
    needed = int(np.searchsorted(np.cumsum(losses[top]), DRIVES * total)) + 1
    chosen = top[:needed]
    named = [subject.rows[i] for i in chosen.tolist()]
    is_one = len(named) == 1
    yield Finding(
        "rows that drive the loss",
        f"row{'' if is_one else 's'} {listed(named)}",
        f"{len(named)} of {n:,} rows make{'s' if is_one else ''} {losses[chosen].sum() / total:.0%} of the "
        f"whole loss; the largest is {losses[top[0]]:.4g}, the median {np.median(losses):.4g}.",
        "The weights follow these few rows rather than all the others.",
        "look at these rows; for numbers with outliers the loss huber.",
        subject.trial("learned without these rows", left_out=chosen),
        {"rows": named, "share": part / total},
    )


def _outputs(subject: Subject) -> tuple[Array, Array]:
    """Rows and outputs for them: of networks that have not learned from them, where that is cheap."""
    crossed = subject.trials.cross_fitted() if subject.trials else None
    return crossed or (np.arange(len(subject.X)), subject.outputs)


def _wrong_classes(p: Array, given: Array) -> tuple[Array, str]:
    """Which rows are of another class than is sure, and what was measured; none where that is usual."""
    likely = p.argmax(axis=1)
    best, of_given = p.max(axis=1), p[np.arange(len(p)), given]
    wrong, n = likely != given, len(p) // 2
    surest = np.argsort(-best, kind="stable")[:n]
    errors, usual = int(wrong[surest].sum()), USUAL_ERRORS * n
    is_even = wrong.mean() <= min(MOST_ERRORS, EVENLY * errors / n)
    if not is_even or _at_least(errors, usual) > UNLIKELY:
        return np.arange(0), ""
    found = surest[wrong[surest]]
    found = found[np.argsort(of_given[found], kind="stable")]
    return found, (
        f"Of the {n} rows whose class is surest {errors} are given another one; {usual:.1f} would be usual. "
        f"Their class has the mean probability {of_given[found].mean():.2g}, another one "
        f"{best[found].mean():.2f}."
    )


def _outlying(residuals: Array, targets: Array) -> tuple[Array, str]:
    """Which rows have a residual far beyond the others, and what was measured."""
    r = residuals - np.median(residuals, axis=0)
    unit = 1.4826 * np.median(np.abs(r), axis=0)  # the standard deviation, if they are normal
    low, high = np.quantile(targets, [0.25, 0.75], axis=0)
    spread = (high - low) / 1.349
    far = np.abs(r) / np.where(unit > 0, unit, np.inf)
    is_far = ((far > OUTLYING) & (np.abs(r) > OF_THE_SPREAD * spread)).any(axis=1)
    found = np.flatnonzero(is_far)
    found = found[np.argsort(-far[found].max(axis=1), kind="stable")]
    return found, (
        f"{len(found)} residual{'s are' if len(found) > 1 else ' is'} more than {OUTLYING:g} standard "
        f"deviations of the others from their median; the largest {far.max():.3g}."
    )


def _at_least(k: int, mean: float) -> float:
    """The probability that a Poisson number with this mean is k or more."""
    below = sum(math.exp(i * math.log(mean) - mean - math.lgamma(i + 1)) for i in range(k))
    return max(0.0, 1.0 - below)
