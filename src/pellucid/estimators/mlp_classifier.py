"""`MLPClassifier`: scikit-learn's, trained by pellucid."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import check_is_fitted

from pellucid.engine.buffer import Array
from pellucid.estimators.arrays import accuracy
from pellucid.estimators.classes import check_known
from pellucid.estimators.engine import summed
from pellucid.estimators.mlp import Perceptron, is_stochastic
from pellucid.losses import LOSSES


class MLPClassifier(ClassifierMixin, Perceptron):
    """A perceptron that tells classes apart: scikit-learn's `MLPClassifier`, trained by pellucid's engine.

    Minimised is the cross-entropy. The engine computes in float32; what differs besides is told in the
    documentation.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Neurons of each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu"}
        Activation of the hidden layers.
    solver : {"lbfgs", "sgd", "adam"}
        `sgd` and `adam` go from batch to batch, `lbfgs` looks at all rows before each step.
    alpha : float
        Strength of the penalty alpha Σw² / 2n over the weights, n being the rows of a batch (the sum of
        their weights).
    batch_size : int or "auto"
        Rows of an update; "auto" is 200, or all rows where there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}
        Of `sgd`. `invscaling` divides the first rate by (t + 1)^power_t after each epoch, t being the rows
        seen so far; `adaptive` divides it by 5 where the others would stop, until it is at most 1e-6.
    learning_rate_init : float
        The first learning rate.
    power_t : float
        See `learning_rate`.
    max_iter : int
        Epochs at most; of `lbfgs`, steps.
    shuffle : bool
        Whether each epoch has an order of its own.
    random_state : int, RandomState or None
        Decides the first weights, which are scikit-learn's, the validation rows, which are too, and the
        order of the rows.
    tol : float
        By how much the loss, or the validation score, has to be better than the best so far; of `lbfgs`,
        how large the gradient may be at the end.
    verbose : bool
        Whether each epoch is told.
    warm_start : bool
        Whether `fit` goes on from the weights of the last fit.
    momentum : float
        Of `sgd`.
    nesterovs_momentum : bool
        Whether it is Nesterov's.
    early_stopping : bool
        Whether a part of the rows is held back, whose score decides when to stop and which weights stay.
    validation_fraction : float
        How large that part is.
    beta_1, beta_2, epsilon : float
        Of `adam`; epsilon is the paper's ε̂.
    n_iter_no_change : int or inf
        Training stops when more epochs than these in a row were not better by `tol`.
    max_fun : int
        How often `lbfgs` may look at all rows.

    Attributes
    ----------
    classes_ : array (n_classes,)
        The classes; of several labels, their numbers.
    coefs_, intercepts_ : list of array
        Weights `(n_in, n_out)` and biases `(n_out,)` of each layer, of the type of X.
    loss_ : float
        The loss of the last epoch with its penalty: the mean over the batches, each before its update.
    loss_curve_ : list of float
        That of each epoch; not with `lbfgs`.
    best_loss_ : float or None
        The least of them; None with `early_stopping`.
    validation_scores_ : list of float or None
        Accuracy on the validation rows after each epoch; None without `early_stopping`.
    best_validation_score_ : float or None
        The best of them.
    n_iter_ : int
        Epochs of the last fit.
    t_ : int
        Rows learned from so far.
    n_layers_, n_outputs_ : int
        Layers with the input, and outputs.
    out_activation_ : str
        Activation of the output.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : array of str
        Their names, where X has them and they are texts.

    References
    ----------
    scikit-learn 1.9, `sklearn.neural_network.MLPClassifier`, which says what each parameter means.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> X, y = make_classification(n_samples=300, random_state=1)
    >>> classifier = MLPClassifier(max_iter=1000, random_state=1).fit(X[:200], y[:200])
    >>> classifier.predict(X[200:205])
    array([1, 0, 1, 0, 0])
    >>> classifier.score(X[200:], y[200:]) > 0.7
    True
    """

    loss = "log_loss"

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15_000,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Learn from rows.

        Parameters
        ----------
        X : array, data frame or sparse matrix (n_samples, n_features)
            Numbers.
        y : array (n_samples,) or (n_samples, n_labels)
            Classes; or 0 and 1 for each of several labels.
        sample_weight : array (n_samples,), optional
            Weight of each row.
        """
        self._fit(X, y, sample_weight)
        return self

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """Go on learning: one epoch of these rows.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array (n_classes,)
            All classes there will be; needed in the first call alone.
        """
        if _check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer()
            self._label_binarizer.fit(y if type_of_target(y).startswith("multilabel") else classes)
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def predict(self, X: Any) -> Array:
        """The class of each row, or 0 and 1 for each label.

        Parameters
        ----------
        X : array, data frame or sparse matrix (n_samples, n_features)
            Numbers.
        """
        check_is_fitted(self)
        outputs = self._outputs(X)
        if self._label_binarizer.y_type_ == "multiclass":
            return np.asarray(self.classes_[outputs.argmax(axis=1)])
        found: Array = self._label_binarizer.inverse_transform(outputs)  # sparse, where y was
        return found

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, or of each label.

        Parameters
        ----------
        X : array, data frame or sparse matrix (n_samples, n_features)
            Numbers.

        Returns
        -------
        array (n_samples, n_classes)
        """
        check_is_fitted(self)
        outputs = self._outputs(X)
        return np.hstack([1 - outputs, outputs]) if self.n_outputs_ == 1 else outputs

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of `predict_proba`.

        Parameters
        ----------
        X : array, data frame or sparse matrix (n_samples, n_features)
            Numbers.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    # ---------------------------------------------------------------- inside

    def _read(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        X, y = self._checked(X, y, reset)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            check_known(unique_labels(y), self.classes_, exactly=self.warm_start)
        kind = self._label_binarizer.y_type_
        if kind == "multiclass":
            return X, np.searchsorted(self.classes_, y)
        if kind == "binary":
            is_second = y == self.classes_[1] if len(self.classes_) > 1 else np.zeros(len(y), np.bool_)
            return X, is_second.astype(np.float32)[:, None]
        return X, np.asarray(self._label_binarizer.transform(y), np.float32)

    def _n_outputs_of(self, targets: Array) -> int:
        return len(self.classes_) if targets.ndim == 1 else targets.shape[1]

    def _out_activation(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _loss(self) -> Any:
        if self.out_activation_ == "softmax":
            return LOSSES.find("categorical_crossentropy")
        return summed(LOSSES.find("binary_crossentropy"))

    def _validation_score(self, z: Array, targets: Array, weights: Array | None) -> float:
        found = z.argmax(axis=1) if targets.ndim == 1 else z > 0
        return accuracy(targets, found, weights)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
