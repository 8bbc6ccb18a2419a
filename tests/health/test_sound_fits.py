"""A healthy network gets no finding."""

from __future__ import annotations

import numpy as np
import pytest
from fits import sound

from pellucid import Dense, Embedding, Input, Network, Scale

KINDS = ["linear", "curved", "two outputs", "three classes", "overlapping classes"]
SHAPES = [("silu", [16]), ("relu", [32]), ("tanh", [16, 16]), ("gelu", [32, 16])]
CASES = [(kind, *shape) for shape in SHAPES for kind in KINDS]


def findings(case: int) -> list[str]:
    kind, activation, hidden = CASES[case]
    X, y, output, n_out = sound(kind, case)
    layers = [Dense(width, activation) for width in hidden]
    net = Network([Input(X.shape[1]), *layers, Dense(n_out, output)], seed=case)
    options = {"validation_split": 0.2, "patience": 15, "schedule": "cosine"}
    net.fit(X, y, epochs=120, batch_size=32, learning_rate=0.005, **options)
    return [str(finding) for finding in net.health(X, y).findings]


def test_at_most_one_of_twenty_sound_fits_alarms() -> None:
    alarms = {case: found for case in range(20) if (found := findings(case))}
    assert len(CASES) == 20
    assert len(alarms) <= 1, alarms


def test_codes_of_an_embedding_are_no_inputs_of_a_large_scale() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 3)).astype(np.float32)
    X[:, 1] = rng.integers(0, 400, 500) // 2 * 2
    y = np.tanh(X[:, 0]) + X[:, 2] + np.sin(X[:, 1]) / 2 + 0.2 * rng.standard_normal(500)
    table = {"index": 1, "codes": 400, "width": 2, "name": "city"}
    net = Network([Input(3), Embedding([table]), Scale(), Dense(16, "silu"), Dense(1)], seed=0)
    net.fit(X, y, epochs=40, batch_size=32, learning_rate=0.01, validation_split=0.2, schedule="cosine")
    assert "scales of inputs" not in [f.name for f in net.health(X, y, try_fixes=False).findings]


@pytest.mark.parametrize("try_fixes", [False, True])
def test_the_network_stays_as_it_is(try_fixes: bool) -> None:
    X, y, output, n_out = sound("three classes", 0)
    names = np.array(["red", "green", "blue"])[y]
    net = Network([Input(X.shape[1]), Dense(8, "tanh"), Dense(n_out, output)], seed=0)
    net.fit(X, names, epochs=5)
    net.trace(X[:3], names[:3])
    parameters = {n: v.copy() for n, v in net.parameters.items()}
    gradients = {n: v.copy() for n, v in net.gradients.items()}
    once, history = net.health(X, names, try_fixes=try_fixes), net.history.to_dict()
    again = net.health(X, names, try_fixes=try_fixes)
    assert once.to_dict() == again.to_dict()
    assert net.classes == ["blue", "green", "red"]
    assert net.history.to_dict() == history
    for before, now in ((parameters, net.parameters), (gradients, net.gradients)):
        for name, values in before.items():
            np.testing.assert_array_equal(now[name], values)
