"""Which answer suits a table, trained and judged on the same rows: `compare_table`."""

from __future__ import annotations

import os
import sys
import time as clock
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pellucid import checks
from pellucid.errors import DataError, UnknownNameError
from pellucid.tables.class_notes import notes_on_classes
from pellucid.tables.comparison import SIMPLEST_FIRST, TREES, Comparison, Numbers, entries_of
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.evidence import LINE, TRIVIAL, row_losses
from pellucid.tables.fit import fit_table
from pellucid.tables.presets import PRESETS
from pellucid.tables.reading import read_table
from pellucid.tables.row_split import RowSplit, group_codes, split_rows
from pellucid.tables.schema import Schema
from pellucid.tables.table import Origin, Table
from pellucid.tables.targets import Target, read_target
from pellucid.tables.trees import are_installed, trees_answer
from pellucid.training.interrupt import n_noted
from pellucid.training.splits import Indices

ALIKE = "normalisation", "target_scale", "threads", "time_limit"  # options that every network gets

Answer = Callable[[Table, Table, Target, Indices], Numbers]


def compare_table(
    source: Any,
    target: str | Sequence[str],
    *,
    folds: int = 5,
    presets: Iterable[str] = tuple(PRESETS),
    trees: bool = True,
    task: str | None = None,
    group: str | None = None,
    time: str | None = None,
    numbers: Iterable[str] = (),
    categories: Iterable[str] = (),
    dates: Iterable[str] | Mapping[str, str] = (),
    ordered: Mapping[str, Iterable[Any]] | None = None,
    ignore: Iterable[str] = (),
    schema: str | os.PathLike[str] | Schema | None = None,
    encoding: str = "utf-8",
    seed: int = 0,
    verbose: int = 0,
    **options: Any,
) -> Comparison:
    """Compare the trivial answer, a straight line, the presets and boosted trees on the same rows.

    The rows are dealt into parts, and for each part everything is trained anew on the others, from
    statistics of columns to temperatures: what judges has been seen by nothing.

    Parameters
    ----------
    source, target, task, numbers, categories, dates, ordered, ignore, schema, encoding
        As in `fit_table`.
    folds : int
        How many parts.
    presets : iterable of str
        Which of `fast`, `default` and `best` to train.
    trees : bool
        Whether to train scikit-learn's histogram gradient boosting too, where scikit-learn is installed.
    group : str, optional
        A column, such as the customer; all rows of a value are in one part, and count as one observation
        where intervals are found.
    time : str, optional
        A column of dates or numbers: the newest of `folds` parts is judged, once, by what learned from the
        others.
    seed : int
        Decides the parts, the first weights and the shuffling.
    verbose : int
        1 tells on standard error what is being trained.
    **options
        `normalisation`, `target_scale`, `threads` and `time_limit` of `fit_table`, for every network.

    Returns
    -------
    Comparison
        Scores, paired intervals of their differences to the best, times, and which to use.

    Raises
    ------
    TableError, DataError
        If the table cannot be learned from, or has too few rows to be divided.

    References
    ----------
    Nadeau and Bengio, Inference for the generalization error, 2003.

    Examples
    --------
    >>> x = [i / 10 for i in range(60)]
    >>> flats = {"size": x, "rent": [2 * v + (i % 3) / 10 for i, v in enumerate(x)]}
    >>> found = compare_table(flats, "rent", folds=3, presets=(), trees=False)
    >>> found.choice.name, found.n_rows
    ('straight line', 60)
    """
    folds, seed = checks.whole("folds", folds, least=2), checks.whole("seed", seed, least=0)
    presets = [presets] if isinstance(presets, str) else list(presets)
    for name in presets:
        checks.choice("presets", name, list(PRESETS))
    for name in options:
        if name not in ALIKE:
            raise UnknownNameError("option of compare_table", name, ALIKE)
    asked = Schema.of(
        numbers=numbers, categories=categories, dates=dates, ordered=ordered, ignore=ignore, schema=schema
    )
    text = [*asked.text_columns, *([] if group is None else [group])]
    table = read_table(source, text=text, encoding=encoding)
    group = group if group is None else table.find(group, "group column")
    wanted = read_target(table, target, task=task)
    reading = asked.reading(time) if time else ""
    split = split_rows(
        table, wanted, fraction=1 / folds, n_folds=folds, group=group, time=time, reading=reading, seed=seed
    )
    if not split.folds:
        raise DataError(
            f"{table.origin.name}: {len(wanted.rows)} rows with a target are too few to compare on, or all "
            "are of one group. Give more rows."
        )
    if group is not None:
        _check_groups(table, wanted, split, group)
    fitted = {"group": group, "time": time, "schema": asked, "seed": seed, **options}
    answers: dict[str, Answer] = {
        TRIVIAL: _trivial,
        LINE: _network(fitted, {"preset": "default", "hidden": ()}),
    }
    answers |= {name: _network(fitted, {"preset": name}) for name in SIMPLEST_FIRST if name in presets}
    learned = np.union1d(split.training, split.held) if len(split.folds) > 1 else split.training
    notes = [*wanted.notes, *split.notes, *notes_on_classes(wanted, learned, np.concatenate(split.folds))]
    if trees and are_installed():
        hidden = asked if group is None else asked.leaving_out(group, "rows are split by it")
        answers[TREES] = _trees(hidden, seed)
    elif trees:
        notes.append(
            "Boosted trees were not tried, as scikit-learn is not installed: pip install 'pellucid[sklearn]'."
        )
    return _compared(answers, table, wanted, split, notes, group, verbose)


def _compared(
    answers: Mapping[str, Answer],
    table: Table,
    wanted: Target,
    split: RowSplit,
    notes: Iterable[str],
    group: str | None,
    verbose: int,
) -> Comparison:
    """Train and judge everything, part by part."""
    all_rows = np.sort(np.concatenate([split.training, split.held]))
    metric, other = ("log_loss", "accuracy") if wanted.classes else ("rmse", "mae")
    losses: dict[str, list[Numbers]] = {name: [] for name in answers}
    beside: dict[str, list[Numbers]] = {name: [] for name in answers}
    seconds = dict.fromkeys(answers, 0.0)
    share = 0.0
    for number, held in enumerate(split.folds, 1):
        training = np.setdiff1d(all_rows, held) if len(split.folds) > 1 else split.training
        known, asked = _part(table, wanted.rows[training]), _part(table, wanted.rows[held])
        share += len(held) / len(training)
        y = np.eye(len(wanted.classes))[wanted.values[held]] if wanted.classes else wanted.values[held]
        for name, answer in answers.items():
            if verbose:
                print(f"part {number} of {len(split.folds)}: {name}", file=sys.stderr, flush=True)
            began = clock.perf_counter()
            outputs = answer(known, asked, wanted, training)
            seconds[name] += (clock.perf_counter() - began) / len(split.folds)
            losses[name].append(row_losses(wanted.task, y, outputs))
            is_right = outputs.argmax(axis=1) == wanted.values[held] if wanted.classes else None
            beside[name].append(np.abs(y - outputs).mean(axis=1) if is_right is None else is_right * 1.0)
    judged = np.concatenate(split.folds)
    entries = entries_of(
        {name: np.concatenate(parts) for name, parts in losses.items()},
        {name: {other: float(np.concatenate(parts).mean())} for name, parts in beside.items()},
        seconds,
        metric=metric,
        groups=None if group is None else group_codes(table, group)[wanted.rows[judged]],
        share=share,
    )
    return Comparison(
        ", ".join(wanted.names), wanted.task, len(judged), len(split.folds), entries, tuple(notes)
    )


def _check_groups(table: Table, target: Target, split: RowSplit, group: str) -> None:
    """Refuse parts without which a single group is left: within it none could validate."""
    groups = group_codes(table, group)[target.rows]
    for held in split.folds:
        rest = np.delete(groups, held) if len(split.folds) > 1 else groups[split.training]
        if (rest == rest[0]).all() and rest[0] >= 0:
            raise DataError(
                f"{table.origin.name}: without one of {len(split.folds)} parts, all rows are of one group of "
                f"{group!r}, and no other is left to validate on. Choose more folds, or another column."
            )


def _part(table: Table, rows: Indices) -> Table:
    """Some rows, which still know where they stood."""

    def place(row: int) -> str:
        return table.origin.of_row(int(rows[row])).place(0)

    return Table(table.frame[rows], Origin(table.origin.name, place))


def _trivial(known: Table, asked: Table, target: Target, training: Indices) -> Numbers:
    """The share of each class, or the mean."""
    y = target.values[training]
    n = len(target.classes)
    answer = np.bincount(y, minlength=n) / len(y) if n else y.mean(axis=0)
    return np.tile(answer, (len(asked), 1))


def _network(fitted: Mapping[str, Any], asked_for: Mapping[str, Any]) -> Answer:
    """What `fit_table` makes of the training rows."""

    def answer(known: Table, asked: Table, target: Target, training: Indices) -> Numbers:
        task = "classification" if target.classes else "regression"
        names = target.names if len(target.names) > 1 else target.names[0]
        before = n_noted()
        model = fit_table(known, names, task=task, **fitted, **asked_for)
        if n_noted() > before:  # what is half trained is not to be compared
            raise KeyboardInterrupt
        outputs = model.target.in_own_unit(model.network.predict(model.encoding.encode(asked)))
        if not target.classes:
            return np.asarray(outputs, np.float64)
        every = np.zeros((len(asked), len(target.classes)))
        every[:, [target.classes.index(name) for name in model.classes]] = outputs
        return every

    return answer


def _trees(schema: Schema, seed: int) -> Answer:
    """What boosted trees make of them."""

    def answer(known: Table, asked: Table, target: Target, training: Indices) -> Numbers:
        columns = TableEncoding.fit(known, list(target.names), schema=schema)
        X, unseen = columns.encode(known), columns.encode(asked)
        return trees_answer(columns, X, target.values[training], unseen, len(target.classes), seed)

    return answer
