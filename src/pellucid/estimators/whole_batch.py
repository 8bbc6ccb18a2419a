"""The solver `lbfgs` of scikit-learn's perceptrons."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from pellucid.engine.buffer import Array
from pellucid.errors import warn
from pellucid.estimators.arrays import NON_FINITE, distinct
from pellucid.estimators.engine import network_of, publish
from pellucid.training.whole_batch import Lbfgs

FEW = 200  # rows of which those that are the same are found at no cost
STOPS = {  # SciPy's number and words for why it stopped
    "epochs": (1, "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT"),
    "evaluations": (1, "STOP: TOTAL NO. OF F,G EVALUATIONS EXCEEDS LIMIT"),
}


def fit_whole_batch(estimator: Any, X: Array, targets: Array, weights: Array | None) -> None:
    """Train by L-BFGS, and leave coefficients, `loss_` and `n_iter_` with the estimator."""
    total = float(len(X)) if weights is None else float(weights.sum())
    scale, offset = estimator._told(targets, weights)
    if len(X) <= FEW:
        X, targets, weights = distinct(X, targets, weights)
    net = network_of(estimator, continues=False)
    optimizer = Lbfgs(tolerance=float(estimator.tol), evaluations=int(estimator.max_fun))
    ridge = float(estimator.alpha) * len(X) / total
    history = net.fit(
        X,
        targets,
        epochs=estimator.max_iter,
        optimizer=optimizer,
        loss=estimator._loss(),
        sample_weight=weights,
        ridge=ridge or None,
    )
    curve = [scale * e["loss"] + offset + e["penalty"] for e in history.epochs]
    publish(estimator, net)
    estimator.n_iter_ = len(curve)
    if curve:
        estimator.loss_ = curve[-1]
    else:  # there was nothing to be done
        loss = net.evaluate(X, targets, sample_weight=weights)["loss"]
        squares = sum(float((w.astype(np.float64) ** 2).sum()) for w in estimator.coefs_)
        estimator.loss_ = scale * loss + offset + 0.5 * float(estimator.alpha) * squares / total
    if estimator.verbose:
        for number, loss in enumerate(curve, 1):
            print(f"Iteration {number}, loss = {loss:.8f}")
    if history.stopped_by == "diverged" or not all(np.isfinite(w).all() for w in estimator.coefs_):
        raise ValueError(NON_FINITE)
    if history.stopped_by == "ctrl-c":
        warn("Training interrupted by user.", UserWarning)
    if history.stopped_by in STOPS:
        _warn(len(curve), estimator.max_iter, *STOPS[history.stopped_by])


def _warn(n_iter: int, max_iter: int, status: int, message: str) -> None:
    """Say in scikit-learn's words that it has not converged."""
    text = f"lbfgs failed to converge after {n_iter} iteration(s) (status={status}):\n{message}\n"
    if n_iter == max_iter:
        text += f"\nIncrease the number of iterations to improve the convergence (max_iter={max_iter})."
    text += (
        "\nYou might also want to scale the data as shown in:\n"
        "    https://scikit-learn.org/stable/modules/preprocessing.html"
    )
    warn(text, ConvergenceWarning)
