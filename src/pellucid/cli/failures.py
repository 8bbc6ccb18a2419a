"""From an exception to what the user of the command reads: a kind, one sentence, an exit code."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cyclopts import CycloptsError, MissingArgumentError, UnusedCliTokensError

from pellucid.errors import InternalError, PellucidError

WRONG_CALL = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it

# Messages of the library name Python's arguments; who typed a command needs its options.
OPTIONS = {
    r"\bcategories=\['(\w+)'\]": r"--category \1",
    r"\bcategories=\[(.*?)\]": r"--category \1",
    r"\bnumbers=\['(\w+)'\]": r"--number \1",
    r"\bnumbers=\[(.*?)\]": r"--number \1",
    r"\bdates=\['([\w=/-]+)'\]": r"--date \1",
    r"\bdates=\[(.*?)\]": r"--date \1",
    r"\bignore=\['(\w+)'\]": r"--ignore \1",
    r"\bignore=\[(.*?)\]": r"--ignore \1",
    r"\bgroup='(\w+)'": r"--group \1",
    r"\bweight='(\w+)'": r"--weight \1",
    r"\btarget_scale='(\w+)'": r"--target-scale \1",
    r"\btask='(\w+)'": r"--task \1",
    r"\bpreset='(\w+)'": r"--preset \1",
    r"\bmetric='(\w+)'": r"--metric \1",
    r"\boutput='(.*?)'": r"--output \1",
    r"\bencoding='([\w-]+)'": r"--encoding \1",
    r"\bhidden=\(\)": "--hidden none",
}


@dataclass(frozen=True)
class Failure:
    """What went wrong.

    Parameters
    ----------
    kind : str
        The name of the exception, for programs.
    message : str
        One sentence or a few, for people.
    exit_code : int
        2 for a wrong call or wrong data, 1 for a fault of pellucid's own, 130 for Ctrl-C.
    """

    kind: str
    message: str
    exit_code: int


def failure_of(error: BaseException) -> Failure:
    """What to say of an exception.

    Examples
    --------
    >>> from pellucid.errors import TableError
    >>> failure_of(TableError("data.csv is empty."))
    Failure(kind='TableError', message='data.csv is empty.', exit_code=2)
    >>> failure_of(KeyError("weights")).exit_code
    1
    """
    if isinstance(error, PellucidError):
        return Failure(type(error).__name__, in_words_of_the_command(str(error)), error.exit_code)
    if isinstance(error, CycloptsError):
        return Failure("UsageError", _usage(error), WRONG_CALL)
    if isinstance(error, KeyboardInterrupt):
        return Failure("Interrupted", "interrupted by Ctrl-C.", INTERRUPTED)
    if isinstance(error, MemoryError):
        why = f" ({error})" if str(error) else ""
        message = f"the memory is not enough for this{why}. Give fewer rows or a smaller network."
        return Failure("MemoryError", message, WRONG_CALL)
    if isinstance(error, OSError):
        what = "write to standard output" if error.filename is None else f"use {str(error.filename)!r}"
        reason = (error.strerror or str(error)).lower()
        return Failure("OSError", f"cannot {what}: {reason}.", WRONG_CALL)
    fault = f"{type(error).__name__}: {error}".rstrip(": ")
    return Failure(
        "InternalError",
        f"this is a fault of pellucid's own ({fault}). Please report it, with the command and "
        "what it prints when PELLUCID_DEBUG=1 is set.",
        InternalError.exit_code,
    )


def in_words_of_the_command(message: str) -> str:
    """A message of the library with the command's options in place of Python's arguments.

    Examples
    --------
    >>> in_words_of_the_command("Correct it, or pass task='classification'.")
    'Correct it, or pass --task classification.'
    """
    for python, option in OPTIONS.items():
        message = re.sub(python, option, message)
    return message


def _usage(error: CycloptsError) -> str:
    """A wrong command line in a sentence that ends with where to read more."""
    chain = ["pellucid", *(error.command_chain or ())]
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.argument.name
        what = (
            f"{name} needs a value after it" if name.startswith("--") else f"{chain[-1]} needs {name.upper()}"
        )
        sentence = f"{what}."
    elif isinstance(error, UnusedCliTokensError):
        sentence = f"{chain[-1]} can do nothing with {', '.join(map(repr, error.unused_tokens or ()))}."
    else:
        sentence = str(error).strip()
    return f"{sentence} See {' '.join(chain)} --help."
