"""Models as plain values, for `--json`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.cli.columns import described

if TYPE_CHECKING:
    from pellucid.network import Network
    from pellucid.tables.model import TableModel
    from pellucid.training.history import History


def describe(model: TableModel | Network, path: Path) -> dict[str, Any]:
    """Everything but the weights."""
    from pellucid.network import Network

    if isinstance(model, Network):
        return {"model": str(path), "kind": "network", "classes": model.classes, **_described(model)}
    return {
        "model": str(path),
        "kind": "table",
        "target": list(model.target.names),
        "task": model.target.task,
        "classes": model.classes,
        "columns": model.encoding.to_dict()["columns"],
        "roles": described(model.encoding.roles),
        "left_out": dict(model.encoding.left_out),
        "decision": model.decision and model.decision.to_dict(),
        "evidence": model.evidence.to_dict(),
        "notes": model.notes,
        "trainings": [describe_training(history) for history in model.histories or [model.history]],
        **_described(model.network),
    }


def describe_training(history: History) -> dict[str, Any]:
    """How long training ran, where it ended and why."""
    last = len(history) - 1
    at = history.best_epoch - 1 if history.restored and history.best_epoch else last
    known = history.epochs[at] if len(history) else {}  # a fit need not measure what one before it did
    return {
        "epochs": len(history),
        "stopped_by": history.stopped_by,
        "reason": history.reason,
        "best_epoch": history.best_epoch,
        "seconds": sum(history["seconds"]) if "seconds" in history else 0.0,
        **{n: v for n, v in known.items() if n in ("loss", "validation_loss")},
    }


def _described(network: Network) -> dict[str, Any]:
    summary = network.summary()
    return {
        "features": network.features,
        "layers": [
            {
                "name": row.name,
                "description": row.description,
                "n_in": row.n_in,
                "n_out": row.n_out,
                "synapses": row.synapses,
                "parameters": row.parameters,
                "depth": row.depth,
            }
            for row in summary.rows
        ],
        "parameters": summary.parameters,
        "training": describe_training(network.history),
        "history": network.history.columns,
    }
