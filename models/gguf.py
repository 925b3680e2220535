"""Reads the head of a GGUF file and refuses what llama.cpp should never see.

The format is the one of ggml's docs/gguf.md: a magic, a version, metadata, a table of tensors, the tensors.
`read` checks that all of it lies within the file and makes sense; `check` also asks whether it can be run
here: architecture and memory. Every failure is a `ModelProblem` naming the file. Nothing here loads weights,
and large arrays (the vocabulary) are skipped until somebody asks for them.
"""

from __future__ import annotations

import functools
import math
import os
import re
import struct
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

import attrs

from ..context.problem import ModelProblem

_FIRST_READ = 8 << 20
_LONGEST_HEAD = 256 << 20
"""Bytes of metadata and tensor table beyond which a file is refused; real ones have up to 30 MB."""
_MOST_KEYS = 65_536
_MOST_TENSORS = 65_536
_LONGEST_KEY = 65_535
_LONGEST_TENSOR_NAME = 63
_LONGEST_ARRAY_KEPT = 1024
_MOST_LAYERS = 512
_SPLIT = re.compile(r"^(?P<stem>.*)-(?P<part>\d{5})-of-(?P<count>\d{5})\.gguf$", re.IGNORECASE)

_STRING = 8
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
_INT32, _UINT32, _FLOAT32 = 5, 4, 6
_U32 = _SCALARS[4]
_U64 = _SCALARS[10]


@functools.cache
def _tables() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("gguf.toml").read_text(encoding="utf-8"))


@functools.cache
def tensor_types() -> Mapping[int, tuple[str, int, int]]:
    """Tensor types by their number: name, values per block, bytes per block."""
    table = cast("dict[str, tuple[str, int, int]]", _tables()["types"])
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
class GgufFile:
    """The head of a GGUF file, checked.

    Attributes:
        path: the file; the first part of a split model.
        version: of the format, 2 or 3.
        size: in bytes, all parts together.
        metadata: every key; arrays of more than 1024 elements, and all of strings, stand as `Array`.
        tensors: of all parts.
        parts: every file of a split model, else just `path`.
    """

    path: Path
    version: int
    size: int
    metadata: Mapping[str, Value] = attrs.field(repr=False)
    tensors: tuple[Tensor, ...] = attrs.field(repr=False)
    parts: tuple[Path, ...] = ()

    def text(self, key: str, default: str = "") -> str:
        """A string, or `default` where the key is missing or of another type."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else default

    def integer(self, key: str) -> int | None:
        """An integer; None where the key is missing or of another type."""
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def boolean(self, key: str) -> bool | None:
        """A boolean; None where the key is missing or of another type."""
        value = self.metadata.get(key)
        return value if isinstance(value, bool) else None

    @property
    def architecture(self) -> str:
        """`general.architecture`."""
        return self.text("general.architecture")

    @property
    def name(self) -> str:
        """`general.name`, or the file's stem."""
        return self.text("general.name") or self.path.stem

    @property
    def context_tokens(self) -> int:
        """The context that the model was trained for, in tokens; 0 when the file does not say."""
        return self.integer(f"{self.architecture}.context_length") or 0

    @property
    def parameters(self) -> int:
        """Weights in all tensors."""
        return sum(tensor.values for tensor in self.tensors)

    @property
    def quantisation(self) -> str:
        """What the tensors mostly are: the file's own word, else the type with the most bytes."""
        number = self.integer("general.file_type")
        known = cast("dict[str, str]", _tables()["file_types"])
        if number is not None and str(number) in known:
            return known[str(number)]
        by_kind: dict[str, int] = {}
        for tensor in self.tensors:
            by_kind[tensor.kind] = by_kind.get(tensor.kind, 0) + tensor.size
        return max(by_kind, key=lambda kind: by_kind[kind]) if by_kind else "none"

    @property
    def vocabulary_size(self) -> int:
        """Tokens in the vocabulary; 0 without one."""
        tokens = self.metadata.get("tokenizer.ggml.tokens")
        return tokens.count if isinstance(tokens, Array) else 0

    def tokens(self) -> list[bytes]:
        """The texts of all tokens, by id, as they stand in the file (byte-level encodings are not undone).

        Raises:
            ModelProblem: the file cannot be read any more.
        """
        return self.texts("tokenizer.ggml.tokens")

    def texts(self, key: str) -> list[bytes]:
        """A list of texts; empty where the key is missing or of another type.

        Raises:
            ModelProblem: the file cannot be read any more.
        """
        array = self.metadata.get(key)
        if not isinstance(array, Array) or array.kind != _STRING:
            return []
        data = self._read(array)
        found: list[bytes] = []
        position = 0
        for _ in range(array.count):
            (length,) = _U64.unpack_from(data, position)
            position += 8
            found.append(data[position : position + length])
            position += length
        return found

    def token_types(self) -> tuple[int, ...]:
        """The types of all tokens by id: 1 normal, 2 unknown, 3 control, 4 user-made, 5 unused, 6 byte."""
        value = self.metadata.get("tokenizer.ggml.token_type")
        if isinstance(value, Array):
            sign = "i" if value.kind == _INT32 else "I"
            return struct.unpack(f"<{value.count}{sign}", self._read(value))
        return tuple(int(item) for item in value) if isinstance(value, tuple) else ()

    def _read(self, array: Array) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(array.start)
                data = file.read(array.end - array.start)
        except OSError as error:
            raise ModelProblem(f"{self.path} cannot be read: {error.strerror or error}.") from error
        if len(data) != array.end - array.start:
            raise ModelProblem(f"{self.path} became shorter while it was read; download it again.")
        return data


class _NeedMore(Exception):
    """The part of the file that was read ends before what it describes."""


def read(path: Path) -> GgufFile:
    """Read and check the head of a GGUF file; of all parts, when it is the first part of a split model.

    Raises:
        ModelProblem: it is no GGUF, is damaged, or makes no sense; the sentence names the file and the step.
    """
    first = _read_one(path)
    _check_vocabulary(first)
    count = first.integer("split.count") or 0
    if count <= 1:
        return attrs.evolve(first, parts=(path,))
    parts = [first, *(_read_one(part) for part in _other_parts(path, count))]
    expected = first.integer("split.tensors.count")
    tensors = tuple(tensor for part in parts for tensor in part.tensors)
    if expected is not None and len(tensors) != expected:
        raise ModelProblem(
            f"The {count} parts of {path.name} do not belong together; download all of them again."
        )
    return attrs.evolve(
        first,
        size=sum(part.size for part in parts),
        tensors=tensors,
        parts=tuple(part.path for part in parts),
    )


def _other_parts(path: Path, count: int) -> list[Path]:
    """The parts behind the first one of a split model, all of which must lie beside it."""
    match = _SPLIT.match(path.name)
    if match is None or int(match["count"]) != count:
        raise ModelProblem(
            f"{path.name} is one of {count} parts of a split model and was renamed; "
            f"its parts must be called NAME-00001-of-{count:05d}.gguf and so on."
        )
    if int(match["part"]) != 1:
        raise ModelProblem(
            f"{path.name} is part {int(match['part'])} of a split model; "
            f"name its first part, {match['stem']}-00001-of-{count:05d}.gguf."
        )
    if count > 1000:
        raise ModelProblem(f"{path.name} claims to have {count} parts; it is damaged.")
    others = [
        path.with_name(f"{match['stem']}-{part:05d}-of-{count:05d}.gguf") for part in range(2, count + 1)
    ]
    missing = [part.name for part in others if not part.is_file()]
    if missing:
        raise ModelProblem(
            f"{path.name} is the first of {count} parts, and {missing[0]} is missing; "
            f"all parts must lie in {path.parent}."
        )
    return others


def _read_one(path: Path) -> GgufFile:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            wanted = _FIRST_READ
            while True:
                file.seek(0)
                data = file.read(wanted)
                try:
                    return _Head(path, data, size).parse()
                except _NeedMore:
                    if len(data) < wanted or len(data) >= size:
                        _damaged(path, "it ends in the middle of its own description")
                    if wanted >= _LONGEST_HEAD:
                        _damaged(path, f"its description is longer than {_LONGEST_HEAD >> 20} MB")
                    wanted *= 4
    except FileNotFoundError:
        raise ModelProblem(f"There is no model file {path}.") from None
    except IsADirectoryError:
        raise ModelProblem(f"{path} is a directory; name the GGUF file in it.") from None
    except PermissionError:
        raise ModelProblem(f"{path} may not be read; its permissions need a change.") from None
    except OSError as error:
        raise ModelProblem(f"{path} cannot be read: {error.strerror or error}.") from error


def _damaged(path: Path, why: str) -> NoReturn:
    raise ModelProblem(f"{path} is a damaged GGUF file: {why}. Download it again.")


class _Head:
    """The parser: a buffer with the beginning of the file, and a position in it. Used once."""

    def __init__(self, path: Path, data: bytes, size: int) -> None:
        self.path = path
        self.data = data
        self.size = size
        self.position = 0

    def parse(self) -> GgufFile:
        version = self._version()
        tensor_count = self._unsigned64()
        key_count = self._unsigned64()
        if key_count > _MOST_KEYS:
            _damaged(self.path, f"it claims to have {key_count} metadata entries")
        if tensor_count > _MOST_TENSORS:
            _damaged(self.path, f"it claims to have {tensor_count} tensors")
        metadata: dict[str, Value] = {}
        for _ in range(key_count):
            key = self._string(_LONGEST_KEY, "a metadata name")
            if key in metadata:
                _damaged(self.path, f"the metadata entry '{_short(key)}' stands in it twice")
            metadata[key] = self._value(key)
        rows = [self._tensor_row() for _ in range(tensor_count)]
        tensors = self._place(rows, _alignment(self.path, metadata))
        return GgufFile(self.path, version, self.size, metadata, tensors)

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
                "a newer foretype may know it."
            )
        return version

    def _take(self, count: int) -> int:
        """Move on by `count` bytes and return where they began."""
        begin = self.position
        end = begin + count
        if end > self.size:
            _damaged(self.path, "it ends in the middle of its own description")
        if end > len(self.data):
            raise _NeedMore
        self.position = end
        return begin

    def _unsigned32(self) -> int:
        return cast("int", _U32.unpack_from(self.data, self._take(4))[0])

    def _unsigned64(self) -> int:
        return cast("int", _U64.unpack_from(self.data, self._take(8))[0])

    def _string(self, longest: int, what: str) -> str:
        length = self._unsigned64()
        if length > longest:
            _damaged(self.path, f"{what} is {length} bytes long")
        begin = self._take(length)
        return self.data[begin : begin + length].decode("utf-8", errors="replace")

    def _value(self, key: str) -> Value:
        kind = self._unsigned32()
        if kind == _STRING:
            return self._string(self.size, f"the value of '{_short(key)}'")
        if kind == _ARRAY:
            return self._array(key)
        return self._scalar(kind, key)

    def _scalar(self, kind: int, key: str) -> Scalar:
        layout = _SCALARS.get(kind)
        if layout is None:
            _damaged(self.path, f"'{_short(key)}' has a value of the unknown type {kind}")
        return cast("Scalar", layout.unpack_from(self.data, self._take(layout.size))[0])

    def _array(self, key: str) -> Value:
        kind = self._unsigned32()
        count = self._unsigned64()
        begin = self.position
        if kind == _STRING:
            self._skip_strings(count)
            return Array(kind, count, begin, self.position)
        layout = _SCALARS.get(kind)
        if layout is None:
            _damaged(self.path, f"'{_short(key)}' is an array of the unreadable type {kind}")
        self._take(count * layout.size)
        if count > _LONGEST_ARRAY_KEPT:
            return Array(kind, count, begin, self.position)
        packed = self.data[begin : self.position]
        return tuple(cast("Scalar", row[0]) for row in layout.iter_unpack(packed))

    def _skip_strings(self, count: int) -> None:
        """Step over `count` strings: the one loop that runs hundreds of thousands of times."""
        if count > (self.size - self.position) // 8:
            _damaged(self.path, f"it claims to have a list of {count} texts")
        unpack, data, end = _U64.unpack_from, self.data, len(self.data)
        position = self.position
        for _ in range(count):
            if position + 8 > end:
                raise _NeedMore
            position += 8 + cast("int", unpack(data, position)[0])
        if position > self.size:
            _damaged(self.path, "it ends in the middle of its own description")
        if position > end:
            raise _NeedMore
        self.position = position

    def _tensor_row(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self._string(_LONGEST_TENSOR_NAME, "a tensor's name")
        dimensions = self._unsigned32()
        if not 1 <= dimensions <= 4:
            _damaged(self.path, f"the tensor '{_short(name)}' has {dimensions} dimensions")
        shape = tuple(self._unsigned64() for _ in range(dimensions))
        return name, shape, self._unsigned32(), self._unsigned64()

    def _place(self, rows: list[tuple[str, tuple[int, ...], int, int]], alignment: int) -> tuple[Tensor, ...]:
        """The tensors with their places in the file: each within it, none twice, none in another."""
        data_start = -(-self.position // alignment) * alignment
        tensors: list[Tensor] = []
        seen: set[str] = set()
        for name, shape, kind, offset in rows:
            shown = f"the tensor '{_short(name)}'"
            if name in seen:
                _damaged(self.path, f"{shown} stands in it twice")
            seen.add(name)
            if kind not in tensor_types():
                raise ModelProblem(
                    f"{self.path} holds {shown} of type {kind}, which this llama.cpp cannot read; "
                    "download another quantisation."
                )
            label, block, block_bytes = tensor_types()[kind]
            values = math.prod(shape)
            if values == 0 or values >= 1 << 62 or shape[0] % block:
                _damaged(self.path, f"{shown} has the impossible shape {list(shape)}")
            size = values // block * block_bytes
            if offset % alignment or data_start + offset + size > self.size:
                where = "is not aligned" if offset % alignment else "lies beyond the end of the file"
                _damaged(self.path, f"{shown} {where}; the download may not be complete")
            tensors.append(Tensor(name, shape, label, data_start + offset, size))
        behind = 0
        for tensor in sorted(tensors, key=lambda tensor: tensor.start):
            if tensor.start < behind:
                _damaged(self.path, f"the tensor '{_short(tensor.name)}' overlaps another one")
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
        _damaged(path, "its alignment is no power of two")
    return value


def _short(text: str) -> str:
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
    if data[8:9] == b"{" and len(data) > 8 and _U64.unpack_from(data)[0] < size:
        return "it is a safetensors file; download a GGUF of the model."
    return "it does not begin with 'GGUF'. Download it again, or name another file."


def _check_vocabulary(file: GgufFile) -> None:
    """Arrays that llama.cpp reads side by side must be of one length and of the right types."""
    tokens = file.metadata.get("tokenizer.ggml.tokens")
    if tokens is None:
        return
    if not isinstance(tokens, Array) or tokens.kind != _STRING:
        _damaged(file.path, "its vocabulary is no list of texts")
    for key, kinds in (
        ("tokenizer.ggml.scores", (_FLOAT32,)),
        ("tokenizer.ggml.token_type", (_INT32, _UINT32)),
    ):
        value = file.metadata.get(key)
        if value is None:
            continue
        count = value.count if isinstance(value, Array) else len(value) if isinstance(value, tuple) else -1
        if count != tokens.count or (isinstance(value, Array) and value.kind not in kinds):
            _damaged(file.path, f"'{key}' does not fit its vocabulary")
    merges = file.metadata.get("tokenizer.ggml.merges")
    if merges is not None and not (isinstance(merges, Array) and merges.kind == _STRING):
        _damaged(file.path, "its merges are no list of texts")


# --- can it be run here ---------------------------------------------------------------------------


def check(path: Path, *, available_bytes: int | None = None, context_tokens: int = 0) -> GgufFile:
    """`read`, and ask whether the model can be run on this machine.

    Args:
        path: the GGUF file.
        available_bytes: memory that is free; None does not ask.
        context_tokens: size of the KV cache in tokens; 0 takes 4096 or what the model was trained for.

    Raises:
        ModelProblem: as `read`, or an architecture that cannot complete code, or not enough memory.
    """
    file = read(path)
    check_architecture(file)
    if available_bytes is not None:
        check_memory(file, available_bytes, context_tokens)
    return file


def check_architecture(file: GgufFile) -> None:
    """Refuse what llama.cpp does not know, and what cannot continue text.

    Raises:
        ModelProblem: saying which it is.
    """
    path, name = file.path, file.architecture
    if not name:
        _damaged(path, "it does not say which architecture it has")
    known = cast("dict[str, list[str]]", _tables()["architectures"])
    if name in known["encode"] or name in known["other"]:
        raise ModelProblem(
            f"{path} is a '{_short(name)}' model, which cannot continue text; name a model that can."
        )
    if name not in known["generate"]:
        raise ModelProblem(
            f"{path} has the architecture '{_short(name)}', which this llama.cpp does not know; "
            "a newer foretype may."
        )
    if file.text("general.type", "model") != "model":
        raise ModelProblem(
            f"{path} is no model but a {_short(file.text('general.type'))}; name the model itself."
        )
    if not file.tensors:
        raise ModelProblem(f"{path} holds a vocabulary but no weights; download the model itself.")
    for key, most in (
        ("block_count", _MOST_LAYERS),
        ("embedding_length", 1 << 20),
        ("context_length", 1 << 31),
    ):
        value = file.integer(f"{name}.{key}")
        if value is None or not 1 <= value <= most:
            _damaged(path, f"'{name}.{key}' is {'missing' if value is None else value}")
    if not file.vocabulary_size and file.text("tokenizer.ggml.model") not in ("none", "no_vocab"):
        _damaged(path, "it has no vocabulary")


def memory_needed(file: GgufFile, context_tokens: int = 0) -> int:
    """Bytes that the model takes when it runs: weights, KV cache in 16 bits, and working space.

    An estimate on the safe side for models without sliding windows; working space is taken as a sixteenth of
    the weights and 64 MB.
    """
    name = file.architecture
    context = context_tokens or min(file.context_tokens or 4096, 4096)
    layers = min(file.integer(f"{name}.block_count") or 0, _MOST_LAYERS)
    width = file.integer(f"{name}.embedding_length") or 0
    heads = max(_per_layer(file, f"{name}.attention.head_count", layers), default=0)
    key_length = file.integer(f"{name}.attention.key_length") or (width // heads if heads else 0)
    value_length = file.integer(f"{name}.attention.value_length") or key_length
    groups = _per_layer(file, f"{name}.attention.head_count_kv", layers) or [heads] * layers
    cache = 2 * context * sum(groups) * (key_length + value_length)
    weights = sum(tensor.size for tensor in file.tensors)
    return weights + cache + weights // 16 + (64 << 20)


def _per_layer(file: GgufFile, key: str, layers: int) -> list[int]:
    """A hyperparameter that is one number for all layers, or a list of one for each."""
    value = file.metadata.get(key)
    if isinstance(value, tuple):
        return [item for item in value if isinstance(item, int) and item >= 0]
    return [value] * layers if isinstance(value, int) and value >= 0 else []


def check_memory(file: GgufFile, available_bytes: int, context_tokens: int = 0) -> None:
    """Refuse a model that does not fit.

    Raises:
        ModelProblem: with both numbers.
    """
    needed = memory_needed(file, context_tokens)
    if needed > available_bytes:
        raise ModelProblem(
            f"{file.path} needs about {_gigabytes(needed)} of memory and {_gigabytes(available_bytes)} are "
            "free; close something, or choose a smaller model or quantisation."
        )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
