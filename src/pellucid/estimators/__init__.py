"""Estimators for scikit-learn, trained by pellucid's engine.

`MLPClassifier` and `MLPRegressor` have the parameters, attributes and methods of scikit-learn's own, so that
one import changes::

    from pellucid.estimators import MLPClassifier  # was: from sklearn.neural_network import MLPClassifier

`NetworkClassifier` and `NetworkRegressor` are pellucid's own: data frames in, networks with evidence out.

scikit-learn is needed here alone: `pip install 'pellucid[sklearn]'`.
"""

from __future__ import annotations

try:
    import sklearn  # noqa: F401
except ImportError:
    raise ImportError(
        "pellucid.estimators needs scikit-learn, which is not installed. Install it: "
        "pip install 'pellucid[sklearn]'."
    ) from None

from pellucid.estimators.mlp_classifier import MLPClassifier
from pellucid.estimators.mlp_regressor import MLPRegressor
from pellucid.estimators.network_classifier import NetworkClassifier
from pellucid.estimators.network_regressor import NetworkRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "NetworkClassifier", "NetworkRegressor"]
