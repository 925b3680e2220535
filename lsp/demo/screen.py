"""How the demo looks: an editor's window with ghost text in a terminal, one line an event in a pipe.

Draws values; knows nothing of servers and decides nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import Protocol

import attrs
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

_HEIGHT = 18
_GHOST = "italic grey58"
_CURSOR = "reverse"


@attrs.frozen
class ScreenFrame:
    """What is to be seen at one moment.

    Attributes:
        text: the document.
        offset: the cursor, in code points.
        ghost: the suggestion shown at the cursor, "" for none.
        replaced: code points right of the cursor that the suggestion replaces.
        latency_ms: how long the answer took; None before the first.
        accepted: the ghost text was just accepted.
        model: the model's name.
        keys: keys typed so far.
        accepted_characters: code points that came from suggestions so far.
    """

    text: str
    offset: int
    ghost: str = ""
    replaced: int = 0
    latency_ms: float | None = None
    accepted: bool = False
    model: str = ""
    keys: int = 0
    accepted_characters: int = 0


class Screen(Protocol):
    """Something that shows frames."""

    def show(self, frame: ScreenFrame) -> None:
        """Show one."""
        ...

    def __enter__(self) -> Screen: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class LiveScreen:
    """A window that is drawn anew with every frame."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=False)

    def __enter__(self) -> LiveScreen:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, frame: ScreenFrame) -> None:
        """Draw the window."""
        self._live.update(_window(frame), refresh=True)


class PlainLines:
    """One line for each suggestion that is new and for each acceptance.

    Its state: what the document would be with the last suggestion accepted. Typing through a suggestion
    does not change that, and prints nothing.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._promised = ""

    def __enter__(self) -> PlainLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, frame: ScreenFrame) -> None:
        """Print what is new."""
        line = frame.text[frame.text.rfind("\n", 0, frame.offset) + 1 : frame.offset].lstrip()
        if frame.accepted:
            self._console.print(f"{'Tab':>8}      {line}", markup=False, highlight=False, soft_wrap=True)
            return
        promised = promise(frame)
        if frame.ghost and frame.latency_ms is not None and promised != self._promised:
            self._promised = promised
            ghost = frame.ghost.replace("\n", "⏎")
            said = f"{frame.latency_ms:8.1f} ms   {line}⟨{ghost}⟩"
            self._console.print(said, markup=False, highlight=False, soft_wrap=True)


def promise(frame: ScreenFrame) -> str:
    """What the document would be with the suggestion accepted: the same while it is typed through."""
    return frame.text[: frame.offset] + frame.ghost + frame.text[frame.offset + frame.replaced :]


def _window(frame: ScreenFrame) -> RenderableType:
    """The editor's window around the cursor, and a line of figures below it."""
    before = frame.text[: frame.offset]
    code = Syntax("", "python", theme="ansi_dark", background_color="default").highlight(frame.text)
    code.truncate(len(frame.text))
    shown = code[: frame.offset]
    rest = code[min(frame.offset + frame.replaced, len(code)) :]
    if frame.ghost:
        shown.append(frame.ghost[:1], style=f"{_GHOST} {_CURSOR}")
        shown.append(frame.ghost[1:], style=_GHOST)
    else:
        shown.append(" ", style=_CURSOR)
    shown.append_text(rest)
    lines = shown.split("\n", allow_blank=True)
    cursor = before.count("\n")
    first = max(0, min(cursor - _HEIGHT * 2 // 3, len(lines) - _HEIGHT))
    body = Text("\n").join(lines[first : first + _HEIGHT])
    body.no_wrap = True
    body.overflow = "ellipsis"
    return Group(Panel(body, title="basket.py", title_align="left", border_style="grey50"), figures(frame))


def figures(frame: ScreenFrame) -> Text:
    """The line below the window."""
    line = Text(no_wrap=True, overflow="ellipsis")
    if frame.latency_ms is not None:
        line.append(f" {frame.latency_ms:.0f} ms ", style="bold black on green")
    line.append(
        f"  {frame.keys} keys typed, {frame.accepted_characters} characters accepted", style="default"
    )
    if frame.model:
        line.append(f"  {frame.model}", style="grey50")
    return line


def save_svg(frame: ScreenFrame, path: Path) -> None:
    """A picture of one frame. Raises OSError."""
    import io

    console = Console(
        record=True, width=84, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(_window(frame))
    # The picture is looked at offline as well: no font is fetched for it.
    picture = re.sub(r",\s*url\([^)]*\) format\([^)]*\)", "", console.export_svg(title="foretype"))
    path.write_text(picture, encoding="utf-8")
