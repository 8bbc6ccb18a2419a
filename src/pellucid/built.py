"""Layers that are built, shared by all networks of one structure, and the plans made from them.

Layers are descriptions: the numbers of a network live in its arenas, where it finds them by the buffers of
its layers' parameters. So networks that were made with the same layers can have the very same layers, buffers
and plans, and only their memory is their own.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Hashable, Iterable, Sequence

from pellucid.kernels import cpu
from pellucid.layers.base import Layer, name_layers
from pellucid.losses import Loss
from pellucid.lowering import Data, Lowered, lower_evaluation, lower_training, parameters_of
from pellucid.optimizers import Optimizer
from pellucid.registry import identity
from pellucid.regularizers import Gradients

MOST = 8  # plans kept of one structure: those made last


class Built(list[Layer]):
    """A network's layers, named and built, never changed again; with the plans that were made of them.

    Parameters
    ----------
    layers : iterable of Layer
        Copied, so that they may serve for another network.
    """

    def __init__(self, layers: Iterable[Layer]) -> None:
        super().__init__(copy.deepcopy(list(layers)))
        name_layers(self)
        width = self[0].n_out
        for layer in self:
            width = layer.build(width)
        self.parameters = parameters_of(self)
        self.is_known = False
        self._data: dict[tuple[str, bool, bool], Data] = {}
        self._plans: dict[Hashable, Lowered] = {}

    def data(self, dtype: str, is_indexed: bool, is_weighted: bool) -> Data:
        """The user's arrays as given buffers, the same for each call of one kind."""
        form = dtype, is_indexed, is_weighted
        if form not in self._data:
            self._data.setdefault(form, Data(self[0].n_in, self[-1].n_out, *form))
        return self._data[form]

    def training(
        self,
        data: Data,
        loss: Loss,
        optimizer: Optimizer,
        batch_size: int,
        seed: int,
        gradients: Gradients | None,
    ) -> Lowered:
        """See `lower_training`."""
        return self._plan(
            (data, loss, optimizer, batch_size, gradients),
            seed,
            lambda: lower_training(
                self, data, loss, optimizer, batch_size, seed, gradients=gradients, is_watched=False
            ),
        )

    def evaluation(self, data: Data, loss: Loss, batch_size: int) -> Lowered:
        """See `lower_evaluation`."""
        return self._plan((data, loss, batch_size), 0, lambda: lower_evaluation(self, data, loss, batch_size))

    def _plan(self, asked: tuple[object, ...], seed: int, make: Callable[[], Lowered]) -> Lowered:
        """What was made for the same request, or is made now; only of layers whose identity is known."""
        if not self.is_known:
            return make()
        try:
            key = identity(asked), cpu.vector_width()
        except TypeError:  # a user's formula that may change
            return make()
        lowered = self._plans.get(key)
        if lowered is None or not lowered.step.serves(seed):
            lowered = self._plans[key] = make()  # no lock: where two threads make it, either one serves
            for old in list(self._plans)[:-MOST]:
                self._plans.pop(old, None)
        return lowered


_shared: weakref.WeakValueDictionary[Hashable, Built] = weakref.WeakValueDictionary()


def build(layers: Sequence[Layer]) -> Built:
    """Layers named and built: those of a living network that was made with the same ones, if there is one."""
    if isinstance(layers, Built):
        return layers
    every = list(_all(layers))
    if len(set(map(id, every))) < len(every):
        return Built(layers)  # refuses a layer that is used twice
    try:
        key = identity(list(layers))
    except TypeError:
        return Built(layers)
    built = _shared.get(key)
    if built is None:
        built = Built(layers)
        built.is_known = True
        built = _shared.setdefault(key, built)
    return built


def _all(layers: Iterable[Layer]) -> Iterable[Layer]:
    """The layers and those inside them."""
    for layer in layers:
        yield layer
        for branch in layer.branches:
            yield from _all(branch)
