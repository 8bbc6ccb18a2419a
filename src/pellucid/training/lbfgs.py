"""L-BFGS: minimises a smooth function by its gradient and a short memory of how that changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.training.line_search import Function, Point, search

Vector = NDArray[np.float64]
LEAST_DECREASE = 1e7 * float(np.finfo(np.float64).eps)  # of the value, relatively: SciPy's default
LEAST_CURVATURE = 1e-10  # of a pair that is remembered, relatively


@dataclass
class Minimum:
    """Where a minimisation has ended.

    Parameters
    ----------
    point : Point
        The lowest point found, with its value and gradient.
    iterations, evaluations : int
        How many steps were made, and how often the function was asked.
    stopped_by : str
        `gradient`, `decrease` and `precision` are convergence; `iterations`, `evaluations` and `asked`
        are not.
    """

    point: Point
    iterations: int
    evaluations: int
    stopped_by: str

    @property
    def has_converged(self) -> bool:
        """Whether the search ended because there is nothing more to be found."""
        return self.stopped_by in ("gradient", "decrease", "precision")


def minimise(
    function: Function,
    x: Vector,
    *,
    iterations: int,
    evaluations: int = 15_000,
    tolerance: float = 1e-4,
    memory: int = 10,
    after: Callable[[Point], bool] | None = None,
) -> Minimum:
    """Walk downhill: x += t d, d = -H ∇f, H the inverse curvature as the last changes of x and ∇f show it.

    Formula:  with s = change of x, y = change of ∇f, ρ = 1 / yᵀs of the last `memory` steps, H is
    H ← (I - ρ s yᵀ) H (I - ρ y sᵀ) + ρ s sᵀ, beginning with (sᵀy / yᵀy) I, applied to ∇f by two loops. The
    length t fulfils the strong Wolfe conditions, see `line_search`.

    Parameters
    ----------
    function : callable
        For x, the value and the gradient. A value that is not finite counts as too high.
    x : float64 array (n,)
        Where to begin.
    iterations, evaluations : int
        How many steps, and how many calls of the function, there may be at most.
    tolerance : float
        No number of the gradient is larger than this at the end.
    memory : int
        How many steps are remembered.
    after : callable, optional
        Called with the point after each step; if it returns True, the search ends.

    Returns
    -------
    Minimum

    References
    ----------
    J. Nocedal, S. Wright, Numerical optimization, second edition, 2006, algorithms 7.4 and 7.5.

    Examples
    --------
    >>> valley = lambda x: (x @ (h * x) / 2 - x.sum(), h * x - 1)
    >>> h = np.array([1.0, 10.0, 100.0])
    >>> minimise(valley, np.zeros(3), iterations=50, tolerance=1e-8).point.x.round(6)
    array([1.  , 0.1 , 0.01])
    """
    count = 0

    def counted(at: Vector) -> tuple[float, Vector]:
        nonlocal count
        count += 1
        return function(at)

    now = Point(x, *counted(x))
    pairs: deque[tuple[Vector, Vector, float]] = deque(maxlen=memory)
    done, stopped_by = 0, "gradient"
    while np.abs(now.gradient).max(initial=0.0) > tolerance:
        if done >= iterations or count >= evaluations:
            stopped_by = "iterations" if done >= iterations else "evaluations"
            break
        direction = -_curved(now.gradient, pairs)
        first = 1.0 if pairs else min(1.0, 1.0 / float(np.linalg.norm(now.gradient)))
        new = search(counted, now, direction, first, evaluations - count)
        if new is None and pairs:
            pairs.clear()  # what is remembered has led astray: begin again along the gradient
            continue
        if new is None:
            stopped_by = "evaluations" if count >= evaluations else "precision"
            break
        s, y = new.x - now.x, new.gradient - now.gradient
        if (sy := float(s @ y)) > LEAST_CURVATURE * float(y @ y):
            pairs.append((s, y, 1.0 / sy))
        decrease = (now.value - new.value) / max(abs(now.value), abs(new.value), 1.0)
        now, done = new, done + 1
        if after and after(now):
            stopped_by = "asked"
            break
        if decrease <= LEAST_DECREASE:
            is_flat = np.abs(now.gradient).max(initial=0.0) <= tolerance
            stopped_by = "gradient" if is_flat else "decrease"
            break
    return Minimum(now, done, count, stopped_by)


def _curved(gradient: Vector, pairs: deque[tuple[Vector, Vector, float]]) -> Vector:
    """H ∇f by the two loops; without a memory ∇f itself."""
    q, shares = gradient.copy(), []
    for s, y, rho in reversed(pairs):
        shares.append(rho * float(s @ q))
        q -= shares[-1] * y
    if pairs:
        s, y, rho = pairs[-1]
        q /= rho * float(y @ y)
    for (s, y, rho), share in zip(pairs, reversed(shares), strict=True):
        q += (share - rho * float(y @ q)) * s
    return q
