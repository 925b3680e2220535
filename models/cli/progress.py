"""How a download looks: a progress bar in a terminal, one plain line per step in a pipe."""

from __future__ import annotations

import types

import click
import rich.progress
from rich.console import Console
from rich.table import Column

from ..library.catalogue import size_text


class BarProgress:
    """A progress bar on a terminal; a step whose size is unknown pulses. Use it as a context manager."""

    def __init__(self, console: Console) -> None:
        text = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        self._bar = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}", table_column=text),
            rich.progress.BarColumn(bar_width=20),
            rich.progress.DownloadColumn(),
            rich.progress.TransferSpeedColumn(),
            rich.progress.TimeRemainingColumn(),
            console=console,
            expand=True,
            transient=True,
        )
        self._task: rich.progress.TaskID | None = None

    def __enter__(self) -> BarProgress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._bar.stop()

    def phase(self, text: str, total: int | None) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(text, total=total)

    def at(self, done: int) -> None:
        if self._task is not None:
            self._bar.update(self._task, completed=done)


class PlainProgress:
    """One line per step, for pipes and logs."""

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        return None

    def phase(self, text: str, total: int | None) -> None:
        click.echo(f"{text} ({size_text(total)}) …" if total else f"{text} …")

    def at(self, done: int) -> None:
        """Nothing: a line per chunk would drown the log."""


def progress() -> BarProgress | PlainProgress:
    """What fits the place that stdout goes to."""
    console = Console()
    return BarProgress(console) if console.is_terminal else PlainProgress()
