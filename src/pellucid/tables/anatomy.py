"""What a model of a table is made of: its encoding, its network, its evidence; and its file."""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from pellucid import model_file
from pellucid.engine.buffer import Array
from pellucid.errors import ModelFileError
from pellucid.network import Network
from pellucid.tables.decision import Decision
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.evidence import Evidence
from pellucid.tables.intervals import Errors
from pellucid.tables.reading import read_table
from pellucid.tables.table import Table
from pellucid.tables.target_encoding import TargetEncoding
from pellucid.tables.typical import Typical, typical_from
from pellucid.training.history import History


@dataclasses.dataclass(repr=False)
class TableAnatomy:
    """The parts of a model, and how they are kept; see `TableModel`."""

    encoding: TableEncoding
    target: TargetEncoding
    network: Network
    evidence: Evidence
    notes: list[str]
    typical: Typical
    histories: list[History] = dataclasses.field(default_factory=list)
    errors: Errors | None = None
    decision: Decision | None = None

    @property
    def history(self) -> History:
        """Numbers of each epoch, and why training stopped; of the first of several networks."""
        return self.histories[0] if self.histories else self.network.history

    @property
    def classes(self) -> list[Any]:
        """The classes in their own type; empty in regression."""
        return list(self.target.classes)

    def read(self, source: Any, *, with_target: bool = False, encoding: str = "utf-8") -> Table:
        """A table as the model reads it: where it has learned texts, numbers such as `007` stay texts.

        Parameters
        ----------
        source : path, stream, data frame or dict
            As in `predict`; standard input can be read once only, and what this gives as often as one likes.
        with_target : bool
            Whether the target is read too.
        encoding : str
            Of text files.
        """
        text = self.encoding.text_columns + (self.target.text_columns if with_target else [])
        return read_table(source, text=text, encoding=encoding)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to one file; `pellucid.load` reads it."""
        model_file.write(path, *self.to_dict())

    def to_dict(self, *, training: bool = False) -> tuple[dict[str, Any], dict[str, Array]]:
        """The model as plain values and tensors; `from_dict` makes it again."""
        document, tensors = self.network.to_dict(training=training)
        return {
            "kind": "table",
            "encoding": self.encoding.to_dict(),
            "target": self.target.to_dict(),
            "network": document,
            "evidence": self.evidence.to_dict(),
            "notes": self.notes,
            "typical": self.typical,
            "histories": [h.to_dict() for h in self.histories],
            "errors": None if self.errors is None else self.errors.to_dict(),
            "decision": self.decision and self.decision.to_dict(),
        }, tensors

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], tensors: Mapping[str, Array]) -> Self:
        """Make a model of what `to_dict` gave; refuses anything else by a ModelFileError."""
        try:
            encoding = TableEncoding.from_dict(document["encoding"])
            target = TargetEncoding.from_dict(document["target"])
            network = Network.from_dict(document["network"], tensors)
            evidence, notes = Evidence.from_dict(document["evidence"]), [str(n) for n in document["notes"]]
            typical = typical_from(document["typical"], encoding.columns)
            histories = [History.from_dict(h) for h in document.get("histories", [])]
            errors = document.get("errors")
            if errors is not None:
                errors = Errors.from_dict(errors, len(target.names), encoding.n_features)
            decision = document.get("decision")
            if decision is not None:
                decision = Decision.from_dict(decision, len(target.classes))
        except (KeyError, TypeError) as error:
            raise ModelFileError(f"the file's description of the table model lacks {error}") from None
        n_out = len(target.classes) or len(target.names)
        if network.n_in != encoding.n_features or network.n_out != n_out:
            raise ModelFileError("the file's network does not fit its table encoding.")
        return cls(encoding, target, network, evidence, notes, typical, histories, errors, decision)

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[Any, ...]]:
        document, tensors = copy.deepcopy(self.to_dict(training=True))
        return type(self).from_dict, (document, {n: np.array(t) for n, t in tensors.items()})

    def __repr__(self) -> str:
        return f"<table model of {', '.join(self.target.names)}: {self.network!r}>"
