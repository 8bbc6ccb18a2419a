"""From a table to a trained model with its evidence: `fit_table`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pellucid import checks
from pellucid.errors import ArgumentError, UnknownNameError
from pellucid.tables.decision import check_metric
from pellucid.tables.fitted import fitted
from pellucid.tables.model import TableModel
from pellucid.tables.prepare import prepare
from pellucid.tables.presets import PRESETS, Preset
from pellucid.tables.recipe import Recipe
from pellucid.tables.schema import Schema
from pellucid.tables.target_scales import TARGET_SCALES
from pellucid.training.request import Request

RECIPE = [f.name for f in dataclasses.fields(Recipe)]
ALONE = {"checkpoint", "resume", "record", "callbacks", "until", "metrics"}  # what speaks of one training


def fit_table(
    source: Any,
    target: str | Sequence[str],
    *,
    preset: str | None = None,
    task: str | None = None,
    target_scale: str = "auto",
    normalisation: Any = None,
    validation: float | Sequence[int] = 0.2,
    group: str | None = None,
    time: str | None = None,
    weight: str | None = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    metric: str | None = None,
    numbers: Iterable[str] = (),
    categories: Iterable[str] = (),
    dates: Iterable[str] | Mapping[str, str] = (),
    ordered: Mapping[str, Iterable[Any]] | None = None,
    ignore: Iterable[str] = (),
    schema: str | os.PathLike[str] | Schema | None = None,
    encoding: str = "utf-8",
    seed: int = 0,
    **options: Any,
) -> TableModel:
    """Train a network on a table, with the evidence of what it is worth.

    Parameters
    ----------
    source : path, stream, data frame, dict, or a list of them
        CSV or Parquet, or a data frame of any library; several are one table. See `read_table`.
    target : str or sequence of str
        The column to predict, or several number columns.
    preset : {"fast", "default", "best"}, optional
        How much is done: one network, in about a second; several that validate each other, in seconds; or
        several of several kinds, in minutes. `default` unless the network or its training is described by
        an option below: then it is that one network, trained once.
    task : {"regression", "classification", "binary", "multiclass"}, optional
        Inferred from the target unless given.
    target_scale : {"auto", "linear", "log"}
        Whether a regression learns numbers as they are or their logarithms, of 1 + y where some are 0.
        `auto` tries both where no number is negative, the skewness is above 1 and the largest is more than
        twice the median, and keeps what errs less on the validation rows.
    normalisation : {"robust", "standard", "minmax", "none"}, optional
        Of the number columns. Unless given it is `robust`, and for a preset `standard` where a straight line
        is nearly the truth and errs clearly less with it.
    validation : float or sequence of int
        Share of the rows that is held back, or the numbers of these rows from 0; no statistic is taken from
        them. Where several networks validate each other, a share says only whether: 0 for no.
    group : str, optional
        A column, such as the customer, of which no value may be both in training and in validation rows.
        It is no feature unless a role is asked for it. See `split_rows`.
    time : str, optional
        A column of dates or numbers: the newest rows validate. See `split_rows`.
    weight : str, optional
        A column of numbers, what each row counts: in training, in all that is chosen, and in the evidence.
        A row of weight 0 is left out. The column is no feature unless a role is asked for it.
    sample_weight : array (n_rows,), optional
        The same as an array, for each row of the table.
    class_weight : mapping of class to number, or "balanced", optional
        What the rows of each class count, times the former. Probabilities are then those of a table whose
        classes are as frequent as these weights make them.
    metric : {"accuracy", "balanced_accuracy", "f1"}, optional
        What `predict` is to be best by: of two classes a threshold on the probability of the second, of
        more a factor for each is chosen on rows that networks have not seen, see `pellucid.tables.decision`.
        Unless given the most probable class is answered. Probabilities do not depend on it.
    numbers, categories, dates, ordered, ignore, schema
        What is asked of columns, whatever is in them; `schema` is a file. See `Schema.of`.
    encoding : str
        Of text files.
    seed : int
        Decides the split, the first weights and the shuffling.
    **options
        Fields of `pellucid.tables.recipe.Recipe` (`hidden`, `activation`, `epochs`, `batch_size`,
        `learning_rate`, ...) and options of `Network.fit` (`time_limit`, `threads`, `verbose`, ...).

    Returns
    -------
    TableModel

    Raises
    ------
    TableError, DataError
        If the table cannot be learned from; the message names file, column and line.
    """
    asked, more = _options(options)
    if preset is not None:
        checks.choice("preset", preset, list(PRESETS))
    plan = PRESETS[preset or "default"]
    if alone := preset is None and bool(asked.keys() | more.keys() & ALONE):
        plan = Preset("", (Recipe(),), 1, 1, 0.0)
    plan = dataclasses.replace(plan, recipes=[Recipe.of({**vars(r), **asked}) for r in plan.recipes])
    if plan.n_networks > 1 and more.get("checkpoint") is not None:
        raise ArgumentError(
            f"a checkpoint holds one network, and preset={preset!r} trains several: leave out either."
        )
    seed = checks.whole("seed", seed, least=0)
    checks.choice("target_scale", target_scale, TARGET_SCALES)
    given = prepare(
        source,
        target,
        task=task,
        target_scale=target_scale,
        validation=validation,
        n_folds=plan.n_folds,
        group=group,
        time=time,
        encoding=encoding,
        weight=weight,
        sample_weight=sample_weight,
        class_weight=class_weight,
        seed=seed,
        normalisation="robust" if alone and normalisation is None else normalisation,
        schema=Schema.of(
            numbers=numbers,
            categories=categories,
            dates=dates,
            ordered=ordered,
            ignore=ignore,
            schema=schema,
        ),
    )
    check_metric(metric, given.target.classes)
    return fitted(plan, given, seed, more, is_mixed=not alone, metric=metric)


def _options(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of a recipe, and options of a fit."""
    own = {k: v for k, v in options.items() if k in RECIPE}
    more = {k: v for k, v in options.items() if k not in RECIPE}
    known = [f.name for f in dataclasses.fields(Request)]
    for name in more:
        if name not in known or name.startswith("validation"):
            raise UnknownNameError("option of fit_table", name, {*RECIPE, *known})
    return own, more
