"""What is noted of a fit, to tell whether another one goes on with it."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from pellucid.saved import Saved
from pellucid.training.job import Rows


def checked_note(value: Any) -> dict[str, Any] | None:
    """What a network keeps of the settings of its last fit, as it may stand in a file; see `Request`."""
    if value is None:
        return None
    keys = ["optimizer", "loss", "n_rows", "n_training", "batch_size", "step"]
    if isinstance(value, dict) and "data" in value:
        keys.append("data")
    saved = Saved(value, "the note of the last fit", keys)
    for name in ("optimizer", "loss"):
        saved.text(name)
    for name in ("n_rows", "n_training", "batch_size"):
        saved.whole(name, 1, 2**53)
    return dict(value)


def digest(rows: Rows) -> int:
    """A number that tells the rows of one run from those of another: CRC-32 of all that is learned from."""
    number = 0
    for array in (rows.X, rows.y.values, rows.indices, rows.weights):
        if array is not None:
            number = zlib.crc32(np.ascontiguousarray(array).data, number)
    return number
