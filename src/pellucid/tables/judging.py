"""Judges a model on rows that it has not learned from, beside simple answers: `judged`."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.metrics import METRICS
from pellucid.tables.decision import Decision, decide
from pellucid.tables.evidence import LINE, NETWORK, TRIVIAL, Evidence, compare
from pellucid.tables.mixture import Numbers, softmax
from pellucid.tables.prepare import Prepared
from pellucid.tables.target_encoding import TargetEncoding
from pellucid.tables.train import Trained, smeared


def judged(
    given: Prepared, goal: TargetEncoding, z: Numbers, line: Trained, metric: str | None
) -> tuple[Evidence, Decision | None]:
    """The network beside the trivial answer and a straight line, on rows that were not learned from.

    Where answers are chosen for a metric, they are so for each of the three; the network has the second.
    """
    target, rows = given.target, given.judged
    own, known = goal.own(target.values[rows]), target.values[given.training]
    of_known = None if given.weights is None else given.weights[given.training]
    if target.classes:
        counts = np.bincount(known, of_known, minlength=len(target.classes))
        trivial = counts / counts.sum()
        said = f"most frequent class, {target.classes[int(trivial.argmax())]}"
    else:
        trivial, said = np.average(known, axis=0, weights=of_known), "mean"
    of_line = line.judged(given)
    as_line = smeared(line.goal, of_line, target.values[rows], given.judged_weights)[0]
    outputs = {
        TRIVIAL: np.broadcast_to(trivial, own.shape),
        LINE: _in_own_unit(as_line, of_line),
        NETWORK: _in_own_unit(goal, z),
    }
    y: Any = target.values[rows]
    decisions = {}
    if metric is not None:
        decisions = {n: decide(metric, p, y, given.judged_weights) for n, p in outputs.items()}
        said = f"answer {target.classes[int(decisions[TRIVIAL](trivial[None])[0])]} for all"
    evidence = compare(
        target.task,
        own,
        outputs,
        held_out=bool(given.folds),
        trivial=said,
        unit=", ".join(target.names),
        weights=given.judged_weights,
        decisions=decisions,
    )
    return evidence, decisions.get(NETWORK)


def on_decision(decision: Decision, evidence: Evidence, given: Prepared, z: Numbers) -> str:
    """A sentence on what is answered, and what that gains."""
    own, p = given.target.values[given.judged], softmax(z)
    usual = METRICS.find(decision.metric)(own, p, task="multiclass", sample_weight=given.judged_weights)
    values = f"{evidence.scores[NETWORK][decision.metric]:.4f} against {usual:.4f} by the most probable class"
    told = decision.told(given.target.classes)
    return (
        f"Answers are chosen for {decision.metric}, on these rows: {told} ({values}). Chosen so for each of "
        "the three above, which makes these scores a little too good. Probabilities stay as they are."
    )


def _in_own_unit(goal: TargetEncoding, z: Numbers) -> Numbers:
    return softmax(z) if goal.classes else goal.in_own_unit(z)
