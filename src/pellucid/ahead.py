"""Compiles every kernel that pellucid has, before any is needed.

    python -m pellucid.ahead FOLDER

fills a cache that may then be read-only, in an image or inside the package; see `docs/engine.md`. Without
FOLDER it fills the cache that this process uses.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator

import pellucid.kernels
import pellucid.layers
from pellucid.activations import ACTIVATIONS
from pellucid.kernels import cache, compiler, products
from pellucid.kernels.kernel import Kernel
from pellucid.kernels.lanes import LANES
from pellucid.losses import LOSSES
from pellucid.optimizers import OPTIMIZERS
from pellucid.regularizers import REGULARIZERS, clip_to_value

SIZES = LANES, LANES + 1  # numbers in a row: few, which some kernels do sixteen rows at once of, and many


def hand_written() -> dict[str, Kernel]:
    """The kernels that stand in a module, by name; `product` and its like without code for a vector width."""
    found = {clip_to_value.name: clip_to_value}
    for package in (pellucid.kernels, pellucid.layers):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, Kernel):
                    found[value.name] = value
    return found


def every_kernel() -> list[Kernel]:
    """All that this CPU may be asked to run, but for the formulas that a user has yet to write.

    Examples
    --------
    >>> from pellucid.ahead import every_kernel
    >>> "adam" in [kernel.name for kernel in every_kernel()]
    True
    """
    return list(dict.fromkeys(_all()))


def _all() -> Iterator[Kernel]:
    bodies = products.product, products.product_transposed
    yield from products.products()
    yield products.row_product()
    yield from (kernel for kernel in hand_written().values() if kernel not in bodies)
    for activation in ACTIVATIONS:
        yield activation.backward
        yield from (activation.forward_of(n) for n in SIZES)
    for loss in LOSSES:
        suited = [activation for activation in ACTIVATIONS if loss.suits(activation)]
        yield from (loss.kernel(activation, n) for activation in suited for n in SIZES)
    yield from (optimizer.kernel for optimizer in OPTIMIZERS)
    yield from (regularizer.kernel for regularizer in REGULARIZERS)


def main() -> None:
    """Fill the cache in the folder that is named on the command line."""
    if len(sys.argv) > 1:
        os.environ["PELLUCID_CACHE_DIR"] = sys.argv[1]
    kernels = every_kernel()
    compiler.addresses(kernels)
    print(f"{len(kernels)} kernels for this CPU stand in {cache.folder()}")


if __name__ == "__main__":
    main()
