"""The evidence for a table's network: what it is worth beside the trivial answer and a straight line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.metrics import METRICS
from pellucid.saved import Saved
from pellucid.tables.decision import Decision

Numbers = NDArray[np.float64]

TRIVIAL, LINE, NETWORK = "trivial answer", "straight line", "network"
SURE = 2.0  # standard errors of a difference beyond which it is more than chance

JUDGED_BY = {
    "regression": ("rmse", "mae", "r2"),
    "multiclass": ("accuracy", "balanced_accuracy", "log_loss"),
    "f1": ("accuracy", "balanced_accuracy", "f1", "log_loss"),  # where answers are chosen by it
}


@dataclass(frozen=True)
class Evidence:
    """Scores of the trivial answer, a straight line and the network on the same rows.

    Parameters
    ----------
    scores : dict of str to dict of str to float
        By model, then by metric. Metrics are in the target's own unit.
    n_rows : int
        Rows on which they were measured.
    held_out : bool
        Whether these rows were kept away from training.
    trivial : str
        What the trivial answer is, in words.
    verdict : str
        What follows, in a sentence.
    """

    scores: Mapping[str, Mapping[str, float]]
    n_rows: int
    held_out: bool
    trivial: str
    verdict: str

    def __str__(self) -> str:
        metrics = list(self.scores[NETWORK])
        names = [f"{TRIVIAL} ({self.trivial})", LINE, NETWORK]
        wide = max(map(len, names))
        columns = [max(len(m), 9) for m in metrics]
        which = "validation rows" if self.held_out else "training rows (none are held back)"
        head = f"{f'on {self.n_rows:,} {which}':<{wide}}"
        lines = [head + "".join(f"  {m:>{c}}" for m, c in zip(metrics, columns, strict=True))]
        for name, key in zip(names, (TRIVIAL, LINE, NETWORK), strict=True):
            values = self.scores[key]
            cells = (f"  {shown(m, values[m]):>{c}}" for m, c in zip(metrics, columns, strict=True))
            lines.append(f"{name:<{wide}}" + "".join(cells))
        return "\n".join([*lines, self.verdict])

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "scores": {k: dict(v) for k, v in self.scores.items()},
            "n_rows": self.n_rows,
            "held_out": self.held_out,
            "trivial": self.trivial,
            "verdict": self.verdict,
        }

    @classmethod
    def from_dict(cls, value: object) -> Evidence:
        """From plain values; refuses others."""
        saved = Saved(value, "the evidence", ["scores", "n_rows", "held_out", "trivial", "verdict"])
        scores = saved.any("scores")
        if not isinstance(scores, dict) or set(scores) != {TRIVIAL, LINE, NETWORK}:
            saved.fail("scores", f"the scores of {TRIVIAL}, {LINE} and {NETWORK}")
        if len({frozenset(values) for values in scores.values() if isinstance(values, dict)}) != 1:
            saved.fail("scores", "of the same metrics")
        for values in scores.values():
            if not isinstance(values, dict) or set(values) not in map(set, JUDGED_BY.values()):
                saved.fail("scores", "of the metrics of a task")
            if not all(type(v) is float or (type(v) is int and abs(v) < 2**53) for v in values.values()):
                saved.fail("scores", "numbers by metric")
        rows = int(saved.number("n_rows", 0, 2**53))
        return cls(scores, rows, saved.truth("held_out"), saved.text("trivial"), saved.text("verdict"))


def shown(metric: str, value: float) -> str:
    """A score for people: shares and logarithms to four places, numbers with a unit to four digits.

    Examples
    --------
    >>> shown("log_loss", 1.2e-7), shown("rmse", 333.283)
    ('0.0000', '333.3')
    """
    return f"{value:.4g}" if metric in ("rmse", "mae") else f"{value:.4f}"


def scores_of(
    task: str, y: Any, outputs: Any, weights: Any = None, decision: Decision | None = None
) -> dict[str, float]:
    """Scores of some outputs, of rows that may have weights; regression in the target's own unit.

    What is scored by the answers alone is so by those of the decision, if there is one.
    """
    kind: Any = "regression" if task == "regression" else "multiclass"
    answers = outputs if decision is None else np.eye(np.shape(outputs)[1])[decision(outputs)]
    scores = {}
    for name in JUDGED_BY["f1" if decision and decision.metric == "f1" else kind]:
        metric = METRICS.find(name)
        of = answers if metric.needs == "classes" else outputs
        scores[name] = float(metric(y, of, task=kind, sample_weight=weights))
    return scores


def row_losses(task: str, y: Any, outputs: Any) -> Numbers:
    """Loss of each row: squared error, or the logarithmic loss."""
    if task == "regression":
        errors = np.asarray(y, np.float64) - outputs
        return np.asarray((errors**2).reshape(len(y), -1).mean(axis=1))
    p = np.asarray(outputs, np.float64)[np.arange(len(y)), np.asarray(y, np.int64).argmax(axis=1)]
    return np.asarray(-np.log(np.maximum(p, np.finfo(np.float32).eps)))


def compare(
    task: str,
    y: Any,
    outputs: Mapping[str, Any],
    *,
    held_out: bool,
    trivial: str,
    unit: str,
    weights: Numbers | None = None,
    decisions: Mapping[str, Decision] | None = None,
) -> Evidence:
    """Score the three on the same rows and say what follows.

    Parameters
    ----------
    task : str
        `regression`, `binary` or `multiclass`.
    y : array (n_samples, n_out)
        Targets: one-hot rows, or numbers in their own unit.
    outputs : dict of str to array
        Probabilities or numbers of the trivial answer, the straight line and the network.
    held_out : bool
        Whether these rows were kept away from training.
    trivial : str
        What the trivial answer is, in words.
    unit : str
        The name of the target.
    weights : float64 array (n_samples,), optional
        What each row counts.
    decisions : dict of str to Decision, optional
        How the probabilities of each of the three become answers, where these were chosen for a metric.
    """
    decisions = decisions or {}
    scores = {name: scores_of(task, y, out, weights, decisions.get(name)) for name, out in outputs.items()}
    losses = {name: row_losses(task, y, out) for name, out in outputs.items()}
    metric = "rmse" if task == "regression" else "log_loss"
    answers = decisions[NETWORK].metric if NETWORK in decisions else "accuracy"
    over_line = _standard_errors(losses[LINE] - losses[NETWORK], weights)
    over_trivial = _standard_errors(losses[TRIVIAL] - losses[NETWORK], weights)
    values = " against ".join(shown(metric, scores[name][metric]) for name in (NETWORK, LINE))
    values = f"{metric} {values}"
    if not held_out:
        verdict = (
            "These rows were learned from, so the scores say nothing about other rows: hold some back, "
            "or evaluate the model on others."
        )
    elif over_trivial < SURE:
        both = " against ".join(shown(metric, scores[name][metric]) for name in (NETWORK, TRIVIAL))
        verdict = (
            f"Nothing in the columns was found that says more about {unit} than the {trivial} does, beyond "
            f"chance ({metric} {both}): look for other columns, or for more rows."
        )
    elif over_line >= SURE and task != "regression" and scores[NETWORK][answers] <= scores[LINE][answers]:
        but = "not more often right" if answers == "accuracy" else f"its {answers} is no better"
        verdict = f"The network is surer than a straight line ({values}), but {but}."
    elif over_line >= SURE:
        verdict = f"The network is better than a straight line ({values}), by more than chance."
    elif over_line <= -SURE:
        verdict = f"A straight line is better here ({values}); use it: hidden=()."
    else:
        verdict = f"A straight line does as well here ({values}, a difference within chance)."
    return Evidence(scores, len(y), held_out, trivial, verdict)


def _standard_errors(difference: Numbers, weights: Numbers | None) -> float:
    """The mean of a paired difference in units of its standard error.

    Formula:  m = Σ w d / Σ w,  s² = n / (n − 1) Σ w² (d − m)² / (Σ w)² with n rows of a weight above 0
    """
    w = np.ones(len(difference)) if weights is None else weights
    n, total = int((w > 0).sum()), float(w.sum())
    mean = float((w * difference).sum()) / total
    if n < 2:
        return 0.0
    error = float(np.sqrt(n / (n - 1) * np.sum((w * (difference - mean)) ** 2))) / total
    return mean / error if error > 0 else float(np.sign(mean)) * np.inf if mean else 0.0
