"""What the curves of one training tell: how far its loss still fell, and where it was at its best."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid.training.history import History

OF_TRAINING = "loss", "running_loss"
LAST_PART = 0.2  # of the epochs
LEAST_EPOCHS = 5


@dataclass(frozen=True)
class Fall:
    """How far a loss fell in the last epochs."""

    name: str
    start: float
    end: float
    epochs: int
    of: int

    @property
    def by(self) -> float:
        """The difference."""
        return self.start - self.end


@dataclass(frozen=True)
class Best:
    """Losses of the epoch whose weights were kept, on rows learned from and others; the lowest on these."""

    seen: float
    held: float | None
    lowest: float | None


def still_falling(history: History) -> Fall | None:
    """How far a loss fell in the last epochs of a training that their number or the time stopped."""
    name = next((n for n in ("validation_loss", *OF_TRAINING) if curve_of(history, n)), "")
    curve = curve_of(history, name)
    back = max(1, round(LAST_PART * len(curve)))
    if history.stopped_by not in ("epochs", "time") or len(curve) < max(LEAST_EPOCHS, back + 1):
        return None
    said = "validation loss" if name == "validation_loss" else "loss"
    return Fall(said, curve[-1 - back], curve[-1], back, len(curve))


def at_best(history: History) -> Best | None:
    """The losses of the epoch whose weights were kept."""
    train, held = curve_of(history, *OF_TRAINING), curve_of(history, "validation_loss")
    if not train:
        return None
    now = history.best_epoch - 1 if history.restored and history.best_epoch else len(train) - 1
    return Best(train[now], held[now] if held else None, min(held) if held else None)


def curve_of(history: History, *names: str) -> list[float]:
    """The first of these columns that has a number for each epoch; empty if none has."""
    columns, n = history.columns, len(history)
    return next((columns[name] for name in names if n and len(columns.get(name, ())) == n), [])
