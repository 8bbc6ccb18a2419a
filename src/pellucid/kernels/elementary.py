"""The words that formulas are written with: `where`, `fma`, `exp`, ...

Each word has two meanings. Called from Python it is its NumPy reference, for arrays of any
float type; so a formula can be evaluated in float64 as it stands. Inside compiled code it is
its body: plain arithmetic on one float32 that becomes vector code in a loop, which the C
library's functions do not.

Bodies have no branches (`where` takes both sides), no tables and no calls, so that any vector
width does; and no step that depends on the compiler's mood: what is to be fused says `fma`.
Every word states `ulps`, the bound of its error in units in the last place of the exact result.
A result below the smallest normal float32 (1.2e-38) may be given as 0.

The coefficients are minimax fits of our own, found by Lawson's weighted least squares and rounded
to float32 one after the other, the rest refitted each time. The reductions to a small interval are
the usual ones: J.-M. Muller, *Elementary Functions*, 3rd ed., 2016, chapters 3 and 11.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

f32 = np.float32

LN_2 = math.log(2.0)  # as a float32 off by 2e-9 only, so k * LN_2 needs no second part in a logarithm
LOG2_E = 1 / LN_2
LN_2_HIGH = 0.693145751953125  # 16 bits: its product with a whole number up to 2^8 is exact
LN_2_LOW = LN_2 - LN_2_HIGH
ROUND = 1.5 * 2**23  # a small float32 plus this has its nearest whole number in its lowest bits
LARGEST_EXPONENT = 88.72283  # the largest float32 whose exponential is finite
SMALLEST_EXPONENT = -87.33654  # the smallest whose exponential is normal
SMALLEST_NORMAL = 2.0**-126
TINY = 2.0**-25  # below it x + x²/2 is x to a quarter of an ulp
ONE, TWO_THIRDS = 0x3F800000, 0x3F2AAAAB  # bits of float32 numbers
INF, NAN = math.inf, math.nan

WORDS: dict[str, Elementary] = {}
"""Every elementary function by name."""


class Elementary:
    """A function of scalars with a NumPy reference and a body to compile.

    Parameters
    ----------
    name : str
        What it is called in a formula.
    reference : callable
        Takes and gives NumPy arrays of any float type.
    body : callable, optional
        Takes and gives float32 scalars; constants in it are written `f32(...)` where they are floats
        (`fma` and `polynomial` take plain ones). Without one, the intrinsic of the same name is used.
    ulps : float
        Bound of the body's error, in units in the last place of the exact result.
    """

    def __init__(
        self,
        name: str,
        reference: Callable[..., Any],
        body: Callable[..., Any] | None = None,
        ulps: float = 0.0,
    ) -> None:
        self.__name__, self.reference, self.body, self.ulps = name, reference, body, ulps
        self.__doc__ = (body or reference).__doc__
        WORDS[name] = self

    def __call__(self, *values: Any) -> Any:
        # Compiled code does not warn where a result overflows or is not a number; neither does its twin.
        with np.errstate(all="ignore"):
            return self.reference(*values)

    def __repr__(self) -> str:
        return f"<elementary {self.__name__}>"


def elementary(
    reference: Callable[..., Any], ulps: float = 0.0
) -> Callable[[Callable[..., Any]], Elementary]:
    """Decorate a body; `reference` is its NumPy twin, `ulps` the bound of its error (0: exact)."""

    def register(body: Callable[..., Any]) -> Elementary:
        return Elementary(body.__name__, reference, body, ulps)

    return register


# The words whose bodies are single instructions. `fma` rounds once; `polynomial` takes the variable and then
# the coefficients, the constant first; `bits` and `from_bits` read a float32 as an int32 and back.
fma = Elementary("fma", lambda a, b, c: a * b + c, ulps=0.5)
polynomial = Elementary("polynomial", lambda x, *c: np.polynomial.polynomial.polyval(x, c))
absolute = Elementary("absolute", np.absolute)
copysign = Elementary("copysign", np.copysign)
floor = Elementary("floor", np.floor)
nearest = Elementary("nearest", np.rint)
sqrt = Elementary("sqrt", np.sqrt, ulps=0.5)
bits = Elementary("bits", lambda x: x.view(np.int32))
from_bits = Elementary("from_bits", lambda i: i.view(np.float32))


@elementary(np.where)
def where(condition: Any, yes: Any, no: Any) -> Any:
    """`yes` where the condition holds, else `no`; both are evaluated."""
    return yes if condition else no


@elementary(np.minimum)
def minimum(a: Any, b: Any) -> Any:
    """The smaller of two; NaN where either is."""
    return where((a < b) | (a != a), a, b)


@elementary(np.maximum)
def maximum(a: Any, b: Any) -> Any:
    """The larger of two; NaN where either is."""
    return where((a > b) | (a != a), a, b)


@elementary(np.sign)
def sign(x: Any) -> Any:
    """-1, 0 or 1; NaN of NaN."""
    return where(x > f32(0), f32(1), where(x < f32(0), f32(-1), x))


def split(x: Any) -> Any:
    """k + ROUND and r, with x = k ln 2 + r, k whole and |r| <= ln 2 / 2."""
    k = fma(x, LOG2_E, ROUND)
    whole = k - f32(ROUND)
    return k, fma(whole, -LN_2_LOW, fma(whole, -LN_2_HIGH, x))


@elementary(np.exp, ulps=1.0)
def exp(x: Any) -> Any:
    """e^x = 2^k e^r. Worst of all float32: 0.892 ulps. 0 below -87.33654."""
    k, r = split(x)
    p = polynomial(r, 1.0, 1.0, 0.49999994, 0.166665211, 0.0416682661, 0.00836867746, 0.00138207339)
    y = from_bits(bits(p) + (bits(k) << 23))  # adds k to the exponent of p
    return where(x < f32(SMALLEST_EXPONENT), f32(0), where(x <= f32(LARGEST_EXPONENT), y, x + f32(INF)))


@elementary(np.expm1, ulps=1.75)
def expm1(x: Any) -> Any:
    """e^x - 1 = 2^k (e^r - 1) + (2^k - 1). Worst of all float32: 1.537 ulps."""
    k, r = split(x)
    q = polynomial(r, 0.5, 0.16666548, 0.0416668318, 0.00836612005, 0.00139002874)
    half = from_bits((bits(k) << 23) + (126 << 23))  # 2^(k-1), since 2^128 is no float32
    y = fma(half, fma(r * r, q, r), half - f32(0.5))
    y = where(x < f32(-17.4), f32(-1), where(x <= f32(LARGEST_EXPONENT), y + y, x + f32(INF)))
    return where(absolute(x) < f32(TINY), x, y)


def log_near_1(f: Any) -> Any:
    """log(1 + f) for f in [-1/3, 1/3]."""
    q = polynomial(
        f, -0.5, 0.333332151, -0.249998048, 0.200104356, -0.166802213, 0.140055433, -0.121874541,
        0.139855936, -0.128792837,
    )  # fmt: skip
    return fma(f * f, q, f)


@elementary(np.log, ulps=1.0)
def log(x: Any) -> Any:
    """The natural logarithm, k ln 2 + log m with m in [2/3, 4/3). Worst of all float32: 0.934 ulps.

    -inf of 0, NaN below; exact scaling first where x is below the smallest normal number.
    """
    small = x < f32(SMALLEST_NORMAL)
    i = bits(where(small, x * f32(2.0**23), x))
    k = np.int32(i - TWO_THIRDS) >> 23
    m = from_bits(i - (k << 23))
    y = fma(f32(k) - where(small, f32(23), f32(0)), LN_2, log_near_1(m - f32(1)))
    return where(x == f32(0), f32(-INF), where(x < f32(0), f32(NAN), where(x < f32(INF), y, x)))


@elementary(np.log1p, ulps=1.75)
def log1p(x: Any) -> Any:
    """log(1 + x) = k ln 2 + log(1 + f) with 1 + f = 2^-k (1 + x), and f free of 1 + x's rounding.

    Worst of all float32: 1.543 ulps. -inf of -1, NaN below.
    """
    k = np.int32(bits(f32(1) + x) - TWO_THIRDS) >> 23
    scale = from_bits(ONE + (2 << 23) - (k << 23))  # 2^(2-k), since 2^-128 is no normal float32
    f = fma(x * f32(0.25), scale, fma(scale, 0.25, -1.0))
    y = where(absolute(x) < f32(TINY), x, fma(f32(k), LN_2, log_near_1(f)))
    return where(x == f32(-1), f32(-INF), where(x < f32(-1), f32(NAN), where(x < f32(INF), y, x)))


@elementary(np.tanh, ulps=1.5)
def tanh(x: Any) -> Any:
    """1 - 2 / (e^2x + 1), and an odd polynomial near 0. Worst of all float32: 1.363 ulps."""
    a = absolute(x)
    s = x * x
    q = polynomial(s, -0.333332807, 0.133314058, -0.0537365153, 0.0206281673, -0.0056922962)
    y = f32(1) - f32(2) / (exp(a + a) + f32(1))
    return copysign(where(a >= f32(0.625), y, fma(a * s, q, a)), x)


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


@elementary(_sigmoid, ulps=2.1)
def sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x), with all digits on both sides. Worst of all float32: 2.003 ulps. 0 below -87.33654."""
    e = exp(-absolute(x))
    y = f32(1) / (f32(1) + e)
    return where(x < f32(0), fma(-e, e * y, e), y)  # e / (1 + e) with fewer roundings


def log_of_1_to_2(t: Any) -> Any:
    """log(1 + t) for t in [0, 1]."""
    q = polynomial(
        t, -0.499999315, 0.333304644, -0.249580204, 0.196921214, -0.153449774, 0.106613711,
        -0.0574604869, 0.0200884696, -0.00329107977,
    )  # fmt: skip
    return fma(t * t, q, t)


@elementary(lambda x: np.logaddexp(0, x), ulps=2.0)
def softplus(x: Any) -> Any:
    """log(1 + e^x), with all digits where e^x is small. Worst of all float32: 1.868 ulps. 0 below -87.33654.

    Then log(sigmoid(x)) is -softplus(-x), and the binary cross-entropy of a logit z with target y is
    y softplus(-z) + (1 - y) softplus(z); the compiler takes the exponential of both only once.
    """
    return where(x > f32(0), x, f32(0)) + log_of_1_to_2(exp(-absolute(x)))


def _tanh_softplus(x: Any) -> Any:
    e = np.exp(np.minimum(x, 30))
    return e * (e + 2) / (e * (e + 2) + 2)


@elementary(_tanh_softplus, ulps=3.5)
def tanh_softplus(x: Any) -> Any:
    """tanh(log(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2): mish is x times it.

    Worst of all float32: 3.263 ulps.
    """
    e = exp(where(x > f32(30), f32(30), x))
    n = fma(e, e, e + e)
    return n / (n + f32(2))


def _log_cosh(x: Any) -> Any:
    a = np.abs(x)
    near = np.log1p(2 * np.sinh(np.minimum(a, 1) / 2) ** 2)
    return np.where(a < 1, near, a + np.log1p(np.exp(-2 * a)) - LN_2)


@elementary(_log_cosh, ulps=2.0)
def log_cosh(x: Any) -> Any:
    """log cosh x = |x| - log 2 + log(1 + e^-2|x|), x² times a polynomial near 0.

    Worst of all float32: 1.971 ulps.
    """
    a, s = absolute(x), x * x
    q = polynomial(
        s, 0.5, -0.0833333135, 0.0222216621, -0.00674082339, 0.00216393662, -0.000683011313,
        0.00017867233, -2.62926587e-05,
    )  # fmt: skip
    return where(a >= f32(1), (a - f32(LN_2)) + log_of_1_to_2(exp(f32(-2) * a)), s * q)


def _elementwise(function: Callable[[float], float]) -> Callable[[Any], Any]:
    def reference(x: Any) -> Any:
        x = np.asarray(x)
        return np.fromiter(map(function, x.ravel().tolist()), x.dtype, x.size).reshape(x.shape)[()]

    return reference


@elementary(_elementwise(math.erf), ulps=1.25)
def erf(x: Any) -> Any:
    """The error function: 1 - e^-p(|x|), an odd polynomial near 0. Worst of all float32: 1.094 ulps."""
    a, s = absolute(x), x * x
    near = polynomial(
        s, 0.128379166, -0.376126289, 0.112836257, -0.0268557277, 0.00519237667, -0.000804915151,
        7.9925805e-05,
    )  # fmt: skip
    far = polynomial(
        where(a < f32(4), a, f32(4)),
        -0.000166446582, -1.12779725, -0.636976063, -0.104113728, 0.0223152637, -0.00306551345,
        0.000198223526,
    )  # fmt: skip
    return copysign(where(a >= f32(0.92), f32(1) - exp(far), fma(a, near, a)), x)


def gauss(a: Any, c: Any) -> Any:
    """c e^(-a²/2) for a from 0 to 14: the part of a² that its rounding loses would cost 60 ulps."""
    s = a * a
    return exp(f32(-0.5) * s) * fma(f32(-0.5) * fma(a, a, -s), c, c)


@elementary(lambda x: np.exp(-x * x / 2) / math.sqrt(2 * math.pi), ulps=2.75)
def normal_density(x: Any) -> Any:
    """e^(-x²/2) / √(2π), the standard normal density. Worst of all float32: 2.544 ulps."""
    a = absolute(x)
    return gauss(where(a > f32(14), f32(14), a), f32(1 / math.sqrt(2 * math.pi)))


@elementary(_elementwise(lambda x: math.erfc(-x / math.sqrt(2)) / 2), ulps=6.0)
def normal_cdf(x: Any) -> Any:
    """Φ(x), the standard normal distribution function, with all digits on both sides.

    With q = (a - 4.125) / (a + 4.125) and a = |x|, Φ(-a) = e^(-a²/2) (1 - q) p(q). gelu(z) is z Φ(z).
    Worst of all float32: 5.811 ulps.
    """
    a = absolute(x)
    a = where(a > f32(14), f32(14), a)
    w = f32(1) / (a + f32(4.125))
    q = fma(w, -8.25, 1.0)
    q = fma(w, fma(-a, q, fma(q + f32(1), -4.125, a)), q)  # what rounding lost is a - 4.125 - q (a + 4.125)
    p = polynomial(
        q,
        0.0918183178, -0.07476338, 0.04885526, -0.0246874969, 0.00880504679, -0.00158569193,
        -0.000292088487, 0.000238291905, -8.21507729e-06, -2.34032523e-05,
    )  # fmt: skip
    tail = gauss(a, (f32(1) - q) * p)
    return where(x < f32(0), tail, f32(1) - tail)


def quarter_wave(q: Any) -> Any:
    """sin(2πq) = q (4 + p(q²)) for q from -1/4 to 1/4; at the ends p is 0, so its rounding counts little."""
    p = polynomial(q * q, 2.28318524, -41.3416595, 81.6006927, -76.5335617, 39.3661537)
    return fma(q, 4.0, q * p)


def _sin_turns(t: Any) -> Any:
    r = t - np.rint(t)
    a = np.abs(r)
    return np.copysign(np.sin(2 * math.pi * np.where(a > 0.25, 0.5 - a, a)), r)


@elementary(_sin_turns, ulps=1.5)
def sin_turns(t: Any) -> Any:
    """sin(2πt), of an angle in turns: no digit is lost before the polynomial, however large t is.

    Worst of all float32: 1.426 ulps.
    """
    r = t - nearest(t)
    a = absolute(r)
    return quarter_wave(copysign(where(a > f32(0.25), f32(0.5) - a, a), r))


@elementary(lambda t: np.sin(2 * math.pi * (0.25 - np.abs(t - np.rint(t)))), ulps=1.75)
def cos_turns(t: Any) -> Any:
    """cos(2πt), of an angle in turns: the sine of what is left to a quarter turn.

    Worst of all float32: 1.585 ulps.
    """
    return quarter_wave(f32(0.25) - absolute(t - nearest(t)))
