"""Reads a model file, whatever kind of model it holds."""

from __future__ import annotations

import os
from typing import Any

from pellucid import model_file
from pellucid.errors import ModelFileError


def load(path: str | os.PathLike[str]) -> Any:
    """Read a network or a table model from a file that `save` wrote.

    Raises
    ------
    ModelFileError
        If it is no such file, or damaged.
    """
    document, tensors = model_file.read(path)
    if document.get("kind") == "network":
        from pellucid.network import Network

        return Network.from_dict(document, tensors)
    if document.get("kind") == "table":
        from pellucid.tables.model import TableModel

        return TableModel.from_dict(document, tensors)
    raise ModelFileError(f"{os.fspath(path)!r} holds neither a network nor a table model.")
