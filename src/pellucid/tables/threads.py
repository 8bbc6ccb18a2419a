"""Work on columns and blocks of rows in threads: `in_threads`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from pellucid import settings

T = TypeVar("T")
U = TypeVar("U")

LEAST_ROWS = 50_000  # with fewer, more time goes into starting threads than they save


def in_threads(function: Callable[[T], U], items: Iterable[T], n_rows: int) -> list[U]:
    """What a function makes of each item, in their order; NumPy and polars let others work meanwhile.

    Parameters
    ----------
    function : callable
        Does not change what others read.
    items : iterable
        What it is called with.
    n_rows : int
        Rows of the table that it works on; a small one is not worth a thread.

    Raises
    ------
    Exception
        The one of the first item that has one, however the threads ran.
    """
    n_threads = settings.threads()
    if n_rows < LEAST_ROWS or n_threads == 1:
        return [function(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(function, items))
