"""Which files a command may read and write; what would fail after the work is refused before it."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pellucid.errors import ArgumentError, ModelFileError

if TYPE_CHECKING:
    from pellucid.network import Network
    from pellucid.tables.model import TableModel

SUFFIX = ".pellucid"
Picture = Annotated[Path | None, Parameter(metavar="PICTURE")]
STANDARD_INPUT = Path("-")


def table_source(*data: Path) -> list[Path | str]:
    """What `read_table` takes: paths, and `"-"` for standard input."""
    return ["-" if path == STANDARD_INPUT else path for path in data]


def load_model(path: Path) -> TableModel | Network:
    """The model of a file."""
    if path == STANDARD_INPUT:
        raise ArgumentError("a model is read from a file, not from standard input. Give its path.")
    from pellucid.loading import load

    model: TableModel | Network = load(path)
    return model


def load_table_model(path: Path) -> TableModel:
    """The model of a file, which must be one of a table."""
    from pellucid.tables.model import TableModel

    model = load_model(path)
    if not isinstance(model, TableModel):
        raise ModelFileError(
            f"{str(path)!r} holds a network alone, which knows nothing of columns. Use it from Python: "
            f"pellucid.load({str(path)!r}).predict(X)."
        )
    return model


def default_model_path(data: Path) -> Path:
    """Where the model of a table goes unless its user says otherwise; of a pattern, the folder's name.

    Examples
    --------
    >>> default_model_path(Path("data/penguins.csv.gz")).name, default_model_path(Path("-")).name
    ('penguins.pellucid', 'model.pellucid')
    >>> default_model_path(Path("data/*.csv")).name
    'data.pellucid'
    """
    if has_magic(data.name):
        data = data.parent
    if data == STANDARD_INPUT or not data.name or has_magic(data.name):
        return Path(f"model{SUFFIX}")
    name = data.name.removesuffix(".gz")
    return Path(f"{Path(name).stem}{SUFFIX}")


def check_can_write(path: Path, option: str) -> None:
    """Refuse a path where no file can be written.

    Raises
    ------
    ArgumentError
        If its folder does not exist or cannot be written in, or it is no ordinary file.
    """
    if path == STANDARD_INPUT:
        raise ArgumentError(f"{option} needs the path of a file, not a hyphen.")
    target = Path(os.path.realpath(path))
    try:
        if target.is_dir():
            raise ArgumentError(f"{str(path)!r} is a folder. Give {option} the path of a file in it.")
        if target.exists() and not target.is_file():
            raise ArgumentError(f"{str(path)!r} is a device or a pipe. Give {option} the path of a file.")
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(0, "permission denied")
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".pellucid-"):
            pass
    except FileNotFoundError:
        reason = f"there is no folder {str(path.parent)!r} in which a file can be made"
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
    else:
        return
    raise ArgumentError(f"{str(path)!r} cannot be written: {reason}. Choose another place with {option}.")


def check_is_model(path: Path, option: str) -> None:
    """Refuse to overwrite a file that is there and is no model, such as the table itself."""
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        head = file.read(64)
        if head and not (head.startswith(b"PK\3\4") and head[30:].startswith(b"model.json")):
            raise ArgumentError(
                f"{str(path)!r} is there already and is no pellucid model, so it is not overwritten. "
                f"Give {option} another name."
            )


def check_can_draw(path: Path | None, option: str) -> None:
    """Refuse a picture that could not be drawn or saved, or that would overwrite what is no picture.

    Raises
    ------
    CallError, ArgumentError
        If matplotlib is not installed; if the path's ending names no picture, or it cannot be written.
    """
    if path is None:
        return
    from pellucid.plots.page import check_can_draw as check

    check(path)
    check_can_write(path, option)
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        head = file.read(1024)
        if head and not (head.startswith((b"\x89PNG", b"%PDF")) or b"<svg" in head):
            raise ArgumentError(
                f"{str(path)!r} is there already and is no picture, so it is not overwritten. "
                f"Give {option} another name."
            )


def reserve(path: Path) -> Path:
    """The path if it is free, else with the first free number; an empty file keeps it from others.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = [reserve(Path(folder, "penguins.pellucid")) for _ in range(3)]
    >>> [p.name for p in paths]
    ['penguins.pellucid', 'penguins-2.pellucid', 'penguins-3.pellucid']
    """
    free, number = path, 1
    while True:
        try:
            os.close(os.open(free, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            number += 1
            free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        else:
            return free


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a failure leaves what was there before."""
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".pellucid-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ArgumentError(f"{str(path)!r} cannot be written: {reason}.") from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
