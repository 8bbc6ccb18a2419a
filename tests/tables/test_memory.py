"""Files that are made to fill the memory are refused with little of it."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

READ = """
import resource, sys
from pellucid.errors import TableError
from pellucid.tables.reading import read_table
resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
try:
    read_table(sys.argv[1])
except TableError as error:
    print(error)
"""
MANY = b"1," * 2_000_000 + b"\n"
HEAD, ROWS = b"a,b,y\n", b"1,2,3\n" * 500


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("endless.csv", HEAD + MANY, "line 2: expected 3 values as in the header, but found 2000001"),
        (
            "endless.csv",
            HEAD + ROWS + MANY,
            "line 502: expected 3 values as in the header, but found 2000001",
        ),
        ("endless.csv", HEAD + MANY + ROWS, "line 2: expected 3 values as in the header, but found 2000001"),
        ("quoted.csv", HEAD + b'"' + MANY[:-1] + b'",2,3,4\n', "line 2: "),
        (
            "quoted.csv",
            HEAD + b'"1",2,3\n' + MANY,
            "line 3: expected 3 values as in the header, but found 2000001",
        ),
        ("header.csv", MANY + ROWS, "line 1: found 2,000,001 values, but a table has "),
        (
            "bomb.csv.gz",
            gzip.compress(HEAD) + gzip.compress(b"1,2,3\n" * 500_000, 1) * 200,
            "unpacks to more than 50 times",
        ),
    ],
    ids=["first", "last", "between", "one value", "quotes", "header", "packed"],
)
def test_no_file_fills_the_memory(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path / name)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(name)
    assert said in done.stdout
