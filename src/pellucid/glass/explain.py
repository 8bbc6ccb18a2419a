"""Follows one number of a pass through the plan that made it, and works it out anew on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pellucid import checks, settings
from pellucid.engine.buffer import Array, Buffer
from pellucid.engine.plan import Call
from pellucid.errors import ArgumentError
from pellucid.glass.explanation import Change, Check, Explanation, Share, Stage, Term
from pellucid.glass.learning import Learning
from pellucid.glass.passage import Passage, plain
from pellucid.glass.wording import shortest
from pellucid.kernels.columns import blend_columns, clear_columns, copy_columns, scale_columns
from pellucid.kernels.exact import chain, evaluate, exact, ulps
from pellucid.kernels.products import product, product_transposed
from pellucid.layers.base import Layer

SYMBOLS = {"a": "a", "log_a": "log a", "log_rest": "log(1 - a)"}
BY_COLUMN: dict[Any, tuple[str, Callable[..., Any]]] = {  # what these make, by their numbers in one place
    scale_columns.body: ("x × y", lambda x, factors: x * factors),
    blend_columns.body: ("(1 - α) × x + α × y", lambda x, y, factors: (1 - factors) * x + factors * y),
}
MOST = 12  # synapses that a text shows unless all are asked for


def explain(passage: Passage, layer: Layer, j: int, row: int, *, all: bool = False) -> Explanation:
    """The arithmetic of neuron j of a layer for one row; see `NeuronTrace.explain`."""
    row = checks.whole("row", row, least=0)
    if row >= passage.n_rows:
        raise ArgumentError(f"the trace has the rows 0 to {passage.n_rows - 1}, but got {row}.")
    checks.switch("all", all)
    return _Neuron(passage, layer, j, row).explanation(None if all else MOST)


class _Neuron:
    """One neuron in one row: what is found out about it, and every check on the way."""

    def __init__(self, passage: Passage, layer: Layer, j: int, row: int) -> None:
        self.passage, self.layer, self.j, self.row = passage, layer, j, row
        self.name = f"{layer.label}/{j}"
        self.checks: list[Check] = []
        self.notes: list[str] = []
        self.followed: set[tuple[Buffer, int]] = set()
        z = passage.buffers.get(f"{layer.label}/z")
        call = passage.makers.get(z) if z else None
        self.weights = passage.parameters[f"{layer.label}/weights"]
        is_sum = call and call.kernel.body is product.body and call.operands["B"] is self.weights.buffer
        if z is None or call is None or not is_sum:
            raise ArgumentError(
                f"layer {layer.label!r} ({layer.kind}) does not make z = x @ W + b by the product of the "
                "dense layer, so its neurons cannot be explained."
            )
        self.z, self.call = z, call
        self.x: Buffer = call.operands["A"]  # type: ignore[assignment]
        self.a = passage.buffers.get(f"{layer.label}/a", z)

    def explanation(self, most: int | None) -> Explanation:
        passage, row, j = self.passage, self.row, self.j
        if not settings.jit():
            self.notes.append("Nothing is compiled (PELLUCID_JIT=0), and NumPy rounds otherwise.")
        terms, bias = self._terms()
        activation = getattr(self.layer, "activation", None)
        activated = self._activated()
        self._compare_with_prediction()
        way_back: tuple[Stage, ...] = ()
        delta, method, numbers = None, "", dict[str, float]()
        changes: list[Change] = []
        worked: list[str] = []
        if passage.goes_back:
            share = self._delta_buffer()
            if share is None:
                self.notes.append(f"Nothing that training changes is behind {self.name}, so it has no delta.")
            else:
                way_back, delta = tuple(self._way_back(share)), plain(passage.values[share][row, j])
                learning = Learning(passage, self.layer, j, row, self.x, share)
                changes, numbers, worked = learning.changes(), learning.numbers, learning.worked
                method = f"{passage.method} ({passage.method.origin})"
                self.checks += learning.checks
                self.notes += learning.notes
        else:
            self.notes.append("The trace has no targets, so nothing came back.")
        return Explanation(
            neuron=self.name,
            row=row,
            n_rows=passage.n_rows,
            activation=str(activation or "linear"),
            bias=bias,
            terms=terms,
            z=self._at(self.z),
            activated=activated,
            a=self._at(self.a),
            way_back=way_back,
            delta=delta,
            method=method,
            numbers=numbers,
            changes=tuple(changes),
            worked=tuple(worked),
            passed=tuple(n for n in passage.wiring.passed[self.layer.label] if f"{n}/a" in passage.buffers),
            checks=tuple(self.checks),
            notes=tuple(self.notes),
            most=most,
        )

    # ---------------------------------------------------------------- forward

    def _terms(self) -> tuple[tuple[Term, ...], float]:
        """The weighted input, one synapse after the other."""
        passage, j = self.passage, self.j
        x = passage.values[self.x][self.row]
        weights, start = passage.values[self.weights.buffer][:, j], self.call.operands["start"]
        bias = passage.values[start][j] if self.call.operands["has_start"] else 0.0  # type: ignore[index]
        sums = chain(bias, x, weights)
        self._check("z", "arithmetic", self._at(self.z), sums[-1])
        sources = passage.wiring.sources[self.layer.label]
        products = x.astype(np.float64) * weights
        rows = zip(sources, x.tolist(), weights.tolist(), products.tolist(), sums[1:].tolist(), strict=True)
        return tuple(Term(*row) for row in rows), plain(bias)

    def _activated(self) -> Stage:
        """a = g(z)."""
        z, call = self._at(self.z), self.passage.makers[self.a]
        activation = getattr(self.layer, "activation", None)
        formula = activation.text if activation else "a = z."
        if self.a is self.z:
            return Stage("a", formula, {"z": z}, (), z)
        if call.kernel.expression:
            found, how = evaluate(call.kernel, self._numbers(call, self.j))[0], "arithmetic"
        else:
            found, how = self.passage.run_again(call, self.row)["a"][self.j], "kernel"
        self._check("a", how, self._at(self.a), found)
        parts = {"z": z}
        if not call.kernel.expression:
            each = self.passage.values[self.z][self.row].tolist()
            parts = {f"z of {self.layer.label}/{k}": v for k, v in enumerate(each)}
        return Stage("a", formula, parts, (), self._at(self.a))

    def _compare_with_prediction(self) -> None:
        """Whether `predict` answers the same for this row, down to this neuron."""
        passage, row = self.passage, slice(self.row, self.row + 1)
        outputs, numbers, now = passage.answer(passage.values[passage.lowered.x][row])
        pairs = [
            (what, plain(passage.values[buffer][self.row, self.j]), plain(numbers[buffer.name][0, self.j]))
            for what, buffer in (("z", self.z), ("a", self.a))
        ]
        shown = passage.values[passage.lowered.outputs][self.row]
        k = int(ulps(shown, outputs[0]).argmax())
        pairs.append(
            (f"output {k}" if len(shown) > 1 else "the output", plain(shown[k]), plain(outputs[0, k]))
        )
        if not passage.is_training:
            self.checks += [Check(w, "predict", s, f, int(ulps(s, f))) for w, s, f in pairs]
        elif any(ulps(s, f) for _, s, f in pairs):
            self.notes.append(
                "This is a step of training, in which dropout, noise and batch normalisation do more than in "
                f"a prediction: predict has z = {shortest(pairs[0][2])} here."
            )
        changed = [n for n, p in passage.parameters.items() if ulps(now[n], passage.values[p.buffer]).any()]
        if changed:
            self.notes.append(f"Changed since the trace: {', '.join(changed)}.")

    # ---------------------------------------------------------------- backward

    def _delta_buffer(self) -> Buffer | None:
        """The numbers that hold this layer's delta, if anything needed them."""
        passage = self.passage
        maker = passage.makers.get(self.weights.gradient)
        if maker is not None and maker.kernel.body is product_transposed.body:
            return maker.operands["B"]  # type: ignore[return-value]
        for call in passage.lowered.plan.calls():
            derived = passage.lowered.step.derived.get(call.operands.get("B"))  # type: ignore[arg-type]
            if derived and derived[1] is self.weights:
                return call.operands["A"]  # type: ignore[return-value]
        return passage.buffers.get(f"{self.layer.label}/delta")

    def _way_back(self, share: Buffer) -> list[Stage]:
        """How a share of the error came to be: first what it was made of, last itself."""
        stages: list[Stage] = []
        self._follow(share, self.j, stages, "delta")
        return stages

    def _follow(self, buffer: Buffer, j: int, stages: list[Stage], title: str = "") -> None:
        """Append how number j of this row of a buffer came to be, unless it is there already."""
        if (buffer, j) in self.followed:
            return
        self.followed.add((buffer, j))
        passage, call = self.passage, self.passage.maker(buffer, j)
        shown, body = plain(passage.values[buffer][self.row, j]), call.kernel.body
        parts: Mapping[str, float] = {}
        shares: tuple[Share, ...] = ()
        how = "arithmetic"
        if body is product.body:
            shares, found = self._shares(call, j)
            formula = "the sum of weight × delta over the synapses that lead on"
        elif "losses" in call.operands:
            parts, found, how = self._from_loss(call, j)
            formula = f"∂loss/∂z, the loss being {passage.loss}: {passage.loss.text}"
        elif body is copy_columns.body:
            source, at = call.operands["x"], j + call.operands["source"] - call.operands["place"]  # type: ignore[operator]
            self._follow(source, at, stages)  # type: ignore[arg-type]
            found = passage.values[source][self.row, at]  # type: ignore[index]
            parts, formula = {f"{self._title(source)}, place {at}": plain(found)}, "x"  # type: ignore[arg-type]
        elif body is clear_columns.body:
            parts, formula, found = {"a code, which lets no error pass": 0.0}, "x", np.zeros(1, np.float32)
        elif call.kernel.expression or body in BY_COLUMN:
            parts, formula, found = self._elementwise(call, j, stages)
        else:
            name = next(n for n, operand in call.operands.items() if operand is buffer)
            found, how = passage.run_again(call, self.row)[name][j], "kernel"
            formula = (call.kernel.body.__doc__ or call.kernel.name).split("\n")[0]
        self._check(title or self._title(buffer), how, shown, found)
        stages.append(Stage(title or self._title(buffer), formula, parts, shares, shown))

    def _shares(self, call: Call, j: int) -> tuple[tuple[Share, ...], Array]:
        """Along the synapses that lead on: weight × delta of the neuron behind, one after the other."""
        passage, deltas = self.passage, self.passage.values[call.operands["A"]][self.row]  # type: ignore[index]
        W: Buffer = call.operands["B"]  # type: ignore[assignment]
        weights = passage.values[W][:, j]
        sums = chain(0.0, deltas, weights)
        derived = passage.lowered.step.derived.get(W)
        label = (derived[1].name if derived else W.name).rpartition("/")[0]
        products = deltas.astype(np.float64) * weights
        targets = [f"{label}/{k}" for k in range(len(deltas))]
        columns = (weights.tolist(), deltas.tolist(), products.tolist(), sums[1:].tolist())
        return tuple(Share(*each) for each in zip(targets, *columns, strict=True)), sums[-1]

    def _elementwise(self, call: Call, j: int, stages: list[Stage]) -> tuple[dict[str, float], str, Array]:
        """Made place by place: what of it came from the loss is followed first, the rest is only named."""
        parts: dict[str, float] = {}
        made = {n for n, access in call.kernel.operands.items() if access.writes}
        for name, operand in call.operands.items():
            if isinstance(operand, Buffer) and name not in made:
                if operand in self.passage.of_the_way_back:
                    self._follow(operand, j, stages)
                parts[self._title(operand)] = plain(self._numbers(call, j)[name])
        numbers = self._numbers(call, j)
        if not call.kernel.expression:
            formula, made_of = BY_COLUMN[call.kernel.body]
            return parts, formula, made_of(**{n: np.float32(v) for n, v in numbers.items()})
        [found] = evaluate(call.kernel, numbers)
        derivative = call.kernel.formulas.get("derivative")
        if derivative is None:
            return parts, call.kernel.expression.replace("*", "×"), found
        own = [np.atleast_1d(np.float32(numbers[n])) for n in ("z", "a", *call.kernel.numbers)]
        named = {self._title(call.operands["da"]): plain(numbers["da"])}  # type: ignore[arg-type]
        return named | {"g'(z)": plain(exact(derivative)(*own))}, "x × y", found

    def _from_loss(self, call: Call, j: int) -> tuple[dict[str, float], Array, str]:
        """The derivative of the loss, by its parts where they are of this neuron alone."""
        passage, numbers = self.passage, self._numbers(call, j)
        weight = passage.values[call.operands["weights"]][self.row]  # type: ignore[index]
        loss, n_out = passage.loss.parts, call.operands["z"].columns  # type: ignore[union-attr]
        scale = np.float32(1) / np.float32(n_out if loss.is_mean else 1) / np.float32(passage.n_rows) * weight
        if not any(name.startswith("slope_of_") for name in call.kernel.formulas):
            found = passage.run_again(call, self.row)["delta"][j]
            row = {n: passage.values[call.operands[n]][self.row].tolist() for n in "ay"}  # type: ignore[index]
            parts = {f"{n} of output {k}": v for n, values in row.items() for k, v in enumerate(values)}
            return parts, found, "kernel"
        known_as = (
            "log_a_of",
            "log_rest_of",
            *(f"{w}_{p}" for w in ("by", "slope_of") for p, _ in loss.derivatives),
        )
        formulas = {n: exact(f) for n, f in call.kernel.formulas.items() if n in known_as}
        z, a, y = (np.atleast_1d(np.float32(numbers[n])) for n in "zay")
        own = [z, a, *(np.float32(numbers[n]) for n in call.kernel.numbers if n.startswith("activation_"))]
        given = {"a": a, "y": y, "n_out": np.float32(n_out)}
        with np.errstate(all="ignore"):
            given |= {n: formulas[f"{n}_of"](*own) for n in ("log_a", "log_rest") if f"{n}_of" in formulas}
            known = [*(given[r] for r in loss.reads), *(np.float32(numbers[s]) for s in loss.settings)]
            parts, total = {"y": plain(y), "a": plain(a)}, None
            for part, _ in loss.derivatives:
                by, slope = formulas[f"by_{part}"](*known), formulas[f"slope_of_{part}"](*own)
                parts |= {f"∂loss/∂{SYMBOLS[part]}": plain(by), f"∂{SYMBOLS[part]}/∂z": plain(slope)}
                term = np.asarray(by * slope, np.float32)
                total = term if total is None else total + term
            parts["share of the row"] = plain(scale)
            return parts, np.asarray(scale * total), "arithmetic"

    # ---------------------------------------------------------------- the numbers themselves

    def _at(self, buffer: Buffer) -> float:
        return plain(self.passage.values[buffer][self.row, self.j])

    def _numbers(self, call: Call, j: int) -> dict[str, Any]:
        """What a call reads at place j of this row, by operand, and its settings."""
        found: dict[str, Any] = {}
        for name, operand in call.operands.items():
            if not isinstance(operand, Buffer):
                found[name] = operand
            elif call.kernel.operands[name].reads:
                values = self.passage.values[operand]
                found[name] = (
                    values[j if name == "factors" else self.row] if operand.is_line else values[self.row, j]
                )
        return found

    def _title(self, buffer: Buffer) -> str:
        """A number of the way back in words."""
        layer, _, what = buffer.name.rpartition("/")
        if what == "dx":
            return f"∂loss by what goes into {layer}"
        return f"delta of {layer}" if what == "delta" else buffer.name

    def _check(self, what: str, how: str, shown: float, found: Any) -> None:
        distance = int(np.max(ulps(shown, found)))
        self.checks.append(Check(what, how, shown, plain(found), distance))
