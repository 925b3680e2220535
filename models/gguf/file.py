"""Reads the head of a GGUF file and refuses what llama.cpp should never see.

The format is the one of ggml's docs/gguf.md: a magic, a version, metadata, a table of tensors, the tensors.
`read_gguf` checks that all of it lies within the file and makes sense; `check_file` also asks whether it can
be run here: architecture and memory. Every failure is a `ModelProblem` naming the file. Nothing here loads
weights, and large arrays (the vocabulary) are skipped until somebody asks for them.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import attrs

from ...context.shared.problem import ModelProblem
from .head import (
    FLOAT32,
    INT32,
    STRING,
    U64,
    UINT32,
    Array,
    HeadParser,
    NeedMoreBytesError,
    Tensor,
    Value,
    damaged,
    head_tables,
    short,
)
from .parts import part_of
from .sizes import MICRO_BATCH, MOST_LAYERS, memory_needed

_FIRST_READ = 8 << 20
_LONGEST_HEAD = 128 << 20
"""Bytes of metadata and tensor table beyond which a file is refused; real ones have up to 30 MB."""


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
        known = cast("dict[str, str]", head_tables()["file_types"])
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
        if not isinstance(array, Array) or array.kind != STRING:
            return []
        data = self._read(array)
        found: list[bytes] = []
        position = 0
        for _ in range(array.count):
            (length,) = U64.unpack_from(data, position)
            position += 8
            found.append(data[position : position + length])
            position += length
        return found

    def token_types(self) -> tuple[int, ...]:
        """The types of all tokens by id: 1 normal, 2 unknown, 3 control, 4 user-made, 5 unused, 6 byte."""
        value = self.metadata.get("tokenizer.ggml.token_type")
        if isinstance(value, Array):
            sign = "i" if value.kind == INT32 else "I"
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


def read_gguf(path: Path) -> GgufFile:
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
    part = part_of(path.name)
    if part is None or part.count != count:
        raise ModelProblem(
            f"{path.name} is one of {count} parts of a split model and was renamed; "
            f"its parts must be called NAME-00001-of-{count:05d}.gguf and so on."
        )
    if not part.is_first:
        raise ModelProblem(
            f"{path.name} is part {part.number} of a split model; "
            f"name its first part, {part.stem}-00001-of-{count:05d}.gguf."
        )
    if count > 1000:
        raise ModelProblem(f"{path.name} claims to have {count} parts; it is damaged.")
    others = [
        path.with_name(f"{part.stem}-{number:05d}-of-{count:05d}.gguf") for number in range(2, count + 1)
    ]
    missing = [other.name for other in others if not other.is_file()]
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
                    head = HeadParser(path, data, size).parse()
                    return GgufFile(path, head.version, size, head.metadata, head.tensors)
                except NeedMoreBytesError:
                    if len(data) < wanted or len(data) >= size:
                        damaged(path, "it ends in the middle of its own description")
                    if wanted >= _LONGEST_HEAD:
                        damaged(path, f"its description is longer than {_LONGEST_HEAD >> 20} MB")
                    wanted *= 4
    except FileNotFoundError:
        raise ModelProblem(f"There is no model file {path}.") from None
    except IsADirectoryError:
        raise ModelProblem(f"{path} is a directory; name the GGUF file in it.") from None
    except PermissionError:
        raise ModelProblem(f"{path} may not be read; its permissions need a change.") from None
    except OSError as error:
        raise ModelProblem(f"{path} cannot be read: {error.strerror or error}.") from error


def _check_vocabulary(file: GgufFile) -> None:
    """Arrays that llama.cpp reads side by side must be of one length and of the right types."""
    tokens = file.metadata.get("tokenizer.ggml.tokens")
    if tokens is None:
        return
    if not isinstance(tokens, Array) or tokens.kind != STRING:
        damaged(file.path, "its vocabulary is no list of texts")
    for key, kinds in (
        ("tokenizer.ggml.scores", (FLOAT32,)),
        ("tokenizer.ggml.token_type", (INT32, UINT32)),
    ):
        value = file.metadata.get(key)
        if value is None:
            continue
        count = value.count if isinstance(value, Array) else len(value) if isinstance(value, tuple) else -1
        if count != tokens.count or (isinstance(value, Array) and value.kind not in kinds):
            damaged(file.path, f"'{key}' does not fit its vocabulary")
    merges = file.metadata.get("tokenizer.ggml.merges")
    if merges is not None and not (isinstance(merges, Array) and merges.kind == STRING):
        damaged(file.path, "its merges are no list of texts")


# --- can it be run here ---------------------------------------------------------------------------


def check_file(path: Path, *, available_bytes: int | None = None, context_tokens: int = 0) -> GgufFile:
    """`read_gguf`, and ask whether the model can be run on this machine.

    Args:
        path: the GGUF file.
        available_bytes: memory that is free; None does not ask.
        context_tokens: size of the KV cache in tokens; see `memory_needed`.

    Raises:
        ModelProblem: as `read_gguf`, or an architecture that cannot complete code, or not enough memory.
    """
    file = read_gguf(path)
    check_architecture(file)
    if available_bytes is not None:
        check_memory(file, available_bytes, context_tokens)
    return file


def too_new(path: Path, what: str) -> str:
    """The sentence for a model that the installed llama.cpp cannot know yet."""
    return (
        f"{path} {what}, which the installed llama.cpp does not know: the model needs a newer one. "
        "'pip install --upgrade llama-cpp-python' brings it; if it is the newest, choose another model."
    )


def _newer_than_known(installed: str | None) -> bool:
    """Whether the installed llama.cpp may know more architectures than our table: then it is to say so."""
    if installed is None:
        try:
            installed = importlib.metadata.version("llama-cpp-python")
        except importlib.metadata.PackageNotFoundError:
            return False
    return _numbers(installed) > _numbers(cast("str", head_tables()["version"]))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


def check_architecture(file: GgufFile, llama: str | None = None) -> None:
    """Refuse what llama.cpp does not know, and what cannot continue text.

    A llama.cpp newer than our table decides itself what it knows.

    Args:
        file: the head of the file.
        llama: the version of llama-cpp-python; None asks for the installed one.

    Raises:
        ModelProblem: saying which it is.
    """
    path, name = file.path, file.architecture
    if not name:
        damaged(path, "it does not say which architecture it has")
    known = cast("dict[str, list[str]]", head_tables()["architectures"])
    if name in known["encode"] or name in known["other"]:
        raise ModelProblem(
            f"{path} is a '{short(name)}' model, which cannot continue text; name a model that can."
        )
    if name not in known["generate"] and not _newer_than_known(llama):
        raise ModelProblem(too_new(path, f"has the architecture '{short(name)}'"))
    if file.text("general.type", "model") != "model":
        raise ModelProblem(
            f"{path} is no model but a {short(file.text('general.type'))}; name the model itself."
        )
    if not file.tensors:
        raise ModelProblem(f"{path} holds a vocabulary but no weights; download the model itself.")
    for key, most in (
        ("block_count", MOST_LAYERS),
        ("embedding_length", 1 << 20),
        ("context_length", 1 << 31),
    ):
        value = file.integer(f"{name}.{key}")
        if value is None or not 1 <= value <= most:
            damaged(path, f"'{name}.{key}' is {'missing' if value is None else value}")
    if not file.vocabulary_size and file.text("tokenizer.ggml.model") not in ("none", "no_vocab"):
        damaged(path, "it has no vocabulary")


def check_memory(
    file: GgufFile,
    available_bytes: int,
    context_tokens: int = 0,
    beside: int = 0,
    *,
    micro_batch: int = MICRO_BATCH,
    eight_bits: bool = False,
) -> None:
    """Refuse a model that does not fit.

    Args:
        file: the head of the file.
        available_bytes: memory that is free.
        context_tokens: cells of the KV cache; see `memory_needed`.
        beside: bytes that are needed beside it, as by a draft model.
        micro_batch: tokens computed at once.
        eight_bits: keys and values are kept so.

    Raises:
        ModelProblem: with both numbers.
    """
    needed = memory_needed(file, context_tokens, micro_batch=micro_batch, eight_bits=eight_bits) + beside
    if needed > available_bytes:
        raise ModelProblem(
            f"{file.path} needs about {_gigabytes(needed)} of memory and {_gigabytes(available_bytes)} are "
            "free; close something, or choose a smaller model or quantisation."
        )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.0f} MB"
