"""Trains many networks side by side, one network a thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from pellucid import checks
from pellucid import settings as environment
from pellucid.engine.buffer import Array
from pellucid.errors import ArgumentError
from pellucid.training.crowd import Crowd
from pellucid.training.data import Targets
from pellucid.training.fit import CTRL_C, Fit
from pellucid.training.history import History
from pellucid.training.interrupt import ctrl_c
from pellucid.training.request import Request

if TYPE_CHECKING:
    from pellucid.network import Network

SHORT = 1.0  # seconds of a training at 10⁹ operations a second, some ten times slower than it is
FOR_ALL = {
    "threads": "threads says how many networks are trained at a time; each of them has one thread.",
    "verbose": "fit_many shows no progress, since networks are trained side by side; leave verbose out.",
}


def fit_many(
    networks: Iterable[Network],
    X: Any,
    y: Any,
    *,
    each: Sequence[Mapping[str, Any]] | None = None,
    threads: int | None = None,
    **options: Any,
) -> list[History]:
    """Train many networks on the same data side by side, one network a thread.

    Each network ends with the same bits as by its own `fit`. What makes that fast for small networks is
    that their epochs run one after the other inside compiled code, on as many threads as there are cores,
    while Python prepares the next ones; networks of one structure share their plans, and all of them share
    X and y, which are not copied.

    Parameters
    ----------
    networks : sequence of Network
        Different ones, of any structure, as long as they fit the data.
    X, y
        What all of them learn from, see `Network.fit`.
    each : sequence of dict, optional
        Options for each network, besides or instead of those for all.
    threads : int, optional
        How many networks are trained at a time; by default as many as there are cores, see
        `PELLUCID_THREADS`.
    **options
        Options of `Network.fit` for all networks. All work but `verbose`. A network with `callbacks`,
        `metrics`, `record`, `checkpoint`, `time_limit`, regularizers, a schedule that follows the loss, or
        a long training runs as by `fit`, in a thread of its own among the others.

    Returns
    -------
    list of History
        One for each network, in their order. `seconds` are means over networks that were trained in turn.

    Raises
    ------
    ArgumentError
        If a network is there twice or in training already, or `each` does not have as many dicts as there
        are networks. Options and data are refused as by `fit`, with a note that names the network.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid import Dense, Input, Network, fit_many
    >>> X = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)
    >>> y = X.sum(axis=1)
    >>> networks = [Network([Input(4), Dense(8, "tanh"), Dense(1)], seed=i) for i in range(5)]
    >>> rates = [{"learning_rate": rate} for rate in (0.1, 0.03, 0.01, 0.003, 0.001)]
    >>> histories = fit_many(networks, X, y, each=rates, epochs=30)
    >>> all(history["loss"][-1] < history["loss"][0] for history in histories)
    True
    """
    nets = list(networks)
    requests = _requests(nets, each, options)
    most = environment.threads() if threads is None else checks.whole("threads", threads, most=1024)
    many = Many(nets, requests, X, y)
    with ExitStack() as locks, ctrl_c(many.interrupt):
        for i, net in enumerate(nets):
            if not net._training.acquire(blocking=False):
                raise ArgumentError(f"networks[{i}] is being trained already. Train a copy: net.copy().")
            locks.callback(net._training.release)
        many.run(most)
    return [net.history for net in nets]


def _requests(
    nets: Sequence[Network], each: Sequence[Mapping[str, Any]] | None, options: Mapping[str, Any]
) -> list[Request]:
    """What is asked for each network, checked."""
    first: dict[int, int] = {}
    for i, net in enumerate(nets):
        if not hasattr(net, "_training"):
            raise ArgumentError(f"fit_many trains networks, but networks[{i}] is {net!r}.")
        if (before := first.setdefault(id(net), i)) != i:
            raise ArgumentError(
                f"networks[{before}] and networks[{i}] are the same network. Train a copy: net.copy()."
            )
    own = [{}] * len(nets) if each is None else list(each)
    if len(own) != len(nets):
        raise ArgumentError(
            f"each must hold a dict for each of the {len(nets)} networks, but has {len(own)}."
        )
    if len(nets) > 1 and options.get("checkpoint") is not None:
        raise ArgumentError("a checkpoint belongs to one network: give each its own path, in each=.")
    found = []
    for i, more in enumerate(own):
        if not isinstance(more, Mapping):
            raise ArgumentError(f"each must hold dicts of options, but each[{i}] is {more!r}.")
        asked = {**options, **more}
        for name, why in FOR_ALL.items():
            if asked.get(name):
                raise ArgumentError(f"networks[{i}]: {why}")
        try:
            found.append(Request.of({**asked, "threads": 1}))
        except Exception as error:
            error.add_note(f"in the options of networks[{i}]")
            raise
    return found


class Many:
    """The trainings of many networks, and what they share."""

    def __init__(self, nets: Sequence[Network], requests: Sequence[Request], X: Any, y: Any) -> None:
        self.nets, self.requests, self.X, self.y = nets, requests, X, y
        self.read: dict[Hashable, tuple[Array, Targets]] = {}
        self.crowd: Crowd | None = None
        self.why = ""  # what has interrupted all
        self._running: dict[int, Fit] = {}
        self._errors: list[BaseException] = []

    def run(self, threads: int) -> None:
        """Train all: first those that need no Python on the way, then the others, each as by its own fit."""
        rest: queue.SimpleQueue[int] = queue.SimpleQueue()
        with Crowd(threads, len(self.nets)) as self.crowd:
            for i, net in enumerate(self.nets):
                is_short = not self.why and self._is_short(i)
                if not (is_short and self.crowd.add(self._prepare(i), net._of_gradients)):
                    rest.put(i)
            self.crowd.wait()
        if not rest.empty():
            self._side_by_side(rest, min(threads, rest.qsize()))

    def interrupt(self, why: str = CTRL_C) -> None:
        """Let all end soon and in good order."""
        self.why = why
        if self.crowd:
            self.crowd.interrupt()
        for fit in list(self._running.values()):
            fit.interrupt(why)

    def _is_short(self, i: int) -> bool:
        """Whether a training is so short that nobody minds waiting for its end, and needs no Python."""
        net, request = self.nets[i], self.requests[i]
        if not request.is_plain or any(p.regularizer for p in net._parameters):
            return False
        return 6e-9 * sum(p.synapses for p in net._parameters) * len(self.X) * request.epochs < SHORT

    def _prepare(self, i: int) -> Fit:
        """Have the training of a network ready."""
        try:
            return self.requests[i].prepare(self.nets[i], self.X, self.y, self.read)
        except Exception as error:
            error.add_note(f"in the training of networks[{i}]")
            raise

    def _side_by_side(self, rest: queue.SimpleQueue[int], threads: int) -> None:
        """Train the rest as `Network.fit` does, each thread one network after the other."""
        workers = [threading.Thread(target=self._work, args=(rest,), daemon=True) for _ in range(threads)]
        try:
            for worker in workers:
                worker.start()
        finally:
            for worker in workers:
                worker.join()
        if self._errors:
            raise self._errors[0]

    def _work(self, rest: queue.SimpleQueue[int]) -> None:
        while not self._errors:
            try:
                i = rest.get_nowait()
            except queue.Empty:
                return
            try:
                self._train(i)
            except BaseException as error:  # told by the thread that waits for this one
                self._errors.append(error)
                self.interrupt(f"an error in networks[{i}]")

    def _train(self, i: int) -> None:
        """As `Network.fit` does."""
        with self.nets[i]._of_gradients:
            fit = self._prepare(i)
            self._running[i] = fit
            if self.why:
                fit.interrupt(self.why)
            try:
                self.requests[i].train(self.nets[i], fit)
            finally:
                del self._running[i]
