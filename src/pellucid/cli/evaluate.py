"""`pellucid evaluate`: how good a model is on rows whose targets are known."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from pellucid.cli import files, output

EXAMPLE = """Example:
  pellucid evaluate penguins.pellucid examples/penguins.csv"""

app = App(name="evaluate", help_epilogue=EXAMPLE)


@app.default
def evaluate(model: Path, data: Path, /, *, json: bool = False) -> None:
    """Score a model on the rows of a table that have a target, beside its evidence.

    Parameters
    ----------
    model
        The file of a model that pellucid fit wrote.
    data
        A CSV or Parquet file with the columns of the training and the target, or - for standard input.
    json
        Print one JSON object.
    """
    from pellucid.tables.evidence import LINE, NETWORK, TRIVIAL, shown

    the_model = files.load_table_model(model)
    notes: list[str] = []
    scores = the_model.evaluate(files.table_source(data), notes)
    for note in notes:
        output.say(note)
    n_rows = int(scores.pop("n_rows"))
    evidence = the_model.evidence
    if json:
        found = {"model": str(model), "n_rows": n_rows, "scores": scores, "notes": notes}
        found["evidence"] = evidence.to_dict()
        output.write_json(found)
        return
    name = "standard input" if data == files.STANDARD_INPUT else data.name
    metrics = list(scores)
    rows = [[f"network on the {n_rows:,} rows of {name}", *(shown(m, scores[m]) for m in metrics)]]
    which = "validation" if evidence.held_out else "training"
    for what in (NETWORK, LINE, TRIVIAL):
        values = evidence.scores[what]
        said = f"{what} at the fit, on {evidence.n_rows:,} {which} rows"
        rows.append([said, *(shown(m, values[m]) if m in values else "" for m in metrics)])
    output.write_table(["", *metrics], rows)
