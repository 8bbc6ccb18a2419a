"""Writes formulas.md from the registries, so that no second list of formulas exists.

python docs/make_formulas.py            writes the page
python docs/make_formulas.py --check    fails if the page is not what would be written
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pellucid.activations import ACTIVATIONS
from pellucid.initializers import INITIALIZERS
from pellucid.layers.base import LAYERS
from pellucid.losses import LOSSES
from pellucid.metrics import METRICS, TASKS
from pellucid.optimizers import OPTIMIZERS
from pellucid.regularizers import REGULARIZERS
from pellucid.schedules import SCHEDULES
from pellucid.tables.normalisation import NORMALISATIONS

PAGE = Path(__file__).with_name("formulas.md")

HEAD = """\
# Formulas

Every formula that has a name, with its settings at their defaults and its source. Wherever a name is taken
it can bring other settings: `"leaky_relu(slope=0.1)"`. You can add [your own](own.md).

This page is written by `docs/make_formulas.py` from the entries themselves. In the formulas z is the
weighted input of a neuron, a its activation, y the target, w a weight and g its gradient.
"""

ACTIVATION = """\
Of a layer: `Dense(16, "tanh")`. The weights before an activation start by its initializer, unless the layer
names another one."""

LOSS = """\
What training minimises: `loss="mse"`. The formula is that of one output; the loss of a row is the mean over
its outputs, or their sum. Where no loss is named, the output layer's activation decides: `mse`, unless a
loss is the default for it."""

OPTIMIZER = """\
How a gradient becomes a change: `optimizer="adam(beta_2=0.95)"`. η is the learning rate, t the number of
the update from 1, μ the momentum, β₁ and β₂ are `beta_1` and `beta_2`, ρ is `rho`, ε `epsilon` and λ
`weight_decay`, which acts on weights of neurons and vectors of codes, not on biases, scales and the like. The
other letters are numbers that are kept for each weight, 0 at first."""

SCHEDULE = """\
The factor on the learning rate: `schedule="cosine(warm_up=0.1)"`. Steps count from 0 over the whole run;
`n_steps` is how many are planned."""

INITIALIZER = """\
First weights: `Dense(16, initializer="orthogonal")`. `n_in` is the number of values that a neuron sums up,
`n_out` the number of neurons."""

REGULARIZER = """\
Added to the loss for the size of the weights: `Dense(16, regularizer="l2(l2=0.001)")`. The loss that is
shown stays without it."""

METRIC = """What is reported, never minimised: `metrics=["accuracy"]`."""

NORMALISATION = """\
How the number columns of a table come to a common scale: `fit_table(..., normalisation="standard")`. Only
the training rows decide."""

LAYER = "What each computes, forward and backward, stands in the [reference](reference.md#layers)."

Columns = Mapping[str, Callable[[Any], str]]


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD,
            formulas(
                "Activations",
                ACTIVATION,
                ACTIVATIONS,
                range=lambda e: span(e.range),
                initializer=lambda e: code(e.initializer),
            ),
            formulas(
                "Losses",
                LOSS,
                LOSSES,
                outputs=lambda e: span(e.accepts),
                targets=lambda e: " or ".join(f"{t:g}" for t in e.only) or span(e.targets),
                row=lambda e: e.over_outputs,
                default_for=lambda e: ", ".join(map(code, e.natural_for)),
            ),
            formulas("Optimizers", OPTIMIZER, OPTIMIZERS),
            formulas("Schedules", SCHEDULE, SCHEDULES),
            formulas("Initializers", INITIALIZER, INITIALIZERS),
            formulas("Regularizers", REGULARIZER, REGULARIZERS),
            formulas(
                "Metrics",
                METRIC,
                METRICS,
                better=lambda e: e.better or "no single number",
                tasks=lambda e: "all" if e.tasks == TASKS else ", ".join(e.tasks),
            ),
            formulas("Normalisations", NORMALISATION, NORMALISATIONS),
            section("Layers", LAYER, LAYERS, layer=name_of_layer, computes=words_of, settings=signature),
        ]
    )


def formulas(title: str, words: str, entries: Iterable[Any], **columns: Callable[[Any], str]) -> str:
    """A section of formulas: name, formula, settings, the given columns, source."""
    first: Columns = {"name": lambda e: code(e.name), "formula": words_of}
    if any(e.settings for e in entries):
        first = {**first, "settings": lambda e: listed(e.settings)}
    return section(title, words, entries, **first, **columns, source=lambda e: escaped(e.source))


def section(title: str, words: str, entries: Iterable[Any], **columns: Callable[[Any], str]) -> str:
    """A heading, a paragraph and a table with a row for each entry."""
    heads = [name.replace("_", " ") for name in columns]
    rows = [heads, ["---"] * len(heads)] + [[cell(e) for cell in columns.values()] for e in entries]
    table = "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows)
    return f"## {title}\n\n{words}\n\n{table}\n"


def words_of(entry: Any) -> str:
    """An entry's own words."""
    return escaped(entry.text)


def escaped(words: str) -> str:
    """Words as they may stand in a table: characters that mean something there are escaped."""
    for character in "\\*_[]":
        words = words.replace(character, f"\\{character}")
    return words.replace("<", "&lt;").replace("|", "&#124;")


def code(words: str) -> str:
    """A name as code."""
    return f"`{words}`"


def listed(settings: Mapping[str, Any]) -> str:
    """Settings with their defaults."""
    return ", ".join(code(f"{name}={value!r}") for name, value in settings.items())


def span(bounds: tuple[float, float]) -> str:
    """A range in words."""
    low, high = bounds
    if math.isinf(low):
        return "any" if math.isinf(high) else f"at most {high:g}"
    return f"{low:g} and more" if math.isinf(high) else f"{low:g} to {high:g}"


def name_of_layer(kind: Any) -> str:
    """The class of a layer."""
    return code(kind.layer.__name__)


def signature(kind: Any) -> str:
    """What a layer is made with."""
    plain = (p.replace(annotation=p.empty) for p in inspect.signature(kind.layer).parameters.values())
    return ", ".join(code(str(p)) for p in plain if p.name != "name")


def main(arguments: list[str]) -> int:
    """Write the page or compare it; gives the exit code."""
    wanted = page()
    if "--check" not in arguments:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    print("docs/formulas.md is not what the formulas say. Run: python docs/make_formulas.py")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
