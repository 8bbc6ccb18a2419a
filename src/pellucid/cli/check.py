"""`pellucid check`: what may be wrong with a model, its training, or the rows of a table."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from pellucid.cli import files, output
from pellucid.cli.columns import Encoding, Tables

EXAMPLE = """Example:
  pellucid check penguins.pellucid examples/penguins.csv"""

app = App(name="check", help_epilogue=EXAMPLE)


@app.default
def check(
    model: Path,
    data: Tables,
    /,
    *,
    no_trials: bool = False,
    encoding: Encoding = "utf-8",
    json: bool = False,
) -> None:
    """Look for what may be wrong with a model, its training, or the rows of a table.

    Each finding says what was measured, why it matters, what to try, and whether that helped in a short fit.

    Parameters
    ----------
    model
        The file of a model that pellucid fit wrote.
    data
        A CSV or Parquet file with the columns of the training and the target, or - for standard input;
        several are read as one table. Best what the model was trained on. Rows are counted from 1; the
        header does not count.
    no_trials
        Do not try what is advised.
    encoding
        Of text files; utf-8 unless given.
    json
        Print one JSON object.
    """
    the_model = files.load_table_model(model)
    notes: list[str] = []
    table = the_model.read(files.table_source(*data), with_target=True, encoding=encoding)
    found = the_model.health(table, notes, try_fixes=not no_trials)
    for note in notes:
        output.say(note)
    if json:
        output.write_json({"model": str(model), **found.to_dict(), "notes": notes})
    else:
        output.write(str(found))
