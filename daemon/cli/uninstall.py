"""`foretype uninstall`: what foretype keeps on this machine, shown and removed, but for the program itself.

Removes folders that carry foretype's name, and nothing else: files in the caches that other programs share
stay, and so does what editors were told (`foretype setup EDITOR --undo` takes that back).
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import click

from ...context.shared import paths
from ...context.shared.problem import DaemonProblem, Problem
from ..process.home import DaemonHome

MODELS = "models"
"""The folder of models among the user's data."""


def kept_here(*, keep_models: bool) -> list[Path]:
    """The folders and files that foretype made on this machine, each once, those inside another left out."""
    data = paths.data_dir()
    found = [paths.config_file().parent, paths.cache_dir(), paths.log_dir(), DaemonHome().directory]
    found += [each for each in _inside(data) if each.name != MODELS] if keep_models else [data]
    there = [path for path in dict.fromkeys(found) if path.exists() or path.is_symlink()]
    if keep_models:
        there = [path for path in there if not (data / MODELS).is_relative_to(path)]
    return [path for path in there if not any(other in path.parents for other in there)]


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def size_bytes(path: Path) -> int:
    """What a folder takes; links in it count nothing."""
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else (path,)
    return sum(file.lstat().st_size for file in files if file.is_file() and not file.is_symlink())


def remove_all(found: list[Path]) -> None:
    """Remove them. A link is removed, not what it leads to.

    Raises:
        Problem: something cannot be removed.
    """
    for path in found:
        try:
            if path.is_symlink() or path.is_file():
                path.unlink()
            else:
                shutil.rmtree(path)
        except OSError as error:
            raise Problem(f"{error.filename or path} cannot be removed ({error.strerror}).") from error


@click.command()
@click.option("--keep-models", is_flag=True, help="Leave the models; they can be large to download again.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def uninstall(keep_models: bool, yes: bool) -> None:
    """Remove all that foretype keeps on this machine: models, caches, counts, logs and settings.

    Shows what that is, and asks. The program itself is removed by what installed it.
    """
    from ..client.client import DaemonClient
    from .doctor import in_bytes

    found = kept_here(keep_models=keep_models)
    for path in found:
        click.echo(f"{in_bytes(size_bytes(path)):>10}  {path}")
    if found and not yes:
        click.confirm("Remove this?", abort=True)
    try:
        asyncio.run(DaemonClient(DaemonHome(), name="foretype uninstall").stop())
    except DaemonProblem as problem:
        click.echo(f"foretype: warning: {problem}", err=True)
    remove_all([path for path in found if path.exists() or path.is_symlink()])
    said = "It is gone." if found else "There is nothing of it here."
    click.echo(
        f"{said} 'pipx uninstall foretype', 'uv tool uninstall foretype' or 'pip uninstall foretype' removes "
        "the program."
    )
