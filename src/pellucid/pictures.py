"""The pictures of a network: its `plot` methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pellucid import checks
from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError, ShapeError, UnknownNameError
from pellucid.glass.stages import find_marked, note_of, stages_of, title_of
from pellucid.training.data import Targets, class_of_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pellucid.glass.neurons import LayerView, Named
    from pellucid.glass.trace import Trace
    from pellucid.losses import Loss
    from pellucid.plots.page import Path
    from pellucid.plots.stages import Stage

MOST = 24  # neurons of a layer in a picture


class Pictured(Protocol):
    """What a network must have so that it can be drawn."""

    classes: list[Any] | None

    @property
    def layers(self) -> Named[LayerView]:
        """The layers."""

    @property
    def features(self) -> list[str]:
        """Names of the inputs."""

    @property
    def n_out(self) -> int:
        """Number of outputs."""

    @property
    def parameters(self) -> dict[str, Array]:
        """All parameters by name."""

    def predict(self, X: Any) -> Array:
        """The outputs for some rows."""

    def _loss_for(self, loss: Any) -> Loss: ...

    def _targets(self, y: Any, loss: Loss) -> Targets: ...


class Pictures:
    """The pictures of a network; they need matplotlib: `pip install 'pellucid[plot]'`.

    Each is a `matplotlib.figure.Figure`, which a notebook shows, and goes into a file where there is a
    `path` ending in .png, .svg or .pdf.
    """

    def plot(
        self: Pictured,
        path: Path | None = None,
        *,
        trace: Trace | None = None,
        row: int = 0,
        neuron: str | None = None,
        most: int = MOST,
        outputs: Sequence[str] | None = None,
    ) -> Figure:
        """The network as neurons and synapses: blue for a positive weight, orange for a negative one.

        Parameters
        ----------
        path : path, optional
            Where to save it: .png, .svg or .pdf.
        trace : Trace, optional
            From `trace` of this network; its neurons are filled by their activations.
        row : int
            The row of the trace.
        neuron : str, optional
            A neuron such as `hidden_1/3`, whose synapses alone keep their colours.
        most : int
            How many neurons of a layer are shown; of a larger one these are the strongest.
        outputs : sequence of str, optional
            What the outputs stand for; the names of the classes unless given.
        """
        stages = stages_of(self.layers, self.features, outputs or _output_names(self), trace, row)
        return draw_stages(stages, f"row {row}" if trace else "", neuron, most, path)

    def plot_distributions(self: Pictured, path: Path | None = None, *, trace: Trace | None = None) -> Figure:
        """How the weights of each layer are spread now, and with a trace its activations.

        `history.plot_distributions` shows how they were spread over the epochs.

        Parameters
        ----------
        path : path, optional
            Where to save it: .png, .svg or .pdf.
        trace : Trace, optional
            From `trace` of this network, with as many rows as give a good picture.
        """
        from pellucid.plots.distributions import distribution_bars

        values: dict[str, Array] = dict(self.parameters)
        for layer in trace.layers if trace else ():
            if layer.a is not None:
                values[f"{layer.name}/a"] = layer.a
        return distribution_bars(values, path=path)

    def plot_predictions(self: Pictured, X: Any, y: Any, path: Path | None = None) -> Figure:
        """Predictions against the truth: of classes the confusion matrix, of numbers one against the other.

        Parameters
        ----------
        X : array (n_samples, n_in)
            Inputs.
        y : array
            Targets, in any form that `fit` takes.
        path : path, optional
            Where to save it: .png, .svg or .pdf.
        """
        known, outputs = _both(self, X, y)
        if known.task == "regression":
            from pellucid.plots.regression import predicted_against_true

            names = _output_names(self) or [f"y{i}" for i in range(1, self.n_out + 1)]
            return predicted_against_true(known.matrix(), outputs, names, path=path)
        from pellucid.plots.confusion import confusion_matrix

        _check_one_class(known)
        predicted = outputs.argmax(axis=1) if self.n_out > 1 else _is_second(known, outputs)
        return confusion_matrix(class_of_rows(known), predicted, _classes(self, known), path=path)

    def plot_calibration(self: Pictured, X: Any, y: Any, path: Path | None = None) -> Figure:
        """How often comes true what is said with a probability.

        Of two classes it is the probability of the second, of more that of the predicted one.

        Parameters
        ----------
        X : array (n_samples, n_in)
            Inputs.
        y : array
            Classes, in any form that `fit` takes.
        path : path, optional
            Where to save it: .png, .svg or .pdf.
        """
        from pellucid.plots.calibration import calibration_curve

        known, outputs = _both(self, X, y)
        if known.task == "regression":
            raise ArgumentError(
                "only classes have probabilities to calibrate. Use plot_predictions for numbers."
            )
        _check_one_class(known)
        classes = _classes(self, known)
        of = f"class {classes[1]}" if len(classes) == 2 else ""
        return calibration_curve(*said_and_true(outputs, class_of_rows(known), classes), of=of, path=path)

    def plot_surface(
        self: Pictured, X: Any, x: str | int, y: str | int, true: Any = None, *, path: Path | None = None
    ) -> Figure:
        """What is predicted over two features, the others at their medians.

        Parameters
        ----------
        X : array (n_samples, n_in)
            Rows of data, which decide about the ends of the axes and the medians.
        x, y : str or int
            Two features, by name or by number from 0: to the right and upwards.
        true : array, optional
            Targets of the rows, in any form that `fit` takes; then the rows are drawn as points.
        path : path, optional
            Where to save it: .png, .svg or .pdf.
        """
        from pellucid.plots.surface import Axis, Points, decision_surface

        i, j = (_feature(f, self.features) for f in (x, y))
        if i == j:
            raise ArgumentError(
                f"a surface needs two different features, but got {self.features[i]!r} twice."
            )
        rows = np.asarray(X, np.float64)
        outputs_of_rows = self.predict(X)  # checks X
        right, up = (Axis.of_numbers(self.features[k], rows[:, k]) for k in (i, j))
        grid = np.tile(np.median(rows, axis=0), (len(right.grid) * len(up.grid), 1))
        grid[:, j], grid[:, i] = (g.ravel() for g in np.meshgrid(up.grid, right.grid, indexing="ij"))
        known = self._targets(true, self._loss_for(None)) if true is not None else None
        n = len(outputs_of_rows)
        if known is not None and len(known.values) != n:
            raise ShapeError(f"X has {n} rows, but there are {len(known.values)} targets.")
        surface = self.predict(np.ascontiguousarray(grid)).reshape(len(up.grid), len(right.grid), -1)
        is_of_classes = known.task != "regression" if known else bool(self.classes)
        classes: list[Any] = []
        if is_of_classes:
            if known:
                _check_one_class(known)
            classes = _classes(self, known)
            if self.n_out == 1:
                surface = np.concatenate([1 - surface, surface], axis=2)
        truth = None if known is None else class_of_rows(known) if classes else known.values[:, 0]
        points = None if truth is None else Points(rows[:, i], rows[:, j], np.asarray(truth))
        note = "The other features are at their medians." if len(self.features) > 2 else ""
        predicted = surface if classes else surface[:, :, 0]
        name = "the class" if classes else (_output_names(self) or ["the output"])[0]
        return decision_surface(
            right, up, predicted, target=name, classes=classes, points=points, note=note, path=path
        )


def draw_stages(stages: list[Stage], row: str, neuron: str | None, most: int, path: Path | None) -> Figure:
    """The picture of some stages; `row` says in words whose activations they have."""
    from pellucid.plots.diagram import network_diagram

    marked = find_marked(stages, neuron)
    note = note_of(stages, checks.whole("most", most), row)
    return network_diagram(
        stages, title=title_of(stages, marked), note=note, most=most, marked=marked, path=path
    )


def said_and_true(
    outputs: Array, true: Array, classes: Sequence[Any], answered: Array | None = None
) -> tuple[Array, Array]:
    """The probability of each row that is judged, and whether it came true.

    Parameters
    ----------
    outputs : float array (n_samples, n_out)
        Probabilities of the classes, or of the second of two.
    true : int array (n_samples,)
        The class of each row.
    classes : sequence
        All of them.
    answered : int array (n_samples,), optional
        The class that is answered to each row; the most probable one unless given.
    """
    if len(classes) == 2:
        return np.asarray(outputs[:, -1], np.float64), np.asarray(true == 1)
    answered = outputs.argmax(axis=1) if answered is None else answered
    said = np.take_along_axis(outputs, answered[:, None], axis=1)[:, 0]
    return np.asarray(said, np.float64), np.asarray(true == answered)


def _both(net: Pictured, X: Any, y: Any) -> tuple[Targets, Array]:
    """Targets and outputs, for as many rows."""
    outputs, known = net.predict(X), net._targets(y, net._loss_for(None))
    if len(outputs) != len(known.values):
        raise ShapeError(f"X has {len(outputs)} rows, but y has {len(known.values)}.")
    return known, outputs


def _output_names(net: Pictured) -> list[str]:
    """The names of the classes where each has an output of its own."""
    classes = net.classes or []
    return [str(c) for c in classes] if len(classes) == net.n_out else []


def _classes(net: Pictured, known: Targets | None) -> list[Any]:
    names = net.classes or (known.classes if known else None)
    return list(names) if names else list(range(max(net.n_out, 2)))


def _is_second(known: Targets, outputs: Array) -> Array:
    """Whether the one output says the second of two classes; its targets are 0 and 1 or −1 and 1."""
    middle = 0.0 if known.values.min() < 0 else 0.5
    return np.asarray(outputs[:, 0] > middle, np.int64)


def _check_one_class(known: Targets) -> None:
    if known.task == "multilabel":
        raise ArgumentError("a row may have several labels here, and there is no picture of that.")


def _feature(given: str | int, features: Sequence[str]) -> int:
    if isinstance(given, str):
        if given not in features:
            raise UnknownNameError("feature", given, features)
        return features.index(given)
    if not 0 <= given < len(features):
        raise ArgumentError(f"the features are numbered 0 to {len(features) - 1}, but got {given}.")
    return int(given)
