"""What a network answers: outputs, classes, scores."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid import checks
from pellucid.anatomy import Anatomy
from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError, DataError, ShapeError
from pellucid.kernels.team import Team
from pellucid.losses import Loss
from pellucid.metrics import METRICS
from pellucid.prediction import Predictor, Single
from pellucid.training.data import Targets, as_numbers, check_finite, inputs, row_weights, targets
from pellucid.training.evaluation import Evaluator
from pellucid.training.job import Rows

FLOAT, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


class Answers(Anatomy):
    """A network's answers to rows; see `Network`."""

    def predict(self, X: Any) -> Array:
        """The outputs for some rows.

        Parameters
        ----------
        X : array (n_samples, n_in)
            Read where it is if it is float32 or float64 and C-contiguous.

        Returns
        -------
        float32 array (n_samples, n_out)
        """
        return self._predict(inputs(X, self._input, "predict"), "predict")

    def weighted_inputs(self, X: Any) -> Array:
        """The weighted inputs z of the output layer: what its activation makes the outputs of.

        Where a probability is so near to 0 or 1 that float32 cannot tell it from that, z still does.

        Parameters
        ----------
        X : array (n_samples, n_in)
            Read where it is if it is float32 or float64 and C-contiguous.

        Returns
        -------
        float32 array (n_samples, n_out)
            The outputs themselves where the last layer has no activation.
        """
        who = "weighted_inputs"
        return self._predict(inputs(X, self._input, who), who, weighted=True)

    def __call__(self, x: Any) -> Array:
        """The outputs for one row of inputs `(n_in,)`, float32 `(n_out,)`; for more rows like `predict`."""
        if type(x) is np.ndarray:
            dtype = x.dtype
            pool = self._singles if dtype is FLOAT else self._double_singles if dtype is DOUBLE else None
            if pool is not None:
                try:
                    single = pool.pop()
                except IndexError:  # all are at work in other threads
                    single = Single(self._definitions, self._arena, dtype.str[1:])
                output = single.run(x)
                pool.append(single)
                if output is not None:
                    return output
        x = np.asanyarray(x)
        if x.ndim == 2:
            return self.predict(x)
        x = as_numbers(x, "the network: x")
        if x.shape != (self.n_in,):
            raise ShapeError(f"the network expects a row of {self.n_in} numbers, but got shape {x.shape}.")
        outputs: Array = self._predict(inputs(x[None], self._input, "the network"), "the network")[0]
        return outputs

    def classify(self, X: Any) -> Array:
        """The class of each row: its name if the network was trained with names, else its index.

        Where a row may have several labels, 1 for each label that it has and 0 for the others,
        `(n_samples, n_out)`.
        """
        if self.task == "regression":
            raise ArgumentError("the network was trained on numbers, not classes; use predict.")
        outputs = self.predict(X)
        middle = float(np.mean(self._loss.only)) if self._loss and self._loss.only else 0.5
        if self.task == "multilabel":
            return np.asarray(outputs > middle, np.int64)
        indices = outputs.argmax(axis=1) if self.n_out > 1 else (outputs[:, 0] > middle).astype(np.int64)
        named: Array = np.asarray(self.classes)[indices] if self.classes else indices
        return named

    def evaluate(
        self, X: Any, y: Any, *, metrics: Sequence[Any] = (), loss: Any = None, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Loss and metrics on some rows.

        Parameters
        ----------
        X : array (n_samples, n_in)
            Inputs.
        y : array
            Targets, in any form that `fit` takes.
        metrics : sequence of str or Metric
            What to report beside the loss; the metrics of the last fit if there was one and none are given.
        loss : str or Loss, optional
            The loss of the last fit, or the one that suits the output, unless given.
        sample_weight : array (n_samples,), optional
            Weight of each row; only their proportions matter.
        """
        the_loss = self._loss_for(loss)
        X = inputs(X, self._input, "evaluate")
        check_finite(X, "evaluate: X")
        known = self._targets(y, the_loss)
        self._same_length(X, known.values, "y")
        if not len(X):
            raise ShapeError("evaluate needs at least one row.")
        rows = np.arange(len(X))
        weights = row_weights(sample_weight, None, known, len(X), rows)
        data = self._definitions.data(f"f{X.dtype.itemsize}", known.is_indexed, weights is not None)
        evaluator = Evaluator(self._definitions, self._arena, data, the_loss)
        subject = Rows(X, known, weights, rows)
        with Team(1) as team:
            value, outputs = evaluator.run(team, subject.given(data), rows, subject.weight)
        if not np.isfinite(value):
            self._explain_nan(X, "evaluate")
        result: dict[str, Any] = {"loss": value}
        for metric in [METRICS.find(m) for m in checks.several(metrics) or self._metrics]:
            result[metric.name] = metric(known.matrix(), outputs, task=known.task, sample_weight=weights)
        return result

    # ---------------------------------------------------------------- inside

    @functools.cached_property
    def _predictors(self) -> dict[tuple[str, bool], list[Predictor]]:
        """Those that no thread is using, by the type of X and whether they give weighted inputs."""
        return {}

    @functools.cached_property
    def _singles(self) -> list[Single]:
        """Those for float32 that no thread is using."""
        return []

    @functools.cached_property
    def _double_singles(self) -> list[Single]:
        """Those for float64 that no thread is using."""
        return []

    def _predict(self, X: Array, who: str, *, weighted: bool = False) -> Array:
        dtype = f"f{X.dtype.itemsize}"
        pool = self._predictors.setdefault((dtype, weighted), [])
        try:
            predictor = pool.pop()
        except IndexError:  # all are at work in other threads
            predictor = Predictor(self._definitions, self._arena, dtype, weighted=weighted)
        outputs = predictor.run(X)
        is_sound = predictor.is_sound()
        pool.append(predictor)
        if not is_sound:
            check_finite(X, f"{who}: X")
            if np.isnan(outputs).any():
                self._explain_nan(X, who)
        return outputs

    def _targets(self, y: Any, loss: Loss) -> Targets:
        return targets(y, self.n_out, self.output_activation.name, loss, self.classes)

    def _same_length(self, X: Array, other: Array, name: str) -> None:
        if len(X) != len(other):
            raise ShapeError(f"X has {len(X)} rows, but {name} has {len(other)}.")

    def _explain_nan(self, X: Array, who: str) -> None:
        check_finite(X, f"{who}: X")
        if not all(np.isfinite(v).all() for v in self.parameters.values()):
            raise DataError(f"{who}: the network's weights are not finite; it cannot answer. Train it again.")
        raise DataError(f"{who}: X holds numbers so large that the network's sums overflow.")
