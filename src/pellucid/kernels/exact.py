"""What compiled code computes, bit for bit, by NumPy: for explanations that prove themselves.

The twins of kernels and words are about right: NumPy's own `exp` rounds otherwise than ours, and it knows
no fused multiply-add. Here each word is its body, read as it stands and computed in float32 with the same
roundings as the machine's; only the order of sums that the compiler is free to choose cannot be known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.kernels.kernel import Kernel
from pellucid.kernels.words import Meaning

Float32 = NDArray[np.float32]


def fma(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Float32:
    """a * b + c of float32 numbers, rounded once.

    The product is exact in float64. The sum is rounded to odd there: where something was lost, the last bit
    says so, and then no second rounding can go wrong.

    References
    ----------
    Boldo and Melquiond, Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to
    odd, 2008, section 4.

    Examples
    --------
    >>> fma(np.float32(1 + 2**-12), np.float32(1 + 2**-12), np.float32(-1))
    array(0.00048834, dtype=float32)
    """
    x, y, z = (np.asarray(v, np.float32).astype(np.float64) for v in (a, b, c))
    with np.errstate(all="ignore"):
        product = np.asarray(x * y)
        total = np.asarray(product + z)
        part = total - product
        lost = (product - (total - part)) + (z - part)
        whole = total.view(np.int64)
        is_even = (lost != 0) & np.isfinite(lost) & (whole & 1 == 0)
        towards = np.where((lost > 0) == (total > 0), 1, -1)
        return np.asarray((whole + np.where(is_even, towards, 0)).view(np.float64).astype(np.float32))


def chain(start: ArrayLike, A: ArrayLike, B: ArrayLike) -> Float32:
    """The sums start, start + A[0] B[0], ...: fused multiply-adds one after the other, as in `kernels.tile`.

    Parameters
    ----------
    start : float32, or array (n,)
        Where the sum begins.
    A, B : float32 array (k,) or (k, n)
        Factors.

    Returns
    -------
    float32 array (k + 1,) or (k + 1, n)
        The sum before the first and after each of them.

    Examples
    --------
    >>> chain(0.5, [1.0, 2.0], [0.25, 4.0])
    array([0.5 , 0.75, 8.75], dtype=float32)
    """
    left, right = np.asarray(A, np.float32), np.asarray(B, np.float32)
    shape = np.broadcast_shapes(left.shape[1:], right.shape[1:])
    sums = [np.broadcast_to(np.asarray(start, np.float32), shape)]
    for x, y in zip(left, right, strict=True):
        sums.append(fma(x, y, sums[-1]))
    return np.stack(sums)


def ulps(a: ArrayLike, b: ArrayLike) -> NDArray[np.int64]:
    """How many float32 numbers lie from a to b: 0 where their bits are equal, NaN being like NaN.

    Examples
    --------
    >>> ulps(1.0, [1.0, 1.0000001, -1.0])
    array([         0,          1, 2130706433])
    """
    first, second = np.asarray(a, np.float32), np.asarray(b, np.float32)
    places = []
    for v in (first, second):
        whole = v.view(np.int32).astype(np.int64)
        places.append(np.where(whole < 0, -1 - (whole & 0x7FFFFFFF), whole))
    return np.where(np.isnan(first) & np.isnan(second), 0, np.abs(places[0] - places[1]))


def _polynomial(x: Any, *coefficients: float) -> Any:
    result: Any = np.float32(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        result = fma(result, x, c)
    return result


INSTRUCTIONS: Mapping[str, Callable[..., Any]] = {
    "fma": fma,
    "polynomial": _polynomial,
    "absolute": np.absolute,
    "copysign": np.copysign,
    "floor": np.floor,
    "nearest": np.rint,
    "sqrt": np.sqrt,
    "bits": lambda x: np.asarray(x, np.float32).view(np.int32),
    "from_bits": lambda i: np.asarray(i).astype(np.int32).view(np.float32),
    "where": np.where,
}


exact = Meaning(INSTRUCTIONS).formula


def evaluate(kernel: Kernel, values: Mapping[str, Any]) -> tuple[Float32, ...]:
    """What an elementwise kernel writes where its operands and numbers are these: one array for each.

    Examples
    --------
    >>> from pellucid.activations import ACTIVATIONS
    >>> [a] = evaluate(ACTIVATIONS.find("silu").forward, {"z": 1.0})
    >>> a
    array([0.7310586], dtype=float32)
    """
    functions = {name: exact(f) for name, f in kernel.formulas.items()}
    given = {name: np.atleast_1d(np.asarray(v, np.float32)) for name, v in values.items()}
    with np.errstate(all="ignore"):
        results = eval(kernel.expression, functions, given)
    several = results if isinstance(results, tuple) else (results,)
    return tuple(np.asarray(r, np.float32) for r in several)
