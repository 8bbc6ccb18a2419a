"""Sentences on how the trainings behind a model went: `told`."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.training.history import History


def told(histories: Sequence[History]) -> list[str]:
    """How long the networks of a model were trained and why they stopped, and their losses.

    Parameters
    ----------
    histories : sequence of History
        Of each network.
    """
    first, lengths = histories[0], [len(h) for h in histories]
    epochs = f"{lengths[0]:,} epoch{'s' if lengths[0] != 1 else ''}"
    if len(histories) == 1:
        lines = [f"Training ran {epochs} and stopped: {first.reason}."]
    else:
        lines = [
            f"{len(histories)} networks were trained for {_span(lengths)} epochs. The first ran {epochs} and "
            f"stopped: {first.reason}."
        ]
    best = [e for e in map(best_of, histories) if "validation_loss" in e]
    name, when = ("loss", "") if all("loss" in e for e in best) else ("running_loss", " while learning")
    if best:
        train, held = (sum(e[n] for e in best) / len(best) for n in (name, "validation_loss"))
        which = ", in the mean of the networks" if len(best) > 1 else ""
        lines.append(f"Loss {train:.4g} on training rows{when}, {held:.4g} on validation rows{which}.")
    return lines


def best_of(history: History) -> dict[str, float]:
    """The numbers of the best epoch, if there is one."""
    return history.epochs[history.best_epoch - 1] if history.best_epoch else {}


def _span(numbers: Sequence[int]) -> str:
    return f"{min(numbers):,} to {max(numbers):,}" if min(numbers) < max(numbers) else f"{numbers[0]:,}"
