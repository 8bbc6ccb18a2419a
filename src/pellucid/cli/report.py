"""`pellucid report`: one page on a model and a table."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from pellucid.cli import files, output
from pellucid.cli.columns import Encoding, Tables
from pellucid.cli.failures import in_words_of_the_command
from pellucid.errors import ArgumentError, PellucidWarning

EXAMPLE = """Example:
  pellucid report penguins.pellucid examples/penguins.csv --out penguins.html

No file is lost: where one has the default name already, the page gets a name with a number. A file
named by --out is replaced if it is a report, and refused if it is anything else."""

app = App(name="report", help_epilogue=EXAMPLE)


@app.default
def report(
    model: Path,
    data: Tables,
    /,
    *,
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    encoding: Encoding = "utf-8",
    no_trials: bool = False,
    json: bool = False,
) -> None:
    """Write one HTML page on a model and a table, which needs no network connection.

    It holds the evidence, pictures of predictions, training and the network, which columns matter, why some
    rows are predicted as they are, and what may be wrong.

    Parameters
    ----------
    model
        The file of a model that pellucid fit wrote.
    data
        A CSV or Parquet file with the columns of the training and the target, or - for standard input;
        several are read as one table.
    out
        Where the page goes; the model's name with .html, in this folder, unless given.
    encoding
        Of text files; utf-8 unless given.
    no_trials
        Do not try what findings advise.
    json
        Print one JSON object.
    """
    from pellucid.plots.page import check_can_draw
    from pellucid.tables.report.page import report_page

    check_can_draw()
    place = out or Path(f"{model.stem}.html")
    files.check_can_write(place, "--out")
    if out is not None:
        check_is_report(out)
    the_model = files.load_table_model(model)
    table = the_model.read(files.table_source(*data), with_target=True, encoding=encoding)
    with warnings.catch_warnings(action="ignore", category=PellucidWarning):  # the page says the same
        page = report_page(the_model, table, try_fixes=not no_trials, words=in_words_of_the_command)
    path = out or files.reserve(place)
    files.write_whole(path, page.encode())
    if json:
        output.write_json({"model": str(model), "report": str(path)})
    else:
        output.write(f"The report is in {path}.")


def check_is_report(path: Path) -> None:
    """Refuse to overwrite a file that is there and is no report."""
    from pellucid.tables.report.page import MARK

    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        head = file.read(512)
        if head and MARK.encode() not in head:
            raise ArgumentError(
                f"{str(path)!r} is there already and is no report, so it is not overwritten. "
                "Give --out another name."
            )
