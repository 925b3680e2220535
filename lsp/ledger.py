"""What became of each suggestion: shown, accepted, accepted in part, dismissed or passed over.

One suggestion per document is open at a time. It is settled by the user's acceptance or dismissal, by
the next suggestion, or when the document closes. Pure bookkeeping: counts and times, never code.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

import attrs


class Fate(enum.StrEnum):
    """How a suggestion ended."""

    ACCEPTED = "accepted"
    PARTLY = "partly"
    DISMISSED = "dismissed"
    IGNORED = "ignored"


@attrs.frozen
class Settled:
    """A suggestion whose fate is known.

    Attributes:
        language: of its document.
        fate: see `Fate`.
        characters: code points when it was first answered.
        accepted: how many of those were accepted.
        shown: the editor reported that it drew it.
        latency_ms: time in ms until it was first answered.
    """

    language: str
    fate: Fate
    characters: int
    accepted: int
    shown: bool
    latency_ms: float


@attrs.frozen
class _Open:
    id: str
    language: str
    characters: int
    latency_ms: float
    accepted: int = 0
    shown: bool = False

    def settled(self, fate: Fate) -> Settled:
        return Settled(self.language, fate, self.characters, self.accepted, self.shown, self.latency_ms)


class Ledger:
    """Its state: the open suggestion of each document."""

    def __init__(self, on_settled: Callable[[Settled], None]) -> None:
        self._on_settled = on_settled
        self._open: dict[str, _Open] = {}

    def answered(self, uri: str, name: str, language: str, characters: int, latency_ms: float) -> None:
        """A suggestion was answered. The same one again, typed through, changes nothing."""
        current = self._open.get(uri)
        if current is not None and current.id == name:
            return
        self.closed(uri)
        self._open[uri] = _Open(name, language, characters, latency_ms)

    def shown(self, name: str) -> None:
        """The editor drew it."""
        self._change(name, lambda one: attrs.evolve(one, shown=True))

    def partly(self, name: str, characters: int) -> None:
        """The user accepted so many code points of it so far."""
        self._change(
            name,
            lambda one: attrs.evolve(
                one, shown=True, accepted=max(one.accepted, min(characters, one.characters))
            ),
        )

    def accepted(self, name: str) -> None:
        """The user accepted all of it."""
        self._change(name, lambda one: attrs.evolve(one, shown=True, accepted=one.characters))
        self._settle(name, Fate.ACCEPTED)

    def dismissed(self, name: str) -> None:
        """The user did not want it."""
        self._settle(name, Fate.DISMISSED)

    def closed(self, uri: str) -> None:
        """Nothing more will be heard of the document's suggestion."""
        current = self._open.pop(uri, None)
        if current is not None:
            self._on_settled(current.settled(Fate.PARTLY if current.accepted else Fate.IGNORED))

    def close_all(self) -> None:
        """The editor leaves."""
        for uri in tuple(self._open):
            self.closed(uri)

    def _change(self, name: str, change: Callable[[_Open], _Open]) -> None:
        for uri, one in self._open.items():
            if one.id == name:
                self._open[uri] = change(one)
                return

    def _settle(self, name: str, fate: Fate) -> None:
        for uri, one in tuple(self._open.items()):
            if one.id == name:
                del self._open[uri]
                self._on_settled(one.settled(fate))
