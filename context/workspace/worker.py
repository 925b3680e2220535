"""The process that looks through a workspace, so that the language server needn't: `refresh` starts it.

It reads one request from standard input and writes what `walk.survey` finds to standard output, both in
MessagePack. It runs at idle priority, keeps nothing, and ends by itself when the other end is gone: standard
input stays open as long as anybody waits for it.

Messages of the request: `{"root", "limits", "inside"}`, then lists of known files, then nil. Messages of the
answer: `["entry", …]`, `["gone", path]`, `["folders", paths]` in parts, `["progress", done, total,
read_bytes]`, and `["end"]`: without that the answer is incomplete.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

import attrs
import msgpack

from ..shared.background import give_way
from .storage import IndexedFile, entry_from
from .walk import ALL_FOLDERS, Folders, Gone, Known, Limits, WalkFinding, WalkProgress, survey

MAX_MESSAGE = 64 << 20
_PART = 500
_PROGRESS_S = 0.05


def packed_request(
    root: Path, limits: Limits, known: Iterable[Known], inside: tuple[str, ...] = ALL_FOLDERS
) -> Iterator[bytes]:
    """The request, in parts that take well under a millisecond each to make."""
    yield _pack({"root": str(root), "limits": attrs.asdict(limits), "inside": inside})
    rest = iter(known)
    while part := [(each.path, each.modified_ns, each.size) for each in itertools.islice(rest, _PART)]:
        yield _pack(part)
    yield _pack(None)


def finding(message: object) -> WalkFinding | None:
    """What a message of the answer says; None for its end. Folders may come in several parts.

    Raises:
        ValueError: it is no such message.
    """
    try:
        what, *values = cast("list[Any]", message)
        if what == "entry":
            return entry_from(values)
        if what == "gone":
            return Gone(str(values[0]))
        if what == "folders":
            return Folders(tuple(values[0]))
        if what == "progress":
            done, total, read_bytes = values
            return WalkProgress(done, total, read_bytes)
        if what == "end":
            return None
    except (TypeError, IndexError) as error:
        raise ValueError("the indexing process wrote what nobody understands") from error
    raise ValueError("the indexing process wrote what nobody understands")


def _messages(found: Iterable[WalkFinding]) -> Iterator[list[object]]:
    """Findings as messages; of progress, one in `_PROGRESS_S` seconds and the last."""
    told = 0.0
    last: WalkProgress | None = None
    for each in found:
        if isinstance(each, WalkProgress):
            last = each
            if time.monotonic() - told < _PROGRESS_S:
                continue
            told, last = time.monotonic(), None
            yield ["progress", each.done, each.total, each.read_bytes]
        elif isinstance(each, IndexedFile):
            yield ["entry", *attrs.astuple(each, recurse=False)]
        elif isinstance(each, Gone):
            yield ["gone", each.path]
        else:
            for start in range(0, len(each.paths), _PART):
                yield ["folders", each.paths[start : start + _PART]]
    if last is not None:
        yield ["progress", last.done, last.total, last.read_bytes]
    yield ["end"]


@attrs.frozen
class _Request:
    root: Path
    limits: Limits
    inside: tuple[str, ...]
    known: list[Known]


def _answer(answers: BinaryIO, asked: _Request) -> None:
    found = survey(asked.root, asked.limits, asked.known, asked.inside)
    for number, message in enumerate(_messages(found)):
        answers.write(_pack(message))
        if message[0] == "progress" or number % 20 == 0:
            answers.flush()
    answers.flush()


def _request(requests: BufferedReader) -> _Request:
    unpacker = cast("Any", msgpack).Unpacker(max_buffer_size=MAX_MESSAGE)
    header: dict[str, Any] | None = None
    known: list[Known] = []
    while data := requests.read1(1 << 16):
        unpacker.feed(data)
        for message in unpacker:
            if header is None:
                header = message
            elif message is None:
                limits, inside = Limits(**header["limits"]), tuple(header["inside"])
                return _Request(Path(header["root"]), limits, inside, known)
            else:
                known.extend(Known(*row) for row in message)
    raise ValueError("the request ends early")


def _pack(value: object) -> bytes:
    return cast("bytes", cast("Any", msgpack).packb(value))


def _end_with(requests: BufferedReader) -> None:
    """End this process when its standard input is closed, whatever it is doing."""
    while requests.read1(1 << 16):
        pass
    os._exit(0)


def _main() -> None:
    """Serve one request on standard input and output."""
    give_way()
    requests = cast("BufferedReader", sys.stdin.buffer)
    try:
        asked = _request(requests)
    except (ValueError, TypeError, KeyError):
        sys.exit(2)
    threading.Thread(target=_end_with, args=(requests,), daemon=True).start()
    try:
        _answer(sys.stdout.buffer, asked)
    except BrokenPipeError:
        os._exit(0)
    os._exit(0)  # the thread still reads standard input, which an ordinary exit would wait for


if __name__ == "__main__":
    _main()
