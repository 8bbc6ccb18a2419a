"""Activation functions: what a neuron makes of its weighted input.

Each entry is a function of the weighted input `z`, with its derivative da/dz, the points where it has
a kink, the range of its values and its source. Add one by writing it here, or anywhere else::

    @pellucid.activation(derivative=lambda z, a, steep: where(z > 0, steep, 0.0), kinks=(0.0,))
    def steep_relu(z, steep=2.0):
        \"\"\"a = steep max(0, z).\"\"\"
        return where(z > 0, steep * z, 0.0)

It is written with arithmetic and the words of `pellucid.kernels.elementary`, and compiled to vector code.
Some entries hold z within bounds beyond which float32 cannot tell the result from its limit; so an
infinite z gives the limit where there is one. NaN always stays NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.activation_entry import ACTIVATIONS, Activation, RowActivation, activation
from pellucid.kernels.elementary import (
    absolute,
    exp,
    expm1,
    log,
    log1p,
    maximum,
    minimum,
    normal_cdf,
    normal_density,
    sign,
    tanh_softplus,
    where,
)
from pellucid.kernels.elementary import sigmoid as logistic
from pellucid.kernels.elementary import softplus as log_1_exp
from pellucid.kernels.elementary import tanh as hyperbolic_tangent
from pellucid.kernels.softmax import softmax_backward, softmax_forward, softmax_of_few

__all__ = ["ACTIVATIONS", "Activation", "RowActivation", "activation"]


def _within(z: Any, bound: Any) -> Any:
    """z between -bound and bound; NaN stays NaN. So written, it is two instructions."""
    z = where(z > bound, bound, z)
    return where(z < -bound, -bound, z)


@activation(
    derivative=lambda z, a: where(z == z, 1.0, z),
    source="Widrow and Hoff, Adaptive switching circuits, 1960",
)
def linear(z: Any) -> Any:
    """a = z; derivative 1.

    >>> linear([[-1.0, 2.0]])
    array([[-1.,  2.]], dtype=float32)
    """
    return z


@activation(
    derivative=lambda z, a: sign(a),
    kinks=(0.0,),
    range=(0.0, np.inf),
    initializer="he_uniform",
    source="Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, 2010",
)
def relu(z: Any) -> Any:
    """a = max(0, z); derivative 1 where z > 0, else 0.

    >>> relu([[-1.0, 2.0]])
    array([[0., 2.]], dtype=float32)
    """
    return where(z < 0, 0.0, z)  # so written, NaN stays NaN


@activation(
    derivative=lambda z, a, slope: where(z > 0, 1.0, where(z <= 0, slope, z)),
    kinks=(0.0,),
    initializer="he_uniform",
    source="Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models, 2013",
)
def leaky_relu(z: Any, slope: float = 0.01) -> Any:
    """a = z where z > 0, else slope z; derivative 1 or slope.

    >>> leaky_relu([[-1.0, 2.0]])
    array([[-0.01,  2.  ]], dtype=float32)
    """
    return where(z > 0, z, slope * z)


@activation(
    derivative=lambda z, a, alpha: where(z > 0, 1.0, alpha * exp(z)),
    kinks=(0.0,),
    initializer="he_uniform",
    limits={"alpha": (0.0, np.inf, "least")},
    source="Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by exponential "
    "linear units (ELUs), 2016, equation 2",
)
def elu(z: Any, alpha: float = 1.0) -> Any:
    """a = z where z > 0, else α (exp(z) - 1); derivative 1, or α exp(z).

    >>> elu([[-100.0, 2.0]])
    array([[-1.,  2.]], dtype=float32)
    """
    return where(z > 0, z, alpha * expm1(z))


@activation(
    derivative=lambda z, a: 1.0507009873554805 * where(z > 0, 1.0, 1.6732632423543772 * exp(z)),
    kinks=(0.0,),
    range=(-1.7580993408473766, np.inf),
    initializer="lecun_normal",
    source="Klambauer, Unterthiner, Mayr and Hochreiter, Self-normalizing neural networks, 2017, equation 2",
)
def selu(z: Any) -> Any:
    """a = λ z where z > 0, else λ α (exp(z) - 1), λ = 1.0507, α = 1.6733; derivative λ, or λ α exp(z).

    >>> selu([[0.0, 1.0]])
    array([[0.      , 1.050701]], dtype=float32)
    """
    return 1.0507009873554805 * where(z > 0, z, 1.6732632423543772 * expm1(z))


def _gelu_slope(z: Any, a: Any) -> Any:
    return normal_cdf(z) + _within(z, 20.0) * normal_density(z)


@activation(
    derivative=_gelu_slope,
    range=(-0.17, np.inf),
    initializer="he_uniform",
    source="Hendrycks and Gimpel, Gaussian error linear units (GELUs), 2016, section 2",
)
def gelu(z: Any) -> Any:
    """a = z Φ(z), Φ the normal distribution function and φ its density; derivative Φ(z) + z φ(z).

    >>> gelu([[0.0, 100.0]])
    array([[  0., 100.]], dtype=float32)
    """
    return where(z < -20, -20.0, z) * normal_cdf(z)


def _gelu_tanh_slope(z: Any, a: Any) -> Any:
    b = _within(z, 20.0)
    u = 1.5957691216057308 * b * (1 + 0.044715 * b * b)
    rise = 1.5957691216057308 * (1 + 0.134145 * b * b)
    return logistic(u) * (1 + b * logistic(-u) * rise)


@activation(
    derivative=_gelu_tanh_slope,
    range=(-0.1701, np.inf),
    initializer="he_uniform",
    source="Hendrycks and Gimpel, Gaussian error linear units (GELUs), 2016, section 2",
)
def gelu_tanh(z: Any) -> Any:
    """a = z/2 (1 + tanh(u/2)) = z σ(u), u = √(8/π) (z + 0.044715 z³); derivative σ(u) (1 + z σ(-u) du/dz).

    >>> gelu_tanh([[0.0, 100.0]])
    array([[  0., 100.]], dtype=float32)
    """
    b = where(z < -20, -20.0, z)
    return b * logistic(1.5957691216057308 * b * (1 + 0.044715 * b * b))


@activation(
    derivative=lambda z, a: logistic(z) * (1 + _within(z, 100.0) * logistic(-z)),
    range=(-0.2785, np.inf),
    initializer="he_uniform",
    source="Elfwing, Uchibe and Doya, Sigmoid-weighted linear units for neural network function "
    "approximation in reinforcement learning, 2018, equation 5",
)
def silu(z: Any) -> Any:
    """a = z σ(z), σ the sigmoid; derivative σ(z) (1 + z σ(-z)).

    >>> silu([[0.0, 100.0]])
    array([[  0., 100.]], dtype=float32)
    """
    return where(z < -100, -100.0, z) * logistic(z)


def _mish_slope(z: Any, a: Any) -> Any:
    e = exp(
        where(z > 30, 30.0, z)
    )  # t = n / (n + 2) with n = e (e + 2), and so 1 - t² = 4 (1 + e)² / (n + 2)²
    n = e * (e + 2)
    r = 1 / (n + 2)
    return r * (n + _within(z, 100.0) * (4 * e * (1 + e) * r))


@activation(
    derivative=_mish_slope,
    range=(-0.3089, np.inf),
    initializer="he_uniform",
    source="Misra, Mish: a self regularized non-monotonic activation function, 2020, equation 1",
)
def mish(z: Any) -> Any:
    """a = z t with t = tanh(softplus(z)); derivative t + z (1 - t²) σ(z), σ the sigmoid.

    >>> mish([[0.0, 100.0]])
    array([[  0., 100.]], dtype=float32)
    """
    return where(z < -100, -100.0, z) * tanh_softplus(z)


@activation(
    derivative=lambda z, a: logistic(z),
    range=(0.0, np.inf),
    log=(
        lambda z, a: where(z < -15, z, log(a)),
        lambda z, a: where(z < -15, 1.0, logistic(z) / a),
    ),
    source="Dugas, Bengio, Bélisle, Nadeau and Garcia, Incorporating second-order functional knowledge "
    "for better option pricing, 2001",
)
def softplus(z: Any) -> Any:
    """a = log(1 + exp(z)); derivative σ(z), σ the sigmoid.

    >>> softplus([[0.0, 100.0]])
    array([[  0.6931472, 100.       ]], dtype=float32)
    """
    return log_1_exp(z)


@activation(
    derivative=lambda z, a: 1 / ((1 + absolute(z)) * (1 + absolute(z))),
    range=(-1.0, 1.0),
    source="Bergstra, Desjardins, Lamblin and Bengio, Quadratic polynomials learn better image features, "
    "2009",
)
def softsign(z: Any) -> Any:
    """a = z / (1 + |z|); derivative 1 / (1 + |z|)².

    >>> softsign([[-1.0, 3.0]])
    array([[-0.5 ,  0.75]], dtype=float32)
    """
    b = _within(z, 1e30)
    return b / (1 + absolute(b))


def _sigmoid_slope(z: Any, a: Any) -> Any:
    e = exp(-absolute(z))  # a (1 - a) would lose its digits where a comes near 1
    return e / ((1 + e) * (1 + e))


@activation(
    derivative=_sigmoid_slope,
    range=(0.0, 1.0),
    log=(lambda z, a: -log_1_exp(-z), lambda z, a: logistic(-z)),
    log_rest=(lambda z, a: -log_1_exp(z), lambda z, a: -a),
    source="Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, 1986",
)
def sigmoid(z: Any) -> Any:
    """a = σ(z) = 1 / (1 + exp(-z)); derivative σ(z) σ(-z).

    >>> sigmoid([[0.0, 100.0]])
    array([[0.5, 1. ]], dtype=float32)
    """
    return logistic(z)


@activation(
    derivative=lambda z, a: where(absolute(z) < 3, 0.16666666666666666, where(absolute(z) >= 3, 0.0, z)),
    kinks=(-3.0, 3.0),
    range=(0.0, 1.0),
    source="Howard and others, Searching for MobileNetV3, 2019, section 5.2",
)
def hard_sigmoid(z: Any) -> Any:
    """a = z/6 + 1/2, held between 0 and 1; derivative 1/6 where |z| < 3, else 0.

    >>> hard_sigmoid([[-4.0, 1.5]])
    array([[0.  , 0.75]], dtype=float32)
    """
    return minimum(maximum(0.16666666666666666 * (z + 3), 0.0), 1.0)


def _tanh_slope(z: Any, a: Any) -> Any:
    e = exp(-2 * absolute(z))  # 1 - a² would lose its digits where |a| comes near 1
    return 4 * e / ((1 + e) * (1 + e))


@activation(
    derivative=_tanh_slope,
    range=(-1.0, 1.0),
    source="LeCun, Bottou, Orr and Müller, Efficient backprop, 1998, section 4.4",
)
def tanh(z: Any) -> Any:
    """a = tanh(z); derivative 1 - tanh²(z).

    >>> tanh([[0.0, -100.0]])
    array([[ 0., -1.]], dtype=float32)
    """
    return hyperbolic_tangent(z)


@activation(
    derivative=lambda z, a: exp(where(z > 80, 80.0, z)),
    range=(0.0, np.inf),
    log=(
        lambda z, a: where(z > 80, 80 + log1p(z - 80), z),
        lambda z, a: where(z > 80, 1 / (z - 79), where(z <= 80, 1.0, z)),
    ),
    source="Nelder and Wedderburn, Generalized linear models, 1972: the inverse of the logarithmic link",
)
def exponential(z: Any) -> Any:
    """a = exp(z); derivative exp(z). Above z = 80, near float32's end, it goes on along its tangent there.

    >>> exponential([[0.0]])
    array([[1.]], dtype=float32)
    """
    return exp(where(z > 80, 80.0, z)) * where(z > 80, z - 79, 1.0)


def _softmax(z: Any) -> Any:
    """a_i = exp(z_i) / sum over j of exp(z_j); derivative of a_i by z_j: a_i ((i = j) - a_j).

    >>> softmax([[0.0, 0.0], [800.0, -800.0]])
    array([[0.5, 0.5],
           [1. , 0. ]], dtype=float32)
    """
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


_softmax.__name__ = "softmax"
softmax = ACTIVATIONS.add(
    RowActivation(
        _softmax,
        "Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990",
        range=(0.0, 1.0),
        kernels=(softmax_forward, softmax_backward, softmax_of_few),
    )
)

# Doctest looks for functions, and the names above are entries.
__test__ = {entry.name: entry.function for entry in ACTIVATIONS}
