"""Floor 6: what may be wrong with a network, its training or its rows: one file a family of checks.

Importing this package imports every file in it, so that `check.CHECKS` holds every check.
"""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
