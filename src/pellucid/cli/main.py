"""The command `pellucid`: reads the command line, runs one command, and says what went wrong.

==========  =================================================================================
exit code   meaning
==========  =================================================================================
0           done; also where nobody reads the output any more, and where Ctrl-C ended a
            training, whose network is saved
1           a fault of pellucid's own
2           a wrong call or wrong data
130         Ctrl-C anywhere else
==========  =================================================================================

With `PELLUCID_DEBUG=1` a failure shows its traceback too.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from cyclopts import App, Parameter

import pellucid
from pellucid import settings
from pellucid.cli import output
from pellucid.cli.failures import failure_of
from pellucid.errors import CallError

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 1000  # columns of plain help, which is not broken into lines

EXAMPLE = """Example:
  pellucid fit examples/penguins.csv --target species
  pellucid predict penguins.pellucid examples/penguins.csv | head
  pellucid explain penguins.pellucid examples/penguins.csv --row 17
  pellucid report penguins.pellucid examples/penguins.csv"""

COMPLETION_EXAMPLE = """Example:
  pellucid completion bash > ~/.local/share/bash-completion/completions/pellucid"""

app = App(
    name="pellucid",
    help="Neural networks you can see through. A table goes in, the best network for it comes out.",
    help_epilogue=EXAMPLE,
    help_format="plaintext",
    version=pellucid.__version__,
    default_parameter=Parameter(negative=(), show_default=False),
    suppress_keyboard_interrupt=False,
)
COMMANDS = {
    "columns": "Show what each column of a table is taken for, and why.",
    "fit": "Train a network on a table, and keep it in a file.",
    "compare": "Say which answer suits a table: a straight line, networks, or trees.",
    "predict": "Predict the rows of a table.",
    "evaluate": "Score a model on rows whose targets are known.",
    "explain": "Say which columns move the predictions of a model, for one row or in the mean.",
    "show": "Look inside a model.",
    "report": "Write a page on a model and a table.",
    "check": "Look for what may be wrong with a model, its training, or its rows.",
}
for i, (name, summary) in enumerate(COMMANDS.items()):
    # Named by its place, so that a command is imported only when it is called.
    app.command(f"pellucid.cli.{name}:app", name=name, help=summary, sort_key=i)


@app.command(sort_key=len(COMMANDS), help_epilogue=COMPLETION_EXAMPLE)
def completion(shell: Literal["bash", "zsh", "fish", "powershell"], /) -> None:
    """Print a script that completes the command in a shell.

    Parameters
    ----------
    shell
        The shell that is to run the script.
    """
    output.write(app.generate_completion(shell=shell))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        What follows `pellucid` on the command line; that of this process, by default.

    Returns
    -------
    int
        The exit code.
    """
    tokens = list(sys.argv[1:] if argv is None else argv)
    output.prepare()
    try:
        return _run(tokens)
    except (BrokenPipeError, SystemExit):  # the latter is how rich leaves where nobody reads any more
        output.abandon()
        return 0


def _run(tokens: list[str]) -> int:
    is_debugging = False
    try:
        is_debugging = settings.debug()
        # A lone hyphen means standard input; written as a path it is not mistaken for an option.
        app(
            ["./-" if token == "-" else token for token in tokens],
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
            console=_help_console(tokens),
        )
        sys.stdout.flush()
        return 0
    except (BrokenPipeError, SystemExit):
        raise
    except BaseException as error:  # a panic of polars is no Exception
        if is_debugging:
            traceback.print_exc()
        failure = failure_of(error)
        output.say(f"pellucid: {failure.message}")
        if "--json" in tokens:
            with contextlib.suppress(CallError):  # standard output may be what failed
                output.write_json({"error": {"kind": failure.kind, "message": failure.message}})
        return failure.exit_code


def _help_console(tokens: list[str]) -> Console | None:
    """What help is printed on: panels in a terminal, elsewhere plain text with a line for each option."""
    if sys.stdout.isatty():
        app.help_formatter = "default"
        return None
    app.help_formatter = "plain"
    if tokens and not {"--help", "-h"} & set(tokens):
        return None
    from rich.console import Console

    return Console(width=WIDE)
