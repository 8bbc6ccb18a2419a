"""The training loop: epochs of steps run by the engine, and the decision when to stop."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.built import Built
from pellucid.engine.buffer import Arena, Array
from pellucid.engine.run import Program, compile_plans
from pellucid.kernels.epochs import run_epochs
from pellucid.kernels.random import permutation, shuffle
from pellucid.kernels.rows import SQUARES_EVERY
from pellucid.kernels.team import Team
from pellucid.optimizers import Factors
from pellucid.prediction import kernels_of_answers
from pellucid.regularizers import penalty
from pellucid.settings import jit
from pellucid.training.divergence import find_cause
from pellucid.training.epochs import Epochs
from pellucid.training.evaluation import Evaluator
from pellucid.training.history import History
from pellucid.training.interrupt import ctrl_c
from pellucid.training.job import Rows, Settings
from pellucid.training.state import State, put, states_of, sums_of, weights

if TYPE_CHECKING:
    from pellucid.training.recording import Recording

STEPS_AHEAD = 8192  # steps for which learning rates and the like are worked out at once
SLICE = 0.1  # seconds that the engine runs at most before it looks for Ctrl-C and the clock
CTRL_C = "Ctrl-C"
Stop = tuple[str, str]  # what stopped a training, in a word, and the reason in a sentence


@dataclass
class Fit:
    """One training run over a network's layers and the arenas of their parameters and gradients."""

    layers: Built
    parameters: Arena
    gradients: Arena
    rows: Rows
    validation: Rows | None
    settings: Settings
    state: State
    seed: int
    network: Any = None
    recording: Recording | None = None
    history: History = field(init=False)

    def __post_init__(self) -> None:
        rows, settings = self.rows, self.settings
        self.history = self.state.history
        dtype, is_weighted = f"f{rows.X.dtype.itemsize}", rows.weights is not None
        self.data = self.layers.data(dtype, rows.y.is_indexed, is_weighted)
        self.batch_size = min(settings.batch_size, len(rows.indices))
        self.n_steps = -(-len(rows.indices) // self.batch_size)
        self.n_norms = -(-self.n_steps // SQUARES_EVERY)
        self.lowered = self.layers.training(
            self.data, settings.loss, settings.optimizer, self.batch_size, self.seed, settings.gradients
        )
        self.all = self.layers.parameters
        sums = sums_of(self.lowered)
        work = dict.fromkeys([*sums, *self.lowered.step.work, *states_of(self.lowered)])
        self.work = Arena(work)  # the sums come first, so that they lie side by side
        self.lowered.fill(self.work)
        assert self.lowered.refresh is not None
        plans = [self.lowered.plan, self.lowered.refresh]
        if settings.train_loss or self.validation:
            plans.append(self.evaluator.lowered.plan)
        compile_plans(*plans, also=[shuffle, run_epochs, *kernels_of_answers(self.data.dtype)])
        self.program = Program(self.lowered.plan, self.parameters, self.gradients, self.work)
        self.refresh = Program(self.lowered.refresh, self.parameters, self.work)
        n = len(rows.indices)
        self.order = np.empty(n + n % 2, np.int64)[:n]  # where it is drawn, an odd number needs a place more
        for buffer, array in {**rows.given(self.data), self.data.order: self.order}.items():
            self.program.point(buffer, array)
        self.team: Team = None  # type: ignore[assignment]
        self.interrupted = ""
        self.step_seconds = 0.0
        self.epoch_seconds = self._guess()
        self._ahead: tuple[int, int, float, dict[Factors, Array], Array] = (0, 0, 1.0, {}, np.empty(0))

    @functools.cached_property
    def evaluator(self) -> Evaluator:
        """The forward pass and the loss without learning, planned when it is first needed."""
        return Evaluator(self.layers, self.parameters, self.data, self.settings.loss)

    @property
    def monitored(self) -> str:
        """The number that says which epoch is best."""
        if self.validation:
            return "validation_loss"
        return "loss" if self.settings.train_loss else "running_loss"

    def run(self, on_epoch: Callable[[dict[str, float], int], None] | None = None) -> History:
        """Train until there is a reason to stop; the parameters are then those that the history names."""
        settings, state = self.settings, self.state
        start = time.perf_counter()
        deadline = np.inf if settings.time_limit is None else start + settings.time_limit
        stop = self.load()
        with Team(settings.threads) as self.team, ctrl_c(self.interrupt), self._kept_on_error():
            self.begin()
            while stop is None and state.epoch < self.last:
                many = 1 if on_epoch else self._at_once(self.last - state.epoch, deadline)
                if many > 1:
                    self.together.begin(many)
                    self.together.run()
                    stop = self.after_several()
                else:
                    stop = self._one(deadline, on_epoch)
                if stop is None and self.interrupted:
                    stop = self.stopped_by_hand()
                if stop is None and time.perf_counter() > deadline:
                    limit = f"the time limit of {settings.time_limit:g} s"
                    stop = "time", f"{limit} was over after epoch {state.epoch}"
        self.finish(stop)
        return self.history

    def load(self) -> Stop | None:
        """Put the state into the arenas; gives a reason where there is nothing to be trained."""
        self.state.load(self.lowered, self.work, self.all, self.parameters)
        stop = self._stopped_before()
        return self.stopped_by_hand() if stop is None and self.interrupted else stop

    def begin(self) -> None:
        """Make what is derived from the weights, before the first epoch."""
        self.refresh.run(self.team, 0, 1, 1, 1)
        self._check_best()

    @property
    def last(self) -> int:
        """The epoch that this fit ends with at the latest."""
        return self.state.begun + self.settings.epochs

    @functools.cached_property
    def together(self) -> Epochs:
        """Its epochs, several in a call."""
        return Epochs(self)

    def stopped_by_hand(self) -> Stop:
        """The reason after `interrupt`."""
        where = f"in step {self.state.step} of epoch" if self.state.step else "after epoch"
        why = self.interrupted or CTRL_C
        return (
            "ctrl-c" if why == CTRL_C else "error",
            f"{why} {where} {self.state.epoch + bool(self.state.step)}",
        )

    def _stopped_before(self) -> Stop | None:
        """Why a run that is resumed would not have gone on; None for any other."""
        state, history = self.state, self.history
        stopped_by, history.stopped_by = history.stopped_by, ""
        if state.epoch == state.begun or state.step:
            return None
        if stopped_by in ("callback", "diverged"):
            return stopped_by, history.reason.partition("; the ")[0]  # what was restored is said again
        return self._verdict(history.epochs[-1])

    def _check_best(self) -> None:
        """Forget the best epoch of an earlier fit if something else was measured then."""
        state, now = self.state, weights(self.all, self.parameters)
        if not state.best_epoch:
            return
        if self.monitored == "running_loss":
            value = self.history["running_loss"][state.best_epoch - 1]
        else:
            put(state.best, self.all, self.parameters)
            try:
                value, _ = self._loss_and_outputs(self.validation or self.rows)
            finally:
                put(now, self.all, self.parameters)
        if not abs(value - state.best_value) <= 1e-5 * abs(
            state.best_value
        ):  # so written, NaN is another one
            state.forget_best(now)

    def _at_once(self, left: int, deadline: float) -> int:
        """How many epochs can be run without Python in between, and end before the clock is looked at."""
        if self.needs_python():
            return 1
        time_left = min(SLICE, deadline - time.perf_counter())
        if self.settings.judge:
            left = min(left, self.settings.judge.ahead())
        return int(min(left, time_left / self.epoch_seconds, max(1, STEPS_AHEAD // self.n_steps)))

    def needs_python(self) -> bool:
        """Whether something has to happen in Python after the next epoch."""
        state, settings = self.state, self.settings
        in_between = state.step or state.plateau or self.recording or settings.callbacks or settings.metrics
        return bool(in_between) or not jit() or any(p.regularizer for p in self.all)

    def after_several(self, seconds: float | None = None) -> Stop | None:
        """Take note of epochs that were run together; gives a reason if training should stop."""
        records = self.together.end(seconds)
        if records:
            self.history.extend(records)
            self.epoch_seconds = records["seconds"][-1]
        if self.program.stopped:
            return self._diverged_in_step()
        stop = self._verdict({name: values[-1] for name, values in records.items()}) or self._judged(records)
        if stop:
            self.history.stopped_by, self.history.reason = stop
        return stop

    def _one(
        self, deadline: float, on_epoch: Callable[[dict[str, float], int], None] | None = None
    ) -> Stop | None:
        """Run an epoch, or the rest of one; gives a reason if training should stop."""
        begin = time.perf_counter()
        if self.recording:
            self.recording.before_epoch(self)
        self.begin_epoch()
        stop = self._steps(deadline)
        if self.recording:
            self.recording.after_epoch(self)
        if stop:
            return stop
        record = self._record(begin)
        self.epoch_seconds = record["seconds"]
        stop = self._after_epoch(record)
        if on_epoch:
            on_epoch(record, self.state.epoch)
        return stop

    def begin_epoch(self) -> None:
        """Have everything ready for the steps of the epoch under way: order, learning rates, sums."""
        state, indices = self.state, self.rows.indices
        if self.settings.shuffle:
            indices = indices[permutation(self.seed, state.epoch, len(indices))]
        self.order[:] = indices
        tables, self.rates = self.tables()
        for factors, buffer in self.lowered.tables.items():
            self.program.point(buffer, tables[factors])
        if state.step == 0:
            for buffer in sums_of(self.lowered):
                self.work.view(buffer)[:] = 0

    def advance(self, to: int) -> None:
        """Run steps of the epoch up to before `to`."""
        state = self.state
        tick = state.tick - state.step
        step = self.program.run(self.team, state.step, to, self.batch_size, len(self.order), tick)
        state.tick, state.step = tick + step, step

    def _steps(self, deadline: float) -> Stop | None:
        """Run the epoch's steps, so many at once that Ctrl-C and the clock are seen in time."""
        state = self.state
        while state.step < self.n_steps:
            many = self.n_steps - state.step
            if self.step_seconds * many > SLICE:
                many = max(1, int(SLICE / self.step_seconds))
            elif not self.step_seconds:
                many = min(many, 8)
            begin = time.perf_counter()
            self.advance(state.step + many)
            self.step_seconds = (time.perf_counter() - begin) / many
            if self.program.stopped:
                return self._diverged_in_step()
            if state.step < self.n_steps:
                if self.interrupted:
                    return self.stopped_by_hand()
                if time.perf_counter() > deadline:
                    where = f"in step {state.step} of epoch {state.epoch + 1}"
                    return "time", f"the time limit of {self.settings.time_limit:g} s was over {where}"
        return None

    def _diverged_in_step(self) -> Stop:
        cause = find_cause(self.lowered, self.work, self.all, self.parameters)
        where = f"in step {self.state.step + 1} of epoch {self.state.epoch + 1}"
        return "diverged", f"training diverged {where}: {cause}. {ADVICE}"

    def tables(self, many: int = 1) -> tuple[dict[Factors, Array], Array]:
        """The optimizer's numbers for each step of the next epochs, by the factor on the learning rate.

        With them the learning rates. They are worked out for some epochs at once, unless the loss has a say.
        """
        state, settings, n = self.state, self.settings, self.n_steps
        first, end, known, tables, rates = self._ahead
        followed = state.plateau_factor * (settings.judge.factor if settings.judge else 1.0)
        if not first <= state.epoch <= state.epoch + many <= end or followed != known:
            left = state.begun + settings.epochs - state.epoch
            count = 1 if state.plateau is not None else min(left, max(many, STEPS_AHEAD // n))
            since = (state.epoch - state.begun) * n + np.arange(count * n)
            factors = settings.schedule(since, settings.epochs * n, n)
            rates = settings.learning_rate * followed * factors
            t = state.tick - state.optimizer_since - state.step + 1.0 + np.arange(count * n)
            tables = {f: settings.optimizer.rows(t, rates, f) for f in self.lowered.tables}
            first = state.epoch
            self._ahead = first, first + count, followed, tables, rates
        wanted = slice((state.epoch - first) * n, (state.epoch - first + many) * n)
        return {factor: table[wanted] for factor, table in tables.items()}, rates[wanted]

    def _record(self, begin: float) -> dict[str, float]:
        """The numbers of an epoch that is over."""
        lowered = self.lowered
        assert lowered.total is not None
        squares = sum(float(self.work.view(b).sum()) for b in lowered.squares.values())
        record = {"running_loss": float(self.work.view(lowered.total)[0] / self.rows.weight)}
        if self.settings.train_loss:
            record |= self._evaluated("", self.rows)
        if self.validation:
            record |= self._evaluated("validation_", self.validation)
        if lowered.penalties or any(p.regularizer for p in self.all):
            sums = sum(float(self.work.view(b).sum()) for b in lowered.penalties.values())
            record["penalty"] = penalty(self.all, self.parameters.view) + sums / len(self.order)
        record |= {
            "learning_rate": float(self.rates[-1]),
            "gradient_norm": float(np.sqrt(squares / self.n_norms)),
        }
        record["seconds"] = time.perf_counter() - begin
        return record

    def _evaluated(self, prefix: str, rows: Rows) -> dict[str, float]:
        loss, outputs = self._loss_and_outputs(rows)
        record = {f"{prefix}loss": loss}
        for metric in self.settings.metrics:
            weights = None if rows.weights is None else rows.weights[rows.indices]
            value = np.nan  # where the loss is not finite, some outputs do not exist
            if np.isfinite(loss):
                value = metric(rows.y.matrix(rows.indices), outputs, task=rows.y.task, sample_weight=weights)
            record[f"{prefix}{metric.name}"] = float(value)
        return record

    def _loss_and_outputs(self, rows: Rows) -> tuple[float, Array]:
        return self.evaluator.run(self.team, rows.given(self.data), rows.indices, rows.weight)

    def _after_epoch(self, record: dict[str, float]) -> Stop | None:
        """Take note of an epoch; gives a reason if training should stop."""
        state, settings = self.state, self.settings
        self.history.add(record)
        state.epoch, state.step = state.epoch + 1, 0
        value = record[self.monitored]
        state.note(value, settings.min_delta, self.all, self.parameters)
        if state.plateau is not None:
            state.plateau.update(value)
        if settings.callbacks:
            self.keep()  # one may save the network, or copy it
        asked = [c(self.network, dict(record, epoch=state.epoch)) for c in settings.callbacks]
        if settings.callbacks:
            self.refresh.run(self.team, 0, 1, 1, 1)  # one may have set weights
        stop = self._verdict(record) or self._judged({name: [value] for name, value in record.items()})
        if stop is None and any(a is True for a in asked):
            stop = "callback", f"a callback asked to stop after epoch {state.epoch}"
        if stop:
            self.history.stopped_by, self.history.reason = stop
        return stop

    def _verdict(self, record: Mapping[str, float]) -> Stop | None:
        """A reason to stop after an epoch with this record, if there is one."""
        state, settings = self.state, self.settings
        value = record[self.monitored]
        if not np.isfinite(value) or not np.isfinite(record["running_loss"]):
            cause = find_cause(self.evaluator.lowered, self.evaluator.work, self.all, self.parameters)
            return "diverged", f"training diverged after epoch {state.epoch}: {cause}. {ADVICE}"
        error = record.get("loss", record["running_loss"])
        if settings.until is not None and error < settings.until:
            return "until", f"the loss {error:.4g} is below {settings.until:g} after epoch {state.epoch}"
        if settings.patience is not None and state.waited >= settings.patience:
            best = f"{self.monitored.replace('_', ' ')} {state.best_value:.4g} of epoch {state.best_epoch}"
            times = f"{state.waited} epochs" if state.waited > 1 else "one epoch"
            return "patience", f"no epoch improved on the {best} for {times}"
        return None

    def _judged(self, records: Mapping[str, Sequence[float]]) -> Stop | None:
        """What the judge says to these epochs, if there is one."""
        reason = self.settings.judge(records) if self.settings.judge and records else None
        return None if reason is None else ("judge", reason)

    def finish(self, stop: Stop | None) -> None:
        """Keep the state, restore the best weights where that is due, and say why it stopped."""
        state, history, epochs = self.state, self.history, self.settings.epochs
        over = f"all {epochs} epochs are over" if epochs > 1 else "the one epoch is over"
        stopped_by, reason = stop or ("epochs", over)
        self.keep()
        if self.recording:
            self.recording.at_end(self)
        restore = self.validation is not None or stopped_by == "diverged"
        history.restored = restore and state.restore_best(self.all, self.parameters)
        history.best_epoch = state.best_epoch
        history.stopped_by = stopped_by
        history.reason = reason
        history.threads = self.team.told(self.program.control) if jit() else "1 thread, uncompiled"
        if history.restored and state.best_epoch < state.epoch + bool(state.step):
            what = f"weights of epoch {state.best_epoch}, the best," if state.best_epoch else "first weights"
            history.reason += f"; the {what} are restored"
        if stopped_by == "diverged":
            state.forget_optimizer()
            state.last = state.left

    def _guess(self) -> float:
        """Seconds of an epoch at most, before one was measured: 10⁹ multiplications or bytes a second."""
        n_rows = sum(len(r.indices) for r in (self.rows, self.validation) if r)
        synapses = sum(p.synapses for p in self.all)
        return 1e-9 * (6 * synapses * n_rows + (self.work.nbytes + 10_000) * self.n_steps)

    def interrupt(self, why: str = CTRL_C) -> None:
        """Stop soon and in good order; from any thread."""
        self.interrupted = why

    def keep(self) -> None:
        """Take what a later run needs out of the arenas into the state."""
        self.state.keep(self.lowered, self.work, self.all, self.parameters)

    @contextmanager
    def _kept_on_error(self) -> Iterator[None]:
        """Where a callback fails, or Ctrl-C comes twice, let a later fit go on from here all the same."""
        try:
            yield
        except BaseException as error:
            self.keep()
            if self.recording:
                self.recording.at_end(self)
            where = (
                f"in epoch {self.state.epoch + 1}" if self.state.step else f"after epoch {self.state.epoch}"
            )
            self.history.stopped_by, self.history.reason = "error", f"{type(error).__name__} {where}"
            raise


ADVICE = "Try a smaller learning rate, clipping of gradients (clip_norm=1), or normalised inputs"
