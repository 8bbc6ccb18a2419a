"""How much is done for a table: `PRESETS`, from a second to minutes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pellucid.layers.base import Layer
from pellucid.tables.recipe import Recipe

OPERATIONS = 2e11  # additions and multiplications a second of two cores in training, all in all
LIKELY = 0.64  # of the epochs that a recipe allows: few trainings take more


@dataclass(frozen=True)
class Preset:
    """What is trained for a table.

    Parameters
    ----------
    name : str
        What the user calls it.
    recipes : sequence of Recipe
        Networks to train by each; how much each counts is chosen on rows that were not learned from.
    n_networks : int
        By each recipe, at most.
    n_folds : int
        Parts of the rows that validate in turn; 1 holds one share of the rows back.
    seconds : float
        About how long the trainings of a recipe may take on two cores; fewer networks are trained where they
        would take longer. What cores there are does not count: the answer must not depend on them.
    """

    name: str
    recipes: Sequence[Recipe]
    n_networks: int
    n_folds: int
    seconds: float

    def affordable(
        self, recipe: Recipe, n_rows: int, layers: Sequence[Layer], epochs: float | None = None
    ) -> int:
        """How many networks of a recipe are trained on so many rows, at least 1.

        `epochs` is how many it took the first ones to stop, once that is known.
        """
        if self.n_networks == 1:
            return 1
        if epochs is None:
            epochs = LIKELY * recipe.epochs_for(n_rows)
        n_weights = sum(math.prod(p.shape) for la in layers for p in la.parameters)
        one = 6.0 * n_weights * n_rows * epochs / OPERATIONS
        return max(1, min(self.n_networks, int(self.seconds / one)))


# Networks whose cosines begin slow and quick, and one without any.
SLOW, QUICK, PLAIN = (
    Recipe(waves=waves, sigma=sigma, scale_rate=20.0, smoothing=0.02)
    for waves, sigma in ((16, 0.25), (32, 0.8), (0, 0.0))
)

LITTLE = replace(SLOW, hidden=(64, 64), waves=8, learning_rate=0.005, most_rows=200_000)

PRESETS = {
    preset.name: preset
    for preset in (
        Preset("fast", (LITTLE,), 1, 1, 2.0),
        Preset("default", (SLOW, QUICK), 5, 5, 8.0),
        Preset(
            "best",
            (
                SLOW,
                QUICK,
                replace(QUICK, hidden=(256, 256), dropout=0.2),
                replace(QUICK, activation="relu", sigma=1.5),
                replace(PLAIN, activation="mish"),
            ),
            10,
            5,
            30.0,
        ),
    )
}
