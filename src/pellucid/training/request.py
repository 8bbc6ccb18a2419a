"""What `Network.fit` can be asked for, each option checked, and the way from there to a run."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import checks, model_file
from pellucid import settings as environment
from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError, DataError, ShapeError, UnknownNameError
from pellucid.glass.step import note_of
from pellucid.losses import Loss, check_pair, check_targets
from pellucid.metrics import METRICS
from pellucid.optimizers import OPTIMIZERS
from pellucid.regularizers import Gradients
from pellucid.schedules import SCHEDULES
from pellucid.training.data import (
    Targets,
    check_finite,
    class_factors,
    class_of_rows,
    inputs,
    row_weights,
    targets,
)
from pellucid.training.fit import Fit
from pellucid.training.history import History
from pellucid.training.job import Rows, Settings
from pellucid.training.note import digest
from pellucid.training.progress import Progress
from pellucid.training.range_test import range_test
from pellucid.training.recording import Recording
from pellucid.training.splits import FEWEST_TO_SPLIT, split
from pellucid.training.state import State
from pellucid.training.whole_batch import BLOCK, SENSELESS, SUM, Lbfgs

if TYPE_CHECKING:
    from pellucid.network import Network

A_FEW = 1000  # rows that show whether a metric fits the targets


@dataclass
class Request:
    """The options of a fit.

    Parameters
    ----------
    epochs : int
        Passes over the training rows, at most.
    batch_size : int
        Rows of one update.
    optimizer : str, Optimizer or Lbfgs
        One of `OPTIMIZERS`, also with settings: `"adam(beta_2=0.95)"`; or `"lbfgs"`, which looks at all rows
        before each of its steps, see `pellucid.training.whole_batch.Lbfgs`.
    learning_rate : float, "auto" or None
        None is the optimizer's own; "auto" finds one by a range test (Smith, Cyclical learning rates for
        training neural networks, 2017, section 3.3), whose curve stays in `history.range_test`.
    loss : str, Loss or None
        None follows from the output: softmax means categorical_crossentropy, sigmoid
        binary_crossentropy, anything else mse.
    schedule : str or Schedule
        How the learning rate changes; one of `SCHEDULES`.
    metrics : sequence of str or Metric
        Reported for each epoch.
    validation_split : float
        Share of the rows that is held back, drawn by the seed, of each class its share.
    validation_data : (X, y), optional
        Other rows to validate on.
    validation_rows : array of int, optional
        Indices of the rows of X that validate and do not train.
    sample_weight : array (n_samples,), optional
        Weight of each row; only their proportions matter.
    class_weight : dict or "balanced", optional
        Weight of each class.
    shuffle : bool
        Whether each epoch has an order of its own.
    patience : int, optional
        Stop after so many epochs in a row without a better loss on the validation rows (or the training
        rows where there are none).
    min_delta : float
        By how much a loss must be lower to be better.
    until : float, optional
        Stop when the loss on the training rows is below it.
    time_limit : float, optional
        Stop after so many seconds.
    callbacks : sequence of callable
        Called after each epoch with the network and the epoch's record; one that returns True stops.
    checkpoint : path, optional
        A file that holds after each epoch all that is needed to go on.
    resume : bool
        Go on from the checkpoint if the file is there, as if the run had never been interrupted.
    train_loss : bool
        Whether each epoch ends with a pass over the training rows for the loss at its final weights. False
        saves about a quarter of the time; `until` and the choice of the best epoch then see the running loss.
    threads : int, optional
        How many threads work; by default, unless `PELLUCID_THREADS` says it, as many as take the least time.
        That is measured in the first steps, and again where other programs take the cores; what came out
        stands in `history.threads`.
    clip_value, clip_norm, gradient_noise : float, optional
        Limits for each gradient and for the norm of all; η of the noise added to gradients.
    ridge : float, optional
        α of a penalty α Σw² / 2n over the weights of all synapses, n the rows of a batch; its mean over the
        epoch is the history's `penalty`.
    judge : Judge, optional
        Decides when to stop by rules of its own, see `pellucid.training.judge.Judge`.
    record : bool
        Whether any step can be run again later, see `History.replay` and `History.why`. Keeps at most 32
        snapshots of weights and optimizer states (fewer where 64 MiB would not hold them, but 4) and some
        200 bytes an epoch; X, y and the weights of rows are not copied, so they must stay as they are.
    verbose : int
        0 is silent; 1 shows a progress bar in a terminal and plain lines elsewhere.
    """

    epochs: int = 100
    batch_size: int = 32
    optimizer: Any = "adam"
    learning_rate: Any = None
    loss: Any = None
    schedule: Any = "constant"
    metrics: Sequence[Any] = ()
    validation_split: float = 0.0
    validation_data: Any = None
    validation_rows: Any = None
    sample_weight: Any = None
    class_weight: Any = None
    shuffle: bool = True
    patience: int | None = None
    min_delta: float = 0.0
    until: float | None = None
    time_limit: float | None = None
    callbacks: Sequence[Any] = ()
    checkpoint: str | os.PathLike[str] | None = None
    resume: bool = False
    train_loss: bool = True
    threads: int | None = None
    clip_value: float | None = None
    clip_norm: float | None = None
    gradient_noise: float | None = None
    ridge: float | None = None
    judge: Any = None
    record: bool = False
    verbose: int = 0

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Request:
        """From keyword arguments, each checked."""
        known = [f.name for f in fields(cls)]
        for name in options:
            if name not in known:
                raise UnknownNameError("option of fit", name, known)
        request = cls(**options)
        request._check()
        if request.lbfgs:
            request._check_lbfgs(options)
        return request

    def _check(self) -> None:
        self.epochs = checks.whole("epochs", self.epochs)
        self.batch_size = checks.whole("batch_size", self.batch_size)
        self.lbfgs = Lbfgs.named(self.optimizer)
        self.optimizer = SUM if self.lbfgs else OPTIMIZERS.find(self.optimizer)
        self.schedule = SCHEDULES.find(self.schedule)
        self.metrics = [METRICS.find(m) for m in checks.several(self.metrics)]
        for metric in self.metrics:
            if not metric.is_scalar:
                raise ArgumentError(f"the metric {metric.name!r} is no single number; call it after the fit.")
        if self.learning_rate is None:
            self.learning_rate = self.optimizer.settings.get("learning_rate", 0.001)
        elif self.learning_rate != "auto":
            self.learning_rate = checks.number("learning_rate", self.learning_rate, 0, open_ends="least")
        if self.patience is not None:
            self.patience = checks.whole("patience", self.patience)
        self.min_delta = checks.number("min_delta", self.min_delta, 0)
        for name in ("until", "time_limit", "clip_value", "clip_norm", "gradient_noise", "ridge"):
            value = getattr(self, name)
            if value is not None:
                setattr(self, name, checks.number(name, value, 0, open_ends="least"))
        for name in ("shuffle", "resume", "train_loss", "record"):
            checks.switch(name, getattr(self, name))
        if type(self.verbose) is not bool:
            self.verbose = checks.whole("verbose", self.verbose, 0)
        if self.threads is not None:
            self.threads = checks.whole("threads", self.threads, most=1024)
        self.callbacks = checks.several(self.callbacks)
        if self.judge is not None and self.record:
            raise ArgumentError("a fit with a judge cannot be recorded: leave record or judge out.")
        for callback in self.callbacks:
            if not callable(callback):
                raise ArgumentError(f"callbacks must be callable, but got {callback!r}.")
        if self.resume and self.checkpoint is None:
            raise ArgumentError("resume=True needs checkpoint= with the path of the file to resume from.")

    def _check_lbfgs(self, options: Mapping[str, Any]) -> None:
        """Refuse what has no sense where all rows are looked at before each step."""
        standard: dict[str, Any] = {f.name: f.default for f in fields(self)}
        for name in SENSELESS:
            if name in options and not np.array_equal(options[name], standard[name]):
                raise ArgumentError(f"the optimizer lbfgs has no use for {name}: leave it out.")
        self.batch_size, self.shuffle, self.train_loss = BLOCK, False, False

    @property
    def is_plain(self) -> bool:
        """Whether nothing of what was asked for has to be done in Python while training goes on."""
        in_between = self.callbacks or self.metrics or self.record or self.verbose or self.time_limit
        in_between = in_between or self.judge
        kept = self.checkpoint is not None or self.learning_rate == "auto"
        return not in_between and not kept and not self.lbfgs and self.schedule.follower() is None

    def run(self, net: Network, X: Any, y: Any) -> History:
        """Train a network; see `Network.fit`."""
        return self.train(net, self.prepare(net, X, y, {}))

    def prepare(self, net: Network, X: Any, y: Any, read: dict[Hashable, tuple[Array, Targets]]) -> Fit:
        """Check the data and have everything ready; `read` keeps them for other networks."""
        loss = net._loss_for(self.loss)
        check_pair(loss, net.output_activation, net._definitions[-1].label)
        if net.n_out == 1 and net.output_activation.name == "softmax":
            raise ArgumentError(
                f"softmax of one neuron is always 1, so layer {net._definitions[-1].label!r} cannot learn. "
                "Use Dense(1, 'sigmoid') or Dense(2, 'softmax')."
            )
        rows, validation = self._rows(net, X, y, loss, read)
        for metric in self.metrics:
            metric.check(rows.y.task, rows.y.matrix(rows.indices[:A_FEW]))
        state = self._state(net, rows, loss)  # the last that can refuse; only now the network changes
        net._loss, net._metrics, net._state = loss, list(self.metrics), state
        net.classes, net.task = rows.y.names or net.classes, rows.y.task
        ridge = None if self.lbfgs else self.ridge
        gradients = Gradients(self.clip_value, self.clip_norm, self.gradient_noise, ridge=ridge)
        wanted = Settings(
            loss=loss,
            optimizer=self.optimizer,
            learning_rate=0.0 if self.learning_rate == "auto" else self.learning_rate,
            schedule=self.schedule,
            epochs=self.epochs,
            batch_size=self.batch_size,
            metrics=self.metrics,
            shuffle=self.shuffle,
            patience=self.patience,
            min_delta=self.min_delta,
            until=self.until,
            time_limit=self.time_limit,
            train_loss=self.train_loss,
            threads=self.threads or environment.fixed_threads(),
            callbacks=self.callbacks,
            gradients=gradients,
            judge=self.judge,
        )
        arenas = net._arena, net._gradient_arena
        fit = Fit(net._definitions, *arenas, rows, validation, wanted, state, net.seed, net)
        if self.record:
            fit.recording = Recording(fit, net._like, net.wiring)
        if self.learning_rate == "auto":
            wanted.learning_rate, state.history.range_test = range_test(fit)
        note = None if self.lbfgs else note_of(self.optimizer, wanted.learning_rate, gradients)
        net._optimizer["step"] = note
        return fit

    def train(self, net: Network, fit: Fit) -> History:
        """Run what was prepared."""
        if self.lbfgs:
            return self.lbfgs.run(fit, self.ridge or 0.0)
        with Progress(self, fit) as progress:

            def on_epoch(record: dict[str, float], epoch: int) -> None:
                progress.show(record, epoch)
                if self.checkpoint is not None:
                    fit.keep()
                    net.save(self.checkpoint, training=True)

            is_watched = self.verbose or self.checkpoint is not None
            history = fit.run(on_epoch if is_watched else None)
            if self.checkpoint is not None:
                net.save(self.checkpoint, training=True)
            progress.end(history)
        return history

    def _rows(
        self, net: Network, X: Any, y: Any, loss: Any, read: dict[Hashable, tuple[Array, Targets]]
    ) -> tuple[Rows, Rows | None]:
        """The training rows and the validation rows."""
        X, known = self._pair(net, "fit", X, y, loss, net.classes, read)
        ways = (
            self.validation_data is not None,
            bool(self.validation_split),
            self.validation_rows is not None,
        )
        if sum(ways) > 1:
            raise ArgumentError("give one of validation_split, validation_data and validation_rows.")
        training, held_back = np.arange(len(X)), None
        if self.validation_rows is not None:
            training, held_back = self._chosen(len(X))
        if self.validation_split:
            classes = class_of_rows(known) if known.task in ("binary", "multiclass") else None
            training, held_back = split(len(X), classes, fraction=self.validation_split, seed=net.seed)
            if not len(held_back):
                raise DataError(
                    f"validation_split needs at least {FEWEST_TO_SPLIT} rows, but X has {len(X)}. "
                    "Give validation_data, or train without."
                )
        weights = row_weights(self.sample_weight, self.class_weight, known, len(X), training)
        if held_back is not None and weights is not None and not weights[held_back].any():
            raise DataError("the weights of all validation rows are 0; nothing can be validated.")
        rows = Rows(X, known, weights, training)
        if held_back is not None:
            return rows, Rows(X, known, weights, held_back)
        if self.validation_data is None:
            return rows, None
        try:
            X_held, y_held = self.validation_data
        except (TypeError, ValueError):
            raise ArgumentError("validation_data must be a pair (X, y).") from None
        X_held, held = self._pair(net, "validation_data", X_held, y_held, loss, known.classes, read)
        if held.is_indexed != known.is_indexed:
            raise ShapeError(
                "validation_data: y must have the form of the training targets, indices or one-hot rows."
            )
        ones = None if weights is None else np.ones(len(X_held), np.float32)
        if ones is not None and self.class_weight is not None:
            ones *= class_factors(self.class_weight, known, training)[class_of_rows(held)]
        return rows, Rows(X_held.astype(X.dtype, copy=False), held, ones, np.arange(len(X_held)))

    def _chosen(self, n: int) -> tuple[Array, Array]:
        """Training and validation rows where the user has named the latter."""
        held_back = np.asarray(self.validation_rows)
        if held_back.ndim != 1 or held_back.dtype.kind not in "iu" or not len(held_back):
            raise ArgumentError("validation_rows must be row indices, such as [0, 5, 7].")
        if held_back.min() < 0 or held_back.max() >= n:
            raise ArgumentError(f"validation_rows must be from 0 to {n - 1}, the rows of X.")
        is_held = np.zeros(n, np.bool_)
        is_held[held_back] = True
        if is_held.all():
            raise DataError("validation_rows names every row; none is left to train on.")
        return np.flatnonzero(~is_held), np.flatnonzero(is_held)

    def _pair(
        self,
        net: Network,
        who: str,
        X: Any,
        y: Any,
        loss: Any,
        classes: list[Any] | None,
        read: dict[Hashable, tuple[Array, Targets]],
    ) -> tuple[Array, Targets]:
        """Inputs and targets, checked."""
        features = tuple(net._input.features) if net._input.is_named else net.n_in
        form = features, net.n_out, net.output_activation.name, str(loss.spec), repr(classes)
        key = who, id(X), id(y), form
        if key in read:
            return read[key]
        X = inputs(X, net._input, who)
        check_finite(X, f"{who}: X")
        if not len(X):
            raise ShapeError(f"{who} needs at least one row, but X has none.")
        known = targets(y, net.n_out, net.output_activation.name, loss, classes)
        if len(X) != len(known.values):
            raise ShapeError(f"{who}: X has {len(X)} rows, but y has {len(known.values)}.")
        if not known.is_indexed:
            check_targets(loss, known.values)
        read[key] = X, known
        return X, known

    def _state(self, net: Network, rows: Rows, loss: Loss) -> State:
        """Where to begin: at a checkpoint, where the last fit stopped, or at the beginning."""
        name = (self.lbfgs or self.optimizer).name
        about = {"optimizer": name, "n_rows": len(rows.X), "batch_size": self.batch_size}
        about |= {"loss": loss.name, "n_training": len(rows.indices)}
        if self.resume and self.checkpoint is not None and os.path.exists(self.checkpoint):
            saved = type(net).from_dict(*model_file.read(self.checkpoint))
            who = f"the checkpoint {os.fspath(self.checkpoint)!r}"
            if [la.spec for la in saved._definitions] != [la.spec for la in net._definitions]:
                raise ArgumentError(f"{who} is of another network.")
            then = dict(saved._optimizer or {})
            data = then.pop("data", None)
            then.pop("step", None)
            if then != about or saved._state is None:
                raise ArgumentError(f"{who} is of another run: {then}, but now {about}.")
            if data != digest(rows):
                raise ArgumentError(
                    f"{who} is of a run on other rows or other values of them. Give it the same data, split "
                    "and seed, or begin anew."
                )
            for name, values in net.parameters.items():
                values[:] = saved.parameters[name]
            net.seed, net._optimizer = saved.seed, about | {"data": data}
            return saved._state
        state = net._state or State()
        before = {k: v for k, v in (net._optimizer or about).items() if k in about}
        if before["optimizer"] != about["optimizer"]:
            state.forget_optimizer()  # another one keeps other numbers
        if before != about:
            state.partial, state.step = {}, 0
        if state.history.stopped_by == "patience":
            state.waited = 0
        state.begun = state.epoch
        follower = self.schedule.follower()
        if follower is None or state.plateau is None or not state.plateau.has_settings_of(follower):
            state.plateau = follower
        net._optimizer = about if self.checkpoint is None else about | {"data": digest(rows)}
        return state
