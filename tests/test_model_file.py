"""The model file: what is written comes back, and nothing else is taken for it."""

import base64
import concurrent.futures
import hashlib
import io
import json
import math
import os
import random
import resource
import signal
import stat
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pellucid import __version__, model_file
from pellucid.errors import ArgumentError, ModelFileError
from pellucid.model_file import read, write

DTYPES = ["float32", "float64", "int32", "int64", "uint8", "bool"]
DOCUMENT = {"name": "iris", "history": {"loss": [0.1, math.nan]}}
TENSORS = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "seen": np.array([True, False])}

# DOCUMENT and TENSORS as pellucid 0.1.0 wrote them: files of every version stay readable.
FORMAT_1 = base64.b64decode("""
UEsDBBQAAAAAAAAAIQDKbWwHxgAAAMYAAAAKAAAAbW9kZWwuanNvbnsiY2hlY2tzdW0iOiAic2hhMjU2OmI0MGJiNGYyM2Jh
YWRkZDE3OTljZTlkZGJiNTAyZDI4YWQzZTAwMmZkMjdmNWRiMWI0Yjg4ZTNkNTJjNjJhNWIiLCAiZG9jdW1lbnQiOiB7Imhp
c3RvcnkiOiB7Imxvc3MiOiBbMC4xLCB7IiRmbG9hdCI6ICJuYW4ifV19LCAibmFtZSI6ICJpcmlzIn0sICJmb3JtYXQiOiAx
LCAicGVsbHVjaWQiOiAiMC4xLjAifVBLAwQUAAAAAAAAACEAbbKssZoAAACaAAAAEwAAAHRlbnNvcnMuc2FmZXRlbnNvcnN4
AAAAAAAAAHsidyI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMiwzXSwiZGF0YV9vZmZzZXRzIjpbMCwyNF19LCJzZWVuIjp7
ImR0eXBlIjoiQk9PTCIsInNoYXBlIjpbMl0sImRhdGFfb2Zmc2V0cyI6WzI0LDI2XX19ICAgIAAAAAAAAIA/AAAAQAAAQEAA
AIBAAACgQAEAUEsBAhQDFAAAAAAAAAAhAMptbAfGAAAAxgAAAAoAAAAAAAAAAAAAAKSBAAAAAG1vZGVsLmpzb25QSwECFAMU
AAAAAAAAACEAbbKssZoAAACaAAAAEwAAAAAAAAAAAAAApIHuAAAAdGVuc29ycy5zYWZldGVuc29yc1BLBQYAAAAAAgACAHkA
AAC5AQAAAAA=
""")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model") / "iris.pellucid"


def same(a: Any, b: Any) -> bool:
    """Equal in type and, for floats, in every bit; any NaN equals any other."""
    if isinstance(a, dict):
        return type(b) is dict and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return type(b) is list and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and not math.isnan(a):
        return type(b) is float and struct.pack("d", a) == struct.pack("d", b)
    return type(a) is type(b) and (a == b or (a != a and b != b))


def archive(text: object, tensors: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of the two members, by the standard library."""
    whole = io.BytesIO()
    content = text if isinstance(text, bytes) else json.dumps(text, sort_keys=True).encode()
    with zipfile.ZipFile(whole, "w") as out:
        for name, data in (("model.json", content), ("tensors.safetensors", tensors)):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            out.writestr(info, data, compression)
    return whole.getvalue()


def head(tensors: bytes, **changes: object) -> dict[str, object]:
    checksum = "sha256:" + hashlib.sha256(tensors).hexdigest()
    return {"format": 1, "pellucid": __version__, "checksum": checksum, "document": {}, **changes}


def safetensors(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def refusal(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        read(file)
    message = str(caught.value)
    assert message.startswith(repr(str(file)))
    assert message.endswith(".")
    assert "\n" not in message
    return message


# ------------------------------------------------------------ what is written comes back

keys = st.text(max_size=5) | st.sampled_from(["$float", "$", "$$a"])
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=None, max_examples=50)
@given(document=st.dictionaries(keys, plain, max_size=4))
def test_any_document_comes_back(file: Path, document: dict[str, Any]) -> None:
    write(file, document, {})
    assert same(read(file)[0], document)


@settings(deadline=None)
@given(data=st.data(), dtype=st.sampled_from(DTYPES), order=st.sampled_from(["C", "F", "step", "back", ">"]))
def test_any_tensor_comes_back(file: Path, data: st.DataObject, dtype: str, order: str) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    values = data.draw(hnp.arrays(dtype, shape))
    given_values = {
        "C": values,
        "F": np.asfortranarray(values),
        "step": np.repeat(values, 2, axis=-1)[..., ::2] if values.ndim else values,
        "back": np.flip(np.flip(values).copy()),
        ">": values.astype(values.dtype.newbyteorder(">")),
    }[order]
    write(file, {}, {"t": given_values.reshape(shape)})
    found = read(file)[1]["t"]
    assert found.dtype == dtype
    assert found.shape == shape
    assert found.tobytes() == values.tobytes()
    assert found.flags.writeable
    assert found.flags.c_contiguous


def test_tensors_of_awkward_memory_come_back(file: Path) -> None:
    square = np.arange(12, dtype=np.float32).reshape(3, 4)
    tensors = {
        "transposed": square.T,
        "column": square[:, 1],
        "broadcast": np.broadcast_to(np.float32(7), (2, 3)),
        "scalar": np.array(3.5),
        "nothing": np.zeros((3, 0, 2), np.int64),
        'a name/with ünïcode \0 and "quotes"': square,
    }
    write(file, {}, tensors)
    found = read(file)[1]
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(found[name], tensor, strict=True)


def test_numpy_floats_and_tuples_come_back_plain(file: Path) -> None:
    write(file, {"loss": (np.float64(0.1), np.float64("nan"))}, {})
    assert same(read(file)[0], {"loss": [0.1, math.nan]})


def test_same_content_gives_the_same_bytes(file: Path) -> None:
    write(file, DOCUMENT, TENSORS)
    first = file.read_bytes()
    for _ in range(10):
        write(file, dict(reversed(DOCUMENT.items())), dict(reversed(TENSORS.items())))
        assert file.read_bytes() == first


def test_the_file_is_the_zip_archive_that_the_standard_library_writes(file: Path) -> None:
    write(file, DOCUMENT, TENSORS)
    with zipfile.ZipFile(file) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == ["model.json", "tensors.safetensors"]
        text, tensors = (opened.read(n) for n in opened.namelist())
    written = {"name": "iris", "history": {"loss": [0.1, {"$float": "nan"}]}}
    assert json.loads(text) == head(tensors, document=written)
    assert file.read_bytes() == archive(text, tensors)


def test_a_file_of_format_1_is_read(file: Path) -> None:
    file.write_bytes(FORMAT_1)
    document, tensors = read(file)
    assert same(document, DOCUMENT)
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        np.testing.assert_array_equal(tensors[name], tensor, strict=True)


# --------------------------------------------------------------- nothing else is taken for it


def test_every_flipped_byte_is_detected(file: Path) -> None:
    for position in range(len(FORMAT_1)):
        for change in (1, 0x80, 0xFF):
            damaged = bytearray(FORMAT_1)
            damaged[position] ^= change
            assert refusal(file, bytes(damaged))


def test_every_truncation_is_detected(file: Path) -> None:
    assert "is empty" in refusal(file, b"")
    for length in range(1, len(FORMAT_1)):
        expected = "truncated" if length >= 4 else "not a pellucid model file"
        assert expected in refusal(file, FORMAT_1[:length])
    assert "3 bytes follow its end" in refusal(file, FORMAT_1 + b"abc")


@settings(deadline=None)
@given(noise=st.binary(min_size=1), keep=st.integers(0, len(FORMAT_1) - 1))
def test_noise_is_refused(file: Path, noise: bytes, keep: int) -> None:
    assume(FORMAT_1[:keep] + noise != FORMAT_1)
    assert refusal(file, FORMAT_1[:keep] + noise)


EMPTY = safetensors({})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b'{"format": 1, "document": {"a": NaN}}', "not valid JSON"),
        (b'{"format": 1, "document": {"a": -Infinity}}', "not valid JSON"),
        (b'{"format": 1, "document": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b"[" * 500_000, "not valid JSON"),
        (head(EMPTY, document={"a": [[]] * 1_000_000}), "too many lists"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "not valid JSON"),
        ([], "names no format"),
        ({"layers": []}, "names no format"),
        (head(EMPTY, format=True), "names no format"),
        (head(EMPTY, format=0), "names no format"),
        (head(EMPTY, format=7), "made by a newer pellucid (format 7, this one reads up to 1)"),
        (head(EMPTY, document=[]), "lacks the document"),
        (head(EMPTY, checksum=None), "lacks the document"),
        (head(b"other"), "the checksum of its tensors differs"),
        (head(EMPTY, document={"a": {"$float": "1.5"}}), "a number in its model.json"),
        (head(EMPTY, document={"a": {"$float": ["nan"]}}), "a number in its model.json"),
        (head(EMPTY, document={"a": {"$float": "nan", "b": 1}}), "a number in its model.json"),
        (head(EMPTY, document={"a": json.loads("[" * 200 + "]" * 200)}), "nested more than 100 deep"),
    ],
)
def test_a_hostile_text_is_refused(file: Path, text: object, expected: str) -> None:
    assert expected in refusal(file, archive(text, EMPTY))


def tensor(dtype: str, shape: list[int], start: int, end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x02\0\0\0",
        (1 << 63).to_bytes(8, "little") + b"{}",
        (1 << 40).to_bytes(8, "little") + b"{}",
        (17 << 20).to_bytes(8, "little") + b"{}",
        safetensors(b"{"),
        safetensors(b"[]"),
        safetensors({"w": tensor("F32", [2], 0, 8)}, bytes(4)),
        safetensors({"w": tensor("F32", [2], 0, 8)}, bytes(12)),
        safetensors({"w": tensor("F32", [3], 0, 8)}, bytes(8)),
        safetensors({"w": tensor("F32", [-2], 0, 8)}, bytes(8)),
        safetensors({"w": tensor("F32", [1 << 62, 4], 0, 0)}),
        safetensors({"w": tensor("F32", [0, 1 << 62, 1 << 62], 0, 0)}),
        safetensors({"w": tensor("F32", [1] * 100, 0, 4)}, bytes(4)),
        safetensors({"v": tensor("F32", [1], 0, 4), "w": tensor("F32", [1], 0, 4)}, bytes(4)),
        safetensors({"v": tensor("F32", [1], 0, 4), "w": tensor("F32", [1], 8, 12)}, bytes(12)),
        safetensors({"w": tensor("F16", [1], 0, 2)}, bytes(2)),
        safetensors({"w": tensor("BF16", [1], 0, 2)}, bytes(2)),
        safetensors({"w": tensor("O", [1], 0, 8)}, bytes(8)),
    ],
)
def test_hostile_tensors_are_refused(file: Path, content: bytes) -> None:
    assert refusal(file, archive(head(content), content))


def test_a_truth_value_is_0_or_1_whatever_the_byte(file: Path) -> None:
    content = safetensors({"b": tensor("BOOL", [3], 0, 3)}, b"\x00\x02\xff")
    file.write_bytes(archive(head(content), content))
    assert read(file)[1]["b"].tobytes() == b"\x00\x01\x01"


def test_archives_of_other_kinds_are_refused(file: Path) -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as out:
        out.writestr("../../model.json", b"{}")
    assert "not a pellucid model file" in refusal(file, other.getvalue())
    assert "not a pellucid model file" in refusal(file, b"PK\5\6" + bytes(18))
    assert "not a pellucid model file" in refusal(file, b"\x80\x04\x95 a pickle" + bytes(50))
    text, tensors = head(EMPTY), EMPTY
    extra = io.BytesIO(archive(text, tensors))
    with zipfile.ZipFile(extra, "a") as out:
        out.writestr("third", b"")
    assert refusal(file, extra.getvalue())
    swapped = archive(text, tensors).replace(b"tensors.safetensors", b"tensors/safetensors")
    assert "without tensors.safetensors" in refusal(file, swapped)


def test_bombs_take_no_memory(file: Path) -> None:
    zeros = bytes(10_000_000)
    compressed = archive(head(EMPTY, document={"a": zeros.decode()}), zeros, zipfile.ZIP_DEFLATED)
    declared = bytearray(archive(head(EMPTY), EMPTY))
    struct.pack_into("<2I", declared, 18, 0xFFFFFFF0, 0xFFFFFFF0)
    long_text = bytearray(archive(head(EMPTY), EMPTY))
    struct.pack_into("<2I", long_text, 18, model_file.MAX_TEXT, model_file.MAX_TEXT)
    tracemalloc.start()
    try:
        assert "packed anew" in refusal(file, compressed)
        assert "takes 4,294,967,280 bytes" in refusal(file, bytes(declared))
        assert "truncated" in refusal(file, bytes(long_text))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_only_ordinary_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, expected in [
        (tmp_path / "none", "there is no such file"),
        (tmp_path, "a folder"),
        (tmp_path / "pipe", "a pipe"),
        (Path(os.devnull), "a pipe, socket or device"),
        (tmp_path / ("n" * 300), "too long"),
    ]:
        with pytest.raises(ModelFileError, match=expected):
            read(path)


@pytest.mark.parametrize("path", ["", "a\0b", 3, None, b"", "\ud800"])
def test_a_path_that_is_none_is_refused(path: Any) -> None:
    for call in (lambda: read(path), lambda: write(path, {}, {})):
        with pytest.raises(ArgumentError, match="the path of a model file"):
            call()


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"a": [0, {"b": np.float32(1)}]}, r"document\['a'\]\[1\]\['b'\] must be .* of type float32"),
        ({"a": {1, 2}}, "of type set"),
        ({"a": b"bytes"}, "of type bytes"),
        ({"a": {1: 2}}, r"document\['a'\] must have text keys, but has the key 1"),
        ({"a": 10**5000}, "cannot be written as JSON"),
    ],
)
def test_a_document_that_is_not_plain_is_refused(file: Path, document: Any, expected: str) -> None:
    with pytest.raises(ArgumentError, match=expected):
        write(file, document, {})


def test_a_document_that_holds_itself_is_refused(file: Path) -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ArgumentError, match="nested more than 100 deep"):
        write(file, {"a": loop}, {})


def test_a_document_that_is_too_long_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "MAX_TEXT", 1000)
    with pytest.raises(ArgumentError, match="a model file holds 1,000"):
        write(file, {"a": "b" * 1000}, {})
    monkeypatch.setattr(model_file, "MAX_LISTS", 10)
    with pytest.raises(ArgumentError, match="more lists and dicts than a model file holds, 10"):
        write(file, {"a": [[]] * 10}, {})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("w", np.zeros(2, np.float16), "must be of float32.* but is of float16"),
        ("w", np.array(["a"]), "but is of <U1"),
        ("w", np.array([None]), "but is of object"),
        ("w", np.zeros(2, "datetime64[s]"), "but is of datetime64"),
        ("__metadata__", np.zeros(2), "a tensor's name"),
        (3, np.zeros(2), "a tensor's name"),
        ("\ud800", np.zeros(2), "cannot be written"),
    ],
)
def test_a_tensor_that_no_file_holds_is_refused(file: Path, name: Any, value: Any, expected: str) -> None:
    with pytest.raises(ArgumentError, match=expected):
        write(file, {}, {name: value})


# ----------------------------------------------------------------- the old file or the new one


def test_a_failing_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.pellucid"
    write(path, {"a": 1}, {})
    old = path.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    for step in ("fsync", "replace", "chmod"):
        with monkeypatch.context() as patch:
            patch.setattr(os, step, fail)
            with pytest.raises(ModelFileError, match=r"old\.pellucid': no space left on device\."):
                write(path, {"a": 2}, TENSORS)
        assert path.read_bytes() == old
        assert os.listdir(tmp_path) == ["old.pellucid"]


def test_a_disk_that_takes_no_more_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "old.pellucid"
    write(path, {"a": 1}, {})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(ModelFileError, match="file too large"):
            write(path, {"a": 2}, {"w": np.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert read(path) == ({"a": 1}, {})
    assert os.listdir(tmp_path) == ["old.pellucid"]


def test_a_write_that_is_interrupted_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old.pellucid"
    write(path, {"a": 1}, {})

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(path, {"a": 2}, {})
    assert read(path) == ({"a": 1}, {})
    assert os.listdir(tmp_path) == ["old.pellucid"]


def test_an_unwritable_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text").write_text("")
    os.mkfifo(tmp_path / "pipe")
    os.symlink("loop", tmp_path / "loop")
    for path, expected in [
        (tmp_path / "none" / "x.pellucid", "there is no such folder"),
        (tmp_path / "text" / "x.pellucid", "not a directory"),
        (tmp_path, "is a folder: a model cannot be written there"),
        (tmp_path / "pipe", "is a pipe, socket or device"),
        (Path(os.devnull), "is a pipe, socket or device"),
        (tmp_path / "loop", "too many levels of symbolic links"),
    ]:
        with pytest.raises(ModelFileError, match=expected):
            write(path, {}, {})
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(ModelFileError, match="permission denied"):
        write(tmp_path / "text", {}, {})
    assert sorted(os.listdir(tmp_path)) == ["loop", "pipe", "text"]


def test_permissions_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.pellucid"
    umask = os.umask(0o027)
    try:
        write(path, {}, {})
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        for mode in (0o600, 0o666, 0o755):
            path.chmod(mode)
            write(path, {}, {})
            assert stat.S_IMODE(path.stat().st_mode) == mode
    finally:
        os.umask(umask)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    link, target = tmp_path / "latest.pellucid", tmp_path / "models" / "run1.pellucid"
    link.symlink_to(Path("models") / "run1.pellucid")
    for run in (1, 2):
        write(link, {"run": run}, {})
        assert link.is_symlink()
        assert not target.is_symlink()
        assert read(target) == read(link) == ({"run": run}, {})
    assert os.listdir(tmp_path / "models") == ["run1.pellucid"]


def test_many_writers_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "x.pellucid"

    def write_and_read(run: int) -> bool:
        write(path, {"run": run}, {"w": np.full(1000, run)})
        document, tensors = read(path)
        return bool((tensors["w"] == document["run"]).all())

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(pool.map(write_and_read, range(40)))
    assert os.listdir(tmp_path) == ["x.pellucid"]


WRITER = """
import sys, numpy as np
from pellucid.model_file import write
run = 0
while True:
    write(sys.argv[1], {"run": run}, {"w": np.full(50_000, run)})
    run += 1
    if run == 1:
        print("writing", flush=True)
"""


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    path, wait = tmp_path / "x.pellucid", random.Random(0)
    for _ in range(5):
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "writing\n"
            for _ in range(20):
                document, tensors = read(path)
                assert (tensors["w"] == document["run"]).all()
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(wait.uniform(0, 0.05))
            writer.send_signal(signal.SIGKILL)
        document, tensors = read(path)
        assert (tensors["w"] == document["run"]).all()
        assert tensors["w"].shape == (50_000,)
