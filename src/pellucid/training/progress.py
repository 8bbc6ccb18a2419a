"""Shows how training goes: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from pellucid.training.history import History

if TYPE_CHECKING:
    from pellucid.training.fit import Fit
    from pellucid.training.request import Request

LINES = 10  # plain lines for a whole run


class Progress:
    """Shows each epoch's loss, validation loss, rows a second and the time left; on stderr."""

    def __init__(self, request: Request, fit: Fit) -> None:
        self.is_shown = bool(request.verbose)
        self.epochs = request.epochs
        self.begun = fit.state.begun
        self.n_rows = len(fit.rows.indices)
        self.bar: Any = None
        self.start = time.perf_counter()

    def __enter__(self) -> Progress:
        if self.is_shown and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (
                TextColumn("epoch"),
                MofNCompleteColumn(),
                BarColumn(),
                TextColumn("{task.description}"),
            )
            self.bar = Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
            self.task = self.bar.add_task("", total=self.epochs)
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def show(self, record: dict[str, float], epoch: int) -> None:
        """Take note of an epoch."""
        if not self.is_shown:
            return
        done = epoch - self.begun
        seconds = time.perf_counter() - self.start
        text = f"loss {record.get('loss', record['running_loss']):.4g}"
        if "validation_loss" in record:
            text += f", validation loss {record['validation_loss']:.4g}"
        text += f", {done * self.n_rows / max(seconds, 1e-9):,.0f} rows/s"
        if self.bar is not None:
            self.bar.update(self.task, completed=done, description=text)
        elif done == 1 or done == self.epochs or done % max(1, self.epochs // LINES) == 0:
            left = seconds / done * (self.epochs - done)
            print(f"epoch {done}/{self.epochs}: {text}, {left:.0f} s left", file=sys.stderr, flush=True)

    def end(self, history: History) -> None:
        """Say why it stopped."""
        if self.is_shown:
            self.__exit__()
            self.bar = None
            print(f"stopped: {history.reason}.", file=sys.stderr, flush=True)
