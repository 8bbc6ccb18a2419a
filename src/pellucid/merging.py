"""Several networks made one, whose answer is the mean of theirs: `merged`."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError
from pellucid.layers.base import Layer, layer_from_spec, nameless
from pellucid.layers.concat import Concat
from pellucid.layers.dense import Dense
from pellucid.network import Network
from pellucid.training.state import State

MEMBERS = "members"


def merged(
    networks: Sequence[Network], shares: Sequence[float] | None = None, temperature: float = 1.0
) -> Network:
    """One network whose weighted input of the last layer is the mean of that of several.

    Formula:  z = Σ_m s_m z_m / T, with the shares s_m, which add up to 1, and the temperature T. The
    hidden layers of all stand side by side as branches of a `Concat` and keep their names, with `_of_2`
    behind those of the second network and so on. The weights of the last layer are those of the networks,
    times s_m / T, one below the other; those of networks without hidden layers are added up, and so are all
    biases. So for numbers the answer is the mean of the answers, and for probabilities their geometric mean,
    divided by its sum. Being a network like any other, it can be shown, traced, explained, saved and trained
    further.

    Parameters
    ----------
    networks : sequence of Network
        With the same inputs, and a `Dense` of the same size and activation at the end.
    shares : sequence of float, optional
        What each counts for; all the same unless given. A network that counts for nothing is left out.
    temperature : float
        What all weighted inputs of the last layer are divided by: above 1 probabilities become less sure.

    Returns
    -------
    Network
        Its history is that of the first network, with nothing of its training to go on from.

    Raises
    ------
    ArgumentError
        If the networks do not fit together.

    References
    ----------
    Hansen and Salamon, Neural network ensembles, 1990; Guo et al., On calibration of modern neural
    networks, 2017, section 4.2 (the temperature).

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid import Dense, Input, Network
    >>> networks = [Network([Input(2), Dense(3, "tanh"), Dense(1)], seed=i) for i in range(2)]
    >>> X = np.array([[0.5, -1.0]], np.float32)
    >>> both = (networks[0].predict(X) + networks[1].predict(X)) / 2
    >>> bool(np.allclose(merged(networks).predict(X), both, atol=1e-6))
    True
    """
    given = [1.0] * len(networks) if shares is None else list(shares)
    kept = [(net, s / sum(given)) for net, s in zip(networks, given, strict=True) if s > 0]
    _check([net for net, _ in kept])
    first = kept[0][0]
    last = first._definitions[-1]
    bodies: list[list[Layer]] = []
    weights: list[Array] = []
    for i, (net, s) in enumerate(kept, 1):
        body = [_named(la, i) for la in net._definitions[1:-1]]
        own = net.parameters[net._parameters[-2].name] * np.float32(s / temperature)
        if not body and [] in bodies:
            weights[bodies.index([])] += own
        else:
            bodies.append(body)
            weights.append(own)
    body = [Concat(*bodies, name=MEMBERS)] if len(bodies) > 1 else bodies[0]
    parts = [_named(first._definitions[0]), *body, _named(last)]
    shell = Network(parts, seed=first.seed)
    inner = [a for net, _ in kept for p in net._parameters[:-2] for a in (net.parameters[p.name],)]
    biases = [net.parameters[net._parameters[-1].name] * np.float32(s / temperature) for net, s in kept]
    numbers: list[Array] = [*inner, np.concatenate(weights), np.asarray(np.sum(biases, axis=0))]
    for parameter, values in zip(shell._parameters, numbers, strict=True):
        shell.parameters[parameter.name][...] = values
    return _with_past(shell, first)


def _check(networks: Sequence[Network]) -> None:
    """Refuse networks that do not fit together."""
    if not networks:
        raise ArgumentError("merged: expected at least one network with a share above 0.")
    first = networks[0]
    for i, net in enumerate(networks):
        last, features = net._definitions[-1], net._definitions[0].spec
        if not isinstance(last, Dense):
            raise ArgumentError(f"merged: networks[{i}] must end in a Dense layer, but ends in {last!r:.60}.")
        alike = last.n_out == first.n_out and last.activation.spec == first.output_activation.spec
        if not alike or features != first._definitions[0].spec:
            raise ArgumentError(
                f"merged: networks[{i}] has other inputs, outputs or another last activation than "
                "networks[0]; all must have the same."
            )


def _named(layer: Layer, member: int = 1) -> Layer:
    """A fresh copy of a member's layer: `hidden_1` of the first, `hidden_1_of_2` of the second."""
    name = layer.label if member == 1 else f"{layer.label}_of_{member}"
    return layer_from_spec(nameless(layer.spec) | {"name": name})


def _with_past(net: Network, first: Network) -> Network:
    """The merged network with what the first has learned to say of itself."""
    net.classes, net.task = copy.copy(first.classes), first.task
    net._loss, net._metrics = first._loss, list(first._metrics)
    history = copy.deepcopy(first.history)
    if history.columns:
        net._state = State(history=history, epoch=len(history), begun=len(history))
    return net
