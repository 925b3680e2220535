"""What all ways of fetching a model share: errors, progress, and bytes checked while they are written.

Where the bytes come from is decided in `wheels` and `hub`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from ...context.shared.problem import Problem
from .catalogue import Entry, size_text

CHUNK = 1 << 20
"""Bytes read at once."""


class DownloadProblem(Problem):
    """A model could not be fetched; nothing was left behind."""


class UnreachableProblem(DownloadProblem):
    """There is no network, or nobody answers."""


class Progress(Protocol):
    """Where a download has come to. Called from the thread that called `pull`."""

    def phase(self, text: str, total: int | None) -> None:
        """A new step begins; `total` is its size in bytes, None where unknown."""
        ...

    def at(self, done: int) -> None:
        """`done` bytes of the current step are there."""
        ...


def chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """A stream in parts of `CHUNK` bytes."""
    while chunk := stream.read(CHUNK):
        yield chunk


def receive(
    entry: Entry, chunks: Iterator[bytes], incoming: Path, total: int | None, progress: Progress
) -> None:
    """Write what comes, at most as much as was promised, and check it."""
    digest = hashlib.sha256()
    done = 0
    with incoming.open("wb") as file:
        for chunk in chunks:
            done += len(chunk)
            if total is not None and done > total:
                raise wrong_size(entry, done)
            digest.update(chunk)
            file.write(chunk)
            progress.at(done)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and done != total:
        raise wrong_size(entry, done)
    if entry.sha256 is not None and digest.hexdigest() != entry.sha256:
        raise DownloadProblem(
            f"What was downloaded for {entry.name} is not what its publisher published: its SHA-256 is "
            "wrong. Nothing was kept; try again, or without a proxy that changes files."
        )


def wrong_size(entry: Entry, size: int) -> DownloadProblem:
    """The error for a file of another size than was published."""
    return DownloadProblem(
        f"What was downloaded for {entry.name} has the wrong size ({size:,} bytes instead of "
        f"{entry.size or 0:,}); nothing was kept, try again."
    )


def need_space(entry: Entry, folder: Path, needed: int) -> None:
    """Raise `DownloadProblem` where the disk has too little space for that many bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DownloadProblem(
            f"{entry.name} needs {size_text(needed)} of disk space while it is downloaded, and "
            f"{size_text(free)} are free in {folder.parent}."
        )


def sha256_of(path: Path, progress: Progress) -> str:
    """The SHA-256 of a file, in lower-case hexadecimal."""
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        for chunk in chunks(file):
            digest.update(chunk)
            done += len(chunk)
            progress.at(done)
    return digest.hexdigest()
