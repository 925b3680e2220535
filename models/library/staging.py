"""Folders of a download: one that is gone afterwards whatever happens, and those that it made for itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

from ...context.shared.locks import lock, open_for_lock

_TEMPORARY = ".pull-"


@contextlib.contextmanager
def made_folder(directory: Path) -> Generator[None]:
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


def sweep_downloads(directory: Path) -> None:
    """Remove what killed downloads left in the models folder. Never raises."""
    with contextlib.suppress(OSError):
        for old in list(directory.glob(f"{_TEMPORARY}*")):
            _remove_unless_locked(old)


@contextlib.contextmanager
def temporary_folder(directory: Path) -> Generator[Path]:
    """A folder on the models folder's own file system that is gone afterwards, whatever happens.

    It is locked while it is used; one that nobody locks was left by a killed download and is removed.
    """
    sweep_downloads(directory)
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


def sync_folder(folder: Path) -> None:
    """Have the system write what was moved into a folder to the disk."""
    if sys.platform == "win32":
        return  # folders cannot be opened there
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
