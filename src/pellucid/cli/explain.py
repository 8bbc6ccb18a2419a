"""`pellucid explain`: why a model answers as it does for one row."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from pellucid.cli import files, output
from pellucid.glass.attribution import BLOCK

PLAIN_BLOCK = "#"  # where the former cannot be printed

EXAMPLE = """Example:
  pellucid explain penguins.pellucid examples/penguins.csv --row 17
  pellucid explain penguins.pellucid examples/penguins.csv --row 17 --class Gentoo --baseline 200

Each column gets a number: how far it moved the answer away from that for the baseline, in the
unit of the answer. Together they are the difference of the two answers, exactly."""

app = App(name="explain", help_epilogue=EXAMPLE)


@app.default
def explain(
    model: Path,
    data: Path,
    /,
    *,
    row: Annotated[int, Parameter(metavar="NUMBER")],
    class_: Annotated[str | None, Parameter(name=["--class", "--output"], metavar="NAME")] = None,
    baseline: Annotated[int | None, Parameter(metavar="NUMBER")] = None,
    json: bool = False,
) -> None:
    """Explain the prediction for one row: which columns moved it how far, and its way through the network.

    Parameters
    ----------
    model
        The file of a model that pellucid fit wrote.
    data
        A CSV or Parquet file with the columns of the training, or - for standard input. With the target too,
        the way backward is shown as well.
    row
        Which row of data, counted from 1; the header does not count.
    class_
        The class whose probability is explained, unless it is the predicted one; of several targets, the one
        that is meant.
    baseline
        Compare with this row of the same table, and not with a typical one.
    json
        Print one JSON object.
    """
    the_model = files.load_table_model(model)
    found = the_model.explain(files.table_source(data), row, output=class_, baseline=baseline)
    if json:
        output.write_json({"model": str(model), **found.to_dict()})
    else:
        output.write(found.text(BLOCK if output.can_print(BLOCK) else PLAIN_BLOCK))
