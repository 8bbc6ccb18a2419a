"""Schedules against PyTorch's rules, written out here step by step, and against values worked out by hand."""

from __future__ import annotations

import doctest
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import schedules
from pellucid.errors import ArgumentError, UnknownNameError
from pellucid.schedules import SCHEDULES, ReduceOnPlateau, schedule

BUILT_IN = SCHEDULES.names()
untimed = settings(deadline=None)  # a busy machine is no failure


# PyTorch's rules, from the documentation of torch.optim.lr_scheduler, with a learning rate of 1


def torch_step_lr(n_epochs: int, step_size: int, gamma: float) -> list[float]:
    rates = [1.0]
    for epoch in range(1, n_epochs):
        rates.append(rates[-1] * gamma if epoch % step_size == 0 else rates[-1])
    return rates


def torch_exponential_lr(n_epochs: int, gamma: float) -> list[float]:
    rates = [1.0]
    for _ in range(1, n_epochs):
        rates.append(rates[-1] * gamma)
    return rates


def torch_cosine_annealing_lr(n_steps: int, eta_min: float) -> list[float]:
    """The recursive form that the class computes."""
    rates = [1.0]
    for t in range(1, n_steps):
        ratio = (1 + math.cos(math.pi * t / n_steps)) / (1 + math.cos(math.pi * (t - 1) / n_steps))
        rates.append(ratio * (rates[-1] - eta_min) + eta_min)
    return rates


def torch_one_cycle_lr(total_steps: int, pct_start: float, div: float, final_div: float) -> list[float]:
    initial, least = 1 / div, 1 / div / final_div
    end_1, end_2 = float(pct_start * total_steps) - 1, total_steps - 1
    rates = []
    for t in range(total_steps):
        if t <= end_1:
            start, end, share = initial, 1.0, t / end_1
        else:
            start, end, share = 1.0, least, (t - end_1) / (end_2 - end_1)
        rates.append(end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1))
    return rates


def torch_reduce_on_plateau(values: list[float], factor: float, patience: int, minimum: float) -> list[float]:
    """mode="min", threshold_mode="rel", threshold 1e-4, no cooldown, eps=0."""
    rate, best, bad, rates = 1.0, math.inf, 0, []
    for value in values:
        if value < best * (1 - 1e-4):
            best, bad = value, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = max(rate * factor, minimum), 0
        rates.append(rate)
    return rates


@untimed
@given(st.integers(1, 40), st.integers(1, 7), st.floats(0.05, 1), st.integers(1, 9))
def test_step_decay_equals_pytorch(n_epochs: int, every: int, factor: float, per_epoch: int) -> None:
    found = schedules.step_decay.using(every=every, factor=factor)
    wanted = np.repeat(torch_step_lr(n_epochs, every, factor), per_epoch)
    steps = np.arange(n_epochs * per_epoch)
    np.testing.assert_allclose(found(steps, len(steps), per_epoch), wanted, rtol=1e-12)


@untimed
@given(st.integers(1, 40), st.floats(0.05, 1), st.integers(1, 9))
def test_exponential_equals_pytorch_at_every_start_of_an_epoch(
    n_epochs: int, decay: float, per_epoch: int
) -> None:
    first = np.arange(n_epochs) * per_epoch
    found = schedules.exponential.using(decay=decay)(first, n_epochs * per_epoch, per_epoch)
    np.testing.assert_allclose(found, torch_exponential_lr(n_epochs, decay), rtol=1e-12)


def test_exponential_falls_smoothly_within_an_epoch() -> None:
    found = schedules.exponential.using(decay=0.5)(np.arange(9), 8, 4)
    np.testing.assert_allclose(found[1:] / found[:-1], 0.5**0.25)


@untimed
@given(st.integers(1, 200), st.floats(0, 1))
def test_cosine_equals_pytorch(n_steps: int, minimum: float) -> None:
    found = schedules.cosine.using(minimum=minimum)(np.arange(n_steps), n_steps)
    np.testing.assert_allclose(found, torch_cosine_annealing_lr(n_steps, minimum), rtol=1e-6, atol=1e-9)


@untimed
@given(st.integers(4, 300), st.floats(0.3, 0.9), st.floats(1, 100), st.floats(1, 1e5))
def test_one_cycle_equals_pytorch(n_steps: int, peak: float, div: float, final_div: float) -> None:
    found = schedules.one_cycle.using(peak=peak, div=div, final_div=div * final_div)
    wanted = torch_one_cycle_lr(n_steps, peak, div, final_div)
    np.testing.assert_allclose(found(np.arange(n_steps), n_steps), wanted, rtol=1e-9, atol=1e-12)


def test_one_cycle_has_the_defaults_of_pytorch() -> None:
    found = schedules.one_cycle(np.arange(100), 100)
    np.testing.assert_allclose(found, torch_one_cycle_lr(100, 0.3, 25, 1e4), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found[[0, 29, 99]], [1 / 25, 1, 1 / 250_000])
    assert found.argmax() == 29


@untimed
@given(
    st.lists(st.floats(0, 10), min_size=1, max_size=60),
    st.floats(0.1, 1),
    st.integers(0, 5),
    st.floats(0, 0.5),
)
def test_reduce_on_plateau_equals_pytorch(
    values: list[float], factor: float, patience: int, minimum: float
) -> None:
    plateau = ReduceOnPlateau(factor=factor, patience=patience, minimum=minimum)
    found = [plateau.update(value) for value in values]
    assert found == pytest.approx(torch_reduce_on_plateau(values, factor, patience, minimum), rel=1e-12)


# By hand


def test_warm_up_climbs_in_equal_parts_from_the_first_step() -> None:
    found = schedules.warm_up.using(fraction=0.5)(np.arange(8), 8)
    np.testing.assert_allclose(found, [0.25, 0.5, 0.75, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(schedules.warm_up.using(fraction=0)(np.arange(8), 8), 1)


def test_cosine_at_quarters() -> None:
    found = schedules.cosine.using(minimum=0.2)([0, 25, 50, 75, 100, 1000], 100)
    np.testing.assert_allclose(
        found, 0.2 + 0.8 * np.array([1, (2 + 2**0.5) / 4, 0.5, (2 - 2**0.5) / 4, 0, 0])
    )


def test_coslog_is_zero_at_1_3_7_15_fifteenths_and_one_halfway_between_in_the_logarithm() -> None:
    np.testing.assert_allclose(schedules.coslog([0, 1, 3, 7, 15, 99], 15), 0, atol=1e-12)
    tops = np.round((2.0 ** np.array([0.5, 1.5, 2.5, 3.5]) - 1) / 15 * 10**9).astype(int)
    np.testing.assert_allclose(schedules.coslog(tops, 10**9), 1, rtol=1e-9)


def test_plateau_counts_from_the_last_improvement() -> None:
    plateau = ReduceOnPlateau(factor=0.1, patience=2, minimum=0.02)
    values = [5.0, 5.0, 5.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    wanted = [1, 1, 1, 1, 1, 1, 0.1, 0.1, 0.1, 0.02, 0.02]
    assert [plateau.update(value) for value in values] == pytest.approx(wanted)


def test_plateau_asks_for_a_share_of_the_best_value_on_either_side_of_zero() -> None:
    for best in (100.0, -100.0):
        plateau = ReduceOnPlateau(patience=0, threshold=0.1)
        assert plateau.update(best) == 1
        assert plateau.update(best - 9) == 0.5
        assert plateau.update(best - 11) == 0.5
        assert plateau.best == best - 11


def test_plateau_takes_no_improvement_from_what_is_not_finite() -> None:
    plateau = ReduceOnPlateau(patience=1)
    found = [plateau.update(value) for value in (math.nan, math.inf, -math.inf, 3.0, math.nan, 2.0)]
    assert found == [1, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert plateau.best == 2


# What holds for every entry


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("n_steps", [1, 2, 3, 10, 1000])
def test_factors_are_finite_and_from_0_to_1(name: str, n_steps: int) -> None:
    entry = SCHEDULES.find(name)
    for per_epoch in (1, 7):
        for warm in (0, 0.3, 1) if "warm_up" in entry.settings else ():
            entry = entry.using(warm_up=warm)
        found = entry(np.arange(n_steps + 20), n_steps, per_epoch)
        assert found.dtype == np.float64
        assert np.isfinite(found).all()
        assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize("name", BUILT_IN)
def test_settings_at_their_limits_give_finite_factors(name: str) -> None:
    entry = SCHEDULES.find(name)
    for setting, limits in entry.limits.items():
        for value in limits:
            if math.isfinite(value):
                for n_steps in (1, 2, 100):
                    found = entry.using(**{setting: value})(np.arange(n_steps), n_steps, 10)
                    assert (np.isfinite(found) & (found >= 0)).all()


@pytest.mark.parametrize("name", BUILT_IN)
def test_steps_of_any_shape_and_part_of_the_run(name: str) -> None:
    entry = SCHEDULES.find(name)
    whole = entry(np.arange(60), 60, 6)
    np.testing.assert_array_equal(entry(np.arange(60).reshape(10, 6), 60, 6), whole.reshape(10, 6))
    np.testing.assert_array_equal(entry(np.arange(17, 23, dtype=np.int32), 60, 6), whole[17:23])
    assert entry(31, 60, 6).shape == ()
    assert entry(31, 60, 6) == whole[31]
    assert entry(np.arange(0), 60, 6).shape == (0,)


@pytest.mark.parametrize("name", [n for n in BUILT_IN if "warm_up" in SCHEDULES.find(n).settings])
def test_warm_up_as_a_setting_multiplies(name: str) -> None:
    entry, steps = SCHEDULES.find(name), np.arange(50)
    wanted = entry(steps, 50, 5) * schedules.warm_up.using(fraction=0.25)(steps, 50, 5)
    np.testing.assert_allclose(entry.using(warm_up=0.25)(steps, 50, 5), wanted, rtol=1e-15)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_entry_carries_its_evidence(name: str) -> None:
    entry = SCHEDULES.find(name)
    assert entry.kind == "schedule"
    assert entry.source
    assert entry.text
    assert set(entry.limits) == set(entry.settings)
    assert doctest.DocTestFinder().find(entry.function)[0].examples
    assert schedules.__test__[name] is entry.function
    assert SCHEDULES.find(entry.spec) == entry
    assert str(entry) == name


# Saving and resuming


@untimed
@given(st.lists(st.floats(0, 10), min_size=2, max_size=40), st.data())
def test_a_resumed_plateau_goes_on_as_if_never_interrupted(values: list[float], data: Any) -> None:
    cut = data.draw(st.integers(0, len(values)))
    whole, part = (SCHEDULES.find("reduce_on_plateau(patience=1)").follower() for _ in range(2))
    assert whole is not None
    assert part is not None
    wanted = [whole.update(value) for value in values]
    found = [part.update(value) for value in values[:cut]]
    resumed = ReduceOnPlateau.from_state(json.loads(json.dumps(part.state)))
    assert found + [resumed.update(value) for value in values[cut:]] == wanted


def test_only_a_schedule_that_follows_the_loss_has_a_follower() -> None:
    assert {name for name in BUILT_IN if SCHEDULES.find(name).follows_loss} == {"reduce_on_plateau"}
    assert SCHEDULES.find("cosine").follower() is None
    spec = "reduce_on_plateau(factor=0.25, patience=2, minimum=0.1, threshold=0.01, warm_up=0.5)"
    assert SCHEDULES.find(spec).follower() == ReduceOnPlateau(0.25, 2, 0.1, 0.01)


# Wrong calls


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("cosine(minimum=2)", "schedule 'cosine': minimum must be from 0 to 1, but is 2"),
        ("warm_up(fraction=-0.1)", "fraction must be from 0 to 1, but is -0.1"),
        ("step_decay(every=0)", "every must be at least 1, but is 0"),
        ("one_cycle(div=0.5)", "div must be at least 1, but is 0.5"),
        ("reduce_on_plateau(patience=-1)", "patience must be at least 0, but is -1"),
        ("exponential(decay='x')", "decay must be a finite number, but got 'x'"),
    ],
)
def test_settings_out_of_their_limits_are_refused_at_once(spec: str, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        SCHEDULES.find(spec)


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'one_cycle'"):
        SCHEDULES.find("onecycle")


@pytest.mark.parametrize(
    ("step", "n_steps", "per_epoch", "words"),
    [
        ([0.5], 10, 1, "step must hold whole numbers from 0"),
        ([3, -1], 10, 1, r"step must hold whole numbers from 0, but is \[3, -1\]"),
        ([0], 0, 1, "n_steps must be a whole number from 1, but is 0"),
        ([0], 2.5, 1, "n_steps must be a whole number from 1, but is 2.5"),
        ([0], 10, 0, "n_steps_per_epoch must be a whole number from 1, but is 0"),
    ],
)
def test_wrong_steps_are_refused(step: Any, n_steps: Any, per_epoch: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=f"schedule 'cosine': {words}"):
        SCHEDULES.find("cosine")(step, n_steps, per_epoch)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"factor": 0.5}, "a state has factor, patience, .* but got factor"),
        ({**ReduceOnPlateau().state, "current": 2.0}, "current must be from 0 to 1, but is 2.0"),
        ({**ReduceOnPlateau().state, "waited": "1"}, "waited must be at least 0, but is '1'"),
        ({**ReduceOnPlateau().state, "best": "low"}, "best must be .* but is 'low'"),
        ({**ReduceOnPlateau().state, "best": math.nan}, "best must be .* but is nan"),
    ],
)
def test_states_of_other_origin_are_refused(state: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        ReduceOnPlateau.from_state(state)
    with pytest.raises(ArgumentError, match="update takes a number, but got None"):
        ReduceOnPlateau().update(None)  # type: ignore[arg-type]


# A user's own


def test_a_plain_function_becomes_a_schedule() -> None:
    @schedule(limits={"power": (0, 4)})
    def polynomial(step, n_steps, n_steps_per_epoch, power=1.0):  # type: ignore[no-untyped-def]
        """(1 - step / n_steps)^power."""
        return (1 - step / n_steps) ** power

    try:
        np.testing.assert_allclose(SCHEDULES.find("polynomial(power=2)")([0, 1, 3], 4), [1, 9 / 16, 1 / 16])
        with pytest.raises(ArgumentError, match="power must be from 0 to 4, but is 5"):
            SCHEDULES.find("polynomial(power=5)")
        with pytest.raises(
            ArgumentError, match=r"factor must be finite and at least 0, but is -0\.25 at step 5"
        ):
            polynomial([4, 5], 4)
    finally:
        SCHEDULES.remove("polynomial")


def test_wrong_functions_are_refused() -> None:
    def two(step, n_steps): ...  # type: ignore[no-untyped-def]

    with pytest.raises(ArgumentError, match=r"'two' must take \(step, n_steps, n_steps_per_epoch\)"):
        schedule()(two)
    with pytest.raises(ArgumentError, match="with a name"):
        schedule()(lambda step, n_steps, n_steps_per_epoch: step)
    assert SCHEDULES.names() == BUILT_IN

    @schedule()
    def flat(step, n_steps, n_steps_per_epoch):  # type: ignore[no-untyped-def]
        return 1.0

    try:
        with pytest.raises(ArgumentError, match=r"an array like step, \(2,\), not \(\)"):
            flat([0, 1], 2)
    finally:
        SCHEDULES.remove("flat")
