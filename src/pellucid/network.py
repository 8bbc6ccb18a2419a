"""Network: layers, their numbers by name, and thin calls into the floors below."""

from __future__ import annotations

import copy
import functools
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import checks, model_file
from pellucid.engine.buffer import Arena, Array
from pellucid.errors import ArgumentError, DataError, ModelFileError, ShapeError, UnknownNameError
from pellucid.glass.attribution import Attribution
from pellucid.glass.neurons import Inside, LayerView, Named, Neuron
from pellucid.glass.passage import run_passage
from pellucid.glass.paths import Paths
from pellucid.glass.step import Method
from pellucid.glass.summary import Summary, summarise
from pellucid.glass.trace import Trace, trace_of
from pellucid.glass.wiring import Wiring
from pellucid.initializers import initialize
from pellucid.kernels.team import Team
from pellucid.layers.base import Layer, Parameter, layer_from_spec, name_layers
from pellucid.layers.frozen import Frozen
from pellucid.layers.input import Input
from pellucid.losses import LOSSES, Loss
from pellucid.lowering import Data, parameters_of
from pellucid.metrics import METRICS
from pellucid.pictures import Pictures
from pellucid.prediction import Predictor, Single
from pellucid.training.data import LARGEST, Targets, as_numbers, check_finite, inputs, row_weights, targets
from pellucid.training.evaluation import Evaluator
from pellucid.training.fit import Rows
from pellucid.training.history import History
from pellucid.training.request import Request
from pellucid.training.state import State

if TYPE_CHECKING:
    from pellucid.health.finding import Health


class Network(Pictures):
    """A neural network: layers of neurons, trained on arrays and open to every question.

    Parameters
    ----------
    layers : sequence of Layer
        The first is an `Input`.
    seed : int
        Decides the first weights, the shuffling and everything else that is drawn.

    Raises
    ------
    ShapeError, ArgumentError
        If the layers do not fit, with the layer's name.

    Examples
    --------
    >>> from pellucid import Dense, Input, Network
    >>> net = Network([Input(["age", "income"]), Dense(3, "tanh"), Dense(1)], seed=0)
    >>> net.layers["hidden_1"].neurons[2].synapses["income"]
    <synapse 'income' -> 'hidden_1/2': -0.4872>
    >>> net.predict([[0.0, 0.0]])
    array([[0.]], dtype=float32)
    """

    def __init__(self, layers: Sequence[Layer], *, seed: int = 0) -> None:
        layers = list(layers) if isinstance(layers, Iterable) else [layers]
        if not layers or not isinstance(layers[0], Input):
            raise ArgumentError("a network begins with its inputs: Network([Input(n_features), ...]).")
        if len(layers) < 2:
            raise ArgumentError("a network needs at least one layer after its Input, such as Dense(1).")
        for layer in layers:
            if not isinstance(layer, Layer):
                raise ArgumentError(f"a network is made of layers, but got {layer!r}.")
        self._definitions = copy.deepcopy(layers)  # the caller's layers may serve for another network
        self.seed = checks.whole("seed", seed, least=0)
        name_layers(self._definitions)
        width = self._definitions[0].n_out
        for layer in self._definitions:
            width = layer.build(width)
        self._parameters = parameters_of(self._definitions)
        self._arena = Arena(p.buffer for p in self._parameters)
        for i, parameter in enumerate(self._parameters):
            self._arena.view(parameter.buffer)[:] = initialize(parameter, self.seed, i)
        self.classes: list[Any] | None = None
        self.task: str | None = None
        self._loss: Loss | None = None
        self._state: State | None = None
        self._training = threading.Lock()
        self._forget_programs()

    # ---------------------------------------------------------------- looking inside

    @property
    def layers(self) -> Named[LayerView]:
        """The layers, by position or name; the first is the input."""
        named = self._definitions
        return Named("layer", [la.label for la in named], lambda i: LayerView(named[i], self._inside))

    @property
    def _input(self) -> Input:
        """The first layer, which knows the features."""
        first = self._definitions[0]
        assert isinstance(first, Input)
        return first

    @property
    def features(self) -> list[str]:
        """Names of the inputs."""
        return list(self._input.features)

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self._definitions[0].n_out

    @property
    def n_out(self) -> int:
        """Number of outputs."""
        return self._definitions[-1].n_out

    @property
    def parameters(self) -> dict[str, Array]:
        """Views of all parameters by name, such as `hidden_1/weights`."""
        return {p.name: self._view(p) for p in self._parameters}

    @property
    def gradients(self) -> dict[str, Array]:
        """Views of all gradients by their parameter's name, as the last step or trace left them."""
        return {p.name: self._gradient(p) for p in self._parameters if p.trainable}

    @property
    def history(self) -> History:
        """Numbers of each epoch so far."""
        return self._state.history if self._state else History()

    @property
    def loss(self) -> Loss:
        """The loss of the last fit, or the one that suits the output."""
        return self._loss_for(None)

    def summary(self) -> Summary:
        """Layers, shapes, synapses, parameters, bytes and multiplications a sample; prints as a table."""
        return summarise(self._definitions)

    def neuron(self, name: str, number: int | None = None) -> Neuron:
        """A neuron by a name such as `hidden_1/3`, or by its layer and number; also of layers inside others.

        Raises
        ------
        ArgumentError
            If there is no such neuron; the message names those that there are.

        Examples
        --------
        >>> from pellucid import Dense, Input, Network
        >>> net = Network([Input(["age", "income"]), Dense(3, "tanh"), Dense(1)], seed=0)
        >>> net.neuron("hidden_1/2").outgoing
        [<synapse 'hidden_1/2' -> 'output/0': -0.4906>]
        """
        return self._inside.neuron(name, number)

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
        passage, work = run_passage(
            self._definitions,
            self._arena,
            self._gradient_arena,
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
        return trace_of(passage.lowered, self._definitions, work, self._gradient_arena, passage)

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
            probabilities unless given.

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
        at = self._output(output, self.predict(np.stack([start, row]))[1])
        found = self.paths().between(start, row, at)
        name = f"output {at}" if not self.classes or self.n_out == 1 else f"probability of {self.classes[at]}"
        said = "all inputs 0" if baseline is None else "the given baseline"
        values, compared = (tuple(f"{float(v):.6g}" for v in vector) for vector in (row, start))
        return Attribution(name, said, tuple(self.features), values, compared, found)

    def paths(self) -> Paths:
        """What finds contributions between any two rows, for as long as the weights stay as they are."""
        return Paths(self._definitions, self._arena)

    def health(self, X: Any, y: Any, **options: Any) -> Health:
        """What may be wrong with the network, its training, or some rows; a healthy one gets no finding.

        Parameters
        ----------
        X : array (n_samples, n_in)
            Rows to examine it on; best those it was trained on.
        y : array
            Their targets, in any form that `fit` takes.
        **options
            See `pellucid.health.examine.examine`, which describes each: `try_fixes`, `seconds`, `rows`,
            `columns`.

        Returns
        -------
        Health
            Its `findings`, each with what was measured, why it matters, what to try and whether that
            helped; prints as text.
        """
        from pellucid.health.examine import examine

        return examine(self, X, y, **options)

    # ---------------------------------------------------------------- answers

    def predict(self, X: Any) -> Array:
        """The outputs for some rows.

        Parameters
        ----------
        X : array (n_samples, n_in)
            Read where it is if it is float32 or float64 and C-contiguous.

        Returns
        -------
        float32 array (n_samples, n_out)
        """
        X = inputs(X, self._input, "predict")
        dtype = f"f{X.dtype.itemsize}"
        pool = self._predictors.setdefault(dtype, [])
        try:
            predictor = pool.pop()
        except IndexError:  # all are at work in other threads
            predictor = Predictor(self._definitions, self._arena, dtype)
        if not (X.min(initial=0) >= -LARGEST and X.max(initial=0) <= LARGEST):  # quicker than to look at each
            check_finite(X, "predict: X")
        outputs = predictor.run(X)
        pool.append(predictor)
        if np.isnan(outputs).any():
            self._explain_nan(X, "predict")
        return outputs

    def __call__(self, x: Any) -> Array:
        """The outputs for one row of inputs `(n_in,)`, float32 `(n_out,)`; for more rows like `predict`."""
        x = np.asarray(x)
        if x.ndim == 2:
            return self.predict(x)
        if x.dtype.char not in "fd":
            x = as_numbers(x, "the network: x")
        if x.shape != (self.n_in,):
            raise ShapeError(f"the network expects a row of {self.n_in} numbers, but got shape {x.shape}.")
        try:
            single = self._singles.pop()
        except IndexError:  # all are at work in other threads
            single = Single(self._definitions, self._arena)
        output = single.run(x)
        self._singles.append(single)
        if output[0] != output[0]:
            self._explain_nan(x[None], "the network")
        return output

    def classify(self, X: Any) -> Array:
        """The class of each row: its name if the network was trained with names, else its index.

        Where a row may have several labels, 1 for each label that it has and 0 for the others,
        `(n_samples, n_out)`.
        """
        if self.task == "regression":
            raise ArgumentError("the network was trained on numbers, not classes; use predict.")
        outputs = self.predict(X)
        middle = float(np.mean(self._loss.only)) if self._loss and self._loss.only else 0.5
        if self.task == "multilabel":
            return np.asarray(outputs > middle, np.int64)
        indices = outputs.argmax(axis=1) if self.n_out > 1 else (outputs[:, 0] > middle).astype(np.int64)
        named: Array = np.asarray(self.classes)[indices] if self.classes else indices
        return named

    def evaluate(
        self, X: Any, y: Any, *, metrics: Sequence[Any] = (), loss: Any = None, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Loss and metrics on some rows.

        Parameters
        ----------
        X : array (n_samples, n_in)
            Inputs.
        y : array
            Targets, in any form that `fit` takes.
        metrics : sequence of str or Metric
            What to report beside the loss; the metrics of the last fit if there was one and none are given.
        loss : str or Loss, optional
            The loss of the last fit, or the one that suits the output, unless given.
        sample_weight : array (n_samples,), optional
            Weight of each row; only their proportions matter.
        """
        the_loss = self._loss_for(loss)
        X = inputs(X, self._input, "evaluate")
        check_finite(X, "evaluate: X")
        known = self._targets(y, the_loss)
        self._same_length(X, known.values, "y")
        if not len(X):
            raise ShapeError("evaluate needs at least one row.")
        rows = np.arange(len(X))
        weights = row_weights(sample_weight, None, known, len(X), rows)
        data = Data(self.n_in, self.n_out, f"f{X.dtype.itemsize}", known.is_indexed, weights is not None)
        evaluator = Evaluator(self._definitions, self._arena, data, the_loss)
        subject = Rows(X, known, weights, rows)
        with Team(1) as team:
            value, outputs = evaluator.run(team, subject.given(data), rows, subject.weight)
        if not np.isfinite(value):
            self._explain_nan(X, "evaluate")
        result: dict[str, Any] = {"loss": value}
        for metric in [METRICS.find(m) for m in checks.several(metrics) or self._metrics]:
            result[metric.name] = metric(known.matrix(), outputs, task=known.task, sample_weight=weights)
        return result

    # ---------------------------------------------------------------- training

    def fit(self, X: Any, y: Any, **options: Any) -> History:
        """Train on arrays. A second fit goes on exactly where the first stopped.

        Parameters
        ----------
        X : array (n_samples, n_in)
            Inputs; read where they are if they are float32 or float64 and C-contiguous.
        y : array (n_samples,) or (n_samples, n_out)
            Class names, class indices, one-hot rows, numbers, or several columns of them.
        **options
            See `pellucid.training.request.Request`, which describes each: `epochs`, `batch_size`,
            `optimizer`, `learning_rate`, `loss`, `schedule`, `metrics`, `validation_split`,
            `validation_data`, `sample_weight`, `class_weight`, `shuffle`, `patience`, `min_delta`,
            `until`, `time_limit`, `callbacks`, `checkpoint`, `resume`, `train_loss`, `threads`,
            `clip_value`, `clip_norm`, `gradient_noise`, `record`, `verbose`.

        Returns
        -------
        History
            Numbers of each epoch and the reason for the stop; also kept as `history`.
        """
        request = Request.of(options)
        if not self._training.acquire(blocking=False):
            raise ArgumentError(
                "this network is being trained already, by another thread or by the fit that called back. "
                "Train a copy: net.copy()."
            )
        try:
            return request.run(self, X, y)
        finally:
            self._training.release()

    # ---------------------------------------------------------------- files, copies

    def save(self, path: str | os.PathLike[str], *, training: bool = False) -> None:
        """Write the network to one file; with `training`, also all that a later fit needs."""
        document, tensors = self.to_dict(training=training)
        model_file.write(path, document, tensors)

    def to_dict(self, *, training: bool = False) -> tuple[dict[str, Any], dict[str, Array]]:
        """The network as plain values and tensors; `from_dict` makes it again."""
        document: dict[str, Any] = {
            "kind": "network",
            "seed": self.seed,
            "layers": [la.spec for la in self._definitions],
            "classes": self.classes,
            "task": self.task,
            "loss": self._loss.spec if self._loss else None,
            "metrics": [m.spec for m in self._metrics],
            "history": self.history.to_dict(),
            "optimizer": self._optimizer,
            "state": None,
        }
        tensors = {f"parameters/{p.name}": self._view(p) for p in self._parameters}
        if training and self._state:
            document["state"] = self._state.to_dict()
            tensors |= self._state.tensors()
        return document, tensors

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], tensors: Mapping[str, Array]) -> Network:
        """Make a network of what `to_dict` gave.

        Raises
        ------
        ModelFileError
            If something is missing or does not fit.
        """
        try:
            net = cls([layer_from_spec(s) for s in document["layers"]], seed=document["seed"])
            for p in net._parameters:
                tensor = tensors[f"parameters/{p.name}"]
                if tensor.shape != p.shape or tensor.dtype != np.float32:
                    raise ModelFileError(
                        f"the file's {p.name!r} has shape {tensor.shape}, but {p.shape} is expected."
                    )
                net._view(p)[:] = tensor
            net.classes, net.task = document["classes"], document["task"]
            net._loss = LOSSES.find(document["loss"]) if document["loss"] else None
            net._metrics = [METRICS.find(m) for m in document["metrics"]]
            net._optimizer = document["optimizer"]
            if document["state"] is not None:
                net._state = State.from_dict(document["state"], dict(tensors))
            elif document["history"]["columns"]:
                net._state = State(history=History.from_dict(document["history"]))
                net._state.epoch = net._state.begun = len(net._state.history)
            net._method(None)  # refuses a note of the optimizer that is not right
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, ModelFileError):
                raise
            raise ModelFileError(f"the file's description of the network is not right: {error}") from None
        return net

    def copy(self) -> Network:
        """An independent copy, with everything that a later fit needs."""
        return copy.deepcopy(self)

    def __reduce__(self) -> tuple[Callable[..., Network], tuple[Any, ...]]:
        document, tensors = self.to_dict(training=True)
        return Network.from_dict, (document, {n: np.array(t) for n, t in tensors.items()})

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        document, tensors = self.to_dict(training=True)
        return Network.from_dict(copy.deepcopy(document), {n: np.array(t) for n, t in tensors.items()})

    def __repr__(self) -> str:
        widths = " - ".join(
            [str(self.n_in), *(str(la.n_out) for la in self._definitions[1:] if la.parameters)]
        )
        return f"<network {widths}>"

    # ---------------------------------------------------------------- inside

    def _forget_programs(self) -> None:
        self._predictors: dict[str, list[Predictor]] = {}
        self._singles: list[Single] = []
        self._metrics: list[Any] = []
        self._optimizer: Any = None
        self.__gradients: Arena | None = None

    def _like(self, numbers: Mapping[str, Array]) -> Network:
        """A network of the same layers with other numbers and no past."""
        other = type(self)(self._definitions, seed=self.seed)
        for p in other._parameters:
            other._view(p)[:] = numbers[p.name]
        other.classes, other.task = self.classes, self.task
        other._loss, other._metrics = self._loss, list(self._metrics)
        return other

    def _view(self, parameter: Parameter) -> Array:
        return self._arena.view(parameter.buffer)

    @property
    def _gradient_arena(self) -> Arena:
        if self.__gradients is None:
            self.__gradients = Arena(p.gradient for p in self._parameters if p.trainable)
        return self.__gradients

    def _gradient(self, parameter: Parameter) -> Array:
        return self._gradient_arena.view(parameter.gradient)

    @functools.cached_property
    def wiring(self) -> Wiring:
        """Which synapse leads where, and the names of what comes into each layer."""
        return Wiring(self._definitions, self.features)

    @property
    def _inside(self) -> Inside:
        return Inside(self._definitions, self.wiring, self._view, self._gradient, self._optimizer_states)

    def _optimizer_states(self, parameter: Parameter) -> dict[str, Array]:
        kept = self._state.optimizer if self._state else {}
        of = {n.rpartition("/")[2]: v for n, v in kept.items() if n.rpartition("/")[0] == parameter.name}
        return {n: v for n, v in of.items() if v.shape == parameter.shape}

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
        predictor = Predictor(self._definitions, self._arena, f"f{X.dtype.itemsize}")
        predictor.run(X)
        return self.predict(X), predictor.numbers(), self.parameters

    def _row(self, x: Any, name: str) -> Array:
        """One row of finite numbers."""
        row = as_numbers(x, f"attribute: {name}")
        if row.shape not in ((self.n_in,), (1, self.n_in)):
            raise ShapeError(
                f"attribute: {name} must be one row of {self.n_in} numbers, but has shape {row.shape}."
            )
        check_finite(row, f"attribute: {name}")
        return row.reshape(self.n_in).astype(np.float32)

    def _output(self, wanted: Any, outputs: Array) -> int:
        """The number of an output that was named, or of the greatest one where they are probabilities."""
        if wanted is None and (self.n_out == 1 or self.output_activation.range == (0, 1)):
            return int(outputs.argmax())
        if wanted is None:
            raise ArgumentError(f"the network has {self.n_out} outputs: say which one, such as output=0.")
        if isinstance(wanted, str):
            if wanted not in (self.classes or []):
                raise UnknownNameError("class", wanted, map(str, self.classes or []))
            return list(self.classes or []).index(wanted)
        return checks.whole("output", wanted, 0, self.n_out - 1)

    def _loss_for(self, loss: Any) -> Loss:
        if loss is not None:
            return LOSSES.find(loss)
        return self._loss or Loss.default_for(self.output_activation)

    @property
    def output_activation(self) -> Any:
        """The activation of the output layer."""
        from pellucid.activations import ACTIVATIONS

        last = self._definitions[-1]
        while isinstance(last, Frozen):
            last = last.branches[0][-1]
        return getattr(last, "activation", None) or ACTIVATIONS.find("linear")

    def _targets(self, y: Any, loss: Loss) -> Targets:
        return targets(y, self.n_out, self.output_activation.name, loss, self.classes)

    def _same_length(self, X: Array, other: Array, name: str) -> None:
        if len(X) != len(other):
            raise ShapeError(f"X has {len(X)} rows, but {name} has {len(other)}.")

    def _explain_nan(self, X: Array, who: str) -> None:
        check_finite(X, f"{who}: X")
        if not all(np.isfinite(v).all() for v in self.parameters.values()):
            raise DataError(f"{who}: the network's weights are not finite; it cannot answer. Train it again.")
        raise DataError(f"{who}: X holds numbers so large that the network's sums overflow.")
