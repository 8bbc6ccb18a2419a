"""Why a network answers as it does: traces, and what each input contributes."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid import checks
from pellucid.answers import Answers
from pellucid.engine.buffer import Arena, Array
from pellucid.errors import ArgumentError, ShapeError, UnknownNameError
from pellucid.glass.attribution import Attribution
from pellucid.glass.passage import run_passage
from pellucid.glass.paths import Paths
from pellucid.glass.step import Method
from pellucid.glass.trace import Trace, trace_of
from pellucid.lowering import Data
from pellucid.prediction import numbers_of
from pellucid.training.data import Targets, as_numbers, check_finite, inputs
from pellucid.training.state import State


class Insight(Answers):
    """What rows do inside a network; see `Network`."""

    def trace(
        self, X: Any, y: Any = None, *, loss: Any = None, training: bool = False, optimizer: Any = None
    ) -> Trace:
        """Every number of one pass through the network, from the kernels that train it.

        Parameters
        ----------
        X : array (n_samples, n_in)
            Rows to follow.
        y : array, optional
            Their targets, in any form that `fit` takes; without them the trace goes forward only.
        loss : str or Loss, optional
            The loss of the last fit, or the one that suits the output, unless given.
        training : bool
            Whether dropout drops and batch normalisation looks at these rows, as in a training step.
        optimizer : str or Optimizer, optional
            Whose first step the explanations of neurons show, at its own learning rate. Unless given it is
            the next step of the last fit, with its optimizer, its learning rate without the schedule, and
            what the optimizer has kept; adam's first step where there was no fit.
        """
        X = inputs(X, self._input, "trace")
        check_finite(X, "trace: X")
        if not len(X):
            raise ShapeError("trace needs at least one row.")
        the_loss = self._loss_for(loss)
        goes_back = y is not None
        known = (
            self._targets(y, the_loss)
            if goes_back
            else Targets(np.zeros((len(X), self.n_out), np.float32), "regression")
        )
        self._same_length(X, known.values, "y")
        data = Data(self.n_in, self.n_out, f"f{X.dtype.itemsize}", known.is_indexed)
        gradients = Arena(p.gradient for p in self._parameters if p.trainable)
        passage, work = run_passage(
            self._definitions,
            self._arena,
            gradients,
            data,
            {data.X: X, data.y: known.values},
            the_loss,
            self.seed,
            is_training=training,
            goes_back=goes_back,
            method=self._method(optimizer),
            wiring=self.wiring,
            answer=self._answer,
        )
        if goes_back and self._of_gradients.acquire(blocking=False):  # a fit in another thread needs its own
            for p, _, _ in passage.lowered.step.gradients:
                self._gradient(p)[:] = gradients.view(p.gradient)
            self._of_gradients.release()
        return trace_of(passage.lowered, self._definitions, work, gradients, passage)

    def attribute(self, x: Any, baseline: Any = None, output: Any = None) -> Attribution:
        """How far each input moved an output away from that for a baseline.

        Parameters
        ----------
        x : array (n_in,)
            One row.
        baseline : array (n_in,), optional
            What it is compared with; a row of zeros unless given.
        output : int or str, optional
            Which output, by its number from 0 or the name of its class; the greatest one of several
            probabilities unless given. One output alone is the probability of the second of two classes,
            and leaves the rest for the first.

        Returns
        -------
        Attribution
            Contributions that add up to the difference of the two answers; prints as a table.

        Raises
        ------
        ShapeError, DataError
            If x or the baseline is no row of finite numbers.
        ArgumentError
            If there is no such output.

        Examples
        --------
        >>> from pellucid import Dense, Input, Network
        >>> net = Network([Input(["age", "income"]), Dense(1)])
        >>> net.layers["output"].weights[:] = [[0.5], [-2.0]]
        >>> print(net.attribute([4.0, 3.0], baseline=[2.0, 3.0]))
        input     is  baseline  output 0
        baseline                  -5.000
        age       4   2           +1.000              |████████████
        income    3   3           +0.000              |
        rounding                  +0.000
        answer                    -4.000
        The answer is linear between the two rows: each number is coefficient × difference; checked: \
they add up exactly.
        """
        row = self._row(x, "x")
        start = np.zeros(self.n_in, np.float32) if baseline is None else self._row(baseline, "the baseline")
        at, class_ = self._output(output, self.predict(np.stack([start, row]))[1])
        is_rest = class_ is not None and self.n_out == 1 and class_ == 0
        found = self.paths().between(start, row, at, _rest if is_rest else None)
        name = f"output {at}" if class_ is None else f"probability of {(self.classes or [])[class_]}"
        said = "all inputs 0" if baseline is None else "the given baseline"
        values, compared = (tuple(f"{float(v):.6g}" for v in vector) for vector in (row, start))
        return Attribution(name, said, tuple(self.features), values, compared, found)

    def paths(self) -> Paths:
        """What finds contributions between any two rows, for as long as the weights stay as they are."""
        return Paths(self._definitions, self._arena)

    # ---------------------------------------------------------------- inside

    def _method(self, optimizer: Any) -> Method:
        """How a step from here would be made."""
        if optimizer is not None:
            return Method.named(optimizer, "as asked for, beginning with nothing kept")
        note = self._optimizer and self._optimizer.get("step")
        if not note:
            return Method.named("adam", "the default, since there was no fit")
        state = self._state or State()
        t = state.tick - state.optimizer_since + 1
        return Method.of_last_fit(note, t, state.optimizer, state.plateau_factor)

    def _answer(self, X: Array) -> tuple[Array, dict[str, Array], dict[str, Array]]:
        """What `predict` answers, all numbers of the plan by which it does, and the parameters."""
        return self.predict(X), numbers_of(self._definitions, self._arena, X), self.parameters

    def _row(self, x: Any, name: str) -> Array:
        """One row of finite numbers."""
        row = as_numbers(x, f"attribute: {name}")
        if row.shape not in ((self.n_in,), (1, self.n_in)):
            raise ShapeError(
                f"attribute: {name} must be one row of {self.n_in} numbers, but has shape {row.shape}."
            )
        check_finite(row, f"attribute: {name}")
        return row.reshape(self.n_in).astype(np.float32)

    def _output(self, wanted: Any, outputs: Array) -> tuple[int, int | None]:
        """The number of an output, and of the class whose probability it tells.

        It is the one that was named, or the greatest one where they are probabilities.
        """
        are_shares = self.output_activation.range == (0, 1)
        classes = list(self.classes or []) if are_shares else []
        if wanted is None and self.n_out > 1 and not are_shares:
            raise ArgumentError(f"the network has {self.n_out} outputs: say which one, such as output=0.")
        if isinstance(wanted, str):
            names = [str(c) for c in classes]
            if wanted not in names:
                raise UnknownNameError("class", wanted, names)
            class_ = names.index(wanted)
            return (0 if self.n_out == 1 else class_), class_
        at = int(outputs.argmax()) if wanted is None else checks.whole("output", wanted, 0, self.n_out - 1)
        if not classes:
            return at, None
        return at, (1 if self.n_out == 1 else at)


def _rest(outputs: Array) -> tuple[Array, Array]:
    """What one probability leaves for the other class, and the derivative of that."""
    return 1.0 - outputs[:, 0].astype(np.float64), np.full(len(outputs), -1.0)
