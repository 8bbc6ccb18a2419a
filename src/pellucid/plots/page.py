"""What all pictures share: `drawing`, which gives a new figure its head and saves it in the end."""

from __future__ import annotations

import functools
import importlib.util
import io
import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pellucid.errors import ArgumentError, CallError
from pellucid.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
MARGIN = 0.12  # inches around everything
LINE = 1.35  # of a line's height, in sizes of its font

Path = str | os.PathLike[str]
NewFigure = Callable[..., "Figure"]

_settings = threading.RLock()  # matplotlib's settings are those of the process


def check_can_draw(path: Path | None = None) -> None:
    """Refuse what would fail after the work: no matplotlib, or a path whose ending names no picture.

    Raises
    ------
    CallError
        If matplotlib is not installed.
    ArgumentError
        If the path ends otherwise than in .png, .svg or .pdf.

    Examples
    --------
    >>> check_can_draw("curve.jpg")
    Traceback (most recent call last):
        ...
    pellucid.errors.ArgumentError: a picture is saved as .png, .svg or .pdf, but got 'curve.jpg'. Change its \
ending.
    """
    if path is not None:
        _format(path)
    if not _has_matplotlib():
        raise CallError(
            "pictures need matplotlib, which is not installed. Install it: pip install 'pellucid[plot]'."
        )


@contextmanager
def drawing(path: Path | None = None) -> Iterator[NewFigure]:
    """What a picture is drawn in: gives the function that makes its figure, and saves it in the end.

    Parameters
    ----------
    path : path, optional
        Where the picture goes; the ending .png, .svg or .pdf says how.

    Raises
    ------
    CallError, ArgumentError
        As `check_can_draw`, or if the file cannot be written.
    """
    check_can_draw(path)
    made: list[Figure] = []

    def new_figure(width: float, height: float, title: str, note: str = "", *, legend: float = 0.0) -> Figure:
        made.append(_with_head(width, height, title, note, legend))
        return made[-1]

    with _own_settings():
        yield new_figure
        for figure in made:
            _choose_fonts(figure)
            # A notebook shows a figure by this where pyplot is not in use.
            figure._repr_png_ = functools.partial(render, figure)  # type: ignore[attr-defined]
            if path is not None:
                write_file(path, render(figure, _format(path)))


def render(figure: Figure, format: str = "png", *, letters: bool = False) -> bytes:
    """A figure as the bytes of a file.

    Parameters
    ----------
    figure : Figure
        From one of the pictures.
    format : {"png", "svg", "pdf"}
        Which kind of file.
    letters : bool
        Whether an SVG keeps its texts as letters in the reader's font rather than as outlines.
    """
    file = io.BytesIO()
    nothing: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}
    with _own_settings({"svg.fonttype": "none" if letters else "path"}):
        figure.savefig(file, format=format, metadata=nothing[format])
    return file.getvalue()


def plain_axes(figure: Figure, rows: int = 1, columns: int = 1, **options: Any) -> list[Axes]:
    """New axes, row by row, with numbers written as everywhere."""
    from matplotlib.ticker import FuncFormatter

    axes = [*figure.subplots(rows, columns, squeeze=False, **options).flat]
    for ax in axes:
        ax.xaxis.set_major_formatter(FuncFormatter(style.tick))
        ax.yaxis.set_major_formatter(FuncFormatter(style.tick))
    return axes


def logarithmic(ax: Axes) -> None:
    """Make the upward axis logarithmic, with its numbers written as everywhere."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if _decades(ax) < 2.5 else (1.0,)))
    ax.yaxis.set_major_formatter(FuncFormatter(style.tick))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _decades(ax: Axes) -> float:
    """How many powers of ten the upward axis spans."""
    low, high = ax.get_ylim()
    return math.log10(high / low)


def named_legend(ax: Axes, handles: list[Any], names: list[str], **options: Any) -> None:
    """A legend whose names may begin with an underscore, which matplotlib takes for "leave me out"."""
    legend = ax.legend(handles, [str(i) for i in range(len(names))], **options)
    for text, wanted in zip(legend.get_texts(), names, strict=True):
        text.set_text(wanted)


def _with_head(width: float, height: float, title: str, note: str, legend: float) -> Figure:
    """A figure with a title and a note above, whose axes arrange themselves in what is left."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    text_width = width - 2 * MARGIN
    title = style.wrapped(title, text_width, style.TITLE, bold=True)
    note = style.wrapped(note, text_width, style.TEXT)
    title_height = (title.count("\n") + 1) * LINE * style.TITLE / 72
    note_height = (note.count("\n") + 1) * LINE * style.TEXT / 72 if note else 0.0
    head = MARGIN + title_height + note_height + 0.06
    height = height + head
    figure = Figure(figsize=(width, height))
    figure.text(
        MARGIN / width,
        1 - MARGIN / height,
        title,
        size=style.TITLE,
        weight="bold",
        va="top",
        linespacing=1.25,
    )
    if note:
        top = 1 - (MARGIN + title_height) / height
        figure.text(MARGIN / width, top, note, size=style.TEXT, color=style.QUIET, va="top", linespacing=1.25)
    sides, floor = 0.04 / width, (0.04 + legend) / height
    box = (sides, floor, 1 - 2 * sides, 1 - head / height - floor)
    figure.set_layout_engine(ConstrainedLayoutEngine(rect=box, w_pad=0.06, h_pad=0.06))
    return figure


@contextmanager
def _own_settings(more: dict[str, Any] | None = None) -> Iterator[None]:
    """matplotlib as it comes, with the settings of the pictures, whatever its user has set; undone after."""
    import matplotlib

    settings: Any = style.SETTINGS | (more or {})
    with _settings, matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        yield


def _choose_fonts(figure: Figure) -> None:
    """Other fonts for the characters that the pictures' own does not have."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        needed = style.families(text.get_text())
        if len(needed) > 1:
            text.set_fontfamily(needed)


def _has_matplotlib() -> bool:
    try:
        return importlib.util.find_spec("matplotlib") is not None
    except ValueError:  # a module that someone has put in its place
        return False


def _format(path: Path) -> str:
    text = os.fsdecode(path)
    ending = os.path.splitext(text)[1].lower().removeprefix(".")
    if ending not in FORMATS:
        raise ArgumentError(f"a picture is saved as .png, .svg or .pdf, but got {text!r}. Change its ending.")
    return ending


def write_file(path: Path, content: bytes) -> None:
    """Write a file; an ArgumentError if that cannot be done."""
    try:
        with open(path, "wb") as file:
            file.write(content)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise ArgumentError(f"{os.fsdecode(path)!r} cannot be written: {reason}.") from error
