"""What is worth knowing of the classes of a target: `notes_on_classes`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pellucid.tables.table import listed, shown
from pellucid.tables.targets import Class, Target
from pellucid.training.splits import Indices

MOST_ALIKE = 3  # sentences on names that differ by little
UNEVEN = (
    0.1  # share of the rarer of two classes, below which the most probable class is nearly always the other
)


def notes_on_classes(target: Target, training: Indices, held: Indices) -> list[str]:
    """Sentences on classes that one side of the split lacks, and on those with nearly the same name.

    Parameters
    ----------
    target : Target
        From `read_target`.
    training, held : int64 array
        Indices into `target.values`; what does not train is held back.
    """
    if not target.classes:
        return []
    notes = alike_names(target.classes)
    if not len(held):
        return notes
    n = len(target.classes)
    is_trained = np.bincount(target.values[training], minlength=n) > 0
    is_held = np.bincount(target.values[held], minlength=n) > 0
    if unlearned := _of(target, is_held & ~is_trained):
        them = "it" if len(unlearned) == 1 else "them"
        notes.append(
            f"{_named(unlearned, 'occurs')} in validation rows only, so the network could not learn {them}."
        )
    if unproved := _of(target, is_trained & ~is_held):
        them = "it" if len(unproved) == 1 else "them"
        notes.append(
            f"{_named(unproved, 'has')} too few rows to validate on, so the scores say nothing of {them}."
        )
    return notes


def on_uneven(target: Target) -> list[str]:
    """A sentence on what is done for two classes of which one is rare.

    To weigh rows until both count the same spoils the probabilities: see docs/presets.md.
    """
    shares = np.bincount(target.values, minlength=2) / len(target.values) if target.classes else np.ones(1)
    if len(target.classes) != 2 or shares.min() >= UNEVEN:
        return []
    rarer = shown(target.classes[int(shares.argmin())])
    return [
        f"{rarer} is {shares.min():.1%} of the rows. Probabilities are learned as they are, without weights "
        "for the classes, which would spoil them; where the answers matter more, pass metric='f1' or another."
    ]


def alike_names(classes: Iterable[Class]) -> list[str]:
    """A sentence for the first few names that differ in case or blanks only.

    Examples
    --------
    >>> alike_names(["no", "yes", "Yes", "y es"])
    ["The classes 'yes', 'Yes' and 'y es' differ in case or blanks only. If they are one, write them alike."]
    """
    found: dict[str, list[str]] = {}
    for name in classes:
        if isinstance(name, str):
            found.setdefault("".join(name.split()).casefold(), []).append(shown(name))
    return [
        f"The classes {', '.join(names[:-1])} and {names[-1]} differ in case or blanks only. If they are "
        "one, write them alike."
        for names in [names for names in found.values() if len(names) > 1][:MOST_ALIKE]
    ]


def _of(target: Target, wanted: Iterable[bool]) -> list[Class]:
    return [c for c, is_wanted in zip(target.classes, wanted, strict=True) if is_wanted]


def _named(classes: list[Class], verb: str) -> str:
    if len(classes) == 1:
        return f"Class {shown(classes[0])} {verb}"
    plural = {"occurs": "occur", "has": "have"}[verb]
    return f"{len(classes)} classes ({listed(classes, 10)}) {plural}"
