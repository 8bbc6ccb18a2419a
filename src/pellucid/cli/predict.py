"""`pellucid predict`: the rows of a table with what a model makes of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from pellucid.cli import files, output
from pellucid.cli.columns import Encoding, Tables
from pellucid.errors import ArgumentError
from pellucid.tables.table import nameless

if TYPE_CHECKING:
    import polars as pl

    from pellucid.tables.model import TableModel
    from pellucid.tables.table import Table

EXAMPLE = """Example:
  pellucid predict penguins.pellucid examples/penguins.csv --out predicted.csv

The columns of the table are kept, and others follow: prediction, and for each class
probability_CLASS. A column of the table that has such a name already is kept as NAME_input.
Missing values are left empty."""

KINDS = (".csv", ".parquet")

app = App(name="predict", help_epilogue=EXAMPLE)


@app.default
def predict(
    model: Path,
    data: Tables,
    /,
    *,
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    interval: Annotated[float | None, Parameter(metavar="P")] = None,
    encoding: Encoding = "utf-8",
    json: bool = False,
) -> None:
    """Predict the rows of a table.

    Parameters
    ----------
    model
        The file of a model that pellucid fit wrote.
    data
        A CSV or Parquet file with the columns of the training, or - for standard input;
        several are read as one table.
    out
        A .csv or .parquet file for the result. Unless given, it goes to standard output as CSV.
    interval
        Of numbers also prediction_low and prediction_high, between which the truth lies with this
        probability, such as 0.9.
    encoding
        Of text files; utf-8 unless given.
    json
        Print one JSON object, with a list of rows; with --out, without them.
    """
    if out is not None:
        check_out(out, model, data)
    the_model = files.load_table_model(model)
    table = read_as_written(the_model, data, encoding)
    notes: list[str] = []
    frame = the_model.predict_table(table, notes, interval=interval)
    for note in notes:
        output.say(note)
    if out is not None:
        write_file(frame, out)
    if json:
        rows = {"predictions": frame.to_dicts()} if out is None else {"out": str(out)}
        output.write_json({**rows, "n_rows": frame.height, "notes": notes})
    elif out is None:
        output.write_bytes(filled(frame, "csv"))
    else:
        output.write(f"Wrote {frame.height:,} rows to {out}.")


def check_out(out: Path, model: Path, data: Sequence[Path]) -> None:
    """Refuse a result that cannot be written, or would take the place of what it is made from."""
    if out.suffix.lower() not in KINDS:
        raise ArgumentError(f"--out must end in {' or '.join(KINDS)}, but is {str(out)!r}.")
    for path, what in ((model, "model"), *((path, "table") for path in data)):
        if out.exists() and path.exists() and out.samefile(path):
            raise ArgumentError(f"--out {str(out)!r} would replace the {what} itself. Give it another name.")
    files.check_can_write(out, "--out")


def read_as_written(model: TableModel, data: Sequence[Path], encoding: str) -> Table:
    """The table, with each column that the model does not use as its texts stand in the file.

    So an identifier such as `00123` comes out as it went in.
    """
    from pellucid.tables.reading import read_table

    known = model.encoding
    typed = {c.name for c in known.columns} - set(known.text_columns)
    return read_table(files.table_source(*data), text=lambda name: name not in typed, encoding=encoding)


def write_file(frame: pl.DataFrame, out: Path) -> None:
    """Write the result, whole or not at all."""
    content = filled(frame, out.suffix.lower().removeprefix("."))
    files.write_whole(out, content)


def filled(frame: pl.DataFrame, kind: str) -> bytes:
    """The result as the bytes of a CSV or Parquet file."""
    stream = io.BytesIO()
    if kind == "parquet":
        frame.write_parquet(stream)
    else:
        spelled(frame).write_csv(stream)
    return stream.getvalue()


def spelled(frame: pl.DataFrame) -> pl.DataFrame:
    """The same with texts for what CSV cannot hold: durations (ISO 8601), bytes (hexadecimal), lists."""
    import polars as pl

    def text(column: pl.Series) -> pl.Series:
        if isinstance(column.dtype, pl.Duration):
            return column.dt.to_string("iso")
        if column.dtype == pl.Binary:
            return column.bin.encode("hex")
        if column.dtype.is_nested():
            return pl.Series([None if v is None else str(v) for v in column.to_list()], dtype=pl.String)
        return column

    return pl.DataFrame({column.name: text(nameless(column)) for column in frame.get_columns()})
