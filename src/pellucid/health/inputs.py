"""What comes in: inputs on very different scales, and inputs that give the answer away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.health.check import check
from pellucid.health.finding import Finding
from pellucid.health.subject import Subject
from pellucid.kernels.random import permutation

FAR_APART = 100.0  # the largest scale beside the smallest
OFF_CENTRE = 50.0  # distance of a mean from 0, in standard deviations
NORMALISING = ("batch_norm", "layer_norm")
TELLS_ALL_NUMBERS, TELLS_ALL_CLASSES = 0.99, 0.97
LEAST_ROWS = 30
MOST_VALUES = 2_000_000  # looked at for leakage
FEW = 3  # rows with one value that are enough to know what it means


@check
def scales_of_inputs(subject: Subject) -> Iterator[Finding]:
    """Inputs whose spread differs a hundredfold, or that lie far from 0 for their spread."""
    X = np.asarray(subject.X[subject.sample], np.float64)
    spread = X.std(axis=0)
    is_two_valued = np.array([len(np.unique(column)) == 2 for column in X.T])
    scale = np.where(is_two_valued, np.ptp(X, axis=0), spread)
    used = np.flatnonzero((spread > 0) & ~subject.is_code)
    behind = next((la.kind for la in subject.net._definitions[1:] if la.kind != "embedding"), "")
    if len(used) == 0 or behind in NORMALISING:
        return
    large, small = used[scale[used].argmax()], used[scale[used].argmin()]
    off = np.abs(X.mean(axis=0)[used]) / scale[used]
    far, names = used[off.argmax()], subject.features
    apart = scale[large] / scale[small]
    if apart <= FAR_APART and off.max() <= OFF_CENTRE:
        return
    told = f"{names[large]} spreads by {scale[large]:.3g}, {names[small]} by {scale[small]:.3g}"
    if apart <= FAR_APART:
        told = f"{names[far]} has the mean {X[:, far].mean():.4g}, but spreads by {scale[far]:.3g} only"
    centre, divisor = X.mean(axis=0), np.where(spread > 0, spread, 1)
    centre[subject.is_code], divisor[subject.is_code] = 0, 1
    yield Finding(
        "scales of inputs",
        f"inputs {names[large]} and {names[small]}" if apart > FAR_APART else f"input {names[far]}",
        f"{told} (standard deviations).",
        "Weights of all inputs get steps of the same size: the large input drowns the others.",
        "inputs normalised to mean 0 and standard deviation 1.",
        subject.trial(
            "normalised inputs", inputs=lambda values: ((values - centre) / divisor).astype(np.float32)
        ),
        {"scales": dict(zip(names, scale.tolist(), strict=True)), "ratio": float(apart)},
    )


@check
def leakage(subject: Subject) -> Iterator[Finding]:
    """One input that alone predicts the target nearly perfectly, as if it had been made from it."""
    groups = {**{n: [j] for j, n in enumerate(subject.features)}, **subject.columns}
    inside = {j for indices in subject.columns.values() for j in indices}
    groups = {n: g for n, g in groups.items() if n in subject.columns or g[0] not in inside}
    if len(groups) < 2 or len(subject.sample) < LEAST_ROWS:
        return
    # Rows in an order of their own, so that neighbours among equals are no neighbours in the table.
    most = max(LEAST_ROWS, MOST_VALUES // len(groups))
    rows = subject.sample[permutation(subject.net.seed, 2, len(subject.sample))[:most]]
    told = {name: _told(subject, rows, group) for name, group in groups.items()}
    is_class = subject.classes is not None
    enough = TELLS_ALL_CLASSES if is_class else TELLS_ALL_NUMBERS
    for name in sorted((n for n in told if told[n] >= enough), key=lambda n: -told[n]):
        others = max((v for n, v in told.items() if n != name), default=0.0)
        measure = "of the errors of the most frequent class are avoided" if is_class else "of the variance"
        verb = "" if is_class else "it explains "
        yield Finding(
            "leakage",
            f"input {name}",
            f"{name} alone tells the target: {verb}{told[name]:.1%} {measure}, row by row from the other "
            f"rows with the nearest values; the next best input reaches {max(others, 0):.1%}.",
            "What is known only together with the answer is not there when it is to be predicted.",
            f"ask where {name} comes from; if it is made from the target or after it, leave it out.",
            None,
            {"score": told[name], "scores": told},
        )


def _told(subject: Subject, rows: Array, group: Sequence[int]) -> float:
    """How much of the target some inputs that belong together tell of rows left out one by one."""
    X, Y = subject.X[rows][:, list(group)], subject.matrix[rows].astype(np.float64)
    if len(group) > 1:  # a category: what its levels tell
        X = np.unique(X, axis=0, return_inverse=True)[1].reshape(-1, 1)
    guess = _from_the_nearest(X[:, 0], Y)
    if subject.classes is None:
        rest = ((Y - guess) ** 2).sum(axis=0)
        whole = ((Y - Y.mean(axis=0)) ** 2).sum(axis=0)
        return float((1 - rest[whole > 0] / whole[whole > 0]).max(initial=0))
    classes = subject.classes[rows]
    if Y.shape[1] == 1:
        Y, guess = np.hstack([1 - Y, Y]), np.hstack([1 - guess, guess])
    wrong = float((guess.argmax(axis=1) != classes).mean())
    trivial = 1 - float(np.bincount(classes).max()) / len(classes)
    return 1 - wrong / trivial if trivial > 0 else 0.0


def _from_the_nearest(x: Array, Y: Array) -> Array:
    """The mean target of the other rows with the same x, or of the two before and behind it."""
    order = np.argsort(x, kind="stable")
    y, padded = Y[order], np.pad(Y[order], ((2, 2), (0, 0)), mode="reflect")
    near = sum(padded[2 + k : 2 + k + len(y)] for k in (-2, -1, 1, 2)) / 4
    _, start, inverse, counts = np.unique(
        x[order], return_index=True, return_inverse=True, return_counts=True
    )
    sums = np.add.reduceat(y, start, axis=0)[inverse] - y
    n = counts[inverse][:, None]
    guess = np.empty_like(Y)
    guess[order] = np.where(n >= FEW, sums / np.maximum(n - 1, 1), near)
    return guess
