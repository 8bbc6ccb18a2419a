"""Learning curves: the numbers in the lines are those of the history."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import colliding, texts

from pellucid import Dense, Input, Network
from pellucid.errors import ArgumentError, DataError
from pellucid.plots.learning import learning_curves

COLUMNS = {
    "loss": [1.0, 0.5, 0.3],
    "validation_loss": [1.1, 0.6, 0.7],
    "accuracy": [0.5, 0.7, 0.9],
    "learning_rate": [0.1, 0.05, 0.01],
}


def lines_of(ax):
    """The curves of a panel by name, without the line of the best epoch."""
    return {line.get_label(): line.get_xydata() for line in ax.lines if not line.get_label().startswith("_")}


def test_lines_hold_the_numbers_of_the_history():
    figure = learning_curves(COLUMNS, of=["loss", "accuracy", "learning_rate"], best_epoch=2, reason="enough")
    losses, accuracies, rates = map(lines_of, figure.axes)
    np.testing.assert_array_equal(losses["training loss"], [[1, 1.0], [2, 0.5], [3, 0.3]])
    np.testing.assert_array_equal(losses["validation loss"], [[1, 1.1], [2, 0.6], [3, 0.7]])
    np.testing.assert_array_equal(accuracies["training accuracy"][:, 1], COLUMNS["accuracy"])
    np.testing.assert_array_equal(rates["learning rate"][:, 1], COLUMNS["learning_rate"])
    for ax in figure.axes:
        assert [list(line.get_xdata()) for line in ax.lines if line.get_label().startswith("_")] == [[2, 2]]


def test_says_what_is_seen_and_why_training_stopped():
    found = texts(learning_curves(COLUMNS, best_epoch=2, reason="the loss is below 0.5"))
    assert "Validation loss fell from 1.1 to 0.6 in epoch 2, the best" in found
    assert "Training ran 3 epochs and stopped: the loss is below 0.5." in found
    assert "best: epoch 2" in found


@pytest.mark.parametrize(
    ("losses", "title"),
    [
        ([0.5], "Training loss was 0.5 after the one epoch"),
        ([np.nan, np.inf], "Training loss was never a finite number"),
        ([1.0, 2.0], "Training loss rose from 1 to 2"),
        ([1.0, np.nan, 0.25, np.nan], "Training loss fell from 1 to 0.25"),
        ([1.0, 1.0], "Training loss stayed at 1"),
    ],
)
def test_every_course_of_a_loss_has_a_sentence(losses, title):
    figure = learning_curves({"loss": losses})
    assert title in texts(figure)
    assert colliding(figure) == []


@pytest.mark.parametrize(
    ("losses", "log", "scale"),
    [
        ([1.0, 0.01], None, "log"),
        ([1.0, 0.5], None, "linear"),
        ([1.0, 0.5], True, "log"),
        ([1.0, 0.01], False, "linear"),
        ([1.0, 0.0], None, "linear"),
        ([1.0, -3.0], True, "linear"),
    ],
)
def test_an_axis_is_logarithmic_where_that_helps_and_can_be(losses, log, scale):
    assert learning_curves({"loss": losses}, log=log).axes[0].get_yscale() == scale


def test_without_a_loss_of_all_rows_the_running_one_is_drawn():
    figure = learning_curves({"running_loss": [2.0, 1.0]})
    np.testing.assert_array_equal(lines_of(figure.axes[0])["running loss"], [[1, 2.0], [2, 1.0]])


def test_what_is_not_there_is_said():
    with pytest.raises(DataError, match="no learning curves before the first epoch"):
        learning_curves({})
    with pytest.raises(
        ArgumentError, match="of must be one of loss, accuracy, learning_rate, but is 'acuracy'"
    ):
        learning_curves(COLUMNS, of="acuracy")


def test_a_history_draws_itself():
    X = np.linspace(-1, 1, 40)[:, None]
    net = Network([Input(1), Dense(3, "tanh"), Dense(1)], seed=0)
    history = net.fit(X, X**2, epochs=4, validation_split=0.25)
    figure = history.plot(of=["loss", "gradient_norm"])
    drawn = lines_of(figure.axes[0])
    np.testing.assert_array_equal(drawn["training loss"][:, 1], history["loss"])
    np.testing.assert_array_equal(drawn["validation loss"][:, 1], history["validation_loss"])
    np.testing.assert_array_equal(
        lines_of(figure.axes[1])["norm of the gradient"][:, 1], history["gradient_norm"]
    )
