"""What a comparison on the same rows found, and which answer it says to use: `Comparison`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.glass.text import table_text
from pellucid.tables.evidence import LINE, SURE, TRIVIAL, shown

Numbers = NDArray[np.float64]

MOST_FREEDOM = 1000  # from which on 2 standard errors are 2.00
TREES = "boosted trees"
SIMPLEST_FIRST = TRIVIAL, LINE, "fast", "default", "best", TREES
USE = {
    TRIVIAL: "no model",
    LINE: "a straight line (preset='default', hidden=())",
    "fast": "the network of preset='fast'",
    "default": "the networks of preset='default'",
    "best": "the networks of preset='best'",
    TREES: "scikit-learn's boosted trees",
}


@dataclass(frozen=True)
class Entry:
    """One answer that was compared.

    Parameters
    ----------
    name : str
        Which.
    scores : dict of str to float
        By metric, over all judged rows; the first decides, and less of it is better.
    seconds : float
        How long one training took, in the mean of the folds.
    difference : float
        By how much the first score is worse than that of the best; 0 for the best itself.
    interval : tuple of float
        Where this difference may be: 2 standard errors to both sides, more where few rows or groups tell.
    """

    name: str
    scores: Mapping[str, float]
    seconds: float
    difference: float
    interval: tuple[float, float]

    @property
    def is_worse(self) -> bool:
        """Whether it is worse than the best by more than chance."""
        return self.interval[0] > 0


@dataclass(frozen=True)
class Comparison:
    """Several answers, trained and judged on the same rows; prints as a table with a sentence.

    Parameters
    ----------
    target : str
        What is predicted.
    task : str
        `regression`, `binary` or `multiclass`.
    n_rows, n_folds : int
        Rows that were judged, each by answers that had not seen it, and the parts they were dealt into.
    entries : tuple of Entry
        From the simplest to the trees.
    notes : tuple of str
        Sentences on how the rows were divided, and what could not be tried.
    """

    target: str
    task: str
    n_rows: int
    n_folds: int
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    @property
    def metric(self) -> str:
        """The score that decides; less is better."""
        return next(iter(self.entries[0].scores))

    @property
    def best(self) -> Entry:
        """The one with the best score; of equal ones the simplest."""
        return min(self.entries, key=lambda entry: entry.scores[self.metric])

    @property
    def choice(self) -> Entry:
        """The simplest that is not worse than the best by more than chance; trees are the least simple."""
        return next(entry for entry in self.entries if entry is self.best or not entry.is_worse)

    @property
    def verdict(self) -> str:
        """Which to use and why, in a sentence."""
        chosen, best = self.choice, self.best
        score = f"{self.metric} {shown(self.metric, chosen.scores[self.metric])}"
        if chosen is not best:
            score += f" against {shown(self.metric, best.scores[self.metric])} of {best.name}"
        if chosen.name == TRIVIAL:
            why = f"nothing was found that says more about {self.target} than the trivial answer does"
            return f"Use {USE[TRIVIAL]}: {why} ({score}, beyond chance)."
        if chosen is not best:
            return f"Use {USE[chosen.name]}: nothing is better by more than chance ({score})."
        others = [e for e in self.entries if e is not chosen and e.name != TREES]
        if chosen.name == TREES:
            second = min(others, key=lambda entry: entry.scores[self.metric])
            rest = f"{shown(self.metric, second.scores[self.metric])} of {second.name}"
            score += f" against {rest}"
            return f"Use {USE[TREES]}: they are better than any network here, by more than chance ({score})."
        what = "all that is simpler" if len(others) > 1 else "the trivial answer"
        return (
            f"Use {USE[chosen.name]}: {what} is worse by more than chance, and nothing is better ({score})."
        )

    def __str__(self) -> str:
        head, rows = self.table()
        parts = f"in {self.n_folds} parts" if self.n_folds > 1 else "held back"
        said = f"{self.target} on {self.n_rows:,} rows {parts}, each judged by answers that have not seen it:"
        return "\n".join([said, "", table_text(head, rows, 1), "", self.verdict, *self.notes])

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Names of columns, and the texts of each row."""
        metrics = list(self.entries[0].scores)
        head = ["", *metrics, "worse by", "interval", "seconds"]
        rows = []
        for entry in self.entries:
            values = [shown(m, entry.scores[m]) for m in metrics]
            low, high = (shown(self.metric, v) for v in entry.interval)
            apart = (
                ["best", ""]
                if entry is self.best
                else [shown(self.metric, entry.difference), f"{low} to {high}"]
            )
            rows.append([entry.name, *values, *apart, f"{entry.seconds:.2f}"])
        return head, rows

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        found = {n: getattr(self, n) for n in ("target", "task", "metric", "n_rows", "n_folds")}
        entries = [asdict(e) | {"interval": list(e.interval), "is_worse": e.is_worse} for e in self.entries]
        said = {"best": self.best.name, "use": self.choice.name, "verdict": self.verdict}
        return {**found, "entries": entries, **said, "notes": list(self.notes)}


def entries_of(
    losses: Mapping[str, Numbers],
    others: Mapping[str, Mapping[str, float]],
    seconds: Mapping[str, float],
    *,
    metric: str,
    groups: NDArray[np.int64] | None,
    share: float,
) -> tuple[Entry, ...]:
    """The entries of a comparison, from the simplest on.

    Parameters
    ----------
    losses : dict of str to float64 array (n,)
        By answer, the loss of each judged row: its squared error or its logarithmic loss.
    others : dict of str to dict of str to float
        By answer, scores that are shown beside the first.
    seconds : dict of str to float
        By answer, of one training.
    metric : {"rmse", "log_loss"}
        What the first score is: the mean loss, or its root.
    groups : int64 array (n,), optional
        The group of each row; rows of one are not independent of each other. A negative number is a group
        of its own.
    share : float
        Judged rows over training rows, of all folds together; see `standard_error`.

    Examples
    --------
    >>> losses = {"straight line": np.array([1.0, 2.0, 3.0]), "trivial answer": np.array([2.0, 2.0, 5.0])}
    >>> nothing = {name: {} for name in losses}
    >>> seconds = dict.fromkeys(losses, 0.1)
    >>> found = entries_of(losses, nothing, seconds, metric="log_loss", groups=None, share=0.0)
    >>> [(e.name, e.difference, [round(v, 2) for v in e.interval]) for e in found]
    [('trivial answer', 1.0, [-1.61, 3.61]), ('straight line', 0.0, [0.0, 0.0])]
    """
    codes = _codes(len(next(iter(losses.values()))), groups)
    reach = student(int(codes.max()))
    score = {n: float(np.sqrt(v.mean()) if metric == "rmse" else v.mean()) for n, v in losses.items()}
    names = sorted(losses, key=SIMPLEST_FIRST.index)
    best = min(names, key=score.__getitem__)

    def moved(name: str) -> Numbers:
        """How far each row moves the score: of a root, its slope times the squared error."""
        slope = 0.5 / score[name] if metric == "rmse" and score[name] > 0 else 1.0
        return losses[name] * slope

    found = []
    for name in names:
        difference = score[name] - score[best]
        half = 0.0 if name == best else reach * standard_error(moved(name) - moved(best), groups, share)
        interval = (difference - half, difference + half)
        found.append(Entry(name, {metric: score[name], **others[name]}, seconds[name], difference, interval))
    return tuple(found)


def standard_error(differences: Numbers, groups: NDArray[np.int64] | None, share: float) -> float:
    """Of the mean of paired differences over rows, corrected for folds that learn from the same rows.

    Formula:  s / √n · √(1 + share), with s² of the n rows, or of the sums over the groups; share is J times
    judged over training rows for J folds.

    Parameters
    ----------
    differences : float64 array (n,)
        Of two answers, row by row.
    groups, share
        As in `entries_of`.

    References
    ----------
    Nadeau and Bengio, Inference for the generalization error, 2003, section 3 (their variance of a mean over
    J splits, (1 / J + n₂ / n₁) σ², is σ² / J times 1 + J n₂ / n₁); Liang and Zeger, Longitudinal data
    analysis using generalized linear models, 1986 (groups).

    Examples
    --------
    >>> round(standard_error(np.array([1.0, 2.0, 3.0]), None, share=0.0), 4)  # 1 / √3
    0.5774
    >>> round(standard_error(np.array([1.0, 2.0, 3.0]), None, share=1.25), 4)  # five folds: 5 · 1/4
    0.866
    """
    n = len(differences)
    codes = _codes(n, groups)
    n_groups = int(codes.max()) + 1
    if n_groups < 2:
        return float("inf")
    sums = np.bincount(codes, weights=differences - differences.mean())
    spread = n_groups / (n_groups - 1) * float((sums**2).sum()) / n**2
    return float(np.sqrt(spread * (1 + share)))


def _codes(n: int, groups: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """The groups of n rows as numbers from 0 on; each row is one of its own where there are none."""
    rows = np.arange(n)
    if groups is None:
        return rows
    own = np.where(groups < 0, groups.max(initial=0) + 1 + rows, groups)
    return np.unique(own, return_inverse=True)[1]


def student(freedom: int) -> float:
    """The t within which Student's distribution has as much as the normal one within 2: 95.45 %.

    Formula:  with θ = arctan(t / √ν), for odd ν the probability is 2/π (θ + sin θ (cos θ + 2/3 cos³ θ + …)),
    for even ν sin θ (1 + 1/2 cos² θ + 1·3 / (2·4) cos⁴ θ + …), up to cos^(ν − 2) θ

    Parameters
    ----------
    freedom : int
        ν, one less than there are independent differences; infinity is returned for 0.

    References
    ----------
    Abramowitz and Stegun, Handbook of mathematical functions, 1964, 26.7.3 and 26.7.4.

    Examples
    --------
    >>> [round(student(n), 2) for n in (1, 4, 30, 10_000)]
    [13.97, 2.87, 2.09, 2.0]
    """
    if freedom < 1:
        return math.inf
    if freedom > MOST_FREEDOM:
        return SURE

    def within(angle: float) -> float:
        """The probability, by the powers of the cosine and what stands before them."""
        odd = freedom % 2
        term, total = (math.cos(angle), 0.0) if odd else (1.0, 0.0)
        for power in range(odd, freedom - 1, 2):
            total += term
            term *= math.cos(angle) ** 2 * (power + 1) / (power + 2)
        total *= math.sin(angle)
        return (angle + total) * 2 / math.pi if odd else total

    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle) < math.erf(SURE / math.sqrt(2)) else (low, middle)
    return math.tan(low) * math.sqrt(freedom)
