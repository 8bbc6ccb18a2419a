"""A judge is asked when it has something to decide, and the epochs between are those of any fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from training_runs import bits, numbers, regression, values

from pellucid import PellucidError

X = numbers()
T = values(X)


@dataclass
class Watch:
    """Wants to be asked after some epochs, halves the learning rate each time, and stops after 20 epochs."""

    many: int
    factor: float = 1.0
    asked: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def ahead(self) -> int:
        return self.many

    def __call__(self, records: Mapping[str, Sequence[float]]) -> str | None:
        self.asked.append(len(records["running_loss"]))
        self.losses += records["running_loss"]
        self.factor /= 2
        return "enough" if len(self.losses) >= 20 else None


@pytest.mark.parametrize("many", [1, 5])
def test_it_is_asked_in_time_and_sets_the_learning_rate(many: int) -> None:
    net, watch = regression(), Watch(many)
    history = net.fit(X, T, epochs=99, judge=watch, train_loss=False, learning_rate=0.01)
    assert (history.stopped_by, history.reason, len(history)) == ("judge", "enough", 20)
    assert max(watch.asked) <= many
    assert sum(watch.asked) == 20
    assert history["running_loss"] == watch.losses
    rates = np.repeat(0.01 * 0.5 ** np.arange(len(watch.asked)), watch.asked)
    np.testing.assert_allclose(history["learning_rate"], rates, rtol=1e-12)


def test_epochs_between_are_those_of_a_fit_without(monkeypatch: pytest.MonkeyPatch) -> None:
    judged, plain = regression(), regression()

    @dataclass
    class Patient:
        factor: float = 1.0

        def ahead(self) -> int:
            return 7

        def __call__(self, records: Mapping[str, Sequence[float]]) -> None:
            return None

    judged.fit(X, T, epochs=20, judge=Patient())
    plain.fit(X, T, epochs=20)
    assert bits(judged) == bits(plain)


def test_a_judge_cannot_be_recorded() -> None:
    with pytest.raises(PellucidError, match="a fit with a judge cannot be recorded"):
        regression().fit(X, T, judge=Watch(1), record=True)
