"""Short fits on a part of the rows, to see on the others whether a change helps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.errors import CallError
from pellucid.health.finding import Trial
from pellucid.kernels.random import permutation
from pellucid.layers.base import layer_from_spec
from pellucid.optimizers import OPTIMIZERS
from pellucid.training.splits import split

if TYPE_CHECKING:
    from pellucid.network import Network

MOST_ROWS = 2000
LEAST_EPOCHS, MOST_EPOCHS = 5, 60
MOST_WORK = 3e9  # multiplications and additions of a fit
SURE = 2.0  # standard errors of a difference beyond which it is more than chance
FRACTION = 0.3  # of the rows validates

Specs = list[dict[str, Any]]


class Trials:
    """Fits fresh networks like a given one on some of its rows, each for a moment.

    Parameters
    ----------
    net : Network
        Whose layers, loss and settings of training are the starting point.
    X : array (n_samples, n_in)
        Inputs.
    y : array
        Targets as the network sees them.
    classes : int array (n_samples,) or None
        The class of each row.
    seconds : float
        How long all trials together may take.
    """

    def __init__(self, net: Network, X: Array, y: Array, classes: Array | None, seconds: float) -> None:
        self.net, self.X, self.y = net, X, y
        self.seconds, self._deadline = seconds, time.perf_counter() + seconds
        rows = permutation(net.seed, 0, len(X))[:MOST_ROWS]
        kinds = None if classes is None else classes[rows]
        training, held = split(len(rows), kinds, fraction=FRACTION, seed=net.seed)
        self.training, self.held = np.sort(rows[training]), np.sort(rows[held])
        synapses = sum(p.synapses for p in net._parameters)
        affordable = int(MOST_WORK / (6.0 * max(synapses, 1) * max(len(training), 1)))
        self.epochs = min(MOST_EPOCHS, len(net.history) or MOST_EPOCHS, affordable)
        self._baseline: Array | None = None

    @property
    def is_cheap(self) -> bool:
        """Whether there are rows to validate on, and a fit on the others takes but a moment."""
        enough = min(LEAST_EPOCHS, len(self.net.history) or LEAST_EPOCHS)
        return len(self.held) > 0 and self.epochs >= enough

    def of(
        self,
        change: str,
        *,
        layers: Callable[[Specs], Specs] | None = None,
        inputs: Callable[[Array], Array] | None = None,
        left_out: Array | None = None,
        times: int = 1,
        **options: Any,
    ) -> Trial | None:
        """Whether a change helps; None where there is no time left, or a fit fails.

        Parameters
        ----------
        change : str
            What it is, in words.
        layers : callable, optional
            The changed layers, from descriptions of the present ones.
        inputs : callable, optional
            Changed inputs.
        left_out : int array, optional
            Rows that are not learned from; both fits are judged without them.
        times : int
            Factor on the epochs.
        **options
            Changed options of `Network.fit`.
        """
        if self._baseline is None:
            self._baseline = self._losses(self.training)
        training, judged = self.training, np.ones(len(self.held), np.bool_)
        if left_out is not None:
            training, judged = np.setdiff1d(training, left_out), ~np.isin(self.held, left_out)
        options["epochs"] = times * self.epochs
        after = self._losses(training, layers=layers, inputs=inputs, **options)
        if self._baseline is None or after is None or not judged.any():
            return None
        before, after = self._baseline[judged], after[judged]
        better = before - after
        error = better.std(ddof=1) / np.sqrt(len(better)) if len(better) > 1 else np.inf
        return Trial(
            change, float(before.mean()), float(after.mean()), bool(better.mean() > SURE * error), len(better)
        )

    def cross_fitted(self) -> tuple[Array, Array] | None:
        """Rows, and the outputs for them of networks that have not learned from them."""
        halves = np.sort(self.training[1::2]), np.sort(np.append(self.training[::2], self.held))
        found = []
        for mine, others in (halves, halves[::-1]):
            net = self._fitted(others, mine)
            if net is None or net.history.stopped_by == "diverged":
                return None
            found.append(net.predict(self.X[mine]))
        return np.concatenate(halves), np.concatenate(found)

    def _losses(self, training: Array, **changes: Any) -> Array | None:
        """Loss of each held row for a network fitted with some changes."""
        net = self._fitted(training, self.held, **changes)
        if net is None:
            return None
        X = changes.get("inputs") or (lambda values: values)
        return net.trace(X(self.X)[self.held], self.y[self.held]).loss

    def _fitted(
        self,
        training: Array,
        held: Array,
        *,
        layers: Callable[[Specs], Specs] | None = None,
        inputs: Callable[[Array], Array] | None = None,
        **options: Any,
    ) -> Network | None:
        left = self._deadline - time.perf_counter()
        if left <= 0 or not self.is_cheap or not len(training):
            return None
        specs = [layer.spec for layer in self.net._definitions]
        X = self.X if inputs is None else inputs(self.X)
        settings = {**settings_of(self.net), "epochs": self.epochs, **options, "time_limit": left}
        settings["validation_data"] = (X[held], self.y[held])
        try:
            made = [layer_from_spec(s) for s in (layers(specs) if layers else specs)]
            net = type(self.net)(made, seed=self.net.seed)
            history = net.fit(X[training], self.y[training], **settings)
        except CallError:  # a part of the rows may lack a class, or a change may not go with the rest
            return None
        whole = history.stopped_by != "time"
        return net if whole and np.isfinite(net.predict(X[held])).all() else None


def settings_of(net: Network) -> dict[str, Any]:
    """Options of a fit like the one that trained a network, as far as it tells."""
    about = net._optimizer or {}
    optimizer = about.get("optimizer")
    return {
        "batch_size": about.get("batch_size", 32),
        "optimizer": optimizer if optimizer in OPTIMIZERS else "adam",
        "learning_rate": largest_rate(net) or None,
        "loss": net._loss_for(None),
        "train_loss": False,
    }


def largest_rate(net: Network) -> float:
    """The largest learning rate of a network's training; 0 where there was none."""
    rates = net.history.columns.get("learning_rate", ())
    noted = ((net._optimizer or {}).get("step") or {}).get("learning_rate", 0.0)  # no epoch may be over
    return max((r for r in rates if np.isfinite(r)), default=noted)


def changed(specs: Sequence[Any], names: Sequence[str], **settings: Any) -> Specs:
    """Descriptions of layers, with other settings of the layers of these names.

    Examples
    --------
    >>> changed([{"kind": "scale", "name": "a", "learning_rate": 1.0}], ["a"], learning_rate=2.0)
    [{'kind': 'scale', 'name': 'a', 'learning_rate': 2.0}]
    """

    def of(spec: Any) -> Any:
        if isinstance(spec, list):
            return [of(s) for s in spec]
        new = {**spec, **settings} if spec.get("name") in names else dict(spec)
        if "layers" in new:
            new["layers"] = of(new["layers"])
        return new

    return [of(s) for s in specs]
