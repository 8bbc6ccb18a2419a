"""Many epochs of a fit in one call of compiled code, where nothing has to happen in Python between them."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

import numpy as np

from pellucid.engine.buffer import ALIGNMENT, Arena, Array, Buffer
from pellucid.engine.run import Program
from pellucid.kernels.epochs import Doubles, Record, Words, run_epochs
from pellucid.kernels.kernel import Control
from pellucid.kernels.random import key_of
from pellucid.kernels.team import address_of, run
from pellucid.training.evaluation import BATCH
from pellucid.training.job import Rows
from pellucid.training.state import sums_of

if TYPE_CHECKING:
    from pellucid.training.fit import Fit

PER_NANOSECOND = 50.0  # additions and multiplications, before they were measured
MOST = 1 << 20  # bytes of what is written down of the epochs of a call
STEPS = 1 << 16  # of a call


class Epochs:
    """The epochs of a fit as `kernels.epochs.run_epochs` runs them: what it is told, and what it says.

    Parameters
    ----------
    fit : Fit
        Whose epochs are run. Its arenas, counters and history are as if they had been run one by one.
    """

    def __init__(self, fit: Fit) -> None:
        self.fit = fit
        settings = fit.settings
        self.words, self.doubles = np.zeros(Words.SIZE, np.int64), np.zeros(Doubles.SIZE)
        self.best = Arena(fit.parameters.buffers)
        lines = [-(-b.nbytes // ALIGNMENT) * ALIGNMENT // 8 for b in sums_of(fit.lowered)]
        self.starts = [0, *itertools.accumulate(lines)]  # of each sum in the work arena, and their end
        self.width = Record.SIZE + self.starts[-1]
        self.most = max(1, min(MOST // (8 * self.width), STEPS // fit.n_steps))  # epochs of a call
        low, high = key_of(fit.seed)
        w = self.words
        w[Words.SHUFFLES], w[Words.SEED_LOW], w[Words.SEED_HIGH] = settings.shuffle, low, high
        w[Words.SUMS], w[Words.WEIGHTS] = self.starts[-1], len(self.best.words)
        w[Words.EVALUATES], w[Words.VALIDATES] = settings.train_loss, fit.validation is not None
        w[Words.PATIENCE] = settings.patience or 0
        x = self.doubles
        x[Doubles.WEIGHT] = fit.rows.weight
        x[Doubles.HELD_WEIGHT] = fit.validation.weight if fit.validation else 1
        x[Doubles.MIN_DELTA] = settings.min_delta
        x[Doubles.UNTIL] = -np.inf if settings.until is None else settings.until
        most = max(len(r.indices) for r in (fit.rows, fit.validation or fit.rows))
        self.outputs = np.empty((most, fit.data.n_out), np.float32)
        self.guess = 6 * sum(p.synapses for p in fit.all) * fit.batch_size / PER_NANOSECOND
        self.validation = fit.refresh  # never run
        if fit.validation:
            self.validation = Program(fit.evaluator.lowered.plan, fit.parameters, fit.evaluator.work)

    def begin(self, many: int) -> Array:
        """Have so many epochs ready to be run, or fewer; gives the arguments for `run_epochs`."""
        fit, state = self.fit, self.fit.state
        self.started = time.perf_counter()
        many = min(many, self.most)
        tables, self.rates = fit.tables(many)
        for factors, buffer in fit.lowered.tables.items():
            fit.program.point(buffer, tables[factors])
        self.records = np.empty((many, self.width))
        w, x = self.words, self.doubles
        w[Words.EPOCHS], w[Words.DONE], w[Words.FIRST], w[Words.STOPS] = many, 0, state.epoch, 0
        w[Words.BEST_EPOCH], w[Words.WAITED] = state.best_epoch, state.waited
        x[Doubles.BEST] = state.best_value
        _set(fit.program.control, fit.n_steps, fit.batch_size, len(fit.order), state.tick)
        self.row = self._row(self.records)
        return self.row

    def run(self) -> None:
        """Run them by the team of the fit."""
        fit = self.fit
        steps = int(self.words[Words.EPOCHS]) * fit.n_steps
        fit.team.run_led(run_epochs, self.row, fit.program.control, steps, self.guess)

    def end(self, seconds: float | None = None) -> dict[str, list[float]]:
        """Bring the fit to where they have led; gives their records.

        `seconds` is how long they took, by default the time since `begin`.
        """
        fit, state, w = self.fit, self.fit.state, self.words
        done = int(w[Words.DONE])
        state.step = int(fit.program.control[Control.LAST_STEP]) if fit.program.stopped else 0
        state.epoch, state.tick = state.epoch + done, state.tick + done * fit.n_steps + state.step
        state.waited, state.best_value = int(w[Words.WAITED]), float(self.doubles[Doubles.BEST])
        if w[Words.BEST_EPOCH] != state.best_epoch:
            state.best_epoch = int(w[Words.BEST_EPOCH])
            for p in fit.all:
                np.copyto(state.best[p.name], self.best.view(p.buffer))
        took = time.perf_counter() - self.started if seconds is None else seconds
        return self._told(self.records[:done], took) if done else {}

    def _row(self, records: Array) -> Array:
        """The arguments of `run_epochs`."""
        fit = self.fit
        evaluation, total = fit.refresh, fit.work.words  # neither is touched where nothing is evaluated
        if fit.settings.train_loss:
            evaluation = fit.evaluator.program
            self._aim(evaluation, fit.rows)
        if fit.validation:
            self._aim(self.validation, fit.validation)
        if fit.settings.train_loss or fit.validation:
            assert fit.evaluator.lowered.total
            total = fit.evaluator.work.view(fit.evaluator.lowered.total)
        meeting = fit.team.meeting.ctypes.data
        addresses = [self.words.ctypes.data, self.doubles.ctypes.data, address_of(run)]
        programs = fit.program, evaluation, self.validation
        self._rows = [np.array([*p.address_row(), meeting], np.int64) for p in programs]
        for row in self._rows:
            addresses += [row.ctypes.data, int(row[1])]
        addresses.append(meeting)
        arrays = [fit.rows.indices, fit.order, fit.work.words, total]
        arrays += [records, fit.parameters.words, self.best.words]
        return np.array([*addresses, *(a.ctypes.data for a in arrays)], np.int64)

    def _aim(self, program: Program, rows: Rows) -> None:
        """Have an evaluation go over these rows."""
        lowered = self.fit.evaluator.lowered
        assert lowered.data
        assert lowered.results
        given = rows.given(lowered.data) | {lowered.data.order: rows.indices, lowered.results: self.outputs}
        for buffer, array in given.items():
            program.point(buffer, array)
        n = len(rows.indices)
        _set(program.control, -(-n // BATCH), BATCH, n)

    def _told(self, records: Array, seconds: float) -> dict[str, list[float]]:
        """The numbers of epochs as the history has them."""
        fit, n = self.fit, len(records)
        told = {"running_loss": records[:, Record.RUNNING_LOSS].tolist()}
        if fit.settings.train_loss:
            told["loss"] = records[:, Record.LOSS].tolist()
        if fit.validation:
            told["validation_loss"] = records[:, Record.HELD_LOSS].tolist()
        lowered, places = fit.lowered, iter(self.starts[1:])
        squares, penalties = (
            sum((self._summed(records, buffer, next(places)) for buffer in buffers.values()), np.zeros(n))
            for buffers in (lowered.squares, lowered.penalties)
        )
        if lowered.penalties:
            told["penalty"] = (penalties / len(fit.order)).tolist()
        told["learning_rate"] = self.rates[fit.n_steps - 1 :: fit.n_steps][:n].tolist()
        told["gradient_norm"] = np.sqrt(squares / fit.n_norms).tolist()
        told["seconds"] = [seconds / n] * n
        return told

    def _summed(self, records: Array, buffer: Buffer, place: int) -> Array:
        """The total of one of the sums, for each epoch."""
        first = Record.SIZE + place
        return np.asarray(records[:, first : first + buffer.rows].sum(axis=1))


def _set(control: Array, to_step: int, batch_size: int, n_rows: int, tick: int = 0) -> None:
    """Have all steps of an epoch run."""
    c = control
    c[Control.FROM_STEP], c[Control.TO_STEP], c[Control.BATCH_SIZE] = 0, to_step, batch_size
    c[Control.N_ROWS], c[Control.TICK], c[Control.PLACE], c[Control.STOP] = n_rows, tick, 0, 0
