"""Class labels: as a table can hold them, and those that a fit has known."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.engine.buffer import Array


def as_column(classes: Array) -> list[Any]:
    """The labels themselves where a table takes them for what they are; else their numbers from 0.

    A table tidies texts and takes some, such as `NA`, for missing; and it tells classes apart by their texts.
    """
    import polars as pl

    from pellucid.tables.values import tidy

    labels: list[Any] = classes.tolist()
    texts = [str(label) for label in labels]
    if len(set(texts)) < len(texts) or {type(label) for label in labels} not in ({str}, {int}, {bool}):
        return list(range(len(labels)))
    if type(labels[0]) is str and tidy(pl.Series(texts, dtype=pl.String)).to_list() != texts:
        return list(range(len(labels)))
    return labels


def check_known(found: Array, known: Array, *, exactly: bool) -> None:
    """Refuse classes that the last fit has not known; with `exactly`, also those that are missing.

    Raises
    ------
    ValueError
        In scikit-learn's words.
    """
    if exactly:
        if set(found) != set(known):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {known}, `y` has {found}"
            )
    elif len(np.setdiff1d(found, known, assume_unique=True)):
        raise ValueError(
            f"`y` has classes not in `self.classes_`. `self.classes_` has {known}. 'y' has {found}."
        )
