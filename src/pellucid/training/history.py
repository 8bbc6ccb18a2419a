"""What a training run leaves behind: numbers for each epoch, and why it stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pellucid.errors import NotFittedError, UnknownNameError
from pellucid.saved import Saved
from pellucid.training.distributions import Distributions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pellucid.plots.page import Path
    from pellucid.training.course import Course
    from pellucid.training.recording import Recording
    from pellucid.training.replay import Replay
    from pellucid.training.why import Why


KEYS = ("columns", "reason", "stopped_by", "best_epoch", "restored", "range_test", "distributions")


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
    `gradient_norm`       root mean square of the norm of the whole gradient, in each eighth of the steps
    `seconds`             time of the epoch
    ====================  ==========================================================================

    `threads` says how many threads worked in the last fit, and why; it is not kept in files.

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
    threads: str = field(default="", repr=False, compare=False)
    recording: Recording | None = field(default=None, repr=False, compare=False)
    kept_distributions: Distributions | None = field(default=None, repr=False, compare=False)

    def add(self, record: Mapping[str, float]) -> None:
        """Append an epoch."""
        length = len(self)
        for name, value in record.items():
            column = self.columns.setdefault(name, [])
            column += [float("nan")] * (length - len(column))
            column.append(float(value))

    def extend(self, records: Mapping[str, Sequence[float]]) -> None:
        """Append several epochs, whose numbers stand in lists of one length."""
        length = len(self)
        for name, values in records.items():
            column = self.columns.setdefault(name, [])
            column += [float("nan")] * (length - len(column))
            column += values

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

    # ---------------------------------------------------------------- recorded fits

    def replay(self, step: int) -> Replay:
        """Run a step of the last recorded fit again: the network before and after it, its batch, its trace.

        It is computed again from the snapshot before it; the numbers are those of the training, bit for
        bit, which a checksum of the weights at the end of each epoch on the way makes sure of.

        Parameters
        ----------
        step : int
            The step, from 1 over all epochs of all fits.

        Raises
        ------
        NotFittedError
            If no fit was recorded.
        ArgumentError
            If the step is not one of the fit that was recorded last.
        DataError
            If X, y or the weights of rows have changed since.
        """
        return self._recorded().replay(step)

    def why(self, name: str, step: int | None = None) -> Why | Course:
        """Why a weight moved in a step: loss, deltas, gradient, optimizer, change.

        Parameters
        ----------
        name : str
            `LAYER/NEURON/SOURCE` such as `hidden_1/3/age`, `LAYER/NEURON/bias`, or a number of any
            parameter, such as `scale_1/factors/age`.
        step : int, optional
            The step, as in `replay`. Without one the weight is told over the epochs.

        Raises
        ------
        NotFittedError, ArgumentError, DataError
            As `replay`; also if there is no weight of that name.
        """
        return self._recorded().why(name, step)

    @property
    def distributions(self) -> Distributions:
        """How weights and activations were distributed over the epochs of the last recorded fit."""
        if self.recording is None and self.kept_distributions:
            return self.kept_distributions
        return self._recorded().distributions

    def _recorded(self) -> Recording:
        if self.recording is None:
            raise NotFittedError(
                "no fit was recorded in this history: fit with record=True. What is recorded stays in memory "
                "with the network that was trained; a saved model or a copy does not have it."
            )
        return self.recording

    # ---------------------------------------------------------------- pictures

    def plot(
        self, path: Path | None = None, *, of: str | Sequence[str] = "loss", log: bool | None = None
    ) -> Figure:
        """Learning curves, with the best epoch and the reason for the stop.

        Parameters
        ----------
        path : path, optional
            Where to save it: .png, .svg or .pdf.
        of : str or sequence of str
            A panel each: `loss`, the name of a metric, `learning_rate`, `gradient_norm`; values of the
            validation rows are drawn beside those of the training rows.
        log : bool, optional
            Whether axes are logarithmic; unless given, losses are where they span a factor of 20.
        """
        from pellucid.plots.learning import learning_curves

        return learning_curves(
            self.columns, of=of, best_epoch=self.best_epoch, reason=self.reason, log=log, path=path
        )

    def plot_distributions(self, path: Path | None = None, *, of: str = "") -> Figure:
        """How the weights and activations of each layer were spread over the epochs of a recorded fit.

        Parameters
        ----------
        path : path, optional
            Where to save it: .png, .svg or .pdf.
        of : str
            Only those whose names hold this, such as `weights`, `/a` or `hidden_1`.

        Raises
        ------
        NotFittedError
            If no fit was recorded.
        UnknownNameError
            If no name holds `of`.
        """
        from pellucid.plots.distributions import distribution_curves

        known = self.distributions
        chosen = {name: table for name, table in known.items() if of in name}
        if not chosen:
            raise UnknownNameError("distribution", of, known)
        return distribution_curves(chosen, epochs=known.epochs, best_epoch=self.best_epoch, path=path)

    # ---------------------------------------------------------------- files

    def to_dict(self) -> dict[str, Any]:
        """As plain values; of a recording, the distributions alone."""
        known = self.recording.distributions if self.recording else self.kept_distributions
        return {
            "columns": {n: list(c) for n, c in self.columns.items()},
            "reason": self.reason,
            "stopped_by": self.stopped_by,
            "best_epoch": self.best_epoch,
            "restored": self.restored,
            "range_test": self.range_test,
            "distributions": known.to_dict() if known else None,
        }

    @classmethod
    def from_dict(cls, values: object) -> History:
        """From plain values; refuses others by a ModelFileError or ValueError, as files hold anything."""
        saved = Saved(values, "the history", KEYS)
        known, best, tested = (saved.any(name) for name in ("distributions", "best_epoch", "range_test"))
        history = cls(
            columns=_curves(saved.any("columns")),
            reason=saved.text("reason"),
            stopped_by=saved.text("stopped_by"),
            restored=saved.truth("restored"),
            range_test=None if tested is None else _curves(tested),
            kept_distributions=Distributions.from_dict(known) if known else None,
        )
        if best is not None:
            history.best_epoch = saved.whole("best_epoch", 0, len(history))
        return history

    def __reduce__(self) -> tuple[Any, ...]:
        return History.from_dict, (self.to_dict(),)

    def __repr__(self) -> str:
        last = ", ".join(f"{n} {c[-1]:.4g}" for n, c in self.columns.items() if c and n != "seconds")
        told = "; ".join(part for part in (last, self.reason) if part)
        return f"<history of {len(self)} epochs{': ' if told else ''}{told}>"


def _curves(value: Any) -> dict[str, list[float]]:
    """Lists of numbers by name; a ValueError where a value is something else."""
    is_sound = isinstance(value, Mapping) and all(
        isinstance(name, str)
        and isinstance(curve, list)
        and curve
        and all(type(v) in (int, float) for v in curve)
        for name, curve in value.items()
    )
    if not is_sound:
        raise ValueError("its history must hold lists of numbers by their names")
    try:
        return {name: [float(v) for v in curve] for name, curve in value.items()}
    except OverflowError as error:
        raise ValueError(str(error)) from None
