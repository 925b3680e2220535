"""Carries out what somebody does (`scenarios`) at a language server, and keeps what stood on the screen.

Nothing is judged here. Time is the event loop's, so it runs in real time and in virtual time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
from foretype.lsp.replay.place import Place
from foretype.lsp.replay.screen import EditorScreen
from foretype.lsp.replay.typist import ReplayTypist, TypingClient
from foretype.tests.live.scenarios import LOOKS_S, Act, Close, Open, Other, Point, Rest, Type, Visit

_LARGEST = 60_000


@attrs.frozen
class Seen:
    """The screen at one moment.

    Attributes:
        after_s: seconds since the last key.
        line: the cursor's line if the suggestion were accepted; None when there is none.
        ghost: the suggestion's text.
        replaces: code points right of the cursor that it replaces.
        name: the suggestion's id.
    """

    after_s: float
    line: str | None = None
    ghost: str = ""
    replaces: int = 0
    name: str = ""


@attrs.frozen
class Played:
    """What came of a place. Times in ms where the name says so, else in seconds.

    Attributes:
        text, offset: the document and the cursor after the last key.
        seen: the screen after the last key, in order of time.
        answer_ms: from each key of the place to its answer, for those that came before the next key.
        first_shown_s: from the first key of the place to the first suggestion; None: never one.
        suggestions: how many stood there, from the first key on.
        replaced: those that a better one took the place of while they stood there.
        appeared: suggestions that came unasked where nothing stood.
        processor_s: processor time of all processes, from the opening to the last look.
    """

    text: str
    offset: int
    seen: tuple[Seen, ...]
    answer_ms: tuple[float, ...] = ()
    first_shown_s: float | None = None
    suggestions: int = 0
    replaced: int = 0
    appeared: int = 0
    processor_s: float = 0.0


@attrs.define
class CountedScreen(EditorScreen):
    """A screen that counts its suggestions: whatever is neither what is left of one nor more of it."""

    suggestions: int = 0

    def take(self, items: list[dict[str, Any]], *, better: str | None = None) -> None:
        """An answer about the text as it is now."""
        before = self.ghost
        super().take(items, better=better)
        now = self.ghost
        if now is not None and (before is None or not now.text.startswith(before.text)):
            self.suggestions += 1


async def play(
    client: TypingClient, place: Place, acts: Sequence[Act], processor_s: Callable[[], float]
) -> Played:
    """Do it, and look at the screen after the last key."""
    before = processor_s()
    uri = place.path.as_uri()
    screen = CountedScreen(place.text, place.offset)
    typist = ReplayTypist(client, uri, screen)
    began = 0.0
    for act in acts:
        match act:
            case Open(text, offset):
                client.open(uri, text, place.language)
                screen = CountedScreen(text, offset)
                typist = ReplayTypist(client, uri, screen)
                say_focus(typist)
            case Close():
                client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
            case Point(offset):  # a typist of its own: what is still to come is about the other place
                screen = CountedScreen(screen.text, offset)
                typist = ReplayTypist(client, uri, screen, typist.version)
                say_focus(typist)
            case Visit(path, text):
                client.open(path.as_uri(), text, place.language)
                say_focus(ReplayTypist(client, path.as_uri(), EditorScreen(text, len(text) // 2)))
            case Rest(seconds):
                await typist.wait(seconds)
            case Type(keys, pauses):
                began, screen.suggestions = asyncio.get_running_loop().time(), 0
                for key, pause in zip(keys, (0.0, *pauses), strict=True):
                    await typist.wait(pause)
                    typist.press(key)
    seen = await _looks(typist)
    shown = typist.first_shown
    return Played(
        screen.text,
        screen.offset,
        seen,
        tuple(typist.answer_ms),
        None if shown is None else shown - began,
        screen.suggestions,
        screen.replaced,
        screen.appeared,
        processor_s() - before,
    )


async def _looks(typist: ReplayTypist) -> tuple[Seen, ...]:
    seen: list[Seen] = []
    waited = 0.0
    for after in LOOKS_S:
        await typist.wait(after - waited)
        waited = after
        seen.append(look(typist.screen, after))
    return tuple(seen)


def look(screen: EditorScreen, after_s: float) -> Seen:
    """What stands on a screen."""
    ghost = screen.ghost
    if ghost is None:
        return Seen(after_s)
    return Seen(after_s, screen.line(), ghost.text, ghost.replaces, ghost.name)


def say_focus(typist: ReplayTypist) -> None:
    """The editor tells where the cursor rests."""
    document = {"textDocument": {"uri": typist.uri}, "position": typist.position()}
    typist.client.notify("textDocument/didFocus", document)


def other_file(place: Place) -> Other | None:
    """The file of the workspace next to the place's: in its folder if there is one, by name."""
    for folder in (place.path.parent, place.root):
        if not folder.is_dir():
            continue
        found = (
            folder.glob(f"*{place.path.suffix}")
            if folder != place.root
            else folder.rglob(f"*{place.path.suffix}")
        )
        for path in sorted(found):
            if path != place.path and 0 < path.stat().st_size <= _LARGEST:
                return path, _text(path)
    return None


def _text(path: Path) -> str:
    return path.read_text("utf-8", errors="replace").replace("\r\n", "\n")
