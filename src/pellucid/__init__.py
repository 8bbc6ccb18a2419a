"""Neural networks you can see through, trained at the machine's limit, right by default.

Everything public is found here; what it needs is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Where each public name lives.
_PUBLIC = {
    "Network": "network",
    "load": "loading",
    "fit_many": "training.many",
    "fit_table": "tables.fit",
    "compare_table": "tables.compare",
    "read_table": "tables.reading",
    "TableModel": "tables.model",
    "Input": "layers.input",
    "Dense": "layers.dense",
    "Activation": "layers.activation",
    "ParametricActivation": "layers.parametric_activation",
    "Dropout": "layers.dropout",
    "GaussianNoise": "layers.gaussian_noise",
    "Scale": "layers.scale",
    "BatchNorm": "layers.batch_norm",
    "LayerNorm": "layers.layer_norm",
    "Residual": "layers.residual",
    "Concat": "layers.concat",
    "Embedding": "layers.embedding",
    "PeriodicEmbedding": "layers.periodic_embedding",
    "Frozen": "layers.frozen",
    "activation": "activations",
    "loss": "losses",
    "optimizer": "optimizers",
    "metric": "metrics",
    "schedule": "schedules",
    "where": "kernels.elementary",
    "exp": "kernels.elementary",
    "log": "kernels.elementary",
    "sqrt": "kernels.elementary",
    "tanh": "kernels.elementary",
    "PellucidError": "errors",
    "PellucidWarning": "errors",
}
__all__ = sorted([*_PUBLIC, "__version__"])

if TYPE_CHECKING:
    from pellucid.activations import activation as activation
    from pellucid.errors import PellucidError as PellucidError
    from pellucid.errors import PellucidWarning as PellucidWarning
    from pellucid.kernels.elementary import exp as exp
    from pellucid.kernels.elementary import log as log
    from pellucid.kernels.elementary import sqrt as sqrt
    from pellucid.kernels.elementary import tanh as tanh
    from pellucid.kernels.elementary import where as where
    from pellucid.layers.activation import Activation as Activation
    from pellucid.layers.batch_norm import BatchNorm as BatchNorm
    from pellucid.layers.concat import Concat as Concat
    from pellucid.layers.dense import Dense as Dense
    from pellucid.layers.dropout import Dropout as Dropout
    from pellucid.layers.embedding import Embedding as Embedding
    from pellucid.layers.frozen import Frozen as Frozen
    from pellucid.layers.gaussian_noise import GaussianNoise as GaussianNoise
    from pellucid.layers.input import Input as Input
    from pellucid.layers.layer_norm import LayerNorm as LayerNorm
    from pellucid.layers.parametric_activation import ParametricActivation as ParametricActivation
    from pellucid.layers.periodic_embedding import PeriodicEmbedding as PeriodicEmbedding
    from pellucid.layers.residual import Residual as Residual
    from pellucid.layers.scale import Scale as Scale
    from pellucid.loading import load as load
    from pellucid.losses import loss as loss
    from pellucid.metrics import metric as metric
    from pellucid.network import Network as Network
    from pellucid.optimizers import optimizer as optimizer
    from pellucid.schedules import schedule as schedule
    from pellucid.tables.compare import compare_table as compare_table
    from pellucid.tables.fit import fit_table as fit_table
    from pellucid.tables.model import TableModel as TableModel
    from pellucid.tables.reading import read_table as read_table
    from pellucid.training.many import fit_many as fit_many


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'pellucid' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"pellucid.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
