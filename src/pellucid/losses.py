"""Loss functions: how wrong an answer is, and which share of the error each output neuron has.

Each entry is a function of one output `a` and its target `y`. A loss that reads the logarithm of a
probability names it as a parameter: `log_a` is log a, `log_rest` is log(1 - a). Then it is computed from
the weighted input of a sigmoid, softmax, exponential or softplus, and keeps its digits and its
gradient where the probability itself has long become 0 or 1.

The loss of a row is the mean over the outputs, or their sum for the losses of a distribution. The loss
of a batch or an epoch is the mean over its rows, each with its weight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from pellucid.activations import REAL, Activation, Range, RowActivation
from pellucid.kernels.elementary import exp, log, maximum, where
from pellucid.kernels.kernel import Access, Kernel, Now
from pellucid.kernels.softmax import row_top
from pellucid.registry import Formula, parameters_of, Registry, settings_of

LEAST = 1e-7  # the least probability whose logarithm is taken where only the probability is known
READS = ("a", "log_a", "log_rest", "y")


@dataclass(frozen=True)
class Loss(Formula):
    """A registered loss function.

    Parameters
    ----------
    function : callable
        Loss of one output, a function of any of `a`, `log_a`, `log_rest` and `y`, and of its settings.
    derivatives : mapping of str to callable
        Its derivative by each of `a`, `log_a` and `log_rest` that it reads; same parameters.
    kinks : callable, optional
        For (y, **settings), where the derivative jumps, as a tuple of values of a.
    accepts : (float, float)
        The range of outputs it is made for.
    targets : (float, float)
        The range of targets.
    over_outputs : "mean" or "sum"
        How the outputs of a row are put together.
    """

    kind: ClassVar[str] = "loss"

    derivatives: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    kinks: Callable[..., tuple[float, ...]] | None = None
    accepts: Range = REAL
    targets: Range = REAL
    over_outputs: Literal["mean", "sum"] = "mean"

    @property
    def reads(self) -> tuple[str, ...]:
        """Which of a, log_a, log_rest and y the formula reads, in its order."""
        return tuple(p for p in parameters_of(self.function) if p in READS)

    def __call__(self, y_pred: Any, y: Any) -> Any:
        """Loss of each row, float64, for outputs and targets of shape (n_samples, n_out)."""
        a, y = np.asarray(y_pred, np.float64), np.asarray(y, np.float64)
        known = {
            "a": a,
            "log_a": np.log(np.maximum(a, LEAST)),
            "log_rest": np.log(np.maximum(1 - a, LEAST)),
            "y": y,
        }
        losses = self.function(*(known[r] for r in self.reads), **self.settings)
        return losses.mean(axis=-1) if self.over_outputs == "mean" else losses.sum(axis=-1)

    def suits(self, activation: Activation) -> bool:
        """Whether the activation's outputs are in the range this loss is made for."""
        return self.accepts[0] <= activation.range[0] and activation.range[1] <= self.accepts[1]

    def kernel(self, activation: Activation) -> Kernel:
        """Kernel: the loss of each row, and delta of each output neuron, from z, a, y and the row's weight."""
        return _softmax_kernel(self) if isinstance(activation, RowActivation) else _kernel(self, activation)


LOSSES: Registry[Loss] = Registry("loss")


def loss(
    *, derivatives: Mapping[str, Callable[..., Any]], source: str = "", **more: Any
) -> Callable[[Callable[..., Any]], Loss]:
    """Decorator: register a function of (a, y) as a loss. See this module's text and `Loss`."""
    return lambda function: LOSSES.add(Loss(function, source, settings_of(function), derivatives, **more))


def _log_of(a):  # type: ignore[no-untyped-def]
    return log(maximum(a, 1e-7))


def _slope_of_log(da, a):  # type: ignore[no-untyped-def]
    return where(a > 1e-7, da / maximum(a, 1e-7), 0.0)


def _kernel(loss: Loss, activation: Activation) -> Kernel:
    """One loop over the outputs of a row, for an activation that works on each neuron alone."""
    own = ", ".join(["z_j", "a_j", *(f"activation_{s}" for s in activation.settings)])
    known = ", ".join([*(f"{r}_j" for r in loss.reads), *loss.settings])
    functions: dict[str, Callable[..., Any]] = {"value": loss.function, "slope": activation.derivative}
    lines, terms = [f"slope_j = slope({own})"], []
    for part, stable, a, sign in (
        ("log_a", activation.log, "a_j", ""),
        ("log_rest", activation.log_rest, "one - a_j", "-"),
    ):
        if part in loss.derivatives:
            functions[f"by_{part}"] = loss.derivatives[part]
            if stable:
                functions |= {part: stable[0], f"slope_{part}": stable[1]}
                lines += [f"{part}_j = {part}({own})"]
                terms += [f"by_{part}({known}) * slope_{part}({own})"]
            else:
                functions |= {"log_of": _log_of, "slope_of_log": _slope_of_log}
                lines += [f"{part}_j = log_of({a})"]
                terms += [f"by_{part}({known}) * slope_of_log({sign}slope_j, {a})"]
    if "a" in loss.derivatives:
        functions["by_a"] = loss.derivatives["a"]
        terms += [f"by_a({known}) * slope_j"]
    lines += [f"value_j = value({known})", f"delta_j = scale * ({' + '.join(terms)})"]
    numbers = (*loss.settings, *(f"activation_{s}" for s in activation.settings))
    source = [
        *_head(f"{loss.name}_of_{activation.name}", loss, numbers),
        "        for j in range(z_columns):",
        "            a_j, z_j, y_j = a[k + j], z[k + j], y[k + j]",
        *(f"            {line}" for line in lines),
        "            total += value_j",
        "            delta[k + j] = delta_j",
        "        losses[i] = total * each",
    ]
    kernel = _row_kernel(source, numbers, functions)
    code = compile("\n".join(lines), f"<{kernel.name}>", "exec")

    def twin(*values: Any) -> None:
        given = dict(zip([*kernel.parameters, "lo", "hi"], values, strict=True))
        rows = slice(given["lo"], given["hi"])
        scale, each = _scales(loss, given, rows)
        names = {f"{n}_j": given[n][rows] for n in ("z", "a", "y")} | {
            n: np.float32(given[n]) for n in numbers
        }
        names |= {"one": np.float32(1), "scale": scale, **functions}
        exec(code, names)
        given["losses"][rows] = (names["value_j"] + np.zeros_like(names["a_j"])).sum(axis=1) * each
        given["delta"][rows] = names["delta_j"]

    return kernel.twin(twin)


def _softmax_kernel(loss: Loss) -> Kernel:
    """The same for softmax. With t_i the loss's derivative by log a_i, delta_i = t_i - a_i (sum of t).

    The largest a is treated apart: 1 - a is then the sum of the others, which keeps its digits.
    """
    known = ", ".join([*(f"{r}_j" for r in loss.reads), *loss.settings])
    functions: dict[str, Callable[..., Any]] = {"value": loss.function}
    lines, terms = ["log_a_j = z_j - log_sum"], []
    if "log_rest" in loss.derivatives:
        lines += ["rest_j = maximum(where(is_top, others, one - a_j), least)", "log_rest_j = log(rest_j)"]
        terms += [f"by_log_rest({known}) * -(a_j / rest_j)"]
    if "log_a" in loss.derivatives:
        terms += [f"by_log_a({known})"]
    if "a" in loss.derivatives:
        terms += [f"by_a({known}) * a_j"]
    functions |= {f"by_{part}": f for part, f in loss.derivatives.items()}
    lines += [f"value_j = value({known})", f"t_j = {' + '.join(terms)}"]
    source = [
        *_head(f"{loss.name}_of_softmax", loss, tuple(loss.settings)),
        "        top = row_top(z[k : k + z_columns])",
        "        sum_all, least = np.float32(0), np.float32(1e-30)",
        "        for j in range(z_columns):",
        "            sum_all += exp(z[k + j] - z[k + top])",
        "        log_sum = z[k + top] + log(sum_all)",
        "        others = np.float32(0)",
        "        for j in range(z_columns):",
        "            others += where(j == top, np.float32(0), a[k + j])",
        "        t_top, t_others = np.float32(0), np.float32(0)",
        "        for j in range(z_columns):",
        "            a_j, z_j, y_j, is_top = a[k + j], z[k + j], y[k + j], j == top",
        *(f"            {line}" for line in lines),
        "            total += value_j",
        "            delta[k + j] = t_j",
        "            t_top += where(is_top, t_j, np.float32(0))",
        "            t_others += where(is_top, np.float32(0), t_j)",
        "        for j in range(z_columns):",
        "            below = delta[k + j] - a[k + j] * (t_others + t_top)",
        "            at_top = t_top * others - a[k + j] * t_others",
        "            delta[k + j] = scale * where(j == top, at_top, below)",
        "        losses[i] = total * each",
    ]
    kernel = _row_kernel(source, tuple(loss.settings), functions)
    code = compile("\n".join(lines), f"<{kernel.name}>", "exec")

    def twin(*values: Any) -> None:
        given = dict(zip([*kernel.parameters, "lo", "hi"], values, strict=True))
        rows = slice(given["lo"], given["hi"])
        scale, each = _scales(loss, given, rows)
        names = {f"{n}_j": given[n][rows] for n in ("z", "a", "y")}
        z, a = names["z_j"], names["a_j"]
        names["is_top"] = is_top = np.arange(z.shape[1]) == z.argmax(axis=1, keepdims=True)
        greatest = z.max(axis=1, keepdims=True)
        names["log_sum"] = greatest + np.log(np.exp(z - greatest).sum(axis=1, keepdims=True))
        names["others"] = others = np.where(is_top, 0, a).sum(axis=1, keepdims=True)
        names |= {
            "one": np.float32(1),
            "least": np.float32(1e-30),
            "where": where,
            "maximum": maximum,
            "log": log,
        }
        names |= {n: np.float32(given[n]) for n in loss.settings} | functions
        exec(code, names)
        t = names["t_j"] + np.zeros_like(a)
        t_top = np.where(is_top, t, 0).sum(axis=1, keepdims=True)
        t_others = np.where(is_top, 0, t).sum(axis=1, keepdims=True)
        below, at_top = t - a * (t_others + t_top), t_top * others - a * t_others
        given["delta"][rows] = scale * np.where(is_top, at_top, below)
        given["losses"][rows] = (names["value_j"] + np.zeros_like(a)).sum(axis=1) * each

    return kernel.twin(twin)


def _scales(loss: Loss, given: Mapping[str, Any], rows: slice) -> tuple[Any, Any]:
    """What each delta and each row's loss is multiplied with."""
    mean = loss.over_outputs == "mean"
    each = np.float32(1 / given["z_columns"] if mean else 1)
    return each * given["weights"][rows, None] / np.float32(given["now"][Now.ROWS]), each


def _head(name: str, loss: Loss, numbers: tuple[str, ...]) -> list[str]:
    parameters = [
        "z",
        "z_stride",
        "z_columns",
        "a",
        "y",
        "weights",
        "losses",
        "delta",
        "now",
        *numbers,
        "lo",
        "hi",
    ]
    return [
        f"def {name}({', '.join(parameters)}):",
        "    one = np.float32(1)",
        f"    each = {'one / np.float32(z_columns)' if loss.over_outputs == 'mean' else 'one'}",
        "    for i in range(lo, hi):",
        "        k, total = i * z_stride, np.float32(0)",
        f"        scale = each * weights[i] / np.float32(now[{int(Now.ROWS)}])",
    ]


def _row_kernel(
    source: list[str], numbers: tuple[str, ...], functions: dict[str, Callable[..., Any]]
) -> Kernel:
    space: dict[str, Any] = {
        "np": np,
        "exp": exp,
        "log": log,
        "where": where,
        "maximum": maximum,
        "row_top": row_top,
    }
    exec("\n".join(source), space)
    body = space[source[0].removeprefix("def ").partition("(")[0]]
    access = {n: Access(True, False, True) for n in ("z", "a", "y", "weights")}
    access |= {n: Access(False, True, True) for n in ("losses", "delta")}
    return Kernel(body, access, numbers, functions, reassociate=True)


@loss(
    derivatives={"a": lambda a, y: 2 * (a - y)},
    source="Gauss, Theoria motus corporum coelestium, 1809",
)
def mse(a, y):  # type: ignore[no-untyped-def]
    """Mean squared error: (a - y)²; derivative 2 (a - y)."""
    return (a - y) * (a - y)


@loss(
    derivatives={"log_a": lambda log_a, y: -y},
    accepts=(0.0, 1.0),
    targets=(0.0, 1.0),
    over_outputs="sum",
    source="Good, Rational decisions, 1952",
)
def categorical_crossentropy(log_a, y):  # type: ignore[no-untyped-def]
    """-y log a, summed over the classes; derivative by log a: -y."""
    return -y * log_a
