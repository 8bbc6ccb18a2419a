"""`pellucid show`: what is inside a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from pellucid.cli import files, output
from pellucid.cli.columns import show_roles
from pellucid.cli.describe import describe
from pellucid.cli.failures import in_words_of_the_command
from pellucid.cli.sparkline import BARS, PLAIN_BARS, sparkline
from pellucid.glass.text import shortened

if TYPE_CHECKING:
    from pellucid.glass.neurons import Neuron
    from pellucid.network import Network
    from pellucid.tables.encoding import TableEncoding
    from pellucid.tables.model import TableModel
    from pellucid.training.history import History

EXAMPLE = """Example:
  pellucid show penguins.pellucid
  pellucid show penguins.pellucid --neuron hidden_1/3
  pellucid show penguins.pellucid --plot network.svg"""

CURVES = ("loss", "validation_loss")
MOST_CURVES = 10  # networks whose curves are shown

app = App(name="show", help_epilogue=EXAMPLE)


@app.default
def show(
    model: Path,
    /,
    *,
    neuron: Annotated[str | None, Parameter(metavar="LAYER/NUMBER")] = None,
    plot: files.Picture = None,
    json: bool = False,
) -> None:
    """Show a model: its layers, its columns, its evidence, how training went and why it stopped.

    Parameters
    ----------
    model
        The file of a model.
    neuron
        Show one neuron with its synapses, the largest weights first; named LAYER/NUMBER.
    plot
        Draw the network, or the one neuron's place in it, into a file that ends in .png, .svg or .pdf.
    json
        Print one JSON object.
    """
    files.check_can_draw(plot, "--plot")
    the_model = files.load_model(model)
    if neuron is not None:
        show_neuron(the_model, neuron, json)
    elif json:
        output.write_json(describe(the_model, model))
    else:
        show_model(the_model, model)
    if plot is not None:
        the_model.plot(plot, neuron=neuron)
        output.say(f"The picture is in {plot}.")


def show_model(model: TableModel | Network, path: Path) -> None:
    """Print everything but the weights."""
    from pellucid.network import Network

    if isinstance(model, Network):
        output.write(f"{path} holds a network.\n")
        show_network(model)
        if model.history.reason:
            output.write(f"\nTraining ran {len(model.history)} epochs and stopped: {model.history.reason}.")
        return
    classes = f" ({', '.join(map(str, model.classes))})" if model.classes else ""
    output.write(f"{path} predicts {', '.join(model.target.names)}{classes}.\n")
    show_columns(model.encoding)
    output.write("")
    show_network(model.network, model.histories)
    output.write(f"\n{in_words_of_the_command(model.report())}")


def show_columns(encoding: TableEncoding) -> None:
    """Print what each column is taken for, why, and what becomes of it."""
    inputs = {c.name: shortened(", ".join(c.feature_names), 70) for c in encoding.columns}
    show_roles(encoding.roles, inputs)


def show_network(network: Network, histories: Sequence[History] = ()) -> None:
    """Print layers and the curves of training; of all networks where it is the mean of several."""
    summary = network.summary()
    rows = [
        [r.indented, shortened(r.description, 60), *(f"{n:,}" for n in (r.n_in, r.n_out, r.parameters))]
        for r in summary.rows
    ]
    output.write_table(["layer", "what", "in", "out", "parameters"], rows, n_texts=2)
    output.write(f"{summary.parameters:,} parameters, {summary.synapses:,} of them synapses.")
    if curves := curves_of_several(histories) if histories else curve_lines(network.history):
        output.write("\n" + "\n".join(curves))


def curve_lines(history: History) -> list[str]:
    """A line for each loss: its name, its curve, the first and the last value."""
    names = [n for n in CURVES if n in history]
    wide = max(map(len, names), default=0)
    return [f"{name.replace('_', ' '):<{wide}}  {curve_line(history[name])}" for name in names]


def curves_of_several(histories: Sequence[History]) -> list[str]:
    """A line for each network: its loss on validation rows, where there are any."""
    lines = []
    for number, history in enumerate(histories, 1):
        if name := next((n for n in reversed(CURVES) if n in history), None):
            lines.append(f"{name.replace('_', ' ')} of network {number:<2}  {curve_line(history[name])}")
    more = len(lines) - MOST_CURVES
    return lines if more <= 0 else [*lines[:MOST_CURVES], f"and {more} more"]


def curve_line(values: Sequence[float]) -> str:
    """A curve, its first and its last value."""
    bars = BARS if output.can_print(BARS) else PLAIN_BARS
    return f"{sparkline(values, bars=bars)}  {values[0]:.4g} to {values[-1]:.4g}, {len(values)} epochs"


def show_neuron(model: TableModel | Network, name: str, json: bool) -> None:
    """Print one neuron with its synapses, the largest weights first."""
    from pellucid.network import Network

    network = model if isinstance(model, Network) else model.network
    neuron, effects = network.neuron(name), {}
    if not isinstance(model, Network):
        effects = {effect.source: effect for effect in model.neuron(name).effects}
    synapses, onward = (
        sorted(way, key=lambda s: -abs(s.weight)) for way in (neuron.incoming, neuron.outgoing)
    )
    said = meaning(model, network, neuron)
    activation = getattr(neuron.layer.definition, "activation", None)
    if json:
        found: dict[str, Any] = {"neuron": neuron.name, "meaning": said or None}
        found |= {"activation": str(activation) if activation else None, "bias": neuron.bias}
        found["synapses"] = [
            {"source": s.source, "weight": s.weight, "own_unit": own and dataclasses.asdict(own)}
            for s in synapses
            for own in [effects.get(s.source)]
        ]
        found["outgoing"] = [{"target": s.target, "weight": s.weight} for s in onward]
        output.write_json(found)
        return
    of = f", {said}" if said else ""
    output.write(f"Neuron {neuron.name}{of}: activation {activation}, bias {neuron.bias:.4g}.\n")
    head, rows = ["synapse from", "weight"], [[s.source, f"{s.weight:.4g}"] for s in synapses]
    if effects:
        head = ["synapse from", "in its own unit", "adds to z", "weight"]
        for row, synapse in zip(rows, synapses, strict=True):
            own = effects.get(synapse.source)
            step = f"{own.step}{f': {own.at}' if own.at else ''}" if own else ""
            row[1:1] = [step, f"{own.effect:.4g}" if own else ""]
    output.write_table(head, rows, n_texts=2 if effects else 1)
    if onward:
        output.write("")
        output.write_table(["synapse to", "weight"], [[s.target, f"{s.weight:.4g}"] for s in onward])


def meaning(model: TableModel | Network, network: Network, neuron: Neuron) -> str:
    """What a neuron of the output layer stands for; empty for hidden ones."""
    if neuron.layer.name != network.layers[-1].name:
        return ""
    if model is not network and not model.classes:
        return model.target.names[neuron.index]  # type: ignore[union-attr]
    classes = model.classes or []
    return f"the class {classes[neuron.index]}" if len(classes) == network.n_out else ""
