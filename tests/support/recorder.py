"""Records a session between an editor and a language server, byte for byte in between the two.

`python recorder.py run FILE COMMAND…` starts the server COMMAND and passes everything on; FILE gets one JSON
object a line: `at_ms` (milliseconds since the start), `from` ("client" or "server"), `message` (as it was).
`python recorder.py publish FILE TARGET OLD=NEW…` copies a recording with this machine's names replaced.

It changes nothing, answers nothing, and understands of the protocol only where a message ends. A recording
holds the text of the documents, so only sessions made for it belong into the repository.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast


def read_message(stream: BinaryIO) -> bytes | None:
    """One message's body; None at the end of the stream."""
    length = 0
    while line := stream.readline():
        if line == b"\r\n":
            return stream.read(length)
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return None


def run(file: Path, command: Sequence[str]) -> int:
    """Start the server, pass messages on and write them down; returns the server's exit code."""
    started, lock = time.monotonic(), threading.Lock()
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None

    def carry(sender: str, source: BinaryIO, target: BinaryIO, close: bool) -> None:
        try:
            while (body := read_message(source)) is not None:
                entry = {
                    "at_ms": round((time.monotonic() - started) * 1000, 1),
                    "from": sender,
                    "message": json.loads(body),
                }
                with lock, file.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(entry, ensure_ascii=False) + "\n")
                target.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
                target.flush()
        except BrokenPipeError:
            pass  # the other end has gone, and will be noticed by whoever reads
        finally:
            if close:
                target.close()

    outward = threading.Thread(
        target=carry, args=("client", sys.stdin.buffer, cast("BinaryIO", server.stdin), True), daemon=True
    )
    outward.start()
    carry("server", cast("BinaryIO", server.stdout), sys.stdout.buffer, False)
    return server.wait()


def read(file: Path) -> list[dict[str, Any]]:
    """The entries of a recording."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def published(text: str, names: Sequence[tuple[str, str]]) -> str:
    """A recording's text with names replaced, the longest first, and the editor's process made the first."""
    for old, new in sorted(names, key=lambda pair: len(pair[0]), reverse=True):
        text = text.replace(old, new)
    return re.sub(r'"processId": \d+', '"processId": 1', text)


def publish(file: Path, target: Path, names: Sequence[tuple[str, str]]) -> None:
    """Copy a recording for others to read."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(published(file.read_text(encoding="utf-8"), names), encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """The command line that the module's text describes."""
    task, file, *rest = arguments
    if task == "run":
        # The other thread may be reading stdin still, which an ordinary exit would wait for.
        os._exit(run(Path(file), rest))
    publish(Path(file), Path(rest[0]), [(one.split("=")[0], one.split("=")[1]) for one in rest[1:]])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
