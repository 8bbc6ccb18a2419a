"""Network: what one does with a network, by thin calls into the floors below."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import model_file
from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError, ModelFileError
from pellucid.insight import Insight
from pellucid.layers.base import layer_from_spec
from pellucid.losses import LOSSES
from pellucid.metrics import METRICS, TASKS
from pellucid.pictures import Pictures
from pellucid.saved import Saved
from pellucid.training.history import History
from pellucid.training.note import checked_note
from pellucid.training.request import Request
from pellucid.training.state import State

if TYPE_CHECKING:
    from pellucid.health.finding import Health

# What a model file holds of a network, and how its weights are called among the tensors.
KEYS = ("kind", "seed", "layers", "classes", "task", "loss", "metrics", "history", "optimizer", "state")
OWN = "parameters/"


class Network(Insight, Pictures):
    """A neural network: layers of neurons, trained on arrays and open to every question.

    Parameters
    ----------
    layers : sequence of Layer
        The first is an `Input`.
    seed : int
        Decides the first weights, the shuffling and everything else that is drawn.
    parameters : mapping of str to array, optional
        All of the first weights by their names, such as `hidden_1/weights`; drawn unless given.

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
            with self._of_gradients:
                return request.run(self, X, y)
        finally:
            self._training.release()

    def health(
        self,
        X: Any,
        y: Any,
        *,
        try_fixes: bool = True,
        seconds: float = 5.0,
        rows: Sequence[int] | None = None,
        columns: Mapping[str, Sequence[int]] | None = None,
        histories: Sequence[History] = (),
    ) -> Health:
        """What may be wrong with the network, its training, or some rows; a healthy one gets no finding.

        Parameters
        ----------
        X : array (n_samples, n_in)
            Rows to examine it on; best those it was trained on.
        y : array
            Their targets, in any form that `fit` takes.
        try_fixes : bool
            Whether what each finding advises is tried, in short fits of fresh networks on a part of the
            rows that are judged on the others. Also lets networks that have not learned from a row judge
            its target.
        seconds : float
            How long all these fits together may take; what is not over by then is not told.
        rows : sequence of int, optional
            What the rows are called; from 0 unless given.
        columns : mapping of str to sequence of int, optional
            Inputs that belong together, such as those of a category, by their common name.
        histories : sequence of History, optional
            Of the networks that this one is the mean of, where it is `merged`; its own unless given.

        Returns
        -------
        Health
            Its `findings`, each with what was measured, why it matters, what to try and whether that
            helped; prints as text.
        """
        from pellucid.health.examine import examine

        return examine(self, X, y, try_fixes, seconds, rows, columns, histories)

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
        tensors = {f"{OWN}{p.name}": self._view(p) for p in self._parameters}
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
        saved = Saved(document, "the network", KEYS)
        parameters = {n.removeprefix(OWN): t for n, t in tensors.items() if n.startswith(OWN)}
        try:
            layers = [layer_from_spec(s) for s in saved.items("layers")]
            net = cls(layers, seed=saved.any("seed"), parameters=parameters)
            loss = saved.any("loss")
            net._loss = None if loss is None else LOSSES.find(loss)
            net._metrics = [METRICS.find(m) for m in saved.items("metrics")]
            net.task = None if saved.any("task") is None else saved.text("task", TASKS)
            net.classes = None if saved.any("classes") is None else saved.labels("classes")
            if net.classes is not None and len(net.classes) != max(2, net.n_out):
                saved.fail("classes", "a class for each output, or two for one")
            net._optimizer = checked_note(saved.any("optimizer"))
            history = History.from_dict(saved.any("history"))
            if saved.any("state") is not None:
                net._state = State.from_dict(saved.any("state"), tensors, net._parameters)
            elif history.columns:
                net._state = State(history=history, epoch=len(history), begun=len(history))
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

    def _like(self, numbers: Mapping[str, Array]) -> Network:
        """A network of the same layers with other numbers and no past."""
        other = type(self)(self._definitions, seed=self.seed, parameters=numbers)
        other.classes, other.task = self.classes, self.task
        other._loss, other._metrics = self._loss, list(self._metrics)
        return other

    def __repr__(self) -> str:
        widths = " - ".join(
            [str(self.n_in), *(str(la.n_out) for la in self._definitions[1:] if la.parameters)]
        )
        return f"<network {widths}>"
