"""Who is measured: pellucid and its peers, each as its own documentation would have it; a file for each."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util

from benchmarks.participants.base import Participant

# name: module here, the part of it that says which class does which kind of workload, distributions that are
# needed; the first names the version
PARTICIPANTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "pellucid": ("pellucid", "PLAIN", ("pellucid",)),
    "pellucid, train_loss": ("pellucid", "WITH_LOSS", ("pellucid",)),
    "PyTorch": ("torch", "EAGER", ("torch",)),
    "PyTorch, fused Adam": ("torch", "FUSED", ("torch",)),
    "PyTorch, compiled": ("torch", "COMPILED", ("torch",)),
    "PyTorch, vmap": ("torch_vmap", "PLAIN", ("torch",)),
    "JAX": ("jax", "PLAIN", ("jax",)),
    "Keras": ("keras", "PLAIN", ("keras",)),
    "scikit-learn": ("sklearn", "PLAIN", ("scikit-learn",)),
    "scikit-learn, joblib": ("sklearn", "JOBLIB", ("scikit-learn", "joblib")),
    "onnxruntime": ("onnxruntime", "PLAIN", ("onnxruntime", "onnx")),
}


def kinds_of(name: str) -> dict[str, type[Participant]]:
    """The kinds of workload that a participant does, with what does them. Imports none of the libraries."""
    module, part, _ = PARTICIPANTS[name]
    found: dict[str, type[Participant]] = getattr(
        importlib.import_module(f"benchmarks.participants.{module}"), part
    )
    return found


def is_ours(name: str) -> bool:
    return PARTICIPANTS[name][0] == "pellucid"


def does(name: str, kind: str) -> bool:
    return kind in kinds_of(name)


def installed() -> dict[str, str]:
    """Names and versions of the participants for whom everything is there in this Python."""
    found = {}
    for name, (_, _, distributions) in PARTICIPANTS.items():
        try:
            version, *_ = [importlib.metadata.version(d) for d in distributions]
        except importlib.metadata.PackageNotFoundError:
            continue
        found[name] = version
    return found
