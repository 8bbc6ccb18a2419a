"""From a table to a trained model with its evidence: `fit_table`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import checks
from pellucid.engine.buffer import Array
from pellucid.errors import DataError, UnknownNameError
from pellucid.network import Network
from pellucid.tables.encoding import TableEncoding
from pellucid.tables.evidence import LINE, NETWORK, TRIVIAL, Evidence, compare, trivial_outputs
from pellucid.tables.features import Report
from pellucid.tables.model import TableModel
from pellucid.tables.reading import read_table
from pellucid.tables.recipe import Recipe
from pellucid.tables.target_encoding import TargetEncoding
from pellucid.tables.targets import Target, read_target
from pellucid.training.request import Request
from pellucid.training.splits import split

RECIPE = [f.name for f in dataclasses.fields(Recipe)]


def fit_table(
    source: Any,
    target: str | Sequence[str],
    *,
    task: str | None = None,
    normalisation: Any = "robust",
    validation: float = 0.2,
    categories: Iterable[str] = (),
    numbers: Iterable[str] = (),
    ignore: Iterable[str] = (),
    seed: int = 0,
    **options: Any,
) -> TableModel:
    """Train a network on a table, with the evidence of what it is worth.

    Parameters
    ----------
    source : path, stream, data frame or dict
        CSV or Parquet, or a data frame of any library.
    target : str or sequence of str
        The column to predict, or several number columns.
    task : {"regression", "classification", "binary", "multiclass"}, optional
        Inferred from the target unless given.
    normalisation : {"robust", "standard", "minmax", "none"}
        Of the number columns.
    validation : float
        Share of the rows that is held back; no statistic is taken from them.
    categories, numbers, ignore : iterable of str
        Columns whose role is overruled.
    seed : int
        Decides the split, the first weights and the shuffling.
    **options
        Fields of `pellucid.tables.recipe.Recipe` (`hidden`, `activation`, `epochs`, `batch_size`,
        `learning_rate`, ...) and options of `Network.fit` (`time_limit`, `class_weight`, `verbose`, ...).

    Returns
    -------
    TableModel

    Raises
    ------
    TableError, DataError
        If the table cannot be learned from; the message names file, column and line.
    """
    recipe, more = _recipe(options)
    seed = checks.whole("seed", seed, least=0)
    given = _prepare(
        source,
        target,
        task=task,
        validation=validation,
        seed=seed,
        normalisation=normalisation,
        categories=list(categories),
        numbers=numbers,
        ignore=ignore,
    )
    if isinstance(more.get("class_weight"), Mapping):
        more["class_weight"] = _by_index(more["class_weight"], given.goal)
    network = _trained(recipe, given, seed, more)
    # The line gets no more time than the network had, and a second where that was over at once.
    alike = {k: v for k, v in more.items() if k not in ("verbose", "checkpoint", "resume", "callbacks")}
    alike["time_limit"] = 1.0 + 2 * sum(epoch["seconds"] for epoch in network.history.epochs)
    line = _trained(dataclasses.replace(recipe, hidden=()), given, seed, alike)
    return TableModel(given.encoding, given.goal, network, _evidence(given, network, line), given.notes)


@dataclass(frozen=True)
class Prepared:
    """A table as networks learn from it; the table itself is no longer needed.

    Parameters
    ----------
    encoding : TableEncoding
        How columns became features.
    goal : TargetEncoding
        How the target became `y`.
    target : Target
        The target as it was read.
    X : float32 array (n, n_features)
        The rows with a target.
    y : int32 array (n,) or float32 array (n, n_targets)
        What the network learns.
    training, held : int64 array
        The rows of X to train on, and those to validate on.
    notes : list of str
        Sentences for the user.
    """

    encoding: TableEncoding
    goal: TargetEncoding
    target: Target
    X: Array
    y: Array
    training: Array
    held: Array
    notes: list[str]


def _prepare(
    source: Any,
    target: str | Sequence[str],
    *,
    task: str | None,
    validation: float,
    seed: int,
    categories: list[str],
    **roles: Any,
) -> Prepared:
    """Read, split and encode a table; `roles` and `categories` are options of `TableEncoding.fit`."""
    table = read_table(source, text=categories)
    wanted = read_target(table, target, task=task)
    classes = wanted.values if wanted.classes else None
    training, held = split(len(wanted.rows), classes, fraction=validation, seed=seed)
    encoding = TableEncoding.fit(
        table, list(wanted.names), rows=wanted.rows[training], categories=categories, **roles
    )
    goal, report = TargetEncoding.fit(wanted, rows=training), Report()
    X, y = encoding.encode(table, rows=wanted.rows, report=report), goal.encode(wanted.values)
    notes = [*wanted.notes, *encoding.notes, *report.notes]
    return Prepared(encoding, goal, wanted, X, y, training, held, notes)


def _trained(recipe: Recipe, given: Prepared, seed: int, more: Mapping[str, Any]) -> Network:
    """A network as the recipe has it, trained on the training rows."""
    goal, held = given.goal, given.held
    n_out, output = (len(goal.classes), "softmax") if goal.classes else (len(goal.names), "linear")
    network = Network(recipe.layers(given.encoding.feature_names, n_out, output), seed=seed)
    options = {**recipe.training(len(given.training)), **more}
    network.fit(given.X, given.y, validation_rows=held if len(held) else None, **options)
    if not all(np.isfinite(v).all() for v in network.parameters.values()):
        raise DataError("the network's weights are not finite; this table cannot be learned from as it is.")
    return network


def _evidence(given: Prepared, network: Network, line: Network) -> Evidence:
    """The network beside the trivial answer and a straight line, on the rows that were held back."""
    target, goal = given.target, given.goal
    rows = given.held if len(given.held) else given.training
    own, X = goal.own(target.values), given.X[rows]
    outputs = {
        TRIVIAL: trivial_outputs(target.task, own[given.training], len(rows)),
        LINE: goal.in_own_unit(line.predict(X)),
        NETWORK: goal.in_own_unit(network.predict(X)),
    }
    return compare(
        target.task,
        own[rows],
        outputs,
        held_out=bool(len(given.held)),
        trivial=f"most frequent class, {_most_frequent(given)}" if goal.classes else "mean",
        unit=", ".join(target.names),
    )


def _most_frequent(given: Prepared) -> Any:
    counts = np.bincount(given.target.values[given.training], minlength=len(given.goal.classes))
    return given.goal.classes[int(counts.argmax())]


def _by_index(weights: Mapping[Any, Any], goal: TargetEncoding) -> dict[int, Any]:
    """Weights of classes by the index that the network knows them by."""
    for name in weights:
        if name not in goal.classes:
            raise UnknownNameError("class", name, map(str, goal.classes))
    return {goal.classes.index(name): weight for name, weight in weights.items()}


def _recipe(options: Mapping[str, Any]) -> tuple[Recipe, dict[str, Any]]:
    own = {k: v for k, v in options.items() if k in RECIPE}
    more = {k: v for k, v in options.items() if k not in RECIPE}
    known = [f.name for f in dataclasses.fields(Request)]
    for name in more:
        if name not in known or name.startswith("validation"):
            raise UnknownNameError("option of fit_table", name, {*RECIPE, *known})
    return Recipe.of(own), more
