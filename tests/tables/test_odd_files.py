"""Files as people have them: a right answer, or one sentence that says what is wrong and where."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import threading
from pathlib import Path

import pytest

from pellucid.errors import ArgumentError, TableError
from pellucid.tables.reading import read_table


def rows(text: str | bytes, encoding: str = "utf-8") -> list[tuple[object, ...]]:
    data = text.encode() if isinstance(text, str) else text
    return read_table(io.BytesIO(data), encoding=encoding).frame.rows()


def fault(text: str | bytes, encoding: str = "utf-8") -> str:
    with pytest.raises(TableError) as caught:
        rows(text, encoding)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---------------------------------------------------------------- numbers as people write them


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Commas between thousands, where nothing else can be meant.
        ('x,y\n"1,234.5",1\n"12,000.25",2\n', [(1234.5, 1), (12000.25, 2)]),
        ('x,y\n"1,234,567",1\n"999",2\n', [(1234567, 1), (999, 2)]),
        ('x,y\n"1,234",1\n"12,000",2\n56,3\n', [(1234, 1), (12000, 2), (56, 3)]),
        ("x;y\n1,234.5;1\n2,000.0;2\n", [(1234.5, 1), (2000.0, 2)]),
        ("x\ty\n1,234\t0.5\n2,500\t1.25\n", [(1234, 0.5), (2500, 1.25)]),
        # ... or points, and then also in other columns of the table.
        ("x;y\n1.234,5;1\n2.000,25;2\n", [(1234.5, 1), (2000.25, 2)]),
        ("x;y\n1.234.567;1,5\n2.000;2,5\n", [(1234567, 1.5), (2000, 2.5)]),
        ("x;y\n1.234;1,5\n2.000;2,5\n", [(1234, 1.5), (2000, 2.5)]),
        ("x;y\n1 000;1,5\n20;2,5\n", [(1000, 1.5), (20, 2.5)]),
        ("x;y\n1000 €;1.234,50 €\n20 €;7,5 €\n", [(1000, 1234.5), (20, 7.5)]),
        # Decimal commas in plain numbers and beside units.
        ("x;y;z\n1,5;3,25 €;a\n2,5;1,5 €;b\n", [(1.5, 3.25, "a"), (2.5, 1.5, "b")]),
        ("x\ty\n1,5\t1,234\n2,25\t5,678\n", [(1.5, 1.234), (2.25, 5.678)]),
        ("x\ty\n1,5\t1,234,567\n2,25\t5,678\n", [("1,5", "1,234,567"), ("2,25", "5,678")]),
        # A table where commas are decimal and a number has a point that cannot be between thousands.
        ("x;y\n1.5;1,5\n2.5;2,5\n", [(1.5, "1,5"), (2.5, "2,5")]),
        # Long numbers without marks beside it: so the point is no mark of thousands, nor the comma.
        ("x;y\n1.234;1,5\n2500;2,5\n", [(1.234, "1,5"), (2500.0, "2,5")]),
        ('x,y\n"1,234",1\n2500,2\n', [("1,234", 1), ("2500", 2)]),
        # Blanks of all kinds and apostrophes between thousands.
        ("x,y\n1 234,1\n56,2\n12 345 678,3\n", [(1234, 1), (56, 2), (12345678, 3)]),
        ("x;y\n1\u00a0234,5;1\n1\u202f000,25;2\n", [(1234.5, 1), (1000.25, 2)]),
        ("x,y\n1'234.5,1\n2\u2019000.25,2\n", [(1234.5, 1), (2000.25, 2)]),
        ("x,y\n12 34,1\n5 6,2\n", [("12 34", 1), ("5 6", 2)]),
        # Units, if all have the same; signs.
        ('x,y\n"$1,234.50",1\n-$3.00,2\n$ 5,3\n', [(1234.5, 1), (-3.0, 2), (5.0, 3)]),
        ("x;y\n12,5 €;1\n3 €;2\n", [(12.5, 1), (3.0, 2)]),
        ("x,y\n12%,1\n3.5 %,2\n?,3\n", [(12.0, 1), (3.5, 2), (None, 3)]),
        ("x,y\n12%,1\n3,2\n", [("12%", 1), ("3", 2)]),
        ("x,y\n$1,1\n€2,2\n", [("$1", 1), ("€2", 2)]),
        ("x,y\n\u22125,1\n3,2\n", [(-5, 1), (3, 2)]),
        # What is no number stays what it is.
        ("x,y\n1.2.3,1\n4.5.6,2\n", [("1.2.3", 1), ("4.5.6", 2)]),
        ("x,y\n2021-01-05,1\n2021-01-06,2\n", [("2021-01-05", 1), ("2021-01-06", 2)]),
        ("x,y\n10:30,1\n11:45,2\n", [("10:30", 1), ("11:45", 2)]),
        ('x,y\n"1,2",1\n"3,4,5",2\n', [("1,2", 1), ("3,4,5", 2)]),
    ],
)
def test_marks_in_numbers(text: str, expected: list[tuple[object, ...]]) -> None:
    assert rows(text) == expected


def test_a_mark_far_below_the_sample() -> None:
    text = "x;y\n" + "7;1\n" * 50_000 + "1,5;2\n"
    assert rows(text)[-1] == (1.5, 2)
    text = "x,y\n" + "7,1\n" * 50_000 + "2.5,NA\n ?,3\n"
    assert rows(text)[-2:] == [(2.5, None), (None, 3)]


# ---------------------------------------------------------------- what stands around the rows


def test_comments_blank_lines_and_the_hint_to_excel_before_the_header() -> None:
    assert rows("# made by x\n#\n\na,b\n1,2\n") == [(1, 2)]
    assert read_table(io.BytesIO(b"# one, two\n\na,b\n1,2\n3,4\n")).origin.place(1) == "line 5"
    assert rows("sep=;\r\na;b\r\n1,5;2\r\n") == [(1.5, 2)]
    table = read_table(io.BytesIO(b"#a\tb\n1\tx\n2\ty\n"))  # names, and no comment
    assert (table.names, table.frame.rows()) == (["#a", "b"], [(1, "x"), (2, "y")])
    assert "line 4: expected 2 values as in the header, but found 1" in fault("a,b\n1,2\n3,4\n# the end\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "5.1,3.5,setosa\n4.9,3.0,setosa\n",
            "line 1: expected the names of the columns, but found the number",
        ),
        ("7,1,3\n1,2,3\n", "line 1: expected the names of the columns, but found the numbers 7, 1, 3, so"),
        ("39,Private,Male\n50,Public,Male\n", "found 'Male', which is a value of this column in line 2 too"),
        ("x,s,n\nx,y,n\nb,s,w\n", "found 'x', which is a value of this column in line 2 too"),
        (
            "1,0,1\n1,2,3\n",
            "stands twice, in columns 1 and 3. Rename one of them, or, if the table has no header",
        ),
        ("a,b\n1,2\na,b\n3,4\n", "line 3: the header stands here again. Take the line out"),
        ("city,n\nRome,2\nOslo,3\nTotal,5\n", "column 'city', line 4: the last line begins with 'Total'"),
        ("year,n\n2001,2\n2002,3\nsum:,5\n", "column 'year', line 4: the last line begins with 'sum:'"),
    ],
)
def test_lines_that_are_no_rows(text: str, message: str) -> None:
    assert message in fault(text)


@pytest.mark.parametrize(
    "text",
    [
        ",0,1,2\n0,5,6,7\n1,5,6,8\n",  # names that pandas gives
        "land,1990,1991\na,1,2\n",
        "id,2021,2020\n1,5,6\n",
        "text,spam\nhello,spam\nbye,ham\n",
        "kind,n\nTotal,1\nPart,2\nTotal,3\n",
    ],
)
def test_headers_and_rows_that_only_look_odd(text: str) -> None:
    assert len(rows(text)) == text.count("\n") - 1


# ---------------------------------------------------------------- bytes


def test_another_encoding_is_refused_with_column_and_value() -> None:
    text = 'name,city\n"a\nb",Rom\nc,Zürich €\n'
    assert fault(text.encode("cp1252")) == (
        "the stream, line 4, column 'city': expected UTF-8 text, but found the byte 0xfc (read as cp1252, "
        "the value is 'Zürich €'). Save the file as CSV in UTF-8, or pass encoding='cp1252'."
    )
    assert "pass encoding='latin-1'" in fault(b"a,b\n1,\x81\n")  # nothing in cp1252
    assert "pass encoding='utf-16'" in fault(text.encode("utf-16"))
    assert "line 1: found a zero byte" in fault(text.encode("utf-16-le"))
    assert "line 2, column 'a': expected UTF-8 text" in fault(b"a,b\n\xfc,1\n\x81,2\n")  # in neither


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "utf-32", "UTF8", "utf-8-sig"])
def test_another_encoding_is_read_if_asked(encoding: str) -> None:
    text = 'name,city\n"a\nb",Rom\nc,Zürich €\n'
    assert rows(text.encode(encoding), encoding) == [("a\nb", "Rom"), ("c", "Zürich €")]


def test_encodings_that_do_not_fit_or_are_none() -> None:
    assert "line 2: the byte 0xff has no meaning in ascii" in fault(b"a,b\n\xff,1\n", "ascii")
    assert "has no meaning in utf-16" in fault(b"\xff\xfea", "utf-16")
    for name in ("latin1000", "zip", "", "\0"):
        with pytest.raises(ArgumentError, match="there is no encoding"):
            read_table("x.csv", encoding=name)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": 1}\n', "is JSON, not a text table"),
        (b' [\n {"a": 1}]', "is JSON, not a text table"),
        (b"<!DOCTYPE html><html>", "is a web page or XML"),
        (b"\n<table><tr>", "is a web page or XML"),
        (pickle.dumps({"a": [1]}), "is a Python pickle, which is never loaded"),
        (b"%PDF-1.4", "is a document"),
        (b"BZh91AY", "is packed in another way than by gzip"),
        (b"SQLite format 3\0", "is a kind of file that is not read here"),
        (b"\xd0\xcf\x11\xe0\0\0", "is an old Excel file"),
        (b"a,b\n1,2\n\0\0\0\0", "line 3: found a zero byte"),
        (b'a,b\n1,"' + b"x" * 200_000 + b'"\n2,"y" z\n', "a value is longer than 131,072 characters"),
        (b"a  b c\n1  2 3\n4 5 x\n", "line 1: the values are separated by blanks. Separate them by commas"),
        (b"," * 1_000_000 + b"\n1\n", "line 1: found 1,000,001 values, but a table has 1,000,000 columns"),
        (b'a,b\n1,x\n2,"y\n3,z\n', "line 3: the quotes in this line cannot be read"),
    ],
)
def test_files_that_are_something_else(data: bytes, message: str) -> None:
    assert message in fault(data)


def test_a_header_in_brackets_is_one() -> None:
    assert rows("[a],<b>,{c}\n1,2,3\n") == [(1, 2, 3)]


def test_long_lines_and_long_values() -> None:
    long = "x" * 300_000
    assert rows(f"a,b\n1,{long}\n2,y\n") == [(1, long), (2, "y")]
    wide = ",".join(f"c{i}" for i in range(30_000))
    assert rows(wide + "\n" + ",".join(["1"] * 30_000) + "\n") == [(1,) * 30_000]


def test_quoted_newlines_are_counted_in_lines() -> None:
    table = read_table(io.BytesIO(b'n,t\n1,"a\nb"\n2,c\n3,"\n\n"\n4,d\nx,e\n' * 1))
    assert [table.origin.place(i) for i in range(5)] == ["line 2", "line 4", "line 5", "line 8", "line 9"]
    assert table.frame["t"].to_list() == ["a\nb", "c", None, "d", "e"]


def test_a_file_that_unpacks_to_very_much_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pellucid.tables.contents.UNPACKED_AT_MOST", 1 << 20)
    monkeypatch.setattr("pellucid.tables.contents.PIECE", 1 << 16)
    bomb = gzip.compress(b"a,b\n" + b"0,0\n" * (1 << 21), mtime=0)
    assert "unpacks to more than 50 times its size" in fault(bomb)
    packed = gzip.compress(b"a,b\n", mtime=0) + gzip.compress(b"1,2\n", mtime=0)  # two members
    assert rows(packed) == [(1, 2)]
    assert "cannot be unpacked" in fault(packed[:-3])


def test_pipes_and_devices(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"a,b\n1,x\n"))
    writer.start()
    assert read_table(pipe).frame.rows() == [(1, "x")]
    writer.join()
    with pytest.raises(TableError, match="'/dev/zero' is a device, which may never end"):
        read_table("/dev/zero")


def test_patterns_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.csv", "a.csv", "[x].csv"):
        (tmp_path / name).write_text(f"file,n\n{name},1\n")
    monkeypatch.chdir(tmp_path)
    assert [row[0] for row in read_table("?.csv").frame.rows()] == ["a.csv", "b.csv"]
    assert read_table(tmp_path / "[x].csv").frame.rows() == [("[x].csv", 1)]  # a name, if there is one
    with pytest.raises(TableError, match=r"there is no file '\*\.tsv', nor one that matches it"):
        read_table("*.tsv")
    with pytest.raises(TableError, match=r"is a folder\. Give the path of a file in it, or '.*\*\.csv' for"):
        read_table(tmp_path)
