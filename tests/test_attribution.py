"""What each input contributes to an answer, against float64 integrals, closed forms and axioms."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks import N_IN, X, Y, rich
from pellucid import BatchNorm, Dense, Embedding, Frozen, Input, LayerNorm, Network, Residual, Scale
from pellucid.errors import ArgumentError, DataError, ShapeError
from pellucid.glass.attribution import Attribution
from pellucid.glass.path import GAUSS, KRONROD, NODES, PathSum

EPS = 2.0**-24


def trained(*layers: Any, y: Any = None, seed: int = 0) -> Network:
    net = Network([Input(N_IN), *layers], seed=seed)
    net.fit(X[:300], X[:300, 0] * X[:300, 1] if y is None else y, epochs=3)
    return net


def check_sums(net: Network, found: Attribution, row: Any, baseline: Any, output: int) -> None:
    """The answers are those of `predict`, the parts add up, and the rounding is small."""
    answers = tuple(float(net.predict(x[None])[0, output]) for x in (baseline, row))
    assert (found.start, found.answer) == answers
    total = found.start
    for part in found.parts:
        total += part.value
    assert total == found.answer
    assert found.adds_up
    size = max(np.abs(found.contributions).max(), abs(found.answer))
    assert abs(found.rounding) <= 2e-4 * size
    exact = found.answer - found.start - found.contributions.sum()
    assert abs(found.rounding - exact) < 1e-13 * size


@pytest.mark.parametrize("last", ["linear", "sigmoid", "softmax"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "silu", "leaky_relu", "gelu", "softplus"])
def test_contributions_add_up_to_the_difference(activation: str, last: str) -> None:
    y = {"linear": X[:300, :3], "sigmoid": (X[:300, :3] > 0) * 1.0, "softmax": Y[:300]}[last]
    net = trained(Dense(20, activation), Dense(20, activation), Dense(3, last), y=y)
    for i in range(5):
        found = net.attribute(X[i], baseline=X[50 + i], output=i % 3)
        check_sums(net, found, X[i], X[50 + i], i % 3)
        assert not found.path.is_linear


@pytest.mark.parametrize(
    "layers",
    [
        [BatchNorm(), Dense(9, "tanh"), BatchNorm(), Dense(1)],
        [Scale(), Residual(Dense(N_IN, "silu")), LayerNorm(), Dense(1)],
        [Frozen(Dense(9, "relu")), Dense(1)],
    ],
)
def test_every_kind_of_layer_is_followed(layers: Any) -> None:
    net = trained(*layers)
    check_sums(net, net.attribute(X[0], baseline=X[1]), X[0], X[1], 0)


def test_a_network_of_all_layers_is_followed_to_the_class_it_predicts() -> None:
    net = rich()
    for row in X[:5]:
        best = int(net.predict(row[None]).argmax())
        check_sums(net, net.attribute(row), row, np.zeros(N_IN, np.float32), best)


def test_a_linear_network_gives_coefficient_times_difference() -> None:
    net = trained(Dense(2), y=X[:300, :2])
    found = net.attribute(X[0], baseline=X[1], output=1)
    W = net.layers["output"].weights.astype(np.float64)
    expected = W[:, 1] * (X[0].astype(np.float64) - X[1])
    assert found.path.is_linear
    assert (found.contributions == expected).all()
    # the forward pass rounds each of its sums, of N_IN products and a bias, to float32
    most = np.abs(W[:, 1]) @ (np.abs(X[0]) + np.abs(X[1])) + 2 * abs(float(net.layers["output"].bias[1]))
    assert abs(found.rounding) <= (N_IN + 1) * EPS * most


def test_layers_without_activation_are_linear_together() -> None:
    net = trained(BatchNorm(), Dense(7), Residual(Dense(7)), Dense(1))
    found = net.attribute(X[0], baseline=X[1])
    assert found.path.is_linear
    check_sums(net, found, X[0], X[1], 0)


def integrated(net: Network, row: Any, baseline: Any, n: int) -> Any:
    """Integrated gradients of a one-layer network with one linear output, by midpoints in float64."""
    row, baseline = row.astype(np.float64), baseline.astype(np.float64)
    (W, b), (v, _) = (
        (la.weights.astype(np.float64), la.bias.astype(np.float64)) for la in list(net.layers)[1:]
    )
    t = (np.arange(n)[:, None] + 0.5) / n
    z = (baseline + t * (row - baseline)) @ W + b
    slope = {"tanh": lambda: 1 - np.tanh(z) ** 2, "relu": lambda: 1.0 * (z > 0)}
    by_z = slope[net.layers[1].definition.activation.name]() * v[:, 0]  # type: ignore[attr-defined]
    return by_z.mean(axis=0) @ W.T * (row - baseline)


@pytest.mark.parametrize(("activation", "most"), [("tanh", 2e-6), ("relu", 2e-4)])
def test_contributions_are_those_of_a_float64_integral(activation: str, most: float) -> None:
    net = trained(Dense(16, activation), Dense(1))
    for i in range(5):
        found = net.attribute(X[i], baseline=X[100 + i]).contributions
        expected = integrated(net, X[i], X[100 + i], 200_000)
        assert np.abs(found - expected).max() <= most * np.abs(expected).max()


def test_an_input_without_weights_or_without_a_difference_gets_exactly_nothing() -> None:
    net = trained(Dense(16, "relu"), Dense(16, "silu"), Dense(1))
    net.layers["hidden_1"].weights[2] = 0
    row, baseline = X[0].copy(), X[1]
    row[4] = baseline[4]
    found = net.attribute(row, baseline=baseline).contributions
    assert found[2] == 0
    assert found[4] == 0
    assert (found[[0, 1, 3, 5]] != 0).all()


def test_inputs_that_do_the_same_get_the_same() -> None:
    net = trained(Dense(16, "relu"), Dense(16, "silu"), Dense(1))
    net.layers["hidden_1"].weights[1] = net.layers["hidden_1"].weights[0]
    row, baseline = X[0].copy(), X[1].copy()
    row[1], baseline[1] = row[0], baseline[0]
    found = net.attribute(row, baseline=baseline).contributions
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    assert found[0] != 0


def test_two_equal_rows_differ_by_nothing() -> None:
    net = trained(Dense(16, "relu"), Dense(1))
    found = net.attribute(X[0], baseline=X[0])
    assert not found.contributions.any()
    assert [part.value for part in found.parts if part.value] == []


def test_codes_get_the_sum_over_their_vectors() -> None:
    codes = np.arange(300) % 4
    rows = np.column_stack([X[:300, 0], codes, X[:300, 1]]).astype(np.float32)
    layers = [Embedding([{"index": 1, "codes": 4, "width": 3}]), Dense(5, "tanh"), Dense(1)]
    net = Network([Input(["age", "city", "income"]), *layers], seed=1)
    net.fit(rows, codes * rows[:, 0], epochs=5)
    row, baseline = rows[3], rows[8]
    found = net.attribute(row, baseline=baseline)
    check_sums(net, found, row, baseline, 0)
    # the same network behind its vectors, which stand at the end
    table = net.layers[1].parameters["x2"]
    behind = Network([Input(5), Dense(5, "tanh"), Dense(1)])
    for name in ("hidden_1", "output"):
        behind.layers[name].weights[:] = net.layers[name].weights
        behind.layers[name].bias[:] = net.layers[name].bias
    ends = [np.concatenate([r[[0, 2]], table[int(r[1])]]) for r in (row, baseline)]
    other = behind.attribute(ends[0], baseline=ends[1]).contributions
    assert found.contributions == pytest.approx([other[0], other[2:].sum(), other[1]], rel=1e-12)
    assert found.contributions[1] != 0


def test_uncompiled_they_add_up_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    net = trained(Dense(20, "gelu"), Dense(20, "relu"), Dense(3, "softmax"), y=Y[:300])
    compiled = net.attribute(X[0], baseline=X[50], output=1).contributions
    monkeypatch.setenv("PELLUCID_JIT", "0")
    other = net.copy()
    found = other.attribute(X[0], baseline=X[50], output=1)
    check_sums(other, found, X[0], X[50], 1)
    assert found.contributions == pytest.approx(compiled, rel=1e-3, abs=1e-5)


def test_vectors_elsewhere_are_refused() -> None:
    late = Embedding([{"index": 1, "codes": 4, "width": 3}])
    net = Network([Input(3), Scale(), late, Dense(1)])
    with pytest.raises(ArgumentError, match="Put one Embedding right behind the Input"):
        net.attribute([1.0, 2.0, 3.0])


@pytest.mark.parametrize(("rule", "degree"), [(KRONROD, 11), (GAUSS, 5)])
def test_the_rules_integrate_polynomials(rule: Any, degree: int) -> None:
    for power in range(degree + 1):
        assert rule @ NODES**power == pytest.approx(1 / (power + 1), rel=1e-14)


numbers = st.floats(-1e30, 1e30, allow_subnormal=False) | st.floats(-1, 1)


@given(numbers, numbers, st.lists(numbers, min_size=1, max_size=8))
def test_any_numbers_are_made_to_add_up(start: float, answer: float, moved: list[float]) -> None:
    names = tuple(f"x{i}" for i in range(len(moved)))
    found = Attribution("y", "", names, names, names, PathSum(start, answer, np.array(moved), 1, True))
    total = start
    for part in found.parts:
        total += part.value
    assert total == answer
    assert [abs(p.value) for p in found.parts[: len(moved)]] == sorted(map(abs, moved), reverse=True)


@given(st.integers(0, 2**32), st.integers(1, 40), st.floats(1e-6, 1e6))
def test_the_numbers_as_printed_add_up(seed: int, n: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    moved = rng.standard_normal(n) * size * rng.uniform(0, 1, n) ** 4
    start = float(rng.standard_normal() * size)
    names = tuple(f"x{i}" for i in range(n))
    found = Attribution("y", "", names, names, names, PathSum(start, start + moved.sum(), moved, 1, False))
    lines = found.text(block="#").splitlines()[1:-1]
    assert len(lines) == min(n, 20) + (n > 20) + 3
    cells = [Decimal(line.replace("#", "").split("|")[0].split()[-1]) for line in lines]
    assert sum(cells[:-1]) == cells[-1]


def test_the_text_names_inputs_values_and_answers() -> None:
    net = Network([Input(["age", "income"]), Dense(1)])
    net.layers["output"].weights[:] = [[0.5], [-2.0]]
    text = net.attribute([4.0, 3.0], baseline=[2.0, 2.5]).text("#").splitlines()
    assert text[0].split() == ["input", "is", "baseline", "output", "0"]
    assert text[1].split() == ["baseline", "-4.000"]
    assert text[2].split() == ["age", "4", "2", "+1.000", "|############"]
    assert text[3].split() == ["income", "3", "2.5", "-1.000", "############|"]
    assert text[5].split() == ["answer", "-4.000"]


def test_many_inputs_share_a_line() -> None:
    net = Network([Input(100), Dense(1)], seed=3)
    found = net.attribute(np.arange(100.0))
    assert "80 others" in str(found)
    assert len(found.parts) == 101


def test_classes_are_named() -> None:
    net = trained(Dense(4, "tanh"), Dense(3, "softmax"), y=np.array(["a", "b", "c"])[Y[:300]])
    assert net.attribute(X[0], output="b").what == "probability of b"
    assert net.attribute(X[0], output="b").answer == net.predict(X[:1])[0, 1]
    with pytest.raises(ArgumentError, match=r"no class 'd'.*Known: a, b, c"):
        net.attribute(X[0], output="d")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": [1.0, 2.0]}, ShapeError, r"attribute: x must be one row of 6 numbers, but has shape \(2,\)"),
        ({"x": X[:2]}, ShapeError, r"has shape \(2, 6\)"),
        ({"x": [np.nan] * N_IN}, DataError, "NaN|nan"),
        ({"x": X[0], "baseline": [np.inf] * N_IN}, DataError, "inf"),
        ({"x": X[0]}, ArgumentError, "the network has 2 outputs: say which one, such as output=0"),
        ({"x": X[0], "output": 2}, ArgumentError, "output must be a whole number from 0 to 1, but is 2"),
    ],
)
def test_what_cannot_be_explained_is_said(arguments: Any, error: Any, message: str) -> None:
    net = Network([Input(N_IN), Dense(2)])
    with pytest.raises(error, match=message):
        net.attribute(**arguments)


def test_sums_that_overflow_on_the_way_are_refused() -> None:
    net = Network([Input(1), Dense(1, "relu"), Dense(1)])
    net.layers["hidden_1"].weights[:] = 1e25
    net.layers["output"].weights[:] = 1e25
    with pytest.raises(DataError):
        net.attribute([1.0], baseline=[-1.0])


def test_weights_and_gradients_stay_as_they_are() -> None:
    net = rich()
    net.trace(X[:5], Y[:5])
    parameters = {n: v.copy() for n, v in net.parameters.items()}
    gradients = {n: v.copy() for n, v in net.gradients.items()}
    net.attribute(X[0])
    assert all((net.parameters[n] == v).all() for n, v in parameters.items())
    assert all((net.gradients[n] == v).all() for n, v in gradients.items())
