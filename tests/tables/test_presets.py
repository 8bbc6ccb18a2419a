"""Presets: several networks that validate each other, mixed and merged into one."""

from __future__ import annotations

import dataclasses
import itertools
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid import Dense, Input, Network, fit_many, fit_table
from pellucid.errors import PellucidError
from pellucid.tables import fitted, train
from pellucid.tables.evidence import LINE, NETWORK
from pellucid.tables.mixture import softmax
from pellucid.tables.presets import LIKELY, OPERATIONS, PRESETS, Preset
from pellucid.tables.recipe import Recipe
from pellucid.training.interrupt import ctrl_c

RNG = np.random.default_rng(0)
X1, X2 = RNG.uniform(-2, 2, 300), RNG.uniform(-2, 2, 300)
WAVY = {
    "x1": X1.tolist(),
    "x2": X2.tolist(),
    "y": (np.sin(2 * X1) * X2 + 0.1 * RNG.normal(size=300)).tolist(),
}
FLAT = {"x1": X1.tolist(), "x2": X2.tolist(), "y": (2 * X1 - X2 + RNG.normal(size=300)).tolist()}
NAMES = np.where(X1 * X2 + 0.3 * RNG.normal(size=300) > 0, "up", "down")
CLASSES = {"x1": X1.tolist(), "x2": X2.tolist(), "y": NAMES.tolist()}


def test_every_row_is_judged_by_a_network_that_has_not_learned_from_it() -> None:
    model = fit_table(WAVY, "y")
    assert model.evidence.n_rows == 300
    assert len(model.histories) >= 5
    fresh1, fresh2 = np.random.default_rng(1).uniform(-2, 2, (2, 2000))
    truth = np.sin(2 * fresh1) * fresh2
    y = model.predict({"x1": fresh1.tolist(), "x2": fresh2.tolist()})
    error = float(np.sqrt(np.mean((y - truth) ** 2) + 0.1**2))
    assert error < model.evidence.scores[LINE]["rmse"] / 3
    assert error == pytest.approx(model.evidence.scores[NETWORK]["rmse"], rel=0.5)


def test_a_straight_line_gets_a_share_where_it_helps() -> None:
    model = fit_table(FLAT, "y")
    told = next(note for note in model.notes if note.startswith("Shares of the answer"))
    assert "a straight line" in told
    assert model.evidence.scores[NETWORK]["rmse"] <= model.evidence.scores[LINE]["rmse"] * 1.001


def test_probabilities_are_no_surer_than_they_are_right() -> None:
    model = fit_table(CLASSES, "y")
    fresh1, fresh2 = np.random.default_rng(2).uniform(-2, 2, (2, 4000))
    up = fresh1 * fresh2 + 0.3 * np.random.default_rng(3).normal(size=4000) > 0
    p = model.predict_probabilities({"x1": fresh1.tolist(), "x2": fresh2.tolist()})
    sure = p.max(axis=1)
    right = p.argmax(axis=1) == (up == (model.classes[1] == "up"))
    for low, high in ((0.5, 0.75), (0.75, 0.9), (0.9, 1.0)):
        some = (sure >= low) & (sure < high)
        assert right[some].mean() == pytest.approx(sure[some].mean(), abs=0.1)


def test_one_network_where_it_is_described_or_asked_for() -> None:
    for options in ({"hidden": (8,)}, {"preset": "fast"}):
        model = fit_table(CLASSES, "y", **options)
        assert model.evidence.n_rows == 60
        assert [la.definition.kind for la in model.network.layers].count("concat") == 0 or options == {
            "preset": "fast"
        }


def test_what_a_preset_trains_can_be_changed() -> None:
    model = fit_table(CLASSES, "y", preset="default", hidden=(6,), epochs=5, waves=0)
    assert {len(history) for history in model.histories} == {5}
    assert all(history.best_epoch for history in model.histories)


def test_the_mean_is_one_network_that_is_kept_in_a_file(tmp_path: Path) -> None:
    model = fit_table(CLASSES, "y", preset="default", epochs=8)
    model.save(tmp_path / "model.pellucid")
    again = pellucid.load(tmp_path / "model.pellucid")
    np.testing.assert_array_equal(again.predict_probabilities(CLASSES), model.predict_probabilities(CLASSES))
    assert [len(h) for h in again.histories] == [len(h) for h in model.histories]
    assert again.report() == model.report()
    assert "hidden_1_of_2/0" in str(again.network.neuron("hidden_1_of_2", 0).name)
    explained = again.explain(CLASSES, row=1)
    found = explained.attribution
    assert found.adds_up
    assert sum(part.value for part in found.parts) == pytest.approx(found.difference, abs=1e-3)


def test_the_same_seed_gives_the_same_model_whatever_the_number_of_threads() -> None:
    one = fit_table(CLASSES, "y", preset="default", epochs=6, threads=1)
    two = fit_table(CLASSES, "y", preset="default", epochs=6, threads=2)
    np.testing.assert_array_equal(one.predict_probabilities(CLASSES), two.predict_probabilities(CLASSES))


def test_groups_stay_on_one_side_and_the_newest_rows_validate_all() -> None:
    groups = {**CLASSES, "who": [f"p{i % 30}" for i in range(300)]}
    model = fit_table(groups, "y", preset="default", group="who", epochs=4)
    assert model.evidence.n_rows == 300
    assert any("30 groups of 'who' validate in 5 parts" in note for note in model.notes)
    timed = {**CLASSES, "when": list(range(300))}
    model = fit_table(timed, "y", preset="default", time="when", epochs=4)
    assert model.evidence.n_rows == 60


def test_cosines_are_for_numbers_and_for_networks() -> None:
    table = {**CLASSES, "kind": [f"k{i % 25}" for i in range(300)], "two": ["a", "b"] * 150}
    model = fit_table(table, "y", preset="fast", epochs=3)
    names = model.network.layers["periodic_embedding_1"].definition.output_names(
        model.network.layers["embedding_1"].definition.output_names(model.encoding.feature_names)
    )
    assert [n for n in names if "~" in n] == [f"{x}~{i}" for x in ("x1", "x2") for i in (1, 2, 3)]
    assert Recipe.of({"waves": 0}).waves == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"preset": "quick"}, "preset must be one of"),
        ({"preset": "best", "epochs": 0}, "epochs must be a whole number"),
        ({"preset": "best", "waves": -1}, "waves must be a whole number"),
        ({"validation": 1.5}, "from 0 to below 1"),
    ],
)
def test_wrong_options_end_in_a_sentence(options: dict[str, object], said: str) -> None:
    with pytest.raises(PellucidError, match=said):
        fit_table(CLASSES, "y", **options)


def test_without_validation_rows_networks_are_averaged_as_they_are() -> None:
    model = fit_table(CLASSES, "y", preset="default", validation=0, epochs=3)
    assert "say nothing about other rows" in model.evidence.verdict
    p = model.predict_probabilities(CLASSES)
    np.testing.assert_allclose(p, softmax(np.log(p.astype(np.float64))), atol=1e-6)


def test_notes_on_rows_speak_of_all_parts() -> None:
    twice = {"x": [*range(60), *range(60)], "y": [*(["a", "b"] * 29), "a", "b"] * 2}
    twice = {name: [float(v) if name == "x" else v for v in values] for name, values in twice.items()}
    model = fit_table(twice, "y", preset="default", epochs=2)
    said = next(note for note in model.notes if "in every feature" in note)
    assert "of the 120 validation rows" in said
    assert int(said.split()[0]) > 60  # four of five twins are in another part
    rare = {"x": twice["x"], "y": [*twice["y"][:-1], "c"]}
    notes = fit_table(rare, "y", preset="default", epochs=2).notes
    assert not any("occurs in validation rows only" in note for note in notes)


@pytest.mark.parametrize("preset", ["fast", "default"])
def test_the_straight_line_beside_networks_is_that_of_least_squares(preset: str) -> None:
    """Two columns that nearly coincide: least squares has no trouble with them, a short descent has."""
    rng = np.random.default_rng(4)
    a = rng.normal(size=1000)
    b = a + 0.05 * rng.normal(size=1000)
    y = 10 * (b - a) + 0.1 * rng.normal(size=1000)
    model = fit_table({"a": a, "b": b, "y": y}, "y", preset=preset)
    assert model.evidence.scores[LINE]["rmse"] == pytest.approx(0.1, rel=0.2)
    assert model.evidence.scores[NETWORK]["rmse"] == pytest.approx(0.1, rel=0.2)


def test_numbers_are_left_unbent_where_a_straight_line_is_nearly_the_truth() -> None:
    rng = np.random.default_rng(0)
    X, fresh = rng.normal(size=(200, 8)), rng.normal(size=(2000, 8))
    names = [f"x{i}" for i in range(8)]
    y = X @ np.arange(8) + rng.normal(size=200)
    model = fit_table(dict(zip(names, X.T, strict=True)) | {"y": y}, "y")
    assert any(note.startswith("Numbers are scaled by mean and deviation") for note in model.notes)
    A = np.column_stack([X, np.ones(200)])
    w = np.linalg.lstsq(A, y, rcond=None)[0]
    truth = fresh @ np.arange(8)
    of_line = np.sqrt(np.mean((fresh @ w[:8] + w[8] - truth) ** 2) + 1)
    p = model.predict(dict(zip(names, fresh.T, strict=True)))
    assert np.sqrt(np.mean((p - truth) ** 2) + 1) < 1.05 * of_line
    bent = fit_table(dict(zip(names, X.T, strict=True)) | {"y": y}, "y", normalisation="robust")
    assert bent.evidence.scores[LINE]["rmse"] > 1.2 * model.evidence.scores[LINE]["rmse"]


def test_labels_are_smoothed_where_there_are_more_than_two_classes() -> None:
    three = CLASSES | {"y": np.where(X1 > 1, "right", NAMES).tolist()}
    for data, smoothing in ((CLASSES, 0.0), (three, 0.02)):
        for preset in ("fast", "default"):
            model = fit_table(data, "y", preset=preset, epochs=3)
            assert model.network.loss.settings["label_smoothing"] == smoothing
    plain = fit_table(three, "y", hidden=(8,), epochs=3)
    assert plain.network.loss.settings["label_smoothing"] == 0
    assert fit_table(three, "y", hidden=(8,), epochs=3, smoothing=0.1).network.loss.settings == {
        "label_smoothing": 0.1
    }
    with pytest.raises(PellucidError, match="smoothing must be"):
        fit_table(three, "y", smoothing=1.0)


def test_more_networks_are_trained_where_the_first_ones_stop_early() -> None:
    recipe, layers = Recipe(), Network([Input(4), Dense(1000), Dense(1)])._definitions
    plan = Preset("some", (recipe,), 5, 5, 1.0)
    most = OPERATIONS / (6 * 6001 * 10_000)  # epochs that there is time for
    assert plan.affordable(recipe, 10_000, layers) == max(1, min(5, int(most / (LIKELY * 256))))
    assert plan.affordable(recipe, 10_000, layers, epochs=most / 3.5) == 3
    assert plan.affordable(recipe, 10_000, layers, epochs=1) == 5
    assert plan.affordable(recipe, 10_000, layers, epochs=1e9) == 1


def test_further_networks_are_those_that_there_would_have_been_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A plan that can afford one network each at first, and all once it is known how long they take."""
    options = {"preset": "default", "epochs": 6, "hidden": (8,)}
    at_once = fit_table(WAVY, "y", **options)
    monkeypatch.setattr(Preset, "affordable", lambda *_, epochs=None: 5 if epochs == 6 else 1)
    in_turn = fit_table(WAVY, "y", **options)
    np.testing.assert_array_equal(in_turn.predict(WAVY), at_once.predict(WAVY))
    assert in_turn.evidence.n_rows == 300


def test_kinds_of_networks_are_judged_by_the_rows_that_all_of_them_have_not_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = iter((4, 4, 2, 2))
    monkeypatch.setattr(Preset, "affordable", lambda *_, epochs=None: next(counts))
    model = fit_table(WAVY, "y", preset="default", epochs=60)
    assert model.evidence.n_rows == 120
    assert model.evidence.scores[NETWORK]["rmse"] < model.evidence.scores[LINE]["rmse"] / 2


def test_the_answer_does_not_depend_on_the_cores_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(12_000, 4))
    table = {f"x{i}": x for i, x in enumerate(X.T)} | {"y": np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]}
    monkeypatch.setattr(Recipe, "epochs_for", lambda self, n_rows: 3 if self.hidden else 50)
    monkeypatch.setitem(PRESETS, "default", dataclasses.replace(PRESETS["default"], seconds=0.045))
    answers = []
    for cores in ("1", "2"):
        monkeypatch.setenv("PELLUCID_THREADS", cores)
        model = fit_table(table, "y")
        answers.append((len(model.histories), model.predict(table).tobytes()))
    assert answers[0] == answers[1]
    assert 2 < answers[0][0] < 10  # so fewer than all were affordable


def test_where_no_rows_are_held_back_none_is_said_to_have_judged() -> None:
    few = {name: values[:8] for name, values in WAVY.items()}
    notes = fit_table(few, "y", preset="default", epochs=2).notes
    assert "The model is the mean of 10 networks in one." in notes


def test_after_ctrl_c_no_other_kind_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []

    def pressed(networks: Any, *args: Any, **options: Any) -> None:
        called.append(len(networks))
        fit_many(networks, *args, **options)
        with ctrl_c(lambda: None):  # as late as can be: each of them has come to its end
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(train, "fit_many", pressed)
    model = fit_table(WAVY, "y", preset="default", epochs=2)
    assert called == [5]
    assert [history.stopped_by for history in model.histories] == ["epochs"] * 5


def test_kinds_of_networks_share_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = []

    def noted(recipe: Any, given: Any, seed: int, options: Any, *more: Any) -> Any:
        limits.append(options["time_limit"])
        return train.train(recipe, given, seed, options, *more)

    seconds = itertools.count()
    monkeypatch.setattr(fitted, "perf_counter", lambda: float(next(seconds)))  # a second for each kind
    monkeypatch.setattr(fitted, "train", noted)
    fit_table(WAVY, "y", preset="best", hidden=[2], epochs=1, time_limit=10)
    assert limits == [10 / 5, 9 / 4, 8 / 3, 7 / 2, 6.0]


def test_a_checkpoint_beside_several_networks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PellucidError, match="a checkpoint holds one network, and preset='default' trains"):
        fit_table(WAVY, "y", preset="default", checkpoint=tmp_path / "x.pellucid")
    assert fit_table(WAVY, "y", preset="fast", checkpoint=tmp_path / "x.pellucid").evidence.n_rows == 60


def test_the_report_says_what_is_done_where_one_of_two_classes_is_rare() -> None:
    names = ["rare" if i % 25 == 0 else "usual" for i in range(300)]
    table = {"x1": X1.tolist(), "x2": X2.tolist(), "y": names}
    told = [n for n in fit_table(table, "y", preset="fast").notes if "is 4.0% of the rows" in n]
    assert len(told) == 1
    assert "without weights for the classes" in told[0]
    for options in ({"metric": "f1"}, {"class_weight": "balanced"}):
        model = fit_table(table, "y", preset="fast", **options)
        assert not any("% of the rows. Prob" in note for note in model.notes)
