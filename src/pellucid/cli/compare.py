"""`pellucid compare`: which answer suits a table, a straight line and trees included."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from pellucid import checks
from pellucid.cli import files, output
from pellucid.cli.columns import Asked, Column, Columns, Encoding, Tables
from pellucid.cli.failures import in_words_of_the_command
from pellucid.cli.fit import Task, missing_target
from pellucid.errors import ArgumentError, UnknownNameError
from pellucid.tables.presets import PRESETS
from pellucid.tables.targets import ASKED as TASKS

EXAMPLE = """Example:
  pellucid compare examples/penguins.csv --target species --preset fast --folds 3

All presets are trained unless some are named, each once for every part: best may take many minutes."""

app = App(name="compare", help_epilogue=EXAMPLE)


@app.default
def compare(
    data: Tables,
    /,
    *,
    target: Columns = None,
    preset: Annotated[list[str] | None, Parameter(metavar="NAME,NAME,...")] = None,
    folds: int = 5,
    task: Task = None,
    group: Column = None,
    time: Column = None,
    time_limit: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    asked: Asked = Asked(),  # noqa: B008
    no_trees: bool = False,
    encoding: Encoding = "utf-8",
    quiet: bool = False,
    json: bool = False,
) -> None:
    """Compare a trivial answer, a straight line, networks and boosted trees on the same rows.

    Each is trained anew for each part of the rows, on the others, and judged by it. The last sentence says
    which to use: the simplest that is not worse than the best by more than chance.

    Parameters
    ----------
    data
        A CSV or Parquet file, or - for standard input; several are read as one table.
    target
        The column to predict [required]; can be repeated for several columns of numbers.
    preset
        Those to train, such as fast,default or once for each, or none; fast, default and best unless given.
    folds
        How many parts the rows are dealt into; 5 unless given.
    group
        All rows of a value of this column, such as a customer, are in one part.
    time
        A column of dates or numbers; the newest part of the rows is judged, once.
    time_limit
        Stop each training after so many seconds.
    seed
        Decides the parts, the first weights and the order of the rows; 0 unless given.
    threads
        How many threads work; as many as the work is worth unless given.
    no_trees
        Leave out boosted trees, which are trained where scikit-learn is installed.
    encoding
        Of text files; utf-8 unless given.
    quiet
        Show no progress.
    json
        Print one JSON object.
    """
    presets = read_presets(preset)
    checks.whole("--folds", folds, least=2)
    if task is not None and task not in TASKS:
        raise UnknownNameError("task", task, TASKS)
    if not target:
        raise ArgumentError(missing_target(data, encoding, "compare"))
    from pellucid.tables.compare import compare_table

    more: dict[str, Any] = {"time_limit": time_limit, "threads": threads}
    found = compare_table(
        files.table_source(*data),
        target[0] if len(target) == 1 else target,
        presets=presets,
        folds=folds,
        task=task,
        group=group,
        time=time,
        seed=seed,
        trees=not no_trees,
        encoding=encoding,
        verbose=0 if quiet else 1,
        **asked.given(),
        **{n: v for n, v in more.items() if v is not None},
    )
    if json:
        said = found.to_dict()
        said["verdict"] = in_words_of_the_command(said["verdict"])
        said["notes"] = [in_words_of_the_command(note) for note in said["notes"]]
        output.write_json(said)
    else:
        output.write(in_words_of_the_command(str(found)))


def read_presets(texts: list[str] | None) -> list[str]:
    """The presets that are to be trained.

    Examples
    --------
    >>> read_presets(["fast,best"]), read_presets(["none"]), read_presets(None)
    (['fast', 'best'], [], ['fast', 'default', 'best'])
    """
    if texts is None:
        return list(PRESETS)
    words = [word.strip() for text in texts for word in text.split(",")]
    if words == ["none"]:
        return []
    for word in words:
        checks.choice("--preset", word, [*PRESETS, "none"])
    return words
