"""Answers chosen for a metric, against brute force over all thresholds and factors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import pellucid
from pellucid import fit_table, model_file
from pellucid.errors import ModelFileError, PellucidError
from pellucid.metrics import METRICS
from pellucid.tables.decision import CHOSEN_BY, Decision, decide

RNG = np.random.default_rng(0)
X1, X2 = RNG.uniform(-2, 2, (2, 400))
IS_RARE = X1 + X2 + RNG.normal(size=400) > 2.5
RARE = {"x1": X1.tolist(), "x2": X2.tolist(), "y": np.where(IS_RARE, "yes", "no").tolist()}
KINDS = np.where(IS_RARE, "yes", np.where(0.5 * RNG.normal(size=400) < X1, "no", "perhaps"))
THREE = {**RARE, "y": KINDS.tolist()}
QUICK = {"hidden": (8,), "epochs": 10}


def rows(n: int, n_classes: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities with ties among them, classes drawn by others, and weights."""
    rng = np.random.default_rng(seed)
    p = np.maximum(np.round(rng.dirichlet(np.linspace(0.4, 2, n_classes), n), 2), 0.01)
    p /= p.sum(axis=1, keepdims=True)
    y = np.array([rng.choice(n_classes, p=np.sqrt(q) / np.sqrt(q).sum()) for q in p], np.int32)
    return p, y, rng.choice([0.0, 0.5, 1.0, 3.0], n)


def reference(metric: str, said: np.ndarray, y: np.ndarray, w: np.ndarray, n_classes: int) -> float:
    """The metric of answers, from the confusion matrix."""
    table = np.zeros((n_classes, n_classes))
    np.add.at(table, (y, said), w)
    hits, actual, predicted = table.diagonal(), table.sum(axis=1), table.sum(axis=0)
    if metric == "accuracy":
        return float(hits.sum() / table.sum())
    if metric == "balanced_accuracy":
        return float(np.mean([h / a for h, a in zip(hits, actual, strict=True) if a]))
    each = [2 * h / (a + b) if a + b else None for h, a, b in zip(hits, actual, predicted, strict=True)]
    if n_classes == 2:
        return float(each[1] or 0.0)
    return float(np.mean([f for f in each if f is not None]))


@pytest.mark.parametrize("metric", list(CHOSEN_BY))
@pytest.mark.parametrize("is_weighted", [False, True])
def test_no_threshold_is_better(metric: str, is_weighted: bool) -> None:
    for seed in range(8):
        p, y, w = rows(3 + 20 * seed, 2, seed)
        w = w if is_weighted else np.ones(len(y))
        w[0] = 1
        found = decide(metric, p, y, w if is_weighted else None)
        tried = [0.0, 0.5, 1.0, *(p[:, 1] - 1e-9), *p[:, 1]]
        best = max(reference(metric, (p[:, 1] > t).astype(int), y, w, 2) for t in tried)
        assert reference(metric, found(p), y, w, 2) == pytest.approx(best, abs=1e-12)
        value = METRICS.find(metric)(y, np.eye(2)[found(p)], task="multiclass", sample_weight=w)
        assert value == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("metric", list(CHOSEN_BY))
def test_no_single_factor_is_better(metric: str) -> None:
    for seed, n_classes in enumerate((3, 3, 4, 5)):
        p, y, w = rows(60, n_classes, seed)
        found = decide(metric, p, y, w)
        value = reference(metric, found(p), y, w, n_classes)
        assert value >= reference(metric, p.argmax(axis=1), y, w, n_classes) - 1e-12
        for c in range(n_classes):
            scaled = p * np.array(found.numbers)
            others = np.delete(scaled, c, axis=1).max(axis=1)
            for at in np.concatenate([others / p[:, c] * (1 - 1e-9), others / p[:, c] * (1 + 1e-9)]):
                tried = scaled.copy()
                tried[:, c] = p[:, c] * at
                assert reference(metric, tried.argmax(axis=1), y, w, n_classes) <= value + 1e-9


def test_of_equal_thresholds_the_usual_one_is_kept() -> None:
    p = np.array([0.1, 0.3, 0.7, 0.9])
    assert decide("accuracy", np.column_stack([1 - p, p]), np.array([0, 0, 1, 1], np.int32)).numbers == (0.5,)
    sure = np.full((4, 3), 0.1) + 0.7 * np.eye(4, 3)
    assert decide("accuracy", sure, np.array([0, 1, 2, 0], np.int32)).numbers == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("table", [RARE, THREE])
def test_the_choice_is_used_told_and_kept(table: dict[str, list[object]], tmp_path: Path) -> None:
    usual = fit_table(table, "y", **QUICK)
    model = fit_table(table, "y", metric="f1", **QUICK)
    p = model.predict_probabilities(table)
    np.testing.assert_array_equal(p, usual.predict_probabilities(table))
    assert model.decision is not None
    assert usual.decision is None
    n = len(model.classes)
    said = p[:, 1] > model.decision.numbers[0] if n == 2 else (p * model.decision.numbers).argmax(axis=1)
    answers = model.predict(table)
    assert answers.tolist() == [model.classes[i] for i in said.astype(int)]
    assert (answers != usual.predict(table)).any()
    assert model.predict_table(table)["prediction"].to_list() == answers.tolist()
    truth = np.array([model.classes.index(c) for c in table["y"]])
    scores = model.evaluate(table)
    ones = np.ones(len(truth))
    for metric in CHOSEN_BY:
        assert scores[metric] == pytest.approx(reference(metric, said.astype(int), truth, ones, n))
    row = int((answers != usual.predict(table)).argmax()) + 1
    assert model.explain(table, row).prediction == answers[row - 1]
    assert "Answers are chosen for f1" in model.report()
    assert model.evidence.trivial.endswith(" for all")
    assert model.evidence.scores["network"]["f1"] >= reference_of_usual(usual, table)
    model.save(tmp_path / "m.pellucid")
    again = pellucid.load(tmp_path / "m.pellucid")
    assert again.decision == model.decision
    assert again.predict(table).tolist() == answers.tolist()


def reference_of_usual(usual: pellucid.TableModel, table: dict[str, list[object]]) -> float:
    """F1 of the most probable classes on the validation rows of the model, found by its own split."""
    from pellucid.tables.reading import read_table
    from pellucid.tables.row_split import split_rows
    from pellucid.tables.targets import read_target

    whole = read_table(table)
    target = read_target(whole, "y")
    held = split_rows(whole, target).held
    p = usual.predict_probabilities(table)[target.rows[held]]
    y = target.values[held]
    return reference("f1", p.argmax(axis=1), y, np.ones(len(y)), len(target.classes)) - 1e-9


def test_a_file_without_a_choice_is_read_and_a_wrong_choice_refused(tmp_path: Path) -> None:
    model = fit_table(RARE, "y", metric="balanced_accuracy", **QUICK)
    document, tensors = model.to_dict()
    del document["decision"]
    model_file.write(tmp_path / "old.pellucid", document, tensors)
    old = pellucid.load(tmp_path / "old.pellucid")
    p = old.predict_probabilities(RARE)
    assert old.decision is None
    assert old.predict(RARE).tolist() == [old.classes[i] for i in p.argmax(axis=1)]
    for wrong in ([1.5], [0.1, 0.2], [], "0.5", [float("nan")]):
        with pytest.raises(ModelFileError, match="decision"):
            Decision.from_dict({"metric": "f1", "numbers": wrong}, 2)
    with pytest.raises(ModelFileError, match="decision"):
        Decision.from_dict({"metric": "speed", "numbers": [0.5]}, 2)
    with pytest.raises(ModelFileError, match="factors above 0"):
        Decision.from_dict({"metric": "f1", "numbers": [1.0, 0.0, 1.0]}, 3)


def test_several_networks_choose_on_all_rows() -> None:
    model = fit_table(RARE, "y", preset="default", hidden=(6,), epochs=5, metric="f1")
    assert model.evidence.n_rows == 400
    assert set(model.evidence.scores["network"]) == {"accuracy", "balanced_accuracy", "f1", "log_loss"}
    assert model.decision is not None
    assert model.decision.numbers[0] < 0.5


def test_nothing_is_chosen_where_no_rows_are_held_back() -> None:
    model = fit_table(RARE, "y", validation=0, metric="f1", **QUICK)
    assert model.decision is None
    assert any("not chosen for f1, as no rows are held back" in note for note in model.notes)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target": "y", "metric": "f2"}, "metric must be one of accuracy, balanced_accuracy, f1"),
        ({"target": "y", "metric": "recall"}, "one row or every row is answered"),
        ({"target": "x1", "metric": "f1"}, "is for classes, but numbers are predicted"),
    ],
)
def test_a_wrong_metric_ends_in_a_sentence(options: dict[str, str], said: str) -> None:
    with pytest.raises(PellucidError, match=said):
        fit_table(RARE, **options)
