"""What a user asks of columns, in a call or for good in a schema file: `Schema`.

A schema file is TOML::

    [columns]
    zip = "category"
    born = "date day/month/year"    # or "date", where there is one way to read them
    note = "ignore"
    size = ["S", "M", "L"]          # ordered
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pellucid.errors import ArgumentError, TableError, nearest
from pellucid.tables.dates import READINGS
from pellucid.tables.table import Table, listed, shown

if TYPE_CHECKING:
    from pellucid.tables.role import Role

Kind = Literal["number", "boolean", "category", "ordered", "date", "ignored"]

# What a schema file calls them; ordered is a list of its levels.
WORDS: dict[str, Kind] = {
    "number": "number",
    "boolean": "boolean",
    "category": "category",
    "date": "date",
    "ignore": "ignored",
}


@dataclass(frozen=True)
class Wish:
    """What is asked of one column.

    Parameters
    ----------
    kind : str
        The kind of its role.
    where : str
        What asks for it, for messages: `numbers=['age']`, or `schema.toml`.
    levels : tuple of str
        From the least to the greatest; of an ordered column.
    reading : str
        A name in `READINGS`, of a column of dates; empty where it is to be found out.
    reason : str
        Why, for the report.
    """

    kind: Kind
    where: str
    levels: tuple[str, ...] = ()
    reading: str = ""
    reason: str = "as asked"


@dataclass(frozen=True)
class Schema:
    """What is asked of columns, by their names.

    Parameters
    ----------
    asked : dict of str to Wish
        By the arguments of a call.
    kept : dict of str to Wish
        By a schema file; `asked` overrules it.

    Examples
    --------
    >>> schema = Schema.of(numbers=["age"], dates=["born=day/month/year"])
    >>> schema.asked["born"].reading, schema.text_columns
    ('day/month/year', ['born'])
    """

    asked: dict[str, Wish] = field(default_factory=dict)
    kept: dict[str, Wish] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        *,
        numbers: Iterable[str] = (),
        categories: Iterable[str] = (),
        dates: Iterable[str] | Mapping[str, str] = (),
        ordered: Mapping[str, Iterable[Any]] | None = None,
        ignore: Iterable[str] = (),
        schema: str | os.PathLike[str] | Schema | None = None,
    ) -> Schema:
        """From the arguments of a call.

        Parameters
        ----------
        numbers, categories, ignore : iterable of str
            Columns to use as numbers, to use as categories, and to leave out, whatever is in them.
        dates : iterable of str, or dict of str to str
            Columns to use as dates; `born=day/month/year`, or `{"born": "day/month/year"}`, says how
            texts are to be read.
        ordered : dict of str to list, optional
            Columns of ordered categories, each with its levels from the least to the greatest.
        schema : path or Schema, optional
            A schema file; what the other arguments say overrules it.

        Raises
        ------
        ArgumentError
            If an argument is no list of columns, or a column is named twice.
        TableError
            If the schema file cannot be read; the message names file and key.
        """
        asked: dict[str, Wish] = {}
        lists: dict[str, tuple[Kind, Any]] = {
            "numbers": ("number", numbers),
            "categories": ("category", categories),
            "dates": ("date", dates),
            "ordered": ("ordered", ordered or {}),
            "ignore": ("ignored", ignore),
        }
        for argument, (kind, given) in lists.items():
            if isinstance(given, str) or not isinstance(given, Iterable):
                raise ArgumentError(
                    f"{argument} must be a list of columns, but got {given!r}. Write [{given!r}]."
                )
            if kind == "ordered" and not isinstance(given, Mapping):
                raise ArgumentError(
                    f"ordered must be a dict of columns, each with its levels, but got {given!r}. "
                    "Write {'size': ['S', 'M', 'L']}."
                )
            for entry in given:
                name, wish = _wish(argument, kind, entry, given)
                if asked.get(name, wish).kind != kind:
                    raise ArgumentError(
                        f"column {name!r} is named in more than one of {', '.join(lists)}. Choose one."
                    )
                asked[name] = wish
        if isinstance(schema, Schema):
            return cls(schema.asked | asked, schema.kept)
        return cls(asked, {} if schema is None else read_schema(schema))

    @property
    def text_columns(self) -> list[str]:
        """The columns to name in `read_table(..., text=...)`, so that `007` is not 7."""
        wishes = self.kept | self.asked
        return [name for name, w in wishes.items() if w.kind in ("category", "ordered", "date")]

    def reading(self, name: str) -> str:
        """How the texts of a column of dates are asked to be read; empty where nothing is asked."""
        wish = self.asked.get(name) or self.kept.get(name)
        return wish.reading if wish else ""

    def leaving_out(self, name: str, reason: str) -> Schema:
        """The same without a column, unless something else is asked of it."""
        if name in self.asked or name in self.kept:
            return self
        return Schema({**self.asked, name: Wish("ignored", "", reason=reason)}, self.kept)

    def of_table(self, table: Table, targets: Iterable[str]) -> dict[str, Wish]:
        """The wishes for the columns of a table; those that a file keeps for the target do not count.

        Raises
        ------
        TableError
            If the table has no such column.
        ArgumentError
            If a target is named by an argument.
        """
        known, out = set(table.names), set(targets)
        for name, wish in self.asked.items():
            if name not in known:
                table.find(name)
            if name in out:
                raise ArgumentError(
                    f"{wish.where} names the target. Take it out there, or choose another target."
                )
        for name, wish in self.kept.items():
            if name not in known:
                raise TableError(
                    f"{wish.where}: {table.origin.name} has no column {name!r}. "
                    f"{nearest(name, known)}Its columns: {listed(table.names)}."
                )
        return {n: w for n, w in (self.kept | self.asked).items() if n not in out}


def _wish(argument: str, kind: Kind, entry: Any, given: Any) -> tuple[str, Wish]:
    """The name and the wish of one entry of an argument."""
    name = str(entry).strip()
    where = f"{argument}=[{name!r}]"
    if kind == "ordered":
        levels = _levels(given[entry])
        if levels is None:
            raise ArgumentError(
                f"ordered: {name!r} must have a list of at least two different levels, but has "
                f"{shown(given[entry])}."
            )
        return name, Wish(kind, f"ordered={{{name!r}: ...}}", levels)
    if kind != "date":
        return name, Wish(kind, where)
    reading = ""
    if isinstance(given, Mapping):
        reading = str(given[entry])
    elif "=" in name and name.rpartition("=")[2].strip() in READINGS:
        name, _, reading = (part.strip() for part in name.rpartition("="))
    if reading and reading not in READINGS:
        raise ArgumentError(f"dates: {name!r} must be read as one of {', '.join(READINGS)}, not {reading!r}.")
    return name, Wish(kind, where, (), reading)


def _levels(value: Any) -> tuple[str, ...] | None:
    """The levels of an ordered column as texts, or None if they are none."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        return None
    levels = tuple(_level(v) for v in value)
    return levels if len(levels) > 1 and len(set(levels)) == len(levels) and all(levels) else None


def _level(value: Any) -> str:
    """A level as the values of a column are written as texts: 3.0 is `3`."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else str(value).lower() if isinstance(value, bool) else value).strip()


def read_schema(source: str | os.PathLike[str]) -> dict[str, Wish]:
    """The wishes of a schema file.

    Raises
    ------
    TableError
        If there is no such file, it is no TOML, or a key or value in it is not known.
    """
    import tomllib

    path = Path(source)
    try:
        document = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise TableError(f"there is no schema file {str(path)!r}. Check the path.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise TableError(f"the schema file {shown(path)} cannot be read as TOML: {reason}.") from None
    if other := sorted(set(document) - {"columns"}):
        raise TableError(
            f"{path.name}: found {other[0]!r}, but a schema file has nothing but the table [columns]."
        )
    columns = document.get("columns")
    if not isinstance(columns, dict):
        raise TableError(f'{path.name}: expected a table [columns] with entries such as zip = "category".')
    wishes = {}
    for key, value in columns.items():
        name = key.strip()
        if name in wishes:
            raise TableError(f"{path.name}: the column {name!r} stands twice. Take one out.")
        wishes[name] = _kept(path.name, name, value)
    return wishes


def _kept(file: str, name: str, value: Any) -> Wish:
    """The wish of one entry of a schema file."""
    where, reason = f"{file}, column {name!r}", f"as {file} asks"
    if isinstance(value, list):
        levels = None if any(isinstance(v, list | dict) for v in value) else _levels(value)
        if levels is None:
            raise TableError(
                f"{where}: the levels of an ordered column must be at least two different texts or "
                f"numbers, from the least to the greatest, but are {shown(value)}."
            )
        return Wish("ordered", where, levels, "", reason)
    kind, _, reading = str(value).strip().partition(" ") if isinstance(value, str) else ("", "", "")
    if kind not in WORDS:
        raise TableError(
            f"{where}: expected one of {', '.join(WORDS)}, or a list of ordered levels, but found "
            f"{shown(value)}. {nearest(kind, WORDS)}".rstrip()
        )
    reading = reading.strip()
    if reading and (kind != "date" or reading not in READINGS):
        wanted = f"one of {', '.join(READINGS)} behind it" if kind == "date" else "nothing behind it"
        raise TableError(f"{where}: {kind} must have {wanted}, but has {reading!r}.")
    return Wish(WORDS[kind], where, (), reading, reason)


def schema_text(roles: Iterable[Role]) -> str:
    """A schema file that asks for the roles as they are, each with its reason as a comment.

    Examples
    --------
    >>> from pellucid.tables.role import Role
    >>> print(schema_text([Role("zip code", "category", "as asked")]))
    [columns]
    "zip code" = "category"  # as asked
    <BLANKLINE>
    """
    lines = ["[columns]"]
    for role in roles:
        comment = "".join(c if c.isprintable() else " " for c in role.reason)
        if role.kind not in WORDS and role.kind not in ("ordered", "ignored"):
            comment = f"{role.kind}: {comment}"
        lines.append(f"{_key(role.name)} = {_asked_as(role)}  # {comment}")
    return "\n".join(lines) + "\n"


def _asked_as(role: Role) -> str:
    if role.kind == "ordered":
        return f"[{', '.join(map(_quoted, role.levels))}]"
    if role.kind == "date":
        return _quoted(f"date {role.reading}".strip())
    return _quoted(role.kind if role.kind in WORDS else "ignore")


def _key(name: str) -> str:
    is_bare = name.isascii() and name.replace("_", "a").replace("-", "a").isalnum()
    return name if is_bare else _quoted(name)


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return (
        '"'
        + "".join(escapes.get(c, c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}") for c in text)
        + '"'
    )
