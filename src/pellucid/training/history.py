"""What a training run leaves behind: numbers for each epoch, and why it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class History:
    """Numbers of each epoch, by name, and the reason for the stop.

    ====================  ==========================================================================
    `running_loss`        mean loss over the epoch's batches, each before its own update
    `loss`                loss over all training rows with the epoch's final weights
    `validation_loss`     the same over the validation rows
    a metric's name       the metric over the training rows; `validation_...` over the validation rows
    `penalty`             what regularizers add, if there are any
    `learning_rate`       of the epoch's last step
    `gradient_norm`       root mean square over the epoch's steps of the norm of the whole gradient
    `seconds`             time of the epoch
    ====================  ==========================================================================

    Examples
    --------
    >>> history = History()
    >>> history.add({"loss": 0.5, "seconds": 0.1})
    >>> history["loss"], len(history)
    ([0.5], 1)
    """

    columns: dict[str, list[float]] = field(default_factory=dict)
    reason: str = ""
    stopped_by: str = ""
    best_epoch: int | None = None
    restored: bool = False
    range_test: dict[str, list[float]] | None = None

    def add(self, record: Mapping[str, float]) -> None:
        """Append an epoch."""
        length = len(self)
        for name, value in record.items():
            column = self.columns.setdefault(name, [])
            column += [float("nan")] * (length - len(column))
            column.append(float(value))

    def __getitem__(self, name: str) -> list[float]:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __len__(self) -> int:
        return max(map(len, self.columns.values()), default=0)

    @property
    def epochs(self) -> list[dict[str, float]]:
        """One dict an epoch."""
        return [{n: c[i] for n, c in self.columns.items() if i < len(c)} for i in range(len(self))]

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "columns": {n: list(c) for n, c in self.columns.items()},
            "reason": self.reason,
            "stopped_by": self.stopped_by,
            "best_epoch": self.best_epoch,
            "restored": self.restored,
            "range_test": self.range_test,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> History:
        """From plain values."""
        return cls(**dict(values))

    def __repr__(self) -> str:
        last = ", ".join(f"{n} {c[-1]:.4g}" for n, c in self.columns.items() if c and n != "seconds")
        told = "; ".join(part for part in (last, self.reason) if part)
        return f"<history of {len(self)} epochs{': ' if told else ''}{told}>"
