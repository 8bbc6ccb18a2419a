"""Who decides when a training stops, where that is neither patience nor a callback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Judge(Protocol):
    """Looks at what epochs gave, several at once where it can wait for that.

    A callback is asked after each epoch, which takes as long as an epoch of a small network. A judge says
    how many epochs may pass before it has something to decide, and they run in compiled code.
    """

    @property
    def factor(self) -> float:
        """By what the learning rate is multiplied from the next epoch on."""

    def ahead(self) -> int:
        """How many epochs may pass at most before it is asked, at least 1."""

    def __call__(self, records: Mapping[str, Sequence[float]]) -> str | None:
        """Look at the records of the epochs since it was asked last.

        Parameters
        ----------
        records : mapping of str to sequence of float
            Numbers of these epochs by name, as a history has them.

        Returns
        -------
        str or None
            The reason why training has to stop, if there is one.
        """
