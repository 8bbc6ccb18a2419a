"""`pellucid explain`: why a model answers as it does, for one row or in the mean of many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from pellucid.cli import files, output
from pellucid.cli.columns import Encoding, Tables
from pellucid.errors import ArgumentError
from pellucid.glass.attribution import BLOCK

if TYPE_CHECKING:
    from pellucid.tables.explanation import RowExplanation

PLAIN_BLOCK = "#"  # where the former cannot be printed

EXAMPLE = """Example:
  pellucid explain penguins.pellucid examples/penguins.csv
  pellucid explain penguins.pellucid examples/penguins.csv --row 17
  pellucid explain penguins.pellucid examples/penguins.csv --row 17 --class Gentoo --baseline 200
  pellucid explain penguins.pellucid examples/penguins.csv --row 17 --neuron hidden_1/3

Each column gets a number: how far it moved the answer away from that for the baseline, in the
unit of the answer. Together with one for rounding they are the difference of the two answers,
exactly."""

app = App(name="explain", help_epilogue=EXAMPLE)


@app.default
def explain(
    model: Path,
    data: Tables,
    /,
    *,
    row: Annotated[int | None, Parameter(metavar="NUMBER")] = None,
    class_: Annotated[str | None, Parameter(name=["--class", "--output"], metavar="NAME")] = None,
    baseline: Annotated[int | None, Parameter(metavar="NUMBER")] = None,
    neuron: Annotated[str | None, Parameter(metavar="LAYER/NUMBER")] = None,
    all_: Annotated[bool, Parameter(name="--all")] = False,
    encoding: Encoding = "utf-8",
    json: bool = False,
) -> None:
    """Explain the prediction for one row: which columns moved it how far, and its way through the network.

    Without --row: how far each column moves predictions in the mean, and how much worse they are without it.

    Parameters
    ----------
    model
        The file of a model that pellucid fit wrote.
    data
        A CSV or Parquet file with the columns of the training, or - for standard input; several are read as
        one table. With the target too, the way backward is shown as well.
    row
        Which row of data, counted from 1; the header does not count. Without it, how far each column moves
        predictions in the mean of many rows, and how much worse they are without it.
    class_
        The class whose probability is explained, unless it is the predicted one; of several targets, the one
        that is meant.
    baseline
        Compare with this row of the same table, and not with a typical one.
    neuron
        Show the arithmetic of one neuron for this row instead, forward and backward; named LAYER/NUMBER.
    all_
        Show all synapses of the neuron, and not only those that count most.
    encoding
        Of text files; utf-8 unless given.
    json
        Print one JSON object.
    """
    the_model = files.load_table_model(model)
    table = the_model.read(files.table_source(*data), with_target=True, encoding=encoding)
    block = BLOCK if output.can_print(BLOCK) else PLAIN_BLOCK
    if row is None:
        for option, value in (("--baseline", baseline), ("--neuron", neuron), ("--all", all_ or None)):
            if value is not None:
                raise ArgumentError(f"{option} is about one row. Say which with --row.")
        columns = the_model.importance(table, output=class_)
        if json:
            output.write_json({"model": str(model), **columns.to_dict()})
        else:
            output.write(columns.text(block))
        return
    found = the_model.explain(table, row, output=class_, baseline=baseline)
    if neuron is not None:
        show_neuron(found, neuron, model, all=all_, json=json)
    elif json:
        output.write_json({"model": str(model), **found.to_dict()})
    else:
        output.write(found.text(block))


def show_neuron(found: RowExplanation, name: str, model: Path, *, all: bool, json: bool) -> None:
    """Print the arithmetic of one neuron for the row, below what its columns became."""
    arithmetic = found.trace.neuron(name).explain(all=all)
    if json:
        described = {"row": found.row, "place": found.place, "features": found.features}
        output.write_json({"model": str(model), **described, "neuron": arithmetic.to_dict()})
    else:
        output.write(f"{found.head}\n\n{found.features_text()}\n\n{arithmetic}")
