"""Kernels of losses: the loss of each row, and delta = ∂loss/∂z of each output neuron.

There is one kernel for each pair of a loss and an activation that are used together, and one more for
outputs that are few. What they compute is written here, once for all losses, in stages: `neuron_kernel` for
activations that work on each neuron alone, `softmax_kernel` for softmax; `loss_loops` writes the loops
around them. Like all kernels they have a twin in plain NumPy.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from pellucid.kernels.elementary import exp, log, log1p, maximum, where
from pellucid.kernels.kernel import Kernel, Now
from pellucid.loss_loops import Stage, loss_kernel, stage, times

Function = Callable[..., Any]

READS = ("a", "log_a", "log_rest", "y", "n_out")
LOWEST = np.float32(-1e30)  # below every z and logarithm that has a meaning


class LossParts(NamedTuple):
    """A loss as its kernels need it; the derivatives are by `a`, `log_a` and `log_rest`."""

    name: str
    value: Function
    derivatives: tuple[tuple[str, Function], ...]
    settings: tuple[str, ...]
    is_mean: bool

    @property
    def reads(self) -> tuple[str, ...]:
        """What the formula reads, in its order."""
        return tuple(p for p in inspect.signature(self.value).parameters if p in READS)


class NeuronParts(NamedTuple):
    """An activation of single neurons; `logs` are log a and log(1 - a), each with its slope."""

    name: str
    slope: Function
    logs: tuple[tuple[str, tuple[Function, Function]], ...]
    settings: tuple[str, ...]


@functools.cache
def neuron_kernel(loss: LossParts, neuron: NeuronParts, few: bool) -> Kernel:
    """The kernel of a loss behind an activation that works on each neuron alone.

    delta = the sum of ∂loss/∂q dq/dz over the q of a, log a and log(1 - a) that the loss reads, times the
    row's weight / rows of the batch.
    """
    logs = {part: pair for part, pair in neuron.logs if part in loss.reads}
    slopes = {"a": neuron.slope} | {part: slope for part, (_, slope) in logs.items()}
    functions = {"value_of": loss.value, "times": times, "plus": plus}
    functions |= {f"{part}_of": value for part, (value, _) in logs.items()}
    functions |= {f"by_{part}": by for part, by in loss.derivatives}
    functions |= {f"slope_of_{part}": slopes[part] for part, _ in loss.derivatives}

    numbers = (*loss.settings, *(f"activation_{s}" for s in neuron.settings))
    own = ", ".join(["z_j", "a_j", *(f"activation_{s}" for s in neuron.settings)])
    known = _arguments(loss)
    terms = [f"times(by_{part}({known}), slope_of_{part}({own}))" for part, _ in loss.derivatives]
    compute = stage(
        "compute",
        ("z_j", "a_j", "y_j", "scale_i", "n_out", *numbers),
        [f"{part}_j = {part}_of({own})" for part in logs],
        {"delta_j": f"times(scale_i, {functools.reduce('plus({}, {})'.format, terms)})"},
        {"total_i": f"value_of({known})"},
        functions,
    )
    kernel = loss_kernel(f"{loss.name}_of_{neuron.name}", loss.is_mean, numbers, [compute], {}, few)
    kernel.formulas = {**functions, **kernel.formulas}  # for whoever explains what it computes

    def twin(z: Any, z_stride: int, z_columns: int, a: Any, *others: Any) -> None:
        y, weights, losses, delta, now, *values, lo, hi = others
        z, a = z[lo:hi], a[lo:hi]
        values = [np.float32(v) for v in values]
        settings, own = values[: len(loss.settings)], values[len(loss.settings) :]
        given = {"a": a, "y": y[lo:hi], "n_out": np.float32(z_columns)}
        given |= {part: value(z, a, *own) for part, (value, _) in logs.items()}
        read = [given[r] for r in loss.reads]
        total = sum(by(*read, *settings) * slopes[part](z, a, *own) for part, by in loss.derivatives)
        each = _each(loss, z_columns)
        delta[lo:hi] = each * weights[lo:hi, None] / np.float32(now[Now.ROWS]) * total
        losses[lo:hi] = np.broadcast_to(loss.value(*read, *settings), a.shape).sum(axis=1) * each

    return kernel.twin(twin)


@functools.cache
def softmax_kernel(loss: LossParts, few: bool) -> Kernel:
    """The kernel of a loss behind softmax.

    With u_j = ∂loss/∂(log a_j) + a_j ∂loss/∂a_j and v_j = a_j ∂loss/∂(log(1 - a_j)),
    delta_k = sum over j of (u_j - v_j / (1 - a_j)) ((j = k) - a_k).

    For a class m that is nearly sure, 1 - a_m has lost its digits. So it is the sum of the other a_k, and
    its logarithm and a_k / (1 - a_m) come from a softmax among the others, where nothing is 0 too early:
    delta_m = u_m (1 - a_m) - v_m - a_m t and delta_k = t_k - a_k (t + u_m) + v_m a_k / (1 - a_m), where
    t_k = u_k - v_k / (1 - a_k) and t is their sum, without m.
    """
    by, known = dict(loss.derivatives), _arguments(loss)
    functions: dict[str, Any] = {"value_of": loss.value} | {f"by_{part}": f for part, f in by.items()}
    functions |= {f.__name__: f for f in SOFTMAX_FORMULAS} | {"exp": exp, "where": where, "f32": np.float32}
    make = functools.partial(stage, functions=functions)
    has_rest, sums = "log_rest" in by, ("t_i", "u_i", "v_i")
    first = dict.fromkeys(("most_i", "others_i", *sums), 0.0) | {"greatest_i": float(LOWEST)}
    look = make(
        "look",
        ("z_j", "a_j"),
        [],
        {},
        {"others_i": "unsure(a_j, a_j)"},
        greatest={"greatest_i": "z_j", "most_i": "a_j"},
    )
    logarithms = make(
        "logarithm_of_most", ("most_i", "others_i"), [], {"log_most_i": "log_of_most(most_i, others_i)"}, {}
    )
    stages, u = [look, logarithms], [f"by_log_a({known})"] * ("log_a" in by)
    u += [f"by_a({known}) * a_j"] * ("a" in by)
    lines = ["log_a_j = log_of_class(z_j, greatest_i, log_most_i)"]
    v, t, share = "f32(0)", "u_j", "f32(0)"
    if has_rest:
        first |= {"second_i": float(LOWEST), "sum_i": 0.0}
        stages += _among_others(make)
        lines.append("log_rest_j = log_of_rest(a_j, log_others_i)")
        v, t = f"a_j * by_log_rest({known})", "less_rest(a_j, u_j, v_j)"
        share = "exp(z_j - second_i) * share_i"
    lines += [f"u_j = {' + '.join(u) or 'f32(0)'}", f"v_j = {v}", f"t_j = unsure(a_j, {t})"]
    terms = make(
        "terms",
        (
            "z_j",
            "a_j",
            "y_j",
            "greatest_i",
            "log_most_i",
            *("log_others_i",) * has_rest,
            "n_out",
            *loss.settings,
        ),
        lines,
        {"delta_j": "t_j"},
        {"t_i": "t_j", "u_i": "sure(a_j, u_j)", "v_i": "sure(a_j, v_j)", "total_i": f"value_of({known})"},
    )
    deltas = make(
        "deltas",
        ("z_j", "a_j", "delta_j", "others_i", *sums, "scale_i", *("second_i", "share_i") * has_rest),
        [
            "sure_j = delta_if_sure(a_j, others_i, t_i, u_i, v_i)",
            f"else_j = delta_else(a_j, delta_j, t_i, u_i, v_i, {share})",
        ],
        {"delta_j": "scale_i * where(is_sure(a_j), sure_j, else_j)"},
        {},
    )
    stages += [terms, deltas]
    kernel = loss_kernel(f"{loss.name}_of_softmax", loss.is_mean, loss.settings, stages, first, few)

    def twin(z: Any, z_stride: int, z_columns: int, a: Any, *operands: Any) -> None:
        y, weights, losses, delta, now, *values, lo, hi = operands
        z, a = z[lo:hi], a[lo:hi]
        settings, sure = [np.float32(v) for v in values], is_sure(a)
        others = np.where(sure, 0, a).sum(axis=1, keepdims=True)
        greatest = z.max(axis=1, keepdims=True)
        log_most = log_of_most(a.max(axis=1, keepdims=True), others)
        second = np.where(sure, LOWEST, z).max(axis=1, keepdims=True)
        among = np.where(sure, 0, np.exp(z - second))
        share = 1 / among.sum(axis=1, keepdims=True)
        given = {"a": a, "y": y[lo:hi], "n_out": np.float32(z_columns)}
        given["log_a"] = log_of_class(z, greatest, log_most)
        given["log_rest"] = log_of_rest(a, log_of_others(greatest, log_most, second, share))
        read = [given[r] for r in loss.reads]
        slopes = {part: function(*read, *settings) for part, function in by.items()}
        u = slopes.get("log_a", 0) + slopes.get("a", 0) * a
        v = slopes.get("log_rest", 0) * a
        each, t = _each(loss, z_columns), unsure(a, less_rest(a, u, v))
        t_all, u_sure, v_sure = (
            np.where(kept, part, 0).sum(axis=1, keepdims=True)
            for kept, part in ((~sure, t), (sure, u), (sure, v))
        )
        at_sure = delta_if_sure(a, others, t_all, u_sure, v_sure)
        elsewhere = delta_else(a, t, t_all, u_sure, v_sure, among * share)
        scale = each * weights[lo:hi, None] / np.float32(now[Now.ROWS])
        delta[lo:hi] = scale * np.where(sure, at_sure, elsewhere)
        losses[lo:hi] = np.broadcast_to(loss.value(*read, *settings), a.shape).sum(axis=1) * each

    return kernel.twin(twin)


def _among_others(make: Callable[..., Stage]) -> list[Stage]:
    """The softmax among the classes of a row that are not nearly sure."""
    second = {"second_i": f"where(is_sure(a_j), f32({LOWEST}), z_j)"}
    total = {"sum_i": "unsure(a_j, exp(z_j - second_i))"}
    share = {"share_i": "f32(1) / sum_i"}
    reads = ("greatest_i", "log_most_i", "second_i", "share_i")
    log_others = {"log_others_i": f"log_of_others({', '.join(reads)})"}
    return [
        make("look_at_others", ("z_j", "a_j"), [], {}, {}, greatest=second),
        make("add_others", ("z_j", "a_j", "second_i"), [], {}, total),
        make("invert_sum", ("sum_i",), [], share, {}),
        make("logarithm_of_others", reads, [], log_others, {}),
    ]


def plus(x: Any, y: Any) -> Any:
    """A sum that is rounded as it stands."""
    return x + y


def is_sure(a: Any) -> Any:
    """Whether 1 - a would lose digits; holds for one class of a row at most."""
    return a > np.float32(0.6)


def log_of_most(most: Any, others: Any) -> Any:
    """log of the greatest a of a row, from the sum of the others where it is nearly sure."""
    return where(is_sure(most), log1p(-others), log(most))


def log_of_class(z: Any, greatest: Any, log_most: Any) -> Any:
    """log a."""
    return (z - greatest) + log_most


def log_of_others(greatest: Any, log_most: Any, second: Any, share: Any) -> Any:
    """log(1 - a) of a class that is nearly sure: log of the sum of the others; finite for one class alone."""
    return maximum(((second - greatest) - log(share)) + log_most, LOWEST)


def log_of_rest(a: Any, log_others: Any) -> Any:
    """log(1 - a)."""
    return where(is_sure(a), log_others, log1p(-a))


def less_rest(a: Any, u: Any, v: Any) -> Any:
    """t of a class that is not nearly sure."""
    return u - v / (1 - a)


def sure(a: Any, t: Any) -> Any:
    """What a class adds to a sum over those that are nearly sure."""
    return where(is_sure(a), t, np.float32(0))


def unsure(a: Any, t: Any) -> Any:
    """What a class adds to a sum over those that are not."""
    return where(is_sure(a), np.float32(0), t)


def delta_if_sure(a: Any, others: Any, t: Any, u: Any, v: Any) -> Any:
    """∂loss/∂z of a class that is nearly sure."""
    return (u * others - v) - a * t


def delta_else(a: Any, t_k: Any, t: Any, u: Any, v: Any, share: Any) -> Any:
    """∂loss/∂z of any other class; `share` is its a among the classes that are not nearly sure."""
    return (t_k - a * (t + u)) + v * share


SOFTMAX_FORMULAS = (
    is_sure,
    log_of_most,
    log_of_class,
    log_of_others,
    log_of_rest,
    less_rest,
    sure,
    unsure,
    delta_if_sure,
    delta_else,
)


def _arguments(loss: LossParts) -> str:
    """The arguments of a loss's formulas inside the loops."""
    return ", ".join([*(r if r == "n_out" else f"{r}_j" for r in loss.reads), *loss.settings])


def _each(loss: LossParts, n_out: int) -> np.float32:
    """What the loss of an output counts in that of its row."""
    return np.float32(1 / n_out if loss.is_mean else 1)
