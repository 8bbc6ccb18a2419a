"""How the error flows back through the layers, and how far an update moves the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.health.check import check
from pellucid.health.finding import Finding
from pellucid.health.histories import OF_TRAINING, curve_of
from pellucid.health.subject import Activity, Subject
from pellucid.health.trials import Specs, changed, largest_rate, settings_of
from pellucid.kernels.random import permutation

if TYPE_CHECKING:
    from pellucid.network import Network

# Delta of the first hidden layer beside that of the last: now, and before anything was learned, which
# training may have mended.
VANISHED, VANISHED_AT_FIRST = 1e-3, 1e-4
EXPLODED, EXPLODED_AT_FIRST = 1e2, 1e3
# Change of a weight in one update, as a share of its size.
LARGE_STEP, LARGE_STEP_AT_FIRST, SMALL_STEP = 0.2, 0.5, 1e-5
HARDLY = 0.05  # share of the first loss by which a training that does not move has lowered it
STEPS = 5


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


@check
def vanishing_gradients(subject: Subject) -> Iterator[Finding]:
    """Shares of the error that shrink by more than a thousand from the last hidden layer to the first."""
    yield from _flow(
        subject,
        "vanishing gradients",
        lambda now, first: now < VANISHED or first < VANISHED_AT_FIRST,
        "The first layers get next to no gradient: they stay as they were drawn while the last ones learn.",
        "silu in the hidden layers, with its usual first weights; fewer layers, or Residual around some.",
        {},
    )


@check
def exploding_gradients(subject: Subject) -> Iterator[Finding]:
    """Shares of the error that grow a hundredfold towards the first layer, or a training that diverged."""
    if subject.history.stopped_by == "diverged":
        slower = {"clip_norm": 1.0, "learning_rate": largest_rate(subject.net) / 10}
        yield Finding(
            "exploding gradients",
            "training",
            f"{subject.history.reason[:1].upper()}{subject.history.reason[1:]}.",
            "Numbers that overflow teach nothing; the weights are those from before.",
            "a tenth of the learning rate, and clip_norm=1.",
            subject.trial("a tenth of the learning rate, and clip_norm=1", **slower),
        )
    yield from _flow(
        subject,
        "exploding gradients",
        lambda now, first: now > EXPLODED or first > EXPLODED_AT_FIRST,
        "An update that suits the last layer is far too large for the first, so training jumps or diverges.",
        "the usual first weights, and clip_norm=1.",
        {"clip_norm": 1.0},
    )


def _flow(
    subject: Subject, name: str, is_ill: Any, why: str, try_this: str, options: dict[str, Any]
) -> Iterator[Finding]:
    """A finding where the delta of the first hidden layer is out of proportion to that of the last."""
    now, then = _deltas(subject.hidden), _deltas(subject.hidden_at_first)
    if len(now) < 2 or len(then) < 2:
        return
    ratio, ratio_then = (_first_to_last(sizes) for sizes in (now, then))
    if not is_ill(ratio, ratio_then):
        return

    def usual(specs: Specs) -> Specs:
        return changed(specs, list(now), activation={"name": "silu"}, initializer=None)

    is_now = is_ill(ratio, 1.0)
    sizes, ratio = (now, ratio) if is_now else (then, ratio_then)
    (first, of_first), *_, (last, of_last) = sizes.items()
    when = "" if is_now else ", before anything was learned"
    yield Finding(
        name,
        f"{first} to {last}",
        f"Root mean square of delta{when}: {of_first:.3g} in {first}, {of_last:.3g} in {last}; that is "
        f"{ratio:.3g} times as much.",
        why,
        try_this,
        subject.trial(try_this.partition(";")[0].rstrip("."), layers=usual, **options),
        {"delta": now, "delta_at_first": then},
    )


def _deltas(layers: Sequence[Activity]) -> dict[str, float]:
    """The root mean square of each layer's delta, by its name."""
    return {la.name: _rms(la.delta) for la in layers if la.delta is not None}


def _first_to_last(sizes: Mapping[str, float]) -> float:
    """The first number beside the last; 1 where there is nothing to compare with."""
    first, *_, last = sizes.values()
    return first / last if last else 1.0


@check
def size_of_updates(subject: Subject) -> Iterator[Finding]:
    """Updates that are far too large or too small for the weights they change."""
    rate = largest_rate(subject.net)
    if not rate or subject.history.stopped_by == "diverged":
        return
    steps, first_steps = (_update_ratios(subject, net, rate) for net in (subject.net, subject.first))
    now = {n: float(np.median(ratios)) for n, ratios in steps.items() if ratios}
    then = {n: ratios[0] for n, ratios in first_steps.items() if ratios}
    if not now or not then:
        return
    largest, largest_then = max(now, key=now.__getitem__), max(then, key=then.__getitem__)
    is_large = now[largest] > LARGE_STEP
    if is_large or then[largest_then] > LARGE_STEP_AT_FIRST:
        name, ratio = (largest, now[largest]) if is_large else (largest_then, then[largest_then])
        yield Finding(
            "size of updates",
            name,
            f"At the largest learning rate of the training, {rate:.3g}, {'an' if is_large else 'the first'} "
            f"update changes the weights by {ratio:.3g} of their size (root mean squares); 0.001 is usual.",
            "Such steps jump over what they look for.",
            "a tenth of the learning rate.",
            subject.trial("a tenth of the learning rate", learning_rate=rate / 10),
            {"ratios": now, "ratios_at_first": then, "learning_rate": rate},
        )
    curve = curve_of(subject.history, *OF_TRAINING)
    if curve and 0 < now[largest] < SMALL_STEP and curve[0] - curve[-1] < HARDLY * curve[0]:
        yield Finding(
            "size of updates",
            largest,
            f"An update changes the weights by at most {now[largest]:.3g} of their size (root mean "
            f"squares), and training has lowered the loss from {curve[0]:.4g} to {curve[-1]:.4g} only.",
            "At this pace the weights stay nearly as they were drawn.",
            "a hundred times the learning rate.",
            subject.trial("a hundred times the learning rate", learning_rate=rate * 100),
            {"ratios": now, "ratios_at_first": then, "learning_rate": rate},
        )


def _update_ratios(subject: Subject, net: Network, rate: float) -> dict[str, list[float]]:
    """Change of each layer's weights in each of a few updates, as a share of their size."""
    net, settings = net.copy(), settings_of(subject.net)
    rows = permutation(net.seed, 1, len(subject.X))[: settings["batch_size"]]
    names = [p.name for p in net._parameters if p.trainable and p.synapses]
    before: dict[str, Array] = {}
    ratios: dict[str, list[float]] = {n: [] for n in names}

    def note(*_: Any) -> None:
        for n in names:
            size, now = _rms(before[n]), net.parameters[n]
            if size:
                ratios[n].append(_rms(now - before[n]) / size)
            before[n] = now.copy()

    before |= {n: net.parameters[n].copy() for n in names}
    net.fit(
        subject.X[rows],
        subject.y.values[rows],
        **{**settings, "epochs": STEPS, "batch_size": len(rows), "learning_rate": rate},
        callbacks=[note],
    )
    return ratios
