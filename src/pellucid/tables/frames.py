"""Data frames of any library, and dicts of columns, to a polars frame."""

from __future__ import annotations

import contextlib
import math
import numbers
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import TableError
from pellucid.tables.distinct import all_at_once, numbered
from pellucid.tables.table import listed, nameless, shown
from pellucid.tables.values import tidied as tidied_texts
from pellucid.tables.values import tidy

if TYPE_CHECKING:
    import polars as pl


def from_columns(columns: Mapping[Any, Any], name: str) -> pl.DataFrame:
    """A dict of columns (lists, arrays, series of any library), all of one length."""
    import polars as pl

    series = [_series(shown(column), values, name) for column, values in columns.items()]
    names = stripped(columns, name)
    for column, s in zip(names, series, strict=True):
        if s.len() != series[0].len():
            raise TableError(
                f"{name}: column {names[0]!r} has {series[0].len()} values, but column {column!r} has "
                f"{s.len()}. Give all columns the same number of values."
            )
    return pl.DataFrame([s.alias(n) for n, s in zip(names, series, strict=True)])


def from_frame(source: Any, name: str) -> pl.DataFrame | None:
    """A data frame of another library, or None if it is none."""
    import narwhals as nw
    import polars as pl

    try:
        frame = nw.from_native(source)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect("polars")
        names = stripped(frame.columns, name)
    except TypeError:
        return None
    except nw.exceptions.NarwhalsError as error:
        raise TableError(f"{name} cannot be used: {' '.join(str(error).split())}") from None
    series = [_series(shown(n), s, name).alias(n) for n, s in zip(names, frame.iter_columns(), strict=True)]
    return pl.DataFrame(series)


def stripped(names: Iterable[Any], table: str) -> list[str]:
    """Names of columns as texts without blanks around them; refused where two become the same."""
    texts = [_text(n).strip() or f"column {i}" for i, n in enumerate(names, 1)]
    if twice := sorted(t for t, n in Counter(texts).items() if n > 1):
        raise TableError(f"{table} has more than one column {listed(map(repr, twice))}. Rename all but one.")
    return texts


def tidied(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with texts tidied and NaN as null; objects of Python become texts."""
    columns = tidied_columns([nameless(s) for s in frame.get_columns()])
    done = numbered(columns)
    done.columns = frame.columns
    return done


def tidied_columns(columns: Sequence[pl.Series]) -> list[pl.Series]:
    """Columns without names as `tidied` has them."""
    import polars as pl

    columns = [_as_stored(s) for s in columns]
    done = list(columns)
    kinds: dict[str, list[int]] = {}
    for i, s in enumerate(columns):
        if s.dtype == pl.Object:
            done[i] = pl.Series([None if v is None else _text(v) for v in s], dtype=pl.String)
        elif s.dtype in (pl.Categorical, pl.Enum):
            done[i] = tidy(s.cast(pl.String)).cast(tidied_type(s.dtype))
        kind = "texts" if done[i].dtype == pl.String else "floats" if s.dtype.is_float() else ""
        kinds.setdefault(kind, []).append(i)
    texts, floats = kinds.get("texts", []), kinds.get("floats", [])
    for i, s in zip(texts, tidied_texts([done[i] for i in texts])[0], strict=True):
        done[i] = s
    for i, s in zip(floats, all_at_once([done[i] for i in floats], pl.all().fill_nan(None)), strict=True):
        done[i] = s
    return done


def _as_stored(s: pl.Series) -> pl.Series:
    """The values of a type that an application has named itself, such as uuid, as they are kept."""
    while hasattr(s.dtype, "ext_storage"):
        s = s.ext.storage()
    return s


def tidied_type(dtype: pl.DataType) -> pl.DataType:
    """The type of a column that `tidied_column` has tidied."""
    import polars as pl

    while hasattr(dtype, "ext_storage"):
        dtype = dtype.ext_storage()
    if isinstance(dtype, pl.Enum):
        return _enum(dtype.categories)
    return pl.String() if dtype == pl.Object else dtype


def _series(column: str, values: Any, name: str) -> pl.Series:
    """One column of any kind."""
    import narwhals as nw
    import polars as pl

    if isinstance(values, pl.Series):
        return values
    if not isinstance(values, nw.Series):
        values = nw.from_native(values, series_only=True, pass_through=True)
    if isinstance(values, nw.Series):
        return _from_narwhals(values)
    if isinstance(values, np.ma.MaskedArray):
        values = values.tolist()  # None where it is masked
    if hasattr(values, "__array__"):
        values = np.asarray(values)
        if values.ndim == 1:
            return _from_array(values)
    if not isinstance(values, (list, tuple, range)):
        found = f"an array of shape {values.shape}" if isinstance(values, np.ndarray) else shown(values)
        raise TableError(
            f"{name}: column {column} must be a list, a one-dimensional array or a series, but is {found}."
        )
    return _from_list(list(values))


def _from_narwhals(series: Any) -> pl.Series:
    import narwhals as nw
    import polars as pl

    if series.implementation.is_polars():
        return nw.to_native(series)  # type: ignore[no-any-return]
    has_missing_whole = series.dtype.is_integer() and series.is_null().any()
    is_moment = isinstance(series.dtype, nw.Datetime) and series.dtype.time_zone is None
    if (series.dtype.is_numeric() or series.dtype == nw.Boolean or is_moment) and not has_missing_whole:
        return _from_array(series.to_numpy())
    missing = series.is_null().to_list()
    values = [None if m else v for v, m in zip(series.to_list(), missing, strict=True)]
    if series.dtype == nw.String:
        with contextlib.suppress(TypeError, UnicodeError):  # others, and halves of characters, are rare
            return pl.Series(values, dtype=pl.String)
    if isinstance(series.dtype, nw.Enum):
        dtype: Any = _enum(pl.Series([_text(v) for v in series.dtype.categories], dtype=pl.String))
    elif series.dtype == nw.Categorical:
        dtype = pl.Categorical
    else:
        return _from_list(values)
    texts = tidy(pl.Series([None if v is None else _text(v) for v in values], dtype=pl.String))
    return texts.cast(dtype)


def _enum(levels: pl.Series) -> pl.Enum:
    """The type of an ordered column: its levels, tidied, in their order."""
    import polars as pl

    return pl.Enum(tidy(levels).drop_nulls().unique(maintain_order=True))


def _from_array(values: NDArray[Any]) -> pl.Series:
    import polars as pl

    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind in "mM" and values.dtype.name not in ("datetime64[D]", "datetime64", "timedelta64"):
        unit = (
            "ns" if values.dtype.name.endswith("[ns]") else "us"
        )  # as lists those of ns would be whole numbers
        return pl.Series(values.astype(f"{kind}8[{unit}]"))
    if kind not in "biuf":
        return _from_list(values.tolist())
    # Polars takes neither another byte order nor numbers of 16 bytes for what they are.
    native = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("=") if size <= 8 else np.float64)
    return pl.Series(native, nan_to_null=kind == "f")


def _from_list(values: list[Any]) -> pl.Series:
    """Values of any types: texts where they are mixed.

    Polars is told the type, because where it infers one it drops some values of another silently.
    """
    import polars as pl

    present = [None if _is_missing(v) else v for v in values]
    kinds = {type(v) for v in present if v is not None}
    if not kinds:
        return pl.Series(present, dtype=pl.Null)
    if kinds <= {bool, np.bool_}:
        return pl.Series([None if v is None else bool(v) for v in present], dtype=pl.Boolean)
    if all(issubclass(k, (numbers.Integral, bool)) for k in kinds) and _fits(present):
        return pl.Series([None if v is None else int(v) for v in present], dtype=pl.Int64)
    if all(issubclass(k, (numbers.Real, Decimal, np.bool_)) for k in kinds):
        return pl.Series([None if v is None else _float(v) for v in present], dtype=pl.Float64)
    if kinds <= {list, tuple, np.ndarray} or kinds == {dict}:
        nested = _nested(present)
        if nested is not None:
            return nested
    if len(kinds) == 1 and issubclass(next(iter(kinds)), (date, time, timedelta)):
        try:
            return pl.Series(present)
        except (
            pl.exceptions.PolarsError,
            pl.exceptions.PanicException,
            ArithmeticError,
            TypeError,
            ValueError,
        ):
            pass  # beyond what polars can hold
    return pl.Series([None if v is None else _text(v) for v in present], dtype=pl.String)


def _nested(values: list[Any]) -> pl.Series | None:
    """Lists or records as such, so that nobody takes what they are printed as for texts."""
    import polars as pl

    lists = [v.tolist() if isinstance(v, np.ndarray) else v for v in values]
    try:
        series = pl.Series([list(v) if isinstance(v, tuple) else v for v in lists], strict=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ArithmeticError, TypeError, ValueError):
        return None
    return series if series.dtype.is_nested() else None


def _is_missing(value: Any) -> bool:
    is_nan = isinstance(value, (float, np.floating)) and math.isnan(value)
    return value is None or is_nan or type(value).__name__ in ("NAType", "NaTType")  # of pandas


def _fits(values: list[Any]) -> bool:
    return all(v is None or -(2**63) <= v < 2**63 for v in values)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except ValueError:  # a signalling NaN
        return math.nan


def _text(value: Any) -> str:
    """As text; halves of characters, which Python's texts may hold and polars' not, become question marks."""
    return str(value).encode("utf-8", "replace").decode()
