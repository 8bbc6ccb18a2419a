"""Draws the pictures of the page *Pictures*.

python docs/make_pictures.py              into docs/pictures
python docs/make_pictures.py FOLDER       elsewhere, as the tests do
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pellucid
from pellucid import PellucidWarning

DOCS = Path(__file__).resolve().parent
TABLE = DOCS.parent / "examples" / "penguins.csv"


def draw(folder: Path) -> None:
    """Draw all of them, as .svg."""
    species = pellucid.fit_table(TABLE, target="species", hidden=[8], epochs=60, record=True)
    mass = pellucid.fit_table(TABLE, target="body_mass_g", hidden=[8], epochs=100)
    sex = pellucid.fit_table(TABLE, target="sex", hidden=[8], epochs=40)
    species.plot(folder / "network.svg", data=TABLE, row=17, neuron="hidden_1/3")
    species.plot_training(folder / "curves.svg")
    species.history.plot_distributions(folder / "distributions.svg", of="hidden_1")
    species.plot_predictions(TABLE, folder / "confusion.svg")
    sex.plot_calibration(TABLE, folder / "calibration.svg")
    species.plot_surface(TABLE, "bill_length_mm", "bill_depth_mm", folder / "surface.svg")
    mass.plot_predictions(TABLE, folder / "predictions.svg")


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "pictures"
    folder.mkdir(exist_ok=True)
    with warnings.catch_warnings(action="ignore", category=PellucidWarning):  # values that are missing
        draw(folder)
