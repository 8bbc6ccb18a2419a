"""`MLPRegressor`: scikit-learn's, trained by pellucid."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy.special import xlogy
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from pellucid.engine.buffer import Array
from pellucid.estimators.arrays import activated, r2
from pellucid.estimators.engine import summed
from pellucid.estimators.mlp import Perceptron, is_stochastic
from pellucid.losses import LOSSES


class MLPRegressor(RegressorMixin, Perceptron):
    """A perceptron that estimates numbers: scikit-learn's `MLPRegressor`, trained by pellucid's engine.

    The engine computes in float32; what differs besides is told in the documentation.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}
        Half of the squared error, or half of the deviance of the Poisson distribution, with which the
        output is the exponential of its weighted input and y is at least 0.
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
    coefs_, intercepts_ : list of array
        Weights `(n_in, n_out)` and biases `(n_out,)` of each layer, of the type of X.
    loss_ : float
        The loss of the last epoch with its penalty: the mean over the batches, each before its update.
    loss_curve_ : list of float
        That of each epoch; not with `lbfgs`.
    best_loss_ : float or None
        The least of them; None with `early_stopping`.
    validation_scores_ : list of float or None
        R² on the validation rows after each epoch; None without `early_stopping`.
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
    scikit-learn 1.9, `sklearn.neural_network.MLPRegressor`, which says what each parameter means.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(n_samples=200, n_features=20, random_state=1)
    >>> regressor = MLPRegressor(random_state=1, max_iter=2000, tol=0.1).fit(X[:150], y[:150])
    >>> regressor.score(X[150:], y[150:]) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **Perceptron._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson"})],
    }

    def __init__(
        self,
        loss: str = "squared_error",
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
        self.loss = loss
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
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Learn from rows.

        Parameters
        ----------
        X : array, data frame or sparse matrix (n_samples, n_features)
            Numbers.
        y : array (n_samples,) or (n_samples, n_outputs)
            Numbers.
        sample_weight : array (n_samples,), optional
            Weight of each row.
        """
        self._fit(X, y, sample_weight)
        return self

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Go on learning: one epoch of these rows.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        """
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def predict(self, X: Any) -> Array:
        """The estimate for each row.

        Parameters
        ----------
        X : array, data frame or sparse matrix (n_samples, n_features)
            Numbers.

        Returns
        -------
        array (n_samples,) or (n_samples, n_outputs)
        """
        check_is_fitted(self)
        outputs = self._outputs(X)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    # ---------------------------------------------------------------- inside

    def _read(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        X, y = self._checked(X, y, reset, y_numeric=True)
        return X, np.asarray(y, np.float64).reshape(len(y), -1)

    def _out_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _loss(self) -> Any:
        return summed(LOSSES.find("poisson")) if self.loss == "poisson" else LOSSES.find("half_squares")

    def _told(self, targets: Array, weights: Array | None) -> tuple[float, float]:
        if self.loss == "poisson":
            rest = (xlogy(targets, targets) - targets).sum(axis=1)
            return 1.0, float(np.average(rest, weights=weights))
        return 1.0 / targets.shape[1], 0.0

    def _validation_score(self, z: Array, targets: Array, weights: Array | None) -> float:
        return r2(targets, activated(z, self.out_activation_), weights)
