"""Models of every kind of layer and column, and files of them in which something is changed."""

from __future__ import annotations

import copy
import datetime as dt
import functools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

import pellucid
from pellucid import BatchNorm, Concat, Dense, Dropout, Input, LayerNorm, Network, Residual, Scale
from pellucid.layers.embedding import Embedding
from pellucid.layers.parametric_activation import ParametricActivation
from pellucid.layers.periodic_embedding import PeriodicEmbedding

N = 60
rng = np.random.default_rng(0)
X = rng.standard_normal((N, 6)).astype(np.float32)
X[:, 5] = rng.integers(0, 4, N)
Y = rng.integers(0, 3, N)


def table() -> pl.DataFrame:
    x = rng.standard_normal(N)
    return pl.DataFrame(
        {
            "x": [None if i % 9 == 0 else v for i, v in enumerate(x)],
            "flag": [i % 2 == 0 for i in range(N)],
            "hair": [("red", "dark", "fair", None)[i % 4] for i in range(N)],
            "city": [f"c{i % 22}" for i in range(N)],
            "size": [("S", "M", "L")[i % 3] for i in range(N)],
            "day": [dt.date(2020, 1, 1) + dt.timedelta(11 * i) for i in range(N)],
            "time": [f"{i % 24:02d}:30" for i in range(N)],
            "id": [f"k{i * 7919 % 1000}" for i in range(N)],
            "y": 2 * x,
            "kind": [("u", "v", "w")[int(v > 0) + (i % 7 == 0)] for i, v in enumerate(x)],
        }
    )


@functools.cache
def documents() -> dict[str, tuple[Any, dict[str, Any], Any]]:
    """Of each model its document, its tensors and what it is used on."""
    rows = table()
    network = Network(
        [
            Input(6),
            Embedding([{"index": 5, "codes": 4, "width": 2}]),
            Scale(),
            Dense(5, "relu"),
            BatchNorm(),
            Residual(Dense(5, "tanh"), ParametricActivation("silu"), Dropout(0.2)),
            Concat([PeriodicEmbedding([0, 2], waves=4), Dense(3, "sigmoid")], [Dense(2), LayerNorm()]),
            Dense(3, "softmax"),
        ],
        seed=2,
    )
    network.fit(X, Y, epochs=2, schedule="reduce_on_plateau", metrics=["accuracy"])
    numbers = pellucid.fit_table(rows, "y", ignore=["kind"], epochs=2, hidden=(3,))
    classes = pellucid.fit_table(rows, "kind", ignore=["y"], epochs=2, hidden=(3,), record=True)
    found = {
        "network": (*network.to_dict(), (X, Y)),
        "training": (*network.to_dict(training=True), (X, Y)),
        "numbers": (*numbers.to_dict(), rows),
        "classes": (*classes.to_dict(), rows),
    }
    return {
        name: (json.loads(json.dumps(d)), {n: np.array(t) for n, t in tensors.items()}, data)
        for name, (d, tensors, data) in found.items()
    }


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a document; of a list the first two entries and the last."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for i in sorted({0, 1, len(value) - 1} & set(range(len(value)))):
            yield from places(value[i], (*path, i))


def changed(document: Any, path: tuple[Any, ...], how: str, value: Any = None) -> Any:
    """A copy in which what stands at a place is replaced, removed, doubled, renamed or a little different."""
    document = copy.deepcopy(document)
    parent = functools.reduce(lambda v, key: v[key], path[:-1], document)
    key, found = path[-1], functools.reduce(lambda v, key: v[key], path, document)
    if how == "replace":
        parent[key] = value
    elif how == "remove":
        del parent[key]
    elif how == "double":
        parent[key] = [found, found]
    elif how == "rename" and isinstance(parent, dict):
        parent[f"{key}_"] = parent.pop(key)
    elif isinstance(found, list):
        found.append(copy.deepcopy(found[-1]) if found else 1)
    elif isinstance(found, dict):
        found["zz"] = 1
    elif isinstance(found, bool) or found is None:
        parent[key] = not found
    elif isinstance(found, str):
        parent[key] = found + "x"
    else:
        parent[key] = found + 1
    return document
