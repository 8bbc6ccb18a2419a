"""Floor 4: one file a layer: its shape rule, its parameters, and how it is lowered to kernels.

Importing this package imports every file in it, so that `base.LAYERS` holds every kind of layer.
"""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
