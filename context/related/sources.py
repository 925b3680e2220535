"""What there is beside the current file that related code may come from. Values and interfaces only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import attrs

from ..syntax.snapshot import Snapshot
from ..workspace.symbols import Symbol


@attrs.frozen
class OpenFile:
    """Another open document, and where its cursor was last."""

    snapshot: Snapshot
    offset: int = 0


@attrs.frozen
class RecentEdit:
    """A place in another file that was edited a short time ago: its lines as they are now."""

    path: str
    text: str
    line: int = 1


class SymbolIndex(Protocol):
    """What files define; an `Index` says it."""

    def find(self, name: str) -> tuple[Symbol, ...]:
        """The definitions of a name."""
        ...

    def symbols_in(self, path: str) -> tuple[Symbol, ...]:
        """The definitions in a file."""
        ...


class NoSymbols:
    """Says that nothing is defined anywhere."""

    def find(self, name: str) -> tuple[Symbol, ...]:
        """See `SymbolIndex`."""
        del name
        return ()

    def symbols_in(self, path: str) -> tuple[Symbol, ...]:
        """See `SymbolIndex`."""
        del path
        return ()


def _no_text(_path: str) -> str | None:
    return None


@attrs.frozen
class Sources:
    """What there is beside the current file.

    Attributes:
        open_files: other open documents, most recently visited first.
        edits: recent edits in other files, newest first.
        index: what the workspace defines.
        paths: the workspace's files, relative to it.
        read: a file's text, or None where it may not or can't be read.
    """

    open_files: Sequence[OpenFile] = ()
    edits: Sequence[RecentEdit] = ()
    index: SymbolIndex = attrs.field(factory=NoSymbols)
    paths: Sequence[str] = ()
    read: Callable[[str], str | None] = _no_text
