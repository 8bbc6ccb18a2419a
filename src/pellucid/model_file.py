"""One safe file of plain values and tensors: `write` and `read`.

A `.pellucid` file is a zip archive of two stored members, so any zip program can look inside::

    model.json            {"checksum", "document", "format", "pellucid"}
    tensors.safetensors   the tensors; the checksum is the SHA-256 of these bytes

Reading it runs no code, opens nothing else, and takes memory in proportion to the file's size.
The archive is written by one fixed rule: its headers follow from the sizes and checksums of the
members. The reader accepts nothing else, so that each byte of a file is accounted for and no
part of the zip format that could be abused (compression, links, comments, overlaps) is ever read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import secrets
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np

from pellucid.errors import ArgumentError, ModelFileError

FORMAT = 1

# The most that is written or read. An empty list, three bytes of text, takes a hundred in memory.
MAX_TEXT = 64 << 20
MAX_LISTS = 1_000_000  # and dicts
MAX_HEADER = 16 << 20
MAX_DEPTH = 100
MAX_TENSORS = (1 << 32) - 2 * MAX_TEXT  # sizes and offsets in a plain zip archive have 32 bits

_TEXT, _TENSORS = b"model.json", b"tensors.safetensors"
_MAGIC = b"PK\3\4"
_DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "u1", "BOOL": "?"}
_NAMES = "float32, float64, int32, int64, uint8 or bool"


def write(
    path: str | os.PathLike[str], document: Mapping[str, Any], tensors: Mapping[str, np.ndarray[Any, Any]]
) -> None:
    """Write a document and its tensors to one file, whole or not at all.

    The file is written beside its place under another name, brought to the disk and renamed, so a
    crash leaves the old file or the new one. Permissions of an old file are kept, and a link
    stays a link: the file it leads to is replaced. The same content gives the same bytes.

    Parameters
    ----------
    path : str or path
        Where to write.
    document : dict
        Plain values: None, bool, int, float (NaN and infinities too), str, lists and dicts with
        text keys. Tuples come back as lists; the keys of a dict come back sorted.
    tensors : dict of str to array
        float32, float64, int32, int64, uint8 or bool, of any shape and memory order.

    Raises
    ------
    ArgumentError
        If the document or a tensor is of a kind that the file cannot hold.
    ModelFileError
        If the file cannot be written; an old one is then unchanged.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "iris.pellucid")
    ...     write(path, {"loss": [0.5, 0.25]}, {"weights": np.ones((2, 1), np.float32)})
    ...     document, tensors = read(path)
    >>> document["loss"], tensors["weights"].shape
    ([0.5, 0.25], (2, 1))
    """
    name = _file_name(path)
    content = _tensor_bytes(tensors)
    text = _text(document, content)
    members = [(n, zlib.crc32(data), len(data)) for n, data in ((_TEXT, text), (_TENSORS, content))]
    heads = [_local_header(*member) for member in members]
    with _one_sentence("write", name):
        _replace(name, [heads[0], text, heads[1], content, _directory(members)])


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    """Read what `write` wrote.

    Parameters
    ----------
    path : str or path
        A file that pellucid wrote. It need not be trusted.

    Returns
    -------
    dict, dict of str to array
        The document, with every float bit for bit, and the tensors: writable, in C order.

    Raises
    ------
    ModelFileError
        If there is no such file, or it is not a pellucid model file, truncated, damaged in any
        byte, or made by a newer pellucid.
    """
    name = _file_name(path)
    with _one_sentence("read", name), _open_ordinary(name) as file:
        archive = _Archive(file)
        head = _head(archive.member(_TEXT, MAX_TEXT))
        content = archive.member(_TENSORS, MAX_TENSORS)
        archive.check_end()
        if head["checksum"] != _checksum(content):
            raise _FlawError("is damaged: the checksum of its tensors differs")
        return _revived(head["document"]), _arrays(content)


# ---------------------------------------------------------------- the text


def _text(document: Mapping[str, Any], content: bytes) -> bytes:
    import pellucid

    head = {
        "format": FORMAT,
        "pellucid": pellucid.__version__,
        "checksum": _checksum(content),
        "document": _plain(dict(document), "document", 0),
    }
    try:
        text = json.dumps(head, sort_keys=True, allow_nan=False).encode()
    except ValueError as error:  # an int of more digits than Python prints
        raise ArgumentError(f"the document cannot be written as JSON: {error}.") from error
    if len(text) > MAX_TEXT:
        raise ArgumentError(f"the document takes {len(text):,} bytes, but a model file holds {MAX_TEXT:,}.")
    if _lists(text) > MAX_LISTS:
        raise ArgumentError(f"the document has more lists and dicts than a model file holds, {MAX_LISTS:,}.")
    return text


def _lists(text: bytes) -> int:
    return text.count(b"[") + text.count(b"{")


def _plain(value: Any, place: str, depth: int) -> Any:
    """JSON has no NaN and no infinity: they become `{"$float": "nan"}`, and "$..." keys "$$..."."""
    if depth > MAX_DEPTH:
        raise ArgumentError(f"the document is nested more than {MAX_DEPTH} deep, or holds itself.")
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(float(value))}
    if isinstance(value, (list, tuple)):
        return [_plain(v, f"{place}[{i}]", depth + 1) for i, v in enumerate(value)]
    if not isinstance(value, dict):
        kind = type(value).__name__
        raise ArgumentError(f"{place} must be a number, text, list or dict, but is of type {kind}.")
    for key in value:
        if not isinstance(key, str):
            raise ArgumentError(f"{place} must have text keys, but has the key {key!r}.")
    return {_escaped(k): _plain(v, f"{place}[{k!r}]", depth + 1) for k, v in value.items()}


def _escaped(key: str) -> str:
    return "$" + key if key.startswith("$") else key


def _revived(value: Any, depth: int = 0) -> Any:
    """The inverse of `_plain`."""
    if depth > MAX_DEPTH:
        raise _FlawError(f"is not to be trusted: its model.json is nested more than {MAX_DEPTH} deep")
    if isinstance(value, list):
        return [_revived(v, depth + 1) for v in value]
    if not isinstance(value, dict):
        return value
    if "$float" in value:
        if len(value) != 1 or value["$float"] not in ("nan", "inf", "-inf"):
            raise _FlawError("is damaged: a number in its model.json cannot be read")
        return float(value["$float"])
    return {k[1:] if k.startswith("$") else k: _revived(v, depth + 1) for k, v in value.items()}


def _head(text: bytes) -> dict[str, Any]:
    if _lists(text) > MAX_LISTS:
        raise _FlawError("is not to be trusted: its model.json has too many lists and dicts")
    try:
        head = json.loads(text.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _FlawError("is damaged: its model.json is not valid JSON") from None
    if not isinstance(head, dict) or type(head.get("format")) is not int or head["format"] < 1:
        raise _FlawError("is not a pellucid model file: its model.json names no format")
    if head["format"] > FORMAT:
        raise _FlawError(
            f"was made by a newer pellucid (format {head['format']}, this one reads up to {FORMAT}):"
            " update pellucid to read it"
        )
    if not isinstance(head.get("document"), dict) or not isinstance(head.get("checksum"), str):
        raise _FlawError("is damaged: its model.json lacks the document or the checksum")
    return head


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# ------------------------------------------------------------- the tensors


def _tensor_bytes(tensors: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    from safetensors.numpy import save

    ready = {}
    for name, tensor in tensors.items():
        if not isinstance(name, str) or name == "__metadata__":
            raise ArgumentError(f"a tensor's name must be text and not '__metadata__', but is {name!r}.")
        array = np.asarray(tensor)
        little = array.dtype.newbyteorder("<")
        if little not in [np.dtype(d) for d in _DTYPES.values()]:
            raise ArgumentError(f"tensor {name!r} must be of {_NAMES}, but is of {array.dtype}.")
        # safetensors writes any other memory order wrongly and says nothing.
        ready[name] = np.ascontiguousarray(array, little).reshape(array.shape)
    try:
        content = save(ready)
    except ValueError as error:  # a name that is not Unicode text
        raise ArgumentError(f"the tensors cannot be written: {error}.") from error
    if int.from_bytes(content[:8], "little") > MAX_HEADER:
        raise ArgumentError(f"{len(ready):,} tensors and their names are more than a model file holds.")
    if len(content) > MAX_TENSORS:
        raise ArgumentError(f"the tensors take {len(content):,} bytes, but a file holds {MAX_TENSORS:,}.")
    return content


def _arrays(content: bytes) -> dict[str, np.ndarray[Any, Any]]:
    from safetensors import SafetensorError, deserialize

    if int.from_bytes(content[:8], "little") > MAX_HEADER:
        raise _FlawError("is not to be trusted: the header of its tensors is too large")
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    try:
        for name, found in deserialize(content):  # type: ignore[no-untyped-call]
            if found["dtype"] not in _DTYPES:
                raise _FlawError(f"is not to be trusted: tensor {name!r} is not of {_NAMES}")
            flat = np.frombuffer(found["data"], _DTYPES[found["dtype"]])
            if found["dtype"] == "BOOL":  # a byte other than 0 and 1 is neither True nor False
                flat = flat.view("u1") != 0
            tensors[name] = flat.reshape(found["shape"])
    except (SafetensorError, ValueError, OverflowError) as error:
        raise _FlawError(f"is damaged: its tensors cannot be read ({error})") from error
    return tensors


def _checksum(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


# ------------------------------------------------------------- the archive


def _local_header(name: bytes, crc: int, size: int) -> bytes:
    """Header before a stored member of 1 January 1980, the zip format's first day."""
    return struct.pack("<4s5H3I2H", _MAGIC, 20, 0, 0, 0, 0x21, crc, size, size, len(name), 0) + name


def _directory(members: Sequence[tuple[bytes, int, int]]) -> bytes:
    """The end of the archive: an entry for each member (name, crc, size), and the final record."""
    entries, offset = b"", 0
    for name, crc, size in members:
        head = (b"PK\1\2", 0x314, 20, 0, 0, 0, 0x21, crc, size, size, len(name), 0, 0, 0, 0, 0o100644 << 16)
        entries += struct.pack("<4s6H3I5H2I", *head, offset) + name
        offset += 30 + len(name) + size
    count = len(members)
    return entries + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(entries), offset, 0)


class _FlawError(Exception):
    """What is wrong with a file: the end of a sentence that begins with its name."""


class _Archive:
    """Reads an archive from its first byte to its last and compares it with the rule."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.members: list[tuple[bytes, int, int]] = []
        self.left = os.fstat(file.fileno()).st_size
        if self.left == 0:
            raise _FlawError("is empty, not a pellucid model file")
        if file.read(len(_MAGIC)) != _MAGIC:
            raise _FlawError("is not a pellucid model file")
        file.seek(0)

    def take(self, size: int) -> bytes:
        """The next bytes; nothing is allocated for bytes that are not there."""
        content = self.file.read(size) if size <= self.left else b""
        self.left -= size
        if len(content) != size:
            raise _FlawError("is truncated: it ends too early")
        return content

    def member(self, name: bytes, most: int) -> bytes:
        """The content of the member that must come next."""
        head = self.take(30 + len(name))
        if head[30:] != name:
            raise _FlawError(f"is not a pellucid model file: an archive without {name.decode()} in its place")
        crc, size = struct.unpack_from("<2I", head, 14)
        if head != _local_header(name, crc, size):
            raise _FlawError("is damaged, or was packed anew by another program")
        if size > most:
            raise _FlawError(f"is not to be trusted: its {name.decode()} takes {size:,} bytes")
        content = self.take(size)
        if zlib.crc32(content) != crc:
            raise _FlawError(f"is damaged: the checksum of its {name.decode()} differs")
        self.members.append((name, crc, size))
        return content

    def check_end(self) -> None:
        """Check that the directory of the members follows, and then nothing."""
        end = _directory(self.members)
        if self.take(len(end)) != end:
            raise _FlawError("is damaged: its directory differs from its members")
        if self.left:
            raise _FlawError(f"is damaged: {self.left:,} bytes follow its end")


# ----------------------------------------------------------------- the disk


def _file_name(path: str | os.PathLike[str]) -> str:
    try:
        name = os.fsdecode(os.fspath(path))
        encoded = os.fsencode(name)
    except (TypeError, UnicodeError):
        raise ArgumentError(f"the path of a model file must be a str or a path, but is {path!r}.") from None
    if not name or b"\0" in encoded:
        raise ArgumentError(f"the path of a model file must not be empty or hold a null, but is {name!r}.")
    return name


@contextlib.contextmanager
def _one_sentence(verb: str, name: str) -> Iterator[None]:
    """Whatever goes wrong with the file becomes one sentence that names it."""
    try:
        yield
    except _FlawError as flaw:
        raise ModelFileError(f"{name!r} {flaw}.") from flaw
    except MemoryError as error:
        raise ModelFileError(f"cannot {verb} {name!r}: it does not fit in memory.") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        if isinstance(error, FileNotFoundError):
            reason = f"there is no such {'file' if verb == 'read' else 'folder'}"
        raise ModelFileError(f"cannot {verb} {name!r}: {reason}.") from error


def _open_ordinary(name: str) -> BinaryIO:
    """Opening a pipe would wait, and a device may never end: only files are read."""
    mode = os.stat(name).st_mode
    if not stat.S_ISREG(mode):
        raise _FlawError(f"is not a pellucid model file, but a {_kind(mode)}")
    return open(name, "rb")


def _kind(mode: int) -> str:
    return "folder" if stat.S_ISDIR(mode) else "pipe, socket or device"


def _replace(name: str, pieces: Sequence[bytes]) -> None:
    target = os.path.realpath(name)
    folder = os.path.dirname(target)
    old = os.stat(target) if os.path.lexists(target) else None
    if old and not stat.S_ISREG(old.st_mode):
        raise _FlawError(f"is a {_kind(old.st_mode)}: a model cannot be written there")
    if old and not os.access(target, os.W_OK):
        raise PermissionError(0, "permission denied")
    temporary = os.path.join(folder, f".pellucid-{secrets.token_hex(8)}.tmp")
    mode = stat.S_IMODE(old.st_mode) if old else 0o666
    try:
        with open(temporary, "xb", opener=lambda path, flags: os.open(path, flags, mode)) as file:
            file.writelines(pieces)
            if old:
                with contextlib.suppress(OSError, AttributeError):  # only where the system allows it
                    os.chown(temporary, old.st_uid, old.st_gid)
                os.chmod(temporary, mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    with contextlib.suppress(OSError):  # Windows opens no folders, and needs no such call
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
