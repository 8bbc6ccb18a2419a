"""How weights and activations were distributed over the epochs, for pictures of a training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.engine.buffer import Array

if TYPE_CHECKING:
    from pellucid.network import Network

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
ROWS = 256  # rows whose activations are looked at


@dataclass(frozen=True)
class Distributions(Mapping[str, Array]):
    """Quantiles of each parameter and of each layer's activations, by `hidden_1/weights`, `hidden_1/a`.

    Parameters
    ----------
    epochs : int array (n_epochs,)
        The epochs after which they were taken, 0 before the first.
    quantiles : dict of str to float64 array (n_epochs, 7)
        Minimum, 5, 25, 50, 75 and 95 %, and maximum, interpolated linearly. Activations are those of up to
        256 training rows, evenly spread, as in a prediction.
    """

    epochs: Array
    quantiles: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.quantiles[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.quantiles)

    def __len__(self) -> int:
        return len(self.quantiles)

    @classmethod
    def of(cls, epochs: Sequence[int], quantiles: Sequence[Mapping[str, Sequence[float]]]) -> Distributions:
        """From the quantiles after each epoch, by name."""
        names = quantiles[0] if quantiles else ()
        return cls(np.array(epochs, np.int64), {n: np.array([q[n] for q in quantiles]) for n in names})

    def to_dict(self) -> dict[str, Any]:
        """As plain values; names and quantiles in pairs, since a file does not keep the order of a dict."""
        return {"epochs": self.epochs.tolist(), "quantiles": [[n, q.tolist()] for n, q in self.items()]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Distributions:
        """From plain values; a ValueError where they are not what `to_dict` gives."""
        try:
            epochs = np.array(values["epochs"])
            quantiles = {str(n): np.array(q, np.float64) for n, q in values["quantiles"]}
        except OverflowError as error:
            raise ValueError(str(error)) from None
        wanted = (len(epochs), len(QUANTILES))
        if epochs.dtype.kind != "i" or epochs.ndim != 1 or any(q.shape != wanted for q in quantiles.values()):
            raise ValueError(f"distributions must have one row of {len(QUANTILES)} numbers for each epoch")
        return cls(epochs, quantiles)


def places(indices: Array) -> Array:
    """Up to 256 of some row indices, evenly spread."""
    return indices[np.unique(np.linspace(0, len(indices) - 1, ROWS).astype(np.int64))]


def quantiles_of(network: Network, X: Array) -> dict[str, list[float]]:
    """The quantiles of a network's parameters, and of its layers' activations for some rows."""
    numbers = dict(network.parameters)
    numbers |= {f"{layer.name}/a": layer.a for layer in network.trace(X).layers if layer.a is not None}
    with np.errstate(invalid="ignore"):  # after a training that diverged
        return {name: np.quantile(a.astype(np.float64), QUANTILES).tolist() for name, a in numbers.items()}
