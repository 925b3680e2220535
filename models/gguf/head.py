"""The parser behind `file`: bytes of a file's head to metadata and tensor table, or a sentence.

The format is the one of ggml's docs/gguf.md. Every count and length is checked against the file's size before
it is used; nothing is allocated on a file's word. Which models can be run is not decided here.
"""

from __future__ import annotations

import functools
import math
import struct
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

import attrs

from ...context.shared.problem import ModelProblem

_MOST_KEYS = 65_536
_MOST_TENSORS = 65_536
_LONGEST_KEY = 65_535
_LONGEST_TENSOR_NAME = 63
_LONGEST_ARRAY_KEPT = 1024
_MOST_LISTED_TEXTS = 4_000_000
"""Texts in all lists together: real vocabularies have 256,000 tokens and twice as many merges."""

STRING = 8
_ARRAY = 9
_SCALARS: Mapping[int, struct.Struct] = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
INT32, UINT32, FLOAT32 = 5, 4, 6
_U32 = _SCALARS[4]
U64 = _SCALARS[10]


@functools.cache
def head_tables() -> Mapping[str, Any]:
    """What `head.toml` holds: architectures, types, file_types."""
    return tomllib.loads(Path(__file__).with_name("head.toml").read_text(encoding="utf-8"))


@functools.cache
def tensor_types() -> Mapping[int, tuple[str, int, int]]:
    """Tensor types by their number: name, values per block, bytes per block."""
    table = cast("dict[str, tuple[str, int, int]]", head_tables()["types"])
    return {int(number): (row[0], row[1], row[2]) for number, row in table.items()}


@attrs.frozen
class Array:
    """An array in the metadata that was skipped.

    Attributes:
        kind: number of the elements' type in the file.
        count: elements.
        start: byte offset of the first element in the file.
        end: byte offset behind the last one.
    """

    kind: int
    count: int
    start: int
    end: int


Scalar = int | float | bool | str
Value = Scalar | tuple[Scalar, ...] | Array


@attrs.frozen
class Tensor:
    """A row of the tensor table.

    Attributes:
        name: as in the file.
        shape: in ggml's order, the contiguous dimension first.
        kind: name of the type, such as "Q4_K".
        start: byte offset in the file.
        size: in bytes.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    start: int
    size: int

    @property
    def values(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@attrs.frozen
class Head:
    """What a file says about itself.

    Attributes:
        version: of the format.
        metadata: every key; long arrays, and all arrays of texts, stand as `Array`.
        tensors: the tensor table, in the file's order.
    """

    version: int
    metadata: Mapping[str, Value]
    tensors: tuple[Tensor, ...]


class NeedMoreBytesError(Exception):
    """The part of the file that was read ends before what it describes."""


class HeadParser:
    """The parser: a buffer with the beginning of the file, and a position in it. Used once."""

    def __init__(self, path: Path, data: bytes, size: int) -> None:
        self.path = path
        self.data = data
        self.size = size
        self.position = 0
        self.listed_texts = 0

    def parse(self) -> Head:
        version = self._version()
        tensor_count = self._unsigned64()
        key_count = self._unsigned64()
        if key_count > _MOST_KEYS:
            damaged(self.path, f"it claims to have {key_count} metadata entries")
        if tensor_count > _MOST_TENSORS:
            damaged(self.path, f"it claims to have {tensor_count} tensors")
        metadata: dict[str, Value] = {}
        for _ in range(key_count):
            key = self._string(_LONGEST_KEY, "a metadata name")
            if key in metadata:
                damaged(self.path, f"the metadata entry '{short(key)}' stands in it twice")
            metadata[key] = self._value(key)
        rows = [self._tensor_row() for _ in range(tensor_count)]
        tensors = self._place(rows, _alignment(self.path, metadata))
        return Head(version, metadata, tensors)

    def _version(self) -> int:
        magic = self.data[:4]
        if magic != b"GGUF":
            raise ModelProblem(f"{self.path} is no GGUF model file: {_what_else(self.data, self.size)}")
        self.position = 4
        version = self._unsigned32()
        if version & 0xFFFF == 0 and version:
            raise ModelProblem(
                f"{self.path} is a big-endian GGUF, which llama.cpp cannot run on this machine; "
                "download the little-endian file."
            )
        if version == 1:
            raise ModelProblem(
                f"{self.path} is in version 1 of GGUF, which is no longer read; download a newer file."
            )
        if version not in (2, 3):
            raise ModelProblem(
                f"{self.path} is in version {version} of GGUF, and versions 2 and 3 can be read; "
                "a newer llama.cpp is needed, and a newer foretype."
            )
        return version

    def _take(self, count: int) -> int:
        """Move on by `count` bytes and return where they began."""
        begin = self.position
        end = begin + count
        if end > self.size:
            damaged(self.path, "it ends in the middle of its own description")
        if end > len(self.data):
            raise NeedMoreBytesError
        self.position = end
        return begin

    def _unsigned32(self) -> int:
        return cast("int", _U32.unpack_from(self.data, self._take(4))[0])

    def _unsigned64(self) -> int:
        return cast("int", U64.unpack_from(self.data, self._take(8))[0])

    def _string(self, longest: int, what: str) -> str:
        length = self._unsigned64()
        if length > longest:
            damaged(self.path, f"{what} is {length} bytes long")
        begin = self._take(length)
        return self.data[begin : begin + length].decode("utf-8", errors="replace")

    def _value(self, key: str) -> Value:
        kind = self._unsigned32()
        if kind == STRING:
            return self._string(self.size, f"the value of '{short(key)}'")
        if kind == _ARRAY:
            return self._array(key)
        return self._scalar(kind, key)

    def _scalar(self, kind: int, key: str) -> Scalar:
        layout = _SCALARS.get(kind)
        if layout is None:
            damaged(self.path, f"'{short(key)}' has a value of the unknown type {kind}")
        return cast("Scalar", layout.unpack_from(self.data, self._take(layout.size))[0])

    def _array(self, key: str) -> Value:
        kind = self._unsigned32()
        count = self._unsigned64()
        begin = self.position
        if kind == STRING:
            self._skip_strings(count)
            return Array(kind, count, begin, self.position)
        layout = _SCALARS.get(kind)
        if layout is None:
            damaged(self.path, f"'{short(key)}' is an array of the unreadable type {kind}")
        self._take(count * layout.size)
        if count > _LONGEST_ARRAY_KEPT:
            return Array(kind, count, begin, self.position)
        packed = self.data[begin : self.position]
        return tuple(cast("Scalar", row[0]) for row in layout.iter_unpack(packed))

    def _skip_strings(self, count: int) -> None:
        """Step over `count` strings: the one loop that runs hundreds of thousands of times."""
        self.listed_texts += count
        if count > (self.size - self.position) // 8 or self.listed_texts > _MOST_LISTED_TEXTS:
            damaged(self.path, f"it claims to have a list of {count} texts")
        unpack, data, end = U64.unpack_from, self.data, len(self.data)
        position = self.position
        for _ in range(count):
            if position + 8 > end:
                raise NeedMoreBytesError
            position += 8 + cast("int", unpack(data, position)[0])
        if position > self.size:
            damaged(self.path, "it ends in the middle of its own description")
        if position > end:
            raise NeedMoreBytesError
        self.position = position

    def _tensor_row(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self._string(_LONGEST_TENSOR_NAME, "a tensor's name")
        dimensions = self._unsigned32()
        if not 1 <= dimensions <= 4:
            damaged(self.path, f"the tensor '{short(name)}' has {dimensions} dimensions")
        shape = tuple(self._unsigned64() for _ in range(dimensions))
        return name, shape, self._unsigned32(), self._unsigned64()

    def _place(self, rows: list[tuple[str, tuple[int, ...], int, int]], alignment: int) -> tuple[Tensor, ...]:
        """The tensors with their places in the file: each within it, none twice, none in another."""
        data_start = -(-self.position // alignment) * alignment
        tensors: list[Tensor] = []
        seen: set[str] = set()
        for name, shape, kind, offset in rows:
            shown = f"the tensor '{short(name)}'"
            if name in seen:
                damaged(self.path, f"{shown} stands in it twice")
            seen.add(name)
            if kind not in tensor_types():
                raise ModelProblem(
                    f"{self.path} holds {shown} of type {kind}, which this llama.cpp cannot read: it needs a "
                    "newer one, or download another quantisation."
                )
            label, block, block_bytes = tensor_types()[kind]
            values = math.prod(shape)
            if values == 0 or values >= 1 << 62 or shape[0] % block:
                damaged(self.path, f"{shown} has the impossible shape {list(shape)}")
            size = values // block * block_bytes
            if offset % alignment or data_start + offset + size > self.size:
                where = "is not aligned" if offset % alignment else "lies beyond the end of the file"
                damaged(self.path, f"{shown} {where}; the download may not be complete")
            tensors.append(Tensor(name, shape, label, data_start + offset, size))
        behind = 0
        for tensor in sorted(tensors, key=lambda tensor: tensor.start):
            if tensor.start < behind:
                damaged(self.path, f"the tensor '{short(tensor.name)}' overlaps another one")
            behind = tensor.start + tensor.size
        return tuple(tensors)


def _alignment(path: Path, metadata: Mapping[str, Value]) -> int:
    value = metadata.get("general.alignment", 32)
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or not 1 <= value <= 1 << 16
        or value & (value - 1)
    ):
        damaged(path, "its alignment is no power of two")
    return value


def short(text: str) -> str:
    """Text out of a file for a sentence: at most 60 code points, none that steers a terminal."""
    printable = "".join(character if character.isprintable() else "?" for character in text)
    return printable if len(printable) <= 60 else f"{printable[:57]}…"


def _what_else(data: bytes, size: int) -> str:
    """What a file that is no GGUF seems to be, and what to do."""
    if size == 0:
        return "it is empty. Download it again."
    if data.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer; 'git lfs pull' fetches the file itself."
    if data.startswith((b"lmgg", b"fmgg", b"tjgg", b"algg")):
        return "it is in a format from before GGUF; download a GGUF of the model."
    if data.startswith(b"PK\x03\x04"):
        return "it is a zip archive or a PyTorch checkpoint; download a GGUF of the model."
    if data[:512].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "it is a web page; the download went to the wrong address."
    if data[8:9] == b"{" and len(data) > 8 and U64.unpack_from(data)[0] < size:
        return "it is a safetensors file; download a GGUF of the model."
    return "it does not begin with 'GGUF'. Download it again, or name another file."


def damaged(path: Path, why: str) -> NoReturn:
    """Raise the sentence about a damaged file; `why` is a clause.

    Raises:
        ModelProblem: always.
    """
    raise ModelProblem(f"{path} is a damaged GGUF file: {why}. Download it again.")
