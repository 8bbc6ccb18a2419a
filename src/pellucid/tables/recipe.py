"""The network that a table gets unless its user says otherwise.

References
----------
Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on
tabular data, 2024, appendix A: robust scaling with smooth clipping, the learnable scale of each
feature with six times the learning rate, dropout and β₂ = 0.95 are theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pellucid import checks
from pellucid.activations import ACTIVATIONS
from pellucid.layers.base import Layer
from pellucid.layers.dense import Dense
from pellucid.layers.dropout import Dropout
from pellucid.layers.embedding import Embedding
from pellucid.layers.input import Input
from pellucid.layers.scale import Scale
from pellucid.network import Network

LEAST_GAIN = 1e-6  # of the validation loss: where classes part without an error, it falls for ever
VECTOR = 8  # numbers for each of many categories; 4 are worse, 16 hardly better: docs/performance.md
STEPS_AN_EPOCH = 10  # small tables get smaller batches, so that an epoch has at least so many steps


@dataclass(frozen=True)
class Recipe:
    """Settings of a table's network and its training.

    Parameters
    ----------
    hidden : sequence of int or Layer
        Neurons of each hidden layer, or layers such as `Residual`, which are taken as they are; none for a
        straight line.
    activation : str
        Of the hidden layers.
    dropout : float or None
        Share of each hidden layer's activations that is dropped; None is 0.15 for classes, 0.05 for numbers.
    epochs, batch_size, learning_rate, schedule, optimizer, patience
        As in `Network.fit`; a batch size of None follows from the number of rows.
    """

    hidden: Sequence[int | Layer] = (128, 128)
    activation: Any = "silu"
    dropout: float | None = None
    epochs: int = 256
    batch_size: int | None = None
    learning_rate: Any = 0.002
    schedule: Any = "cosine"
    optimizer: Any = "adam(beta_2=0.95)"
    patience: int | None = 40

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Recipe:
        """The recipe with some fields changed, each checked."""
        recipe = cls(**options)
        hidden = list(recipe.hidden) if isinstance(recipe.hidden, Iterable) else [recipe.hidden]
        object.__setattr__(
            recipe, "hidden", [h if isinstance(h, Layer) else checks.whole("hidden", h) for h in hidden]
        )
        if recipe.batch_size is not None:
            checks.whole("batch_size", recipe.batch_size)
        ACTIVATIONS.find(recipe.activation)
        if recipe.dropout is not None:
            checks.number("dropout", recipe.dropout, 0, 1, open_ends="most")
        return recipe

    def layers(
        self, features: Sequence[str], embedded: Sequence[tuple[int, int, str]], n_out: int, output: str
    ) -> list[Layer]:
        """The layers for some features.

        Parameters
        ----------
        features : sequence of str
            Their names.
        embedded : sequence of (int, int, str)
            Those that are codes, as in `TableEncoding.embedded`.
        n_out : int
            Classes, or targets.
        output : str
            Activation of the last layer.
        """
        rate = self.dropout if self.dropout is not None else 0.15 if output == "softmax" else 0.05
        layers: list[Layer] = [Input(features)]
        if embedded:
            columns = [
                {"index": at, "codes": codes, "width": VECTOR, "name": name} for at, codes, name in embedded
            ]
            layers.append(Embedding(columns))
        if self.hidden:
            layers.append(Scale(learning_rate=6.0))
        for n in self.hidden:
            own = (
                [Dense(n, self.activation), *([Dropout(rate)] if rate else [])] if isinstance(n, int) else [n]
            )
            layers += own
        return [*layers, Dense(n_out, output)]

    def training(self, n_rows: int) -> dict[str, Any]:
        """Options of `Network.fit` for a table with so many training rows."""
        names = ("epochs", "learning_rate", "schedule", "optimizer", "patience")
        return {n: getattr(self, n) for n in names} | {
            "batch_size": batch_size_for(n_rows) if self.batch_size is None else self.batch_size,
            "min_delta": LEAST_GAIN,
        }


def batch_size_for(n_rows: int) -> int:
    """From 16 rows to 256, so that an epoch has enough steps.

    Examples
    --------
    >>> batch_size_for(100), batch_size_for(1000), batch_size_for(100_000)
    (16, 64, 256)
    """
    size = 16
    while size < 256 and size * 2 * STEPS_AN_EPOCH <= n_rows:
        size *= 2
    return size


def make_unknown_neutral(network: Network) -> None:
    """Give the code 0 of each embedded column zeros for its vector.

    If no training row has the code, they stay: what was never seen then moves no answer either way. First
    vectors are random, and one of them left untrained would be a category of its own.
    """
    for layer in network.layers:
        if isinstance(layer.definition, Embedding):
            for table in layer.definition.tables:
                network.parameters[table.name][0] = 0
