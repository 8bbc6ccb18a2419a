"""`pellucid fit`: from a table to a model in a file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from pellucid import checks
from pellucid.activations import ACTIVATIONS
from pellucid.cli import files, output
from pellucid.cli.columns import Asked, Column, Columns, Encoding, File, Tables
from pellucid.cli.describe import describe
from pellucid.cli.failures import in_words_of_the_command
from pellucid.errors import ArgumentError, ModelFileError, UnknownNameError
from pellucid.optimizers import OPTIMIZERS
from pellucid.registry import Registry
from pellucid.schedules import SCHEDULES
from pellucid.tables.decision import CHOSEN_BY
from pellucid.tables.normalisation import NORMALISATIONS
from pellucid.tables.presets import PRESETS
from pellucid.tables.target_scales import TARGET_SCALES
from pellucid.tables.targets import ASKED as TASKS

if TYPE_CHECKING:
    from pellucid.tables.model import TableModel

EXAMPLE = """Example:
  pellucid fit examples/penguins.csv --target species

No file is lost: where one has the default name already, the model gets a name with a number. A file
named by --out is replaced if it is a model, and refused if it is anything else.

Ctrl-C ends the training, not the command: the network as it is then is judged and saved. Pressed
again, it ends the training of the straight line that the network is compared with."""

app = App(name="fit", help_epilogue=EXAMPLE)

REGISTRIES: dict[str, Registry[Any]] = {
    "activation": ACTIVATIONS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "normalisation": NORMALISATIONS,
}


def one_of(what: str, names: Callable[[], list[str]]) -> Parameter:
    """An option that takes a name; help and completion list those there are."""
    return Parameter(help=f"{what}: {', '.join(names())}.", metavar="NAME", completer=lambda _: names())


Preset = Annotated[
    str | None,
    one_of(
        "How much is done, from a second to minutes; default, unless the network is described below",
        lambda: list(PRESETS),
    ),
]
Task = Annotated[str | None, one_of("Inferred from the target unless given", lambda: list(TASKS))]
Activation = Annotated[str | None, one_of("Of the hidden layers", ACTIVATIONS.names)]
Optimizer = Annotated[str | None, one_of("How weights are updated", OPTIMIZERS.names)]
Schedule = Annotated[str | None, one_of("How the learning rate changes", SCHEDULES.names)]
Normalisation = Annotated[str | None, one_of("Of the number columns", NORMALISATIONS.names)]
Metric = Annotated[
    str | None,
    one_of("What classes are answered for; the most probable one unless given", lambda: list(CHOSEN_BY)),
]
Scale = Annotated[str | None, one_of("What a regression learns", lambda: list(TARGET_SCALES))]


@Parameter(name="*")
@dataclass(kw_only=True)
class Options:
    """How to train; what is left out is as `fit_table` has it.

    Parameters
    ----------
    hidden
        Neurons of the hidden layers, such as 100,100 or once for each; none for a straight line.
    dropout
        Share of each hidden layer's activations that a training step drops.
    epochs
        Passes over the training rows, at most.
    batch_size
        Rows of one update; chosen by the number of rows unless given.
    learning_rate
        A number, or auto to find one by a range test.
    patience
        Stop after so many epochs without a better validation loss.
    until
        Stop when the loss on the training rows is below it.
    time_limit
        Stop after so many seconds.
    validation
        Share of the rows that is held back to validate on; 0.2 unless given.
    group
        No value of this column, such as a customer, is both in training and in validation rows.
    time
        A column of dates or numbers; the newest rows validate.
    weight
        A column of numbers: what each row counts; 0 leaves it out.
    class_weight
        balanced gives rare classes as much weight as frequent ones.
    seed
        Decides the split, the first weights and the order of the rows; 0 unless given.
    threads
        How many threads work; as many as the work is worth unless given.
    checkpoint
        A file that holds after each epoch all that is needed to go on.
    resume
        Go on from the checkpoint, if its file is there.
    record
        Keep in the file how weights and activations were spread over the epochs, for pictures of them.
    """

    preset: Preset = None
    task: Task = None
    target_scale: Scale = None
    hidden: Annotated[list[str] | None, Parameter(metavar="N,N,...")] = None
    activation: Activation = None
    dropout: float | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: Annotated[str | None, Parameter(metavar="X|auto", allow_leading_hyphen=True)] = None
    optimizer: Optimizer = None
    schedule: Schedule = None
    patience: int | None = None
    until: float | None = None
    time_limit: float | None = None
    validation: float | None = None
    group: Column = None
    time: Column = None
    weight: Column = None
    metric: Metric = None
    normalisation: Normalisation = None
    class_weight: str | None = None
    seed: int | None = None
    threads: int | None = None
    checkpoint: File = None
    resume: bool = False
    record: bool = False

    def checked(self) -> dict[str, Any]:
        """What was given, by the names of `fit_table`.

        Raises
        ------
        ArgumentError
            If a name is not known or a value cannot be read.
        """
        given = {n: v for n, v in asdict(self).items() if v is not None and v is not False}
        if self.preset is not None:
            checks.choice("--preset", self.preset, list(PRESETS))
        if self.task is not None and self.task not in TASKS:
            raise UnknownNameError("task", self.task, TASKS)
        if self.target_scale is not None:
            checks.choice("--target-scale", self.target_scale, TARGET_SCALES)
        for name, registry in REGISTRIES.items():
            if name in given:
                registry.find(given[name])
        if self.hidden is not None:
            given["hidden"] = read_widths(self.hidden)
        if self.learning_rate is not None:
            given["learning_rate"] = read_rate(self.learning_rate)
        if self.class_weight is not None:
            checks.choice("--class-weight", self.class_weight, ["balanced"])
        if self.resume and self.checkpoint is None:
            raise ArgumentError("--resume needs --checkpoint with the file to go on from.")
        return given


def read_widths(texts: list[str]) -> list[int]:
    """Neurons of the hidden layers.

    Examples
    --------
    >>> read_widths(["100,50", "20"]), read_widths(["none"])
    ([100, 50, 20], [])
    """
    words = [word.strip() for text in texts for word in text.split(",")]
    if words == ["none"]:
        return []
    if not all(word.isdecimal() and int(word) for word in words):
        raise ArgumentError(
            f"--hidden must be whole numbers such as 100,100, or none, but is {','.join(words)!r}."
        )
    return [int(word) for word in words]


def read_rate(text: str) -> float | str:
    """A learning rate: a number or `auto`."""
    if text == "auto":
        return text
    try:
        return checks.number("--learning-rate", float(text), 0, open_ends="least")
    except ValueError:
        raise ArgumentError(f"--learning-rate must be a number above 0, or auto, but is {text!r}.") from None


@app.default
def fit(
    data: Tables,
    /,
    *,
    target: Columns = None,
    out: File = None,
    options: Options = Options(),  # noqa: B008
    asked: Asked = Asked(),  # noqa: B008
    plot: files.Picture = None,
    encoding: Encoding = "utf-8",
    quiet: bool = False,
    json: bool = False,
) -> None:
    """Train a network on a table, and keep it in a file.

    Parameters
    ----------
    data
        A CSV or Parquet file, or - for standard input; several are read as one table.
    target
        The column to predict [required]; can be repeated for several columns of numbers.
    out
        Where the model goes; the table's name with .pellucid, in this folder, unless given.
    plot
        Draw the learning curves into a file that ends in .png, .svg or .pdf.
    encoding
        Of text files; utf-8 unless given.
    quiet
        Show no progress.
    json
        Print one JSON object.
    """
    given = options.checked() | asked.given()
    place = out or files.default_model_path(data[0])
    files.check_can_write(place, "--out")
    if out is not None:
        files.check_is_model(out, "--out")
    files.check_can_draw(plot, "--plot")
    if options.checkpoint is not None:
        check_checkpoint(options.checkpoint, place, options.resume)
    if not target:
        raise ArgumentError(missing_target(data, encoding))
    from pellucid.tables.fit import fit_table

    names = target[0] if len(target) == 1 else target
    model = fit_table(files.table_source(*data), names, encoding=encoding, verbose=0 if quiet else 1, **given)
    path = save(model, place, may_replace=out is not None)
    if plot is not None:
        model.plot_training(plot)
        output.say(f"The picture is in {plot}.")
    if json:
        output.write_json(describe(model, path))
    else:
        report = in_words_of_the_command(model.report())
        output.write(f"{report}\n\nSaved as {path}. To predict with it: pellucid predict {path} DATA")


def save(model: TableModel, place: Path, *, may_replace: bool) -> Path:
    """Write the model and give its path; where that fails only now, a long training is not lost."""
    path = place if may_replace else files.reserve(place)
    try:
        model.save(path)
    except ModelFileError as error:
        raise ModelFileError(f"{error} {rescued(model, path.name)}") from error
    finally:
        if not may_replace and path.exists() and not path.stat().st_size:
            path.unlink()
    return path


def rescued(model: TableModel, name: str) -> str:
    """Write the model where temporary files go, and say so."""
    path = Path(tempfile.mkdtemp(prefix="pellucid-"), name)
    try:
        model.save(path)
    except ModelFileError:
        return "Nor can it be kept among the temporary files."
    return f"The trained model is in {str(path)!r} instead."


def check_checkpoint(checkpoint: Path, out: Path, resume: bool) -> None:
    """Refuse a checkpoint that cannot be written, or that would overwrite what is not meant."""
    files.check_can_write(checkpoint, "--checkpoint")
    files.check_is_model(checkpoint, "--checkpoint")
    if checkpoint.resolve() == out.resolve():
        raise ArgumentError(f"--checkpoint and --out both name {str(out)!r}. Give them different names.")
    if checkpoint.exists() and not resume:
        raise ArgumentError(
            f"the checkpoint {str(checkpoint)!r} is there already. Add --resume to go on from it, or give "
            "--checkpoint another name."
        )


def missing_target(data: Sequence[Path], encoding: str, command: str = "fit") -> str:
    """The sentence for a missing --target, with the columns there are."""
    from pellucid.tables.reading import read_table
    from pellucid.tables.table import listed

    table = read_table(files.table_source(*data), encoding=encoding)
    return (
        f"{command} needs --target with the column to predict. "
        f"The columns of {table.origin.name}: {listed(table.names)}."
    )
