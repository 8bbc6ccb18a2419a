"""What both perceptrons share: fitting as scikit-learn does it, on pellucid's engine."""

from __future__ import annotations

import itertools
import operator
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight, validate_data

from pellucid.engine.buffer import Array
from pellucid.errors import DataError, warn
from pellucid.estimators.arrays import LARGEST, NON_FINITE, activated, as_float32, distinct, in_blocks
from pellucid.estimators.engine import ACTIVATIONS, network_of, optimizer_of, publish, units_of
from pellucid.estimators.pace import Pace
from pellucid.estimators.whole_batch import fit_whole_batch
from pellucid.network import Network

STOCHASTIC = ("sgd", "adam")
AUTO_BATCH = 200
LEAST_ALPHA = 1e-30  # below it nothing is left of it in float32


def is_stochastic(estimator: Any) -> bool:
    """Whether the solver goes from batch to batch; else `partial_fit` has no sense."""
    if estimator.solver not in STOCHASTIC:
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


class Perceptron(BaseEstimator):
    """Base of `MLPClassifier` and `MLPRegressor`, which describe the parameters."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
    }

    # ---------------------------------------------------------------- what the two differ in

    def _read(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        """X and y checked; y as the network's targets `(n_samples, n_outputs)`, or as class indices."""
        raise NotImplementedError

    def _n_outputs_of(self, targets: Array) -> int:
        return int(targets.shape[1])

    def _out_activation(self) -> str:
        raise NotImplementedError

    def _loss(self) -> Any:
        """The engine's loss."""
        raise NotImplementedError

    def _told(self, targets: Array, weights: Array | None) -> tuple[float, float]:
        """By what the engine's loss is multiplied, and what is added, to have scikit-learn's."""
        return 1.0, 0.0

    def _validation_score(self, z: Array, targets: Array, weights: Array | None) -> float:
        raise NotImplementedError

    # ---------------------------------------------------------------- fitting

    def _fit(self, X: Any, y: Any, sample_weight: Any, incremental: bool = False) -> Any:
        hidden = self.hidden_layer_sizes
        hidden = list(hidden) if hasattr(hidden, "__iter__") else [hidden]
        if np.any(np.array(hidden) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        is_first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, targets = self._read(X, y, incremental, reset=is_first)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X)
            if (weights < 0).any():
                raise ValueError("Negative values in data passed to `sample_weight`.")
        dtype = X.dtype
        X = as_float32(X)
        if targets.dtype.kind == "f" and not (np.abs(targets) <= LARGEST).all():
            raise ValueError(NON_FINITE)
        self.n_outputs_ = self._n_outputs_of(targets)
        self._random_state = check_random_state(self.random_state)
        units = [X.shape[1], *map(operator.index, hidden), self.n_outputs_]
        if is_first:
            self._initialize(units, dtype)
        elif units != (found := units_of(self)):
            raise ValueError(
                f"a fit that goes on has the layers of the last one, {found}, but {units} are asked for. "
                "Fit anew, without warm_start."
            )
        if self.solver in STOCHASTIC:
            self._fit_stochastic(X, targets, weights, incremental)
        else:
            fit_whole_batch(self, X, targets, weights)
        return self

    def _initialize(self, units: list[int], dtype: Any) -> None:
        """First weights, drawn as scikit-learn draws them, and a record with nothing in it."""
        self.n_iter_ = 0
        self.t_ = 0
        self.n_layers_ = len(units)
        self.out_activation_ = self._out_activation()
        self.coefs_, self.intercepts_ = [], []
        for n_in, n_out in itertools.pairwise(units):
            bound = np.sqrt((2.0 if self.activation == "logistic" else 6.0) / (n_in + n_out))
            draw = self._random_state.uniform
            self.coefs_.append(draw(-bound, bound, (n_in, n_out)).astype(dtype, copy=False))
            self.intercepts_.append(draw(-bound, bound, n_out).astype(dtype, copy=False))
        self._best = self._copy_of_weights()
        self._network: Network | None = None
        if self.solver in STOCHASTIC:
            self.loss_curve_: list[float] = []
            self._no_improvement_count = 0
            self.validation_scores_: list[float] | None = [] if self.early_stopping else None
            self.best_validation_score_ = -np.inf if self.early_stopping else None
            self.best_loss_ = None if self.early_stopping else np.inf

    def _fit_stochastic(self, X: Array, targets: Array, weights: Array | None, incremental: bool) -> None:
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        held: tuple[Array, Array, Array | None] | None = None
        if self.early_stopping:
            training, validation = self._split(targets)
            held = X[validation], targets[validation], None if weights is None else weights[validation]
            X, targets = X[training], targets[training]
            weights = None if weights is None else weights[training]
        n_rows = len(X)
        if self.batch_size == "auto":
            batch_size = min(AUTO_BATCH, n_rows)
        else:
            if self.batch_size > n_rows:
                warn(
                    "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
                    UserWarning,
                )
            batch_size = min(self.batch_size, n_rows)
        scale, offset = self._told(targets, weights)
        pace = self._pace_of(n_rows, incremental)
        pace.scale, pace.offset = scale, offset
        seed = int(self._random_state.randint(2**31 - 1))
        is_one_batch = batch_size == n_rows <= AUTO_BATCH
        total = float(n_rows) if weights is None else float(weights.sum())
        if is_one_batch and held is None:
            X, targets, weights = distinct(X, targets, weights)
            batch_size = len(X)
        net = network_of(self, seed, continues=incremental)
        if held:
            X_held, targets_held, weights_held = held
            pace.score = lambda: self._score_of(net, X_held, targets_held, weights_held)
            pace.keep = lambda: self._keep(net)
        ridge = float(self.alpha) * len(X) / total
        history = net.fit(
            X,
            targets,
            epochs=1 if incremental else self.max_iter,
            batch_size=batch_size,
            optimizer=optimizer_of(self),
            learning_rate=float(self.learning_rate_init),
            loss=self._loss(),
            schedule=pace.schedule,
            shuffle=bool(self.shuffle) and not is_one_batch,
            sample_weight=weights,
            ridge=ridge if ridge > LEAST_ALPHA else None,
            train_loss=False,
            judge=pace,
        )
        if history.stopped_by == "diverged":
            pace.diverged()
        self._take_notes(pace)
        if held:
            self.coefs_, self.intercepts_ = self._best
        else:
            publish(self, net)
        self._finish(history.stopped_by, history.reason, incremental)

    def _checked(self, X: Any, y: Any, reset: bool, **options: Any) -> tuple[Any, Array]:
        """X and y as scikit-learn reads them; a y of one column is a row of numbers or classes."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=(np.float64, np.float32),
            reset=reset,
            **options,
        )
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _split(self, targets: Array) -> tuple[Array, Array]:
        """Training and validation rows, as scikit-learn would draw them."""
        is_binary = is_classifier(self) and self.n_outputs_ == 1
        training, validation = train_test_split(
            np.arange(len(targets)),
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=targets > 0.5 if is_binary else None,
        )
        if len(validation) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return training, validation

    def _pace_of(self, n_rows: int, incremental: bool) -> Pace:
        """Where the fit stands: learning rate and what was noted so far."""
        rule = self.learning_rate if self.solver == "sgd" else "constant"
        initial = float(self.learning_rate_init)
        before = getattr(self, "_optimizer", None) if incremental else None
        self._optimizer = Pace(
            rule=rule,
            initial=initial,
            power=float(self.power_t),
            learning_rate=before.learning_rate if before else initial,
            tol=float(self.tol),
            patience=self.n_iter_no_change,
            verbose=bool(self.verbose),
            n_rows=n_rows,
            curve=self.loss_curve_,
            scores=getattr(self, "validation_scores_", None) or [],
            best_loss=_known(self, "best_loss_", np.inf),
            best_score=_known(self, "best_validation_score_", -np.inf),
            failed=self._no_improvement_count,
            seen=self.t_,
        )
        return self._optimizer

    def _take_notes(self, pace: Pace) -> None:
        self.n_iter_, self.t_, self._no_improvement_count = pace.n_iter, pace.seen, pace.failed
        if pace.curve:  # Ctrl-C may come before the first epoch is over
            self.loss_ = pace.curve[-1]
        if self.early_stopping:
            self.validation_scores_, self.best_validation_score_ = pace.scores, pace.best_score
        else:
            self.best_loss_ = pace.best_loss
        pace.score = pace.keep = None  # what cannot be pickled

    def _finish(self, stopped_by: str, reason: str, incremental: bool) -> None:
        """Refuse weights that are not finite, warn where it did not converge."""
        if stopped_by == "ctrl-c":
            warn("Training interrupted by user.", UserWarning)
        elif stopped_by == "epochs" and not incremental:
            warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization "
                "hasn't converged yet.",
                ConvergenceWarning,
            )
        if stopped_by == "diverged":
            if not self.early_stopping:
                raise ValueError(NON_FINITE)
            warn(f"Stochastic Optimizer: {reason}.", ConvergenceWarning)

    # ---------------------------------------------------------------- the network

    def _keep(self, net: Network) -> None:
        publish(self, net)
        self._best = self._copy_of_weights()

    def _copy_of_weights(self) -> tuple[list[Array], list[Array]]:
        return [w.copy() for w in self.coefs_], [b.copy() for b in self.intercepts_]

    def _score_of(self, net: Network, X: Array, targets: Array, weights: Array | None) -> float:
        try:
            z = net.weighted_inputs(X)
        except DataError:  # sums that overflow
            return float("nan")
        return self._validation_score(z.astype(np.float64), targets, weights)

    # ---------------------------------------------------------------- answers

    def _outputs(self, X: Any) -> Array:
        """The outputs of the network, of the type of the weights and of X."""
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        net = network_of(self)
        z = in_blocks(net.weighted_inputs, X).astype(np.float64)
        return activated(z, self.out_activation_).astype(np.result_type(self.coefs_[0], X.dtype))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _known(estimator: Any, name: str, default: float) -> float:
    """An attribute that may be missing or None."""
    value = getattr(estimator, name, None)
    return default if value is None else value
