"""`pellucid columns`: what each column of a table is taken for, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from pellucid.cli import files, output
from pellucid.cli.failures import in_words_of_the_command
from pellucid.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pellucid.tables.role import Role

EXAMPLE = """Example:
  pellucid columns examples/penguins.csv --target species
  pellucid columns examples/penguins.csv --out schema.toml
  pellucid fit examples/penguins.csv --target species --schema schema.toml"""

Columns = Annotated[list[str] | None, Parameter(metavar="COLUMN")]
Column = Annotated[str | None, Parameter(metavar="COLUMN")]
Tables = Annotated[list[Path], Parameter(metavar="DATA")]
Encoding = Annotated[str, Parameter(metavar="NAME")]
File = Annotated[Path | None, Parameter(metavar="FILE")]

app = App(name="columns", help_epilogue=EXAMPLE)


@Parameter(name="*")
@dataclass(kw_only=True)
class Asked:
    """What is asked of columns.

    Parameters
    ----------
    numbers
        A column to use as numbers, whatever is in it; can be repeated.
    categories
        A column to use as a category; can be repeated.
    dates
        A column to use as a date, also with the way to read it, as in born=day/month/year; can be repeated.
    ignore
        A column to leave out; can be repeated.
    schema
        A TOML file that asks for such things; pellucid columns --out writes one.
    """

    numbers: Annotated[Columns, Parameter(name="--number")] = None
    categories: Annotated[Columns, Parameter(name="--category")] = None
    dates: Annotated[Columns, Parameter(name="--date")] = None
    ignore: Columns = None
    schema: File = None

    def given(self) -> dict[str, Any]:
        """What was given, by the names of `Schema.of`."""
        return {n: v for n, v in vars(self).items() if v is not None}


@app.default
def columns(
    data: Tables,
    /,
    *,
    target: Columns = None,
    out: File = None,
    asked: Asked = Asked(),  # noqa: B008
    encoding: Encoding = "utf-8",
    json: bool = False,
) -> None:
    """Show what each column of a table is taken for, and why.

    Parameters
    ----------
    data
        A CSV or Parquet file, or - for standard input; several are read as one table.
    target
        The column to predict, which is no input; can be repeated.
    out
        A .toml file for the roles as they are, to be changed by hand and given to fit with --schema.
    encoding
        Of text files; utf-8 unless given.
    json
        Print one JSON object.
    """
    if out is not None:
        check_out(out)
    from pellucid.tables.reading import read_table
    from pellucid.tables.roles import choose_roles
    from pellucid.tables.schema import Schema, schema_text

    schema = Schema.of(**asked.given())
    table = read_table(files.table_source(*data), text=schema.text_columns, encoding=encoding)
    targets = [table.find(name, "target column") for name in target or ()]
    roles = choose_roles(table, targets, schema=schema)
    if out is not None:
        files.write_whole(out, schema_text(roles).encode())
    if json:
        found = {"n_rows": len(table), "target": targets, "columns": described(roles)}
        output.write_json(found | ({"out": str(out)} if out is not None else {}))
        return
    show_roles(roles)
    if questions := [f"Column {r.name!r}: {r.question}." for r in roles if r.question]:
        output.write(in_words_of_the_command("\n".join(["", *questions])))
    if out is not None:
        paths = " ".join(map(str, data))
        output.write(f"\nWrote {out}. To fit with it: pellucid fit {paths} --target COLUMN --schema {out}")


def check_out(out: Path) -> None:
    """Refuse a place where a schema cannot be written, or that holds something else."""
    if out.suffix.lower() != ".toml":
        raise ArgumentError(f"--out must end in .toml, but is {str(out)!r}.")
    if out.exists():
        raise ArgumentError(
            f"{str(out)!r} is there already, and may have been changed by hand. Give --out another name."
        )
    files.check_can_write(out, "--out")


def show_roles(roles: Iterable[Role], inputs: Mapping[str, str] | None = None) -> None:
    """Print a line for each column, with what becomes of it if that is known."""
    lines = []
    for r in roles:
        used_as = r.kind if r.is_used else f"left out: {r.kind}"
        line = [r.name, used_as, in_words_of_the_command(r.reason)]
        lines.append(line if inputs is None else [*line, inputs.get(r.name, "")])
    head = ["column", "used as", "because"] if inputs is None else ["column", "used as", "because", "inputs"]
    output.write_table(head, lines, n_texts=4)


def described(roles: Iterable[Role]) -> list[dict[str, Any]]:
    """The roles as plain values."""
    return [
        {
            "name": r.name,
            "role": r.kind,
            "used": r.is_used,
            "reason": r.reason,
            "question": r.question or None,
        }
        for r in roles
    ]
