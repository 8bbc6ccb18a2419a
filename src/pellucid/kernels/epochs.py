"""Whole epochs inside compiled code: order of the rows, steps, losses, the best weights, when to stop.

What `training.fit` does between epochs, for fits in which nothing has to happen in Python there.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from pellucid.kernels.kernel import Control, kernel
from pellucid.kernels.pace import dismiss, lead
from pellucid.kernels.random import put_shuffled


class Words(IntEnum):
    """What a run of epochs is told and where it stands, in whole numbers: indices into `words`."""

    EPOCHS = 0  # how many to run at most
    DONE = 1  # how many are over
    FIRST = 2  # number of the first of them, which decides its order
    SHUFFLES = 3  # whether an epoch has an order of its own
    SEED_LOW = 4
    SEED_HIGH = 5
    SUMS = 6  # numbers summed up over an epoch
    WEIGHTS = 7  # numbers of 8 bytes that hold all weights
    EVALUATES = 8  # whether an epoch ends with the loss over the training rows,
    VALIDATES = 9  # and over other rows
    BEST_EPOCH = 10
    WAITED = 11  # epochs since the best
    PATIENCE = 12  # how many to wait; 0 for ever
    STOPS = 13  # whether there is a reason to stop
    SIZE = 14


class Doubles(IntEnum):
    """The same in float64: indices into `doubles`."""

    WEIGHT = 0  # of all training rows
    HELD_WEIGHT = 1  # of the rows to validate on
    MIN_DELTA = 2
    UNTIL = 3  # a training loss below it is enough
    BEST = 4  # the lowest loss that was monitored
    SIZE = 5


class Record(IntEnum):
    """What is written down of an epoch: indices into its row of `records`, before the sums."""

    RUNNING_LOSS = 0
    LOSS = 1
    HELD_LOSS = 2
    SIZE = 3


FROM_STEP, TO_STEP, BATCH_SIZE, N_ROWS, TICK, PLACE, STOP, LAST_STEP = map(int, list(Control)[:8])
EPOCHS, DONE, FIRST, SHUFFLES, SEED_LOW, SEED_HIGH, SUMS, WEIGHTS = map(int, list(Words)[:8])
EVALUATES, VALIDATES, BEST_EPOCH, WAITED, PATIENCE, STOPS = map(int, list(Words)[8:14])
WEIGHT, HELD_WEIGHT, MIN_DELTA, UNTIL, BEST = map(int, list(Doubles)[:5])
RUNNING_LOSS, LOSS, HELD_LOSS, BEFORE_SUMS = map(int, Record)


def begin_epoch(epoch, words, control, indices, order, sums):
    """Put the rows in order, and let the sums begin at 0."""
    n = control[N_ROWS]
    if words[SHUFFLES] != 0:
        put_shuffled(order, n, words[FIRST] + epoch, words[SEED_LOW], words[SEED_HIGH])
        for i in range(n):
            order[i] = indices[order[i]]
    else:
        for i in range(n):
            order[i] = indices[i]
    for i in range(words[SUMS]):
        sums[i] = 0.0
    control[LAST_STEP] = 0


def evaluated(control, total, weight):
    """The mean loss of an evaluation that is over."""
    return np.nan if control[STOP] != 0 else total[0] / weight


def end_epoch(epoch, words, doubles, control, sums, record, weights, best):
    """Write down an epoch, keep its weights if they are the best, and see whether to stop."""
    record[RUNNING_LOSS] = sums[0] / doubles[WEIGHT]
    for i in range(words[SUMS]):
        record[BEFORE_SUMS + i] = sums[i]
    error = record[LOSS] if words[EVALUATES] != 0 else record[RUNNING_LOSS]
    value = record[HELD_LOSS] if words[VALIDATES] != 0 else error
    if value < doubles[BEST] - doubles[MIN_DELTA]:
        doubles[BEST], words[BEST_EPOCH], words[WAITED] = value, words[FIRST] + epoch + 1, 0
        for i in range(words[WEIGHTS]):
            best[i] = weights[i]
    else:
        words[WAITED] += 1
    diverged = not (np.isfinite(value) and np.isfinite(record[RUNNING_LOSS]))
    waited = words[PATIENCE] > 0 and words[WAITED] >= words[PATIENCE]
    if diverged or waited or error < doubles[UNTIL]:
        words[STOPS] = 1
    words[DONE] = epoch + 1
    control[TICK] += control[TO_STEP]
    control[PLACE] += control[TO_STEP]


@kernel(
    words="update whole i8",
    doubles="update whole f8",
    control="update whole i8",
    evaluation_control="update whole i8",
    validation_control="update whole i8",
    meeting="update whole i8",
    indices="read whole i8",
    order="write whole i8",
    sums="update whole f8",
    total="update whole f8",
    records="write whole f8",
    weights="read whole i8",
    best="write whole i8",
    overlaps=True,
)
def run_epochs(
    words,
    doubles,
    steps,
    program,
    control,
    evaluation,
    evaluation_control,
    validation,
    validation_control,
    meeting,
    indices,
    order,
    sums,
    total,
    records,
    weights,
    best,
    now,
    lo,
    hi,
):
    """Epochs of a fit until there is a reason to stop, by the first member of a team, which leads the others.

    `program` stands for a step, `evaluation` and `validation` for the losses after an epoch: addresses of the
    argument rows with which the kernel at the address `steps` runs them.
    """
    width = BEFORE_SUMS + words[SUMS]
    for epoch in range(words[EPOCHS]):
        record = records[epoch * width : (epoch + 1) * width]
        begin_epoch(epoch, words, control, indices, order, sums)
        evaluation_control[STOP], validation_control[STOP], total[0] = 0, 0, 0.0
        lead(steps, program, control, meeting, now)
        if control[STOP] != 0:
            break
        if words[EVALUATES] != 0:
            lead(steps, evaluation, evaluation_control, meeting, now)
            record[LOSS] = evaluated(evaluation_control, total, doubles[WEIGHT])
            total[0] = 0.0
        if words[VALIDATES] != 0:
            lead(steps, validation, validation_control, meeting, now)
            record[HELD_LOSS] = evaluated(validation_control, total, doubles[HELD_WEIGHT])
        end_epoch(epoch, words, doubles, control, sums, record, weights, best)
        if words[STOPS] != 0:
            break
    dismiss(meeting)
