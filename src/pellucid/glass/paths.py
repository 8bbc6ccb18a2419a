"""The lines between rows of a network's inputs, along which contributions are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pellucid.engine.buffer import Arena, Array
from pellucid.errors import ArgumentError
from pellucid.glass.path import Measure, PathSum, integrate
from pellucid.glass.slopes import Slopes
from pellucid.glass.wiring import all_layers
from pellucid.layers.base import Layer
from pellucid.layers.embedding import Embedding
from pellucid.prediction import Predictor


class Paths:
    """Finds what each input of a network contributes between two rows; for as long as its weights stay.

    Codes of categories are followed at their vectors, behind the Embedding, and each gets the sum over its
    vector.

    Parameters
    ----------
    layers, parameters
        The network: its layers, the first its Input, and the arena of their parameters.

    Raises
    ------
    ArgumentError
        If codes are looked up anywhere but right behind the Input.
    """

    def __init__(self, layers: Sequence[Layer], parameters: Arena) -> None:
        self._n_in, self._parameters = layers[0].n_out, parameters
        self._network = Predictor(layers, parameters, "f4")
        self._vectors: Predictor | None = None
        self._origins: list[int] = []
        self._layers = layers[1:]
        if isinstance(layers[1], Embedding):
            self._vectors, self._origins = Predictor(layers[:2], parameters, "f4"), layers[1].origins
            self._layers = layers[2:]
        if not self._layers or any(isinstance(layer, Embedding) for layer in all_layers(self._layers)):
            raise ArgumentError(
                "contributions are found between the Embedding and the output. Put one Embedding right "
                "behind the Input, and the other layers behind it."
            )
        self._slopes: dict[int, Slopes] = {}

    def between(self, start: Array, row: Array, output: int, measure: Measure | None = None) -> PathSum:
        """What each input contributes on the way from one row to another.

        Parameters
        ----------
        start, row : float32 array (n_in,)
            The two rows.
        output : int
            Which output is followed.
        measure : callable, optional
            From outputs to answers, see `integrate`; the output itself by default.
        """

        def itself(outputs: Array) -> tuple[Array, Array]:
            return outputs[:, output].astype(np.float64), np.ones(len(outputs))

        ends = np.stack([start, row])
        if self._vectors:
            ends = self._vectors.run(ends)
        if output not in self._slopes:
            self._slopes[output] = Slopes(self._layers, self._parameters, output)
        measure = measure or itself
        found = integrate(self._slopes[output], ends[0], ends[1], measure)
        moved = found.contributions
        if self._vectors:
            moved = np.bincount(self._origins, moved, self._n_in)
        # Uncompiled, sums may round otherwise among other rows, so that only a prediction gives its own bits.
        answers = [float(measure(self._network.run(x[None]))[0][0]) for x in (start, row)]
        return replace(found, start=answers[0], answer=answers[1], contributions=moved)
