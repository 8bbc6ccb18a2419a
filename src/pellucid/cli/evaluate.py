"""`pellucid evaluate`: how good a model is on rows whose targets are known."""

from __future__ import annotations

import warnings
from pathlib import Path

from cyclopts import App

from pellucid.cli import files, output
from pellucid.cli.columns import Column, Encoding, Tables
from pellucid.errors import ArgumentError, PellucidWarning

EXAMPLE = """Example:
  pellucid evaluate penguins.pellucid examples/penguins.csv
  pellucid evaluate penguins.pellucid examples/penguins.csv --plot confusion.png"""

app = App(name="evaluate", help_epilogue=EXAMPLE)


@app.default
def evaluate(
    model: Path,
    data: Tables,
    /,
    *,
    plot: files.Picture = None,
    plot_calibration: files.Picture = None,
    weight: Column = None,
    encoding: Encoding = "utf-8",
    json: bool = False,
) -> None:
    """Score a model on the rows of a table that have a target, beside its evidence.

    Parameters
    ----------
    model
        The file of a model that pellucid fit wrote.
    data
        A CSV or Parquet file with the columns of the training and the target, or - for standard input;
        several are read as one table.
    plot
        Draw predictions against the truth into a file that ends in .png, .svg or .pdf: of classes the
        confusion matrix, of numbers one against the other.
    plot_calibration
        Draw how often comes true what is said with a probability.
    weight
        A column of numbers: what each row counts; 0 leaves it out.
    encoding
        Of text files; utf-8 unless given.
    json
        Print one JSON object.
    """
    from pellucid.tables.evidence import LINE, NETWORK, TRIVIAL, shown

    files.check_can_draw(plot, "--plot")
    files.check_can_draw(plot_calibration, "--plot-calibration")
    the_model = files.load_table_model(model)
    if plot_calibration is not None and not the_model.classes:
        raise ArgumentError(
            f"{str(model)!r} predicts numbers, and --plot-calibration is for classes. Use --plot."
        )
    notes: list[str] = []
    table = the_model.read(files.table_source(*data), with_target=True, encoding=encoding)
    scores = the_model.evaluate(table, notes, weight=weight)
    with warnings.catch_warnings(action="ignore", category=PellucidWarning):  # they are in the notes
        if plot is not None:
            the_model.plot_predictions(table, plot)
            output.say(f"The picture is in {plot}.")
        if plot_calibration is not None:
            the_model.plot_calibration(table, plot_calibration)
            output.say(f"The picture is in {plot_calibration}.")
    for note in notes:
        output.say(note)
    n_rows = int(scores.pop("n_rows"))
    evidence = the_model.evidence
    if json:
        found = {"model": str(model), "n_rows": n_rows, "scores": scores, "notes": notes}
        found["evidence"] = evidence.to_dict()
        output.write_json(found)
        return
    metrics = list(scores)
    said = f"network on the {n_rows:,} rows of {table.origin.name}"
    rows = [[said, *(shown(m, scores[m]) for m in metrics)]]
    which = "validation" if evidence.held_out else "training"
    for what in (NETWORK, LINE, TRIVIAL):
        values = evidence.scores[what]
        said = f"{what} at the fit, on {evidence.n_rows:,} {which} rows"
        rows.append([said, *(shown(m, values[m]) if m in values else "" for m in metrics)])
    output.write_table(["", *metrics], rows)
