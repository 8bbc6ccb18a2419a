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
from pellucid.layers.periodic_embedding import PeriodicEmbedding
from pellucid.layers.scale import Scale
from pellucid.network import Network
from pellucid.tables.encoding import TableEncoding

LEAST_GAIN = 1e-6  # of the validation loss: where classes part without an error, it falls for ever
VECTOR = 8  # numbers for each of many categories; 4 are worse, 16 hardly better: docs/performance.md
MOST_ROWS = 30_000_000  # that a training looks at, all epochs together
LINE_EPOCHS = 2000  # of a straight line, at most: meats errs 3.9 then, 5.0 after 256
LINE_ROWS = 5_000_000  # that its training looks at
MOST_WAVED = 100  # numbers: of more columns each gets no cosines
STEPS_AN_EPOCH = 10  # small tables get smaller batches, so that an epoch has at least so many steps


@dataclass(frozen=True)
class Recipe:
    """Settings of a table's network and its training.

    Parameters
    ----------
    hidden : sequence of int or Layer
        Neurons of each hidden layer, or layers such as `Residual`, which are taken as they are; none for a
        straight line.
    waves : int
        Learned cosines of each number, see `PeriodicEmbedding`; 0 for none.
    sigma : float
        Their first frequencies, as a standard deviation.
    scale_rate : float
        Factor on the learning rate of the learned scale of each input.
    activation : str
        Of the hidden layers.
    dropout : float or None
        Share of each hidden layer's activations that is dropped; None is 0.15 for classes, 0.05 for numbers.
    smoothing : float
        The share of each label that is spread evenly over all classes where there are more than two, see
        `categorical_crossentropy`. A straight line learns the labels as they are.
    epochs, batch_size, learning_rate, schedule, optimizer, patience
        As in `Network.fit`; where epochs or the batch size are None, they follow from the number of rows.
    most_rows : int
        About how many rows a training looks at, all epochs together, where epochs are None. A straight line
        has its own limits.
    """

    hidden: Sequence[int | Layer] = (128, 128)
    waves: int = 0
    sigma: float = 0.4
    scale_rate: float = 6.0
    activation: Any = "silu"
    dropout: float | None = None
    smoothing: float = 0.0
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: Any = 0.002
    schedule: Any = "cosine"
    optimizer: Any = "adam(beta_2=0.95)"
    patience: int | None = 40
    most_rows: int = MOST_ROWS

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Recipe:
        """The recipe with some fields changed, each checked."""
        recipe = cls(**options)
        hidden = list(recipe.hidden) if isinstance(recipe.hidden, Iterable) else [recipe.hidden]
        object.__setattr__(
            recipe, "hidden", [h if isinstance(h, Layer) else checks.whole("hidden", h) for h in hidden]
        )
        if recipe.epochs is not None:
            checks.whole("epochs", recipe.epochs)
        checks.whole("waves", recipe.waves, 0)
        checks.number("sigma", recipe.sigma, 0)
        checks.number("scale_rate", recipe.scale_rate, 0)
        checks.whole("most_rows", recipe.most_rows)
        checks.number("smoothing", recipe.smoothing, 0, 1, open_ends="most")
        if recipe.batch_size is not None:
            checks.whole("batch_size", recipe.batch_size)
        ACTIVATIONS.find(recipe.activation)
        if recipe.dropout is not None:
            checks.number("dropout", recipe.dropout, 0, 1, open_ends="most")
        return recipe

    @property
    def name(self) -> str:
        """What such networks are, for sentences."""
        if not self.hidden:
            return "a straight line"
        widths = "-".join(h.kind if isinstance(h, Layer) else str(h) for h in self.hidden)
        waves = f" with cosines (σ = {self.sigma:g})" if self.waves else ""
        return f"networks of {widths} {ACTIVATIONS.find(self.activation).name} neurons{waves}"

    def layers(self, encoding: TableEncoding, n_out: int, output: str) -> list[Layer]:
        """The layers for the features of a table.

        Parameters
        ----------
        encoding : TableEncoding
            How columns become features.
        n_out : int
            Classes, or targets.
        output : str
            Activation of the last layer.
        """
        rate = self.dropout if self.dropout is not None else 0.15 if output == "softmax" else 0.05
        layers: list[Layer] = [Input(encoding.feature_names)]
        embedded = encoding.embedded
        if embedded:
            columns = [
                {"index": at, "codes": codes, "width": VECTOR, "name": name} for at, codes, name in embedded
            ]
            layers.append(Embedding(columns))
        if self.hidden and self.waves and 0 < len(encoding.numbers) <= MOST_WAVED:
            places = [i - sum(at < i for at, _, _ in embedded) for i in encoding.numbers]
            layers.append(PeriodicEmbedding(places, waves=self.waves, sigma=self.sigma))
        if self.hidden:
            layers.append(Scale(learning_rate=self.scale_rate))
        for n in self.hidden:
            own = (
                [Dense(n, self.activation), *([Dropout(rate)] if rate else [])] if isinstance(n, int) else [n]
            )
            layers += own
        return [*layers, Dense(n_out, output)]

    def epochs_for(self, n_rows: int) -> int:
        """Most epochs for so many training rows: 256 up to a hundred thousand, then fewer.

        Examples
        --------
        >>> [Recipe().epochs_for(n) for n in (1000, 100_000, 1_000_000, 10_000_000)]
        [256, 256, 30, 8]
        >>> [Recipe(hidden=()).epochs_for(n) for n in (1000, 10_000)]
        [2000, 500]
        """
        if self.epochs is not None:
            return self.epochs
        most, rows = (256, self.most_rows) if self.hidden else (LINE_EPOCHS, LINE_ROWS)
        return max(8, min(most, rows // max(1, n_rows)))

    def training(self, n_rows: int) -> dict[str, Any]:
        """Options of `Network.fit` for a table with so many training rows."""
        names = ("learning_rate", "schedule", "optimizer", "patience")
        return {n: getattr(self, n) for n in names} | {
            "epochs": self.epochs_for(n_rows),
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
